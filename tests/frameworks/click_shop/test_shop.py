"""The program, run as people run it: as a process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def remind(smtp_server):
    """Run it with the server in its environment."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, Path(__file__).with_name("shop.py"), *arguments],
            env={**os.environ, **smtp_server.env},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return run


def test_a_reminder(remind, smtp_server):
    assert remind("ada@example.org").stdout == "ada@example.org was reminded\n"
    assert smtp_server.messages[0].text == "Milk.\n"


def test_a_refusal_is_told(remind, smtp_server):
    smtp_server.on("RCPT").reply(550, "5.1.1 No such user")
    done = remind("bob@example.org")
    assert done.returncode == 1
    assert done.stderr == "Error: bob@example.org: 550 5.1.1 No such user\n"


@pytest.mark.smtp_server(tls="implicit")
def test_over_tls(remind, smtp_server):
    """The environment names the CA too: SSL_CERT_FILE."""
    assert remind("ada@example.org").returncode == 0
    assert smtp_server.messages[0].session.tls is not None
