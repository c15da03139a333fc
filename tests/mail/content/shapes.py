"""Messages of every shape: structure by transfer encoding by charset by file name.

Each has the source of what it is made of: an RFC, a standard, or a public report.
"""

from __future__ import annotations

import base64
import quopri
import re
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from .fields.test_mailboxes import SOUND, WRONG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Subjects, as RFC 2047 section 8 has them and as mailers send them.
WORDS = [
    "=?ISO-8859-1?Q?a?= b",
    "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=",
    "=?ISO-8859-1?Q?a?=\r\n =?ISO-8859-1?Q?b?=",
    "=?ISO-8859-1?Q?a_b?=",
    "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=",
    "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dQ==?=",
    "=?US-ASCII*EN?Q?Keith_Moore?=",
    "=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=",
    "=?utf-8?b?4oI=?= =?utf-8?b?rA==?=",
    "=?utf-8?q?a?==?utf-8?q?b?=",
    "Re: =?UTF-8?Q?=C3=9C?= x",
    "=?utf-8?q?=c3=bc?=",
    "=?utf-8?Q?a b?=",
    "=?utf-8?Q?What?? (yes)?=",
    "=?ISO-2022-JP?B?GyRCJDMkcxsoQg==?=",
    "=?gb2312?B?1uzpRrv5?=",
    "=?ks_c_5601-1987?B?vsiz58fPvLy/5A==?=",
    "=?Shift_JIS?B?h0A=?=",
    "=?utf-8?x?abc?=",
    "=?utf-8?q?abc",
    "50 % =? off",
    "Grüße",
    "a\r\n b",
]
DISPOSITIONS = [
    "attachment; filename*0=long; filename*1=er.pdf",
    "attachment; filename*1=b; filename*0=a",
    "attachment; filename*0*=utf-8''%E6%97; filename*1*=%A5.txt",
    "attachment; filename*=''%E6%97%A5.pdf",
    "attachment; filename*=%E6%97%A5.pdf",
    "attachment; filename*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
    "attachment; filename=\"EURO rates\"; filename*=utf-8''%e2%82%ac%20rates",
    "attachment; filename*=utf-8''%e2%82%ac%20rates; filename=\"EURO rates\"",
    "attachment; filename=E; filename*0*=utf-8''%e2; filename*1*=%82%ac",
    'attachment; filename="=?UTF-8?Q?R=C3=A9sum=C3=A9?=.pdf"',
    "attachment; filename==?UTF-8?Q?R=C3=A9?=",
    'attachment; filename="=?gb2312?B?1uzpRrv5LnBkZg==?="',
    'attachment; filename*0="=?utf-8?B?5pel"; filename*1="5pys?=.pdf"',
    'attachment; filename="a;b\\"c\\\\d"; size=3',
    "attachment; filename=my file.pdf",
    "attachment; filename=my file (1).pdf",
    "attachment; filename='a.pdf'",
    "attachment; filename=",
    'attachment; filename="a; size=3',
    'attachment; filename="a".pdf; size=3',
    "attachment; filename*0=a; filename*2=b",
    "attachment;;; filename = a.pdf ;",
    "ATTACHMENT; FILENAME=A.PDF",
    'inline; filename="Übersicht.pdf"',
]


class Shape(NamedTuple):
    """A message, its name and where it comes from."""

    name: str
    source: str
    content: bytes


class Charset(NamedTuple):
    """A label, Python's codec for it, a sentence in it, and a word without ASCII."""

    label: str
    codec: str
    text: str
    source: str


