"""The dialogue of one connection: what the client says, and what is said to it.

It takes bytes, gives bytes, and waits for nothing. Where something has to be awaited
before it can go on, `next_step` says what that is.
"""

from __future__ import annotations

import enum
import secrets
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_smtpserver.protocol.engine import SmtpEngine
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.script.event import Event as ScriptEvent
from pytest_smtpserver.script.event import Refusal

from .content_handler import Incoming
from .delivery import Delivery
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.script.script import Decision
    from pytest_smtpserver.server.context import ServerContext
    from pytest_smtpserver.server.io.clock import Pace

#: States in which no command is read.
_PAUSES = frozenset({State.TLS, State.CLOSED})


class Step(enum.Enum):
    """What has to be awaited before the dialogue goes on."""

    #: Nothing: it goes on when the client says something.
    NONE = enum.auto()
    #: Content has come as far as a rule lets it.
    CUT = enum.auto()
    #: A rule has something to do; see `Dialogue.due`.
    RULE = enum.auto()
    #: A handler gets the next piece of content, or its reply is due.
    READER = enum.auto()
    #: The TLS handshake.
    TLS = enum.auto()
    #: The client has said QUIT, and was told goodbye.
    QUIT = enum.auto()
    #: A reply has closed the connection.
    CLOSE = enum.auto()


class Due(NamedTuple):
    """An event that a rule has something to do at."""

    event: Event
    seen: ScriptEvent
    decision: Decision

    @property
    def by(self) -> str:
        """The rule in words, for transcripts and explanations."""
        made_at = self.decision.rule.made_at
        return made_at if made_at[:4] == "the " else f"the rule made at {made_at}"


class Ending(NamedTuple):
    """Who ends the connection, and how, in words for the record.

    With `reset` it ends by RST, not by FIN. With `lingers` a client that is still
    talking gets time to read what was said.
    """

    by: Literal["client", "server"]
    how: str
    last_words: Reply | None = None
    reset: bool = False
    lingers: bool = True


