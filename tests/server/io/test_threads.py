"""The threads of handlers."""

from __future__ import annotations

import asyncio
import queue
import threading

import pytest

from pytest_smtpserver.server.io import threads as module
from pytest_smtpserver.server.io.threads import Threads


async def busy(threads: Threads, number: int) -> None:
    """So many calls at the same time; each thread rests afterwards."""
    barrier = threading.Barrier(number)
    await asyncio.gather(*(threads.call(barrier.wait) for _ in range(number)))


def test_idle_threads_end_at_once() -> None:
    """However many there are."""
    before = set(threading.enumerate())
    threads = Threads()
    asyncio.run(busy(threads, 20))
    assert len(set(threading.enumerate()) - before) == 20
    threads.close()
    assert not set(threading.enumerate()) - before


def test_queues_that_threads_cannot_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """`gevent.monkey.patch_all(thread=False)` puts such in the place of the usual."""
    monkeypatch.setattr(queue, "SimpleQueue", None)
    threads = Threads()
    assert asyncio.run(threads.call(threading.current_thread)).name == (
        "smtp-server-handler"
    )
    threads.close()


def test_no_number_of_threads_keeps_the_loop_for_longer_than_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine on which none of them gets its turn, the wait is shared."""
    threads = Threads()
    asyncio.run(busy(threads, 20))
    now, ended = 100.0, threading.Thread.join
    waits = []

    def join(self: threading.Thread, timeout: float | None = None) -> None:
        nonlocal now
        assert timeout is not None
        now += timeout
        waits.append(timeout)
        ended(self)  # the test itself leaves none behind

    monkeypatch.setattr(module, "monotonic", lambda: now)
    monkeypatch.setattr(threading.Thread, "join", join)
    threads.close()
    assert len(waits) == 20
    assert sum(waits) == pytest.approx(1.0)
