"""nodemailer delivers, and the record equals what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    BOB,
    MAIL,
    SECRET,
    SENDER,
    TOKEN,
    TOKENS,
    USER,
    USERS,
    assert_recorded,
    attempts,
    only_message,
    only_session,
    target,
    verbs,
    with_subject,
)
from .tools import EHLO_NAME, Login

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from pytest_smtpserver import SMTPServer

    from .nodemailer import Nodemailer


def test_plain(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """A mail as it is, on a connection of its own."""
    (result,) = nodemailer.send(target(smtp_server), MAIL)
    result.check()
    assert result.accepted == [ADA, BOB]
    session = assert_recorded(smtp_server).session
    # nodemailer closes the connection without a QUIT.
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA"]


def test_a_message_of_its_own(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """What nodemailer makes of fields is read back from the record."""
    letter = {
        "from": "Ada <ada@example.org>",
        "to": ["bob@example.org", "Zoë <zoe@example.org>"],
        "bcc": "secret@example.org",
        "subject": "Größe \N{LOVE LETTER}",
        "text": "naïve\n.\n..dots\n",
        "html": '<a href="https://app.example.org/confirm">confirm</a>',
        "attachments": [{"filename": "notes.txt", "content": "first\nsecond\n"}],
    }
    (result,) = nodemailer.send(target(smtp_server), letter)
    result.check()
    message = only_message(smtp_server)
    assert message.message_id == result.message_id
    assert message.subject == letter["subject"]
    assert message.from_ == ADA
    assert message.to == ["bob@example.org", "zoe@example.org"]
    assert message.text.rstrip("\n") == "naïve\n.\n..dots"
    assert message.link("confirm") == "https://app.example.org/confirm"
    assert message.attachments[0].filename == "notes.txt"
    assert message.attachments[0].content == b"first\nsecond\n"
    assert message.envelope.rcpt_to == result.envelope["to"]
    assert "secret@example.org" in message.envelope.rcpt_to
    assert b"secret@example.org" not in message.content


@pytest.mark.parametrize("parallel", [False, True])
def test_pool(smtp_server: SMTPServer, nodemailer: Nodemailer, parallel: bool) -> None:
    """A pool of two connections carries ten mails, each whole."""
    mails = [with_subject(f"number {number}") for number in range(10)]
    pool = {"pool": True, "maxConnections": 2, "maxMessages": 100}
    results = nodemailer.send(
        target(smtp_server), *mails, transport=pool, parallel=parallel
    )
    assert all(result.check().ok for result in results)
    assert {one.content for one in smtp_server.messages} == {
        mail.content for mail in mails
    }
    assert len(smtp_server.sessions) == (2 if parallel else 1)
    assert sum(one.transaction_count for one in smtp_server.sessions) == 10


def test_pool_limit_of_messages(
    smtp_server: SMTPServer, nodemailer: Nodemailer
) -> None:
    """A pool that uses each connection three times needs three for nine mails."""
    mails = [with_subject(f"number {number}") for number in range(9)]
    pool = {"pool": True, "maxConnections": 1, "maxMessages": 3}
    results = nodemailer.send(target(smtp_server), *mails, transport=pool)
    assert all(result.check().ok for result in results)
    assert [one.content for one in smtp_server.messages] == [
        mail.content for mail in mails
    ]
    assert [one.transaction_count for one in smtp_server.sessions] == [3, 3, 3]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(
    smtp_server_factory: type[SMTPServer],
    nodemailer: Nodemailer,
    tls: Literal["starttls", "implicit"],
) -> None:
    """requireTLS and secure, the certificate verified."""
    server = smtp_server_factory(tls=tls, require_tls=True)
    (result,) = nodemailer.send(target(server, tls), MAIL)
    result.check()
    session = assert_recorded(server).session
    assert session.tls is not None
    assert session.transmission_type == "ESMTPS"


@pytest.mark.smtp_server(tls="starttls", certificate="untrusted")
def test_an_untrusted_certificate(
    smtp_server: SMTPServer, nodemailer: Nodemailer
) -> None:
    """nodemailer does verify."""
    (result,) = nodemailer.send(target(smtp_server, "starttls"), MAIL)
    assert result.error["code"] == "ESOCKET"
    assert "certificate" in result.error["message"]
    smtp_server.assert_no_messages()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.smtp_server(
    users=USERS, auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5"], auth_required=True
)
def test_auth(smtp_server: SMTPServer, nodemailer: Nodemailer, mechanism: str) -> None:
    """authMethod chooses the mechanism."""
    login = Login(USER, SECRET, mechanism)
    (result,) = nodemailer.send(target(smtp_server), MAIL, login=login)
    result.check()
    session = assert_recorded(smtp_server).session
    password = None if mechanism == "CRAM-MD5" else SECRET
    assert attempts(session) == [(mechanism, USER, password, True)]


@pytest.mark.smtp_server(tls="implicit", users=USERS, auth_required=True)
def test_verify(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """verify() logs in and leaves; then the mail comes on a second connection."""
    login = Login(USER, SECRET, "LOGIN")
    where = target(smtp_server, "implicit")
    verified, sent = nodemailer.send(where, MAIL, login=login, verify=True)
    assert verified.ok
    assert sent.check().accepted == [ADA, BOB]
    first, second = smtp_server.sessions
    assert attempts(first) == attempts(second) == [("LOGIN", USER, SECRET, True)]
    assert first.transaction_count == 0
    assert [one.content for one in second.messages] == [MAIL.content]
    assert second.transmission_type == "ESMTPSA"


@pytest.mark.smtp_server(
    tls="starttls", users=TOKENS, auth_mechanisms=["XOAUTH2"], auth_required=True
)
def test_xoauth2(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """The access token is recorded, and the mail goes through."""
    login = Login(ADA, TOKEN, "XOAUTH2")
    (result,) = nodemailer.send(target(smtp_server, "starttls"), MAIL, login=login)
    result.check()
    session = assert_recorded(smtp_server).session
    assert attempts(session) == [("XOAUTH2", ADA, TOKEN, True)]
    assert session.user == ADA


@pytest.mark.smtp_server(users=TOKENS, auth_mechanisms=["XOAUTH2"], auth_required=True)
def test_xoauth2_fails(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """The error challenge goes out first; nodemailer answers it and reports 535."""
    login = Login(ADA, "expired", "XOAUTH2")
    (result,) = nodemailer.send(target(smtp_server), MAIL, login=login)
    assert not result.ok
    assert result.error["code"] == "EAUTH"
    assert result.error["responseCode"] == 535
    session = only_session(smtp_server)
    assert ("XOAUTH2", ADA, "expired", False) in attempts(session)
    assert "S: 334 " in str(session.transcript)
    smtp_server.assert_no_messages()


def test_dsn(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """The DSN options of a message are parameters, read into values (RFC 3461)."""
    letter = {
        "from": SENDER,
        "to": [ADA, BOB],
        "subject": "status",
        "text": "status",
        "dsn": {
            "id": "envelope+id=1",
            "return": "headers",
            "notify": ["failure", "delay"],
            "recipient": "original@example.org",
        },
    }
    (result,) = nodemailer.send(target(smtp_server), letter)
    result.check()
    envelope = only_message(smtp_server).envelope
    assert envelope.ret == "HDRS"
    assert envelope.envid == "envelope+id=1"
    for recipient in envelope.rcpt_to:
        assert recipient.notify == ["FAILURE", "DELAY"]
        assert recipient.orcpt == "rfc822;original@example.org"
        assert recipient.orcpt is not None
        assert recipient.orcpt.address == "original@example.org"


@pytest.mark.parametrize("socket", ["port", "unix"])
def test_lmtp(
    smtp_server_factory: type[SMTPServer],
    nodemailer: Nodemailer,
    socket: str,
    tmp_path: Path,
) -> None:
    """The LMTP transport, over a port and over a Unix socket."""
    if socket == "unix":
        server = smtp_server_factory(lmtp=True, path=tmp_path / "lmtp")
    else:
        server = smtp_server_factory(lmtp=True)
    (result,) = nodemailer.send(target(server, lmtp=True), MAIL)
    result.check()
    message = assert_recorded(server)
    assert verbs(message.session)[0] == "LHLO"
    assert message.session.helo == EHLO_NAME


@pytest.mark.smtp_server(lmtp=True)
def test_lmtp_refuses_one_after_the_data(
    smtp_server: SMTPServer, nodemailer: Nodemailer
) -> None:
    """A reply for each recipient after the data (RFC 2033 §4.2)."""
    smtp_server.on("MESSAGE", BOB).reply(552, "5.2.2 Mailbox full")
    (result,) = nodemailer.send(target(smtp_server, lmtp=True), MAIL)
    result.check()
    assert result.accepted == [ADA]
    assert result.rejected == [BOB]
    assert result.rejected_errors[0]["responseCode"] == 552
    assert only_message(smtp_server).content == MAIL.content


def test_refused_recipients(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """One refused is a part of the result; all refused is an error."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    both, none = nodemailer.send(target(smtp_server), MAIL, with_subject("nobody", BOB))
    assert both.check().accepted == [ADA]
    assert both.rejected == [BOB]
    assert none.error["code"] == "EENVELOPE"
    assert none.error["responseCode"] == 550
    assert only_message(smtp_server).envelope.rcpt_to == [ADA]


def test_smtputf8(smtp_server: SMTPServer, nodemailer: Nodemailer) -> None:
    """An address beyond ASCII brings SMTPUTF8, and 8-bit content BODY=8BITMIME."""
    letter = {
        "from": SENDER,
        "to": "zoë@example.org",
        "subject": "Größe",
        "text": "naïve",
    }
    (result,) = nodemailer.send(target(smtp_server), letter)
    result.check()
    envelope = only_message(smtp_server).envelope
    assert envelope.rcpt_to == ["zoë@example.org"]
    assert envelope.smtputf8
