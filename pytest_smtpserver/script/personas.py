"""Servers of a certain kind, each a set of rules: what many a mailer meets one day.

A persona is played by `SMTPServer.play`. Texts are those of real servers; where one
kind of server is meant, the docstring names the source.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from pytest_smtpserver.mail.matching import matches_address
from pytest_smtpserver.protocol.replies import Reply

from .conditions import Conditions
from .rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .event import Event


class Persona:
    """A set of rules with a name.

    What the rules remember, such as who was seen before, begins anew each time that the
    persona is played.

    Args:
        name: what made it, for transcripts and messages.
        make: makes its rules.
    """

    __slots__ = ("_make", "name")

    def __init__(self, name: str, make: Callable[[], list[Rule]]) -> None:
        self.name = name
        self._make = make

    def rules(self) -> list[Rule]:
        """Fresh rules."""
        return self._make()

    def __repr__(self) -> str:
        return f"personas.{self.name}"


def greylisting(tries: int = 1) -> Persona:
    """Turn a stranger away at first, and let it in when it tries again.

    The first `tries` attempts of each triple of client address, reverse-path and
    forward-path get ``451 4.7.1``; the next one is accepted (RFC 6647 §2.2).

    Args:
        tries: how many attempts are turned away.

    Raises:
        ValueError: `tries` is not positive.
    """
    _at_least_one("tries", tries)

    def make() -> list[Rule]:
        seen: Counter[tuple[str, str, str]] = Counter()

        def is_too_early(event: Event) -> bool:
            if not _would_be_accepted(event) or event.envelope is None:
                return False
            client = event.session.remote_address[0]
            sender, recipient = event.envelope.mail_from, _address(event)
            triple = (client, sender.lower(), recipient.lower())
            seen[triple] += 1
            return seen[triple] <= tries

        text = "4.7.1 Greylisted, please try again later"
        return [rule("RCPT", where=is_too_early).reply(451, text)]

    return Persona(f"greylisting(tries={tries})", make)


def rate_limit(
    messages: int, *, per: Literal["connection", "recipient"] = "connection"
) -> Persona:
    """Take so many messages and no more.

    Args:
        messages: how many.
        per: ``"connection"``: the MAIL after `messages` messages gets ``421 4.7.0``, and
            the connection is closed; a new one begins to count anew.
            ``"recipient"``: a recipient that was accepted `messages` times gets
            ``450 4.2.1``, on whatever connection.

    Raises:
        ValueError: `messages` is not positive, or there is no such `per`.
    """
    _at_least_one("messages", messages)
    if per not in ("connection", "recipient"):
        raise ValueError(f"per is 'connection' or 'recipient', not {per!r}")

    def make_for_connections() -> list[Rule]:
        def is_over(event: Event) -> bool:
            return len(event.session.messages) >= messages

        text = "4.7.0 Too many messages on this connection, try again later"
        return [rule("MAIL", where=is_over).reply(421, text)]

    def make_for_recipients() -> list[Rule]:
        accepted: Counter[str] = Counter()

        def is_over(event: Event) -> bool:
            if not _would_be_accepted(event):
                return False
            accepted[_address(event).lower()] += 1
            return accepted[_address(event).lower()] > messages

        text = "4.2.1 The recipient is receiving mail too quickly, try again later"
        return [rule("RCPT", where=is_over).reply(450, text)]

    return Persona(
        f"rate_limit({messages}, per={per!r})",
        make_for_connections if per == "connection" else make_for_recipients,
    )


def full_mailbox(*recipients: Any, permanent: bool = False) -> Persona:
    """Have no room for these recipients, or for anybody.

    Args:
        recipients: addresses, or what else a rule can match them with; all when none
            is given.
        permanent: ``552 5.2.2`` in place of ``452 4.2.2``.
    """
    code, text = (552, "5.2.2") if permanent else (452, "4.2.2")

    def make() -> list[Rule]:
        made = [rule("RCPT", recipient) for recipient in recipients or (None,)]
        return [one.reply(code, f"{text} Mailbox full") for one in made]

    shown = [repr(recipient) for recipient in recipients]
    shown += ["permanent=True"] * permanent
    return Persona(f"full_mailbox({', '.join(shown)})", make)


def unknown_users(known: Collection[Any]) -> Persona:
    """Know these users and nobody else, who gets ``550 5.1.1``.

    Args:
        known: addresses, or what else a rule can match them with.

    Raises:
        TypeError: it is one str, and not a collection of them.
    """
    if isinstance(known, str):
        raise TypeError(f"known is a list of addresses, such as [{known!r}]")
    listed = tuple(known)

    def make() -> list[Rule]:
        def is_unknown(address: str) -> bool:
            return not any(matches_address(one, address) for one in listed)

        return [rule("RCPT", is_unknown).reply(550, "5.1.1 No such user here")]

    return Persona(f"unknown_users({list(listed)!r})", make)


def tarpit(seconds: float) -> Persona:
    """Let the client wait for the greeting and for each reply.

    Args:
        seconds: how long, each time.

    Raises:
        ValueError: the seconds are negative.
    """

    def make() -> list[Rule]:
        return [rule(event).delay(seconds) for event in ("CONNECT", "*", "MESSAGE")]

    make()  # complains about nonsense
    return Persona(f"tarpit({seconds:g})", make)


def one_message_per_connection() -> Persona:
    """Take one message, and close the connection at the next MAIL with ``421 4.7.0``."""

    def make() -> list[Rule]:
        def is_over(event: Event) -> bool:
            return bool(event.session.messages)

        text = "4.7.0 One message per connection, please connect again"
        return [rule("MAIL", where=is_over).reply(421, text)]

    return Persona("one_message_per_connection()", make)


def blocklisted(blocklist: str = "blocklist.example.org") -> Persona:
    """Refuse the client for its address, with ``554 5.7.1`` for a greeting.

    After that everything but QUIT gets 503 (RFC 5321 §3.1). The text is Postfix's, for
    ``reject_rbl_client``.

    Args:
        blocklist: the name of the list that the client is said to be on.
    """

    def make() -> list[Rule]:
        text = (
            "5.7.1 Service unavailable; Client host [{client}] blocked using "
            + blocklist.replace("{", "{{").replace("}", "}}")
        )
        return [rule("CONNECT").call(saying(554, text))]

    return Persona(f"blocklisted({blocklist!r})", make)


# For personas, here and elsewhere


def rule(event: str, match: object = None, **criteria: Any) -> Rule:
    """A rule that belongs to no server yet."""
    return Rule(event, Conditions(event, match, criteria), "a persona")


def saying(code: int, *lines: str) -> Callable[[Event], Reply]:
    """A handler that replies with the client and the address of the command filled in."""

    def reply(event: Event) -> Reply:
        facts = {"client": event.session.remote_address[0], "address": _address(event)}
        return Reply(code, *(line.format(**facts) for line in lines))

    return reply


def _address(event: Event) -> str:
    command = event.command
    if command is None or command.address is None:
        return event.recipient or ""
    return command.address


def _would_be_accepted(event: Event) -> bool:
    return event.proposed is not None and event.proposed.is_positive


def _at_least_one(name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} is at least 1, not {value}")
