"""Servers of a certain kind, each a set of rules: what many a mailer meets one day.

A persona is played by `SMTPServer.play`. Texts are those of real servers, which the
docstrings name. A persona refuses only what the server would accept: a recipient that
is refused for another reason, such as a missing login, gets the usual reply.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Literal

from pytest_smtpserver.mail.search.matching import matches_address
from pytest_smtpserver.protocol.syntax.replies import Reply
from pytest_smtpserver.script.conditions import Conditions
from pytest_smtpserver.script.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.script.event import Event


class Persona:
    """A set of rules with a name.

    What the rules remember, such as who was seen before, begins anew each time that the
    persona is played.

    Args:
        name: what made it, for transcripts and messages.
        make: makes its rules.
        needs: what the server has to have, ``"tls"`` or ``"auth"``, and for what.
    """

    __slots__ = ("_make", "name", "needs")

    def __init__(
        self,
        name: str,
        make: Callable[[], list[Rule]],
        needs: Mapping[str, str] | None = None,
    ) -> None:
        self.name: str = name
        self.needs: Mapping[str, str] = needs or {}
        self._make = make

    def rules(self) -> list[Rule]:
        """Fresh rules."""
        return self._make()

    def __repr__(self) -> str:
        return f"personas.{self.name}"


def greylisting(tries: int = 1) -> Persona:
    """Turn a stranger away at first, and let it in when it tries again.

    The first `tries` attempts of each triple of client address, reverse-path and
    forward-path, in any case, get ``451 4.7.1``; the next one is accepted, and so are
    all after it (RFC 6647). The text is that of milter-greylist.

    Args:
        tries: how many attempts are turned away, at least 1.

    Raises:
        TypeError: `tries` is no int.
        ValueError: `tries` is not positive.
    """
    _check_count("greylisting", "tries", tries)

    def make() -> list[Rule]:
        seen: Counter[tuple[str, str, str]] = Counter()

        def is_too_early(event: Event) -> bool:
            if not would_be_accepted(event) or event.envelope is None:
                return False
            sender, recipient = event.envelope.mail_from, _address(event)
            triple = (client_of(event), sender.lower(), recipient.lower())
            seen[triple] += 1
            return seen[triple] <= tries

        text = "4.7.1 Greylisting in action, please come back later"
        return [rule("RCPT", where=is_too_early).reply(451, text)]

    return Persona(f"greylisting(tries={tries})", make)


def rate_limit(
    messages: int, *, per: Literal["connection", "recipient"] = "connection"
) -> Persona:
    """Take so many messages and no more.

    The texts are those of Exim and Gmail.

    Args:
        messages: how many, at least 1. Messages that were refused do not count.
        per: ``"connection"``: the MAIL after `messages` messages gets ``421 4.7.0``, and
            the connection is closed; a new one begins to count anew.
            ``"recipient"``: the RCPT for a recipient who was sent `messages` messages,
            on whatever connection, gets ``450 4.2.1``.

    Raises:
        TypeError: `messages` is no int.
        ValueError: `messages` is not positive, or there is no such `per`.
    """
    _check_count("rate_limit", "messages", messages)
    if per not in ("connection", "recipient"):
        raise ValueError(f"rate_limit: per is 'connection' or 'recipient', not {per!r}")

    def make_for_recipients() -> list[Rule]:
        deliveries = _Deliveries()

        def is_over(event: Event) -> bool:
            sent = deliveries.to(_address(event), event.session)
            return sent >= messages and would_be_accepted(event)

        text = (
            "4.2.1 The user you are trying to contact is receiving mail too quickly. "
            "Please resend your message at a later time."
        )
        return [rule("RCPT", where=is_over).reply(450, text)]

    return Persona(
        f"rate_limit({messages}, per={per!r})",
        (lambda: _stop_after(messages)) if per == "connection" else make_for_recipients,
    )


def full_mailbox(*recipients: Any, permanent: bool = False) -> Persona:
    """Have no room for these recipients, or for anybody.

    The text is that of Dovecot's LMTP server.

    Args:
        recipients: addresses, or what else a rule can match them with; all when none
            is given.
        permanent: ``552 5.2.2`` in place of ``452 4.2.2``.

    Raises:
        TypeError: a list was given in place of its items, or `permanent` is no bool.
    """
    for recipient in recipients:
        if isinstance(recipient, (list, tuple, set, frozenset, dict)):
            raise TypeError(
                "full_mailbox: recipients are given one by one, as full_mailbox("
                f"'ada@example.org', 'bob@example.org'), not {recipient!r}"
            )
    if not isinstance(permanent, bool):
        raise TypeError(f"full_mailbox: permanent is True or False, not {permanent!r}")
    code, enhanced = (552, "5.2.2") if permanent else (452, "4.2.2")
    text = f"{enhanced} <{{address}}> Quota exceeded (mailbox for user is full)"

    def make() -> list[Rule]:
        return [
            rule("RCPT", recipient, where=would_be_accepted).call(saying(code, text))
            for recipient in recipients or (None,)
        ]

    shown = [repr(recipient) for recipient in recipients]
    shown += ["permanent=True"] * permanent
    return Persona(f"full_mailbox({', '.join(shown)})", make)


def unknown_users(known: Collection[Any]) -> Persona:
    """Know these users and nobody else, who gets ``550 5.1.1``.

    The text is that of Postfix.

    Args:
        known: addresses, or what else a rule can match them with; none of them for a
            server that knows nobody.

    Raises:
        TypeError: it is no collection, or one str alone.
    """
    if isinstance(known, (str, bytes)) or not isinstance(known, Collection):
        raise TypeError(
            "unknown_users: known is a list of addresses, such as "
            f"['ada@example.org'], not {known!r}"
        )
    listed = tuple(known)
    text = (
        "5.1.1 <{address}>: Recipient address rejected: User unknown in local "
        "recipient table"
    )

    def make() -> list[Rule]:
        def is_unknown(address: str) -> bool:
            return not any(matches_address(one, address) for one in listed)

        chosen = rule("RCPT", is_unknown, where=would_be_accepted)
        return [chosen.call(saying(550, text))]

    return Persona(f"unknown_users({reprlib.repr(list(listed))})", make)


def tarpit(seconds: float) -> Persona:
    """Let the client wait for the greeting and for each reply.

    Personas that are played later have their say after the wait. Where a rule of the
    test's own, or a persona that was played earlier, has something to do, there is none.

    Args:
        seconds: how long, each time; at least 0.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, or no finite number.
    """
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"tarpit: seconds is a number, not {seconds!r}")
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"tarpit: seconds is a number of at least 0, not {seconds!r}")

    def make() -> list[Rule]:
        waits = [rule(event) for event in ("CONNECT", "*", "RESPONSE")]
        waits += [rule(event, where=_has_a_reply_of_its_own) for event in _MOMENTS]
        return [one.delay(seconds) for one in waits]

    return Persona(f"tarpit({seconds:g})", make)


def one_message_per_connection() -> Persona:
    """Take one message, and close the connection at the next MAIL with ``421 4.7.0``.

    The text is that of Exim.
    """
    return Persona("one_message_per_connection()", lambda: _stop_after(1))


def blocklisted(blocklist: str = "blocklist.example.org") -> Persona:
    """Refuse the client for its address, with ``554 5.7.1`` for a greeting.

    After that everything but QUIT gets 503 (RFC 5321 §3.1). The text is that of
    Postfix, for ``reject_rbl_client``.

    Args:
        blocklist: the name of the list that the client is said to be on.

    Raises:
        TypeError: it is no str.
        ValueError: it is empty, or has control characters.
    """
    if not isinstance(blocklist, str):
        raise TypeError(f"blocklisted: blocklist is a str, not {blocklist!r}")
    if not blocklist or not blocklist.isprintable():
        raise ValueError(
            "blocklisted: blocklist is a name without control characters, not "
            f"{blocklist!r}"
        )

    def make() -> list[Rule]:
        text = (
            "5.7.1 Service unavailable; Client host [{client}] blocked using "
            + blocklist.replace("{", "{{").replace("}", "}}")
        )
        return [rule("CONNECT", where=would_be_accepted).call(saying(554, text))]

    return Persona(f"blocklisted({blocklist!r})", make)


# For personas, here and elsewhere


def rule(event: str, match: object = None, **criteria: Any) -> Rule:
    """A rule that belongs to no server yet."""
    return Rule(event, Conditions(event, match, criteria), "a persona")


def saying(code: int, *lines: str) -> Callable[[Event], Reply]:
    """A handler that replies with these lines, what `facts` knows filled in."""

    def reply(event: Event) -> Reply:
        known = facts(event)
        return Reply(code, *(line.format(**known) for line in lines))

    return reply


def facts(event: Event) -> dict[str, str]:
    """What a text may have in braces: client, user, sender, address and line."""
    sender = "" if event.envelope is None else event.envelope.mail_from
    return {
        "client": client_of(event),
        "address": _address(event),
        "sender": sender,
        "user": str(event.session.user or sender),
        "line": "" if event.given_command is None else str(event.given_command),
    }


def client_of(event: Event) -> str:
    """The client's address; over a Unix socket that of this machine, as Postfix says."""
    return event.session.remote_address[0] or "127.0.0.1"


