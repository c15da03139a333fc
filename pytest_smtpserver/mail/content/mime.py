"""The MIME parts of a message: where they are, what they declare, their octets.

RFC 2045 (fields), RFC 2046 (multiparts), RFC 2183 (dispositions). A part keeps offsets
into the content and decodes only on request. So a forwarded message or a signed part
stays as it was sent, octet for octet, and reading a subject copies no attachment.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from .decoding import transfer
from .fields.headers import Block, Headers, complaints_about, read_block
from .fields.mime_parameters import Structured, read_structured

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Multiparts nested deeper than this are not taken apart, and parts of a message beyond
#: this number are left out; only fuzzers make them.
_MAX_DEPTH, _MAX_PARTS = 50, 10_000
_MEDIA_TYPE = re.compile(r"[^\s/;]+/[^\s/;]+")


class Part:
    """One MIME part; the message itself is one.

    Attributes:
        content: the octets of the whole message.
        start: where the body of the part begins in them.
        end: where it ends.
        block: the header of the part.
        children: the parts of a multipart, empty for anything else.
    """

    def __init__(
        self, content: bytes, start: int, end: int, *, default: str = "text/plain"
    ) -> None:
        self.block: Block = read_block(content, start, end)
        self.content = content
        self.start: int = self.block.body_start
        self.end = end
        self.children: list[Part] = []
        self._default = default
        self._structure_defects: list[str] = []

    @cached_property
    def headers(self) -> Headers:
        """The header of the part, decoded."""
        return Headers(self.block.fields)

    @cached_property
    def _type(self) -> Structured:
        return self._structured("content-type")

    @cached_property
    def _disposition(self) -> Structured:
        return self._structured("content-disposition")

    def _structured(self, name: str) -> Structured:
        value = next((f.value for f in self.block.fields if f.name.lower() == name), "")
        return read_structured(value)

    @cached_property
    def content_type(self) -> str:
        """``maintype/subtype`` in lower case; text if malformed (RFC 2045 §5.2)."""
        value = self._type.value
        if not value:
            return self._default
        return value if _MEDIA_TYPE.fullmatch(value) else "text/plain"

    @property
    def disposition(self) -> str:
        """``inline``, ``attachment``, another token, or ``""``."""
        return self._disposition.value

    @property
    def filename(self) -> str:
        """The file name in Content-Disposition, else that in Content-Type."""
        name = self._disposition.parameters.get("filename")
        return name or self.parameter("name")

    @property
    def content_id(self) -> str:
        """The Content-ID without angle brackets, as ``cid:`` links have it (RFC 2392)."""
        return (self.headers.get("Content-ID") or "").strip(" \t<>")

    def parameter(self, name: str) -> str:
        """A parameter of Content-Type, ``""`` where there is none."""
        return self._type.parameters.get(name, "")

    @property
    def charset(self) -> str:
        """The declared charset, ``""`` where none is declared."""
        return self.parameter("charset").strip(" \t'\"")

    @property
    def is_multipart(self) -> bool:
        """Whether the body could be taken apart."""
        return bool(self.children)

    @property
    def encoding(self) -> str:
        """The transfer encoding in lower case, ``""`` where none is declared."""
        value = self.headers.get("Content-Transfer-Encoding") or ""
        return re.split(r"[;(]", value, maxsplit=1)[0].strip(' \t"').lower()

    def walk(self) -> Iterator[Part]:
        """This part and all parts in it, in the order of the message."""
        todo = [self]
        while todo:
            part = todo.pop()
            yield part
            todo.extend(reversed(part.children))

    def octets(self) -> tuple[bytes, str]:
        """The body without its transfer encoding, and what was wrong with the encoding."""
        return transfer.undo(self.content[self.start : self.end], self.encoding)

    def structure_defects(self) -> list[str]:
        """What is wrong with the header of this part and with its structure."""
        found = list(self.block.defects)
        for name, value in self.block.fields:
            lowered = name.lower()
            if lowered == "content-type":
                found += [f"{name}: {entry}" for entry in self._type.complaints]
            elif lowered == "content-disposition":
                found += [f"{name}: {entry}" for entry in self._disposition.complaints]
            else:
                found += complaints_about(name, value)
        value = self._type.value
        if value and not _MEDIA_TYPE.fullmatch(value):
            found.append(
                f"Content-Type: {value[:60]!r} is no media type (RFC 2045 section "
                "5.1); read as text/plain"
            )
        return [*found, *self._structure_defects]

    def split(self, numbers: Iterator[int], depth: int = 0) -> None:
        """Take a multipart apart, and the multiparts in it (RFC 2046 §5.1.1).

        Each part takes one of the `numbers`.
        """
        complain = self._structure_defects.append
        if not self.content_type.startswith("multipart/"):
            return
        if depth >= _MAX_DEPTH:
            complain(f"multiparts nested over {_MAX_DEPTH} deep")
            return
        if not self._boundary:
            complain(f"{self.content_type} without a boundary (RFC 2046 section 5.1)")
            return
        # RFC 2046 §5.1.5: what a digest holds is a message where nothing else is said.
        digest = self.content_type == "multipart/digest"
        default = "message/rfc822" if digest else "text/plain"
        container, below, behind = self, 0, self.start
        while behind >= 0:
            spans, behind = _spans(self.content, behind, self.end, self._boundary)
            for start, end in spans:
                if next(numbers, None) is None:
                    complain(f"over {_MAX_PARTS:,} parts; the others are left out")
                    return
                child = Part(self.content, start, end, default=default)
                inner = container._add(child, numbers, depth + below, self)
                below += inner is not container
                container = inner
            if container is self:
                break
            container, below = self, 0  # the inner one has ended, this one has not
        if not self.children:
            complain(
                f"the boundary {self._boundary.decode('utf-8', 'replace')!r} of "
                f"{self.content_type} never comes"
            )
        elif behind < 0:
            complain(f"the last boundary of {self.content_type} is missing; cut off?")

    @property
    def _boundary(self) -> bytes:
        return self.parameter("boundary").rstrip().encode("utf-8", "replace")

    def _add(
        self, child: Part, numbers: Iterator[int], depth: int, around: Part
    ) -> Part:
        """Add a part; returns the part that the next one belongs to.

        A multipart may repeat the boundary of the multipart around it, although RFC 2046
        §5.1.2 forbids it: Outlook Express did. The parts that follow are then its own.
        """
        self.children.append(child)
        multipart = child.content_type.startswith("multipart/") and depth < _MAX_DEPTH
        if multipart and child._boundary == around._boundary:
            child._structure_defects.append(
                "its boundary is that of the multipart around it (RFC 2046 section 5.1.2)"
            )
            return child
        child.split(numbers, depth + 1)
        return self


def parse(content: bytes) -> Part:
    """Take a message apart. Every sequence of octets counts as a message."""
    root = Part(content, 0, len(content))
    root.split(iter(range(_MAX_PARTS)))
    return root


def _spans(
    content: bytes, start: int, end: int, boundary: bytes
) -> tuple[list[tuple[int, int]], int]:
    """Start and end of each part between delimiter lines, and where the last one ends.

    The latter is -1 where the closing delimiter is missing.
    """
    spans: list[tuple[int, int]] = []
    token = b"--" + boundary
    begun: int | None = None
    position = start if content.startswith(token, start, end) else -1
    if position < 0:
        position = content.find(b"\n" + token, start, end) + 1 or -1
    while position >= 0:
        after = position + len(token)
        newline = content.find(b"\n", after, end)
        line_end = end if newline < 0 else newline + 1
        rest = content[after:line_end].strip() if line_end - after < 1000 else b"x"
        if rest in {b"", b"--"}:
            if begun is not None:
                spans.append((begun, max(begun, _before(content, position))))
            if rest:
                return spans, line_end
            begun = line_end
        if content.startswith(token, line_end, end):
            position = line_end
        else:
            position = content.find(b"\n" + token, line_end, end) + 1 or -1
    if begun is not None:
        spans.append((begun, end))
    return spans, -1


def _before(content: bytes, position: int) -> int:
    """Where a part ends: the delimiter begins with a line end (RFC 2046 §5.1.1)."""
    end = content[max(position - 2, 0) : position]
    return position - len(end) + len(end.removesuffix(b"\n").removesuffix(b"\r"))
