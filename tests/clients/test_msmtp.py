"""msmtp delivers, and the record equals what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    BOB,
    MAIL,
    SECRET,
    TOKEN,
    TOKENS,
    USER,
    USERS,
    assert_recorded,
    attempts,
    client_certificate,
    only_session,
    target,
    verbs,
)
from .tools import Login

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    import trustme

    from pytest_smtpserver import SMTPServer

    from .msmtp import Msmtp

PASSWORD_MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"]
# These never send the password itself.
PROOFS = {"CRAM-MD5", "SCRAM-SHA-256"}


def test_plain(smtp_server: SMTPServer, msmtp: Msmtp) -> None:
    """A mail without anything special; msmtp pipelines where it may."""
    msmtp.send(target(smtp_server), MAIL).check()
    session = assert_recorded(smtp_server).session
    assert verbs(session)[:4] == ["EHLO", "MAIL", "RCPT", "RCPT"]
    assert session.auth_attempts == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls(
    smtp_server_factory: type[SMTPServer],
    msmtp: Msmtp,
    tls: Literal["starttls", "implicit"],
) -> None:
    """GNU TLS verifies our certificate for an address."""
    server = smtp_server_factory(tls=tls, require_tls=True)
    msmtp.send(target(server, tls), MAIL).check()
    session = assert_recorded(server).session
    assert session.tls is not None
    assert session.transmission_type == "ESMTPS"


@pytest.mark.smtp_server(tls="starttls", certificate="untrusted")
def test_an_untrusted_certificate(smtp_server: SMTPServer, msmtp: Msmtp) -> None:
    """msmtp does verify."""
    assert not msmtp.send(target(smtp_server, "starttls"), MAIL).ok
    smtp_server.assert_no_messages()


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
@pytest.mark.smtp_server(
    users=USERS, auth_mechanisms=PASSWORD_MECHANISMS, auth_required=True
)
def test_password(smtp_server: SMTPServer, msmtp: Msmtp, mechanism: str) -> None:
    """GNU SASL logs in by each mechanism."""
    msmtp.send(target(smtp_server), MAIL, login=Login(USER, SECRET, mechanism)).check()
    session = assert_recorded(smtp_server).session
    password = None if mechanism in PROOFS else SECRET
    assert attempts(session) == [(mechanism, USER, password, True)]
    assert session.user == USER


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
@pytest.mark.smtp_server(
    users=USERS, auth_mechanisms=PASSWORD_MECHANISMS, auth_required=True
)
def test_a_wrong_password(
    smtp_server: SMTPServer, msmtp: Msmtp, mechanism: str
) -> None:
    """The attempt is recorded as failed, and there is no mail."""
    login = Login(USER, "babbage", mechanism)
    outcome = msmtp.send(target(smtp_server), MAIL, login=login)
    assert outcome.returncode == 77  # EX_NOPERM
    password = None if mechanism in PROOFS else "babbage"
    assert attempts(only_session(smtp_server)) == [(mechanism, USER, password, False)]
    smtp_server.assert_no_messages()


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("token", [TOKEN, "expired"])
@pytest.mark.smtp_server(
    tls="starttls",
    users=TOKENS,
    auth_mechanisms=["OAUTHBEARER", "XOAUTH2"],
    auth_required=True,
)
def test_token(
    smtp_server: SMTPServer, msmtp: Msmtp, mechanism: str, token: str
) -> None:
    """A good token delivers, a bad one is an attempt that failed."""
    login = Login(ADA, token, mechanism)
    outcome = msmtp.send(target(smtp_server, "starttls"), MAIL, login=login)
    good = token == TOKEN
    assert outcome.ok == good, outcome
    assert attempts(only_session(smtp_server)) == [(mechanism, ADA, token, good)]
    if good:
        assert_recorded(smtp_server)
    else:
        smtp_server.assert_no_messages()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_external(
    smtp_server_factory: type[SMTPServer],
    msmtp: Msmtp,
    smtp_ca: trustme.CA,
    tmp_path: Path,
    tls: Literal["starttls", "implicit"],
) -> None:
    """EXTERNAL: who it is, the client's certificate says (RFC 4422 appendix A)."""
    server = smtp_server_factory(
        tls=tls,
        client_certificate="required",
        auth_mechanisms=["EXTERNAL"],
        auth_required=True,
    )
    certificate = client_certificate(smtp_ca, tmp_path, ADA)
    where = target(server, tls, certificate=certificate)
    msmtp.send(where, MAIL, login=Login(ADA, "", "EXTERNAL")).check()
    session = assert_recorded(server).session
    assert attempts(session) == [("EXTERNAL", ADA, None, True)]
    assert session.tls is not None
    peer = session.tls.peer_certificate
    assert peer is not None
    assert ("email", ADA) in peer["subjectAltName"]


def test_dsn(smtp_server: SMTPServer, msmtp: Msmtp) -> None:
    """--dsn-notify and --dsn-return."""
    options = ["--dsn-notify=failure,delay", "--dsn-return=hdrs"]
    msmtp.send(target(smtp_server), MAIL, *options).check()
    envelope = assert_recorded(smtp_server).envelope
    assert envelope.ret == "HDRS"
    assert [one.notify for one in envelope.rcpt_to] == [["FAILURE", "DELAY"]] * 2


@pytest.mark.parametrize("socket", ["port", "unix"])
def test_lmtp(
    smtp_server_factory: type[SMTPServer], msmtp: Msmtp, socket: str, tmp_path: Path
) -> None:
    """--protocol=lmtp, over a port and a Unix socket."""
    if socket == "unix":
        server = smtp_server_factory(lmtp=True, path=tmp_path / "lmtp")
    else:
        server = smtp_server_factory(lmtp=True)
    msmtp.send(target(server, lmtp=True), MAIL).check()
    session = assert_recorded(server).session
    assert session.transmission_type == "LMTP"


def test_a_refused_recipient(smtp_server: SMTPServer, msmtp: Msmtp) -> None:
    """msmtp gives up where one recipient is refused, and says which."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    outcome = msmtp.send(target(smtp_server), MAIL)
    assert not outcome.ok
    assert BOB in outcome.stderr
    smtp_server.assert_no_messages()
