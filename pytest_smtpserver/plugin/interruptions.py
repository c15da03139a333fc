"""For tests that are ended from outside: by Ctrl-C, `pytest.exit` or a time-out.

Runs with servers load it, and those with pytest-timeout.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import FrameType

#: Seconds in which a test that is over may end by itself.
_TO_LEAVE = 0.5
#: What ends the run.
END = (KeyboardInterrupt, pytest.exit.Exception)


def report_on(item: pytest.Item, end: BaseException) -> pytest.TestReport:
    """A report on a test that the end of the run has interrupted."""
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords={},
        outcome="failed",
        longrepr=f"the run has ended in this test: {type(end).__name__} {end}".rstrip(),
        when="teardown",
    )


def hang_up_after_the_alarm() -> None:
    """Hang up on the clients that are there when pytest-timeout has ended the test.

    pytest-timeout raises an exception in the test. A client such as
    ``with smtplib.SMTP(…)`` then says QUIT and waits for the reply. A server that hangs
    sends none, and the run would wait for ever.
    """
    theirs = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    if not callable(theirs):  # the other method, which ends the process
        return

    def ring(number: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        try:
            theirs(number, frame)
        except BaseException:
            hang_up("the time for the test was over", _TO_LEAVE)
            raise

    signal.signal(signal.SIGALRM, ring)


def hang_up(why: str, seconds: float) -> None:
    """Hang up, in so many seconds, on the clients that wait for a server."""
    server = sys.modules.get("pytest_smtpserver.server.server")
    # While it is being loaded none has started.
    if (call := getattr(server, "hang_up", None)) is not None:
        call(why, seconds)


def hidden_end(failure: BaseException | None) -> str:
    """What has ended the run, where something hides it; ``""`` for nothing.

    On the way out of ``with smtplib.SMTP(…)`` a late reply to an earlier command is
    taken for the one to QUIT, and is an error in place of the one that was there. A
    nursery of trio's puts it into a group.
    """
    smtplib = sys.modules.get("smtplib")
    end: BaseException | None = None
    if isinstance(failure, BaseExceptionGroup):
        end = failure.subgroup(END)
    elif failure and smtplib and type(failure) is smtplib.SMTPResponseException:
        end = failure.__context__
    while isinstance(end, BaseExceptionGroup):
        end = end.exceptions[0]
    return f"{type(end).__name__} {end}".rstrip() if isinstance(end, END) else ""


class CtrlC:
    """Hangs up on clients when Ctrl-C ends a test, as after the alarm.

    asyncio and trio set a handler of their own only where Python's own one is in place,
    so that it stays there. faulthandler tells of the signal by a pipe, and lets whatever
    handler is there do its work.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._pipe: tuple[int, int] | None = None
        self._thread = threading.Thread(
            target=self._hear, name="smtp-server-ctrl-c", daemon=True
        )
        self._in_vain = False

    def listen(self) -> None:
        """Hear of Ctrl-C until another handler is set.

        So call it for each test, and, from any thread, when a client is held up: a loop
        of asyncio or trio may run by then. A handler of the test's own is left alone.
        """
        handler = signal.getsignal(signal.SIGINT)
        if not hasattr(faulthandler, "register") or not (  # on Windows
            handler is signal.default_int_handler
            or str(getattr(handler, "__module__", "")).startswith("trio.")
            or _runner() is not None
        ):
            return
        if self._pipe is None:
            if threading.current_thread() is not threading.main_thread():
                return
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[1], False)
            self._thread.start()
        faulthandler.unregister(signal.SIGINT)
        faulthandler.register(
            signal.SIGINT, self._pipe[1], all_threads=False, chain=True
        )

    def was_in_vain(self) -> bool:
        """Whether asyncio could not tell a test of it since this was asked before."""
        in_vain, self._in_vain = self._in_vain, False
        return in_vain

    def close(self) -> None:
        """Leave nothing behind."""
        if self._pipe is None:
            return
        faulthandler.unregister(signal.SIGINT)
        # It has put back what was there before, and not what was set since.
        signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))
        self._over.set()
        os.write(self._pipe[1], b".")
        self._thread.join()
        for end in self._pipe:
            os.close(end)

    def _hear(self) -> None:
        assert self._pipe is not None
        main = threading.main_thread().ident or 0
        while os.read(self._pipe[0], 1 << 16):
            turned, runner = threading.Event(), _runner()
            with suppress(RuntimeError):  # it has just been closed
                runner and runner.get_loop().call_soon_threadsafe(turned.set)
            if self._over.wait(_TO_LEAVE):
                return
            where = sys._current_frames()[main].f_globals.get("__name__")
            blocked = runner is not None and not turned.is_set()
            if blocked and where not in ("selectors", "asyncio.runners"):
                self._in_vain = True  # it only cancels a task, at the next `await`
            elif not _unwinds(main):
                continue
            hang_up("Ctrl-C has ended the test", 0.0)


def _runner() -> Any:
    """The `asyncio.Runner` that sees to Ctrl-C just now; None for none."""
    import asyncio  # noqa: PLC0415 - it is there where a server runs

    handler = signal.getsignal(signal.SIGINT)
    runner = getattr(getattr(handler, "func", None), "__self__", None)
    return runner if isinstance(runner, asyncio.Runner) else None


def _unwinds(thread: int) -> bool:
    """Whether the main thread is still on its way out, after Ctrl-C."""
    found: Any = sys._current_exceptions().get(thread)
    error = found[1] if isinstance(found, tuple) else found  # until Python 3.11
    while error is not None and not isinstance(error, END):
        error = error.__context__
    return error is not None
