"""The suite where Python leaves out the assert statements (PYTHONOPTIMIZE)."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
#: Projects of their own, whose files pytest writes anew.
PROJECTS = {"example_project", "frameworks", "neighbours", "suites", "typing"}
#: Methods that do something to a server, a client or the time.
ACTS = frozenset(
    {"agree", "close", "connect", "data", "deliver", "docmd", "login", "mail", "rcpt"}
    | {
        "recv",
        "reply",
        "respond",
        "rest_of",
        "rset",
        "say",
        "send",
        "sendall",
        "sendmail",
    }
    | {"settle", "start", "stop", "wait"}
)


def _helpers_that_act_in_an_assertion() -> Iterator[str]:
    for path in TESTS.rglob("*.py"):
        if path.relative_to(TESTS).parts[0] in PROJECTS:
            continue
        module = ast.parse(path.read_text("utf-8"))
        helpers = [
            node
            for node in ast.walk(module)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("test_")
        ]
        # What a test has within itself is its own: pytest writes it anew.
        own = {
            id(inner)
            for test in ast.walk(module)
            if isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
            and test.name.startswith("test_")
            for inner in ast.walk(test)
        }
        for helper in helpers:
            if id(helper) in own:
                continue
            for node in ast.walk(helper):
                if isinstance(node, ast.Assert) and _acts(node.test):
                    place = f"{path.relative_to(TESTS)}:{node.lineno}"
                    yield f"{place} {ast.unparse(node.test)}"


def _acts(expression: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Await)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ACTS
        )
        for node in ast.walk(expression)
    )


def test_helpers_do_nothing_within_an_assertion() -> None:
    """They say what they have to say first, and assert what came of it."""
    assert sorted(_helpers_that_act_in_an_assertion()) == []


@pytest.mark.once
@pytest.mark.timeout(300)
def test_some_rooms_of_the_suite() -> None:
    """With the assertions that pytest writes anew, those of the helpers among them.

    Runs of pytest inside of a test are among them, too.
    """
    rooms = (
        "tests/server/session/test_lmtp.py",
        "tests/protocol/framing",
        "tests/plugin/test_own_failures.py",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *rooms],
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONOPTIMIZE": "2"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
