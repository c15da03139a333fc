"""Replies: their codes, their enhanced status codes, their bytes.

RFC 5321 §4.2 gives replies their form, RFC 2034 and RFC 3463 the enhanced codes at the
start of their text.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from pytest_smtpserver.protocol.display import printable

#: RFC 3463 §2: class "." subject "." detail, at the start of the text.
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: |$)")
#: RFC 5321 §4.2: one line of a reply, as it stands on the wire.
_WIRE_LINE = rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r?\n"


class EnhancedStatus(NamedTuple):
    """An enhanced status code (RFC 3463 §2)."""

    class_: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.class_}.{self.subject}.{self.detail}"


class Reply:
    """One reply to a command, of one or several lines. Immutable.

    Args:
        code: the reply code, 200 to 599.
        lines: the text, a string for each line. An enhanced status code may stand at
            the start of the first one (``"5.1.1 No such user"``); it is put on every
            line. Without lines the reply is the code and a space.

    Raises:
        TypeError: the code is no int, or a line no str.
        ValueError: the code is out of range, a line contains CR or LF, or the enhanced
            code is of another class than the reply (RFC 2034 §4).
    """

    __slots__ = ("code", "enhanced", "lines", "wire")

    code: int
    enhanced: EnhancedStatus | None
    lines: tuple[str, ...]
    #: The bytes on the wire: CRLF after each line, text in UTF-8 (RFC 6531 §3.7.4).
    wire: bytes

    def __init__(self, code: int, *lines: str) -> None:
        if not isinstance(code, int) or isinstance(code, bool):
            raise TypeError(
                f"a reply code is an int from 200 to 599, not {code!r}; "
                "the text is an argument of its own, as in (550, 'No such user')"
            )
        if not 200 <= code <= 599:
            raise ValueError(f"a reply code is an int from 200 to 599, not {code}")
        for line in lines:
            if not isinstance(line, str):
                raise TypeError(f"a line of a reply is a str, not {line!r}")
            if "\r" in line or "\n" in line:
                raise ValueError(
                    f"a line of a reply has neither CR nor LF: {line!r}; "
                    "give each line as an argument of its own"
                )
        enhanced, lines = _take_enhanced(lines)
        if enhanced is not None and enhanced.class_ != code // 100:
            raise ValueError(
                f"the enhanced status code {enhanced} is of another class than the "
                f"reply code {code} (RFC 2034 section 4: the first digits agree)"
            )
        set_ = object.__setattr__
        set_(self, "code", code)
        set_(self, "enhanced", enhanced)
        set_(self, "lines", lines or ("",))
        set_(self, "wire", self._encode())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"550 5.1.1 No such user"``; several lines are separated by LF.

        Raises:
            ValueError: the text does not begin with a reply code.
        """
        parts = [line.rstrip("\r") for line in text.strip("\r\n").split("\n")]
        codes = {part[:3] for part in parts}
        if len(codes) != 1 or not re.fullmatch(r"[2-5][0-9][0-9]", parts[0][:3]):
            raise ValueError(f"not a reply: {text!r}; a reply is a code and a text")
        return cls(int(parts[0][:3]), *(part[4:] for part in parts))

    @classmethod
    def from_wire(cls, data: bytes) -> Self | None:
        """The first whole reply in the bytes, or None where there is none."""
        lines: list[str] = []
        code: bytes | None = None
        position = 0
        match_line = re.compile(_WIRE_LINE).match
        while match := match_line(data, position):
            if code is not None and match[1] != code:
                return None
            code = match[1]
            lines.append((match[3] or b"").decode("utf-8", "replace"))
            position = match.end()
            if match[2] != b"-":
                try:
                    return cls(int(code), *lines)
                except ValueError:  # an enhanced code of another class
                    return cls(int(code))
        return None

    @property
    def text(self) -> str:
        """The lines without codes, joined by LF."""
        return "\n".join(self.lines)

    @property
    def is_positive(self) -> bool:
        """A 2yz reply: the command was done (RFC 5321 §4.2.1)."""
        return self.code < 300

    @property
    def is_intermediate(self) -> bool:
        """A 3yz reply: the server wants more."""
        return 300 <= self.code < 400

    def without_enhanced(self) -> Reply:
        """The same reply for a server that does not offer ENHANCEDSTATUSCODES."""
        return self if self.enhanced is None else Reply(self.code, *self.lines)

    def encode(self) -> bytes:
        """`wire`."""
        return self.wire

    def _encode(self) -> bytes:
        prefix = "" if self.enhanced is None else f"{self.enhanced} "
        last = len(self.lines) - 1
        return "".join(
            f"{self.code}{' ' if number == last else '-'}{prefix}{line}\r\n"
            for number, line in enumerate(self.lines)
        ).encode("utf-8", "surrogateescape")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Reply cannot be changed: {name}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reply):
            return NotImplemented
        return (self.code, self.enhanced, self.lines) == (
            other.code,
            other.enhanced,
            other.lines,
        )

    def __hash__(self) -> int:
        return hash((self.code, self.enhanced, self.lines))

    def __reduce__(self) -> tuple[type[Reply], tuple[int | str, ...]]:
        first, *rest = self.lines
        if self.enhanced is not None:
            first = f"{self.enhanced} {first}"
        return type(self), (self.code, first, *rest)

    def __repr__(self) -> str:
        return printable(f"<Reply {str(self)!r}>")

    def __str__(self) -> str:
        # A traceback may show a reply that could not be made.
        return getattr(self, "wire", b"").decode("utf-8", "replace").rstrip("\r\n")


class Refused(Exception):  # noqa: N818 - it is an answer to the client, not a fault
    """What the client sent is refused, with the reply that it gets.

    Raised by the grammar and by the SASL mechanisms, caught by what answers commands;
    it never leaves the protocol.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class LocalProtocolError(RuntimeError):
    """The protocol was driven in a way that its state does not allow: a bug of ours."""


def _take_enhanced(
    lines: tuple[str, ...],
) -> tuple[EnhancedStatus | None, tuple[str, ...]]:
    """Split the enhanced code off the first line, and off the others that repeat it."""
    match = _ENHANCED.match(lines[0]) if lines else None
    if match is None:
        return None, lines
    enhanced = EnhancedStatus(int(match[1]), int(match[2]), int(match[3]))
    prefix = match[0].rstrip(" ")
    taken = tuple(
        line[len(prefix) :].removeprefix(" ")
        if line == prefix or line.startswith(prefix + " ")
        else line
        for line in lines
    )
    return enhanced, taken
