"""Who is silent for too long is found in time, whoever else there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from pytest_smtpserver.server.io import crowd
from pytest_smtpserver.server.io.crowd import IdleWatch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Clock:
    """A loop of timers alone, whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.cancelled = 0

    def call_later(self, delay: float, call: Callable[[], None]) -> Clock:
        self.timers.append((self.now + delay, call))
        return self

    def cancel(self) -> None:
        self.timers.clear()
        self.cancelled += 1

    def pass_time(self, seconds: float) -> None:
        """Let all timers of that time go off, each at its own."""
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer[0] <= end]:
            timer = min(due, key=lambda timer: timer[0])
            self.timers.remove(timer)
            self.now = timer[0]
            timer[1]()
        self.now = end


class Asked:
    """A channel that writes down when it was asked to look at its silence."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.at: list[float] = []

    def check_idle(self) -> None:
        self.at.append(self._clock.now - 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(crowd, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def watch(clock: Clock) -> IdleWatch:
    return IdleWatch(cast("asyncio.AbstractEventLoop", clock))


@pytest.fixture
def join(clock: Clock, watch: IdleWatch) -> Callable[[float], Asked]:
    """A new client with its time."""

    def join(timeout: float) -> Asked:
        channel = Asked(clock)
        watch.watch(channel, timeout)
        return channel

    return join


def test_everyone_is_asked_before_its_time_is_over(
    clock: Clock, join: Callable[[float], Asked]
) -> None:
    joined = []
    for _ in range(50):
        joined.append((clock.now - 1000, join(10)))
        clock.pass_time(0.7)
    clock.pass_time(10)
    for since, channel in joined:
        assert [since <= at <= since + 10 for at in channel.at] == [True]


def test_many_clients_cost_one_timer(
    clock: Clock, join: Callable[[float], Asked]
) -> None:
    for _ in range(50):
        join(10)
    assert len(clock.timers) == 1


def test_a_shorter_time_is_not_forgotten_for_a_longer_one(
    clock: Clock, join: Callable[[float], Asked]
) -> None:
    patient, other = join(300), join(0.2)
    assert other.at == [0]  # the channel sets a timer of its own then
    assert patient.at == []


def test_who_is_gone_is_not_asked(
    clock: Clock, watch: IdleWatch, join: Callable[[float], Asked]
) -> None:
    gone, there = join(10), join(10)
    watch.forget(gone)
    clock.pass_time(10)
    assert (gone.at, len(there.at)) == ([], 1)


def test_a_server_that_is_gone_leaves_no_timer(
    clock: Clock, watch: IdleWatch, join: Callable[[float], Asked]
) -> None:
    join(10)
    watch.close()
    watch.close()
    assert (clock.timers, clock.cancelled) == ([], 1)
    assert join(10).at == []
    assert len(clock.timers) == 1
