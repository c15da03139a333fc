"""Performs what a rule decided: the one place where its actions have an effect."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol import standard
from pytest_smtpserver.protocol.replies import Reply
from pytest_smtpserver.script.actions import (
    Call,
    Close,
    Delay,
    Hang,
    Keep,
    SendBytes,
    SendReply,
)
from pytest_smtpserver.script.event import Event as ScriptEvent

from .channel import Outcome
from .content_handler import ContentStream, begin_content, checked_reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pytest_smtpserver.script.actions import Action
    from pytest_smtpserver.script.rules import Rule

    from .connection import Connection
    from .pending import Due

_ENDINGS = {
    "disconnect": "the server closed the connection, as {} says",
    "reset": "the server reset the connection, as {} says",
}


class Performer:
    """Performs the actions of rules on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        #: What a rule says about keeping the message; None for nothing.
        self.kept: bool | None = None
        #: The reply to the message, where a handler has made it at ``"CONTENT"``.
        self.content_reply: Reply | None = None
        self._due: Due
        self._by = ""
        self._answered = False
        self._raw = b""

    async def perform(self, due: Due) -> None:
        """Do what the rule wants, in order; what it leaves open happens as usual."""
        connection = self._connection
        self._due = due
        self._by = origin(due.decision.rule)
        self._answered = False
        self._raw = b""
        for action in due.decision.actions:
            await self._perform(action)
            if connection.ending is not None:
                break
        if not self._answered:
            if self._raw or connection.ending is not None:
                self._answer_nothing()
            else:
                connection.let_be(due.event)
        self.kept = None

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
                await self._hang()
            case Keep():
                self.kept = action.stored
            case Call():
                await self._call(action.handler)
            case Close():
                await self._close(action)

    # Replies

    def _reply(self, reply: Reply, user: object = None) -> None:
        connection, event = self._connection, self._due.event
        if self._answered or event.proposed is None:
            self._reply_out_of_turn(reply)
            return
        self._answered = True
        if event.follow == "MESSAGE":
            # The reply to the last chunk is the reply to the message (RFC 3030 §2).
            connection.engine.proceed()
            self.content_reply = reply
            return
        connection.answer(event, reply, by=self._by, user=user)

    def _reply_out_of_turn(self, reply: Reply) -> None:
        connection, name = self._connection, self._due.event.name
        if not self._answered and name == "CONTENT":
            connection.send_raw(connection.engine.reply_early(reply), self._by)
        elif not self._answered and name == "SECURE" and not reply.is_positive:
            connection.send_raw(connection.engine.refuse(reply), self._by)
        else:
            connection.send_raw(reply.encode(), self._by)
        self._answered = True

    def _send(self, data: bytes) -> None:
        """Send bytes; the session goes by the first whole reply in them."""
        connection, event = self._connection, self._due.event
        self._raw += data or b" "
        if not self._answered and event.proposed is not None:
            reply = Reply.from_wire(self._raw.strip(b" "))
            if reply is not None:
                self._answered = True
                connection.settle(event, reply, by=self._by)
        connection.send_raw(data, self._by)

    def _answer_nothing(self) -> None:
        event = self._due.event
        self._answered = True
        if event.proposed is not None:
            self._connection.leave_unanswered(event)

    # Time

    async def _pause(self, seconds: float) -> None:
        """Wait, and go on reading: what comes is answered later."""
        connection = self._connection
        await connection.flush()
        await anyio.sleep(seconds)

    async def _hang(self) -> None:
        connection = self._connection
        await connection.flush()
        outcome = Outcome.ATTENTION
        while outcome is Outcome.ATTENTION:
            outcome = await connection.channel.exchange(self._swallow)
        if outcome in (Outcome.EOF, Outcome.BROKEN):
            connection.end("client", f"the client gave up waiting ({outcome.value})")
        else:
            connection.end("server", "the server was stopped")

    def _swallow(self, data: bytes) -> bytes:
        self._connection.take(data)
        return b""

    # Ends

    async def _close(self, action: Close) -> None:
        connection = self._connection
        if action.how == "half_close":
            await connection.flush()
            connection.channel.half_close()
            return
        connection.end(
            "server", _ENDINGS[action.how].format(self._by), reset=action.how == "reset"
        )
        if action.how == "reset":
            await connection.flush()

    async def after_close(self) -> None:
        """Let the test know that the connection has ended."""
        connection = self._connection
        script = connection.context.script
        if not script.rules_for("CLOSE"):
            return
        seen = ScriptEvent("CLOSE", connection.record)
        decision = script.decide(seen)
        for action in decision.actions if decision is not None else ():
            if isinstance(action, Call):
                await self._ask(action.handler, seen)

    # Handlers

    async def _call(self, handler: Callable[[ScriptEvent], Any]) -> None:
        seen = self._due.seen
        if self._due.event.name == "CONTENT":
            seen.given_chunks = ContentStream()
        reply = await self._ask(handler, seen)
        if seen.kept is not None:
            self.kept = seen.kept
        if seen.decided is not None:
            self._reply(seen.decided, user=seen.user)
        elif reply is None:
            return
        elif self._due.event.name == "CONTENT":
            self.content_reply = reply
        else:
            self._reply(reply)

    async def _ask(
        self, handler: Callable[[ScriptEvent], Any], seen: ScriptEvent
    ) -> Reply | None:
        try:
            result = handler(seen)
            if inspect.isawaitable(result):
                if isinstance(chunks := seen.given_chunks, ContentStream):
                    await begin_content(self._connection, result, chunks, handler)
                    return None
                result = await result
            return checked_reply(result, handler)
        except Exception as error:  # noqa: BLE001 - it is the test's, and goes there
            self._connection.context.fault(error)
            return standard.INTERNAL


def origin(rule: Rule) -> str:
    """A rule in words, for transcripts and explanations."""
    if rule.made_at.startswith("the "):
        return rule.made_at
    return f"the rule made at {rule.made_at}"
