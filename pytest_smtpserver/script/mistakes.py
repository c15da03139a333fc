"""Mistakes of whoever writes a test: their traceback ends where they were made."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

P = ParamSpec("P")
T = TypeVar("T")


def told_to_the_caller(function: Callable[P, T]) -> Callable[P, T]:
    """Raise a `TypeError` or `ValueError` of the function as if its caller had.

    How the package has found the mistake out is of no use to whoever reads of it.
    """

    @functools.wraps(function)
    def checked(*arguments: P.args, **named: P.kwargs) -> T:
        __tracebackhide__ = True
        try:
            return function(*arguments, **named)
        except (TypeError, ValueError) as mistake:
            raise mistake.with_traceback(None)  # noqa: B904 - it is the same one

    return checked


@contextmanager
def naming_the_source(node: pytest.Item) -> Iterator[None]:
    """Say where the options of a test come from, when something is wrong with them."""
    __tracebackhide__ = True
    try:
        yield
    except (TypeError, ValueError) as error:
        for marker in node.iter_markers("smtp_server"):
            given = ", ".join(
                f"{name}={value!r}" for name, value in marker.kwargs.items()
            )
            error.add_note(f"from @pytest.mark.smtp_server({given})")
        error.add_note(f"of {node.nodeid}; see also smtp_server_options")
        raise
