"""Certificates, handshakes, and clients that verify them."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
import ssl
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from pytest_smtpserver import SMTPServer
from tests.server.tools import Raw
from tests.server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pytest_smtpserver.server.options.typed import Certificate

#: X509_V_ERR_* of OpenSSL's x509_vfy.h.
NOT_YET_VALID, EXPIRED, SELF_SIGNED, NO_ISSUER = 9, 10, 18, 20
HOSTNAME_MISMATCH, IP_MISMATCH = 62, 64


def secured(
    server: SMTPServer, context: ssl.SSLContext, name: str = "localhost"
) -> Wire:
    """A connection with implicit TLS."""
    wire = Wire(server)
    try:
        wire.start_tls(context, name)
    except BaseException:
        wire.socket.close()
        raise
    return wire


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "mail.example.org"])
@pytest.mark.smtp_server(tls="implicit", hostname="mail.example.org")
def test_the_certificate_has_every_name(smtp_server: SMTPServer, name: str) -> None:
    """A verifying client may come by any of them."""
    with secured(smtp_server, smtp_server.client_context(), name) as wire:
        assert wire.reply() == "220 mail.example.org ESMTP"
    (session,) = smtp_server.sessions
    assert session.tls is not None
    assert session.tls.version == "TLSv1.3"
    # RFC 6066 §3: an address literal is no server name.
    assert session.tls.server_name == (None if name[-1] == "1" else name)
    assert session.tls.peer_certificate is None


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("expired", EXPIRED),
        ("not_yet_valid", NOT_YET_VALID),
        ("wrong_host", HOSTNAME_MISMATCH),
        ("self_signed", SELF_SIGNED),
        ("untrusted", NO_ISSUER),
    ],
)
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_bad_certificates_are_refused_for_their_reason(
    smtp_server_factory: Callable[..., SMTPServer], kind: str, code: int, tls: str
) -> None:
    """By a verifying client; the record says that the client would not go on."""
    server = smtp_server_factory(tls=tls, certificate=kind)
    context = server.client_context()
    with Wire(server) as wire:
        if tls == "starttls":
            wire.hello()
            assert wire.say("STARTTLS").startswith("220 ")
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            wire.start_tls(context)
    assert caught.value.verify_code == code
    server.settle()
    (session,) = server.sessions
    assert session.tls is None
    assert session.closed_by == "client"
    assert "TLS handshake failed" in str(session.transcript)


def test_the_address_does_not_match_either(
    smtp_server_factory: Callable[..., SMTPServer],
) -> None:
    """A client that connects to an IP address gets OpenSSL's other mismatch."""
    server = smtp_server_factory(tls="implicit", certificate="wrong_host")
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        secured(server, server.client_context(), "127.0.0.1")
    assert caught.value.verify_code == IP_MISMATCH


def test_a_client_without_our_ca_does_not_trust_us(
    smtp_server_factory: Callable[..., SMTPServer],
) -> None:
    """The default certificate is good for those who know the CA only."""
    server = smtp_server_factory(tls="implicit")
    with pytest.raises(ssl.SSLCertVerificationError):
        secured(server, ssl.create_default_context())
    with secured(server, server.client_context()) as wire:
        assert wire.reply().startswith("220 ")


@pytest.mark.parametrize("form", ["leaf", "one file", "pair", "context"])
def test_a_certificate_of_ones_own(
    smtp_server_factory: Callable[..., SMTPServer],
    smtp_ca: trustme.CA,
    tmp_path: Path,
    form: str,
) -> None:
    """A trustme.LeafCert, PEM files, or a whole context."""
    leaf = smtp_ca.issue_cert("own.example.org")
    certificate: Any = leaf
    if form == "one file":
        certificate = tmp_path / "both.pem"
        leaf.private_key_and_cert_chain_pem.write_to_path(certificate)
    elif form == "pair":
        certificate = tmp_path / "certificate.pem", tmp_path / "key.pem"
        leaf.cert_chain_pems[0].write_to_path(certificate[0])
        leaf.private_key_pem.write_to_path(certificate[1])
    elif form == "context":
        certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(certificate)
    server = smtp_server_factory(tls="implicit", certificate=certificate)
    with secured(server, server.client_context(), "own.example.org") as wire:
        assert wire.deliver_after_hello().startswith("250 ")
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        secured(server, server.client_context(), "localhost")
    assert caught.value.verify_code == HOSTNAME_MISMATCH


