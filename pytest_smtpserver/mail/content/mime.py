"""The parts of a message: where they are in the content, what they declare, their octets.

RFC 2045 (fields, transfer encodings), RFC 2046 (multiparts), RFC 2231 (parameters). A
part keeps offsets into the content and decodes when asked, so that a forwarded message
or a signed part can be given back octet for octet, and 50 MB are not copied for a
subject.
"""

from __future__ import annotations

import binascii
import email.message
import email.utils
import quopri
import re
from typing import TYPE_CHECKING

from .headers import Block, Headers, decode_words, read_block

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Deeper multiparts are taken as they stand; nobody but a fuzzer makes them.
_MAX_DEPTH = 50
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/]+")
_IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_UUENCODE = frozenset({"uuencode", "x-uuencode", "uue", "x-uue"})


class Part:
    """One MIME part; the message itself is one.

    Attributes:
        content: the octets of the whole message.
        start: where the body of the part begins in them.
        end: where it ends.
        headers: the header of the part, as `Headers`.
        content_type: ``maintype/subtype`` in lower case.
        disposition: ``inline``, ``attachment``, another token, or ``""``.
        filename: of Content-Disposition or, for want of it, of Content-Type.
        content_id: without angle brackets, as ``cid:`` has it (RFC 2392).
        children: the parts of a multipart, empty for anything else.
    """

    __slots__ = (
        "_structure_defects",
        "_type",
        "block",
        "children",
        "content",
        "content_id",
        "content_type",
        "disposition",
        "end",
        "filename",
        "headers",
        "start",
    )

    def __init__(
        self, content: bytes, start: int, end: int, *, default: str = "text/plain"
    ) -> None:
        block = read_block(content, start, end)
        self.content = content
        self.start = block.body_start
        self.end = end
        self.block: Block = block
        self.headers = Headers(block.fields)
        self.children: list[Part] = []
        self._structure_defects: list[str] = []
        self._type = self._read_type(default)
        self.content_type: str = self._type.get_content_type()
        self.disposition = self._read_disposition()
        self.filename = self._read_filename()
        self.content_id = (self.headers.get("Content-ID") or "").strip(" \t<>")

    def _read_type(self, default: str) -> email.message.Message:
        """The fields of RFC 2045 and RFC 2183 as the older parser reads them.

        It is the one that takes unquoted file names with blanks, and that hardly raises.
        """
        fields = email.message.Message()
        fields.set_default_type(default)
        for name in ("Content-Type", "Content-Disposition"):
            value = self._raw(name)
            if value is None:
                continue
            try:
                fields[name] = value
                fields.get_params(header=name)
                fields.get_filename()
                fields.get_boundary()
            except Exception as error:  # noqa: BLE001 - RFC 2231 has many ways to go wrong
                del fields[name]
                plain = value.partition(";")[0].strip()
                if plain.isascii():
                    fields[name] = plain
                self._structure_defects.append(
                    f"{name}: its parameters cannot be parsed "
                    f"({type(error).__name__}): {value[:60]!r}"
                )
        return fields

    def _raw(self, name: str) -> str | None:
        lowered = name.lower()
        for field in self.block.fields:
            if field.name.lower() == lowered:
                return field.value
        return None

    def _read_disposition(self) -> str:
        value = self._raw("Content-Disposition") or ""
        return value.partition(";")[0].strip().lower()

    def _read_filename(self) -> str:
        return decode_words(self._type.get_filename("") or "")

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, ``""`` where there is none."""
        try:
            value = self._type.get_param(name, "")
            return email.utils.collapse_rfc2231_value(value) if value else ""
        except Exception:  # noqa: BLE001 - a charset of RFC 2231 that is none
            return ""

    @property
    def charset(self) -> str:
        """The declared charset, ``""`` where none is declared."""
        return self.parameter("charset").strip().strip("'\"")

    @property
    def is_multipart(self) -> bool:
        """Whether the body could be taken apart."""
        return bool(self.children)

    @property
    def encoding(self) -> str:
        """The transfer encoding in lower case, ``""`` where none is declared."""
        value = self.headers.get("Content-Transfer-Encoding") or ""
        return value.partition(";")[0].strip().lower()

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order they stand."""
        todo = [self]
        while todo:
            part = todo.pop()
            yield part
            todo.extend(reversed(part.children))

    def octets(self) -> tuple[bytes, str]:
        """The body with its transfer encoding undone, and what was wrong with that."""
        raw = self.content[self.start : self.end]
        encoding = self.encoding
        if encoding == "base64":
            return decode_base64(raw)
        if encoding == "quoted-printable":
            return quopri.decodestring(raw), ""
        if encoding in _UUENCODE:
            return _decode_uu(raw)
        if encoding in _IDENTITY:
            return raw, ""
        return raw, f"has the transfer encoding {encoding!r}, which nobody knows"

    def structure_defects(self) -> list[str]:
        """What is wrong with the header block and with the structure of this part."""
        return [*self.block.defects, *self._structure_defects]

    def split(self, depth: int = 0) -> None:
        """Take a multipart apart, and the multiparts in it (RFC 2046 §5.1.1)."""
        if not self.content_type.startswith("multipart/"):
            return
        if depth >= _MAX_DEPTH:
            self._structure_defects.append(f"multiparts nested over {_MAX_DEPTH} deep")
            return
        boundary = (self._type.get_boundary("") or "").encode("utf-8", "replace")
        if not boundary:
            self._structure_defects.append(
                f"{self.content_type} without a boundary (RFC 2046 section 5.1)"
            )
            return
        spans, closed = _spans(self.content, self.start, self.end, boundary)
        if not spans:
            self._structure_defects.append(
                f"the boundary {boundary.decode('utf-8', 'replace')!r} of "
                f"{self.content_type} never comes"
            )
            return
        if not closed:
            self._structure_defects.append(
                f"the last boundary of {self.content_type} is missing; cut off?"
            )
        # RFC 2046 §5.1.5: what a digest holds is a message where nothing else is said.
        digest = self.content_type == "multipart/digest"
        default = "message/rfc822" if digest else "text/plain"
        for start, end in spans:
            child = Part(self.content, start, end, default=default)
            child.split(depth + 1)
            self.children.append(child)


