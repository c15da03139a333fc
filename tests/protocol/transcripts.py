"""The dialogues that RFCs print, as text, and what a run of one is held against.

A transcript is the RFC's own ``C:`` and ``S:`` lines. ``C:`` lines that follow each
other are sent together. A reply that the printed server made up its own mind about
(a refused recipient, VRFY with 250) is marked ``S!``: a rule of the test gives it. What
else was changed is said in the transcript's first lines. Host names and texts are ours:
codes, their order, and the EHLO keywords are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pytest_smtpserver.protocol.replies import Reply

FOLDER = Path(__file__).parent / "transcripts"


@dataclass
class Turn:
    """What the client sends in one go, and the replies that it then waits for."""

    sent: list[str] = field(default_factory=list)
    #: Each with the lines of one reply, and whether a rule has to give it.
    replies: list[tuple[list[str], bool]] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The bytes of the client."""
        return "".join(f"{line}\r\n" for line in self.sent).encode()

    @property
    def codes(self) -> list[int]:
        """The reply codes, in order."""
        return [int(lines[-1][:3]) for lines, _ in self.replies]


def read(name: str) -> list[Turn]:
    """The turns of a transcript; the first is the greeting."""
    turns = [Turn()]
    reply: list[str] = []
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if line.startswith("C:"):
            if turns[-1].replies:
                turns.append(Turn())
            turns[-1].sent.append(line[2:].removeprefix(" "))
        elif line.startswith(("S:", "S!")):
            text = line[2:].strip()
            reply.append(text)
            if text[3:4] != "-":
                turns[-1].replies.append((reply, line[1] == "!"))
                reply = []
        elif line and not line.startswith(("#", "--")):
            raise ValueError(f"{name}: what is {line!r}?")
    return turns


def scripted(turns: list[Turn]) -> list[Reply | None]:
    """For each reply of the session in order: the one that a rule gives, or None."""
    return [
        Reply.parse("\n".join(lines)) if marked else None
        for turn in turns
        for lines, marked in turn.replies
    ]


def keywords(lines: list[str]) -> set[str]:
    """The EHLO keywords in a printed reply."""
    return {line[4:].split()[0].upper() for line in lines[1:]}
