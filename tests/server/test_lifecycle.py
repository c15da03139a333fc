"""Starting and stopping, in threads and in event loops."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import socket
import subprocess
import sys
import threading
import types
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
import pytest_asyncio

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.server.io.background import Background
from pytest_smtpserver.server.server import RUNNING
from pytest_smtpserver.server.session.recorder import Recorder

from .tools import CONTENT, RECIPIENT, Raw, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pytest_smtpserver import Event as ScriptEvent
    from pytest_smtpserver.protocol.state.events import Event


def test_with_starts_and_stops() -> None:
    """A server of one's own, without pytest."""
    with SMTPServer() as server:
        assert server.is_running
        assert server.host == "127.0.0.1"
        assert server.url == f"smtp://127.0.0.1:{server.port}"
        assert server.address == ("127.0.0.1", server.port)
        send(server)
    assert not server.is_running
    assert server.messages[0].content == CONTENT
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=5)


def test_stop_and_start_reuse_the_port() -> None:
    """So that a client that is set up once finds the server again."""
    server = SMTPServer()
    server.start()
    port = server.port
    server.stop()
    server.stop()
    server.start()
    try:
        assert server.port == port
        send(server)
    finally:
        server.stop()
    assert len(server.messages) == 1


def test_starting_twice_is_refused(smtp_server: SMTPServer) -> None:
    """It says where it runs."""
    with pytest.raises(RuntimeError, match=f"runs already, at {smtp_server.url}"):
        smtp_server.start()


def test_a_server_that_never_started_has_no_port() -> None:
    """And says how to start it."""
    with pytest.raises(RuntimeError, match=r"with SMTPServer\(\.\.\.\) as server"):
        assert SMTPServer().port


def test_the_background_thread_goes_with_the_last_server() -> None:
    """One thread for all servers, and none afterwards."""
    before = {thread.name for thread in threading.enumerate()}
    with SMTPServer() as one, SMTPServer() as other:
        new = [t for t in threading.enumerate() if t.name not in before]
        assert len(new) <= 1
        assert one.port != other.port
    assert {thread.name for thread in threading.enumerate()} == before


def test_a_port_that_is_taken(smtp_server: SMTPServer) -> None:
    """The call that asked for it raises, with the option and a way out."""
    with pytest.raises(OSError, match=r"option port: \d+ .* is taken; port=0"):
        SMTPServer(port=smtp_server.port).start()


def test_a_host_that_is_not_this_machine() -> None:
    """RFC 5737's addresses are nobody's."""
    with pytest.raises(OSError, match=r"option host: '192\.0\.2\.1' is not an address"):
        SMTPServer(host="192.0.2.1").start()


def test_ipv6_and_any_address() -> None:
    """The host that a client connects to is always one that it can reach."""
    with SMTPServer(host="::1") as server:
        assert server.url == f"smtp://[::1]:{server.port}"
        send(server)
        assert server.sessions[0].remote_address[0] == "::1"
    with SMTPServer(host="0.0.0.0") as server:
        assert server.host == "127.0.0.1"
        send(server)
        assert len(server.messages) == 1


def test_a_unix_socket(tmp_path: Path) -> None:
    """The file goes with the server, and comes back with it."""
    path = tmp_path / "smtp"
    server = SMTPServer(path=path)
    for _ in range(2):
        with server, Raw(server) as client:
            assert server.path == str(path)
            assert client.say("EHLO c").startswith("250")
        assert not path.exists()


