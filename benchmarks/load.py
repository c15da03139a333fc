"""A small load generator, for what smtp-source cannot send.

Pipelined commands, STARTTLS with and without session reuse, BDAT, and
thousands of connections at once. Everything that is sent is built before the
clock starts; connections kept open run on one epoll loop, the others on
blocking sockets, so that the generator needs less than any server.
"""

from __future__ import annotations

import argparse
import json
import re
import select
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

READ_SIZE = 1 << 16
LIMIT = 120.0
HELLO = b"EHLO client.example.org\r\n"
LAST_LINE = re.compile(rb"^([2-5])\d\d(?: .*)?\r\n", re.MULTILINE)

Step = tuple[bytes, int]


class RefusedError(Exception):
    """The server refused what a load sends; the text is its reply."""


@dataclass
class Message:
    """One transaction: how large, to how many, sent in which way."""

    size: int = 1024
    recipients: int = 1
    pipelined: bool = False
    bdat: bool = False

    def content(self) -> bytes:
        """Octets of about ``size``, in lines of 78."""
        head = b"From: sender@example.org\r\nTo: recipient@example.org\r\n"
        head += b"Subject: A message of the load generator\r\n\r\n"
        line = b"x" * 76 + b"\r\n"
        return head + line * max(1, (self.size - len(head)) // len(line))

    def steps(self) -> list[Step]:
        """What is sent at once, and how many replies it gets."""
        commands = [b"MAIL FROM:<sender@example.org>\r\n"]
        commands += [
            b"RCPT TO:<recipient%d@example.org>\r\n" % number
            for number in range(self.recipients)
        ]
        content = self.content()
        if self.bdat:
            last = b"BDAT %d LAST\r\n" % len(content) + content
        else:
            commands.append(b"DATA\r\n")
            last = content + b".\r\n"
        if not self.pipelined:
            return [(text, 1) for text in (*commands, last)]
        if self.bdat:
            return [(b"".join((*commands, last)), len(commands) + 1)]
        return [(b"".join(commands), len(commands)), (last, 1)]


def count_replies(data: bytes) -> int:
    """Count the complete replies, and refuse the negative ones."""
    count = 0
    for last in LAST_LINE.finditer(data):
        if last[1] > b"3":
            raise RefusedError(last[0].decode(errors="replace").strip())
        count += 1
    return count


def answered(data: bytes, replies: int) -> bool:
    """Whether so many replies are there, the last one whole."""
    return data.endswith(b"\r\n") and count_replies(data) >= replies


class Blocking:
    """One connection on a blocking socket."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def expect(self, replies: int) -> None:
        """Wait for so many replies."""
        data = b""
        while True:
            more = self.sock.recv(READ_SIZE)
            if not more:
                raise RefusedError("the server closed the connection")
            data += more
            if answered(data, replies):
                return

    def send(self, steps: list[Step]) -> None:
        """Send one step after the other, each when the last is answered."""
        for text, replies in steps:
            self.sock.sendall(text)
            self.expect(replies)

    def secure(
        self, context: ssl.SSLContext, session: ssl.SSLSession | None = None
    ) -> ssl.SSLSocket:
        """STARTTLS, and EHLO again."""
        self.send([(b"STARTTLS\r\n", 1)])
        secured = context.wrap_socket(
            self.sock, server_hostname="localhost", session=session
        )
        self.sock = secured
        self.send([(HELLO, 1)])
        return secured

    def quit(self) -> None:
        """End the session as the RFC wants it."""
        self.send([(b"QUIT\r\n", 1)])
        self.sock.close()


def client_context(certificate: str) -> ssl.SSLContext:
    """Trust the certificate that the contenders were given."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    return context


def one_kept(
    port: int, message: Message, messages: int, certificate: str | None = None
) -> float:
    """Seconds for messages over one connection, opened before the clock starts."""
    connection = Blocking(port)
    connection.expect(1)
    connection.send([(HELLO, 1)])
    if certificate:
        connection.secure(client_context(certificate))
    steps = message.steps()
    start = time.perf_counter()
    for _ in range(messages):
        connection.send(steps)
    seconds = time.perf_counter() - start
    connection.quit()
    return seconds


def one_each(
    port: int,
    message: Message,
    messages: int,
    certificate: str | None = None,
    *,
    reuse: bool = False,
) -> tuple[float, int]:
    """Seconds for messages over a connection each, and TLS sessions resumed."""
    steps = message.steps()
    context = client_context(certificate) if certificate else None
    session = None
    resumed = 0
    start = time.perf_counter()
    for _ in range(messages):
        connection = Blocking(port)
        connection.expect(1)
        connection.send([(HELLO, 1)])
        if context:
            secured = connection.secure(context, session if reuse else None)
            resumed += bool(secured.session_reused)
            session = secured.session
        connection.send(steps)
        connection.quit()
    return time.perf_counter() - start, resumed


class Crowd:
    """Many connections on one epoll loop."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socks: dict[int, socket.socket] = {}
        self.poll = select.epoll()
        self.lost = 0
        self.refused: list[str] = []

    def __len__(self) -> int:
        """How many connections are open."""
        return len(self.socks)

    def open(self, count: int, at_once: int = 256) -> None:
        """Open so many more, and say EHLO on each."""
        while count > 0:
            batch = min(count, at_once)
            fresh = [self._connect() for _ in range(batch)]
            self._run(fresh, [(b"", 1), (HELLO, 1)], 1)
            count -= batch

    def send(self, message: Message, each: int = 1) -> float:
        """Send on all connections at once; return the seconds it took."""
        start = time.perf_counter()
        self._run(list(self.socks), message.steps(), each)
        return time.perf_counter() - start

    def close(self) -> None:
        """Say QUIT on all, wait for the replies, and close."""
        self._run(list(self.socks), [(b"QUIT\r\n", 1)], 1)
        for number in list(self.socks):
            self._drop(number)
        self.poll.close()

    def _connect(self) -> int:
        sock = socket.create_connection(("127.0.0.1", self.port), LIMIT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socks[sock.fileno()] = sock
        self.poll.register(sock, select.EPOLLIN)
        return sock.fileno()

    def _drop(self, number: int) -> None:
        self.poll.unregister(number)
        self.socks.pop(number).close()

    def _run(self, numbers: list[int], steps: list[Step], rounds: int) -> None:
        """Send the steps so many times over on each of these connections."""
        total = len(steps) * rounds
        texts = [text for text, _ in steps]
        wanted = [replies for _, replies in steps]
        state = dict.fromkeys(numbers, 0)
        held: dict[int, bytes] = {}
        pending = set(numbers)
        for number in numbers:
            if texts[0]:
                self.socks[number].sendall(texts[0])
        deadline = time.perf_counter() + LIMIT
        while pending:
            events = self.poll.poll(10)
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{len(pending)} connections got no reply")
            for number, _ in events:
                data = self._receive(number)
                if data is None:
                    pending.discard(number)
                if data is None or number not in pending:
                    continue
                at = state[number]
                if number in held:
                    data = held.pop(number) + data
                if not answered(data, wanted[at % len(steps)]):
                    held[number] = data
                    continue
                state[number] = at = at + 1
                if at == total:
                    pending.discard(number)
                else:
                    self.socks[number].sendall(texts[at % len(steps)])

    def _receive(self, number: int) -> bytes | None:
        try:
            data = self.socks[number].recv(READ_SIZE)
        except OSError:
            data = b""
        if data:
            return data
        self.lost += 1
        self._drop(number)
        return None


def many_kept(port: int, message: Message, messages: int, connections: int) -> float:
    """Seconds for messages over so many connections kept open."""
    crowd = Crowd(port)
    crowd.open(connections)
    seconds = crowd.send(message, messages // connections)
    lost = crowd.lost
    crowd.close()
    if lost:
        raise RefusedError(f"{lost} connections lost")
    return seconds


def batches(port: int, count: int, size: int, connections: int) -> Iterator[float]:
    """Send ``count`` messages in batches of ``size``; yield the seconds of each."""
    crowd = Crowd(port)
    crowd.open(connections)
    message = Message(pipelined=True)
    for _ in range(count // size):
        yield crowd.send(message, size // connections)
    crowd.close()


def main() -> None:
    """Send one load and print what a message took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=1, help="0: one each")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--recipients", type=int, default=1)
    parser.add_argument("--pipelined", action="store_true")
    parser.add_argument("--bdat", action="store_true")
    parser.add_argument("--certificate", help="PEM file to trust; use STARTTLS")
    parser.add_argument("--reuse", action="store_true", help="resume TLS sessions")
    chosen = parser.parse_args()
    message = Message(chosen.size, chosen.recipients, chosen.pipelined, chosen.bdat)
    result: dict[str, float] = {}
    if chosen.connections == 0:
        seconds, resumed = one_each(
            chosen.port,
            message,
            chosen.messages,
            chosen.certificate,
            reuse=chosen.reuse,
        )
        result["resumed"] = resumed
    elif chosen.connections == 1:
        seconds = one_kept(chosen.port, message, chosen.messages, chosen.certificate)
    else:
        seconds = many_kept(chosen.port, message, chosen.messages, chosen.connections)
    result["microseconds"] = round(seconds / chosen.messages * 1e6, 1)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
