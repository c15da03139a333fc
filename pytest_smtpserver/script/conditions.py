"""When a rule applies: its match and its criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from pytest_smtpserver.mail.display import show, unknown_name
from pytest_smtpserver.mail.search.criteria import NAMES as MESSAGE_NAMES
from pytest_smtpserver.mail.search.criteria import Criteria
from pytest_smtpserver.mail.search.matching import matches, matches_address, matches_any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.mail.message import ReceivedMessage

    from .event import Event

#: The moments of a session; every other name of an event is a verb.
MOMENTS = (
    "CONNECT",
    "HANDSHAKE",
    "SECURE",
    "CREDENTIALS",
    "CONTENT",
    "MESSAGE",
    "CLOSE",
)
#: The criteria of a rule at any event.
RULE_NAMES = ("mail_from", "rcpt_to", "user", "helo", "tls", "where")
#: How many characters of a value an explanation shows.
_LONGEST = 72


class RuleCriteria(TypedDict, total=False):
    """The criteria of rules, for type checkers; those of messages at ``"MESSAGE"``."""

    mail_from: Any
    rcpt_to: Any
    user: Any
    helo: Any
    tls: bool
    where: Callable[[Event], object]
    from_: Any
    to: Any
    cc: Any
    reply_to: Any
    subject: Any
    text: Any
    html: Any
    headers: Mapping[str, Any]
    attachment: Any


class Conditions:
    """The match and the criteria of one rule.

    Raises:
        TypeError: there is no such criterion, ``where`` is no callable, or ``tls``
            neither true nor false.
    """

    __slots__ = ("_message", "given", "match")

    def __init__(self, name: str, match: object, given: Mapping[str, Any]) -> None:
        allowed: tuple[str, ...] = RULE_NAMES
        if name == "MESSAGE":
            allowed = (*RULE_NAMES, *(n for n in MESSAGE_NAMES if n not in RULE_NAMES))
        for criterion in given:
            if criterion not in allowed:
                raise TypeError(
                    unknown_name(f"criterion for {name!r}", criterion, allowed)
                )
        if not isinstance(given.get("tls", True), bool):
            raise TypeError(f"tls is True or False, not {given['tls']!r}")
        where = given.get("where")
        if where is not None and not callable(where):
            raise TypeError(
                f"where is a function that is called with the event; got {where!r}"
            )
        self.match = match
        self.given = dict(given)
        message = Criteria(
            {key: value for key, value in given.items() if key not in RULE_NAMES}
        )
        #: One by one, so that none is looked at behind one that is not met.
        self._message = [Criteria({key: one}) for key, one in message.given.items()]

    def miss(self, event: Event) -> str | None:
        """Why the rule does not apply to the event; None when it does."""
        if self.match is not None:
            subject = subject_of(event)
            if not self._matches(event, subject):
                return f"{event.name} {subject!r}"
        for name, wanted in self.given.items():
            if name in RULE_NAMES and not _meets(event, name, wanted):
                return f"{event.name} {_found(event, name)}"
        return None if event.message is None else self._unmet(event.message)

    def _unmet(self, message: ReceivedMessage) -> str | None:
        for criterion in self._message:
            for unmet in criterion.differences(message):
                return f"a message with {unmet.name} {_shown(unmet.got)}"
        return None

    def _matches(self, event: Event, subject: str | None) -> bool:
        if subject is None:
            return False
        wanted = self.match
        if event.name in ("MAIL", "RCPT", "MESSAGE"):
            return matches_address(wanted, subject)
        if event.name == "AUTH" and isinstance(wanted, str):
            return wanted.upper() == subject
        return matches(wanted, subject)

    def __repr__(self) -> str:
        parts = [] if self.match is None else [show(self.match)]
        parts += [f"{name}={show(value)}" for name, value in self.given.items()]
        return ", ".join(parts)


def subject_of(event: Event) -> str | None:
    """What `match` is tried against at this event."""
    command = event.command
    if event.name in ("CONNECT", "CLOSE"):
        return event.session.remote_address[0]
    if event.name == "SECURE":
        tls = event.session.tls
        return None if tls is None else tls.server_name
    if event.name == "CREDENTIALS":
        return None if event.auth is None else event.auth.username
    if event.name == "MESSAGE":
        return event.recipient
    if command is None:
        return None
    if event.name == "AUTH":
        return command.argument.partition(" ")[0].upper()
    return command.argument if command.address is None else command.address


def _found(event: Event, name: str) -> str:
    """What is there in place of what a criterion wants."""
    if name == "where":
        return "for which where was false"
    if name == "tls":
        return "with TLS" if event.session.tls is not None else "without TLS"
    if name in ("helo", "user"):
        return f"with {name} {getattr(event.session, name)!r}"
    if name == "mail_from":
        return f"with mail_from {_sender(event)!r}"
    return f"with rcpt_to {_shown(_recipients(event))}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _meets(event: Event, name: str, wanted: Any) -> bool:
    session = event.session
    if name == "where":
        return bool(wanted(event))
    if name == "tls":
        return bool(wanted) == (session.tls is not None)
    if name == "helo":
        return session.helo is not None and matches(wanted, session.helo)
    if name == "user":
        return matches(wanted, session.user)
    if name == "mail_from":
        sender = _sender(event)
        return sender is not None and matches_address(wanted, sender)
    return matches_any(wanted, _recipients(event), matches_address)


def _sender(event: Event) -> str | None:
    """The reverse-path, this command's included."""
    address = None if event.command is None else event.command.address
    if event.name == "MAIL" and address is not None:
        return address
    return None if event.envelope is None else event.envelope.mail_from


def _recipients(event: Event) -> list[str]:
    """The recipients so far, this command's included."""
    envelope = event.envelope
    recipients = [] if envelope is None else [str(one) for one in envelope.rcpt_to]
    if event.name == "RCPT" and event.command is not None:
        address = event.command.address
        recipients += [] if address is None else [address]
    return recipients
