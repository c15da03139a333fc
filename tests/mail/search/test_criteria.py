"""Criteria: which there are, and which a message does not meet."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_smtpserver.mail.mailbox import Mailbox
from pytest_smtpserver.mail.search.criteria import Criteria
from pytest_smtpserver.mail.search.waiting import Wait

from ..make import received

MESSAGE = received(
    "From: Ada <ada@example.org>\r\nTo: bob@example.org, eve@example.org\r\n"
    "Cc: c@example.org\r\nReply-To: r@example.org\r\nSubject: Hi\r\nX-Tag: a\r\n"
    "X-Tag: b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    "--x\r\n\r\nplain\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>rich</p>\r\n"
    "--x\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%PDF\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("name", "met", "unmet", "got"),
    [
        ("mail_from", "noreply@EXAMPLE.org", "x@example.org", "noreply@example.org"),
        ("rcpt_to", "ada@EXAMPLE.org", "bob@example.org", ["ada@example.org"]),
        ("from_", "ada@EXAMPLE.org", "Ada", "ada@example.org"),
        ("to", "eve@EXAMPLE.org", "e", ["bob@example.org", "eve@example.org"]),
        ("cc", "c@EXAMPLE.org", "c", ["c@example.org"]),
        ("reply_to", "r@EXAMPLE.org", "r", ["r@example.org"]),
        ("subject", "Hi", "hi", "Hi"),
        ("attachment", "a.pdf", "a", ["a.pdf"]),
        ("text", "lai", "rich", "plain"),
        ("html", "rich", "plain", "<p>rich</p>"),
    ],
)
def test_each_criterion(name: str, met: str, unmet: str, got: object) -> None:
    assert Criteria({name: met}).match(MESSAGE)
    assert not Criteria({name: unmet}).match(MESSAGE)
    (difference,) = Criteria({name: unmet}).differences(MESSAGE)
    assert difference == (name, unmet, got)


def test_header_fields() -> None:
    """Any of those of a name, in any case; or all of them as a list."""
    assert Criteria({"headers": {"x-tag": "b", "SUBJECT": "Hi"}}).match(MESSAGE)
    assert Criteria({"headers": {"X-Tag": ["a", "b"]}}).match(MESSAGE)
    unmet = Criteria({"headers": {"X-Tag": "c", "Subject": "Hi", "X-No": "d"}})
    assert unmet.differences(MESSAGE) == [
        ("header X-Tag", "c", ["a", "b"]),
        ("header X-No", "d", []),
    ]


def test_a_function() -> None:
    asked = []

    def where(message: object) -> object:
        asked.append(message)
        return ""

    assert not Criteria({"where": where}).match(MESSAGE)
    assert Criteria({"where": where}).differences(MESSAGE) == [("where", where, False)]
    assert asked == [MESSAGE, MESSAGE]
    assert Criteria({"where": lambda _: 1}).match(MESSAGE)


def test_the_first_that_is_not_met_decides() -> None:
    """The costly ones, and the test's own function, are not asked in vain."""

    def fail(_: object) -> bool:
        raise AssertionError

    both = Criteria({"where": fail, "subject": "x", "to": "y"})
    assert not both.match(MESSAGE)
    unmet = Criteria({"subject": "x", "to": "y"}).differences(MESSAGE)
    # In the order of explanations, whatever the order they were given in.
    assert [one.name for one in unmet] == ["to", "subject"]
    assert list(both.given) == ["to", "subject", "where"]
    assert both.given["subject"] == "x"
    assert repr(Criteria({"subject": re.compile("x")})) == "subject=re.compile('x')"
    assert not Criteria({})
    assert Criteria({"subject": ""})
    assert Criteria({}).match(MESSAGE)


