"""Waiting on purpose, with an eye on the client and on the test."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.server.io.channel import Outcome

if TYPE_CHECKING:
    from .connection import Connection


async def pause(connection: Connection, seconds: float, *, busy: bool = False) -> None:
    """Let time pass. What the client sends meanwhile is answered later.

    It is cut short when the connection ends: the client is gone, or the server stops.

    Args:
        connection: whose client has to wait.
        seconds: how long; `math.inf` until one of the two goes away.
        busy: a reply is half sent, so that nothing can be interjected.
    """
    until = anyio.current_time() + seconds
    connection.pausing, connection.listening = True, not busy
    connection.context.look()
    try:
        while connection.ending is None:
            left = until - anyio.current_time()
            if left <= 0:
                return
            outcome = Outcome.OVER
            if connection.said_all:
                with anyio.move_on_after(left):
                    await connection.disturbance(busy=busy)
            else:
                outcome = await connection.channel.exchange(
                    connection.put_by, within=left
                )
            if outcome is Outcome.BROKEN or (
                (outcome is Outcome.EOF or connection.tls_ended)
                and not (connection.engine.may_be_waited_on and seconds < math.inf)
            ):
                why = Outcome.EOF if outcome is Outcome.OVER else outcome
                connection.end("client", f"the client gave up waiting ({why.value})")
            elif connection.stopping:
                connection.end("server", "the server was stopped")
            elif outcome is Outcome.EOF or connection.tls_ended:
                # It may still wait for the replies to what it has said.
                connection.said_all = True
                connection.context.look()
            elif not busy:
                await connection.heed()
    finally:
        connection.pausing = connection.listening = False
