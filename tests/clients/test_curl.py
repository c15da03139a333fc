"""curl delivers, and the record equals what it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .exchange import (
    ADA,
    LOGIN,
    MAIL,
    SECRET,
    SENDER,
    TOKEN,
    TOKENS,
    USER,
    USERS,
    assert_recorded,
    attempts,
    client_certificate,
    lines,
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

    from .curl import Curl


def test_plain(smtp_server: SMTPServer, curl: Curl) -> None:
    """smtp:// delivers, and the commands are in the record in their order."""
    curl.send(target(smtp_server), MAIL).check()
    message = assert_recorded(smtp_server)
    session = message.session
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]
    assert session.transmission_type == "ESMTP"
    assert session.quit_sent
    assert session.auth_attempts == []


@pytest.mark.smtp_server(tls="implicit")
def test_smtps(smtp_server: SMTPServer, curl: Curl) -> None:
    """smtps:// with --cacert verifies the certificate."""
    curl.send(target(smtp_server, "implicit"), MAIL).check()
    session = assert_recorded(smtp_server).session
    assert session.tls is not None
    assert session.tls.version.startswith("TLSv1.")
    assert session.transmission_type == "ESMTPS"
    assert "STARTTLS" not in verbs(session)


@pytest.mark.smtp_server(tls="starttls", require_tls=True)
def test_ssl_reqd(smtp_server: SMTPServer, curl: Curl) -> None:
    """--ssl-reqd with --cacert upgrades, and says EHLO again."""
    curl.send(target(smtp_server, "starttls"), MAIL).check()
    session = assert_recorded(smtp_server).session
    assert verbs(session)[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert session.transmission_type == "ESMTPS"
    assert session.discarded == b""


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed", "untrusted"])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_bad_certificate_is_not_trusted(
    smtp_server_factory: type[SMTPServer],
    curl: Curl,
    tls: Literal["starttls", "implicit"],
    kind: Literal["expired", "wrong_host", "self_signed", "untrusted"],
) -> None:
    """The client really verifies: it sends no mail to such a server."""
    server = smtp_server_factory(tls=tls, certificate=kind)
    outcome = curl.send(target(server, tls), MAIL)
    assert outcome.returncode == 60  # CURLE_PEER_FAILED_VERIFICATION
    server.assert_no_messages()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.smtp_server(
    users=USERS, auth_mechanisms=["PLAIN", "LOGIN", "CRAM-MD5"], auth_required=True
)
def test_user(smtp_server: SMTPServer, curl: Curl, mechanism: str, early: bool) -> None:
    """--user logs in by each mechanism, with and without initial response."""
    options = ["--sasl-ir"] if early else []
    login = Login(USER, SECRET, mechanism)
    curl.send(target(smtp_server), MAIL, *options, login=login).check()
    session = assert_recorded(smtp_server).session
    # CRAM-MD5 never sends the password (RFC 2195 §2).
    password = None if mechanism == "CRAM-MD5" else SECRET
    assert attempts(session) == [(mechanism, USER, password, True)]
    assert session.user == USER
    assert session.transmission_type == "ESMTPA"
    (auth,) = lines(session, "AUTH")
    has_initial = early and mechanism != "CRAM-MD5"
    assert len(auth.split(" ")) == (3 if has_initial else 2)


@pytest.mark.smtp_server(tls="starttls", users=USERS, auth_required=True)
def test_user_after_starttls(smtp_server: SMTPServer, curl: Curl) -> None:
    """AUTH is on offer once TLS is on, and curl then uses it."""
    curl.send(target(smtp_server, "starttls"), MAIL, login=LOGIN).check()
    session = assert_recorded(smtp_server).session
    assert [one[1:] for one in attempts(session)] == [(USER, SECRET, True)]
    assert session.transmission_type == "ESMTPSA"


