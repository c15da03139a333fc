"""SASLprep (RFC 4013), on which two spellings of one password agree."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.sasl.saslprep import saslprep


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
    ],
)
def test_examples(text: str, prepared: str) -> None:
    """RFC 4013 §3, examples 1 to 5."""
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\u0007", "U+0007 is an ASCII control character"),
        (
            "\u0627\u0031",
            "right-to-left text must begin and end with such a character",
        ),
    ],
)
def test_examples_of_errors(text: str, reason: str) -> None:
    """RFC 4013 §3, examples 6 and 7."""
    with pytest.raises(ValueError) as raised:
        saslprep(text)
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("", ""),
        ("a\u00a0b\u3000c", "a b c"),  # C.1.2 to SPACE
        ("\u00ad\u200d\ufe0f", ""),  # B.1 to nothing
        ("\u00bd", "1\u20442"),  # RFC 5802 §3 names these two
        ("\u00b4", " \u0301"),
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_mapping_and_normalization(text: str, prepared: str) -> None:
    """RFC 4013 §2.1 and §2.2."""
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    ("character", "reason"),
    [
        ("\x7f", "an ASCII control character"),
        ("\u0085", "a non-ASCII control character"),
        ("\ue000", "a private use character"),
        ("\ufdd0", "a non-character code point"),
        ("\ud800", "a surrogate"),
        ("\ufffd", "inappropriate for plain text"),
        ("\u2ff0", "inappropriate for canonical representation"),
        ("\u200e", "changing display properties or deprecated"),
        ("\U000e0041", "a tagging character"),
    ],
)
def test_prohibited_characters(character: str, reason: str) -> None:
    """RFC 4013 §2.3, a character from each table."""
    with pytest.raises(ValueError) as raised:
        saslprep(f"a{character}b", allow_unassigned=True)
    assert str(raised.value) == f"U+{ord(character):04X} is {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\u0627a\u0628", "left-to-right and right-to-left characters are mixed"),
        ("1\u0627", "right-to-left text must begin and end with such a character"),
        ("\u0627 ", "right-to-left text must begin and end with such a character"),
    ],
)
def test_bidirectional_text(text: str, reason: str) -> None:
    """RFC 3454 §6: not mixed, and right-to-left characters at both ends."""
    with pytest.raises(ValueError) as raised:
        saslprep(text)
    assert str(raised.value) == reason


def test_unassigned_code_points() -> None:
    """RFC 3454 §7: allowed in a query, prohibited in what is stored."""
    later_than_unicode_3_2 = "\U0001f600"
    assert saslprep(later_than_unicode_3_2, allow_unassigned=True) == "\U0001f600"
    with pytest.raises(ValueError, match=r"^U\+1F600 is unassigned in Unicode 3\.2$"):
        saslprep(later_than_unicode_3_2)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_stays_as_it_is(text: str) -> None:
    """RFC 4013 changes nothing in ASCII."""
    assert saslprep(text) == text


@given(st.text(alphabet=st.characters()))
def test_any_text_is_prepared_or_prohibited(text: str) -> None:
    """No text makes it raise anything but ``ValueError``."""
    with contextlib.suppress(ValueError):
        assert isinstance(saslprep(text), str)


def test_an_error_does_not_quote_the_text() -> None:
    """The text may be a password: the message names the code point alone."""
    with pytest.raises(ValueError, match="U") as caught:
        saslprep("hunter2\u0007")
    assert "hunter2" not in str(caught.value)
