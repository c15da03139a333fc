"""Waiting for something that happens in another thread: in a thread, or in a task."""

from __future__ import annotations

import math
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

try:
    import ssl  # noqa: F401 - anyio's sockets cannot be loaded without it
except ImportError as _error:
    raise ImportError(
        "an SMTP server cannot run on this Python, which was built without OpenSSL: "
        "anyio, which it is made with, needs the module ssl, whether TLS is on or off"
    ) from _error

import anyio

from .background import BACKGROUND
from .clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Seconds. CPython may begin to wait although a signal has just come, if another thread
#: has taken the interpreter in between: Ctrl-C would be noticed when the wait is over.
_LONGEST_WAIT = 1.0


def running_event_loop() -> str | None:
    """``"asyncio"`` or ``"trio"`` when the caller is inside one of them, else None."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            # After gevent's monkey patching the background thread is a greenlet of this
            # thread, whose running loop asyncio takes for everybody's.
            return None if BACKGROUND.runs_elsewhere(loop) else "asyncio"
    # A folder of the test's may be called trio too; `in_trio_run` came with trio 0.29.
    lowlevel = getattr(sys.modules.get("trio"), "lowlevel", None)
    if lowlevel is not None:
        with suppress(RuntimeError):
            lowlevel.current_trio_token()
            return "trio"
    return None


def refuse_in_task(method: str, instead: str) -> None:
    """Raise where blocking would stop the event loop that the client may run on.

    Raises:
        RuntimeError: the caller is inside an asyncio or trio task.
    """
    loop = running_event_loop()
    if loop is not None:
        raise RuntimeError(
            f"{method}() blocks, and so would stop this {loop} event loop and every "
            f"client in it: use 'await {instead}(...)' here"
        )


def block_until(
    ready: Callable[[], T | None],
    listen: Callable[[Callable[[], None]], object],
    unlisten: Callable[[Callable[[], None]], object],
    timeout: float,
) -> T | None:
    """Wait in this thread until `ready` gives something; None when time runs out.

    `ready` is asked at the beginning, and each time when woken. `listen` takes a function
    that wakes, which any thread may call; `unlisten` makes it forget that one.
    """
    woken = threading.Event()
    listen(woken.set)
    try:
        deadline = monotonic() + timeout
        while (result := ready()) is None:
            left = deadline - monotonic()
            if not woken.wait(max(0.0, min(left, _LONGEST_WAIT))) and (
                left <= _LONGEST_WAIT
            ):
                return ready()
            woken.clear()
        return result
    finally:
        unlisten(woken.set)


async def await_until(
    ready: Callable[[], T | None],
    listen: Callable[[Callable[[], None]], object],
    unlisten: Callable[[Callable[[], None]], object],
    timeout: float,  # noqa: ASYNC109 - in the same words as block_until
) -> T | None:
    """`block_until` for a task of asyncio or trio.

    The time is real time where the background thread runs: it wakes the task, although
    the test may have frozen the clock of the task's event loop.
    """
    flag = Flag()
    over = False

    def run_out() -> None:
        nonlocal over
        over = True
        flag.set()

    listen(flag.set)
    cancel = None
    try:
        if (result := ready()) is not None:
            return result
        # A timer may be early by its grain: that it has run out counts, not the clock.
        cancel = BACKGROUND.call_later(timeout, run_out)
        with anyio.move_on_after(math.inf if cancel is not None else timeout):
            while (result := ready()) is None:
                if over:
                    return None
                await flag.wait()
            return result
        return ready()
    finally:
        if cancel is not None:
            cancel()
        unlisten(flag.set)


class Flag:
    """An event that any thread may set, and that a task of this loop waits for."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._call = _from_any_thread()

    def set(self) -> None:
        """Wake the task. From any thread."""
        self._call(self._set)

    async def wait(self) -> None:
        """Wait until it is set, and clear it."""
        await self._event.wait()
        self._event = anyio.Event()

    def _set(self) -> None:
        self._event.set()


def _from_any_thread() -> Callable[[Callable[[], None]], object]:
    """How other threads call something on the event loop that runs here."""
    if running_event_loop() == "trio":
        trio = sys.modules["trio"]
        token = trio.lowlevel.current_trio_token()

        def call_in_trio(function: Callable[[], None]) -> None:
            with suppress(trio.RunFinishedError):  # nobody waits any more
                token.run_sync_soon(function)

        return call_in_trio
    loop = sys.modules["asyncio"].get_running_loop()

    def call_in_asyncio(function: Callable[[], None]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function)

    return call_in_asyncio
