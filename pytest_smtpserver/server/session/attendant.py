"""What is awaited on a connection: sending, listening, letting time pass.

The test and the end of the server may break in on all three.
"""

from __future__ import annotations

import enum
import ssl
from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.server.io.channel import Outcome
from pytest_smtpserver.server.io.line import TLSState

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.server.context import ServerContext
    from pytest_smtpserver.server.io.clock import Pace
    from pytest_smtpserver.server.io.line import Line

    from .dialogue import Dialogue


class Activity(enum.Enum):
    """What the session does just now."""

    #: It does something, and goes on by itself.
    WORKING = enum.auto()
    #: It waits for the client, with nothing to say.
    LISTENING = enum.auto()
    #: The same within the opening or a handshake: nothing can be said meanwhile.
    NEGOTIATING = enum.auto()
    #: It lets time pass, as a rule says.
    PAUSING = enum.auto()
    #: The same between the pieces of a reply: nothing else can be said meanwhile.
    TRICKLING = enum.auto()


_PAUSING = frozenset({Activity.PAUSING, Activity.TRICKLING})


class Attendant:
    """Awaits what one connection needs."""

    __slots__ = (
        "_disturbed",
        "_interjections",
        "activity",
        "context",
        "dialogue",
        "line",
        "stopping",
    )

    def __init__(self, line: Line, dialogue: Dialogue, context: ServerContext) -> None:
        self.line: Line = line
        self.dialogue: Dialogue = dialogue
        self.context: ServerContext = context
        self.activity: Activity = Activity.WORKING
        #: The server wants the connection to end.
        self.stopping: bool = False
        #: Replies that nothing has asked for, by whom, and what is set once they have left.
        self._interjections: list[tuple[Reply, str, anyio.Event]] = []
        self._disturbed: anyio.Event | None = None

    # What others ask

    @property
    def works(self) -> bool:
        """It has something to do that no client needs to do anything for."""
        if self.activity in _PAUSING:
            return False
        return (
            self.activity is Activity.WORKING
            or self.dialogue.has_work
            or bool(self.dialogue.delivery.unreleased)
        )

    @property
    def watched_socket(self) -> socket.socket | None:
        """Where bytes may have come that set it to work; None for nowhere."""
        if self.activity in _PAUSING:
            watches = not self.line.client_is_done
        else:
            watches = not self.dialogue.incoming.slowed_by
        return self.line.channel.raw_socket() if watches else None

    @property
    def takes_interjections(self) -> bool:
        """An interjection would be said at once."""
        return self.activity in (Activity.LISTENING, Activity.PAUSING)

    @property
    def is_disturbed(self) -> bool:
        """The test, or the end of the server, has broken in; see `heed`."""
        return self.stopping or bool(self._interjections)

    # Sending

    async def flush(self) -> None:
        """Send what is to be sent."""
        line, dialogue = self.line, self.dialogue
        if dialogue.has_output:
            data = line.encrypt(dialogue.take_output())
            if line.pace is not None:
                data = await self._trickle(data, line.pace)
            if not await line.channel.send(data):
                self.left(Outcome.BROKEN)
        dialogue.sent()

    async def _trickle(self, data: bytes, pace: Pace) -> bytes:
        """Send bytes at a pace; what is left of them once the connection ends."""
        while data and self.dialogue.ending is None:
            await self.pause(pace.wait(anyio.current_time(), len(data)), busy=True)
            if self.dialogue.ending is not None:
                break
            count = min(len(data), pace.allowed(anyio.current_time()))
            if not await self.line.channel.send(data[:count]):
                self.left(Outcome.BROKEN)
            pace.spend(count)
            data = data[count:]
        return data

    # Listening

    async def listen(self) -> Outcome:
        """Let the dialogue go on until something else has to be awaited."""
        return await self.exchange(
            self.hear, activity=Activity.LISTENING, sent=self.dialogue.sent
        )

    def hear(self, data: bytes) -> bytes | None:
        """Take received bytes; the bytes to send, or None: something is to be awaited."""
        line, dialogue = self.line, self.dialogue
        answer = dialogue.advance() if self.take(data) else None
        if answer is None or line.is_plain:
            return answer
        if line.tls_ended or (answer and line.pace is not None):
            dialogue.put_back_output(answer)
            return None
        return line.encrypt(answer)

    def take(self, data: bytes) -> bool:
        """Give received bytes to the dialogue; false when TLS has broken."""
        try:
            self.dialogue.engine.receive_data(self.line.decrypt(data))
        except ssl.SSLError as error:
            self.dialogue.end("client", f"TLS broke: {error.reason or error}")
            return False
        return True

    async def exchange(
        self,
        process: Callable[[bytes], bytes | None],
        *,
        activity: Activity = Activity.NEGOTIATING,
        idle_timeout: float | None = None,
        sent: Callable[[], None] | None = None,
    ) -> Outcome:
        """Wait for the client, with nothing left to say; see `Channel.exchange`.

        Without an `idle_timeout` that of the options counts.
        """
        channel = self.line.channel
        if idle_timeout is None:
            idle_timeout = self.context.options.idle_timeout
        before = self.turn_to(activity)
        try:
            if early := self.line.take_early():
                answer = process(early)
                if answer is None:
                    return Outcome.ATTENTION
                await channel.send(answer)
            return await channel.exchange(process, sent=sent, idle_timeout=idle_timeout)
        finally:
            self.activity = before

    def turn_to(self, activity: Activity) -> Activity:
        """Do that from now on; what was done before."""
        before, self.activity = self.activity, activity
        if activity is not Activity.WORKING:
            self.context.look()
        return before

    def left(self, outcome: Outcome) -> None:
        """The client is gone."""
        verb = "closed" if outcome is Outcome.EOF else "broke"
        self.dialogue.end("client", f"the client {verb} the connection")

    # Letting time pass

    async def pause(
        self, seconds: float, *, busy: bool = False, patient: bool = True
    ) -> None:
        """Let time pass. What the client sends meanwhile is answered later.

        It is cut short when the connection ends: the client is gone, or the server
        stops. With `busy` a reply is half sent, and nothing can be interjected. With
        `patient` a client counts as there that has said all and closed its direction.
        """
        dialogue, until = self.dialogue, anyio.current_time() + seconds
        before = self.turn_to(Activity.TRICKLING if busy else Activity.PAUSING)
        try:
            while dialogue.ending is None:
                left = until - anyio.current_time()
                if left <= 0:
                    return
                outcome = await self._pass_time(left, busy=busy)
                gone = outcome is Outcome.EOF or self.line.tls_ended
                # It may still wait for the replies to what it has said.
                waits = patient and dialogue.engine.may_be_waited_on
                if outcome is Outcome.BROKEN or (gone and not waits):
                    why = Outcome.EOF if outcome is Outcome.OVER else outcome
                    dialogue.end("client", f"the client gave up waiting ({why.value})")
                elif self.stopping:
                    dialogue.end("server", "the server was stopped")
                elif gone and not self.line.client_is_done:
                    self.line.note_end()
                    self.context.look()
                elif not busy:
                    await self.heed()
        finally:
            self.activity = before

    async def _pass_time(self, seconds: float, *, busy: bool) -> Outcome:
        """Wait that long, for the client or for a disturbance."""
        if not self.line.client_is_done:
            return await self.line.channel.exchange(self._put_by, within=seconds)
        with anyio.move_on_after(seconds):
            if not self.stopping and (busy or not self._interjections):
                self._disturbed = anyio.Event()
                await self._disturbed.wait()
        return Outcome.OVER

    def _put_by(self, data: bytes) -> bytes | None:
        """Take received bytes, which nobody looks at for now."""
        starts_tls = self.dialogue.engine.session.state is State.TLS
        if starts_tls or self.line.tls is TLSState.STARTING:
            self.line.put_by(data)
        elif not self.take(data) or self.line.tls_ended:
            return None
        return b""

    # What breaks in

    def interject(self, reply: Reply, by: str) -> anyio.Event:
        """Send a reply that nothing has asked for; the event is set when it has left."""
        said = anyio.Event()
        self._interjections.append((reply, by, said))
        self._disturb()
        return said

    def stop(self) -> None:
        """Close the connection as soon as nothing is being answered."""
        self.stopping = True
        self._disturb()

    def note_stop(self) -> None:
        """The connection is to end, and is told so otherwise."""
        self.stopping = True

    def _disturb(self) -> None:
        self.line.channel.interrupt()
        if self._disturbed is not None:
            self._disturbed.set()

    async def heed(self) -> None:
        """Say what is to be interjected; end the connection if it is to stop."""
        dialogue = self.dialogue
        while self._interjections and dialogue.ending is None:
            reply, by, said = self._interjections.pop(0)
            dialogue.send_raw(reply.encode(), by)
            if reply.code == 421:
                how = f"the server closed the connection, as {by} says"
                dialogue.end("server", how)
            await self.flush()
            said.set()
        if self.stopping:
            self.end_by_stop()

    def end_by_stop(self) -> None:
        """The server ends the connection, since it is stopped."""
        self.dialogue.end("server", "the server was stopped", standard.SHUTDOWN)

    def drop_interjections(self) -> None:
        """Nothing more can be said: let nobody wait for it."""
        for _, _, said in self._interjections:
            said.set()
