"""Runs one target under atheris: `python -m tests.fuzz NAME FOLDER [options]`."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

# Our own code alone is watched: with the standard library it takes a minute to begin.
with atheris.instrument_imports(include=["pytest_smtpserver"]):
    from .targets import TARGETS


def main() -> None:
    """The first argument names the target, the others are libFuzzer's."""
    name, *options = sys.argv[1:]
    atheris.Setup(["fuzz", *options], TARGETS[name])
    atheris.Fuzz()


main()
