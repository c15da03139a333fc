"""Exim delivers by BDAT, and the record equals what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    BOB,
    RELAYED,
    USER,
    attempts,
    lines,
    only_message,
    only_session,
    target,
    verbs,
)
from .tools import EHLO_NAME, Login, Mail

if TYPE_CHECKING:
    from typing import Literal

    from pytest_smtpserver import ReceivedMessage, SMTPServer

    from .exim import Exim

BODY = RELAYED.content.partition(b"\r\n\r\n")[2]
HEADER = RELAYED.content.partition(b"\r\n\r\n")[0]


def assert_relayed(server: SMTPServer) -> ReceivedMessage:
    """Exim puts Received in front; what follows is what it was given."""
    message = only_message(server)
    assert message.content.startswith(b"Received: ")
    head, _, body = message.content.partition(b"\r\n\r\n")
    assert body == BODY
    for field in HEADER.split(b"\r\n"):
        assert field in head.split(b"\r\n")
    assert message.envelope.mail_from == RELAYED.sender
    assert sorted(message.envelope.rcpt_to) == sorted(RELAYED.recipients)
    assert message.session.helo == EHLO_NAME
    return message


def test_bdat(smtp_server: SMTPServer, exim: Exim) -> None:
    """RFC 3030: no transparency, no final dot; the chunks are in the record."""
    outcome = exim.send(target(smtp_server), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome
    assert all(" K " in f" {report} " for report in outcome.reports.values())
    message = assert_relayed(smtp_server)
    assert sum(message.chunks) == len(message.content)
    session = message.session
    assert "DATA" not in verbs(session)
    assert lines(session, "BDAT")[-1].endswith(" LAST")
    assert [int(line.split()[1]) for line in lines(session, "BDAT")] == list(
        message.chunks
    )


@pytest.mark.smtp_server(hide=["CHUNKING"])
def test_data_where_chunking_is_not_advertised(
    smtp_server: SMTPServer, exim: Exim
) -> None:
    """Without CHUNKING exim takes DATA, and the same content arrives."""
    outcome = exim.send(target(smtp_server), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome
    message = assert_relayed(smtp_server)
    assert message.chunks == ()
    assert "BDAT" not in verbs(message.session)


def test_a_large_message(smtp_server: SMTPServer, exim: Exim) -> None:
    """More than one chunk, none of it lost."""
    line = b"0123456789abcdef" * 4 + b"\r\n"
    mail = Mail(RELAYED.sender, RELAYED.recipients, RELAYED.content + line * 20000)
    outcome = exim.send(target(smtp_server), mail)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome
    message = only_message(smtp_server)
    assert message.content.partition(b"\r\n\r\n")[2] == BODY + line * 20000
    assert len(message.chunks) > 1
    assert sum(message.chunks) == len(message.content)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(
    smtp_server_factory: type[SMTPServer],
    exim: Exim,
    tls: Literal["starttls", "implicit"],
) -> None:
    """GNU TLS verifies our certificate; the chunks come over TLS."""
    server = smtp_server_factory(tls=tls, require_tls=True)
    outcome = exim.send(target(server, tls), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome
    message = assert_relayed(server)
    assert message.session.transmission_type == "ESMTPS"
    assert message.chunks


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.smtp_server(
    users={USER: "lovelace"},
    auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5"],
    auth_required=True,
)
def test_auth(smtp_server: SMTPServer, exim: Exim, mechanism: str) -> None:
    """Exim logs in before it delivers."""
    login = Login(USER, "lovelace", mechanism)
    outcome = exim.send(target(smtp_server), RELAYED, login=login)
    assert outcome.statuses == {ADA: "sent", BOB: "sent"}, outcome
    assert_relayed(smtp_server)
    password = None if mechanism == "CRAM-MD5" else "lovelace"
    assert attempts(only_session(smtp_server)) == [(mechanism, USER, password, True)]


def test_refused_recipients(smtp_server: SMTPServer, exim: Exim) -> None:
    """550 is a bounce, and the others get the mail by BDAT."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    outcome = exim.send(target(smtp_server), RELAYED)
    assert outcome.statuses == {ADA: "sent", BOB: "bounced"}, outcome
    message = only_message(smtp_server)
    assert message.envelope.rcpt_to == [ADA]
    assert message.envelope.rejected == [BOB]
    assert message.content.partition(b"\r\n\r\n")[2] == BODY


@pytest.mark.parametrize("code", [452, 552])
def test_a_refused_chunk(smtp_server: SMTPServer, exim: Exim, code: int) -> None:
    """A reply of the script's to the message is what exim goes by."""
    smtp_server.on("MESSAGE").reply(code)
    outcome = exim.send(target(smtp_server), RELAYED)
    status = "deferred" if code == 452 else "bounced"
    assert set(outcome.statuses.values()) == {status}, outcome
    smtp_server.assert_no_messages()
