"""Logs of SMTP dialogues, read back: who said what, and when.

Six forms are known: our own transcripts, which are also those of the RFCs (``C:`` and
``S:``), and the logs of curl ``-v``, swaks, nodemailer's `debug`, smtplib's
`set_debuglevel`, and Postfix's smtp(8) with ``-v``. Whoever has collected the lines may
have put something in front of each.
"""

from __future__ import annotations

import ast
import re
import textwrap
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: A time of day in front of a line, as syslog, curl, nodemailer and smtplib have it.
_CLOCK = re.compile(r"(\d\d):(\d\d):(\d\d(?:\.\d+)?)")
_OFFSET = re.compile(r"\s*\+(\d+\.\d+) ")
_CONTINUED = re.compile(r"\d{3}(?:[ -]|$)")
#: What the logs say of a connection that the server has closed, or has reset.
_CLOSED = re.compile(
    r"the server closed the connection|remote host closed connection"
    r"|connection unexpectedly closed|(?:server|peer) (?:has )?closed"
    r"|response reading failed|retcode \(-1\)|lost connection with|connection closed unexpectedly|dropped (?:the )?connection",
    re.IGNORECASE,
)
_RESET = re.compile(
    r"the server reset the connection|connection reset by peer|ECONNRESET",
    re.IGNORECASE,
)


#: What stands in front of each line where logs are collected or shown.
_DAY = r"\[?\d{4}-\d\d-\d\d[T ][\d:]{8}(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?"
_LEVEL, _APART = r"\[?[A-Z]{4,8}\]?", r"(?: - |: | |:)"
_COLLECTED = [
    re.compile(rf"\A(?:{prefix})")
    for prefix in (
        r"E {3}|\d+:|> ",  # as pytest and grep show it, and as people quote it
        r"[\w./-]+ +\| ?",  # docker compose logs
        rf"[\w./-]+ +\| {_DAY} ",
        rf"{_DAY} (?:std(?:out|err) [FP] )?",  # Kubernetes, docker logs -t
        r"\w{3} [ \d]\d [\d:]{8} \S+ [^\s:\[]+(?:\[\d+\])?: ",  # syslog, journalctl
        rf"{_DAY} \S+ [^\s:\[]+(?:\[\d+\])?: ",  # journalctl -o short-iso
        # Python's logging, as it is by default and as it is mostly set up.
        r"[A-Z]{4,8}:[\w.]+:",
        rf"{_DAY}{_APART}{_LEVEL}{_APART}",
        rf"{_DAY}{_APART}{_LEVEL}{_APART}[\w.]+{_APART}",
        rf"{_DAY}{_APART}[\w.]+{_APART}{_LEVEL}{_APART}",
    )
]


class Said(NamedTuple):
    """One line of a dialogue, or what became of its connection.

    Attributes:
        who: ``"C"``, ``"S"``, ``"disconnect"``, ``"reset"`` (by the server), or
            ``"connect"`` where another connection begins.
        text: the line, without its line end.
        number: of the line in the log, from 1.
        time: in seconds, where the log has it.
        begins: the line begins what was said at once. In our transcripts, with times,
            the other lines of a message follow one that does; elsewhere it is false.
    """

    who: Literal["C", "S", "connect", "disconnect", "reset"]
    text: str
    number: int
    time: float | None = None
    begins: bool = False


def read(log: str) -> list[Said]:
    """What the log says, in its order; nothing where no form fits."""
    whole = textwrap.dedent(log).splitlines()
    cut = [[prefix.sub("", line) for line in whole] for prefix in _COLLECTED]
    lines, name = max(
        ((lines, name) for lines in (whole, *cut) for name in _FORMS),
        key=lambda one: _fits(one[0], _FORMS[one[1]]),
    )
    # A log's own times are those that count: not all of its lines have one.
    own = [_time(line) for line in lines]
    times = own if any(one is not None for one in own) else list(map(_time, whole))
    said: list[Said] = []
    for number, (line, time) in enumerate(zip(lines, times, strict=True), 1):
        found = _FORMS[name](line) or _unprefixed(line, said)
        for index, (who, text) in enumerate(found):
            begins = name == "transcript" and own[number - 1] is not None and not index
            said.append(Said(who, text, number, time, begins))
        if not found and _RESET.search(line):
            said.append(Said("reset", line, number, time))
        elif not found and _CLOSED.search(line):
            said.append(Said("disconnect", line, number, time))
    return said


