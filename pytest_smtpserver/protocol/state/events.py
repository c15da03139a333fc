"""What the engine tells the server that happened, with the reply it would send."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.sasl.credentials import Credentials
    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.replies import Reply


#: Names that an event has which is no command.
MOMENTS = frozenset(
    {
        "CONNECT",
        "HANDSHAKE",
        "SECURE",
        "CREDENTIALS",
        "CONTENT",
        "MESSAGE",
        "CLOSE",
        "RESPONSE",
        "CHUNK",
    }
)


def event_name(verb: str) -> str:
    """The name of a command's event: its verb.

    A client may send the name of a moment as a verb that does not exist. So that it is
    not taken for the moment, it has lower case letters then.
    """
    return verb.lower() if verb in MOMENTS else verb


class Event:
    """A command that came in, or a moment of the session.

    Attributes:
        name: the verb of a command, or a moment: ``"CONNECT"``, ``"SECURE"``,
            ``"CREDENTIALS"``, ``"CONTENT"``, ``"MESSAGE"``; ``"RESPONSE"`` is a line of
            an AUTH exchange that goes on, ``"CHUNK"`` content that is passed on as it
            arrives.
        command: the command, else None.
        proposed: the reply that the engine would send; None where none is due.
        follow: the moment whose turn it is when nobody replaces `proposed`. The server
            then calls `SmtpEngine.proceed` instead of sending a reply.
        line: the line of a ``"RESPONSE"`` or of ``"CREDENTIALS"``, with its line end.
        recipient: LMTP: the recipient that a ``"MESSAGE"`` is about.
        credentials: what the client has shown, as far as it is known.
        data: content octets of a ``"CHUNK"``; with credentials that are refused, what
            the mechanism says of it.
        closes: after the reply the connection is to be closed.
        sent: the reply to this moment has left already; only the state moves.
        user: with credentials that are accepted: what the session's user becomes, the
            user name when None.
    """

    # Most of these are as they are in most events: defaults of the class, so that an
    # event, of which there are several for each message, costs three assignments.
    follow: str | None = None
    line: bytes | None = None
    recipient: Address | None = None
    credentials: Credentials | None = None
    data: object = b""
    closes: bool = False
    sent: bool = False
    user: object = None

    def __init__(
        self,
        name: str,
        proposed: Reply | None = None,
        command: Command | None = None,
    ) -> None:
        self.name = name
        self.proposed = proposed
        self.command = command

    def __repr__(self) -> str:
        return f"<Event {self.name} {self.command or ''!s} -> {self.proposed}>"
