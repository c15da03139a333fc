"""The rooms of the house, and which way imports may go between them."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import pytest_smtpserver

PACKAGE = Path(pytest_smtpserver.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
#: Lower rooms know nothing of higher ones.
ROOMS = ("protocol", "mail", "script", "server")
#: What would make the protocol do more than think.
_NOT_IN_PROTOCOL = {
    "anyio",
    "asyncio",
    "datetime",
    "logging",
    "os",
    "random",
    "secrets",
    "select",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}


def imports(file: Path) -> set[str]:
    """The modules that a file imports, also inside functions; not those for types."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def room(file: Path) -> str:
    """The room that a file is in; ``""`` for the door and what stands beside it."""
    parts = file.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_imports_go_one_way(file: Path) -> None:
    """protocol, mail, script, server: each knows those before it."""
    here = room(file)
    if here not in ROOMS:
        return
    above = ROOMS[ROOMS.index(here) + 1 :]
    for module in imports(file):
        parts = module.split(".")
        if parts[0] == "pytest_smtpserver":
            assert len(parts) > 1, "a room imports from rooms, not from the door"
            assert parts[1] not in (*above, "plugin"), module


def test_the_protocol_imports_the_standard_library_only() -> None:
    """And none of it that does I/O, waits, or is random."""
    for file in FILES:
        if room(file) == "protocol":
            tops = {module.partition(".")[0] for module in imports(file)}
            assert tops <= sys.stdlib_module_names | {"pytest_smtpserver"}, file
            assert not tops & _NOT_IN_PROTOCOL, file


def test_who_may_know_whom() -> None:
    """anyio is in the server alone, trustme in one file, pytest at the door."""
    users: dict[str, set[str]] = {"anyio": set(), "trustme": set(), "pytest": set()}
    for file in FILES:
        for module in imports(file):
            users.get(module.partition(".")[0], set()).add(
                file.relative_to(PACKAGE).as_posix()
            )
    assert {user.partition("/")[0] for user in users["anyio"]} == {"server"}
    assert users["trustme"] == {"server/tls/certificates.py"}
    assert {user.partition("/")[0] for user in users["pytest"]} == {"plugin"}


def test_files_and_functions_stay_small() -> None:
    """Past 450 lines, or 50 for a function, it is usually two things."""
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert text.count("\n") <= 450, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                assert length <= 60, f"{file}:{node.lineno} {node.name}"
