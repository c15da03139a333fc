"""smtplib, the client that most Python programs use."""

from __future__ import annotations

import smtplib
import ssl
from typing import TYPE_CHECKING

import pytest

from .sending import CONTENT, RECIPIENT, SENDER, arrived

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

NAME = "client.example.org"
USERS = {"ada": "lovelace"}


def connect(server: SMTPServer) -> smtplib.SMTP:
    """A client in clear text; smtplib would look its own name up without one."""
    return smtplib.SMTP(*server.address, local_hostname=NAME, timeout=10)


def test_plain(smtp_server: SMTPServer) -> None:
    """What is recorded equals what was sent, octet for octet."""
    with connect(smtp_server) as client:
        assert client.sendmail(SENDER, RECIPIENT, CONTENT) == {}
    message = arrived(smtp_server)
    assert message.content == CONTENT
    assert message.envelope.mail_from.parameters == {"SIZE": str(len(CONTENT))}
    (session,) = smtp_server.sessions
    assert session.helo == NAME
    assert [one.verb for one in session.commands] == [
        "EHLO",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    ]
    assert session.commands[1].line == (
        f"mail FROM:<{SENDER}> size={len(CONTENT)}\r\n".encode()
    )
    assert session.closed_by == "client"


@pytest.mark.smtp_server(tls="starttls")
def test_starttls(smtp_server: SMTPServer) -> None:
    """With a context that verifies, for 127.0.0.1 and for the name localhost."""
    with connect(smtp_server) as client:
        client.starttls(context=smtp_server.client_context())
        client.sendmail(SENDER, RECIPIENT, CONTENT)
    assert arrived(smtp_server).content == CONTENT
    (session,) = smtp_server.sessions
    assert session.tls is not None
    assert session.tls.version == "TLSv1.3"
    assert session.transmission_type == "ESMTPS"


@pytest.mark.smtp_server(tls="implicit")
def test_implicit_tls(smtp_server: SMTPServer) -> None:
    """`SMTP_SSL`, verified."""
    with smtplib.SMTP_SSL(
        *smtp_server.address,
        local_hostname=NAME,
        timeout=10,
        context=smtp_server.client_context(),
    ) as client:
        client.sendmail(SENDER, RECIPIENT, CONTENT)
    assert arrived(smtp_server).content == CONTENT


@pytest.mark.smtp_server(tls="starttls", certificate="untrusted")
def test_a_certificate_of_another_ca_is_refused(smtp_server: SMTPServer) -> None:
    """The client's verification is real; its refusal is in the record."""
    with (
        connect(smtp_server) as client,
        pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"),
    ):
        client.starttls(context=smtp_server.client_context())
    smtp_server.settle()
    assert "handshake" in str(smtp_server.sessions[0])


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("tls", ["starttls", "implicit", None])
def test_login(smtp_server_factory, tls, mechanism) -> None:  # type: ignore[no-untyped-def]
    """`login` over STARTTLS, over implicit TLS, and where there is no TLS at all."""
    server: SMTPServer = smtp_server_factory(
        tls=tls, users=USERS, auth_mechanisms=[mechanism], auth_required=True
    )
    context = server.client_context()
    client: smtplib.SMTP
    if tls == "implicit":
        client = smtplib.SMTP_SSL(
            *server.address, local_hostname=NAME, timeout=10, context=context
        )
    else:
        client = connect(server)
    with client:
        if tls == "starttls":
            client.starttls(context=context)
        assert client.login("ada", "lovelace")[0] == 235
        client.sendmail(SENDER, RECIPIENT, CONTENT)
    assert arrived(server).content == CONTENT
    (attempt,) = server.sessions[0].auth_attempts
    assert (attempt.mechanism, attempt.username, attempt.succeeded) == (
        mechanism,
        "ada",
        True,
    )
    assert attempt.password == (None if mechanism == "CRAM-MD5" else "lovelace")
    assert "lovelace" not in str(server.sessions[0])
    assert server.sessions[0].user == "ada"