@pytest.mark.smtp_server(users=USERS)
def test_a_wrong_password(smtp_server: SMTPServer, curl: Curl) -> None:
    """The attempt is recorded, and curl reports that the login was denied."""
    outcome = curl.send(target(smtp_server), MAIL, login=Login(USER, "babbage"))
    assert outcome.returncode == 67  # CURLE_LOGIN_DENIED
    session = only_session(smtp_server)
    assert attempts(session)[0][1:] == (USER, "babbage", False)
    assert session.user is None
    smtp_server.assert_no_messages()


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
@pytest.mark.parametrize("early", [True, False])
def test_token(
    smtp_server_factory: type[SMTPServer], curl: Curl, mechanism: str, early: bool
) -> None:
    """--oauth2-bearer by both mechanisms, with and without initial response."""
    # Where both are on offer, curl takes OAUTHBEARER, whatever AUTH= says.
    smtp_server = smtp_server_factory(users=TOKENS, auth_mechanisms=[mechanism])
    options = ["--sasl-ir"] if early else []
    login = Login(ADA, TOKEN, mechanism)
    curl.send(target(smtp_server), MAIL, *options, login=login).check()
    session = assert_recorded(smtp_server).session
    assert attempts(session) == [(mechanism, ADA, TOKEN, True)]


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_a_wrong_token(
    smtp_server_factory: type[SMTPServer], curl: Curl, mechanism: str
) -> None:
    """The error challenge goes out first (RFC 7628 §3.2.2), and the login fails."""
    smtp_server = smtp_server_factory(users=TOKENS, auth_mechanisms=[mechanism])
    login = Login(ADA, "expired", mechanism)
    outcome = curl.send(target(smtp_server), MAIL, "--sasl-ir", login=login)
    assert outcome.returncode == 67  # CURLE_LOGIN_DENIED
    session = only_session(smtp_server)
    assert attempts(session) == [(mechanism, ADA, "expired", False)]
    reply = session.auth_attempts[0].reply
    if mechanism == "XOAUTH2":
        # curl goes away when the error challenge has come.
        assert reply is None
    else:
        assert reply is not None
        assert reply.code == 535
    assert "S: 334 " in str(session.transcript)


@pytest.mark.smtp_server(
    tls="starttls",
    client_certificate="required",
    auth_mechanisms=["EXTERNAL"],
    auth_required=True,
)
def test_external(
    smtp_server: SMTPServer, curl: Curl, smtp_ca: trustme.CA, tmp_path: Path
) -> None:
    """AUTH EXTERNAL takes the identity that the client's certificate proves."""
    certificate = client_certificate(smtp_ca, tmp_path, ADA)
    where = target(smtp_server, "starttls", certificate=certificate)
    curl.send(where, MAIL, login=Login(ADA, "", "EXTERNAL")).check()
    session = assert_recorded(smtp_server).session
    assert attempts(session) == [("EXTERNAL", ADA, None, True)]
    assert session.user == ADA
    assert session.tls is not None
    assert session.tls.peer_certificate is not None


@pytest.mark.smtp_server(users=USERS, auth_required=True)
def test_mail_auth(smtp_server: SMTPServer, curl: Curl) -> None:
    """--mail-auth is the AUTH parameter of MAIL (RFC 4954 §5)."""
    curl.send(target(smtp_server), MAIL, "--mail-auth", ADA, login=LOGIN).check()
    envelope = assert_recorded(smtp_server).envelope
    # The angle brackets are curl's: RFC 4954 §5 has a mailbox without them.
    assert envelope.auth == f"<{ADA}>"
    assert envelope.mail_from.parameters["AUTH"] == f"<{ADA}>"


def test_vrfy_and_other_commands(smtp_server: SMTPServer, curl: Curl) -> None:
    """curl's requests without a mail get their replies and are in the record."""
    # curl says VRFY <address>; 252 is a success.
    outcome = curl.run(target(smtp_server), "--mail-rcpt", ADA).check()
    assert "252 " in outcome.stdout
    curl.run(target(smtp_server), "--request", "NOOP").check()
    first, second = smtp_server.sessions
    assert lines(first, "VRFY") == [f"VRFY {ADA}"]
    assert verbs(second) == ["EHLO", "NOOP", "QUIT"]


def test_size_is_declared(smtp_server: SMTPServer, curl: Curl, tmp_path: Path) -> None:
    """curl declares the size of a file that it uploads (RFC 1870)."""
    file = tmp_path / "mail.eml"
    file.write_bytes(MAIL.content)
    options = ["--mail-from", SENDER, "--mail-rcpt", ADA, "--upload-file", str(file)]
    curl.run(target(smtp_server), *options).check()
    message = smtp_server.messages[0]
    assert message.content == MAIL.content
    assert message.envelope.declared_size == len(MAIL.content)
