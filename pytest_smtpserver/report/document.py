"""Makes the page from entries, by the templates beside this file.

The page begins with its style and script. Blocks follow, each with some entries in two
forms: as plain HTML for browsers without JavaScript, and packed for the script. Nothing
has to follow the last block, so a page that is cut off between two blocks still works.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_smtpserver.protocol.display import printable

from .letters import MAX_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .entries import Entry

#: The most that all files of a page have, in octets of base64; others are left out.
MAX_FILES = 64_000_000
#: The most entries of a block, and octets in it. A block is compressed as a whole.
_BLOCK_ENTRIES = 200
_BLOCK_OCTETS = 1_500_000
_TEMPLATES = Path(__file__).with_name("templates")


class Heading(NamedTuple):
    """What stands at the top of a page.

    Attributes:
        title: of the page.
        made_at: date and time, for people.
        about: a sentence about what is not on the page.
        noun: what an entry is: a test, a connection.
        nothing: what the page says where it has no entries.
    """

    title: str
    made_at: str
    about: str = ""
    noun: str = "test"
    nothing: str = "No test of this run had an SMTP server."


class Page:
    """Makes the pieces of one page, in the order in which they have to be written.

    Raises:
        ImportError: Jinja2 is not installed; the text says how to install it.
    """

    def __init__(self, heading: Heading) -> None:
        try:
            jinja2 = importlib.import_module("jinja2")
        except ImportError as error:
            raise ImportError(
                "the report needs Jinja2: pip install 'pytest-smtpserver[report]'"
            ) from error
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        environment.filters["visible"] = visible
        environment.filters["octets"] = octets
        self._heading = heading
        self._head = environment.get_template("page.html")
        self._entries = environment.get_template("entries.html")
        self._written: set[str] = set()
        self._files = 0

    def head(self) -> str:
        """The beginning, with style and script."""
        style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
        script = "".join(
            (_TEMPLATES / name).read_text(encoding="utf-8")
            for name in ("data.js", "frame.js", "views.js", "page.js")
        )
        digest = hashlib.sha256(script.encode()).digest()
        head: str = self._head.render(
            heading=self._heading,
            style=style,
            script=script,
            script_hash=base64.b64encode(digest).decode("ascii"),
            max_file=octets(MAX_FILE),
            max_files=octets(MAX_FILES),
        )
        return head

    def block(self, entries: Sequence[Entry]) -> str:
        """Some entries in both forms, with their files."""
        pieces = [self._entries.render(entries=[one.form for one in entries])]
        pieces += [
            _data("blob", blob, name)
            for entry in entries
            for name, blob in entry.blobs.items()
            if self._fits(name, blob)
        ]
        pieces.append(_data("block", _packed([one.form for one in entries])))
        return "".join(pieces)

    def tail(self, blocks: Sequence[Sequence[Entry]]) -> str:
        """The index: it tells the script that the page is whole, and where entries are."""
        index = [
            _line(entry, number, place)
            for number, block in enumerate(blocks)
            for place, entry in enumerate(block)
        ]
        return _data("index", _packed(index))

    def whole(self, entries: Iterable[Entry]) -> Iterator[str]:
        """All pieces: failed tests first, then tests with mail, then the others."""
        ordered = sorted(
            entries,
            key=lambda one: (one.form["outcome"] != "failed", not one.form["messages"]),
        )
        yield self.head()
        blocks = list(_blocks(ordered))
        for block in blocks:
            yield self.block(block)
        yield self.tail(blocks)

    def _fits(self, name: str, blob: str) -> bool:
        if name in self._written or self._files + len(blob) > MAX_FILES:
            return False
        self._written.add(name)
        self._files += len(blob)
        return True


def write_whole(path: Path, heading: Heading, entries: Iterable[Entry]) -> None:
    """Write a page to a file beside `path`, then let it replace what is there.

    Raises:
        ImportError: Jinja2 is not installed.
        OSError: the page cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            for piece in Page(heading).whole(entries):
                file.write(piece)
        os.replace(partial, path)  # noqa: PTH105 - at once, also over a file
    finally:
        partial.unlink(missing_ok=True)


def visible(text: str, limit: int = 0) -> str:
    """The text with an escape for each character that is not to be seen."""
    if limit and len(text) > limit:
        text = f"{text[:limit]}\n[{len(text) - limit:,} more characters]"
    text = re.sub(r"[^\S\n\t ]", " ", text.replace("\r", ""))
    return "\n".join(map(printable, text.split("\n")))


def octets(count: int) -> str:
    """A number of octets for people."""
    if count < 1_000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1_000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"


def _blocks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    block: list[Entry] = []
    size = 0
    for entry in entries:
        octets_here = sum(one["size"] for one in entry.form["messages"])
        if block and (
            len(block) >= _BLOCK_ENTRIES or size + octets_here > _BLOCK_OCTETS
        ):
            yield block
            block, size = [], 0
        block.append(entry)
        size += octets_here
    if block:
        yield block


def _packed(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    # Without the time: equal entries make equal pages.
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def _data(kind: str, text: str, name: str = "") -> str:
    identity = f' id="blob-{name}"' if name else ""
    return f'<script type="text/plain" class="{kind}"{identity}>{text}</script>\n'


def _line(entry: Entry, block: int, place: int) -> list[Any]:
    """An entry in the index: what the list shows of it, and which block has the rest."""
    form = entry.form
    return [
        block,
        place,
        form["id"],
        form["name"],
        form["outcome"],
        [
            [one["subject"], one["from"], one["to"], one["author"]]
            for one in form["messages"]
        ],
        form["flags"],
        round(form["duration"], 3),
    ]
