"""Performs what a rule decided: the one place where its actions have an effect."""

from __future__ import annotations

import inspect
import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol.state.events import Event
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply
from pytest_smtpserver.script.actions import (
    Call,
    Close,
    Delay,
    Hang,
    Keep,
    SendBytes,
    SendReply,
    Throttle,
)
from pytest_smtpserver.script.event import Event as ScriptEvent
from pytest_smtpserver.server.io.pace import Pace

from .content_handler import ContentStream, begin_content, checked_reply
from .intents import Cut, Due
from .origin import origin
from .pausing import pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

    from pytest_smtpserver.script.actions import Action
    from pytest_smtpserver.script.script import Decision

    from .connection import Connection

_ENDINGS = {
    "disconnect": "the server closed the connection, as {} says",
    "reset": "the server reset the connection, as {} says",
}


class Performer:
    """Performs the actions of rules on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._due: Due
        self._by = ""
        self._answered = False
        #: What `.send` has sent at this event; None when it was not asked to.
        self._raw: bytes | None = None

    async def perform(self, due: Due) -> None:
        """Do what the rule wants, in order; what it leaves open happens as usual."""
        connection = self._connection
        self._due = due
        self._by = origin(due.decision.rule)
        self._answered = False
        self._raw = None
        for action in due.decision.actions:
            if isinstance(action, Keep):
                # It goes for the reply, also for one that stands before it.
                connection.delivery.kept = action.stored
        for action in due.decision.actions:
            await self._perform(action)
            if connection.ending is not None:
                break
        if not self._answered:
            if self._raw is not None or connection.ending is not None:
                self._answer_nothing()
            else:
                connection.let_be(due.event)
        connection.delivery.kept = None

    async def _perform(self, action: Action) -> None:
        connection, event = self._connection, self._due.event
        match action:
            case SendReply():
                reply = action.reply or connection.engine.usual_reply(
                    action.code, event
                )
                self._reply(reply)
            case SendBytes():
                self._send(action.data)
            case Delay():
                await self._pause(action.seconds)
            case Hang():
                await self._pause(math.inf)
            case Throttle():
                await self._throttle(action.bytes_per_second)
            case Keep():
                connection.delivery.kept = action.stored
            case Call():
                await self._call(action.handler)
            case Close(how=how, after=None):
                await self.close(Cut(0, how, self._by))
            case Close(how=how, after=int() as after):
                connection.cut = Cut(after, how, self._by)

    # Replies

    def _reply(self, reply: Reply, user: object = None) -> None:
        connection, event = self._connection, self._due.event
        if event.sent and event.proposed is not None and not self._answered:
            # It was answered before its content was whole; this one comes on top.
            self._answered = True
            connection.answer(event, event.proposed, by=self._by)
        if self._answered or event.proposed is None:
            self._reply_out_of_turn(reply)
            return
        self._answered = True
        if event.follow == "MESSAGE":
            # The reply to the last chunk is the reply to the message (RFC 3030 §2).
            connection.complete(event, reply, self._by)
            return
        connection.answer(event, reply, by=self._by, user=user)

    def _reply_out_of_turn(self, reply: Reply) -> None:
        connection, name = self._connection, self._due.event.name
        if not self._answered and name == "CONTENT":
            early = connection.engine.reply_early(reply)
            connection.send_raw(early * self._replies_due(reply), self._by)
        elif not self._answered and name == "SECURE" and not reply.is_positive:
            connection.send_raw(connection.engine.refuse(reply), self._by)
        else:
            connection.send_raw(reply.encode(), self._by)
        self._answered = True

    def _replies_due(self, reply: Reply) -> int:
        """How many replies there are to the content (RFC 2033 §4.2)."""
        engine = self._connection.engine
        if not engine.settings.lmtp or engine.envelope is None or reply.code == 421:
            return 1
        return len(engine.envelope.rcpt_to)

    def _send(self, data: bytes) -> None:
        """Send bytes; the session goes by the first whole reply in them."""
        connection = self._connection
        self._raw = (self._raw or b"") + data
        if not (self._answered or connection.mute):
            reply = Reply.from_wire(self._raw)
            if reply is not None:
                self._answered = True
                self._go_by(reply)
        connection.send_raw(data, self._by)

    def _go_by(self, reply: Reply) -> None:
        """Move the session by a reply whose bytes are sent as they are."""
        connection, event = self._connection, self._due.event
        if event.follow == "MESSAGE":
            connection.complete(event, reply, self._by, raw=True)
        elif event.proposed is not None:
            connection.answer(event, reply, by=self._by, raw=True)
        elif event.name == "CONTENT":
            connection.engine.reply_early(reply)
        elif event.name == "SECURE" and not reply.is_positive:
            connection.engine.refuse(reply)

    def _answer_nothing(self) -> None:
        event = self._due.event
        self._answered = True
        if event.proposed is not None:
            self._connection.leave_unanswered(event)

    # Time

    async def _pause(self, seconds: float) -> None:
        """Send what was said so far, and wait."""
        await self._connection.flush()
        await pause(self._connection, seconds)

    async def _throttle(self, rate: float) -> None:
        connection = self._connection
        pace = Pace(rate, anyio.current_time())
        if self._due.event.name != "CONTENT":
            connection.pace = pace
            return
        connection.slow_down(pace, self._by)
        # What came along with a BDAT is here already, and has to take its time too.
        come = connection.engine.buffered
        pace.spend(come)
        await self._pause(come / rate)

    # Ends

    async def close(self, cut: Cut) -> None:
        """Close the connection, or our half of it."""
        connection = self._connection
        await connection.flush()
        if cut.how == "half_close":
            connection.channel.half_close()
            connection.mute = True
        else:
            ending = _ENDINGS[cut.how].format(cut.by)
            connection.end("server", ending, reset=cut.how == "reset")

    # Moments that the engine knows nothing of

    async def before_handshake(self) -> None:
        """Do what rules want before the client's first octet of TLS is read."""
        connection = self._connection
        script = connection.context.script
        if not script.rules_for("HANDSHAKE"):
            return
        seen = ScriptEvent("HANDSHAKE", connection.record)
        decision = self._decide(seen)
        if decision is not None:
            connection.due = Due(Event("HANDSHAKE"), seen, decision)
            await self.perform(connection.due)
            connection.due = None
            await connection.flush()

    async def after_close(self) -> None:
        """Let the test know that the connection has ended.

        Nothing else ends a handler here, so it gets ``close_timeout``.
        """
        connection = self._connection
        context = connection.context
        if not context.script.rules_for("CLOSE"):
            return
        seen = ScriptEvent("CLOSE", connection.record)
        decision = self._decide(seen)
        seconds = context.options.close_timeout
        for action in decision.actions if decision is not None else ():
            if isinstance(action, Call):
                with anyio.move_on_after(seconds) as scope:
                    await self._ask(action.handler, seen)
                if scope.cancelled_caught:
                    context.fault(
                        TimeoutError(
                            f"{action} at 'CLOSE' took longer than close_timeout, "
                            f"which is {seconds:g} seconds"
                        )
                    )

    def _decide(self, seen: ScriptEvent) -> Decision | None:
        """Ask the script at a moment without a reply."""
        context = self._connection.context
        try:
            return context.script.decide(seen)
        except Exception as error:  # noqa: BLE001 - a matcher is the test's
            context.fault(error)
            return None

    # Handlers

    async def _call(self, handler: Callable[[ScriptEvent], Any]) -> None:
        seen = self._due.seen
        await self._connection.flush()  # what stands before it in the chain
        if self._due.event.name == "CONTENT":
            seen.given_chunks = ContentStream()
        reply = await self._ask(handler, seen)
        if seen.kept is not None:
            self._connection.delivery.kept = seen.kept
        if seen.decided is not None:
            self._reply(seen.decided, user=seen.user)
        elif reply is None or self._due.event.name == "HANDSHAKE":
            return  # what comes next is TLS, and no reply
        elif self._due.event.name == "CONTENT":
            self._connection.delivery.content_reply = reply
        else:
            self._reply(reply)

    async def _ask(
        self, handler: Callable[[ScriptEvent], Any], seen: ScriptEvent
    ) -> Reply | None:
        try:
            with _contained(handler):
                result = handler(seen)
            if inspect.isawaitable(result):
                result = _contain(result, handler)
                if isinstance(chunks := seen.given_chunks, ContentStream):
                    await begin_content(self._connection, result, chunks, handler)
                    return None
                result = await result
            return checked_reply(result, handler)
        except Exception as error:  # noqa: BLE001 - it is the test's, and goes there
            self._connection.context.fault(error)
            return standard.INTERNAL


@contextmanager
def _contained(handler: Callable[..., Any]) -> Iterator[None]:
    """Let nothing out of a handler that would end more than the handler.

    `sys.exit` would end the event loop of all servers; what `pytest.fail` and
    `pytest.skip` raise is no `Exception` either.

    Raises:
        RuntimeError: the handler raised one of these.
    """
    try:
        yield
    except (Exception, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class()):
            raise
        name = getattr(handler, "__qualname__", repr(handler))
        raise RuntimeError(
            f"the handler {name} raised {type(error).__name__}: {error}"
        ) from error


async def _contain(awaitable: Awaitable[Any], handler: Callable[..., Any]) -> Any:
    with _contained(handler):
        return await awaitable
