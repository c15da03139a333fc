"""The end of clients that are silent for too long, with few timers.

Most connections are gone long before they could have been silent for too long, and a
timer that is made and cancelled costs as much as a reply. So one timer of the server's
looks from time to time who is still there, and only those get a timer of their own.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from .loop_channel import LoopChannel


class IdleWatch:
    """Sees to it that every channel looks at its silence in time.

    Args:
        loop: where the timers are.
    """

    __slots__ = ("_loop", "_newcomers", "_next_look", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._newcomers: dict[LoopChannel, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_look = 0.0

    def watch(self, channel: LoopChannel, timeout: float) -> None:
        """Have `LoopChannel.check_idle` called in `timeout` seconds, or sooner."""
        due = monotonic() + timeout
        if self._timer is None:
            self._next_look = due - timeout / 2
            self._timer = self._loop.call_later(timeout / 2, self._look)
        if due < self._next_look:  # its time is shorter than that of the others
            channel.check_idle()
        else:
            self._newcomers[channel] = None

    def forget(self, channel: LoopChannel) -> None:
        """The channel is closed."""
        self._newcomers.pop(channel, None)

    def close(self) -> None:
        """The server is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        there, self._newcomers = self._newcomers, {}
        for channel in there:
            channel.check_idle()
