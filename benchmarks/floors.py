"""Floor servers: the SMTP dialogue with nothing behind it, on every kind of I/O.

They parse no address, record nothing and know no script. What one of them
needs for a message is what its way of reading and writing costs, and a server
built on that way cannot be faster. ``python benchmarks/floors.py`` measures
them all with smtp-source; ``--serve NAME`` runs one as a contender.
"""

from __future__ import annotations

import argparse
import asyncio
import selectors
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from floor_connections import (
    GREETING,
    READ_SIZE,
    BufferedInlineProtocol,
    BufferedTaskProtocol,
    Dialogue,
    InlineProtocol,
    RawConnection,
    RawIntoConnection,
    RawLargeConnection,
    RawTaskConnection,
    TaskProtocol,
    no_delay,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def listener() -> socket.socket:
    """A listening socket on an ephemeral port of the loopback."""
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
    sock.setblocking(False)
    return sock


def ready(sock: socket.socket) -> None:
    """Tell the parent where to connect."""
    print("PORT", sock.getsockname()[1], flush=True)


async def serve_protocol(protocol: Callable[[], asyncio.BaseProtocol]) -> None:
    """Serve with transports until standard input ends."""
    loop = asyncio.get_running_loop()
    sock = listener()
    server = await loop.create_server(protocol, sock=sock)
    ready(sock)
    await until_stdin_ends()
    server.close()


async def serve_raw(kind: Callable[..., RawConnection]) -> None:
    """Serve without transports: readers on the bare sockets."""
    loop = asyncio.get_running_loop()
    sock = listener()

    def acceptable() -> None:
        for _ in range(128):
            try:
                connection, _ = sock.accept()
            except BlockingIOError:
                return
            kind(loop, connection)

    loop.add_reader(sock.fileno(), acceptable)
    ready(sock)
    await until_stdin_ends()
    loop.remove_reader(sock.fileno())
    sock.close()


async def serve_sock_api() -> None:
    """Serve with ``loop.sock_recv`` and ``loop.sock_sendall`` in tasks."""
    loop = asyncio.get_running_loop()
    sock = listener()
    tasks: set[asyncio.Task[None]] = set()

    async def handle(connection: socket.socket) -> None:
        dialogue = Dialogue()
        with connection:
            no_delay(connection)
            await loop.sock_sendall(connection, GREETING)
            while data := await loop.sock_recv(connection, READ_SIZE):
                answer = dialogue.feed(data)
                if answer:
                    await loop.sock_sendall(connection, answer)
                if dialogue.done:
                    return

    async def accept() -> None:
        while True:
            connection, _ = await loop.sock_accept(sock)
            connection.setblocking(False)
            task = loop.create_task(handle(connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    accepting = loop.create_task(accept())
    ready(sock)
    await until_stdin_ends()
    accepting.cancel()
    sock.close()


async def serve_asyncio_streams() -> None:
    """Serve with asyncio's own streams."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        dialogue = Dialogue()
        writer.write(GREETING)
        while data := await reader.read(READ_SIZE):
            answer = dialogue.feed(data)
            if answer:
                writer.write(answer)
                await writer.drain()
            if dialogue.done:
                break
        writer.close()

    sock = listener()
    server = await asyncio.start_server(handle, sock=sock)
    ready(sock)
    await until_stdin_ends()
    server.close()


async def serve_anyio() -> None:
    """Serve with anyio's socket streams, on asyncio or trio."""
    import anyio  # noqa: PLC0415
    import anyio.abc  # noqa: PLC0415

    async def handle(stream: anyio.abc.SocketStream) -> None:
        dialogue = Dialogue()
        async with stream:
            await stream.send(GREETING)
            try:
                while True:
                    data = await stream.receive(READ_SIZE)
                    answer = dialogue.feed(data)
                    if answer:
                        await stream.send(answer)
                    if dialogue.done:
                        return
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                return

    server = await anyio.create_tcp_listener(local_host="127.0.0.1", backlog=1024)
    print("PORT", server.extra(anyio.abc.SocketAttribute.local_port), flush=True)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, handle)
        await anyio.to_thread.run_sync(sys.stdin.read)
        group.cancel_scope.cancel()


async def until_stdin_ends() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def serve_threads() -> None:
    """Serve with blocking sockets, a thread for each connection."""

    def handle(connection: socket.socket) -> None:
        dialogue = Dialogue()
        with connection:
            no_delay(connection)
            connection.sendall(GREETING)
            while data := connection.recv(READ_SIZE):
                answer = dialogue.feed(data)
                if answer:
                    connection.sendall(answer)
                if dialogue.done:
                    return

    def accept() -> None:
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    sock = listener()
    sock.setblocking(True)
    threading.Thread(target=accept, daemon=True).start()
    ready(sock)
    sys.stdin.read()


def serve_epoll() -> None:
    """Serve with ``selectors`` and no event loop at all."""
    selector = selectors.DefaultSelector()
    sock = listener()
    selector.register(sock, selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    ready(sock)
    while True:
        for key, _ in selector.select():
            source = key.fileobj
            if key.data is None:
                if source is not sock:
                    return
                connection, _address = sock.accept()
                connection.setblocking(False)
                no_delay(connection)
                connection.send(GREETING)
                selector.register(connection, selectors.EVENT_READ, Dialogue())
                continue
            assert isinstance(source, socket.socket)
            try:
                data = source.recv(READ_SIZE)
            except OSError:
                data = b""
            if data:
                answer = key.data.feed(data)
                if answer:
                    source.send(answer)
                if not key.data.done:
                    continue
            selector.unregister(source)
            source.close()


def on_asyncio(serve: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def main() -> None:
        await serve()

    return lambda: asyncio.run(main())


def on_uvloop(serve: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def main() -> None:
        await serve()

    def run() -> None:
        import uvloop  # noqa: PLC0415

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())

    return run


def on_trio(serve: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def main() -> None:
        await serve()

    def run() -> None:
        import anyio  # noqa: PLC0415

        anyio.run(main, backend="trio")

    return run


FLOORS: dict[str, Callable[[], None]] = {
    "epoll": serve_epoll,
    "threads": serve_threads,
    "protocol": on_asyncio(lambda: serve_protocol(InlineProtocol)),
    "protocol-uvloop": on_uvloop(lambda: serve_protocol(InlineProtocol)),
    "buffered": on_asyncio(lambda: serve_protocol(BufferedInlineProtocol)),
    "buffered-uvloop": on_uvloop(lambda: serve_protocol(BufferedInlineProtocol)),
    "buffered-task": on_asyncio(lambda: serve_protocol(BufferedTaskProtocol)),
    "buffered-task-uvloop": on_uvloop(lambda: serve_protocol(BufferedTaskProtocol)),
    "protocol-task": on_asyncio(lambda: serve_protocol(TaskProtocol)),
    "protocol-task-uvloop": on_uvloop(lambda: serve_protocol(TaskProtocol)),
    "raw": on_asyncio(lambda: serve_raw(RawConnection)),
    "raw-uvloop": on_uvloop(lambda: serve_raw(RawConnection)),
    "raw-large": on_asyncio(lambda: serve_raw(RawLargeConnection)),
    "raw-into": on_asyncio(lambda: serve_raw(RawIntoConnection)),
    "raw-into-uvloop": on_uvloop(lambda: serve_raw(RawIntoConnection)),
    "raw-task": on_asyncio(lambda: serve_raw(RawTaskConnection)),
    "raw-task-uvloop": on_uvloop(lambda: serve_raw(RawTaskConnection)),
    "sock-api": on_asyncio(serve_sock_api),
    "sock-api-uvloop": on_uvloop(serve_sock_api),
    "streams": on_asyncio(serve_asyncio_streams),
    "streams-uvloop": on_uvloop(serve_asyncio_streams),
    "anyio": on_asyncio(serve_anyio),
    "anyio-uvloop": on_uvloop(serve_anyio),
    "anyio-trio": on_trio(serve_anyio),
}


def main() -> None:
    """Run one floor server, or measure them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", choices=sorted(FLOORS))
    parser.add_argument("--only", default="", help="pattern of floor names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one-core", action="store_true")
    options = parser.parse_args()
    if options.serve:
        FLOORS[options.serve]()
        return
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    import measure  # noqa: PLC0415

    measure.print_floors(options.only, options.rounds, one_core=options.one_core)


if __name__ == "__main__":
    main()
