"""Handlers on every event, sync and async, as rules and as an option."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest
import trustme

from pytest_smtpserver import Reply, SMTPServer
from tests.server.wire import PATIENCE, Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pytest_smtpserver.script.event import Event

#: Each event, in the order in which a session meets them.
EVENTS = (
    "CONNECT",
    "EHLO",
    "STARTTLS",
    "SECURE",
    "AUTH",
    "CREDENTIALS",
    "MAIL",
    "RCPT",
    "DATA",
    "CONTENT",
    "MESSAGE",
    "NOOP",
    "QUIT",
    "CLOSE",
)


class Log:
    """Keeps the names of the events that its handlers saw."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.closed = threading.Event()

    def note(self, event: Event) -> None:
        self.names.append(event.name)
        if event.name == "CLOSE":
            self.closed.set()

    async def note_async(self, event: Event) -> None:
        await anyio.lowlevel.checkpoint()
        self.note(event)


def whole_session(server: SMTPServer) -> None:
    """A session that meets every event of `EVENTS`."""
    with Wire(server) as wire:
        wire.hello()
        wire.agree("STARTTLS", 220)
        wire.start_tls(server.client_context())
        wire.agree("EHLO client.example.org", 250)
        wire.agree("AUTH PLAIN AGEAYg==", 235)
        reply = wire.deliver()
        assert reply == "250 2.0.0 Ok: message accepted"
        wire.agree("NOOP", 250)
        wire.agree("QUIT", 221)


