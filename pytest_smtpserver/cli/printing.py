"""Prints servers, mail and connections, in colour where the terminal has any."""

from __future__ import annotations

import importlib
import os
import shutil
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from pytest_smtpserver.mail.content.html.page import Page
from pytest_smtpserver.mail.report import connection
from pytest_smtpserver.mail.search.explain import count
from pytest_smtpserver.protocol.display import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord

    #: Pieces of a line, each with the name of how it looks.
    Line: TypeAlias = list[tuple[str, str]]

#: Lines of text of one message; the rest is summed up.
_SHOWN_LINES = 200
_SHOWN_REFUSALS = 3
_STYLES = {
    "title": "bold",
    "name": "dim",
    "dim": "dim",
    "bad": "bold red",
    "good": "green",
    "link": "blue",
    "client": "blue",
    "rule": "yellow",
}


class Printer:
    """Writes lines to a stream, by Rich where colours are wanted and Rich is there.

    The color is ``"auto"`` (where the stream is a terminal), ``"always"`` or
    ``"never"``.
    """

    def __init__(self, stream: TextIO, color: str = "auto") -> None:
        self._stream = stream
        self._console = _console(stream, color)

    def lines(self, lines: Iterable[Line]) -> None:
        """Write some lines at once."""
        for line in lines:
            if self._console is None:
                self._stream.write("".join(text for text, _ in line) + "\n")
            else:
                text = importlib.import_module("rich.text").Text
                styled = [(piece, _STYLES.get(style, "")) for piece, style in line]
                self._console.print(text.assemble(*styled), soft_wrap=True)
        self._stream.flush()


def _console(stream: TextIO, color: str) -> Any:
    """Rich's console; None where there are to be no colours, or no Rich is there."""
    wanted = stream.isatty() and not os.environ.get("NO_COLOR")
    if color == "never" or (color == "auto" and not wanted):
        return None
    try:
        console = importlib.import_module("rich.console").Console
    except ImportError:
        return None
    return console(
        file=stream, highlight=False, markup=False, emoji=False, force_terminal=True
    )


def greeting(
    url: str, ca_file: str | None, hints: list[tuple[str, list[str]]]
) -> Iterator[Line]:
    """Where the server listens, and the settings for applications."""
    yield [("Listening on ", ""), (url, "title"), (" until Ctrl-C.", "")]
    if ca_file is not None:
        yield [("Clients have to trust the CA in ", ""), (ca_file, "title")]
    yield []
    for name, lines in hints:
        for number, line in enumerate(lines):
            yield [(f"{'' if number else name:<14}", "name"), (line, "")]
    yield []


def message_lines(number: int, message: ReceivedMessage) -> Iterator[Line]:
    """One mail."""
    when = message.received_at.astimezone().strftime("%H:%M:%S")
    title = f"-- mail {number} "
    width = min(shutil.get_terminal_size((80, 24)).columns, 100)
    yield [(f"{title}{'-' * max(2, width - len(title) - 9)} {when}", "title")]
    envelope = message.envelope
    yield _field("From", message.headers.get("From", "") or "(nobody)")
    yield _field("To", message.headers.get("To", "") or "(nobody)")
    if message.cc:
        yield _field("Cc", message.headers.get("Cc", ""))
    sender, recipients = str(envelope.mail_from), [str(one) for one in envelope.rcpt_to]
    if sender != message.from_ or set(recipients) != {*message.to, *message.cc}:
        yield _field("Envelope", f"{sender or '<>'} -> {', '.join(recipients)}")
    for address in envelope.rejected:
        reply = "" if address.reply is None else str(address.reply).splitlines()[0]
        yield _field("Refused", f"{address}: {reply}", "bad")
    yield _field("Subject", message.subject or "(none)", "title")
    for file in message.attachments:
        name = file.filename or "(no name)"
        size = f"{len(file.content):,} octets"
        yield _field("Attached", f"{name} ({file.content_type}, {size})")
    yield []
    yield from _text(message)
    for at, link in enumerate(message.links, 1):
        yield _field("" if at > 1 else "Links", f"{at:>2} {link}", "link")
    if code := _code(message):
        yield _field("Code", code, "good")
    for defect in message.defects:
        yield _field("Defect", defect, "bad")
    yield []


def session_lines(
    number: int, session: SessionRecord, *, whole: bool
) -> Iterator[Line]:
    """One connection: its whole dialogue, or one line on why it has left no mail."""
    title = printable(connection(number, session))
    if whole:
        yield [(title, "title")]
        yield from map(_said, session.transcript.lines())
        yield []
        return
    if session.messages and not session.undelivered:
        return
    refused = [
        f"{command.verb}: {str(reply).splitlines()[0]}"
        for command in list(session.commands)
        if (reply := command.reply) is not None and reply.code >= 400
    ]
    reasons = refused[:_SHOWN_REFUSALS] or [one.reason for one in session.undelivered]
    why = printable("; ".join(reasons) or "no mail")
    yield [(f"{title}: ", "dim"), (why, "bad")]


def summary(messages: int, sessions: list[SessionRecord]) -> Iterator[Line]:
    """The line at the end: how much mail there was."""
    without = sum(not session.messages for session in sessions)
    told = f"; {without} without mail" if without else ""
    yield [
        (f"{count(messages, 'mail')} in {count(len(sessions), 'connection')}", ""),
        (told, "dim"),
    ]


def _field(name: str, value: str, style: str = "") -> Line:
    return [(f"{name:<10}", "name"), (printable(value), style)]


def _text(message: ReceivedMessage) -> Iterator[Line]:
    text, html = message.text, message.html
    if not text.strip() and html:
        text = Page(html).text
    lines = text.strip("\n").split("\n") if text.strip() else []
    for line in lines[:_SHOWN_LINES]:
        yield [(printable(line), "")]
    if len(lines) > _SHOWN_LINES:
        yield [(f"[{len(lines) - _SHOWN_LINES} more lines]", "dim")]
    if lines:
        yield []


def _code(message: ReceivedMessage) -> str:
    """The one-time code, where the message has just one."""
    try:
        return message.code()
    except AssertionError:
        return ""


def _said(line: str) -> Line:
    when, said = line[:9], line[9:]
    said, arrow, rule = said.partition("    <- ")
    style = "client" if said.startswith("C:") else ""
    if said.startswith(("S: 4", "S: 5")):
        style = "bad"
    elif said.startswith("--"):
        style = "dim"
    return [(when, "dim"), (printable(said), style), (printable(arrow + rule), "rule")]
