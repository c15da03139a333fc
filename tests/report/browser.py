"""A real Chromium, in a thread of its own: Playwright keeps an event loop running there."""

from __future__ import annotations

import importlib.util
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tests.clients.tools import missing_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    T = TypeVar("T")

#: It shall ask nobody for anything, and needs no rights of its own.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
#: How long a page may take on a loaded machine, in milliseconds.
PATIENCE = 20_000


class Chromium:
    """Opens pages, each in a context of its own."""

    def __init__(self, thread: ThreadPoolExecutor, browser: Browser) -> None:
        self._thread = thread
        self._browser = browser

    def visit(
        self,
        file: Path,
        look: Callable[[Page], T],
        *,
        anchor: str = "",
        width: int = 1400,
        **context: Any,
    ) -> T:
        """Open a page, and look at it; what `look` returns.

        An error of the page's script, and a complaint about its own policy that nobody
        has asked for, fails the test.
        """
        return self._thread.submit(
            self._visit, file, look, anchor, width, context
        ).result()

    def _visit(
        self,
        file: Path,
        look: Callable[[Page], T],
        anchor: str,
        width: int,
        context: dict[str, Any],
    ) -> T:
        size = {"width": width, "height": 900}
        opened = self._browser.new_context(viewport=size, **context)  # type: ignore[arg-type]
        opened.set_default_timeout(PATIENCE)
        errors: list[str] = []
        try:
            page = opened.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{file.as_uri()}{anchor}", wait_until="domcontentloaded")
            if context.get("java_script_enabled", True):
                page.wait_for_selector("html.ready", state="attached")
            result = look(page)
        finally:
            opened.close()
        assert errors == []
        return result


@contextmanager
def started() -> Iterator[Chromium]:
    """A browser that runs until the end of the block."""
    program = shutil.which("chromium")
    if program is None:
        missing_client("chromium")
    if importlib.util.find_spec("playwright") is None:
        missing_client("playwright (the dependency group browser)")
    from playwright.sync_api import sync_playwright

    with ThreadPoolExecutor(1, "chromium") as thread:
        playwright = thread.submit(lambda: sync_playwright().start()).result()
        browser = thread.submit(
            lambda: playwright.chromium.launch(
                executable_path=program, args=list(ARGUMENTS)
            )
        ).result()
        try:
            yield Chromium(thread, browser)
        finally:
            thread.submit(browser.close).result()
            thread.submit(playwright.stop).result()