def once_each(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


@pytest.mark.parametrize("kind", ["note", "note_async"])
def test_every_event_has_its_handler_as_an_option(kind: str) -> None:
    """The option `handlers`: all events in order, sync and async, nothing changed."""
    log = Log()
    handlers = dict.fromkeys(EVENTS, getattr(log, kind))
    with SMTPServer(tls="starttls", users={"a": "b"}, handlers=handlers) as server:
        whole_session(server)
        assert log.closed.wait(PATIENCE)
        assert once_each(log.names) == list(EVENTS)
        assert len(server.messages) == 1
        assert server.errors == []


@pytest.mark.parametrize("kind", ["note", "note_async"])
def test_every_event_has_its_handler_as_a_rule(kind: str) -> None:
    """`.call(handler)`: the same events, and the rules know that they were used."""
    log = Log()
    with SMTPServer(tls="starttls", users={"a": "b"}) as server:
        for name in EVENTS:
            server.on(name).call(getattr(log, kind))
        whole_session(server)
        assert log.closed.wait(PATIENCE)
        assert once_each(log.names) == list(EVENTS)
        server.check()


def test_handlers_stay_after_a_reset_and_come_after_the_rules() -> None:
    """Handlers are options: `reset()` leaves them; a rule that matches goes first."""
    log = Log()
    with SMTPServer(handlers={"NOOP": log.note}) as server, Wire(server) as wire:
        wire.hello()
        server.on("NOOP").reply(250, "2.0.0 Rule").once()
        assert wire.say("NOOP") == "250 2.0.0 Rule"
        assert log.names == []
        server.reset()
        assert wire.say("NOOP") == "250 2.0.0 Ok"
        assert log.names == ["NOOP"]


@pytest.mark.parametrize(
    ("event", "reply"),
    [
        ("CONNECT", Reply(554, "5.7.1 Not you")),
        ("EHLO", Reply(550, "5.7.1 Bad name")),
        ("MAIL", Reply(553, "5.1.7 Not from you")),
        ("RCPT", Reply(452, "4.2.2 Full")),
        ("DATA", Reply(451, "4.3.0 Later")),
        ("MESSAGE", Reply(554, "5.6.0 No")),
        ("NOOP", Reply(250, "2.0.0 One", "2.0.0 Two")),
    ],
)
def test_the_reply_of_a_handler_is_the_reply(event: str, reply: Reply) -> None:
    """What a handler returns leaves as it is, and the session goes by it."""

    async def answer(seen: Event) -> Reply | None:
        return reply if seen.name == event else None

    with SMTPServer(handlers={event: answer}) as server, Wire(server) as wire:
        said = [wire.reply()]
        lines = ("EHLO a.example.org", "NOOP", "MAIL FROM:<a@example.org>")
        said += [wire.say(line) for line in lines]
        said += [wire.say("RCPT TO:<b@example.org>"), wire.say("DATA")]
        if said[-1].startswith("354"):
            said.append(wire.after(b"Subject: x\r\n\r\n.\r\n"))
        expected = reply.encode().decode().removesuffix("\r\n")
        assert expected in said
        if event != "NOOP":
            assert len(server.messages) == 0


@pytest.mark.parametrize("event", ["MAIL", "RCPT", "NOOP", "MESSAGE"])
def test_an_exception_answers_451_and_fails_the_test(event: str) -> None:
    """451 4.3.0 for the client, the exception for the test; the session goes on."""
    raised: list[str] = []

    def fail_once(seen: Event) -> None:
        if not raised:
            raised.append(seen.name)
            raise ArithmeticError("the handler is broken")

    transaction = [
        ("NOOP", "NOOP"),
        ("MAIL", "MAIL FROM:<a@example.org>"),
        ("RCPT", "RCPT TO:<b@example.org>"),
        ("DATA", "DATA"),
        ("MESSAGE", "Subject: x\r\n\r\n."),
    ]
    with SMTPServer(handlers={event: fail_once}) as server, Wire(server) as wire:
        wire.hello()
        for name, line in transaction:
            reply = wire.say(line)
            if name == event:
                assert reply.startswith("451 4.3.0 ")
                break
        assert wire.say("RSET").startswith("250 ")
        assert wire.deliver().startswith("250 ")
        assert server.messages[0].content == b"Subject: hello\r\n\r\nHi\r\n"
        assert [str(error) for error in server.errors] == ["the handler is broken"]
        with pytest.raises(ArithmeticError) as caught:
            server.check()
        assert caught.traceback[-1].name == "fail_once"


def test_a_handler_that_returns_something_else_is_told_so() -> None:
    """Only a `Reply` or None: a TypeError that names the handler."""

    def yes(event: Event) -> bool:
        return True

    with SMTPServer(handlers={"NOOP": yes}) as server, Wire(server) as wire:
        wire.hello()
        assert wire.say("NOOP").startswith("451 4.3.0 ")
        with pytest.raises(TypeError, match=r"a Reply or None: .*yes returned True"):
            server.check()


def test_what_a_handler_sees() -> None:
    """Command, envelope, proposed reply and message, each where there is one."""
    seen: dict[str, tuple[object, ...]] = {}

    def look(event: Event) -> None:
        envelope = event.envelope
        seen[event.name] = (
            str(event.command) if event.name == "RCPT" else None,
            str(event.proposed) if event.proposed is not None else None,
            None if envelope is None else [*envelope.rcpt_to],
            event.message.content if event.name == "MESSAGE" else None,
        )

    names = ("CONNECT", "RCPT", "CONTENT", "MESSAGE", "CLOSE")
    with SMTPServer(handlers=dict.fromkeys(names, look)) as server:
        with Wire(server) as wire:
            wire.deliver_after_hello()
        server.stop()
    content = b"Subject: hello\r\n\r\nHi\r\n"
    accepted = "250 2.0.0 Ok: message accepted"
    to = ["b@example.org"]
    assert seen == {
        "CONNECT": (None, "220 localhost ESMTP", None, None),
        "RCPT": ("RCPT TO:<b@example.org>", "250 2.1.5 Recipient ok", [], None),
        "CONTENT": (None, None, to, None),
        "MESSAGE": (None, accepted, to, content),
        "CLOSE": (None, None, None, None),
    }


def test_secure_shows_what_tls_agreed_on() -> None:
    """`"SECURE"`: version, cipher, server name; the match is the server name."""
    seen: list[object] = []

    def look(event: Event) -> None:
        assert event.session.tls is not None
        seen.append(event.session.tls)

    with SMTPServer(tls="implicit") as server, Wire(server) as wire:
        server.on("SECURE", "localhost").call(look)
        wire.start_tls(server.client_context())
        assert wire.deliver_after_hello().startswith("250 ")
        version, cipher, name, certificate = server.sessions[0].tls or ("", "", "", "")
        tls_socket = wire.socket
        assert (version, cipher) == (
            tls_socket.version(),  # type: ignore[attr-defined]
            tls_socket.cipher()[0],  # type: ignore[attr-defined]
        )
        assert (name, certificate) == ("localhost", None)
        assert seen == [server.sessions[0].tls]


def test_secure_shows_the_clients_certificate() -> None:
    """With client_certificate the peer's certificate is there, parsed."""
    names: list[object] = []

    def look(event: Event) -> None:
        assert event.session.tls is not None
        certificate = event.session.tls.peer_certificate or {}
        names.append(certificate.get("subjectAltName"))

    ca = trustme.CA()
    with SMTPServer(tls="implicit", client_certificate="required", ca=ca) as server:
        server.on("SECURE").call(look)
        context = server.client_context()
        ca.issue_cert("bob@example.org").configure_cert(context)
        with Wire(server) as wire:
            wire.start_tls(context)
            wire.hello()
    assert names == [(("email", "bob@example.org"),)]


def test_a_handler_disables_commands_for_its_session() -> None:
    """`session.disabled_commands` set by a handler: 500 5.5.1, and only there."""

    def no_dsn(event: Event) -> None:
        if len(server.sessions) == 1:
            event.session.disabled_commands = ["vrfy", "AUTH"]

    options = {"a": "b"}
    with SMTPServer(handlers={"CONNECT": no_dsn}, users=options) as server:
        with Wire(server) as wire:
            assert not [line for line in wire.hello() if "AUTH" in line]
            assert wire.say("VRFY b").startswith("500 5.5.1 ")
            assert wire.say("AUTH PLAIN AGEAYg==").startswith("500 5.5.1 ")
            assert wire.deliver().startswith("250 ")
        with Wire(server) as wire:
            assert [line for line in wire.hello() if "AUTH" in line]
            assert wire.say("VRFY b").startswith("252 ")
        assert server.sessions[0].disabled_commands == ("VRFY", "AUTH")


def test_close_is_told_once_for_each_connection() -> None:
    """`"CLOSE"`: the connection has ended, and the record says by whom."""
    ended: list[str | None] = []

    def on_close(event: Event) -> None:
        ended.append(event.session.closed_by)

    with SMTPServer(handlers={"CLOSE": on_close}) as server:
        with Wire(server) as wire:
            wire.hello()
            assert wire.say("QUIT").startswith("221 ")
            assert wire.rest() == b""
        with Wire(server) as wire:
            wire.hello()
            wire.send(b"GET / HTTP/1.1\r\n")
            assert wire.reply().startswith("421 ")
            assert wire.rest() == b""
    assert ended == ["client", "server"]


def test_the_last_error_is_on_the_session() -> None:
    """`session.last_error`: the last 4yz or 5yz reply."""
    with SMTPServer() as server, Wire(server) as wire:
        wire.hello()
        assert server.sessions[0].last_error is None
        wire.say("RCPT TO:<b@example.org>")
        wire.say("FROBNICATE")
        assert wire.deliver().startswith("250 ")
        error = server.sessions[0].last_error
        assert error is not None
        assert error.code == 500


def test_sessions_have_random_ids() -> None:
    """Each session has an id of its own that tells nothing."""
    with SMTPServer() as server:
        for _ in range(3):
            with Wire(server) as wire:
                wire.hello()
        ids = {session.id for session in server.sessions}
    assert len(ids) == 3
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in ids)


