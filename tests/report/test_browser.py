"""The page as a person uses it, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver.report.document import Page as Document
from pytest_smtpserver.report.entries import anchor_of
from tests.clients.tools import clients_dir, missing_client

from .make import BINARY, HEADING, entry, letter, seen, with_files, written

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from pytest_smtpserver.report.entries import Entry

    from .browser import Chromium

pytestmark = pytest.mark.once

HTML = (
    "<style>@media (prefers-color-scheme: dark) { p { color: rgb(1, 2, 3) } }</style>"
    '<p>Hello <b>Ada</b></p><a href="https://app.example.org/confirm?t=1">Confirm</a>'
    '<img src="https://cdn.example.org/a.png" alt="Banner" width="300" height="80">'
)


def ordinary() -> list[Entry]:
    """Tests of several kinds."""
    return [
        entry("tests/test_signup.py::test_welcome", letter("Welcome", html=HTML)),
        entry("tests/test_orders.py::test_invoice", with_files(), letter("Thanks")),
        entry(
            "tests/test_news.py::test_bob",
            letter("News", text="quarterly numbers\n"),
            outcome="failed",
            failure="AssertionError: no mail for bob",
            recipients=["ada@example.org", "bob@example.org"],
            prepare=lambda server: server.on("RCPT", "bob@example.org").reply(
                550, "5.1.1 No such user"
            ),
        ),
        entry(
            "tests/test_retry.py::test_later",
            letter("Later"),
            prepare=lambda server: server.on("MESSAGE").reply(451, "4.3.0 Later"),
        ),
        entry("tests/test_silent.py::test_nothing"),
    ]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about an ordinary run."""
    return written(tmp_path_factory.mktemp("page"), ordinary())


def rows(page: Page) -> list[str]:
    """The names in the list, as far as they are shown.

    Their inner text would be empty for as long as the browser has not drawn them.
    """
    return [
        one.split(" ")[0]
        for one in page.locator("#list a:visible .name").all_text_contents()
    ]


def tab(page: Page, name: str) -> Locator:
    """A view of the message."""
    return page.get_by_role("tab", name=re.compile(rf"^{name}"))


def anchor(name: str, number: int | None = None) -> str:
    """What stands behind the path of the page."""
    return f"#{anchor_of(name)}" + ("" if number is None else f".{number}")


WELCOME = "tests/test_signup.py::test_welcome"
INVOICE = "tests/test_orders.py::test_invoice"


def test_failed_tests_stand_first_and_one_is_open(
    chromium: Chromium, page_file: Path
) -> None:
    """With what it failed with, who was refused, and which rule did it."""

    def look(page: Page) -> None:
        assert rows(page) == [
            "test_bob",
            "test_welcome",
            "test_invoice",
            "test_later",
            "test_nothing",
        ]
        assert "4 messages · 1 failed" in page.inner_text("#summary")
        assert page.inner_text("#detail h2").startswith("tests/test_news.py::test_bob")
        assert "no mail for bob" in page.inner_text("#detail .failure")
        assert "bob@example.org: 550 5.1.1 No such user" in page.inner_text("dd.bad")
        assert "test_browser.py" in page.inner_text(".dialogue mark")
        assert page.inner_text(".dialogue .bad .said").startswith("550 5.1.1")

    chromium.visit(page_file, look)


def test_an_anchor_opens_a_message(chromium: Chromium, page_file: Path) -> None:
    """The second one of a test."""

    def look(page: Page) -> None:
        assert page.inner_text("#detail h3").startswith("Thanks")
        assert page.locator("#list a[aria-current] .name").inner_text() == (
            "test_invoice passed"
        )
        page.locator(".messages").get_by_role("link", name="Invoice →").click()
        page.locator("h3", has_text="Invoice").wait_for()
        assert page.url.endswith(anchor(INVOICE, 1))

    chromium.visit(page_file, look, anchor=anchor(INVOICE, 2))


