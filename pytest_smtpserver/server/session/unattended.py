"""A connection without a task: for as long as nothing has to be awaited.

Most sessions never need one. Greeting, commands and content are answered where the loop
reads the socket, and a client that quits is let go of there too; so a session costs no
task, no future and no scope. What has to be awaited, such as a rule's actions, a
handshake or last words, is done by `Connection.run`, which takes the session over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.server.io.channel import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver.server.io.loop_channel import LoopChannel

    from .connection import Connection

_CLIENT_IS_GONE = frozenset({Outcome.EOF, Outcome.BROKEN})


class Unattended:
    """Serves one connection until something has to be awaited.

    Args:
        connection: that has just come about.
        channel: the connection's.
        attend: makes a task that goes on, from an outcome, or from the opening.
        gone: called when the session has ended here.
    """

    __slots__ = ("_attend", "_channel", "_connection", "_gone")

    def __init__(
        self,
        connection: Connection,
        channel: LoopChannel,
        attend: Callable[[Connection, Outcome | None], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self._connection = connection
        self._channel = channel
        self._attend = attend
        self._gone = gone

    def begin(self) -> None:
        """Greet the client and listen."""
        connection = self._connection
        if connection.ending is not None or not connection.context.opens_at_once:
            self._attend(connection, None)
            return
        connection.opened = True
        try:
            greeting = connection.advance()
        except Exception as error:  # noqa: BLE001 - one connection's fault is its own
            self._ended(error)
            return
        if greeting is None:
            self._attend(connection, Outcome.ATTENTION)
            return
        connection.listens(True)
        self._channel.listen(
            connection.process,
            self._ended,
            sent=connection.sent,
            idle_timeout=connection.idle_timeout,
            first=greeting,
        )

    def _ended(self, outcome: Outcome | Exception) -> None:
        connection = self._connection
        connection.listens(False)
        if isinstance(outcome, Exception):
            connection.failed(outcome)
            outcome = Outcome.ATTENTION
        if self._can_end(outcome) and self._say_goodbye():
            if outcome is Outcome.ATTENTION:
                connection.quit()
            else:
                connection.left(outcome)
            connection.over()
            self._channel.close_at_once()
            self._gone(connection)
        else:
            self._attend(connection, outcome)

    def _can_end(self, outcome: Outcome) -> bool:
        """The client has quit or is gone, and nobody has to be waited for."""
        connection = self._connection
        if outcome is Outcome.ATTENTION:
            if connection.engine.state is not State.CLOSED or not connection.has_quit:
                return False
        elif outcome not in _CLIENT_IS_GONE:
            return False
        return connection.is_plain

    def _say_goodbye(self) -> bool:
        """Send what is left to be said; false where it did not leave at once."""
        connection = self._connection
        rest = self._channel.try_send(connection.take_output())
        if rest:
            connection.put_back_output(rest)
            return False
        connection.sent()
        return True
