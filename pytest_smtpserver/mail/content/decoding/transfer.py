"""Undoes transfer encodings (RFC 2045 section 6), of damaged bodies as far as possible."""

from __future__ import annotations

import binascii
import re

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]+")
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_UUENCODE = frozenset({"uuencode", "x-uuencode", "uue", "x-uue"})
_NOT_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")


def undo(raw: bytes, encoding: str) -> tuple[bytes, str]:
    """A body without its transfer encoding, and what was wrong (``""``: nothing)."""
    if encoding == "base64":
        return decode_base64(raw)
    if encoding == "quoted-printable":
        return decode_quoted_printable(raw)
    if encoding in _UUENCODE:
        return _decode_uu(raw)
    if encoding in _IDENTITY:
        return raw, ""
    return raw, f"has the transfer encoding {encoding!r}, which nobody knows"


def decode_quoted_printable(raw: bytes) -> tuple[bytes, str]:
    """Decode quoted-printable (RFC 2045 §6.7).

    Relays may have added blanks at the end of a line, also behind a soft line break
    (rule 3): they are dropped.
    """
    if any(end in raw for end in (b" \n", b"\t\n", b" \r", b"\t\r", b"\r\r")):
        raw = b"\n".join(map(_without_padding, raw.split(b"\n")))
    raw = raw.rstrip(b" \t")
    stray = _NOT_QUOTED.search(raw)
    if stray is None:
        return binascii.a2b_qp(raw), ""
    line = raw[stray.start() : stray.start() + 12].decode("ascii", "replace")
    return (
        binascii.a2b_qp(_NOT_QUOTED.sub(b"=3D", raw)),
        f"has {line!r}, where '=' encodes nothing (RFC 2045 section 6.7)",
    )


def _without_padding(line: bytes) -> bytes:
    bare = line.rstrip(b" \t\r")
    return bare + b"\r" if line.endswith(b"\r") else bare


def decode_base64(raw: bytes) -> tuple[bytes, str]:
    """Decode base64 (RFC 2045 §6.8), damaged base64 as far as possible."""
    clean = raw.translate(None, b"\r\n\t ")
    body = clean.rstrip(b"=")
    stray = body.translate(None, _BASE64_ALPHABET)
    if not stray:
        padded = body + b"=" * (-len(body) % 4)
        if len(padded) == len(clean):
            return binascii.a2b_base64(padded), ""
    runs = _BASE64_RUN.findall(body.translate(None, stray.replace(b"=", b"")))
    return (
        b"".join(map(decode_run, runs)),
        "has broken base64 (RFC 2045 section 6.8); read as far as possible",
    )


def decode_run(run: bytes) -> bytes:
    """Decode base64 without padding; a single last character holds no octet."""
    if len(run) % 4 == 1:
        run = run[:-1]
    return binascii.a2b_base64(run + b"=" * (-len(run) % 4))


def _decode_uu(raw: bytes) -> tuple[bytes, str]:
    """Decode uuencode, which no RFC defines and old mailers still send."""
    lines = iter(raw.splitlines())
    decoded: list[bytes] = []
    if not any(line.startswith(b"begin ") for line in lines):
        return raw, "has no uuencoded data"
    for line in lines:
        if line.strip() in {b"end", b"`"}:
            return b"".join(decoded), ""
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders give a wrong length: decode what the line has.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                decoded.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                return b"".join(decoded), "has broken uuencode; read as far as possible"
    return b"".join(decoded), "has uuencode without an end; cut off?"
