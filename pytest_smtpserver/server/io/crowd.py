"""What the channels of one server share, so that many clients cost little.

`Outbox`: a client that a reply has woken takes the processor from us, where both share
one, and our code is no longer in its caches when it comes back. So, of the replies of
one turn of the event loop, none leaves before all are made. A client that is alone has
its reply at once.

`IdleWatch`: most connections are gone long before they could have been silent for too
long, and a timer that is made and cancelled costs as much as a reply. So one timer of
the server's looks from time to time who is still there, and only those get a timer of
their own.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .clock import monotonic

if TYPE_CHECKING:
    import asyncio
    from typing import Protocol

    class Holder(Protocol):
        """Holds a reply that is made and has not left."""

        def deliver(self) -> None:
            """Let it leave."""

    class Listener(Protocol):
        """Listens to a client that may be silent for too long."""

        def check_idle(self) -> None:
            """Give the client up if its time is over, else set a timer of its own."""


class Outbox:
    """The replies of one server's clients that are made and have not left."""

    __slots__ = ("_holders", "clients", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: asyncio.AbstractEventLoop = loop
        self._holders: deque[Holder] = deque()
        #: How many clients are connected, those that say nothing included.
        self.clients: int = 0

    def join(self) -> None:
        """Count one more client."""
        self.clients += 1

    def leave(self) -> None:
        """Count one client less."""
        self.clients -= 1

    def add(self, holder: Holder) -> None:
        """Deliver its reply together with the others of this turn."""
        if not self._holders:
            self.loop.call_soon(self.flush)
        self._holders.append(holder)

    def flush(self) -> None:
        """Deliver all replies now."""
        holders = self._holders
        try:
            while holders:
                holders.popleft().deliver()
        finally:
            if holders:  # what one has raised is not the others' fault
                self.loop.call_soon(self.flush)


class IdleWatch:
    """Makes every listener check the silence of its client in time."""

    __slots__ = ("_loop", "_newcomers", "_next_look", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._newcomers: dict[Listener, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._next_look = 0.0

    def watch(self, listener: Listener, timeout: float) -> None:
        """Call `Listener.check_idle` in `timeout` seconds, or sooner."""
        due = monotonic() + timeout
        if self._timer is None:
            self._next_look = due - timeout / 2
            self._timer = self._loop.call_later(timeout / 2, self._look)
        if due < self._next_look:  # its time is shorter than that of the others
            listener.check_idle()
        else:
            self._newcomers[listener] = None

    def forget(self, listener: Listener) -> None:
        """The connection is closed."""
        self._newcomers.pop(listener, None)

    def close(self) -> None:
        """The server is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        there, self._newcomers = self._newcomers, {}
        for listener in there:
            listener.check_idle()
