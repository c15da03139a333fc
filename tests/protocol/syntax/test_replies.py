"""Replies as RFC 5321 §4.2 has them on the wire, and their enhanced status codes."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from pytest_smtpserver.protocol.syntax.replies import EnhancedStatus, Reply


@pytest.mark.parametrize(
    ("lines", "wire"),
    [
        (("2.0.0 Ok",), b"250 2.0.0 Ok\r\n"),
        ((), b"250 \r\n"),
        # RFC 5321 §4.2.1: a hyphen behind the code on every line but the last one.
        (("first", "second", "last"), b"250-first\r\n250-second\r\n250 last\r\n"),
        # RFC 2034 §4: the enhanced code stands on every line.
        (("2.1.5 one", "two"), b"250-2.1.5 one\r\n250 2.1.5 two\r\n"),
        (("2.1.5 one", "2.1.5 two"), b"250-2.1.5 one\r\n250 2.1.5 two\r\n"),
        (("2.1.5", "2.1.50 two"), b"250-2.1.5 \r\n250 2.1.5 2.1.50 two\r\n"),
        # RFC 3463 §2: at most three digits, and a blank or nothing behind them.
        (("2.1.5000 one",), b"250 2.1.5000 one\r\n"),
        (("1.1.5 one",), b"250 1.1.5 one\r\n"),
        # RFC 6531 §3.7.4.
        (("Grüße",), b"250 Gr\xc3\xbc\xc3\x9fe\r\n"),
    ],
)
def test_the_wire(lines: tuple[str, ...], wire: bytes) -> None:
    reply = Reply(250, *lines)
    assert reply.wire == reply.encode() == wire
    assert str(reply) == wire.decode().rstrip("\r\n")
    assert Reply.from_wire(wire + b"354 next\r\n") == reply


def test_what_a_reply_has() -> None:
    """RFC 3463 §2: class, subject and detail."""
    reply = Reply(550, "5.7.123 One", "Two")
    assert reply.code == 550
    assert reply.enhanced == EnhancedStatus(5, 7, 123)
    assert str(reply.enhanced) == "5.7.123"
    assert reply.lines == ("One", "Two")
    assert reply.text == "One\nTwo"
    assert repr(reply) == r"<Reply '550-5.7.123 One\r\n550 5.7.123 Two'>"
    assert Reply(250).lines == ("",)


@pytest.mark.parametrize(
    ("code", "positive", "intermediate"),
    [
        (200, True, False),
        (299, True, False),
        (300, False, True),
        (399, False, True),
        (400, False, False),
        (599, False, False),
    ],
)
def test_the_first_digit(code: int, positive: bool, intermediate: bool) -> None:
    """RFC 5321 §4.2.1: 2yz is done, 3yz wants more, 4yz and 5yz refuse."""
    reply = Reply(code)
    assert reply.is_positive is positive
    assert reply.is_intermediate is intermediate


def test_a_server_without_enhanced_codes() -> None:
    """RFC 2034 §3: they are for those who offer ENHANCEDSTATUSCODES."""
    assert Reply(550, "5.1.1 No", "such").without_enhanced() == Reply(550, "No", "such")
    plain = Reply(250, "Ok")
    assert plain.without_enhanced() is plain


CODE = "a reply code is an int from 200 to 599"
APART = "the text is an argument of its own, as in (550, 'No such user')"
LINE = "a line of a reply has neither CR nor LF"
OWN = "give each line as an argument of its own"


@pytest.mark.parametrize(
    ("code", "lines", "error", "words"),
    [
        ("250", (), TypeError, f"{CODE}, not '250'; {APART}"),
        (True, (), TypeError, f"{CODE}, not True; {APART}"),
        (199, (), ValueError, f"{CODE}, not 199"),
        (600, (), ValueError, f"{CODE}, not 600"),
        (250, ("a", 3), TypeError, "a line of a reply is a str, not 3"),
        (250, (b"Ok",), TypeError, "a line of a reply is a str, not b'Ok'"),
        (250, ("a\rb",), ValueError, rf"{LINE}: 'a\rb'; {OWN}"),
        (250, ("a", "b\n"), ValueError, rf"{LINE}: 'b\n'; {OWN}"),
        # RFC 2034 §4.
        (
            550,
            ("4.1.1 x",),
            ValueError,
            (
                "the enhanced status code 4.1.1 is of another class than the reply code "
                "550 (RFC 2034 section 4: the first digits agree)"
            ),
        ),
    ],
)
def test_what_is_no_reply(
    code: Any, lines: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    """What was given, what is allowed, and how it is written."""
    with pytest.raises(error) as raised:
        Reply(code, *lines)
    assert str(raised.value) == words


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("550 5.1.1 No such user", Reply(550, "5.1.1 No such user")),
        ("250-a\n250 b", Reply(250, "a", "b")),
        ("250-a\r\n250 b\r\n", Reply(250, "a", "b")),
        ("250", Reply(250)),
        ("250-X\r\n250 X\r\n", Reply(250, "X", "X")),
    ],
)
def test_a_reply_that_is_written(text: str, reply: Reply) -> None:
    assert Reply.parse(text) == reply
    assert str(reply) == reply.wire.decode()[:-2]


@pytest.mark.parametrize("text", ["", "Ok", "650 x", "250-a\n251 b", "25 Ok"])
def test_what_is_not_written_as_a_reply(text: str) -> None:
    """RFC 5321 §4.2: a code of three digits, the same one on all lines."""
    with pytest.raises(ValueError, match="not a reply") as raised:
        Reply.parse(text)
    assert str(raised.value) == f"not a reply: {text!r}; a reply is a code and a text"


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"", None),
        (b"250 Ok", None),
        (b"250-Ok\r\n", None),
        (b"250-Ok\r\n250", None),
        (b"250-Ok\r\n251 Ok\r\n", None),
        (b"Ok\r\n", None),
        (b"650 Ok\r\n", None),
        (b"250 Ok\n", Reply(250, "Ok")),
        (b"250\r\n", Reply(250)),
        (b"250-a\r\n250-b\r\n250 c\r\n", Reply(250, "a", "b", "c")),
        (b"550 4.1.1 of another class\r\n", Reply(550)),
        (b"250 \xff\r\n", Reply(250, "\ufffd")),
    ],
)
def test_the_first_reply_in_raw_bytes(wire: bytes, reply: Reply | None) -> None:
    assert Reply.from_wire(wire) == reply


def test_a_reply_is_a_value() -> None:
    """Equal, hashed, pickled and never changed."""
    reply = Reply(550, "5.1.1 No", "such user")
    assert reply == Reply(550, "5.1.1 No", "5.1.1 such user")
    assert hash(reply) == hash(Reply(550, "5.1.1 No", "such user"))
    for other in (
        Reply(551, "5.1.1 No", "such user"),
        Reply(550, "5.1.2 No", "such user"),
        Reply(550, "No", "such user"),
        Reply(550, "5.1.1 No"),
        "550 5.1.1 No",
    ):
        assert reply != other
    assert pickle.loads(pickle.dumps(reply)) == reply
    assert pickle.loads(pickle.dumps(Reply(250, "Ok"))).wire == b"250 Ok\r\n"
    with pytest.raises(AttributeError, match="a Reply cannot be changed: code"):
        reply.code = 250
