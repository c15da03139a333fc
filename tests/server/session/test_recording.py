"""What is kept of a session, exactly as it was."""

from __future__ import annotations

import logging
import re
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import ReceivedMessage, SMTPServer
from tests.server.tools import CONTENT, Raw, send
from tests.server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no header\r\n",
        b"Subject: x\r\n\r\nbare \n line feed\r\n",
        b"Subject: x\r\n\r\nbare \r return\r\n",
        b"Subject: x\r\n\r\nsmuggled\n.\r\nMAIL FROM:<x@example.org>\r\n",
        b"Subject: x\r\n\r\nsmuggled\n.\nMAIL FROM:<x@example.org>\r\n",
        b"Subject: x\r\n\r\nsmuggled\r.\rMAIL FROM:<x@example.org>\r\n",
        b"\x00\xff\xfe\x80 octets\r\n",
        bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n",
        b"\r\n\r\n\r\n",
        b"x" * 100_000 + b"\r\n",
    ],
    ids=range(11),
)
def test_content_is_kept_octet_for_octet(
    smtp_server: SMTPServer, content: bytes
) -> None:
    """CRLF.CRLF alone ends it (RFC 5321 §4.1.1.4); nothing is added or repaired."""
    with Wire(smtp_server) as wire:
        wire.hello()
        assert wire.deliver(content).startswith("250 ")
        assert wire.say("NOOP").startswith("250 ")
    (message,) = smtp_server.messages
    assert message.content == content


def test_dots_are_unstuffed(smtp_server: SMTPServer) -> None:
    """RFC 5321 §4.5.2: a leading dot of a line with more than that is taken away."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.deliver(b"..\r\n...\r\n.x\r\nx.\r\n")
    assert smtp_server.messages[0].content == b".\r\n..\r\nx\r\nx.\r\n"


def test_a_session_that_delivered_nothing(smtp_server: SMTPServer) -> None:
    """It is a session all the same, with all that it said."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("NOOP  two  spaces")
        wire.say("quit")
    smtp_server.settle()
    (session,) = smtp_server.sessions
    assert [str(one) for one in session.commands] == [
        "EHLO client.example.org",
        "NOOP  two  spaces",
        "quit",
    ]
    assert session.helo == "client.example.org"
    assert session.closed_by == "client"
    assert session.quit_sent
    assert (session.envelope, session.messages, session.undelivered) == (None, [], [])
    assert session.transaction_count == 0
    assert session.local_address == smtp_server.address


def test_a_session_that_said_nothing(smtp_server: SMTPServer) -> None:
    """Not even EHLO."""
    with Wire(smtp_server) as wire:
        wire.reply()
    smtp_server.settle()
    (session,) = smtp_server.sessions
    assert (session.helo, session.commands, session.closed_by) == (None, [], "client")
    assert not session.is_open


def test_refused_recipients(smtp_server: SMTPServer) -> None:
    """They are in `rejected`, with the reply that each got."""
    smtp_server.on("RCPT", "bob@example.org").reply(550, "5.1.1 No such user")
    send(smtp_server, "ada@example.org", "bob@example.org")
    (message,) = smtp_server.messages
    assert message.envelope.rcpt_to == ["ada@example.org"]
    (rejected,) = message.envelope.rejected
    assert rejected == "bob@example.org"
    assert str(rejected.reply) == "550 5.1.1 No such user"
    assert str(message.envelope.rcpt_to[0].reply).startswith("250 ")
    last = message.session.last_error
    assert last is not None
    assert last.code == 550


def _close(connected: socket.socket) -> None:
    connected.close()


def _reset(connected: socket.socket) -> None:
    linger = struct.pack("ii", 1, 0)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connected.close()


