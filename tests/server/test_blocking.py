"""Handlers that block, and what blocks the event loop of all servers."""

from __future__ import annotations

import smtplib
import sys
import textwrap
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest

from pytest_smtpserver import MessageNotReceived, Reply, SMTPServer
from tests.server.tools import CONTENT, RECIPIENT, SENDER, Raw, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_smtpserver import Event, Rule

HERE = __file__


class Gate:
    """What waits here blocks until it is opened; the test opens it at the end."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def wait(self, *_: object) -> bool:
        """Block."""
        self.reached.set()
        return self._open.wait(50)

    def open(self) -> None:
        """Let go on what waits."""
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Opened when the test ends.

    A test asks for it before `smtp_server`, so that the server has stopped by then:
    threads of handlers live as long as their session.
    """
    gate = Gate()
    yield gate
    gate.open()


# Handlers that are plain functions


def test_a_forwarder(
    smtp_server: SMTPServer, smtp_server_factory: type[SMTPServer]
) -> None:
    """It sends the mail on to another server of the test, and its reply comes back."""
    backup = smtp_server_factory()
    backup.on("RCPT", "gone@example.org").reply(550, "5.1.1 No such user")

    def forward(event: Event) -> Reply | None:
        assert event.message is not None
        envelope = event.message.envelope
        try:
            with smtplib.SMTP(*backup.address, "relay.example.org", 10) as client:
                client.sendmail(
                    envelope.mail_from, envelope.rcpt_to, event.message.content
                )
        except smtplib.SMTPRecipientsRefused as error:
            ((code, text),) = error.recipients.values()
            return Reply(code, text.decode())
        return None

    smtp_server.on("MESSAGE").call(forward)
    send(smtp_server)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send(smtp_server, "gone@example.org")
    assert (refused.value.smtp_code, refused.value.smtp_error) == (
        550,
        b"5.1.1 No such user",
    )
    (forwarded,) = backup.messages
    assert forwarded.content == CONTENT
    assert (forwarded.envelope.mail_from, forwarded.envelope.rcpt_to) == (
        SENDER,
        [RECIPIENT],
    )
    assert len(smtp_server.messages) == 1


def test_only_its_own_session_waits(gate: Gate, smtp_server: SMTPServer) -> None:
    def slow(event: Event) -> None:
        gate.wait()

    smtp_server.on("NOOP").call(slow)
    with Raw(smtp_server) as slow_one:
        slow_one.send(b"NOOP\r\n")
        assert gate.reached.wait(10)
        send(smtp_server)
        assert len(smtp_server.messages) == 1
        gate.open()
        assert slow_one.reply().startswith("250 ")


def test_as_many_as_there_are_sessions(smtp_server: SMTPServer) -> None:
    """They meet: none waits for a thread until another is done."""
    all_here = threading.Barrier(60)

    def meet(event: Event) -> None:
        all_here.wait(20)

    smtp_server.on("NOOP").call(meet)
    clients = [Raw(smtp_server) for _ in range(60)]
    for client in clients:
        client.send(b"NOOP\r\n")
    assert {client.reply()[:3] for client in clients} == {"250"}
    for client in clients:
        client.close()


def test_one_thread_for_one_call_after_the_other(smtp_server: SMTPServer) -> None:
    threads: list[threading.Thread] = []
    smtp_server.on("NOOP").call(
        lambda event: threads.append(threading.current_thread())
    )
    with Raw(smtp_server) as client:
        for _ in range(20):
            client.say("NOOP")
    assert len(set(threads)) == 1
    assert all(thread.daemon for thread in threads)
    smtp_server.stop()
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_in_a_loop_of_the_tests(backend: str, gate: Gate) -> None:
    """The loop goes on while the handler blocks."""

    def slow(event: Event) -> Reply:
        gate.wait()
        return Reply(250, "At last")

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").call(slow)
            async with await anyio.connect_tcp(*server.address) as client:
                await client.receive()
                await client.send(b"NOOP\r\n")
                await anyio.to_thread.run_sync(gate.reached.wait, 10)
                gate.open()
                assert await client.receive() == b"250 At last\r\n"

    anyio.run(main, backend=backend)


