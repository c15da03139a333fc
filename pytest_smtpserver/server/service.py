"""The listener of a server and its connections, whatever the event loop.

On an asyncio loop that can watch sockets this is a `LoopService`, anywhere else (trio,
asyncio's proactor) a `TaskService`.
"""

from __future__ import annotations

import enum
import errno
import os
import select
import selectors
import socket
import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio

from pytest_smtpserver.protocol.syntax import standard

from .io import listening
from .session.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.protocol.syntax.replies import Reply

    from .context import ServerContext
    from .io.channel import Channel

#: Clients that are let in before the others get their turn again.
_ADMITTED_AT_MOST = 64
#: What `accept` fails with where there are no descriptors, or no memory for one.
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
#: Seconds after which it is tried again, unless a connection has ended meanwhile.
_TRY_AGAIN = 0.1
#: Sockets that `select` takes at once, on systems that have nothing better: Windows.
_SELECTED_AT_ONCE = 500
#: Hosts that stand for all addresses of the machine.
_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound to


class _Door(enum.Enum):
    """Whether clients are let in."""

    OPEN = enum.auto()
    #: There are no descriptors for more of them: they wait in the queue.
    SHUT = enum.auto()
    #: It is tried again; it is open for good when the queue is empty.
    AJAR = enum.auto()


