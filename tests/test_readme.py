"""What the README says is run, and it names everything that there is."""

from __future__ import annotations

import inspect
import os
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

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
TESTS = [block for block in BLOCKS if "def test_" in block]
OTHERS = [block for block in BLOCKS if "def test_" not in block]


def test_there_are_blocks_to_run() -> None:
    """The pattern that finds them has not gone blind."""
    assert len(BLOCKS) == README.count("```python")
    assert len(TESTS) >= 8


@pytest.mark.parametrize("block", TESTS, ids=range(len(TESTS)))
def test_a_block_passes_as_it_stands(pytester: pytest.Pytester, block: str) -> None:
    """As a test file of a project of its own, with the conftest that the README shows."""
    pytester.makepyfile(test_readme=block)
    env = {key: value for key, value in os.environ.items() if key[:6] != "PYTEST"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=pytester.path,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("block", OTHERS, ids=range(len(OTHERS)))
def test_a_block_without_tests_is_a_conftest(
    pytester: pytest.Pytester, block: str
) -> None:
    """It is used by a test that starts a server."""
    assert block.startswith("# conftest.py\n")
    pytester.makeconftest(block)
    pytester.makepyfile("def test_it(smtp_server): assert smtp_server.is_running")
    pytester.runpytest_subprocess("-p", "no:asyncio").assert_outcomes(passed=1)


def _members(cls: type) -> set[str]:
    return {
        name
        for name, value in inspect.getmembers(cls)
        if not name.startswith("_")
        and (callable(value) or isinstance(value, property) or _is_slot(value))
        and not hasattr(str, name)
    }


def _is_slot(value: object) -> bool:
    return type(value).__name__ == "member_descriptor"


#: What the server uses among itself, and tests have no use for.
_INTERNAL = {
    SessionRecord: {"on_disable"},
    Event: {"decided", "kept", "user"},
    Rule: {"take"},
    Envelope: {"values"},
}


@pytest.mark.parametrize(
    "cls", [SMTPServer, Rule, Event, ReceivedMessage, SessionRecord, Envelope, Address]
)
def test_every_member_is_in_the_readme(cls: type) -> None:
    """The README is the manual."""
    words = set(re.findall(r"\w+", README))
    missing = _members(cls) - words - _INTERNAL.get(cls, set())
    assert not missing


def test_every_option_is_in_the_readme() -> None:
    """By its name, in code."""
    named = set(re.findall(r"`(\w+)`", README))
    assert not set(ServerOptions.__annotations__) - named
