"""Handlers that read content while it arrives (event.chunks)."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from pytest_smtpserver import Reply, SMTPServer
from tests.server.wire import PATIENCE, Wire

if TYPE_CHECKING:
    from pytest_smtpserver.script.event import Event

LETTER = b"Subject: letter\r\n\r\nfirst line\r\n..stuffed\r\n"
#: The same after the removal of transparency (RFC 5321 section 4.5.2).
ARRIVED = b"Subject: letter\r\n\r\nfirst line\r\n.stuffed\r\n"


class Reader:
    """A handler that keeps what it reads."""

    def __init__(self, reply: Reply | None = None) -> None:
        self.pieces: list[bytes] = []
        self.ended = threading.Event()
        self.reply = reply
        self.failure: BaseException | None = None

    async def __call__(self, event: Event) -> Reply | None:
        try:
            async for piece in event.chunks:
                self.pieces.append(piece)
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self.ended.set()
        return self.reply

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


def begin(wire: Wire) -> None:
    """EHLO, MAIL and RCPT."""
    wire.hello()
    wire.agree("MAIL FROM:<a@example.org>", 250)
    wire.agree("RCPT TO:<b@example.org>", 250)


def begin_data(wire: Wire) -> None:
    """The same, and DATA."""
    begin(wire)
    wire.agree("DATA", 354)


def test_chunks_are_the_content_without_transparency() -> None:
    """The pieces together are the content, dots removed, and the message has it too."""
    reader = Reader()
    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(reader)
        begin_data(wire)
        wire.send(LETTER + b".\r\n")
        assert wire.reply() == "250 2.0.0 Ok: message accepted"
        assert reader.content == ARRIVED
        assert server.messages[0].content == ARRIVED


def test_what_the_handler_returns_is_the_reply_to_the_message() -> None:
    """A handler may give the message a 250 text of its own."""
    reader = Reader(Reply(250, "2.6.0 Queued as 42"))
    with SMTPServer(handlers={"CONTENT": reader}) as server, Wire(server) as wire:
        begin_data(wire)
        wire.send(LETTER + b".\r\n")
        assert wire.reply() == "250 2.6.0 Queued as 42"
        assert [m.content for m in server.messages] == [ARRIVED]


def test_a_refusal_by_the_handler_keeps_the_message_out() -> None:
    """After a 554 by the handler there is no message; the next one is intact."""
    seen: list[bytes] = []

    async def no_viruses(event: Event) -> Reply | None:
        content = b"".join([piece async for piece in event.chunks])
        seen.append(content)
        return Reply(554, "5.7.1 Virus found") if b"EICAR" in content else None

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(no_viruses)
        wire.hello()
        assert wire.deliver(b"EICAR\r\n") == "554 5.7.1 Virus found"
        assert wire.deliver(LETTER) == "250 2.0.0 Ok: message accepted"
        assert seen == [b"EICAR\r\n", ARRIVED]
        assert [m.content for m in server.messages] == [ARRIVED]
        assert server.sessions[0].undelivered[0].content == b"EICAR\r\n"


def test_content_comes_while_the_client_still_sends() -> None:
    """The handler has the first line before the client has sent the second."""
    first = threading.Event()

    async def look(event: Event) -> None:
        async for _piece in event.chunks:
            first.set()

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(look)
        begin_data(wire)
        wire.send(b"Subject: one\r\n\r\n")
        assert first.wait(PATIENCE)
        wire.send(b"two\r\n.\r\n")
        assert wire.reply().startswith("250 ")
        assert server.messages[0].content == b"Subject: one\r\n\r\ntwo\r\n"


def test_a_client_is_held_up_while_nobody_reads() -> None:
    """The client cannot send more than the sockets hold until the handler reads."""
    letter = b"x" * 62 + b"\r\n"
    total = 64 * 1024 * 1024
    sent = 0
    blocked = threading.Event()
    read = bytearray()

    async def slow(event: Event) -> None:
        await anyio.to_thread.run_sync(partial(blocked.wait, PATIENCE))
        read.append(0)
        async for piece in event.chunks:
            read.extend(piece)

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(slow)
        begin_data(wire)
        wire.socket.setblocking(False)
        block = letter * 1024
        position = 0
        while sent < total:
            try:
                taken = wire.socket.send(block[position:])
            except BlockingIOError:
                break
            sent += taken
            position = (position + taken) % len(block)
        # The sockets' buffers are full: nobody has read anything.
        held_up, unread = sent < total, not read
        blocked.set()
        wire.socket.settimeout(PATIENCE)
        wire.send(block[position:] + b".\r\n")
        assert wire.reply().startswith("250 ")
        assert (held_up, unread) == (True, True)
        assert bytes(read[1:]) == server.messages[0].content


@pytest.mark.parametrize("pieces", [0, 1])
def test_a_handler_may_stop_reading_early(pieces: int) -> None:
    """The rest is drained, the message is kept whole, the reply is the handler's."""
    body = b"Subject: long\r\n\r\n" + b"0123456789" * 7 + b"\r\n"
    content = body * 20_000

    async def glance(event: Event) -> Reply:
        for _ in range(pieces):
            await anext(event.chunks)
        return Reply(250, "2.0.0 Seen enough")

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(glance)
        wire.hello()
        assert wire.deliver(content) == "250 2.0.0 Seen enough"
        assert server.messages[0].content == content
        assert wire.say("NOOP") == "250 2.0.0 Ok"