#: The labels of the WHATWG Encoding Standard, and what is often sent under them.
CHARSETS = [
    Charset("us-ascii", "ascii", "Hello Ada, plain text", "RFC 2045 section 4.1.2"),
    Charset("utf-8", "utf-8", "Grüße, Привет, こんにちは 🎉", "RFC 3629"),
    Charset("UTF8", "utf-8", "Žluťoučký kůň", "Encoding section 4.2"),
    Charset("iso-8859-1", "latin-1", "Größe und Stärke", "RFC 2046 section 4.1.2"),
    Charset("iso-8859-1", "cp1252", "“5 €” … ok", "Encoding section 4.2: windows-1252"),
    Charset("windows-1252", "cp1252", "“5 €” … größer", "Encoding section 9.1"),
    Charset("iso-8859-15", "iso8859-15", "5 € für Œuvre", "RFC 1345"),
    Charset("iso-8859-2", "iso8859-2", "Łódź, Žluťoučký", "RFC 1345"),
    Charset("windows-1250", "cp1250", "Łódź „cudzysłów”", "Encoding section 9.1"),
    Charset("iso-8859-5", "iso8859-5", "Привет, мир", "RFC 1345"),
    Charset("windows-1251", "cp1251", "Привет, мир — «да»", "Encoding section 9.1"),
    Charset("koi8-r", "koi8-r", "Привет, мир", "RFC 1489"),
    Charset("koi8-u", "koi8-u", "Привіт, їжак", "RFC 2319"),
    Charset("iso-8859-7", "iso8859-7", "Καλημέρα κόσμε", "RFC 1947"),
    Charset("windows-1253", "cp1253", "Καλημέρα κόσμε", "Encoding section 9.1"),
    Charset(
        "iso-8859-8-i",
        "iso8859-8",
        "שלום עולם",
        "RFC 1555; mozilla/fx-private-relay#1956",
    ),
    Charset("windows-1255", "cp1255", "שלום עולם", "Encoding section 9.1"),
    Charset("windows-1256", "cp1256", "مرحبا بالعالم", "Encoding section 9.1"),
    Charset(
        "iso-8859-9", "cp1254", "Türkçe ğüş “ş”", "Encoding section 4.2: windows-1254"
    ),
    Charset("windows-1257", "cp1257", "Ąžuolas ėjo", "Encoding section 9.1"),
    Charset("windows-1258", "cp1258", "Đô la", "Encoding section 9.1"),
    Charset("windows-874", "cp874", "สวัสดีชาวโลก", "Encoding section 9.1"),
    Charset("tis-620", "cp874", "สวัสดี", "Encoding section 4.2"),
    Charset(
        "shift_jis", "cp932", "こんにちは①㈱", "Encoding section 12.3: windows-31j"
    ),
    Charset("windows-31j", "cp932", "髙橋と﨑", "Encoding section 4.2"),
    Charset("euc-jp", "euc_jp", "こんにちは、世界", "Encoding section 12.1"),
    Charset("x-euc-jp", "euc_jp", "日本語のメール", "Encoding section 4.2"),
    Charset("iso-2022-jp", "iso2022_jp", "こんにちは、世界", "RFC 1468"),
    Charset(
        "gb2312", "gbk", "朱镕基说你好", "Encoding section 10.1; jhillyerd/enmime#338"
    ),
    Charset("gbk", "gbk", "你好,世界", "Encoding section 10.1"),
    Charset("gb18030", "gb18030", "你好 𠀀", "Encoding section 10.2"),
    Charset("big5", "big5", "你好,世界", "Encoding section 11.1"),
    Charset("euc-kr", "cp949", "똠방각하", "Encoding section 13.1"),
    Charset("ks_c_5601-1987", "cp949", "안녕하세요", "Encoding section 4.2"),
    Charset("utf-16", "utf-16", "Größe 日本", "RFC 2781"),
    Charset("x-mac-roman", "mac-roman", "café œuvre", "Encoding section 4.2"),
    Charset("cp-850", "cp850", "café", "modoboa/modoboa#1535"),
]


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _quoted_printable(octets: bytes) -> bytes:
    lines = quopri.encodestring(octets.replace(b"\r\n", b"\n"))
    return lines.replace(b"\n", b"\r\n")


#: Transfer encodings and what applies them.
ENCODINGS: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("8bit", bytes, "RFC 2045 section 6.2"),
    ("base64", _base64, "RFC 2045 section 6.8"),
    ("quoted-printable", _quoted_printable, "RFC 2045 section 6.7"),
]


def _word(text: str, kind: str) -> str:
    octets = text.encode()
    if kind == "B":
        return f"=?UTF-8?B?{base64.b64encode(octets).decode()}?="
    return "=?UTF-8?Q?" + "".join(f"={octet:02X}" for octet in octets) + "?="


