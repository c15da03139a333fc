"""What Postfix answers to sloppy commands: a table, and how it is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

#: What is said before, by the heading that the line stands under.
_BEFORE = {
    "After the greeting": (),
    "After EHLO": (b"EHLO x.example",),
    "After EHLO and MAIL": (b"EHLO x.example", b"MAIL FROM:<a@example.org>"),
    "After EHLO, MAIL and RCPT": (
        b"EHLO x.example",
        b"MAIL FROM:<a@example.org>",
        b"RCPT TO:<b@example.org>",
    ),
    "Several commands, with the reply to the last one": (),
}


class Asked(NamedTuple):
    """One dialogue with Postfix: commands without line ends, and the last reply."""

    lines: tuple[bytes, ...]
    code: int

    def __str__(self) -> str:
        return f"{self.code} {self.lines[-1].decode('latin-1')[:60]!r}"


def octets(text: str) -> bytes:
    text = re.sub(r"\{(\S+?)\*(\d+)\}", lambda times: times[1] * int(times[2]), text)
    return text.encode("ascii").decode("unicode_escape").encode("latin-1")


def _read() -> list[Asked]:
    found = []
    before: tuple[bytes, ...] = ()
    table = Path(__file__).with_suffix(".txt").read_text(encoding="ascii")
    for line in table.partition("\n\n")[2].splitlines():
        if line.startswith("# "):
            before = _BEFORE[line[2:]]
        elif line:
            code, commands = line[:3], line[4:].split(" | ")
            found.append(Asked((*before, *map(octets, commands)), int(code)))
    return found


ANSWERS = _read()

#: Postfix takes these, and we do not, whatever is lenient: control characters that would
#: garble a log, and addresses that need SMTPUTF8 (RFC 6531 §3.4).
NOT_OURS = frozenset(
    {
        b"NOOP\x00",
        b"MAIL\x0bFROM:<a@example.org>",
        b"MAIL FROM:\x0c<a@example.org>",
        b"MAIL\rFROM:<a@example.org>",
        b"MAIL FROM:<a\x01b@example.org>",
        b"MAIL FROM:<a\x7fb@example.org>",
        b'MAIL FROM:<"a\x01b"@example.org>',
        b"MAIL FROM:<\xc3\xbc@example.org>",
        b"RCPT TO:<\xc3\xbc@example.org>",
    }
)
#: Postfix refuses these, and the RFC does not: domains that are all digits and general
#: address literals (RFC 5321 §4.1.2 and §4.1.3), VRFY of a name with a blank, HELP, which
#: a server should have (§4.1.1.8); and a size over the limit that is Postfix's own.
OURS_ALONE = frozenset(
    {
        b"MAIL FROM:<a@127.0.0.1>",
        b"MAIL FROM:<a@[tag:x]>",
        b"MAIL FROM:<a@1>",
        b"MAIL FROM:<a@12.34>",
        b"MAIL FROM:<a@1.2.3.4.5>",
        b"MAIL FROM:<a@256.256.256.256>",
        b"MAIL FROM:<a@example.org> SIZE=99999999999999999999",
        b"VRFY a b",
        b"HELP",
    }
)
