"""Who is to blame: the client on the wire, or the code that drives the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .replies import Reply


class Refused(Exception):  # noqa: N818 - it is an answer to the client, not a fault
    """What the client sent is refused, with the reply that it gets.

    Raised by the grammar and by the SASL mechanisms, caught by the engine; it never
    leaves the protocol.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class LocalProtocolError(RuntimeError):
    """The engine was driven in a way that its state does not allow: a bug of ours."""
