"""What stood in the way of a message: one diagnosis for each kind of obstacle."""

from __future__ import annotations

import asyncio
import contextlib
import email
import smtplib
import socket
import ssl
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import aiosmtplib
import anyio
import pytest

from pytest_smtpserver import MessageNotReceived, SMTPServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

CONTENT = "Subject: x\r\n\r\nHello\r\n"


def _client(server: SMTPServer, **options: Any) -> smtplib.SMTP:
    return smtplib.SMTP(*server.address, local_hostname="c.example.org", **options)


def _send(
    server: SMTPServer, sender: str = "a@example.org", to: str = "b@x.example"
) -> None:
    with _client(server) as client:
        client.sendmail(sender, [to], CONTENT)


def _distrust(server: SMTPServer) -> None:
    smtplib.SMTP_SSL(*server.address, context=ssl.create_default_context())


def _distrust_in_asyncio(server: SMTPServer) -> None:
    context = ssl.create_default_context()
    asyncio.run(asyncio.wait_for(_connect(*server.address, context), 5))


async def _connect(host: str, port: int, context: ssl.SSLContext) -> None:
    await asyncio.open_connection(host, port, ssl=context)


def _give_up_the_handshake(server: SMTPServer) -> None:
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(b"\x16\x03\x01")  # RFC 8446 §5.1: a handshake record begins


def _reset_the_handshake(server: SMTPServer) -> None:
    client = _client(server)
    client.docmd("STARTTLS")
    assert client.sock is not None
    client.sock.sendall(b"\x16\x03\x01")
    # A close that lingers for no time is a reset.
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _distrust_later(server: SMTPServer) -> None:
    with _client(server) as client:
        client.starttls(context=ssl.create_default_context())


def _speak_no_tls(server: SMTPServer) -> None:
    with socket.create_connection(server.address, timeout=5) as client:
        client.shutdown(socket.SHUT_WR)  # it has waited for a greeting, and gives up
        client.recv(100)


def _greet_a_tls_port(server: SMTPServer) -> None:
    with socket.create_connection(server.address, timeout=5) as client:
        client.sendall(b"EHLO c.example.org\r\n")
        client.recv(100)


def _speak_tls_at_once(server: SMTPServer) -> None:
    smtplib.SMTP_SSL(*server.address, timeout=5)


def _log_in(name: str, password: str) -> Callable[[SMTPServer], None]:
    def log_in(server: SMTPServer) -> None:
        with _client(server) as client:
            client.login(name, password)

    return log_in


def _say(*commands: str) -> Callable[[SMTPServer], None]:
    def say(server: SMTPServer) -> None:
        with _client(server) as client:
            for command in commands:
                client.docmd(command)

    return say


def _mail_before_and_after_tls(server: SMTPServer) -> None:
    with _client(server) as client:
        client.docmd("EHLO c")
        client.docmd("MAIL FROM:<early@example.org>")
        client.starttls(context=server.client_context())
        client.docmd("EHLO c")
        client.docmd("MAIL FROM:<late@example.org>")


