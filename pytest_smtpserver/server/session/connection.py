"""One client, from the moment it connects to the moment its socket is closed.

`Connection.live` tells the whole of it, in the order in which it happens. Most sessions
never get there: for as long as nothing has to be awaited, greeting, commands and content
are answered where the event loop reads the socket, and a client that quits is let go of
there too (`Connection.begin`). So a plain session costs no task, no future and no scope.
The two ways meet between two events: `begin` hands over to `live` with the outcome of
its listening, and `live` hands the client's bytes back to the dialogue, through
`Channel.exchange`, whenever there is nothing to await.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.server.io.channel import Outcome
from pytest_smtpserver.server.io.clock import STANDSTILL
from pytest_smtpserver.server.io.line import Line, TLSState
from pytest_smtpserver.server.io.loop_channel import LoopChannel

from . import performer
from .attendant import Activity, Attendant
from .dialogue import Dialogue, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.server.context import ServerContext
    from pytest_smtpserver.server.io.channel import Channel

    from . import opening
else:
    opening = Later("pytest_smtpserver.server.session.opening")


class Connection:
    """One client.

    It calls `ended` when the session has ended, and `gone` when the socket is closed:
    that may linger.
    """

    __slots__ = (
        "_attendant",
        "_channel",
        "_context",
        "_dialogue",
        "_ended",
        "_gone",
        "_line",
        "_scope",
        "record",
    )

    def __init__(
        self,
        channel: Channel,
        context: ServerContext,
        remote_address: tuple[str, int],
        local_address: tuple[str, int],
        ended: Callable[[Connection], None],
        gone: Callable[[Connection], None],
    ) -> None:
        self._channel = channel
        self._context = context
        self._dialogue = dialogue = Dialogue(
            context, remote_address, local_address, channel.pace_reading
        )
        self.record: SessionRecord = dialogue.recorder.record
        self._line = Line(channel)
        self._attendant = Attendant(self._line, dialogue, context)
        self._ended = ended
        self._gone = gone
        #: Made by the task: only there anyio knows which event loop this is.
        self._scope: anyio.CancelScope | None = None

    # How it stands

    @property
    def has_ended(self) -> bool:
        """It is to end, or has ended."""
        return self._dialogue.ending is not None

    @property
    def in_flight(self) -> bool:
        """A transaction is open, or bytes wait for an answer."""
        return self._dialogue.in_flight

    @property
    def held_up_by(self) -> str:
        """The rule that keeps the client waiting, in words; ``""`` for none."""
        return self._dialogue.held_up_by

    def cut_off(self) -> None:
        """Tell the client by the socket alone. From any thread."""
        with suppress(OSError):  # it has gone
            self._channel.raw_socket().shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Close this process's copy of the socket, and tell nobody."""
        self._channel.raw_socket().close()

    @property
    def works(self) -> bool:
        """It has something to do that no client needs to do anything for."""
        return self._attendant.works

    @property
    def watched_socket(self) -> socket.socket | None:
        """Where bytes may have come that set it to work; None for nowhere."""
        return self._attendant.watched_socket

    # The way without a task

    def begin(self) -> None:
        """Greet the client and listen, for as long as nothing has to be awaited."""
        channel = self._channel
        if self.has_ended or not (
            isinstance(channel, LoopChannel) and self._context.opens_at_once
        ):
            self._hand_over(None)
            return
        try:
            greeting = self._dialogue.advance()
        except Exception as error:  # noqa: BLE001 - one connection's fault is its own
            self._heard(error)
            return
        if greeting is None:
            self._hand_over(Outcome.ATTENTION)
            return
        self._attendant.turn_to(Activity.LISTENING)
        channel.listen(
            self._dialogue.hear,
            self._heard,
            sent=self._dialogue.sent,
            idle_timeout=self._context.options.idle_timeout,
            first=greeting,
        )

    def _heard(self, outcome: Outcome | Exception) -> None:
        """Listening has ended: so does the session, or a task goes on with it."""
        self._attendant.turn_to(Activity.WORKING)
        if isinstance(outcome, Exception):
            self._failed(outcome)
            outcome = Outcome.ATTENTION
        if self._can_end(outcome) and self._say_goodbye():
            if outcome is Outcome.ATTENTION:
                self._dialogue.quit()
            else:
                self._attendant.left(outcome)
            self._over()
            assert isinstance(self._channel, LoopChannel)
            self._channel.close_at_once()
            self._gone(self)
        else:
            self._hand_over(outcome)

    def _hand_over(self, outcome: Outcome | None) -> None:
        self._context.spawn(self.live(outcome))

    def _can_end(self, outcome: Outcome) -> bool:
        """The client has quit or is gone, and nobody has to be waited for."""
        dialogue = self._dialogue
        if outcome is Outcome.ATTENTION:
            if dialogue.next_step is not Step.QUIT:
                return False
        elif outcome not in (Outcome.EOF, Outcome.BROKEN):
            return False
        return not (
            self._attendant.is_disturbed
            or dialogue.ending is not None
            or dialogue.due is not None
            or dialogue.incoming.has_reader
            or self._line.tls is not TLSState.OFF
            or self._context.script.rules_for("CLOSE")
        )

    def _say_goodbye(self) -> bool:
        """Send what is left to be said; false where it did not leave at once."""
        dialogue, channel = self._dialogue, self._channel
        assert isinstance(channel, LoopChannel)
        rest = channel.try_send(dialogue.take_output())
        dialogue.put_back_output(rest)
        if not rest:
            dialogue.sent()
        return not rest

    # The way with a task

    async def live(self, outcome: Outcome | None = None) -> None:
        """Serve the client until one of the two goes away.

        The `outcome` says why listening without a task has ended; None where nothing
        has happened yet.
        """
        attendant, dialogue = self._attendant, self._dialogue
        try:
            with anyio.CancelScope() as self._scope:
                if outcome is None:
                    if not self._context.opens_at_once:
                        await opening.open_session(attendant)
                    listens = self._advance()  # it greets
                else:
                    listens = self._note(outcome)
                while not self.has_ended:
                    await attendant.flush()
                    if attendant.is_disturbed:
                        await attendant.heed()
                    if self.has_ended:
                        break
                    if listens:
                        listens = self._note(await attendant.listen())
                    else:
                        await self._do(dialogue.next_step)
                        listens = self._advance()
        except Exception as error:  # noqa: BLE001 - one connection's fault is its own
            self._failed(error)
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await self._close()
            finally:
                self._gone(self)

    def _advance(self) -> bool:
        """Let the dialogue go on; whether it waits for the client then."""
        answer = None if self.has_ended else self._dialogue.advance()
        if answer:
            self._dialogue.put_back_output(answer)
        return answer is not None

    def _note(self, outcome: Outcome) -> bool:
        """See why listening has ended; whether to listen again."""
        if outcome is Outcome.IDLE:
            if STANDSTILL.excuses(self._context.options.idle_timeout):
                return True
            how = "the client was silent for too long"
            self._dialogue.end("server", how, standard.IDLE)
        elif outcome in (Outcome.EOF, Outcome.BROKEN):
            self._attendant.left(outcome)
        return outcome is Outcome.INTERRUPTED

    async def _do(self, step: Step) -> None:
        attendant, dialogue = self._attendant, self._dialogue
        match step:
            case Step.CUT:
                cut = dialogue.incoming.take_cut()
                await performer.close(attendant, cut, lingers=False)
            case Step.RULE:
                assert dialogue.due is not None
                await performer.Performer(attendant, dialogue.due).perform()
            case Step.READER:
                await dialogue.attend_reader()
            case Step.TLS:
                await opening.start_tls(attendant)
            case Step.QUIT:
                dialogue.quit()
            case Step.CLOSE:
                dialogue.end("server", "the server closed the connection")
            case Step.NONE if self._line.tls_ended:
                attendant.left(Outcome.EOF)

    def _failed(self, error: Exception) -> None:
        """Something is wrong with this server: tell the test, and end the session."""
        self._context.fault(error)
        self._dialogue.end("server", f"the server failed: {error!r}")

    # The end

    async def _close(self) -> None:
        attendant, dialogue, line = self._attendant, self._dialogue, self._line
        seconds = self._context.options.close_timeout
        patience = seconds
        if dialogue.ending is None:  # cancelled: it did not finish in time
            attendant.end_by_stop()
            patience = 0
        ending = dialogue.ending
        assert ending is not None
        with anyio.move_on_after(patience):
            dialogue.say_last_words()
            if not ending.reset:
                await attendant.flush()
                if line.tls is TLSState.ON and not dialogue.mute:
                    # A client that sees the end of TLS finds it in the record.
                    dialogue.note_end()
                    await line.say_goodbye()
        attendant.drop_interjections()
        dialogue.incoming.give_up(ending.how)
        for reader in dialogue.incoming.abandoned:
            await reader.wait(seconds)
        dialogue.note_end()
        # Before it counts as over: the test waits for what happens at "CLOSE".
        await performer.after_close(attendant)
        self._over()
        if ending.reset:
            await self._channel.reset()
        else:
            # Whoever is still talking to us has to be able to read our last words.
            lingers = ending.by == "server" and ending.lingers
            await self._channel.close(seconds * (lingers and not attendant.stopping))

    def _over(self) -> None:
        self._dialogue.note_end()
        self._context.log_end(self.record)
        self._ended(self)
        self._context.look()

    # What the server does to it

    def refuse(self, how: str, last_words: Reply) -> None:
        """Do not serve the client: say why, and close."""
        self._dialogue.end("server", how, last_words)

    def interject(self, reply: Reply, by: str) -> anyio.Event:
        """Send a reply that nothing has asked for.

        Returns:
            An event that is set when it has left. Where something is being done just
            now, the reply has to wait for that, and nobody waits for the reply.
        """
        waits = not self._attendant.takes_interjections
        said = self._attendant.interject(reply, by)
        if waits:
            said = anyio.Event()
            said.set()
        return said

    def stop(self) -> None:
        """Close the connection as soon as nothing is being answered."""
        self._attendant.stop()

    def stop_lingering(self) -> None:
        """Close the socket, whether the client has read our last words or not."""
        self._channel.interrupt()

    def drop(self, how: str, *, reset: bool = False) -> None:
        """Close the connection without a word; `how` is for the transcript."""
        self._dialogue.end("server", how, reset=reset)
        self.cancel()

    def cancel(self) -> None:
        """Give up whatever is being done."""
        self._attendant.note_stop()
        self._dialogue.incoming.cancel()
        if self._scope is not None:
            self._scope.cancel()
        else:
            self._channel.interrupt()
