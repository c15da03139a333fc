"""Failures while content comes, and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import Reply
from tests.server.wire import Wire

from .faults import (
    ACCEPTED,
    BYE,
    GO_ON,
    HELO,
    MAIL,
    RCPT,
    Reached,
    to_the_end,
)

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer
    from pytest_smtpserver.script.event import Event

CONTENT = b"Subject: hello\r\n\r\n" + b"x" * 62 + b"\r\n"
SIZE = len(CONTENT)


def to_data(server: SMTPServer, *, small: bool = False) -> Wire:
    """A client that has got its 354."""
    wire = Wire(server)
    wire.reply()
    for line in (HELO, MAIL, RCPT, b"DATA\r\n"):
        wire.send(line)
        reply = wire.reply()
    assert reply.encode() + b"\r\n" == GO_ON
    return wire


ends = pytest.mark.parametrize(
    ("how", "end"), [("disconnect", "FIN"), ("reset", "RST"), ("half_close", "FIN")]
)


@ends
@pytest.mark.parametrize("after", [0, 1, 40, SIZE])
def test_cut_in_the_content(
    smtp_server: SMTPServer, how: str, end: str, after: int
) -> None:
    """The connection ends although all of the content came in one segment."""
    rule = smtp_server.on("CONTENT")
    getattr(rule, how)(after=after)
    with to_data(smtp_server) as wire:
        if after:
            wire.send(CONTENT + b".\r\n")
        assert to_the_end(wire) == (b"", end)
    smtp_server.assert_no_messages()
    assert rule.called


@ends
def test_cut_where_the_content_came_in_pieces(
    smtp_server: SMTPServer, how: str, end: str
) -> None:
    """It ends with the piece that reaches the number."""
    getattr(smtp_server.on("CONTENT"), how)(after=50)
    with to_data(smtp_server) as wire:
        wire.send(CONTENT[:49])
        smtp_server.settle()
        (session,) = smtp_server.sessions
        assert session.closed_by is None
        wire.send(CONTENT[49:50])
        assert to_the_end(wire) == (b"", end)


@pytest.mark.parametrize("after", [SIZE + 1, SIZE + 3, 10_000])
def test_content_that_is_too_short_to_be_cut(
    smtp_server: SMTPServer, after: int
) -> None:
    """The dot that ends it is not counted; the message is accepted as usual."""
    smtp_server.on("CONTENT").disconnect(after=after)
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\nQUIT\r\n")
        assert to_the_end(wire) == (ACCEPTED + BYE, "FIN")
    assert smtp_server.messages[0].content == CONTENT


def test_the_cut_is_for_one_message(smtp_server: SMTPServer) -> None:
    """A rule for the first message does not cut the second."""
    smtp_server.on("CONTENT").once().disconnect(after=10_000)
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert wire.reply().startswith("250 ")
        assert wire.deliver(b"y" * 20_000 + b"\r\n").startswith("250 ")
    assert len(smtp_server.messages) == 2


def test_dots_count_as_they_come(smtp_server: SMTPServer) -> None:
    """Octets over the wire, transparency and all (RFC 5321 §4.5.2)."""
    smtp_server.on("CONTENT").reset(after=10)
    with to_data(smtp_server) as wire:
        wire.send(b"..a\r\n..b\r\n.\r\n")
        assert to_the_end(wire) == (b"", "RST")


@ends
def test_cut_in_a_chunk(smtp_server: SMTPServer, how: str, end: str) -> None:
    """The octets of all chunks are counted together (RFC 3030 §2)."""
    getattr(smtp_server.on("CONTENT"), how)(after=30)
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("MAIL FROM:<a@example.org>")
        wire.say("RCPT TO:<b@example.org>")
        wire.send(b"BDAT 20\r\n" + b"x" * 20)
        assert wire.reply().startswith("250 ")
        wire.send(b"BDAT 20 LAST\r\n" + b"y" * 20)
        assert to_the_end(wire) == (b"", end)
    smtp_server.assert_no_messages()


def test_a_reply_before_the_content_is_complete(smtp_server: SMTPServer) -> None:
    """It leaves at once; the rest of the content is read, and gets no second reply."""
    smtp_server.on("CONTENT").reply(552, "5.3.4 Enough")
    with to_data(smtp_server) as wire:
        assert wire.reply() == "552 5.3.4 Enough"
        wire.send(CONTENT + b".\r\nNOOP\r\n")
        assert wire.reply() == "250 2.0.0 Ok"
    smtp_server.assert_no_messages()


def test_an_early_250_is_what_the_session_goes_by(smtp_server: SMTPServer) -> None:
    """The message is stored, once it is whole."""
    smtp_server.on("CONTENT").reply(250, "2.0.0 Got it already")
    with to_data(smtp_server) as wire:
        assert wire.reply() == "250 2.0.0 Got it already"
        wire.send(CONTENT + b".\r\nQUIT\r\n")
        assert to_the_end(wire) == (BYE, "FIN")
    assert [message.content for message in smtp_server.messages] == [CONTENT]


def test_a_second_reply_on_top_of_an_early_one(smtp_server: SMTPServer) -> None:
    """The session goes by the first."""
    smtp_server.on("CONTENT").reply(250, "2.0.0 First")
    smtp_server.on("MESSAGE").reply(550, "5.0.0 Second")
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert wire.reply() == "250 2.0.0 First"
        assert wire.reply() == "550 5.0.0 Second"
    assert len(smtp_server.messages) == 1


@pytest.mark.smtp_server(lmtp=True)
def test_an_early_reply_for_each_recipient(smtp_server: SMTPServer) -> None:
    """LMTP: as many replies as recipients (RFC 2033 §4.2)."""
    smtp_server.on("CONTENT").reply(452, "4.2.2 Full")
    with Wire(smtp_server) as wire:
        wire.hello("LHLO")
        wire.say("MAIL FROM:<a@example.org>")
        wire.say("RCPT TO:<b@example.org>")
        wire.say("RCPT TO:<c@example.org>")
        wire.say("DATA")
        wire.send(CONTENT + b".\r\nQUIT\r\n")
        said = b"452 4.2.2 Full\r\n" * 2 + BYE
        assert to_the_end(wire) == (said, "FIN")
    smtp_server.assert_no_messages()


def test_the_lost_250(smtp_server: SMTPServer) -> None:
    """The message is stored, and its client never learns of it."""
    smtp_server.on("MESSAGE").store().disconnect()
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert to_the_end(wire) == (b"", "FIN")
    assert smtp_server.wait_for_message().content == CONTENT


def test_stored_and_refused(smtp_server: SMTPServer) -> None:
    """Kept although the reply is not positive."""
    smtp_server.on("MESSAGE").store().reply(451)
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert wire.reply() == "451 4.3.0 Local error in processing"
    assert smtp_server.wait_for_message().content == CONTENT


def test_discarded_and_accepted(smtp_server: SMTPServer) -> None:
    """Dropped although the reply is positive."""
    smtp_server.on("MESSAGE").discard()
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert wire.reply().startswith("250 ")
    smtp_server.assert_no_messages()


def test_nothing_is_accepted_after_a_half_close(smtp_server: SMTPServer) -> None:
    """A message whose 250 cannot leave is not in `messages`."""
    smtp_server.on("CONTENT").half_close()
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\nNOOP\r\n")
        assert to_the_end(wire) == (b"", "FIN")
    smtp_server.assert_no_messages()
    (session,) = smtp_server.sessions
    assert session.commands[-1] == "NOOP"
    assert [one.reason for one in session.undelivered] == ["the message got no reply"]


def test_writes_block_while_content_is_throttled(smtp_server: SMTPServer) -> None:
    """The buffers between the two fill up, and then the client has to wait."""
    reached = Reached()
    smtp_server.on("CONTENT").call(reached).throttle(1)
    with to_data(smtp_server) as wire:
        reached.wait()
        wire.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            wire.send(b"x" * 32_000_000)


def test_nothing_is_read_while_content_hangs(smtp_server: SMTPServer) -> None:
    """`hang` at CONTENT takes what comes and says nothing."""
    reached = Reached()
    smtp_server.on("CONTENT").call(reached).hang()
    with to_data(smtp_server) as wire:
        reached.wait()
        wire.send(CONTENT + b".\r\n")
        smtp_server.interrupt(421, "4.3.2 Enough")
        assert to_the_end(wire) == (b"421 4.3.2 Enough\r\n", "FIN")
    smtp_server.assert_no_messages()


def test_two_replies_at_once(smtp_server: SMTPServer) -> None:
    """The session goes by the first whole one; the other one is the client's trouble."""
    smtp_server.on("MAIL").send(b"250 2.1.0 Ok\r\n550 5.1.0 No\r\n")
    with Wire(smtp_server) as wire:
        wire.hello()
        assert wire.say("MAIL FROM:<a@example.org>") == "250 2.1.0 Ok"
        assert wire.reply() == "550 5.1.0 No"
        assert wire.say("RCPT TO:<b@example.org>").startswith("250 ")


