"""Waits and assertions."""

from __future__ import annotations

import asyncio
import fnmatch
import subprocess
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_smtpserver import MessageNotReceived, SMTPServer, containing

from .tools import RECIPIENT, Raw, send


def letter(subject: str, text: str = "hello") -> bytes:
    """A small message."""
    return f"Subject: {subject}\r\nTo: {RECIPIENT}\r\n\r\n{text}\r\n".encode()


def test_a_message_is_there_when_the_client_has_its_250(
    smtp_server: SMTPServer,
) -> None:
    """No wait is needed after a client that has its reply."""
    for number in range(20):
        send(smtp_server, content=letter(str(number)))
        assert len(smtp_server.messages) == number + 1


def test_a_wait_for_mail_from_a_thread(smtp_server: SMTPServer) -> None:
    """The wait is woken."""
    thread = threading.Thread(target=send, args=(smtp_server,))
    thread.start()
    assert smtp_server.wait_for_message(rcpt_to=RECIPIENT).subject == "x"
    thread.join()


def test_a_wait_for_mail_from_another_process(smtp_server: SMTPServer) -> None:
    """A program that knows the server by its environment."""
    program = (
        "import os, smtplib\n"
        "with smtplib.SMTP(os.environ['SMTP_HOST'], int(os.environ['SMTP_PORT']),\n"
        "                  local_hostname='child.example.org') as client:\n"
        "    client.sendmail('a@example.org', 'b@example.org', 'Subject: child')\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], env=smtp_server.env):
        message = smtp_server.wait_for_message(subject="child", timeout=30)
    assert message.envelope.rcpt_to == ["b@example.org"]


def test_each_message_is_handed_out_once(smtp_server: SMTPServer) -> None:
    """To however many threads that wait."""
    with ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(smtp_server.wait_for_message) for _ in range(8)]
        for number in range(8):
            send(smtp_server, content=letter(str(number)))
        subjects = sorted(wait.result(10).subject for wait in waits)
    assert subjects == list("01234567")
    with pytest.raises(MessageNotReceived):
        smtp_server.wait_for_message(timeout=0)
    assert smtp_server.wait_for_message(subject="3", again=True).subject == "3"


def test_marks(smtp_server: SMTPServer) -> None:
    """`since` looks at what came after it only."""
    send(smtp_server, content=letter("code", "1111"))
    mark = smtp_server.mark()
    send(smtp_server, content=letter("code", "2222"))
    assert smtp_server.wait_for_message(subject="code", since=mark).code() == "2222"
    assert smtp_server.wait_for_message(subject="code").code() == "1111"


def test_several_messages(smtp_server: SMTPServer) -> None:
    """In order of arrival, all or none."""
    for number in range(3):
        send(smtp_server, content=letter(str(number)))
    with pytest.raises(MessageNotReceived, match=r"Only 3 of 4 messages arrived"):
        smtp_server.wait_for_messages(4, timeout=0)
    found = smtp_server.wait_for_messages(3)
    assert [message.subject for message in found] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "Only 1 of 2 *; 1 was handed out before."),
        (2, "* 2 were handed out before."),
    ],
)
def test_some_were_handed_out_before(
    number: int, told: str, smtp_server: SMTPServer
) -> None:
    """The first line says so, and counts none that is another mail."""
    for subject in ("other", *["code"] * number, *["code"] * (2 - number)):
        send(smtp_server, content=letter(subject))
    smtp_server.wait_for_messages(number, subject="code")
    smtp_server.wait_for_message(subject="other")
    with pytest.raises(MessageNotReceived) as failed:
        smtp_server.wait_for_messages(2, subject="code", timeout=0)
    assert fnmatch.fnmatchcase(str(failed.value).split("\n")[0], told)
    with pytest.raises(MessageNotReceived) as failed:
        smtp_server.wait_for_messages(3, subject="code", again=True, timeout=0)
    assert "handed out" not in str(failed.value)


