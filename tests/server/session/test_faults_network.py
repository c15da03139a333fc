"""Failures of the network: outages, full queues, silence, and replies out of turn."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import trio

from pytest_smtpserver import SMTPServer
from tests.server.wire import Wire

from .faults import ACCEPTED, BYE, HELO, MAIL, RCPT, Gate, Reached, to_the_end

if TYPE_CHECKING:
    from pathlib import Path


def test_interrupt_between_commands(smtp_server: SMTPServer) -> None:
    """421 comes unasked, to all that are connected, and closes (RFC 5321 §3.8)."""
    with Wire(smtp_server) as one, Wire(smtp_server) as other:
        one.hello()
        other.hello()
        told = smtp_server.interrupt(421, "4.3.2 Going down", "now")
        assert told == list(smtp_server.sessions)
        for wire in (one, other):
            said = b"421-4.3.2 Going down\r\n421 4.3.2 now\r\n"
            assert to_the_end(wire) == (said, "FIN")
    assert [session.closed_by for session in smtp_server.sessions] == ["server"] * 2


def test_interrupt_has_the_usual_text(smtp_server: SMTPServer) -> None:
    """Without a text: RFC 5321 §4.2.3."""
    with Wire(smtp_server) as wire:
        wire.hello()
        smtp_server.interrupt()
        text = b"421 4.3.2 Service not available, closing transmission channel\r\n"
        assert to_the_end(wire) == (text, "FIN")


def test_interrupt_with_something_else(smtp_server: SMTPServer) -> None:
    """Another reply closes nothing: it is the one too many."""
    with Wire(smtp_server) as wire:
        wire.hello()
        smtp_server.interrupt(250, "2.0.0 Unasked")
        wire.send(b"MAIL FROM:<a@example.org>\r\n")
        assert wire.reply() == "250 2.0.0 Unasked"
        assert wire.reply() == "250 2.1.0 Sender ok"
    (session,) = smtp_server.sessions
    assert "250 2.0.0 Unasked    <- the interruption at" in str(session.transcript)


def test_interrupt_in_the_content(smtp_server: SMTPServer) -> None:
    """Also in the middle of the data."""
    with Wire(smtp_server) as wire:
        wire.reply()
        for line in (HELO, MAIL, RCPT, b"DATA\r\n"):
            wire.send(line)
            wire.reply()
        wire.send(b"Subject: half\r\n")
        smtp_server.settle()
        smtp_server.interrupt(421, "4.3.2 Going down")
        assert to_the_end(wire) == (b"421 4.3.2 Going down\r\n", "FIN")
    smtp_server.assert_no_messages()


def test_interrupt_waits_for_an_answer_that_is_being_made(
    smtp_server: SMTPServer,
) -> None:
    """A reply is not torn apart: the one that nobody asked for comes behind it."""
    reached, gate = Reached(), Gate()
    smtp_server.on("NOOP").call(reached).call(gate)
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.send(b"NOOP\r\n")
        reached.wait()
        smtp_server.interrupt(421, "4.3.2 Going down")
        gate.open()
        assert to_the_end(wire) == (
            b"250 2.0.0 Ok\r\n421 4.3.2 Going down\r\n",
            "FIN",
        )


def test_interrupt_nobody(smtp_server: SMTPServer) -> None:
    """Nobody is there to be told."""
    assert smtp_server.interrupt(421) == []


@pytest.mark.parametrize(
    ("code", "text"),
    [(199, None), (600, None), (421, "two\r\nlines"), (421, "5.0.0 other class")],
)
def test_nonsense_to_interrupt_with(
    smtp_server: SMTPServer, code: int, text: str | None
) -> None:
    """As for `reply`."""
    with pytest.raises(ValueError):
        smtp_server.interrupt(code, text)


def test_a_stopped_server_cannot_misbehave() -> None:
    """It has to run for all of this."""
    server = SMTPServer()
    with pytest.raises(RuntimeError, match="does not run"):
        server.interrupt(421)
    with pytest.raises(RuntimeError, match="does not run"), server.outage():
        pass
    with pytest.raises(RuntimeError, match="does not run"), server.full_backlog():
        pass


def test_outage(smtp_server: SMTPServer) -> None:
    """Refused while it lasts; the same port afterwards; what was recorded stays."""
    address = smtp_server.address
    with Wire(smtp_server) as wire:
        wire.deliver_after_hello()
    with smtp_server.outage():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10)
        assert smtp_server.is_running
    assert smtp_server.address == address
    with Wire(smtp_server) as wire:
        wire.deliver_after_hello()
    assert len(smtp_server.messages) == 2


@pytest.mark.parametrize(("fate", "end"), [("close", "FIN"), ("reset", "RST")])
def test_open_connections_in_an_outage(
    smtp_server: SMTPServer, fate: str, end: str
) -> None:
    """They end without a word."""
    with Wire(smtp_server) as wire:
        wire.hello()
        with smtp_server.outage(fate):  # type: ignore[arg-type]  # mypy sees a str
            assert to_the_end(wire) == (b"", end)
            assert smtp_server.sessions[0].closed_by == "server"


def test_open_connections_that_survive_an_outage(smtp_server: SMTPServer) -> None:
    """They are served as ever."""
    with Wire(smtp_server) as wire:
        wire.hello()
        with smtp_server.outage("keep"):
            assert wire.say("NOOP") == "250 2.0.0 Ok"


def test_outages_one_after_the_other(smtp_server: SMTPServer) -> None:
    """As often as one likes."""
    for _ in range(3):
        with (
            smtp_server.outage(),
            pytest.raises(ConnectionRefusedError),
        ):
            socket.create_connection(smtp_server.address, timeout=10)
        with Wire(smtp_server) as wire:
            assert wire.reply().startswith("220 ")


def test_stopped_in_an_outage() -> None:
    """A server that was stopped does not come back."""
    server = SMTPServer().start()
    with server.outage():
        server.stop()
    assert not server.is_running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=10)


def test_no_such_fate(smtp_server: SMTPServer) -> None:
    """The message names what there is."""
    with (
        pytest.raises(ValueError, match="'close', 'reset', 'keep'"),
        smtp_server.outage("drop"),  # type: ignore[arg-type]  # that is the point
    ):
        pass


def test_outage_of_a_unix_socket(tmp_path: Path) -> None:
    """The file is there, and nobody behind it."""
    path = str(tmp_path / "smtp.sock")
    with SMTPServer(path=path) as server:
        with (
            server.outage(),
            socket.socket(socket.AF_UNIX) as client,
            pytest.raises(ConnectionRefusedError),
        ):
            client.connect(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            assert client.recv(4) == b"220 "


def test_full_backlog(smtp_server: SMTPServer) -> None:
    """A connection is not established while the queue is full, and is afterwards."""
    with Wire(smtp_server) as wire:
        wire.hello()
        with smtp_server.full_backlog():
            with pytest.raises(TimeoutError):
                socket.create_connection(smtp_server.address, timeout=0.1)
            assert wire.say("NOOP") == "250 2.0.0 Ok"
    with Wire(smtp_server) as wire:
        assert wire.reply().startswith("220 ")
    assert len(smtp_server.sessions) == 2


def test_stopped_with_a_full_backlog() -> None:
    """What filled the queue goes too."""
    server = SMTPServer().start()
    with server.full_backlog():
        server.stop()
    assert not server.is_running


def test_accept_and_stay_silent(smtp_server: SMTPServer) -> None:
    """Connected, and no greeting."""
    smtp_server.on("CONNECT").hang()
    with Wire(smtp_server) as wire:
        wire.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.reply()


def test_accept_and_close(smtp_server: SMTPServer) -> None:
    """Connected, and FIN."""
    smtp_server.on("CONNECT").disconnect()
    with Wire(smtp_server) as wire:
        assert to_the_end(wire) == (b"", "FIN")


def test_a_greeting_that_never_ends(smtp_server: SMTPServer) -> None:
    """Two lines of many, then silence."""
    smtp_server.on("CONNECT").send(b"220-hi\r\n220-wait\r\n").hang()
    with Wire(smtp_server) as wire:
        assert wire.rest_of(18) == b"220-hi\r\n220-wait\r\n"
        wire.socket.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.reply()


def test_refused_at_connect(smtp_server: SMTPServer) -> None:
    """After 554 everything but QUIT gets 503 (RFC 5321 §3.1)."""
    smtp_server.on("CONNECT").reply(554)
    with Wire(smtp_server) as wire:
        assert wire.reply() == "554 5.7.1 No SMTP service here"
        assert wire.say("EHLO client.example.org").startswith("503 ")
        assert wire.say("QUIT").encode() + b"\r\n" == BYE


def test_a_rule_counts_from_the_next_command(smtp_server: SMTPServer) -> None:
    """Also for clients that are connected already."""
    with Wire(smtp_server) as wire:
        wire.hello()
        assert wire.say("NOOP") == "250 2.0.0 Ok"
        rule = smtp_server.on("NOOP").reply(451, "4.3.0 From now on")
        assert wire.say("NOOP") == "451 4.3.0 From now on"
        smtp_server.rules.clear()
        assert wire.say("NOOP") == "250 2.0.0 Ok"
        assert len(rule.calls) == 1


def test_on_the_loop_of_the_test() -> None:
    """All of it without a background thread."""

    async def main() -> None:
        async with SMTPServer() as server:
            stream = await trio.open_tcp_stream(server.host, server.port)
            assert (await stream.receive_some(100)).startswith(b"220 ")
            server.interrupt(421, "4.3.2 Going down")
            assert await stream.receive_some(100) == b"421 4.3.2 Going down\r\n"
            assert await stream.receive_some(100) == b""
            await stream.aclose()
            with server.outage(), pytest.raises(OSError, match="connect"):
                await trio.open_tcp_stream(server.host, server.port)
            with server.full_backlog(), trio.move_on_after(0.05):
                await trio.open_tcp_stream(server.host, server.port)
            stream = await trio.open_tcp_stream(server.host, server.port)
            assert (await stream.receive_some(100)).startswith(b"220 ")
            await stream.send_all(HELO + MAIL + RCPT + b"DATA\r\n")
            await stream.send_all(b"Hi\r\n.\r\nQUIT\r\n")
            replies = b""
            while piece := await stream.receive_some(1000):
                replies += piece
            assert replies.endswith(ACCEPTED + BYE)
            await stream.aclose()

    trio.run(main)


@pytest.mark.parametrize("outer", ["outage", "full_backlog"])
@pytest.mark.parametrize("inner", ["outage", "full_backlog"])
def test_out_of_service_only_once(
    smtp_server: SMTPServer, outer: str, inner: str
) -> None:
    """The inner block is refused, and the outer one goes on."""
    with getattr(smtp_server, outer)():
        with (
            pytest.raises(RuntimeError, match="out of service already"),
            getattr(smtp_server, inner)(),
        ):
            pass
        with pytest.raises((ConnectionRefusedError, TimeoutError)):
            socket.create_connection(smtp_server.address, timeout=0.1)
    with getattr(smtp_server, inner)():
        pass
    with Wire(smtp_server) as wire:
        assert wire.reply().startswith("220 ")


def test_a_reply_without_a_text_has_one_line(smtp_server: SMTPServer) -> None:
    """As for `reply`."""
    with pytest.raises(TypeError, match="no further lines"):
        smtp_server.interrupt(421, None, "more")
