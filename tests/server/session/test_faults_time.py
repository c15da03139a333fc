"""Delays and throttles, by a clock that goes on only when everybody waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest
import trio
import trio.testing

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.server.io.clock import Standstill
from pytest_smtpserver.server.session import performer
from tests.server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

DIALOGUE = (
    b"HELO client.example.org",
    b"MAIL FROM:<a@example.org>",
    b"RCPT TO:<b@example.org>",
    b"DATA",
)


def with_clock(main: Callable[[], Awaitable[T]]) -> T:
    """Run on a clock that jumps to the next deadline whenever all tasks wait."""
    clock = trio.testing.MockClock(autojump_threshold=0.002)
    return trio.run(main, clock=clock)


class Timed:
    """A client that knows when bytes have come, in seconds of the clock."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._start = trio.current_time()

    @classmethod
    async def connect(cls, server: SMTPServer) -> Timed:
        """Connect; the clock begins at 0."""
        start = trio.current_time()
        client = cls(await trio.open_tcp_stream(server.host, server.port))
        client._start = start
        return client

    @property
    def now(self) -> float:
        """Seconds, rounded to the thousandth."""
        return round(trio.current_time() - self._start, 3)

    async def say(self, line: bytes) -> None:
        """Send a line."""
        await self._stream.send_all(line + b"\r\n")

    async def read(self, length: int) -> list[tuple[float, bytes]]:
        """So many bytes, each piece with its time."""
        pieces = []
        while length:
            piece = await self._stream.receive_some(length)
            assert piece
            pieces.append((self.now, piece))
            length -= len(piece)
        return pieces

    async def line(self) -> bytes:
        """The next line."""
        line = b""
        while not line.endswith(b"\r\n"):
            line += await self._stream.receive_some(1)
        return line

    async def say_no_more(self) -> None:
        """Close our side."""
        await self._stream.send_eof()

    async def close(self) -> None:
        """Leave."""
        await self._stream.aclose()


async def to_data(client: Timed) -> None:
    """Greeting and envelope, and what is said to them."""
    await client.line()
    for line in DIALOGUE:
        await client.say(line)
        await client.line()


def test_delay() -> None:
    """The reply comes after the delay, not before, and all of it."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(30).reply(250, "2.0.0 At last")
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP")
            assert await client.read(19) == [(30.0, b"250 2.0.0 At last\r\n")]
            await client.close()

    with_clock(main)


def test_delays_between_parts() -> None:
    """What stands before a delay leaves before it."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("CONNECT").delay(1).send(b"22").delay(2).send(b"0 hi\r\n")
            client = await Timed.connect(server)
            assert await client.read(8) == [(1.0, b"22"), (3.0, b"0 hi\r\n")]
            await client.close()

    with_clock(main)


def test_what_comes_during_a_delay_is_answered_after_it() -> None:
    """Commands that are pipelined into a delay wait for it (RFC 2920 §3.2)."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").once().delay(5)
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP\r\nNOOP\r\nQUIT")
            replies = b"250 2.0.0 Ok\r\n" * 2 + b"221 2.0.0 Bye\r\n"
            pieces = await client.read(len(replies))
            assert b"".join(piece for _, piece in pieces) == replies
            assert {time for time, _ in pieces} == {5.0}
            await client.close()

    with_clock(main)


def test_throttle() -> None:
    """Each byte of ours takes its time."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").throttle(2).reply(250, "Ok")
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP")
            pieces = await client.read(8)
            assert pieces == [
                (0.5 * number, bytes([octet]))
                for number, octet in enumerate(b"250 Ok\r\n", start=1)
            ]
            await client.close()

    with_clock(main)


def test_a_throttle_goes_on() -> None:
    """Later replies are as slow."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("CONNECT").throttle(10)
            client = await Timed.connect(server)
            await client.line()  # 220 localhost ESMTP and CRLF
            assert client.now == pytest.approx(2.1)
            await client.say(b"NOOP")
            await client.line()  # 250 2.0.0 Ok and CRLF
            assert client.now == pytest.approx(2.1 + 1.4)
            await client.close()

    with_clock(main)


@pytest.mark.parametrize("size", [200, 1000])
def test_throttled_content(size: int) -> None:
    """A message of `size` octets takes its time to be read, and is whole."""
    content = b"x" * (size - 2) + b"\r\n"

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("CONTENT").throttle(100)
            client = await Timed.connect(server)
            await to_data(client)
            assert client.now == 0
            await client.say(content + b".")
            await client.line()
            assert client.now == pytest.approx(size / 100, rel=0.05)
            assert [message.content for message in server.messages] == [content]
            # After the content all is as fast as ever.
            before = client.now
            await client.say(b"NOOP")
            await client.line()
            assert client.now == before
            await client.close()

    with_clock(main)


def test_throttled_chunk() -> None:
    """What came along with the BDAT takes its time too (RFC 3030 §2)."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("CONTENT").throttle(10)
            client = await Timed.connect(server)
            await client.line()
            for line in DIALOGUE[:3]:
                await client.say(line)
                await client.line()
            await client.say(b"BDAT 50 LAST\r\n" + b"y" * 48)
            await client.line()
            assert client.now == pytest.approx(5, rel=0.05)
            assert server.messages[0].content == b"y" * 48 + b"\r\n"
            await client.close()

    with_clock(main)


