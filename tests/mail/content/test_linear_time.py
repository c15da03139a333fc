"""Four times the octets take at most four and a half times the time, in every view.

What is measured is the time of the processor, so that others may be busy; still these
tests stand by themselves.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.mail.lint.violations_content import content_problems

from ..make import ATTRIBUTES, envelope, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage

ENVELOPE = envelope()
SMALL = 15_000
#: Below it, a time is noise on a machine that does other things too.
FLOOR = 0.05

HTML = "Content-Type: text/html\r\n\r\n"
MIXED = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#: What is repeated, with what stands before it.
CONTENTS = {
    "unfinished tags": (HTML, "<a href=x "),
    "unfinished quotes": (HTML, '<a href="'),
    "comments": (HTML, "<!--"),
    "declarations": (HTML, "<!["),
    "references": (HTML, "&copy&#6&"),
    "raw text": (HTML, "<style></styl"),
    "links": (HTML, '<p>a <a href="https://a.org/?a=1&amp;b=2">b</a> https://c.org/'),
    "open elements": (HTML, "<div><b><td>"),
    "tables": (HTML, "<table><tr><td hidden>"),
    "stray ends": (HTML, "<p></b></div></td></p>"),
    "headings": (HTML, "<h1>a"),
    "blanks in HTML": (HTML, " \n\t"),
    "text": ("\r\n", "Hello Ada, the code is 482913.\r\n"),
    "links in text": ("\r\n", "<https://a.org/x> (https://b.org/y), "),
    "schemes": ("\r\n", "a://<URL: "),
    "mailto": ("\r\n", "mailto:"),
    "brackets around links": ("\r\n", "<http://a"),
    "numbers": ("\r\n", "482913 "),
    "groups of digits": ("\r\n", "Your code is 1234 5678. "),
    "digits in a row": ("\r\n", "12 "),
    "digits and hyphens": ("\r\n", "12-1234567-"),
    "cells of digits": (HTML, "<td>4</td><td>482</td>"),
    "orders": ("\r\n", "order 99887766 is your order number\r\n"),
    "blanks in text": ("\r\n", " "),
    "carriage returns": ("\r\n", "\r"),
    "flowed": ("Content-Type: text/plain; format=flowed\r\n\r\n", "> a \r\n"),
    "ISO-2022-JP": (
        "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n",
        "\x1b$B$3\x1b(B",
    ),
    "encoded words": ("Subject: ", "=?utf-8?q?a?= "),
    "unfinished words": ("Subject: ", "=?utf-8?q?a"),
    "half words": ("Subject: ", "=?"),
    "semicolons": ("Content-Type: text/plain", ";"),
    "parameters": ("Content-Type: text/plain", "; a=b"),
    "sections": ("Content-Disposition: attachment", "; filename*1=a"),
    "quoted parameters": ("Content-Type: text/plain", '; a="b\\"'),
    "comments in parameters": ("Content-Type: text/plain; a=", "(b"),
    "addresses": ("To: ", "Ada <a@b.org>, "),
    "words without an address": ("To: ", "Ada, "),
    "quotes in addresses": ("To: ", '"a\\"'),
    "open quotes": ("To: ", '"\\"<'),
    "comments in addresses": ("To: ", "("),
    "angle brackets": ("To: ", "<"),
    "quotes in angle brackets": ("To: ", '<"\\"'),
    "at signs": ("To: ", "a@"),
    "at signs in angle brackets": ("To: <", "a@"),
    "semicolons in addresses": ("To: ", "a@b.org;"),
    "groups": ("To: ", "a:b@c.org;"),
    "blanks in a field": ("To: a", " "),
    "dates": ("Date: ", "1 Jan 2026 "),
    "fields": ("", "X-A: b\r\n"),
    "folds": ("Subject: a", "\r\n b"),
    "lines that are no fields": ("", "a\r\n"),
    "parts": (MIXED, "--b\r\n\r\na\r\n"),
    "files": (MIXED, "--b\r\nContent-Type: a/b; name=c\r\n\r\na\r\n"),
    "boundaries in a line": (MIXED, "--b"),
    "nested multiparts": ("", f"{MIXED}--b\r\n"),
    "forwarded messages": ("", "Content-Type: message/rfc822\r\n\r\n"),
    "base64": ("Content-Transfer-Encoding: base64\r\n\r\n", "SGVsbG8=\r\n"),
    "noise in base64": ("Content-Transfer-Encoding: base64\r\n\r\n", "SG=Vs!"),
    "quoted-printable": (
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
        "=C3=BC=\r\n",
    ),
    "equals signs": ("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "= "),
    "uuencode": (
        "Content-Transfer-Encoding: uuencode\r\n\r\nbegin 644 a\r\n",
        "%2&5L;&\\\r\n",
    ),
}


def _ask(find: Callable[[], str]) -> None:
    with suppress(AssertionError):
        find()


VIEWS: dict[str, Callable[[ReceivedMessage], object]] = {
    "link": lambda message: _ask(message.link),
    "code": lambda message: _ask(message.code),
    "normalized": lambda message: message.normalized(dates=True),
    "as_dict": lambda message: message.as_dict(),
    "fields of email": lambda message: [
        message.email[name] for name in set(message.email)
    ],
    **{name: attrgetter(name) for name in ATTRIBUTES},
}


def seconds(content: str, view: str) -> float:
    message = received(content)
    begin = time.process_time()
    VIEWS[view](message)
    return time.process_time() - begin


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Its turns cost more than the views, in a process that has loaded much."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.once
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("name", CONTENTS)
def test_time_grows_with_the_content(name: str) -> None:
    """Each view of each content, the best of a few attempts."""
    before, unit = CONTENTS[name]
    small = before + unit * (SMALL // len(unit))
    large = before + unit * (4 * SMALL // len(unit))
    for view in VIEWS:
        ratios = []
        for _ in range(5):
            first = max(seconds(small, view), FLOOR)
            ratios.append(seconds(large, view) / first)
            if ratios[-1] <= 4.5:
                break
        else:
            pytest.fail(
                f"{view}: {min(ratios):.1f} times the time for 4 times the octets"
            )


def _numbers(form: str, size: int) -> str:
    return "".join(form % number for number in range(size // len(form % 1)))


#: Contents of two parts of about the same size, each of which is looked at for each piece
#: of the other, and the view that would.
PAIRS: dict[str, tuple[str, Callable[[int], str]]] = {
    "elements in formatting": (
        "links",
        lambda n: (
            f"{HTML}{('<b>' + '<q>' * 49) * (n // 600)}{'<q>' * (n // 6)}"
            + "</b>" * (n // 600)
        ),
    ),
    "links below a base": (
        "links",
        lambda n: (
            f"{HTML}<base href='http://a/{'b' * n}/'>" + _numbers("<a href=c%06d>", n)
        ),
    ),
    "codes in headings": (
        "code",
        lambda n: (
            f"{HTML}<h1>{_numbers('1%06d ', n // 2)}</h1>" + _numbers("2%06d ", n // 2)
        ),
    ),
    "addresses and words": ("to", lambda n: "To: " + _numbers("a%06d@b x ", n // 2)),
    "long words without an address": (
        "to",
        lambda n: "To: " + f"{'a' * 50}, " * (n // 10),
    ),
    "blanks in angle brackets": ("to", lambda n: f"To: <a@b{' ' * n}c>"),
    "quotes in a comment": (
        "normalized",
        lambda n: f"To: a@b.c ({chr(92) + chr(34)}{(chr(92) + chr(34)) * n}), d@e.f",
    ),
    "a long name and its defects": (
        "defects",
        lambda n: f"{'X' * (n // 2)}: {_numbers('=?a%06d?q?a?= ', n // 2)}",
    ),
    "a long type and its defects": (
        "defects",
        lambda n: f"{MIXED}--b\r\nContent-Type: text/{'x' * (n // 2)}{';=' * (n // 4)}",
    ),
    "a type of many separators": (
        "email",
        lambda n: f"Content-Type: text/plain{';' * (n // 13)}",
    ),
    "quotes in angle brackets that end": (
        "to",
        lambda n: "To: " + '<\\">, ' * (n // 6),
    ),
    "a long type and its parts": (
        "text",
        lambda n: (
            f"Content-Type: multipart/{'x' * n}; boundary=b\r\n\r\n"
            + "--b\r\n" * (n // 10)
        ),
    ),
}


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("name", PAIRS)
def test_two_parts_of_a_content_do_not_multiply(name: str) -> None:
    """Four times both, and not sixteen times the time."""
    view, content = PAIRS[name]
    ratios = []
    for _ in range(3):
        first = max(seconds(content(4 * SMALL), view), FLOOR)
        ratios.append(seconds(content(16 * SMALL), view) / first)
        if ratios[-1] <= 5:
            break
    assert min(ratios) <= 5


@pytest.mark.usefixtures("no_collector")
def test_lines_of_the_longest_length_take_no_longer() -> None:
    """RFC 5322 §2.1.1: 998 octets are allowed; each octet is looked at once."""

    def seconds_for(length: int) -> float:
        content = (b"a" * length + b"\r\n") * (500_000 // length)
        begin = time.process_time()
        assert all(
            one.name != "long-line" for one in content_problems(content, ENVELOPE)
        )
        return time.process_time() - begin

    assert min(seconds_for(998) for _ in range(3)) < 10 * max(seconds_for(50), 0.01)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("one", ["a", "@a"])
def test_one_long_word_takes_no_longer_than_many(one: str) -> None:
    """No address begins in the middle of a word."""
    many = min(seconds("To: " + "aaaaaaa " * 60_000, "to") for _ in range(3))
    assert min(seconds(f"To: {one}{'a' * 480_000}", "to") for _ in range(3)) < many


def test_one_long_word_takes_little_room() -> None:
    """The expression for it never goes back, so that nothing is kept of its steps."""
    message = received("To: " + "a" * 200_000)
    tracemalloc.start()
    try:
        assert message.to == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(message.content)


@pytest.mark.usefixtures("no_collector")
def test_formatting_that_is_nested_takes_no_longer_than_other_elements() -> None:
    """What has ended is not looked at again, though misnested formatting may go on."""

    def seconds_for(name: str) -> float:
        content = f"{HTML}{f'<{name}>' * 8000}a{f'</{name}>' * 8000}"
        return min(seconds(content, "links") for _ in range(3))

    assert seconds_for("b") < 2 * seconds_for("q")
