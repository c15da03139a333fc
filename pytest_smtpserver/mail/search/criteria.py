"""Criteria: how a test describes the message that it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from pytest_smtpserver.mail.words import CRITERIA
from pytest_smtpserver.protocol.display import show
from pytest_smtpserver.protocol.naming import unknown_name

from .matching import matches, matches_address, matches_any, matches_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_smtpserver.mail.message import ReceivedMessage

#: The value of a criterion: a text, a pattern, a callable, anything with ``==``.
Match = Any


class EnvelopeAndHeader(TypedDict, total=False):
    """The criteria that messages and rules have in common, for type checkers."""

    mail_from: Match
    rcpt_to: Match
    from_: Match
    to: Match
    cc: Match
    reply_to: Match
    subject: Match
    text: Match
    html: Match
    headers: Mapping[str, Match]
    attachment: Match


class MessageCriteria(EnvelopeAndHeader, total=False):
    """The criteria of waits, `find` and asserts, for type checkers."""

    where: Callable[[ReceivedMessage], object]


class Difference(NamedTuple):
    """A criterion that a message does not meet."""

    name: str
    wanted: object
    got: object


def _addresses(read: Callable[[ReceivedMessage], Any]) -> Criterion:
    return Criterion(read, lambda w, g: matches_any(w, g, matches_address))


class Criterion(NamedTuple):
    """What is looked at of a message or an event, and how it is compared."""

    read: Callable[[Any], Any]
    match: Callable[[Any, Any], bool]


_CRITERIA: Mapping[str, Criterion] = {
    "mail_from": Criterion(lambda m: m.envelope.mail_from, matches_address),
    "rcpt_to": _addresses(lambda m: m.envelope.rcpt_to),
    "from_": Criterion(lambda m: m.from_, matches_address),
    "to": _addresses(lambda m: m.to),
    "cc": _addresses(lambda m: m.cc),
    "reply_to": _addresses(lambda m: m.reply_to),
    "subject": Criterion(lambda m: m.subject, matches),
    "attachment": Criterion(
        lambda m: [a.filename for a in m.attachments],
        lambda w, g: matches_any(w, g, matches),
    ),
    # These take longer, as they decode the body: they come last.
    "text": Criterion(lambda m: m.text, matches_text),
    "html": Criterion(lambda m: m.html, matches_text),
}
#: Every criterion of a message, in the order in which explanations name them.
NAMES = (*_CRITERIA, "headers", "where")


class Criteria:
    """Some criteria, all of which a message has to meet.

    Raises:
        TypeError: there is no criterion of a name, ``headers`` is no mapping, or
            ``where`` no callable.
    """

    __slots__ = ("given",)

    def __init__(self, given: Mapping[str, Any]) -> None:
        __tracebackhide__ = True  # the mistake is the caller's
        self.given: dict[str, Any] = {
            name: given[name] for name in NAMES if name in given
        }
        for name in given:
            if name not in NAMES:
                raise TypeError(unknown_name("criterion", name, NAMES, CRITERIA))
        headers = given.get("headers", {})
        if not hasattr(headers, "items"):
            raise TypeError(
                f"headers is a mapping of header names to what they must be, such as "
                f"headers={{'X-Tag': 'welcome'}}; got {headers!r}"
            )
        where = given.get("where")
        if where is not None and not callable(where):
            raise TypeError(
                f"where is a function that is called with the message; got {where!r}"
            )

    def __bool__(self) -> bool:
        return bool(self.given)

    def __repr__(self) -> str:
        return ", ".join(f"{name}={show(value)}" for name, value in self.given.items())

    def match(self, message: ReceivedMessage) -> bool:
        """Tell whether the message meets them all."""
        return not self._unmet(message, first=True)

    def matching(self, messages: Iterable[ReceivedMessage]) -> list[ReceivedMessage]:
        """Those that meet them all; none where a ``where=`` function raises."""
        try:
            return [message for message in messages if self.match(message)]
        except Exception:  # noqa: BLE001 - it was made for the messages of another server
            return []

    def differences(self, message: ReceivedMessage) -> list[Difference]:
        """The criteria that the message does not meet."""
        return self._unmet(message, first=False)

    def _unmet(self, message: ReceivedMessage, *, first: bool) -> list[Difference]:
        unmet: list[Difference] = []
        for name, wanted in self.given.items():
            if name == "headers":
                for field, value in wanted.items():
                    fields = message.headers.get_all(field)
                    if not matches_any(value, fields, matches):
                        unmet.append(Difference(f"header {field}", value, fields))
            elif name == "where":
                if not wanted(message):
                    unmet.append(Difference(name, wanted, False))
            else:
                criterion = _CRITERIA[name]
                got = criterion.read(message)
                if not criterion.match(wanted, got):
                    unmet.append(Difference(name, wanted, got))
            if first and unmet:
                break
        return unmet
