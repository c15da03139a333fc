"""One connection's bytes, both ways: the contract, and its form on any event loop.

The heart is `exchange`: bytes that arrive are handed to a function that returns the
bytes to answer with, at once and without a task switch, until it asks for more than
that. On asyncio a form of its own (`loop_channel`) calls the function right where the
socket is read.
"""

from __future__ import annotations

import enum
import math
import socket
import struct
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Pace

#: Larger pieces cost more than they save: from 128 KiB on, each is mapped and unmapped.
PIECE = 65536

#: What may wait in the kernel while content is read slowly, in octets: as little as
#: does not make the two kernels wait for each other on top of it.
_SMALL_BUFFER = 32768
_USUAL_BUFFER = 212992

#: RST instead of FIN: linger for no time at all.
_NO_LINGER = struct.pack("ii", 1, 0)


class Outcome(enum.Enum):
    """Why an exchange has ended."""

    #: The function returned None: it wants to be asked otherwise.
    ATTENTION = "attention"
    #: The client has closed its side; what it sent before was handed over.
    EOF = "end of stream"
    #: The connection broke, or was reset by the client.
    BROKEN = "broken"
    #: The client was silent for too long.
    IDLE = "idle"
    #: `Channel.interrupt` was called.
    INTERRUPTED = "interrupted"
    #: The time that it had is over.
    OVER = "time is over"


class Channel(ABC):
    """One connection. Its methods are for the event loop's thread alone."""

    __slots__ = ()

    @abstractmethod
    async def exchange(
        self,
        process: Callable[[bytes], bytes | None],
        *,
        sent: Callable[[], None] | None = None,
        idle_timeout: float = math.inf,
        within: float = math.inf,
    ) -> Outcome:
        """Hand over bytes that arrive and send what comes back, until that is None.

        Args:
            process: takes received bytes and returns those to send, maybe none.
            sent: called each time when what `process` returned has left.
            idle_timeout: seconds of silence after which it gives up.
            within: seconds after which it ends, whatever the client does.
        """

    @abstractmethod
    async def send(self, data: bytes) -> bool:
        """Send bytes, waiting while the client does not read; false when it is gone."""

    @abstractmethod
    def pace_reading(self, pace: Pace | None) -> None:
        """Read no faster than that from now on; None for as fast as can be."""

    @abstractmethod
    def interrupt(self) -> None:
        """Make the exchange that is going on, or the next one, end."""

    @abstractmethod
    def raw_socket(self) -> socket.socket:
        """The socket, to look at."""

    @abstractmethod
    async def close(self, linger: float = 0.0) -> None:
        """Send FIN and let go.

        For `linger` seconds bytes are still read and dropped: a socket that is closed
        with unread bytes sends RST, which takes our last words from a client that is
        still talking.
        """

    @abstractmethod
    async def reset(self) -> None:
        """Send RST."""

    @abstractmethod
    def half_close(self) -> None:
        """Send FIN in our direction, and go on reading."""


class WaitingChannel(Channel):
    """A channel over a non-blocking socket, on any event loop that anyio knows."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._interrupted = False
        self._scope: anyio.CancelScope | None = None
        self._closed = False
        self._pace: Pace | None = None

    async def exchange(
        self,
        process: Callable[[bytes], bytes | None],
        *,
        sent: Callable[[], None] | None = None,
        idle_timeout: float = math.inf,
        within: float = math.inf,
    ) -> Outcome:
        with anyio.move_on_after(within):
            return await self._exchange(process, sent, idle_timeout)
        return Outcome.OVER

    async def _exchange(
        self,
        process: Callable[[bytes], bytes | None],
        sent: Callable[[], None] | None,
        idle_timeout: float,
    ) -> Outcome:
        while True:
            if self._interrupted:
                self._interrupted = False
                return Outcome.INTERRUPTED
            data: bytes | None = None
            with anyio.move_on_after(idle_timeout) as self._scope:
                data = await self._receive()
            self._scope = None
            if data is None:
                if self._interrupted:
                    continue
                return Outcome.BROKEN if self._closed else Outcome.IDLE
            if not data:
                return Outcome.EOF
            answer = process(data)
            if answer is None:
                return Outcome.ATTENTION
            if answer:
                if not await self.send(answer):
                    return Outcome.BROKEN
                if sent is not None:
                    sent()

    async def _receive(self) -> bytes | None:
        """Some bytes, none at the end, None when the connection has broken."""
        while True:
            if self._pace is not None:
                await anyio.sleep(self._pace.wait(anyio.current_time()))
            try:
                if self._pace is None:
                    return self._socket.recv(PIECE)
                return paced_receive(self._socket, self._pace, anyio.current_time)
            except (BlockingIOError, InterruptedError):
                await anyio.wait_readable(self._socket)
            except OSError:
                self._closed = True
                return None

    def pace_reading(self, pace: Pace | None) -> None:
        self._pace = pace
        size_receive_buffer(self._socket, pace)

    async def send(self, data: bytes) -> bool:
        view = memoryview(data)
        while view and not self._closed:
            try:
                view = view[self._socket.send(view) :]
            except (BlockingIOError, InterruptedError):
                await anyio.wait_writable(self._socket)
            except OSError:
                self._closed = True
        return not self._closed

    def interrupt(self) -> None:
        self._interrupted = True
        if self._scope is not None:
            self._scope.cancel()

    def raw_socket(self) -> socket.socket:
        return self._socket

    async def close(self, linger: float = 0.0) -> None:
        self.half_close()
        if linger and not self._closed:
            await self.exchange(lambda _: b"", within=linger)
        self._release()

    async def reset(self) -> None:
        no_linger(self._socket)
        self._release()

    def half_close(self) -> None:
        shut_down_writing(self._socket)

    def _release(self) -> None:
        self._closed = True
        self._socket.close()


def paced_receive(
    connection: socket.socket, pace: Pace, now: Callable[[], float]
) -> bytes:
    """Bytes from a socket, as many as the pace allows."""
    data = connection.recv(min(PIECE, pace.allowed(now())))
    pace.spend(len(data))
    return data


def size_receive_buffer(connection: socket.socket, pace: Pace | None) -> None:
    """Let the kernel keep little for us while we read slowly."""
    size = _USUAL_BUFFER if pace is None else max(_SMALL_BUFFER, int(pace.rate / 4))
    with suppress(OSError):  # it is gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def no_linger(connection: socket.socket) -> None:
    """Make the coming close send RST."""
    with suppress(OSError):  # it is gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def shut_down_writing(connection: socket.socket) -> None:
    """Send FIN."""
    with suppress(OSError):  # it is gone already
        connection.shutdown(socket.SHUT_WR)
