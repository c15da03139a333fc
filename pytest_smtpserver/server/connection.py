"""The pump of one connection: channel, TLS, engine, script and record together.

There are two ways through it. `process` is called with received bytes and returns those
to send: no task switch, no await, for as long as nothing but replies is asked for. It
returns None when something has to be awaited: then `run`, the connection's task, does
that, and goes back to the first way.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal

import anyio

from pytest_smtpserver.protocol import standard
from pytest_smtpserver.protocol.engine import SmtpEngine
from pytest_smtpserver.protocol.states import State
from pytest_smtpserver.script.event import Event as ScriptEvent
from pytest_smtpserver.script.event import Refusal

from .channel import Outcome
from .handshake import Handshake, HandshakeFailed
from .opening import open_session
from .pending import Due, Ending
from .performer import Performer
from .randomness import nonce_and_salt
from .recorder import Recorder
from .tls import TLSLayer, client_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_smtpserver.mail.message import ReceivedMessage
    from pytest_smtpserver.protocol.events import Event
    from pytest_smtpserver.protocol.replies import Reply

    from .channel import Channel
    from .content_handler import ContentHandler
    from .context import ServerContext

_PAUSES = frozenset({State.TLS, State.CLOSED})


class Connection:
    """One client.

    Args:
        channel: its bytes.
        context: what the connections of a server share.
        remote_address: of the client.
        local_address: of the server.
    """

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
        #: Made by the task: only there anyio knows which event loop this is.
        self._scope: anyio.CancelScope | None = None
        self.ending: Ending | None = None
        self.due: Due | None = None
        #: An event that was taken from the engine and is still to be looked at.
        self.held: Event | None = None
        #: The message whose reply is due; it is made before the script is asked.
        self.message: ReceivedMessage | None = None
        #: Bytes that were read already and are still to be handed over.
        self.early = b""
        #: It waits for the client, with nothing to say.
        self.waiting = False
        self.idle_timeout = options.idle_timeout
        #: The handler that reads the content that is coming in.
        self.content: ContentHandler | None = None
        self._tls: TLSLayer | None = None
        self._performer = Performer(self)
        self._given_up: list[ContentHandler] = []
        self._stored = False
        self._stopping = False
        self._interjections: list[bytes] = []
        self._out: list[bytes] = []
        self._unreleased: list[tuple[int, ReceivedMessage]] = []

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
    def working(self) -> bool:
        """It has something to do that no client needs to do anything for."""
        return (
            not self.waiting
            or self.due is not None
            or bool(self._out)
            or bool(self._unreleased)
        )

    # The way without awaiting

    def process(self, data: bytes) -> bytes | None:
        """Take received bytes; the bytes to send, or None when `run` has to go on."""
        if not self.take(data):
            return None
        answer = self.advance()
        if answer is None:
            return None
        if self._tls is None:
            return answer
        if self._tls.ended:
            self._out.append(answer)
            return None
        return self._tls.encrypt(answer) if answer else answer

    def take(self, data: bytes) -> bool:
        """Give received bytes to the engine; false when TLS has broken."""
        if self._tls is not None:
            try:
                data = self._tls.decrypt(data)
            except ssl.SSLError as error:
                self.end("client", f"TLS broke: {error.reason or error}")
                return False
        self.engine.receive_data(data)
        return True

    def advance(self) -> bytes | None:
        """Answer what can be answered; None when something has to be awaited."""
        engine, recorder, script = self.engine, self.recorder, self.context.script
        while (event := self.held or engine.next_event()) is not None:
            self.held = None
            if self.content is not None and self.content.takes(event):
                return None
            recorder.heard(event)
            if event.name == "MESSAGE":
                self._complete(event)
            if script.rules_for(event.name) and self._asks(event):
                return None
            self.let_be(event)
            if engine.state in _PAUSES:
                return None
        if engine.state in _PAUSES:  # a rule's reply has led here
            return None
        answer = b"".join(self._out)
        self._out.clear()
        return answer

    def let_be(self, event: Event) -> None:
        """Do what happens when nobody interferes."""
        if event.follow is not None:
            self.engine.proceed()
        elif event.proposed is not None:
            self.answer(event, event.proposed)

    def answer(
        self, event: Event, reply: Reply, *, by: str = "", user: object = None
    ) -> None:
        """Send the reply, move the session, write it down."""
        self.send_raw(self.settle(event, reply, by=by, user=user), by)

    def settle(
        self, event: Event, reply: Reply, *, by: str = "", user: object = None
    ) -> bytes:
        """Move the session by the reply, write that down; the bytes are still to go."""
        if event.name == "MESSAGE":
            self._deliver(event, reply)
        if isinstance(reply, Refusal):
            event.data = reply.data
        data = self.engine.send_reply(reply, user=user)
        self.recorder.answered(event, reply, by)
        if self.content is not None and not self.engine.in_transaction:
            self._give_up_content(f"the transaction ended with {event.name}")
        return data

    def send_raw(self, data: bytes, by: str = "") -> None:
        """Send bytes; they move nothing."""
        if data:
            self.recorder.sent(data, by)
            self._out.append(data)

    def leave_unanswered(self, event: Event) -> None:
        """The event gets no reply."""
        if event.name == "MESSAGE":
            self._deliver(event, None)
        self.engine.send_nothing()

    def sent(self) -> None:
        """What was to be sent has left: let those who wait have their messages."""
        if self._unreleased:
            released, self._unreleased = self._unreleased, []
            self.context.release(released)
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
        seen.message = self.message
        decision = self.context.script.decide(seen)
        if decision is None:
            return False
        self.due = Due(event, seen, decision)
        return True

    def _complete(self, event: Event) -> None:
        if self.message is None:
            self.message = self.recorder.message()
        replacement = self._performer.content_reply
        if replacement is not None:
            event.proposed = replacement

    def _deliver(self, event: Event, reply: Reply | None) -> None:
        """Store the message or not, before the reply to it leaves."""
        message = self.message
        assert message is not None
        positive = reply is not None and reply.is_positive
        kept = self._performer.kept
        if (positive if kept is None else kept) and not self._stored:
            self._stored = True
            self.recorder.delivered(message)
            self._unreleased.append((self.context.store(message), message))
        last = message.envelope.rcpt_to[-1] if event.recipient is not None else None
        if event.recipient is not last:
            return  # LMTP: there are more replies to come
        if not self._stored:
            self.recorder.refused(reply)
        self._stored = False
        self.message = self._performer.content_reply = None

    def _give_up_content(self, why: str) -> None:
        """The content that a handler reads will not be complete."""
        if self.content is not None:
            self.content.give_up(why)
            self._given_up.append(self.content)
            self.content = None

    def _disable_commands(self, verbs: Iterable[str]) -> None:
        self.engine.disabled_commands = frozenset(verbs)

    # The way with awaiting

    async def run(self) -> None:
        """Serve the client until one of the two goes away."""
        try:
            with anyio.CancelScope() as self._scope:
                await self._serve()
        except Exception as error:  # noqa: BLE001 - one connection's fault is its own
            self.context.fault(error)
            self.end("server", f"the server failed: {error!r}")
        finally:
            with anyio.CancelScope(shield=True):
                await self._finish()

    async def _serve(self) -> None:
        await open_session(self)
        answer = None if self.ending else self.advance()
        while self.ending is None:
            if answer:
                self._out.append(answer)
            await self.flush()
            if self._stopping:
                self._end_by_stop()
            elif answer is None:
                await self._attend()
                answer = None if self.ending else self.advance()
            else:
                answer = await self._listen()

    async def _listen(self) -> bytes | None:
        """Let `process` work; None when it cannot go on."""
        outcome = await self.exchange(
            self.process, idle_timeout=self.idle_timeout, sent=self.sent
        )
        if outcome is Outcome.INTERRUPTED:
            for data in self._interjections:
                self.send_raw(data)
            self._interjections.clear()
            return b""
        if outcome is Outcome.IDLE:
            self.end("server", "the client was silent for too long", standard.IDLE)
        elif outcome is not Outcome.ATTENTION:
            self.left(outcome)
        return None

    async def exchange(
        self,
        process: Callable[[bytes], bytes | None],
        *,
        idle_timeout: float,
        sent: Callable[[], None] | None = None,
    ) -> Outcome:
        """Wait for the client, with nothing left to say."""
        self.waiting = True
        if self.context.watched:
            self.context.on_activity()
        try:
            if self.early:
                data, self.early = self.early, b""
                answer = process(data)
                if answer is None:
                    return Outcome.ATTENTION
                await self.channel.send(answer)
            return await self.channel.exchange(
                process, sent=sent, idle_timeout=idle_timeout
            )
        finally:
            self.waiting = False

    async def _attend(self) -> None:
        """Do what has to be awaited."""
        if self.due is not None:
            await self._performer.perform(self.due)
            self.due = None
        elif self.content is not None and self.content.due:
            reply = await self.content.attend()
            # A rule for the last BDAT came later, and has the last word.
            if reply is not None and self._performer.content_reply is None:
                self._performer.content_reply = reply
        elif self.engine.state is State.TLS:
            await self.start_tls()
        elif self.engine.state is State.CLOSED:
            by_quit = self.record.commands and self.record.commands[-1].verb == "QUIT"
            if by_quit:
                self.end("client", "the client quit")
            else:
                self.end("server", "the server closed the connection")
        elif self._tls is not None and self._tls.ended:
            self.left(Outcome.EOF)

    async def flush(self) -> None:
        """Send what is to be sent."""
        if self._out:
            data = b"".join(self._out)
            self._out.clear()
            if self._tls is not None:
                data = self._tls.encrypt(data)
            if not await self.channel.send(data):
                self.left(Outcome.BROKEN)
        self.sent()

    async def start_tls(self) -> None:
        """Do a handshake, or end the connection over it."""
        layer = self.context.tls_layer()
        handshake = Handshake(layer)
        try:
            await handshake.run(
                lambda shake: self.exchange(shake, idle_timeout=self.idle_timeout)
            )
        except HandshakeFailed as failure:
            self.end(failure.by, failure.how)
        if handshake.last:
            await self.channel.send(handshake.last)
        if self.ending is not None:
            return
        self._tls = layer
        info = layer.info()
        self.recorder.tls_started(info)
        self.engine.tls_started(info, client_identity(info))
        self.take(b"")  # what came along with the end of the handshake

    # The end

    def interject(self, data: bytes) -> None:
        """Send bytes between two commands."""
        self._interjections.append(data)
        self.channel.interrupt()

    def stop(self) -> None:
        """Close the connection as soon as nothing is being answered."""
        self._stopping = True
        self.channel.interrupt()

    def cancel(self) -> None:
        """Give up whatever is being done."""
        self._stopping = True
        if self.content is not None:
            self.content.cancel()
        if self._scope is not None:
            self._scope.cancel()

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

    def left(self, outcome: Outcome) -> None:
        """The client is gone."""
        verb = "closed" if outcome is Outcome.EOF else "broke"
        self.end("client", f"the client {verb} the connection")

    def _end_by_stop(self) -> None:
        self.end("server", "the server was stopped", standard.SHUTDOWN)

    async def _finish(self) -> None:
        if self.ending is None:  # cancelled: it did not finish in time
            self._end_by_stop()
        ending = self.ending
        assert ending is not None
        with anyio.move_on_after(self.context.options.close_timeout):
            if ending.last_words is not None:
                self.send_raw(self.engine.shut_down(ending.last_words))
            if not ending.reset:
                await self.flush()
                if self._tls is not None:
                    await self.channel.send(self._tls.close())
        self._give_up_content(ending.how)
        for content in self._given_up:
            await content.wait(self.context.options.close_timeout)
        self.recorder.closed(ending.by, ending.how)
        self.context.ended(self)
        await self._performer.after_close()
        if ending.reset:
            await self.channel.reset()
        else:
            # Whoever is still talking to us has to be able to read our last words.
            talking = ending.by == "server" and not self._stopping
            await self.channel.close(self.context.options.close_timeout * talking)
