"""The one background event loop thread, shared by all servers that need it.

The first server that needs it starts it, the last one that lets go joins it. A test run
holds on to it in between, so that it is started once.
"""

from __future__ import annotations

import asyncio
import atexit
import math
import os
import socket
import sys
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from .clock import monotonic
from .listening import naming_who_forbids

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

T = TypeVar("T")

#: Seconds in which a loop that is not blocked answers.
_TO_ANSWER = 0.2
#: Seconds after which it is asked whether it is blocked.
_PATIENCE = 2.0
#: Descriptors that a loop takes at most, of asyncio or of uvloop.
_DESCRIPTORS = 8
_PACKAGE = __name__.partition(".")[0]


#: Called when a rule may keep a client waiting, for those who look out for Ctrl-C.
BEFORE_A_WAIT: list[Callable[[], None]] = []


class LoopBlocked(AssertionError, TimeoutError):  # noqa: N818 - it is what happened
    """Something of the test's keeps the event loop of all servers from going on."""


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose timers go by the real clock, whatever the test does to time.

    On Windows it also watches sockets, which the default loop there cannot do.
    """

    def time(self) -> float:
        return monotonic()


def threads_take_turns() -> bool:
    """Threads are what gevent or eventlet has put in their place."""
    gevent = sys.modules.get("gevent.monkey")
    eventlet = sys.modules.get("eventlet.patcher")
    return bool(
        (gevent is not None and gevent.is_module_patched("threading"))
        or (eventlet is not None and eventlet.is_monkey_patched("thread"))
    )


def _check_needs() -> None:
    """Complain before a loop does: asyncio leaves half of one, libuv ends the process.

    Raises:
        OSError: there are too few descriptors.
        RuntimeError: pytest-socket forbids sockets.
    """
    with ExitStack() as stack:
        with naming_who_forbids():  # a socket as that by which a loop wakes itself
            kind = getattr(socket, "AF_UNIX", socket.AF_INET)
            stack.enter_context(socket.socket(kind))
        for _ in range(_DESCRIPTORS):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop, where it is installed: its clock is the system's.

    Where threads take turns, uvloop would not let the others have theirs.
    """
    _check_needs()
    loop: asyncio.AbstractEventLoop
    try:
        import uvloop  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra
    except ImportError:  # there is none, or it was built for another Python
        uvloop = None
    if uvloop is None or threads_take_turns():
        loop = _RealTimeLoop()
    else:
        loop = uvloop.new_event_loop()
    # asyncio's debug mode would warn of handlers, and of a machine that is busy;
    # `LoopBlocked` names who blocks the loop.
    loop.slow_callback_duration = math.inf
    return loop


def keep_outcome(outcome: Future[T], call: Callable[..., T], *arguments: Any) -> None:
    """Call, and keep what comes of it, whatever that is."""
    __tracebackhide__ = True
    try:
        outcome.set_result(call(*arguments))
    except BaseException as error:  # noqa: BLE001 - it is for whoever waits
        outcome.set_exception(error)


