"""The channel for asyncio: a socket whose reader is called by the loop itself.

anyio's streams pause and resume reading and pass a checkpoint at each call, which for
small messages costs more than all the rest. Here bytes go from the socket to the engine
and back in one callback; a task is woken only when something has to be awaited.
"""

from __future__ import annotations

import asyncio
import enum
import math
import socket
from typing import TYPE_CHECKING, NamedTuple

from .channel import (
    PIECE,
    Channel,
    Outcome,
    no_linger,
    paced_receive,
    shut_down_writing,
    size_receive_buffer,
)
from .clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable

    from .clock import Pace
    from .crowd import IdleWatch, Outbox

#: Seconds by which a timer is late only where the whole process, or its event loop, has
#: stood still: a debugger stops all threads, Ctrl-Z the process. Nobody was heard.
_LATE = 1.0


class _Status(enum.IntEnum):
    """How far the connection has come to its end."""

    OPEN = 0
    #: The client has closed its side.
    ENDED = 1
    #: The client has reset the connection: nothing can be read or sent.
    BROKEN = 2
    #: The socket is closed.
    CLOSED = 3


class _Listening(NamedTuple):
    """Who is called for what the client does; see `LoopChannel.listen`."""

    process: Callable[[bytes], bytes | None]
    ended: Callable[[Outcome | Exception], None]
    sent: Callable[[], None] | None
    idle_timeout: float


