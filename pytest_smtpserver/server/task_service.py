"""The service on any event loop that anyio knows: a task for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from .io.channel import Channel, WaitingChannel
from .service import Service

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from anyio.abc import TaskGroup

    from .context import ServerContext


class TaskService(Service):
    """On any event loop that anyio knows."""

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

    def _stop_accepting(self) -> None:
        self._pause_accepting()
        if self._listener is not None:
            anyio.notify_closing(self._listener)
            self._listener.close()
            self._listener = None
