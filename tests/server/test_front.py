"""What stands in front of a session: names, certificates, sockets, limits."""

from __future__ import annotations

import http.client
import smtplib
import socket
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from pytest_smtpserver import Reply, SMTPServer
from pytest_smtpserver.mail.mailbox import Mailbox
from pytest_smtpserver.mail.search.criteria import Criteria
from pytest_smtpserver.mail.search.waiting import Wait
from pytest_smtpserver.script.conditions import Conditions

from .wire import PATIENCE, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_smtpserver.script.event import Event

#: The PROXY protocol, section 2.2: from 192.0.2.7 port 40000.
V2_TCP4 = bytes.fromhex("0d0a0d0a000d0a515549540a 2111000c c0000207 c6336409 9c400019")

MISTAKES: dict[str, Callable[[], object]] = {
    "a criterion": lambda: Criteria({"subjekt": "x"}),
    "headers": lambda: Criteria({"subject": "x", "headers": "X-Tag"}),
    "a count": lambda: Wait(Mailbox(), {}, count=0),
    "a reply code": lambda: Reply(99),
    "a line of a reply": lambda: Reply(250, "one\r\ntwo"),
    "a criterion of a rule": lambda: Conditions("RCPT", "x", {"subjekt": "x"}),
    "a match": lambda: Conditions("RCPT", ["x"], {}),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_could_not_be_made_can_be_shown(name: str) -> None:
    """pytest shows the arguments of the frames of a traceback, `self` among them."""
    with pytest.raises((TypeError, ValueError)) as failed:
        MISTAKES[name]()
    shown = [
        repr(entry.locals["self"])
        for entry in failed.traceback
        if "self" in entry.locals
    ]
    assert shown


def test_a_server_that_could_not_be_made_can_be_shown() -> None:
    """No traceback has it; a debugger may."""
    assert repr(SMTPServer.__new__(SMTPServer)) == "<SMTPServer, not made>"


# The client's name


def test_the_clients_name_is_resolved_when_asked_for() -> None:
    """The name is there before the first handler is called; addresses via PROXY too."""
    asked: list[str] = []
    names: list[str | None] = []

    def resolve(address: str) -> str:
        asked.append(address)
        return "client.example.net"

    def on_connect(event: Event) -> None:
        names.append(event.session.client_hostname)

    with SMTPServer(
        resolve_client_hostname=resolve,
        proxy_protocol=True,
        handlers={"CONNECT": on_connect},
    ) as server:
        with Wire(server, first=V2_TCP4) as wire:
            assert wire.reply().startswith("220 ")
        assert asked == ["192.0.2.7"]
        assert names == ["client.example.net"]


def test_a_client_without_a_name_is_served_all_the_same() -> None:
    """A look-up that fails leaves None, and a note."""

    def resolve(address: str) -> str:
        raise socket.herror(1, "Unknown host")

    with SMTPServer(resolve_client_hostname=resolve) as server:
        with Wire(server) as wire:
            assert wire.deliver_after_hello().startswith("250 ")
        session = server.sessions[0]
        assert session.client_hostname is None
        assert "127.0.0.1 has no name" in str(session.transcript)


def test_a_name_that_takes_too_long_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A look-up has a bound, and goes on without harm in its own thread."""
    monkeypatch.setattr(
        "pytest_smtpserver.server.session.opening.RESOLVE_TIMEOUT", 0.02
    )
    release = threading.Event()

    def resolve(address: str) -> str:
        release.wait(PATIENCE)
        return address

    try:
        with (
            SMTPServer(resolve_client_hostname=resolve) as server,
            Wire(server) as wire,
        ):
            assert wire.reply().startswith("220 ")
            assert server.sessions[0].client_hostname is None
            assert "was not found in time" in str(server.sessions[0].transcript)
            release.set()
    finally:
        release.set()


def test_no_name_is_looked_up_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off by default: nothing asks DNS."""
    asked: list[str] = []
    monkeypatch.setattr(socket, "gethostbyaddr", asked.append)
    with SMTPServer() as server, Wire(server) as wire:
        assert wire.reply().startswith("220 ")
        assert server.sessions[0].client_hostname is None
    assert asked == []


def test_true_asks_for_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """With True the name is what this machine's resolver says."""

    def gethostbyaddr(address: str) -> tuple[str, list[str], list[str]]:
        return f"host-of-{address}", [], [address]

    monkeypatch.setattr(socket, "gethostbyaddr", gethostbyaddr)
    with SMTPServer(resolve_client_hostname=True) as server, Wire(server) as wire:
        assert wire.reply().startswith("220 ")
        assert server.sessions[0].client_hostname == "host-of-127.0.0.1"


def test_a_resolver_that_is_none_is_refused() -> None:
    """A type error names the option and what it takes."""
    with pytest.raises(TypeError, match=r"resolve_client_hostname: 'yes'.*function"):
        SMTPServer(resolve_client_hostname="yes")  # type: ignore[arg-type]


# Another certificate


def test_a_certificate_is_swapped_while_the_server_runs() -> None:
    """The next handshake shows the new one; a session that is open goes on."""
    other = trustme.CA()
    with SMTPServer(tls="starttls") as server:
        with Wire(server) as old:
            old.hello()
            assert old.say("STARTTLS").startswith("220 ")
            old.start_tls(server.client_context())
            server.use_certificate(other.issue_cert("localhost"))
            with smtplib.SMTP(*server.address) as client, pytest.raises(OSError):
                client.starttls(context=server.client_context())
            with Wire(server) as new:
                new.hello()
                assert new.say("STARTTLS").startswith("220 ")
                context = server.client_context()
                other.configure_trust(context)
                new.start_tls(context)
                assert new.say("EHLO again.example.org").startswith("250-")
            assert old.say("EHLO again.example.org").startswith("250-")
        server.use_certificate("valid")
        with smtplib.SMTP(*server.address) as client:
            assert client.starttls(context=server.client_context())[0] == 220


def test_a_certificate_needs_tls_and_must_be_one() -> None:
    """What cannot work is refused at once, by name."""
    with SMTPServer() as server, pytest.raises(RuntimeError, match="tls='starttls'"):
        server.use_certificate("expired")
    with SMTPServer(tls="starttls") as server:
        with pytest.raises(ValueError, match="option certificate"):
            server.use_certificate("rotten.pem")
        with smtplib.SMTP(*server.address) as client:
            assert client.starttls(context=server.client_context())[0] == 220


# Sockets of the caller's own


def test_a_listening_socket_of_ones_own() -> None:
    """`start(listener=...)` serves it; address and url are the socket's."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = SMTPServer().start(listener=listener)
    try:
        assert server.address == ("127.0.0.1", port)
        with Wire(server) as wire:
            assert wire.deliver_after_hello().startswith("250 ")
        assert len(server.messages) == 1
    finally:
        server.stop()
    assert listener.fileno() == -1


def test_a_listening_unix_socket_of_ones_own(tmp_path: Path) -> None:
    """The same for a Unix socket: `path` is its path."""
    path = str(tmp_path / "smtp")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    server = SMTPServer().start(listener=listener)
    client = socket.socket(socket.AF_UNIX)
    try:
        assert (server.path, server.url) == (path, f"smtp://{path}")
        client.connect(path)
        with Wire.over(client) as wire:
            assert wire.deliver_after_hello().startswith("250 ")
    finally:
        client.close()
        server.stop()


def test_a_socket_that_does_not_listen_is_refused() -> None:
    """The error says what is missing, and leaves the socket to its owner."""
    with socket.socket() as idle, pytest.raises(ValueError, match=r"listen\(\)"):
        SMTPServer().start(listener=idle)


def test_a_connected_socket_of_ones_own() -> None:
    """`serve_socket` serves the client at the other end, like any other."""
    ours, theirs = socket.socketpair()
    with SMTPServer() as server, Wire.over(theirs) as wire:
        server.serve_socket(ours)
        assert wire.deliver_after_hello().startswith("250 ")
        assert wire.say("QUIT").startswith("221 ")
        assert wire.rest() == b""
        assert server.messages[0].session is server.sessions[0]


def test_a_connected_tcp_socket_of_ones_own() -> None:
    """Its addresses are those of the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, SMTPServer() as server:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        server.serve_socket(accepted)
        with Wire.over(client) as wire:
            assert wire.reply().startswith("220 ")
            assert server.sessions[0].remote_address == client.getsockname()
            assert server.sessions[0].local_address == listener.getsockname()


def test_only_a_running_server_serves_a_stream_socket() -> None:
    """What cannot work is refused, and the socket stays its owner's."""
    ours, theirs = socket.socketpair()
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with ours, theirs, datagrams:
        with pytest.raises(RuntimeError, match="start it first"):
            SMTPServer().serve_socket(ours)
        with SMTPServer() as server, pytest.raises(TypeError, match="stream socket"):
            server.serve_socket(datagrams)
        assert ours.fileno() != -1


# Clients that are none, or behave badly


def test_an_http_request_gets_421_and_the_end() -> None:
    """A browser on the port is sent away at its first line."""
    with SMTPServer() as server:
        client = http.client.HTTPConnection(*server.address, timeout=PATIENCE)
        client.request("GET", "/index.html")
        with pytest.raises(http.client.BadStatusLine):
            client.getresponse()
        client.close()
        with Wire(server) as wire:
            wire.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO a\r\n")
            assert wire.reply().startswith("220 ")
            assert wire.reply().startswith("421 4.7.0 ")
            assert wire.rest() == b""
        assert [s.closed_by for s in server.sessions] == ["server", "server"]
        with Wire(server) as wire:
            assert wire.deliver_after_hello().startswith("250 ")


def test_unauthenticated_commands_have_a_limit() -> None:
    """Past max_unauthenticated_commands: 421 and close; AUTH lifts the limit."""
    options = {"a": "b"}
    with SMTPServer(users=options, max_unauthenticated_commands=3) as server:
        with Wire(server) as wire:
            wire.hello()
            assert wire.say("NOOP").startswith("250 ")
            assert wire.say("NOOP").startswith("421 4.7.0 ")
            assert wire.rest() == b""
        with Wire(server) as wire:
            wire.hello()
            assert wire.say("AUTH PLAIN AGEAYg==").startswith("235 ")
            for _ in range(5):
                assert wire.say("NOOP").startswith("250 ")
            assert wire.deliver().startswith("250 ")


@pytest.mark.timeout(300)
def test_a_client_that_never_reads_its_replies_is_held_up() -> None:
    """It is not read either, harms nobody, and gets all its replies when it reads."""
    with SMTPServer() as server, Wire(server, receive_buffer=4096) as wire:
        wire.socket.setblocking(False)
        sent, limit, block = 0, 64 * 1024 * 1024, b"NOOP\r\n" * 4096
        while sent < limit:
            try:
                sent += wire.socket.send(block[sent % len(block) :])
            except BlockingIOError:
                break
        held_up = sent < limit
        with Wire(server) as other:
            assert other.deliver_after_hello().startswith("250 ")
        wire.socket.settimeout(PATIENCE)
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        assert wire.reply().startswith("220 ")
        whole = sent // 6
        assert wire.rest_of(14 * whole) == b"250 2.0.0 Ok\r\n" * whole
        assert wire.after(b"NOOP\r\n"[sent % 6 :]) == "250 2.0.0 Ok"
        assert held_up
