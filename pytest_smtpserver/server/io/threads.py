"""Threads for what may block: handlers of the test's, and the DNS."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pytest_smtpserver.later import Later

from .clock import monotonic
from .waking import Flag

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable
else:
    queue = Later("queue")

T = TypeVar("T")

#: Seconds that idle threads get to end, which they do at once. The loop waits for them.
_TO_END = 1.0


class _Call(Generic[T]):
    """One call, and what came of it."""

    def __init__(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> None:
        self._function = function
        self._arguments = arguments
        #: Set when the thread has made the call.
        self.done: Flag = Flag()
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result = self._function(*self._arguments)
        except BaseException as error:  # noqa: BLE001 - it is the caller's
            self._error = error

    async def result(self) -> T:
        """Wait for what comes of it; in a task."""
        await self.done.wait()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # it has come


class _Worker:
    """A thread that makes one call after the other.

    It calls `rests` when it has nothing to do, which tells whether it is still needed.
    """

    def __init__(self, rests: Callable[[_Worker], bool]) -> None:
        #: What the thread is to call; None ends it.
        self.calls: queue.SimpleQueue[_Call[Any] | None] = queue.SimpleQueue()
        self._rests = rests
        # Nothing waits for a thread that never comes back, not even the interpreter.
        self._thread = threading.Thread(
            target=self._run, name="smtp-server-handler", daemon=True
        )
        self._thread.start()

    def join(self, until: float) -> None:
        """Wait for its end, but no longer than that."""
        self._thread.join(max(0.0, until - monotonic()))

    def _run(self) -> None:
        while (call := self.calls.get()) is not None:
            call.run()
            # First it may be given the next call, which may follow at once.
            needed = self._rests(self)
            call.done.set()
            del call  # what it holds is not held until the next one comes
            if not needed:
                break


class Threads:
    """The threads of one server: as many as there are calls at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._closed = False

    async def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call in a thread what may block, and wait for what comes of it.

        Where the wait is cancelled the thread goes on, and nobody listens to it.
        """
        with self._lock:
            self._closed = False
            worker = self._idle.pop() if self._idle else _Worker(self._rest)
        call = _Call(function, arguments)
        worker.calls.put(call)
        return await call.result()

    def close(self) -> None:
        """End the threads that have nothing to do, and the others when they are done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.calls.put(None)
        until = monotonic() + _TO_END
        for worker in idle:
            worker.join(until)

    def _rest(self, worker: _Worker) -> bool:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
            return not self._closed
