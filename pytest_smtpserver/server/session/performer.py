"""Performs what a rule decided: the one place where its actions have an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

import anyio

from pytest_smtpserver.protocol.state.events import Event
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
from pytest_smtpserver.server.io.background import BEFORE_A_WAIT
from pytest_smtpserver.server.io.clock import STANDSTILL, Pace

from .content_handler import ContentStream, Cut
from .dialogue import Due
from .handlers import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pytest_smtpserver.script.actions import Action
    from pytest_smtpserver.script.script import Decision

    from .attendant import Attendant

#: Seconds that `hang` lasts at most, or `idle_timeout` where that is longer.
LONGEST_HANG = 60.0

_ENDINGS = {
    "disconnect": "the server closed the connection, as {} says",
    "reset": "the server reset the connection, as {} says",
}


class Performer:
    """Performs the actions of one rule at one event."""

    def __init__(self, attendant: Attendant, due: Due) -> None:
        self._attendant = attendant
        self._dialogue = attendant.dialogue
        self._due = due
        self._by = due.by
        self._answered = False
        #: What `.send` has sent at this event; None when it was not asked to.
        self._raw: bytes | None = None
        #: Where a handshake is to be cut short.
        self.cut: Cut | None = None

    async def perform(self) -> None:
        """Do what the rule wants, in order; what it leaves open happens as usual."""
        dialogue, actions = self._dialogue, self._due.decision.actions
        for call in BEFORE_A_WAIT:
            call()
        for action in actions:
            if isinstance(action, Keep):
                # It goes for the reply, also for one that stands before it.
                dialogue.delivery.keep(action.stored)
        for action in actions:
            await self._perform(action)
            if dialogue.ending is not None:
                break
        if not self._answered:
            event = self._due.event
            if self._raw is None and dialogue.ending is None:
                dialogue.let_be(event)
            elif event.proposed is not None:
                dialogue.leave_unanswered(event)
        dialogue.delivery.keep(None)
        dialogue.done()

    async def _perform(self, action: Action) -> None:
        dialogue, event = self._dialogue, self._due.event
        match action:
            case SendReply():
                reply = action.reply or dialogue.engine.usual_reply(action.code, event)
                self._reply(reply)
            case SendBytes():
                self._send(action.data)
            case Delay():
                await self._pause(action.seconds)
            case Hang():
                await self._hang()
            case Throttle():
                await self._throttle(action.bytes_per_second)
            case Keep():
                dialogue.delivery.keep(action.stored)
            case Call():
                await self._call(action.handler)
            case Close():
                await self._close(action)
            case _:
                assert_never(action)  # mypy names an action that has no case here

    async def _close(self, action: Close) -> None:
        in_content = self._due.event.name == "CONTENT"
        if action.after is None:
            spoke = self._answered or bool(self._raw) or self._dialogue.has_output
            cut = Cut(0, action.how, self._by)
            await close(self._attendant, cut, lingers=spoke and not in_content)
            return
        self.cut = Cut(action.after, action.how, self._by)
        if in_content:
            self._dialogue.incoming.cut_at(self.cut)

    # Replies

    def _reply(self, reply: Reply, user: object = None) -> None:
        dialogue, event = self._dialogue, self._due.event
        if event.sent and event.proposed is not None and not self._answered:
            # It was answered before its content was whole; this one comes on top.
            self._answered = True
            dialogue.answer(event, event.proposed, by=self._by)
        if self._answered or event.proposed is None:
            self._reply_out_of_turn(reply)
            return
        self._answered = True
        if event.follow == "MESSAGE":
            # The reply to the last chunk is the reply to the message (RFC 3030 §2).
            dialogue.complete(event, reply, self._by)
            return
        dialogue.answer(event, reply, by=self._by, user=user)

    def _reply_out_of_turn(self, reply: Reply) -> None:
        dialogue, name = self._dialogue, self._due.event.name
        if not self._answered and name == "CONTENT":
            early = dialogue.engine.reply_early(reply)
            dialogue.send_raw(early * self._replies_due(reply), self._by)
        elif not self._answered and name == "SECURE" and not reply.is_positive:
            dialogue.send_raw(dialogue.engine.refuse(reply), self._by)
        else:
            dialogue.send_raw(reply.encode(), self._by)
        self._answered = True

    def _replies_due(self, reply: Reply) -> int:
        """How many replies there are to the content (RFC 2033 §4.2)."""
        session = self._dialogue.engine.session
        if not session.settings.lmtp or session.envelope is None or reply.code == 421:
            return 1
        return len(session.envelope.rcpt_to)

    def _send(self, data: bytes) -> None:
        """Send bytes; the session goes by the first whole reply in them."""
        self._raw = (self._raw or b"") + data
        if not (self._answered or self._dialogue.mute):
            reply = Reply.from_wire(self._raw)
            if reply is not None:
                self._answered = True
                self._go_by(reply)
        self._dialogue.send_raw(data, self._by)

    def _go_by(self, reply: Reply) -> None:
        """Move the session by a reply whose bytes are sent as they are."""
        dialogue, event = self._dialogue, self._due.event
        if event.follow == "MESSAGE":
            dialogue.complete(event, reply, self._by, raw=True)
        elif event.proposed is not None:
            dialogue.answer(event, reply, by=self._by, raw=True)
        elif event.name == "CONTENT":
            dialogue.engine.reply_early(reply)
        elif event.name == "SECURE" and not reply.is_positive:
            dialogue.engine.refuse(reply)

    # Time

    async def _pause(self, seconds: float, *, patient: bool = True) -> None:
        await self._attendant.flush()
        await self._attendant.pause(seconds, patient=patient)

    async def _hang(self) -> None:
        """Say nothing more; in the end close, for clients that would wait for ever."""
        longest = max(LONGEST_HANG, self._attendant.context.options.idle_timeout)
        await self._pause(longest, patient=False)
        while self._dialogue.ending is None and STANDSTILL.excuses(longest):
            await self._pause(longest, patient=False)
        if self._dialogue.ending is None:
            self._dialogue.recorder.note(
                f"hang() has ended after {longest:g} s: give the client a time-out"
            )
            await self._close(Close("disconnect"))

    async def _throttle(self, rate: float) -> None:
        pace = Pace(rate, anyio.current_time())
        if self._due.event.name != "CONTENT":
            self._attendant.line.slow_down(pace)
            return
        self._dialogue.incoming.slow_down(pace, self._by)
        # What came along with a BDAT is here already, and has to take its time too.
        come = self._dialogue.engine.buffered
        pace.spend(come)
        await self._pause(come / rate)

    # Handlers

    async def _call(self, handler: Callable[[ScriptEvent], Any]) -> None:
        dialogue, seen, name = self._dialogue, self._due.seen, self._due.event.name
        await self._attendant.flush()  # what stands before it in the chain
        if name == "CONTENT":
            seen.given_chunks = ContentStream()
        reply = await ask(handler, seen, self._attendant.context, dialogue.incoming)
        if seen.kept is not None:
            dialogue.delivery.keep(seen.kept)
        if seen.decided is not None:
            self._reply(seen.decided, user=seen.user)
        elif reply is None or name == "HANDSHAKE":
            return  # what comes next is TLS, and no reply
        elif name == "CONTENT":
            dialogue.delivery.answer_with(reply)
        else:
            self._reply(reply)


async def close(attendant: Attendant, cut: Cut, *, lingers: bool) -> None:
    """Close the connection as a rule says, or our half of it.

    It `lingers` where something has just been said, which the client has to be able to
    read. Otherwise a client that is still talking finds out while it sends.
    """
    dialogue = attendant.dialogue
    await attendant.flush()
    if cut.how == "half_close":
        attendant.line.channel.half_close()
        dialogue.fall_silent()
    else:
        ending = _ENDINGS[cut.how].format(cut.by)
        reset = cut.how == "reset"
        dialogue.end("server", ending, reset=reset, lingers=lingers)


# Moments that the engine knows nothing of


async def before_handshake(attendant: Attendant) -> Cut | None:
    """Do what rules want before the client's first octet of TLS is read.

    Returns:
        Where the handshake is to be cut short; None for nowhere.
    """
    dialogue = attendant.dialogue
    if not attendant.context.script.rules_for("HANDSHAKE"):
        return None
    seen = ScriptEvent("HANDSHAKE", dialogue.recorder.record)
    decision = _decide(attendant, seen)
    if decision is None:
        return None
    due = Due(Event("HANDSHAKE"), seen, decision)
    dialogue.call_for(due)
    performer = Performer(attendant, due)
    await performer.perform()
    await attendant.flush()
    return performer.cut


async def after_close(attendant: Attendant) -> None:
    """Let the test know that the connection has ended.

    Nothing else ends a handler here, so it gets ``close_timeout``.
    """
    context, dialogue = attendant.context, attendant.dialogue
    if not context.script.rules_for("CLOSE"):
        return
    seen = ScriptEvent("CLOSE", dialogue.recorder.record)
    decision = _decide(attendant, seen)
    seconds = context.options.close_timeout
    for action in decision.actions if decision is not None else ():
        if isinstance(action, Call):
            with anyio.move_on_after(seconds) as scope:
                await ask(action.handler, seen, context, dialogue.incoming)
            if scope.cancelled_caught:
                limit = f"close_timeout, which is {seconds:g} seconds"
                late = TimeoutError(f"{action} at 'CLOSE' took longer than {limit}")
                context.fault(late)


def _decide(attendant: Attendant, seen: ScriptEvent) -> Decision | None:
    """Ask the script at a moment without a reply."""
    try:
        return attendant.context.script.decide(seen)
    except Exception as error:  # noqa: BLE001 - a matcher is the test's
        attendant.context.fault(error)
        return None