def test_html_in_three_widths_and_dark(chromium: Chromium, page_file: Path) -> None:
    """What is elsewhere is a placeholder with its address."""

    def look(page: Page) -> None:
        frame = page.frame_locator(".stage iframe")
        assert frame.locator("b").inner_text() == "Ada"
        box = frame.locator(".smtp-blocked")
        assert box.inner_text() == (
            "Banner [not loaded: https://cdn.example.org/a.png]"
        )
        assert box.bounding_box()["width"] == 300  # type: ignore[index]
        assert "1 thing of elsewhere not loaded: https://cdn" in page.inner_text(
            "#detail"
        )
        assert frame.locator("a").get_attribute("href") is None
        assert frame.locator("a").get_attribute("title") == (
            "https://app.example.org/confirm?t=1"
        )
        for name, width in (("Phone", 375), ("Tablet", 768)):
            page.get_by_role("button", name=name).click()
            assert page.locator(".stage iframe").bounding_box()["width"] == width  # type: ignore[index]
        colour = "element => getComputedStyle(element).color"
        assert frame.locator("p").evaluate(colour) == "rgb(22, 24, 29)"
        page.get_by_role("button", name="Dark mode").click()
        frame.locator("p").wait_for()
        assert frame.locator("p").evaluate(colour) == "rgb(1, 2, 3)"

    chromium.visit(page_file, look, anchor=anchor(WELCOME), color_scheme="dark")


def test_all_views_of_a_message(chromium: Chromium, page_file: Path) -> None:
    """Text, headers, source, parts, links, problems."""

    def look(page: Page) -> dict[str, str]:
        found = {}
        for name in ("Text", "Headers", "Source", "Parts", "Links", "Problems"):
            tab(page, name).click()
            found[name] = page.locator("[role=tabpanel]").inner_text()
        return found

    found = chromium.visit(page_file, look, anchor=anchor(INVOICE))
    assert "Confirm: https://app.example.org/confirm?t=1" in found["Text"]
    assert "Shop <noreply@shop.example>" in found["Headers"]
    assert "Subject: Invoice" in found["Source"]
    assert "Rechnung März.pdf" in found["Parts"]
    assert "image/png, in the HTML" in found["Parts"]
    assert "multipart/mixed" in found["Parts"]
    assert found["Links"] == "https://app.example.org/confirm?t=1"
    assert "Nothing to complain about." in found["Problems"]


def test_an_inline_image_is_shown(chromium: Chromium, page_file: Path) -> None:
    """It comes with the mail, so that nothing has to be loaded."""

    def look(page: Page) -> object:
        image = page.frame_locator(".stage iframe").locator("img")
        image.wait_for()
        return image.evaluate("image => [image.naturalWidth, image.src.slice(0, 15)]")

    size = chromium.visit(page_file, look, anchor=anchor(INVOICE))
    assert size == [10, "data:image/png;"]


def test_files_are_saved_octet_for_octet(
    chromium: Chromium, page_file: Path, tmp_path: Path
) -> None:
    """And so is the message."""

    def look(page: Page) -> list[tuple[str, bytes]]:
        saved = []
        for view, button in (
            ("Parts", "Download Rechnung"),
            ("Source", "Download .eml"),
        ):
            tab(page, view).click()
            with page.expect_download() as waiting:
                page.get_by_role("button", name=button).click()
            path = tmp_path / view
            waiting.value.save_as(path)
            saved.append((waiting.value.suggested_filename, path.read_bytes()))
        return saved

    saved = chromium.visit(page_file, look, anchor=anchor(INVOICE))
    assert saved[0] == ("Rechnung März.pdf", BINARY)
    name, source = saved[1]
    assert name == "message.eml"
    sent = seen(with_files()).messages[0].content
    boundaries = re.compile(rb"=====\d+==")
    assert boundaries.sub(b"", source) == boundaries.sub(b"", sent)


