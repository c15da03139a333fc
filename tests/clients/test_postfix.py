"""Postfix as the sending mail system, and the record of what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    BOB,
    RELAYED,
    SENDER,
    USER,
    attempts,
    only_message,
    only_session,
    target,
    verbs,
    with_subject,
)
from .tools import EHLO_NAME, Login, Mail

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from pytest_smtpserver import ReceivedMessage, SMTPServer

    from .postfix import Postfix


def assert_relayed(message: ReceivedMessage, mail: Mail = RELAYED) -> None:
    """Postfix puts Received in front; what follows is what sendmail(1) was given."""
    head, _, body = message.content.partition(b"\r\n\r\n")
    given_head, _, given_body = mail.content.partition(b"\r\n\r\n")
    assert body == given_body
    assert message.content.startswith(b"Received: ")
    assert head.endswith(given_head)
    assert message.envelope.mail_from == mail.sender
    assert message.session.helo == EHLO_NAME


def test_smtp(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """sendmail(1) and smtp(8), which pipelines and declares size and body."""
    outcome = postfix.send(target(smtp_server), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome.log
    message = only_message(smtp_server)
    assert_relayed(message)
    assert message.envelope.rcpt_to == [ADA, BOB]
    assert message.envelope.body == "8BITMIME"
    assert message.envelope.declared_size is not None
    session = message.session
    assert session.pipelined
    # smtp(8) does not wait for the reply to its QUIT.
    assert verbs(session)[:5] == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA"]
    assert [one.verb for one in session.commands if one.pipelined][:3] == [
        "RCPT",
        "RCPT",
        "DATA",
    ]


@pytest.mark.smtp_server(hide=["PIPELINING"])
def test_no_pipelining(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """Where it is not advertised, Postfix waits for each reply."""
    outcome = postfix.send(target(smtp_server), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome.log
    message = only_message(smtp_server)
    assert_relayed(message)
    assert not message.session.pipelined


def test_fifty_recipients(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """Some are refused for good, some for now: each of 50 fares as it was told."""
    recipients = tuple(f"user{number:02}@example.org" for number in range(50))
    bounced, deferred = set(recipients[::7]), set(recipients[3::11])
    deferred -= bounced
    smtp_server.on("RCPT", lambda one: one in bounced).reply(550, "5.1.1 No such user")
    smtp_server.on("RCPT", lambda one: one in deferred).reply(450, "4.2.1 Busy")
    mail = with_subject("fifty", *recipients)
    outcome = postfix.send(target(smtp_server), mail)
    expected = {
        one: "bounced" if one in bounced else "deferred" if one in deferred else "sent"
        for one in recipients
    }
    assert outcome.statuses == expected, outcome.log
    reports = {one.recipient: one.dsn for one in outcome.deliveries}
    assert {reports[one] for one in bounced} == {"5.1.1"}
    assert {reports[one] for one in deferred} == {"4.2.1"}
    message = only_message(smtp_server)
    assert_relayed(message, mail)
    sent = [one for one in recipients if expected[one] == "sent"]
    assert sorted(message.envelope.rcpt_to) == sent
    assert set(message.envelope.rejected) == bounced | deferred
    assert message.session.pipelined


def test_dsn(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """-N, -V and -R of sendmail(1) are parameters (RFC 3461)."""
    options = ["-N", "failure,delay", "-V", "envelope-id+1=2", "-R", "hdrs"]
    outcome = postfix.send(target(smtp_server), RELAYED, sendmail_options=options)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome.log
    envelope = only_message(smtp_server).envelope
    assert envelope.ret == "HDRS"
    assert envelope.envid == "envelope-id+1=2"
    for recipient in envelope.rcpt_to:
        assert sorted(recipient.notify) == ["DELAY", "FAILURE"]
        # Postfix adds the original recipient itself.
        assert recipient.orcpt == f"rfc822;{recipient}"


def test_smtputf8(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """Addresses and header in UTF-8 arrive as they were given (RFC 6531)."""
    mail = Mail(
        "zoë@example.org",
        ("jürgen@example.org",),
        RELAYED.content.replace(b"The Analytical", "Größe".encode()),
    )
    outcome = postfix.send(target(smtp_server), mail)
    assert outcome.statuses == {"jürgen@example.org": "sent"}, outcome.log
    message = only_message(smtp_server)
    assert_relayed(message, mail)
    assert message.envelope.smtputf8
    assert message.envelope.rcpt_to == ["jürgen@example.org"]
    assert message.subject == "Größe Engine"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(
    smtp_server_factory: type[SMTPServer],
    postfix: Postfix,
    tls: Literal["starttls", "implicit"],
) -> None:
    """The level `secure`: encrypted, chain and name verified."""
    server = smtp_server_factory(tls=tls, require_tls=True)
    outcome = postfix.send(target(server, tls), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome.log
    message = only_message(server)
    assert_relayed(message)
    assert message.session.transmission_type == "ESMTPS"
    assert any("Verified TLS connection established" in line for line in outcome.log)


@pytest.mark.smtp_server(tls="starttls", users={USER: "lovelace"}, auth_required=True)
def test_auth(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """Cyrus SASL logs in over TLS."""
    login = Login(USER, "lovelace", "PLAIN")
    outcome = postfix.send(target(smtp_server, "starttls"), RELAYED, login=login)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome.log
    assert_relayed(only_message(smtp_server))
    session = only_session(smtp_server)
    assert attempts(session) == [("PLAIN", USER, "lovelace", True)]
    assert session.transmission_type == "ESMTPSA"


@pytest.mark.parametrize("socket", ["port", "unix"])
def test_lmtp(
    postfix: Postfix,
    open_folder: Path,
    smtp_server_factory: type[SMTPServer],
    socket: str,
) -> None:
    """lmtp(8), with a reply for each recipient after the data (RFC 2033 §4.2)."""
    path = open_folder / "lmtp" if socket == "unix" else None
    with smtp_server_factory(lmtp=True, path=path) as server:
        if path is not None:
            path.chmod(0o777)
        server.on("MESSAGE", BOB).reply(552, "5.2.2 Mailbox full")
        outcome = postfix.send(target(server, lmtp=True), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "bounced"}, outcome.log
    message = only_message(server)
    assert_relayed(message)
    assert message.session.transmission_type == "LMTP"
    assert verbs(message.session)[0] == "LHLO"


def test_several_messages(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """Each message of the queue is whole, whatever connection it comes over."""
    mails = [with_subject(f"number {number}") for number in range(3)]
    outcome = postfix.send(target(smtp_server), *mails)
    assert [one.status for one in outcome.deliveries] == ["sent"] * 3, outcome.log
    messages = sorted(smtp_server.messages, key=lambda one: one.subject)
    for message, mail in zip(messages, mails, strict=True):
        assert_relayed(message, mail)


def test_a_refused_message(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """554 at the end of the data bounces for all recipients."""
    smtp_server.on("MESSAGE").reply(554, "5.6.0 No")
    outcome = postfix.send(target(smtp_server), RELAYED)
    assert outcome.statuses == {ADA: "bounced", BOB: "bounced"}, outcome.log
    assert {one.dsn for one in outcome.deliveries} == {"5.6.0"}
    smtp_server.assert_no_messages()
    (undelivered,) = only_session(smtp_server).undelivered
    assert undelivered.envelope.mail_from == SENDER