@pytest.mark.parametrize("what", ["idle", "in the data", "hanging"])
def test_stopping_with_a_client_connected(what: str) -> None:
    """It takes no longer than the reply that is being written, and says 421."""
    server = SMTPServer(close_timeout=5.0).start()
    hangs = threading.Event()

    def seen(event: object) -> bool:
        hangs.set()
        return True

    if what == "hanging":
        server.on("NOOP", where=seen).hang()
    with Raw(server) as client:
        client.say("EHLO c")
        if what == "in the data":
            client.say("MAIL FROM:<a@example.org>")
            client.say("RCPT TO:<b@example.org>")
            client.say("DATA")
            client.send(b"half a line")
        elif what == "hanging":
            client.send(b"NOOP\r\n")
            assert hangs.wait(10)
        started = monotonic()
        server.stop()
        assert monotonic() - started < 2.0
        if what != "hanging":
            assert client.reply() == "421 4.3.2 Server is shutting down"
        assert client.at_end()
    (session,) = server.sessions
    assert session.closed_by == "server"
    if what == "in the data":
        (undelivered,) = session.undelivered
        assert undelivered.content == b"half a line"
        assert undelivered.envelope.rcpt_to == ["b@example.org"]


def test_stopping_with_a_client_that_does_not_read() -> None:
    """It waits once for what is being sent, and not again for the last words."""
    server = SMTPServer(close_timeout=1.5).start()
    writing = threading.Event()
    server.on("NOOP").call(lambda event: writing.set()).send(b"x" * 50_000_000)
    with Raw(server) as client:
        client.send(b"NOOP\r\n")
        assert writing.wait(10)
        started = monotonic()
        server.stop()
        assert monotonic() - started < 2.7


def test_what_happens_at_close_is_waited_for(smtp_server: SMTPServer) -> None:
    """A session is over when its handler at CLOSE has come to its end."""
    told = []

    async def tell(event: object) -> None:
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        told.append(event)

    smtp_server.on("CLOSE").call(tell)
    with Raw(smtp_server) as client:
        client.say("NOOP")
    assert smtp_server.settle(timeout=10)
    assert len(told) == 1


def test_a_reply_that_is_being_made_may_finish() -> None:
    """Within close_timeout: the client gets it, and then 421."""
    server = SMTPServer(close_timeout=10.0).start()
    entered, leave = threading.Event(), threading.Event()

    async def slow(event: object) -> None:
        entered.set()
        await anyio.to_thread.run_sync(leave.wait)

    server.on("NOOP").call(slow)
    with Raw(server) as client:
        client.send(b"NOOP\r\n")
        assert entered.wait(10)
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        leave.set()
        stopper.join(10)
        assert client.reply().startswith("250")
        assert client.reply().startswith("421")


def test_a_server_that_nobody_stops_lets_the_interpreter_end() -> None:
    """A forgotten `stop()` in a script or at the prompt is no trap."""
    program = "from pytest_smtpserver import SMTPServer; SMTPServer().start()"
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    assert done.returncode == 0


# In event loops


async def _serve_and_check() -> None:
    async with SMTPServer() as server:
        await anyio.to_thread.run_sync(send, server)
        message = await server.wait_for_message_async(rcpt_to=RECIPIENT)
        assert message.content == CONTENT
        await server.wait_until_idle_async()
        server.assert_received(times=1)
        with Raw(server, greeted=False):
            await anyio.lowlevel.checkpoint()
    assert not server.is_running


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_with(backend: str) -> None:
    """From the loop that runs, whichever it is; a client is still connected."""
    anyio.run(_serve_and_check, backend=backend)


#: How trio puts exceptions into groups; the second is what it did before 0.22.
LOOPS: dict[str, dict[str, Any]] = {
    "asyncio": {"backend": "asyncio"},
    "trio": {"backend": "trio"},
    "trio, not strict": {
        "backend": "trio",
        "backend_options": {"strict_exception_groups": False},
    },
}