def test_a_function_that_cannot_cope_matches_nothing() -> None:
    """It was made for the messages of another server."""

    def fail(_: object) -> bool:
        raise KeyError

    assert Criteria({"where": fail}).matching([MESSAGE]) == []
    assert Criteria({"subject": "Hi"}).matching([MESSAGE]) == [MESSAGE]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"subjct": "x"}, "there is no criterion 'subjct'; did you mean 'subject'?"),
        (
            {"headers": ["X-Tag"]},
            "a mapping of header names to what they must be, such as headers={",
        ),
        (
            {"where": "x"},
            "where is a function that is called with the message; got 'x'",
        ),
    ],
)
def test_mistakes(given: dict[str, Any], words: str) -> None:
    with pytest.raises(TypeError) as raised:
        Criteria(given)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"count": "2"}, TypeError, "count is how many messages to wait for, not '2'"),
        (
            {"count": True},
            TypeError,
            "count is how many messages to wait for, not True",
        ),
        ({"count": 0}, ValueError, "count is at least 1, not 0"),
        (
            {"since": 3},
            TypeError,
            "since is what server.mark() returned earlier, not 3",
        ),
    ],
)
def test_mistakes_of_waits(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as raised:
        Wait(Mailbox(), {}, **options)
    assert str(raised.value) == words


def mailbox(*subjects: str) -> Mailbox:
    box = Mailbox()
    for subject in subjects:
        message = received(f"Subject: {subject}\r\n\r\n")
        box.release(box.record(message), message)
    return box


def subjects(wait: Wait) -> list[str] | None:
    taken = wait.take()
    return None if taken is None else [message.subject for message in taken]


def test_messages_that_were_cleared_away_are_handed_out_to_nobody() -> None:
    box = mailbox("a")
    box.messages.clear()
    assert subjects(Wait(box, {})) is None
    assert subjects(Wait(box, {}, again=True)) is None


def test_each_message_is_handed_out_once() -> None:
    box = mailbox("a", "b", "a")
    assert subjects(Wait(box, {})) == ["a"]
    assert subjects(Wait(box, {"subject": "a"}, where="t.py:3")) == ["a"]
    assert subjects(Wait(box, {"subject": "a"})) is None
    assert subjects(Wait(box, {"subject": "a"}, again=True, count=2)) == ["a", "a"]
    assert [where for _, where in box.claims()] == ["", "t.py:3"]
    assert subjects(Wait(box, {}, count=2)) is None
    assert subjects(Wait(box, {})) == ["b"]


def test_a_wait_goes_on_where_it_stopped() -> None:
    box = mailbox("a")
    wait = Wait(box, {"subject": "a"}, count=2)
    assert subjects(wait) is None
    assert [message.subject for message in wait.found] == ["a"]
    for subject in ("b", "a", "a"):
        message = received(f"Subject: {subject}\r\n\r\n")
        box.release(box.record(message), message)
    assert subjects(wait) == ["a", "a"]
    assert subjects(Wait(box, {}, count=2)) == ["b", "a"]


def test_only_what_came_after_a_mark() -> None:
    box = mailbox("a")
    mark = box.mark()
    late = received("Subject: b\r\n\r\n")
    box.release(box.record(late), late)
    assert [message.subject for message in box.before(mark)] == ["a"]
    assert box.before(None) == []
    assert subjects(Wait(box, {}, since=mark, count=2)) is None
    assert subjects(Wait(box, {}, since=mark)) == ["b"]


def test_another_wait_was_faster() -> None:
    """What it took counts no more, and the look begins anew."""
    box = mailbox("a", "b")
    slow = Wait(box, {}, count=3)
    assert subjects(slow) is None
    assert subjects(Wait(box, {})) == ["a"]
    for subject in ("c", "d"):
        message = received(f"Subject: {subject}\r\n\r\n")
        box.release(box.record(message), message)
    assert subjects(slow) == ["b", "c", "d"]


def test_what_was_cleared_is_gone() -> None:
    box = mailbox("a", "b")
    waiting = Wait(box, {"subject": "c"})
    assert subjects(waiting) is None
    box.messages.clear()
    assert subjects(Wait(box, {}, again=True)) is None
    message = received("Subject: c\r\n\r\n")
    box.release(box.record(message), message)
    assert subjects(waiting) == ["c"]
    assert box.claims() == [(message, "")]
