"""The pages of the manual, and the blocks of code in them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from tests.plugin.inner import ASSERTS_ARE_OFF

ROOT = Path(__file__).parent.parent.parent
#: Every page by its path from the root: the README, then the manual.
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
#: What a block has to begin with, to be a file that goes with the test behind it.
FILE_NAME = re.compile(r"# ((?:\w+/)*\w+\.(?:py|ini|toml|txt))\n")
BLOCK = re.compile(
    r"^```(python|ini|toml|text)[ ]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
SETTINGS = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    #: What stands behind the language: `fails`, or `needs=` and what is installed.
    notes: str
    text: str
    #: The line of the page on which the text begins.
    line: int
    #: The `text` block behind one that fails: what pytest prints.
    output: str = ""

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
    def needs(self) -> str:
        """What has to be installed for it, beside what the suite needs."""
        return self.notes.removeprefix("needs=") if "needs=" in self.notes else ""

    @property
    def fails(self) -> bool:
        """Whether it is there to show a failure."""
        return self.notes == "fails"

    @property
    def tests(self) -> list[str]:
        """The names of its tests."""
        return re.findall(r"^ *(?:async )?def (test_\w+)\(", self.text, re.MULTILINE)


def blocks(page: str) -> list[Block]:
    """The blocks of a page that are Python, or settings."""
    text = PAGES[page]
    found = list(BLOCK.finditer(text))
    return [
        Block(
            block[1],
            block[2],
            block[3],
            text.count("\n", 0, block.start(3)) + 1,
            behind[3] if behind is not None and behind[1] == "text" else "",
        )
        for block, behind in zip_longest(found, found[1:])
        if block[1] != "text"
    ]


def write_blocks(page: str, folder: Path, needs: str = "") -> list[Block]:
    """Each test in a folder of its own, with the files that go with it.

    A block that begins with `# conftest.py`, or with another file's name, goes with
    the next test. The lines of a test are those of the page, so that a traceback names
    them; only one that fails begins at line 1. Returns the tests that were written.
    """
    written, beside = [], dict[str, str]()
    for block in blocks(page):
        if not block.is_test:
            if block.file_name is not None:
                beside[block.file_name] = block.text
            continue
        if block.needs == needs:
            place = folder / ("fails" if block.fails else ".") / f"line_{block.line}"
            stem = re.sub(r"\W", "_", Path(page).stem.lower())
            name = block.file_name or f"test_{stem}_{block.line}.py"
            for file, shown in {**beside, name: block.text}.items():
                text = shown.replace("[pytest]\n", SETTINGS)
                path = place / file
                path.parent.mkdir(parents=True, exist_ok=True)
                in_page = file == name and not block.fails
                above = "\n" * (block.line - 1) if in_page else ""
                path.write_text(above + text, encoding="utf-8")
            written.append(block)
        beside = {}
    return written


def projects(folder: Path) -> list[Path]:
    """The folders below this one that have settings of their own."""
    return sorted(path.parent for path in folder.rglob("line_*/pytest.ini"))


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, as a project of its own, with warnings as errors."""
    if not (folder / "pytest.ini").exists():
        (folder / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    options = ["-W", "error", *ASSERTS_ARE_OFF, "-p", "no:cacheprovider"]
    options += ["--strict-markers"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
