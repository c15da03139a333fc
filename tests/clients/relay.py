"""Writes down what a client and a real server say: a relay between the two."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

#: Seconds that either side may be silent.
_SILENCE = 20.0


class Relay:
    """A port on which one connection after the other goes on to the server.

    Args:
        upstream: connects to the server, or runs one.

    Attributes:
        port: where the client connects.
        log: what was said, in the RFCs' form, the lines of both as they came.
    """

    def __init__(
        self, upstream: Callable[[], AbstractContextManager[socket.socket]]
    ) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._serve)

    @property
    def log(self) -> str:
        """The dialogue."""
        return "\n".join(self._lines)

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, self._upstream() as server:
            for one in (client, server):
                one.settimeout(_SILENCE)
            back = threading.Thread(target=self._pump, args=(server, client, "S"))
            back.start()
            self._pump(client, server, "C")
            back.join()

    def _pump(self, source: socket.socket, to: socket.socket, who: str) -> None:
        # Either may be gone by the time that the other has said its last word.
        with suppress(ConnectionError), source.makefile("rb") as lines:
            for line in lines:
                self._lines.append(f"{who}: {line.decode('utf-8', 'replace').rstrip()}")
                to.sendall(line)
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)


@contextmanager
def recording(
    upstream: Callable[[], AbstractContextManager[socket.socket]],
) -> Iterator[Relay]:
    """A relay for one connection, which has ended at the end of the block."""
    relay = Relay(upstream)
    relay._thread.start()
    try:
        yield relay
    finally:
        relay._thread.join()
        relay._listener.close()
