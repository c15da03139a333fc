"""Writes down what a client and a real server say: a relay between the two."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import trustme

#: Seconds that both sides may be silent.
_SILENCE = 20.0


class Relay:
    """A port on which a connection goes on to the server.

    Where the client says STARTTLS and the server agrees, both handshakes are made: the
    server's with the relay, and the relay's with the client.

    Args:
        upstream: connects to the server, or runs one.
        ca: signs the certificate that the client gets, and the server's.

    Attributes:
        port: where the client connects.
        log: what was said, in the RFCs' form, the lines of both as they came.
        version: of TLS, as the server has agreed to it; None without.
    """

    def __init__(
        self,
        upstream: Callable[[], AbstractContextManager[socket.socket]],
        ca: trustme.CA | None = None,
    ) -> None:
        self._upstream = upstream
        self._ca = ca
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.version: str | None = None
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._serve)

    @property
    def log(self) -> str:
        """The dialogue."""
        return "\n".join(self._lines)

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        # Either may be gone by the time that the other has said its last word.
        with client, self._upstream() as server, suppress(ConnectionError):
            if self._relay(client, server):
                self._relay_secured(client, server)

    def _relay(self, client: socket.socket, server: socket.socket) -> bool:
        """Hand on what either says, until both have ended, or want TLS.

        In one thread: OpenSSL must not read and write for a connection at the same time.
        """
        partial = {client: b"", server: b""}
        while partial:
            for source in self._readable(list(partial)):
                data = _received(source)
                if data is None:
                    continue
                to, who = (server, "C") if source is client else (client, "S")
                if data:
                    *lines, partial[source] = (partial[source] + data).split(b"\n")
                    self._lines += [
                        f"{who}: {line.decode('utf-8', 'replace').rstrip()}"
                        for line in lines
                    ]
                    to.sendall(data)
                    if who == "S" and self._wants_tls():
                        return True
                elif isinstance(source, ssl.SSLSocket):
                    return False  # its other half is no TLS any more
                else:
                    del partial[source]
                    with suppress(OSError):
                        to.shutdown(socket.SHUT_WR)
        return False

    def _readable(self, sources: list[socket.socket]) -> list[socket.socket]:
        for one in sources:
            if isinstance(one, ssl.SSLSocket) and one.pending():
                return [one]
        ready = select.select(sources, [], [], _SILENCE)[0]
        if not ready:
            raise TimeoutError(f"nobody said anything after:\n{self.log}")
        return ready

    def _wants_tls(self) -> bool:
        command, reply = ["", *self._lines][-2:]
        return command.upper() == "C: STARTTLS" and reply.startswith("S: 220")

    def _relay_secured(self, client: socket.socket, server: socket.socket) -> None:
        assert self._ca is not None
        ours = ssl.create_default_context(cadata=self._ca.cert_pem.bytes().decode())
        theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert("localhost", "127.0.0.1").configure_cert(theirs)
        with (
            ours.wrap_socket(server, server_hostname="mx.example.net") as upstream,
            theirs.wrap_socket(client, server_side=True) as downstream,
        ):
            self.version = upstream.version()
            self._relay(downstream, upstream)


def _received(source: socket.socket) -> bytes | None:
    """What has come; None where it was for TLS alone, such as a ticket."""
    source.setblocking(False)
    try:
        return source.recv(65536)
    except ssl.SSLWantReadError:
        return None
    finally:
        source.setblocking(True)


@contextmanager
def recording(
    upstream: Callable[[], AbstractContextManager[socket.socket]],
    ca: trustme.CA | None = None,
) -> Iterator[Relay]:
    """A relay for one connection, which has ended at the end of the block."""
    relay = Relay(upstream, ca)
    relay._thread.start()
    try:
        yield relay
    finally:
        relay._thread.join()
        relay._listener.close()
