"""What is wrong with content, by RFC 5321 and RFC 5322. Any octets may come."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.protocol.syntax.envelope import Envelope

#: RFC 5322 §2.1.1, in octets and without the CRLF.
MAX_LINE = 998
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_LONG_LINE = re.compile(rb"(?<![^\r\n])[^\r\n]{%d,}" % (MAX_LINE + 1))
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
#: RFC 5322 §3.6: these may stand in a header once.
_ONCE = "Date From Sender Reply-To To Cc Bcc Message-ID In-Reply-To References Subject"
_SINGLE = _ONCE.split()
_SHOWN = 100


class Problem(NamedTuple):
    """Something wrong with content; `number` is the line's, from 1, or 0 for none."""

    name: str
    what: str
    number: int = 0
    line: str = ""


def content_problems(
    content: bytes, envelope: Envelope, *, whole: bool = True
) -> Iterator[Problem]:
    """What an RFC forbids in this content; never raises.

    Where it is not `whole`, what is not there may still have come.
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
            what = f"there is a bare {end} in the content{times}"
            yield _problem(content, match.start(), name, what)
    if match := _LONG_LINE.search(content):
        what = f"a line of {len(match[0]):,} octets is longer than {MAX_LINE}"
        yield _problem(content, match.start(), "long-line", what)


def _octet_problems(content: bytes, envelope: Envelope) -> Iterator[Problem]:
    match = _NOT_ASCII.search(content)
    if match is None:
        return
    body = 0 if content.startswith(b"\r\n") else content.find(b"\r\n\r\n")
    body = len(content) if body < 0 else body
    if not envelope.smtputf8 and match.start() < body:
        what = "the header is not ASCII, and MAIL came without SMTPUTF8"
        yield _problem(content, match.start(), "8-bit-header", what)
    match = _NOT_ASCII.search(content, body)
    if match is not None and envelope.body != "8BITMIME":
        what = "the body has 8-bit octets, and MAIL came without BODY=8BITMIME"
        yield _problem(content, match.start(), "8-bit-content", what)


def _header_problems(content: bytes) -> Iterator[Problem]:
    from pytest_smtpserver.mail.content.fields.headers import read_block  # noqa: PLC0415 - only who asks for violations needs it

    fields = read_block(content, 0, len(content)).fields
    names = [field.name.lower() for field in fields]
    for wanted in ("From", "Date"):
        if wanted.lower() not in names:
            yield Problem(f"no-{wanted.lower()}", f"the header has no {wanted}")
    for single in _SINGLE:
        times = names.count(single.lower())
        if times > 1:
            what = f"the header has {times} fields {single}, at most one is allowed"
            line = "; ".join(
                shortened(printable(f"{field.name}: {field.value}"), _SHOWN)
                for field in fields
                if field.name.lower() == single.lower()
            )
            yield Problem("duplicate-header", what, 0, line)


def _problem(content: bytes, position: int, name: str, what: str) -> Problem:
    start = content.rfind(b"\n", 0, position) + 1
    end = content.find(b"\n", position + 1)
    line = content[start : end + 1 if end >= 0 else len(content)]
    # A bare LF is what the line is about: it has to be seen.
    shown = printable(line[:_SHOWN].rstrip(b"\r\n") if len(line) <= _SHOWN else line)
    return Problem(
        name, what, content.count(b"\n", 0, position) + 1, shortened(shown, _SHOWN)
    )