@pytest.mark.parametrize("leave", [_close, _reset])
def test_broken_off_in_the_data(
    smtp_server: SMTPServer, leave: Callable[[socket.socket], None]
) -> None:
    """No message; what came of it is in the record."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("MAIL FROM:<a@example.org>")
        wire.say("RCPT TO:<b@example.org>")
        wire.say("DATA")
        wire.send(b"Subject: half\r\n")
        leave(wire.socket)
        smtp_server.wait_until_idle()
    assert smtp_server.messages == []
    (session,) = smtp_server.sessions
    (undelivered,) = session.undelivered
    assert undelivered.envelope.mail_from == "a@example.org"
    # A reset may overtake the bytes in front of it.
    assert b"Subject: half\r\n".startswith(undelivered.content)
    assert undelivered.reply is None
    assert "the connection ended first" in undelivered.reason
    assert session.closed_by == "client"
    assert smtp_server.errors == []


def test_transactions_are_counted(smtp_server: SMTPServer) -> None:
    """One for each MAIL that was accepted; a refused one is none."""
    smtp_server.on("MAIL", "bad@example.org").reply(550)
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.deliver()
        wire.say("MAIL FROM:<bad@example.org>")
        wire.say("MAIL FROM:<given-up@example.org>")
        wire.say("RSET")
        wire.deliver()
    (session,) = smtp_server.sessions
    assert session.transaction_count == 3
    assert session.reused
    assert len(session.messages) == 2
    (given_up,) = session.undelivered
    assert given_up.envelope.mail_from == "given-up@example.org"
    assert given_up.reason == "the client gave it up with RSET"


def test_the_parameters_as_they_were_sent(smtp_server: SMTPServer) -> None:
    """Keywords in upper case, values as they came, and the views of them."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("MAIL FROM:<a@example.org> size=5 Body=8bitmime RET=HDRS ENVID=a+2Bb")
        wire.say("RCPT TO:<b@example.org> NOTIFY=success,FAILURE")
    envelope = smtp_server.sessions[0].envelope
    assert envelope is not None
    assert envelope.mail_from.parameters == {
        "SIZE": "5",
        "BODY": "8bitmime",
        "RET": "HDRS",
        "ENVID": "a+2Bb",
    }
    assert envelope.body == "8BITMIME"
    assert (envelope.declared_size, envelope.ret, envelope.envid) == (5, "HDRS", "a+b")
    assert envelope.rcpt_to[0].notify == ["SUCCESS", "FAILURE"]


@pytest.mark.smtp_server(users={"ada": "lovelace"})
@pytest.mark.parametrize(
    ("lines", "username", "password"),
    [
        (["AUTH PLAIN AGFkYQB3cm9uZw=="], "ada", "wrong"),
        (["AUTH PLAIN", "AGFkYQB3cm9uZw=="], "ada", "wrong"),
        (["AUTH LOGIN", "YWRh", "d3Jvbmc="], "ada", "wrong"),
        (["AUTH LOGIN YWRh", "d3Jvbmc="], "ada", "wrong"),
        (["AUTH LOGIN", "*"], None, None),
    ],
)
def test_failed_attempts_to_log_in(
    smtp_server: SMTPServer,
    lines: list[str],
    username: str | None,
    password: str | None,
) -> None:
    """What was tried is in `auth_attempts`; in the transcript it is masked."""
    with Raw(smtp_server) as client:
        client.say("EHLO c")
        *_, last = [client.say(line) for line in lines]
        assert last.startswith("501 " if lines[-1] == "*" else "535 5.7.8")
    (session,) = smtp_server.sessions
    (attempt,) = session.auth_attempts
    assert attempt.mechanism == lines[0].split()[1]
    assert (attempt.username, attempt.password) == (username, password)
    assert not attempt.succeeded
    assert session.user is None
    for secret in ("AGFkYQB3cm9uZw==", "d3Jvbmc=", "wrong"):
        assert secret not in str(session.transcript)


def test_the_transcript_is_the_dialogue(smtp_server: SMTPServer) -> None:
    """`C:` and `S:`, as RFC 5321 prints one, with time offsets in front."""
    with Wire(smtp_server) as wire:
        assert wire.reply() == "220 localhost ESMTP"
        wire.say("HELO client.example.org")
        wire.deliver(b"Subject: x\r\n\r\n..\r\n")
        wire.say("QUIT")
    smtp_server.settle()
    lines = str(smtp_server.sessions[0].transcript).split("\n")
    offsets = [line[:8] for line in lines if line[:8].strip()]
    assert all(re.fullmatch(r" *\+\d+\.\d{3}", offset) for offset in offsets)
    said = [line[9:] for line in lines]
    assert said[:4] == [
        "S: 220 localhost ESMTP",
        "C: HELO client.example.org",
        "S: 250 localhost",
        "C: MAIL FROM:<a@example.org>",
    ]
    assert said[said.index("C: Subject: x") :][:4] == [
        "C: Subject: x",
        "C: ",
        "C: .",
        "C: .",
    ]
    assert said[-2].startswith("S: 221 ")


