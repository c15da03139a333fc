"""Listeners on systems that differ from the one that the suite runs on."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import SMTPServer
from tests.server.tools import Raw, send

if TYPE_CHECKING:
    from pathlib import Path


def refuses(name: str) -> bool:
    """Whether nobody listens there."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(name) == errno.ECONNREFUSED


class ShySocket(socket.socket):
    """It does not tell whether it listens."""

    refuses_with = errno.ENOPROTOOPT

    def getsockopt(self, *arguments: Any) -> Any:
        if arguments == (socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError(self.refuses_with, "Protocol not available")
        return super().getsockopt(*arguments)


@pytest.mark.parametrize("number", [errno.ENOPROTOOPT, errno.EOPNOTSUPP])
def test_a_listener_where_the_system_does_not_tell(number: int) -> None:
    """macOS has no SO_ACCEPTCONN: the caller is trusted."""
    listener = ShySocket()
    listener.refuses_with = number
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = SMTPServer().start(listener=listener)
    send(server)
    server.stop()
    assert len(server.messages) == 1


class Forbidden(socket.socket):
    """As pytest-socket puts it in the place of `socket.socket`."""

    def __new__(cls, *_: object, **__: object) -> Forbidden:  # noqa: PYI034
        raise RuntimeError("A test tried to use socket.socket.")


def test_sockets_that_are_forbidden_while_a_server_runs(
    smtp_server: SMTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients are served that may connect: those of other processes, for instance."""
    with socket.socket() as client:
        monkeypatch.setattr(socket, "socket", Forbidden)
        client.settimeout(5)
        client.connect(smtp_server.address)
        assert client.recv(4) == b"220 "
        monkeypatch.undo()
    assert smtp_server.errors == []


def test_a_listener_that_is_closed() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.close()
    with pytest.raises(ValueError, match="does not listen"):
        SMTPServer().start(listener=listener)


def test_a_system_without_unix_sockets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ValueError, match="option path: this system has no Unix"):
        SMTPServer(path=str(tmp_path / "socket")).start()


@pytest.mark.skipif(sys.platform != "linux", reason="the length is Linux's")
def test_the_longest_path(tmp_path: Path) -> None:
    """unix(7): `sun_path` has 108 octets, of which one ends it."""
    folder = f"/proc/self/fd/{os.open(tmp_path, os.O_RDONLY)}"
    longest = folder + "/" + "é" * ((106 - len(folder)) // 2)
    longest += "x" * (107 - len(os.fsencode(longest)))
    try:
        with SMTPServer(path=longest) as server, Raw(server) as client:
            assert client.greeting.startswith("220 ")
        with pytest.raises(ValueError, match="108 octets, and this system takes 107"):
            SMTPServer(path=longest + "x").start()
    finally:
        os.close(int(folder.rpartition("/")[2]))


@pytest.mark.skipif(sys.platform != "linux", reason="they are Linux's own")
def test_an_abstract_socket() -> None:
    """unix(7): a name that begins with NUL, and that no file bears."""
    name = f"\0smtp-{os.getpid()}"
    with SMTPServer(path=name) as server:
        assert server.path == name
        assert server.url == f"smtp://@{name[1:]}"
        with Raw(server) as client:
            assert client.say("NOOP").startswith("250 ")
        with server.outage():
            assert refuses(name)
        with Raw(server) as client:
            assert client.say("NOOP").startswith("250 ")
        assert server.sessions[0].local_address == (name, 0)
    assert refuses(name)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(name)
    listener.listen()
    with SMTPServer().start(listener=listener) as taken, Raw(taken) as client:
        assert taken.path == name


class LoopWithoutReaders(asyncio.SelectorEventLoop):
    """The proactor of Windows, as far as it concerns us."""

    def add_reader(self, fd: Any, callback: Any, *arguments: Any) -> Any:  # type: ignore[override]
        name = sys._getframe(1).f_globals.get("__name__", "")
        if name.startswith("pytest_smtpserver"):
            raise NotImplementedError
        return super().add_reader(fd, callback, *arguments)


def test_a_loop_that_cannot_watch_sockets() -> None:
    """Everything is served by tasks there, outages included."""

    async def main() -> int:
        async with SMTPServer() as server:
            await asyncio.to_thread(send, server)
            with server.outage():
                pass
            await asyncio.to_thread(send, server)
            return len(server.messages)

    with asyncio.Runner(loop_factory=LoopWithoutReaders) as runner:
        assert runner.run(main()) == 2
