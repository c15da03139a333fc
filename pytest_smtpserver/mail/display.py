"""How octets, command lines and values are shown to people. Everything may use it."""

from __future__ import annotations

import difflib
import re

_MASK = "********"
_UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b\u2028\u2029\u2060\ufeff]"
)


def show(value: object) -> str:
    """A criterion as the test wrote it, as far as that can be told."""
    if isinstance(value, re.Pattern):
        flags = " with flags" if value.flags & ~re.UNICODE else ""
        return f"re.compile({value.pattern!r}){flags}"
    if callable(value) and hasattr(value, "__name__") and not isinstance(value, type):
        return f"{value.__name__}(…)" if value.__name__ != "<lambda>" else "a lambda"
    return repr(value)


def unknown_name(noun: str, name: str, allowed: tuple[str, ...]) -> str:
    """A message for a name that there is not, with the nearest one that there is."""
    near = difflib.get_close_matches(name, allowed, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no {noun} {name!r}{hint} There are: {', '.join(allowed)}".replace(
        f"{name!r} There", f"{name!r}. There"
    )


def masked(line: str) -> str:
    """An AUTH command without its initial response; other lines have no clear part."""
    verb, _, rest = line.partition(" ")
    mechanism, _, initial = rest.partition(" ")
    if verb.upper() != "AUTH":
        return _MASK
    return f"{verb} {mechanism} {_MASK}" if initial else line


def shown_command(line: str) -> str:
    """A command line for people, without the initial response of an AUTH."""
    text = printable(line)
    return masked(text) if text[:5].upper() == "AUTH " else text


def printable(data: bytes | str) -> str:
    """One line of text for people: what is no text stands as an escape."""
    if isinstance(data, bytes):
        text = data.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    else:
        text = data.encode("utf-8", "surrogateescape").decode(
            "utf-8", "backslashreplace"
        )
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
