"""Runs of pytest inside pytest, and what they print and write in a form to compare."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

# Loaded before a run inside this process, which forgets what it has loaded itself.
import pytest_smtpserver.server.server  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

MAILER = """
import smtplib
import pytest
from pytest_smtpserver import containing

def mail(server, subject="Welcome, Ada", text="Please confirm your address.",
         to="ada@example.org", head="Date: Thu, 1 Jan 2026 10:00:00 +0000"):
    content = (
        f"From: noreply@example.org\\r\\nTo: {to}\\r\\n{head}\\r\\n"
        f"Subject: {subject}\\r\\n\\r\\n{text}\\r\\n"
    )
    with smtplib.SMTP(*server.address, local_hostname="client.example.org") as client:
        client.sendmail("noreply@example.org", [to], content)
"""
#: A module of projects whose tests run in a process of their own.
SEND = """
import smtplib

def send(server, *recipients, content="Subject: hello"):
    with smtplib.SMTP(*server.address, local_hostname="client.example.org") as client:
        client.sendmail("ada@example.org", recipients or ["bob@example.org"], content)
"""
USES_A_SERVER = "def test_it(smtp_server):\n    assert smtp_server.port > 0\n"
#: With PYTHONOPTIMIZE pytest complains once in each run that asserts are off, as the
#: run around this one has heard. The last option wins.
ASSERTS_ARE_OFF = (
    ("-W", "ignore:assertions not in test modules:pytest.PytestConfigWarning")
    if sys.flags.optimize
    else ()
)
_VARIABLE = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"(?m)^ +\+\d+\.\d{3} "), "  +TIME "),
    (re.compile(r"(?m)^ {9}(?=[CS]:)"), "        "),
    (re.compile(r"-{3,}"), "---"),
)


def run(pytester: pytest.Pytester, test: str, *arguments: str) -> pytest.RunResult:
    """Run this test, which has `mail` at hand."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(test_it=MAILER + test)
    return pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", *arguments, *ASSERTS_ARE_OFF
    )


def run_apart(
    pytester: pytest.Pytester, *arguments: str, **environment: str
) -> pytest.RunResult:
    """Run pytest in a process of its own, in the order of the file, warnings as errors."""
    # With CI set, pytest repeats whole messages in its summary.
    env = {
        key: value
        for key, value in os.environ.items()
        if key[:6] != "PYTEST" and key not in ("CI", "BUILD_NUMBER")
    }
    env |= environment
    plain = ("-p", "no:cacheprovider", "-p", "no:randomly")
    options = (*plain, *arguments, *ASSERTS_ARE_OFF)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=pytester.path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201 - for the report of a failure
    return pytest.RunResult(
        done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0.0
    )


def stable(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, name in _VARIABLE:
        text = pattern.sub(name, text)
    # smtplib of Python 3.13 spells it in lower case.
    return text.replace("mail from:", "mail FROM:").replace("rcpt to:", "rcpt TO:")


def explanation(result: pytest.RunResult) -> str:
    """What pytest prints behind its E."""
    lines = [line[1:] for line in result.outlines if re.match(r"E( |$)", line)]
    return stable(textwrap.dedent("\n".join(lines)))


def sections(result: pytest.RunResult) -> str:
    """The sections of SMTP servers, up to the summary."""
    lines: list[str] = []
    inside = False
    for line in result.outlines:
        if "SMTP server smtp" in line and line.startswith("---"):
            inside = True
        elif line.startswith(("===", "___")) or "generated xml file" in line:
            inside = False
        if inside:
            lines.append(line.rstrip())
    return stable("\n".join(lines))


def entries(page: str) -> list[dict[str, Any]]:
    """All entries, in the order of the page."""
    blocks = re.findall(r'<script type="text/plain" class="block">([^<]*)<', page)
    return [
        one
        for block in blocks
        for one in json.loads(gzip.decompress(base64.b64decode(block)))
    ]


def outcomes(page: Path) -> list[tuple[str, str, list[str]]]:
    """Name, outcome, subjects."""
    return [
        (
            one["name"].rpartition("::")[2],
            one["outcome"],
            [message["subject"] for message in one["messages"]],
        )
        for one in entries(page.read_text(encoding="utf-8"))
    ]