def test_search_and_filters(chromium: Chromium, page_file: Path) -> None:
    """Names, addresses, subjects, and the text of messages."""

    def look(page: Page) -> dict[str, list[str]]:
        found = {}
        for words in ("orders", "WELCOME", "bob@", "later numbers", "quarterly", "zzz"):
            page.fill("#search", words)
            page.locator("#count:not(:has-text('reading'))").wait_for()
            found[words] = rows(page)
        page.keyboard.press("Escape")
        for name in ("Failed", "Refused", "Unfinished", "All"):
            page.get_by_role("button", name=name, exact=True).click()
            found[name] = rows(page)
        found["count"] = [page.inner_text("#count")]
        return found

    everything = [
        "test_bob",
        "test_welcome",
        "test_invoice",
        "test_later",
        "test_nothing",
    ]
    assert chromium.visit(page_file, look) == {
        "orders": ["test_invoice"],
        "WELCOME": ["test_welcome"],
        "bob@": [],
        "later numbers": [],
        "quarterly": ["test_bob"],
        "zzz": [],
        "Failed": ["test_bob"],
        "Refused": ["test_bob", "test_later"],
        "Unfinished": ["test_later"],
        "All": everything,
        "count": ["5 tests"],
    }


def test_keys(chromium: Chromium, page_file: Path) -> None:
    """j and k, also in what a filter leaves; / and Esc; arrows between the views."""

    def look(page: Page) -> list[str]:
        current = page.locator("#list a[aria-current] .name")
        seen_names = []

        def press(*keys: str) -> None:
            for key in keys:
                page.keyboard.press(key)
            seen_names.append(current.inner_text().split(" ")[0])

        press("j")
        press("j", "j", "j", "j", "j")
        press("k")
        press("/", *"test_w", "Escape", "k")
        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.type("invoice")
        page.keyboard.press("Tab")
        press("j")
        tab(page, "HTML").focus()
        page.keyboard.press("ArrowRight")
        assert tab(page, "Text").get_attribute("aria-selected") == "true"
        assert page.locator("[role=tabpanel] pre").is_visible()
        return seen_names

    assert chromium.visit(page_file, look) == [
        "test_welcome",
        "test_nothing",
        "test_later",
        "test_invoice",
        "test_invoice",
    ]


def test_connections_that_delivered_nothing(
    chromium: Chromium, page_file: Path
) -> None:
    """Their dialogue is there all the same."""

    def look(page: Page) -> str:
        return page.inner_text("#detail")

    text = chromium.visit(
        page_file, look, anchor=anchor("tests/test_retry.py::test_later")
    )
    assert "No message arrived." in text
    assert "Not delivered: " in text
    assert "451 4.3.0 Later" in text


def test_on_a_phone(chromium: Chromium, page_file: Path) -> None:
    """List and message one after the other, nothing wider than the screen."""

    def look(page: Page) -> None:
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(fits)
        assert page.locator("#list").is_visible()
        page.get_by_text("test_invoice").click()
        page.locator("h3", has_text="Invoice").wait_for()
        assert not page.locator("#list").is_visible()
        for name in ("Text", "Headers", "Source", "Parts", "Problems"):
            tab(page, name).click()
            assert page.evaluate(fits), name
        page.get_by_role("link", name="← all tests").click()
        page.locator("#list").wait_for()

    chromium.visit(page_file, look, width=375)


def test_without_javascript(chromium: Chromium, page_file: Path) -> None:
    """All is there to read, and anchors work."""

    def look(page: Page) -> None:
        text = page.inner_text("body")
        assert "Without JavaScript this page shows the text" in text
        assert "quarterly numbers" in text
        assert "refused: bob@example.org 550 5.1.1 No such user" in text
        assert not page.locator("#app").is_visible()
        target = page.locator(":target")
        assert target.locator("h3").inner_text() == "Thanks"

    chromium.visit(
        page_file, look, anchor=anchor(INVOICE, 2), java_script_enabled=False
    )


