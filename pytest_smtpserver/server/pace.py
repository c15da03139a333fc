"""How fast bytes may go: what `.throttle` makes of a channel."""

from __future__ import annotations

#: How many pieces a second is cut into, where the rate allows it.
_PIECES = 20
#: Seconds of being late that may be made up for: timers are late by their nature.
_MAKE_UP = 0.25


class Pace:
    """Paces bytes in one direction. Each piece waits for its own time to pass.

    Args:
        bytes_per_second: the rate.
        now: the time at which it begins, in seconds.
    """

    def __init__(self, bytes_per_second: float, now: float) -> None:
        self._rate = bytes_per_second
        self._gone_by = now
        self.piece = max(1, int(bytes_per_second / _PIECES))

    def wait(self, count: int, now: float) -> float:
        """Count `count` bytes; the seconds to wait until they have gone."""
        self._gone_by = max(self._gone_by, now - _MAKE_UP) + count / self._rate
        return max(0.0, self._gone_by - now)
