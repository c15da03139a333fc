"""Any content has an answer, and what is answered is text that can be written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_smtpserver.mail.content.decoding.charsets import decode_text
from pytest_smtpserver.mail.content.decoding.transfer import undo
from pytest_smtpserver.mail.content.fields.encoded_words import decode_words
from pytest_smtpserver.mail.content.fields.mailboxes import read_mailboxes
from pytest_smtpserver.mail.content.fields.mime_parameters import read_structured
from pytest_smtpserver.mail.content.html.page import Page

from .decoding.test_charsets import LABELS

HTML = st.lists(
    st.sampled_from(
        [
            "<a",
            "href=",
            "https://a.org/x",
            "'",
            '"',
            ">",
            "<",
            "/",
            "</a>",
            "</",
            "<!--",
            "-->",
            "<!",
            "<![",
            "<?",
            "&",
            "&copy",
            "&#6",
            ";",
            "=",
            "<div",
            "hidden>",
            "</div>",
            "<p>",
            "<td>",
            "<table>",
            "</table>",
            "<h1>",
            "</h1>",
            "<b>",
            "</b>",
            "<base",
            "href=",
            "<style>",
            "</style>",
            "<title>",
            "<textarea>",
            "<pre>",
            "\n",
            "\x00",
            "�",
            "[",
            "//",
            "é",
        ]
    ),
    max_size=30,
).map("".join)
VALUES = st.lists(
    st.sampled_from(
        [
            "a",
            "@",
            "b.org",
            "<",
            ">",
            "(",
            ")",
            ",",
            ";",
            ":",
            '"',
            "\\",
            "'",
            "[",
            "]",
            "=",
            "*",
            "*0",
            "*0*",
            "%C3",
            "=?utf-8?q?",
            "=?x?b?",
            "?=",
            "=C3",
            "=?utf-8?b?4oI=?=",
            "filename",
            "charset",
            "utf-8''",
            ".",
            "\t",
            "é",
            " ",
        ]
    ),
    max_size=30,
).map("".join)
CHARSETS = st.sampled_from(
    [label for labels in LABELS.values() for label in labels.split()] + ["", "x", "hex"]
)


@settings(max_examples=300, deadline=None)
@given(HTML)
def test_any_html(html: str) -> None:
    page = Page(html)
    assert all(isinstance(link, str) and link for link in page.links)
    assert all(isinstance(heading, str) for heading in page.headings)
    assert isinstance(page.text, str)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_any_value_of_a_field(value: str) -> None:
    """Addresses have an @, and nothing has lone surrogates."""
    complaints: list[str] = []
    decode_words(value, complaints).encode()
    decode_words(value, quote=True).encode()
    mailboxes, more = read_mailboxes(value)
    for name, address in mailboxes:
        name.encode()
        address.encode()
        assert "@" in address
    kind, parameters, others = read_structured(value)
    "".join([kind, *parameters, *parameters.values()]).encode()
    assert all(complaint for complaint in [*complaints, *more, *others])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), CHARSETS, st.booleans())
def test_any_octets_of_any_charset(octets: bytes, charset: str, html: bool) -> None:
    text, complaint = decode_text(octets, charset, html=html)
    text.encode()
    assert "\r" not in text
    assert isinstance(complaint, str)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"=", b"\r", b"\n", b" ", b"\t", b"A", b"3", b"\xff", b"begin 6 a\n"]
        )
    ),
    st.sampled_from(["base64", "quoted-printable", "uuencode", "x"]),
)
def test_any_octets_of_any_transfer_encoding(
    pieces: list[bytes], encoding: str
) -> None:
    octets, complaint = undo(b"".join(pieces), encoding)
    assert isinstance(octets, bytes)
    assert isinstance(complaint, str)
