"""curl and swaks: verified certificates, logins, pipelining."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .sending import CONTENT, arrived, mail, target
from .tools import EHLO_NAME, Login

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import SMTPServer

    from .curl import Curl
    from .swaks import Swaks

    Factory = Callable[..., SMTPServer]

USERS = {"ada": "lovelace"}
TLS = pytest.mark.parametrize("tls", [None, "starttls", "implicit"])


@TLS
def test_curl_delivers(smtp_server_factory: Factory, curl: Curl, tls: Any) -> None:
    """`smtp://`, `smtp://` with `--ssl-reqd`, `smtps://`: octet for octet."""
    server = smtp_server_factory(tls=tls)
    curl.send(target(server), mail()).check()
    message = arrived(server)
    assert message.content == CONTENT
    assert message.session.helo == EHLO_NAME
    assert (message.session.tls is not None) == (tls is not None)


@TLS
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_logs_in(
    smtp_server_factory: Factory, curl: Curl, tls: Any, mechanism: str
) -> None:
    """`--user`, over TLS and without."""
    server = smtp_server_factory(tls=tls, users=USERS, auth_required=True)
    login = Login("ada", "lovelace", mechanism)
    curl.send(target(server), mail(), login=login).check()
    message = arrived(server)
    assert message.content == CONTENT
    (attempt,) = message.session.auth_attempts
    assert (attempt.mechanism, attempt.username, attempt.password) == (
        mechanism,
        "ada",
        "lovelace",
    )
    assert attempt.succeeded


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed", "untrusted"])
def test_curl_refuses_a_bad_certificate(
    smtp_server_factory: Factory, curl: Curl, kind: Any
) -> None:
    """Its exit code is 60: the peer's certificate cannot be verified."""
    server = smtp_server_factory(tls="implicit", certificate=kind)
    assert curl.send(target(server), mail()).returncode == 60
    server.assert_no_messages()


@TLS
def test_swaks_delivers(smtp_server_factory: Factory, swaks: Swaks, tls: Any) -> None:
    """Plain, `--tls` and `--tls-on-connect`, verified."""
    server = smtp_server_factory(tls=tls)
    swaks.send(target(server), mail()).check()
    message = arrived(server)
    assert message.content == CONTENT
    assert message.session.helo == EHLO_NAME


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_swaks_logs_in(
    smtp_server_factory: Factory, swaks: Swaks, mechanism: str
) -> None:
    """`--auth` with each mechanism, over TLS."""
    server = smtp_server_factory(
        tls="starttls", users=USERS, auth_mechanisms=[mechanism], auth_required=True
    )
    swaks.send(
        target(server), mail(), login=Login("ada", "lovelace", mechanism)
    ).check()
    message = arrived(server)
    assert message.content == CONTENT
    assert message.session.user == "ada"


def test_swaks_pipelines(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """`--pipeline`: the group is answered in order, and the record says so."""
    rule = smtp_server.on("RCPT", "carl@example.org").reply(550, "5.1.1 No such user")
    recipients = ("carl@example.org", "bob@example.org")
    swaks.send(target(smtp_server), mail(*recipients), "--pipeline").check()
    message = arrived(smtp_server)
    assert message.content == CONTENT
    assert message.envelope.rejected == ["carl@example.org"]
    assert message.session.pipelined
    assert rule.called


@pytest.mark.smtp_server(lmtp=True)
def test_swaks_speaks_lmtp(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """RFC 2033: LHLO, and a reply for the recipient."""
    swaks.send(target(smtp_server), mail()).check()
    message = arrived(smtp_server)
    assert message.content == CONTENT
    assert message.session.opening_command == "LHLO"
    assert message.session.transmission_type == "LMTP"
