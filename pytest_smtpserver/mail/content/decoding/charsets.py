"""Octets to text by the WHATWG Encoding Standard, also where the label is wrong.

Python's codecs do the work. This module adds the labels and characters that the codecs
do not know and mail programs do.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from functools import lru_cache

#: Labels of Encoding §4.2 that neither Python nor the patterns below know.
_LABELS = {
    "ansi_x3.110-1983": "latin-1",
    "cn-big5": "big5",
    "cseucpkdfmtjapanese": "euc_jp",
    "csisolatin9": "iso8859-15",
    "csksc56011987": "euc_kr",
    "gb_2312": "gb2312",
    "gb_2312-80": "gb2312",
    "iso-10646-ucs-2": "utf-16-le",
    "iso-ir-149": "euc_kr",
    "koi": "koi8-r",
    "koi8": "koi8-r",
    "koi8-ru": "koi8-u",
    "ks_c_5601-1989": "euc_kr",
    "ksc_5601": "euc_kr",
    "logical": "iso8859-8",
    "mac": "mac-roman",
    "mac-ukrainian": "mac-cyrillic",
    "sun_eu_greek": "iso8859-7",
    "ucs-2": "utf-16-le",
    "unicode": "utf-16-le",
    "unicode-1-1-utf-8": "utf-8",
    "unicode11utf8": "utf-8",
    "unicode20utf8": "utf-8",
    "unicodefeff": "utf-16-le",
    "unicodefffe": "utf-16-be",
    "utf8mb4": "utf-8",
    "visual": "iso8859-8",
    "windows-31j": "cp932",
    "x-x-big5": "big5",
}
_PREFIX = re.compile(r"^(?:x-|cs(?!iso2022|iso_?latin))")
_CODE_PAGE = re.compile(r"^(?:windows|dos|ibm|cp|ms)[-_]?(\d+)$")
_ISO_8859 = re.compile(r"^iso[-_]?8859[-_]?(\d\d?)(?:[-_]?[ei])?$")
#: Codecs whose counterpart in the standard knows more characters, and what to use.
_WIDER = {
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "iso2022_jp_1": "iso2022_jp",
    "iso2022_jp_2": "iso2022_jp",
    "iso2022_jp_ext": "iso2022_jp",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    "utf-8": "utf-8-sig",
}
#: Characters that the standard decodes otherwise than Python.
_MENDED = {
    "big5hkscs": str.maketrans("•\uff64‾\u223c♁☉¥¢£", "‧﹑¯\uff5e⊕⊙\uffe5\uffe0\uffe1"),
    "gb18030": str.maketrans("\ue5e5\ue7c7", "\u3000ḿ"),
    "koi8-u": str.maketrans("╝╬", "ўЎ"),
}
#: Octets that Python's single-byte codecs do not decode. The standard takes them for C1
#: controls where there is such a control, and for an error otherwise.
_UNDEFINED = {
    0xDC00 + octet: chr(octet) if octet < 0xA0 else "\ufffd"
    for octet in range(0x80, 0x100)
}
_SINGLE_BYTE = re.compile(r"cp(?!9[345]|65)|iso8859|koi8|mac")
#: Python's codecs that no mail uses, or that depend on the machine.
_NO_CHARSET = re.compile(
    "idna|mbcs|oem|palmos|punycode|raw_unicode_escape|undefined|unicode_escape"
)
#: Charsets that senders declare by default: text that is valid UTF-8 is read as UTF-8.
_LATIN = frozenset({"ascii", "iso8859-1", "iso8859-15", "cp1252"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+()-]{0,63}")
_C1 = re.compile(rb"[\x80-\x9f]")
_META = re.compile(
    rb"""(?i)<meta[^>]{1,200}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]+)"""
)
_EUC_JP = re.compile(
    rb"(?s)((?:[\xa1-\xfe]{2})+)|((?:\x8f[\xa1-\xfe]{2})+)|((?:\x8e[\xa1-\xdf])+)"
    rb"|([\x00-\x7f]+)|(.)"
)
_ISO_2022_ESCAPE = re.compile(rb"\x1b(\([BHIJ]|\$[@AB]|\$\([BCD])")
_PAIRS = re.compile(rb"(?s)((?:[\x21-\x7e]{2})+)|(.+?)")
_SET_EIGHTH_BIT = bytes(octet | 0x80 for octet in range(256))
_CLEAR_EIGHTH_BIT = bytes(octet & 0x7F for octet in range(256))
_ROMAN = str.maketrans("\\~", "¥‾")


def decode_text(octets: bytes, charset: str, *, html: bool = False) -> tuple[str, str]:
    """Decode the octets of a text part.

    Where no `charset` is declared, a ``<meta charset>`` of `html` counts.

    Returns:
        The text with all line ends as LF, and what was wrong (``""``: nothing).
    """
    if not charset and html and (match := _META.search(octets[:4096])):
        charset = match[1].decode("ascii")
        # It was readable as ASCII (HTML §4.2.5).
        charset = "utf-8" if charset.lower().startswith("utf-16") else charset
    text, complaint = decode_octets(octets, charset)
    if "\r" in text:
        # An encoded CR before a line end is part of it.
        text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return text, complaint


def decode_octets(octets: bytes, charset: str) -> tuple[str, str]:
    """Decode octets by the label of a charset; by a better guess if the label is wrong.

    Returns:
        The text, and what was wrong (``""``: nothing).
    """
    if not charset:
        return _decode_undeclared(octets)
    codec = codec_of(charset[:65])  # no label is longer, and these are kept
    if codec is None:
        text, _ = _decode_undeclared(octets)
        return text, f"declares the charset {charset!r}, which nobody knows"
    marked = octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if marked and not codec.startswith("utf-16") and len(octets) % 2 == 0:
        with suppress(UnicodeError):  # it goes before any label (Encoding §6)
            return octets.decode("utf-16"), _lie(charset, "utf-16")
    if codec in _LATIN:
        return _decode_latin(octets, charset, codec)
    with suppress(UnicodeError):
        return _strictly(octets, codec), ""
    if codec == "utf-8-sig":
        return _nearly_utf8(octets, charset)
    if (utf8 := _as_utf8(octets)) is not None:
        return utf8, _lie(charset, "utf-8")
    return _leniently(octets, codec), _lie(charset, f"{charset} with gaps")


def decode_header_octets(octets: bytes) -> tuple[str, str]:
    """Decode a raw header: UTF-8 (RFC 6532 §3.2), else windows-1252."""
    try:
        return octets.decode(), ""
    except UnicodeDecodeError:
        return (
            _windows_1252(octets),
            "has octets that are no UTF-8 (RFC 6532 section 3.2); read as windows-1252",
        )


@lru_cache(maxsize=128)
def codec_of(charset: str) -> str | None:
    """Python's name of the codec for a label, or None where there is no such charset."""
    if not _NAME.fullmatch(charset):
        return None
    label = charset.lower()
    bare = _PREFIX.sub("", label)
    page, iso = _CODE_PAGE.match(bare), _ISO_8859.match(bare)
    guesses = [
        _LABELS.get(label) or _LABELS.get(bare) or label,
        f"cp{page[1]}" if page else bare,
        f"iso8859-{iso[1]}" if iso else bare,
    ]
    for guess in guesses:
        try:
            name = codecs.lookup(guess).name
            # This refuses codecs that are not of text (hex, zip, rot13). One octet is
            # needed: Python does not look at the codec for none.
            b"a".decode(name)
        except UnicodeError:
            pass  # a charset of two octets a character
        except (LookupError, ValueError):
            continue
        if not _NO_CHARSET.fullmatch(name.replace("-", "_")):
            return _WIDER.get(name, name)
    return None


