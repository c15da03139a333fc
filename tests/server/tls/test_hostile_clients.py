"""Clients that send anything but what TLS wants: they harm themselves alone."""

from __future__ import annotations

import datetime as dt
import smtplib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.server.wire import Wire

from .certificates_of_clients import odd_certificate
from .test_hello import NAME, hello, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import trustme

    from pytest_smtpserver import SMTPServer

FIRST = {
    "nothing": b"",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "SMTP": b"EHLO client.example.org\r\n",
    "a header of a record": hello()[:5],
    "half a record": hello()[:100],
    "a hello alone": hello(),
    "a hello in pieces": records(hello()[5:], 1),
    "a hello, and garbage": hello() + b"\x16\x03\x03\x00\x10" + b"\xff" * 16,
    "a hello, and one more": hello() * 2,
    "no ASCII in the server name": hello(b"\xff" * len(NAME)),
    "NUL in the server name": hello(b"\x00" * len(NAME)),
    "controls in the server name": hello(b"\x1b" * len(NAME)),
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "an empty record": b"\x16\x03\x01\x00\x00" * 9,
    "a record that is too long": b"\x16\x03\x01\xff\xff",
    "a hello that is too long": b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
    "a hello of SSL 2": b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + b"\x00" * 37,
    "data": b"\x17\x03\x03\x00\x05hello",
    "a heartbeat": b"\x18\x03\x02\x00\x03\x01\x40\x00",
}


@pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_what_is_no_handshake(
    smtp_server_factory: Callable[..., SMTPServer], tls: str, first: bytes
) -> None:
    """The connection ends with a note, and nobody else is told: no fault, no warning."""
    server = smtp_server_factory(tls=tls)
    with Wire(server) as wire:
        if tls == "starttls":
            wire.hello()
            wire.agree("STARTTLS", 220)
        wire.send(first)
        wire.socket.shutdown(socket.SHUT_WR)
        answer = wire.rest()
    server.settle()
    (session,) = server.sessions
    assert "TLS handshake" in str(session.transcript)
    assert session.tls is None
    assert session.closed_by is not None
    assert server.errors == []
    assert b"250" not in answer
    assert [one.verb for one in session.commands][2:] == []


@pytest.mark.smtp_server(tls="implicit")
def test_a_server_name_is_escaped(smtp_server: SMTPServer) -> None:
    """Where people see it; the record has it as it was sent."""
    context = smtp_server.client_context()
    context.check_hostname = False
    name = "a\x1b[31mb\x07.example.org"
    with Wire(smtp_server) as wire:
        wire.start_tls(context, name)
        wire.hello()
    (session,) = smtp_server.sessions
    assert session.tls is not None
    assert session.tls.server_name == name
    assert "server name a\\x1b[31mb\\x07.example.org" in str(session.transcript)


@pytest.mark.smtp_server(tls="implicit")
def test_rubbish_after_the_handshake(smtp_server: SMTPServer) -> None:
    """RFC 8446 §5.2: a record that does not decrypt ends the connection."""
    with Wire(smtp_server) as wire:
        plain = wire.socket.dup()
        wire.start_tls(smtp_server.client_context())
        wire.hello()
        with plain:
            plain.sendall(b"\x17\x03\x03\x00\x20" + b"\xff" * 32)
            while plain.recv(65536):
                pass
    smtp_server.settle()
    assert smtp_server.errors == []
    assert smtp_server.sessions[0].closed_by is not None


ODD = {
    # RFC 5280 §4.1.2.6 has at most 64 characters; OpenSSL does not count.
    "a long name": ("x" * 20_000, b"", "x" * 20_000, 235),
    "controls": ("a\x1b[31m\u202e\u3164", b"", "a\x1b[31m\u202e\u3164", 501),
    "no name": ("", b"", "", 535),
    # An rfc822Name is an IA5String (§4.2.1.6): no octet is over 127.
    "no ASCII": ("ada", b"\x30\x05\x81\x03\xff\xfe@", None, 504),
    "an address of three octets": ("ada", b"\x30\x05\x87\x03\x01\x02\x03", "ada", 235),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_certificates_of_clients(
    smtp_server_factory: Callable[..., SMTPServer],
    smtp_ca: trustme.CA,
    tmp_path: Path,
    kind: str,
) -> None:
    """They are recorded as far as Python reads them, and escaped; mail goes through."""
    common_name, alternatives, recorded, code = ODD[kind]
    server = smtp_server_factory(
        tls="starttls",
        client_certificate="required",
        users="any",
        auth_mechanisms=["EXTERNAL"],
    )
    file = tmp_path / "client.pem"
    file.write_bytes(odd_certificate(smtp_ca, common_name, alternatives))
    context = server.client_context()
    context.load_cert_chain(file)
    with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
        client.starttls(context=context)
        client.ehlo()
        assert client.docmd("AUTH", "EXTERNAL =")[0] == code
        client.sendmail("a@example.org", "b@example.org", "Subject: hi")
    (message,) = server.assert_received(times=1)
    tls = message.session.tls
    assert tls is not None
    assert tls.peer_certificate is not None
    subject = tls.peer_certificate.get("subject")
    assert subject == (None if recorded is None else ((("commonName", recorded),),))
    shown = str(message.session.transcript)
    assert "with a client certificate" in shown
    assert not {"\x1b", "\u202e", "\u3164"} & set(shown)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_has_expired(
    smtp_server_factory: Callable[..., SMTPServer],
    smtp_ca: trustme.CA,
    version: ssl.TLSVersion,
) -> None:
    """It is refused in the handshake, before anything is read of it."""
    server = smtp_server_factory(
        tls="implicit", client_certificate="optional", tls_versions=(version, version)
    )
    context = server.client_context()
    start, end = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2000, 2001))
    smtp_ca.issue_cert("c", not_before=start, not_after=end).configure_cert(context)
    # With TLS 1.3 the client learns it from what comes after the handshake.
    expired = pytest.raises(ssl.SSLError, match="EXPIRED")
    with Wire(server) as wire, expired:
        wire.start_tls(context)
        wire.hello()
    server.settle()
    assert "CERTIFICATE_VERIFY_FAILED" in str(server.sessions[0].transcript)
    assert server.errors == []
