"""Commands: the lines a client sends, kept as they came.

RFC 5321 §2.4 (verbs in any case), §4.1.1 (a verb, and after a space its argument).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from pytest_smtpserver.protocol.display import printable

if TYPE_CHECKING:
    from .addresses import Address
    from .replies import Reply


class Command(str):
    """A command line. The `str` is the line as it was sent, without its line end.

    Octets that are not UTF-8 are in it as surrogate escapes; `line` has them back.
    """

    __slots__ = ("address", "answered_by", "line_end", "pipelined", "reply", "verb")

    #: The verb in upper case; ``""`` for an empty line.
    verb: str
    #: ``"\\r\\n"``, or ``"\\n"`` from a client that does not follow RFC 5321 §2.3.8.
    line_end: str
    #: The mailbox of MAIL and RCPT, else None.
    address: Address | None
    #: The reply that it got; None while there is none, or when it got none.
    reply: Reply | None
    #: What made the reply, where it was not the server itself: a rule of the test.
    answered_by: str
    #: It was there before the reply to the command in front of it was sent.
    pipelined: bool

    @classmethod
    def parse(cls, line: bytes, *, pipelined: bool = False) -> Self:
        """Take a line, with its line end, apart. Never fails."""
        if line.endswith(b"\r\n"):
            text, line_end = line[:-2], "\r\n"
        elif line.endswith(b"\n"):
            text, line_end = line[:-1], "\n"
        else:
            text, line_end = line, ""
        self = cls(text, "utf-8", "surrogateescape")
        verb = _VERBS.get(text[:5])
        if verb is None:
            # §2.4: verbs are ASCII; other alphabets have letters whose upper case is.
            head = _BLANKS.split(text.strip(b" \t"), 1)[0].upper()
            verb = head.decode("utf-8", "surrogateescape")
        self.verb = verb
        self.line_end = line_end
        self.address = None
        self.reply = None
        self.answered_by = ""
        self.pipelined = pipelined
        return self

    def name(self, address: Address) -> None:
        """Note the mailbox that MAIL or RCPT names. For the engine."""
        self.address = address

    def answer(self, reply: Reply) -> None:
        """Note the reply that the command got. For the engine."""
        self.reply = reply
        if self.address is not None:
            self.address.answer(reply)

    @property
    def argument(self) -> str:
        """What follows the verb, without the blanks around it.

        One space belongs in front of it, and none behind it is to be minded (§4.1.1).
        More of them are a violation, and no reason to refuse a command.
        """
        words = _TEXT_BLANKS.split(self.strip(" \t"), 1)
        return words[1] if len(words) > 1 else ""

    @property
    def words(self) -> tuple[str, str]:
        """The first word of the argument, and what follows it."""
        first, *rest = _TEXT_BLANKS.split(self.argument, 1)
        return first, rest[0] if rest else ""

    @property
    def raw_argument(self) -> bytes:
        """The argument in octets."""
        return self.argument.encode("utf-8", "surrogateescape")

    @property
    def line(self) -> bytes:
        """The line as it came over the wire, its line end included."""
        return (self + self.line_end).encode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        return printable(f"<Command {str(self)!r}>")


#: What separates the verb from its argument, beside the one space that should.
_BLANKS = re.compile(rb"[ \t]+")
_TEXT_BLANKS = re.compile(r"[ \t]+")

#: The most common beginnings of a line, and the verbs they stand for.
_VERBS = {
    **{b"%b " % verb.encode(): verb for verb in ("EHLO", "HELO", "MAIL", "RCPT")},
    **{verb.encode(): verb for verb in ("DATA", "QUIT", "RSET", "NOOP")},
}
