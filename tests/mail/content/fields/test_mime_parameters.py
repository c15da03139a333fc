"""Parameters: RFC 2045, RFC 2183, RFC 2231, RFC 6266, and what mailers send instead."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.content.fields.mime_parameters import read_structured

from ...make import received


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        # RFC 2231 section 3, 4, 4.1
        (
            'message/external-body; URL*0="ftp://"; URL*1="cs.utk.edu/pub/"',
            {"url": "ftp://cs.utk.edu/pub/"},
        ),
        (
            "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            {"title": "This is ***fun***"},
        ),
        (
            (
                "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; "
                'title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"'
            ),
            {"title": "This is even more ***fun*** isn't it!"},
        ),
        ("a/b; n*1=b; n*0=a", {"n": "ab"}),
        ("a/b; n*0*=utf-8''%E6%97; n*1*=%A5", {"n": "日"}),
        ("a/b; n*=''%E6%97%A5", {"n": "日"}),
        # Section 4.1: only a section with an asterisk has a charset in front.
        ("a/b; n*0=\"a'b'c\"; n*1*=%20d", {"n": "a'b'c d"}),
        ("a/b; n='", {"n": "'"}),
        # RFC 6266 section 4.3 and appendix B
        ("x; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac", {"filename": "€"}),
        ("x; filename*=utf-8''%e2%82%ac; filename=\"EURO rates\"", {"filename": "€"}),
        (
            "x; filename*0*=utf-8''%e2; filename*1*=%82%ac; filename=E",
            {"filename": "€"},
        ),
        # RFC 2045 section 5.1
        ("text/plain; charset=us-ascii (Plain text)", {"charset": "us-ascii"}),
        ('text/plain; charset="us-ascii"', {"charset": "us-ascii"}),
        ('x; a="b;c\\"d\\\\e"; f=g', {"a": 'b;c"d\\e', "f": "g"}),
        ("x;a=b;;  ; c = d ;", {"a": "b", "c": "d"}),
        ("x; A=b; a=c", {"a": "b"}),
        ("TEXT/Plain; CHARSET=x", {"charset": "x"}),
        # encoded words, in the whole value and beside text
        ('x; filename="=?UTF-8?Q?R=C3=A9sum=C3=A9?=.pdf"', {"filename": "Résumé.pdf"}),
        ("x; filename==?UTF-8?Q?R=C3=A9?=", {"filename": "Ré"}),
        ("x; filename==?UTF-8?Q?R=C3=A9?= =?UTF-8?Q?sum?=", {"filename": "Résum"}),
        (
            'x; filename*0="=?utf-8?B?5pel"; filename*1="5pys?=.pdf"',
            {"filename": "日本.pdf"},
        ),
    ],
)
def test_parameters(field: str, expected: dict[str, str]) -> None:
    """What is legal, or how nearly every mailer names its files, is no defect."""
    _, parameters, complaints = read_structured(field)
    assert parameters == expected
    assert complaints == []


@pytest.mark.parametrize(
    ("field", "expected", "complaint"),
    [
        ("x; n=my file (1).pdf", {"n": "my file .pdf"}, "has blanks and no quotes"),
        ("x; name=my file (1).pdf", {"name": "my file (1).pdf"}, "has blanks and no"),
        ("x; n='a b'", {"n": "'a b'"}, "has blanks and no quotes"),
        ("x; n='a.pdf'", {"n": "'a.pdf'"}, "single quotes, which quote nothing"),
        ("x; n=", {"n": ""}, "the value of n is empty"),
        ("x; n", {}, "the parameter 'n' has no value"),
        ('x; n="a; m=b', {"n": "a; m=b"}, "the quote of n never ends"),
        ('x; ="a"; m=b', {"m": "b"}, "a parameter has no name"),
        (
            'x; n="a".pdf; m=b',
            {"n": "a", "m": "b"},
            "stands behind the quotes of n",
        ),
        ("x; n*0=a; n*2=b", {"n": "ab"}, "a section of n is missing"),
        ("x; n*=%E6%97%A5", {"n": "日"}, ""),
        ("x; n*=nothing''%41", {"n": "A"}, "the charset 'nothing', which nobody knows"),
        ("text/html charset=utf-8", {"charset": "utf-8"}, "is more than one word"),
        ('x filename="a;b.pdf"', {"filename": "a;b.pdf"}, "a semicolon is missing"),
        ('x; a=3 filename="b.pdf"', {"a": "3", "filename": "b.pdf"}, "is missing"),
        (
            'x; filename="b;c" a=3;d=e',
            {"filename": "b;c", "a": "3", "d": "e"},
            "is mis",
        ),
        (
            "x; charset=utf-8 format=flowed",
            {"charset": "utf-8", "format": "flowed"},
            "",
        ),
        ("x; name=a b=c.pdf", {"name": "a b=c.pdf"}, "has blanks and no quotes"),
        (
            "=?utf-8?q?a/b=3B_n=3Dc?=",
            {"n": "c"},
            "is one encoded word, which has no place here (RFC 2047 section 5)",
        ),
    ],
)
def test_wrong_parameters(field: str, expected: dict[str, str], complaint: str) -> None:
    """The best reading, and a sentence about what was wrong."""
    _, parameters, complaints = read_structured(field)
    assert parameters == expected
    assert complaint in " ".join(complaints)


def test_a_field_without_a_value() -> None:
    """Parameters alone say nothing of a type: it is text, as without the field."""
    assert read_structured("charset=utf-8; n=a")[:2] == (
        "",
        {"charset": "utf-8", "n": "a"},
    )


def test_a_field_that_is_one_encoded_word() -> None:
    """The type that it meant, and a defect."""
    message = received(
        "Content-Type: =?unknown-8bit?q?application/pdf=3B_name=3D=22a=2Epdf=22?=\r\n\r\n"
    )
    [file] = message.attachments
    assert (file.content_type, file.filename) == ("application/pdf", "a.pdf")
    assert message.defects[0].startswith("Content-Type: is one encoded word")


@pytest.mark.parametrize("value", ["text", "text/", "/plain", "te xt/plain", "a/b/c"])
def test_what_is_no_media_type_is_text(value: str) -> None:
    """RFC 2045 section 5.2 lets a reader take it for text; it is a defect."""
    message = received(f"Content-Type: {value}\r\n\r\nHello")
    assert message.text == "Hello"
    assert any("(RFC 2045 section 5.1)" in defect for defect in message.defects)
