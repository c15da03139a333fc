"""The one background event loop thread, shared by all servers that need it.

The first server that needs it starts it, the last one that lets go joins it. A test run
holds on to it in between, so that it is started once.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
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

    def acquire(self) -> BlockingPortal:
        """A portal to the thread, which runs until as many releases have come."""
        return self._provider.__enter__()

    def release(self) -> None:
        """Let go; the last one stops and joins the thread."""
        self._provider.__exit__(None, None, None)


BACKGROUND = Background()
