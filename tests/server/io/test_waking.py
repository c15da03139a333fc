"""Whether the caller runs in an event loop, whatever else there is."""

from __future__ import annotations

import asyncio
import sys
import types
from typing import TYPE_CHECKING

import trio

from pytest_smtpserver.server.io.waking import running_event_loop

if TYPE_CHECKING:
    import pytest


async def _asked() -> str | None:
    return running_event_loop()


def test_inside_and_outside() -> None:
    assert running_event_loop() is None
    assert asyncio.run(_asked()) == "asyncio"
    assert trio.run(_asked) == "trio"


def test_trio_before_0_29(monkeypatch: pytest.MonkeyPatch) -> None:
    """It had no `in_trio_run`."""
    monkeypatch.delattr(trio.lowlevel, "in_trio_run")
    assert running_event_loop() is None
    assert trio.run(_asked) == "trio"


def test_a_folder_called_trio(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is imported as a package without content."""
    monkeypatch.setitem(sys.modules, "trio", types.ModuleType("trio"))
    assert running_event_loop() is None
    assert asyncio.run(_asked()) == "asyncio"
