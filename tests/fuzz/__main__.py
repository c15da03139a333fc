"""Runs one target under atheris: `python -m tests.fuzz NAME FOLDER [options]`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

# Our own code alone is watched: with the standard library it takes a minute to begin.
# What is loaded later would not be: a message takes its content apart when it is asked.
with atheris.instrument_imports(include=["pytest_smtpserver"]):
    from .targets import TARGETS

    for room in ("mail.content", "protocol"):
        package = importlib.import_module(f"pytest_smtpserver.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)


def main() -> None:
    """The first argument names the target, the others are libFuzzer's."""
    name, *options = sys.argv[1:]
    atheris.Setup(["fuzz", *options], TARGETS[name])
    atheris.Fuzz()


main()
