"""Too few descriptors, too many clients, clients that take their time."""

from __future__ import annotations

import errno
import json
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from pytest_smtpserver import SMTPServer
from tests.server.tools import Raw, send
from tests.server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

resource = pytest.importorskip("resource")

#: Lets a few clients in, then there are no descriptors any more; then there are again.
STARVE = """
    import json, os, resource, socket, time
    import anyio, anyio.from_thread, anyio.to_thread
    from pytest_smtpserver import SMTPServer

    def starve(server, wait):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        used = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 12, hard))
        clients = []
        try:
            while True:
                clients.append(socket.create_connection(server.address, timeout=10))
        except OSError:
            pass
        burnt = time.process_time()
        wait()
        burnt = time.process_time() - burnt
        first = clients.pop(0)  # whoever leaves makes room for another
        first.close()
        wait()
        errors = [str(error) for error in server.errors]
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        with socket.create_connection(server.address, timeout=10) as client:
            greeting = client.recv(100).decode()
        again = len(server.errors)
        print(json.dumps([errors, burnt, greeting, again]))

    def own_thread():
        with SMTPServer(logger=None) as server:
            starve(server, lambda: server.settle(timeout=0.5))

    def this_loop(backend):
        async def main():
            async with SMTPServer(logger=None) as server:
                wait = lambda: anyio.from_thread.run(anyio.sleep, 0.5)
                await anyio.to_thread.run_sync(starve, server, wait)
        anyio.run(main, backend=backend)
"""


def run(code: str, *lines: str) -> Any:
    """Run code in a process of its own; the JSON that it prints last."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([textwrap.dedent(code), *lines])],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc/self/fd")
@pytest.mark.parametrize("where", ["own_thread()", "this_loop('trio')"])
def test_out_of_descriptors(where: str) -> None:
    """One complaint, no core burnt, and clients are served afterwards."""
    errors, burnt, greeting, again = run(STARVE, where)
    (error,) = errors
    assert "Too many open files" in error
    assert "they wait in the queue" in error
    assert "ulimit -n" in error
    assert burnt < 0.3
    assert greeting.startswith("220 ")
    assert again == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_start_without_descriptors() -> None:
    """It says so, leaves nothing half made, and the next one serves.

    asyncio prints a traceback about a loop that it could not make; libuv, which has
    none for its own first loop, ends the process.
    """
    started = run(
        """
        import gc, json, os, resource, sys
        import pytest_smtpserver.server.server  # while there are descriptors
        from pytest_smtpserver import SMTPServer

        sys.unraisablehook = lambda fault: os._exit(3)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        last = os.dup(0)
        outcomes = []
        for left in range(12):
            taken = []
            try:
                while True:
                    taken.append(os.dup(0))
            except OSError:
                for number in taken[len(taken) - left:]:
                    os.close(number)
            try:
                with SMTPServer():
                    outcomes.append("started")
            except OSError as error:
                outcomes.append(error.strerror)
            for number in taken[:len(taken) - left]:
                os.close(number)
            gc.collect()
            following = os.dup(0)
            os.close(following)
            assert following == last + 1, outcomes
        print(json.dumps(outcomes))
        """
    )
    assert started[0] == "Too many open files"
    assert started[-1] == "started"
    assert set(started) == {"Too many open files", "started"}


def test_the_next_time_without_descriptors_is_told_too(
    smtp_server: SMTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends when the queue is empty, and counts anew after that."""
    accept = socket.socket.accept
    lacking = [True]

    def scarce(listener: socket.socket) -> object:
        if lacking.pop():
            raise OSError(errno.EMFILE, "Too many open files")
        lacking.append(False)
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    for times in (1, 2):
        lacking[:] = [False, True]
        send(smtp_server)
        assert [getattr(one, "errno", None) for one in smtp_server.errors] == (
            [errno.EMFILE] * times
        )
    assert len(smtp_server.messages) == 2
    smtp_server.errors.clear()


