"""Calling a handler of the test's: what it may return, and what it may not let out.

A plain function runs in a thread of its own, where it may block: its session waits for
it, and the others go on. An async one runs on the event loop of the server.
"""

from __future__ import annotations

import inspect
import os
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from pytest_smtpserver.protocol.syntax import standard

from .content_handler import ContentHandler, ContentStream, checked_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.script.event import Event
    from pytest_smtpserver.server.context import ServerContext

    from .content_handler import Incoming

__tracebackhide__ = True  # a failure is shown where the handler has failed


async def ask(
    handler: Callable[[Event], Any],
    seen: Event,
    context: ServerContext,
    incoming: Incoming,
) -> Reply | None:
    """Call a handler; the reply that it wants, or None to let things be.

    One that reads content while it arrives goes on by itself: its reply comes later.
    What it raises is kept for the test.
    """
    try:
        if _is_async(handler):
            with _contained(handler):
                result = handler(seen)
        else:
            result = await context.threads.call(_call, handler, seen)
        if inspect.isawaitable(result):
            result = _contain(result, handler)
            if isinstance(chunks := seen.given_chunks, ContentStream):
                reader = ContentHandler(chunks, handler, context.fault)
                await incoming.read_by(reader, result, context.spawn)
                return None
            result = await result
        return checked_reply(result, handler)
    except Exception as error:  # noqa: BLE001 - it is the test's, and goes there
        context.fault(error)
        return standard.INTERNAL


def _is_async(handler: Callable[..., Any]) -> bool:
    """Whether calling it does nothing but make a coroutine."""
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - of an object, or of a partial
    )


def _call(handler: Callable[[Event], Any], seen: Event) -> Any:
    """Call it, in a thread; what `pytest.fail` and `sys.exit` raise is contained.

    Raises:
        RuntimeError: the handler raised what is no `Exception`.
    """
    try:
        with _ending_children():
            return handler(seen)
    except Exception:
        raise
    except BaseException as error:
        raise _no_exception(handler, error) from error


@contextmanager
def _contained(handler: Callable[..., Any]) -> Iterator[None]:
    """Let nothing out of a handler that would end the event loop of all servers.

    Raises:
        RuntimeError: the handler raised what is no `Exception`.
    """
    try:
        with _ending_children():
            yield
    except (Exception, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class()):
            raise
        raise _no_exception(handler, error) from error


@contextmanager
def _ending_children() -> Iterator[None]:
    """End a child process that a handler has forked, and that comes back from it.

    It ends as a program does, but at once: the threads and the tidying up at the end
    are its parent's. Here it would wait for calls that nobody makes.
    """
    process: int = os.getpid()
    code: object = 0
    try:
        yield
    except BaseException as error:
        if os.getpid() == process:
            raise
        code = error.code if isinstance(error, SystemExit) else 1
        if isinstance(error, Exception):
            traceback.print_exception(error)
    finally:
        if os.getpid() != process:
            os._exit(code if isinstance(code, int) else bool(code))


def _no_exception(handler: Callable[..., Any], error: BaseException) -> RuntimeError:
    name = getattr(handler, "__qualname__", repr(handler))
    return RuntimeError(f"the handler {name} raised {type(error).__name__}: {error}")


async def _contain(awaitable: Awaitable[Any], handler: Callable[..., Any]) -> Any:
    with _contained(handler):
        return await awaitable
