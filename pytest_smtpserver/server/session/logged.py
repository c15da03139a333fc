"""A session's dialogue in the log, for loggers that want DEBUG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_smtpserver.mail.transcript import Transcript

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable
    from typing import SupportsIndex


class Logged(list[Any]):
    """What is said in a transcript, logged when it is noted.

    Takes the place of the plain list, so that a session whose logger does not want the
    dialogue pays nothing for it.

    Args:
        logger: gets a DEBUG record for each line, secrets masked.
        session_id: stands in front of each line.
        transcript: says when.
    """

    def __init__(
        self, logger: logging.Logger, session_id: str, transcript: Transcript
    ) -> None:
        super().__init__()
        self._logger = logger
        self._session_id = session_id
        self._transcript = transcript

    def extend(self, entry: Iterable[Any]) -> None:
        """Note an entry and log it."""
        noted = list(entry)
        super().extend(noted)
        alone = Transcript(self._transcript.started)
        alone.add(self._transcript.times[-1], *noted)
        for line in alone.lines():
            self._logger.debug("session %s %s", self._session_id, line)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[type, tuple[object]]:
        # A copy is a record, and logs nothing.
        return list, (list(self),)
