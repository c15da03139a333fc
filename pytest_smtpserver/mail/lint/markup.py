"""HTML as advice looks at it: prose apart from samples of code, images, links."""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from pytest_smtpserver.mail.content.html.tokenizer import VOID, Tag, names, tokens

#: What shows code: a reader takes braces in there for what they are.
_CODE = names("code kbd listing plaintext pre samp textarea tt var xmp")
_CODE_FONT = re.compile(r"monospace|courier|consolas|menlo", re.IGNORECASE)
#: What no reader sees.
_UNSEEN = names("head noembed noframes script style template title")
#: These stand within a line: the text before and after them is one.
_INLINE = _CODE | names(
    "a abbr b big em font i img mark q s small span strong sub sup u wbr"
)
_PIXEL = re.compile(r"\s*[012](?:px)?\s*(?:;|$)", re.IGNORECASE)
_TINY_STYLE = re.compile(
    r"(?:^|;)\s*(?:max-)?(?:width|height)\s*:\s*[012](?:px)?\s*(?:!important\s*)?(?:;|$)",
    re.IGNORECASE,
)


class Image(NamedTuple):
    """An image that a reader is to see, and the text that stands for it.

    The text is None where nothing was said, and ``""`` where the image is decoration.
    """

    source: str
    text: str | None


class Link(NamedTuple):
    """A link, with its label and the images in it."""

    target: str
    label: list[str]
    images: list[Image]


class Markup:
    """What an HTML document shows."""

    def __init__(self, html: str) -> None:
        #: Without counting pixels.
        self.images: list[Image] = []
        self.links: list[Link] = []
        #: The last ``<a>`` that could be seen, be it a link or a place in the page.
        self._anchor = Link("", [], [])
        self._prose: list[str] = []
        self._code: list[str] = []
        #: Name and kind (``"code"``, ``"unseen"`` or nothing) of each open element.
        self._open: list[tuple[str, str]] = []
        self._count: Counter[str] = Counter()
        for token in tokens(html):
            if isinstance(token, str):
                self._text(token)
            else:
                self._tag(token)

    @property
    def prose(self) -> str:
        """The visible text, without samples of code."""
        return "".join(self._prose)

    @property
    def code(self) -> str:
        """The samples of code."""
        return "\n".join(self._code)

    @property
    def _kind(self) -> str:
        return self._open[-1][1] if self._open else ""

    def _text(self, text: str) -> None:
        if self._kind == "unseen":
            return
        (self._code if self._kind == "code" else self._prose).append(text)
        if self._count["a"]:
            self._anchor.label.append(text)

    def _tag(self, tag: Tag) -> None:
        name = tag.name
        if name not in _INLINE:
            self._prose.append("\n")
        if tag.closing:
            self._close(name)
            return
        if self._kind != "unseen":
            if name == "a":
                given = tag.attributes
                label = given.get("aria-label", given.get("title", ""))
                self._anchor = Link(given.get("href", "").strip(), [label], [])
                self.links += [self._anchor] * bool(self._anchor.target)
            elif name == "img":
                self._image(tag)
        if name not in VOID:
            self._open.append((name, _kind_of(tag) or self._kind))
            self._count[name] += 1

    def _close(self, name: str) -> None:
        """End the innermost element of that name, and all that is open in it."""
        while self._count[name]:
            closed, _ = self._open.pop()
            self._count[closed] -= 1
            if closed == name:
                return

    def _image(self, tag: Tag) -> None:
        given = tag.attributes
        size = (given.get("width", ""), given.get("height", ""))
        if (
            any(_PIXEL.fullmatch(one) for one in size)
            or _TINY_STYLE.search(given.get("style", ""))
            or tag.hides
        ):
            return
        decorates = given.get("role") in ("presentation", "none")
        decorates = decorates or given.get("aria-hidden") == "true"
        text = given.get("alt", given.get("aria-label", given.get("title")))
        image = Image(given.get("src", ""), "" if decorates and not text else text)
        self.images.append(image)
        if self._count["a"]:
            self._anchor.images.append(image)


def _kind_of(tag: Tag) -> str:
    if tag.name in _UNSEEN or tag.hides:
        return "unseen"
    if tag.name in _CODE:
        return "code"
    # A few words in such a font are code; a whole mail in one is none.
    font = f"{tag.attributes.get('style', '')} {tag.attributes.get('face', '')}"
    return "code" if tag.name in _INLINE and _CODE_FONT.search(font) else ""