def test_a_function_that_returns_a_coroutine(smtp_server: SMTPServer) -> None:
    """It is awaited on the loop; so is a partial of an async function."""

    async def reply(text: str, event: Event) -> Reply:
        await anyio.lowlevel.checkpoint()
        return Reply(250, text)

    smtp_server.on("NOOP").call(lambda event: reply("one", event))
    smtp_server.on("HELP").call(partial(reply, "two"))
    with Raw(smtp_server) as client:
        assert client.say("NOOP") == "250 one"
        assert client.say("HELP") == "250 two"


def test_a_handler_may_wait_for_its_own_server(smtp_server: SMTPServer) -> None:
    """In a thread of its own it may; what it waits for must not be itself."""
    seen: list[int] = []

    def handler(event: Event) -> None:
        smtp_server.wait_for_message(subject="x", again=True)
        with pytest.raises(TimeoutError, match="still in the middle"):
            smtp_server.wait_until_idle(timeout=0.05)
        seen.append(len(smtp_server.messages))

    send(smtp_server)
    smtp_server.on("NOOP").call(handler)
    with Raw(smtp_server) as client:
        assert client.say("NOOP").startswith("250 ")
    assert seen == [1]


@pytest.mark.parametrize("raises", [KeyboardInterrupt, GeneratorExit, SystemExit])
def test_what_ends_a_program_ends_the_handler_alone(
    smtp_server: SMTPServer, raises: type[BaseException]
) -> None:
    def handler(event: Event) -> None:
        raise raises

    smtp_server.on("NOOP").call(handler)
    with Raw(smtp_server) as client:
        assert client.say("NOOP").startswith("451 ")
    (error,) = smtp_server.errors
    assert f"raised {raises.__name__}" in str(error)
    smtp_server.errors.clear()


@pytest.mark.smtp_server(close_timeout=0.2)
@pytest.mark.parametrize("event", ["CONNECT", "NOOP"])
def test_a_stop_does_not_wait_for_a_thread(
    smtp_server: SMTPServer, gate: Gate, event: str
) -> None:
    smtp_server.on(event).call(gate.wait)
    with Raw(smtp_server, greeted=event == "NOOP") as client:
        client.send(b"NOOP\r\n")
        assert gate.reached.wait(10)
        started = time.perf_counter()
        smtp_server.stop()
        assert time.perf_counter() - started < 10
    gate.open()


@pytest.mark.smtp_server(close_timeout=0.2)
def test_a_thread_that_does_not_come_back_at_the_end(
    gate: Gate, smtp_server: SMTPServer
) -> None:
    """``close_timeout`` is what a handler at "CLOSE" gets."""
    smtp_server.on("CLOSE").call(gate.wait)
    send(smtp_server)
    assert smtp_server.settle(timeout=10)
    (error,) = smtp_server.errors
    assert "at 'CLOSE' took longer than close_timeout" in str(error)
    smtp_server.errors.clear()
    gate.open()


def test_the_run_does_not_wait_for_a_thread(pytester: pytest.Pytester) -> None:
    """Neither does the interpreter at its end."""
    pytester.makepyfile(
        """
        import smtplib, threading
        import pytest

        @pytest.mark.smtp_server(close_timeout=0.1)
        def test_it(smtp_server):
            smtp_server.on("NOOP").call(lambda event: threading.Event().wait())
            with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
                smtplib.SMTP(*smtp_server.address, "me", timeout=1).noop()
        """
    )
    result = pytester.runpytest_subprocess("-q", timeout=40)
    result.assert_outcomes(passed=1)


# What runs on the loop


async def _block(gate: Gate, event: object) -> None:
    gate.wait()


BLOCKING: dict[str, Callable[[SMTPServer, Gate], Rule]] = {
    "where": lambda server, gate: server.on("NOOP", where=lambda event: gate.wait()),
    "match": lambda server, gate: server.on("NOOP", lambda text: gate.wait()),
    "async handler": lambda server, gate: server.on("NOOP").call(partial(_block, gate)),
}


@pytest.fixture(params=list(BLOCKING))
def blocked(
    request: pytest.FixtureRequest,
    gate: Gate,
    smtp_server_factory: Callable[..., SMTPServer],
) -> Iterator[SMTPServer]:
    """A server whose loop the test blocks; it goes on when the test is over."""
    server = smtp_server_factory(close_timeout=0.2)
    BLOCKING[request.param](server, gate).optional()
    with Raw(server) as client:
        client.send(b"MAIL FROM:<a@example.org>\r\nNOOP\r\n")
        reached = gate.reached.wait(10)
        assert reached
        yield server
        gate.open()
        client.at_end()


