"""Plays printed dialogues: lines of ``C: `` and ``S: ``, as the RFCs have them.

A transcript file begins with a header, then comes the dialogue:

``# ...``
    what it is, and every deviation from the printed text;
``@option name = value``
    an option of the server, a Python literal;
``@rule EVENT match = 550 text``
    where the printed server has its own mind: what is answered in place of the usual
    reply; ``*`` matches anything;
``@nonce text``, ``@salt base64``
    what the RFC's server drew by lot;
``C: line``, ``S: line``
    what is sent, with CRLF, and what has to come back;
``C* n``
    n octets of content, all 256 values among them, without a line end;
``C & S: ...``
    the TLS handshake.

Compared are reply codes, enhanced codes where the printed reply has one, the challenges
of AUTH, and the set of keywords that EHLO answers; host names and texts are each
server's own.
"""

from __future__ import annotations

import ast
import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_smtpserver.protocol.syntax.replies import Reply

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Sequence

FOLDER = Path(__file__).parent / "protocol" / "transcripts"
_LINE = re.compile(r"(C & S|C|S): ?(.*)")
_OCTETS = bytes(range(256))


@dataclass(frozen=True)
class Scripted:
    """A reply that the printed server has of its own.

    `match` is compared with the address of MAIL and RCPT, the user name of
    CREDENTIALS, the recipient of MESSAGE, else with the argument.
    """

    event: str
    match: str | None
    reply: Reply


@dataclass
class Step:
    """What the client sends at once, and the replies that it waits for then."""

    tls: bool = False
    data: bytes = b""
    printed: list[list[str]] = field(default_factory=list)
    #: The last command in `data` is EHLO or LHLO.
    hello: bool = False


@dataclass
class Transcript:
    """One dialogue; see the module."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    rules: list[Scripted] = field(default_factory=list)
    nonce: str = "nonce"
    salt: bytes = b"salt"
    steps: list[Step] = field(default_factory=list)

    @property
    def segments(self) -> list[bytes]:
        """All that the client sends, cut at the TLS handshakes only."""
        segments = [b""]
        for step in self.steps:
            if step.tls:
                segments.append(b"")
            segments[-1] += step.data
        return segments

    def check(self, replies: Sequence[Reply]) -> None:
        """Compare all replies of a session with the printed ones."""
        printed = [(step, p) for step in self.steps for p in step.printed]
        assert len(replies) == len(printed), list(map(str, replies))
        for (step, lines), reply in zip(printed, replies, strict=True):
            compare(reply, lines, hello=step.hello and lines is step.printed[-1])


class Peer(Protocol):
    """The server's end, as a client sees it."""

    def send(self, data: bytes, /) -> None: ...

    def read_reply(self) -> Reply: ...

    def start_tls(self) -> None: ...


def load(name: str) -> Transcript:
    """Read a transcript file of the folder."""
    return parse(name, (FOLDER / f"{name}.txt").read_text("utf-8"))


def names() -> list[str]:
    """The transcripts that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def parse(name: str, text: str) -> Transcript:
    """Read a transcript."""
    transcript = Transcript(name, steps=[Step()])
    for line in text.splitlines():
        if line.startswith("@"):
            _parse_header(transcript, line[1:])
        elif line.strip() and not line.startswith("#"):
            _parse_line(transcript, line)
    return transcript


def play(transcript: Transcript, peer: Peer) -> list[Reply]:
    """Say what the client says, each time after the replies before; compare them."""
    replies = []
    for step in transcript.steps:
        if step.tls:
            peer.start_tls()
        if step.data:
            peer.send(step.data)
        for lines in step.printed:
            reply = peer.read_reply()
            compare(reply, lines, hello=step.hello and lines is step.printed[-1])
            replies.append(reply)
    return replies


def compare(reply: Reply, printed: list[str], *, hello: bool = False) -> None:
    """Hold a reply against the printed one."""
    expected = Reply.parse("\n".join(printed))
    context = f"{reply} for {printed}"
    assert reply.code == expected.code, context
    if expected.enhanced is not None:
        assert reply.enhanced == expected.enhanced, context
    if expected.code == 334:
        assert reply.lines == expected.lines, context
    if hello and expected.is_positive:
        assert _keywords(reply) == _keywords(expected), context


def split_replies(data: bytes) -> list[Reply]:
    """The replies in a server's output."""
    replies = []
    for match in re.finditer(rb"(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n", data):
        reply = Reply.from_wire(match[0])
        assert reply is not None
        replies.append(reply)
    assert b"".join(reply.encode() for reply in replies) == data
    return replies


class SocketPeer:
    """A live server at the other end of a socket."""

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._socket = sock
        self._file = sock.makefile("rb")
        self._tls = tls

    def send(self, data: bytes, /) -> None:
        self._socket.sendall(data)

    def read_reply(self) -> Reply:
        lines = [self._file.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(self._file.readline())
        reply = Reply.from_wire(b"".join(lines))
        assert reply is not None, lines
        return reply

    def start_tls(self) -> None:
        assert self._tls is not None
        self._file.close()
        self._socket = self._tls.wrap_socket(self._socket, server_hostname="localhost")
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def _keywords(reply: Reply) -> set[str]:
    return {line.upper() for line in reply.lines[1:]}


def _parse_header(transcript: Transcript, line: str) -> None:
    kind, _, rest = line.partition(" ")
    if kind == "option":
        name, _, value = rest.partition(" = ")
        transcript.options[name] = ast.literal_eval(value)
    elif kind == "rule":
        what, _, reply = rest.partition(" = ")
        event, _, match = what.partition(" ")
        wanted = None if match == "*" else match
        text = reply.replace("\\n", "\n")
        transcript.rules.append(Scripted(event, wanted, Reply.parse(text)))
    elif kind == "nonce":
        transcript.nonce = rest
    else:
        assert kind == "salt", line
        transcript.salt = base64.b64decode(rest)


def _parse_line(transcript: Transcript, line: str) -> None:
    step = transcript.steps[-1]
    if line.startswith("C* "):
        step = _client_step(transcript)
        size = int(line[3:])
        step.data += (_OCTETS * (size // 256 + 1))[:size]
        return
    match = _LINE.fullmatch(line)
    assert match is not None, f"{transcript.name}: {line!r}"
    who, text = match[1], match[2]
    if who == "S":
        reply = step.printed[-1] if step.printed else None
        if reply is not None and reply[-1][3:4] == "-":
            reply.append(text)
        else:
            step.printed.append([text])
    elif who == "C":
        step = _client_step(transcript)
        step.data += text.encode() + b"\r\n"
        step.hello = text[:4].upper() in ("EHLO", "LHLO")
    else:
        transcript.steps.append(Step(tls=True))


def _client_step(transcript: Transcript) -> Step:
    if transcript.steps[-1].printed:
        transcript.steps.append(Step())
    return transcript.steps[-1]
