"""Threads for what may block: handlers of the test's, and the DNS."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .background import keep_outcome
from .clock import monotonic
from .waking import Flag

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
__tracebackhide__ = True  # a failure is shown where the handler has failed

#: Seconds that idle threads get to end, which they do at once. The loop waits for them.
_TO_END = 1.0


class _Worker:
    """A thread that makes one call after the other.

    It calls `rests` when it has nothing to do, which tells whether it is still needed.
    """

    def __init__(self, rests: Callable[[_Worker], bool]) -> None:
        #: What the thread is to call; None ends it.
        self._next: tuple[Flag, Callable[[], None]] | None = None
        # gevent may replace `queue` and leave `threading` alone.
        self._due = threading.Semaphore(0)
        self._rests = rests
        # Nothing waits for a thread that never comes back, not even the interpreter.
        self._thread = threading.Thread(
            target=self._run, name="smtp-server-handler", daemon=True
        )
        self._thread.start()

    def give(self, call: tuple[Flag, Callable[[], None]] | None) -> None:
        """Let it make a call, now that it has nothing to do; None ends it."""
        self._next = call
        self._due.release()

    def join(self, until: float) -> None:
        """Wait for its end, but no longer than that."""
        self._thread.join(max(0.0, until - monotonic()))

    def _run(self) -> None:
        while self._due.acquire() and self._next is not None:
            (done, call), self._next = self._next, None
            call()
            # First it may be given the next call, which may follow at once.
            needed = self._rests(self)
            done.set()
            del done, call  # what they hold is not held until the next one comes
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
        done, outcome = Flag(), Future[T]()
        worker.give((done, partial(keep_outcome, outcome, function, *arguments)))
        await done.wait()
        if (error := outcome.exception()) is not None:
            raise error  # `result` would put frames of its own in front of the test's
        return outcome.result()

    def close(self) -> None:
        """End the threads that have nothing to do, and the others when they are done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.give(None)
        until = monotonic() + _TO_END
        for worker in idle:
            worker.join(until)

    def _rest(self, worker: _Worker) -> bool:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
            return not self._closed
