"""What every test is held to: it leaves no thread, task or socket behind."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from pytest_smtpserver.server.io.background import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ("pytester",)

# Helpers assert too: with the values in the failure, and where Python leaves out the
# assertions that pytest has not written anew (PYTHONOPTIMIZE).
pytest.register_assert_rewrite(
    *(
        f"tests.{room.parent.name}"
        for room in Path(__file__).parent.glob("*/__init__.py")
    )
)

# How long an example takes says nothing on a machine that does other things too.
# The same examples in each run: new ones are for tests/fuzz, where nobody waits.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")

#: A thread that lives as long as the run: the event loop of all servers.
_BACKGROUND = "smtp-server-loop"
#: The other one, which hears of Ctrl-C.
_HEARS = "smtp-server-ctrl-c"
#: Worker threads that anyio and trio keep for a while, for those who need one again.
_KEPT = (_BACKGROUND, _HEARS, "AnyIO worker thread", "Trio thread")
#: The coroutines that serve connections.
_SERVES = ("Service.", "LoopService.", "TaskService.", "Connection.")
_DESCRIPTORS = Path("/proc/self/fd")


def _sockets() -> set[str]:
    """The open sockets of this process, by inode; none where that cannot be seen."""
    if not _DESCRIPTORS.is_dir():
        return set()
    found = set()
    for number in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - they come and go
        try:
            target = os.readlink(_DESCRIPTORS / number)  # noqa: PTH115
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def _loops() -> list[threading.Thread]:
    """The threads with an event loop of servers."""
    return [one for one in threading.enumerate() if _BACKGROUND in one.name]


def _tasks() -> list[str]:
    """The tasks of servers on the event loop of all servers."""
    if not _loops():
        return []
    thread = BACKGROUND.acquire()
    try:
        return thread.run(_own_tasks)
    finally:
        BACKGROUND.release(thread)


async def _own_tasks() -> list[str]:
    tasks = (task.get_coro() for task in asyncio.all_tasks())
    names = (getattr(one, "__qualname__", "") for one in tasks)
    return [name for name in names if name.startswith(_SERVES)]


def _threads() -> set[threading.Thread]:
    return set(threading.enumerate())


@pytest.fixture
def pytester(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> pytest.Pytester:
    """Runs of pytest inside of this one do not depend on where this one runs.

    They keep their order, whatever this one's is. Where CI or BUILD_NUMBER is set,
    pytest does not shorten the lines of its summary, and all would be in there twice.

    Beside pytest-xdist, pytest-rerunfailures starts a thread in each run, and no end of
    the run ends it: in here that would be a thread that a test has left behind.
    """
    for one in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(one, raising=False)
    left_out = ("randomly", "random_order", "rerunfailures")
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{one}" for one in left_out))
    return pytester


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, a task or a socket behind."""
    threads, sockets = _threads(), _sockets()
    had_background = bool(_loops())
    yield
    left = {
        thread
        for thread in _threads() - threads
        if not any(kept in thread.name for kept in _KEPT)
    }
    for thread in left:
        if thread.name == "smtp-server-handler":
            thread.join(5)  # what it waited for has come, and it ends
    left = {thread for thread in left if thread.is_alive()}
    assert not left, f"threads are left: {left}"
    tasks = _tasks()
    assert tasks == []
    # The event loop thread has a pair of sockets to wake it.
    allowed = 0 if had_background else 2
    if len(_sockets() - sockets) > allowed:
        gc.collect()
    if len(_sockets() - sockets) > allowed:
        for loop in _loops():  # one that the test had blocked may be about to end
            loop.join(5)
    new = _sockets() - sockets
    assert len(new) <= allowed, f"sockets are left: {new}"