def test_seven_hundred_clients_without_poll() -> None:
    """Windows has no poll, and its select takes 512 sockets at once."""
    assert run(
        """
        import json, resource, select, socket
        from pytest_smtpserver import SMTPServer

        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        del select.poll
        with SMTPServer() as server:
            clients = [socket.create_connection(server.address) for _ in range(700)]
            greetings = {client.recv(100)[:4].decode() for client in clients}
            settled = server.settle(timeout=5)
            clients[-1].sendall(b"NOOP\\r\\n")
            reply = clients[-1].recv(100)[:4].decode()
            for client in clients:
                client.close()
        counts = len(server.sessions), len(server.errors)
        print(json.dumps([list(greetings), settled, reply, *counts]))
        """
    ) == [["220 "], True, "250 ", 700, 0]


# Clients that take their time, or give more than they should


def test_a_byte_at_a_time(smtp_server: SMTPServer) -> None:
    """Nobody waits for such a client, and it is understood."""
    said = (
        b"EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\n"
        b"RCPT TO:<b@example.org>\r\nDATA\r\nSubject: slow\r\n\r\nHi\r\n.\r\n"
    )
    with Wire(smtp_server) as slow:
        for place in range(len(said)):
            slow.send(said[place : place + 1])
            if place == len(said) // 2:
                send(smtp_server)
        # The greeting, then EHLO, MAIL, RCPT, DATA and the content (RFC 5321 §4.2).
        codes = [slow.reply()[:3] for _ in range(6)]
    assert codes == ["220", "250", "250", "250", "354", "250"]
    assert [one.subject for one in smtp_server.messages] == ["x", "slow"]


@pytest.mark.smtp_server(close_timeout=0.2)
def test_a_stop_does_not_wait_for_half_a_command(smtp_server: SMTPServer) -> None:
    """The client is told why (RFC 5321 §3.8), and asked for no more."""
    with Wire(smtp_server) as slow:
        slow.reply()
        slow.send(b"MAIL FRO")
        smtp_server.stop()
        assert slow.rest().startswith(b"421 ")


@pytest.mark.smtp_server(idle_timeout=1, close_timeout=0.1)
def test_a_client_that_never_reads(smtp_server: SMTPServer) -> None:
    """It is not read either, so that nothing piles up; then it is given up."""
    with Wire(smtp_server, receive_buffer=4096) as client:
        client.socket.setblocking(False)
        sent = others = 0
        while others < 20:
            try:
                sent += client.socket.send(b"EHLO client.example.org\r\n" * 100)
            except BlockingIOError:
                send(smtp_server)  # others are served
                others += 1
            except ConnectionError:  # it is given up already
                break
        assert smtp_server.settle(timeout=30)
    assert others > 0
    assert len(smtp_server.messages) == others
    session = smtp_server.sessions[0]
    assert session.closed_by == "server"
    # Its replies fill the buffers of two kernels, some megabytes; then nothing is read.
    assert len(session.commands) * 25 <= sent
    assert len(session.commands) < 100_000


@pytest.mark.parametrize("verb", [b"", b"MAIL FROM:<", b"AUTH PLAIN "])
def test_an_endless_line(smtp_server: SMTPServer, verb: bytes) -> None:
    """RFC 5321 §4.5.3.1.4: 500, and no more than the limit is kept."""
    with Wire(smtp_server) as client:
        client.hello()
        client.send(verb)
        for _ in range(200):
            client.send(b"x" * 10_000)
        assert client.reply().startswith("500 ")
    assert smtp_server.settle(timeout=5)
    assert len(smtp_server.sessions[0].commands[-1]) < 16_384 + 2 * 65_536


@pytest.mark.smtp_server(max_message_size=10_000)
@pytest.mark.parametrize("how", ["a header", "a line", "a chunk"])
def test_endless_content(smtp_server: SMTPServer, how: str) -> None:
    """No more of it is kept than the limit; RFC 1870 §6.3: 552 at its end."""
    piece = {"a header": b" folded\r\n", "a line": b"x", "a chunk": b"x"}[how] * 1000
    with Wire(smtp_server) as client:
        client.hello()
        client.say("MAIL FROM:<a@example.org>")
        client.say("RCPT TO:<b@example.org>")
        if how == "a chunk":
            client.send(b"BDAT %d LAST\r\n" % (300 * len(piece)))
        else:
            client.say("DATA")
        for _ in range(300):
            client.send(piece)
        if how != "a chunk":
            client.send(b"\r\n.\r\n")
        assert client.reply().startswith("552 ")
    (undelivered,) = smtp_server.sessions[0].undelivered
    assert len(undelivered.content) <= 10_000 + 65_536
    assert not smtp_server.messages


