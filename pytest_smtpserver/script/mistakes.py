"""Mistakes of whoever writes a test: found where they are made, and shown there."""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pytest_smtpserver.protocol.syntax.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_PACKAGE = __name__.partition(".")[0]


def told_to_the_caller(function: Callable[P, T]) -> Callable[P, T]:
    """Leave our own frames out of the traceback of a TypeError or a ValueError.

    Only for functions that call no code of the test: its frames are needed.
    """

    @functools.wraps(function)
    def checked(*arguments: P.args, **named: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return function(*arguments, **named)
        except (TypeError, ValueError) as mistake:
            raise mistake.with_traceback(None)  # noqa: B904 - it is the same one

    return checked


def caller() -> str:
    """File and line of the nearest frame outside of this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and (
        frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE
    ):
        frame = frame.f_back
    return place(frame.f_code.co_filename, frame.f_lineno)


def place(path: str, line: int) -> str:
    """File and line, from the working directory where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # no working directory; another drive, on Windows
        relative = path
    return f"{path if relative.startswith('..') else relative}:{line}"


def wrong_handler(handler: object) -> str:
    """Why nobody can call this with an event; ``""`` where that can be done."""
    if not callable(handler):
        return f"a handler is a function of the event, not {handler!r}"
    import inspect  # noqa: PLC0415 - for tests with handlers

    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # one that is written in C
        return ""
    try:
        signature.bind(None)
    except TypeError as problem:
        name = getattr(handler, "__name__", repr(handler))
        return (
            f"a handler is called with the event alone, and {name}{signature} cannot "
            f"be: {problem}; the event has .session, .envelope, .address, .message"
        )
    return ""


def written_reply(code: int, text: str | None, *more_lines: str) -> Reply | None:
    """The reply that a test has written; None if it has given no text.

    Raises what `Rule.reply` raises.
    """
    if text is None:
        if more_lines:
            raise TypeError(
                f"a reply without a text has no further lines: {more_lines!r}"
            )
        Reply(code)
        return None
    return Reply(code, text, *more_lines)


def whole(method: str, n: int, *, least: int = 1) -> int:
    """A whole number of at least 1, or whatever is the least.

    Raises:
        TypeError: it is no int.
        ValueError: it is less.
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"{method} takes a whole number, not {n!r}")
    if n < least:
        raise ValueError(f"{method} takes a number of at least {least}, not {n}")
    return n


def not_negative(method: str, value: float) -> float:
    """A number of at least 0, with an end.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative, infinite, or none at all.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{method} takes a number, not {value!r}")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{method} takes a number of at least 0, not {value}")
    return value
