"""smtplib of the standard library delivers, and the record equals what it was given."""

from __future__ import annotations

import smtplib
import ssl
import sys
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    ASCII_CONTENT,
    BOB,
    CONTENT,
    MAIL,
    SENDER,
    USER,
    USERS,
    assert_recorded,
    attempts,
    lines,
    only_message,
    only_session,
    verbs,
    with_subject,
)
from .tools import EHLO_NAME, Mail

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import SMTPServer

PASSWORD = "lovelace 1815"  # smtplib knows ASCII only


def connect(server: SMTPServer) -> smtplib.SMTP:
    return smtplib.SMTP(*server.address, local_hostname=EHLO_NAME, timeout=10)


def send(client: smtplib.SMTP, mail: Mail = MAIL, **options: list[str]) -> object:
    return client.sendmail(mail.sender, mail.recipients, mail.content, **options)


def test_plain(smtp_server: SMTPServer) -> None:
    """8-bit content with lines of dots arrives octet for octet, without a wait."""
    with connect(smtp_server) as client:
        send(client, mail_options=["BODY=8BITMIME"])
        message = assert_recorded(smtp_server)
    assert message.envelope.body == "8BITMIME"
    # smtplib declares the size where the server offers SIZE.
    assert message.envelope.declared_size == len(CONTENT)
    assert message.envelope.mail_from.parameter_list == (
        ("size", str(len(CONTENT))),
        ("BODY", "8BITMIME"),
    )


def test_commands_as_smtplib_spells_them(smtp_server: SMTPServer) -> None:
    """Verbs are in the record in lower case, as they came."""
    with connect(smtp_server) as client:
        send(client)
    session = only_session(smtp_server)
    said = [
        f"ehlo {EHLO_NAME}",
        f"mail FROM:<{SENDER}> size={len(CONTENT)}",
        f"rcpt TO:<{ADA}>",
        f"rcpt TO:<{BOB}>",
        "data",
        "QUIT",
    ]
    if sys.version_info >= (3, 13):
        said = [line.replace("FROM:", "from:").replace("TO:", "to:") for line in said]
    assert lines(session) == said
    assert all(command.line_end == "\r\n" for command in session.commands)


