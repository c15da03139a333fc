"""What the engine keeps between a command and the reply to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.sasl.credentials import Credentials
    from pytest_smtpserver.protocol.sasl.mechanisms import Exchange
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply


@dataclass(slots=True)
class Pending:
    """What a proposal found out, for the effect that the reply to it may have.

    Attributes:
        helo: the client's name.
        envelope: of the transaction that MAIL begins.
        exchange: the AUTH exchange, to be gone on with.
        attributes: of XCLIENT and XFORWARD.
        credentials: complete ones, to be accepted or not.
        shown: credentials that came with an AUTH that is refused whatever they are.
    """

    helo: str | None = None
    envelope: Envelope | None = None
    exchange: Exchange | None = None
    attributes: dict[str, str | None] | None = None
    credentials: Credentials | None = None
    shown: Credentials | None = None


#: Most proposals find out nothing; nobody writes to this one.
NOTHING_PENDING = Pending()


@dataclass(slots=True)
class Chunk:
    """A BDAT whose octets are still to come (RFC 3030 §2)."""

    command: Command
    left: int
    last: bool
    proposed: Reply
