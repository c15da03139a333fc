"""Hostile mail: nothing runs, nothing is loaded, nothing goes anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .hostile import HOSTILE, listener
from .make import entry, html_letter, letter, written

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

    from .browser import Chromium

pytestmark = pytest.mark.once

#: All that could have happened by now has: two frames were painted.
PAINTED = (
    "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
)
#: What is in the page's frame afterwards, and what must not be in it.
LEFT = """html => {
  const cleaned = cleanHtml(html, {picture: () => null, dark: false});
  if (cleaned === null) return "given up";
  const parsed = new DOMParser().parseFromString(cleaned.html, "text/html");
  return [...parsed.querySelectorAll("*")].flatMap(element => [
    ...(FORBIDDEN.has(element.localName) || element.localName === "form"
      ? [element.localName] : []),
    ...[...element.attributes].filter(one => /^on|^(href|srcset|action|formaction|ping|poster|background|data|xlink:href)$/.test(one.name)
      || (one.name === "src" && !/^data:image.(png|gif)/.test(one.value))).map(one => one.name),
  ]);
}"""
#: A frame as the mail would like to have one: no cleaning, no sandbox.
BARE_FRAME = """html => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.addEventListener("load", () => done(String(frame.contentWindow.hacked)));
  frame.srcdoc = html;
  document.body.append(frame);
})"""


def look_around(page: Page, urls: list[str]) -> None:
    """Open every view, and click where the mail wants a click."""
    before = page.url
    page.frame_locator(".stage iframe").locator("body, html").first.wait_for(
        state="attached"
    )
    page.evaluate(PAINTED)
    bait = page.frame_locator(".stage iframe").locator("#go")
    if bait.count():
        page.locator(".stage iframe").click(position={"x": 40, "y": 40})
    page.get_by_role("button", name="Dark mode").click()
    for view in page.get_by_role("tab").all():
        view.click()
        page.evaluate(PAINTED)
    assert page.evaluate("window.hacked") is None
    assert page.url == before
    assert len(page.context.pages) == 1
    outside = [one for one in urls if not one.startswith(("file:", "data:", "about:"))]
    assert outside == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_nothing_happens(chromium: Chromium, tmp_path: Path, kind: str) -> None:
    """As the page shows it, with every view opened and the bait clicked on."""
    with listener() as home:
        html = HOSTILE[kind].replace("HOME", home.address)
        file = written(tmp_path, [entry("t.py::test_it", html_letter(html))])
        urls: list[str] = []

        def look(page: Page) -> None:
            page.on("request", lambda request: urls.append(request.url))
            page.on("dialog", lambda dialog: urls.append(dialog.type))
            look_around(page, urls)

        chromium.visit(file, look)
        assert home.calls() == 0


#: No policy forbids a browser to connect, and Chromium does so before it asks whether
#: a frame may go there; then it asks for nothing.
CONNECTS = ("hints", "srcdoc", "refresh", "frameset")


@pytest.mark.parametrize("kind", [one for one in HOSTILE if one not in CONNECTS])
def test_the_policy_alone_would_do(
    chromium: Chromium, tmp_path: Path, kind: str
) -> None:
    """Without the sandbox, and without the cleaning."""
    file = written(tmp_path, [entry("t.py::test_it", letter())])
    with listener() as home:
        html = HOSTILE[kind].replace("HOME", home.address)

        def look(page: Page) -> str:
            ran: str = page.evaluate(BARE_FRAME, html)
            page.evaluate(PAINTED)
            assert page.evaluate("window.hacked") is None
            return ran

        assert chromium.visit(file, look) in ("undefined", "null")
        assert home.calls() == 0


def test_the_cleaning_alone_would_do(chromium: Chromium, tmp_path: Path) -> None:
    """Nothing is left that acts, and nothing that names another place to load from."""
    file = written(tmp_path, [entry("t.py::test_it", letter())])

    def look(page: Page) -> dict[str, object]:
        return {kind: page.evaluate(LEFT, html) for kind, html in HOSTILE.items()}

    assert chromium.visit(file, look) == {kind: [] for kind in HOSTILE}


def test_the_sandbox_allows_nothing(chromium: Chromium, tmp_path: Path) -> None:
    """An empty attribute is the strictest."""
    file = written(tmp_path, [entry("t.py::test_it", html_letter("<p>x"))])

    def look(page: Page) -> tuple[str | None, object]:
        frame = page.locator(".stage iframe")
        frame.wait_for()
        reached = frame.evaluate("frame => frame.contentDocument")
        return frame.get_attribute("sandbox"), reached

    assert chromium.visit(file, look) == ("", None)


def test_the_listener_would_have_heard(chromium: Chromium, tmp_path: Path) -> None:
    """The same browser, and a page that guards itself by nothing."""
    file = tmp_path / "open.html"
    with listener() as home:
        file.write_text(
            f'<html class="ready"><img src="{home.address}/a.png">'
            "<script>window.hacked = 1</script>",
            encoding="utf-8",
        )

        def look(page: Page) -> object:
            page.evaluate(PAINTED)
            return page.evaluate("window.hacked")

        assert chromium.visit(file, look) == 1
        assert home.calls() > 0


def test_names_with_markup(chromium: Chromium, tmp_path: Path) -> None:
    """Of tests, files, people; in every view."""
    markup = "<img src=x onerror='top.hacked=1'><script>top.hacked=1</script>"
    bad = letter(markup, text=markup, html="<p>x")
    bad.replace_header("From", '"<script>top.hacked=1</script>" <a@example.org>')
    bad["X-Odd"] = markup
    bad.add_attachment(b"x", maintype="image", subtype="png", filename=markup)
    made = entry(
        f"t.py::test[{markup}]",
        bad,
        letter(),
        outcome="failed",
        failure=markup,
        prepare=lambda server: server.on("RCPT").reply(250, markup),
    )
    file = written(tmp_path, [made])

    def look(page: Page) -> int:
        look_around(page, [])
        assert markup in page.inner_text("#detail .failure")
        return page.locator("#app img, #app script").count()

    assert chromium.visit(file, look) == 0