@pytest.mark.smtp_server(tls="starttls", require_tls=True)
def test_starttls(smtp_server: SMTPServer) -> None:
    """starttls(context=…) with verification on, and a second EHLO."""
    with connect(smtp_server) as client:
        client.starttls(context=smtp_server.client_context())
        send(client)
    session = assert_recorded(smtp_server).session
    assert verbs(session)[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert session.tls is not None
    assert session.transmission_type == "ESMTPS"


@pytest.mark.smtp_server(tls="implicit")
def test_smtp_ssl(smtp_server: SMTPServer) -> None:
    """SMTP_SSL with verification on."""
    context = smtp_server.client_context()
    with smtplib.SMTP_SSL(
        *smtp_server.address, local_hostname=EHLO_NAME, context=context, timeout=10
    ) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        version = client.sock.version()
        send(client)
    session = assert_recorded(smtp_server).session
    assert session.tls is not None
    assert session.tls.version == version
    assert "STARTTLS" not in verbs(session)


@pytest.mark.smtp_server(tls="starttls", certificate="wrong_host")
def test_a_certificate_for_another_host(smtp_server: SMTPServer) -> None:
    """The context that the server gives out checks the name."""
    with connect(smtp_server) as client:
        with pytest.raises(ssl.SSLCertVerificationError):
            client.starttls(context=smtp_server.client_context())
        client.close()
    smtp_server.assert_no_messages()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("early", [True, False])
def test_auth_by_each_mechanism(
    smtp_server_factory: type[SMTPServer], mechanism: str, early: bool
) -> None:
    """login() by the only mechanism on offer, with and without initial response."""
    server = smtp_server_factory(
        users={USER: PASSWORD}, auth_mechanisms=[mechanism], auth_required=True
    )
    with connect(server) as client:
        assert client.login(USER, PASSWORD, initial_response_ok=early)[0] == 235
        send(client)
    session = assert_recorded(server).session
    password = None if mechanism == "CRAM-MD5" else PASSWORD
    assert attempts(session) == [(mechanism, USER, password, True)]
    assert session.user == USER
    (auth,) = lines(session, "AUTH")
    has_initial = early and mechanism != "CRAM-MD5"
    assert len(auth.split(" ")) == (3 if has_initial else 2)


@pytest.mark.smtp_server(
    users={USER: PASSWORD}, auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5"]
)
def test_login_tries_all_mechanisms(smtp_server: SMTPServer) -> None:
    """With a wrong password smtplib goes through them all: each is an attempt."""
    with (
        connect(smtp_server) as client,
        pytest.raises(smtplib.SMTPAuthenticationError) as caught,
    ):
        client.login(USER, "babbage")
    assert caught.value.smtp_code == 535
    assert attempts(only_session(smtp_server)) == [
        ("CRAM-MD5", USER, None, False),
        ("PLAIN", USER, "babbage", False),
        ("LOGIN", USER, "babbage", False),
    ]
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(tls="starttls", users={USER: PASSWORD}, auth_required=True)
def test_login_after_starttls(smtp_server: SMTPServer) -> None:
    """Before TLS there is no AUTH, after it there is."""
    with connect(smtp_server) as client:
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.login(USER, PASSWORD)
        client.starttls(context=smtp_server.client_context())
        client.login(USER, PASSWORD)
        send(client)
    session = assert_recorded(smtp_server).session
    assert attempts(session) == [("PLAIN", USER, PASSWORD, True)]
    assert session.transmission_type == "ESMTPSA"


@pytest.mark.smtp_server(users=USERS, auth_required=True)
def test_mail_before_auth(smtp_server: SMTPServer) -> None:
    """530 5.7.0 reaches the caller as SMTPSenderRefused (RFC 4954 §6)."""
    with (
        connect(smtp_server) as client,
        pytest.raises(smtplib.SMTPSenderRefused) as caught,
    ):
        send(client)
    assert caught.value.smtp_code == 530
    assert isinstance(caught.value.smtp_error, bytes)
    assert caught.value.smtp_error.startswith(b"5.7.0 ")
    assert only_session(smtp_server).auth_attempts == []


def test_smtputf8(smtp_server: SMTPServer) -> None:
    """send_message with addresses beyond ASCII: SMTPUTF8, and UTF-8 in the header."""
    letter = EmailMessage()
    letter["From"] = "Zoë <zoë@exämple.org>"
    letter["To"] = "用户@例子.example.org"
    letter["Subject"] = "Größe"
    letter.set_content("naïve\n")
    with connect(smtp_server) as client:
        client.send_message(letter)
    message = only_message(smtp_server)
    assert message.envelope.mail_from == "zoë@exämple.org"
    assert message.envelope.mail_from.local_part == "zoë"
    assert message.envelope.rcpt_to == ["用户@例子.example.org"]
    assert message.envelope.smtputf8
    assert message.envelope.body == "8BITMIME"
    # smtplib's own way: a generator with the policy of SMTPUTF8.
    assert "Subject: Größe\r\n".encode() in message.content
    assert message.subject == "Größe"
    assert message.from_ == "zoë@exämple.org"


@pytest.mark.smtp_server(extensions=["8BITMIME", "SIZE"])
def test_no_smtputf8(smtp_server: SMTPServer) -> None:
    """Where the extension does not exist, smtplib says so itself."""
    letter = EmailMessage()
    letter["From"], letter["To"] = SENDER, "zoë@example.org"
    with (
        connect(smtp_server) as client,
        pytest.raises(smtplib.SMTPNotSupportedError),
    ):
        client.send_message(letter)
    assert verbs(only_session(smtp_server)) == ["EHLO", "QUIT"]


def test_several_mails_on_one_connection(smtp_server: SMTPServer) -> None:
    """Each is whole, in order, with an envelope of its own."""
    mails = [
        with_subject("first", ADA),
        with_subject("second", BOB),
        with_subject("third", ADA, BOB),
    ]
    with connect(smtp_server) as client:
        for mail in mails:
            send(client, mail)
        client.rset()
    session = only_session(smtp_server)
    assert session.transaction_count == 3
    assert session.reused
    assert [one.content for one in session.messages] == [one.content for one in mails]
    assert [one.envelope.rcpt_to for one in smtp_server.messages] == [
        list(mail.recipients) for mail in mails
    ]


def test_helo(smtp_server: SMTPServer) -> None:
    """A client that does not speak ESMTP delivers too."""
    with connect(smtp_server) as client:
        assert client.helo(EHLO_NAME)[0] == 250
        client.sendmail(SENDER, [ADA], ASCII_CONTENT)
    message = assert_recorded(smtp_server, Mail(SENDER, (ADA,), ASCII_CONTENT))
    assert message.envelope.mail_from.parameters == {}
    assert message.session.opening_command == "HELO"
    assert message.session.transmission_type == "SMTP"


def test_null_reverse_path(smtp_server: SMTPServer) -> None:
    """A bounce has the reverse-path <>, which is the empty string here."""
    with connect(smtp_server) as client:
        client.sendmail("", [ADA], CONTENT)
    assert only_message(smtp_server).envelope.mail_from == ""
    assert (
        lines(only_session(smtp_server), "MAIL")[0].lower().startswith("mail from:<> ")
    )


def test_one_recipient_refused(smtp_server: SMTPServer) -> None:
    """sendmail returns the refused one, and the other gets the mail."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    with connect(smtp_server) as client:
        assert send(client) == {BOB: (550, b"5.1.1 No such user")}
    envelope = only_message(smtp_server).envelope
    assert envelope.rcpt_to == [ADA]
    assert envelope.rejected == [BOB]
    assert envelope.rejected[0].reply is not None
    assert envelope.rejected[0].reply.code == 550


def test_all_recipients_refused(smtp_server: SMTPServer) -> None:
    """SMTPRecipientsRefused has the reply to each; there is no message."""
    smtp_server.on("RCPT", ADA).reply(450, "4.2.1 Mailbox busy")
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user", "Try again", "never")
    with (
        connect(smtp_server) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as caught,
    ):
        send(client)
    assert caught.value.recipients == {
        ADA: (450, b"4.2.1 Mailbox busy"),
        # The enhanced code stands on every line (RFC 2034 §4).
        BOB: (550, b"5.1.1 No such user\n5.1.1 Try again\n5.1.1 never"),
    }
    smtp_server.assert_no_messages()
    (undelivered,) = only_session(smtp_server).undelivered
    assert undelivered.envelope.rejected == [ADA, BOB]


Scripted = tuple[str, int, type[smtplib.SMTPResponseException]]


@pytest.mark.parametrize(
    "scripted",
    [
        ("MAIL", 550, smtplib.SMTPSenderRefused),
        ("DATA", 451, smtplib.SMTPDataError),
        ("MESSAGE", 554, smtplib.SMTPDataError),
    ],
    ids=lambda scripted: scripted[0],
)
def test_other_refusals(smtp_server: SMTPServer, scripted: Scripted) -> None:
    """A reply of the script's reaches the caller; the next mail is whole."""
    event, code, error = scripted
    smtp_server.on(event).reply(code, "scripted").once()
    with connect(smtp_server) as client:
        with pytest.raises(error) as caught:
            send(client)
        assert caught.value.smtp_code == code
        assert caught.value.smtp_error == b"scripted"
        # After a refused DATA the transaction goes on: smtplib leaves it to us.
        client.rset()
        send(client)
    assert_recorded(smtp_server)


def test_a_refused_connection(smtp_server: SMTPServer) -> None:
    """554 in place of the greeting is SMTPConnectError (RFC 5321 §3.1)."""
    smtp_server.on("CONNECT").reply(554, "No service here")
    with pytest.raises(smtplib.SMTPConnectError) as caught:
        connect(smtp_server)
    assert caught.value.smtp_code == 554


def test_a_connection_that_breaks(smtp_server: SMTPServer) -> None:
    """A disconnect after DATA is SMTPServerDisconnected."""
    smtp_server.on("DATA").disconnect()
    client = connect(smtp_server)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(client)
    assert only_session(smtp_server).closed_by == "server"
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(max_message_size=1000)
def test_a_message_that_is_too_large(smtp_server: SMTPServer) -> None:
    """smtplib declares the size, and is refused at MAIL: 552 5.3.4 (RFC 1870 §6.1)."""
    with (
        connect(smtp_server) as client,
        pytest.raises(smtplib.SMTPSenderRefused) as caught,
    ):
        send(client)
    assert caught.value.smtp_code == 552
    smtp_server.assert_no_messages()


def test_vrfy_expn_help_noop(smtp_server: SMTPServer) -> None:
    """The commands beside mail have their replies (RFC 5321 §4.2.3), and mail goes on."""
    asks: list[tuple[Callable[[smtplib.SMTP], int], int]] = [
        (lambda client: client.vrfy(ADA)[0], 252),
        (lambda client: client.expn("list")[0], 502),
        (lambda client: client.noop()[0], 250),
        (lambda client: client.docmd("HELP")[0], 214),
        (lambda client: client.docmd("XYZZY")[0], 500),
    ]
    with connect(smtp_server) as client:
        client.ehlo()
        assert [ask(client) for ask, _ in asks] == [code for _, code in asks]
        send(client)
    assert_recorded(smtp_server)


@pytest.mark.smtp_server(lmtp=True)
def test_lmtp(smtp_server: SMTPServer) -> None:
    """smtplib.LMTP says LHLO and delivers."""
    with smtplib.LMTP(*smtp_server.address, local_hostname=EHLO_NAME) as client:
        client.sendmail(SENDER, [ADA], CONTENT)
    message = assert_recorded(smtp_server, Mail(SENDER, (ADA,), CONTENT))
    assert message.session.transmission_type == "LMTP"


def test_all_octets(smtp_server: SMTPServer) -> None:
    """Octets of any value but bare CR and LF, which smtplib mends itself."""
    content = b"Subject: x\r\n\r\n" + bytes(
        octet for octet in range(256) if octet not in b"\r\n"
    )
    with connect(smtp_server) as client:
        client.sendmail(SENDER, ADA, content, mail_options=["BODY=8BITMIME"])
    assert only_message(smtp_server).content == content + b"\r\n"


def test_a_lost_250(smtp_server: SMTPServer) -> None:
    """The message is kept, and the client never learns it."""
    smtp_server.on("MESSAGE").store().disconnect()
    with (
        pytest.raises(smtplib.SMTPServerDisconnected),
        connect(smtp_server) as client,
    ):
        send(client)
    assert_recorded(smtp_server)


def test_421_to_ehlo(smtp_server: SMTPServer) -> None:
    """A client that is told to go away goes away."""
    smtp_server.on("EHLO").reply(421)
    with (
        pytest.raises(smtplib.SMTPServerDisconnected),
        connect(smtp_server) as client,
    ):
        send(client)
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(tls="implicit", users={USER: PASSWORD}, auth_required=True)
def test_login_over_implicit_tls(smtp_server: SMTPServer) -> None:
    """The password is in the record, and not in the transcript."""
    with smtplib.SMTP_SSL(
        *smtp_server.address,
        local_hostname=EHLO_NAME,
        context=smtp_server.client_context(),
        timeout=10,
    ) as client:
        client.login(USER, PASSWORD)
        send(client)
    session = assert_recorded(smtp_server).session
    assert attempts(session) == [("PLAIN", USER, PASSWORD, True)]
    assert PASSWORD not in str(session.transcript)
