"""Limits of time and number."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from time import monotonic

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.server.io import loop_channel
from pytest_smtpserver.server.io.clock import Standstill
from pytest_smtpserver.server.session import connection
from tests.server.wire import Wire


@pytest.mark.smtp_server(max_connections=2)
def test_too_many_connections(smtp_server: SMTPServer) -> None:
    """421 in place of the greeting, and the end; a place that is free is given."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(Wire(smtp_server)) for _ in range(2))
        assert first.reply().startswith("220 ")
        assert second.reply().startswith("220 ")
        with Wire(smtp_server) as third:
            assert third.rest().startswith(b"421 ")
        assert first.say("QUIT").startswith("221 ")
        assert first.rest() == b""
        smtp_server.settle()
        with Wire(smtp_server) as fourth:
            assert fourth.reply().startswith("220 ")
    refused = smtp_server.sessions[2]
    assert refused.closed_by == "server"
    assert refused.commands == []


@pytest.mark.smtp_server(idle_timeout=1)
@pytest.mark.parametrize("where", ["at the start", "in a line", "in the data"])
def test_a_client_that_is_silent_for_too_long(
    smtp_server: SMTPServer, where: str
) -> None:
    """421 4.4.2 and the end, wherever it has stopped."""
    with Wire(smtp_server) as wire:
        wire.hello()
        if where == "in a line":
            wire.send(b"NOO")
        elif where == "in the data":
            wire.say("MAIL FROM:<a@example.org>")
            wire.say("RCPT TO:<b@example.org>")
            wire.say("DATA")
            wire.send(b"half")
        assert wire.rest().startswith(b"421 4.4.2 ")
    smtp_server.settle()
    (session,) = smtp_server.sessions
    assert session.closed_by == "server"
    assert "silent for too long" in str(session.transcript)
    assert smtp_server.messages == []


@pytest.fixture
def standstill(monkeypatch: pytest.MonkeyPatch) -> Standstill:
    """The test stands still, as at the prompt of a debugger."""
    standstill = Standstill()
    monkeypatch.setattr(connection, "STANDSTILL", standstill)
    standstill.begin()
    return standstill


def test_who_did_not_stand_still_excuses_nobody() -> None:
    """Each run of pytest ends what a debugger may have begun."""
    standstill = Standstill()
    standstill.end()
    assert not standstill.excuses(60)


@pytest.mark.smtp_server(idle_timeout=0.8)
def test_nobody_is_silent_for_too_long_while_the_test_stands_still(
    smtp_server: SMTPServer, standstill: Standstill
) -> None:
    """And each has its whole time when the test goes on."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.socket.settimeout(1.6)
        with pytest.raises(TimeoutError):
            wire.rest()
    with Wire(smtp_server) as wire:
        wire.hello()
        standstill.end()
        assert wire.say("NOOP").startswith("250 ")
        assert wire.rest().startswith(b"421 4.4.2 ")


@pytest.mark.smtp_server(idle_timeout=0.8)
def test_nobody_is_silent_for_too_long_when_the_process_stood_still(
    smtp_server: SMTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody was heard meanwhile: a debugger has stopped all threads, say."""
    monkeypatch.setattr(loop_channel, "_LATE", 0.2)
    with Wire(smtp_server) as wire:
        wire.hello()
        smtp_server._serving.call(threading.Event().wait, 1.3)
        assert wire.say("NOOP").startswith("250 ")
        assert wire.rest().startswith(b"421 4.4.2 ")


@pytest.mark.smtp_server(greeting_delay=30.0)
def test_an_early_talker_is_caught(smtp_server: SMTPServer) -> None:
    """Who speaks before the greeting does not wait for its time to pass."""
    started = monotonic()
    with Wire(smtp_server, first=b"EHLO c\r\n") as wire:
        assert wire.reply()[:1] in "245"
        assert monotonic() - started < 10
    smtp_server.settle()
    assert len(smtp_server.sessions) == 1


@pytest.mark.smtp_server(greeting_delay=0.05)
def test_a_patient_client_is_greeted(smtp_server: SMTPServer) -> None:
    """After the delay, and no sooner."""
    started = monotonic()
    with Wire(smtp_server) as wire:
        assert wire.reply().startswith("220 ")
        assert monotonic() - started >= 0.045


@pytest.mark.smtp_server(max_recipients=2)
def test_too_many_recipients(smtp_server: SMTPServer) -> None:
    """452 4.5.3 (RFC 5321 §4.5.3.1.10); those before it get the mail."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("MAIL FROM:<a@example.org>")
        replies = [wire.say(f"RCPT TO:<{n}@example.org>")[:9] for n in range(3)]
        assert replies == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
        assert wire.say("DATA").startswith("354 ")
        wire.send(b".\r\n")
        assert wire.reply().startswith("250 ")
    assert smtp_server.messages[0].envelope.rcpt_to == [
        "0@example.org",
        "1@example.org",
    ]


@pytest.mark.smtp_server(max_messages=1)
def test_too_many_messages(smtp_server: SMTPServer) -> None:
    """421 4.7.0 for the next transaction of the connection, and the end of it."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.deliver()
        assert wire.say("MAIL FROM:<a@example.org>").startswith("421 4.7.0")
        assert wire.rest() == b""
    with Wire(smtp_server) as wire:
        assert wire.deliver_after_hello().startswith("250 ")
    assert len(smtp_server.messages) == 2


@pytest.mark.smtp_server(max_message_size=100)
def test_a_message_that_is_too_big(smtp_server: SMTPServer) -> None:
    """552 5.3.4 at MAIL for a declared size, at the end of the data for a real one."""
    with Wire(smtp_server) as wire:
        assert "250-SIZE 100" in wire.hello()
        assert wire.say("MAIL FROM:<a@example.org> SIZE=101").startswith("552 5.3.4")
        assert wire.deliver(b"x" * 101 + b"\r\n").startswith("552 5.3.4")
        assert wire.deliver(b"x" * 98 + b"\r\n").startswith("250 ")
    assert [len(message.content) for message in smtp_server.messages] == [100]
    (undelivered,) = smtp_server.sessions[0].undelivered
    assert undelivered.reply is not None
    assert undelivered.reply.code == 552


@pytest.mark.smtp_server(max_message_size=100, enforce_message_size=False)
def test_a_size_that_is_not_enforced(smtp_server: SMTPServer) -> None:
    """Advertised; and the message says that it is too big."""
    with Wire(smtp_server) as wire:
        assert "250-SIZE 100" in wire.hello()
        assert wire.deliver(b"x" * 101 + b"\r\n").startswith("250 ")
        assert wire.deliver(b"x\r\n").startswith("250 ")
    assert [m.size_exceeded for m in smtp_server.messages] == [True, False]


@pytest.mark.smtp_server(max_command_length=512)
def test_a_line_that_is_too_long(smtp_server: SMTPServer) -> None:
    """500 and the end."""
    with Wire(smtp_server) as wire:
        wire.hello()
        assert wire.say("NOOP " + "x" * 505).startswith("250 ")
        assert wire.say("NOOP " + "x" * 506).startswith("500 ")
        assert wire.rest() == b""


def test_many_connections_at_once(smtp_server: SMTPServer) -> None:
    """More than the queue of the listener and than are let in at once."""
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(smtp_server)) for _ in range(200)]
        for wire in wires:
            assert wire.deliver_after_hello().startswith("250 ")
    assert len(smtp_server.messages) == 200


def test_a_port_that_others_listen_on() -> None:
    """A listener of somebody else's is in the way, and stays as it was."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"option port: {port} on 127.0.0.1 is taken"):
            SMTPServer(port=port).start()
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
