"""The blocks of the manual that need a framework, or what people come from."""

import re

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
#: A program that is no package of Python.
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


def test_there_are_no_others():
    needs = {block.needs for page in PAGES for block in blocks(page) if block.needs}
    assert needs == {*PEERS, *NOT_HERE}
