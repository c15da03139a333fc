"""The connections of the floor servers: a dialogue, and ways to read and write it."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

# Not more: from 128 KiB on, malloc maps and unmaps fresh pages for every receive.
READ_SIZE = 1 << 16
LARGE_READ_SIZE = 1 << 18
GREETING = b"220 localhost ESMTP\r\n"
REPLIES = {
    b"EHLO": b"250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n",
    b"HELO": b"250 localhost\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
ACCEPTED = b"250 2.0.0 Ok\r\n"
UNKNOWN = b"500 5.5.1 Unknown command\r\n"
END = b"\r\n.\r\n"


class Dialogue:
    """The smallest state that holds an SMTP dialogue together."""

    __slots__ = ("content", "done", "rest")

    def __init__(self) -> None:
        self.content = False
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take what came over the wire and return what has to be answered."""
        if self.rest:
            data = self.rest + data
            self.rest = b""
        answer = b""
        while data:
            if self.content:
                ended = data.endswith(END)
                end = len(data) - len(END) if ended else data.find(END)
                if end < 0:
                    self.rest = data[-4:]
                    return answer
                self.content = False
                answer += ACCEPTED
                data = data[end + len(END) :]
                continue
            line, found, data = data.partition(b"\r\n")
            if not found:
                self.rest = line
                return answer
            verb = line[:4].upper()
            answer += REPLIES.get(verb, UNKNOWN)
            if verb == b"DATA":
                self.content = True
                # so that an empty message ends at once
                data = b"\r\n" + data if data else data
            elif verb == b"QUIT":
                self.done = True
        return answer


def no_delay(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class InlineProtocol(asyncio.Protocol):
    """Handles what came in inside ``data_received``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's
        self.transport = cast("asyncio.Transport", transport)
        self.dialogue = Dialogue()
        self.transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        answer = self.dialogue.feed(data)
        if answer:
            self.transport.write(answer)
        if self.dialogue.done:
            self.transport.close()


class BufferedInlineProtocol(asyncio.BufferedProtocol):
    """The same with one read buffer that all connections share."""

    shared = memoryview(bytearray(READ_SIZE))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's
        self.transport = cast("asyncio.Transport", transport)
        self.dialogue = Dialogue()
        self.transport.write(GREETING)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self.shared

    def buffer_updated(self, nbytes: int) -> None:
        answer = self.dialogue.feed(bytes(self.shared[:nbytes]))
        if answer:
            self.transport.write(answer)
        if self.dialogue.done:
            self.transport.close()


class BufferedTaskProtocol(BufferedInlineProtocol):
    """Shared read buffer, and a task that waits on a future."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.waiter: asyncio.Future[None] | None = None
        self.chunks: list[bytes] = []
        self.closed = False
        self.loop = asyncio.get_running_loop()
        self.task = self.loop.create_task(self.run())

    def buffer_updated(self, nbytes: int) -> None:
        self.chunks.append(bytes(self.shared[:nbytes]))
        self.wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.closed = True
        self.wake()

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def run(self) -> None:
        dialogue = Dialogue()
        self.transport.write(GREETING)
        while True:
            if not self.chunks:
                if self.closed:
                    return
                self.waiter = self.loop.create_future()
                await self.waiter
                continue
            answer = dialogue.feed(b"".join(self.chunks))
            self.chunks.clear()
            if answer:
                self.transport.write(answer)
            if dialogue.done:
                self.transport.close()
                return


class TaskProtocol(asyncio.Protocol):
    """Hands what came in to a task that waits on a future for every receive."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's
        self.transport = cast("asyncio.Transport", transport)
        self.waiter: asyncio.Future[None] | None = None
        self.chunks: list[bytes] = []
        self.closed = False
        self.loop = asyncio.get_running_loop()
        self.task = self.loop.create_task(self.run())

    def data_received(self, data: bytes) -> None:
        self.chunks.append(data)
        self.wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.closed = True
        self.wake()

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def receive(self) -> bytes:
        if not self.chunks and not self.closed:
            self.waiter = self.loop.create_future()
            await self.waiter
            self.waiter = None
        if not self.chunks:
            return b""
        data = b"".join(self.chunks)
        self.chunks.clear()
        return data

    async def run(self) -> None:
        dialogue = Dialogue()
        self.transport.write(GREETING)
        while data := await self.receive():
            answer = dialogue.feed(data)
            if answer:
                self.transport.write(answer)
            if dialogue.done:
                self.transport.close()
                return


class RawConnection:
    """A non-blocking socket, read and written in the loop's reader callback."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.loop = loop
        self.sock = sock
        self.recv = sock.recv
        self.send = sock.send
        self.dialogue = Dialogue()
        sock.setblocking(False)
        no_delay(sock)
        sock.send(GREETING)
        loop.add_reader(sock.fileno(), self.readable)

    def readable(self) -> None:
        try:
            data = self.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.handle(data)

    def handle(self, data: bytes) -> None:
        if data:
            answer = self.dialogue.feed(data)
            if answer:
                self.send(answer)
            if not self.dialogue.done:
                return
        self.loop.remove_reader(self.sock.fileno())
        self.sock.close()


class RawLargeConnection(RawConnection):
    """The same with asyncio's own read size: what its transports allocate."""

    def readable(self) -> None:
        try:
            data = self.recv(LARGE_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.handle(data)


class RawIntoConnection(RawConnection):
    """The same with one read buffer that all connections share."""

    shared = bytearray(LARGE_READ_SIZE)
    view = memoryview(shared)

    def readable(self) -> None:
        try:
            count = self.sock.recv_into(self.shared)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        self.handle(bytes(self.view[:count]))


class RawTaskConnection(RawConnection):
    """The same, but the callback only wakes a task through a future."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self.waiter: asyncio.Future[bytes] | None = None
        self.held: list[bytes] = []
        super().__init__(loop, sock)
        self.task = loop.create_task(self.run())

    def readable(self) -> None:
        try:
            data = self.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if self.waiter is not None:
            waiter, self.waiter = self.waiter, None
            waiter.set_result(data)
        else:
            self.held.append(data)
        if not data:
            self.loop.remove_reader(self.sock.fileno())

    async def run(self) -> None:
        while True:
            if self.held:
                data = self.held.pop(0)
            else:
                self.waiter = self.loop.create_future()
                data = await self.waiter
            if not data:
                break
            answer = self.dialogue.feed(data)
            if answer:
                self.send(answer)
            if self.dialogue.done:
                self.loop.remove_reader(self.sock.fileno())
                break
        self.sock.close()
