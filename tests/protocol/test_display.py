"""What is shown of octets and text: nothing that a terminal obeys, or that is not seen."""

from __future__ import annotations

import json
import time

import pytest

from pytest_smtpserver.protocol.display import (
    printable,
    printable_json,
    shortened,
    shown_command,
)


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        # Control characters (Unicode 16, section 23.1), with what terminals obey.
        ("\x00", "\\x00"),
        ("\a", "\\x07"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x7f", "\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("\r", "\\r"),
        ("\n", "\\n"),
        # Overrides and isolates of the direction (section 23.2).
        ("\u202e", "\\u202e"),
        ("\u2066", "\\u2066"),
        ("\u200f", "\\u200f"),
        # What nobody sees: joiners, fillers, selectors, tags (sections 23.2 to 23.9).
        ("\u00ad", "\\xad"),
        ("\u200b", "\\u200b"),
        ("\u200d", "\\u200d"),
        ("\u2028", "\\u2028"),
        ("\u2060", "\\u2060"),
        ("\ufeff", "\\ufeff"),
        ("\u115f", "\\u115f"),
        ("\u3164", "\\u3164"),
        ("\ufe00", "\\ufe00"),
        ("\U000e0041", "\\U000e0041"),
        ("\U000e0101", "\\U000e0101"),
        # Private characters, and octets that are no text.
        ("\ue000", "\\ue000"),
        ("\udc80", "\\x80"),
    ],
)
def test_what_is_not_to_be_seen_is_an_escape(character: str, shown: str) -> None:
    """In text and, where it can be encoded, in octets."""
    assert printable(f"a{character}b") == f"a{shown}b"
    if character == shown or "\udc80" in character or character in "\r\n":
        return
    assert printable(f"a{character}b".encode()) == f"a{shown}b"


@pytest.mark.parametrize(
    "text", ["Grüße", "日本語\u3000テスト", "שלום", "a\tb", "\u2764\ufe0f", "e\u0301"]
)
def test_text_stays_as_it_is(text: str) -> None:
    """Letters of any script, spaces, marks, and hearts in red."""
    assert printable(text) == text


def test_what_looks_like_many_mechanisms_is_read_once() -> None:
    """And a name that is too long for one (RFC 4422 section 3.1) is masked as well."""
    line = "SCRAM-" * 20_000  # 20 seconds, where each is read to the end
    started = time.process_time()
    assert shown_command(line) == line
    assert time.process_time() - started < 5
    assert shown_command(f"{line} biws").endswith("SCRAM-SCRAM- ********")
    assert (
        shown_command("XAUTH SCRAM-SHA-256-PLUS biws")
        == "XAUTH SCRAM-SHA-256-PLUS ********"
    )


def test_long_text_ends_with_an_ellipsis() -> None:
    """One that fits does not."""
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "abc…"


def test_half_a_surrogate_is_shown_too() -> None:
    """UTF-7 has some (RFC 2152), and a report that raises is none."""
    assert printable("a\ud800b\udc80") == "a\\ud800b\\udc80"


def test_json_has_escapes_for_what_is_not_shown() -> None:
    """RFC 8259 §7: the value is the same."""
    text = "\u00fc\u202e\x9b\u3164\U000e0041"
    written = printable_json(json.dumps([text], ensure_ascii=False))
    assert written == r'["ü\u202e\u009b\u3164\udb40\udc41"]'.replace(
        r"\u00fc", "\u00fc"
    )
    assert json.loads(written) == [text]
