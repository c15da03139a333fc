"""What rules want of content that comes in: a reader, a cut, a pace.

A handler that reads content while it arrives is a task of its own, beside the one that
serves the connection. The connection reads from the client only when the handler has
asked for content, or has stopped asking: so a handler that takes its time holds the
client up, and nothing piles up here. Between the chunks of BDAT there are commands, and
there may be rules for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import anyio

from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply
from pytest_smtpserver.script.mistakes import place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from pytest_smtpserver.protocol.engine import SmtpEngine
    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.server.io.clock import Pace


class ContentIncomplete(ConnectionError):  # noqa: N818 - the client's doing
    """The content has ended before it was complete.

    Raised by `Event.chunks` in a handler. A handler that lets it pass has done nothing
    wrong: nobody waits for its reply any more.
    """


class ContentStream:
    """Content from hand to hand: `Event.chunks`.

    For one reader. A piece is handed over when the reader asks for it, and the next one
    is read from the client when the reader asks again.
    """

    def __init__(self) -> None:
        self._piece: bytes | None = None
        #: Set while the reader waits, and for good when there is no reader any more.
        self._asked = anyio.Event()
        #: Set while a piece lies here, and for good at the end.
        self._arrived = anyio.Event()
        self._ended = False
        self._failure: str | None = None
        self.abandoned: bool = False

    def __aiter__(self) -> ContentStream:
        return self

    async def __anext__(self) -> bytes:
        if self._piece is None and not self._ended:
            self._asked.set()
            await self._arrived.wait()
        piece, self._piece = self._piece, None
        if piece is not None:
            if not self._ended:
                self._arrived = anyio.Event()
            return piece
        if self._failure is not None:
            raise ContentIncomplete(self._failure)
        raise StopAsyncIteration

    async def asked(self) -> None:
        """Wait until the reader wants content, or is gone."""
        await self._asked.wait()

    async def hand_over(self, piece: bytes) -> None:
        """Give a piece to the reader that asked, and wait until it asks again."""
        if self.abandoned:
            return
        self._piece = piece
        self._asked = anyio.Event()
        self._arrived.set()
        await self.asked()

    def abandon(self) -> None:
        """There is no reader any more."""
        self.abandoned = True
        self.end("the handler has returned")
        self._asked.set()

    def end(self, failure: str | None = None) -> None:
        """No more content comes; with a reason why it is not complete."""
        if not self._ended:
            self._ended = True
            self._failure = failure
            self._arrived.set()


class ContentHandler:
    """A running handler at ``"CONTENT"``; `fault` keeps what it raises."""

    def __init__(
        self,
        chunks: ContentStream,
        handler: Callable[..., Any],
        fault: Callable[[Exception], None],
    ) -> None:
        self.chunks = chunks
        self._handler = handler
        self._fault = fault
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._reply: Reply | None = None

    async def run(self, awaitable: Awaitable[Any], over: Callable[[], None]) -> None:
        """Let it read; `over` is called when it has returned."""
        try:
            with self._scope:
                self._reply = checked_reply(await awaitable, self._handler)
        except ContentIncomplete:
            self._reply = None  # it has noticed that the client is gone
        except Exception as error:  # noqa: BLE001 - it is the test's, and goes there
            self._fault(error)
            self._reply = standard.INTERNAL
        finally:
            over()
            self.chunks.abandon()
            self._done.set()

    async def finish(self) -> Reply | None:
        """The content is whole: wait until the handler has returned; its reply."""
        self.chunks.end()
        await self._done.wait()
        return self._reply

    def cancel(self) -> None:
        """Stop it, whatever it is doing."""
        self._scope.cancel()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - then it is stopped
        """Wait until it is done; after `timeout` seconds it is stopped."""
        with anyio.move_on_after(timeout):
            await self._done.wait()
        self.cancel()
        await self._done.wait()


class Cut(NamedTuple):
    """Where content or a handshake is cut short.

    `after` is how many octets of it are let through, `how` one of ``"disconnect"``,
    ``"reset"`` and ``"half_close"``; `by` names the rule.
    """

    after: int
    how: str
    by: str


class Incoming:
    """What rules want of the content of one connection."""

    __slots__ = (
        "_cut",
        "_cut_reached",
        "_engine",
        "_pace_reading",
        "_piece",
        "_reader",
        "_whole",
        "abandoned",
        "slowed_by",
    )

    def __init__(
        self, engine: SmtpEngine, pace_reading: Callable[[Pace | None], None]
    ) -> None:
        self._engine = engine
        self._pace_reading = pace_reading
        self._cut: Cut | None = None
        self._cut_reached = False
        self._reader: ContentHandler | None = None
        #: Content that the reader is to get next.
        self._piece: bytes | None = None
        #: The reader has got all of it, and its reply is due.
        self._whole = False
        #: The rule that has the content read slowly, in words.
        self.slowed_by: str = ""
        #: Handlers that have to come to an end, as their content is not complete.
        self.abandoned: list[ContentHandler] = []

    @property
    def has_reader(self) -> bool:
        """A handler reads the content, or has still to come to an end."""
        return self._reader is not None or bool(self.abandoned)

    # Reading slowly

    def slow_down(self, pace: Pace, by: str) -> None:
        """Read no faster than that until the content has come."""
        self.slowed_by = by
        self._pace_reading(pace)

    # The cut

    def cut_at(self, cut: Cut) -> None:
        """End the connection when so much of the content has come."""
        self._cut = cut

    def reaches_cut(self, event: Event | None) -> bool:
        """Whether the content has come as far as where it is cut; see `take_cut`.

        The event, where there is one, is about to be answered.
        """
        cut = self._cut
        if cut is None:
            return False
        octets = self._engine.session.sink.octets
        whole = event is not None and event.name == "MESSAGE"
        if whole and not self._engine.session.sink.chunks:
            octets -= 3  # the dot that ends it is no content (RFC 5321 §4.1.1.4)
        self._cut_reached = octets >= cut.after
        if whole and not self._cut_reached:
            self._cut = None
        return self._cut_reached

    @property
    def cut_is_due(self) -> bool:
        """The content has come as far as where it is cut."""
        return self._cut_reached and self._cut is not None

    def take_cut(self) -> Cut:
        """The cut that is due."""
        cut, self._cut, self._cut_reached = self._cut, None, False
        assert cut is not None
        return cut

    # The reader

    async def read_by(
        self,
        reader: ContentHandler,
        awaitable: Awaitable[Any],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        """Start a handler, and go on once it asks for content or has returned."""

        def over() -> None:
            if self._reader is reader:  # what is left is read without it
                self._pass_on(False)

        self._reader, self._piece, self._whole = reader, None, False
        self._pass_on(True)
        spawn(reader.run(awaitable, over))
        await reader.chunks.asked()

    def goes_to_reader(self, event: Event) -> bool:
        """Whether a handler reads that; then `attend` has to be awaited."""
        reader = self._reader
        if reader is None:
            return False
        if event.name == "MESSAGE":
            self._whole = True
            return True
        if event.name != "CHUNK" or reader.chunks.abandoned:
            return False
        assert isinstance(event.data, bytes)
        self._piece = event.data
        return True

    @property
    def reader_is_due(self) -> bool:
        """`attend` has something to do."""
        return self._reader is not None and (self._piece is not None or self._whole)

    async def attend(self) -> Reply | None:
        """Hand a piece over, or wait for the handler to be done; its reply then."""
        reader = self._reader
        assert reader is not None
        if self._piece is not None:
            piece, self._piece = self._piece, None
            await reader.chunks.hand_over(piece)
            return None
        reply = await reader.finish()
        self._reader = None
        self._pass_on(False)
        if (
            reply is not None
            and reply.is_positive
            and not self._engine.session.sink.is_whole
        ):
            return None  # it is not whole, so nobody can have accepted it
        return reply

    # The end

    def give_up(self, why: str) -> None:
        """The content that a handler reads will not be complete."""
        if self._reader is not None:
            self._pass_on(False)
            self._reader.chunks.end(why)
            self.abandoned.append(self._reader)
            self._reader = None

    def end(self, why: str) -> None:
        """The transaction is over."""
        self.give_up(why)
        if self.slowed_by:
            self.slowed_by = ""
            self._pace_reading(None)
        self._cut = None

    def cancel(self) -> None:
        """Stop the handler that reads, whatever it is doing."""
        if self._reader is not None:
            self._reader.cancel()

    def _pass_on(self, on: bool) -> None:
        self._engine.pass_content_on = on


def checked_reply(result: object, handler: Callable[..., Any]) -> Reply | None:
    """What a handler has returned.

    Raises:
        TypeError: it is neither a `Reply` nor None.
    """
    if result is not None and not isinstance(result, Reply):
        __tracebackhide__ = True
        name = getattr(handler, "__qualname__", repr(handler))
        code = getattr(handler, "__code__", None)
        at = f" at {place(code.co_filename, code.co_firstlineno)}" if code else ""
        raise TypeError(
            f"a handler returns a Reply or None: {name} returned {result!r}{at}; "
            "a reply is made by Reply(550, 'No such user')"
        )
    return result
