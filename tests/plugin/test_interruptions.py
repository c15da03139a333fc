"""What ends a run or a test from outside: at once, cleanly, and with the dialogue.

Each test is a process of its own, in which the signals are real ones.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.plugin.interruptions import CtrlC, hang_up_after_the_alarm

from . import inner

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds from the interruption to the end of the process; those who wait for a server
#: would wait for thirty.
AT_ONCE = 20.0

INNER = """
import asyncio
import os
import signal
import smtplib
import socket
import threading
import time
from pathlib import Path

import pytest


def press(*_):
    Path("pressed").write_text(str(time.monotonic()))
    os.kill(os.getpid(), signal.SIGINT)


def block():
    threading.Event().wait(30)


def mail(server):
    with smtplib.SMTP(*server.address, local_hostname="app.example.org") as client:
        client.sendmail("a@example.org", "b@example.org", "Subject: hi")


def ask(server):
    client = socket.create_connection(server.address)
    client.recv(1000)
    client.sendall(b"NOOP\\r\\n")
    return client
"""

if TYPE_CHECKING:
    Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run(test, *options)`: it ends at once, and leaves no file and no traceback."""
    temporary = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def go(test: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=INNER + test)
        result = pytester.runpytest_subprocess(
            "-ppytest_smtpserver", "-pno:cacheprovider", *options, timeout=60
        )
        pressed = pytester.path / "pressed"
        if pressed.exists():
            took = time.monotonic() - float(pressed.read_text(encoding="utf-8"))
            assert took < AT_ONCE
        assert result.errlines == []
        assert "INTERNALERROR" not in result.stdout.str()
        assert "Exception in" not in result.stdout.str()
        assert [one.name for one in Path(temporary).glob("smtp-*")] == []
        return result

    return go


def interrupted(result: pytest.RunResult, *lines: str) -> None:
    """Ctrl-C has ended it, and the dialogue is there, with these lines in it."""
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*-- test_it.py::test_it: SMTP server smtp://*",
            "  +* S: 220 *",
            *lines,
            "*! KeyboardInterrupt !*",
        ]
    )


# Ctrl-C


def test_in_a_wait(run: Run) -> None:
    interrupted(
        run("""
def test_it(smtp_server):
    mail(smtp_server)
    # A message is looked at, and then it waits for the next one.
    smtp_server.wait_for_message(where=press, timeout=30)
"""),
        "  +* -- the client quit",
    )


@pytest.mark.once
def test_in_an_async_wait(run: Run) -> None:
    interrupted(
        run("""
def test_it(smtp_server):
    mail(smtp_server)
    asyncio.run(smtp_server.wait_for_message_async(where=press, timeout=30))
""")
    )


@pytest.mark.parametrize(
    "kind", ["def", pytest.param("async def", marks=pytest.mark.once)]
)
def test_in_a_handler(run: Run, kind: str) -> None:
    """A plain function blocks in its thread, an async one waits on the loop."""
    waits = "await asyncio.sleep(30)" if kind == "async def" else "block()"
    interrupted(
        run(f"""
@pytest.mark.smtp_server(close_timeout=0.1)
def test_it(smtp_server):
    {kind} handler(event):
        press()
        {waits}

    smtp_server.on("NOOP").call(handler)
    ask(smtp_server).recv(1000)
"""),
        "  +* C: NOOP",
    )


@pytest.mark.once
def test_a_second_time(run: Run) -> None:
    """The first time smtplib has said QUIT, and waits for an answer as before."""
    interrupted(
        run("""
quits = threading.Event()


@pytest.mark.smtp_server(close_timeout=0.1)
def test_it(smtp_server):
    def handler(event):
        press()
        quits.wait()
        press()
        block()

    class Client(smtplib.SMTP):
        def docmd(self, command, arguments=""):
            quits.set()
            return super().docmd(command, arguments)

    smtp_server.on("NOOP").call(handler)
    with Client(*smtp_server.address, local_hostname="me") as client:
        client.putcmd("NOOP")
        client.getreply()
"""),
        "  +* C: NOOP",
    )


@pytest.mark.once
def test_in_a_handler_that_blocks_the_loop(run: Run) -> None:
    """It is named, since all servers of the run wait for it."""
    result = run("""
@pytest.mark.smtp_server(close_timeout=0.1)
def test_it(smtp_server):
    async def handler(event):
        press()
        block()

    smtp_server.on("NOOP").call(handler)
    ask(smtp_server).recv(1000)
""")
    interrupted(result, "  +* C: NOOP")


