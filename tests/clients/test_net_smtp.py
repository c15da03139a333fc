"""Perl's Net::SMTP delivers, and the record equals what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    BOB,
    MAIL,
    USER,
    assert_recorded,
    attempts,
    only_message,
    only_session,
    target,
    verbs,
    with_subject,
)
from .tools import Login

if TYPE_CHECKING:
    from typing import Literal

    from pytest_smtpserver import SMTPServer

    from .net_smtp import NetSmtp

PASSWORD = "lovelace 1815"
MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5"]


def test_plain(smtp_server: SMTPServer, net_smtp: NetSmtp) -> None:
    """A mail without anything special."""
    steps = net_smtp.send(target(smtp_server), MAIL)
    assert all(step.ok for step in steps), steps
    session = assert_recorded(smtp_server).session
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(
    smtp_server_factory: type[SMTPServer],
    net_smtp: NetSmtp,
    tls: Literal["starttls", "implicit"],
) -> None:
    """starttls() and SSL => 1, the certificate verified."""
    server = smtp_server_factory(tls=tls, require_tls=True)
    steps = net_smtp.send(target(server, tls), MAIL)
    assert all(step.ok for step in steps), steps
    assert assert_recorded(server).session.transmission_type == "ESMTPS"


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.smtp_server(
    users={USER: PASSWORD}, auth_mechanisms=MECHANISMS, auth_required=True
)
def test_auth(smtp_server: SMTPServer, net_smtp: NetSmtp, mechanism: str) -> None:
    """auth() by each mechanism of Authen::SASL."""
    login = Login(USER, PASSWORD, mechanism)
    steps = net_smtp.send(target(smtp_server), MAIL, login=login)
    assert all(step.ok for step in steps), steps
    session = assert_recorded(smtp_server).session
    password = None if mechanism == "CRAM-MD5" else PASSWORD
    assert attempts(session) == [(mechanism, USER, password, True)]


@pytest.mark.smtp_server(users={USER: PASSWORD}, auth_mechanisms=["PLAIN"])
def test_a_wrong_password(smtp_server: SMTPServer, net_smtp: NetSmtp) -> None:
    """auth() is false, with the code 535."""
    login = Login(USER, "babbage", "PLAIN")
    steps = net_smtp.send(target(smtp_server), MAIL, login=login)
    assert (steps[-1].step, steps[-1].ok, steps[-1].code) == ("auth", False, 535)
    assert attempts(only_session(smtp_server)) == [("PLAIN", USER, "babbage", False)]


def test_dsn(smtp_server: SMTPServer, net_smtp: NetSmtp) -> None:
    """Size, Return, Envelope, Notify and ORcpt are parameters (RFC 3461)."""
    steps = net_smtp.send(
        target(smtp_server),
        MAIL,
        mail_options={
            "Size": len(MAIL.content),
            "Return": "HDRS",
            "Envelope": "id+1=2",
            "Bits": "8",
        },
        rcpt_options={
            "Notify": ["FAILURE", "DELAY"],
            "ORcpt": "rfc822;old@example.org",
        },
    )
    assert all(step.ok for step in steps), steps
    envelope = assert_recorded(smtp_server).envelope
    assert envelope.declared_size == len(MAIL.content)
    assert envelope.ret == "HDRS"
    assert envelope.envid == "id+1=2"
    assert envelope.body == "8BITMIME"
    for recipient in envelope.rcpt_to:
        assert recipient.notify == ["FAILURE", "DELAY"]
        assert recipient.orcpt == "rfc822;old@example.org"


def test_several_mails(smtp_server: SMTPServer, net_smtp: NetSmtp) -> None:
    """Three mails on one connection, each whole."""
    mails = [with_subject(f"number {number}") for number in range(3)]
    steps = net_smtp.send(target(smtp_server), *mails)
    assert all(step.ok for step in steps), steps
    session = only_session(smtp_server)
    assert [one.content for one in session.messages] == [one.content for one in mails]


def test_a_refused_recipient(smtp_server: SMTPServer, net_smtp: NetSmtp) -> None:
    """The reply reaches the caller; the other recipient gets the mail."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    steps = net_smtp.send(target(smtp_server), MAIL)
    refused = [step for step in steps if not step.ok]
    assert [(one.step, one.code, one.text.strip()) for one in refused] == [
        ("rcpt", 550, "5.1.1 No such user")
    ]
    assert only_message(smtp_server).envelope.rcpt_to == [ADA]
