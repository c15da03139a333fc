"""swaks delivers, and the record equals what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    BOB,
    MAIL,
    SECRET,
    USER,
    USERS,
    assert_recorded,
    attempts,
    only_session,
    target,
    verbs,
)
from .tools import Login

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from pytest_smtpserver import SMTPServer

    from .swaks import Swaks


def test_plain(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """A mail without anything special."""
    swaks.send(target(smtp_server), MAIL).check()
    session = assert_recorded(smtp_server).session
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]
    assert not session.pipelined


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_verified_tls(
    smtp_server_factory: type[SMTPServer],
    swaks: Swaks,
    tls: Literal["starttls", "implicit"],
) -> None:
    """--tls and --tls-on-connect, with --tls-verify."""
    server = smtp_server_factory(tls=tls)
    swaks.send(target(server, tls), MAIL).check()
    session = assert_recorded(server).session
    assert session.tls is not None
    assert session.transmission_type == "ESMTPS"


@pytest.mark.smtp_server(tls="starttls", certificate="untrusted")
def test_an_untrusted_certificate(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """--tls-verify does verify: there is no mail without trust."""
    outcome = swaks.send(target(smtp_server, "starttls"), MAIL)
    assert outcome.returncode == 29  # swaks: "starttls failed"
    smtp_server.assert_no_messages()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.smtp_server(
    users=USERS, auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5"], auth_required=True
)
def test_auth(smtp_server: SMTPServer, swaks: Swaks, mechanism: str) -> None:
    """--auth by each mechanism."""
    swaks.send(target(smtp_server), MAIL, login=Login(USER, SECRET, mechanism)).check()
    session = assert_recorded(smtp_server).session
    password = None if mechanism == "CRAM-MD5" else SECRET
    assert attempts(session) == [(mechanism, USER, password, True)]


@pytest.mark.smtp_server(
    users=USERS, auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5"], auth_required=True
)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_wrong_password(
    smtp_server: SMTPServer, swaks: Swaks, mechanism: str
) -> None:
    """The attempt is recorded as failed, and there is no mail."""
    outcome = swaks.send(
        target(smtp_server), MAIL, login=Login(USER, "babbage", mechanism)
    )
    assert outcome.returncode == 28  # swaks: "auth failed"
    password = None if mechanism == "CRAM-MD5" else "babbage"
    assert attempts(only_session(smtp_server)) == [(mechanism, USER, password, False)]
    smtp_server.assert_no_messages()


def test_pipeline(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """--pipeline sends MAIL, RCPT and DATA in one group (RFC 2920)."""
    swaks.send(target(smtp_server), MAIL, "--pipeline").check()
    session = assert_recorded(smtp_server).session
    assert session.pipelined
    pipelined = [one.verb for one in session.commands if one.pipelined]
    assert pipelined == ["RCPT", "RCPT", "DATA"]


def test_pipeline_with_a_refused_recipient(
    smtp_server: SMTPServer, swaks: Swaks
) -> None:
    """A recipient that is refused inside a group does not stop the other."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    swaks.send(target(smtp_server), MAIL, "--pipeline").check()
    envelope = smtp_server.messages[0].envelope
    assert envelope.rcpt_to == [ADA]
    assert envelope.rejected == [BOB]
    assert smtp_server.messages[0].content == MAIL.content


@pytest.mark.parametrize("socket", ["port", "unix"])
def test_lmtp(
    smtp_server_factory: type[SMTPServer], swaks: Swaks, socket: str, tmp_path: Path
) -> None:
    """--protocol LMTP, over a port and a Unix socket (RFC 2033)."""
    if socket == "unix":
        server = smtp_server_factory(lmtp=True, path=tmp_path / "lmtp")
    else:
        server = smtp_server_factory(lmtp=True)
    swaks.send(target(server, lmtp=True), MAIL).check()
    session = assert_recorded(server).session
    assert verbs(session) == ["LHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]
    assert session.transmission_type == "LMTP"


def test_a_client_that_goes_away(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """--drop-after DATA: the session is recorded, and no message."""
    options = ["--from", MAIL.sender, "--to", ADA, "--drop-after", "DATA"]
    swaks.run(target(smtp_server), *options)
    smtp_server.assert_no_messages()
    session = only_session(smtp_server)
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "DATA"]
    assert session.closed_by == "client"
    (undelivered,) = session.undelivered
    assert undelivered.envelope.rcpt_to == [ADA]


@pytest.mark.smtp_server(xclient=True)
def test_xclient(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """--xclient-…: the session is that of the client that was named."""
    options = ["--xclient-addr", "192.0.2.1", "--xclient-port", "1024"]
    options += ["--xclient-name", "mail.example.net", "--xclient-helo", "HE.example"]
    swaks.send(target(smtp_server), MAIL, *options).check()
    message = smtp_server.messages[0]
    session = message.session
    assert message.content == MAIL.content
    assert session.remote_address == ("192.0.2.1", 1024)
    assert session.client_hostname == "mail.example.net"
    # The session begins anew: swaks greets again.
    assert verbs(session)[:3] == ["EHLO", "XCLIENT", "EHLO"]


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("family", ["TCP4", "TCP6"])
@pytest.mark.smtp_server(proxy_protocol=True)
def test_proxy(
    smtp_server: SMTPServer, swaks: Swaks, version: str, family: str
) -> None:
    """--proxy-…: a header of either version names both ends of the connection."""
    source, dest = {
        "TCP4": ("192.0.2.1", "192.0.2.2"),
        "TCP6": ("2001:db8::1", "2001:db8::2"),
    }[family]
    options = ["--proxy-version", version, "--proxy-family"]
    options += [family if version == "1" else f"AF_INET{family[3:].replace('4', '')}"]
    options += ["--proxy-source", source, "--proxy-source-port", "1024"]
    options += ["--proxy-dest", dest, "--proxy-dest-port", "25"]
    if version == "2":
        options += ["--proxy-protocol", "STREAM", "--proxy-command", "PROXY"]
    swaks.send(target(smtp_server), MAIL, *options).check()
    session = assert_recorded(smtp_server).session
    assert session.remote_address == (source, 1024)
    assert session.local_address == (dest, 25)
