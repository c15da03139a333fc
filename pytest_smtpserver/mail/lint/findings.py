"""A finding: something that a client did, and the table row that says why it matters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import LINE, printable, shortened

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import SessionRecord


class Kind(NamedTuple):
    """What all findings of one name have in common.

    Attributes:
        section: where it is written: ``"RFC 5321 §2.3.8"``.
        why: why it matters.
        fix: what to do about it; ``""`` where `why` says that already.
    """

    section: str
    why: str
    fix: str = ""


class Note(NamedTuple):
    """A finding before it has a place: what is wrong, and with which part."""

    name: str
    what: str
    part: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a client did.

    Attributes:
        name: a short name that stays the same, such as ``"bare-lf"``.
        section: where it is written: ``"RFC 5321 §2.3.8"``.
        what: what the client did.
        where: the connection and its command, or the message and its line.
        line: the line in question, credentials masked; ``""`` where it is about none.
        why: why it matters.
        session: the connection.
        fix: what to do about it; ``""`` where `why` says that already.
    """

    name: str
    section: str
    what: str
    where: str
    line: str
    why: str
    session: SessionRecord = field(repr=False, compare=False)
    fix: str = ""

    def __str__(self) -> str:
        section = f" ({self.section})" if self.section else ""
        below = (f"    {text}" for text in (self.line, self.why, self.fix) if text)
        lines = [f"{self.where}: {self.what}{section}", *below]
        return "\n".join(shortened(printable(line), LINE) for line in lines)


class Violation(Finding):
    """What a client did that an RFC forbids."""

    __slots__ = ()


class Advice(Finding):
    """What a client did that is allowed and unwise."""

    __slots__ = ()
