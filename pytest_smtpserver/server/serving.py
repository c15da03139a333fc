"""A server while it runs: its service, and how a test's thread calls it."""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

import anyio

from .io.background import BACKGROUND, LoopBlocked
from .io.listening import naming_who_forbids
from .io.waking import running_event_loop
from .loops import LoopService, TaskService

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

    from pytest_smtpserver.mail.message import SessionRecord

    from .context import ServerContext
    from .io.background import LoopThread
    from .service import Service

T = TypeVar("T")


class Serving:
    """The service of one server, in the background thread or in this event loop."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._service: Service | None = None
        self._thread: LoopThread | None = None
        self._group: AbstractAsyncContextManager[Any] | None = None
        self._out_of_service = False
        #: It serves from the background thread, or did so last; else from its caller's loop.
        self.own_thread: bool = True
        #: The process that this one was forked from while the server ran there.
        self._parent: int | None = None
        #: What has blocked the event loop, and the test knows of.
        self._told: set[str] = set()

    @property
    def is_inherited(self) -> bool:
        """It runs in a parent process: this is a child made by fork."""
        return self._parent is not None

    def note_fork(self) -> None:
        """Leave the server to the parent process; this is a child made by fork."""
        self._parent = os.getppid()
        if self._service is not None:
            self._service.let_go()

    def check_here(self) -> None:
        """Complain in a child process, where the server cannot be asked for anything.

        Raises:
            RuntimeError: the server runs in a parent process.
        """
        if self._parent is not None:
            raise RuntimeError(
                f"this server runs in process {self._parent}, of which this one is a "
                "fork: here it is good for its address (host, port, url, env, ca_file), "
                "where clients reach it as ever. Wait, assert and make rules there, or "
                "start a server of this process's own"
            )

    @property
    def is_running(self) -> bool:
        """It accepts connections, or will do so after an outage."""
        return self._service is not None

    @property
    def service(self) -> Service:
        """What serves.

        Raises:
            RuntimeError: the server does not run.
        """
        self.check_here()
        if self._service is None:
            raise RuntimeError("this server does not run: start it first")
        return self._service

    def serves_by(self, service: Service) -> bool:
        """It still runs, and has not been stopped and started again."""
        return self._service is service

    @contextmanager
    def out_of_service(self) -> Iterator[Service]:
        """Let nobody in within the block, which begins; the service.

        Raises:
            RuntimeError: the server does not run, or is out of service already.
        """
        del self._context.script.ahead[-1:]
        service = self.service
        if self._out_of_service:
            raise RuntimeError(
                "this server is out of service already: outage() and full_backlog() "
                "cannot be inside one another"
            )
        self._out_of_service = True
        try:
            with naming_who_forbids():
                yield service
        finally:
            self._out_of_service = False

    # Starting and stopping

    def start(self, listener: socket.socket) -> None:
        """Serve from the background thread."""
        thread = BACKGROUND.acquire()
        self.own_thread = True
        service = LoopService(self._context, thread.loop, listener)
        # From here on `stop` tidies up, also where Ctrl-C comes in between.
        self._thread, self._service = thread, service
        # It listens already: clients wait in its queue, and nobody here has to.
        thread.call_soon(service.accept_from, listener)

    def stop(self) -> None:
        """Stop serving from the background thread, in at most ``close_timeout``.

        Where the test blocks the event loop, that is noted, and the next servers get
        another loop.
        """
        thread, service = self._thread, self._service
        if service is None or thread is None or self.is_inherited:
            return
        try:
            if not thread.call(service.close_at_once):
                thread.run(service.close)
        except LoopBlocked as error:
            self._tell(str(error))
            BACKGROUND.abandon(thread)
            thread.start(service.close)  # once it goes on
        finally:
            self._thread = self._service = None
            BACKGROUND.release(thread)
            self._context.mailbox.wake_all()

    async def start_here(self, listener: socket.socket) -> None:
        """Serve from the running event loop."""
        self.own_thread = False
        if running_event_loop() == "asyncio":
            loop_service = LoopService(self._context, asyncio.get_running_loop())
            # Some loops cannot watch sockets.
            with suppress(NotImplementedError):
                loop_service.accept_from(listener)
                self._service = loop_service
                return
        self._group = anyio.create_task_group()
        service = TaskService(self._context, await self._group.__aenter__())
        service.accept_from(listener)
        self._service = service

    async def stop_here(self) -> None:
        """Stop serving from the running event loop."""
        if self.is_inherited:
            return
        service, group = self._service, self._group
        self._group = None
        if service is not None:
            with anyio.CancelScope(shield=True):
                await service.close()
        self._service = None
        self._context.mailbox.wake_all()
        if group is not None:
            await group.__aexit__(None, None, None)

    # Calling the event loop that serves

    def call(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call on the event loop that serves."""
        self.check_here()
        if self._thread is not None:
            return self._thread.call(call, *arguments)
        return call(*arguments)

    def finish(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run to its end on the event loop that serves.

        Raises:
            RuntimeError: that is the caller's own event loop.
        """
        self.check_here()
        if self._thread is None:
            raise RuntimeError(
                "this server runs in the event loop of the caller, who cannot block it: "
                "leave its 'async with' block, and begin another one"
            )
        return self._thread.run(call)

    def when_idle(self, call: Callable[[], None], *, quiet: bool) -> None:
        """Call once nothing is in flight; with `quiet` once nothing moves by itself."""
        self.check_here()
        service = self._service
        if service is None or service.is_deserted:
            call()
            return
        self._soon(lambda: service.when_idle(call, quiet=quiet))

    def forget_watcher(self, call: Callable[[], None]) -> None:
        """Do not call."""
        if self._service is not None:
            self._soon(self._service.forget_watcher, call)

    def _soon(self, call: Callable[..., object], *arguments: Any) -> None:
        """Call on the event loop that serves, and do not wait for that."""
        if self._thread is not None:
            self._thread.refuse_inside()
            self._thread.call_soon(call, *arguments)
        else:
            call(*arguments)

    def hang_up(self, why: str, seconds: float) -> None:
        """Hang up, in so many seconds, on the clients that are there now and wait.

        A server of the test's own event loop ends with that loop.
        """
        service, thread = self._service, self._thread
        if service is None or thread is None or self.is_inherited:
            return
        thread.call_soon(service.hang_up_soon, why, seconds)

        def cut_off() -> None:
            if thread.blocked_by() is not None:
                service.cut_off()

        later = threading.Timer(seconds, cut_off)
        later.daemon = True
        later.start()

    def in_flight(self) -> list[tuple[SessionRecord, str]]:
        """The sessions that are in the middle of something, and of what."""
        if self._service is None:
            return []
        connections = self._service.open_connections()
        return [(one.record, one.held_up_by) for one in connections if one.in_flight]

    def blocked_by(self) -> str | None:
        """What keeps the event loop from going on, to be told to the test."""
        culprit = self._culprit()
        if culprit is not None:
            self._told.add(culprit)
        return culprit

    def note_if_blocked(self) -> None:
        """Keep what keeps the event loop from going on, where nobody was told."""
        culprit = self._culprit()
        if culprit is not None:
            self._tell(culprit)

    def _culprit(self) -> str | None:
        if self._thread is None or self.is_inherited:
            return None
        return self._thread.blocked_by()

    def _tell(self, culprit: str) -> None:
        if culprit not in self._told:
            self._told.add(culprit)
            self._context.fault(LoopBlocked(culprit))


def stays_in_its_process(server: object) -> NoReturn:
    """Say what another process can be given; for ``__reduce__``.

    Raises:
        TypeError: always.
    """
    raise TypeError(
        f"{server!r} stays in the process that has started it, and cannot be pickled "
        "or copied: give the other process its address, url or env"
    )


class Running(Generic[T]):
    """Servers that run now; threads may start and stop some at any time."""

    def __init__(self) -> None:
        self._servers: weakref.WeakSet[T] = weakref.WeakSet()
        #: Those that have stopped, as far as they are remembered.
        self.ended: deque[T] = deque(maxlen=0)
        # A signal handler may come in between, in the same thread.
        self._lock = threading.RLock()

    def add(self, server: T) -> None:
        """It has started."""
        with self._lock:
            self._servers.add(server)

    def discard(self, server: T) -> None:
        """It has stopped."""
        with self._lock:
            if server in self._servers:
                self.ended.append(server)
            self._servers.discard(server)

    def remember(self, count: int) -> None:
        """Keep the last so many that stop from now on; forget earlier ones."""
        self.ended = deque(maxlen=count)

    def forget(self) -> list[T]:
        """Begin anew in a child process; the servers that run in its parent."""
        servers = list(self._servers)
        # A thread of the parent may hold the lock for good.
        self._servers, self._lock = weakref.WeakSet(), threading.RLock()
        return servers

    def now(self) -> list[T]:
        """Those that run at this moment; threads may start and stop some meanwhile."""
        with self._lock:
            return list(self._servers)
