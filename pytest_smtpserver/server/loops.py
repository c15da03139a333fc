"""The service on each kind of event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio

from .io.channel import Channel, WaitingChannel
from .io.crowd import IdleWatch, Outbox
from .io.loop_channel import LoopChannel
from .service import Service

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from anyio.abc import TaskGroup

    from .context import ServerContext


class LoopService(Service):
    """On an asyncio loop that watches sockets.

    The loop calls us when a client comes and when one has said something; no connection
    is a task before something has to be awaited. Clients may wait in the listener
    already, before `accept_from` is called.
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


class TaskService(Service):
    """On any event loop that anyio knows: a task for each connection."""

    def __init__(self, context: ServerContext, group: TaskGroup) -> None:
        super().__init__(context)
        self._group = group
        self._accepting = anyio.CancelScope()

    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        async def wait() -> None:
            await anyio.sleep(seconds)
            call()

        self._spawn(wait())

    def _watch(self) -> None:
        self._accepting = anyio.CancelScope()
        self._group.start_soon(self._accept, self._accepting)

    async def _accept(self, accepting: anyio.CancelScope) -> None:
        with accepting:
            while self._listener is not None:
                await anyio.wait_readable(self._listener)
                self._admit()

    def _channel(self, client: socket.socket) -> Channel:
        return WaitingChannel(client)

    def _spawn(self, serve: Coroutine[Any, Any, None]) -> None:
        async def task() -> None:
            await serve

        self._group.start_soon(task)

    def _pause_accepting(self) -> None:
        self._accepting.cancel()
        if self._listener is not None:
            anyio.notify_closing(self._listener)