def test_tarpit_waits_each_time() -> None:
    """Greeting, command and message wait."""
    from pytest_smtpserver import personas

    async def main() -> None:
        async with SMTPServer() as server:
            server.play(personas.tarpit(20))
            client = await Timed.connect(server)
            await to_data(client)
            assert client.now == 20 * 5
            await client.say(b"Hi\r\n.")
            await client.line()
            assert client.now == 20 * 6
            await client.close()

    with_clock(main)


def test_a_client_that_is_gone_ends_a_delay() -> None:
    """Nobody waits an hour for nobody."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(3600)
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP")
            await client.close()
            await server.wait_until_idle_async(timeout=1)
            assert client.now < 1
            assert server.sessions[0].closed_by == "client"

    with_clock(main)


def test_stopping_ends_a_delay() -> None:
    """A server that stops waits for no delay."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(3600)
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP")
            await trio.testing.wait_all_tasks_blocked()
        assert client.now < 1
        assert await client._stream.receive_some(10) == b""
        await client.close()

    with_clock(main)


@pytest.mark.parametrize("action", ["hang", "delay"])
def test_a_client_that_is_gone_with_commands_left(
    smtp_server: SMTPServer, action: str
) -> None:
    """What it has pipelined keeps nobody waiting for it."""
    rule = smtp_server.on("NOOP")
    rule = rule.hang() if action == "hang" else rule.delay(3600)
    with Wire(smtp_server) as wire:
        wire.reply()
        wire.send(b"NOOP\r\nNOOP\r\n")
        assert smtp_server.settle()
    assert smtp_server.settle(timeout=10)
    assert rule.called
    if action == "hang":
        assert smtp_server.sessions[0].closed_by == "client"


@pytest.mark.parametrize(("option", "limit"), [(0.5, 60), (60, 60), (90.0, 90)])
def test_a_hang_has_an_end_for_clients_that_have_none(
    option: float, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute, or the idle time-out where that is longer; what it says then is unheard."""
    # A debugger in a run inside of this one may have been left a moment ago.
    monkeypatch.setattr(performer, "STANDSTILL", Standstill())

    async def main() -> None:
        async with SMTPServer(idle_timeout=option) as server:
            server.on("NOOP").hang()
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP")
            await client.say(b"QUIT")  # as smtplib does at the end of its block
            assert await client._stream.receive_some(10) == b""
            assert client.now == pytest.approx(limit, abs=0.1)
            await client.close()
            (session,) = server.sessions
            note = f"hang() has ended after {limit} s: give the client a time-out"
            assert note in str(session.transcript)
            assert session.closed_by == "server"

    with_clock(main)


def test_a_client_that_has_said_all_waits_for_its_replies() -> None:
    """It closes its side after QUIT, as a pipe does, and gets them after the delay."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(5)
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP\r\nQUIT")
            await client.say_no_more()
            replies = b"250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"
            pieces = await client.read(len(replies))
            assert b"".join(piece for _, piece in pieces) == replies
            assert {time for time, _ in pieces} == {5.0}
            await client.close()

    with_clock(main)


def test_a_client_that_has_said_all_can_be_interrupted() -> None:
    """In the middle of the delay, and by the end of the server too."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(3600)
            client = await Timed.connect(server)
            other = await Timed.connect(server)
            for one in (client, other):
                await one.line()
                await one.say(b"NOOP\r\nQUIT")
                await one.say_no_more()
                await trio.testing.wait_all_tasks_blocked()
            server.interrupt(250, "2.0.0 Patience")
            assert await client.line() == b"250 2.0.0 Patience\r\n"
            assert client.now < 1
            await client.close()
        assert await other.line() == b"250 2.0.0 Patience\r\n"
        assert other.now < 5
        await other.close()

    with_clock(main)


def test_a_client_that_is_gone_in_its_content_ends_a_delay(
    smtp_server: SMTPServer,
) -> None:
    """Half a message is no reason to wait: there is no reply to it."""
    smtp_server.on("CONTENT").delay(3600)
    with Wire(smtp_server) as wire:
        wire.hello()
        for line in ("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"):
            wire.say(line)
        wire.send(b"half a message\r\n")
    smtp_server.assert_no_messages()
    assert smtp_server.sessions[0].closed_by == "client"


def test_an_interruption_waits_for_a_reply_that_is_half_sent() -> None:
    """Also where the client has said all, and nobody but the clock goes on."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(1).throttle(2).reply(250, "Ok")
            client = await Timed.connect(server)
            await client.line()
            await client.say(b"NOOP\r\nQUIT")
            await client.say_no_more()
            assert await client.read(1) == [(1.5, b"2")]
            server.interrupt(250, "2.0.0 Patience")
            # Behind what is being sent: the replies to both commands (RFC 2920 §3.2).
            said = b"50 Ok\r\n221 2.0.0 Bye\r\n250 2.0.0 Patience\r\n"
            pieces = await client.read(len(said))
            assert b"".join(piece for _, piece in pieces) == said
            await client.close()

    with_clock(main)
