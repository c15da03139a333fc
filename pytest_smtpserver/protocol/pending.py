"""What the engine keeps between a command and the reply to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .commands import Command
    from .credentials import Credentials
    from .envelope import Envelope
    from .replies import Reply
    from .sasl import Exchange


class Pending:
    """What a proposal found out, for the effect that the reply to it may have."""

    __slots__ = (
        "attributes",
        "credentials",
        "envelope",
        "exchange",
        "helo",
        "shown",
    )

    def __init__(self) -> None:
        self.helo: str | None = None
        self.envelope: Envelope | None = None
        self.exchange: Exchange | None = None
        #: Of XCLIENT and XFORWARD.
        self.attributes: dict[str, str | None] | None = None
        #: Complete credentials, to be accepted or not.
        self.credentials: Credentials | None = None
        #: Credentials that came with an AUTH that is refused whatever they are.
        self.shown: Credentials | None = None


@dataclass(slots=True)
class Chunk:
    """A BDAT whose octets are still to come (RFC 3030 §2)."""

    command: Command
    left: int
    last: bool
    proposed: Reply
