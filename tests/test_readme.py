"""README.md: its blocks run, and nothing public is missing from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_smtpserver import (
    Address,
    Envelope,
    Event,
    ReceivedMessage,
    Rule,
    ServerOptions,
    SessionRecord,
    SMTPServer,
)
from pytest_smtpserver.mail.search.criteria import NAMES
from pytest_smtpserver.script.conditions import MOMENTS, RULE_NAMES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
#: Every word of the README that may be a name of the package.
NAMED = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", README))
#: What is public for the rest of the package only.
INSIDE: dict[type, set[str]] = {
    Rule: {"take", "misses", "conditions"},
    Event: {"given_chunks"},
    SessionRecord: {"add_attempt", "add_undelivered"},
}


def public(owner: type) -> set[str]:
    """The public names of a class, without those of `str`."""
    names = set(dir(owner)) | set(getattr(owner, "__annotations__", {}))
    return {name for name in names - set(dir(str)) if not name.startswith("_")}


def write_blocks(folder: Path) -> None:
    """Each block in a folder of its own; a conftest goes with the block behind it."""
    conftest = ""
    for number, block in enumerate(BLOCKS):
        if block.startswith("# conftest.py\n"):
            conftest = block
            continue
        place = folder / f"block_{number}"
        place.mkdir()
        (place / f"test_block_{number}.py").write_text(block, encoding="utf-8")
        if conftest:
            (place / "conftest.py").write_text(conftest, encoding="utf-8")
        conftest = ""


def test_every_block_is_a_test_file_that_passes(tmp_path: Path) -> None:
    """And all of them were collected."""
    write_blocks(tmp_path)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        "addopts = --strict-markers\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-W", "error", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tests = re.findall(r"^def (test_\w+)\(", "\n".join(BLOCKS), re.MULTILINE)
    assert len(tests) >= 24
    assert [test for test in tests if f"::{test}" not in done.stdout] == []


@pytest.mark.parametrize(
    "owner",
    [SMTPServer, Rule, Event, ReceivedMessage, SessionRecord, Envelope, Address],
    ids=lambda owner: owner.__name__,
)
def test_every_public_name_is_explained(owner: type) -> None:
    """Attributes, properties and methods; but for what is there for the package."""
    assert public(owner) - INSIDE.get(owner, set()) - NAMED == set()


def test_every_option_has_a_row() -> None:
    """A row of the options table begins with it."""
    table = README.partition("## Options")[2].partition("## Rules")[0]
    names = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert names == set(ServerOptions.__annotations__)


def test_settings_moments_and_criteria_are_named() -> None:
    """Every ini and command line option, moment and criterion."""
    for name in ("smtp_server_scope", "smtp_server_timeout"):
        assert f"ini `{name}`" in README
    for option in ("--smtp-transcript", "--smtp-save"):
        assert f"`{option}=" in README
    for moment in MOMENTS:
        assert f'| `"{moment}"` |' in README
    for criterion in (*NAMES, *RULE_NAMES):
        assert f"`{criterion}" in README


def test_the_tests_that_the_readme_names_exist() -> None:
    """Each row of the table of npm's smtp-server names one."""
    section = README.partition("## What npm's smtp-server calls it")[2].partition(
        "\n## "
    )[0]
    rows = [row for row in section.splitlines() if row.startswith("| ")][2:]
    assert len(rows) >= 35
    for row in rows:
        named = re.search(r"`([\w/]+\.py)::(\w+)` \|$", row)
        assert named is not None, row
        source = (ROOT / "tests" / named[1]).read_text(encoding="utf-8")
        assert re.search(rf"def {named[2]}\(", source), row
