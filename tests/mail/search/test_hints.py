"""How a str that is equal to nothing that came was probably meant."""

from __future__ import annotations

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.mail.search.criteria import Criteria
from pytest_smtpserver.mail.search.explain import wrong_number
from pytest_smtpserver.mail.search.hints import hint

from ..make import received


@pytest.mark.parametrize(
    ("wanted", "got", "expected"),
    [
        # A regular expression, by what only those have.
        (r"Order \d+", "Order 42", "it is found: re.compile('Order \\\\d+')"),
        (r"^Order", "Order 42", "it is found: re.compile('^Order')"),
        (r"Order [0-9]+", "Order 42", "it is found: re.compile("),
        (r"Invoice \d+", "Order 42", "has to be compiled: re.compile('Invoice"),
        # Wildcards of a shell.
        ("*@example.org", "a@example.org", r"re.compile('^.*@example\\.org$')"),
        ("Order *", "Order 42", r"re.compile('^Order\\ .*$')"),
        # A part of what came.
        ("Order", "Your Order 42", "containing('Order')"),
        # Nearly the same.
        ("order 42", "Order 42", "upper and lower case"),
        ("Order 42 ", "Order 42", "white space"),
        # No hint where nothing suggests one.
        ("Order", "Invoice", ""),
        ("[Shop] Order", "Invoice", ""),
        ("4*2", "8", ""),
        ("Total: 5$", "Total: 6$", ""),
        ("an", "a thing", ""),
        ("a(b", "c", ""),
        ("\\d(", "c", ""),
    ],
)
def test_hints(wanted: str, got: str, expected: str) -> None:
    """From what came and from what was written."""
    found = hint(wanted, [got])
    assert expected in found
    assert bool(found) is bool(expected)


@pytest.mark.parametrize(
    "wanted",
    ["Ada <ada@example.org>", '"Lovelace, Ada" <ada@example.org>', "<ada@example.org>"],
)
def test_display_names(wanted: str) -> None:
    """Addresses are bare everywhere; a subject may look as it likes."""
    expected = "addresses are compared without display names: 'ada@example.org'"
    assert hint(wanted, ["b@example.org"], addresses=True) == expected
    assert hint(wanted, ["b@example.org"]) == ""


@pytest.mark.parametrize("wanted", [None, 3, b"x", "", ["a"]])
def test_other_values_have_none(wanted: object) -> None:
    """They are compared in their own ways."""
    assert hint(wanted, ["a", 3]) == ""


def test_a_hint_stands_below_the_criterion() -> None:
    """Where the message is listed that came closest."""
    message = received("To: Ada <ada@example.org>\r\nSubject: Order 42\r\n\r\nHi")
    wanted = Criteria({"to": "Ada <ada@example.org>", "subject": "Order"})
    lines = wrong_number(wanted, None, [], [message], []).split("\n")
    assert [
        line.strip() for line in lines if "name" in line or "containing" in line
    ] == [
        "addresses are compared without display names: 'ada@example.org'",
        "it is a part of it: containing('Order') is enough",
    ]


@pytest.mark.parametrize(
    ("event", "match", "bare"),
    [
        ("RCPT", "Ada <ada@example.org>", "on('RCPT', 'ada@example.org')"),
        ("MAIL", "FROM:<ada@example.org>", "on('MAIL', 'ada@example.org')"),
        ("MAIL", "<>", "on('MAIL', '')"),
    ],
)
def test_a_rule_that_no_address_matches(event: str, match: str, bare: str) -> None:
    """It is refused where it is written, with what was meant."""
    with SMTPServer() as server, pytest.raises(ValueError, match="on") as refused:
        server.on(event, match)
    assert bare in str(refused.value)
