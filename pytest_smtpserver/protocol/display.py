"""How octets, command lines and values are shown to people. Every room may use it.

Patterns that are strings are rarely used: `re` compiles them then, and the first mail
of a run starts 0.25 ms earlier.
"""

from __future__ import annotations

import re
import unicodedata

#: The most characters of a line in a report or an error.
LINE = 1000
_MASK = "********"
#: AUTH and its mechanism, however many blanks there are, and the initial response. A
#: word in mixed case is no mechanism, but rather the response itself.
_AUTH = (
    r"(?s)(?P<shown>[ \t]*+(?i:AUTH)(?![^ \t])[ \t]*+"
    r"(?:(?:[A-Z\d_-]{1,20}|[a-z\d_-]{1,20})(?![^ \t])[ \t]*+)?)(?P<hidden>.*)"
)
#: What was meant for AUTH: its verb is misspelt, or that of POP3. Of many SCRAM in a
#: word the last one counts, so that each is not read to the end.
_LIKE_AUTH = (
    r"(?is)(?P<shown>(?:PASS|(?>\S*[ \t]++SCRAM-(?=[\w-]))[\w-]++|"
    r"\S*[ \t]*+(?:PLAIN|LOGIN|CRAM-MD5|XOAUTH2|OAUTHBEARER)|"
    r"(?>\S*SCRAM-(?=[\w-]))[\w-]++)[ \t]++)(?P<hidden>.+)"
)
#: Base64 alone: the client goes on although AUTH was refused.
_BASE64 = r"(?a)(?=.*[A-Z])(?=.*[a-z])(?=.*[\d=])(?:[\w+/]{4})+[\w+/]{2}[\w+/=]{2}"
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
    return _cut(_AUTH, line) or _MASK


def shown_command(line: bytes | str) -> str:
    """A command line for people, without what looks like credentials."""
    text = printable(line)
    if re.fullmatch(_BASE64, text):
        return _MASK
    return _cut(_AUTH, text) or _cut(_LIKE_AUTH, text) or text


def _cut(pattern: str, line: str) -> str:
    """A line with credentials without them; ``""`` for another line."""
    match = re.match(pattern, line)
    if match is None:
        return ""
    return match["shown"] + _MASK if match["hidden"] else line


def printable(data: bytes | str) -> str:
    """One line of text for people; invisible characters and broken octets are escaped."""
    if isinstance(data, bytes):
        text = data.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    else:
        try:
            octets = data.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half a surrogate that is no octet: UTF-7 has some
            octets = data.encode("utf-8", "backslashreplace")
        text = octets.decode("utf-8", "backslashreplace")
    return _SUSPECT.sub(_escape, text)


def printable_json(text: str) -> str:
    """The same JSON with an escape for each character that is not shown."""
    return re.sub(r"[^\n -~]", _escape_in_json, text)


def _escape(match: re.Match[str]) -> str:
    hidden = _is_hidden(match[0])
    return match[0].encode("unicode_escape").decode("ascii") if hidden else match[0]


def _escape_in_json(match: re.Match[str]) -> str:
    character = match[0]
    if _is_hidden(character):  # RFC 8259 §7: beyond U+FFFF two escapes
        units = character.encode("utf-16-be", "surrogatepass").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return character


def _is_hidden(character: str) -> bool:
    hidden = unicodedata.category(character) in _HIDDEN
    return hidden or re.match(_BLANK, character) is not None


def shortened(text: str, most: int) -> str:
    """The text, or its beginning and an ellipsis where it is longer."""
    return text if len(text) <= most else f"{text[:most]}…"
