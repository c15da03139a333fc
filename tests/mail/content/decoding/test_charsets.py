"""Charsets, by the WHATWG Encoding Standard; the values come from its tables."""

from __future__ import annotations

import sys

import pytest

from pytest_smtpserver.mail.content.decoding.charsets import (
    codec_of,
    decode_octets,
    decode_text,
)

#: Encoding, section 4.2: every label, by encoding. Left out are those that decode to
#: nothing ("replacement"), and x-user-defined, which has no characters.
LABELS = {
    "utf-8-sig": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 "
    "iso_8859-2:1987 l2 latin2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 "
    "iso_8859-3:1988 l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 "
    "iso_8859-4:1988 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 "
    "iso_8859-5 iso_8859-5:1988",
    "iso8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 "
    "iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 "
    "iso_8859-6:1987",
    "iso8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 "
    "iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 "
    "iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    "iso8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1252": "cp1252 windows-1252 x-cp1252",
    "iso8859-1": "cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
    "iso_8859-1 iso_8859-1:1987 l1 latin1",
    "ascii": "ansi_x3.4-1968 ascii us-ascii",
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
    "iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
    "cp1255": "cp1255 windows-1255 x-cp1255",
    "cp1256": "cp1256 windows-1256 x-cp1256",
    "cp1257": "cp1257 windows-1257 x-cp1257",
    "cp1258": "cp1258 windows-1258 x-cp1258",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gb18030": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 "
    "x-gbk gb18030",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso2022_jp": "csiso2022jp iso-2022-jp",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 "
    "ks_c_5601-1989 ksc5601 ksc_5601 windows-949",
    "utf-16-be": "unicodefffe utf-16be",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16le",
    "utf-16": "utf-16",
    # of old mailers, outside of the standard
    "cp850": "cp-850 cp850 ibm850",
    "utf-7": "utf-7 utf7 unicode-1-1-utf-7",
}


@pytest.mark.parametrize(("codec", "labels"), LABELS.items())
def test_labels(codec: str, labels: str) -> None:
    """In any case."""
    for label in labels.split():
        assert codec_of(label) == codec_of(label.upper()) == codec, label


@pytest.mark.parametrize(
    ("charset", "octets", "expected"),
    [
        ("iso-2022-jp", b"\x1b$B$3$s\x1b(B", "こん"),
        ("iso-2022-jp", b"\x1b$B-!-j\x1b(B", "①㈱"),
        ("iso-2022-jp", b"\x1b(I1\x1b(Bx\xb1", "ｱxｱ"),
        ("iso-2022-jp", b"\x1b(J\\~\x1b(B\\~", "¥‾\\~"),
        ("iso-2022-jp", b"\x1b$B$3\r\n$s\x1b(B", "こ\nん"),
        ("iso-2022-jp-2", b"\x1b$(D0!\x1b$A0!\x1b$(C0!\x1b(B", "丂啊가"),
        ("euc-jp", b"\xad\xa1\xa1\xc1\x8e\xb1\x8f\xb0\xa1a", "①\uff5eｱ丂a"),
        ("euc-jp", b"\xfc\xe2\xf9\xa1", "髙纊"),
        ("big5", b"\xc7\x64\xc6\xe7\xf9\xd6\xa1\x45", "ぽぁ碁‧"),
        ("big5", b"a\xa3\xe1", "a€"),
        ("gb2312", b"\xe9F\x81\x30\x81\x30\xa8\xbc", "镕\x80ḿ"),
        ("shift_jis", b"\x87\x40\xfb\xfc\xed\x40\xb1", "①髙纊ｱ"),
        ("euc-kr", b"\x8c\x63", "똠"),
        ("windows-874", b"\xa1\x85", "ก…"),
        ("iso-8859-11", b"\x85", "…"),
        ("iso-8859-9", b"\x93\xf0", "“ğ"),
        ("koi8-u", b"\xae\xbe", "ўЎ"),
        ("x-mac-roman", b"caf\x8e", "café"),
        ("utf-16", "a€".encode("utf-16-le"), "a€"),
        ("utf-16", "a€".encode("utf-16"), "a€"),
        ("utf-16be", b"\xfe\xff\x00a", "a"),
        ("utf-7", b"Hi +AGEAYg-c", "Hi abc"),
        ("cp-850", b"caf\x82", "café"),
        ("hz-gb-2312", b"~{<:Ky2;S{~}", "己所不欲"),
        # MySQL's name of the whole of UTF-8.
        ("utf8mb4", b"\xf0\x9f\x98\x80\xc3\xa9", "😀é"),
    ],
)
def test_decoders(charset: str, octets: bytes, expected: str) -> None:
    """What the standard's decoders read and Python's do not, or read otherwise."""
    assert decode_text(octets, charset) == (expected, "")


@pytest.mark.parametrize(
    ("charset", "octets", "expected", "complaint"),
    [
        ("utf-8", b"\xe4\xbb\x8a\xe6\x97", "今\ufffd", "read as utf-8 with gaps"),
        ("utf-8", b"\xfc", "ü", "read as windows-1252"),
        ("utf-8", b"\xff\xfea\0", "a", "read as utf-16"),
        ("iso-8859-1", b"\xef\xbb\xbfa", "a", "but is utf-8"),
        ("windows-1253", b"\x81\xd2", "\x81\ufffd", "windows-1253 with gaps"),
        ("euc-jp", b"a\xff\xa4\xa2", "a\ufffdあ", "euc-jp with gaps"),
        ("iso-2022-jp", b"\x1b$B$3\xff\x1b(Ba", "こ\ufffda", "with gaps"),
        ("iso-2022-jp", b"\x1b$B\xff\x80", "\ufffd\ufffd", "with gaps"),
        ("shift_jis", b"\x82\xa0\x82", "あ\ufffd", "with gaps"),
    ],
)
def test_lies(charset: str, octets: bytes, expected: str, complaint: str) -> None:
    """As much as can be read, U+FFFD for the rest, and a sentence."""
    text, said = decode_octets(octets, charset)
    assert text == expected
    assert complaint in said


@pytest.mark.parametrize(
    ("octets", "charset", "expected"),
    [
        ('<meta charset="koi8-r">Привет'.encode("koi8-r"), "", "Привет"),
        (
            b"<META http-equiv=x content='text/html; charset=shift_jis'>\x82\xa0",
            "",
            "あ",
        ),
        ("<meta charset=utf-16>ü".encode(), "", "ü"),
        ("<meta charset=utf-16>üx".encode(), "", "üx"),  # it would be UTF-16, too
        ('<meta charset="koi8-r">ü'.encode("latin-1"), "latin-1", "ü"),
        ("\ufeffü".encode(), "", "ü"),
        ("ü".encode("utf-16"), "utf-8", "ü"),
    ],
)
def test_html_and_byte_order_marks(octets: bytes, charset: str, expected: str) -> None:
    """A mark goes before the label, and the label before ``<meta>`` (HTML 13.2.3.2)."""
    assert decode_text(octets, charset, html=True)[0].endswith(expected)


def test_line_ends() -> None:
    """Each is a LF, also one with an encoded CR before it."""
    assert decode_text(b"a\r\nb\rc\nd\r\r\ne", "")[0] == "a\nb\nc\nd\ne"


def test_a_label_of_any_length_is_not_kept() -> None:
    """What is known of labels is remembered; a long one is none, and may have megabytes."""
    label = "x" * 1000
    before = sys.getrefcount(label)
    assert decode_octets(b"a", label) == (
        "a",
        f"declares the charset {label!r}, which nobody knows",
    )
    assert sys.getrefcount(label) == before
