"""Octets to text, also where the declared charset is missing, unknown or a lie."""

from __future__ import annotations

import codecs
import re

#: Names that mailers use and Python does not know, or knows for something narrower.
#: The right-hand side contains all of the left-hand side.
_ALIASES = {
    "ansi_x3.110-1983": "iso-8859-1",
    "cp-850": "cp850",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-6-e": "iso-8859-6",
    "iso-8859-6-i": "iso-8859-6",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-8-i": "iso-8859-8",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "sjis": "cp932",
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "utf8mb4": "utf-8-sig",
    "x-gbk": "gb18030",
    "x-sjis": "cp932",
}
#: Codecs of Python that are no charset of any mail, or depend on the machine.
_NO_CHARSETS = frozenset(
    {
        "idna",
        "mbcs",
        "oem",
        "palmos",
        "punycode",
        "raw_unicode_escape",
        "undefined",
        "unicode_escape",
    }
)
#: What is declared by those who never thought about it: UTF-8 wins where it fits.
_LATIN = frozenset({"ascii", "iso8859-1", "iso8859-15", "cp1252"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+()-]{0,63}")
_C1 = re.compile(rb"[\x80-\x9f]")
_META = re.compile(
    rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)""", re.IGNORECASE
)


def decode_text(octets: bytes, charset: str, *, html: bool = False) -> tuple[str, str]:
    """Decode the octets of a text part.

    Args:
        octets: the text, its transfer encoding already undone.
        charset: what the part declares, ``""`` where it declares nothing.
        html: look for a ``<meta charset>`` where nothing is declared.

    Returns:
        The text with all line ends as LF, and what was wrong (``""``: nothing).
    """
    text, complaint = _decode(octets, charset, html=html)
    return text.replace("\r\n", "\n").replace("\r", "\n"), complaint


def decode_header_octets(octets: bytes) -> tuple[str, str]:
    """Decode a raw header: UTF-8 (RFC 6532 §3.2), or what it can be instead."""
    try:
        return octets.decode(), ""
    except UnicodeDecodeError:
        return (
            decode_legacy(octets),
            "has octets that are no UTF-8 (RFC 6532 section 3.2); read as windows-1252",
        )


def decode_legacy(octets: bytes) -> str:
    """Read octets as windows-1252, and the five it does not have as ISO 8859-1."""
    try:
        return octets.decode("cp1252")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _decode(octets: bytes, charset: str, *, html: bool) -> tuple[str, str]:
    if not charset and html and (match := _META.search(octets, 0, 4096)):
        charset = match[1].decode("ascii")
    if not charset:
        return _decode_undeclared(octets)
    codec = _codec_name(charset)
    if codec is None:
        text, _ = _decode_undeclared(octets)
        return text, f"declares the charset {charset!r}, which nobody knows"
    if codec in _LATIN:
        return _decode_latin(octets, charset, codec)
    try:
        return octets.decode(codec), ""
    except UnicodeError:
        pass
    if codec == "utf-8-sig":
        text, used = decode_legacy(octets), "windows-1252"
    elif (utf8 := _as_utf8(octets)) is not None:
        text, used = utf8, "utf-8"
    else:
        text, used = octets.decode(codec, "replace"), f"{charset} with gaps"
    return text, f"declares charset {charset}, but is not; read as {used}"


def _decode_latin(octets: bytes, charset: str, codec: str) -> tuple[str, str]:
    """Decode what is declared as ASCII or Latin-1.

    Latin-1 fits any octets, so it cannot fail; text that is also sound UTF-8 beyond
    ASCII practically never was Latin-1. Its C1 controls are windows-1252 in real life,
    as the WHATWG Encoding Standard has it.
    """
    if octets.isascii():
        return octets.decode("ascii"), ""
    if (text := _as_utf8(octets)) is not None:
        return text, f"declares charset {charset}, but is utf-8; read as that"
    if codec in {"iso8859-15", "cp1252"} or (
        codec == "iso8859-1" and not _C1.search(octets)
    ):
        try:
            return octets.decode(codec), ""
        except UnicodeDecodeError:
            return decode_legacy(octets), f"declares charset {charset}, but is not"
    return (
        decode_legacy(octets),
        f"declares charset {charset}, but is not; read as windows-1252",
    )


def _decode_undeclared(octets: bytes) -> tuple[str, str]:
    """Decode text without a charset, which is US-ASCII (RFC 2045 §5.2)."""
    if octets.isascii():
        return octets.decode("ascii"), ""
    if (text := _as_utf8(octets)) is not None:
        return text, "has octets beyond US-ASCII and no charset; read as utf-8"
    return (
        decode_legacy(octets),
        "has octets beyond US-ASCII and no charset; read as windows-1252",
    )


def _as_utf8(octets: bytes) -> str | None:
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _codec_name(charset: str) -> str | None:
    """Python's name of a charset, or None where there is no such charset."""
    if not _NAME.fullmatch(charset):
        return None
    try:
        name = codecs.lookup(_ALIASES.get(charset.lower(), charset)).name
        # Refuses what is a codec but none of text: hex, zip, rot13. Python does not
        # look where there is nothing to decode.
        b"a".decode(name)
    except UnicodeError:
        pass  # one octet of a charset of two
    except (LookupError, ValueError):
        return None
    return None if name.replace("-", "_") in _NO_CHARSETS else _ALIASES.get(name, name)