def test_a_wait_names_what_blocks(blocked: SMTPServer) -> None:
    with pytest.raises(AssertionError) as idle:
        blocked.wait_until_idle(timeout=0.1)
    with pytest.raises(MessageNotReceived) as message:
        blocked.wait_for_message(timeout=0.1)
    blocked.default_timeout = 0.1
    with pytest.raises(AssertionError) as absent:
        blocked.assert_no_messages()
    for error in (idle, message, absent):
        assert f" at {HERE}:" in str(error.value)
        assert "blocks the event loop" in str(error.value)
        assert "a plain function (def) may" in str(error.value)
    assert blocked.errors == []  # the test knows
    assert isinstance(idle.value, TimeoutError)


def test_settling_tells_every_server_of_the_run(
    blocked: SMTPServer, smtp_server: SMTPServer
) -> None:
    """They wait for the same loop."""
    with Raw(smtp_server, greeted=False) as client:
        client.send(b"NOOP\r\n")
        for server in (blocked, smtp_server):
            assert not server.settle(timeout=0.1)
            assert not server.settle(timeout=0.1)
            (error,) = server.errors
            assert f" at {HERE}:" in str(error)
            assert "for which all servers of the run wait" in str(error)
            server.errors.clear()


def test_a_neighbour_is_told_whose_handler_it_is(
    blocked: SMTPServer, smtp_server: SMTPServer
) -> None:
    """And that its own test is not to blame."""
    with Raw(smtp_server, greeted=False):
        for server in (blocked, smtp_server):
            assert not server.settle(timeout=0.1)
            (error,) = server.errors
            owner = f"It belongs to the server at 127.0.0.1:{blocked.port}: "
            assert f"{owner}tests with other servers only wait for it" in str(error)
            server.errors.clear()


def test_a_stop_names_what_blocks_and_the_next_server_serves(
    blocked: SMTPServer, gate: Gate
) -> None:
    started = time.perf_counter()
    blocked.stop()
    assert time.perf_counter() - started < 15
    (error,) = blocked.errors
    assert f" at {HERE}:" in str(error)
    blocked.errors.clear()
    with SMTPServer() as another:
        send(another)
        assert len(another.messages) == 1
    gate.open()


def test_a_loop_that_goes_on_again(blocked: SMTPServer, gate: Gate) -> None:
    assert not blocked.settle(timeout=0.1)
    gate.open()
    assert blocked.settle(timeout=10)
    blocked.errors.clear()
    send(blocked)
    assert len(blocked.messages) == 1


def test_a_run_with_a_blocked_loop(pytester: pytest.Pytester) -> None:
    """The run goes on and ends, and the failure names the line and what to do."""
    pytester.makepyfile(
        textwrap.dedent(
            """
            import smtplib, threading
            import pytest

            def stands_still(event):
                return threading.Event().wait()

            @pytest.mark.smtp_server(close_timeout=0.1)
            def test_blocks(smtp_server):
                smtp_server.on("NOOP", where=stands_still).reply(250).optional()
                with pytest.raises(smtplib.SMTPServerDisconnected):
                    smtplib.SMTP(*smtp_server.address, "me", timeout=1).noop()

            def test_next(smtp_server):
                with smtplib.SMTP(*smtp_server.address, "me", timeout=10) as client:
                    client.sendmail("a@example.org", "b@example.org", "Hi")
                assert smtp_server.messages
            """
        )
    )
    result: Any = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", timeout=50
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*LoopBlocked: stands_still at */test_a_run_with_a_blocked_loop.py:5 blocks*"]
    )


def test_a_client_that_gives_up_on_a_blocked_loop(pytester: pytest.Pytester) -> None:
    """Its time-out fails the test; what it has waited for is named once beside it."""
    pytester.makepyfile(
        textwrap.dedent(
            """
            import smtplib, threading

            over = threading.Event()

            def test_it(smtp_server, smtp_server_factory):
                async def stands_still(event):
                    over.wait()

                smtp_server_factory()
                smtp_server.on("NOOP").call(stands_still)
                try:
                    smtplib.SMTP(*smtp_server.address, "me", timeout=1).noop()
                finally:
                    threading.Timer(3, over.set).start()
            """
        )
    )
    result: Any = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", timeout=50
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E  *SMTPServerDisconnected: *timed out",
            "E  *before: LoopBlocked(*stands_still at *loop.py:7 blocks the event loop*",
        ]
    )
    assert result.stdout.str().count("What went wrong") == 1


