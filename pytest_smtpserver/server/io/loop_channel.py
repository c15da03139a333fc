"""The channel for asyncio: a socket whose reader is called by the loop itself.

anyio's streams pause and resume reading and pass a checkpoint at each call, which for
small messages costs more than all the rest. Here bytes go from the socket to the engine
and back in one callback; a task is woken only when something has to be awaited.
"""

from __future__ import annotations

import asyncio
import math
import socket
from time import monotonic
from typing import TYPE_CHECKING

from .channel import (
    PIECE,
    Channel,
    Outcome,
    no_linger,
    paced_receive,
    shut_down_writing,
    size_receive_buffer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .idling import IdleWatch
    from .outbox import Outbox
    from .pace import Pace


class LoopChannel(Channel):
    """A non-blocking socket on an asyncio loop that can watch sockets.

    Args:
        connection: the socket.
        loop: the loop.
        outbox: where replies wait for those to other clients.
        idle_watch: has the silence of the client looked at.
    """

    __slots__ = (
        "_ask_for_reset",
        "_broken",
        "_closed",
        "_drained",
        "_eof",
        "_fd",
        "_gone",
        "_heard",
        "_held",
        "_idle_timeout",
        "_idle_watch",
        "_interrupted",
        "_loop",
        "_on_end",
        "_on_sent",
        "_outbox",
        "_pace",
        "_process",
        "_reading",
        "_resume",
        "_socket",
        "_timer",
        "_unsent",
    )

    def __init__(
        self,
        connection: socket.socket,
        loop: asyncio.AbstractEventLoop,
        outbox: Outbox,
        idle_watch: IdleWatch,
    ) -> None:
        self._socket = connection
        self._fd = connection.fileno()
        self._loop = loop
        self._outbox = outbox
        outbox.clients += 1
        self._idle_watch = idle_watch
        #: uvloop calls a reader once for bytes with a reset behind them, and then
        #: never again; asyncio's own loop calls it for the reset too.
        self._ask_for_reset = not isinstance(loop, asyncio.SelectorEventLoop)
        self._process: Callable[[bytes], bytes | None] | None = None
        self._on_end: Callable[[Outcome | Exception], None] | None = None
        self._interrupted = False
        self._reading = False
        #: A reply that leaves at the end of this turn of the loop.
        self._held = b""
        #: Bytes that the socket did not take yet.
        self._unsent = b""
        self._drained: asyncio.Future[None] | None = None
        self._on_sent: Callable[[], None] | None = None
        self._heard = 0.0
        self._idle_timeout = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._eof = False
        #: The client has reset the connection, or we have closed it.
        self._broken = False
        self._closed = False
        self._gone: asyncio.Future[None] | None = None
        self._pace: Pace | None = None
        self._resume: asyncio.TimerHandle | None = None

    async def exchange(
        self,
        process: Callable[[bytes], bytes | None],
        *,
        sent: Callable[[], None] | None = None,
        idle_timeout: float = math.inf,
        within: float = math.inf,
    ) -> Outcome:
        outcome: asyncio.Future[Outcome] = self._loop.create_future()

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
            timer = self._loop.call_later(within, self._end, Outcome.OVER)
        self.listen(process, ended, sent=sent, idle_timeout=idle_timeout)
        try:
            return await outcome
        finally:
            if timer is not None:
                timer.cancel()
            self._process = self._on_end = None

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

        Args:
            process: as for `exchange`.
            ended: gets the outcome, or what `process` has raised; maybe at once.
            sent: as for `exchange`.
            idle_timeout: as for `exchange`.
            first: sent before anything is read.
        """
        self._process, self._on_end, self._on_sent = process, ended, sent
        if self._interrupted:
            self._interrupted = False
            self._end(Outcome.INTERRUPTED)
        elif self._broken:
            self._end(Outcome.BROKEN)
        elif self._eof:
            self._end(Outcome.EOF)
        else:
            self._heard = monotonic()
            self._idle_timeout = idle_timeout
            if idle_timeout != math.inf and self._timer is None:
                self._idle_watch.watch(self, idle_timeout)
            if first:
                self._answer(first)
            self._watch()

    async def send(self, data: bytes) -> bool:
        if data and not self._broken:
            self._write(data)
        while self._unsent and not self._broken:
            self._drained = self._loop.create_future()
            try:
                await self._drained
            finally:
                self._drained = None
        return not self._broken

    def try_send(self, data: bytes) -> bytes:
        """Send bytes without waiting; what did not leave, though the client is there."""
        self.deliver()
        if not data or self._broken:
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
        self._let_go()
        if self._on_end is not None:
            self._end(Outcome.INTERRUPTED)
        else:
            self._interrupted = True

    def raw_socket(self) -> socket.socket:
        return self._socket

    def close_at_once(self) -> None:
        """Send FIN and let go, with nobody to wait for."""
        if not self._closed:
            self.deliver()
            self._release()  # closing sends FIN too

    async def close(self, linger: float = 0.0) -> None:
        if self._closed:
            return
        self._stop_timer()
        self.half_close()
        if linger and not self._eof and not self._broken:
            self._gone = self._loop.create_future()
            timer = self._loop.call_later(linger, self._let_go)
            self._loop.add_reader(self._fd, self._drop)
            self._reading = True
            try:
                await self._gone
            finally:
                timer.cancel()
        self._release()

    async def reset(self) -> None:
        if not self._closed:
            self.deliver()
            no_linger(self._socket)
            self._release()

    def half_close(self) -> None:
        self.deliver()
        shut_down_writing(self._socket)

    # Called by the loop

    def _readable(self) -> None:
        process = self._process
        if process is None:
            # Nobody reads just now: what comes waits in the kernel.
            self._unwatch()
            return
        if self._pace is not None and (wait := self._pace.wait(monotonic())):
            self._unwatch()
            self._resume = self._loop.call_later(wait, self._watch_again)
            return
        try:
            data = (
                self._socket.recv(PIECE)
                if self._pace is None
                else paced_receive(self._socket, self._pace, monotonic)
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._break()
            return
        if not data:
            self._eof = True
            self._unwatch()
            self._end(Outcome.EOF)
            return
        reset = self._ask_for_reset and self._is_reset()
        self._heard = monotonic()
        try:
            answer = process(data)
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
        self._resume = None
        if self._process is not None:
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
        self._loop.remove_writer(self._fd)
        self._wake_sender()
        if self._process is not None:
            if self._on_sent is not None:
                self._on_sent()
            self._watch()

    def check_idle(self) -> None:
        """End the exchange if the client is silent for too long, or look again then."""
        if self._timer is not None:  # it may be the watch that asks
            self._timer.cancel()
            self._timer = None
        if self._on_end is None or self._idle_timeout == math.inf:
            return
        left = self._heard + self._idle_timeout - monotonic()
        if left <= 0:
            self._end(Outcome.IDLE)
        else:
            # One timer for each stretch of silence, not one for each piece.
            self._timer = self._loop.call_later(left, self.check_idle)

    def _drop(self) -> None:
        try:
            data = self._socket.recv(PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data or (self._ask_for_reset and self._is_reset()):
            self._unwatch()
            self._let_go()

    def _let_go(self) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # Inside

    def _answer(self, data: bytes) -> None:
        self._write(data)
        if self._on_sent is not None and not self._unsent:
            self._on_sent()

    def _is_reset(self) -> bool:
        """Bytes were the last: the client has reset the connection behind them."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

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
            self._loop.add_writer(self._fd, self._writable)

    def _end(self, outcome: Outcome | Exception) -> None:
        self.deliver()
        ended, self._on_end, self._process = self._on_end, None, None
        if ended is not None:
            ended(outcome)

    def _break(self) -> None:
        self._broken = True
        self._unwatch()
        if self._unsent:
            self._loop.remove_writer(self._fd)
            self._unsent = b""
        self._end(Outcome.BROKEN)
        self._wake_sender()

    def _wake_sender(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _watch(self) -> None:
        if not self._reading and not self._unsent and not self._broken:
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def _unwatch(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def _stop_timer(self) -> None:
        for timer in (self._timer, self._resume):
            if timer is not None:
                timer.cancel()
        self._timer = self._resume = None
        self._idle_watch.forget(self)

    def _release(self) -> None:
        if self._closed:
            return
        self._closed = self._broken = True
        self._held = b""
        self._outbox.clients -= 1
        self._stop_timer()
        self._unwatch()
        if self._unsent:
            self._loop.remove_writer(self._fd)
            self._unsent = b""
        self._socket.close()
        # Whoever was called is not held any longer: no cycle waits for the collector.
        self._process = self._on_end = self._on_sent = None
