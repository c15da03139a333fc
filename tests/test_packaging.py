"""What the distribution says of itself."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest_smtpserver

NAME = "pytest-smtpserver"


def test_the_entry_point_names_the_package() -> None:
    """So that every mix of -p and autoload registers the plugin once."""
    (entry,) = metadata.entry_points(group="pytest11", name="pytest_smtpserver")
    assert entry.value == "pytest_smtpserver"
    assert pytest_smtpserver.pytest_plugins == ("pytest_smtpserver.plugin",)


def test_type_checkers_see_the_types() -> None:
    """PEP 561: py.typed lies beside the modules."""
    assert (Path(pytest_smtpserver.__file__).parent / "py.typed").is_file()
    classifiers = metadata.metadata(NAME).get_all("Classifier") or []
    assert "Typing :: Typed" in classifiers
    assert "Framework :: Pytest" in classifiers


def test_three_dependencies_and_no_more() -> None:
    """What only some users need is an extra."""
    required = [
        line for line in metadata.requires(NAME) or [] if "extra ==" not in line
    ]
    assert sorted(line.split(">")[0] for line in required) == [
        "anyio",
        "pytest",
        "trustme",
    ]
