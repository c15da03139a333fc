"""Proxies in front of the server: the PROXY header, XCLIENT and XFORWARD."""

from __future__ import annotations

import socket
import struct

import pytest

from pytest_smtpserver import SMTPServer
from tests.server.wire import Wire

# The PROXY protocol, sections 2.1 and 2.2
V2 = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"
V2_TCP4 = (
    V2
    + b"\x21\x11\x00\x0c"
    + bytes([192, 0, 2, 7])
    + bytes([198, 51, 100, 9])
    + struct.pack("!HH", 40000, 25)
)
V2_TCP6 = (
    V2
    + b"\x21\x21\x00\x24"
    + socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "2001:db8::9")
    + struct.pack("!HH", 40000, 25)
)
V2_UNIX = (
    V2 + b"\x21\x31\x00\xd8" + b"/client".ljust(108, b"\0") + b"/srv".ljust(108, b"\0")
)
TLVS = b"\x04\x00\x03abc"


@pytest.mark.parametrize(
    ("header", "remote", "local"),
    [
        (
            b"PROXY TCP4 192.0.2.7 198.51.100.9 40000 25\r\n",
            ("192.0.2.7", 40000),
            ("198.51.100.9", 25),
        ),
        (
            b"PROXY TCP6 2001:db8::7 2001:db8::9 40000 25\r\n",
            ("2001:db8::7", 40000),
            ("2001:db8::9", 25),
        ),
        (V2_TCP4, ("192.0.2.7", 40000), ("198.51.100.9", 25)),
        (V2_TCP6, ("2001:db8::7", 40000), ("2001:db8::9", 25)),
        (V2_UNIX, ("/client", 0), ("/srv", 0)),
        (
            V2_TCP4.replace(b"\x00\x0c", b"\x00\x12", 1) + TLVS,
            ("192.0.2.7", 40000),
            ("198.51.100.9", 25),
        ),
    ],
)
def test_addresses_come_from_the_proxy_header(
    header: bytes, remote: tuple[str, int], local: tuple[str, int]
) -> None:
    """session.remote_address and local_address are what the header says."""
    with SMTPServer(proxy_protocol=True) as server:
        rule = server.on("CONNECT", remote[0]).reply(220, "mail.example.org hello")
        with Wire(server, first=header) as wire:
            assert wire.reply() == "220 mail.example.org hello"
        assert rule.called
        session = server.sessions[0]
        assert (session.remote_address, session.local_address) == (remote, local)


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n",
        V2 + b"\x20\x00\x00\x00",
        V2 + b"\x21\x00\x00\x00",
    ],
)
def test_a_proxy_that_does_not_say_leaves_the_addresses(header: bytes) -> None:
    """UNKNOWN (2.1), LOCAL and UNSPEC (2.2): the connection's own addresses stay."""
    with SMTPServer(proxy_protocol=True) as server:
        with Wire(server, first=header) as wire:
            assert wire.deliver_after_hello().startswith("250 ")
            own = wire.socket.getsockname()
        assert server.messages[0].session.remote_address == own
        assert server.sessions[0].local_address == server.address


@pytest.mark.parametrize(
    "header",
    [
        b"EHLO client.example.org\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.9 40000\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::9 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.9 70000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.9 40000 25\n",
        b"PROXY UNKNOWN " + b"x" * 107,
        V2 + b"\x31\x11\x00\x0c" + bytes(12),
        V2 + b"\x21\x11\x00\x04" + bytes(4),
        V2 + b"\x21\x11\xff\xff",
    ],
)
def test_a_bad_proxy_header_closes_the_connection(header: bytes) -> None:
    """Bad or overlong: closed without a word, and in the record."""
    with SMTPServer(proxy_protocol=True) as server:
        with Wire(server, first=header) as wire:
            assert wire.rest() == b""
        session = server.sessions[0]
        assert session.closed_by == "server"
        assert session.commands == []
        assert "a bad PROXY header came" in str(session.transcript)
        with Wire(server, first=V2_TCP4) as wire:
            assert wire.deliver_after_hello().startswith("250 ")
        assert server.messages[0].content == b"Subject: hello\r\n\r\nHi\r\n"


