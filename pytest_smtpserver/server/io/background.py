"""The one background event loop thread, shared by all servers that need it.

The first server that needs it starts it, the last one that lets go joins it. A test run
holds on to it in between, so that it is started once.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from anyio.from_thread import BlockingPortalProvider

from .clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

    from anyio.from_thread import BlockingPortal

T = TypeVar("T")


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose timers go by the real clock, whatever the test does to time.

    On Windows it also watches sockets, which the default loop there cannot do.
    """

    def time(self) -> float:
        return monotonic()


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, where it is installed: its clock is the system's."""
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:  # there is none, or it was built for another Python
        return _RealTimeLoop()
    return uvloop.new_event_loop()


class _Timer:
    """Calls in so many seconds on an event loop of another thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: float,
        call: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None
        loop.call_soon_threadsafe(self._start, seconds, call)

    def _start(self, seconds: float, call: Callable[[], object]) -> None:
        self._handle = self._loop.call_later(seconds, call)

    def cancel(self) -> None:
        """Do not call."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class Background:
    """Counts who needs the thread."""

    def __init__(self) -> None:
        #: What a parent process has left, which must not be tidied up in its child.
        self._inherited: list[object] = []
        self._begin()

    def _begin(self) -> None:
        self._provider: BlockingPortalProvider | None = None
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0

    def acquire(self) -> BlockingPortal:
        """A portal to the thread, which runs until as many releases have come."""
        with self._lock:
            provider = self._provider
            portal = self._start() if provider is None else provider.__enter__()
            self._users += 1
        return portal

    def _start(self) -> BlockingPortal:
        # A provider that could not start its thread holds half of one for ever.
        provider = BlockingPortalProvider("asyncio", {"loop_factory": _new_loop})
        portal = provider.__enter__()
        try:
            self._loop = portal.call(asyncio.get_running_loop)
            self._thread = portal.call(threading.get_ident)
        except BaseException:
            provider.__exit__(None, None, None)
            raise
        self._provider = provider
        # A server that nobody stops must not keep the interpreter from ending.
        atexit.register(self._end)
        return portal

    def forget(self) -> None:
        """Begin anew in a child process made by fork, where the thread does not run.

        The loop shares its registrations with the parent's, so that it stays as it is.
        """
        atexit.unregister(self._end)
        self._inherited.append((self._provider, self._loop))
        self._begin()

    def call_soon(self, call: Callable[..., object], *arguments: Any) -> None:
        """Call on the thread's event loop, after what was to be called before."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(call, *arguments)

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], object] | None:
        """Call in so many seconds of real time; what cancels that.

        None where the thread does not run.
        """
        with self._lock:
            if not self._users or self._loop is None:
                return None
            timer = _Timer(self._loop, seconds, call)
        return timer.cancel

    def call(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call on the thread's event loop, and wait for what comes of it.

        A portal makes a task of each call, with a scope of its own, which costs more
        than a test's whole dialogue.

        Raises:
            RuntimeError: this is that thread, which would wait for itself.
        """
        if threading.get_ident() == self._thread:
            raise RuntimeError(
                "a handler runs on the event loop of its server, and cannot wait for it"
            )
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(call(*arguments))
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                done.set_exception(error)

        self.call_soon(run)
        return done.result()

    def release(self) -> None:
        """Let go; the last one stops and joins the thread."""
        with self._lock:
            provider = self._provider
            if provider is None:  # acquired by the parent process
                return
            self._users -= 1
            if not self._users:
                atexit.unregister(self._end)
                self._provider = None
        provider.__exit__(None, None, None)

    def _end(self) -> None:
        while self._users:
            self.release()


BACKGROUND = Background()
