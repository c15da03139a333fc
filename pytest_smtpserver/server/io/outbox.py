"""Replies that leave together, at the end of a turn of the event loop.

A client that a reply has woken takes the processor from us, where both share one, and
our code is no longer in its caches when it comes back. So, of the replies of one turn,
none leaves before all are made. A client that is alone has its reply at once.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from .loop_channel import LoopChannel


class Outbox:
    """The replies of one server's clients that are made and have not left.

    Args:
        loop: whose turns they are.
    """

    __slots__ = ("_channels", "_loop", "clients")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._channels: deque[LoopChannel] = deque()
        #: How many channels there are, those that say nothing included.
        self.clients = 0

    def add(self, channel: LoopChannel) -> None:
        """Let the reply that the channel holds leave with the others of this turn."""
        if not self._channels:
            self._loop.call_soon(self.flush)
        self._channels.append(channel)

    def flush(self) -> None:
        """Let them all leave now."""
        channels = self._channels
        try:
            while channels:
                channels.popleft().deliver()
        finally:
            if channels:  # what one has raised is not the others' fault
                self._loop.call_soon(self.flush)
