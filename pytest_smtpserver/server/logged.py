"""A session's dialogue in the log, for loggers that want DEBUG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.mail.transcript import Entry, Transcript

if TYPE_CHECKING:
    import logging
    from typing import SupportsIndex


class LoggedEntries(list[Entry]):
    """The entries of a transcript, each of which is logged when it is noted.

    Takes the place of the plain list, so that a session whose logger does not want the
    dialogue pays nothing for it.

    Args:
        logger: gets a DEBUG record for each line, secrets masked.
        session_id: stands in front of each line.
    """

    def __init__(self, logger: logging.Logger, session_id: str) -> None:
        super().__init__()
        self._logger = logger
        self._session_id = session_id

    def append(self, entry: Entry) -> None:
        """Note an entry and log it."""
        super().append(entry)
        shown = Transcript()
        shown.entries.append(entry)
        for line in shown.lines():
            self._logger.debug("session %s %s", self._session_id, line)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type, tuple[object]]:
        # A copy is a record, and logs nothing.
        return list, (list(self),)