def _levels(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "pytest_smtpserver" and record.levelno == level
    ]


def test_info_logs_a_line_for_each_session_and_message(
    smtp_server: SMTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And no dialogue."""
    caplog.set_level(logging.INFO, "pytest_smtpserver")
    send(smtp_server)
    smtp_server.settle()
    session = smtp_server.sessions[0]
    assert _levels(caplog, logging.DEBUG) == []
    message, end = _levels(caplog, logging.INFO)
    assert message == (
        f"message from ada@example.org to bob@example.org, {len(CONTENT)} octets"
    )
    assert end.startswith(f"session {session.id} from 127.0.0.1: ")
    assert end.endswith("1 messages, closed by the client")


@pytest.mark.smtp_server(users={"ada": "lovelace"})
def test_debug_logs_the_dialogue(
    smtp_server: SMTPServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Line by line, with the session in front and secrets masked."""
    caplog.set_level(logging.DEBUG, "pytest_smtpserver")
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==")
        wire.say("QUIT")
    smtp_server.settle()
    (session,) = smtp_server.sessions
    logged = _levels(caplog, logging.DEBUG)
    assert logged == [
        f"session {session.id} {line}" for line in session.transcript.lines()
    ]
    assert "C: AUTH PLAIN ********" in "\n".join(logged)


def test_without_a_logger_nothing_is_logged(
    smtp_server_factory: Callable[..., SMTPServer], caplog: pytest.LogCaptureFixture
) -> None:
    """`logger=None` is silence."""
    caplog.set_level(logging.DEBUG)
    send(smtp_server_factory(logger=None))
    assert _levels(caplog, logging.DEBUG) == _levels(caplog, logging.INFO) == []


def test_messages_are_of_their_session(smtp_server: SMTPServer) -> None:
    """From each there is a way to the other."""
    send(smtp_server)
    (message,) = smtp_server.messages
    assert isinstance(message, ReceivedMessage)
    assert message.session is smtp_server.sessions[0]
    assert message.session.messages == [message]


@pytest.mark.parametrize("end", [b"\n.\r\n", b"\r\n.\n", b"\n.\n", b"\r.\r"])
def test_content_whose_end_never_came(smtp_server: SMTPServer, end: bytes) -> None:
    """It is in the transcript, with what is wrong with its end (RFC 5321 §4.1.1.4)."""
    with Wire(smtp_server) as wire:
        wire.hello()
        for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"):
            wire.say(line)
        wire.send(b"Subject: half\r\n\r\nx" + end)
    smtp_server.settle()
    (session,) = smtp_server.sessions
    text = str(session.transcript)
    assert "C: Subject: half" in text
    assert "what it ends with is none: only CRLF.CRLF is (RFC 5321 §4.1.1.4)" in text
    names = {violation.name for violation in smtp_server.violations}
    assert names - {"no-quit"} <= {"bare-lf", "bare-cr"}
    assert ("bare-lf" in names) == (b"\r" not in end or end in (b"\n.\r\n", b"\r\n.\n"))
    assert "no-quit" in names


def test_half_a_message_is_shown(smtp_server: SMTPServer) -> None:
    """As far as it came; what may still have come is not missed."""
    with Wire(smtp_server) as wire:
        wire.hello()
        for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"):
            wire.say(line)
        wire.send(b"Subject: half\r\n\r\nno more")
    smtp_server.settle()
    lines = smtp_server.sessions[0].transcript.lines()
    assert lines[-3].endswith("C: no more[no CRLF]")
    assert lines[-2].endswith("-- the end of the data has not come (RFC 5321 §4.1.1.4)")
    assert [violation.name for violation in smtp_server.violations] == ["no-quit"]