@pytest.mark.filterwarnings("ignore:.*strict_exception_groups")
@pytest.mark.parametrize("loop", LOOPS)
def test_what_the_block_raises_is_in_no_group(loop: str) -> None:
    """Nor is a cancellation anything but that; the clients are told."""

    server = SMTPServer()

    async def fail() -> None:
        async with server:
            await anyio.to_thread.run_sync(send, server)
            raise ZeroDivisionError

    async def test() -> None:
        with pytest.raises(ZeroDivisionError):
            await fail()
        assert not server.is_running
        with anyio.move_on_after(30) as scope:
            async with server:
                await anyio.to_thread.run_sync(send, server)
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        assert not server.is_running

    anyio.run(test, **LOOPS[loop])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_blocking_client_in_an_event_loop(
    smtp_server: SMTPServer, backend: str
) -> None:
    """The server has its own thread: nothing deadlocks, and waits are awaited."""

    async def test() -> None:
        send(smtp_server)
        message = await smtp_server.wait_for_message_async()
        assert message.content == CONTENT
        with pytest.raises(RuntimeError, match=f"this {backend} event loop"):
            smtp_server.wait_for_message()
        with pytest.raises(RuntimeError, match="await wait_until_idle_async"):
            smtp_server.wait_until_idle()
        smtp_server.assert_received(times=1)

    anyio.run(test, backend=backend)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_wait_that_runs_out(smtp_server: SMTPServer, backend: str) -> None:
    """It raises what the blocking one raises."""
    wait = partial(smtp_server.wait_for_message_async, timeout=0.01, subject="x")
    with pytest.raises(AssertionError, match="No message with subject='x' arrived"):
        anyio.run(wait, backend=backend)


def test_a_client_thread_wakes_a_waiting_task(smtp_server: SMTPServer) -> None:
    """On asyncio and trio, while the loop has nothing else to do."""

    async def test() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, send, smtp_server)
            assert (await smtp_server.wait_for_message_async()).content == CONTENT

    for backend in ("asyncio", "trio"):
        anyio.run(test, backend=backend)


@pytest_asyncio.fixture
async def server_in_loop() -> AsyncIterator[SMTPServer]:
    """pytest-asyncio runs set-up and tear-down in tasks of their own."""
    async with SMTPServer() as server:
        yield server


@pytest.mark.asyncio
async def test_a_fixture_of_pytest_asyncio(server_in_loop: SMTPServer) -> None:
    """`async with` may be left in another task than it was entered in."""
    await asyncio.to_thread(send, server_in_loop)
    await server_in_loop.wait_until_idle_async()
    assert len(server_in_loop.messages) == 1


def test_a_fault_of_one_connection_stays_its_own(smtp_server: SMTPServer) -> None:
    """What fails in the server is kept for the test, and others are served."""

    def broken(event: Any) -> None:
        raise LookupError("no such thing")

    smtp_server.on("NOOP").once().call(broken)
    with Raw(smtp_server) as client:
        assert client.say("NOOP").startswith("451 4.3.0")
        assert client.say("NOOP").startswith("250")
    assert [type(error) for error in smtp_server.errors] == [LookupError]
    smtp_server.errors.clear()