class LoopThread:
    """A thread with an event loop; nothing waits for it longer than it should."""

    def __init__(self) -> None:
        #: It takes turns with others of gevent or eventlet.
        self.is_green: bool = threads_take_turns()
        self._runner = asyncio.Runner(loop_factory=_new_loop)
        self.loop: asyncio.AbstractEventLoop = self._runner.get_loop()
        self._ended = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        #: It did not answer when it was last asked.
        self._seems_blocked = False
        # Where the test blocks it for ever, the interpreter ends all the same.
        self._thread = threading.Thread(
            target=self._run, name="smtp-server-loop", daemon=True
        )
        try:
            self._thread.start()
        except Exception:  # there can be no more threads
            self._runner.close()
            raise
        except BaseException:  # Ctrl-C, while the thread begins
            self.loop.call_soon_threadsafe(self._ended.set)
            raise

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._wait())

    async def _wait(self) -> None:
        await self._ended.wait()
        while self._tasks:  # what was begun while the loop was blocked
            await asyncio.wait(self._tasks)

    def end(self) -> None:
        """End the thread, unless it is blocked: then it ends later, or never."""
        self.loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(self._patience)

    # Calling the loop

    def runs_elsewhere(self, loop: asyncio.AbstractEventLoop) -> bool:
        """It is the thread's event loop, and this is not that thread."""
        return loop is self.loop and threading.get_ident() != self._thread.ident

    def call_soon(self, call: Callable[..., object], *arguments: Any) -> None:
        """Call on the loop, after what was to be called before."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(call, *arguments)

    def call(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call on the loop what does not wait, and wait for what comes of it.

        Raises:
            LoopBlocked: the loop is blocked.
            RuntimeError: this is that thread, which would wait for itself.
        """
        self.refuse_inside()
        done: Future[T] = Future()
        self.call_soon(keep_outcome, done, call, *arguments)
        return self._result(done)

    def run(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine to its end on the loop; else as `call`."""
        self.refuse_inside()
        return self._result(self.start(function))

    def start(self, function: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        """Run a coroutine on the loop; what comes of it."""
        done: Future[T] = Future()

        def ended(task: asyncio.Task[T]) -> None:
            self._tasks.discard(task)
            if task.cancelled():
                done.cancel()
            elif (error := task.exception()) is not None:
                done.set_exception(error)
            else:
                done.set_result(task.result())

        def begin() -> None:
            task = self.loop.create_task(function())
            self._tasks.add(task)
            task.add_done_callback(ended)

        self.call_soon(begin)
        return done

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], object]:
        """Call in so many seconds of real time; what cancels that."""
        timers: list[asyncio.TimerHandle] = []

        def start() -> None:
            timers.append(self.loop.call_later(seconds, call))

        def stop() -> None:
            timers[0].cancel()

        self.call_soon(start)
        return lambda: self.call_soon(stop)

    def refuse_inside(self) -> None:
        """Do not let the loop wait for itself.

        Raises:
            RuntimeError: this is its thread.
        """
        if threading.get_ident() == self._thread.ident:
            raise RuntimeError(
                "a handler runs on the event loop of its server, and cannot wait for it "
                "where it is async: a plain function (def) has a thread of its own"
            )

    def _result(self, done: Future[T]) -> T:
        while True:
            try:
                return done.result(self._patience)
            except TimeoutError:
                if done.done():
                    raise
            if (culprit := self.blocked_by()) is not None:
                raise LoopBlocked(culprit)

    @property
    def _patience(self) -> float:
        """How long to wait for it: not for long again where it did not answer."""
        return _TO_ANSWER if self._seems_blocked else _PATIENCE

    # Who blocks it

    def blocked_by(self) -> str | None:
        """What of the test's keeps the loop from going on; None for nothing."""
        answered = threading.Event()
        self.call_soon(answered.set)
        self._seems_blocked = not answered.wait(_TO_ANSWER)
        if not self._seems_blocked:
            return None
        frame = _foreign(sys._current_frames().get(self._thread.ident or 0))
        if frame is None:
            return None
        code = frame.f_code
        return (
            f"{code.co_qualname} at {code.co_filename}:{frame.f_lineno} blocks the "
            f"event loop, for which all servers of the run wait.{_asked_by(frame.f_back)} A "
            "where=, a match and an async handler run on that loop, and must not block. "
            "A handler that is a plain function (def) may: it has a thread of its own."
        )


def _foreign(innermost: FrameType | None) -> FrameType | None:
    """The frame that the package has called, and that is not the package's own."""
    frame, called = innermost, None
    found = None
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        # What this module has called is the event loop.
        ours = module.partition(".")[0] == _PACKAGE and module != __name__
        if ours and called is not None:
            found = called  # the outermost one counts
        called = None if ours else frame
        frame = frame.f_back
    return found


def _asked_by(frame: FrameType | None) -> str:
    """Whose rule it is that runs in a frame, in words; ``""`` where nobody can tell."""
    while frame is not None:
        seen = frame.f_locals.get("seen")  # the event that the rule is asked about
        if (session := getattr(seen, "session", None)) is not None:
            host, port = session.local_address
            where = f"{host}:{port}" if port else host
            return (
                f" It belongs to the server at {where}: tests with other servers only "
                "wait for it, and have done nothing wrong."
            )
        frame = frame.f_back
    return ""


class Background:
    """Starts the thread for the first who needs it, and ends it with the last."""

    def __init__(self) -> None:
        #: What a parent process has left, which must not be tidied up in its child.
        self._inherited: list[object] = []
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[LoopThread, int] = {}
        self._current: LoopThread | None = None

    def forget(self) -> None:
        """Begin anew in a child process made by fork, where the thread does not run.

        The loop shares its registrations with the parent's, so that it stays as it is.
        """
        atexit.unregister(self._end)
        self._inherited.append((self._users, self._current))
        self._begin()

    def acquire(self) -> LoopThread:
        """The thread, which runs until as many releases have come."""
        with self._lock:
            thread = self._current
            if thread is None or thread.is_green != threads_take_turns():
                self._current = thread = LoopThread()
                # A server that nobody stops must not keep the interpreter waiting.
                atexit.register(self._end, thread)
            self._users[thread] = self._users.get(thread, 0) + 1
        return thread

    def release(self, thread: LoopThread) -> None:
        """Let go; the last one ends the thread."""
        with self._lock:
            if thread not in self._users:  # acquired by the parent process
                return
            self._users[thread] -= 1
            if self._users[thread]:
                return
            del self._users[thread]
            if self._current is thread:
                self._current = None
        atexit.unregister(self._end)
        thread.end()

    def abandon(self, thread: LoopThread) -> None:
        """It is blocked: the next server gets another one."""
        with self._lock:
            if self._current is thread:
                self._current = None

    def call_later(
        self, seconds: float, call: Callable[[], object]
    ) -> Callable[[], object] | None:
        """`LoopThread.call_later`, or None where no thread runs."""
        with self._lock:
            thread = self._current
            return None if thread is None else thread.call_later(seconds, call)

    def runs_elsewhere(self, loop: asyncio.AbstractEventLoop) -> bool:
        """`LoopThread.runs_elsewhere`, for any of its threads."""
        return any(thread.runs_elsewhere(loop) for thread in list(self._users))

    def _end(self, thread: LoopThread) -> None:
        self._users.pop(thread, None)
        thread.end()


BACKGROUND = Background()
