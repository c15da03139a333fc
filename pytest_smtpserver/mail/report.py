"""What the report of a test says about one of its servers."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import (
    LINE,
    printable,
    printable_json,
    shortened,
)

from .search.explain import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from .message import ReceivedMessage, SessionRecord

#: The widest that a column of the table of messages gets.
_WIDTH = 40
#: How many lines the report on a server has, whatever the server has seen, and of `LINE`
#: characters.
_LINES = 200
#: Of these lines: the most rows of the table of messages, and the most lines of a
#: complaint about rules.
_ROWS, _COMPLAINT = 30, 20
#: A connection with less room than this is left out.
_FEWEST = 10
_REFUSAL = re.compile(r"[ +.\d]+S: [45]\d\d")
#: Characters that may not be allowed in a file name, or have a meaning there.
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
        about: the messages and sessions that the failure is about: shown first.
        obstacles: sentences on what may have kept clients from delivering something.
        troubles: sentences on what went wrong on the server itself.
    """

    where: str
    options: list[str]
    messages: list[ReceivedMessage]
    sessions: list[SessionRecord]
    unused: str = ""
    about: Collection[object] = ()
    obstacles: Collection[str] = ()
    troubles: Collection[str] = ()

    def __str__(self) -> str:
        return self.text()

    def text(self, *, whole: bool = False) -> str:
        """The report in at most about 200 lines; with `whole` all of it."""
        options = f" with {', '.join(self.options)}" if self.options else ""
        troubles = "\n".join(self.troubles).split("\n") if self.troubles else []
        lines = [f"It listened on {self.where}{options}", *troubles, ""]
        wanted = {id(one) for one in self.about}
        rows = None
        if not whole:
            rows = [i for i, m in enumerate(self.messages) if id(m) in wanted]
        lines += table(self.messages, rows)
        if self.unused:
            complaint = self.unused.split("\n")
            lines += ["", *(complaint if whole else cut(complaint, _COMPLAINT))]
        if self.obstacles:
            lines += ["", "What may have stood in the way:"]
            lines += [f"  {one}" for one in self.obstacles]
        if not self.sessions:
            lines += ["", "no connections"]
        if whole:
            for number, session in enumerate(self.sessions, 1):
                lines += ["", connection(number, session)]
                lines += session.transcript.lines(content_lines=None)
            return "\n".join(lines)
        lines += self._connections(wanted, _LINES - len(lines))
        return "\n".join(shortened(line, LINE) for line in lines)

    def _connections(self, wanted: set[int], room: int) -> list[str]:
        """As many connections as fit into `room` lines; the important ones first."""
        notable = [
            number
            for number, session in enumerate(self.sessions)
            if id(session) in wanted
            or any(id(one) in wanted for one in session.messages)
        ] or [
            number
            for number, one in enumerate(self.sessions)
            if one.undelivered or one.last_error is not None or not one.messages
        ]
        shown: dict[int, list[str]] = {}
        for number in by_importance(len(self.sessions), notable):
            if room < _FEWEST:
                break
            session = self.sessions[number]
            most = room if number in notable or len(self.sessions) == 1 else room // 2
            shown[number] = [
                "",
                connection(number + 1, session),
                *cut(session.transcript.lines(), max(most - 3, _FEWEST)),
            ]
            room -= len(shown[number])
        lines, before = [], 0
        for number in [*sorted(shown), len(self.sessions)]:
            if left := self.sessions[before:number]:
                lines += ["", _left_out(left)]
            lines += shown.get(number, [])
            before = number + 1
        return lines

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
        text = f"{self.text(whole=True)}\n"
        write_file(folder / "transcript.txt", text.encode())


def save_message(message: ReceivedMessage, file: Path) -> None:
    """Write a message to a file, and beside it what `as_dict` says, as ``.json``.

    Raises:
        OSError: they cannot be written.
    """
    write_file(file, message.content)
    form = json.dumps(message.as_dict(), indent=2, ensure_ascii=False)
    write_file(file.with_suffix(".json"), f"{printable_json(form)}\n".encode())