TRUST = ("trust_smtp_ca", "client_context()")
USERS: dict[str, Any] = {"users": {"ada": "lovelace"}}
OBSTACLES: dict[
    str, tuple[dict[str, Any], Callable[[SMTPServer], object], tuple[str, ...]]
] = {
    # RFC 8446 §6.2: the alert of a client that does not know the CA.
    "untrusted CA": ({"tls": "implicit"}, _distrust, TRUST),
    # asyncio sends no alert: it closes the connection.
    "untrusted CA, asyncio": (
        {"tls": "implicit"},
        _distrust_in_asyncio,
        ("trust the certificate", *TRUST),
    ),
    "untrusted CA, a reset": (
        {"tls": "starttls"},
        _reset_the_handshake,
        ("gave up the TLS handshake (broken)", *TRUST),
    ),
    "untrusted CA, no alert": (
        {"tls": "implicit"},
        _give_up_the_handshake,
        ("gave up the TLS handshake", "does not trust the certificate", *TRUST),
    ),
    "untrusted CA, STARTTLS": ({"tls": "starttls"}, _distrust_later, TRUST),
    "expired on purpose": (
        {"tls": "implicit", "certificate": "expired"},
        lambda server: smtplib.SMTP_SSL(
            *server.address, context=server.client_context()
        ),
        ("refused the certificate", "certificate='expired'"),
    ),
    "no TLS, silent": (
        {"tls": "implicit"},
        _speak_no_tls,
        ("speaks no TLS", "tls='implicit'", "tls='starttls'"),
    ),
    "no TLS, EHLO first": ({"tls": "implicit"}, _greet_a_tls_port, ("speaks no TLS",)),
    "TLS to a plain port": (
        {},
        _speak_tls_at_once,
        ("began with TLS", "tls='implicit'"),
    ),
    "TLS at once instead of STARTTLS": (
        {"tls": "starttls"},
        _speak_tls_at_once,
        ("began with TLS", "starttls()"),
    ),
    "wrong password": (
        {**USERS, "auth_required": True},
        _log_in("ada", "byron"),
        ("login by LOGIN was refused (535", "the password of 'ada'"),
    ),
    "unknown user": (USERS, _log_in("bob", "x"), ("no user 'bob'", "'ada'")),
    "login missing": (
        {**USERS, "auth_required": True},
        _say("EHLO c", "MAIL FROM:<a@example.org>"),
        ("has not logged in", "auth_required=True"),
    ),
    "login not on offer": ({}, _log_in("ada", "x"), ("users={'name': 'password'}",)),
    "AUTH all the same": (
        {},
        _say("EHLO c", "AUTH PLAIN AGFkYQB4"),
        ("AUTH is not on offer", "users={'name': 'password'}"),
    ),
    "AUTH before TLS": (
        {**USERS, "tls": "starttls"},
        _say("EHLO c", "AUTH PLAIN AGFkYQB4"),
        ("AUTH needs TLS first", "allow_insecure_auth=True"),
    ),
    "AUTH only behind TLS": (
        {**USERS, "tls": "starttls"},
        _say("EHLO c"),
        ("AUTH before TLS (allow_insecure_auth=True)",),
    ),
    "TLS missing": (
        {"tls": "starttls", "require_tls": True},
        _say("EHLO c", "MAIL FROM:<a@example.org>"),
        ("has not started TLS", "require_tls=True"),
    ),
    "TLS missing, and RSET after that": (
        {"tls": "starttls", "require_tls": True},
        _say("EHLO c", "MAIL FROM:<a@example.org>", "RSET"),
        ("'MAIL FROM:<a@example.org>' was refused", "has not started TLS"),
    ),
    "TLS is there, and the login missing": (
        {**USERS, "tls": "starttls", "require_tls": True, "auth_required": True},
        _mail_before_and_after_tls,
        ("'MAIL FROM:<late@example.org>' was refused", "has not logged in"),
    ),
    "STARTTLS not on offer": (
        {},
        _say("EHLO c", "STARTTLS"),
        ("asked for STARTTLS", "tls='starttls'"),
    ),
    "a sender without a domain": (
        {},
        lambda server: _send(server, sender="tester"),
        ("'tester' has no domain", "RFC 5321 §4.1.2", "lenient_addresses=True"),
    ),
    "a recipient without a domain": (
        {},
        lambda server: _send(server, to="root"),
        ("'root' has no domain", "lenient_addresses=True"),
    ),
    "too large": (
        {"max_message_size": 10, "hide": ["SIZE"]},
        _send,
        ("the message was refused with 552",),
    ),
    "left without a mail": (
        {**USERS, "tls": "starttls", "allow_insecure_auth": True},
        _say("EHLO c"),
        ("left without a mail.",),
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_an_obstacle_is_named_with_the_way_around_it(name: str) -> None:
    """In the failure of a wait and in that of an assertion, in one sentence."""
    options, act, words = OBSTACLES[name]
    with SMTPServer(**options) as server:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            act(server)
        server.settle()
        with pytest.raises(MessageNotReceived) as waited:
            server.wait_for_message(timeout=0)
        with pytest.raises(AssertionError) as asserted:
            server.assert_received()
    for failure in (waited, asserted):
        text = str(failure.value)
        (line,) = [
            one for one in text.split("\n") if one.startswith("  connection 1: ")
        ]
        assert all(word in line for word in words), line
        assert "lovelace" not in text


# Clients that do not send a command which EHLO has not offered (RFC 3207 §4.1, RFC 4954
# §3), and raise an error of their own.


def _starttls_without_quit(server: SMTPServer) -> None:
    client = _client(server)
    try:
        client.starttls()
    finally:
        client.close()  # as Django does in effect: nobody says QUIT


def _log_in_over_tls(server: SMTPServer) -> None:
    with _client(server) as client:
        client.starttls(context=server.client_context())
        client.login("ada", "lovelace")


def _starttls(server: SMTPServer) -> None:
    with _client(server) as client:
        client.starttls()


def _send_by_aiosmtplib(**options: Any) -> Callable[[SMTPServer], None]:
    def send(server: SMTPServer) -> None:
        host, port = server.address
        people = {"sender": "a@example.org", "recipients": ["b@example.org"]}
        given = {"hostname": host, "port": port, **people, **options}
        with contextlib.suppress(aiosmtplib.SMTPException):
            asyncio.run(aiosmtplib.send(CONTENT, **given))

    return send


def _send_smtputf8(server: SMTPServer) -> None:
    with _client(server) as client:
        client.send_message(
            email.message_from_string("Subject: x\n\n"),
            "jürgen@x.example",
            ["b@x.example"],
        )


BOTH = (
    "it probably needs STARTTLS (tls='starttls') or AUTH (users={'name': 'password'})"
)
NEVER_SENT: dict[str, tuple[dict[str, Any], Callable[[SMTPServer], object], str]] = {
    "smtplib, STARTTLS": (
        {},
        _starttls,
        (
            "the client said EHLO, was offered no STARTTLS and no AUTH, and left by QUIT "
            f"without a mail: {BOTH}."
        ),
    ),
    "smtplib, STARTTLS, no QUIT": ({}, _starttls_without_quit, BOTH),
    "smtplib, login": ({}, _log_in("ada", "x"), BOTH),
    "smtplib, login over TLS": (
        {"tls": "starttls"},
        _log_in_over_tls,
        (
            "the client said EHLO over TLS, was offered no AUTH, and left by QUIT without a "
            "mail: it probably needs AUTH (users={'name': 'password'})."
        ),
    ),
    "smtplib, no mechanism in common": (
        {**USERS, "tls": "starttls", "auth_mechanisms": ["OAUTHBEARER"]},
        _log_in_over_tls,
        "AUTH by PLAIN or LOGIN (auth_mechanisms=['PLAIN', 'LOGIN'])",
    ),
    "smtplib, STARTTLS hidden": (
        {"tls": "starttls", "hide_starttls": True, **USERS},
        _starttls,
        (
            "was offered no STARTTLS, and left by QUIT without a mail: it probably needs "
            "STARTTLS (which this server hides)"
        ),
    ),
    "smtplib, AUTH hidden": (
        {**USERS, "hide": ["AUTH"]},
        _log_in("ada", "x"),
        "AUTH (which this server hides)",
    ),
    "smtplib, SMTPUTF8": (
        {"tls": "starttls", **USERS, "allow_insecure_auth": True, "hide": ["SMTPUTF8"]},
        _send_smtputf8,
        "was offered no SMTPUTF8, and left by QUIT",
    ),
    "aiosmtplib, STARTTLS": ({}, _send_by_aiosmtplib(start_tls=True), BOTH),
    "aiosmtplib, login": (
        {},
        _send_by_aiosmtplib(username="ada", password="x"),
        BOTH,
    ),
}


@pytest.mark.parametrize("name", NEVER_SENT)
def test_a_command_that_was_never_sent(name: str) -> None:
    """The likely reason, and the option; in the words of the report on a test too."""
    options, act, words = NEVER_SENT[name]
    with SMTPServer(**options) as server:
        with contextlib.suppress(smtplib.SMTPException):
            act(server)
        server.settle()
        with pytest.raises(MessageNotReceived) as waited:
            server.wait_for_message(timeout=0)
        report = str(server.report())
    for text in (str(waited.value), report):
        (line,) = [
            one for one in text.split("\n") if one.startswith("  connection 1: ")
        ]
        assert words in line
    assert "What may have stood in the way:\n" in report


def test_a_command_that_was_never_sent_while_the_client_is_connected() -> None:
    """A traceback keeps it alive; and it may be one that sends in a moment."""
    with SMTPServer() as server, _client(server) as client:
        with contextlib.suppress(smtplib.SMTPException):
            client.starttls()
        with pytest.raises(AssertionError) as failed:
            server.assert_received()
    assert "no STARTTLS and no AUTH, and has said nothing more" in str(failed.value)
    assert "the assertion came too early" in str(failed.value)


def test_who_has_delivered_was_not_in_the_way() -> None:
    """A mail that is another one, over a connection without trouble: no diagnosis."""
    with SMTPServer() as server:
        _send(server)
        with pytest.raises(AssertionError) as failed:
            server.assert_received(subject="y")
    assert "stood in the way" not in str(failed.value)
    assert "connected" not in str(failed.value)


def test_who_only_looks_whether_the_server_is_there() -> None:
    """It is in nobody's way where others deliver."""
    with SMTPServer() as server:
        _say("EHLO c")(server)
        _send(server)
        with pytest.raises(AssertionError) as failed:
            server.assert_received(subject="y")
    assert "stood in the way" not in str(failed.value)


def test_a_message_that_a_rule_refused() -> None:
    """With the words and the place of the rule."""
    with SMTPServer() as server:
        server.on("MESSAGE").reply(554, "5.7.1 Spam")
        with contextlib.suppress(smtplib.SMTPException):
            _send(server)
        with pytest.raises(AssertionError) as failed:
            server.assert_received()
    assert "the message was refused with 554 5.7.1 Spam, by the rule made at" in str(
        failed.value
    )


def test_equal_obstacles_are_told_once() -> None:
    """An application that tries again has not met another one."""
    with SMTPServer(**USERS) as server:
        for _ in range(7):
            with contextlib.suppress(smtplib.SMTPException):
                _log_in("ada", "byron")(server)
        with pytest.raises(AssertionError) as failed:
            server.assert_received()
    assert "  connections 1, 2, 3, 4, 5 …: the login" in str(failed.value)


def test_a_client_that_waits_for_a_greeting() -> None:
    """It is connected still, and TLS has not begun."""
    with (
        SMTPServer(tls="implicit") as server,
        socket.create_connection(server.address),
        pytest.raises(MessageNotReceived, match="has not begun TLS"),
    ):
        server.wait_for_message(timeout=0.1)


def test_a_server_that_does_not_run() -> None:
    """It says so at once, and hands out what has come before."""
    server = SMTPServer()
    with pytest.raises(MessageNotReceived, match="was never started"):
        server.wait_for_message(timeout=60)
    with server:
        _send(server)
    begin = time.monotonic()
    assert server.wait_for_message(timeout=60).subject == "x"
    with pytest.raises(MessageNotReceived, match="does not run any more") as failed:
        server.wait_for_message(timeout=60)
    assert str(failed.value).split("\n")[0] == "No message arrived."
    assert time.monotonic() - begin < 30


def _block(server: SMTPServer, **criteria: Any) -> None:
    server.wait_for_message(timeout=60, **criteria)


def _await(backend: str) -> Callable[..., None]:
    def wait(server: SMTPServer, **criteria: Any) -> None:
        async def main() -> None:
            await server.wait_for_message_async(timeout=60, **criteria)

        anyio.run(main, backend=backend)

    return wait


@pytest.mark.parametrize(
    "wait",
    [_block, _await("asyncio"), _await("trio")],
    ids=["blocking", "asyncio", "trio"],
)
def test_a_server_that_is_stopped_during_a_wait(wait: Callable[..., None]) -> None:
    """By another thread: the wait ends at once, and says so."""
    with (
        _stopped_while(wait) as waiter,
        pytest.raises(MessageNotReceived, match="does not run any more"),
    ):
        waiter.result(30)


def test_a_server_that_is_stopped_while_absence_is_proved() -> None:
    """It is proved then: nothing can come any more."""

    def prove(server: SMTPServer, **criteria: Any) -> None:
        server.assert_not_received(within=60, **criteria)

    with _stopped_while(prove) as waiter:
        waiter.result(30)


@contextlib.contextmanager
def _stopped_while(wait: Callable[..., None]) -> Iterator[Future[None]]:
    """A wait in a thread, whose server is stopped once it has looked at a message."""
    server, looked = SMTPServer().start(), threading.Event()

    def look(_: object) -> bool:
        looked.set()
        return False

    with ThreadPoolExecutor(1) as pool:
        _send(server)
        waiter = pool.submit(wait, server, where=look)
        has_looked = looked.wait(30)
        assert has_looked
        server.stop()
        yield waiter


def test_a_server_that_is_stopped_under_an_open_transaction() -> None:
    """Who waits for its end need not wait any longer."""
    server = SMTPServer().start()
    with (
        socket.create_connection(server.address, timeout=5) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        for line in (b"EHLO c", b"MAIL FROM:<a@example.org>"):
            client.recv(1000)
            client.sendall(line + b"\r\n")
        assert client.recv(1000).startswith(b"250 2.1.0")
        waiter = pool.submit(server.wait_until_idle, timeout=60)
        server.stop()
        waiter.result(30)


def test_a_server_that_was_never_started_proves_nothing() -> None:
    """The absence of mail, neither."""
    with pytest.raises(AssertionError, match="was never started"):
        SMTPServer().assert_no_messages()
    with SMTPServer() as server:
        pass
    server.assert_no_messages(within=60)  # nothing can come any more


def test_what_holds_a_session_up() -> None:
    """Who waits for it to end gets the diagnosis too, with its number in the report."""
    with (
        SMTPServer() as server,
        _client(server),
        _client(server) as client,
    ):
        server.default_timeout = 0.05
        for command in ("EHLO c", "MAIL FROM:<a@example.org>", "RCPT TO:<root>"):
            client.docmd(command)
        failures = []
        for ask in (server.wait_until_idle, server.assert_no_messages):
            with pytest.raises((TimeoutError, AssertionError)) as failed:
                ask()
            failures.append(str(failed.value))
        with pytest.raises(AssertionError) as failed:
            server.assert_received()
        failures.append(str(failed.value))
    for text in failures:
        assert text.count("connection 2: the address 'root' has no domain") == 1, text
        assert "1 session is still in the middle" in text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_server_that_does_not_run_in_a_task(backend: str) -> None:
    """The same for those who await."""

    async def main() -> None:
        async with SMTPServer() as server:
            pass
        with pytest.raises(MessageNotReceived, match="does not run any more"):
            await server.wait_for_message_async(timeout=60)

    anyio.run(main, backend=backend)


def test_another_server_has_the_mail() -> None:
    """It is named by its address; one whose mail is another is not."""
    with SMTPServer() as server, SMTPServer() as backup, SMTPServer() as third:
        _send(backup)
        with pytest.raises(AssertionError) as failed:
            server.assert_received(subject="x")
        assert f"The server at {backup.url} has it" in str(failed.value)
        assert third.url not in str(failed.value)
        with pytest.raises(AssertionError) as failed:
            server.assert_received(subject="y")
        assert backup.url not in str(failed.value)


def test_another_server_had_its_mail_before() -> None:
    """What came before this server was started, or emptied, does not belong here."""

    def blamed(backup: SMTPServer, server: SMTPServer) -> bool:
        with pytest.raises(MessageNotReceived) as failed:
            server.wait_for_message(timeout=0)
        return f"The server at {backup.url} has it" in str(failed.value)

    with SMTPServer() as backup:
        _send(backup)
        with SMTPServer() as server:
            assert not blamed(backup, server)
            _send(backup)
            assert blamed(backup, server)
            server.reset()
            assert not blamed(backup, server)


def test_a_refusal_of_this_server_comes_before_the_mail_of_another() -> None:
    """The client was here, and was told no: that is the reason."""
    with SMTPServer(auth_required=True) as server, SMTPServer() as backup:
        _say("EHLO c", "MAIL FROM:<a@example.org>")(server)
        _send(backup)
        with pytest.raises(MessageNotReceived) as failed:
            server.wait_for_message(timeout=0)
    text = str(failed.value)
    assert text.index("has not logged in") < text.index(f"{backup.url} has it")


def test_a_condition_that_is_not_made_for_the_mail_of_others() -> None:
    """What a function raises over another server's message is nobody's business."""
    with SMTPServer() as server, SMTPServer() as backup:
        _send(backup)
        with pytest.raises(AssertionError, match="No client has connected"):
            server.assert_received(where=lambda message: message.attachments[0])


def test_an_assertion_that_came_too_early() -> None:
    """Nobody has come yet, or somebody is connected and idle."""
    with SMTPServer() as server:
        with pytest.raises(AssertionError) as failed:
            server.assert_received()
        assert "wait_for_message(…)" in str(failed.value)
        with _client(server), pytest.raises(AssertionError) as failed:
            server.assert_received()
        assert "wait_for_message(…)" in str(failed.value)
        with pytest.raises(MessageNotReceived) as waited:
            server.wait_for_message(timeout=0)
        assert "wait_for_message(…)" not in str(waited.value)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_client_that_blocks_the_loop_of_the_server(backend: str) -> None:
    """The first of the usual reasons, also where it has waited in the queue and left."""
    told: list[str] = []

    async def main() -> SMTPServer:
        async with SMTPServer() as server:
            with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
                smtplib.SMTP(*server.address, timeout=0.1)
            with pytest.raises(AssertionError) as failed:
                server.assert_received()
            with pytest.raises(MessageNotReceived) as waited:
                await server.wait_for_message_async(timeout=0.1)
            told.extend(map(str, (failed.value, waited.value)))
        return server

    report = str(anyio.run(main, backend=backend).report())
    told.append(report.replace("What may have stood in the way:", "usual reasons:"))
    for text in told:
        first = text.partition("usual reasons:\n")[2].split("\n")[0]
        for words in ("blocking client", "asyncio.to_thread", "fixture smtp_server"):
            assert words in first


def test_a_client_that_does_not_block_the_loop_of_the_server() -> None:
    """It may have failed at anything else."""

    async def main() -> SMTPServer:
        async with SMTPServer() as server:
            client = await asyncio.to_thread(smtplib.SMTP, *server.address)
            await asyncio.to_thread(client.noop)
            with pytest.raises(MessageNotReceived) as waited:
                await server.wait_for_message_async(timeout=0)
            assert "blocking" not in str(waited.value)
            await asyncio.to_thread(client.quit)
        return server

    assert "blocking" not in str(asyncio.run(main()).report())


def test_nobody_has_come() -> None:
    """The usual reasons: other port, in-memory backend, on_commit."""
    with SMTPServer() as server, pytest.raises(MessageNotReceived) as failed:
        server.wait_for_message(timeout=0)
    for word in ("locmem", "TESTING=True", "on_commit", "host or port", "timeout="):
        assert word in str(failed.value)