def _fits(lines: list[str], form: Callable[[str], _Line]) -> int:
    """How many lines the form reads; none where nobody would answer."""
    read = [one for line in lines for one in form(line)]
    return len(read) if any(who == "S" for who, _ in read) else 0


_Line = list[tuple[Literal["C", "S", "connect"], str]]


def _transcript(line: str) -> _Line:
    if re.match(r"connection \d+ (?:from|at) ", line):
        return [("connect", "")]
    match = re.match(r"\s*(?:\+\d+\.\d+ )?\s*([CS]): ?(.*)", line)
    if match is None or match[2] == "(nothing)":
        return []
    text = match[2].partition("    <- ")[0] if match[1] == "S" else match[2]
    return [("C" if match[1] == "C" else "S", text)]


def _curl(line: str) -> _Line:
    if re.match(r"(?:\S+ )?\* +(?:Connected to|Established connection)", line):
        return [("connect", "")]
    match = re.match(r"(?:\d\d:\d\d:\d\S* )?([<>]) (.*)", line)
    return [] if match is None else [("C" if match[1] == ">" else "S", match[2])]


def _swaks(line: str) -> _Line:
    if line.startswith("=== Connected to"):
        return [("connect", "")]
    match = re.match(r"(?:(<)(?:[-~] |\*\*|~\*) | ([-~])> ?)(.*)", line)
    return [] if match is None else [("S" if match[1] else "C", match[3])]


def _nodemailer(line: str) -> _Line:
    if re.search(
        r"\] (?:Connection established|Secure connection established) to", line
    ):
        return [("connect", "")]
    match = re.match(r"\[\d{4}-[^]]*\] +[A-Z]+ +(?:\[\S*\] )?([CS]): (.*)", line)
    return [] if match is None else [("C" if match[1] == "C" else "S", match[2])]


# One literal and nothing after it: `'a', 'b'` would be a tuple.
_SMTPLIB = re.compile(
    r"(?:\d\d:\d\d:\d\S* )?(send|reply|connect): "
    r"(b?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))\s*"
)


def _smtplib(line: str) -> _Line:
    match = _SMTPLIB.fullmatch(line)
    if match is None or match[1] == "connect":
        again = re.match(r"(?:\S+ )?connect: (?:to )?\(", line)
        return [] if again is None else [("connect", "")]
    try:
        octets = ast.literal_eval(match[2])
    except (SyntaxError, ValueError):
        return []
    text = octets if isinstance(octets, str) else octets.decode("utf-8", "replace")
    who: Literal["C", "S"] = "C" if match[1] == "send" else "S"
    lines = text.removesuffix("\r\n").split("\r\n") if text else []
    return [(who, one) for one in lines]


def _postfix(line: str) -> _Line:
    match = re.search(
        r"/(?:smtp|lmtp)\[\d+\]: ([<>]) \S+?\[[^]]*\](?::\d+)?: ?(.*)", line
    )
    if match is not None:
        return [("C" if match[1] == ">" else "S", match[2])]
    if re.search(
        r"/(?:smtp|lmtp)\[\d+\]: (?:smtp_connect_addr|vstream_tweak_tcp)", line
    ):
        return [("connect", "")]
    return []


_FORMS: Mapping[str, Callable[[str], _Line]] = {
    "transcript": _transcript,
    "curl": _curl,
    "swaks": _swaks,
    "nodemailer": _nodemailer,
    "smtplib": _smtplib,
    "postfix": _postfix,
}


def _unprefixed(line: str, said: list[Said]) -> _Line:
    """The rest of a reply of several lines, where only the first has a prefix."""
    before = said[-1] if said else None
    if before is None or before.who != "S" or before.text[3:4] != "-":
        return []
    return [("S", line)] if _CONTINUED.match(line) else []


def _time(line: str) -> float | None:
    if match := _OFFSET.match(line):
        return float(match[1])
    if match := _CLOCK.search(line[:40]):
        return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    return None
