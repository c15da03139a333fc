"""What an installed distribution says of itself."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest_smtpserver

ROOT = Path(__file__).parent.parent
DISTRIBUTION = metadata.distribution("pytest-smtpserver")


def test_the_version_is_that_of_the_project() -> None:
    """A stale installation would test something else."""
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
    """pytest, anyio and trustme; what only some users need is an extra."""
    required = DISTRIBUTION.requires or []
    names = {re.split(r"[^\w-]", one)[0] for one in required if "extra ==" not in one}
    assert names == {"anyio", "pytest", "trustme"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["project"]["optional-dependencies"]) == {
        "cli",
        "html",
        "report",
        "uvloop",
    }


def test_it_says_what_it_is() -> None:
    """The licence, the oldest Python, the classifier that pytest's list goes by."""
    about = DISTRIBUTION.metadata
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.11"
    assert "Framework :: Pytest" in (about.get_all("Classifier") or [])
