"""What the client tests have in common: the mail they send, and what must arrive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .tools import Mail, Target

if TYPE_CHECKING:
    from pytest_smtpserver import ReceivedMessage, SMTPServer

SENDER = "ada@example.org"
RECIPIENT = "bob@example.org"
#: With dots that have to be stuffed, an empty line at the end, and a long line.
CONTENT = (
    b"From: Ada <ada@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Hall=C3=B6?="
    b"\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n"
    b".\r\n..\r\n.dot\r\nlong " + b"x" * 900 + b"\r\n\r\nend\r\n"
)


def mail(*recipients: str, content: bytes = CONTENT, sender: str = SENDER) -> Mail:
    """The usual mail."""
    return Mail(sender, recipients or (RECIPIENT,), content)


def target(server: SMTPServer, **more: Path) -> Target:
    """Where a client finds the server, and what it trusts."""
    tls = {"smtps": "implicit"}.get(server.url.partition(":")[0])
    if tls is None and any("STARTTLS" in one for one in _tls_modes(server)):
        tls = "starttls"
    return Target(
        server.host,
        server.port,
        tls=tls,  # type: ignore[arg-type]  # one of the two words
        ca_file=Path(server.ca_file) if tls else None,
        lmtp=server.url.startswith("lmtp:"),
        **more,
    )


def _tls_modes(server: SMTPServer) -> list[str]:
    return ["STARTTLS"] if server.env.get("SSL_CERT_FILE") else []


def arrived(server: SMTPServer) -> ReceivedMessage:
    """The one message that arrived, with the usual envelope."""
    server.wait_until_idle()
    (message,) = server.messages
    assert message.envelope.mail_from == SENDER
    assert message.envelope.rcpt_to == [RECIPIENT]
    return message
