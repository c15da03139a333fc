"""The pages of the manual, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Every page by its path from the root: the README, then the manual.
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
#: What a block has to begin with, to be a file that goes with the test behind it.
FILE_NAME = re.compile(r"# ((?:\w+/)*\w+\.(?:py|ini|toml|txt))\n")
BLOCK = re.compile(
    r"^```(python|ini|toml)[ ]*(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    #: What stands behind the language: what has to be installed for the block.
    needs: str
    text: str
    #: The line of the page on which the text begins.
    line: int

    @property
    def file_name(self) -> str | None:
        """The name in a first line such as `# conftest.py`."""
        found = FILE_NAME.match(self.text)
        return found[1] if found else None

    @property
    def is_test(self) -> bool:
        """Whether it is a test file, and not a file that goes with one."""
        name = self.file_name
        return self.language == "python" and (
            name is None or name.rpartition("/")[2].startswith("test_")
        )

    @property
    def tests(self) -> list[str]:
        """The names of its tests."""
        return re.findall(r"^ *(?:async )?def (test_\w+)\(", self.text, re.MULTILINE)


def blocks(page: str) -> list[Block]:
    """The blocks of a page that are Python, or settings."""
    text = PAGES[page]
    return [
        Block(found[1], found[2], found[3], text.count("\n", 0, found.start(3)) + 1)
        for found in BLOCK.finditer(text)
    ]


def write_blocks(page: str, folder: Path, needs: str = "") -> list[Block]:
    """Each test in a folder of its own, with the files that go with it.

    A block that begins with `# conftest.py`, or with another file's name, goes with
    the next test. The lines of a test are those of the page, so that a traceback names
    them. Returns the tests that were written.
    """
    written, beside = [], dict[str, str]()
    for block in blocks(page):
        if not block.is_test:
            if block.file_name is not None:
                beside[block.file_name] = block.text
            continue
        if block.needs == needs:
            place = folder / f"line_{block.line}"
            name = block.file_name or f"test_line_{block.line}.py"
            for file, text in {**beside, name: block.text}.items():
                path = place / file
                path.parent.mkdir(parents=True, exist_ok=True)
                above = "\n" * (block.line - 1) if file == name else ""
                path.write_text(above + text, encoding="utf-8")
            written.append(block)
        beside = {}
    return written