WAITS = """
@pytest.mark.smtp_server(close_timeout=0.1)
def test_it(smtp_server):
    {}
    # On the way out smtplib says QUIT, and waits for an answer.
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        client.noop()


def test_other(smtp_server):
    raise AssertionError("the run goes on")


def handler(event):
    press()
    block()


async def forward(event):
    press()
    block()
"""
#: Why the client waits, and what the report says of that.
HUNG_UP = [
    "  +* C: noop",
    "  +* -- the client was held up by the rule made at test_it.py:*",
    "  +* -- the server hung up: Ctrl-C has ended the test",
]
REASONS = {
    "a rule": ('smtp_server.on("NOOP").call(press).hang()', HUNG_UP),
    "a handler": ('smtp_server.on("NOOP").call(handler)', HUNG_UP),
    "a blocked loop": (
        'smtp_server.on("NOOP").call(forward)',
        [
            "It listened on *",
            "What went wrong on the server before: LoopBlocked(*forward at *",
            "127.0.0.1:* is held up by the rule made at test_it.py:*",
        ],
    ),
}


@pytest.mark.parametrize(
    "reason",
    ["a rule", pytest.param("a handler", marks=pytest.mark.once), "a blocked loop"],
)
def test_while_a_client_waits(run: Run, reason: str) -> None:
    """The server hangs up, so that the client can leave."""
    rule, said = REASONS[reason]
    result = run(WAITS.format(rule))
    interrupted(result, "  +* C: noop")
    result.stdout.fnmatch_lines(said)
    result.stdout.no_fnmatch_line("*the run goes on*")


@pytest.mark.once
def test_while_the_client_of_a_fixture_waits(run: Run) -> None:
    """It says QUIT when the run has ended already, and the fixture is torn down."""
    interrupted(
        run("""
@pytest.fixture
def client(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        yield client


def test_it(smtp_server, client):
    smtp_server.on("NOOP").call(press).hang()
    client.noop()
"""),
        "  +* C: noop",
    )


LATE = """
quits = threading.Event()


class Client(smtplib.SMTP):
    def docmd(self, command, arguments=""):
        if command == "QUIT":
            quits.set()
        return super().docmd(command, arguments)


def late(event):
    press()
    quits.wait()
"""


@pytest.mark.parametrize(
    "inside", ["", pytest.param("subtests.test()", marks=pytest.mark.once)]
)
def test_while_a_reply_is_late(run: Run, inside: str) -> None:
    """smtplib takes it for the reply to QUIT, and its error hides Ctrl-C."""
    block = f"with {inside}, " if inside else "with "
    result = run(
        LATE
        + f"""

def test_it(smtp_server{", subtests" * bool(inside)}):
    smtp_server.on("NOOP").call(late)
    {block}Client(*smtp_server.address, local_hostname="me") as client:
        client.noop()


def test_other(smtp_server):
    raise AssertionError("the run goes on")
"""
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "E  *KeyboardInterrupt",
            "E  *SMTPResponseException: (250, *",
            "*! Interrupted: KeyboardInterrupt !*",
        ]
    )
    result.stdout.no_fnmatch_line("*the run goes on*")


@pytest.mark.once
def test_while_the_client_of_a_test_case_waits(run: Run) -> None:
    """pytest gets no exception of a `unittest.TestCase`, and the run ends all the same."""
    result = run(
        LATE
        + """
import unittest


class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def server(self, smtp_server):
        self.server = smtp_server

    def test_it(self):
        self.server.on("NOOP").call(late)
        with Client(*self.server.address, local_hostname="me") as client:
            client.noop()

    def test_other(self):
        raise AssertionError("the run goes on")
"""
    )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_fnmatch_line("*the run goes on*")


