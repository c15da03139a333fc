"""The dialogue of a session in the form of the RFCs: ``C:`` and ``S:``.

Entries are made when somebody reads them. Until then an entry takes 25 octets in an
array and a list; a list of `Entry` objects would take 120 for each.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import masked, printable, shown_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Lines of content that a transcript shows before it sums up the rest.
SHOWN_CONTENT_LINES = 10


class Entry(NamedTuple):
    """One thing that happened on the wire.

    Attributes:
        offset: seconds since the connection was accepted.
        kind: ``"C"`` a line of the client, ``"S"`` bytes of the server, ``"content"``
            content of the client, ``"unfinished"`` content whose end did not come,
            ``"note"`` something that neither said.
        data: the line, the bytes, the content, or the text of the note.
        remark: for the server's bytes: the rule that they came from.
        secret: the line carries credentials.
    """

    offset: float
    kind: str
    data: bytes | str
    remark: str = ""
    secret: bool = False


class Marked(NamedTuple):
    """The kind of an entry with a remark, or of a secret one; see `Entry`."""

    kind: str
    remark: str = ""
    secret: bool = False


class Transcript:
    """Everything that was said on one connection, in order.

    ``str()`` gives the dialogue with time offsets in seconds; credentials in it are
    masked, long content is cut. `entries` has all of it.
    """

    __slots__ = ("said", "started", "times")

    def __init__(self, started: float = 0.0) -> None:
        #: When the connection was accepted, by the clock of the `times`.
        self.started: float = started
        #: When each entry was noted.
        self.times: array[float] = array("d")
        #: Kind and data of each entry, in turns.
        self.said: list[Any] = []

    def add(self, time: float, kind: str | Marked, data: bytes | str) -> None:
        """Note an entry. For the server.

        Args:
            time: by the clock of `started`.
            kind: as in `Entry`; a `Marked` where there is more to be said of it.
            data: as in `Entry`.
        """
        # In this order: a thread that reads meanwhile has a time for each entry.
        self.times.append(time)
        self.said.extend((kind, data))

    @property
    def entries(self) -> list[Entry]:
        """All of it, in order."""
        said = list(self.said)  # before the times, see `add`
        entries = []
        for time, kind, data in zip(self.times, said[::2], said[1::2], strict=False):
            marked = kind if isinstance(kind, Marked) else Marked(kind)
            offset = time - self.started
            entries.append(Entry(offset, marked.kind, data, *marked[1:]))
        return entries

    def __len__(self) -> int:
        return len(self.said) // 2

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __str__(self) -> str:
        return self.text()

    def text(self, *, content_lines: int | None = SHOWN_CONTENT_LINES) -> str:
        """The dialogue.

        Args:
            content_lines: how many lines of each message's content are shown; None
                for all of them.
        """
        return "\n".join(self.lines(content_lines=content_lines))

    def lines(self, *, content_lines: int | None = SHOWN_CONTENT_LINES) -> list[str]:
        """The dialogue, line by line."""
        lines: list[str] = []
        for entry in self.entries:
            when = f"{entry.offset:+8.3f} "
            for line in _render(entry, content_lines):
                lines.append(f"{when}{line}")
                when = " " * 9
        return lines


def _render(entry: Entry, content_lines: int | None) -> list[str]:
    data = entry.data
    if entry.kind == "note":
        return [f"-- {printable(data)}"]
    if entry.kind == "C":
        text = masked(printable(data)) if entry.secret else shown_command(data)
        return [f"C: {text}"]
    octets = data.encode() if isinstance(data, str) else data
    if entry.kind in ("content", "unfinished"):
        return [f"C: {line}" for line in _split(octets, content_lines)]
    rendered = [f"S: {line}" for line in _split(octets, None)] or ["S: (nothing)"]
    if entry.remark:
        rendered[-1] += f"    <- {printable(entry.remark)}"
    return rendered


def _split(content: bytes, most: int | None) -> list[str]:
    """The lines in the octets; a last one without CRLF is marked."""
    # The content may be large: what is not shown is counted, and not copied.
    shown = len(content) if most is None else 0
    for _ in range(most or 0):
        shown = content.find(b"\r\n", shown) + 2
        if shown == 1:
            shown = len(content)
            break
    lines = content[:shown].split(b"\r\n")
    if not lines[-1]:
        lines.pop()
    unended = not content.endswith(b"\r\n")
    rendered = [printable(line) for line in lines]
    if octets := len(content) - shown:
        left = content.count(b"\r\n", shown) + unended
        more = "1 more line" if left == 1 else f"{left} more lines"
        rendered.append(f"[{more}, {octets} octets]")
    elif rendered and unended:
        rendered[-1] += "[no CRLF]"
    return rendered