class Service(ABC):
    """Accepts clients and serves them. For the event loop's thread alone."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        context.serve_by(self._spawn, self._look)
        self._listener: socket.socket | None = None
        #: Where clients connect to; None where they may use several addresses.
        self._local: tuple[str, int] | None = None
        #: How many clients are looked for at once: a few more each time that as many
        #: have come. Most come alone, and looking for the next is a system call in vain.
        self._expected = 1.0
        #: A client may be neither in the queue nor among the connections just now.
        self._admitting = False
        self._door = _Door.OPEN
        #: Connections that have not ended, and those that only linger.
        self._connections: dict[Connection, None] = {}
        self._lingering: set[Connection] = set()
        self._all_gone: anyio.Event | None = None
        #: Called once nothing is in flight, or once nothing moves by itself.
        self._watchers: list[tuple[bool, Callable[[], None]]] = []

    # Coming and going

    async def close(self) -> None:
        """Stop accepting, and end all connections in at most ``close_timeout``."""
        self.close_listener()
        await self.end_connections()
        self._context.threads.close()

    def close_at_once(self) -> bool:
        """Stop accepting; whether there is nothing else to do for `close`."""
        self.close_listener()
        if self._connections or self._lingering:
            return False
        self._context.threads.close()
        return True

    async def end_connections(self) -> None:
        """End all connections in at most ``close_timeout``."""
        for connection in list(self._connections):
            connection.stop()
        for connection in list(self._lingering):
            connection.stop_lingering()
        with anyio.move_on_after(self._context.options.close_timeout):
            await self._wait_until_gone()
        for connection in list(self._connections):
            connection.cancel()
        for connection in list(self._lingering):
            connection.stop_lingering()
        await self._wait_until_gone()

    async def drop_connections(self, *, reset: bool) -> None:
        """End all connections without a word."""
        self.drop_soon(reset=reset)
        await self._wait_until_gone()

    def drop_soon(self, *, reset: bool) -> None:
        """The same, without waiting for it."""
        for connection in list(self._connections):
            connection.drop("the server went away: an outage", reset=reset)
        for connection in list(self._lingering):
            connection.stop_lingering()

    def hang_up_soon(self, why: str, seconds: float) -> None:
        """Let those who wait then know that nobody answers any more."""
        here = self.open_connections()

        def hang_up() -> None:
            for connection in here:
                if connection in self._connections and connection.in_flight:
                    connection.drop(f"the server hung up: {why}")

        self._call_later(seconds, hang_up)

    def cut_off(self) -> None:
        """End what is sent to those who are here; for a loop that is blocked."""
        for connection in self.open_connections():
            connection.cut_off()

    async def _wait_until_gone(self) -> None:
        while self._connections or self._lingering:
            self._all_gone = anyio.Event()
            await self._all_gone.wait()

    @property
    def is_deserted(self) -> bool:
        """No client is here or on its way. May be asked from any thread."""
        listener = self._listener
        # In this order: a client is in the queue, being let in, and then a connection.
        on_its_way = listener is not None and (
            self._door is not _Door.SHUT and any_readable([listener])
        )
        return not (on_its_way or self._admitting or self._connections)

    def open_connections(self) -> list[Connection]:
        """The connections that have not ended."""
        return list(self._connections)

    def _admit(self) -> None:
        """Let in the clients that wait in the listener's queue."""
        listener = self._listener
        if listener is None:
            return
        self._admitting = True
        try:
            for _ in range(int(self._expected)):
                try:
                    client, address = listening.accept(listener)
                except ConnectionError:
                    continue  # it has gone before it was let in
                self._take_in(client, _address(address), self._local)
            self._expected = min(self._expected * 1.125, _ADMITTED_AT_MOST)
            if self._door is _Door.AJAR and not any_readable([listener]):
                self._door = _Door.OPEN
        except (BlockingIOError, InterruptedError):
            self._expected = 1.0
            self._door = _Door.OPEN
        except OSError as error:
            self._shut_door(error)
        finally:
            self._admitting = False

    def let_go(self) -> None:
        """Close the sockets of a child process made by fork: the parent serves them."""
        if self._listener is not None:
            self._listener.close()
        for connection in (*self._connections, *self._lingering):
            connection.let_go()

    def _shut_door(self, error: OSError) -> None:
        """Let nobody in for a moment; the test is told once in each such time."""
        if self._door is _Door.OPEN:
            text = f"no client can be let in: {error.strerror or error}"
            if error.errno in _SCARCE:
                text += (
                    "; they wait in the queue, and are served when others have gone: let "
                    "the test hold fewer files and sockets open, or raise 'ulimit -n'"
                )
            self._context.fault(OSError(error.errno, text))
        self._door = _Door.SHUT
        self._pause_accepting()
        self._call_later(_TRY_AGAIN, self._try_again)

    def _try_again(self) -> None:
        """There may be room for a client now."""
        if self._door is _Door.SHUT and self._listener is not None:
            self._door = _Door.AJAR
            self._watch()

    # Failures on purpose

    def interject(
        self, reply: Reply, by: str
    ) -> list[tuple[SessionRecord, anyio.Event]]:
        """Send a reply to all clients; the sessions, and what is set once it has left."""
        return [
            (connection.record, connection.interject(reply, by))
            for connection in list(self._connections)
            if not connection.has_ended
        ]

    async def interject_now(self, reply: Reply, by: str) -> list[SessionRecord]:
        """The same, and wait until it has left."""
        told = self.interject(reply, by)
        with anyio.move_on_after(self._context.options.close_timeout):
            for _, said in told:
                await said.wait()
        return [record for record, _ in told]

    def close_listener(self) -> None:
        """Refuse clients from now on."""
        self._pause_accepting()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def hold_back(self) -> socket.socket:
        """Accept nobody for a while; the listener."""
        listener = self._listener
        assert listener is not None
        while self._door is not _Door.SHUT and any_readable([listener]):
            self._admit()
        self._door = _Door.OPEN
        self._pause_accepting()
        return listener

    def let_in(self, fillers: list[socket.socket]) -> None:
        """Accept clients again, and let those go that only filled the queue."""
        listener = self._listener
        assert listener is not None
        listener.listen(self._context.options.backlog)
        # They came first; the last one never got in.
        for _ in fillers[:-1]:
            listening.accept(listener)[0].close()
        self.accept_from(listener)

    # Coming

    def take_in(self, client: socket.socket) -> None:
        """Serve a client whose socket is connected already."""
        self._take_in(client, _address(client.getpeername()))

    def _take_in(
        self,
        client: socket.socket,
        remote: tuple[str, int],
        local: tuple[str, int] | None = None,
    ) -> None:
        client.setblocking(False)
        with suppress(OSError):  # macOS: EINVAL where the client has gone
            if remote[1]:  # it has a port, so it is TCP
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            local = local or _address(client.getsockname())
        context = self._context
        connection = Connection(
            self._channel(client),
            context,
            remote,
            local or ("", 0),
            self._forget,
            self._gone,
        )
        context.sessions.record(connection.record)
        limit = context.options.max_connections
        if limit is not None and len(self._connections) >= limit:
            words = standard.TOO_MANY_CONNECTIONS
            connection.refuse("there were too many connections", words)
        self._connections[connection] = None
        connection.begin()

    def _gone(self, connection: Connection) -> None:
        """The connection has ended, and its socket is closed."""
        self._connections.pop(connection, None)
        self._lingering.discard(connection)
        if self._door is _Door.SHUT:
            self._try_again()
        if self._all_gone is not None and not (self._connections or self._lingering):
            self._all_gone.set()

    def _forget(self, connection: Connection) -> None:
        """The connection has ended, though its socket may linger."""
        if connection in self._connections:
            del self._connections[connection]
            self._lingering.add(connection)

    # Watching

    def when_idle(self, call: Callable[[], None], *, quiet: bool) -> None:
        """Call once nothing is in flight; with `quiet` once nothing moves by itself."""
        self._watchers.append((quiet, call))
        self._context.watch(True)
        self._look()

    def forget_watcher(self, call: Callable[[], None]) -> None:
        """Do not call."""
        self._watchers = [one for one in self._watchers if one[1] != call]

    def _look(self) -> None:
        moving = self._moving()
        idle = not moving and not any(one.in_flight for one in self._connections)
        due = [
            watcher for watcher in self._watchers if idle or (watcher[0] and not moving)
        ]
        for watcher in due:
            self._watchers.remove(watcher)
            watcher[1]()
        self._context.watch(bool(self._watchers))

    def _moving(self) -> bool:
        """Something will happen although no client does anything more."""
        if any(one.works for one in self._connections):
            return True
        watched = (one.watched_socket for one in self._connections)
        sockets = [one for one in watched if one is not None]
        if self._listener is not None and self._door is not _Door.SHUT:
            sockets.append(self._listener)
        return any_readable(sockets)

    # What differs between event loops

    @abstractmethod
    def _channel(self, client: socket.socket) -> Channel:
        """The channel for a client's socket."""

    @abstractmethod
    def _spawn(self, serve: Coroutine[Any, Any, None]) -> None:
        """Run a connection as a task."""

    def accept_from(self, listener: socket.socket) -> None:
        """Accept clients from now on."""
        self._listener = listener
        address = _address(listener.getsockname())
        self._local = None if address[0] in _ANY_ADDRESS else address
        self._watch()

    @abstractmethod
    def _call_later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call in so many seconds, if the service still runs."""

    @abstractmethod
    def _watch(self) -> None:
        """Call `_admit` when a client comes to the listener."""

    @abstractmethod
    def _pause_accepting(self) -> None:
        """Accept nobody, and keep the listener."""


def any_readable(sockets: Iterable[socket.socket]) -> bool:
    """Whether bytes, an end or a client wait in any of these sockets."""
    numbers = [number for one in sockets if (number := one.fileno()) >= 0]
    system = select
    # eventlet's select would wait for its turn, beside the event loop, which must not be.
    if (eventlet := sys.modules.get("eventlet.patcher")) is not None:
        system = eventlet.original("select")
    if not hasattr(system, "poll"):
        return any(
            _selected(numbers[start : start + _SELECTED_AT_ONCE])
            for start in range(0, len(numbers), _SELECTED_AT_ONCE)
        )
    poll = system.poll()
    for number in numbers:
        poll.register(number, system.POLLIN)
    return bool(numbers and poll.poll(0))


def _selected(numbers: list[int]) -> bool:
    with selectors.DefaultSelector() as selector:
        for number in numbers:
            selector.register(number, selectors.EVENT_READ)
        return bool(selector.select(0))


def _address(address: Any) -> tuple[str, int]:
    """(host, port); for a Unix socket its path and 0."""
    if isinstance(address, tuple):
        return str(address[0]), int(address[1])
    return os.fsdecode(address), 0