#: How a sender names a file: fields of the part, with {type} for its media type.
FILE_NAMES = [
    (
        '{type}\r\nContent-Disposition: attachment; filename="a.dat"',
        "RFC 2183 section 2.3",
    ),
    (
        "{type}\r\nContent-Disposition: attachment; filename=a.dat",
        "RFC 2183 section 2.3",
    ),
    ('{type}; name="a.dat"', "RFC 2045 appendix; RFC 2046 section 4.5.1"),
    ("{type}\r\nContent-Disposition: attachment", "RFC 2183 section 2.2"),
    (
        "{type}\r\nContent-Disposition: attachment; filename*=utf-8''%C3%BC%20%E2%82%AC.dat",
        "RFC 2231 section 4",
    ),
    (
        "{type}\r\nContent-Disposition: attachment; filename*=iso-8859-1'de'%FCber.dat",
        "RFC 2231 section 4",
    ),
    (
        "{type}\r\nContent-Disposition: attachment;\r\n filename*0*=utf-8''%C3%BCber%20;\r\n filename*1=lang.dat",
        "RFC 2231 section 4.1",
    ),
    (
        '{type}\r\nContent-Disposition: attachment;\r\n filename*1="er.dat";\r\n filename*0="long"',
        "RFC 2231 section 3",
    ),
    (
        "{type}\r\nContent-Disposition: attachment; filename=\"EURO.dat\"; filename*=utf-8''%e2%82%ac.dat",
        "RFC 6266 section 5",
    ),
    (
        '{type}\r\nContent-Disposition: attachment; filename="'
        + _word("Über.dat", "Q")
        + '"',
        "RFC 2047; go-mail/mail#11",
    ),
    (
        '{type}; name="'
        + _word("日本", "B")
        + '.dat"\r\nContent-Disposition: attachment',
        "wneessen/go-mail#605",
    ),
    (
        '{type}\r\nContent-Disposition: attachment; filename="Übersicht.dat"',
        "RFC 6532 section 3.2",
    ),
    (
        '{type}\r\nContent-Disposition: attachment; filename="a;b, c.dat"',
        "RFC 2045 section 5.1",
    ),
]

_PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


class _Maker:
    """Makes the parts of one message, all in one charset and encoding."""

    def __init__(self, charset: Charset, encoding: int, name: int) -> None:
        self.charset = charset
        self.encoding, self._encode, _ = ENCODINGS[encoding]
        self._name = FILE_NAMES[name][0]
        self._count = 0

    def text(self, kind: str = "plain", fields: str = "", after: str = "") -> bytes:
        self._count += 1
        body = f"{self.charset.text} {self._count}\r\n= end =\r\n"
        if kind == "html":
            body = f"<p>{body}</p>\r\n"
        octets = body.encode(self.charset.codec)
        kind = f"text/{kind}; charset={self.charset.label}{after}"
        return self._part(kind, octets, fields)

    def file(self, kind: str = "application/octet-stream") -> bytes:
        self._count += 1
        head = self._name.format(type=kind)
        octets = bytes(range(256)) + str(self._count).encode()
        encoded = _base64(octets)
        return (
            f"Content-Type: {head}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
            + encoded
        )

    def image(
        self, fields: str = "Content-ID: <i@x>\r\nContent-Disposition: inline"
    ) -> bytes:
        head = f"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n{fields}\r\n\r\n"
        return head.encode() + _base64(_PNG)

    def multipart(self, kind: str, *parts: bytes) -> bytes:
        self._count += 1
        boundary = f"b{self._count}".encode()
        body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
        head = f"Content-Type: multipart/{kind}; boundary=".encode()
        return b'%b"%b"\r\n\r\n%b--%b--\r\n' % (head, boundary, body, boundary)

    def _part(self, content_type: str, octets: bytes, fields: str = "") -> bytes:
        head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {self.encoding}\r\n"
        if fields:
            head += f"{fields}\r\n"
        return f"{head}\r\n".encode() + self._encode(octets)


