"""Explanations of comparisons that are false."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import containing
from pytest_smtpserver.mail.collection import Recorded
from pytest_smtpserver.mail.search.comparing import compared, line_ends

from ..make import received

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage

ONE = received("From: a@x.org\r\nSubject: one\r\n\r\nHello")
OTHER = received("From: a@x.org\r\nSubject: other\r\n\r\nHello Ada")
_SUMMARY = "from noreply@example.org to ada@example.org: {!r} ({} octets)"
_ONE, _OTHER = _SUMMARY.format("one", 36), _SUMMARY.format("other", 42)


def test_two_messages() -> None:
    """What differs, and that a message is equal to itself alone."""
    assert compared("==", ONE, OTHER) == [
        "one message == another",
        f"  left:  {_ONE}",
        f"  right: {_OTHER}",
        "  subject: left 'one', right 'other'",
        "  plain text: left 'Hello', right 'Hello Ada'",
        "  A message is equal to itself alone; normalized() gives text to compare.",
    ]


def test_long_texts_of_two_messages() -> None:
    """A diff, whose signs are those of left and right."""
    left = received(f"Subject: {'a' * 70}\r\n\r\n")
    right = received(f"Subject: {'a' * 69}b\r\n\r\n")
    lines = compared("==", left, right)
    assert lines is not None
    assert "  subject: - left, + right" in lines
    assert f"      - {'a' * 70}" in lines


def test_the_same_content_twice() -> None:
    again = received(ONE.content)
    lines = compared("==", ONE, again)
    assert lines is not None
    assert lines[-1] == "  Their content is the same, but they came one by one."
    assert len(lines) == 4


def recorded(*messages: ReceivedMessage) -> Recorded[ReceivedMessage]:
    made: Recorded[ReceivedMessage] = Recorded("message")
    for message in messages:
        made.record(message)
    return made


def test_two_lists() -> None:
    assert compared("==", recorded(ONE, OTHER), [OTHER]) == [
        "2 messages == 1 message",
        "only on the left:",
        f"  1. {_ONE}",
    ]
    assert compared("==", [], (ONE,)) == [
        "0 messages == 1 message",
        "only on the right:",
        f"  1. {_ONE}",
    ]
    assert compared("==", recorded(ONE), []) == [
        "1 message == 0 messages",
        "only on the left:",
        f"  1. {_ONE}",
    ]
    assert compared("==", [ONE, OTHER], [OTHER, ONE]) == [
        "2 messages == 2 messages",
        "the same messages, in another order or number",
    ]


@pytest.mark.parametrize(
    ("operator", "left", "right", "lines"),
    [
        (
            "==",
            "abc",
            containing("d"),
            ["a text == containing('d')", "  'd' is not in 'abc'"],
        ),
        (
            "==",
            containing("d"),
            "abc",
            ["a text == containing('d')", "  'd' is not in 'abc'"],
        ),
        (
            "==",
            [1],
            containing(2),
            ["[1] == containing(2)", "  2 is not in it"],
        ),
        (
            "in",
            containing("d"),
            "abc",
            [
                "containing('d') in a str",
                "containing() is compared with ==; for one text say: 'd' in …",
            ],
        ),
        (
            "in",
            containing("d"),
            ["abc", 3],
            ["containing('d') in a collection of 2", "  'd' is not in 'abc'", "  3"],
        ),
    ],
)
def test_containing(operator: str, left: object, right: object, lines: object) -> None:
    assert compared(operator, left, right) == lines


def test_a_part_and_a_long_text() -> None:
    """Above 60 characters, or with several lines, the nearest piece is shown."""
    for text in ("Dear Ada, " + "x" * 51, "Dear Ada\nx"):
        lines = compared("==", text, containing("Dear Eda"))
        assert lines == [
            "a text == containing('Dear Eda')",
            "  text: wanted 'Dear Eda' in it, the nearest is "
            + ("'Dear Ada,'" if "," in text else "'Dear Ada'"),
        ]
    short = "Dear Ada, " + "x" * 50
    assert compared("==", short, containing("Dear Eda")) == [
        "a text == containing('Dear Eda')",
        f"  'Dear Eda' is not in {short!r}",
    ]


def test_five_items_of_a_collection_are_shown() -> None:
    items = list(range(7))
    lines = compared("in", containing("d"), items)
    assert lines == [
        "containing('d') in a collection of 7",
        *map("  {}".format, range(5)),
    ]
    assert compared("in", containing("d"), items, full=True) == [
        "containing('d') in a collection of 7",
        *map("  {}".format, range(7)),
    ]


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        ("!=", ONE, OTHER),
        ("<", ONE, OTHER),
        ("in", ONE, [OTHER]),
        ("in", [ONE], containing("a")),
        ("==", ONE, "one"),
        ("==", [ONE], ["one"]),
        ("==", [], []),
        ("==", [1], [ONE]),
        ("==", [ONE], 1),
        ("==", None, [ONE]),
        ("==", "a", "b"),
    ],
)
def test_what_is_nobody_of_ours(operator: str, left: object, right: object) -> None:
    """pytest explains it itself."""
    assert compared(operator, left, right) is None


def test_nothing_in_it_moves_a_terminal() -> None:
    assert compared("==", "\x1b[2J", containing("d")) == [
        "a text == containing('d')",
        r"  'd' is not in '\x1b[2J'",
    ]


@pytest.mark.parametrize(
    ("operator", "left", "right", "told"),
    [
        ("==", "a\n", "a", "differ at the end alone"),
        ("==", "a", "a\n\n", "differ at the end alone"),
        ("==", "a\r\nb", "a\nb\n", "differ at the end alone"),
        ("==", "a\nb\n", "a\r\nb\r\n", "differ in line ends alone"),
        ("==", "a\rb", "a\nb", "differ in line ends alone"),
        ("in", "a\r\nb", "x a\nb y", "there but for its line ends"),
    ],
)
def test_line_ends_alone(operator: str, left: str, right: str, told: str) -> None:
    """It is said which, and both are shown with their line ends."""
    first, why = line_ends(operator, left, right) or ("", "")
    assert first == f"{left!r} {operator} {right!r}"
    assert told in why


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        ("==", "a\n", "b"),
        ("==", "a \n", "a\n"),
        ("==", "\na", "a"),
        ("!=", "a", "a"),
        ("in", "b\r\n", "a\n"),
        ("not in", "a\r\n", "a\n"),
        ("<", "a\n", "a"),
    ],
)
def test_more_than_line_ends(operator: str, left: str, right: str) -> None:
    """That is pytest's to explain."""
    assert line_ends(operator, left, right) is None


def test_a_long_text_is_shown_by_its_end() -> None:
    """The difference is there; with -vv all of it is shown."""
    text = "word " * 30
    short, _ = line_ends("==", f"{text}\n", text) or ("", "")
    assert short.count("word") < 30
    assert short.count("…") == 2
    whole, _ = line_ends("==", f"{text}\n", text, full=True) or ("", "")
    assert whole == f"{text + chr(10)!r} == {text!r}"


def test_many_messages_are_compared_in_no_time() -> None:
    """Each is looked for once, and not beside each of the others."""
    many = [received(b"") for _ in range(6000)]
    begin = time.process_time()
    assert compared("==", many, [*reversed(many), ONE]) == [
        "6000 messages == 6001 messages",
        "only on the right:",
        f"  1. {_ONE}",
    ]
    assert time.process_time() - begin < 0.3
