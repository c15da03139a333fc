"""Encoded words: RFC 2047, and what readers take besides."""

from __future__ import annotations

import base64

import pytest

from pytest_smtpserver.mail.content.fields.encoded_words import decode_words

from ...make import received


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 2047 section 8
        ("(=?ISO-8859-1?Q?a?=)", "(a)"),
        ("(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
        ("(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        ("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        # RFC 2231 section 5
        ("=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # cut inside of a character, and inside of a group of four
        ("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€"),
        ("=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        ("=?utf-8?b?4oK?= =?utf-8?b?s?=", "€"),
        ("=?utf-8?b?YQ==?= =?utf-8?b?Yg==?=", "ab"),
        ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        # in quotes, beside text, in lower case, with what has to be encoded
        ('"=?utf-8?Q?=C3=9Cber?=.pdf"', '"Über.pdf"'),
        ("2026-=?UTF-8?Q?=C3=9C?=x", "2026-Üx"),
        ("=?utf-8?q?=c3=bc?=", "ü"),
        ('=?utf-8?Q?What?? (yes), "no"?=', 'What?? (yes), "no"'),
        ("=?utf-8?Q?a b?=", "a b"),
        ("=?utf-8?Q?100=25 = =zz?=", "100% = =zz"),
        # what is none
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?abc", "=?utf-8?q?abc"),
        ("a =? b ?= c", "a =? b ?= c"),
    ],
)
def test_words(value: str, expected: str) -> None:
    """Adjacent words are joined without a blank, and one broken word stays as it is."""
    assert decode_words(value) == expected
    assert received(f"Subject: {value}\r\n\r\n").subject == expected


@pytest.mark.parametrize(
    ("charset", "octets", "expected"),
    [
        ("gb2312", "朱镕基".encode("gbk"), "朱镕基"),
        ("Shift_JIS", "①㈱髙".encode("cp932"), "①㈱髙"),
        ("ks_c_5601-1987", "똠방각하".encode("cp949"), "똠방각하"),
        ("iso-8859-8-i", "שלום".encode("iso8859-8"), "שלום"),
        ("cp-850", "café".encode("cp850"), "café"),
        ("us-ascii", "café".encode("cp1252"), "café"),
        ("ISO-2022-JP", b"\x1b$B-!\x1b(B", "①"),
        ("x-mac-roman", b"caf\x8e", "café"),
        ("utf-8", b"\xc3", "Ã"),
    ],
)
def test_words_are_of_the_charsets_that_bodies_are_of(
    charset: str, octets: bytes, expected: str
) -> None:
    """One decoder: for a subject, a name, a file name and a body."""
    word = f"=?{charset}?B?{base64.b64encode(octets).decode()}?="
    message = received(
        f"From: {word} <a@b.org>\r\nSubject: {word}\r\n"
        f'Content-Type: application/x; name="{word}"\r\n\r\n'
    )
    assert message.subject == expected
    assert message.headers["From"] == f"{expected} <a@b.org>"
    assert message.email["From"].addresses[0].display_name == expected
    assert message.attachments[0].filename == expected
    body = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + octets
    assert received(body).text == expected


def test_line_ends_in_words() -> None:
    """A field is one line (RFC 5322 section 2.2), whatever an injection had in mind."""
    message = received("Subject: =?utf-8?q?a=0D=0ABcc:_x=40y.org?=\r\n\r\n")
    assert message.subject == message.email["Subject"] == "a Bcc: x@y.org"
    assert message.headers.get("Bcc") is None
    assert message.defects == [
        "Subject: an encoded word has controls in it (RFC 2047 section 5)"
    ]


def test_complaints() -> None:
    """A defect says what is wrong with a word; blanks and specials are forbidden."""
    message = received("Subject: =?nothing?q?a b?=\r\n\r\n")
    assert message.subject == "a b"
    assert message.defects == [
        "Subject: an encoded word has blanks in it (RFC 2047 section 2)",
        (
            "Subject: an encoded word declares the charset 'nothing', which nobody "
            "knows (RFC 2047 section 2)"
        ),
    ]