def test_a_wait_that_runs_out_tells_what_there_is(smtp_server: SMTPServer) -> None:
    """What came and how it differed, what was handed out, refused, and is open."""
    smtp_server.on("RCPT", "carl@example.org").reply(550, "5.1.1 No such user")
    send(smtp_server, content=letter("first"))
    smtp_server.wait_for_message(subject="first")
    with Raw(smtp_server) as client:
        client.say("EHLO open.example.org")
        client.say("MAIL FROM:<d@example.org>")
        client.say("RCPT TO:<carl@example.org>")
        with pytest.raises(MessageNotReceived) as caught:
            smtp_server.wait_for_message(subject="second", timeout=0.01)
        port = client.socket.getsockname()[1]
    text = str(caught.value)
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, TimeoutError)
    assert text.startswith("No message with subject='second' arrived within 0.01 s.")
    assert "subject: wanted 'second', got 'first'" in text
    assert "handed out by the wait in tests/server/test_waiting.py:" in text
    assert "550 5.1.1 No such user, by the rule made at tests/server/" in text
    assert f"127.0.0.1:{port} (open.example.org)" in text


def test_find_and_criteria(smtp_server: SMTPServer) -> None:
    """Each criterion alone, and a mistake in a name."""
    send(smtp_server, content=letter("Welcome, Ada", "confirm your address"))
    find = smtp_server.messages.find
    assert find(mail_from="ada@EXAMPLE.org", rcpt_to=RECIPIENT, to=RECIPIENT)
    assert find(subject=containing("Ada"), text="confirm")
    assert find(where=lambda message: len(message.content) > 10)
    assert find(headers={"Subject": "Welcome, Ada"})
    assert not find(mail_from="ADA@example.org")
    assert not find(subject="Welcome")
    with pytest.raises(TypeError, match=r"no criterion 'subjekt'; did you mean"):
        find(subjekt="x")  # type: ignore[call-arg]


def test_assert_received(smtp_server: SMTPServer) -> None:
    """It returns what matches, and tells how many there were."""
    send(smtp_server, content=letter("a"))
    send(smtp_server, content=letter("b"))
    (found,) = smtp_server.assert_received(subject="a", times=1)
    assert found.subject == "a"
    assert len(smtp_server.assert_received()) == 2
    with pytest.raises(AssertionError, match="2 messages instead of 1 were received"):
        smtp_server.assert_received(times=1)
    with pytest.raises(AssertionError, match="No message with subject='c' was recei"):
        smtp_server.assert_received(subject="c")


