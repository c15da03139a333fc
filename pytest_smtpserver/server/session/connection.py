"""The pump of one connection: channel, TLS, engine, script and record together.

There are two ways through it. `process` is called with received bytes and returns those
to send: no task switch, no await, for as long as nothing but replies is asked for. It
returns None when something has to be awaited: then `run`, the connection's task, does
that, and goes back to the first way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.server.io.channel import Outcome

from .conversation import Conversation
from .intents import Interjection
from .opening import open_session
from .pausing import pause
from .performer import Performer
from .securing import start_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver.mail.outcomes import TLSInfo
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.server.context import ServerContext
    from pytest_smtpserver.server.io.channel import Channel
    from pytest_smtpserver.server.io.pace import Pace
    from pytest_smtpserver.server.tls.layer import TLSLayer


class Connection(Conversation):
    """One client.

    Args:
        channel: its bytes.
        context: what the connections of a server share.
        remote_address: of the client.
        local_address: of the server.
    """

    __slots__ = (
        "_disturbed",
        "_interjections",
        "_performer",
        "_scope",
        "opened",
    )

    def __init__(
        self,
        channel: Channel,
        context: ServerContext,
        remote_address: tuple[str, int],
        local_address: tuple[str, int],
    ) -> None:
        super().__init__(channel, context, remote_address, local_address)
        #: What comes before the greeting has been done.
        self.opened = False
        self._performer: Performer | None = None
        #: Made by the task: only there anyio knows which event loop this is.
        self._scope: anyio.CancelScope | None = None
        self._interjections: list[Interjection] = []
        self._disturbed: anyio.Event | None = None

    @property
    def performer(self) -> Performer:
        """Performs what rules want; most sessions meet none."""
        if self._performer is None:
            self._performer = Performer(self)
        return self._performer

    # The way with awaiting

    async def run(self, outcome: Outcome | None = None) -> None:
        """Serve the client until one of the two goes away.

        Args:
            outcome: why listening without a task has ended; None where nobody has
                listened yet.
        """
        try:
            with anyio.CancelScope() as self._scope:
                await self._serve(outcome)
        except Exception as error:  # noqa: BLE001 - one connection's fault is its own
            self.failed(error)
        finally:
            with anyio.CancelScope(shield=True):
                await self._finish()

    def failed(self, error: Exception) -> None:
        """Something is wrong with this server: tell the test, and end the session."""
        self.context.fault(error)
        self.end("server", f"the server failed: {error!r}")

    async def _serve(self, outcome: Outcome | None) -> None:
        answer = None
        if outcome is not None:
            answer = self._after(outcome)
        else:
            if not self.opened:
                self.opened = True
                await open_session(self)
            answer = None if self.ending else self.advance()
        while self.ending is None:
            if answer:
                self._out.append(answer)
            await self.flush()
            if self.stopping or self._interjections:
                await self.heed()
            if self.ending is not None:
                break
            if answer is None:
                await self._attend()
                answer = None if self.ending else self.advance()
            else:
                answer = await self._listen()

    async def _listen(self) -> bytes | None:
        """Let `process` work; None when it cannot go on."""
        self.listening = True
        outcome = await self.exchange(
            self.process, idle_timeout=self.idle_timeout, sent=self.sent
        )
        self.listening = False
        return self._after(outcome)

    def _after(self, outcome: Outcome) -> bytes | None:
        """What is to be said when listening has ended; None for what is due."""
        if outcome is Outcome.INTERRUPTED:
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
        self.context.look()
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
        if self._cut_reached and self.cut is not None:
            cut, self.cut, self._cut_reached = self.cut, None, False
            await self.performer.close(cut)
        elif self.due is not None:
            await self.performer.perform(self.due)
            self.due = None
        elif self.content is not None and self.content.due:
            reply = await self.content.attend()
            # A rule for the last BDAT came later, and has the last word.
            if reply is not None and self.delivery.content_reply is None:
                self.delivery.content_reply = reply
        elif self.engine.state is State.TLS:
            await start_tls(self)
        elif self.engine.state is State.CLOSED:
            if self.has_quit:
                self.quit()
            else:
                self.end("server", "the server closed the connection")
        elif self.tls_ended:
            self.left(Outcome.EOF)

    async def flush(self) -> None:
        """Send what is to be sent."""
        if self._out:
            data = b"".join(self._out)
            self._out.clear()
            if self.tls is not None:
                data = self.tls.encrypt(data)
            if self.pace is not None:
                data = await self._send_slowly(data, self.pace)
            if not await self.channel.send(data):
                self.left(Outcome.BROKEN)
        self.sent()

    async def _send_slowly(self, data: bytes, pace: Pace) -> bytes:
        """Send bytes at a pace; what is left of them once the connection ends."""
        while data and self.ending is None:
            await pause(self, pace.wait(anyio.current_time(), len(data)), busy=True)
            if self.ending is not None:
                break
            count = min(len(data), pace.allowed(anyio.current_time()))
            if not await self.channel.send(data[:count]):
                self.left(Outcome.BROKEN)
            pace.spend(count)
            data = data[count:]
        return data

    def secured(self, layer: TLSLayer, info: TLSInfo, identity: str | None) -> None:
        """Go on in TLS."""
        self.tls = layer
        self.recorder.tls_started(info)
        self.engine.tls_started(info, identity)
        self.take(b"")  # what came along with the end of the handshake

    # The end

    @property
    def is_plain(self) -> bool:
        """Nothing but the client's own words has a say in how the session ends."""
        return not (
            self.stopping
            or self._interjections
            or self.ending is not None
            or self.due is not None
            or self.tls is not None
            or self.content is not None
            or self._given_up
            or self.context.script.rules_for("CLOSE")
        )

    def over(self) -> None:
        """The session has ended, and nobody asked to be told."""
        ending = self.ending
        assert ending is not None
        self.recorder.closed(ending.by, ending.how)
        self.context.ended(self)

    def interject(self, reply: Reply, by: str) -> anyio.Event:
        """Send a reply that nothing has asked for; the event is set when it has left."""
        said = anyio.Event()
        self._interjections.append(Interjection(reply, by, said))
        self._disturb()
        return said

    def _disturb(self) -> None:
        self.channel.interrupt()
        if self._disturbed is not None:
            self._disturbed.set()

    async def disturbance(self, *, busy: bool) -> None:
        """Wait until the test, or the end of the server, breaks in.

        Args:
            busy: a reply is half sent: what is to be interjected already has to wait.
        """
        if not self.stopping and (busy or not self._interjections):
            self._disturbed = anyio.Event()
            await self._disturbed.wait()

    async def heed(self) -> None:
        """Say what is to be interjected; end the connection if it is to stop."""
        while self._interjections and self.ending is None:
            reply, by, said = self._interjections.pop(0)
            self.send_raw(reply.encode(), by)
            if reply.code == 421:
                self.end("server", f"the server closed the connection, as {by} says")
            await self.flush()
            said.set()
        if self.stopping:
            self._end_by_stop()

    def stop(self) -> None:
        """Close the connection as soon as nothing is being answered."""
        self.stopping = True
        self._disturb()

    def cancel(self) -> None:
        """Give up whatever is being done."""
        self.stopping = True
        if self.content is not None:
            self.content.cancel()
        if self._scope is not None:
            self._scope.cancel()
        else:
            self.channel.interrupt()

    def _end_by_stop(self) -> None:
        self.end("server", "the server was stopped", standard.SHUTDOWN)

    async def _finish(self) -> None:
        seconds = self.context.options.close_timeout
        if self.ending is None:  # cancelled: it did not finish in time
            self._end_by_stop()
            seconds = 0
        ending = self.ending
        assert ending is not None
        with anyio.move_on_after(seconds):
            if ending.last_words is not None:
                self.send_raw(self.engine.shut_down(ending.last_words))
            if not ending.reset:
                await self.flush()
                if self.tls is not None and not self.mute:
                    # A client that sees the end of TLS finds it in the record.
                    self.recorder.closed(ending.by, ending.how)
                    await self.channel.send(self.tls.close())
        for interjection in self._interjections:
            interjection.said.set()
        self._give_up_content(ending.how)
        for content in self._given_up:
            await content.wait(self.context.options.close_timeout)
        self.recorder.closed(ending.by, ending.how)
        # Before it counts as over: the test waits for what happens at "CLOSE".
        await self.performer.after_close()
        self.context.ended(self)
        if ending.reset:
            await self.channel.reset()
        else:
            # Whoever is still talking to us has to be able to read our last words.
            talking = ending.by == "server" and not self.stopping
            await self.channel.close(self.context.options.close_timeout * talking)
