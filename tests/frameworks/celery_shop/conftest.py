"""A worker in another process, which sends to the test's server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def worker(smtp_server, tmp_path, monkeypatch):
    """The worker gets the address of the server in its environment."""
    for folder in ("queue", "control"):
        (tmp_path / folder).mkdir()
        monkeypatch.setenv(folder.upper(), str(tmp_path / folder))
    monkeypatch.setenv("BROKER", "filesystem://")
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "shop",
            "worker",
            "--pool=solo",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ],
        cwd=Path(__file__).parent,
        env={**os.environ, **smtp_server.env},
    )
    yield process
    process.terminate()
    process.wait(30)
