"""What happens on a connection before the greeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol import standard

from .channel import Outcome

if TYPE_CHECKING:
    from .connection import Connection


async def open_session(connection: Connection) -> None:
    """Do what comes before the greeting, as the options say."""
    if connection.context.options.tls == "implicit":
        await connection.start_tls()
    if connection.ending is None:
        await _watch_for_early_talkers(connection)


async def _watch_for_early_talkers(connection: Connection) -> None:
    delay = connection.context.options.greeting_delay
    if not delay:
        return
    outcome = await connection.exchange(
        lambda data: b"" if connection.take(data) and not data else None,
        idle_timeout=delay,
    )
    if outcome is Outcome.ATTENTION and connection.ending is None:
        words = standard.TALKS_TOO_SOON
        connection.end("server", "the client did not wait for the greeting", words)
    elif outcome in (Outcome.EOF, Outcome.BROKEN):
        connection.left(outcome)