def test_a_sync_handler_decides_before_the_content() -> None:
    """A function that is no coroutine reads nothing; its Reply counts all the same."""
    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(lambda event: Reply(452, "4.3.1 No room"))
        wire.hello()
        assert wire.deliver(LETTER) == "452 4.3.1 No room"
        server.assert_no_messages()


def test_an_exception_answers_451_and_is_the_tests() -> None:
    """RFC 5321 section 4.2.2: 451; the exception is in `errors`; the client goes on."""

    async def broken(event: Event) -> None:
        async for _piece in event.chunks:
            raise LookupError("the disk is full")

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(broken).once()
        wire.hello()
        assert wire.deliver(LETTER).startswith("451 4.3.0 ")
        assert wire.deliver(LETTER).startswith("250 ")
        assert [m.content for m in server.messages] == [ARRIVED]
        assert [repr(e) for e in server.errors] == ["LookupError('the disk is full')"]
        with pytest.raises(LookupError):
            server.check()


def test_a_client_that_leaves_ends_the_content_with_an_error() -> None:
    """The handler is told, with a ConnectionError; that is no fault of the handler's."""
    reader = Reader()
    with SMTPServer() as server:
        server.on("CONTENT").call(reader)
        with Wire(server) as wire:
            begin_data(wire)
            wire.send(b"Subject: half\r\n")
        assert reader.ended.wait(PATIENCE)
        server.assert_no_messages()
        assert isinstance(reader.failure, ConnectionError)
        # The CRLF may belong to the end of the data: it is held back.
        assert reader.content == b"Subject: half"
        assert server.errors == []


def test_idle_timeout_does_not_count_while_the_handler_works() -> None:
    """A handler may take longer than a client may be silent."""

    async def slow(event: Event) -> None:
        await anyio.sleep(1)
        async for _piece in event.chunks:
            await anyio.sleep(1)

    with SMTPServer(idle_timeout=0.8) as server, Wire(server) as wire:
        server.on("CONTENT").call(slow)
        wire.hello()
        assert wire.deliver(LETTER).startswith("250 ")
        assert len(server.messages) == 1


def test_idle_timeout_counts_while_the_handler_waits_for_the_client() -> None:
    """A client that falls silent in its content is cut off as ever."""
    reader = Reader()
    with SMTPServer(idle_timeout=0.8) as server, Wire(server) as wire:
        server.on("CONTENT").call(reader)
        begin_data(wire)
        wire.send(b"Subject: half\r\n")
        assert wire.reply().startswith("421 4.4.2 ")
        assert reader.ended.wait(PATIENCE)
        assert isinstance(reader.failure, ConnectionError)


def test_a_message_over_the_limit_is_refused_whatever_the_handler_says() -> None:
    """RFC 1870 section 6.3: 552, since what is stored would not be whole."""
    reader = Reader(Reply(250, "2.0.0 Fine"))
    with SMTPServer(max_message_size=20) as server, Wire(server) as wire:
        server.on("CONTENT").call(reader)
        wire.hello()
        assert wire.deliver(LETTER).startswith("552 5.3.4 ")
        assert reader.content == ARRIVED
        server.assert_no_messages()


# BDAT (RFC 3030)


def test_chunks_of_bdat_go_to_one_handler() -> None:
    """Content of several BDATs is one stream; each BDAT but the last has its 250."""
    reader = Reader(Reply(250, "2.6.0 Yours is number 7"))
    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(reader)
        begin(wire)
        wire.send(b"BDAT 5\r\nSubje")
        assert wire.reply() == "250 2.0.0 5 octets received"
        assert wire.say("NOOP") == "250 2.0.0 Ok"
        wire.send(b"BDAT 8\r\nct: x\r\n\r")
        assert wire.reply() == "250 2.0.0 8 octets received"
        wire.send(b"BDAT 1 LAST\r\n\n")
        assert wire.reply() == "250 2.6.0 Yours is number 7"
        assert reader.content == b"Subject: x\r\n\r\n"
        assert server.messages[0].content == b"Subject: x\r\n\r\n"
        assert server.messages[0].chunks == (5, 8, 1)


def test_a_rule_for_bdat_works_beside_the_handler() -> None:
    """Rules for the commands between the chunks are asked as ever."""
    reader = Reader()
    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(reader)
        server.on("BDAT").reply(250, "2.0.0 More").once()
        server.on("NOOP").delay(0.01).reply(250, "2.0.0 Still here")
        begin(wire)
        wire.send(b"BDAT 3\r\nabc")
        assert wire.reply() == "250 2.0.0 More"
        assert wire.say("NOOP") == "250 2.0.0 Still here"
        wire.send(b"BDAT 0 LAST\r\n")
        assert wire.reply() == "250 2.0.0 Ok: message accepted"
        assert reader.content == b"abc"


