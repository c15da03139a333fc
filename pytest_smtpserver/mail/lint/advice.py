"""What clients did that is allowed and unwise. It never fails a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.mail.display import shown_command

from .findings import Advice, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord

#: Every advice there is, by its name.
ADVICE = {
    "useless-command": Kind(
        "RFC 5321 §3.3", "RSET or QUIT saves the round trip, and the misleading 503."
    ),
    "bcc-left-in": Kind(
        "RFC 5322 §3.6.3", "Every recipient can read who else got the message."
    ),
    "message-id-without-domain": Kind(
        "RFC 5322 §3.6.4", "It has to be unique in the world; spam filters look at it."
    ),
    "not-aligned": Kind(
        "RFC 7489 §3.1.2",
        "SPF vouches for the envelope alone: only a DKIM signature of the From domain "
        "lets such a message pass DMARC.",
    ),
}


def advice(sessions: Iterable[SessionRecord]) -> list[Advice]:
    """What one would tell the authors of these clients, in order."""
    found: list[Advice] = []

    def add(
        session: SessionRecord, where: str, items: Iterable[tuple[str, str, str]]
    ) -> None:
        for name, what, line in items:
            kind = ADVICE[name]
            found.append(
                Advice(
                    name, kind.section, what, where, line, kind.why, session, kind.fix
                )
            )

    for number, session in enumerate(sessions, 1):
        connection = f"connection {number}"
        for index, name, what, line in _useless_commands(session):
            add(session, f"{connection}, command {index}", [(name, what, line)])
        for index, message in enumerate(list(session.messages), 1):
            add(session, f"{connection}, message {index}", _on_message(message))
    return found


def _useless_commands(
    session: SessionRecord,
) -> Iterator[tuple[int, str, str, str]]:
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
            what = f"{command.verb} cannot succeed any more: {useless}"
            yield index, "useless-command", what, shown_command(command)


def _on_message(message: ReceivedMessage) -> Iterator[tuple[str, str, str]]:
    if bcc := message.headers.get("Bcc", ""):
        yield "bcc-left-in", "the message has a Bcc field", f"Bcc: {bcc}"
    identifier = message.headers.get("Message-ID", "").strip()
    domain = identifier.strip("<>").partition("@")[2]
    if not domain or domain.lower() in ("localhost", "localhost.localdomain"):
        what = "the message has no Message-ID"
        if identifier:
            what = f"the Message-ID has no domain that is the sender's: {identifier}"
        line = f"Message-ID: {identifier}" if identifier else ""
        yield "message-id-without-domain", what, line
    author = message.from_.rpartition("@")[2].lower()
    sender = message.envelope.mail_from.domain.lower()
    if author and sender and not _aligned(author, sender):
        what = f"From is of {author}, the envelope of {sender}"
        yield "not-aligned", what, f"From: {message.from_}"


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
