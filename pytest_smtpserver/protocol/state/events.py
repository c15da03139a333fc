"""What the engine tells the server that happened, with the reply it would send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import printable, shown_command

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.sasl.credentials import Credentials
    from pytest_smtpserver.protocol.sasl.mechanisms import Exchange
    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply


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
#: Names that an event has which is no command.
NO_COMMANDS = frozenset({*MOMENTS, "RESPONSE", "CHUNK"})


def event_name(verb: str) -> str:
    """The name of a command's event: its verb.

    A client may send the name of a moment as a verb that does not exist. So that it is
    not taken for the moment, it has lower case letters then.
    """
    return verb.lower() if verb in NO_COMMANDS else verb


class Proposal(NamedTuple):
    """The reply that a command deserves, and what was found out on the way to it.

    The reply that is really sent decides whether any of it takes effect.

    Attributes:
        reply: what the engine would send.
        envelope: of the transaction that MAIL begins.
        attributes: of XCLIENT and XFORWARD.
        exchange: the AUTH exchange, to be gone on with.
        credentials: what the client has shown of itself.
        complete: the credentials are to be judged. Otherwise they came with an AUTH
            that is refused whatever they are.
    """

    reply: Reply
    envelope: Envelope | None = None
    attributes: dict[str, str | None] | None = None
    exchange: Exchange | None = None
    credentials: Credentials | None = None
    complete: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Event:
    """A command that came in, or a moment of the session.

    Attributes:
        name: the verb of a command, or a moment: ``"CONNECT"``, ``"SECURE"``,
            ``"CREDENTIALS"``, ``"CONTENT"``, ``"MESSAGE"``; ``"RESPONSE"`` is a line of
            an AUTH exchange that goes on, ``"CHUNK"`` content that is passed on as it
            arrives.
        proposed: the reply that the engine would send; None where none is due.
        command: the command, else None.
        found: what was found out about it.
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

    name: str
    proposed: Reply | None = None
    command: Command | None = None
    found: Proposal | None = None
    follow: str | None = None
    line: bytes | None = None
    recipient: Address | None = None
    credentials: Credentials | None = None
    data: object = b""
    closes: bool = False
    sent: bool = False
    user: object = None

    def propose(self, reply: Reply) -> None:
        """Let the reply be what is sent unless somebody replaces it in turn."""
        self.proposed = reply
        self.follow = None

    def accept(self, user: object) -> None:
        """Let credentials in as that user, whatever name they bear."""
        self.user = user

    def explain(self, data: object) -> None:
        """Let the mechanism say this of credentials that are refused."""
        self.data = data

    def __repr__(self) -> str:
        command = shown_command(self.command or "")
        return printable(f"<Event {self.name} {command} -> {self.proposed}>")
