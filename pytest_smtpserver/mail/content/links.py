"""Links and codes: what a test takes out of a mail in order to go on.

Links come from the HTML by `html.parser`, entities undone, and from text, transfer
encoding and ``format=flowed`` undone; RFC 3986 appendix C says how they stand in text.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: What can be followed; images and style sheets are only fetched.
_LINK_ATTRIBUTES = {
    "a": "href",
    "area": "href",
    "form": "action",
    "button": "formaction",
    "input": "formaction",
}
_INVISIBLE = frozenset({"head", "script", "style", "template", "title"})
_BLOCK = re.compile(
    "address|article|aside|blockquote|body|br|center|d[dlt]|div|fieldset|footer|form|"
    "h[1-6]|header|hr|html|li|main|nav|ol|p|pre|section|table|tbody|td|tfoot|th|thead|"
    "tr|ul"
)
#: Declarations are what the parser raises on; a mail has them for Outlook only.
_DECLARATION = re.compile(r"<!(?!--)[^<>]*>?")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)
#: A URL parser drops these wherever they stand (WHATWG URL §4.4).
_TAB_OR_NEWLINE = re.compile(r"[\t\r\n]+")

_SCHEME = r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|mailto:(?=[^\s@<>]+@))"
#: CJK and typographic punctuation ends a link: nobody puts a blank before it.
_STOP = '\\s<>"`|\\u00ab\\u00bb\\u2018-\\u201f\\u2026\\u3000-\\u303f\\uff00-\\uff0f\\uff1a-\\uff20'
_IN_TEXT = re.compile(
    rf"<(?:URL:\s*)?({_SCHEME}[^<>\"]{{1,4000}})>|({_SCHEME}[^{_STOP}]+)"
)
_BROKEN_IN_BRACKETS = re.compile(r"[ \t]*\n[ \t]*")
_TRAILING = ".,;:!?'*"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


class HTMLReader(HTMLParser):
    """Reads the links of an HTML document and the text that a reader sees.

    Attributes:
        links: what attributes and text link to, in the order of the document.
        text: the visible text, block elements on lines of their own.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []
        self._text: list[str] = []
        self._pending: list[str] = []
        self._hidden = 0
        self._in_link = False
        self._read(html)

    @property
    def text(self) -> str:
        """The visible text."""
        return "".join(self._text)

    def _read(self, html: str) -> None:
        try:
            self.feed(html)
            self.close()
        except Exception:  # noqa: BLE001 - <![x[, numbers of 5000 digits, and more
            self.reset()
            self.links, self._text, self._pending = [], [], []
            self._hidden, self._in_link = 0, False
            try:
                self.feed(_DECLARATION.sub("", html))
                self.close()
            except Exception:  # noqa: BLE001 - then whatever looks like a link
                found = ("".join(match) for match in _HREF.findall(html))
                self.links = [link for href in found if (link := _clean(href))]
        self._end_text()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A start tag: perhaps a link."""
        if _BLOCK.fullmatch(tag):
            self._break()
        if tag in _INVISIBLE:
            self._hidden += 1
        if tag == "body":  # a head that was never closed ends here
            self._hidden = 0
        wanted = _LINK_ATTRIBUTES.get(tag)
        value = next((value for name, value in attrs if name == wanted), None)
        if value is None:
            return
        self._end_text()
        if link := _clean(value):
            self.links.append(link)
        self._in_link = tag == "a"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """In HTML the slash says nothing; only what never has content is closed."""
        self.handle_starttag(tag, attrs)
        if tag in _INVISIBLE:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """An end tag: perhaps that of a link."""
        if _BLOCK.fullmatch(tag):
            self._break()
        if tag in _INVISIBLE:
            self._hidden = max(0, self._hidden - 1)
        if tag == "a" and self._in_link:
            self._end_text()
            self._in_link = False

    def handle_data(self, data: str) -> None:
        """Text; that of a link is a label and not a link itself."""
        if self._hidden:
            return
        self._text.append(data)
        if not self._in_link:
            self._pending.append(data)

    def _break(self) -> None:
        if self._text and not self._text[-1].endswith("\n"):
            self._text.append("\n")
        if self._pending:
            self._pending.append("\n")

    def _end_text(self) -> None:
        if self._pending:
            self.links.extend(links_in_text("".join(self._pending)))
            self._pending = []


def links_in_text(text: str) -> list[str]:
    """The links in plain text, in order, also repeated ones."""
    found = []
    for match in _IN_TEXT.finditer(text):
        if match[1] is not None:
            # RFC 3986 appendix C: inside of < and > a line break is none.
            link = _BROKEN_IN_BRACKETS.sub("", match[1])
            if not re.search(r"\s", link):
                found.append(link)
                continue
            found.extend(links_in_text(match[1]))
            continue
        link = _without_punctuation(match[2])
        if not link.endswith("//"):
            found.append(link)
    return found


def unique(values: Iterable[str]) -> list[str]:
    """The values in order, each once."""
    return list(dict.fromkeys(values))


def _clean(value: str) -> str:
    """An attribute as a link, ``""`` where it leads nowhere outside of the message."""
    link = _TAB_OR_NEWLINE.sub("", value).strip()
    return "" if link.startswith(("#", "cid:")) else link


def _without_punctuation(link: str) -> str:
    """Cut what belongs to the sentence around a link, not to the link."""
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
    """The only link that contains the str, or in which the expression is found.

    Args:
        links: those to choose from.
        pattern: a part of the link, or a compiled regular expression.
        where: the message, for the error.
        text: its text, for the error where there are no links.

    Raises:
        AssertionError: none or several do; it lists what there is.
        TypeError: the pattern is neither.
    """
    __tracebackhide__ = True
    wanted, matches = _link_test(pattern)
    found = [link for link in links if matches(link)]
    if len(found) == 1:
        return found[0]
    if found:
        raise AssertionError(
            _explain(
                f"{len(found)} links where one was expected, in {where}",
                expected=f"exactly one link that {wanted}",
                got=found,
                hint="give more of the link, or a compiled regular expression; "
                "message.links has them all",
            )
        )
    nearest = _nearest(pattern, links) if isinstance(pattern, str) else ""
    raise AssertionError(
        _explain(
            f"no such link in {where}",
            expected=f"one link that {wanted}",
            got=list(links) or _no_links(text),
            nearest=nearest,
            hint="link() takes a str that the link contains (upper and lower case "
            "differ), or a compiled regular expression that is found in it",
        )
    )


def _link_test(pattern: str | re.Pattern[str]) -> tuple[str, Callable[[str], bool]]:
    """What a pattern wants of a link: in words, and as a predicate."""
    if isinstance(pattern, str):
        wanted = f"contains {pattern!r}" if pattern else "is there"
        return wanted, lambda link: pattern in link
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        wanted = f"matches re.compile({_shown(pattern.pattern)})"
        return wanted, lambda link: pattern.search(link) is not None
    raise TypeError(
        "link() takes a str that the link contains, or a compiled regular "
        f"expression (of str) that is found in it, not {pattern!r}"
    )


def find_code(
    texts: Sequence[str], pattern: str | re.Pattern[str], *, where: str
) -> str:
    """The only code that a regular expression finds in the message.

    Args:
        texts: subject, then the texts of the body.
        pattern: a regular expression; with a group, the group is the code.
        where: the message, for the error.

    Raises:
        AssertionError: there is none, or there are several different ones.
        TypeError: the pattern is no regular expression of str.
        ValueError: the pattern is a str that is no regular expression.
    """
    __tracebackhide__ = True
    expression = _compiled(pattern)
    subject, *bodies = texts
    # Digits in a link are seldom the code: they count where there are no others.
    without_links = [_IN_TEXT.sub(" ", body) for body in bodies]
    for places in (without_links, [subject], bodies):
        found = unique(_codes(expression, places))
        if len(found) == 1:
            return found[0]
        if found:
            raise AssertionError(
                _explain(
                    f"{len(found)} codes where one was expected, in {where}",
                    expected=f"exactly one match of {_shown(expression.pattern)}",
                    got=found,
                    hint="give a narrower pattern; with a group, the group is the "
                    r'code: message.code(r"code is (\d+)")',
                )
            )
    shown = [_shorten(text) for text in unique(texts) if text.strip()]
    raise AssertionError(
        _explain(
            f"no code in {where}",
            expected=f"one match of {_shown(expression.pattern)} in the body or subject",
            got=shown or "no text at all",
            hint="code() takes a regular expression; with a group, the group is the "
            "code",
        )
    )


def _shown(pattern: str) -> str:
    """A regular expression as one writes it."""
    return repr(pattern) if '"' in pattern or "\n" in pattern else f'r"{pattern}"'


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    if isinstance(pattern, str):
        try:
            return re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"code() takes a regular expression, and {pattern!r} is none: {error}"
            ) from error
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    raise TypeError(f"code() takes a regular expression (of str), not {pattern!r}")


def _codes(expression: re.Pattern[str], texts: Iterable[str]) -> list[str]:
    found = []
    for text in texts:
        for match in expression.finditer(text):
            groups = [group for group in match.groups() if group is not None]
            found.append(groups[0] if groups else match[0])
    return [code for code in found if code]


def _nearest(wanted: str, links: Sequence[str]) -> str:
    """The link with the longest piece of what was wanted, if that says anything."""
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


def _no_links(text: str) -> str:
    if not text.strip():
        return "no links, and no text"
    return f"no links at all; the text begins {_shorten(text)}"


def _shorten(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= 200 else flat[:200] + "…")


def _explain(
    title: str, *, expected: str, got: Sequence[str] | str, nearest: str = "", hint: str
) -> str:
    lines = [title, f"  expected: {expected}"]
    if isinstance(got, str):
        lines.append(f"  got:      {got}")
    else:
        listed = [f"            {value}" for value in got[:30]]
        if len(got) > 30:
            listed.append(f"            … and {len(got) - 30} more")
        lines.append(f"  got:      {listed[0].strip()}")
        lines += listed[1:]
    if nearest:
        lines.append(f"  nearest:  {nearest}")
    lines.append(f"  ({hint})")
    return "\n".join(lines)
