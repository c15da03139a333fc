"""Child processes of a test: made by fork they inherit servers that run elsewhere."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import select
import signal
import smtplib
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import SMTPServer

from .tools import RECIPIENT, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import Event

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="this system has no fork"
)
#: Seconds after which a child hangs.
PATIENCE = 20


def start_child(call: Callable[[], object]) -> tuple[int, int]:
    """Call it in a child made by fork; its process, and where its result is read."""
    read, write = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads, and the event loop of all servers is one.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if not process:
        code = 1
        try:
            os.close(read)
            os.write(write, pickle.dumps(call()))
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    return process, read


def result_of(process: int, read: int) -> Any:
    """What the child has returned; it fails the test if it has not in time."""
    ready, _, _ = select.select([read], [], [], PATIENCE)
    if not ready:
        os.kill(process, signal.SIGKILL)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(process, 0)
    assert ready, "the child hangs"
    assert status == 0, "the child has failed: see its traceback"
    return pickle.loads(answer)


def in_child(call: Callable[[], object]) -> Any:
    """What the call returns in a child made by fork."""
    return result_of(*start_child(call))


@pytest.mark.parametrize("options", [{}, {"tls": "starttls"}])
def test_a_child_has_servers_of_its_own(options: Any) -> None:
    """With a background thread of its own, and certificates."""

    def serves() -> list[str]:
        with SMTPServer(**options) as own:
            with smtplib.SMTP(*own.address, local_hostname="c", timeout=9) as client:
                if options:
                    client.starttls(context=own.client_context())
                client.sendmail("a@example.org", RECIPIENT, "Subject: own")
            return [message.subject for message in own.messages]

    with SMTPServer(**options) as server:
        assert in_child(serves) == ["own"]
        send(server)
        assert len(server.messages) == 1
    assert in_child(serves) == ["own"]


def test_a_child_reaches_the_server_of_its_parent() -> None:
    """The address is good in both; the mail is the parent's."""
    with SMTPServer(tls="starttls") as server:
        known = server.env  # each process writes a file with the CA when it needs one

        def sends() -> tuple[dict[str, str], bool, bool]:
            with smtplib.SMTP(*server.address, local_hostname="c", timeout=9) as client:
                client.starttls(context=server.client_context())
                client.sendmail("a@example.org", RECIPIENT, "Subject: from the child")
            return server.env, server.is_running, server.is_inherited

        child = start_child(sends)
        assert server.wait_for_message(timeout=PATIENCE).subject == "from the child"
        assert result_of(*child) == (known, True, True)
        assert not server.is_inherited


@pytest.mark.parametrize(
    "ask",
    [
        lambda server: server.wait_for_message(timeout=9),
        lambda server: server.wait_for_messages(2),
        lambda server: server.wait_until_idle(),
        lambda server: server.assert_received(),
        lambda server: server.assert_no_messages(),
        lambda server: server.messages,
        lambda server: server.sessions,
        lambda server: server.violations,
        lambda server: server.rules,
        lambda server: server.on("RCPT"),
        lambda server: server.reset(),
        lambda server: server.renew(),
        lambda server: server.interrupt(),
        lambda server: server.outage().__enter__(),
        lambda server: server.start(),
        lambda server: server.serve_socket(None),
    ],
    ids=range(16),
)
def test_an_inherited_server_says_where_it_runs(
    ask: Callable[[SMTPServer], object],
) -> None:
    """At once, with what it is good for in a child, and the way out."""

    def asks() -> str:
        with pytest.raises(RuntimeError) as caught:
            ask(server)
        return str(caught.value)

    with SMTPServer() as server:
        text = in_child(asks)
        assert text.startswith(f"this server runs in process {os.getpid()}, of which ")
        assert "good for its address" in text
        assert "start a server of this process's own" in text


def test_a_server_is_not_handed_to_another_process() -> None:
    """`multiprocessing` pickles the arguments, unless it forks."""
    process = multiprocessing.get_context("spawn").Process(
        target=print, args=(SMTPServer(),)
    )
    with pytest.raises(
        TypeError, match="give the other process its address, url or env"
    ):
        process.start()