@pytest.mark.parametrize(
    ("hello", "tls", "auth", "lmtp", "expected"),
    [
        ("HELO", False, False, False, "SMTP"),
        ("EHLO", False, False, False, "ESMTP"),
        ("EHLO", False, True, False, "ESMTPA"),
        ("EHLO", True, False, False, "ESMTPS"),
        ("EHLO", True, True, False, "ESMTPSA"),
        ("LHLO", False, False, True, "LMTP"),
        ("LHLO", False, True, True, "LMTPA"),
        ("LHLO", True, False, True, "LMTPS"),
        ("LHLO", True, True, True, "LMTPSA"),
    ],
)
def test_the_transmission_type_is_that_of_rfc_3848(
    hello: str, *, tls: bool, auth: bool, lmtp: bool, expected: str
) -> None:
    """RFC 3848 section 1: nine protocols, by opening command, TLS and AUTH."""
    with SMTPServer(
        tls="implicit" if tls else None, users={"a": "b"}, lmtp=lmtp
    ) as server:
        with Wire(server) as wire:
            if tls:
                wire.start_tls(server.client_context())
            wire.hello(hello)
            if auth:
                assert wire.say("AUTH PLAIN AGEAYg==").startswith("235 ")
            assert wire.deliver().startswith("250 ")
        assert server.messages[0].session.transmission_type == expected


