"""A contender as a process: started, kept on one core, measured by /proc, stopped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: Where `pytest_smtpserver` is imported from: `--package` adds the other checkout.
PACKAGES = {"ours": HERE.parent}
RUN_LIMIT = 120.0
#: Peers need long to end after thousands of connections; nothing is measured then.
STOP_LIMIT = 2.0


class UnavailableError(Exception):
    """A contender or a tool is not installed; the text says how to get it."""


def environment(kind: str) -> dict[str, str]:
    """That of a process that is measured: modules come from bytecode, among others."""
    cache = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    clients = Path(cache, "pytest-smtpserver", "clients")
    changed = {
        "PYTHONPATH": f"{PACKAGES.get(kind, HERE.parent)}{os.pathsep}{HERE}",
        "PYTHONHASHSEED": "0",  # the order of sets is worth some milliseconds
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PATH": f"{os.environ['PATH']}:/usr/sbin",  # where Debian has Postfix's tools
        "NPM_FOLDER": os.environ.get("PYTEST_SMTPSERVER_CLIENTS", str(clients)),
    }
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS")
    kept = {name: text for name, text in os.environ.items() if name not in dropped}
    return kept | changed


@contextmanager
def placed(one_core: bool) -> Iterator[None]:
    """Keep server and generator on one core, or leave them to the scheduler.

    A dialogue is ping-pong: never are both sides busy. A wake-up across cores costs more
    than a message, and on one core there is none: what both sides compute is left.
    """
    cores = os.sched_getaffinity(0)
    if one_core:
        os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@dataclass
class Contender:
    """A server process: where it listens, and what it has used so far."""

    port: int
    pid: int

    def memory(self, name: str) -> int:
        """Octets of memory: ``VmRSS`` now, ``VmHWM`` at the peak."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise LookupError(name)

    def source(
        self, messages: int, sessions: int = 1, length: int = 1024, keep: bool = True
    ) -> float:
        """Microseconds for each message that smtp-source sends, of so many octets.

        ``keep``: over so many connections that stay open; else each has its own.
        """
        line = ["smtp-source", "-4", *(["-d"] if keep else [])]
        line += ["-s", str(sessions), "-m", str(messages), "-l", str(length)]
        line += ["-M", "client.example.org", "-f", "sender@example.org"]
        line += ["-t", "recipient@example.org", f"127.0.0.1:{self.port}"]
        start = time.perf_counter()
        done = subprocess.run(
            line,
            env=environment("floor"),
            check=False,
            timeout=RUN_LIMIT,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
        if done.returncode or done.stderr:
            raise RuntimeError(f"smtp-source: {done.returncode} {done.stderr[:300]}")
        return seconds / messages * 1e6


@contextmanager
def running(kind: str) -> Iterator[Contender]:
    """Start a contender, wait until it listens, and stop it by closing its stdin."""
    command = [sys.executable, str(HERE / "servers.py"), "serve", kind]
    if kind == "npm":
        command = [shutil.which("node") or "node", str(HERE / "smtp_server.mjs")]
        if not shutil.which("node"):
            raise UnavailableError("node is missing: apt-get install nodejs npm")
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=environment(kind),
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdin is not None
        contender = Contender(0, process.pid)
        try:
            for line in process.stdout:
                name, _, value = line.strip().partition(" ")
                if name == "UNAVAILABLE":
                    raise UnavailableError(value)
                if name == "PID":
                    contender.pid = int(value)
                if name == "PORT":
                    contender.port = int(value)
                    break
            if not contender.port:
                complaints.seek(0)
                raise RuntimeError(f"ended too early: {complaints.read()[-150:]}")
            yield contender
        finally:
            process.stdin.close()
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


def printed(kind: str, script: str, *arguments: str) -> Any:
    """The JSON that a script of this folder prints, run for this contender."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *arguments],
        check=False,
        timeout=RUN_LIMIT,
        capture_output=True,
        text=True,
        env=environment(kind),
    )
    if done.stdout.startswith("UNAVAILABLE"):
        raise UnavailableError(done.stdout.partition(" ")[2].strip())
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-200:]}")
    return json.loads(done.stdout)
