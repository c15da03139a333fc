"""Waiting for mail of others, and asserting that there is none, without a clock."""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import threading

import anyio
import pytest

from pytest_smtpserver import MessageNotReceived, SMTPServer

CHILD = """
import os, smtplib
with smtplib.SMTP(os.environ["SMTP_HOST"], int(os.environ["SMTP_PORT"])) as client:
    client.sendmail("child@example.org", ["ada@example.org"], "Subject: child\\n\\n")
"""


def _send(server: SMTPServer, subject: str) -> None:
    with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
        client.sendmail("a@example.org", ["b@example.org"], f"Subject: {subject}\n\n")


def test_mail_of_another_process() -> None:
    """The wait begins while the process does."""
    with SMTPServer() as server:
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD], env={**os.environ, **server.env}
        )
        message = server.wait_for_message(subject="child", timeout=30)
        assert child.wait(30) == 0
    assert message.envelope.mail_from == "child@example.org"


def test_mail_of_a_thread_that_sends_once_somebody_waits() -> None:
    """A waiter that is there first is woken."""
    with SMTPServer() as server:
        thread = threading.Thread(target=_send, args=(server, "thread"))
        thread.start()
        assert server.wait_for_message(subject="thread").subject == "thread"
        thread.join()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_mail_of_a_task(backend: str) -> None:
    """The task that waits lets the one that sends go on."""

    got: list[str] = []

    async def main() -> None:
        async with SMTPServer() as server, anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, _send, server, "task")
            got.append((await server.wait_for_message_async(subject="task")).subject)

    anyio.run(main, backend=backend)
    assert got == ["task"]


def test_each_waiter_gets_a_message_of_its_own() -> None:
    """Any number of threads may wait; nothing is handed out twice."""
    got: list[str] = []
    with SMTPServer() as server:

        def wait() -> None:
            got.append(server.wait_for_message().subject)

        threads = [threading.Thread(target=wait) for _ in range(5)]
        for thread in threads:
            thread.start()
        for number in range(5):
            _send(server, str(number))
        for thread in threads:
            thread.join()
    assert sorted(got) == list("01234")


def test_a_mark_hides_what_came_before() -> None:
    """Only what comes after it counts; the time-out tells about the other."""
    with SMTPServer() as server:
        _send(server, "before")
        mark = server.mark()
        with pytest.raises(MessageNotReceived) as caught:
            server.wait_for_message(since=mark, timeout=0.01)
        _send(server, "after")
        assert server.wait_for_message(since=mark).subject == "after"
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, TimeoutError)
    assert str(caught.value).split("\n")[-1] == (
        "       came before the mark given as since="
    )


def test_no_mail_was_sent() -> None:
    """A client that only looks around has sent nothing."""
    with SMTPServer() as server:
        server.assert_no_messages()
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            client.ehlo()
            server.assert_not_received(to="ada@example.org")
        server.assert_no_messages()


def test_absence_waits_for_what_is_in_flight() -> None:
    """A transaction that is open ends first; then there is a message."""
    with SMTPServer() as server:
        client = smtplib.SMTP(*server.address, local_hostname="c.example")
        client.ehlo()
        client.mail("a@example.org")
        client.rcpt("b@example.org")

        def finish() -> None:
            client.data("Subject: late\n\n")
            client.quit()

        thread = threading.Thread(target=finish)
        thread.start()
        with pytest.raises(AssertionError, match="1 message was received, none was"):
            server.assert_no_messages()
        thread.join()