_INLINE = "Content-Disposition: inline"
#: Structures: name, source, how it is made.
STRUCTURES: list[tuple[str, str, Callable[[_Maker], bytes]]] = [
    ("plain", "RFC 2045 section 5.2", lambda m: m.text()),
    ("html", "RFC 2854", lambda m: m.text("html")),
    (
        "alternative",
        "RFC 2046 section 5.1.4",
        lambda m: m.multipart("alternative", m.text(), m.text("html")),
    ),
    (
        "text and file",
        "RFC 2046 section 5.1.3",
        lambda m: m.multipart("mixed", m.text(), m.file()),
    ),
    (
        "named body",
        "RFC 8621 section 4.1.4; jstedfast/MimeKit#435",
        lambda m: m.multipart("mixed", m.text(after="; name=body.txt"), m.file()),
    ),
    (
        "inline named body",
        "RFC 2183 section 2.1; namecheap/fast_mail_parser#25",
        lambda m: m.multipart(
            "mixed", m.text("html", f"{_INLINE}; filename=b.html"), m.file()
        ),
    ),
    (
        "related",
        "RFC 2387",
        lambda m: m.multipart("related", m.text("html"), m.image()),
    ),
    (
        "alternative with related",
        "RFC 2387; RFC 8621 section 4.1.4",
        lambda m: m.multipart(
            "alternative", m.text(), m.multipart("related", m.text("html"), m.image())
        ),
    ),
    (
        "all of it",
        "RFC 8621 section 4.1.4",
        lambda m: m.multipart(
            "mixed",
            m.multipart(
                "alternative",
                m.text(),
                m.multipart("related", m.text("html"), m.image()),
            ),
            m.file(),
            m.file("application/pdf"),
        ),
    ),
    (
        "footer behind a file",
        "RFC 8621 section 4.1.4",
        lambda m: m.multipart("mixed", m.text(), m.file(), m.text()),
    ),
    (
        "text and inline text",
        "RFC 2183 section 2.1",
        lambda m: m.multipart("mixed", m.text(fields=_INLINE), m.text(fields=_INLINE)),
    ),
    (
        "signed",
        "RFC 1847 section 2.1",
        lambda m: m.multipart(
            'signed; protocol="application/pkcs7-signature"; micalg=sha-256',
            m.multipart("mixed", m.text(), m.file()),
            m.file("application/pkcs7-signature"),
        ),
    ),
    (
        "report",
        "RFC 6522",
        lambda m: m.multipart(
            "report; report-type=delivery-status",
            m.text(),
            b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n",
            b"Content-Type: text/rfc822-headers\r\n\r\nSubject: x\r\n",
        ),
    ),
    (
        "forwarded",
        "RFC 2046 section 5.2.1",
        lambda m: m.multipart(
            "mixed",
            m.text(),
            b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninner\r\n",
        ),
    ),
    (
        "forwarded as a file",
        "RFC 2046 section 5.2.1; RFC 2183",
        lambda m: m.multipart(
            "mixed",
            m.text(),
            b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n"
            b"Subject: x\r\n\r\ninner\r\n",
        ),
    ),
    (
        "HTML around an image",
        "RFC 8621 section 4.1.4, as Apple Mail sends it",
        lambda m: m.multipart(
            "alternative",
            m.text(),
            m.multipart("mixed", m.text("html"), m.image(_INLINE), m.text("html")),
        ),
    ),
    (
        "invitation",
        "RFC 6047 section 2.4",
        lambda m: m.multipart(
            "alternative",
            m.text(),
            m.text("html"),
            b"Content-Type: text/calendar; method=REQUEST; charset=us-ascii\r\n\r\nBEGIN:VCALENDAR\r\n",
        ),
    ),
    (
        "attached text",
        "RFC 2183 section 2.2",
        lambda m: m.multipart(
            "mixed",
            m.text(),
            m.text(fields="Content-Disposition: attachment; filename=a.txt"),
        ),
    ),
    ("only a file", "RFC 2183 section 2.2", lambda m: m.file()),
    (
        "multipart of one",
        "RFC 2046 section 5.1",
        lambda m: m.multipart("mixed", m.text("html", after="; name=index.html")),
    ),
]