def test_a_match_that_raises(smtp_server: SMTPServer) -> None:
    """As a handler that raises: the client gets 451, the test the exception."""
    smtp_server.on("NOOP", lambda argument: argument.no_such_name).reply(250).optional()
    with Raw(smtp_server) as client:
        assert client.say("NOOP").startswith("451 4.3.0")
        smtp_server.rules.clear()
        assert client.say("NOOP").startswith("250")
    assert [type(error) for error in smtp_server.errors] == [AttributeError]
    smtp_server.errors.clear()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_fault_of_the_servers_own(
    smtp_server: SMTPServer, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """It ends the session that it is in, and no other; with a task and without one."""
    heard = Recorder.heard

    def fail_at_rset(self: Recorder, event: Event) -> None:
        if event.name == "RSET":
            raise LookupError("no such thing")
        heard(self, event)

    monkeypatch.setattr(Recorder, "heard", fail_at_rset)
    if not at_once:
        smtp_server.on("NOOP").reply(250)
    with Raw(smtp_server) as other:
        with Raw(smtp_server) as client:
            assert client.say("NOOP").startswith("250")
            client.send(b"RSET\r\n")
            assert client.at_end()
        assert other.say("NOOP").startswith("250")
    smtp_server.settle()
    assert [str(error) for error in smtp_server.errors] == ["no such thing"]
    assert "the server failed" in str(smtp_server.sessions[1].transcript)
    smtp_server.errors.clear()


def test_a_handler_cannot_wait_for_its_own_server(smtp_server: SMTPServer) -> None:
    """It would wait for itself, and is told so; one in a thread of its own can."""

    async def waits(event: ScriptEvent) -> None:
        smtp_server.settle()

    smtp_server.on("NOOP").once().call(waits)
    with Raw(smtp_server) as client:
        assert client.say("NOOP").startswith("451 4.3.0")
        assert client.say("NOOP").startswith("250")
    (error,) = smtp_server.errors
    assert "a handler runs on the event loop of its server" in str(error)
    smtp_server.errors.clear()


def test_a_client_that_comes_before_the_loop_looks(
    smtp_server_factory: type[SMTPServer],
) -> None:
    """It is on its way from the moment on that it has connected."""
    server = smtp_server_factory()
    with socket.create_connection(server.address) as client:
        assert server.settle(timeout=10)
        assert len(server.sessions) == 1
        assert client.recv(4) == b"220 "


# Ctrl-C while a server starts


def test_an_interruption_while_the_first_thread_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The thread runs already when Ctrl-C is noticed: it ends again."""
    begun: list[threading.Thread] = []
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        begun.append(thread)
        start(thread)
        raise KeyboardInterrupt

    background = Background()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            background.acquire()
    begun[0].join(10)
    assert not begun[0].is_alive()
    thread = background.acquire()
    assert thread.call(lambda: 5) == 5
    background.release(thread)


def test_an_interruption_when_a_server_has_begun_to_serve(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The listener is closed in order, and the port is free again."""
    server = SMTPServer()

    def interrupted(started: SMTPServer) -> None:
        assert started.is_running
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RUNNING, "add", interrupted)
        with pytest.raises(KeyboardInterrupt):
            server.start()
    assert not server.is_running
    with server:
        send(server)
        port = server.port
    with SMTPServer(port=port) as other:
        send(other)
    # Nothing went wrong on the event loop, which would have logged it.
    assert caplog.get_records("call") == []


def test_a_library_that_replaces_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Green threads and a real one do not hear of each other: the next is green."""
    background = Background()
    before = background.acquire()
    patched = types.ModuleType("gevent.monkey")
    vars(patched)["is_module_patched"] = lambda name: name == "threading"
    monkeypatch.setitem(sys.modules, "gevent.monkey", patched)
    after = background.acquire()
    assert after is not before
    assert background.acquire() is after
    for thread in (before, after, after):
        assert thread.call(lambda: 5) == 5
        background.release(thread)


def test_no_more_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says is told, and nothing is held."""
    background = Background()

    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="new thr"):
            background.acquire()
    background.release(background.acquire())


def test_the_log_has_no_characters_that_a_terminal_obeys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A recipient may have Hangul fillers in it (RFC 6531 §3.3 takes any letter)."""
    caplog.set_level(logging.INFO)
    with SMTPServer() as server, smtplib.SMTP(*server.address) as client:
        client.ehlo()
        client.sendmail("a@example.org", ["b\u3164@example.org"], "\r\n", ["SMTPUTF8"])
    assert "to b\\u3164@example.org" in caplog.text
    assert "\u3164" not in caplog.text


def _fail(times: int, text: str) -> None:
    """Let a handler raise so often."""

    def fails(event: object) -> None:
        raise ValueError(text)

    with SMTPServer() as server, smtplib.SMTP(*server.address) as client:
        server.on("NOOP").call(fails)
        for _ in range(times):
            client.noop()
        assert len(server.errors) == times
        server.errors.clear()


def test_the_log_has_ten_tracebacks_of_a_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A handler that fails for each of a thousand mails does not fill it."""
    _fail(12, "what \u3164 the handler says")
    logged = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert [bool(one.exc_info) for one in logged] == [True] * 10 + [False] * 2
    told = {one.getMessage() for one in logged}
    assert told == {"ValueError('what \\u3164 the handler says')"}


def test_the_log_has_a_hundred_errors_of_a_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others are for who asks for DEBUG; all are in `errors`."""
    _fail(103, "again")
    levels = [one.levelno for one in caplog.records if "again" in one.getMessage()]
    assert levels == [logging.ERROR] * 100
