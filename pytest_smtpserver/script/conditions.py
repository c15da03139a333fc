"""When a rule applies: its match and its criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_smtpserver.mail.search.criteria import NAMES as MESSAGE_NAMES
from pytest_smtpserver.mail.search.criteria import (
    Criteria,
    Criterion,
    EnvelopeAndHeader,
)
from pytest_smtpserver.mail.search.hints import bare_address, hint
from pytest_smtpserver.mail.search.matching import matches, matches_address, matches_any
from pytest_smtpserver.mail.words import CRITERIA, RULE_CRITERIA
from pytest_smtpserver.protocol.display import shortened, show
from pytest_smtpserver.protocol.naming import unknown_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .event import Event

#: How many characters of a value an explanation shows.
_LONGEST = 72


def _sender(event: Event) -> str | None:
    """The reverse-path, this command's included."""
    if event.name == "MAIL":
        return event.address
    return None if event.envelope is None else event.envelope.mail_from


def _recipients(event: Event) -> list[str]:
    """The recipients so far, this command's included."""
    envelope = event.envelope
    recipients = [] if envelope is None else [str(one) for one in envelope.rcpt_to]
    return [*recipients, event.address] if event.name == "RCPT" else recipients


def _if_any(match: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda wanted, got: got is not None and match(wanted, got)


_CRITERIA = {
    "mail_from": Criterion(_sender, _if_any(matches_address)),
    "rcpt_to": Criterion(
        _recipients, lambda wanted, got: matches_any(wanted, got, matches_address)
    ),
    "user": Criterion(lambda event: event.session.user, matches),
    "helo": Criterion(lambda event: event.session.helo, _if_any(matches)),
    "tls": Criterion(
        lambda event: event.session.tls is not None, lambda wanted, got: wanted is got
    ),
    "where": Criterion(lambda event: event, lambda wanted, got: bool(wanted(got))),
}
#: The criteria of a rule at any event.
RULE_NAMES = tuple(_CRITERIA)


class RuleCriteria(EnvelopeAndHeader, total=False):
    """The criteria of rules, for type checkers; those of messages at ``"MESSAGE"``."""

    user: Any
    helo: Any
    tls: bool
    where: Callable[[Event], object]


class Conditions:
    """The match and the criteria of one rule.

    Raises:
        TypeError: there is no such criterion, ``where`` is no callable, ``tls`` neither
            true nor false, or the match a list or its like.
        ValueError: the match is a str that no address is equal to.
    """

    __slots__ = ("_message", "given", "match")

    def __init__(self, name: str, match: object, given: Mapping[str, Any]) -> None:
        self.match: object = match
        self.given: dict[str, Any] = dict(given)
        allowed: tuple[str, ...] = RULE_NAMES
        if name == "MESSAGE":
            allowed = (*RULE_NAMES, *(n for n in MESSAGE_NAMES if n not in RULE_NAMES))
        words = CRITERIA if name == "MESSAGE" else RULE_CRITERIA
        for criterion in given:
            if criterion not in allowed:
                noun = f"criterion for {name!r}"
                raise TypeError(unknown_name(noun, criterion, allowed, words))
        if name in ("MAIL", "RCPT") and match == "<>":
            raise ValueError(f"the null reverse-path is '': on({name!r}, '')")
        if name in ("MAIL", "RCPT") and (bare := bare_address(match)):
            raise ValueError(
                f"{name} is matched against the bare address, which {match!r} never is: "
                f"on({name!r}, {bare!r})"
            )
        if isinstance(match, (list, tuple, set, frozenset, dict)):
            raise TypeError(
                f"match is compared with one str, and {match!r} is never equal to it: "
                "make a rule for each, or give a function, such as "
                f"{match!r}.__contains__"
            )
        if not isinstance(given.get("tls", True), bool):
            raise TypeError(f"tls is True or False, not {given['tls']!r}")
        where = given.get("where")
        if where is not None and not callable(where):
            raise TypeError(
                f"where is a function that is called with the event; got {where!r}"
            )
        message = Criteria(
            {key: value for key, value in given.items() if key not in RULE_NAMES}
        )
        #: One for each name: `miss` stops at the first that is not met.
        self._message = [Criteria({key: one}) for key, one in message.given.items()]

    def miss(self, event: Event) -> str | None:
        """Why the rule does not apply to the event; None when it does."""
        if self.match is not None:
            subject = subject_of(event)
            if not self._matches(event, subject):
                addresses = event.name in ("MAIL", "RCPT", "MESSAGE")
                found = hint(self.match, [subject], addresses=addresses)
                return f"{event.name} {subject!r}{f' ({found})' if found else ''}"
        for name, wanted in self.given.items():
            criterion = _CRITERIA.get(name)
            if criterion is not None:
                got = criterion.read(event)
                if not criterion.match(wanted, got):
                    return f"{event.name} {_told(name, got)}"
        if event.given_message is not None:
            for message_criterion in self._message:
                for unmet in message_criterion.differences(event.given_message):
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
    command = event.given_command
    if event.name in ("CONNECT", "CLOSE"):
        return event.session.remote_address[0]
    if event.name == "SECURE":
        tls = event.session.tls
        return None if tls is None else tls.server_name
    if event.name == "CREDENTIALS":
        return None if event.given_auth is None else event.given_auth.username
    if event.name == "MESSAGE":
        return event.recipient
    if command is None:
        return None
    if event.name == "AUTH":
        return command.words[0].upper()
    return command.argument if command.address is None else command.address


def _told(name: str, got: object) -> str:
    if name == "where":
        return "for which where was false"
    if name == "tls":
        return "with TLS" if got else "without TLS"
    return f"with {name} {_shown(got)}"


def _shown(value: object) -> str:
    return shortened(repr(value), _LONGEST)
