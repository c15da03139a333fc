"""How what a test wants is compared with what came."""

from __future__ import annotations

import re

import pytest

from pytest_smtpserver import containing
from pytest_smtpserver.mail.search.matching import (
    matches,
    matches_address,
    matches_any,
    matches_text,
)


@pytest.mark.parametrize(
    ("wanted", "got", "met"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        (re.compile("b"), "abc", True),
        (re.compile("^b"), "abc", False),
        (re.compile("b"), 3, False),
        # Octets that are no UTF-8 stand in a str as surrogates (PEP 383).
        (re.compile(rb"\xff"), "a\udcff", True),
        (re.compile(rb"\xff"), b"a\xff", True),
        (re.compile(rb"\xff"), "a", False),
        (re.compile(rb"\xff"), 3, False),
        (str.isdigit, "12", True),
        (str.isdigit, "1x", False),
        # A class is compared, and not called.
        (str, "a", False),
        (str, str, True),
        (3, 3, True),
        (3, 4, False),
        (containing("b"), "abc", True),
        (containing("b"), ["a", "b"], True),
        (containing("b"), "ac", False),
        (containing("b"), 3, False),
        (containing(3), "3", False),
    ],
)
def test_values(wanted: object, got: object, met: bool) -> None:
    assert matches(wanted, got) is met


@pytest.mark.parametrize(
    ("wanted", "got", "met"),
    [
        # RFC 5321 §2.4: the domain in any case, the local-part as it is.
        ("Ada@EXAMPLE.org", "Ada@example.ORG", True),
        ("ada@example.org", "Ada@example.org", False),
        ('"a@B"@x.org', '"a@B"@X.org', True),
        ('"a@b"@x.org', '"a@B"@x.org', False),
        ("postmaster", "postmaster", True),
        ("Postmaster", "postmaster", False),
        ("", "", True),
        (re.compile("@example"), "a@example.org", True),
        (re.compile("@EXAMPLE"), "a@example.org", False),
    ],
)
def test_addresses(wanted: object, got: str, met: bool) -> None:
    assert matches_address(wanted, got) is met


def test_texts_contain_what_is_wanted() -> None:
    assert matches_text("b", "abc") is True
    assert matches_text("d", "abc") is False
    assert matches_text(re.compile("^b"), "abc") is False
    assert matches_text(len, "abc") is True


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        ("b", True),
        ("c", False),
        ("ab", False),
        (["a", "b"], True),
        (["b", "a"], False),
        (["a"], False),
        (re.compile("b"), True),
        (lambda one: one == "b", True),
        (lambda one: one == ["a", "b"], False),
    ],
)
def test_any_of_several_or_all_as_a_list(wanted: object, met: bool) -> None:
    assert matches_any(wanted, iter(["a", "b"]), matches) is met


def test_containing_is_a_value() -> None:
    assert repr(containing("a")) == "containing('a')"
    assert hash(containing("a")) == hash(containing("a"))
    assert hash(containing("a")) != hash(containing("b"))