def test_assert_waits_for_what_is_in_flight(smtp_server: SMTPServer) -> None:
    """A transaction that is open ends first; an idle connection is not in flight."""
    with Raw(smtp_server) as idle, Raw(smtp_server) as client:
        idle.say("EHLO idle")
        for line in ("EHLO c", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>"):
            client.say(line)
        with ThreadPoolExecutor(1) as pool:
            asserting = pool.submit(smtp_server.assert_received, times=1)
            client.say("DATA")
            client.send(b"Subject: late\r\n\r\n.\r\n")
            assert asserting.result(10)[0].subject == "late"


def test_assert_no_messages(smtp_server: SMTPServer) -> None:
    """It proves the absence, and names a session that is stuck."""
    smtp_server.assert_no_messages()
    smtp_server.default_timeout = 0.05
    with Raw(smtp_server) as client:
        client.say("EHLO stuck.example.org")
        client.say("MAIL FROM:<a@example.org>")
        with pytest.raises(AssertionError, match=r"1 session is still .*\n.*stuck\.ex"):
            smtp_server.assert_no_messages()
        with pytest.raises(TimeoutError, match="stuck"):
            smtp_server.wait_until_idle()
        client.say("RSET")
        smtp_server.assert_no_messages()
    send(smtp_server)
    with pytest.raises(AssertionError, match="1 message was received, none was wanted"):
        smtp_server.assert_no_messages()
    with pytest.raises(AssertionError):
        smtp_server.assert_not_received(rcpt_to=RECIPIENT)
    smtp_server.assert_not_received(rcpt_to="nobody@example.org")


def test_reset_forgets(smtp_server: SMTPServer) -> None:
    """Messages, sessions, rules and errors."""
    smtp_server.on("NOOP").reply(250)
    send(smtp_server)
    smtp_server.reset()
    assert smtp_server.messages == []
    assert smtp_server.sessions == []
    assert smtp_server.rules == []
    with pytest.raises(
        IndexError,
        match=r"^no message number 0: there are 0 \(wait_for_message\(\) waits",
    ):
        smtp_server.messages[0]


def test_a_session_that_a_rule_holds_up(smtp_server: SMTPServer) -> None:
    """Whoever waits for it in vain is told which rule it is."""
    smtp_server.default_timeout = 0.05
    smtp_server.on("CONTENT").throttle(10)
    with Raw(smtp_server) as client:
        for line in ("EHLO c", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>"):
            client.say(line)
        client.say("DATA")
        client.send(b"x" * 1000)
        held = r"it is held up by the rule made at .*test_waiting\.py:\d+"
        with pytest.raises(AssertionError, match=held):
            smtp_server.assert_no_messages()
        smtp_server.interrupt(421)


@pytest.mark.parametrize("timeout", ["5", None, True, -1, float("nan")])
def test_times_that_are_none(smtp_server: SMTPServer, timeout: Any) -> None:
    """A wait says what a time-out is."""
    if timeout is not None:
        with pytest.raises((TypeError, ValueError), match="a number of seconds"):
            smtp_server.wait_for_message(timeout=timeout)
        with pytest.raises((TypeError, ValueError), match="a number of seconds"):
            smtp_server.wait_until_idle(timeout=timeout)
    with pytest.raises((TypeError, ValueError), match="a number of seconds"):
        smtp_server.settle(timeout=timeout)


def test_absence_within_a_time(smtp_server: SMTPServer) -> None:
    """It also waits for what has not begun yet, and fails as soon as that comes."""
    smtp_server.assert_no_messages(within=0.01)
    with ThreadPoolExecutor(1) as pool:
        proving = pool.submit(smtp_server.assert_no_messages, within=50)
        send(smtp_server, content=letter("too much"))
        with pytest.raises(AssertionError, match="1 message was received, none was"):
            proving.result(10)
        proving = pool.submit(
            smtp_server.assert_not_received, within=50, subject="nobody wants this"
        )
        send(smtp_server, content=letter("all right"))
        assert not proving.done()
        send(smtp_server, content=letter("nobody wants this"))
        with pytest.raises(AssertionError, match="nobody wants this"):
            proving.result(10)
    smtp_server.assert_not_received(within=0, subject="else")


@pytest.mark.parametrize(
    ("within", "error"), [("1", TypeError), (True, TypeError), (-1, ValueError)]
)
def test_a_time_that_is_none(
    smtp_server: SMTPServer, within: Any, error: type[Exception]
) -> None:
    """It names what it is of."""
    with pytest.raises(error, match="within is a number of seconds"):
        smtp_server.assert_no_messages(within=within)


def test_a_time_in_an_event_loop(smtp_server: SMTPServer) -> None:
    """It would stop the loop, and the client with it."""

    async def asserts() -> None:
        with pytest.raises(RuntimeError, match="within= blocks"):
            smtp_server.assert_no_messages(within=1)
        smtp_server.assert_no_messages()

    asyncio.run(asserts())


def test_a_module_called_trio_that_is_another(
    smtp_server: SMTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of that name beside the tests, for instance."""
    monkeypatch.setitem(sys.modules, "trio", types.ModuleType("trio"))
    send(smtp_server)
    assert smtp_server.wait_for_message().subject == "x"
