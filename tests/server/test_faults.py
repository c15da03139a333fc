"""Connections that end, or crawl, at the moment that a rule names."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest

from .tools import Raw, send

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer


def in_the_data(server: SMTPServer) -> Raw:
    """A client whose content is due."""
    client = Raw(server)
    for line in ("EHLO c", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>"):
        client.say(line)
    assert client.say("DATA").startswith("354")
    return client


def test_a_disconnect_after_so_many_octets(smtp_server: SMTPServer) -> None:
    """FIN, once they have come over the wire; what came is in the record."""
    smtp_server.on("CONTENT").disconnect(after=10)
    with in_the_data(smtp_server) as client:
        client.send(b"12345678")
        client.send(b"90")
        assert client.at_end()
    smtp_server.settle()
    (session,) = smtp_server.sessions
    assert session.closed_by == "server"
    assert session.undelivered[0].content == b"1234567890"
    smtp_server.assert_no_messages()


def test_a_reset_after_so_many_octets(smtp_server: SMTPServer) -> None:
    """RST; also when the whole message came at once, before it is answered."""
    smtp_server.on("CONTENT").reset(after=3)
    with in_the_data(smtp_server) as client:
        client.send(b"whole\r\n.\r\n")
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)
    smtp_server.assert_no_messages()


def test_a_message_that_is_shorter_arrives(smtp_server: SMTPServer) -> None:
    """The octets never come together, so nothing happens."""
    smtp_server.on("CONTENT").disconnect(after=1000)
    send(smtp_server)
    smtp_server.assert_received(times=1)


@pytest.mark.parametrize("event", ["CONTENT", "EHLO"])
def test_what_is_throttled_is_whole(smtp_server: SMTPServer, event: str) -> None:
    """Reading and writing slowly changes no octet."""
    smtp_server.on(event).throttle(50_000)
    content = b"Subject: x\r\n\r\n" + b"y" * 5000 + b"\r\n"
    send(smtp_server, content=content)
    assert smtp_server.messages[0].content == content


@pytest.mark.smtp_server(tls="starttls")
def test_a_handshake_that_is_cut(smtp_server: SMTPServer) -> None:
    """The client learns it, and the record has it."""
    smtp_server.on("HANDSHAKE").disconnect(after=100)
    with smtplib.SMTP(*smtp_server.address, local_hostname="c", timeout=10) as client:
        with pytest.raises(OSError):
            client.starttls(context=smtp_server.client_context())
        client.close()
    smtp_server.settle()
    (session,) = smtp_server.sessions
    assert session.tls is None
    assert session.closed_by == "server"