def write_file(file: Path, content: bytes) -> None:
    """Write all of it: half a mail would be taken for a mail.

    Raises:
        OSError: it cannot be written, and nothing is left of it.
    """
    opened = file.open("wb")
    try:
        with opened:
            opened.write(content)
    except OSError as error:  # as on a full disk, it does not know the name
        with suppress(OSError):
            file.unlink()
        raise OSError(error.errno, error.strerror, str(file)) from error


def table(
    messages: list[ReceivedMessage], notable: list[int] | None = None
) -> list[str]:
    """The messages, a line each: from, to, subject, size in octets.

    The `notable` ones must be among the rows; with None all are shown.
    """
    if not messages:
        return ["no messages"]
    shown = range(len(messages))
    if notable is not None:
        order = by_importance(len(messages), notable)
        shown = sorted(islice(order, _ROWS))  # type: ignore[assignment]
    rows = [["", "from", "to", "subject", "octets"]]
    rows += [[str(number + 1), *_row(messages[number])] for number in shown]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines, before = [], 0
    for (label, sender, to, subject, size), number in zip(
        rows, [-1, *shown], strict=True
    ):
        if number > before:
            lines.append(f"{'…':>{widths[0]}}  {number - before} more")
        lines.append(
            f"{label:>{widths[0]}}  {sender:{widths[1]}}  {to:{widths[2]}}  "
            f"{subject:{widths[3]}}  {size:>{widths[4]}}"
        )
        before = number + 1
    return [f"{count(len(messages), 'message')}:", *lines]


def _row(message: ReceivedMessage) -> list[str]:
    sender, recipients = message.envelope.mail_from, message.envelope.rcpt_to
    texts = map(printable, (sender or "<>", ", ".join(recipients), message.subject))
    cells = [t if len(t) <= _WIDTH else shortened(t, _WIDTH - 1) for t in texts]
    return [*cells, f"{len(message.content):,}"]


def by_importance(total: int, notable: Iterable[int]) -> Iterator[int]:
    """The numbers below `total`: the notable ones, then others, outer ones first."""
    seen = set()
    first = list(notable)
    for place in by_importance(len(first), ()) if first else ():
        seen.add(first[place])
        yield first[place]
    for step in range((total + 1) // 2):
        for number in (step, total - 1 - step):
            if number not in seen:
                seen.add(number)
                yield number


def cut(lines: list[str], most: int) -> list[str]:
    """The beginning and the end of the lines, and the refusals in between."""
    if len(lines) <= most:
        return lines
    refusals = [i for i, line in enumerate(lines) if _REFUSAL.match(line)]
    # A refusal says little without the command in front of it.
    kept = {max(near, 0) for i in refusals[-most // 6 :] for near in (i - 1, i)}
    for number in by_importance(len(lines), ()):
        if len(kept) >= most:
            break
        kept.add(number)
    shown, before = [], 0
    for number in [*sorted(kept), len(lines)]:
        if left := number - before:
            shown.append(f"         … {left} more line{'s' if left > 1 else ''}")
        shown += lines[number : number + 1]
        before = number + 1
    return shown


def _left_out(sessions: list[SessionRecord]) -> str:
    connections = count(len(sessions), "connection")
    what = count(sum(len(session.messages) for session in sessions), "message")
    refused = sum(session.last_error is not None for session in sessions)
    what += f", {refused} of them with a refusal" if refused else ""
    return f"… {connections} more ({what}); -vv or --smtp-transcript=full shows all"


def connection(number: int, session: SessionRecord) -> str:
    """The line above a transcript."""
    host, port = session.remote_address
    client = f"{host}:{port}" if port else printable(host) or "a Unix socket"
    state = "still open" if session.is_open else f"closed by the {session.closed_by}"
    tls = session.tls
    secured = f", {tls.version} with {tls.cipher}" if tls is not None else ""
    user = (
        f", logged in as {printable(repr(session.user))}"
        if session.user is not None
        else ""
    )
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
    # The digest keeps names apart that differ only in what was replaced.
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[:_MAX_NAME]}-{digest}"