def test_printed(chromium: Chromium, page_file: Path) -> None:
    """What is open, and nothing to click on."""

    def look(page: Page) -> None:
        page.emulate_media(media="print")
        assert not page.locator("#tests").is_visible()
        assert not page.locator("[role=tablist]").is_visible()
        assert page.locator("h3", has_text="News").is_visible()
        assert page.locator(".dialogue").is_visible()
        assert page.pdf().startswith(b"%PDF")

    chromium.visit(page_file, look)


def test_an_empty_run(chromium: Chromium, tmp_path: Path) -> None:
    """It says so."""

    def look(page: Page) -> str:
        return page.inner_text("body")

    text = chromium.visit(written(tmp_path, []), look)
    assert "No test of this run had an SMTP server." in text
    assert "0 messages" in text


def test_a_run_that_was_cut_off(chromium: Chromium, tmp_path: Path) -> None:
    """What was written until then is there, in its order; half a block is not."""
    document = Document(HEADING)
    blocks = [document.block([one]) for one in ordinary()[:3]]
    file = tmp_path / "mail.html"
    file.write_text(
        document.head() + "".join(blocks[:2]) + blocks[2] + blocks[0][:-200],
        encoding="utf-8",
    )

    def look(page: Page) -> tuple[list[str], str]:
        return rows(page), page.inner_text("#summary")

    names, summary = chromium.visit(file, look)
    assert names == ["test_bob", "test_welcome", "test_invoice"]
    assert "this run was cut off" in summary


def test_characters_that_are_not_seen(chromium: Chromium, tmp_path: Path) -> None:
    """Fillers, selectors, tags and private ones are escapes; emojis stay as they are."""
    hidden = "\u202e\u3164\u2800\ufe00\ue000\U000e0041\U000e0101"
    bad = letter(f"x{hidden}y", text=f"a{hidden}b \u2764\ufe0f \U0001f600\n")

    def look(page: Page) -> str:
        tab(page, "Text").click()
        return page.inner_text("body")

    text = chromium.visit(written(tmp_path, [entry("x", bad)]), look)
    shown = r"\u202e\u3164\u2800\ufe00\ue000\U000e0041\U000e0101"
    assert f"x{shown}y" in text
    assert f"a{shown}b \u2764\ufe0f \U0001f600" in text
    assert not set(text) & set(hidden)


def test_many_messages(chromium: Chromium, tmp_path: Path) -> None:
    """The list is made in pieces, and the last ones can be found and opened."""
    one = entry("x", letter("Welcome", html=HTML))
    many = [
        one._replace(
            form={**one.form, "id": f"test-{number}", "name": f"t.py::test_{number}"}
        )
        for number in range(1500)
    ]

    def look(page: Page) -> None:
        page.wait_for_selector("#list[data-whole]", state="attached")
        assert page.locator("#list li").count() == 1500
        page.fill("#search", "test_1499")
        page.locator("#list a:visible").click()
        page.locator("h2", has_text="test_1499").wait_for()

    chromium.visit(written(tmp_path, many), look)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 800, 1400])
def test_contrast_names_and_keyboard(
    chromium: Chromium, page_file: Path, scheme: str, width: int
) -> None:
    """axe, the checker of Deque, finds nothing to complain about."""
    script = clients_dir() / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        missing_client("axe-core")
    source = script.read_text(encoding="utf-8")

    def check(page: Page) -> list[Any]:
        found: list[Any] = page.evaluate(
            "axe.run({iframes: false, resultTypes: ['violations']})"
            ".then(result => result.violations.map(one => "
            "[one.id, one.nodes.map(node => node.html.slice(0, 200))]))"
        )
        return found

    def look(page: Page) -> list[Any]:
        page.evaluate(source)
        found = check(page)
        page.evaluate("hash => { location.hash = hash }", anchor(INVOICE, 1))
        page.locator("h3", has_text="Invoice").wait_for()
        for name in ("HTML", "Text", "Headers", "Source", "Parts", "Links", "Problems"):
            tab(page, name).click()
            found += check(page)
        return found

    assert chromium.visit(page_file, look, width=width, color_scheme=scheme) == []
