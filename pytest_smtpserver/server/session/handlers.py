"""Calling a handler of the test's: what it may return, and what it may not let out."""

from __future__ import annotations

import inspect
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


async def ask(
    handler: Callable[[Event], Any],
    seen: Event,
    context: ServerContext,
    incoming: Incoming,
) -> Reply | None:
    """Call a handler; the reply that it wants, or None to let things be.

    One that reads content while it arrives goes on by itself: its reply comes later.
    What it raises is kept for the test.

    Args:
        handler: the function of the test's.
        seen: what it gets.
        context: what the connections of a server share.
        incoming: where content is read from.
    """
    try:
        with _contained(handler):
            result = handler(seen)
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


@contextmanager
def _contained(handler: Callable[..., Any]) -> Iterator[None]:
    """Let nothing out of a handler that would end more than the handler.

    `sys.exit` would end the event loop of all servers; what `pytest.fail` and
    `pytest.skip` raise is no `Exception` either.

    Raises:
        RuntimeError: the handler raised one of these.
    """
    try:
        yield
    except (Exception, GeneratorExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, anyio.get_cancelled_exc_class()):
            raise
        name = getattr(handler, "__qualname__", repr(handler))
        raise RuntimeError(
            f"the handler {name} raised {type(error).__name__}: {error}"
        ) from error


async def _contain(awaitable: Awaitable[Any], handler: Callable[..., Any]) -> Any:
    with _contained(handler):
        return await awaitable
