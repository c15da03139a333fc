"""What the report of a failed test says about one of its servers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .display import printable

if TYPE_CHECKING:
    from .message import ReceivedMessage, SessionRecord

#: The widest that a column of the table of messages gets.
_WIDTH = 40
#: What a file system may not take in a name, or takes for something else.
_UNSAFE = re.compile(r"[^A-Za-z0-9._=+@-]+")
_MAX_NAME = 120


class Report(NamedTuple):
    """One server at the end of a test.

    Attributes:
        where: what it listens on.
        options: those that are not as they are by default, in words.
        messages: what it has received.
        sessions: its connections.
        unused: the complaint about rules that were never used; ``""`` where there are
            none, or where the failure is about them.
    """

    where: str
    options: list[str]
    messages: list[ReceivedMessage]
    sessions: list[SessionRecord]
    unused: str = ""

    def __str__(self) -> str:
        return self.text()

    def text(self, *, whole: bool = False) -> str:
        """All of it; with `whole` also every line of content."""
        options = f" with {', '.join(self.options)}" if self.options else ""
        lines = [f"It listened on {self.where}{options}", "", *table(self.messages)]
        if self.unused:
            lines += ["", self.unused]
        if not self.sessions:
            lines += ["", "no connections"]
        for number, session in enumerate(self.sessions, 1):
            lines += ["", connection(number, session)]
            shown = session.transcript
            lines += shown.lines(content_lines=None) if whole else shown.lines()
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write each message as .eml and .json, and the whole transcript, into a folder.

        Messages that an earlier run has left there are removed.

        Raises:
            OSError: they cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for old in [*folder.glob("message-*.eml"), *folder.glob("message-*.json")]:
            old.unlink()
        for number, message in enumerate(self.messages, 1):
            save_message(message, folder / f"message-{number}.eml")
        (folder / "transcript.txt").write_text(
            f"{self.text(whole=True)}\n", encoding="utf-8"
        )


def save_message(message: ReceivedMessage, file: Path) -> None:
    """Write a message to a file, and beside it what `as_dict` says, as ``.json``.

    Raises:
        OSError: they cannot be written.
    """
    message.save(file)
    form = json.dumps(message.as_dict(), indent=2, ensure_ascii=False)
    file.with_suffix(".json").write_text(f"{form}\n", encoding="utf-8")


def table(messages: list[ReceivedMessage]) -> list[str]:
    """The messages, a line each: from, to, subject, size in octets."""
    if not messages:
        return ["no messages"]
    rows = [("from", "to", "subject", "octets")]
    rows += [
        (
            _cell(message.envelope.mail_from or "<>"),
            _cell(", ".join(message.envelope.rcpt_to)),
            _cell(message.subject),
            f"{len(message.content):,}",
        )
        for message in messages
    ]
    sender, to, subject, size = (
        max(map(len, column)) for column in zip(*rows, strict=True)
    )
    number_width = len(str(len(messages)))
    lines = []
    for number, row in enumerate(rows):
        label = str(number) if number else ""
        lines.append(
            f"{label:>{number_width}}  {row[0]:{sender}}  {row[1]:{to}}  "
            f"{row[2]:{subject}}  {row[3]:>{size}}"
        )
    return [
        "1 message:" if len(messages) == 1 else f"{len(messages)} messages:",
        *lines,
    ]


def connection(number: int, session: SessionRecord) -> str:
    """The line above a transcript."""
    host, port = session.remote_address
    client = f"{host}:{port}" if port else host or "a Unix socket"
    state = "still open" if session.is_open else f"closed by the {session.closed_by}"
    tls = session.tls
    secured = f", {tls.version} with {tls.cipher}" if tls is not None else ""
    user = f", logged in as {session.user!r}" if session.user is not None else ""
    return f"connection {number} from {client}{secured}{user}, {state}"


def folder_of(nodeid: str) -> Path:
    """A folder for a test: its file, then its name, all safe for any file system."""
    file, _, name = nodeid.partition("::")
    parts = [part for part in re.split(r"[\\/]+", file) if part not in ("", ".")]
    return Path(*map(_safe, [*parts, name.replace("::", ".") or "test"]))


def _safe(name: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - for those who save

    safe = _UNSAFE.sub("_", name).strip(".") or "_"
    if safe == name and len(name) <= _MAX_NAME:
        return name
    # Two tests whose names differ in what was replaced have two folders.
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[:_MAX_NAME]}-{digest}"


def _cell(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _WIDTH else f"{shown[: _WIDTH - 1]}…"