def bodies() -> Iterator[Shape]:
    """Every structure in every encoding, each with six charsets and file names."""
    for number, (name, source, make) in enumerate(STRUCTURES):
        for encoding, (label, _, encoding_source) in enumerate(ENCODINGS):
            for turn in range(6):
                charset = CHARSETS[
                    (number * 7 + encoding * 13 + turn * 6) % len(CHARSETS)
                ]
                file_name = (number + encoding * 4 + turn * 2) % len(FILE_NAMES)
                if charset.codec == "utf-16" and label != "base64":
                    continue  # RFC 2781 section 3: no lines in any other
                head = f"From: a@x.org\r\nTo: b@x.org\r\nSubject: {name}\r\nMIME-Version: 1.0\r\n"
                content = make(_Maker(charset, encoding, file_name))
                yield Shape(
                    f"{name}, {label}, {charset.label}, name {file_name}",
                    "; ".join(
                        [
                            source,
                            encoding_source,
                            charset.source,
                            FILE_NAMES[file_name][1],
                        ]
                    ),
                    head.encode() + content,
                )


def fields() -> Iterator[Shape]:
    """Header fields, sound and broken, one to a message."""
    rfc5322 = "RFC 5322 appendix A and section 3.4"
    for value, *_ in [*SOUND, *WRONG]:
        content = f"From: x@y.z\r\nTo: {value}\r\n\r\nbody\r\n"
        yield Shape(f"To: {value}", rfc5322, content.encode())
    for value in WORDS:
        content = f"From: x@y.z\r\nSubject: {value}\r\n\r\nbody\r\n"
        yield Shape(f"Subject: {value}", "RFC 2047 section 8 and 5", content.encode())
    for value in DISPOSITIONS:
        content = (
            "From: x@y.z\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=qq\r\n\r\n--qq\r\n\r\nbody\r\n"
            "--qq\r\nContent-Type: application/x\r\n"
            f"Content-Disposition: {value}\r\n\r\nX\r\n--qq--\r\n"
        )
        source = "RFC 2231 section 3 and 4; RFC 6266 section 4.3"
        yield Shape(f"Content-Disposition: {value}", source, content.encode())


_ANY = "abz09 ,;:<>()[]@.\\\"'=?_%éß€Ж日本🎉"


@st.composite
def generated(draw: st.DrawFn) -> Shape:
    """A sound message of any structure, with texts and names that were made up."""
    structure, source, make = draw(st.sampled_from(STRUCTURES))
    encoding = draw(st.integers(0, len(ENCODINGS) - 1))
    charsets = [one for one in CHARSETS if one.codec != "utf-16" or encoding == 1]
    charset = draw(st.sampled_from(charsets))
    alphabet = charset.text + "ab =,.;<>&()_?"
    text = draw(st.text(alphabet, min_size=1, max_size=60))
    made = make(
        _Maker(
            charset._replace(text=text),
            encoding,
            draw(st.integers(0, len(FILE_NAMES) - 1)),
        )
    )
    names = draw(
        st.lists(st.text(_ANY, max_size=25).map(_tidy), min_size=1, max_size=4)
    )
    lists = [
        f"{_phrase(draw, name)} <a{index}@example.org>".strip()
        for index, name in enumerate(names)
    ]
    subject = _words(draw, _tidy(draw(st.text(_ANY, max_size=60))))
    head = (
        f"From: {lists[0]}\r\nTo: {f',{chr(13)}{chr(10)} '.join(lists)}\r\n"
        f"Subject: {subject}\r\nMIME-Version: 1.0\r\n"
    )
    name = f"{structure}, {ENCODINGS[encoding][0]}, {charset.label}, {subject!r}"
    return Shape(name, source, head.encode() + made)


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _phrase(draw: st.DrawFn, name: str) -> str:
    """A display name, as encoded words, or as a quoted string where it is ASCII."""
    if name.isascii() and draw(st.booleans()):
        return '"' + re.sub(r'[\\"]', r"\\\g<0>", name) + '"' if name else ""
    return _words(draw, name)


def _words(draw: st.DrawFn, text: str) -> str:
    """Encoded words of some characters each, folded."""
    if not text:
        return ""
    size = draw(st.integers(3, 12))
    kind = draw(st.sampled_from("BQ"))
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    return "\r\n ".join(_word(piece, kind) for piece in pieces)
