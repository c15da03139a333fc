"""Finds the links in text (RFC 3986 appendix C), and among links the one a test wants."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import LINE, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_SCHEME = (
    r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|mailto:(?=[^\s@<>]{1,320}@))"
)
#: What ends a link: blanks, CJK and typographic punctuation, in front of which nobody
#: puts a blank, and invisible characters (zero-width blanks, direction marks, controls).
_STOP = (
    '\\s\\x00-\\x1f\\x7f<>"`|\\u00ab\\u00bb\\u200b\\u200e\\u200f\\u2018-\\u201f\\u2026\\u202a-\\u202e'
    "\\u2060\\u2066-\\u2069\\u3000-\\u303f\\ufeff\\uff00-\\uff0f\\uff1a-\\uff20"
)
IN_TEXT = re.compile(
    rf"<(?:URL:\s*)?({_SCHEME}[^<>\"]{{1,4000}})>|({_SCHEME}[^{_STOP}]+)"
)
_TRAILING = ".,;:!?'*"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def links_in_text(text: str) -> list[str]:
    """The links in plain text, in order, also repeated ones."""
    found = []
    for match in IN_TEXT.finditer(text):
        if match[1] is not None:
            # RFC 3986 appendix C: between < and > line breaks do not count.
            link = "".join(line.strip(" \t") for line in match[1].split("\n"))
            found += links_in_text(match[1]) if re.search(r"\s", link) else [link]
        elif not (link := _without_punctuation(match[2])).endswith("//"):
            found.append(link)
    return found


def unique(values: Iterable[str]) -> list[str]:
    """The values in order, each once."""
    return list(dict.fromkeys(values))


def _without_punctuation(link: str) -> str:
    """Cut punctuation that belongs to the sentence around the link."""
    depth = dict.fromkeys("([{", 0)
    for index, character in enumerate(link):
        if character in depth:
            depth[character] += 1
        elif character in _BRACKETS:
            depth[_BRACKETS[character]] -= 1
            if depth[_BRACKETS[character]] < 0:
                link = link[:index]
                break
    return link.rstrip(_TRAILING)


def find_link(
    links: Sequence[str], pattern: str | re.Pattern[str], *, where: str, text: str
) -> str:
    """The only one of the links that matches: see `ReceivedMessage.link`.

    The error names `where`, and shows `text` if there are no links.
    """
    __tracebackhide__ = True
    wanted, matches = _link_test(pattern)
    found = [link for link in links if matches(link)]
    if len(found) == 1:
        return found[0]
    if found:
        problem = explained(
            f"{len(found)} links where one was expected, in {where}",
            expected=f"exactly one link that {wanted}",
            got=found,
            hint="give more of the link, or a compiled regular expression; "
            "message.links has them all",
        )
        raise AssertionError(problem)
    nearest = _nearest(pattern, links) if isinstance(pattern, str) else ""
    none = "no links, and no text"
    if text.strip():
        none = f"no links at all; the text begins {shortened(text)}"
    problem = explained(
        f"no such link in {where}",
        expected=f"one link that {wanted}",
        got=list(links) or none,
        nearest=nearest,
        hint="link() takes a str that the link contains (upper and lower case "
        "differ), or a compiled regular expression that is found in it",
    )
    raise AssertionError(problem)


def _link_test(pattern: str | re.Pattern[str]) -> tuple[str, Callable[[str], bool]]:
    """What a pattern asks of a link: in words, and as a predicate."""
    if isinstance(pattern, str):
        wanted = f"contains {pattern!r}" if pattern else "is there"
        return wanted, lambda link: pattern in link
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        wanted = f"matches re.compile({shown(pattern.pattern)})"
        return wanted, lambda link: pattern.search(link) is not None
    raise TypeError(
        "link() takes a str that the link contains, or a compiled regular "
        f"expression (of str) that is found in it, not {pattern!r}"
    )


def _nearest(wanted: str, links: Sequence[str]) -> str:
    """The link that has most in common with what was wanted; ``""`` below a half."""
    best, nearest = 0.5, ""
    for link in links[:200]:
        matcher = SequenceMatcher(
            None, wanted.lower(), link.lower()[:500], autojunk=False
        )
        blocks = matcher.get_matching_blocks()
        score = sum(block.size for block in blocks if block.size > 1) / len(wanted)
        if score > best:
            best, nearest = score, link
    return nearest


def shortened(text: str) -> str:
    """The beginning of a text, on one line."""
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 200 else flat[:200] + "…")


def explained(
    title: str, *, expected: str, got: Sequence[str] | str, nearest: str = "", hint: str
) -> str:
    """The text of an error: expected, got, the nearest miss, the way out."""
    more = [f"… and {len(got) - 30} more"] * (len(got) > 30)
    values = [got] if isinstance(got, str) else [*got[:30], *more]
    lines = [title, f"  expected: {expected}", f"  got:      {values[0].strip()}"]
    lines += [f"            {value}" for value in values[1:]]
    if nearest:
        lines.append(f"  nearest:  {nearest}")
    lines.append(f"  ({hint})")
    return "\n".join(printable(line[:LINE]) for line in lines)


def shown(pattern: str) -> str:
    """A regular expression as a literal of Python."""
    return repr(pattern) if '"' in pattern or "\n" in pattern else f'r"{pattern}"'
