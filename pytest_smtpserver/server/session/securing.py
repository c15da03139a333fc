"""A TLS handshake on a connection, and what rules make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.server.io.channel import Outcome
from pytest_smtpserver.server.tls.handshake import Handshake, HandshakeFailed
from pytest_smtpserver.server.tls.layer import client_identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from .connection import Connection


async def start_tls(connection: Connection) -> None:
    """Do a handshake, or end the connection over it."""
    if not connection.context.has_tls or connection.tls is not None:
        # A rule has sent 220 to a STARTTLS that this server knows nothing of.
        connection.end("server", "a 220 to STARTTLS was sent, and there is no TLS here")
        return
    connection.in_handshake = True
    try:
        await connection.performer.before_handshake()
        if connection.ending is None:
            await _shake_hands(connection)
    finally:
        connection.in_handshake = False


async def _shake_hands(connection: Connection) -> None:
    cut, connection.cut = connection.cut, None
    layer = connection.context.tls_layer()
    handshake = Handshake(layer, None if cut is None else cut.after)

    async def exchange(shake: Callable[[bytes], bytes | None]) -> Outcome:
        outcome = Outcome.INTERRUPTED
        # What a test interjects is said when the handshake is over.
        while outcome is Outcome.INTERRUPTED and not connection.stopping:
            outcome = await connection.exchange(
                shake, idle_timeout=connection.idle_timeout
            )
        return outcome

    try:
        await handshake.run(exchange)
    except HandshakeFailed as failure:
        connection.end(failure.by, failure.how)
    if handshake.last:
        await connection.channel.send(handshake.last)
    if cut is not None and handshake.was_cut:
        await connection.performer.close(cut)
    if connection.ending is None:
        info = layer.info()
        connection.secured(layer, info, client_identity(info))