def test_a_test_that_expects_it(run: Run) -> None:
    """Its clients stay, although it takes a moment longer."""
    result = run("""
def test_it(smtp_server):
    smtp_server.on("NOOP").delay(1)
    client = ask(smtp_server)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert client.recv(100).startswith(b"250 ")
    client.close()
""")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "library", ["asyncio", pytest.param("trio", marks=pytest.mark.once)]
)
def test_in_the_loop_of_client_and_server(run: Run, library: str) -> None:
    """The server has stopped with the loop, and its dialogue is there."""
    interrupted(
        run(f"""
import anyio
from pytest_smtpserver import SMTPServer


def test_it():
    async def main():
        async with SMTPServer(close_timeout=0.1) as server:
            server.on("NOOP").call(press).hang()
            async with await anyio.connect_tcp(*server.address) as client:
                await client.receive()
                await client.send(b"NOOP\\r\\n")
                await client.receive()

    anyio.run(main, backend={library!r})
"""),
        "  +* C: NOOP",
    )


@pytest.mark.once
@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_in_a_loop_of_the_tests(run: Run, library: str) -> None:
    """asyncio and trio see to it as ever: the task is told, and may tidy up."""
    interrupted(
        run(f"""
import anyio


def test_it(smtp_server):
    async def main():
        smtp_server.on("NOOP").call(press).hang()
        async with await anyio.connect_tcp(*smtp_server.address) as client:
            await client.receive()
            try:
                await client.send(b"NOOP\\r\\n")
                await client.receive()
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.sleep(0)
                    Path("tidy").touch()

    anyio.run(main, backend={library!r})
"""),
        "  +* C: NOOP",
    )
    assert Path("tidy").exists()


BLOCKS = """
import anyio


def use(server):
    server.on("NOOP").call(press).hang()
    with smtplib.SMTP(*server.address, local_hostname="me") as client:
        client.noop()


async def main(server):
    use(server)


async def group(server):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(main, server)


{}


def test_other(smtp_server):
    raise AssertionError("the run goes on")
"""
PLAIN = """
def test_it(smtp_server):
    {}
"""
MARKED = """
@pytest.mark.{}
async def test_it(smtp_server):
    await main(smtp_server)
"""


@pytest.mark.parametrize(
    ("test", "hidden", "plugin"),
    [
        pytest.param(
            PLAIN.format("asyncio.run(main(smtp_server))"), True, (), id="asyncio.run"
        ),
        pytest.param(
            PLAIN.format("anyio.run(main, smtp_server, backend='trio')"),
            False,
            (),
            marks=pytest.mark.once,
            id="trio",
        ),
        pytest.param(
            PLAIN.format("anyio.run(group, smtp_server, backend='trio')"),
            True,
            (),
            marks=pytest.mark.once,
            id="a group of trio",
        ),
        pytest.param(
            MARKED.format("asyncio"),
            True,
            (
                "-ppytest_asyncio.plugin",
                "-oasyncio_default_fixture_loop_scope=function",
            ),
            marks=pytest.mark.once,
            id="pytest-asyncio",
        ),
        pytest.param(
            MARKED.format("anyio"),
            False,
            ("-panyio.pytest_plugin",),
            marks=pytest.mark.once,
            id="anyio's plugin",
        ),
        pytest.param(
            PLAIN.format("asyncio.run(asyncio.sleep(0))\n    use(smtp_server)"),
            False,
            (),
            marks=pytest.mark.once,
            id="after a loop",
        ),
    ],
)
def test_in_a_loop_that_the_client_blocks(
    run: Run,
    test: str,
    hidden: bool,
    plugin: tuple[str, ...],
) -> None:
    """asyncio can only cancel a task that awaits something; this one does not."""
    result = run(BLOCKS.format(test), *plugin)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    end = "Interrupted: KeyboardInterrupt" if hidden else "KeyboardInterrupt"
    result.stdout.fnmatch_lines([*HUNG_UP, f"*! {end} !*"])
    result.stdout.no_fnmatch_line("*the run goes on*")


@pytest.mark.once
def test_a_handler_of_the_test_and_its_clients_are_left_alone(run: Run) -> None:
    """It blocks its loop, and asyncio tells it of the signal when it is done."""
    result = run("""
def test_it(smtp_server):
    smtp_server.on("NOOP").call(press).delay(1.5)

    async def main():
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, told.set)
        mail(smtp_server)
        client = ask(smtp_server)
        assert client.recv(100).startswith(b"250 ")
        client.close()
        await told.wait()

    asyncio.run(main())
""")
    result.assert_outcomes(passed=1)


