"""The one background event loop thread, shared by all servers that need it.

The first server that needs it starts it, the last one that lets go joins it. A test run
holds on to it in between, so that it is started once.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING, Any

from anyio.from_thread import BlockingPortalProvider

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal


def _backend_options() -> dict[str, Any]:
    if sys.platform == "win32":
        # The default loop there cannot watch sockets.
        return {"loop_factory": asyncio.SelectorEventLoop}
    return {"use_uvloop": importlib.util.find_spec("uvloop") is not None}


class Background:
    """Counts who needs the thread."""

    def __init__(self) -> None:
        self._provider = BlockingPortalProvider("asyncio", _backend_options())
        self._lock = threading.Lock()
        self._users = 0

    def acquire(self) -> BlockingPortal:
        """A portal to the thread, which runs until as many releases have come."""
        portal = self._provider.__enter__()
        with self._lock:
            self._users += 1
            if self._users == 1:
                # A server that nobody stops must not keep the interpreter from ending.
                atexit.register(self._end)
        return portal

    def release(self) -> None:
        """Let go; the last one stops and joins the thread."""
        with self._lock:
            self._users -= 1
            if not self._users:
                atexit.unregister(self._end)
        self._provider.__exit__(None, None, None)

    def _end(self) -> None:
        while self._users:
            self.release()


BACKGROUND = Background()
