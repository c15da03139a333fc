"""How octets, command lines and values are shown to people. Every room may use it.

Patterns that are strings are rarely used: `re` compiles them then, and the first mail
of a run starts 0.25 ms earlier.
"""

from __future__ import annotations

import re
import unicodedata

_MASK = "********"
#: AUTH and its mechanism, however many blanks there are, and the initial response.
_AUTH = r"(?is)(?P<shown>[ \t]*AUTH(?![^ \t])[ \t]*[^ \t]*[ \t]*)(?P<initial>.*)"
#: Characters that may have to be escaped: `_escape` decides.
_SUSPECT = re.compile(r"[^\t -~]")
#: Categories of Unicode that are not shown: control and format characters (among them
#: those that turn the direction of the text), separators of lines and paragraphs,
#: private characters, halves of surrogates.
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
#: Letters and marks that are invisible. The two variation selectors of emojis stay.
_BLANK = (
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0"
    "\U000e0100-\U000e01ef]"
)


def show(value: object) -> str:
    """A criterion as the test wrote it, as far as possible."""
    if isinstance(value, re.Pattern):
        flags = " with flags" if value.flags & ~re.UNICODE else ""
        return f"re.compile({value.pattern!r}){flags}"
    if callable(value) and hasattr(value, "__name__") and not isinstance(value, type):
        return f"{value.__name__}(…)" if value.__name__ != "<lambda>" else "a lambda"
    return repr(value)


def masked(line: str) -> str:
    """An AUTH command without its initial response; of other lines nothing is shown."""
    return _without_initial(line) or _MASK


def shown_command(line: str) -> str:
    """A command line for people, without the initial response of an AUTH."""
    text = printable(line)
    return _without_initial(text) or text


def _without_initial(line: str) -> str:
    """An AUTH line without its initial response; ``""`` for another line."""
    match = re.match(_AUTH, line)
    if match is None:
        return ""
    return match["shown"] + _MASK if match["initial"] else line


def printable(data: bytes | str) -> str:
    """One line of text for people; invisible characters and broken octets are escaped."""
    if isinstance(data, bytes):
        text = data.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    else:
        text = data.encode("utf-8", "surrogateescape").decode(
            "utf-8", "backslashreplace"
        )
    return _SUSPECT.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) in _HIDDEN or re.match(_BLANK, character):
        return character.encode("unicode_escape").decode("ascii")
    return character


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis where it is longer."""
    return text if len(text) <= most else f"{text[:most]}…"
