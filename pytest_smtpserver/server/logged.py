"""A session's dialogue in the log, for loggers that want DEBUG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_smtpserver.mail.transcript import Transcript

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable
    from typing import SupportsIndex


class LoggedTranscript(list[Any]):
    """The log of a transcript, each entry of which is logged when it is noted.

    Takes the place of the plain list, so that a session whose logger does not want the
    dialogue pays nothing for it.

    Args:
        logger: gets a DEBUG record for each line, secrets masked.
        session_id: stands in front of each line.
        started: when the connection was accepted.
    """

    def __init__(self, logger: logging.Logger, session_id: str, started: float) -> None:
        super().__init__()
        self._logger = logger
        self._session_id = session_id
        self._started = started

    def extend(self, entry: Iterable[Any]) -> None:
        """Note an entry and log it."""
        noted = list(entry)
        super().extend(noted)
        for line in Transcript(self._started, noted).lines():
            self._logger.debug("session %s %s", self._session_id, line)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type, tuple[object]]:
        # A copy is a record, and logs nothing.
        return list, (list(self),)