@pytest.mark.smtp_server(max_recipients=100)
def test_an_endless_list_of_recipients(smtp_server: SMTPServer) -> None:
    """RFC 5321 §4.5.3.1.8 and §4.5.3.1.10: 452 past the limit, the others stay."""
    rcpt = b"".join(b"RCPT TO:<r%d@example.org>\r\n" % number for number in range(5000))
    with Wire(smtp_server) as client:
        client.hello()
        client.say("MAIL FROM:<a@example.org>")
        client.send(rcpt)
        codes = [client.reply()[:3] for _ in range(5000)]
    assert codes == ["250"] * 100 + ["452"] * 4900


# A cut is a cut


@pytest.mark.parametrize("tls", [None, "implicit"])
@pytest.mark.parametrize("how", ["disconnect", "reset"])
@pytest.mark.parametrize("chunked", [False, True], ids=["DATA", "BDAT"])
@pytest.mark.parametrize("after", [None, 1000])
def test_a_client_that_is_cut_off_finds_out_while_it_sends(
    how: str, chunked: bool, after: int | None, tls: Any
) -> None:
    """A server that dies in the middle of content reads no more."""
    with SMTPServer(tls=tls, close_timeout=30) as server:
        rule = server.on("CONTENT")
        getattr(rule, how)(**({} if after is None else {"after": after}))
        with Wire(server) as client:
            if tls:
                client.start_tls(server.client_context())
            client.hello()
            client.say("MAIL FROM:<a@example.org>")
            client.say("RCPT TO:<b@example.org>")
            client.send(b"BDAT 100000000 LAST\r\n" if chunked else b"DATA\r\n")
            with pytest.raises(OSError):  # noqa: PT012 - one of them fails
                for _ in range(10_000):
                    client.send(b"x" * 998 + b"\r\n")
        assert server.settle(timeout=5)
        assert not server.messages


def pipelined(client: Wire) -> None:
    client.send(b"NOOP\r\n" * 2000)


def content(client: Wire) -> None:
    client.send(b"x" * 500_000)


@pytest.mark.parametrize("then", [pipelined, content])
def test_last_words_reach_a_client_that_is_still_talking(
    smtp_server: SMTPServer, then: Callable[[Wire], None]
) -> None:
    """They were just said, so that the client has to be able to read them."""
    smtp_server.on("MAIL").reply(554, "5.7.1 Go away").disconnect()
    with Wire(smtp_server) as client:
        client.hello()
        client.send(b"MAIL FROM:<a@example.org>\r\n")
        then(client)
        assert client.reply() == "554 5.7.1 Go away"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_last_words_are_not_waited_for_for_ever(backend: str) -> None:
    """A client that sends on, and on, finds out when ``close_timeout`` is over."""

    def talks(server: SMTPServer) -> str:
        pause = threading.Event()
        with Wire(server) as client:
            client.hello()
            client.send(b"MAIL FROM:<a@example.org>\r\n")
            with pytest.raises(OSError):  # noqa: PT012 - one of them fails
                for _ in range(200):
                    client.send(b"x")
                    pause.wait(0.02)
            return client.reply()

    async def main() -> str:
        async with SMTPServer(close_timeout=0.2) as server:
            server.on("MAIL").reply(554, "5.7.1 Go away").disconnect()
            return await anyio.to_thread.run_sync(talks, server)

    assert anyio.run(main, backend=backend) == "554 5.7.1 Go away"


# Clients that are gone before they are served


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("accept", ConnectionAbortedError(errno.ECONNABORTED, "aborted")),
        ("setsockopt", OSError(errno.EINVAL, "Invalid argument")),
        ("getsockname", OSError(errno.EINVAL, "Invalid argument")),
    ],
)
@pytest.mark.smtp_server(host="0.0.0.0")
def test_a_client_that_has_gone_is_no_fault(
    smtp_server: SMTPServer,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    error: OSError,
) -> None:
    """macOS says so where Linux does not: a port probe, for instance."""
    call, gone = getattr(socket.socket, name), [True]

    def fail(self: socket.socket, *arguments: object) -> object:
        if self.type != socket.SOCK_STREAM or not gone or self.gettimeout() != 0:
            return call(self, *arguments)
        if name == "accept":
            call(self)[0].close()
        elif self.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return call(self, *arguments)
        gone.clear()
        raise error

    monkeypatch.setattr(socket.socket, name, fail)
    socket.create_connection(smtp_server.address).close()
    send(smtp_server)
    assert gone == []
    assert len(smtp_server.messages) == 1
    assert smtp_server.errors == []


