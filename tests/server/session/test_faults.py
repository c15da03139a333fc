"""Each action at each event where it makes sense, on the wire and at the TCP level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import Reply
from tests.server.wire import Wire

from .faults import (
    ACCEPTED,
    CONTENT,
    PLACES,
    Gate,
    Place,
    Reached,
    to_the_end,
)

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

GARBAGE = b"\xff\xfe no reply\n at all"
NOT_NOW = b"450 4.0.0 Not now\r\n"


def at_events(*, but: str = "") -> pytest.MarkDecorator:
    """A test for each event, but one."""
    places = [one for one in PLACES if one.event != but]
    return pytest.mark.parametrize("at", places, ids=[one.event for one in places])


every_event = at_events()
#: A reset may come before the client knows that it is connected: see below.
when_connected = at_events(but="CONNECT")


@pytest.fixture
def serve(smtp_server_factory: type[SMTPServer]) -> Serve:
    return Serve(smtp_server_factory)


class Serve:
    """Starts a server for a place."""

    def __init__(self, factory: type[SMTPServer]) -> None:
        self._factory = factory

    def __call__(self, at: Place) -> SMTPServer:
        return self._factory(**dict(at.options))


def assert_alive(wire: Wire, at: Place, server: SMTPServer) -> None:
    """The session goes on."""
    if at.event in ("DATA", "CONTENT"):
        wire.send(CONTENT + b".\r\n")
        rest = wire.rest_of(len(ACCEPTED))
        assert rest == ACCEPTED
    elif at.event == "STARTTLS":
        wire.start_tls(server.client_context())
    if at.event != "QUIT":
        wire.send(b"QUIT\r\n")
        ends = to_the_end(wire)
        assert ends[1] == "FIN"
        assert ends[0].startswith(b"221 ")


@every_event
def test_reply(serve: Serve, at: Place) -> None:
    """The reply is the one of the rule, then the connection ends with FIN."""
    server = serve(at)
    rule = server.on(at.event).reply(450, "4.0.0 Not now").disconnect()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (NOT_NOW, "FIN")
    assert len(rule.calls) == 1


@every_event
def test_reply_of_several_lines(serve: Serve, at: Place) -> None:
    """The enhanced code stands on every line (RFC 2034 §4)."""
    server = serve(at)
    server.on(at.event).reply(550, "5.0.0 No", "and no", "again").disconnect()
    with at.reach(server) as wire:
        said = b"550-5.0.0 No\r\n550-5.0.0 and no\r\n550 5.0.0 again\r\n"
        assert to_the_end(wire) == (said, "FIN")


@when_connected
def test_reply_and_reset(serve: Serve, at: Place) -> None:
    """The reply leaves before the RST."""
    server = serve(at)
    server.on(at.event).reply(450, "4.0.0 Not now").reset()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (NOT_NOW, "RST")


@every_event
def test_send(serve: Serve, at: Place) -> None:
    """These bytes and no others."""
    server = serve(at)
    server.on(at.event).send(GARBAGE).disconnect()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (GARBAGE, "FIN")


@every_event
def test_send_nothing(serve: Serve, at: Place) -> None:
    """No bytes at all stand for the reply."""
    server = serve(at)
    server.on(at.event).send(b"").disconnect()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (b"", "FIN")


@every_event
def test_disconnect(serve: Serve, at: Place) -> None:
    """FIN, and no reply."""
    server = serve(at)
    server.on(at.event).disconnect()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (b"", "FIN")
    assert server.sessions[0].closed_by == "server"
    assert server.messages == []


@when_connected
def test_reset(serve: Serve, at: Place) -> None:
    """RST, and no reply."""
    server = serve(at)
    server.on(at.event).reset()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (b"", "RST")


@pytest.mark.parametrize("said", [b"", NOT_NOW])
def test_reset_at_connect(smtp_server: SMTPServer, said: bytes) -> None:
    """RST, once the client knows that it is connected."""
    gate = Gate()
    smtp_server.on("CONNECT").call(gate).send(said).reset()
    with Wire(smtp_server) as wire:
        gate.open()
        assert to_the_end(wire) == (said, "RST")


@every_event
def test_half_close(serve: Serve, at: Place) -> None:
    """FIN in one direction: the client is still heard, and nothing is answered."""
    server = serve(at)
    server.on(at.event).half_close()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (b"", "FIN")
        if not at.tls:
            wire.send(b"NOOP still here\r\n")
    server.wait_until_idle()
    (session,) = server.sessions
    if at.event not in ("CONTENT", "SECURE"):
        assert session.commands[-1] == "NOOP still here"
    assert session.closed_by == "client"
    assert server.messages == []


@every_event
def test_delay(serve: Serve, at: Place) -> None:
    """After the delay all is as usual."""
    server = serve(at)
    rule = server.on(at.event).delay(0.001)
    with at.reach(server) as wire:
        assert wire.rest_of(len(at.usual)) == at.usual
        assert_alive(wire, at, server)
    assert rule.called


@every_event
def test_throttle(serve: Serve, at: Place) -> None:
    """Slowly, but as usual."""
    server = serve(at)
    server.on(at.event).throttle(100_000)
    with at.reach(server) as wire:
        assert wire.rest_of(len(at.usual)) == at.usual
        assert_alive(wire, at, server)


@every_event
def test_hang(serve: Serve, at: Place) -> None:
    """Nothing is said until the test breaks in."""
    server = serve(at)
    reached = Reached()
    server.on(at.event).call(reached).hang()
    with at.reach(server) as wire:
        reached.wait()
        assert len(server.interrupt(421, "4.3.2 That is enough")) == 1
        assert to_the_end(wire) == (b"421 4.3.2 That is enough\r\n", "FIN")


@every_event
def test_hang_ends_with_the_client(serve: Serve, at: Place) -> None:
    """Nobody waits for a client that is gone."""
    server = serve(at)
    reached = Reached()
    server.on(at.event).call(reached).hang()
    with at.reach(server):
        reached.wait()
    assert server.settle(timeout=10)
    assert server.sessions[0].closed_by == "client"


@at_events(but="CONTENT")
def test_call(serve: Serve, at: Place) -> None:
    """What a handler returns is the reply."""
    server = serve(at)
    server.on(at.event).call(lambda event: Reply(450, "4.0.0 Not now")).disconnect()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (NOT_NOW, "FIN")


@when_connected
def test_a_chain_in_order(serve: Serve, at: Place) -> None:
    """Half a reply, a pause, the other half, and the end."""
    server = serve(at)
    server.on(at.event).send(b"450 4.0").delay(0.001).send(b".0 Not now\r\n").reset()
    with at.reach(server) as wire:
        assert to_the_end(wire) == (NOT_NOW, "RST")