def _lie(charset: str, used: str) -> str:
    return f"declares charset {charset}, but is not; read as {used}"


def _decode_latin(octets: bytes, charset: str, codec: str) -> tuple[str, str]:
    """Decode what is declared as ASCII or Latin-1.

    Any octets are valid Latin-1. Valid UTF-8 beyond ASCII is almost never meant as
    Latin-1, so it is read as UTF-8. C1 controls are read as windows-1252, as the WHATWG
    Encoding Standard wants.
    """
    if octets.isascii():
        return octets.decode("ascii"), ""
    if (text := _as_utf8(octets)) is not None:
        return text, f"declares charset {charset}, but is utf-8; read as that"
    if codec != "iso8859-1" or not _C1.search(octets):
        with suppress(UnicodeDecodeError):
            return octets.decode(codec), ""
    return _windows_1252(octets), _lie(charset, "windows-1252")


def _decode_undeclared(octets: bytes) -> tuple[str, str]:
    """Decode text without a charset, which is US-ASCII (RFC 2045 §5.2)."""
    if octets.isascii():
        return octets.decode("ascii"), ""
    text, used = _as_utf8(octets), "utf-8"
    if text is None:
        text, used = _windows_1252(octets), "windows-1252"
    return text, f"has octets beyond US-ASCII and no charset; read as {used}"


