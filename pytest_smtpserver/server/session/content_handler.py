"""A handler that reads content while it arrives, beside the pump of its connection.

The handler is a task of its own. The pump reads from the client only when the handler
has asked for content, or has stopped asking: so a handler that takes its time holds the
client up, and nothing piles up here. Beside that the pump works as ever: between the
chunks of BDAT there are commands, and there may be rules for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from pytest_smtpserver.protocol.state.events import Event

    from .connection import Connection


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
        self.abandoned = False

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
    """A running handler at ``"CONTENT"``.

    Args:
        connection: whose content it reads.
        chunks: what it reads from.
        handler: the function of the test's.
    """

    def __init__(
        self,
        connection: Connection,
        chunks: ContentStream,
        handler: Callable[..., Any],
    ) -> None:
        self._connection = connection
        self._chunks = chunks
        self._handler = handler
        self._scope = anyio.CancelScope()
        self._done = anyio.Event()
        self._reply: Reply | None = None
        self._piece: bytes | None = None
        self._complete = False

    async def begin(self, awaitable: Awaitable[Any]) -> None:
        """Start it, and go on once it asks for content or has returned."""
        self._connection.engine.pass_content_on = True
        self._connection.context.spawn(self._run(awaitable))
        await self._chunks.asked()

    async def _run(self, awaitable: Awaitable[Any]) -> None:
        connection = self._connection
        try:
            with self._scope:
                self._reply = checked_reply(await awaitable, self._handler)
        except ContentIncomplete:
            self._reply = None  # it has noticed that the client is gone
        except Exception as error:  # noqa: BLE001 - it is the test's, and goes there
            connection.context.fault(error)
            self._reply = standard.INTERNAL
        finally:
            # What is left of the content is read without it.
            if connection.content is self:
                connection.engine.pass_content_on = False
            self._chunks.abandon()
            self._done.set()

    # What the pump does with it

    def takes(self, event: Event) -> bool:
        """Whether the event is its own; then `attend` has to be awaited."""
        if event.name == "CHUNK":
            if self._chunks.abandoned:
                return False
            assert isinstance(event.data, bytes)
            self._piece = event.data
            return True
        if event.name == "MESSAGE":
            self._connection.held = event
            self._complete = True
            return True
        return False

    @property
    def due(self) -> bool:
        """`attend` has something to do."""
        return self._piece is not None or self._complete

    async def attend(self) -> Reply | None:
        """Hand a piece over, or wait for the handler to be done; its reply then."""
        if self._piece is not None:
            piece, self._piece = self._piece, None
            await self._chunks.hand_over(piece)
            return None
        self._chunks.end()
        await self._done.wait()
        connection = self._connection
        connection.content = None
        connection.engine.pass_content_on = False
        reply = self._reply
        if (
            reply is not None
            and reply.is_positive
            and connection.engine.sink.overflowed
        ):
            return None  # it is not whole, so nobody can have accepted it
        return reply

    def give_up(self, why: str) -> None:
        """The content will never be complete."""
        self._connection.engine.pass_content_on = False
        self._chunks.end(why)

    def cancel(self) -> None:
        """Stop it, whatever it is doing."""
        self._scope.cancel()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - then it is stopped
        """Wait until it is done; after `timeout` seconds it is stopped."""
        with anyio.move_on_after(timeout):
            await self._done.wait()
        self.cancel()
        await self._done.wait()


async def begin_content(
    connection: Connection,
    awaitable: Awaitable[Any],
    chunks: ContentStream,
    handler: Callable[..., Any],
) -> None:
    """Let a handler read the content that is coming in; its pump has gone on then."""
    connection.content = ContentHandler(connection, chunks, handler)
    await connection.content.begin(awaitable)


def checked_reply(result: object, handler: Callable[..., Any]) -> Reply | None:
    """What a handler has returned.

    Raises:
        TypeError: it is neither a `Reply` nor None.
    """
    if result is not None and not isinstance(result, Reply):
        name = getattr(handler, "__qualname__", repr(handler))
        raise TypeError(
            f"a handler returns a Reply or None: {name} returned {result!r}"
        )
    return result
