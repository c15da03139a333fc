"""HTML cut into tags and text by section 13.2.5 of the HTML standard.

One pass, in linear time, without a tree. Nothing is an error: any text is a document.
"""

from __future__ import annotations

import re
from contextlib import suppress
from html.entities import html5
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


def names(text: str) -> frozenset[str]:
    """The names of elements in a text, with blanks between them."""
    return frozenset(text.split())


_BLANK = r"\t\n\f\r "
_MARKUP = re.compile(r"<(?=[A-Za-z!?]|/.)", re.DOTALL)
_NAME = re.compile(rf"[A-Za-z][^{_BLANK}/>]*")
#: Section 13.2.5.32 to 13.2.5.39. A quote that never ends takes all that is left.
_ATTRIBUTE = re.compile(
    rf"[{_BLANK}/]*(=?[^{_BLANK}/>=]+|=)"
    rf"(?:[{_BLANK}]*=[{_BLANK}]*"
    rf"""(?:"([^"]*)(?:"|\Z)|'([^']*)(?:'|\Z)|([^{_BLANK}>"'][^{_BLANK}>]*)?))?"""
)
_TAG_END = re.compile(rf"[{_BLANK}/]*>")
#: Up to its end; ``<!-->`` and ``<!--->`` end at once.
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)
#: Outlook's ``<![if mso]>``. Where its end is missing, the next tag still counts.
_CONDITION = re.compile(r"<!\[(?!CDATA\[)[^<>]*>?")
#: Their content is text up to their own end tag (section 13.2.6.2).
_RAW = names("iframe noembed noframes script style xmp")
_RAW_WITH_REFERENCES = names("textarea title")
#: They have no content, and no end tag (section 13.1.2).
VOID = names("area base br col embed hr img input link meta param source track wbr")
#: The values of each property that hide an element.
_HIDING_VALUES = {"display": {"none"}, "visibility": {"hidden", "collapse"}}
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
#: CSS Syntax §5.4.6: strings and brackets may hold semicolons.
_DECLARATION = re.compile(
    r"""(?:[^;"'(]|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z)|\([^)]*(?:\)|\Z))+"""
)
_REFERENCE = re.compile(
    r"&(?:#(?:[xX]([0-9A-Fa-f]+)|([0-9]+));?|([A-Za-z][A-Za-z0-9]{0,31};?))"
)
#: What follows a name that is no reference in an attribute.
_GOES_ON = re.compile(r"[=0-9A-Za-z]")


class Tag(NamedTuple):
    """A start tag or an end tag.

    Attributes:
        name: in lower case.
        closing: it is an end tag.
        attributes: names in lower case, references undone; of two the first counts.
    """

    name: str
    closing: bool
    attributes: dict[str, str]

    @property
    def hides(self) -> bool:
        """Its own attributes hide it: ``hidden``, a style that does, a closed dialog."""
        if self.name == "dialog" and "open" not in self.attributes:
            return True
        return "hidden" in self.attributes or _hides(self.attributes.get("style", ""))


def _hides(style: str) -> bool:
    """Whether the declarations of a ``style`` hide its element.

    Of several for one property the last important one counts, else the last one (CSS
    Cascade §6).
    """
    style = style.lower()
    if not any(value in style for value in ("none", "hidden", "collapse")):
        return False
    decided: dict[str, tuple[bool, str]] = {}
    for declaration in _DECLARATION.findall(_CSS_COMMENT.sub(" ", style)):
        name, _, value = declaration.partition(":")
        value, _, important = value.partition("!")
        name, value = name.strip(), value.strip()
        weight = important.strip() == "important"
        if value and weight >= decided.get(name, (False, ""))[0]:
            decided[name] = (weight, value)
    return any(
        name in decided and decided[name][1] in hiding
        for name, hiding in _HIDING_VALUES.items()
    )


def tokens(html: str) -> Iterator[Tag | str]:
    """The tags of a document and the text between them, references undone.

    Comments, declarations, and a tag that is cut off by the end are left out.
    """
    position = 0
    while match := _MARKUP.search(html, position):
        if match.start() > position:
            yield references(html[position : match.start()])
        name = _NAME.match(html, match.end() + (html[match.end()] == "/"))
        if name is None:
            position = _end_of_comment(html, match.start())
            continue
        closing = name.start() > match.end()
        attributes, position = _read_attributes(html, name.end())
        if position < 0:
            return
        tag = Tag(name[0].lower(), closing, attributes)
        yield tag
        if not closing and (tag.name in _RAW or tag.name in _RAW_WITH_REFERENCES):
            end = re.compile(rf"</{tag.name}(?=[{_BLANK}/>])", re.IGNORECASE)
            found = end.search(html, position)
            raw = html[position : found.start() if found else None]
            position += len(raw)
            yield raw if tag.name in _RAW else references(raw)
        elif tag.name == "plaintext" and not closing:
            yield html[position:]
            return
    yield references(html[position:])


def references(text: str, *, attribute: bool = False) -> str:
    """Text with its character references undone (sections 13.2.5.72 to 13.2.5.80).

    In an attribute a name without a semicolon that ``=`` or an alphanumeric follows is
    left alone: ``?a=1&copy=2``.
    """
    if "&" not in text:
        return text

    def undone(match: re.Match[str]) -> str:
        hexadecimal, decimal, name = match.groups()
        if hexadecimal or decimal:
            return _character(hexadecimal or decimal, 16 if hexadecimal else 10)
        for end in range(len(name), 1, -1):
            if name[:end] in html5:
                rest = name[end:]
                following = rest or text[match.end() : match.end() + 1]
                if attribute and name[end - 1] != ";" and _GOES_ON.match(following):
                    break
                return html5[name[:end]] + rest
        return match[0]

    return _REFERENCE.sub(undone, text)


def _character(digits: str, base: int) -> str:
    """The character of a number, windows-1252 where it can be none (13.2.5.80)."""
    number = int(digits.lstrip("0")[:8] or "0", base)
    if 0x80 <= number <= 0x9F:
        with suppress(UnicodeDecodeError):
            return bytes([number]).decode("cp1252")
    if number == 0 or 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        return "\ufffd"
    return chr(number)


def _read_attributes(html: str, position: int) -> tuple[dict[str, str], int]:
    """The attributes behind a tag's name, and where it ends; -1: nowhere."""
    found: dict[str, str] = {}
    while match := _ATTRIBUTE.match(html, position):
        name, double, single, bare = match.groups()
        value = double or single or bare or ""
        found.setdefault(name.lower(), references(value, attribute=True))
        position = match.end()
    end = _TAG_END.match(html, position)
    return found, end.end() if end else -1


def _end_of_comment(html: str, start: int) -> int:
    """Where a comment or a declaration ends (sections 13.2.5.41 to 13.2.5.51)."""
    if match := _COMMENT.match(html, start) or _CONDITION.match(html, start):
        return match.end()
    end = html.find(">", start)
    return len(html) if end < 0 else end + 1