def _nearly_utf8(octets: bytes, charset: str) -> tuple[str, str]:
    """UTF-8 with gaps where most of it is valid, else windows-1252."""
    text = octets.decode("utf-8-sig", "replace")
    wrong = text.count("\ufffd")
    sound = len(text) - wrong - sum(map(str.isascii, text))
    if sound >= wrong:
        return text, _lie(charset, f"{charset} with gaps")
    return _windows_1252(octets), _lie(charset, "windows-1252")


def _as_utf8(octets: bytes) -> str | None:
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _windows_1252(octets: bytes) -> str:
    return octets.decode("cp1252", "surrogateescape").translate(_UNDEFINED)


def _strictly(octets: bytes, codec: str, errors: str = "strict") -> str:
    """Decode by a codec, and with the additional characters of the standard."""
    if codec == "euc_jp":
        return _decode_euc_jp(octets, errors)
    if codec == "iso2022_jp":
        return _decode_iso_2022_jp(octets, errors)
    try:
        text = octets.decode(codec, errors)
    except UnicodeError:
        if codec == "big5hkscs":
            return octets.decode("cp950")  # has the euro sign
        raise
    if codec.startswith("utf-16"):
        return text.removeprefix("\ufeff")
    return text.translate(_MENDED[codec]) if codec in _MENDED else text


def _leniently(octets: bytes, codec: str) -> str:
    """Decode what the codec can; U+FFFD stands for the rest."""
    if _SINGLE_BYTE.match(codec):
        return octets.decode(codec, "surrogateescape").translate(_UNDEFINED)
    return _strictly(octets, codec, "replace")


def _decode_euc_jp(octets: bytes, errors: str) -> str:
    """EUC-JP with the rows of NEC and IBM, as Encoding §12.1.1 has them."""
    parts = []
    for match in _EUC_JP.finditer(octets):
        double, supplement, kana, ascii_, stray = match.groups()
        if double:
            parts.append(_jis_x_0208(double.translate(_CLEAR_EIGHTH_BIT), errors))
        elif supplement:
            parts.append(supplement.decode("euc_jp", errors))
        elif kana:
            parts.append(kana.replace(b"\x8e", b"").decode("cp932", errors))
        elif ascii_:
            parts.append(ascii_.decode("ascii"))
        else:
            parts.append(stray.decode("ascii", errors))
    return "".join(parts)


def _decode_iso_2022_jp(octets: bytes, errors: str) -> str:
    """ISO-2022-JP with NEC's row 13, half-width kana, and the larger ISO-2022-JP-1, -2.

    Encoding §12.2.1, RFC 1468, RFC 1554 (JIS X 0212, GB 2312, KS C 5601).
    """
    parts = []
    first, *rest = _ISO_2022_ESCAPE.split(octets)
    for escape, run in zip([b"(B", *rest[::2]], [first, *rest[1::2]], strict=True):
        if escape == b"(I":
            parts.append(run.translate(_SET_EIGHTH_BIT).decode("cp932", errors))
        elif escape.startswith(b"("):
            text = run.decode("cp932", errors)
            parts.append(text.translate(_ROMAN) if escape == b"(J" else text)
        else:
            for pairs, other in _PAIRS.findall(run):
                parts.append(other.decode("ascii", errors))
                parts.append(_pairs(escape, pairs, errors))
    return "".join(parts)


def _pairs(escape: bytes, pairs: bytes, errors: str) -> str:
    high = pairs.translate(_SET_EIGHTH_BIT)
    if escape == b"$A":
        return high.decode("gb2312", errors)
    if escape == b"$(C":
        return high.decode("euc_kr", errors)
    if escape == b"$(D":
        marked = re.sub(rb"..", b"\x8f\\g<0>", high, flags=re.DOTALL)
        return marked.decode("euc_jp", errors)
    return _jis_x_0208(pairs, errors)


def _jis_x_0208(pairs: bytes, errors: str) -> str:
    """Decode JIS X 0208: row and cell as octets from 0x21 on, read as windows-31j."""
    shifted = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=True):
        lead = (row - 0x21) // 2
        shifted.append(lead + (0x81 if lead < 0x1F else 0xC1))
        if row % 2:
            shifted.append(cell + (0x1F if cell < 0x60 else 0x20))
        else:
            shifted.append(cell + 0x7E)
    return shifted.decode("cp932", errors)
