"""The same over the wire: what is smuggled stays content, what is injected is dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.protocol.attacks import BEHIND_STARTTLS, NO_END_OF_DATA, SMUGGLED
from tests.server.wire import Wire

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer


def test_smuggled_mail_does_not_arrive(smtp_server: SMTPServer) -> None:
    """One message for each attempt, over one connection."""
    with Wire(smtp_server) as wire:
        wire.hello()
        for ending in NO_END_OF_DATA:
            content = b"before" + ending + SMUGGLED
            wire.send(
                b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"
            )
            assert [wire.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
            wire.send(content + b"\r\n.\r\n")
            assert wire.reply()[:3] == "250"
            message = smtp_server.messages[-1]
            # RFC 5321 §4.5.2: a dot goes that stands behind CRLF alone.
            expected = (content + b"\r\n").replace(b"\r\n.", b"\r\n")
            assert message.content == expected
    assert len(smtp_server.messages) == len(NO_END_OF_DATA)
    assert {str(one.envelope.mail_from) for one in smtp_server.messages} == {
        "a@example.org"
    }


@pytest.mark.parametrize("plaintext", BEHIND_STARTTLS, ids=repr)
@pytest.mark.smtp_server(tls="starttls")
def test_injected_plaintext_is_dropped_and_recorded(
    smtp_server: SMTPServer, plaintext: bytes
) -> None:
    """In one packet with STARTTLS: the client's own handshake and mail go on."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.send(b"STARTTLS\r\n" + plaintext)
        assert wire.reply()[:3] == "220"
        wire.start_tls(smtp_server.client_context())
        assert wire.say("NOOP")[:3] == "250"
        assert wire.say("EHLO client.example.org").startswith("250-")
        assert wire.say("MAIL FROM:<a@example.org>")[:3] == "250"
        wire.say("QUIT")
    (session,) = smtp_server.sessions
    assert session.discarded == plaintext
    assert [one.verb for one in session.commands] == [
        *("EHLO", "STARTTLS", "NOOP", "EHLO", "MAIL", "QUIT")
    ]
    names = {one.name for one in smtp_server.violations}
    assert "data-behind-starttls" in names


@pytest.mark.smtp_server(tls="starttls")
def test_plaintext_after_the_220_breaks_the_handshake(smtp_server: SMTPServer) -> None:
    """It comes where TLS should begin: nothing of it is read as a command."""
    with Wire(smtp_server) as wire:
        wire.hello()
        assert wire.say("STARTTLS")[:3] == "220"
        wire.send(b"MAIL FROM:<evil@example.org>\r\nQUIT\r\n")
        assert b"250" not in wire.rest()
    smtp_server.wait_until_idle()
    (session,) = smtp_server.sessions
    assert [one.verb for one in session.commands] == ["EHLO", "STARTTLS"]
    assert session.tls is None
    assert smtp_server.errors == []
