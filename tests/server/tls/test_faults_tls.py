"""Failures around the TLS handshake (RFC 3207, RFC 8314)."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.server.session.faults import HELO, Gate, Reached, TLSClient, to_the_end
from tests.server.wire import Wire

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

READY = b"220 2.0.0 Ready to start TLS\r\n"

starttls = pytest.mark.smtp_server(tls="starttls")
implicit = pytest.mark.smtp_server(tls="implicit")


def before_starttls(server: SMTPServer) -> Wire:
    """A client that is about to say STARTTLS."""
    wire = Wire(server)
    wire.reply()
    wire.send(HELO)
    wire.reply()
    return wire


@starttls
def test_454(smtp_server: SMTPServer) -> None:
    """TLS not available due to temporary reason (RFC 3207 §4); the session goes on."""
    smtp_server.on("STARTTLS").reply(454)
    with before_starttls(smtp_server) as wire:
        assert wire.say("STARTTLS") == "454 4.7.0 TLS is not available"
        assert wire.say("NOOP") == "250 2.0.0 Ok"


@starttls
def test_220_and_silence(smtp_server: SMTPServer) -> None:
    """The ClientHello gets no answer."""
    reached = Reached()
    smtp_server.on("STARTTLS").reply(220).call(reached).hang()
    with before_starttls(smtp_server) as wire:
        assert wire.say("STARTTLS").encode() + b"\r\n" == READY
        reached.wait()
        wire.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.start_tls(smtp_server.client_context())


@starttls
def test_220_and_garbage(smtp_server: SMTPServer) -> None:
    """Where the ServerHello should come, something else does."""
    gate = Gate()
    rule = smtp_server.on("STARTTLS").reply(220).call(gate)
    rule.send(b"no TLS at all\r\n").disconnect()
    with before_starttls(smtp_server) as wire:
        wire.say("STARTTLS")
        gate.open()
        with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            wire.start_tls(smtp_server.client_context())


@starttls
@pytest.mark.parametrize(("how", "end"), [("disconnect", "FIN"), ("reset", "RST")])
def test_220_and_close(smtp_server: SMTPServer, how: str, end: str) -> None:
    """The connection ends where the handshake should begin."""
    getattr(smtp_server.on("STARTTLS").reply(220), how)()
    with before_starttls(smtp_server) as wire:
        wire.send(b"STARTTLS\r\n")
        assert to_the_end(wire) == (READY, end)


@starttls
def test_injected_plaintext(smtp_server: SMTPServer) -> None:
    """A reply in the clear stands behind 220; then the handshake goes on.

    A client has to throw it away (RFC 3207 §4.2, and CVE-2011-0411 the other way
    round): otherwise it is the reply to its next command.
    """
    smtp_server.on("STARTTLS").reply(220).send(b"250 injected\r\n")
    with before_starttls(smtp_server) as wire:
        assert wire.say("STARTTLS").encode() + b"\r\n" == READY
        assert wire.reply() == "250 injected"
        wire.start_tls(smtp_server.client_context())
        assert wire.say("NOOP") == "250 2.0.0 Ok"


@starttls
@pytest.mark.parametrize("octets", [0, 1, 5, 100])
@pytest.mark.parametrize(("how", "end"), [("disconnect", "FIN"), ("reset", "RST")])
def test_cut_in_the_handshake(
    smtp_server: SMTPServer, how: str, end: str, octets: int
) -> None:
    """So many octets of our side of the handshake leave, and no more."""
    getattr(smtp_server.on("HANDSHAKE"), how)(after=octets)
    with before_starttls(smtp_server) as wire:
        wire.say("STARTTLS")
        wire.send(client_hello(smtp_server))
        received, ended = to_the_end(wire)
        assert (len(received), ended) == (octets, end)
        # RFC 8446 §5.1: a record of the handshake, in the version that TLS 1.3 shows.
        assert b"\x16\x03\x03".startswith(received[:3])
    (session,) = smtp_server.sessions
    assert session.tls is None
    assert session.closed_by == "server"


@starttls
def test_a_handshake_that_is_not_long_enough_to_be_cut(
    smtp_server: SMTPServer,
) -> None:
    """It goes on as usual."""
    smtp_server.on("HANDSHAKE").disconnect(after=100_000)
    with before_starttls(smtp_server) as wire:
        wire.say("STARTTLS")
        wire.start_tls(smtp_server.client_context())
        assert wire.say("NOOP") == "250 2.0.0 Ok"


@implicit
def test_silence_before_implicit_tls(smtp_server: SMTPServer) -> None:
    """Accepted, and nothing more."""
    reached = Reached()
    smtp_server.on("HANDSHAKE").call(reached).hang()
    with Wire(smtp_server) as wire:
        reached.wait()
        wire.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.start_tls(smtp_server.client_context())
    assert smtp_server.settle()


@implicit
@pytest.mark.parametrize(("how", "end"), [("disconnect", "FIN"), ("reset", "RST")])
def test_implicit_tls_is_cut(smtp_server: SMTPServer, how: str, end: str) -> None:
    """At the first octet of ours."""
    getattr(smtp_server.on("HANDSHAKE"), how)(after=0)
    with Wire(smtp_server) as wire:
        wire.send(client_hello(smtp_server))
        assert to_the_end(wire) == (b"", end)


@implicit
def test_plaintext_where_tls_is_expected(smtp_server: SMTPServer) -> None:
    """A greeting in the clear on the port of submissions (RFC 8314 §3.3)."""
    smtp_server.on("HANDSHAKE").send(b"220 localhost ESMTP\r\n").disconnect()
    with Wire(smtp_server) as wire:
        assert to_the_end(wire) == (b"220 localhost ESMTP\r\n", "FIN")


@starttls
def test_a_delay_before_the_handshake(smtp_server: SMTPServer) -> None:
    """What the client sends meanwhile is part of the handshake, not thrown away."""
    smtp_server.on("STARTTLS").reply(220).delay(0.001)
    smtp_server.on("HANDSHAKE").delay(0.001)
    with before_starttls(smtp_server) as wire:
        wire.say("STARTTLS")
        wire.start_tls(smtp_server.client_context())
        assert wire.say("NOOP") == "250 2.0.0 Ok"
    assert smtp_server.sessions[0].tls is not None


@starttls
def test_refused_after_the_handshake(smtp_server: SMTPServer) -> None:
    """421 where EHLO is expected."""
    smtp_server.on("SECURE").reply(421, "4.7.0 Not with that certificate")
    with before_starttls(smtp_server) as wire:
        wire.say("STARTTLS")
        wire.socket = TLSClient(wire.socket, smtp_server.client_context())  # type: ignore[assignment]  # as far as it goes
        said = b"421 4.7.0 Not with that certificate\r\n"
        assert to_the_end(wire) == (said, "FIN")


@pytest.mark.smtp_server(hide_starttls=True)
def test_starttls_stripped(smtp_server: SMTPServer) -> None:
    """The man in the middle who takes STARTTLS out of the list (RFC 3207 §6)."""
    with Wire(smtp_server) as wire:
        assert not any("STARTTLS" in line for line in wire.hello())
        assert wire.say("STARTTLS").encode() + b"\r\n" == READY


@pytest.mark.smtp_server(advertise=["STARTTLS"])
def test_220_without_tls(smtp_server: SMTPServer) -> None:
    """A rule may promise TLS on a server that has none: the connection ends."""
    smtp_server.on("STARTTLS").reply(220)
    with before_starttls(smtp_server) as wire:
        wire.send(b"STARTTLS\r\n")
        assert to_the_end(wire) == (b"220 2.0.0 Ready\r\n", "FIN")
    assert smtp_server.errors == []


@pytest.mark.smtp_server(
    tls="starttls", tls_versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
)
def test_versions_that_do_not_meet(smtp_server: SMTPServer) -> None:
    """The server speaks 1.2 only, the client 1.3 only (RFC 8446 §4.2.1)."""
    context = smtp_server.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with before_starttls(smtp_server) as wire:
        wire.say("STARTTLS")
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            wire.start_tls(context)
    assert smtp_server.settle()


def client_hello(server: SMTPServer) -> bytes:
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = server.client_context().wrap_bio(
        incoming, outgoing, server_hostname="localhost"
    )
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_the_sockets_are_tcp(smtp_server: SMTPServer) -> None:
    """What these tests call FIN and RST is that of TCP."""
    with Wire(smtp_server) as wire:
        assert wire.socket.family == socket.AF_INET
