"""Replies of one turn of the event loop leave together, and none too late."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.server.io.channel import Outcome
from pytest_smtpserver.server.io.crowd import IdleWatch, Outbox
from pytest_smtpserver.server.io.loop_channel import LoopChannel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ended = list[Outcome | Exception]


ENDS = ("half_close", "close_at_once", "reset")


class Pair:
    """A channel, and the client at its other end."""

    def __init__(self, outbox: Outbox, idle_watch: IdleWatch) -> None:
        self.client, ours = socket.socketpair()
        self.client.setblocking(False)
        ours.setblocking(False)
        self.channel = LoopChannel(ours, outbox, idle_watch)
        self.ended: Ended = []
        self.sent = 0

    def serve(self, process: Callable[[bytes], bytes | None]) -> None:
        """Answer what the client says."""
        self.channel.listen(process, self.ended.append, sent=self._count)

    def _count(self) -> None:
        self.sent += 1

    def has(self) -> bytes:
        """What has come to the client by now; ``b"FIN"`` for the end."""
        try:
            return self.client.recv(1000) or b"FIN"
        except BlockingIOError:
            return b""


def with_pairs(test: Callable[[Pair, Pair], Awaitable[None]]) -> None:
    """Run a test with two clients of one server, and close what is left of them."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        outbox, idle_watch = Outbox(loop), IdleWatch(loop)
        first, second = Pair(outbox, idle_watch), Pair(outbox, idle_watch)
        with ExitStack() as at_end:
            for pair in (first, second):
                at_end.callback(pair.client.close)
                at_end.callback(pair.channel.close_at_once)
            await test(first, second)
        assert outbox.clients == 0

    asyncio.run(run())


async def turns() -> None:
    """Let the loop see what there is, and do all that follows from it."""
    for _ in range(6):
        await asyncio.sleep(0)


def test_no_reply_leaves_before_all_of_the_turn_are_made() -> None:
    seen = []

    async def test(first: Pair, second: Pair) -> None:
        def process(data: bytes) -> bytes:
            seen.append(first.has() + second.has())
            return b"250 " + data

        for pair, line in ((first, b"one"), (second, b"two")):
            pair.serve(process)
            pair.client.send(line)
        await turns()
        assert seen == [b"", b""]
        assert (first.has(), second.has()) == (b"250 one", b"250 two")
        assert (first.sent, second.sent) == (1, 1)

    with_pairs(test)


@pytest.mark.parametrize("alone", [True, False])
def test_only_a_client_that_is_alone_has_its_reply_at_once(*, alone: bool) -> None:
    async def test(first: Pair, second: Pair) -> None:
        found: list[bytes] = []

        def process(_: bytes) -> bytes:
            asyncio.get_running_loop().call_soon(lambda: found.append(first.has()))
            return b"250 ok"

        if alone:
            second.channel.close_at_once()
        first.serve(process)
        first.client.send(b"NOOP")
        await turns()
        assert [*found, first.has()] == (
            [b"250 ok", b""] if alone else [b"", b"250 ok"]
        )

    with_pairs(test)


@pytest.mark.parametrize(
    "how", ["interrupt", "half_close", "close_at_once", "send", "reset"]
)
def test_what_is_done_to_a_channel_meanwhile_comes_behind_its_reply(how: str) -> None:
    async def test(first: Pair, second: Pair) -> None:
        def meanwhile(_: bytes) -> bytes:
            assert first.has() == b""
            if how == "send":
                assert first.channel.try_send(b"421 bye") == b""
            elif how == "reset":
                with pytest.raises(StopIteration):
                    first.channel.reset().send(None)
            else:
                getattr(first.channel, how)()
            found.append(first.has())
            return b""

        found: list[bytes] = []
        first.serve(lambda _: b"250 ok")
        second.serve(meanwhile)
        first.client.send(b"NOOP")
        second.client.send(b"NOOP")
        await turns()
        expected = b"250 ok421 bye" if how == "send" else b"250 ok"
        assert found == [expected]
        assert first.has() == (b"FIN" if how in ENDS else b"")
        assert first.ended == ([Outcome.INTERRUPTED] if how == "interrupt" else [])
        assert first.sent == 1

    with_pairs(test)


def test_what_one_client_brings_about_does_not_keep_the_others_waiting() -> None:
    async def test(first: Pair, second: Pair) -> None:
        reported: list[dict[str, object]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: reported.append(context))

        def fail() -> None:
            raise ZeroDivisionError

        first.channel.listen(lambda _: b"250 ok", first.ended.append, sent=fail)
        second.serve(lambda _: b"250 ok")
        first.client.send(b"NOOP")
        second.client.send(b"NOOP")
        await turns()
        assert (first.has(), second.has()) == (b"250 ok", b"250 ok")
        assert [type(each["exception"]) for each in reported] == [ZeroDivisionError]

    with_pairs(test)


def test_a_client_that_is_gone_before_its_reply_leaves() -> None:
    async def test(first: Pair, second: Pair) -> None:
        def gone(_: bytes) -> bytes:
            first.client.close()
            return b"250 ok"

        first.serve(lambda _: b"250 ok")
        second.serve(gone)
        first.client.send(b"NOOP")
        second.client.send(b"NOOP")
        await turns()
        assert first.ended == [Outcome.BROKEN]
        assert second.has() == b"250 ok"

    with_pairs(test)