def test_an_interruption_of_a_delay_after_goodbye_in_tls() -> None:
    """The client has closed its TLS, and still waits for the replies."""
    with SMTPServer(tls="implicit") as server, Raw(server, greeted=False) as client:
        server.on("NOOP").delay(30).reply(250)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.client_context().wrap_bio(
            incoming, outgoing, server_hostname="localhost"
        )

        def until(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    result = step()
                except ssl.SSLWantReadError:
                    client.send(outgoing.read())
                    incoming.write(client.socket.recv(65536))
                else:
                    client.send(outgoing.read())
                    return result

        until(tls.do_handshake)
        assert until(lambda: tls.read(100)).startswith(b"220")
        tls.write(b"NOOP\r\nNOOP\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            tls.unwrap()
        client.send(outgoing.read())
        server.settle(timeout=0.1)
        assert server.interrupt(450, "4.3.2 One moment") == list(server.sessions)
        assert until(lambda: tls.read(100)).startswith(b"450 4.3.2")


#: A message for which there is no memory; the client is a process of its own.
NO_MEMORY = """
    import json, os, pathlib, resource, socket, sys
    from pytest_smtpserver import SMTPServer

    OCTETS, PIECE = 40_000_000, (b"x" * 998 + b"\\r\\n") * 1000

    def client(address, chunked):
        said = []
        with socket.create_connection(address) as connection:
            replies = connection.makefile("rb")
            def say(data):
                connection.sendall(data)
                said.append(replies.readline().decode())
            say(b"HELO me\\r\\n")  # it reads the greeting
            for command in (b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.org>"):
                say(command + b"\\r\\n")
            if not chunked:
                say(b"DATA\\r\\n")
            for _ in range(OCTETS // len(PIECE)):
                if chunked:
                    say(b"BDAT %d\\r\\n" % len(PIECE) + PIECE)
                else:
                    connection.sendall(PIECE)
            say(b"BDAT 0 LAST\\r\\n" if chunked else b".\\r\\n")
            said.append(replies.readline().decode())
            for last in (b"NOOP\\r\\n", b"QUIT\\r\\n"):
                connection.sendall(last)
                said.append(replies.readline().decode())
        return said

    def main(chunked):
        with SMTPServer(logger=None) as server:
            with socket.create_connection(server.address) as first:
                first.recv(100)  # all is loaded that a session needs
            to_parent, from_child = os.pipe()
            if not os.fork():
                said = client(server.address, chunked)
                os.write(from_child, json.dumps(said[-4:]).encode())
                os._exit(0)
            pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
            limit = pages * resource.getpagesize() + OCTETS // 2
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            said = json.loads(os.read(to_parent, 10000))
            with socket.create_connection(server.address) as last:
                said.append(last.recv(100).decode())
            errors = [f"{type(e).__name__}: {e}" for e in server.errors]
            report = server.report().text()
            print(json.dumps([said, len(server.messages), errors, report]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize(
    "chunked",
    [
        pytest.param(False, id="DATA"),
        pytest.param(True, id="BDAT", marks=pytest.mark.once),
    ],
)
def test_no_memory_for_a_message(chunked: bool) -> None:
    """452 (RFC 5321 §4.2.3): the session and the server go on, and the test is told."""
    said, messages, errors, report = run(NO_MEMORY, f"main({chunked})")
    refused, noop, bye, greeting = said[-4:]
    assert refused == "452 4.3.1 Insufficient system storage\r\n"
    assert [noop[:4], bye[:4], greeting[:4]] == ["250 ", "221 ", "220 "]
    assert messages == 0
    (error,) = errors
    assert error == (
        "MemoryError: there was no memory for the 40000000 octets of a message, all "
        "of which were dropped; the server goes on"
    )
    assert "-- there was no memory for the 40000000 octets" in report