def would_be_accepted(event: Event) -> bool:
    """The server would give a positive reply."""
    return event.proposed is not None and event.proposed.is_positive


class _Deliveries:
    """How many messages recipients were sent, on all connections."""

    def __init__(self) -> None:
        self._sent: Counter[str] = Counter()
        #: Sessions that may go on, and how many of their messages are counted.
        self._counted: dict[str, tuple[SessionRecord, int]] = {}

    def to(self, address: str, session: SessionRecord) -> int:
        """Messages to the address so far; the session is watched from now on."""
        self._counted.setdefault(session.id, (session, 0))
        for key, (one, counted) in list(self._counted.items()):
            is_open = one.is_open  # before the messages: there are no more after it
            messages = one.messages[counted:]
            for message in messages:
                self._sent.update({to.lower() for to in message.envelope.rcpt_to})
            self._counted[key] = (one, counted + len(messages))
            if not is_open:
                del self._counted[key]
        return self._sent[address.lower()]


def _stop_after(messages: int) -> list[Rule]:
    def is_over(event: Event) -> bool:
        return len(event.session.messages) >= messages and would_be_accepted(event)

    text = "4.7.0 too many messages in this connection"
    return [rule("MAIL", where=is_over).reply(421, text)]


#: Moments that a reply follows, which may be the one to a command.
_MOMENTS = ("CREDENTIALS", "MESSAGE")


def _has_a_reply_of_its_own(event: Event) -> bool:
    """The reply is not the one to an AUTH or BDAT, which has waited already."""
    if event.name == "CREDENTIALS":
        return event.given_command is None
    if event.name != "MESSAGE" or not event.message.chunks:
        return True
    first = event.message.envelope.rcpt_to[:1]
    return event.recipient is not None and event.recipient is not first[0]


def _address(event: Event) -> str:
    return event.address if event.name in ("MAIL", "RCPT") else ""


def _check_count(persona: str, name: str, value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{persona}: {name} is a whole number, not {value!r}")
    if value < 1:
        raise ValueError(f"{persona}: {name} is at least 1, not {value}")