def test_certificates_by_server_name(
    smtp_server_factory: Callable[..., SMTPServer], smtp_ca: trustme.CA
) -> None:
    """Each name has its own; the others get the server's."""
    server = smtp_server_factory(
        tls="implicit",
        sni_certificates={
            "one.example.org": "valid",
            "two.example.org": smtp_ca.issue_cert("two.example.org"),
            "old.example.org": "expired",
        },
    )
    context = server.client_context()
    for name in ("one.example.org", "two.example.org", "ONE.example.org", "localhost"):
        with secured(server, context, name) as wire:
            assert wire.reply().startswith("220 ")
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        secured(server, context, "old.example.org")
    assert caught.value.verify_code == EXPIRED
    server.settle()
    names = [s.tls.server_name for s in server.sessions if s.tls is not None]
    assert names[:2] == ["one.example.org", "two.example.org"]


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("certificate", "option certificate: "),
        ("sni_certificates", "option sni_certificates['one.example.org']: "),
    ],
)
def test_a_file_that_is_no_certificate(
    smtp_server_factory: Callable[..., SMTPServer],
    tmp_path: Path,
    option: str,
    named: str,
) -> None:
    """The start says so, and no client has to find out."""
    file = tmp_path / "none.pem"
    file.write_text("none", encoding="utf-8")
    value = file if option == "certificate" else {"One.example.org": file}
    with pytest.raises(ValueError, match="a PEM file has the certificate") as failure:
        smtp_server_factory(tls="implicit", **{option: value})
    assert str(failure.value).startswith(named)


def _client_context(server: SMTPServer, ca: trustme.CA | None) -> ssl.SSLContext:
    context = server.client_context()
    if ca is not None:
        ca.issue_cert("client@example.org").configure_cert(context)
    return context


@pytest.mark.parametrize("demand", ["optional", "required"])
def test_client_certificates(
    smtp_server_factory: Callable[..., SMTPServer], smtp_ca: trustme.CA, demand: str
) -> None:
    """Verified against the CA, and in the record."""
    server = smtp_server_factory(tls="implicit", client_certificate=demand)
    with secured(server, _client_context(server, smtp_ca)) as wire:
        assert wire.reply().startswith("220 ")
    tls = server.sessions[0].tls
    assert tls is not None
    assert tls.peer_certificate is not None
    assert ("email", "client@example.org") in tls.peer_certificate["subjectAltName"]


def test_a_client_without_a_certificate(
    smtp_server_factory: Callable[..., SMTPServer],
) -> None:
    """Served where it is optional; refused where it is required."""
    server = smtp_server_factory(tls="implicit", client_certificate="optional")
    with secured(server, server.client_context()) as wire:
        assert wire.reply().startswith("220 ")
    server = smtp_server_factory(tls="implicit", client_certificate="required")
    # With TLS 1.3 the client learns it from the first bytes after the handshake.
    with (
        pytest.raises((ssl.SSLError, ConnectionError, AssertionError)),
        secured(server, server.client_context()) as wire,
    ):
        wire.reply()
    server.settle()
    (session,) = server.sessions
    assert session.tls is None
    assert session.closed_by == "server"
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in str(session.transcript)


