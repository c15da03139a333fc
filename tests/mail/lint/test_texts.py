"""What a finding says, and what findings say together."""

from __future__ import annotations

import re

import pytest

from pytest_smtpserver.mail.lint.advice import ADVICE, advice
from pytest_smtpserver.mail.lint.findings import Advice, Violation
from pytest_smtpserver.mail.lint.violations import VIOLATIONS, explain, failing

from .test_advice import delivered

_SESSION = delivered()
_BARE_LF = Violation(
    "bare-lf", "RFC 5321 §2.3.8", "a bare LF", "connection 1", "X", "Why.", _SESSION
)
_EMPTY = Advice("empty-subject", "", "none", "message 1", "", "Why.", _SESSION, "Fix.")


def test_a_finding_in_words() -> None:
    """Where, what and by which section; below it the line, why, and what to do."""
    assert str(_BARE_LF) == (
        "connection 1: a bare LF (RFC 5321 §2.3.8)\n    X\n    Why."
    )
    assert str(_EMPTY) == "message 1: none\n    Why.\n    Fix."


def test_those_that_fail_a_test() -> None:
    """By a name or by a kind."""
    both = [_BARE_LF, _EMPTY]
    for wanted, found in (
        ([], []),
        (["violations"], [_BARE_LF]),
        (["advice"], [_EMPTY]),
        (["bare-lf"], [_BARE_LF]),
        (["empty-subject", "violations"], both),
        (["no-quit"], []),
    ):
        assert failing(wanted, both) == found


def test_the_failure_of_a_strict_server() -> None:
    lines = explain([_BARE_LF]).split("\n")
    assert lines == [
        "strict=True, and the client is guilty of 1 violation of the RFCs:",
        "  connection 1: a bare LF (RFC 5321 §2.3.8)",
        "      X",
        "      Why.",
        "Without strict=True they stand in server.violations alone.",
    ]
    assert "guilty of 2 violations of" in explain([_BARE_LF, _BARE_LF])


def test_the_failure_of_fail_on() -> None:
    lines = explain([_BARE_LF, _EMPTY, _BARE_LF], ["violations", "advice"]).split("\n")
    assert lines[0] == (
        "fail_on=['violations', 'advice'], and there are 3 findings "
        "(bare-lf, empty-subject):"
    )
    assert lines[-1] == (
        "They stand in server.violations and server.advice, also without fail_on."
    )
    one = explain([_EMPTY], ["advice"]).split("\n")
    assert one[0] == "fail_on=['advice'], and there is 1 finding (empty-subject):"


@pytest.mark.parametrize("name", [*VIOLATIONS, *ADVICE])
def test_each_kind_says_where_it_is_written_and_why(name: str) -> None:
    """Sentences for people, with a section of something that is published."""
    kind = (ADVICE if name in ADVICE else VIOLATIONS)[name]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert re.fullmatch(r"((RFC \d{3,4}|WCAG [\d.]+) §\d+(\.\d+)*)?", kind.section)
    assert kind.section or name in ADVICE
    for sentence in (kind.why, kind.fix):
        first = r"(A|It|[A-Z][a-z]+|CR|DATA|RSET|SPF) "
        assert re.fullmatch(rf"{first}.*[.)]", sentence) or not sentence
    assert kind.why


@pytest.mark.parametrize(
    ("head", "what", "line"),
    [
        ("", "the message has no Message-ID", ""),
        (
            "Message-ID: <1@localhost>\r\n",
            "the Message-ID has no domain that is the sender's: <1@localhost>",
            "Message-ID: <1@localhost>",
        ),
        (
            "Message-ID: <1@LOCALHOST.localdomain>\r\n",
            "the Message-ID has no domain that is the sender's: <1@LOCALHOST",
            "Message-ID: <1@LOCALHOST.localdomain>",
        ),
        ("Message-ID: <1>\r\n", "the Message-ID has no domain that", "Message-ID: <1>"),
    ],
)
def test_message_ids(head: str, what: str, line: str) -> None:
    """RFC 5322 §3.6.4: a domain that is the sender's, on the right of the @."""
    (found,) = [
        one
        for one in advice([delivered(f"{head}Subject: x\r\n\r\nHi\r\n".encode())])
        if one.name == "message-id-without-domain"
    ]
    assert found.what.startswith(what)
    assert found.line == line


@pytest.mark.parametrize(
    ("author", "aligned"),
    [
        # RFC 7489 §3.1.2, relaxed: the same organizational domain.
        ("a@example.org", True),
        ("a@EXAMPLE.org", True),
        ("a@mail.example.org", True),
        ("a@org", True),
        ("a@example.com", False),
        ("a@other.org", False),
        ("a@a.b.other.org", False),
    ],
)
def test_alignment(author: str, aligned: bool) -> None:
    head = f"From: {author}\r\nMessage-ID: <1@example.org>\r\nSubject: x\r\n\r\nHi\r\n"
    names = [one.name for one in advice([delivered(head.encode())])]
    assert ("not-aligned" not in names) is aligned
