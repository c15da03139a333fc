"""Header fields: as they were sent, and decoded.

RFC 5322 §2.2 (fields and folding), RFC 2047 (encoded words), RFC 6532 (raw UTF-8).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, overload

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.protocol.naming import no_such_attribute

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_smtpserver.mail.content.decoding import charsets

    from . import encoded_words, mailboxes
else:
    charsets = Later("pytest_smtpserver.mail.content.decoding.charsets")
    encoded_words = Later("pytest_smtpserver.mail.content.fields.encoded_words")
    mailboxes = Later("pytest_smtpserver.mail.content.fields.mailboxes")

#: RFC 5322 §2.2, with the obsolete blank before the colon of §4.5 and with the
#: lines that continue it.
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_EMPTY_LINE = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_LINE = re.compile(rb"[^\n]*\n?")

_MESSAGE_ID = r"<[^<>\s@]+@[^<>\s@]+>"
_ADDRESS_FIELDS = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to"})


class Field(NamedTuple):
    """One header field, unfolded; encoded words stand as they were sent."""

    name: str
    value: str


class Block(NamedTuple):
    """A header block: its fields, where the body begins, what is wrong with it."""

    fields: tuple[Field, ...]
    body_start: int
    defects: tuple[str, ...]


def read_block(content: bytes, start: int, end: int) -> Block:
    """Read the header block that begins at an offset.

    A line that is no field ends the block, and the body begins with it.
    """
    fields: list[Field] = []
    defects: list[str] = []
    position = start
    while position < end:
        if match := _FIELD.match(content, position, end):
            name = match[1].decode("ascii")
            octets = _FOLD.sub(b"", match[2]).strip()
            if octets.isascii():
                value = octets.decode("ascii")
            else:
                value, complaint = charsets.decode_header_octets(octets)
                if complaint:
                    defects.append(f"{name}: {complaint}")
            fields.append(Field(name, value))
            position = match.end()
            continue
        if blank := _EMPTY_LINE.match(content, position, end):
            position = blank.end()
            break
        line = _LINE.match(content, position, end)
        text = line[0].rstrip().decode("ascii", "replace") if line else ""
        if not fields and text.startswith("From ") and line:
            defects.append(f"an mbox line stands before the header: {text[:60]!r}")
            position = line.end()
            continue
        defects.append(
            f"{text[:60]!r} is neither a header field nor the empty line that ends "
            "the header (RFC 5322 section 2.1); the body begins with it"
        )
        break
    return Block(tuple(fields), position, tuple(defects))


class Headers:
    """The header fields of a message: in order, decoded, names in any case. Read-only.

    ``headers["Subject"]`` is the first field of that name; ``get_all`` gives them all.
    Values are unfolded text, encoded words (RFC 2047) and raw UTF-8 (RFC 6532) decoded.
    """

    __slots__ = ("_decoded", "_fields")

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._decoded: dict[int, str] = {}

    def __getitem__(self, name: str) -> str:
        """The first field of that name.

        Raises:
            KeyError: there is none; the error lists those there are.
        """
        value = self.get(name)
        if value is None:
            there = ", ".join(dict.fromkeys(self.keys())) or "none at all"
            raise KeyError(f"no header {name!r}; there are: {there}")
        return value

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The first field of that name, or the default."""
        wanted = name.lower()
        for index, field in enumerate(self._fields):
            if field.name.lower() == wanted:
                return self._value(index)
        return default

    def get_all(self, name: str) -> list[str]:
        """All fields of that name, in order; empty where there is none."""
        wanted = name.lower()
        return [
            self._value(index)
            for index, field in enumerate(self._fields)
            if field.name.lower() == wanted
        ]

    def keys(self) -> list[str]:
        """The names as they were sent, in order, repeated where a field is."""
        return [field.name for field in self._fields]

    def values(self) -> list[str]:
        """The values, in order."""
        return [self._value(index) for index in range(len(self._fields))]

    def items(self) -> list[tuple[str, str]]:
        """Names and values, in order."""
        return list(zip(self.keys(), self.values(), strict=True))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._fields)

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute(
            "the header",
            {},
            {
                "message": "pytest_smtpserver.mail.message:ReceivedMessage",
                "message.email": "email.message:EmailMessage",
            },
        )

    def __repr__(self) -> str:
        return printable(f"Headers({self.items()!r})")

    def _value(self, index: int) -> str:
        value = self._decoded.get(index)
        if value is None:
            name, value = self._fields[index]
            # In lists of addresses, text with special characters is put into quotes.
            if "=?" in value:
                value = encoded_words.decode_words(value, quote=holds_addresses(name))
            self._decoded[index] = value
        return value


def holds_addresses(name: str) -> bool:
    """Whether a field is a list of addresses (RFC 5322 §3.6.2, §3.6.3, §3.6.6)."""
    return name.lower().removeprefix("resent-") in _ADDRESS_FIELDS


def complaints_about(name: str, value: str) -> list[str]:
    """Sentences on what is wrong with the value of a field, but not with parameters."""
    found: list[str] = []
    encoded_words.decode_words(value, found)
    lowered = name.lower()
    if holds_addresses(name):
        found += mailboxes.read_mailboxes(value)[1]
    elif lowered == "message-id" and not re.fullmatch(_MESSAGE_ID, value):
        found.append(
            f"{value[:60]!r} is no message identifier (RFC 5322 section 3.6.4)"
        )
    return [f"{name[:60]}: {complaint}" for complaint in dict.fromkeys(found)]
