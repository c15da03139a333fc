"""Header fields: as they were sent, and what they say.

RFC 5322 §2.2 (fields and folding), RFC 2047 (encoded words), RFC 6532 (raw UTF-8). The
standard library parses the values; where it raises, something simpler takes over.
"""

from __future__ import annotations

import email.header
import email.utils
import re
from datetime import UTC, datetime
from email.errors import MessageDefect, NonASCIILocalPartDefect, ObsoleteHeaderDefect
from email.policy import default as default_policy
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from .charsets import decode_header_octets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: RFC 5322 §2.2, with the obsolete blank before the colon of §4.5 and with the
#: lines that continue it.
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_EMPTY_LINE = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_LINE = re.compile(rb"[^\n]*\n?")

#: A list of plain mailboxes: quoted display names yes; comments, groups, escapes and
#: domain literals no, those go to the real parser, which takes a hundred times longer.
_ADDR = r"""[^\s<>()\[\]:;@\\,"]+@[^\s<>()\[\]:;@\\,"]+"""
_NAME = r"""[^<>()\[\]:;@\\,"]*(?:"[^"\\]*"\s*)?"""
_MAILBOX = rf"(?:\s*({_ADDR})\s*|{_NAME}<({_ADDR})>\s*)"
_MAILBOXES = re.compile(rf"{_MAILBOX}(?:,{_MAILBOX})*")
_ONE_MAILBOX = re.compile(_MAILBOX)
_LAST_RESORT = re.compile(r"""[^\s<>,;:"()\\]+@[^\s<>,;:"()\\]+""")

#: Longer values are not given to the parser of the standard library, whose time grows
#: with the square of the length.
_MAX_PARSED = 20_000
#: What is allowed, and nothing that a reader has to know: obsolete forms (RFC 5322 §4)
#: and local-parts in UTF-8 (RFC 6532 §3.2).
_NO_DEFECTS = (ObsoleteHeaderDefect, NonASCIILocalPartDefect)


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
        match = _FIELD.match(content, position, end)
        if match:
            name = match[1].decode("ascii")
            value, complaint = decode_header_octets(_FOLD.sub(b"", match[2]).strip())
            if complaint:
                defects.append(f"{name}: {complaint}")
            fields.append(Field(name, value))
            position = match.end()
            continue
        blank = _EMPTY_LINE.match(content, position, end)
        if blank:
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

    def __repr__(self) -> str:
        return f"Headers({self.items()!r})"

    def _value(self, index: int) -> str:
        value = self._decoded.get(index)
        if value is None:
            value = decode_value(*self._fields[index])
            self._decoded[index] = value
        return value


def decode_value(name: str, value: str) -> str:
    """The value of a field with its encoded words decoded (RFC 2047)."""
    if "=?" not in value:
        return value
    return str(parse_value(name, value))


def parse_value(name: str, value: str) -> Any:
    """The header object of the standard library for a field. Never raises.

    Where its parser raises, the object is of the same class and made of what could be
    saved; `str` of it is at worst empty.
    """
    parse = default_policy.header_factory
    if len(value) <= _MAX_PARSED:
        try:
            return parse(name, value)
        except Exception:  # noqa: BLE001, S110 - IndexError, KeyError, ...
            pass
    plain = decode_words(value)
    for attempt in (_rebuilt(name, value), plain, plain.encode("ascii", "ignore")):
        text = attempt.decode("ascii") if isinstance(attempt, bytes) else attempt
        try:
            return parse(name, text[:_MAX_PARSED])
        except Exception:  # noqa: BLE001, S112 - the next one is simpler
            continue
    return parse(name, "")


def complaints(name: str, value: str) -> list[str]:
    """What the standard library finds wrong with a field.

    Encoded words in parameters are wrong (RFC 2047 §5), and how nearly every mailer
    names its files for the sake of others: not worth a word.
    """
    if len(value) > _MAX_PARSED or (
        name.lower().startswith("content-") and "=?" in value
    ):
        return []
    try:
        parsed = default_policy.header_factory(name, value)
    except Exception as error:  # noqa: BLE001 - any of them is the answer
        return [f"{name}: cannot be parsed ({type(error).__name__}): {value[:60]!r}"]
    return [
        f"{name}: {_describe(defect)}"
        for defect in parsed.defects
        if not isinstance(defect, _NO_DEFECTS)
    ]


def addresses(name: str, value: str) -> list[str]:
    """The addresses in a field, without display names, groups flattened."""
    if _MAILBOXES.fullmatch(value):
        return [match[1] or match[2] for match in _ONE_MAILBOX.finditer(value)]
    if len(value) <= _MAX_PARSED:
        try:
            parsed = default_policy.header_factory(name, value)
            return [a.addr_spec for a in parsed.addresses if a.username or a.domain]
        except Exception:  # noqa: BLE001, S110 - the simpler parser is asked next
            pass
    return [address for _, address in _mailboxes(value)]


def date_of(value: str) -> datetime | None:
    """The point in time of a date field (RFC 5322 §3.3), None where it is no date.

    Always aware: "-0000", a time in UTC from an unknown zone, gives UTC.
    """
    try:
        date = email.utils.parsedate_to_datetime(value)
    except Exception:  # noqa: BLE001 - odd zones and years raise more than ValueError
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def decode_words(value: str) -> str:
    """Decode encoded words wherever they stand, also where RFC 2047 §5 forbids them."""
    if "=?" not in value:
        return value
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except Exception:  # noqa: BLE001 - unknown charsets, broken base64, and more
        return value


def _rebuilt(name: str, value: str) -> str:
    """The value in a form that the parser has no trouble with."""
    lowered = name.lower()
    if lowered in {"content-type", "content-disposition"}:
        return value.partition(";")[0]
    if lowered.removeprefix("resent-") in _ADDRESS_FIELDS:
        pairs = [(decode_words(name), address) for name, address in _mailboxes(value)]
        return ", ".join(_format(*pair) for pair in pairs)
    return decode_words(value)


_ADDRESS_FIELDS = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to"})


def _format(name: str, address: str) -> str:
    quoted = re.sub(r'[\\"]', r"\\\g<0>", name)
    return f'"{quoted}" <{address}>' if name else address


def _mailboxes(value: str) -> list[tuple[str, str]]:
    """Display names and addresses, by the older and simpler parser."""
    try:
        pairs = email.utils.getaddresses([value])
    except Exception:  # noqa: BLE001 - then whatever looks like an address
        pairs = []
    found = [(name, address) for name, address in pairs if address]
    return found or [("", address) for address in _LAST_RESORT.findall(value)]


def _describe(defect: MessageDefect) -> str:
    text = str(defect) or (type(defect).__doc__ or "").strip().partition("\n")[0]
    return text or type(defect).__name__
