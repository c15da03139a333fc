"""What an installed distribution says of itself."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest_smtpserver

ROOT = Path(__file__).parent.parent
DISTRIBUTION = metadata.distribution("pytest-smtpserver")


def is_editable() -> bool:
    """Whether the code of this checkout runs, whatever the metadata say (PEP 610)."""
    origin = json.loads(DISTRIBUTION.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def test_the_version_is_that_of_the_project() -> None:
    """A stale installation would test something else; an editable one is never stale."""
    if is_editable():
        assert Path(pytest_smtpserver.__file__).is_relative_to(ROOT)
        return
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert DISTRIBUTION.version == project["project"]["version"]


def test_the_entry_point_names_the_package() -> None:
    """One that named the plugin module would break -p pytest_smtpserver.plugin."""
    entry_points = DISTRIBUTION.entry_points.select(group="pytest11")
    assert [(one.name, one.value) for one in entry_points] == [
        ("pytest_smtpserver", "pytest_smtpserver")
    ]


def test_type_checkers_are_told() -> None:
    """PEP 561: py.typed stands beside the package."""
    assert Path(pytest_smtpserver.__file__).with_name("py.typed").is_file()


def test_run_time_dependencies() -> None:
    """What the package imports, and no more; what only some users need is an extra."""
    required = DISTRIBUTION.requires or []
    names = {re.split(r"[^\w-]", one)[0] for one in required if "extra ==" not in one}
    assert names == {"anyio", "cryptography", "pytest", "trustme"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["project"]["optional-dependencies"]) == {
        "cli",
        "dkim",
        "html",
        "report",
        "trio",
        "uvloop",
    }


def test_everything_imported_is_declared() -> None:
    """Each module that is not of the standard library, by its distribution."""
    package = Path(pytest_smtpserver.__file__).parent
    imported = set()
    for file in package.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add((node.module or "").partition(".")[0])
    foreign = imported - sys.stdlib_module_names - {"pytest_smtpserver"}
    modules = metadata.packages_distributions()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    declared = {
        re.split(r"[^\w-]", one)[0].lower()
        for one in chain(project["project"]["dependencies"], *extras)
    }
    for module in sorted(foreign):
        names = {name.lower() for name in modules.get(module, [module])}
        assert names & declared, module


def test_where_the_project_is() -> None:
    """Those who find it in a list of packages get to its manual and its issues."""
    urls = dict(
        one.split(", ", 1) for one in DISTRIBUTION.metadata.get_all("Project-URL") or []
    )
    assert set(urls) == {"Changelog", "Documentation", "Homepage", "Issues", "Source"}
    home = urls["Homepage"]
    assert all(url.startswith(home) for url in urls.values())
    for url in urls.values():
        path = re.search("/(?:tree|blob)/main/(.+)", url)
        assert path is None or (ROOT / path[1]).exists(), url


def test_it_says_what_it_is() -> None:
    """The licence, the oldest Python, the classifier that pytest's list goes by."""
    about = DISTRIBUTION.metadata
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.11"
    assert "Framework :: Pytest" in (about.get_all("Classifier") or [])
