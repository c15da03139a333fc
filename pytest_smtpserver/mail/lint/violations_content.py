"""What is wrong with content, by RFC 5321 and RFC 5322. Any octets may come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.mail.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.protocol.syntax.envelope import Envelope

#: RFC 5322 §2.1.1, in octets and without the CRLF.
MAX_LINE = 998
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_LONG_LINE = re.compile(rb"[^\r\n]{%d,}" % (MAX_LINE + 1))
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
#: RFC 5322 §3.6: these may stand in a header once.
_SINGLE = (
    "Date",
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Subject",
)
_SHOWN = 100


class Problem(NamedTuple):
    """Something wrong with content; `number` is the line's, from 1, or 0 for none."""

    name: str
    section: str
    what: str
    number: int
    line: str
    why: str


def content_problems(
    content: bytes, envelope: Envelope, *, whole: bool = True
) -> Iterator[Problem]:
    """What an RFC forbids in this content; never raises.

    Args:
        content: the octets.
        envelope: that they came with.
        whole: nothing of it is missing; what is not there may still have come.
    """
    if not whole:
        content = content.removesuffix(b"\r")  # half a CRLF
    if envelope.body != "BINARYMIME":  # RFC 3030 §3: no lines, any octets
        yield from _line_problems(content)
        yield from _octet_problems(content, envelope)
    if whole:
        yield from _header_problems(content)


def _line_problems(content: bytes) -> Iterator[Problem]:
    for pattern, name, end in (
        (_BARE_CR, "bare-cr", "CR"),
        (_BARE_LF, "bare-lf", "LF"),
    ):
        if match := pattern.search(content):
            number = len(pattern.findall(content))
            times = "" if number == 1 else f", {number} times"
            yield _problem(
                content,
                match.start(),
                name,
                "RFC 5321 §2.3.8",
                f"there is a bare {end} in the content{times}",
                "Servers disagree on whether it ends a line: with it mail is smuggled.",
            )
    if match := _LONG_LINE.search(content):
        yield _problem(
            content,
            match.start(),
            "long-line",
            "RFC 5322 §2.1.1",
            f"a line of {len(match[0]):,} octets is longer than {MAX_LINE}",
            "Servers refuse such lines, or cut them, which breaks signatures.",
        )


def _octet_problems(content: bytes, envelope: Envelope) -> Iterator[Problem]:
    match = _NOT_ASCII.search(content)
    if match is None:
        return
    body = _body_start(content)
    if not envelope.smtputf8 and match.start() < body:
        yield _problem(
            content,
            match.start(),
            "8-bit-header",
            "RFC 6532 §3",
            "the header is not ASCII, and MAIL came without SMTPUTF8",
            "Without SMTPUTF8 header fields are ASCII; RFC 2047 encodes the rest.",
        )
    match = _NOT_ASCII.search(content, body)
    if match is not None and envelope.body != "8BITMIME":
        yield _problem(
            content,
            match.start(),
            "8-bit-content",
            "RFC 6152 §3",
            "the body has 8-bit octets, and MAIL came without BODY=8BITMIME",
            "A server may clear the eighth bit, or refuse the message.",
        )


def _header_problems(content: bytes) -> Iterator[Problem]:
    from pytest_smtpserver.mail.content.headers import read_block  # noqa: PLC0415 - it takes the email package along

    fields = read_block(content, 0, len(content)).fields
    names = [field.name.lower() for field in fields]
    for wanted in ("From", "Date"):
        if wanted.lower() not in names:
            yield Problem(
                f"no-{wanted.lower()}",
                "RFC 5322 §3.6",
                f"the header has no {wanted}",
                0,
                "",
                "Every message has one From and one Date; without, it looks like spam.",
            )
    for single in _SINGLE:
        times = names.count(single.lower())
        if times > 1:
            yield Problem(
                "duplicate-header",
                "RFC 5322 §3.6",
                f"the header has {times} fields {single}, at most one is allowed",
                0,
                "; ".join(
                    _cut(printable(f"{field.name}: {field.value}"))
                    for field in fields
                    if field.name.lower() == single.lower()
                ),
                "Readers disagree on which of them counts.",
            )


def _body_start(content: bytes) -> int:
    if content.startswith(b"\r\n"):
        return 0
    end = content.find(b"\r\n\r\n")
    return len(content) if end < 0 else end


def _problem(
    content: bytes, position: int, name: str, section: str, what: str, why: str
) -> Problem:
    start = content.rfind(b"\n", 0, position) + 1
    end = content.find(b"\n", position + 1)
    line = content[start : end + 1 if end >= 0 else len(content)]
    # A bare LF is what the line is about: it has to be seen.
    shown = printable(line[:_SHOWN].rstrip(b"\r\n") if len(line) <= _SHOWN else line)
    number = content.count(b"\n", 0, position) + 1
    return Problem(name, section, what, number, _cut(shown), why)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
