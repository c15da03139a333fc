"""What clients did that is allowed and unwise. It never fails a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.mail.display import shown_command

from .violations import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord


class Advice(Finding):
    """What a client did that is allowed and unwise."""

    __slots__ = ()


def advice(sessions: Iterable[SessionRecord]) -> list[Advice]:
    """What one would tell the authors of these clients, in order."""
    found: list[Advice] = []
    for number, session in enumerate(sessions, 1):
        connection = f"connection {number}"
        found += _useless_commands(session, connection)
        for index, message in enumerate(list(session.messages), 1):
            found += _on_message(message, f"{connection}, message {index}", session)
    return found


def _useless_commands(session: SessionRecord, connection: str) -> Iterator[Advice]:
    """DATA or RCPT after the refusal that has made it useless, not pipelined."""
    mail_refused = False
    accepted = refused = 0
    for index, command in enumerate(list(session.commands), 1):
        reply = command.reply
        refusal = reply is not None and reply.code >= 400
        useless = ""
        if command.verb == "MAIL":
            mail_refused, accepted, refused = refusal, 0, 0
        elif command.verb in ("EHLO", "HELO", "LHLO", "RSET"):
            mail_refused, accepted, refused = False, 0, 0
        elif command.verb == "RCPT":
            useless = "MAIL was refused" if mail_refused else ""
            accepted, refused = accepted + (not refusal), refused + refusal
        elif command.verb in ("DATA", "BDAT") and refusal and refused and not accepted:
            useless = "every recipient was refused"
        if useless and refusal and not command.pipelined:
            yield Advice(
                "useless-command",
                "RFC 5321 §3.3",
                f"{command.verb} cannot succeed any more: {useless}",
                f"{connection}, command {index}",
                shown_command(command),
                "RSET or QUIT saves the round trip, and the misleading 503.",
                session,
            )


def _on_message(
    message: ReceivedMessage, where: str, session: SessionRecord
) -> Iterator[Advice]:
    bcc = message.headers.get("Bcc", "")
    if bcc:
        yield Advice(
            "bcc-left-in",
            "RFC 5322 §3.6.3",
            "the message has a Bcc field",
            where,
            f"Bcc: {bcc}",
            "Every recipient can read who else got the message.",
            session,
        )
    identifier = message.headers.get("Message-ID", "").strip()
    domain = identifier.strip("<>").partition("@")[2]
    if not domain or domain.lower() in ("localhost", "localhost.localdomain"):
        what = (
            f"the Message-ID has no domain that is the sender's: {identifier}"
            if identifier
            else "the message has no Message-ID"
        )
        yield Advice(
            "message-id-without-domain",
            "RFC 5322 §3.6.4",
            what,
            where,
            f"Message-ID: {identifier}" if identifier else "",
            "It has to be unique in the world; spam filters look at it.",
            session,
        )
    author = message.from_.rpartition("@")[2].lower()
    sender = message.envelope.mail_from.domain.lower()
    if author and sender and not _aligned(author, sender):
        yield Advice(
            "not-aligned",
            "RFC 7489 §3.1.2",
            f"From is of {author}, the envelope of {sender}",
            where,
            f"From: {message.from_}",
            "SPF vouches for the envelope alone: only a DKIM signature of the From "
            "domain lets such a message pass DMARC.",
            session,
        )


def _aligned(author: str, sender: str) -> bool:
    """Relaxed alignment, as far as it goes without the public suffix list."""
    if author == sender:
        return True
    first, second = author.split("."), sender.split(".")
    common = min(len(first), len(second))
    # One is below the other, or both are below a name that is no top-level domain.
    return (
        first[-common:] == second[-common:]
        or (common > 2 and first[-3:] == second[-3:])
        or (common >= 2 and first[-2:] == second[-2:] and len(first[-2]) > 3)
    )