@pytest.mark.smtp_server(users=USERS)
def test_a_wrong_password(smtp_server: SMTPServer) -> None:
    """535, the attempt recorded."""
    with connect(smtp_server) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login("ada", "wrong")
        assert caught.value.smtp_code == 535
    # smtplib tries each mechanism that it was offered.
    attempts = smtp_server.sessions[0].auth_attempts
    assert [(one.password, one.succeeded) for one in attempts] == [
        ("wrong", False),
        ("wrong", False),
    ]


def test_utf8_addresses(smtp_server: SMTPServer) -> None:
    """RFC 6531: SMTPUTF8 with addresses in UTF-8."""
    with connect(smtp_server) as client:
        client.sendmail(
            "jürgen@exämple.org",
            "ポスト@例え.jp",
            CONTENT,
            mail_options=["SMTPUTF8", "BODY=8BITMIME"],
        )
    (message,) = smtp_server.messages
    assert message.envelope.mail_from == "jürgen@exämple.org"
    assert message.envelope.rcpt_to == ["ポスト@例え.jp"]
    assert message.envelope.smtputf8
    assert message.envelope.body == "8BITMIME"


def test_8_bit_content(smtp_server: SMTPServer) -> None:
    """Octets of any value but bare CR and LF, which smtplib mends itself."""
    content = b"Subject: x\r\n\r\n" + bytes(
        octet for octet in range(256) if octet not in b"\r\n"
    )
    with connect(smtp_server) as client:
        client.sendmail(SENDER, RECIPIENT, content, mail_options=["BODY=8BITMIME"])
    assert smtp_server.messages[0].content == content + b"\r\n"


def test_several_mails_on_one_connection(smtp_server: SMTPServer) -> None:
    """In their order, each with its own envelope."""
    with connect(smtp_server) as client:
        for number in range(5):
            client.sendmail(SENDER, f"{number}@example.org", f"Subject: {number}\r\n")
    assert [message.envelope.rcpt_to for message in smtp_server.messages] == [
        [f"{number}@example.org"] for number in range(5)
    ]
    assert [message.subject for message in smtp_server.messages] == list("01234")
    assert smtp_server.sessions[0].transaction_count == 5
    assert smtp_server.sessions[0].reused


def test_refused_recipients(smtp_server: SMTPServer) -> None:
    """A refused one is told, and recorded; the others get the mail."""
    rule = smtp_server.on("RCPT", "carl@example.org").reply(550, "5.1.1 No such user")
    with connect(smtp_server) as client:
        refused = client.sendmail(SENDER, [RECIPIENT, "carl@example.org"], CONTENT)
        assert refused == {"carl@example.org": (550, b"5.1.1 No such user")}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(SENDER, ["carl@example.org"], CONTENT)
    (message,) = smtp_server.messages
    assert message.envelope.rcpt_to == [RECIPIENT]
    assert message.envelope.rejected == ["carl@example.org"]
    reply = message.envelope.rejected[0].reply
    assert reply is not None
    assert reply.code == 550
    assert len(rule.calls) == 2


@pytest.mark.parametrize(
    ("event", "code", "error"),
    [
        ("CONNECT", 554, smtplib.SMTPConnectError),
        ("EHLO", 421, smtplib.SMTPServerDisconnected),
        ("MAIL", 451, smtplib.SMTPSenderRefused),
        ("RCPT", 452, smtplib.SMTPRecipientsRefused),
        ("DATA", 451, smtplib.SMTPDataError),
        ("MESSAGE", 552, smtplib.SMTPDataError),
    ],
)
def test_each_refusal_is_the_exception_that_smtplib_documents(
    smtp_server: SMTPServer, event: str, code: int, error: type[Exception]
) -> None:
    """A scripted reply at each step."""
    smtp_server.on(event).reply(code)
    with pytest.raises(error), connect(smtp_server) as client:
        client.sendmail(SENDER, RECIPIENT, CONTENT)
    smtp_server.assert_no_messages()


def test_a_lost_250(smtp_server: SMTPServer) -> None:
    """The message is kept, and the client never learns it."""
    smtp_server.on("MESSAGE").store().disconnect()
    with pytest.raises(smtplib.SMTPServerDisconnected), connect(smtp_server) as client:
        client.sendmail(SENDER, RECIPIENT, CONTENT)
    assert arrived(smtp_server).content == CONTENT
