"""What is given to clients, and how the record is compared with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .tools import EHLO_NAME, Login, Mail, Target

if TYPE_CHECKING:
    import trustme

    from pytest_smtpserver import ReceivedMessage, SessionRecord, SMTPServer

SENDER = "noreply@example.org"
ADA = "ada@example.org"
BOB = "bob@example.org"

USER = "ada"
SECRET = "love lace=\N{POUND SIGN}1815"
LOGIN = Login(USER, SECRET)
USERS = {USER: SECRET}
TOKEN = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
TOKENS = {ADA: TOKEN}

# Lines of dots, an empty line at the end, octets beyond ASCII, a line longer than
# RFC 5321 §4.5.3.1.6 has it, and white space at the end of a line.
CONTENT = (
    b"From: noreply@example.org\r\n"
    b"To: ada@example.org\r\n"
    b"Subject: The Analytical Engine\r\n"
    b"Date: Tue, 10 Dec 2024 18:15:00 +0000\r\n"
    b"Message-ID: <1815@example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n"
    b"\r\n"
    b".\r\n"
    b"..\r\n"
    b".hidden\r\n"
    b"trailing space \r\n"
    b"na\xc3\xafve \xf0\x9f\x92\x8c\r\n" + b"long " * 300 + b"\r\n"
    b"\r\n"
)
# The same without what a client may not send as it is, for those that rewrite it.
ASCII_CONTENT = CONTENT.replace(b"na\xc3\xafve \xf0\x9f\x92\x8c", b"naive").replace(
    b"8bit", b"7bit"
)

MAIL = Mail(SENDER, (ADA, BOB), CONTENT)
# Mail systems break or refuse lines longer than RFC 5321 §4.5.3.1.6 has them.
RELAYED = Mail(SENDER, (ADA, BOB), CONTENT.replace(b"long " * 300, b"long " * 199))


def with_subject(subject: str, *recipients: str) -> Mail:
    """One of several mails."""
    content = RELAYED.content.replace(b"The Analytical Engine", subject.encode())
    return Mail(SENDER, recipients or (ADA,), content)


def target(
    server: SMTPServer,
    tls: Literal["starttls", "implicit"] | None = None,
    *,
    lmtp: bool = False,
    certificate: tuple[Path, Path] | None = None,
) -> Target:
    """The server, for a client."""
    cert, key = certificate or (None, None)
    return Target(
        host=server.host,
        port=server.port,
        path=None if server.path is None else Path(server.path),
        tls=tls,
        ca_file=Path(server.ca_file),
        certificate=cert,
        key=key,
        lmtp=lmtp,
    )


def only_message(server: SMTPServer) -> ReceivedMessage:
    """The one message there is."""
    assert len(server.messages) == 1, server.messages
    return server.messages[0]


def only_session(server: SMTPServer) -> SessionRecord:
    """The one session there is."""
    assert len(server.sessions) == 1, server.sessions
    return server.sessions[0]


def lines(session: SessionRecord, *verbs: str) -> list[str]:
    """The command lines as they were sent, of these verbs or all."""
    return [
        str(command)
        for command in session.commands
        if not verbs or command.verb in verbs
    ]


def verbs(session: SessionRecord) -> list[str]:
    """The verbs of the commands, in order."""
    return [command.verb for command in session.commands]


def assert_recorded(
    server: SMTPServer, mail: Mail = MAIL, *, helo: str = EHLO_NAME
) -> ReceivedMessage:
    """One message and one session, and both are what the client was given."""
    message = only_message(server)
    session = only_session(server)
    assert message.content == mail.content
    assert message.envelope.mail_from == mail.sender
    assert message.envelope.rcpt_to == list(mail.recipients)
    assert message.envelope.rejected == []
    assert message.session is session
    assert session.helo == helo
    assert session.messages == [message]
    return message


def attempts(session: SessionRecord) -> list[tuple[str, str | None, str | None, bool]]:
    """Mechanism, user name, password or token, and success, of each attempt."""
    return [
        (one.mechanism, one.username, one.password, one.succeeded)
        for one in session.auth_attempts
    ]


def client_certificate(ca: trustme.CA, folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key, as PEM files, signed by a CA."""
    leaf = ca.issue_cert(name, common_name=name)
    certificate, key = folder / "client.pem", folder / "client.key"
    leaf.cert_chain_pems[0].write_to_path(certificate)
    leaf.private_key_pem.write_to_path(key)
    return certificate, key
