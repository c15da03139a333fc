"""The blocks of the manual that need a framework, or what people come from."""

import re

import mailpit
import pytest

from tests.docs.pages import PAGES, blocks, run_pytest, write_blocks

#: What is installed here, with what pytest has to be told.
PEERS = {
    "aiosmtpd": (),
    "celery": (),
    "fastapi-mail": (),
    "flask-mail": (),
    "flask-mailman": (),
    "pytest-django": ("--ds=settings",),
    "pytest-localserver": (),
    "redmail": (),
    "smtpdfix": (),
    "starlette": (),
    "yagmail": (),
}
#: A program that is no package of Python: something else stands in for it.
NOT_HERE = {"mailpit"}


@pytest.mark.parametrize("peer", PEERS)
def test_blocks_that_need(peer, tmp_path):
    """They run where their package is installed, and all of them were collected."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "settings.py").write_text(
        "SECRET_KEY = 'x'\nEMAIL_HOST = 'mail.example.org'\n"
    )
    written = [
        block for page in PAGES for block in write_blocks(page, tmp_path, needs=peer)
    ]
    done = run_pytest(tmp_path, "-v", *PEERS[peer])
    assert done.returncode == 0, done.stdout + done.stderr
    assert written
    for block in written:
        for test in block.tests:
            assert re.search(rf"line_{block.line}/.*::{test}\b", done.stdout), test


def test_the_block_that_needs_mailpit(tmp_path):
    """It runs as it is written, but for the ports."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    page = "docs/moving.md"
    (block,) = write_blocks(page, tmp_path, needs="mailpit")
    with mailpit.running() as (smtp, http):
        (file,) = tmp_path.glob("line_*/test_*.py")
        text = file.read_text()
        for there, here in (
            ('"localhost", 1025', f'"127.0.0.1", {smtp}'),
            ("localhost:8025", f"127.0.0.1:{http}"),
        ):
            assert there in text
            text = text.replace(there, here)
        file.write_text(text)
        done = run_pytest(tmp_path, "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [f"{test} PASSED" in done.stdout for test in block.tests] == [True]


def test_there_are_no_others():
    needs = {block.needs for page in PAGES for block in blocks(page) if block.needs}
    assert needs == {*PEERS, *NOT_HERE}
