"""Encoded words (RFC 2047, with the language of RFC 2231 section 5), as mailers send them.

They are decoded everywhere, also where section 5 forbids them: nearly every mailer uses
them in quotes and in parameters, for file names.
"""

from __future__ import annotations

import re

from pytest_smtpserver.mail.content.decoding.charsets import decode_octets
from pytest_smtpserver.mail.content.decoding.transfer import decode_run

#: A word may hold blanks and a few question marks, since mail programs take them.
WORD = re.compile(r"=\?([^?\s=]{1,80})\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*){0,8})\?=")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
#: RFC 2047 §5: only what can be printed is to be encoded.
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE_ENDS = re.compile(r"[\r\n]+")
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,"]')


class _Run:
    """Adjacent words of one charset and encoding, which are decoded together.

    The border between two words may cut a character, or a group of base64.
    """

    def __init__(self, charset: str, encoding: str) -> None:
        self.kind = (charset, encoding)
        self.start = ""
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        self._texts.append(text)

    def decoded(self) -> tuple[str, str]:
        charset, encoding = self.kind
        if encoding == "Q":
            raw = "".join(self._texts).replace("_", " ").encode("utf-8")
            octets = _HEX.sub(lambda match: bytes.fromhex(match[1].decode()), raw)
        else:
            runs = (_NOT_BASE64.sub("", text) for text in self._base64_texts())
            octets = b"".join(decode_run(run.encode("ascii")) for run in runs)
        return decode_octets(octets, charset.partition("*")[0])

    def _base64_texts(self) -> list[str]:
        """The texts, joined up to their padding: one may end within a group of four."""
        texts: list[str] = []
        loose: list[str] = []
        for text in self._texts:
            loose.append(text)
            if text.endswith("="):
                texts.append("".join(loose))
                loose = []
        return [*texts, "".join(loose)]


def decode_words(
    value: str, complaints: list[str] | None = None, *, quote: bool = False
) -> str:
    """A value with its encoded words decoded, without the blanks between two of them.

    With `quote` a word with specials gets quotes, so that a list of addresses stays the
    list it is.
    """
    if "=?" not in value:
        return value
    written: list[str] = []
    run: _Run | None = None
    quoted = False
    end = 0
    found: list[str] = [] if complaints is None else complaints

    def finish() -> None:
        if run is not None:
            text, complaint = run.decoded()
            if complaint:
                found.append(f"an encoded word {complaint} (RFC 2047 section 2)")
            if _CONTROLS.search(text):
                found.append("an encoded word has controls in it (RFC 2047 section 5)")
                text = _LINE_ENDS.sub(" ", text)  # a field is one line
            specials = quote and _SPECIALS.search(text)
            if specials and quoted:
                text = re.sub(r'[\\"]', r"\\\g<0>", text)
            elif specials and not written[-1].endswith("("):
                text = '"' + re.sub(r'[\\"]', r"\\\g<0>", text) + '"'
            written.append(text)

    for match in WORD.finditer(value):
        gap = value[end : match.start()]
        kind = (match[1].lower(), match[2].upper())
        beside = run is not None and not gap.strip()
        if run is None or not beside or run.kind != kind:
            finish()
            quoted ^= gap.replace('\\"', "").count('"') % 2 == 1
            written.append("" if beside else gap)
            run = _Run(*kind)
        if " " in match[3].strip() or "\t" in match[3]:
            found.append("an encoded word has blanks in it (RFC 2047 section 2)")
        run.add(match[3])
        end = match.end()
    finish()
    return "".join([*written, value[end:]])
