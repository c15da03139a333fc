"""Describes how a value differs from the one wanted: in one line, or by a diff."""

from __future__ import annotations

import difflib
import re
from itertools import islice, tee
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import shortened, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .criteria import Difference

#: Longer texts, and those of several lines, are compared by a diff.
_LONG = 60
_SHOWN_TEXT = 200
_SHOWN_LINES = 12
#: Longer texts are compared line by line up to the first difference: the library's diff
#: takes time by the cube of the lines.
_DIFFED = 10_000
#: The most pairs of characters that are compared to find what comes nearest.
_PAIRS = 10_000_000


def describe(difference: Difference, *, full: bool = False) -> list[str]:
    """The lines that explain one criterion that was not met."""
    name, wanted, got = difference
    if name == "where":
        return [f"where: {show(wanted)} is false for it"]
    if isinstance(wanted, str) and isinstance(got, str):
        if name in ("text", "html"):
            return _not_contained(name, wanted, got, full=full)
        if _is_long(wanted) and _is_long(got):
            return [f"{name}: - wanted, + got", *_indented(diff(wanted, got), full)]
    return [
        f"{name}: wanted {_short(show(wanted), full)}, got {_short(repr(got), full)}"
    ]


def diff(wanted: str, got: str) -> list[str]:
    """The lines of both, with a sign for whose they are and marks where they differ."""
    ours, theirs = wanted.splitlines(), got.splitlines()
    if max(len(wanted), len(got)) > _DIFFED or _takes_long(ours, theirs):
        return _from_first_difference(ours, theirs)
    return [line.rstrip() for line in difflib.ndiff(ours, theirs)]


def _takes_long(ours: list[str], theirs: list[str]) -> bool:
    """Each line counts for some characters more: many short ones take the longest."""
    blocks, more = difflib.SequenceMatcher(None, ours, theirs), " " * _LONG
    return any(
        len(more.join(ours[i1:i2])) * len(more.join(theirs[j1:j2])) > 3 * _PAIRS
        for kind, i1, i2, j1, j2 in blocks.get_opcodes()
        if kind == "replace"
    )


def _from_first_difference(wanted: list[str], got: list[str]) -> list[str]:
    pairs = enumerate(zip(wanted, got, strict=False))
    shorter = min(len(wanted), len(got))
    same = next((at for at, (one, other) in pairs if one != other), shorter)
    lines = [f"  … {same} equal lines"] * bool(same)
    half = (_SHOWN_LINES - 2) // 2
    for sign, rest in (("-", wanted[same:]), ("+", got[same:])):
        lines += [f"{sign} {line}" for line in rest[:half]]
    left = max(len(wanted), len(got)) - same - half
    return [*lines, f"  … {left} more lines"] if left > 0 else lines


def _not_contained(name: str, wanted: str, got: str, *, full: bool) -> list[str]:
    if not got:
        return [f"{name}: wanted {_short(repr(wanted), full)} in it, it is empty"]
    lines = [line.strip() for line in got.splitlines() if line.strip()]
    pieces = islice(_pieces(wanted, lines), min(2000, _PAIRS // len(wanted) ** 2))
    near = difflib.get_close_matches(wanted.strip(), pieces, 1, 0.6)
    if near and not full:
        short, nearest = _short(repr(wanted), full), _short(repr(near[0]), full)
        return [f"{name}: wanted {short} in it, the nearest is {nearest}"]
    described = [f"{name}: wanted {_short(repr(wanted), full)} in it, it is"]
    return described + _indented(got.splitlines(), full)


def _pieces(wanted: str, lines: list[str]) -> Iterator[str]:
    """The lines, and runs of words in them of about the length of what is wanted."""
    yield from lines
    size = max(len(wanted.split()), 1)
    for line in lines[:200]:
        first, last = tee(re.finditer(r"\S+", line))
        for begin, end in zip(first, islice(last, size - 1, None), strict=False):
            yield line[begin.start() : end.end()]


def _indented(lines: list[str], full: bool) -> list[str]:
    shown = lines if full else lines[:_SHOWN_LINES]
    left = len(lines) - len(shown)
    more = [f"    … {left} more lines, -vv shows them"] if left else []
    return [f"    {_short(line, full)}".rstrip() for line in shown] + more


def _is_long(text: str) -> bool:
    return len(text) > _LONG or "\n" in text


def _short(text: str, full: bool) -> str:
    return text if full else shortened(text, _SHOWN_TEXT)
