"""A client of raw bytes, and how a test sends a mail without much ado."""

from __future__ import annotations

import smtplib
import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

SENDER = "ada@example.org"
RECIPIENT = "bob@example.org"
CONTENT = b"Subject: x\r\n\r\nhello\r\n"


class Raw:
    """A socket that reads whole replies."""

    def __init__(self, server: SMTPServer, *, greeted: bool = True) -> None:
        if server.path is not None:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(10)
            self.socket.connect(server.path)
        else:
            self.socket = socket.create_connection(server.address, timeout=10)
        self._file = self.socket.makefile("rb")
        if greeted:
            self.greeting = self.reply()

    def reply(self) -> str:
        """One reply, its lines separated by LF; ``""`` at the end."""
        lines: list[str] = []
        while line := self._file.readline():
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        return "\n".join(lines)

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def say(self, line: str) -> str:
        """Send a line; the reply."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def at_end(self) -> bool:
        """The server has closed its side (FIN)."""
        return self._file.read(1) == b""

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def send(
    server: SMTPServer, *recipients: str, content: bytes = CONTENT, sender: str = SENDER
) -> None:
    """One mail by smtplib."""
    with smtplib.SMTP(
        *server.address, local_hostname="client.example.org", timeout=10
    ) as client:
        client.sendmail(sender, recipients or (RECIPIENT,), content)
