"""Saves the mail: as files in a folder, and on a page about all of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_smtpserver.mail.report import Report, save_message
from pytest_smtpserver.report.document import Heading, write_whole
from pytest_smtpserver.report.entries import Entry, entry_of

from .flags import UsageError

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord


class Folder:
    """Keeps each message as .eml and .json; what is there from before stays.

    Raises:
        UsageError: the folder is missing, and cannot be made.
    """

    def __init__(self, directory: str) -> None:
        self._path = Path(directory)
        try:
            self._path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--save {directory}: {error.strerror}") from None
        numbers = [
            int(number)
            for file in self._path.glob("message-*.eml")
            if (number := file.stem.partition("-")[2]).isdecimal()
        ]
        self._last = max(numbers, default=0)

    def keep(self, message: ReceivedMessage) -> None:
        """Write one message."""
        self._last += 1
        save_message(message, self._path / f"message-{self._last}.eml")


class LivePage:
    """The page about all mail, written anew whenever something has come.

    Raises:
        UsageError: the page cannot be made, or not be written.
    """

    def __init__(self, file: str, where: str) -> None:
        self._file = Path(file)
        self._where = where
        self._closed: dict[str, Entry] = {}
        try:
            self.write([])
        except ImportError as error:
            raise UsageError(f"--report: {error}") from None
        except OSError as error:
            raise UsageError(f"--report {file}: {error.strerror}") from None

    def write(self, sessions: list[SessionRecord]) -> None:
        """Write the page.

        Raises:
            ImportError: Jinja2 is not installed.
            OSError: the page cannot be written.
        """
        heading = Heading(
            "Mail of this server",
            datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            noun="connection",
            nothing="No connection yet.",
        )
        entries = [self._entry(number, one) for number, one in enumerate(sessions, 1)]
        write_whole(self._file, heading, reversed(entries))

    def _entry(self, number: int, session: SessionRecord) -> Entry:
        if known := self._closed.get(session.id):
            return known
        finished = not session.is_open  # before it is read: it may end meanwhile
        report = Report(self._where, [], list(session.messages), [session])
        entry = entry_of(f"connection {number}", [report], first=number)
        if finished:
            self._closed[session.id] = entry
        return entry
