"""The engine at the edges of a session: driven wrongly, cut off, or left waiting."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.engine import SmtpEngine
from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax.replies import LocalProtocolError, Reply

from .driver import Driver


def engine() -> SmtpEngine:
    return SmtpEngine(Settings(), lambda: ("nonce", b"salt"))


def test_nothing_follows_where_nothing_waits() -> None:
    made = engine()
    with pytest.raises(LocalProtocolError, match=r"^nothing follows None$"):
        made.proceed()
    told = "^there is nothing to leave unanswered$"
    with pytest.raises(LocalProtocolError, match=told):
        made.send_nothing()
    made.next_event()
    with pytest.raises(LocalProtocolError, match="nothing follows <Event CONNECT"):
        made.proceed()


def test_a_greeting_that_is_never_sent() -> None:
    """RFC 5321 §3.1 has the client wait for it; one that does not may go on."""
    made = engine()
    event = made.next_event()
    assert event is not None
    assert event.name == "CONNECT"
    made.send_nothing()
    made.receive_data(b"EHLO c\r\n")
    hello = made.next_event()
    assert hello is not None
    assert (hello.name, hello.proposed and hello.proposed.code) == ("EHLO", 250)


@pytest.mark.parametrize("code", [421, 550])
def test_an_early_answer_that_ends_the_session(code: int) -> None:
    """RFC 5321 §3.8: after a 421 the channel is closed, and no content is read."""
    driver = Driver().ready()
    driver.line("MAIL FROM:<a@x.org>")
    driver.line("RCPT TO:<b@x.org>")
    driver.line("DATA")
    reply = Reply(code, "x")
    assert driver.engine.reply_early(reply) == reply.wire
    ended = driver.engine.session.state is State.CLOSED
    assert ended is (code == 421)
    # The content that goes on coming has had its answer.
    assert driver.send(b"Hello\r\n.\r\n") == b""
    assert driver.engine.session.state is (State.CLOSED if ended else State.READY)


@pytest.mark.parametrize(("code", "state"), [(421, "CLOSED"), (554, "REFUSED")])
def test_a_client_that_is_turned_away_after_its_handshake(
    code: int, state: str
) -> None:
    """RFC 5321 §3.1: after a 554 only QUIT is of use; §3.8: after a 421 nothing is."""
    made = engine()
    made.next_event()
    made.send_reply(Reply(220, "localhost"))
    made.tls_started(object())
    made.refuse(Reply(code, "x"))
    assert made.session.state is State[state]
    assert made.next_event() is None


def test_credentials_without_an_answer_end_the_exchange() -> None:
    """RFC 4954 §4: what the client sends next is a command again."""
    settings = Settings(auth=True, users={"ada": "x"}, allow_insecure_auth=True)
    made = SmtpEngine(settings, lambda: ("nonce", b"salt"))
    made.next_event()
    made.send_reply(Reply(220, "localhost"))
    for line in (b"EHLO c\r\n", b"AUTH LOGIN\r\n", b"YWRh\r\n"):
        made.receive_data(line)
        event = made.next_event()
        assert event is not None
        assert event.proposed is not None
        made.send_reply(event.proposed)
    assert made.session.security.exchange is not None
    made.receive_data(b"eA==\r\n")
    event = made.next_event()
    assert event is not None
    assert event.name == "CREDENTIALS"
    made.send_nothing()
    assert made.session.security.exchange is None
    made.receive_data(b"NOOP\r\n")
    event = made.next_event()
    assert event is not None
    assert event.name == "NOOP"


def test_what_may_be_waited_on() -> None:
    """Half a command may get a 500, half a message gets nothing (RFC 5321 §4.1.1.4)."""
    driver = Driver().ready()
    made = driver.engine
    assert not made.may_be_waited_on
    made.receive_data(b"NOO")
    assert made.may_be_waited_on
    assert made.next_event() is None
    assert made.may_be_waited_on
    driver.send(b"P\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n")
    for come, whole in (
        (b"", False),
        (b"Hello", False),
        (b"\r\n.", False),
        (b"\r\nQUIT\r\n", True),
    ):
        made.receive_data(come)
        assert made.may_be_waited_on is whole


@pytest.mark.parametrize(
    ("come", "whole"),
    [(b".\r\n", True), (b"x.\r\n", False), (b".\n", False), (b"\n.\r\n", False)],
)
def test_a_message_without_a_line(come: bytes, whole: bool) -> None:
    """RFC 5321 §4.1.1.4: the CRLF that ends DATA counts for the dot too."""
    driver = Driver().ready()
    driver.send(b"MAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n")
    driver.engine.receive_data(come)
    assert driver.engine.may_be_waited_on is whole


def test_what_was_not_looked_at_is_counted() -> None:
    made = engine()
    assert made.unanswered  # the greeting is due
    event = made.next_event()
    assert event is not None
    assert event.proposed is not None
    assert made.unanswered
    made.send_reply(event.proposed)
    assert not made.unanswered
    made.receive_data(b"NOOP\r\nNO")
    assert (made.unanswered, made.buffered) == (True, 8)
    noop = made.next_event()
    assert noop is not None
    assert made.buffered == 2
    with pytest.raises(LocalProtocolError, match=r"NOOP.* has not been answered"):
        made.next_event()
    made.send_nothing()
    assert made.next_event() is None


def test_a_session_that_is_shut_down() -> None:
    """RFC 5321 §3.8: 421 at any time, with or without enhanced codes."""
    plain = Driver(Settings(extensions=frozenset())).ready()
    reply = Reply(421, "4.3.2 Bye")
    assert plain.engine.shut_down(reply) == b"421 Bye\r\n"
    assert plain.engine.session.state is State.CLOSED
    assert plain.send(b"NOOP\r\n") == b""
    enhanced = Driver().ready()
    enhanced.engine.receive_data(b"NOOP\r\n")
    enhanced.engine.next_event()
    assert enhanced.engine.shut_down(reply) == b"421 4.3.2 Bye\r\n"
    assert enhanced.engine.next_event() is None