def parse(content: bytes) -> Part:
    """Take a message apart. Any octets are a message."""
    root = Part(content, 0, len(content))
    root.split()
    return root


def _spans(
    content: bytes, start: int, end: int, boundary: bytes
) -> tuple[list[tuple[int, int]], bool]:
    """The parts between delimiter lines, and whether the last delimiter was there."""
    spans: list[tuple[int, int]] = []
    token = b"--" + boundary
    begun: int | None = None
    position = content.find(token, start, end)
    while position >= 0:
        after = position + len(token)
        newline = content.find(b"\n", after, end)
        line_end = end if newline < 0 else newline + 1
        rest = content[after:line_end].strip() if line_end - after < 1000 else b"x"
        at_line_start = position == start or content[position - 1] == 0x0A
        if at_line_start and rest in {b"", b"--"}:
            if begun is not None:
                spans.append((begun, max(begun, _before(content, position))))
            if rest:
                return spans, True
            begun = line_end
            after = line_end
        position = content.find(token, after, end)
    if begun is not None:
        spans.append((begun, end))
    return spans, False


def _before(content: bytes, position: int) -> int:
    """The line end before a delimiter belongs to it (RFC 2046 §5.1.1)."""
    if content[position - 1 : position] == b"\n":
        position -= 1
    if content[position - 1 : position] == b"\r":
        position -= 1
    return position


def decode_base64(raw: bytes) -> tuple[bytes, str]:
    """Decode base64 (RFC 2045 §6.8), what is damaged as far as it goes."""
    stray = raw.translate(None, _BASE64_ALPHABET + b"=\r\n\t ")
    clean = raw.translate(None, b"\r\n\t ")
    body = clean.rstrip(b"=")
    if not stray and b"=" not in body:
        padded = body + b"=" * (-len(body) % 4)
        if len(padded) == len(clean):
            return binascii.a2b_base64(padded), ""
    chunks = [_decode_run(run) for run in _BASE64_RUN.findall(_unstray(clean, stray))]
    return b"".join(
        chunks
    ), "has broken base64 (RFC 2045 section 6.8); read as far as possible"


def _unstray(clean: bytes, stray: bytes) -> bytes:
    return clean.translate(None, bytes(set(stray)))


def _decode_run(run: bytes) -> bytes:
    """Decode base64 without padding; a last character on its own says nothing."""
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
            # Some encoders count wrong; what the line has is what it means.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                decoded.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                return b"".join(decoded), "has broken uuencode; read as far as possible"
    return b"".join(decoded), "has uuencode without an end; cut off?"
