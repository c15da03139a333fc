"""A client that says exactly what a test tells it to, over a bare socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

    from pytest_smtpserver import SMTPServer

#: How long a test waits for bytes that must come; nothing waits for it on purpose.
PATIENCE = 10.0


class Wire:
    """One connection to a server, line by line."""

    def __init__(
        self,
        server: SMTPServer,
        *,
        first: bytes = b"",
        receive_buffer: int | None = None,
    ) -> None:
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        self.socket: socket.socket = socket.socket(family, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(server.address)
        if first:
            self.socket.sendall(first)
        self._received = b""

    @classmethod
    def over(cls, connected: socket.socket) -> Self:
        """Talk over a socket that is connected already."""
        wire = cls.__new__(cls)
        connected.settimeout(PATIENCE)
        wire.socket = connected
        wire._received = b""
        return wire

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def reply(self) -> str:
        """The next reply, all its lines, without the CRLF of the last one."""
        lines = []
        while True:
            line = self._line()
            lines.append(line)
            if line[3:4] != b"-":
                return b"\r\n".join(lines).decode()

    def say(self, line: str) -> str:
        """Send a line; the reply to it."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def agree(self, line: str, code: int) -> str:
        """Send a line that the server has to answer with this code; the reply."""
        reply = self.say(line)
        assert reply.startswith(str(code)), reply
        return reply

    def after(self, data: bytes) -> str:
        """Send bytes as they are; the reply to them."""
        self.send(data)
        return self.reply()

    def hello(self, verb: str = "EHLO") -> list[str]:
        """Read the greeting and say EHLO; the lines of the reply."""
        greeting = self.reply()
        assert greeting.startswith("220 "), greeting
        return self.say(f"{verb} client.example.org").split("\r\n")

    def deliver(
        self,
        content: bytes = b"Subject: hello\r\n\r\nHi\r\n",
        *,
        mail_from: str = "a@example.org",
        rcpt_to: str = "b@example.org",
    ) -> str:
        """A whole transaction with DATA; the reply to the message."""
        self.agree(f"MAIL FROM:<{mail_from}>", 250)
        self.agree(f"RCPT TO:<{rcpt_to}>", 250)
        self.agree("DATA", 354)
        self.send(content + b".\r\n")
        return self.reply()

    def deliver_after_hello(self) -> str:
        """Greeting, EHLO and a transaction; the reply to the message."""
        self.hello()
        return self.deliver()

    def start_tls(
        self, context: ssl.SSLContext, server_name: str = "localhost"
    ) -> None:
        """Begin TLS now."""
        self.socket = context.wrap_socket(self.socket, server_hostname=server_name)

    def unread(self) -> bytes:
        """What has been received and was not asked for yet; it is, now."""
        data, self._received = self._received, b""
        return data

    def rest(self) -> bytes:
        """Everything until the server closes."""
        data = self._received
        self._received = b""
        while piece := self.socket.recv(65536):
            data += piece
        return data

    def rest_of(self, length: int) -> bytes:
        """The next so many octets."""
        data = bytearray(self._received)
        while len(data) < length:
            piece = self.socket.recv(1 << 20)
            assert piece, f"the server closed after {len(data)} octets"
            data += piece
        self._received = bytes(data[length:])
        return bytes(data[:length])

    def _line(self) -> bytes:
        while b"\n" not in self._received:
            piece = self.socket.recv(65536)
            assert piece, f"the server closed; unread: {self._received!r}"
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line.removesuffix(b"\r")