@pytest.mark.once
def test_the_clients_of_a_loop_that_turns(run: Run) -> None:
    """A task that tidies up has them for as long as it likes."""
    interrupted(
        run("""
def test_it(smtp_server):
    smtp_server.on("NOOP").call(press).delay(1.5)

    async def main():
        client = await asyncio.to_thread(ask, smtp_server)
        try:
            await asyncio.sleep(30)
        finally:
            reply = await asyncio.to_thread(client.recv, 100)
            Path("tidy").write_bytes(reply)
            client.close()

    asyncio.run(main())
""")
    )
    assert Path("tidy").read_bytes().startswith(b"250 ")


def test_nothing_is_left_of_it() -> None:
    """Python's handler is in place all the time, and another one is not replaced."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ctrl_c, other = CtrlC(), CtrlC()
        ctrl_c.listen()
        ctrl_c.listen()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ctrl_c.close()
        listens: object = faulthandler.unregister(signal.SIGINT)  # type: ignore[func-returns-value]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        other.listen()
        other.close()
        listens = listens or faulthandler.unregister(signal.SIGINT)  # type: ignore[func-returns-value]
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not listens


@pytest.mark.once
def test_while_a_server_starts(run: Run) -> None:
    """Before it is there: nothing is left of it, and nothing is to be told."""
    result = run("""
@pytest.fixture(scope="session")
def smtp_ca(smtp_ca):
    press()
    return smtp_ca


@pytest.mark.smtp_server(tls="starttls")
def test_it(smtp_server):
    smtp_server.ca_file
""")
    assert result.ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.once
def test_in_a_fixture_behind_the_server(run: Run) -> None:
    interrupted(
        run("""
@pytest.fixture
def mailed(smtp_server):
    assert smtp_server.ca_file
    mail(smtp_server)
    press()
    block()


def test_it(mailed):
    pass
"""),
        "  +* -- the client quit",
    )


@pytest.mark.once
def test_while_a_test_settles(run: Run) -> None:
    """The test is over, and a handler still works."""
    interrupted(
        run("""
over = threading.Event()


@pytest.mark.smtp_server(close_timeout=0.1)
def test_it(smtp_server):
    def handler(event):
        over.wait()
        press()
        block()

    smtp_server.on("NOOP").call(handler)
    test_it.client = ask(smtp_server)
    over.set()
"""),
        "  +* C: NOOP",
    )


@pytest.mark.once
def test_while_a_server_stops(run: Run) -> None:
    """It lets a session finish for as long as it was told to."""
    result = run("""
@pytest.fixture(autouse=True)
def later(smtp_server):
    yield
    threading.Timer(0.1, press).start()


@pytest.mark.smtp_server(close_timeout=30)
def test_it(smtp_server):
    smtp_server.on("NOOP").call(lambda event: block())
    test_it.client = ask(smtp_server)
""")
    # pytest has the report on the test already, and prints it as ever.
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_mail_is_saved(run: Run, pytester: pytest.Pytester) -> None:
    """And so is the page of the run."""
    run(
        """
def test_it(smtp_server):
    mail(smtp_server)
    press()
    block()
""",
        "--smtp-save=saved",
        "--smtp-report=page.html",
    )
    folder = pytester.path / "saved" / "test_it.py" / "test_it"
    assert (folder / "message-1.eml").read_bytes() == b"Subject: hi\r\n"
    page = pytester.path / "page.html"
    assert inner.outcomes(page) == [("test_it", "interrupted", ["hi"])]


# pytest.exit, --maxfail


@pytest.mark.once
def test_pytest_exit(run: Run) -> None:
    result = run("""
def test_it(smtp_server):
    mail(smtp_server)
    pytest.exit("that is enough")


def test_other(smtp_server):
    raise AssertionError("the run goes on")
""")
    result.stdout.fnmatch_lines(
        ["*-- test_it.py::test_it: SMTP server *", "*Exit: that is enough !*"]
    )
    result.stdout.no_fnmatch_line("*the run goes on*")


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("event", ["MAIL", "NOOP"])
def test_pytest_exit_in_a_handler(
    pytester: pytest.Pytester, kind: str, event: str
) -> None:
    """The client gets a 451, and the run ends with the test, whether it fails or not."""
    result = inner.run(
        pytester,
        f"""
def test_it(smtp_server):
    {kind} handler(event):
        pytest.exit("that is enough")

    smtp_server.on("{event}").call(handler)
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        client.noop()
    mail(smtp_server)


def test_other(smtp_server):
    raise AssertionError("the run goes on")
