"""How a test gets a client to each event, and what it reads from there to the end."""

from __future__ import annotations

import base64
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio.to_thread

from tests.server.wire import Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pytest_smtpserver import SMTPServer

T = TypeVar("T")

CONTENT = b"Subject: hello\r\n\r\nHi\r\n"
PLAIN = base64.b64encode(b"\0ada\0lovelace")


@dataclass(frozen=True)
class Place:
    """An event, and the way there.

    Attributes:
        event: its name.
        lines: what the client says before, each line after the reply to the last.
        trigger: what the client sends so that it happens.
        usual: the bytes that come of it when nobody interferes (RFC 5321 §4.3.2).
        prefix: what the server says before, in answer to the trigger.
        tls: the trigger is a handshake.
        reads_greeting: it comes after the greeting.
        options: of the server.
    """

    event: str
    lines: tuple[bytes, ...] = ()
    trigger: bytes = b""
    usual: bytes = b""
    prefix: bytes = b""
    tls: bool = False
    reads_greeting: bool = True
    options: tuple[tuple[str, Any], ...] = ()

    def reach(self, server: SMTPServer) -> Wire:
        """Bring a client to the event; its trigger has been sent."""
        wire = Wire(server)
        if self.reads_greeting:
            wire.reply()
        for line in self.lines:
            wire.send(line)
            if line.strip():
                wire.reply()
        if self.trigger:
            wire.send(self.trigger)
        if self.tls:
            wire.socket = cast("Any", TLSClient(wire.socket, server.client_context()))
        rest = wire.rest_of(len(self.prefix))
        assert rest == self.prefix
        return wire


HELO = b"HELO client.example.org\r\n"
MAIL = b"MAIL FROM:<a@example.org>\r\n"
RCPT = b"RCPT TO:<b@example.org>\r\n"
SENDER_OK = b"250 2.1.0 Sender ok\r\n"
RECIPIENT_OK = b"250 2.1.5 Recipient ok\r\n"
GO_ON = b"354 End data with <CR><LF>.<CR><LF>\r\n"
ACCEPTED = b"250 2.0.0 Ok: message accepted\r\n"
BYE = b"221 2.0.0 Bye\r\n"
BDAT = b"BDAT 22 LAST\r\n" + CONTENT

USERS = (("users", {"ada": "lovelace"}),)
STARTTLS = (("tls", "starttls"),)
IMPLICIT = (("tls", "implicit"),)
BARE = (("extensions", ()),)

#: Every event at which something is replied, and where an action makes sense.
PLACES = (
    Place("CONNECT", usual=b"220 localhost ESMTP\r\n", reads_greeting=False),
    Place(
        "EHLO",
        trigger=b"EHLO client.example.org\r\n",
        usual=b"250 localhost\r\n",
        options=BARE,
    ),
    Place("HELO", trigger=HELO, usual=b"250 localhost\r\n"),
    Place("MAIL", (HELO,), MAIL, SENDER_OK),
    Place("RCPT", (HELO, MAIL), RCPT, RECIPIENT_OK),
    Place("DATA", (HELO, MAIL, RCPT), b"DATA\r\n", GO_ON),
    Place("BDAT", (HELO, MAIL, RCPT), BDAT, ACCEPTED),
    Place("MESSAGE", (HELO, MAIL, RCPT, b"DATA\r\n"), CONTENT + b".\r\n", ACCEPTED),
    Place("RSET", (HELO,), b"RSET\r\n", b"250 2.0.0 Ok\r\n"),
    Place("NOOP", (HELO,), b"NOOP\r\n", b"250 2.0.0 Ok\r\n"),
    Place(
        "VRFY",
        (HELO,),
        b"VRFY ada\r\n",
        b"252 2.5.0 Cannot verify the user, but will take mail for it\r\n",
    ),
    Place("XYZZY", (HELO,), b"XYZZY\r\n", b"500 5.5.1 Command not recognized\r\n"),
    Place("*", (), HELO, b"250 localhost\r\n"),
    Place("QUIT", (HELO,), b"QUIT\r\n", BYE),
    Place(
        "AUTH",
        (HELO,),
        b"AUTH PLAIN " + PLAIN + b"\r\n",
        b"235 2.7.0 Authentication succeeded\r\n",
        options=USERS,
    ),
    Place(
        "CREDENTIALS",
        (HELO,),
        b"AUTH PLAIN " + PLAIN + b"\r\n",
        b"235 2.7.0 Authentication succeeded\r\n",
        options=USERS,
    ),
    Place(
        "STARTTLS",
        (HELO,),
        b"STARTTLS\r\n",
        b"220 2.0.0 Ready to start TLS\r\n",
        options=STARTTLS,
    ),
    Place("SECURE", (HELO, b"STARTTLS\r\n"), tls=True, options=STARTTLS),
    Place("CONTENT", (HELO, MAIL, RCPT), b"DATA\r\n", prefix=GO_ON),
)


def place(event: str) -> Place:
    """The place with this event."""
    return next(one for one in PLACES if one.event == event)


def to_the_end(wire: Wire) -> tuple[bytes, str]:
    """What the server sends from here, and whether FIN or RST comes behind it."""
    received = wire.unread()
    while True:
        try:
            piece = wire.socket.recv(65536)
        except ConnectionResetError:
            return received, "RST"
        if not piece:
            return received, "FIN"
        received += piece


class TLSClient:
    """TLS over a socket, which tells FIN from RST: ssl's own socket does not."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext) -> None:
        self._raw = raw
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname="localhost"
        )
        self._until_done(self._tls.do_handshake)

    def recv(self, length: int) -> bytes:
        """Some bytes; none after FIN."""
        try:
            return self._until_done(lambda: self._tls.read(length))
        except (ssl.SSLZeroReturnError, EOFError):
            while self._raw.recv(65536):
                pass
            return b""

    def sendall(self, data: bytes) -> None:
        """Send all of it."""
        self._tls.write(data)
        self._raw.sendall(self._outgoing.read())

    def close(self) -> None:
        """Close the socket."""
        self._raw.close()

    def _until_done(self, act: Callable[[], T]) -> T:
        while True:
            try:
                return act()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._raw.recv(65536)
                if not data:
                    raise EOFError from None
                self._incoming.write(data)
            finally:
                self._flush()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._raw.sendall(data)


class Gate:
    """Holds a rule up until the test lets it go on."""

    def __init__(self) -> None:
        self._event = threading.Event()

    async def __call__(self, event: object) -> None:
        await anyio.to_thread.run_sync(self._event.wait)

    def open(self) -> None:
        """Let it go on."""
        self._event.set()


class Reached:
    """Tells a test that a rule has been reached, before its next action."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self, event: object) -> None:
        self._event.set()

    def wait(self) -> None:
        """Wait for it."""
        reached = self._event.wait(10)
        assert reached