def test_a_child_leaves_an_inherited_server_alone(tmp_path: Path) -> None:
    """Stopping it does nothing, in a `with` too; files stay, and the parent serves on."""
    path = tmp_path / "smtp"
    with SMTPServer(path=path, tls="starttls") as server:
        file = Path(server.ca_file)

        def stops() -> str:
            with server:
                assert server.settle() is False
            server.stop()
            return repr(server)

        assert f"<SMTPServer smtp://{path}, 0 messages>" == in_child(stops)
        assert path.is_socket()
        assert file.is_file()
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(path))
            assert client.recv(3) == b"220"
    assert not path.exists()


def test_a_child_keeps_no_port_and_no_client() -> None:
    """What the parent closes is closed, although a child with copies lives on."""
    read, write = os.pipe()
    runs, is_running = os.pipe()
    with SMTPServer(close_timeout=0.1) as server:
        address = server.address
        client = socket.create_connection(address, timeout=PATIENCE)
        assert client.recv(3) == b"220"

        def lives_on() -> bytes:
            os.close(write)
            os.write(is_running, b"!")
            return os.read(read, 1)

        child = start_child(lives_on)
        # The child closes its copies itself, as the first thing that it does.
        assert os.read(runs, 1) == b"!"
    with client:
        while client.recv(1000):
            pass  # the 421, and then the end
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=PATIENCE)
    os.close(write)
    assert result_of(*child) == b""
    for end in (read, runs, is_running):
        os.close(end)


EXITS = """
import os, sys
from pytest_smtpserver import SMTPServer
with SMTPServer(tls="starttls") as server:
    file = server.ca_file
    process = os.fork()
    if not process:
        {leaves}
    _, status = os.waitpid(process, 0)
    if status or not os.path.exists(file):
        sys.exit(f"status {{status}}, file there: {{os.path.exists(file)}}")
print("the parent goes on")
"""


@pytest.mark.parametrize("leaves", ["sys.exit()", "raise SystemExit(0)", "os._exit(0)"])
def test_a_child_that_only_exits(leaves: str) -> None:
    """It waits for no thread of its parent's, and takes no file along."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", EXITS.format(leaves=leaves)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "the parent goes on\n",
        "",
    )


@pytest.mark.parametrize(
    ("ends", "status", "said"),
    [
        (lambda: None, 0, ""),
        (lambda: sys.exit(3), 3, ""),
        (lambda: sys.exit("no"), 1, ""),
        (lambda: 1 / 0, 1, "ZeroDivisionError: division by zero\n"),
    ],
    ids=["returns", "exits", "exits with words", "fails"],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_child_that_comes_back_from_a_handler(
    smtp_server: SMTPServer,
    capfd: pytest.CaptureFixture[str],
    is_async: bool,
    ends: Callable[[], object],
    status: int,
    said: str,
) -> None:
    """It ends as a program does; the thread of the handler is its parent's."""
    outcomes = []

    def forks(event: Event) -> None:
        read, write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if not process:
            ends()
            return
        os.close(write)  # the child's copy is closed when it has ended
        if not select.select([read], [], [], PATIENCE)[0]:
            os.kill(process, signal.SIGKILL)
        os.close(read)
        outcomes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))

    async def on_the_loop(event: Event) -> None:
        forks(event)

    smtp_server.on("MAIL").call(on_the_loop if is_async else forks)
    send(smtp_server)
    assert outcomes == [status]
    assert capfd.readouterr().err.endswith(said)
    assert len(smtp_server.messages) == 1


def send_to(address: tuple[str, int]) -> None:
    """In a child process: one mail."""
    with smtplib.SMTP(*address, local_hostname="child", timeout=9) as client:
        client.sendmail("a@example.org", RECIPIENT, "Subject: child")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing(method: str) -> None:
    """However they come about."""
    context: Any = multiprocessing.get_context(method)
    with SMTPServer() as server:
        child = context.Process(target=send_to, args=(server.address,))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child.start()
        assert server.wait_for_message(timeout=50).subject == "child"
        child.join()
        assert child.exitcode == 0
        child.close()


def test_a_subprocess_with_a_preexec_fn() -> None:
    """It runs in a fork before another program takes over."""
    with SMTPServer() as server:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            subprocess.run([sys.executable, "-c", ""], preexec_fn=os.getpid, check=True)
        send(server)
        assert len(server.messages) == 1
