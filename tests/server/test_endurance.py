"""Many servers, one after the other, and many clients at once: nothing is left over."""

from __future__ import annotations

import gc
import os
import smtplib
import socket
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import SMTPServer

from .wire import Wire

if TYPE_CHECKING:
    from pytest_smtpserver import Event

#: What a client has said when its server is stopped; each is a stage of a session.
_STAGES = (
    b"",
    b"EH",
    b"EHLO c\r\n",
    b"EHLO c\r\nMAIL FROM:<a@b.example>\r\n",
    b"EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nhalf",
    b"EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nBDAT 9\r\nhalf",
    b"EHLO c\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx\r\n.\r\n",
    b"EHLO c\r\nNOOP\r\n",  # see `_misbehave`
    b"EHLO c\r\nVRFY c\r\n",
    b"EHLO c\r\nHELP\r\n",
    b"EHLO c\r\nAUTH LOGIN\r\n",
    b"EHLO c\r\nSTARTTLS\r\n",
    b"EHLO c\r\nSTARTTLS\r\n\x16\x03\x01",
    b"QUIT\r\n",
)
CYCLES = 1000


def _in_a_thread(event: Event) -> None:
    """A handler of the test's."""


async def _on_the_loop(event: Event) -> None:
    """A handler of the test's."""


def _misbehave(server: SMTPServer) -> None:
    """Keep clients waiting, in each way there is."""
    server.on("NOOP").hang().optional()
    server.on("VRFY").call(_in_a_thread).optional()
    server.on("HELP").call(_on_the_loop).delay(30).optional()


def _cycle(number: int) -> None:
    """Start, meet a client at one of the stages, and stop."""
    said = _STAGES[number % len(_STAGES)]
    with (
        SMTPServer(
            tls="starttls" if b"STARTTLS" in said else None,
            users={"ada": "x"},
            close_timeout=0.0,
        ) as server,
        socket.create_connection(server.address, timeout=10) as client,
    ):
        _misbehave(server)
        client.recv(100)
        client.sendall(said)
        if number % 3 and b"\n" in said:
            client.recv(1000)
        server.stop()


def _join_handlers() -> None:
    """Wait for threads whose calls are done, and which end on a busy machine later."""
    for thread in threading.enumerate():
        if thread.name == "smtp-server-handler":
            thread.join(30)


def _open() -> set[str]:
    """Files, sockets and pipes that this process holds."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a name, not a path
        try:
            found.add(f"{name} {Path('/proc/self/fd', name).readlink()}")
        except OSError:
            continue  # the listing itself
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_thousand_servers_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread, file, socket or memory, whatever their clients were doing."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # What is made once and kept: the thread behind all servers, a certificate.
    with SMTPServer(tls="starttls"):
        for number in range(CYCLES // 10):
            _cycle(number)
        _join_handlers()
        gc.collect()
        threads, held = set(threading.enumerate()), _open()
        files = set(tmp_path.iterdir())
        before = sys.getallocatedblocks()
        for number in range(CYCLES):
            _cycle(number)
        _join_handlers()
        gc.collect()
        left = sys.getallocatedblocks() - before
        # What the tests before have left behind may end at any time: a thread of trio's.
        assert not set(threading.enumerate()) - threads
        assert not _open() - held
        assert set(tmp_path.iterdir()) == files
        # Tables of the interpreter may grow once; a cycle that kept one session would
        # leave some hundred objects each.
        assert left < 5 * CYCLES


def test_sixty_four_threads_each_message_once_and_whole() -> None:
    """In the order of their replies; each thread has sent one message by its own."""
    clients = 64
    barrier = threading.Barrier(clients)
    with SMTPServer(backlog=clients) as server:

        def send(number: int) -> None:
            with smtplib.SMTP(
                *server.address, local_hostname=f"c{number}.example", timeout=30
            ) as client:
                barrier.wait(30)
                body = f"Subject: {number}\r\n\r\n" + f"{number}\r\n" * number
                client.sendmail(f"a{number}@b.example", [f"c{number}@d.example"], body)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        messages = list(server.messages)
        assert sorted(int(one.subject) for one in messages) == list(range(clients))
        for one in messages:
            number = int(one.subject)
            expected = f"Subject: {number}\r\n\r\n" + f"{number}\r\n" * number
            assert one.content == expected.encode()
            assert one.envelope.rcpt_to == [f"c{number}@d.example"]
            assert one.session.helo == f"c{number}.example"

        def replied(one: object) -> float:
            """When the reply to the message was made, by the server's clock."""
            transcript = one.session.transcript  # type: ignore[attr-defined]
            said = [entry for entry in transcript.entries if entry.kind == "S"]
            at = next(e.offset for e in said if b"accepted" in bytes(e.data))
            return float(transcript.started + at)

        times = [replied(one) for one in messages]
        assert times == sorted(times)


@pytest.mark.parametrize("said", _STAGES, ids=repr)
def test_a_client_at_any_stage_is_told_or_closed(said: bytes) -> None:
    """Stopping does not wait for it; its connection ends."""
    with (
        SMTPServer(
            tls="starttls",
            allow_insecure_auth=True,
            users={"ada": "x"},
            close_timeout=0.2,
        ) as server,
        Wire(server) as wire,
    ):
        _misbehave(server)
        wire.reply()
        wire.send(said)
        server.stop()
        wire.rest()
