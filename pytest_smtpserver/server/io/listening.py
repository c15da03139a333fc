"""Binding the listener, in the test's own thread, so that its errors are the test's."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
import traceback
from contextlib import contextmanager, suppress
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.server.options.options import Options

#: The length of `sun_path` without its last octet, which is NUL (unix(7), unix(4)).
_LONGEST_PATH = 107 if sys.platform == "linux" else 103

#: Where a client connects that is told "any address".
REACHABLE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is what is given


def bind(options: Options, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        OSError: the port is taken, the host is not this machine's, or the path cannot
            be used; the message names the option.
    """
    listener = _bind(options, port)
    try:
        listener.listen(options.backlog)
    except BaseException:
        listener.close()
        raise
    return listener


def take_over(listener: socket.socket, options: Options) -> Options:
    """Make a listening socket of the caller's own ready; options that describe it.

    Raises:
        ValueError: the socket does not listen.
    """
    if not _listens(listener):
        raise ValueError(
            f"listener: {listener!r} does not listen; call its bind() and listen()"
        )
    listener.setblocking(False)
    name = listener.getsockname()
    if isinstance(name, tuple):
        return options.replaced(host=name[0], port=name[1], path=None)
    return options.replaced(path=os.fsdecode(name), port=0)


def _listens(listener: socket.socket) -> bool:
    try:
        return bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError as error:
        # macOS does not tell; the caller is trusted then.
        return error.errno in (errno.ENOPROTOOPT, errno.EOPNOTSUPP)


def accept(listener: socket.socket) -> tuple[socket.socket, Any]:
    """The next client and its address.

    Where pytest-socket forbids sockets while a server runs, the class of its sockets
    is not that of the module any more. The client is no socket that the test makes.
    """
    accept = type(listener).accept
    if not isinstance(listener, socket.socket):
        names = {**accept.__globals__, "socket": type(listener)}
        accept = FunctionType(accept.__code__, names)
    return accept(listener)


def check_connected(connected: socket.socket) -> None:
    """Complain about what cannot be served.

    Raises:
        TypeError: it is no stream socket.
    """
    if not isinstance(connected, socket.socket) or (
        connected.type != socket.SOCK_STREAM
    ):
        raise TypeError(f"only a connected stream socket is served, not {connected!r}")


def unlink(path: str) -> None:
    """Remove the socket file of a listener that is closed."""
    if path.startswith("\0"):  # Linux's own names have no file (unix(7))
        return
    with suppress(OSError):  # somebody has removed it already
        if stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - as it was given
            os.unlink(path)  # noqa: PTH108


def _bind(options: Options, port: int) -> socket.socket:
    if options.path is not None:
        return _bind_path(options.path)
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":
            # A port may be taken again although old connections are in TIME_WAIT; on
            # Windows the option would let two servers share it.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((options.host, port))
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise _explained(error, options.host, port) from error
    return bound


def _bind_path(path: str) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise ValueError("option path: this system has no Unix sockets; use a port")
    length = len(os.fsencode(path))
    if length > _LONGEST_PATH:
        raise ValueError(
            f"option path: {path!r} is too long for a socket: it has {length} octets, "
            f"and this system takes {_LONGEST_PATH}"
        )
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(path)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise OSError(
            error.errno, f"option path: cannot listen on {path!r}: {error.strerror}"
        ) from error
    return bound


def _explained(error: OSError, host: str, port: int) -> OSError:
    if error.errno == errno.EADDRINUSE:
        text = f"option port: {port} on {host} is taken; port=0 finds a free one"
    elif error.errno == errno.EADDRNOTAVAIL:
        text = f"option host: {host!r} is not an address of this machine"
    elif error.errno == errno.EACCES:
        text = f"option port: {port} is for privileged users; port=0 finds a free one"
    else:
        text = f"cannot listen on {host} port {port}: {error.strerror}"
    return type(error)(error.errno, text)


def bind_silently(options: Options, port: int) -> socket.socket:
    """A socket that has the address and does not listen: clients are refused.

    Raises:
        OSError: the port is taken.
    """
    if options.path is not None:
        unlink(options.path)
    return _bind(options, port)


def _is_connected(connecting: socket.socket) -> bool:
    """Whether a connection on this machine, which takes no time, has come about."""
    try:
        connecting.getpeername()
    except OSError:
        return False
    return True


def fill(listener: socket.socket) -> list[socket.socket]:
    """Fill the queue of a listener that nobody accepts from; the sockets in it.

    Linux drops the SYN of whoever comes when the queue is full, so that the client
    tries again a second later, and later still. A queue for nobody (`listen(0)`) is
    filled by one connection. The last of the sockets has found no place.
    """
    listener.listen(0)
    fillers: list[socket.socket] = []
    while not fillers or _is_connected(fillers[-1]):
        filler = socket.socket(listener.family, socket.SOCK_STREAM)
        filler.setblocking(False)
        fillers.append(filler)
        try:
            filler.connect(listener.getsockname())
        except (BlockingIOError, InterruptedError):
            continue  # the system is at it, or there is no place
    return fillers


@contextmanager
def naming_who_forbids() -> Iterator[None]:
    """Say what to do where pytest-socket forbids the sockets of a server."""
    try:
        yield
    except Exception as error:
        # Not by its type: pytest-socket warns first, and warnings may be errors.
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        forbids = any(
            one.f_globals.get("__name__") == "pytest_socket" for one in frames
        )
        if forbids and not hasattr(error, "__notes__"):  # once is enough
            error.add_note(
                "An SMTP server for tests needs sockets on this machine. Let "
                "pytest-socket allow them, and no others, in the settings of pytest:\n"
                "  addopts = --disable-socket --allow-hosts=127.0.0.1,::1\n"
                "or for one test by @pytest.mark.enable_socket. A server with the option "
                "path needs --allow-unix-socket too."
            )
        raise
