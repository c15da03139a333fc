"""What a reader sees of an HTML document, and what it links to.

Elements are opened and closed by section 13.2.6 of the HTML standard, as far as that
decides what is hidden. Style sheets are ignored.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from urllib.parse import urljoin

from pytest_smtpserver.mail.content.links import links_in_text

from .tokenizer import VOID, Tag, names, tokens

#: Elements with a link for the reader, and its attribute. Images and style sheets, which
#: are only fetched, are no links.
_LINK_ATTRIBUTES = {
    "a": "href",
    "area": "href",
    "form": "action",
    "button": "formaction",
    "input": "formaction",
}
_HEADINGS = names("h1 h2 h3 h4 h5 h6")
_LISTS = names("dl ol ul")
_ROWS = names("tbody td tfoot th thead tr")
#: Elements that have lines of their own, and whose start tag ends a paragraph.
_BLOCKS = (
    _HEADINGS
    | _LISTS
    | names(
        "address article aside blockquote body center dd details div dt fieldset figure "
        "figcaption footer form header hr html li main nav p pre section summary table"
    )
)
_LINES = _BLOCKS | _ROWS | {"br", "caption"}
_UNSEEN = names("datalist iframe noembed noframes rp script style template title")
_FORMATTING = names("a b big em font i nobr s small strike strong tt u")
_PREFORMATTED = ("plaintext", "pre", "textarea", "xmp")
#: The elements that a start tag ends, as if their end tag had come (section 13.1.2.4).
_ENDS = {
    **dict.fromkeys(_BLOCKS, ("p",)),
    "li": ("p", "li"),
    **dict.fromkeys(("dd", "dt"), ("p", "dd", "dt")),
    **dict.fromkeys(("td", "th"), ("td", "th")),
    "tr": ("td", "th", "tr"),
    **dict.fromkeys(("tbody", "tfoot", "thead"), ("tr", "tbody", "tfoot", "thead")),
    "option": ("option",),
    "a": ("a",),
}
#: Elements that a tag in them does not end those around: by the tag; else those of cells.
_BORDERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_ROWS, ("table",)),
    **dict.fromkeys(("dd", "dt", "li"), ("dl", "ol", "ul", "table")),
    "table": (),
}
_BLANKS = re.compile(r"[\t\n\f\r ]+")
#: A URL parser drops the former around a URL, and the latter everywhere (URL §4.4).
_CONTROLS_AND_SPACE = "".join(map(chr, range(0x21)))
_TAB_OR_NEWLINE = re.compile(r"[\t\r\n]+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NOWHERE = sys.maxsize
#: How many open elements an end tag of formatting looks at, besides its own.
_MISNESTED = 50
#: A longer ``<base href>`` is left out of account: each link would get a copy of it.
_LONGEST_BASE = 500


class Page:
    """What a reader sees of an HTML document."""

    def __init__(self, html: str) -> None:
        #: Those in attributes and text, in order; those in hidden elements do not count.
        self.links: list[str] = []
        self._headings: list[list[str]] = []
        self._written: list[str] = []
        self._unlinked: list[str] = []
        self._open: list[str] = []
        #: How many elements of each name are open, and where in `_open` they stand. Places
        #: whose element has ended may still be there: see `_innermost`.
        self._count: defaultdict[str, int] = defaultdict(int)
        self._places: defaultdict[str, list[int]] = defaultdict(list)
        #: The places in `_open` of elements that hide, and of the one that is a link.
        self._hiding: set[int] = set()
        self._label_at = _NOWHERE
        self._base = ""
        #: Characters of a ``<base href>`` that was left out of account; 0 for none.
        self.long_base: int = 0
        for token in tokens(html):
            if isinstance(token, str):
                self._write(token)
            elif token.closing:
                if token.name in _LINES:
                    self._break()
                self._close(token.name)
            else:
                self._start(token)
        self._look_for_links()
        self.links = [self._resolved(link) for link in self.links]

    @property
    def text(self) -> str:
        """The visible text, blanks collapsed, blocks on lines of their own."""
        return "".join(self._written).strip(" \n")

    @property
    def headings(self) -> list[str]:
        """The text of each heading, in order."""
        return ["".join(parts) for parts in self._headings]

    def _start(self, tag: Tag) -> None:
        name = tag.name
        for ended in _ENDS.get(name, ()):
            self._close(ended)
        if name in _LINES:
            self._break()
        if name == "base" and not (self._base or self.long_base):
            base = _clean(tag.attributes.get("href", ""))
            if len(base) <= _LONGEST_BASE:
                self._base = base
            else:
                self.long_base = len(base)
        hidden = name in _UNSEEN or tag.hides
        depth = len(self._open)
        if not self._hiding and not hidden:
            self._link(tag, depth)
            if name in _HEADINGS:
                self._headings.append([])
        stray = name in _ROWS and not self._count["table"]
        if name not in VOID and not stray:
            self._places[name].append(depth)
            self._count[name] += 1
            self._open.append(name)
            if hidden:
                self._hiding.add(depth)

    def _close(self, name: str) -> None:
        """Close the innermost element of that name, and all that is open in it.

        A tag in the cell of a table, or in a list, closes nothing outside of it.
        """
        if (place := self._innermost(name)) < 0:
            return
        borders = _BORDERS.get(name, ("td", "th", "caption"))
        if any(self._innermost(border) > place for border in borders):
            return
        if name in _FORMATTING:
            self._close_formatting(place)
        else:
            for closed in range(place, len(self._open)):
                self._close_one(closed)
        while self._open and not self._open[-1]:
            self._open.pop()

    def _close_formatting(self, place: int) -> None:
        """End a formatting element such as ``<b>``, and what is in it up to a block.

        Other formatting that was opened in it stays open, and so do blocks with all that
        is in them (HTML §13.2.6.4.7).
        """
        for inside in range(place + 1, min(place + _MISNESTED, len(self._open))):
            name = self._open[inside]
            if name in _LINES:
                break
            if name not in _FORMATTING:
                self._close_one(inside)
        self._close_one(place)

    def _close_one(self, place: int) -> None:
        name, self._open[place] = self._open[place], ""
        self._count[name] -= 1
        self._hiding.discard(place)
        if self._label_at == place:
            self._label_at = _NOWHERE

    def _innermost(self, name: str) -> int:
        """Where in `_open` the innermost element of that name stands; -1: nowhere."""
        if not self._count[name]:
            return -1
        places = self._places[name]
        while places[-1] >= len(self._open) or self._open[places[-1]] != name:
            places.pop()
        return places[-1]

    def _link(self, tag: Tag, depth: int) -> None:
        value = tag.attributes.get(_LINK_ATTRIBUTES.get(tag.name, ""))
        if value is None:
            return
        self._look_for_links()
        if link := _clean(value):
            self.links.append(link)
        if tag.name == "a":
            self._label_at = min(self._label_at, depth)

    def _write(self, data: str) -> None:
        """Add text. In the label of a link no links are looked for."""
        if self._hiding:
            return
        if not any(self._count[name] for name in _PREFORMATTED):
            data = _BLANKS.sub(" ", data)
            if data[:1] == " " and (
                not self._written or self._written[-1][-1] in " \n"
            ):
                data = data[1:]
        if not data:
            return
        self._written.append(data)
        if self._label_at == _NOWHERE:
            self._unlinked.append(data)
        # A heading that was hidden when it began is not among `_headings`.
        if self._headings and any(self._count[name] for name in _HEADINGS):
            self._headings[-1].append(data)

    def _break(self) -> None:
        if self._hiding:
            return
        if self._written and self._written[-1][-1] != "\n":
            self._written.append("\n")
        if self._unlinked:
            self._unlinked.append("\n")

    def _look_for_links(self) -> None:
        if self._unlinked:
            self.links.extend(links_in_text("".join(self._unlinked)))
            self._unlinked = []

    def _resolved(self, link: str) -> str:
        if not self._base or _ABSOLUTE.match(link):
            return link
        try:
            return urljoin(self._base, link)
        except ValueError:  # a base that is no URL
            return link


def _clean(value: str) -> str:
    """An attribute as a link; ``""`` where it stays within the message."""
    link = _TAB_OR_NEWLINE.sub("", value).strip(_CONTROLS_AND_SPACE)
    return "" if link.lower().startswith(("#", "cid:")) else link
