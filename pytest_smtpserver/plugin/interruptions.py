"""For tests that are ended from outside: by Ctrl-C, `pytest.exit` or a time-out.

`hooks` loads it when that happens, and in runs with pytest-timeout.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import FrameType


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
            if "pytest_smtpserver.server.server" in sys.modules:
                _hang_up()
            raise

    signal.signal(signal.SIGALRM, ring)


def _hang_up() -> None:
    try:
        from pytest_smtpserver.server.server import hang_up  # noqa: PLC0415
    except ImportError:
        return  # it is just being loaded: none has started yet
    hang_up("the time for the test was over")