OVER = """
import threading

over = threading.Event()

def pytest_runtest_logreport(report):
    if report.failed or report.when == "call":
        over.set()
"""
PHASES = """
import smtplib, unittest
import pytest
from conftest import over

async def stands_still(event):
    over.wait()

def fails(server):
    server.on("NOOP").call(stands_still)
    smtplib.SMTP(*server.address, "me", timeout=0.5).noop()
"""
INSIDE = {
    "set-up": """
@pytest.fixture
def mailed(smtp_server):
    fails(smtp_server)

def test_it(mailed):
    pass
""",
    "subtests": """
def test_it(smtp_server, subtests):
    with subtests.test():
        fails(smtp_server)
""",
    "unittest": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def server(self, smtp_server):
        self.server = smtp_server

    def test_it(self):
        fails(self.server)
""",
    "a subtest of unittest": """
class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def server(self, smtp_server):
        self.server = smtp_server

    def test_it(self):
        with self.subTest():
            fails(self.server)
""",
}


@pytest.mark.parametrize(
    "phase",
    ["set-up", *(pytest.param(one, marks=pytest.mark.once) for one in [*INSIDE][1:])],
)
def test_where_a_failure_gets_no_notes(pytester: pytest.Pytester, phase: str) -> None:
    """The section of the report begins with what they would say."""
    pytester.makeconftest(OVER)
    pytester.makepyfile(PHASES + INSIDE[phase])
    result: Any = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", timeout=50
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "E  *SMTPServerDisconnected: *timed out",
            "*- SMTP server smtp://*",
            "It listened on *",
            "What went wrong on the server before: LoopBlocked(*stands_still at *:6 *",
            "127.0.0.1:* is held up by the rule made at *:9",
            "no messages",
        ]
    )
    assert result.stdout.str().count("What went wrong") == 1


@pytest.mark.smtp_server(close_timeout=0.1)
def test_the_dialogue_names_who_held_it_up(smtp_server: SMTPServer, gate: Gate) -> None:
    """Also where the client, or the server, has gone when the report is made."""
    hang = smtp_server.on("NOOP").hang()
    call = smtp_server.on("HELP").call(gate.wait)
    with Raw(smtp_server) as client:
        client.send(b"NOOP\r\n")
    assert smtp_server.settle(timeout=10)
    with Raw(smtp_server) as client:
        client.send(b"HELP\r\n")
        assert gate.reached.wait(10)
        smtp_server.stop()
    gate.open()
    for session, rule, how in zip(
        smtp_server.sessions,
        (hang, call),
        ("the client gave up waiting", "the server was stopped"),
        strict=True,
    ):
        said = f"-- the client was held up by the rule made at {rule.made_at}\n"
        assert said in str(session.transcript)
        assert f"-- {how}" in str(session.transcript).splitlines()[-1]


def test_a_handler_that_keeps_a_client_waiting(pytester: pytest.Pytester) -> None:
    """The failure of a wait, and that of the client, name the rule with its line."""
    pytester.makepyfile(
        textwrap.dedent(
            """
            import smtplib, threading
            import pytest

            @pytest.mark.smtp_server(close_timeout=0.1)
            def test_client(smtp_server):
                smtp_server.on("NOOP").call(lambda event: threading.Event().wait())
                smtplib.SMTP(*smtp_server.address, "me", timeout=1).noop()

            @pytest.mark.smtp_server(close_timeout=0.1)
            def test_wait(smtp_server):
                smtp_server.on("NOOP").call(lambda event: threading.Event().wait())
                client = smtplib.SMTP(*smtp_server.address, "me")
                client.putcmd("NOOP")
                smtp_server.wait_for_message(timeout=1)
            """
        )
    )
    result: Any = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", timeout=50
    )
    result.assert_outcomes(failed=2)
    held_up = "E  *127.0.0.1:* is held up by the rule made at *_waiting.py:{}"
    result.stdout.fnmatch_lines([held_up.format(6), held_up.format(11)])
    assert result.stdout.str().count("held up by") == 2
