"""What only damaged messages come to."""

from __future__ import annotations

import binascii

import pytest

from pytest_smtpserver.mail.content.decoding.transfer import undo

from ..make import received

DATA = b"Hello Ada, how are you? " * 4
LINES = b"".join(
    binascii.b2a_uu(DATA[start : start + 45]) for start in range(0, len(DATA), 45)
)


@pytest.mark.parametrize("end", [b"`\nend\n", b"end\n", b" end \r\n", b"`\n"])
@pytest.mark.parametrize("name", ["uuencode", "x-uuencode", "uue", "x-uue"])
def test_uuencode(name: str, end: bytes) -> None:
    """POSIX, uuencode(1): a line that begins, lines with their lengths, and an end."""
    raw = b"text in front\nbegin 644 a.txt\n" + LINES + end + b"behind\n"
    assert undo(raw, name) == (DATA, "")


def test_damaged_uuencode() -> None:
    begin = b"begin 644 a.txt\n"
    assert undo(begin + LINES, "uuencode") == (
        DATA,
        "has uuencode without an end; cut off?",
    )
    assert undo(LINES, "uuencode") == (LINES, "has no uuencoded data")
    first, *_ = LINES.splitlines()
    assert undo(begin + first + b"\n\xff\xff\nend\n", "uuencode") == (
        DATA[:45],
        "has broken uuencode; read as far as possible",
    )
    # Some encoders count wrong: a character too many behind what the length says.
    assert undo(begin + first + b"!!!\nend\n", "uuencode") == (DATA[:45], "")


def test_an_encoding_that_nobody_knows() -> None:
    assert undo(b"x", "rot13") == (
        b"x",
        "has the transfer encoding 'rot13', which nobody knows",
    )


FLOWED = "Content-Type: text/plain; format=flowed{}\r\n\r\n"


@pytest.mark.parametrize(
    ("parameters", "sent", "text"),
    [
        # RFC 3676 §4.1: a line that ends in a blank goes on in the next one.
        ("", "one \r\ntwo\r\nthree\r\n", "one two\nthree\n"),
        # §4.4: a blank in front was stuffed.
        ("", " From me\r\n > no quote\r\n", "From me\n> no quote\n"),
        # §4.5: quoted lines of one depth go together.
        ("", ">a \r\n>b\r\n>>c \r\n>d\r\ne\r\n", "> a b\n>> c \n> d\ne\n"),
        # §4.3: the line in front of a signature never flows.
        ("", "bye \r\n-- \r\nAda\r\n", "bye \n-- \nAda\n"),
        # §4.1: with DelSp the blank at the end is no part of the text.
        ("; delsp=yes", "on \r\ne\r\ntwo\r\n", "one\ntwo\n"),
        ("; DelSp=YES", "> on \r\n> e\r\n", "> one\n"),
        # The last line flows, and there is no next one: what was sent is one line.
        ("", "one \r\n", "one \n"),
        ("", "one ", "one "),
    ],
)
def test_flowed_text(parameters: str, sent: str, text: str) -> None:
    assert received(FLOWED.format(parameters) + sent).text == text


def test_only_flowed_text_flows() -> None:
    """RFC 3676 §4: the parameter of text/plain, whose value is in any case."""
    for kind, text in (
        ("text/plain", "a \nb\n"),
        ("text/plain; format=fixed", "a \nb\n"),
        ("text/plain; format=FLOWED", "a b\n"),
        ("text/markdown; format=flowed", "a \nb\n"),
    ):
        assert received(f"Content-Type: {kind}\r\n\r\na \r\nb\r\n").text == text
