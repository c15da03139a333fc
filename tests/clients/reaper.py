"""Runs a command and, whatever happens, ends and reaps all that it started.

Usage: python -I -S reaper.py SECONDS COMMAND [ARGUMENT ...]

A mail system is several processes that outlive the one that started them. This
process takes them all as its own (Linux), and ends them when the command has ended,
when SECONDS are over, when SIGTERM comes, or when its own parent is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from types import FrameType

# <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

ENDED_FROM_HERE = 124  # as timeout(1) has it
END_SIGNALS = (signal.SIGALRM, signal.SIGTERM, signal.SIGINT)


class EndError(Exception):
    """A signal said that it is over."""


def end(_signum: int, _frame: FrameType | None) -> NoReturn:
    """The handler of the signals that end it all."""
    raise EndError


def run(command: list[str]) -> int:
    """Runs the command to its end, or to a signal."""
    try:
        child = subprocess.Popen(command)
        # The pipes are the command's alone: their end tells that it is all over.
        os.close(0)
        os.close(1)
        return child.wait()
    except EndError:
        return ENDED_FROM_HERE


def end_children() -> None:
    """Kills the children, and then those that become children by that."""
    for number in END_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGKILL)
            os.waitpid(-1, 0)


def main() -> int:
    """Returns the exit code of the command, 124 when it was ended from here."""
    seconds, *command = sys.argv[1:]
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    for number in END_SIGNALS:
        signal.signal(number, end)
    signal.setitimer(signal.ITIMER_REAL, float(seconds))
    try:
        return run(command)
    finally:
        end_children()


if __name__ == "__main__":
    sys.exit(main())