@pytest.mark.parametrize("event", ["RCPT", "CONTENT", "CLOSE"])
@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(
    ("end", "told"),
    [
        (lambda: pytest.fail("never mind"), "raised Failed: never mind"),
        (lambda: pytest.skip("never mind"), "raised Skipped: never mind"),
        (lambda: sys.exit(3), "raised SystemExit: 3"),
    ],
    ids=["fail", "skip", "exit"],
)
def test_a_handler_ends_nothing_but_itself(
    event: str, how: str, end: Callable[[], Any], told: str
) -> None:
    """Neither the test is skipped nor the event loop stopped: the test is told."""

    async def later(seen: Event) -> None:
        end()

    with SMTPServer() as server:
        server.on(event).call(later if how == "async" else lambda seen: end())
        with Wire(server) as wire:
            wire.hello()
            wire.say("MAIL FROM:<a@example.org>")
            refused = [wire.say("RCPT TO:<b@example.org>")]
            if event == "CONTENT":
                wire.say("DATA")
                refused = [wire.after(b"Subject: x\r\n\r\n.\r\n")]
            assert refused[0].startswith("250 " if event == "CLOSE" else "451 4.3.0 ")
            wire.say("QUIT")
            assert wire.rest() == b""
        server.settle()
        with pytest.raises(RuntimeError, match=told) as caught:
            server.check()
    assert caught.value.__cause__ is not None


def test_a_handler_at_close_that_never_returns() -> None:
    """It gets `close_timeout`; then the server goes on, and the test is told."""

    async def forever(event: Event) -> None:
        await anyio.sleep_forever()

    with SMTPServer(close_timeout=0.01) as server:
        server.on("CLOSE").call(forever)
        with Wire(server) as wire:
            wire.hello()
            wire.say("QUIT")
            assert wire.rest() == b""
    with pytest.raises(TimeoutError, match=r"call\(forever\) at 'CLOSE' took longer"):
        server.check()


@pytest.mark.parametrize("event", ["CLOSE", "HANDSHAKE"])
def test_a_condition_that_raises_where_no_reply_is_due(event: str) -> None:
    """The test is told, once; all goes on as usual."""

    def broken(seen: Event) -> bool:
        raise ArithmeticError("the condition is broken")

    with SMTPServer(tls="implicit") as server:
        server.on(event, where=broken).call(print)
        with Wire(server) as wire:
            wire.start_tls(server.client_context())
            wire.hello()
            assert wire.say("QUIT").startswith("221 ")
    with pytest.raises(ArithmeticError):
        server.check()


def test_a_handler_at_the_handshake_says_nothing() -> None:
    """No reply is due there, and one in the clear would break the handshake."""
    with SMTPServer(tls="implicit") as server, Wire(server) as wire:
        server.on("HANDSHAKE").call(lambda event: Reply(454, "4.7.0 Not now"))
        wire.start_tls(server.client_context())
        assert wire.reply().startswith("220 ")
