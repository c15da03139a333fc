"""The letters, written by nodemailer; skipped where it is not installed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.tools import clients_dir, missing_client, require_client, run_client

from .letters import LETTERS, Letter, as_json, check

if TYPE_CHECKING:
    from collections.abc import Sequence

SCRIPT = Path(__file__).with_name("nodemailer_corpus.js")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All letters as nodemailer writes them, by name."""
    contents = written_by_nodemailer(LETTERS, tmp_path_factory.mktemp("node"))
    names = [letter.name for letter in LETTERS]
    return dict(zip(names, contents, strict=True))


def written_by_nodemailer(letters: Sequence[Letter], home: Path) -> list[bytes]:
    """Letters as nodemailer writes them."""
    modules = clients_dir() / "node_modules"
    if not (modules / "nodemailer" / "package.json").exists():
        missing_client("nodemailer")
    outcome = run_client(
        [require_client("node"), str(SCRIPT)],
        home=home,
        stdin=as_json(letters).encode(),
        extra_env={"NODE_PATH": str(modules)},
    ).check()
    return [base64.b64decode(content) for content in json.loads(outcome.stdout)]


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.name)
def test_the_message_says_what_its_author_said(
    written: dict[str, bytes], letter: Letter
) -> None:
    """What nodemailer makes of a letter reads as its author gave it."""
    check(letter, written[letter.name])