class LoopChannel(Channel):
    """A non-blocking socket on an asyncio loop that can watch sockets.

    Replies wait in the outbox, which has the loop, for those to other clients.
    """

    __slots__ = (
        "_ask_for_reset",
        "_heard",
        "_held",
        "_idle_timer",
        "_idle_watch",
        "_interrupted",
        "_listening",
        "_outbox",
        "_pace",
        "_socket",
        "_status",
        "_unsent",
        "_waiter",
        "_watching",
    )

    def __init__(
        self, connection: socket.socket, outbox: Outbox, idle_watch: IdleWatch
    ) -> None:
        self._socket = connection
        self._outbox = outbox
        outbox.join()
        self._idle_watch = idle_watch
        #: uvloop calls a reader once for bytes with a reset behind them, and then
        #: never again; asyncio's own loop calls it for the reset too.
        self._ask_for_reset = not isinstance(outbox.loop, asyncio.SelectorEventLoop)
        self._status = _Status.OPEN
        self._listening: _Listening | None = None
        self._interrupted = False
        #: The loop calls `_readable`, or `_drop`.
        self._watching = False
        #: A reply that leaves at the end of this turn of the loop.
        self._held = b""
        #: Bytes that the socket did not take yet.
        self._unsent = b""
        #: Done when `_unsent` has left, or when lingering is over.
        self._waiter: asyncio.Future[None] | None = None
        self._heard = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._pace: Pace | None = None

    async def exchange(
        self,
        process: Callable[[bytes], bytes | None],
        *,
        sent: Callable[[], None] | None = None,
        idle_timeout: float = math.inf,
        within: float = math.inf,
    ) -> Outcome:
        loop = self._outbox.loop
        outcome: asyncio.Future[Outcome] = loop.create_future()

        def ended(how: Outcome | Exception) -> None:
            if outcome.done():  # cancelled
                return
            if isinstance(how, Exception):
                outcome.set_exception(how)
            else:
                outcome.set_result(how)

        timer = None
        if within != math.inf:
            # An anyio scope would end it by cancelling, in several turns of the loop.
            timer = loop.call_later(within, self._end, Outcome.OVER)
        self.listen(process, ended, sent=sent, idle_timeout=idle_timeout)
        try:
            return await outcome
        finally:
            if timer is not None:
                timer.cancel()
            self.deliver()
            self._listening = None

    def listen(
        self,
        process: Callable[[bytes], bytes | None],
        ended: Callable[[Outcome | Exception], None],
        *,
        sent: Callable[[], None] | None = None,
        idle_timeout: float = math.inf,
        first: bytes = b"",
    ) -> None:
        """Do as `exchange`, and call when it has ended: no task waits for that.

        What is called gets the outcome, or what `process` has raised; maybe at once.
        The `first` bytes are sent before anything is read.
        """
        self._listening = _Listening(process, ended, sent, idle_timeout)
        if self._interrupted:
            self._interrupted = False
            self._end(Outcome.INTERRUPTED)
        elif self._status is _Status.OPEN:
            self._heard = monotonic()
            if idle_timeout != math.inf and self._idle_timer is None:
                self._idle_watch.watch(self, idle_timeout)
            if first:
                self._answer(first)
            self._watch()
        else:
            ended_by_client = self._status is _Status.ENDED
            self._end(Outcome.EOF if ended_by_client else Outcome.BROKEN)

    async def send(self, data: bytes) -> bool:
        if data and not self._is_broken:
            self._write(data)
        while self._unsent and not self._is_broken:
            await self._wait()
        return not self._is_broken

    def try_send(self, data: bytes) -> bytes:
        """Send bytes without waiting; what did not leave, though the client is there."""
        self.deliver()
        if not data or self._is_broken:
            return b""
        if self._unsent:
            return data
        try:
            return data[self._socket.send(data) :]
        except (BlockingIOError, InterruptedError):
            return data
        except OSError:
            self._break()
            return b""

    def pace_reading(self, pace: Pace | None) -> None:
        self._pace = pace
        size_receive_buffer(self._socket, pace)

    def interrupt(self) -> None:
        self._wake()
        if self._listening is not None:
            self._end(Outcome.INTERRUPTED)
        else:
            self._interrupted = True

    def raw_socket(self) -> socket.socket:
        return self._socket

    def close_at_once(self) -> None:
        """Send FIN and let go, with nobody to wait for."""
        if self._status is not _Status.CLOSED:
            self.deliver()
            self._release()  # closing sends FIN too

    async def close(self, linger: float = 0.0) -> None:
        if self._status is _Status.CLOSED:
            return
        self._stop_timers()
        self.half_close()
        if linger and self._status is _Status.OPEN:
            loop = self._outbox.loop
            timer = loop.call_later(linger, self._wake)
            loop.add_reader(self._socket.fileno(), self._drop)
            self._watching = True
            try:
                await self._wait()
            finally:
                timer.cancel()
        self._release()

    async def reset(self) -> None:
        if self._status is not _Status.CLOSED:
            self.deliver()
            no_linger(self._socket)
            self._release()

    def half_close(self) -> None:
        self.deliver()
        shut_down_writing(self._socket)

    # Called by the loop

    def _readable(self) -> None:
        listening, pace = self._listening, self._pace
        if listening is None:
            # Nobody reads just now: what comes waits in the kernel.
            self._unwatch()
            return
        if pace is not None and (wait := pace.wait(monotonic())):
            self._unwatch()
            self._outbox.loop.call_later(wait, self._watch_again)
            return
        try:
            data = (
                self._socket.recv(PIECE)
                if pace is None
                else paced_receive(self._socket, pace, monotonic)
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._break()
            return
        if not data:
            self._status = _Status.ENDED
            self._unwatch()
            self._end(Outcome.EOF)
            return
        reset = self._ask_for_reset and self._is_reset()
        self._heard = monotonic()
        try:
            answer = listening.process(data)
        except Exception as error:  # noqa: BLE001 - goes to whoever listens
            self._end(error)
            return
        if answer is None:
            self._end(Outcome.ATTENTION)
        elif answer:
            if self._outbox.clients > 1 and not reset:
                self._held = answer
                self._outbox.add(self)
            else:
                self._answer(answer)
        if reset:
            self._break()

    def deliver(self) -> None:
        """Send the reply that is held, if there is one."""
        if self._held:
            answer, self._held = self._held, b""
            self._answer(answer)

    def _watch_again(self) -> None:
        if self._listening is not None:
            self._watch()

    def _writable(self) -> None:
        try:
            taken = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._break()
            return
        self._unsent = self._unsent[taken:]
        if self._unsent:
            return
        self._outbox.loop.remove_writer(self._socket.fileno())
        self._wake()
        if (listening := self._listening) is not None:
            if listening.sent is not None:
                listening.sent()
            self._watch()

    def check_idle(self) -> None:
        """End the exchange if the client is silent for too long, or look again then."""
        if self._idle_timer is not None:  # it may be the watch that asks
            self._idle_timer.cancel()
            self._idle_timer = None
        listening = self._listening
        if listening is None or listening.idle_timeout == math.inf:
            return
        left = self._heard + listening.idle_timeout - monotonic()
        if left < -_LATE:
            self._heard = monotonic()
            left = listening.idle_timeout
        if left <= 0:
            self._end(Outcome.IDLE)
        else:
            # One timer for each stretch of silence, not one for each piece.
            self._idle_timer = self._outbox.loop.call_later(left, self.check_idle)

    def _drop(self) -> None:
        try:
            data = self._socket.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data or (self._ask_for_reset and self._is_reset()):
            self._unwatch()
            self._wake()

    # Inside

    @property
    def _is_broken(self) -> bool:
        """Nothing can be sent any more."""
        return self._status >= _Status.BROKEN

    def _is_reset(self) -> bool:
        """Bytes were the last: the client has reset the connection behind them."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def _answer(self, data: bytes) -> None:
        self._write(data)
        listening = self._listening
        if listening is not None and listening.sent is not None and not self._unsent:
            listening.sent()

    def _write(self, data: bytes) -> None:
        if self._held:
            self.deliver()
        if self._unsent:
            self._unsent += data
            return
        try:
            taken = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            taken = 0
        except OSError:
            self._break()
            return
        if taken < len(data):
            # A client that does not read its replies is not read either.
            self._unsent = data[taken:]
            self._unwatch()
            self._outbox.loop.add_writer(self._socket.fileno(), self._writable)

    def _end(self, outcome: Outcome | Exception) -> None:
        self.deliver()
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.ended(outcome)

    def _break(self) -> None:
        self._status = _Status.BROKEN
        self._unwatch()
        self._drop_unsent()
        self._end(Outcome.BROKEN)
        self._wake()

    async def _wait(self) -> None:
        """Wait for `_wake`."""
        self._waiter = self._outbox.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _watch(self) -> None:
        if not self._watching and not self._unsent and not self._is_broken:
            self._watching = True
            self._outbox.loop.add_reader(self._socket.fileno(), self._readable)

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            self._outbox.loop.remove_reader(self._socket.fileno())

    def _drop_unsent(self) -> None:
        if self._unsent:
            self._outbox.loop.remove_writer(self._socket.fileno())
            self._unsent = b""

    def _stop_timers(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        self._idle_watch.forget(self)

    def _release(self) -> None:
        if self._status is _Status.CLOSED:
            return
        self._status = _Status.CLOSED
        self._held = b""
        self._outbox.leave()
        self._stop_timers()
        self._unwatch()
        self._drop_unsent()
        self._socket.close()
        # Whoever was called is not held any longer: no cycle waits for the collector.
        self._listening = None
