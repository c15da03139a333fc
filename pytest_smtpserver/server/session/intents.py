"""What a connection still has to do: a rule's actions, or its own end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import anyio

    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.script.event import Event as ScriptEvent
    from pytest_smtpserver.script.script import Decision


class Due(NamedTuple):
    """An event that a rule has something to do at."""

    event: Event
    seen: ScriptEvent
    decision: Decision


class Cut(NamedTuple):
    """Where content or a handshake is cut short.

    Attributes:
        after: how many octets of it are let through.
        how: ``"disconnect"``, ``"reset"`` or ``"half_close"``.
        by: which rule wants it, in words.
    """

    after: int
    how: str
    by: str


class Interjection(NamedTuple):
    """A reply that nothing has asked for."""

    reply: Reply
    by: str
    said: anyio.Event


@dataclass(frozen=True, slots=True)
class Ending:
    """Who ends the connection, and how.

    Attributes:
        by: who wanted it.
        how: in words, for the record.
        last_words: a reply to send first.
        reset: with RST, not with FIN.
    """

    by: Literal["client", "server"]
    how: str
    last_words: Reply | None = None
    reset: bool = False
