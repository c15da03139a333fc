"""What happens on a connection before the greeting, and when TLS begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol.framing.proxy import BadProxyHeader, parse_proxy_header
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.server.io.channel import Outcome
from pytest_smtpserver.server.io.line import TLSState
from pytest_smtpserver.server.tls.layer import Handshake, client_identity

from .performer import before_handshake, close

if TYPE_CHECKING:
    from collections.abc import Callable

    from .attendant import Attendant

#: Seconds that a look-up of the client's name may take.
RESOLVE_TIMEOUT = 2.0
_GONE = frozenset({Outcome.EOF, Outcome.BROKEN})


async def open_session(attendant: Attendant) -> None:
    """Do what comes before the greeting, as the options say."""
    options, dialogue = attendant.context.options, attendant.dialogue
    if options.proxy_protocol and dialogue.ending is None:
        await _read_proxy_header(attendant)
    if options.resolver is not None and dialogue.ending is None:
        await _resolve(attendant)
    if options.tls == "implicit" and dialogue.ending is None:
        await start_tls(attendant)
    if options.greeting_delay and dialogue.ending is None:
        await _watch_for_early_talkers(attendant)


async def _read_proxy_header(attendant: Attendant) -> None:
    """Take the addresses from the header; without a good one the connection ends."""
    dialogue, recorder = attendant.dialogue, attendant.dialogue.recorder
    first = b""

    def take(data: bytes) -> bytes | None:
        """Collect first bytes until the header is whole; what follows goes on."""
        nonlocal first
        first += data
        try:
            header = parse_proxy_header(first)
        except BadProxyHeader as error:
            # Whoever sends that is no proxy, and is told nothing.
            dialogue.end("server", f"a bad PROXY header came: {error}")
            return None
        if header is None:
            return b""
        if header.source is not None and header.destination is not None:
            proxy = recorder.record.remote_address
            recorder.record.moved(header.source, header.destination)
            recorder.note(
                f"PROXY header, version {header.version}, from {_shown(proxy)}: "
                f"{_shown(header.source)} to {_shown(header.destination)}"
            )
        else:
            recorder.note(f"PROXY header, version {header.version}, without addresses")
        attendant.line.put_by(first[header.length :])
        return None

    recorder.note("waiting for the PROXY header")
    outcome = await attendant.exchange(take)
    if outcome in _GONE:
        attendant.left(outcome)
    elif outcome is not Outcome.ATTENTION:
        dialogue.end("server", f"no PROXY header came: {outcome.value}")


def _shown(address: tuple[str, int]) -> str:
    host, port = address
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _resolve(attendant: Attendant) -> None:
    """Ask for the client's name, in a thread and not for long."""
    recorder, resolve = attendant.dialogue.recorder, attendant.context.options.resolver
    address = recorder.record.remote_address[0]
    assert resolve is not None
    try:
        with anyio.move_on_after(RESOLVE_TIMEOUT) as scope:
            recorder.record.client_hostname = await attendant.context.threads.call(
                resolve, address
            )
    except OSError as error:
        recorder.note(f"{address} has no name: {error}")
    if scope.cancelled_caught:
        recorder.note(f"the name of {address} was not found in time")


async def _watch_for_early_talkers(attendant: Attendant) -> None:
    outcome = await attendant.exchange(
        lambda data: b"" if attendant.take(data) and not data else None,
        idle_timeout=attendant.context.options.greeting_delay,
    )
    dialogue = attendant.dialogue
    if outcome is Outcome.ATTENTION and dialogue.ending is None:
        words = standard.TALKS_TOO_SOON
        dialogue.end("server", "the client did not wait for the greeting", words)
    elif outcome in _GONE:
        attendant.left(outcome)


# TLS


async def start_tls(attendant: Attendant) -> None:
    """Do a handshake, or end the connection over it."""
    line, context, dialogue = attendant.line, attendant.context, attendant.dialogue
    if not context.has_tls or line.tls is TLSState.ON:
        # A rule has sent 220 to a STARTTLS that this server knows nothing of.
        dialogue.end("server", "a 220 to STARTTLS was sent, and there is no TLS here")
        return
    line.start_tls()
    layer = None
    try:
        cut = await before_handshake(attendant)
        if dialogue.ending is None:
            agreed = context.tls_layer()
            handshake = Handshake(agreed, None if cut is None else cut.after)
            await _shake_hands(attendant, handshake)
            if cut is not None and handshake.was_cut:
                await close(attendant, cut, lingers=True)
            if dialogue.ending is None:
                layer = agreed
    finally:
        line.end_handshake(layer)
    if layer is not None:
        # The session begins anew in TLS.
        info = layer.info()
        dialogue.recorder.tls_started(info)
        dialogue.engine.tls_started(info, client_identity(info))
        attendant.take(b"")  # what came along with the end of the handshake


async def _shake_hands(attendant: Attendant, handshake: Handshake) -> None:
    async def exchange(shake: Callable[[bytes], bytes | None]) -> Outcome:
        outcome = Outcome.INTERRUPTED
        # What a test interjects is said when the handshake is over.
        while outcome is Outcome.INTERRUPTED and not attendant.stopping:
            outcome = await attendant.exchange(shake)
        return outcome

    if (failure := await handshake.run(exchange)) is not None:
        attendant.dialogue.end(*failure)
    if handshake.last:
        await attendant.line.channel.send(handshake.last)
