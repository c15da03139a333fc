"""The browser, one for all tests of a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .browser import Chromium, started

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Debian's Chromium, driven by Playwright."""
    with started() as browser:
        yield browser
