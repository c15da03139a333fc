"""What happens on a connection before the greeting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from pytest_smtpserver.protocol.framing.proxy import BadProxyHeader, parse_proxy_header
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.server.io.channel import Outcome

from .securing import start_tls

if TYPE_CHECKING:
    from .connection import Connection

#: Seconds that a look-up of the client's name may take.
RESOLVE_TIMEOUT = 2.0


async def open_session(connection: Connection) -> None:
    """Do what comes before the greeting, as the options say."""
    options = connection.context.options
    if options.proxy_protocol and connection.ending is None:
        await _read_proxy_header(connection)
    if options.resolver is not None and connection.ending is None:
        await _resolve(connection)
    if options.tls == "implicit" and connection.ending is None:
        await start_tls(connection)
    if options.greeting_delay and connection.ending is None:
        await _watch_for_early_talkers(connection)


async def _read_proxy_header(connection: Connection) -> None:
    """Take the addresses from the header; without a good one the connection ends."""
    reader = _HeaderReader(connection)
    outcome = await connection.exchange(
        reader.take, idle_timeout=connection.idle_timeout
    )
    if outcome is Outcome.ATTENTION:
        return
    if outcome in (Outcome.EOF, Outcome.BROKEN):
        connection.left(outcome)
    else:
        connection.end("server", f"no PROXY header came: {outcome.value}")


class _HeaderReader:
    """Collects first bytes until the header is whole; what follows goes on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._data = b""

    def take(self, data: bytes) -> bytes | None:
        connection = self._connection
        self._data += data
        try:
            header = parse_proxy_header(self._data)
        except BadProxyHeader as error:
            # Whoever sends that is no proxy, and is told nothing.
            connection.end("server", f"a bad PROXY header came: {error}")
            return None
        if header is None:
            return b""
        record = connection.record
        if header.source is not None and header.destination is not None:
            proxy = record.remote_address
            record.remote_address = header.source
            record.local_address = header.destination
            connection.recorder.note(
                f"PROXY header, version {header.version}, from {_shown(proxy)}: "
                f"{_shown(header.source)} to {_shown(header.destination)}"
            )
        else:
            connection.recorder.note(
                f"PROXY header, version {header.version}, without addresses"
            )
        connection.early = self._data[header.length :]
        return None


def _shown(address: tuple[str, int]) -> str:
    host, port = address
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _resolve(connection: Connection) -> None:
    """Ask for the client's name, in a thread and not for long."""
    record, resolve = connection.record, connection.context.options.resolver
    address = record.remote_address[0]
    assert resolve is not None
    try:
        with anyio.move_on_after(RESOLVE_TIMEOUT) as scope:
            record.client_hostname = await anyio.to_thread.run_sync(
                resolve, address, abandon_on_cancel=True
            )
    except OSError as error:
        connection.recorder.note(f"{address} has no name: {error}")
    if scope.cancelled_caught:
        connection.recorder.note(f"the name of {address} was not found in time")


async def _watch_for_early_talkers(connection: Connection) -> None:
    outcome = await connection.exchange(
        lambda data: b"" if connection.take(data) and not data else None,
        idle_timeout=connection.context.options.greeting_delay,
    )
    if outcome is Outcome.ATTENTION and connection.ending is None:
        words = standard.TALKS_TOO_SOON
        connection.end("server", "the client did not wait for the greeting", words)
    elif outcome in (Outcome.EOF, Outcome.BROKEN):
        connection.left(outcome)
