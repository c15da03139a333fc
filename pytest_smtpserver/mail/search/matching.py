"""How a value that a test wants is compared with one that arrived."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Containing:
    """Equal to any text or collection that contains the given part."""

    __slots__ = ("part",)

    def __init__(self, part: object) -> None:
        self.part: object = part

    def __eq__(self, other: object) -> bool:
        try:
            return self.part in other  # type: ignore[operator]  # TypeError is the answer
        except TypeError:
            return False

    def __hash__(self) -> int:
        return hash((Containing, repr(self.part)))

    def __repr__(self) -> str:
        return f"containing({self.part!r})"


def containing(part: object) -> Any:
    """Match any text that contains `part`, or any collection that has it as an item."""
    return Containing(part)


def matches(wanted: object, got: object) -> bool:
    """Tell whether a value is what a test wants.

    A `str` must be equal, a compiled regular expression must be found, a callable must
    answer true; anything else, classes among it, is compared with ``==``.
    """
    if isinstance(wanted, str):
        return wanted == got
    if isinstance(wanted, re.Pattern):
        return _found(wanted, got)
    if callable(wanted) and not isinstance(wanted, type):
        return bool(wanted(got))
    return bool(wanted == got)


def matches_address(wanted: object, got: str) -> bool:
    """`matches` for an address, whose domain is compared in any case."""
    if isinstance(wanted, str):
        return wanted == got or _folded(wanted) == _folded(got)
    return matches(wanted, got)


def matches_text(wanted: object, got: str) -> bool:
    """`matches` for a body, in which a `str` must be contained."""
    return wanted in got if isinstance(wanted, str) else matches(wanted, got)


def matches_any(
    wanted: object, got: Iterable[str], match: Callable[[object, str], bool]
) -> bool:
    """Tell whether any of the values is what a test wants, or all of them as a list."""
    values = list(got)
    return any(match(wanted, value) for value in values) or bool(wanted == values)


def _found(pattern: re.Pattern[Any], got: object) -> bool:
    if isinstance(pattern.pattern, bytes):
        if isinstance(got, str):
            got = got.encode("utf-8", "surrogateescape")
        return isinstance(got, bytes) and pattern.search(got) is not None
    return isinstance(got, str) and pattern.search(got) is not None


def _folded(address: str) -> str:
    """RFC 5321 §2.4: a domain is compared in any case, a local-part as it is."""
    local_part, at, domain = address.rpartition("@")
    return f"{local_part}{at}{domain.lower()}" if at else address
