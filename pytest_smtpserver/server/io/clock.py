"""Time: the clock that the server goes by, dates for people, the pace of bytes.

A test may freeze, move or replace the clock of its process. Waits, delays and time-outs
go on all the same: they go by the system's monotonic clock, which is taken here when the
plugin is loaded. Dates for people are what the test says that they are. Only for the
silence of a client does time stand still while the test does.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Tools that freeze time replace `time.monotonic` in the modules where they find it, also
# in modules that are imported while time stands still. They leave `clock_gettime` alone,
# and a `partial` of it is not what they look for.
if hasattr(time, "clock_gettime"):
    #: Seconds by the monotonic clock of the system, whatever the test does to time.
    monotonic: Callable[[], float] = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
else:  # Windows
    monotonic = partial(time.monotonic)

#: How many pieces a second is cut into, where the rate allows it.
_PIECES = 20
#: Seconds of being late that may be made up for: timers are late by their nature.
_MAKE_UP = 0.25
#: Less than a byte that only rounding has taken away.
_ROUNDING = 1e-6


class Pace:
    """Paces bytes in one direction: each has to wait until its time has passed."""

    def __init__(self, bytes_per_second: float, now: float) -> None:
        self.rate = bytes_per_second
        self._spent_by = now
        self._piece = max(1, int(bytes_per_second / _PIECES))
        self._memory = max(_MAKE_UP, self._piece / bytes_per_second)

    def wait(self, now: float, wanted: int | None = None) -> float:
        """Seconds until a piece may go, or `wanted` bytes where that is less."""
        count = self._piece if wanted is None else min(wanted, self._piece)
        self._spent_by = max(self._spent_by, now - self._memory)
        missing = self._spent_by + count / self.rate - now
        return missing if missing > _ROUNDING else 0.0

    def allowed(self, now: float) -> int:
        """How many bytes may go now; at least one, after `wait`."""
        return max(1, int((now - self._spent_by) * self.rate + _ROUNDING))

    def spend(self, count: int) -> None:
        """Note that so many bytes have gone."""
        self._spent_by += count / self.rate


class Standstill:
    """The test stands still at the prompt of a debugger, and so may its clients."""

    def __init__(self) -> None:
        self._lasts = False
        self._ended = -math.inf

    def begin(self) -> None:
        """The prompt is there. From any thread."""
        self._lasts = True

    def end(self) -> None:
        """The test goes on, if it stood still."""
        if self._lasts:
            self._lasts, self._ended = False, monotonic()

    def excuses(self, seconds: float) -> bool:
        """Whether it is why a client has been silent for so many seconds."""
        return self._lasts or monotonic() - self._ended < seconds


#: A debugger stops all tests of the process.
STANDSTILL = Standstill()


def now() -> dt.datetime:
    """The date of a record, in UTC: the test's where it has frozen the clock."""
    return dt.datetime.now(dt.UTC)
