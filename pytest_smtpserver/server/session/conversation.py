"""The way without awaiting: bytes in, and bytes out where nobody interferes."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal

from pytest_smtpserver.protocol.engine import SmtpEngine
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.script.event import Event as ScriptEvent
from pytest_smtpserver.script.event import Refusal
from pytest_smtpserver.server.io.channel import Outcome

from .delivery import Delivery
from .intents import Cut, Due, Ending
from .origin import origin
from .randomness import nonce_and_salt
from .recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.server.context import ServerContext
    from pytest_smtpserver.server.io.channel import Channel
    from pytest_smtpserver.server.io.pace import Pace
    from pytest_smtpserver.server.tls.layer import TLSLayer

    from .content_handler import ContentHandler

_PAUSES = frozenset({State.TLS, State.CLOSED})


class Conversation:
    """What one connection hears and says, without waiting for anything.

    Args:
        channel: its bytes.
        context: what the connections of a server share.
        remote_address: of the client.
        local_address: of the server.
    """

    __slots__ = (
        "_cut_reached",
        "_given_up",
        "_out",
        "channel",
        "content",
        "context",
        "cut",
        "delivery",
        "due",
        "early",
        "ending",
        "engine",
        "held",
        "idle_timeout",
        "in_handshake",
        "listening",
        "mute",
        "pace",
        "pausing",
        "record",
        "recorder",
        "said_all",
        "slowed",
        "stopping",
        "tls",
        "waiting",
    )

    def __init__(
        self,
        channel: Channel,
        context: ServerContext,
        remote_address: tuple[str, int],
        local_address: tuple[str, int],
    ) -> None:
        self.channel = channel
        self.context = context
        options = context.options
        self.engine = SmtpEngine(context.settings, nonce_and_salt)
        self.recorder = Recorder(self.engine, remote_address, local_address, options)
        self.record = self.recorder.record
        self.record.on_disable(self._disable_commands)
        self.ending: Ending | None = None
        self.due: Due | None = None
        #: An event that was taken from the engine and is still to be looked at.
        self.held: Event | None = None
        self.delivery = Delivery(context, self.recorder)
        #: Bytes that were read already and are still to be handed over.
        self.early = b""
        #: It waits for the client, with nothing to say.
        self.waiting = False
        #: It lets time pass, as a rule says.
        self.pausing = False
        #: The client has closed its side, and may still wait for replies.
        self.said_all = False
        #: An interjection would be said at once.
        self.listening = False
        self.in_handshake = False
        self.stopping = False
        #: Where the content or the handshake that comes now is cut short.
        self.cut: Cut | None = None
        #: How fast we write; None for as fast as can be.
        self.pace: Pace | None = None
        #: FIN has left: nothing can be said any more.
        self.mute = False
        self.idle_timeout = options.idle_timeout
        #: The handler that reads the content that is coming in.
        self.content: ContentHandler | None = None
        self.tls: TLSLayer | None = None
        #: Handlers whose content will not be complete, and which have to come to an end.
        self._given_up: list[ContentHandler] = []
        #: Content is read slowly: the rule that wants it, in words; else ``""``.
        self.slowed = ""
        self._cut_reached = False
        self._out: list[bytes] = []

    @property
    def in_flight(self) -> bool:
        """A transaction is open, or bytes wait for an answer."""
        return self.ending is None and (
            self.engine.in_transaction
            or self.engine.unanswered
            or self.due is not None
            or bool(self._out)
        )

    @property
    def held_up_by(self) -> str:
        """The rule that keeps the client waiting, in words; ``""`` for none."""
        if self.due is not None:
            return origin(self.due.decision.rule)
        return self.slowed

    @property
    def working(self) -> bool:
        """It has something to do just now that no client needs to do anything for."""
        return not self.pausing and (
            not self.waiting
            or self.due is not None
            or bool(self._out)
            or bool(self.delivery.unreleased)
        )

    @property
    def tls_ended(self) -> bool:
        """The client has said goodbye on the level of TLS."""
        return self.tls is not None and self.tls.ended

    @property
    def has_quit(self) -> bool:
        """The client's last command was QUIT."""
        commands = self.record.commands
        return bool(commands) and commands[-1].verb == "QUIT"

    # The way without awaiting

    def listens(self, on: bool) -> None:
        """Note that nothing but the client can go on, or no longer."""
        self.waiting = self.listening = on
        if on:
            self.context.look()

    def process(self, data: bytes) -> bytes | None:
        """Take received bytes; the bytes to send, or None when `run` has to go on."""
        if self.tls is None:
            self.engine.receive_data(data)
            answer = self.advance()
            if self.pace is None:
                return answer
        else:
            answer = self.advance() if self.take(data) else None
        if answer is None:
            return None
        if self.tls_ended or (answer and self.pace is not None):
            self._out.append(answer)
            return None
        return self.tls.encrypt(answer) if answer and self.tls else answer

    def take(self, data: bytes) -> bool:
        """Give received bytes to the engine; false when TLS has broken."""
        if self.tls is not None:
            try:
                data = self.tls.decrypt(data)
            except ssl.SSLError as error:
                self.end("client", f"TLS broke: {error.reason or error}")
                return False
        self.engine.receive_data(data)
        return True

    def put_by(self, data: bytes) -> bytes | None:
        """Take received bytes, which nobody looks at for now."""
        if self.in_handshake or self.engine.state is State.TLS:
            self.early += data
        elif not self.take(data) or self.tls_ended:
            return None
        return b""

    def advance(self) -> bytes | None:
        """Answer what can be answered; None when something has to be awaited."""
        engine, recorder, script = self.engine, self.recorder, self.context.script
        event, self.held = self.held or engine.next_event(), None
        if event is None and engine.state in _PAUSES:  # a rule's reply has led here
            return None
        while event is not None:
            # What only rules bring about is not looked for where there never was one.
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
                if engine.state in _PAUSES:
                    return None
            event = engine.next_event()
        if self.cut is not None and self._reaches_cut(None):
            return None
        out = self._out
        return out.pop() if len(out) == 1 else self.take_output()

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

        Args:
            event: that the reply is due to.
            reply: what the session goes by.
            by: the rule, in words.
            user: whom credentials are accepted for.
            raw: the bytes of the reply are sent by the rule itself.
        """
        if self.mute:
            self.leave_unanswered(event)
            return
        if user is not None:
            event.user = user
        if event.name == "MESSAGE":
            self.delivery.settle(event, reply)
        elif isinstance(reply, Refusal):
            event.data = reply.data
        engine = self.engine
        data = engine.send_reply(reply)
        if raw:
            data = b""
        self.recorder.answered(event, reply, data, by)
        if data:
            self._out.append(data)
        if self.context.script.was_used and not engine.in_transaction:
            self._content_is_over(f"the transaction ended with {event.name}")

    def complete(
        self, last: Event, reply: Reply, by: str, *, raw: bool = False
    ) -> None:
        """Answer the message with the reply that a rule has for its last chunk.

        Args:
            last: the chunk.
            reply: what the session goes by.
            by: the rule, in words.
            raw: the bytes of the reply are sent by the rule itself.
        """
        self.engine.proceed()
        while (event := self.engine.next_event()) is not None:
            if event.command is not last.command or event.name != "MESSAGE":
                self.held = event
                return
            self.recorder.heard(event)
            self.delivery.complete(event)
            self.answer(event, reply, by=by, raw=raw)

    def send_raw(self, data: bytes, by: str = "") -> None:
        """Send bytes; they move nothing."""
        if data and not self.mute:
            self.recorder.sent(data, by)
            self._out.append(data)

    def take_output(self) -> bytes:
        """What is still to be sent; it is the caller's now."""
        output = b"".join(self._out)
        self._out.clear()
        return output

    def put_back_output(self, data: bytes) -> None:
        """It could not be sent yet."""
        self._out.append(data)

    def leave_unanswered(self, event: Event) -> None:
        """The event gets no reply."""
        if event.name == "MESSAGE":
            self.delivery.settle(event, None)
        self.engine.send_nothing()
        if not self.engine.in_transaction:
            self._content_is_over(f"{event.name} was not answered")

    def sent(self) -> None:
        """What was to be sent has left: let those who wait have their messages."""
        if self.delivery.unreleased:
            self.delivery.release()
        if self.context.watched:
            self.context.on_activity()

    def _asks(self, event: Event) -> bool:
        """Whether a rule has something to do at the event; then it is `due`."""
        engine = self.engine
        in_transaction = engine.in_transaction or event.name == "MESSAGE"
        seen = ScriptEvent(
            event.name,
            self.record,
            command=event.command,
            envelope=engine.envelope if in_transaction else None,
            proposed=event.proposed,
        )
        seen.auth = event.credentials
        seen.recipient = event.recipient
        seen.message = self.delivery.message
        try:
            decision = self.context.script.decide(seen)
        except Exception as error:  # noqa: BLE001 - a matcher is the test's
            self.context.fault(error)
            if event.proposed is not None:
                event.proposed, event.follow = standard.INTERNAL, None
            return False
        if decision is None:
            return False
        self.due = Due(event, seen, decision)
        return True

    def _holds_up(self, event: Event) -> bool:
        """Whether content is cut here, or is a handler's to read."""
        if self.cut is not None and self._reaches_cut(event):
            self.held = event
            return True
        return self.content is not None and self.content.takes(event)

    def slow_down(self, pace: Pace, by: str) -> None:
        """Read no faster than that until the content has come."""
        self.slowed = by
        self.channel.pace_reading(pace)

    def _reaches_cut(self, event: Event | None) -> bool:
        """Whether the content has come as far as where it is cut."""
        assert self.cut is not None
        octets = self.engine.content_octets
        whole = event is not None and event.name == "MESSAGE"
        if whole and not self.engine.chunks:
            octets -= 3  # the dot that ends it is no content (RFC 5321 §4.1.1.4)
        self._cut_reached = octets >= self.cut.after
        if whole and not self._cut_reached:
            self.cut = None
        return self._cut_reached

    def _content_is_over(self, why: str) -> None:
        if self.content is not None:
            self._give_up_content(why)
        if self.slowed:
            self.slowed = ""
            self.channel.pace_reading(None)
        self.cut = None

    def _give_up_content(self, why: str) -> None:
        """The content that a handler reads will not be complete."""
        if self.content is not None:
            self.content.give_up(why)
            self._given_up.append(self.content)
            self.content = None

    def _disable_commands(self, verbs: Iterable[str]) -> None:
        self.engine.disabled_commands = frozenset(verbs)

    def end(
        self,
        by: Literal["client", "server"],
        how: str,
        last_words: Reply | None = None,
        *,
        reset: bool = False,
    ) -> None:
        """End the connection; the first reason counts."""
        if self.ending is None:
            self.ending = Ending(by, how, last_words, reset)

    def quit(self) -> None:
        """The client has said QUIT, and was told goodbye."""
        self.end("client", "the client quit")

    def left(self, outcome: Outcome) -> None:
        """The client is gone."""
        verb = "closed" if outcome is Outcome.EOF else "broke"
        self.end("client", f"the client {verb} the connection")