def test_a_proxy_header_in_pieces_and_commands_behind_it() -> None:
    """A header may be cut anywhere; what follows in the same packet is SMTP."""
    with SMTPServer(proxy_protocol=True) as server, Wire(server) as wire:
        for octet in V2_TCP4[:-1]:
            wire.send(bytes([octet]))
        wire.send(V2_TCP4[-1:] + b"EHLO client.example.org\r\n")
        assert wire.reply().startswith("220 ")
        assert wire.reply().startswith("250-")
        assert wire.say("QUIT").startswith("221 ")
        assert server.sessions[0].remote_address == ("192.0.2.7", 40000)


def test_a_proxy_header_in_front_of_implicit_tls() -> None:
    """The header is in clear text, TLS begins behind it."""
    with SMTPServer(proxy_protocol=True, tls="implicit") as server:
        with Wire(server, first=b"PROXY TCP4 192.0.2.7 192.0.2.9 4000 465\r\n") as wire:
            wire.start_tls(server.client_context())
            assert wire.deliver_after_hello().startswith("250 ")
        session = server.messages[0].session
        assert session.remote_address == ("192.0.2.7", 4000)
        assert session.tls is not None


# XCLIENT and XFORWARD (Postfix's XCLIENT_README and XFORWARD_README)


def test_xclient_makes_the_session_the_real_clients() -> None:
    """Addresses, name, HELO and user are what XCLIENT says; then it begins anew."""
    with SMTPServer(xclient=True) as server, Wire(server) as wire:
        assert [line for line in wire.hello() if line[4:].startswith("XCLIENT NAME ")]
        greeting = wire.say(
            "XCLIENT NAME=spike.porcupine.org ADDR=168.100.189.2 PORT=4711 "
            "DESTADDR=192.0.2.25 DESTPORT=25 HELO=spike LOGIN=ada"
        )
        assert greeting.startswith("220 localhost ESMTP")
        session = server.sessions[0]
        assert session.remote_address == ("168.100.189.2", 4711)
        assert session.local_address == ("192.0.2.25", 25)
        assert session.client_hostname == "spike.porcupine.org"
        assert (session.helo, session.user) == ("spike", "ada")
        assert wire.say("EHLO again.example.org").startswith("250-")
        assert wire.deliver().startswith("250 ")
        assert server.messages[0].session.helo == "again.example.org"


def test_xforward_is_kept_beside_the_session() -> None:
    """`session.forwarded` has what XFORWARD told; the session stays the client's."""
    with SMTPServer(xforward=True) as server, Wire(server) as wire:
        wire.hello()
        assert wire.say("XFORWARD NAME=spike.example ADDR=192.0.2.7").startswith("250 ")
        assert wire.say("XFORWARD PROTO=SMTP HELO=[UNAVAILABLE]").startswith("250 ")
        assert wire.deliver().startswith("250 ")
        session = server.messages[0].session
        assert session.forwarded == {
            "NAME": "spike.example",
            "ADDR": "192.0.2.7",
            "PROTO": "SMTP",
            "HELO": None,
        }
        assert session.remote_address == wire.socket.getsockname()


@pytest.mark.parametrize("line", ["XCLIENT", "XCLIENT ADDR=nonsense", "XFORWARD X=1"])
def test_a_bad_xclient_or_xforward_does_no_harm(line: str) -> None:
    """501 5.5.4, the record is as it was, and the message that follows is intact."""
    with SMTPServer(xclient=True, xforward=True) as server, Wire(server) as wire:
        wire.hello()
        assert wire.say(line).startswith("501 5.5.4 ")
        assert wire.deliver().startswith("250 ")
        assert server.messages[0].session.remote_address == wire.socket.getsockname()
        assert server.messages[0].content == b"Subject: hello\r\n\r\nHi\r\n"


def test_a_session_that_waits_for_the_header_says_so() -> None:
    """A client that talks to the port by itself sees silence; the transcript says why."""
    with SMTPServer(proxy_protocol=True) as server:
        with socket.create_connection(server.address) as client:
            client.sendall(b"PROXY TCP4 192")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
        server.wait_until_idle()
        transcript = str(server.sessions[0].transcript)
    assert "waiting for the PROXY header" in transcript
