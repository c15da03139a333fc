"""The page, read as text."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver.report import document
from pytest_smtpserver.report.document import Page, octets, visible, write_whole
from pytest_smtpserver.report.entries import Entry

from .make import HEADING, entry, html_letter, letter, with_files, written

if TYPE_CHECKING:
    from pathlib import Path


def unpacked(text: str) -> Any:
    """A packed value."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def scripts(page: str, kind: str) -> list[str]:
    """The data of one kind."""
    return re.findall(rf'<script type="text/plain" class="{kind}"[^>]*>([^<]*)<', page)


def index_of(page: str) -> list[Any]:
    """What the list of tests is made of."""
    (text,) = scripts(page, "index")
    index: list[Any] = unpacked(text)
    return index


def text_of(folder: Path, *entries: Entry) -> str:
    """A page about these entries."""
    return written(folder, entries).read_text(encoding="utf-8")


def test_failed_tests_come_first_then_those_with_mail(tmp_path: Path) -> None:
    """In each group in the order of the run."""
    page = text_of(
        tmp_path,
        entry("no mail"),
        entry("mail", letter()),
        entry("failed without", outcome="failed"),
        entry("failed", letter(), outcome="failed"),
        entry("more mail", letter()),
    )
    names = [line[3] for line in index_of(page)]
    assert names == ["failed", "failed without", "mail", "more mail", "no mail"]
    assert re.findall(r"<h2>([\w ]+?) ?<", page) == names


def test_the_policy_names_the_script_and_nothing_else(tmp_path: Path) -> None:
    """Nothing is loaded, no other script runs, nothing is sent."""
    page = text_of(tmp_path)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page[:2000])
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{digest}'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "frame-src 'none'",
        "form-action 'none'",
        "base-uri 'none'",
    ]


def test_nothing_of_a_mail_is_markup(tmp_path: Path) -> None:
    """Names, subjects, texts, file names; also what would end the element around it."""
    hostile = '</noscript></script><script>alert(1)</script><img src=x onerror="a">'
    bad = letter(hostile, text=hostile)
    bad.add_attachment(b"x", maintype="image", subtype="png", filename=hostile)
    page = text_of(tmp_path, entry(hostile, bad, failure=hostile, outcome="failed"))
    assert page.count("<script>") == 1
    assert page.count("</noscript>") == 2
    assert "<img" not in page
    assert "alert(1)&lt;/script&gt;" in page


def test_without_javascript_the_text_is_there(tmp_path: Path) -> None:
    """And the dialogue where no message came, or the test has failed."""
    page = text_of(
        tmp_path,
        entry("a", letter("Hello", text="Some text\n")),
        entry("b", html_letter("<p>Only <b>HTML</b></p>"), outcome="failed"),
        entry("c", letter(), prepare=lambda server: server.on("MESSAGE").reply(451)),
    )
    for words in ("Some text", "Only HTML", "<h3>Hello</h3>", "S 451 "):
        assert words in page
    assert page.count("S 354 ") == 2


def test_control_characters_stand_as_escapes(tmp_path: Path) -> None:
    """Whoever copies them into a terminal gets text."""
    bad = letter("x", text="red \x1b[31m, and \u202egnorw\n")
    page = text_of(tmp_path, entry("\x1b]0;t\x07", bad))
    assert "red \\x1b[31m, and \\u202egnorw" in page
    assert "\\x1b]0;t\\x07" in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", page)


def test_a_page_that_is_cut_off_has_all_that_was_written() -> None:
    """Nothing has to follow a block."""
    page = Page(HEADING)
    text = page.head() + page.block([entry("a", letter())]) + page.block([entry("b")])
    blocks = [unpacked(one) for one in scripts(text, "block")]
    assert [[one["name"] for one in block] for block in blocks] == [["a"], ["b"]]
    assert scripts(text, "index") == []


def test_a_file_is_in_the_page_once(tmp_path: Path) -> None:
    """However many messages have it."""
    entries = [entry(str(number), with_files()) for number in range(3)]
    assert len(scripts(text_of(tmp_path, *entries), "blob")) == 3


def test_files_past_the_limit_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says so."""
    monkeypatch.setattr(document, "MAX_FILES", 100)
    page = text_of(tmp_path, entry("x", with_files()))
    assert len(scripts(page, "blob")) == 1
    assert "Files over 2.0 MB are left out, and all after the first 100 B." in page


def test_blocks_hold_so_many_entries(tmp_path: Path) -> None:
    """The index says where each one is."""
    one = entry("x", letter())
    many = [Entry({**one.form, "id": f"i{n}"}, {}) for n in range(450)]
    page = text_of(tmp_path, *many)
    blocks = [unpacked(text) for text in scripts(page, "block")]
    assert [len(block) for block in blocks] == [200, 200, 50]
    for block, place, identity, *_ in index_of(page):
        assert blocks[block][place]["id"] == identity


def test_the_page_is_smaller_than_the_mail(tmp_path: Path) -> None:
    """For ordinary mail, and for files that cannot be compressed."""
    html = "<table><tr><td>" + "<p>Dear Ada, this is a paragraph.</p>" * 100
    ordinary = [
        entry(f"t{number}", letter(f"Mail {number}", html=html)) for number in range(60)
    ]
    page = text_of(tmp_path, *ordinary)
    mail = sum(m["size"] for one in ordinary for m in one.form["messages"])
    assert len(page) < 1.5 * mail


def test_an_old_page_is_replaced_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong leaves the old one, and nothing beside it."""
    file = written(tmp_path, [entry("old")])
    before = file.read_bytes()

    def fail(self: Page, entries: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(Page, "block", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(file, HEADING, [entry("new")])
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (2_500_000, "2.5 MB")],
)
def test_sizes_for_people(count: int, words: str) -> None:
    """Octets, kilo and mega."""
    assert octets(count) == words


def test_what_is_visible() -> None:
    """Tabs and line ends stay; a limit says what is missing."""
    assert visible("a\tb\r\nc\x00\u00a0") == "a\tb\nc\\x00 "
    assert (
        visible("\u3164\u2800\ufe00\u202e\ue000")
        == "\\u3164\\u2800\\ufe00\\u202e\\ue000"
    )
    assert visible("\u2764\ufe0f") == "\u2764\ufe0f"
    assert visible("abcdef", 3) == "abc\n[3 more characters]"