def test_tls_versions(smtp_server_factory: Callable[..., SMTPServer]) -> None:
    """No lower and no higher than it is told."""
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    server = smtp_server_factory(tls="implicit", tls_versions=(v12, v12))
    with secured(server, server.client_context()) as wire:
        assert wire.reply().startswith("220 ")
    assert server.sessions[0].tls is not None
    assert server.sessions[0].tls.version == "TLSv1.2"
    context = server.client_context()
    context.minimum_version = v13
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        secured(server, context)


def _garbage(wire: Wire) -> None:
    wire.send(b"EHLO client.example.org\r\n")
    wire.rest()


def _leave(wire: Wire) -> None:
    wire.socket.close()


def _reset(wire: Wire) -> None:
    linger = struct.pack("ii", 1, 0)
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    wire.socket.close()


def _distrust(wire: Wire) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        wire.start_tls(ssl.create_default_context())


@pytest.mark.parametrize("breaks", [_garbage, _leave, _reset, _distrust])
@pytest.mark.smtp_server(tls="implicit")
def test_a_broken_handshake_harms_no_other(
    smtp_server: SMTPServer, breaks: Callable[[Wire], None]
) -> None:
    """Nothing but a note in the record, while another client is being served."""
    context = smtp_server.client_context()
    with secured(smtp_server, context) as other:
        with Wire(smtp_server) as wire:
            breaks(wire)
        assert other.deliver_after_hello().startswith("250 ")
    with secured(smtp_server, context) as later:
        assert later.reply().startswith("220 ")
    smtp_server.settle()
    broken = smtp_server.sessions[1]
    assert broken.tls is None
    assert broken.commands == []
    assert broken.closed_by is not None
    assert "TLS handshake" in str(broken.transcript)
    assert smtp_server.errors == []


@pytest.mark.smtp_server(hide_starttls=True, users={"ada": "lovelace"})
def test_starttls_that_is_hidden_works(smtp_server: SMTPServer) -> None:
    """Neither advertised nor required, and AUTH is open without it."""
    with Wire(smtp_server) as wire:
        lines = wire.hello()
        assert not [line for line in lines if "STARTTLS" in line]
        assert [line for line in lines if line[4:] == "AUTH PLAIN LOGIN"]
        assert wire.say("STARTTLS").startswith("220 ")
        wire.start_tls(smtp_server.client_context())
        assert wire.say("EHLO c").startswith("250-")
    assert smtp_server.sessions[0].tls is not None


@pytest.mark.smtp_server(tls="starttls")
def test_starttls_in_a_transaction_ends_it(smtp_server: SMTPServer) -> None:
    """RFC 3207 §4.2: nothing of it is left, and nothing is in flight."""
    with smtplib.SMTP(*smtp_server.address, local_hostname="c.example.org") as client:
        client.ehlo()
        client.mail("ada@example.org")
        client.rcpt("bob@example.org")
        client.starttls(context=smtp_server.client_context())
        smtp_server.assert_no_messages()
        client.sendmail("eve@example.org", ["carol@example.org"], "Subject: hi")
    envelope = smtp_server.messages[0].envelope
    assert envelope.mail_from == "eve@example.org"
    assert envelope.rcpt_to == ["carol@example.org"]
    assert smtp_server.sessions[0].transaction_count == 2