class Dialogue:
    """What one client and the server say to each other."""

    __slots__ = (
        "_context",
        "_held",
        "_out",
        "delivery",
        "due",
        "ending",
        "engine",
        "incoming",
        "mute",
        "recorder",
    )

    def __init__(
        self,
        context: ServerContext,
        remote_address: tuple[str, int],
        local_address: tuple[str, int],
        pace_reading: Callable[[Pace | None], None],
    ) -> None:
        self._context = context
        engine = SmtpEngine(context.settings, _nonce_and_salt)
        self.engine: SmtpEngine = engine
        recorder = Recorder(engine, remote_address, local_address, context.options)
        self.recorder: Recorder = recorder
        recorder.record.on_disable(self._disable_commands)
        self.delivery: Delivery = Delivery(context, recorder)
        self.incoming: Incoming = Incoming(engine, pace_reading)
        #: A rule has something to do.
        self.due: Due | None = None
        #: The connection is to end.
        self.ending: Ending | None = None
        #: FIN has left: nothing can be said any more.
        self.mute: bool = False
        #: An event that was taken from the engine and is still to be looked at.
        self._held: Event | None = None
        self._out: list[bytes] = []

    # How it stands

    @property
    def in_flight(self) -> bool:
        """A transaction is open, or bytes wait for an answer."""
        return self.ending is None and (
            self.engine.session.in_transaction
            or self.engine.unanswered
            or self.has_work
        )

    @property
    def has_work(self) -> bool:
        """A rule has something to do, or something is still to be sent."""
        return self.due is not None or bool(self._out)

    @property
    def has_output(self) -> bool:
        """Something is still to be sent."""
        return bool(self._out)

    @property
    def held_up_by(self) -> str:
        """The rule that keeps the client waiting, in words; ``""`` for none."""
        return self.incoming.slowed_by if self.due is None else self.due.by

    @property
    def next_step(self) -> Step:
        """What has to be awaited before `advance` goes on."""
        if self.incoming.cut_is_due:
            return Step.CUT
        if self.due is not None:
            return Step.RULE
        if self.incoming.reader_is_due:
            return Step.READER
        state = self.engine.session.state
        if state is State.TLS:
            return Step.TLS
        if state is not State.CLOSED:
            return Step.NONE
        commands = self.recorder.record.commands
        has_quit = bool(commands) and commands[-1].verb == "QUIT"
        return Step.QUIT if has_quit else Step.CLOSE

    # The client speaks

    def hear(self, data: bytes) -> bytes | None:
        """Take what the client has said; else as `advance`."""
        self.engine.receive_data(data)
        return self.advance()

    def advance(self) -> bytes | None:
        """Answer what can be answered; None when something has to be awaited."""
        engine, recorder, script = self.engine, self.recorder, self._context.script
        session = engine.session
        event, self._held = self._held or engine.next_event(), None
        if event is None and session.state in _PAUSES:  # a rule's reply has led here
            return None
        while event is not None:
            # Only rules hold content up, and most servers never have one.
            if script.was_used and self._holds_up(event):
                return None
            recorder.heard(event)
            if event.name == "MESSAGE":
                self.delivery.complete(event)
            if script.any_rules and script.rules_for(event.name) and self._asks(event):
                return None
            if event.follow is not None:
                engine.proceed()
            elif (reply := event.proposed) is not None:
                self.answer(event, reply)
                if session.state in _PAUSES:
                    return None
            event = engine.next_event()
        if script.was_used and self.incoming.reaches_cut(None):
            return None
        out = self._out
        return out.pop() if len(out) == 1 else self.take_output()

    def _holds_up(self, event: Event) -> bool:
        """Whether content is cut here, or is a handler's to read."""
        if self.incoming.reaches_cut(event):
            self._held = event
            return True
        if not self.incoming.goes_to_reader(event):
            return False
        if event.name == "MESSAGE":
            self._held = event
        return True

    def _asks(self, event: Event) -> bool:
        """Whether a rule has something to do at the event; then it is `due`."""
        session = self.engine.session
        in_transaction = session.in_transaction or event.name == "MESSAGE"
        seen = ScriptEvent(
            event.name,
            self.recorder.record,
            command=event.command,
            envelope=session.envelope if in_transaction else None,
            proposed=event.proposed,
            message=self.delivery.message,
            recipient=event.recipient,
            auth=event.credentials,
        )
        try:
            decision = self._context.script.decide(seen)
        except Exception as error:  # noqa: BLE001 - a matcher is the test's
            self._context.fault(error)
            if event.proposed is not None:
                event.propose(standard.INTERNAL)
            return False
        if decision is None:
            return False
        self.due = Due(event, seen, decision)
        return True

    # The server speaks

    def let_be(self, event: Event) -> None:
        """Do what happens when nobody interferes."""
        if event.follow is not None:
            self.engine.proceed()
        elif event.proposed is not None:
            self.answer(event, event.proposed)

    def answer(
        self,
        event: Event,
        reply: Reply,
        *,
        by: str = "",
        user: object = None,
        raw: bool = False,
    ) -> None:
        """Send the reply, move the session, write it down.

        `by` names the rule, `user` is whom credentials are accepted for. With `raw` the
        rule itself sends the bytes of the reply.
        """
        if self.mute:
            self.leave_unanswered(event)
            return
        if user is not None:
            event.accept(user)
        if event.name == "MESSAGE":
            self.delivery.settle(event, reply)
        elif isinstance(reply, Refusal):
            event.explain(reply.data)
        engine = self.engine
        data = engine.send_reply(reply)
        if raw:
            data = b""
        self.recorder.answered(event, reply, data, by)
        if data:
            self._out.append(data)
        if self._context.script.was_used and not engine.session.in_transaction:
            self.incoming.end(f"the transaction ended with {event.name}")

    def complete(
        self, last: Event, reply: Reply, by: str, *, raw: bool = False
    ) -> None:
        """Answer the message with the reply that a rule has for its last chunk."""
        self.engine.proceed()
        while (event := self.engine.next_event()) is not None:
            if event.command is not last.command or event.name != "MESSAGE":
                self._held = event
                return
            self.recorder.heard(event)
            self.delivery.complete(event)
            self.answer(event, reply, by=by, raw=raw)

    def send_raw(self, data: bytes, by: str = "") -> None:
        """Send bytes; they move nothing."""
        if data and not self.mute:
            self.recorder.sent(data, by)
            self._out.append(data)

    def leave_unanswered(self, event: Event) -> None:
        """The event gets no reply."""
        if event.name == "MESSAGE":
            self.delivery.settle(event, None)
        self.engine.send_nothing()
        if not self.engine.session.in_transaction:
            self.incoming.end(f"{event.name} was not answered")

    def fall_silent(self) -> None:
        """FIN has left: say nothing any more."""
        self.mute = True

    def take_output(self) -> bytes:
        """What is still to be sent; it is the caller's now."""
        output = b"".join(self._out)
        self._out.clear()
        return output

    def put_back_output(self, data: bytes) -> None:
        """It could not be sent yet."""
        if data:
            self._out.insert(0, data)

    def sent(self) -> None:
        """What was to be sent has left: let those who wait have their messages."""
        if self.delivery.unreleased:
            self.delivery.release()
        self._context.look()

    # Rules

    def call_for(self, due: Due) -> None:
        """A rule has something to do at a moment that the engine does not know."""
        self.due = due

    def done(self) -> None:
        """The rule has done what was due."""
        self.due = None

    async def attend_reader(self) -> None:
        """Let the handler go on that reads the content."""
        reply = await self.incoming.attend()
        # A rule for the last BDAT came later, and has the last word.
        if reply is not None and self.delivery.content_reply is None:
            self.delivery.answer_with(reply)

    def _disable_commands(self, verbs: Iterable[str]) -> None:
        self.engine.session.disable(frozenset(verbs))

    # The end

    def end(
        self,
        by: Literal["client", "server"],
        how: str,
        last_words: Reply | None = None,
        *,
        reset: bool = False,
        lingers: bool = True,
    ) -> None:
        """End the connection; the first reason counts."""
        if self.ending is None:
            if (rule := self.held_up_by) and rule not in how:
                self.recorder.note(f"the client was held up by {rule}")
            self.ending = Ending(by, how, last_words, reset, lingers)

    def quit(self) -> None:
        """The client has said QUIT, and was told goodbye."""
        self.end("client", "the client quit")

    def say_last_words(self) -> None:
        """Say why the connection ends, where there is something to be said."""
        assert self.ending is not None
        if self.ending.last_words is not None:
            self.send_raw(self.engine.shut_down(self.ending.last_words))

    def note_end(self) -> None:
        """Write down who has ended the connection."""
        assert self.ending is not None
        self.recorder.closed(self.ending.by, self.ending.how)


def _nonce_and_salt() -> tuple[str, bytes]:
    """A fresh nonce and salt; the nonce in the form that RFC 2195 §2 gives it."""
    return f"{secrets.randbits(64)}.{int(time.time())}", secrets.token_bytes(16)