""",
    )
    result.stdout.fnmatch_lines(
        [
            "*: SMTP server smtp://*",
            " * S: 451 4.3.0 A handler of the test failed *",
            "*Exit: that is enough !*",
        ]
    )
    result.stdout.no_fnmatch_line("*the run goes on*")


def test_maxfail(pytester: pytest.Pytester) -> None:
    result = inner.run(
        pytester,
        """
@pytest.mark.parametrize("number", range(3))
def test_it(smtp_server, number):
    mail(smtp_server)
    assert False
""",
        "--maxfail=1",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- SMTP server smtp://*", "  +* -- the client quit", "*stopping after 1 *"]
    )


# pytest-timeout

HANGS = """
@pytest.mark.smtp_server(close_timeout=0.1)
def test_it(smtp_server):
    {}
    Path("pressed").write_text(str(time.monotonic()))
    # When the signal has ended it, smtplib says QUIT, and waits for an answer.
    mail(smtp_server)


@pytest.mark.timeout(30)
def test_other(smtp_server):
    mail(smtp_server)
"""
#: Of the test alone: a server that starts first loads its modules.
TIMEOUT = ("-ppytest_timeout", "--timeout=0.8", "-otimeout_func_only=true")
WAYS = {
    "a rule": 'smtp_server.on("MAIL").hang()',
    "a handler": 'smtp_server.on("MAIL").call(lambda event: block())',
    "a delay": 'smtp_server.on("MAIL").delay(30)',
}


@pytest.mark.parametrize(
    "way",
    [
        "a rule",
        pytest.param("a handler", marks=pytest.mark.once),
        pytest.param("a delay", marks=pytest.mark.once),
    ],
)
def test_a_timeout_by_signal(run: Run, way: str) -> None:
    """The server hangs up in the end, so that the client can."""
    result = run(HANGS.format(WAYS[way]), *TIMEOUT)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*Failed: Timeout*",
            "*- SMTP server smtp://*",
            "  +* C: mail *",
            "  +* -- the server hung up: the time for the test was over",
        ]
    )


@pytest.mark.once
def test_a_timeout_by_signal_while_the_loop_is_blocked(run: Run) -> None:
    """The client is let go all the same."""
    result = run(
        HANGS.format("smtp_server.on('MAIL').call(forward)")
        + """

async def forward(event):
    block()
""",
        *TIMEOUT,
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*Failed: Timeout*", "  +* C: mail *"])


@pytest.mark.once
def test_a_timeout_by_signal_leaves_the_next_test_alone(run: Run) -> None:
    """With one server for all tests, too."""
    result = run(
        HANGS.format('smtp_server.on("MAIL").hang()')
        + """

@pytest.mark.timeout(30)
def test_third(smtp_server):
    client = ask(smtp_server)
    assert client.recv(100).startswith(b"250 ")
    threading.Event().wait(1)
    client.sendall(b"NOOP\\r\\n")
    assert client.recv(100).startswith(b"250 ")
    client.close()
""",
        *TIMEOUT,
        "-osmtp_server_scope=session",
    )
    result.assert_outcomes(failed=1, passed=2)


@pytest.mark.once
def test_a_timeout_by_thread(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends the process, and nothing of ours is in its way."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(INNER + HANGS.format('smtp_server.on("MAIL").hang()'))
    result = pytester.runpytest_subprocess(
        "-ppytest_smtpserver",
        *TIMEOUT,
        "--timeout-method=thread",
        timeout=60,
    )
    ended = time.monotonic()
    assert result.ret == 1
    assert ended - float((pytester.path / "pressed").read_text()) < AT_ONCE
    result.stdout.fnmatch_lines(["*+ Timeout +*", "*Stack of MainThread*"])
    result.stdout.no_fnmatch_line("*SMTP server smtp*")


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="Windows has no alarm")
def test_a_time_out_while_the_plugin_is_being_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test hears of the time-out, and not of a module that is half there."""

    def end_the_test(*_: object) -> None:
        pytest.fail("the time is over")

    name = "pytest_smtpserver.plugin.servers"
    before = signal.signal(signal.SIGALRM, end_the_test)
    try:
        hang_up_after_the_alarm()
        with monkeypatch.context() as loading:
            loading.setitem(sys.modules, name, ModuleType(name))
            with pytest.raises(pytest.fail.Exception, match="the time is over"):
                signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)
