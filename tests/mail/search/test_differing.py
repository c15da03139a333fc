"""What was wanted beside what came, as long as that can be read."""

from __future__ import annotations

import random
import re
import tracemalloc

import pytest

from pytest_smtpserver.mail.search.criteria import Difference
from pytest_smtpserver.mail.search.differing import describe, diff

LINES = "".join(f"line {number}\n" for number in range(20))


@pytest.mark.parametrize(
    ("name", "wanted", "got", "lines"),
    [
        ("subject", "a", "b", ["subject: wanted 'a', got 'b'"]),
        ("to", "a", ["b"], ["to: wanted 'a', got ['b']"]),
        (
            "subject",
            re.compile("a"),
            "b",
            ["subject: wanted re.compile('a'), got 'b'"],
        ),
        ("where", str.isdigit, False, ["where: isdigit(…) is false for it"]),
        ("where", lambda _: 0, False, ["where: a lambda is false for it"]),
        # Up to 60 characters in one line are read with ease.
        ("subject", "a" * 61, "b", [f"subject: wanted {'a' * 61!r}, got 'b'"]),
        ("subject", "b", "a" * 61, [f"subject: wanted 'b', got {'a' * 61!r}"]),
        (
            "subject",
            "a" * 60,
            "b" * 60,
            [f"subject: wanted {'a' * 60!r}, got {'b' * 60!r}"],
        ),
        # What no line has room for is cut at 200.
        (
            "subject",
            "a",
            "b" * 300,
            [f"subject: wanted 'a', got '{'b' * 199}…"],
        ),
        ("text", "a", "", ["text: wanted 'a' in it, it is empty"]),
        (
            "text",
            "Hello Ada",
            "x\nHello Eda, how are you\n",
            ["text: wanted 'Hello Ada' in it, the nearest is 'Hello Eda,'"],
        ),
        (
            "html",
            "qqq",
            "<p>\n\nx  \n",
            ["html: wanted 'qqq' in it, it is", "    <p>", "", "    x"],
        ),
    ],
)
def test_a_criterion(name: str, wanted: object, got: object, lines: list[str]) -> None:
    assert describe(Difference(name, wanted, got)) == lines


@pytest.mark.parametrize(
    ("wanted", "got"), [("a" * 61, "a" * 60 + "b"), ("a\nb", "a\nc")]
)
def test_two_long_texts_are_compared_line_by_line(wanted: str, got: str) -> None:
    """With the marks of difflib's ndiff."""
    first, *rest = describe(Difference("subject", wanted, got))
    assert first == "subject: - wanted, + got"
    assert rest == [f"    {line}".rstrip() for line in diff(wanted, got)]
    assert any(line.startswith("    - ") for line in rest)
    assert any(line.startswith("    + ") for line in rest)


def test_marks_stand_below_what_differs() -> None:
    marks = "?      ^"
    assert diff("one two", "one tvo") == ["- one two", marks, "+ one tvo", marks]


def test_twelve_lines_are_shown() -> None:
    lines = describe(Difference("text", "qqqqqqqqqqq", LINES))
    assert lines[1:13] == [f"    line {number}" for number in range(12)]
    assert lines[13:] == ["    … 8 more lines, -vv shows them"]
    all_of_it = describe(Difference("text", "qqqqqqqqqqq", LINES), full=True)
    assert all_of_it[1:] == [f"    line {number}" for number in range(20)]


def test_in_full_nothing_is_cut_and_nothing_is_guessed() -> None:
    long = "b" * 300
    assert describe(Difference("subject", "a", long), full=True) == [
        f"subject: wanted 'a', got {long!r}"
    ]
    lines = describe(Difference("text", "Hello Ada", "Hello Eda"), full=True)
    assert lines == ["text: wanted 'Hello Ada' in it, it is", "    Hello Eda"]


def test_long_texts_are_compared_up_to_the_first_difference() -> None:
    """The library's diff takes minutes for a thousand lines that all differ."""
    same = [f"line {number} of the text" for number in range(400)]
    left = "\n".join([*same, *(f"left {number}" for number in range(1000))])
    right = "\n".join([*same, *(f"right {number}" for number in range(1000))])
    assert diff(left, right) == [
        "  … 400 equal lines",
        *(f"- left {number}" for number in range(5)),
        *(f"+ right {number}" for number in range(5)),
        "  … 995 more lines",
    ]


def test_shorter_texts_of_which_every_line_differs() -> None:
    """For a hundred such lines the library's diff takes up to ten seconds."""
    chosen = random.Random(1)
    left, right = (
        ["".join(chosen.choices("abc", k=98)) for _ in range(100)] for _ in "ab"
    )
    assert diff("\n".join(left), "\n".join(right)) == [
        *(f"- {line}" for line in left[:5]),
        *(f"+ {line}" for line in right[:5]),
        "  … 95 more lines",
    ]


def test_a_line_more_in_a_long_text() -> None:
    """Lines that are equal do not count."""
    same = [f"line {number} of the text" for number in range(300)]
    found = diff("\n".join(same), "\n".join([*same[:9], "new", *same[9:]]))
    assert [line for line in found if not line.startswith("  line")] == ["+ new"]


def test_the_lines_of_a_text_are_cut() -> None:
    """A line of HTML may have megabytes."""
    lines = describe(Difference("html", "<b>Hello</b>", "<i>" * 100_000))
    assert max(map(len, lines)) < 300


@pytest.mark.timeout(20)
def test_a_long_text_is_looked_for_in_little_time() -> None:
    """Each piece of a long line is compared with it: as many as there is time for."""
    # `difflib` leaves letters out of account that make more than 1 % of a text.
    letters = [chr(0x100 + number) for number in range(150)]
    chosen = random.Random(1)
    words = " ".join("".join(chosen.choices(letters, k=5)) for _ in range(3000))
    wanted = words[3000:9000].replace(letters[7], "x", 3)
    assert describe(Difference("text", wanted, words))


def test_a_long_text_is_looked_for_in_little_room() -> None:
    """Of the runs of words of a long line only those that are compared are made."""
    got, wanted = "word " * 20_000, "Hello Ada " * 100
    tracemalloc.start()
    try:
        describe(Difference("text", wanted, got))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(got)
