"""The service on an asyncio loop that watches sockets.

The loop calls us when a client comes and when one has said something; no connection is
a task before something has to be awaited.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .io.crowd import IdleWatch, Outbox
from .io.loop_channel import LoopChannel
from .service import Service

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from .context import ServerContext
    from .io.channel import Channel


class LoopService(Service):
    """On an asyncio loop that watches sockets.

    Clients may wait in the listener already, before `accept_from` is called.
    """

    def __init__(
        self,
        context: ServerContext,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket | None = None,
    ) -> None:
        super().__init__(context)
        self._listener = listener
        self._loop = loop
        self._outbox, self._idle_watch = Outbox(loop), IdleWatch(loop)
        self._tasks: set[asyncio.Task[None]] = set()

    def _channel(self, client: socket.socket) -> Channel:
        return LoopChannel(client, self._outbox, self._idle_watch)

    def _spawn(self, serve: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(serve)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        self._loop.call_later(seconds, call)

    def _watch(self) -> None:
        assert self._listener is not None
        self._loop.add_reader(self._listener.fileno(), self._admit)

    def _pause_accepting(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())

    def _stop_accepting(self) -> None:
        self._pause_accepting()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def close_at_once(self) -> bool:
        """Stop accepting; whether there is nothing else to do for `close`."""
        if not super().close_at_once() or self._tasks:
            return False
        self._idle_watch.close()
        return True

    async def close(self) -> None:
        """Stop accepting, and end all connections in at most ``close_timeout``."""
        await super().close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._idle_watch.close()

    def _look(self) -> None:
        # A reply that has not left is in flight.
        self._outbox.flush()
        super()._look()