@pytest.mark.parametrize(
    "raw",
    [
        b"250 \xff\xfe\r\n",
        b"no code at all\r\n",
        b"250-one\r\n250-two\r\n250-and so on\r\n",
        b"250 " + b"x" * 100_000 + b"\r\n",
        b"250 Ok\n",
        b"25",
        b"\r\n",
        b" 250 Ok\r\n",
        b"250-mixed\r\n550 up\r\n",
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_malformed_replies_leave_as_they_are(
    smtp_server: SMTPServer, raw: bytes
) -> None:
    """Byte for byte."""
    smtp_server.on("NOOP").send(raw).disconnect()
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.send(b"NOOP\r\n")
        assert to_the_end(wire) == (raw, "FIN")


def test_without_a_whole_reply_nothing_was_said(smtp_server: SMTPServer) -> None:
    """A space in front of the code makes it no reply: MAIL was not accepted."""
    smtp_server.on("MAIL").send(b" 250 Ok\r\n")
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.send(b"MAIL FROM:<a@example.org>\r\n")
        assert wire.reply() == " 250 Ok"
        assert wire.say("RCPT TO:<b@example.org>").startswith("503 ")


@pytest.mark.parametrize(
    ("reply", "sent"),
    [
        (lambda rule: rule.reply(550, "5.0.0 No"), "550 5.0.0 No"),
        (lambda rule: rule.send(b"550 No\r\n"), "550 No"),
        (lambda rule: rule.call(lambda event: Reply(550, "No")), "550 No"),
    ],
)
def test_stored_after_the_reply(smtp_server: SMTPServer, reply: Any, sent: str) -> None:
    """`store` goes for the reply, wherever in the chain it stands."""
    reply(smtp_server.on("MESSAGE")).store()
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert wire.reply() == sent
    assert smtp_server.wait_for_message().content == CONTENT


def test_discarded_after_the_reply(smtp_server: SMTPServer) -> None:
    """So does `discard`."""
    smtp_server.on("MESSAGE").reply(250, "2.0.0 Fine").discard()
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\n")
        assert wire.reply() == "250 2.0.0 Fine"
    smtp_server.assert_no_messages()


@pytest.mark.parametrize(
    ("raw", "later", "stored"),
    [
        (b"552 Enough\r\n", b"", 0),
        (b"250 Got it\r\n", b"", 1),
        (b"garbage\r\n", ACCEPTED, 1),
        (b"", ACCEPTED, 1),
    ],
)
def test_bytes_before_the_content_is_complete(
    smtp_server: SMTPServer, raw: bytes, later: bytes, stored: int
) -> None:
    """A whole reply in them is the reply to the message; there is no second one."""
    smtp_server.on("CONTENT").send(raw)
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\nQUIT\r\n")
        assert to_the_end(wire) == (raw + later + BYE, "FIN")
    assert len(smtp_server.messages) == stored


@pytest.mark.parametrize(("raw", "stored"), [(b"250 Ok\r\n", 1), (b"552 No\r\n", 0)])
def test_bytes_in_answer_to_the_last_chunk(
    smtp_server: SMTPServer, raw: bytes, stored: int
) -> None:
    """They are the reply to the message (RFC 3030 §2): it is stored, or it is not."""
    smtp_server.on("BDAT").send(raw)
    with Wire(smtp_server) as wire:
        wire.hello()
        for line in (MAIL, RCPT):
            wire.after(line)
        wire.send(b"BDAT 4 LAST\r\nHi\r\nQUIT\r\n")
        assert to_the_end(wire) == (raw + BYE, "FIN")
    assert len(smtp_server.messages) == stored


@pytest.mark.parametrize("how", ["sync", "async"])
def test_a_handler_behind_an_early_reply(smtp_server: SMTPServer, how: str) -> None:
    """The session goes by what was sent, whatever the handler returns."""

    async def read(event: Event) -> Reply:
        async for _ in event.chunks:
            pass
        return Reply(250, "2.0.0 All of it")

    handler = read if how == "async" else lambda event: Reply(250, "2.0.0 Fine")
    smtp_server.on("CONTENT").reply(452, "4.3.1 Full").call(handler)
    with to_data(smtp_server) as wire:
        wire.send(CONTENT + b".\r\nQUIT\r\n")
        assert to_the_end(wire) == (b"452 4.3.1 Full\r\n" + BYE, "FIN")
    smtp_server.assert_no_messages()


def test_a_reply_for_content_that_never_became_whole(smtp_server: SMTPServer) -> None:
    """It is not the reply to the next message."""
    smtp_server.on("CONTENT").once().call(lambda event: Reply(550, "5.0.0 No"))
    with Wire(smtp_server) as wire:
        wire.hello()
        for data in (MAIL, RCPT, b"BDAT 4\r\nHi\r\n"):
            assert wire.after(data).startswith("250 ")
        assert wire.say("RSET").startswith("250 ")
        assert wire.deliver().startswith("250 ")


@pytest.mark.parametrize("event", ["MESSAGE", "BDAT"])
def test_a_refused_message_in_one_chunk_ends_its_transaction(
    smtp_server: SMTPServer, event: str
) -> None:
    """RFC 3030 §2: as after DATA, so that the next MAIL is in order."""
    smtp_server.on(event).once().reply(552, "5.3.4 Enough")
    with Wire(smtp_server) as wire:
        wire.hello()
        wire.say("MAIL FROM:<a@example.org>")
        wire.say("RCPT TO:<b@example.org>")
        wire.send(b"BDAT 4 LAST\r\nHi\r\n")
        assert wire.reply() == "552 5.3.4 Enough"
        assert wire.say("MAIL FROM:<a@example.org>") == "250 2.1.0 Sender ok"
    smtp_server.assert_no_messages()
