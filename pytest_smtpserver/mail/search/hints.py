"""Guesses what a test meant by a `str` that is equal to nothing that came."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: An address with a display name, or in angle brackets alone.
_WITH_NAME = re.compile(r"\s*(?:FROM:|TO:)?[^<>]*<([^<>\s]+)>\s*", re.IGNORECASE)
#: What hardly occurs in a text that is not meant as a regular expression.
_EXPRESSION = re.compile(
    r"\\[AbBdDsSwWZ.]|\.[*+?]|\[[^\]\s]+\][*+?]?|\([^)]*\|[^)]*\)|\(\?|^\^|\$$"
)
#: A shorter text is by chance a part of too many others.
_SHORTEST_PART = 3


def hint(wanted: object, got: Iterable[object], *, addresses: bool = False) -> str:
    """What to write instead of a `str`; ``""`` for anything else, and for no idea."""
    if not isinstance(wanted, str) or not wanted:
        return ""
    texts = [one for one in got if isinstance(one, str) and one]
    if addresses and (bare := bare_address(wanted)):
        return f"addresses are compared without display names: {bare!r}"
    if any(wanted.strip() == text.strip() for text in texts):
        return "they differ in white space at an end"
    if any(wanted.casefold() == text.casefold() for text in texts):
        return "they differ in upper and lower case"
    if "*" in wanted and any(fnmatch.fnmatchcase(text, wanted) for text in texts):
        pattern = "^" + ".*".join(map(re.escape, wanted.split("*"))) + "$"
        return (
            "a str has no wildcards; a regular expression finds it: "
            f"re.compile({pattern!r})"
        )
    if _EXPRESSION.search(wanted):
        return _as_expression(wanted, texts)
    if len(wanted) >= _SHORTEST_PART and any(wanted in text for text in texts):
        return f"it is a part of it: containing({wanted!r}) is enough"
    return ""


def bare_address(wanted: object) -> str:
    """The address in a `str` that has more around it; ``""`` where there is none."""
    named = _WITH_NAME.fullmatch(wanted) if isinstance(wanted, str) else None
    return named[1] if named else ""


def _as_expression(wanted: str, texts: list[str]) -> str:
    try:
        expression = re.compile(wanted)
    except re.error:
        return ""
    if any(expression.search(text) for text in texts):
        return f"as a regular expression it is found: re.compile({wanted!r})"
    # "[Shop] Order" is an expression too, and is not meant as one.
    if re.search(r"\\|\.[*+]|^\^", wanted):
        return f"a regular expression has to be compiled: re.compile({wanted!r})"
    return ""