def test_rset_between_chunks_ends_the_content_for_the_handler() -> None:
    """RFC 3030 section 2: RSET throws the chunks away; the next message is intact."""
    first, second = Reader(), Reader()
    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(first).once()
        server.on("CONTENT").call(second)
        begin(wire)
        wire.send(b"BDAT 3\r\nabc")
        assert wire.reply().startswith("250 ")
        assert wire.say("RSET").startswith("250 ")
        assert first.ended.wait(PATIENCE)
        assert isinstance(first.failure, ConnectionError)
        assert wire.deliver(LETTER).startswith("250 ")
        assert (first.content, second.content) == (b"abc", ARRIVED)
        assert [m.content for m in server.messages] == [ARRIVED]
        assert server.errors == []


def test_pipelined_messages_each_have_their_handler() -> None:
    """RFC 3030 section 4.2: BDATs in one packet; each message has its own stream."""
    contents: list[bytes] = []

    async def keep(event: Event) -> Reply:
        contents.append(b"".join([piece async for piece in event.chunks]))
        return Reply(250, f"2.0.0 Number {len(contents)}")

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(keep)
        wire.hello()
        transaction = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
        wire.send(
            transaction
            + b"BDAT 4\r\none\nBDAT 0 LAST\r\n"
            + transaction
            + b"BDAT 3 LAST\r\ntwoNOOP\r\n"
        )
        replies = [wire.reply() for _ in range(8)]
        assert [reply[:3] for reply in replies] == ["250"] * 8
        assert replies[3] == "250 2.0.0 Number 1"
        assert replies[6:] == ["250 2.0.0 Number 2", "250 2.0.0 Ok"]
        assert contents == [b"one\n", b"two"]
        assert [m.content for m in server.messages] == [b"one\n", b"two"]


# Over TLS, with LMTP, on other event loops


def test_content_over_tls() -> None:
    """What a handler reads over TLS is the plaintext, whole."""
    reader = Reader()
    content = b"Subject: big\r\n\r\n" + b"A" * 70 + b"\r\n"
    content *= 3000
    with SMTPServer(tls="starttls") as server:
        server.on("CONTENT").call(reader)
        with smtplib.SMTP(*server.address) as client:
            client.starttls(context=server.client_context())
            client.sendmail("a@example.org", ["b@example.org"], content)
        assert reader.content == content
        assert server.messages[0].content == content


def test_lmtp_gives_the_handlers_reply_to_each_recipient() -> None:
    """RFC 2033 section 4.2: one reply for each recipient, all of them the handler's."""
    reader = Reader(Reply(250, "2.1.5 In the box"))
    with SMTPServer(lmtp=True) as server, Wire(server) as wire:
        server.on("CONTENT").call(reader)
        wire.hello("LHLO")
        wire.send(
            b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
            b"RCPT TO:<c@example.org>\r\nDATA\r\n"
        )
        assert [wire.reply()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        wire.send(LETTER + b".\r\n")
        assert [wire.reply(), wire.reply()] == ["250 2.1.5 In the box"] * 2
        assert reader.content == ARRIVED
        assert len(server.messages) == 1


def test_stop_ends_a_handler_that_never_returns() -> None:
    """`stop()` takes at most close_timeout, and leaves no task behind."""
    begun = threading.Event()

    async def forever(event: Event) -> None:
        begun.set()
        await anyio.sleep_forever()

    server = SMTPServer(close_timeout=0.05).start()
    try:
        server.on("CONTENT").call(forever)
        with Wire(server) as wire:
            begin_data(wire)
            assert begun.wait(PATIENCE)
            server.stop()
            assert wire.reply().startswith("421 4.3.2 ")
    finally:
        server.stop()
    assert server.sessions[0].closed_by == "server"
    assert server.errors == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_in_the_event_loop_of_the_test(backend: str) -> None:
    """With `async with`, on asyncio and on trio, the handler runs in the test's loop."""
    reader = Reader(Reply(250, "2.0.0 Here"))

    async def main() -> str:
        async with SMTPServer() as server:
            server.on("CONTENT").call(reader)
            async with await anyio.connect_tcp(*server.address) as client:
                await client.send(
                    b"EHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\n"
                    b"RCPT TO:<b@example.org>\r\nDATA\r\n" + LETTER + b".\r\nQUIT\r\n"
                )
                said = b"".join([piece async for piece in client])
            assert server.messages[0].content == ARRIVED
            return said.decode()

    replies = anyio.run(main, backend=backend).split("\r\n")
    assert replies[-3:] == ["250 2.0.0 Here", "221 2.0.0 Bye", ""]
    assert reader.content == ARRIVED


def test_the_background_loop_is_asyncio() -> None:
    """Handlers of a server in the background may use asyncio."""
    names: list[str] = []

    async def name(event: Event) -> None:
        names.append(type(asyncio.get_running_loop()).__module__)
        async for _piece in event.chunks:
            await asyncio.sleep(0)

    with SMTPServer() as server, Wire(server) as wire:
        server.on("CONTENT").call(name)
        wire.hello()
        assert wire.deliver(LETTER).startswith("250 ")
    assert names