@pytest.mark.smtp_server(tls="starttls")
def test_plaintext_behind_starttls_is_thrown_away(smtp_server: SMTPServer) -> None:
    """CVE-2011-0411, RFC 3207 §4: and it stands in the record."""
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.send(b"STARTTLS\r\nNOOP injected\r\n")
        assert wire.reply().startswith("220 ")
        wire.start_tls(smtp_server.client_context())
        assert wire.say("EHLO c").startswith("250-")
        wire.send(b"QUIT\r\n")
        assert wire.reply().startswith("221 ")
    (session,) = smtp_server.sessions
    assert session.discarded == b"NOOP injected\r\n"
    assert [c.verb for c in session.commands] == ["EHLO", "STARTTLS", "EHLO", "QUIT"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_auth_over_tls(
    smtp_server_factory: Callable[..., SMTPServer], tls: str
) -> None:
    """With smtplib, whichever way TLS begins."""
    server = smtp_server_factory(tls=tls, users={"ada": "lovelace"}, auth_required=True)
    context = server.client_context()
    client: smtplib.SMTP
    if tls == "implicit":
        client = smtplib.SMTP_SSL(
            *server.address, context=context, local_hostname="c", timeout=10
        )
    else:
        client = smtplib.SMTP(*server.address, local_hostname="c", timeout=10)
    with client:
        if tls == "starttls":
            client.starttls(context=context)
        client.login("ada", "lovelace")
        client.sendmail("a@example.org", "b@example.org", b"x")
    (session,) = server.sessions
    (attempt,) = session.auth_attempts
    assert (attempt.username, attempt.password) == ("ada", "lovelace")
    assert attempt.succeeded
    assert session.user == "ada"
    assert session.transmission_type == "ESMTPSA"
    assert "lovelace" not in str(session.transcript)


@pytest.mark.smtp_server(tls="starttls", users={"ada": "lovelace"})
def test_auth_in_clear_text_is_refused_and_recorded(smtp_server: SMTPServer) -> None:
    """538 (RFC 4954 §4) when TLS is on offer; the password is in the record then too."""
    with Raw(smtp_server) as client:
        client.say("EHLO c")
        assert client.say("AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==").startswith("538 5.7.11")
    (session,) = smtp_server.sessions
    (attempt,) = session.auth_attempts
    assert (attempt.mechanism, attempt.succeeded) == ("PLAIN", False)
    assert (attempt.username, attempt.password) == ("ada", "lovelace")
    assert attempt.reply is not None
    assert attempt.reply.code == 538
    assert session.user is None
    assert "AGFkYQBsb3ZlbGFjZQ==" not in str(session.transcript)
    assert "C: AUTH PLAIN ********" in str(session.transcript)


@pytest.mark.smtp_server(tls="implicit")
def test_the_ca_is_valid_now(smtp_server: SMTPServer) -> None:
    """The client context verifies and checks names."""
    context = smtp_server.client_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    (authority,) = context.get_ca_certs()
    before = ssl.cert_time_to_seconds(str(authority["notBefore"]))
    assert before < dt.datetime.now(dt.UTC).timestamp()


# No room for certificates


@pytest.fixture
def full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[None]]:
    """`with full_disk():` no file may have an octet. The temporary folder is empty."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    @contextmanager
    def full() -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return full


ADVICE = "make room there, or let TMPDIR name another folder"


@pytest.mark.parametrize("certificate", ["valid", "expired", "self_signed"])
def test_no_room_for_the_certificate_of_a_server(
    full_disk: Callable[[], AbstractContextManager[None]],
    tmp_path: Path,
    certificate: Certificate,
) -> None:
    """The start says where, leaves nothing, no key above all, and may be tried again."""
    server = SMTPServer(tls="starttls", certificate=certificate, ca=trustme.CA())
    with full_disk(), pytest.raises(OSError, match="too large") as failure:
        server.start()
    (note,) = failure.value.__notes__
    assert str(tmp_path) in note
    assert ADVICE in note
    assert list(tmp_path.iterdir()) == []
    assert not server.is_running
    with server:
        assert server.is_running
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_the_file_of_the_ca(
    full_disk: Callable[[], AbstractContextManager[None]], tmp_path: Path
) -> None:
    """It is there when it is asked for again, and whole."""
    ca = trustme.CA()
    with SMTPServer(tls="starttls", ca=ca) as server:
        with full_disk(), pytest.raises(OSError, match="too large") as failure:
            _ = server.ca_file
        assert ADVICE in failure.value.__notes__[0]
        assert list(tmp_path.iterdir()) == []
        assert Path(server.ca_file).read_bytes() == ca.cert_pem.bytes()
