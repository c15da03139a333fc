"""The contenders: one process has one kind of server, says its port, and serves.

    python servers.py serve KIND
    python servers.py start-stop KIND TURNS [--tls]

`serve` ends when its standard input does. `start-stop` prints, as JSON, what each turn
after the tenth took. A kind that is not installed prints UNAVAILABLE and the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

Start = Callable[[], AbstractContextManager[int]]
REPLIES = {
    b"EHLO": b"250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n",
    b"HELO": b"250 localhost\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
END = b"\r\n.\r\n"


class Floor(asyncio.BufferedProtocol):
    """An SMTP dialogue with nothing behind it: no server on asyncio can be faster."""

    #: For all connections. From 128 KiB on, malloc would map fresh pages each time.
    buffer = memoryview(bytearray(1 << 16))

    def __init__(self, kept: list[bytes] | None = None) -> None:
        self.kept = kept
        self.content: bytearray | None = None
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(b"220 localhost ESMTP\r\n")

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        answer = self.answer(self.rest + self.buffer[:nbytes])
        if answer:
            self.transport.write(answer)
        if answer.startswith(b"221"):
            self.transport.close()

    def answer(self, data: bytes) -> bytes:
        answer = self.rest = b""
        while data:
            if self.content is not None:
                self.content += data
                # a client waits for the reply before it sends anything else
                if self.content.endswith(END, max(0, len(self.content) - len(END))):
                    if self.kept is not None:
                        self.kept.append(bytes(self.content[: -len(END)]))
                    self.content = None
                    answer += b"250 2.0.0 Ok\r\n"
                return answer
            line, found, data = data.partition(b"\r\n")
            if not found:
                self.rest = line
                return answer
            verb = line[:4].upper()
            answer += REPLIES.get(verb, b"250 2.0.0 Ok\r\n")
            if verb == b"DATA":
                self.content = bytearray()
        return answer


def free_port() -> int:
    """A port for peers that cannot bind port 0 and say what they got."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def certificate_file(held: ExitStack) -> str:
    """A PEM file with key and certificate, for peers that make none of their own."""
    import trustme  # noqa: PLC0415

    leaf = trustme.CA().issue_cert("localhost", "127.0.0.1")
    file = Path(held.enter_context(tempfile.TemporaryDirectory()), "server.pem")
    pems = (leaf.private_key_pem, *leaf.cert_chain_pems)
    file.write_bytes(b"".join(pem.bytes() for pem in pems))
    return str(file)


def ours(tls: bool, held: ExitStack) -> Start:
    """`SMTPServer` as a test gets it, on asyncio's own loop."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    from pytest_smtpserver import SMTPServer  # noqa: PLC0415

    # The thread of the event loop stays up, as in a test run.
    held.enter_context(SMTPServer())

    @contextmanager
    def start() -> Iterator[int]:
        with SMTPServer(backlog=1024, tls="starttls" if tls else None) as server:
            yield server.port

    return start


def floor(tls: bool, held: ExitStack) -> Start:  # noqa: ARG001
    """`Floor` in a loop of its own."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415

    portal = held.enter_context(start_blocking_portal())

    async def listen(sock: socket.socket) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(Floor, sock=sock)

    @contextmanager
    def start() -> Iterator[int]:
        sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
        server = portal.call(listen, sock)
        yield sock.getsockname()[1]
        portal.call(server.close)

    return start


def smtpdfix(tls: bool, held: ExitStack) -> Start:
    """What smtpdfix's fixture enters, on an address instead of a name to resolve."""
    os.environ["SMTPD_HOST"] = "127.0.0.1"
    if tls:
        os.environ["SMTPD_SSL_CERTIFICATE_FILE"] = certificate_file(held)
        os.environ["SMTPD_USE_STARTTLS"] = "True"
    from smtpdfix.fixture import SMTPDFix  # noqa: PLC0415

    @contextmanager
    def start() -> Iterator[int]:
        with SMTPDFix() as server:
            yield server.port

    return start


class Keep(list):  # type: ignore[type-arg]
    """An aiosmtpd handler that keeps what a test would ask for, unparsed."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        self.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


def aiosmtpd(tls: bool, held: ExitStack) -> Start:  # noqa: ARG001
    """aiosmtpd's Controller: its host name given, its size limit lifted."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415

    @contextmanager
    def start() -> Iterator[int]:
        controller = Controller(
            Keep(),
            hostname="127.0.0.1",
            port=free_port(),
            server_hostname="localhost",  # or each connection looks one up
            data_size_limit=None,
        )
        controller.start()
        yield controller.port
        controller.stop()

    return start


def smtp_sink(tls: bool, held: ExitStack) -> Start:  # noqa: ARG001
    """Postfix's smtp-sink: C, one process, forgets every message."""
    if not shutil.which("smtp-sink"):
        raise ImportError("smtp-sink is missing: apt-get install postfix")

    @contextmanager
    def start() -> Iterator[int]:
        port = free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        line = ["smtp-sink", "-4", *user, "-m", "16000", f"127.0.0.1:{port}", "1024"]
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL)
        try:
            while process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                except ConnectionRefusedError:
                    continue  # not listening yet; it has no way to say so
                break
            print("PID", process.pid)
            yield port
        finally:
            process.terminate()
            process.wait()

    return start


KINDS = {
    "ours": ours,
    "other": ours,
    "floor": floor,
    "smtp-sink": smtp_sink,
    "aiosmtpd": aiosmtpd,
    "smtpdfix": smtpdfix,
}


def main() -> None:
    what, kind, *options = sys.argv[1:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ExitStack() as held:
        try:
            start = KINDS[kind]("--tls" in options, held)
        except ImportError as error:
            print("UNAVAILABLE", error, flush=True)
            return
        if what == "serve":
            with start() as port:
                print("PORT", port, flush=True)
                sys.stdin.read()
            return
        times = []
        for _ in range(int(options[0])):
            begin = time.perf_counter()
            with start():
                pass
            times.append((time.perf_counter() - begin) * 1e3)
        print(json.dumps(times[10:]))


if __name__ == "__main__":
    main()
