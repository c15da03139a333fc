"""What is wrong with a message, word for word: where, what, by which section.

And what was made of it all the same: whoever reads a defect wants to know both.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from ..make import html_mail, received, text_mail

CHARSET = b"Content-Type: text/plain; charset="
CTE = b"Content-Transfer-Encoding: "
S5322, S2045 = "(RFC 5322 section 3.4)", "(RFC 2045 section 5.1)"


@pytest.mark.parametrize(
    ("head", "body", "defects"),
    [
        # RFC 2045 §5.2 and RFC 2046 §4.1.2: what a label promises.
        (
            CHARSET + b"us-ascii",
            "Grüße".encode(),
            ["the text declares charset us-ascii, but is utf-8; read as that"],
        ),
        (
            b"Content-Type: text/plain",
            "Grüße".encode(),
            ["the text has octets beyond US-ASCII and no charset; read as utf-8"],
        ),
        (
            b"Content-Type: text/plain",
            b"Gr\xfc\xdfe",
            [
                (
                    "the text has octets beyond US-ASCII and no charset; read as "
                    "windows-1252"
                )
            ],
        ),
        (
            CHARSET + b"nobody",
            b"x",
            ["the text declares the charset 'nobody', which nobody knows"],
        ),
        (
            CHARSET + b"utf-8",
            b"Gr\xfc\xdfe",
            ["the text declares charset utf-8, but is not; read as windows-1252"],
        ),
        (
            CHARSET + b"utf-8",
            "äöüäöü".encode() + b"\xff",
            ["the text declares charset utf-8, but is not; read as utf-8 with gaps"],
        ),
        (
            CHARSET + b"us-ascii",
            b"Gr\xfc",
            ["the text declares charset us-ascii, but is not; read as windows-1252"],
        ),
        (
            CHARSET + b"koi8-r",
            b"\xff\xfeG\0\r\0\n\0",
            ["the text declares charset koi8-r, but is not; read as utf-16"],
        ),
        # RFC 2045 §6; uuencode is in no RFC.
        (
            CTE + b"quoted-printable",
            b"a=zz",
            [
                (
                    "the text has '=zz\\r\\n', where '=' encodes nothing "
                    "(RFC 2045 section 6.7)"
                )
            ],
        ),
        (
            CTE + b"base64",
            b"YQ=!",
            [
                (
                    "the text has broken base64 (RFC 2045 section 6.8); read as far as "
                    "possible"
                )
            ],
        ),
        (
            CTE + b"x-y",
            b"a",
            ["the text has the transfer encoding 'x-y', which nobody knows"],
        ),
        (CTE + b"x-uuencode", b"a", ["the text has no uuencoded data"]),
        (
            CTE + b"x-uuencode",
            b"begin 644 a\r\n#86)C",
            ["the text has uuencode without an end; cut off?"],
        ),
        # The header: RFC 5322 §2.1, §3.3 and §3.6.4, RFC 6532 §3.2.
        (
            b"Subject: \xff",
            b"x",
            [
                (
                    "Subject: has octets that are no UTF-8 (RFC 6532 section 3.2); "
                    "read as windows-1252"
                )
            ],
        ),
        (
            b"Subject: x\r\nnonsense",
            b"x",
            [
                (
                    "'nonsense' is neither a header field nor the empty line that ends "
                    "the header (RFC 5322 section 2.1); the body begins with it"
                )
            ],
        ),
        (
            b"From ada@example.org Sat\r\nSubject: x",
            b"x",
            ["an mbox line stands before the header: 'From ada@example.org Sat'"],
        ),
        (
            b"Message-ID: 1",
            b"x",
            ["Message-ID: '1' is no message identifier (RFC 5322 section 3.6.4)"],
        ),
        (
            b"Date: yesterday",
            b"x",
            ["Date: 'yesterday' is no date (RFC 5322 section 3.3)"],
        ),
        # Structure: RFC 2046 §5.1.
        (
            b"Content-Type: multipart/mixed",
            b"x",
            ["multipart/mixed without a boundary (RFC 2046 section 5.1)"],
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b",
            b"x",
            ["the boundary 'b' of multipart/mixed never comes"],
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b",
            b"--b\r\n\r\nx",
            ["the last boundary of multipart/mixed is missing; cut off?"],
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b",
            b"--b\r\nContent-Type: image/png\r\n" + CTE + b"base64\r\n\r\n!\r\n--b--",
            [
                (
                    "part image/png: the body has broken base64 (RFC 2045 section "
                    "6.8); read as far as possible"
                )
            ],
        ),
    ],
)
def test_messages(head: bytes, body: bytes, defects: list[str]) -> None:
    assert received(head + b"\r\n\r\n" + body + b"\r\n").defects == defects


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        # RFC 5322 §3.4.
        ("a@x.org; b@x.org", f"a semicolon stands where a comma has to be {S5322}"),
        ("a@x.org b@x.org", f"an address stands without angle brackets {S5322}"),
        ("Ada a@x.org", f"an address stands without angle brackets {S5322}"),
        ("<a@x.org> <b@x.org>", f"a comma between two addresses is missing {S5322}"),
        ("A, B <a@x.org>", f"a name has a comma and no quotes {S5322}"),
        ("A[B] <a@x.org>", f"the name 'A[B]' needs quotes {S5322}"),
        ("nobody, a@x.org", f"'nobody' is no address {S5322}"),
        ("a@b@x.org", f"'a@b@x.org' has more than one @ {S5322}"),
        ("<a@x.org, b@x.org>", f"several addresses share angle brackets {S5322}"),
        ('"a@x.org"', f"an address stands in quotes {S5322}"),
        ("<a@x.org", f"an angle bracket never ends {S5322}"),
        ('a@x.org, "b', f"a quote never ends {S5322}"),
        ("a@x.org, (b", f"a comment never ends {S5322}"),
        # RFC 2047 §5: no encoded word in an address.
        (
            "=?utf-8?q?a=40x=2Eorg?=",
            "an address is an encoded word (RFC 2047 section 5)",
        ),
        (
            "=?utf-8?q?A B?= <a@x.org>",
            "an encoded word has blanks in it (RFC 2047 section 2)",
        ),
        (
            "=?nobody?q?A?= <a@x.org>",
            (
                "an encoded word declares the charset 'nobody', which nobody knows "
                "(RFC 2047 section 2)"
            ),
        ),
    ],
)
def test_addresses(value: str, complaint: str) -> None:
    assert f"To: {complaint}" in received(f"To: {value}\r\n\r\nx\r\n").defects


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        # RFC 2045 §5.1.
        ("x y", f"'x y' is more than one word {S2045}"),
        ("x", f"'x' is no media type {S2045}; read as text/plain"),
        ("text/plain; =2", f"a parameter has no name {S2045}"),
        ("text/plain; charset", f"the parameter 'charset' has no value {S2045}"),
        ('text/plain; name="a', f"the quote of name never ends {S2045}"),
        ('text/plain; name="a" b', f"'b' stands behind the quotes of name {S2045}"),
        ("text/plain; name=a b", f"'a b' has blanks and no quotes {S2045}"),
        (
            "text/plain; name='a'",
            f"'a' stands in single quotes, which quote nothing {S2045}",
        ),
        ("text/plain; name=", f"the value of name is empty {S2045}"),
        # RFC 2231 §3 and §4.
        (
            "text/plain; name*0=a; name*2=b",
            "a section of name is missing (RFC 2231 section 3)",
        ),
        (
            "text/plain; name*=nobody''%ff",
            "name declares the charset 'nobody', which nobody knows",
        ),
        (
            "=?utf-8?q?text/plain?=",
            "is one encoded word, which has no place here (RFC 2047 section 5)",
        ),
    ],
)
def test_parameters(value: str, complaint: str) -> None:
    found = received(f"Content-Type: {value}\r\n\r\nx\r\n").defects
    assert f"Content-Type: {complaint}" in found


@pytest.mark.parametrize(
    "value",
    ["<>", "A.B <a@x.org>", "(c) a@x.org", '"A, B" <a@x.org>', "a: b@x.org;", "a:;"],
)
def test_nothing_is_wrong(value: str) -> None:
    """RFC 5322 §3.4 and §4.4: what is allowed, or was."""
    assert received(f"To: {value}\r\n\r\nx\r\n").defects == []


def test_words_beside_each_other() -> None:
    """RFC 2047 §6.2: blanks between two encoded words go, whatever their kinds."""
    value = "x =?utf-8?q?a?= =?iso-8859-1?q?b?= =?iso-8859-1?b?Yw==?= y"
    assert received(f"Subject: {value}\r\n\r\n").subject == "x abc y"


# What link() and code() say

LINK = (
    "link() takes a str that the link contains, or a compiled regular expression "
    "(of str) that is found in it, not "
)


@pytest.mark.parametrize("pattern", [None, 5, b"x", re.compile(b"x")])
def test_patterns_that_are_none(pattern: Any) -> None:
    message = text_mail("4711")
    with pytest.raises(TypeError) as no_link:
        message.link(pattern)
    assert str(no_link.value) == f"{LINK}{pattern!r}"
    with pytest.raises(TypeError) as no_code:
        message.code(pattern)
    assert str(no_code.value) == (
        f"code() takes a regular expression (of str), not {pattern!r}"
    )


def test_a_pattern_that_does_not_compile() -> None:
    with pytest.raises(ValueError) as raised:
        text_mail("4711").code("(")
    assert str(raised.value) == (
        "code() takes a regular expression, and '(' is none: missing ), unterminated "
        "subpattern at position 0"
    )


@pytest.mark.parametrize(
    ("text", "got"),
    [("no link today", "no links at all; the text begins 'no link today'"), ("", "")],
)
def test_no_link(text: str, got: str) -> None:
    message = text_mail(text)
    with pytest.raises(AssertionError) as raised:
        message.link("")
    assert str(raised.value).split("\n") == [
        f"no such link in {message!r}",
        "  expected: one link that is there",
        f"  got:      {got or 'no links, and no text'}",
        (
            "  (link() takes a str that the link contains (upper and lower case differ), "
            "or a compiled regular expression that is found in it)"
        ),
    ]


def test_the_nearest_link() -> None:
    message = html_mail("<a href=https://a.org/confirm>x</a> <a href=https://b.org>")
    with pytest.raises(AssertionError) as raised:
        message.link("/confirm/")
    assert str(raised.value).split("\n")[2:5] == [
        "  got:      https://a.org/confirm",
        "            https://b.org",
        "  nearest:  https://a.org/confirm",
    ]


def test_several_links() -> None:
    message = text_mail("https://a.org/1 https://a.org/2")
    with pytest.raises(AssertionError) as raised:
        message.link("a.org")
    assert str(raised.value).split("\n") == [
        f"2 links where one was expected, in {message!r}",
        "  expected: exactly one link that contains 'a.org'",
        "  got:      https://a.org/1",
        "            https://a.org/2",
        (
            "  (give more of the link, or a compiled regular expression; message.links has "
            "them all)"
        ),
    ]


def test_several_codes_or_none() -> None:
    message = text_mail("1234 or 5678", subject="x")
    with pytest.raises(AssertionError) as raised:
        message.code()
    assert str(raised.value).split("\n") == [
        f"2 codes where one was expected, in {message!r}",
        r'  expected: exactly one match of r"\b\d{4,8}\b"',
        "  got:      1234",
        "            5678",
        (
            "  (give a narrower pattern; with a group, the group is the code: "
            r'message.code(r"code is (\d+)"))'
        ),
    ]
    empty = received("X: y\r\n\r\n")
    with pytest.raises(AssertionError) as nothing:
        empty.code('"')
    assert str(nothing.value).split("\n") == [
        f"no code in {empty!r}",
        "  expected: one match of '\"' in the body or subject",
        "  got:      no text at all",
        "  (code() takes a regular expression; with a group, the group is the code)",
    ]
