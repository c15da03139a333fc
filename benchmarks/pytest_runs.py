"""Runs of pytest: what a person waits for, as a whole process from start to end.

    python pytest_runs.py PLUGIN TURNS

prints what loading a plugin adds to a run on an empty file, in milliseconds.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from contenders import UnavailableError, environment

PLUGINS = {
    "ours": "pytest_smtpserver",
    "other": "pytest_smtpserver",
    "smtpdfix": "smtpdfix.fixture",
    "localserver": "pytest_localserver.plugin",
    "anyio": "anyio.pytest_plugin",
}
SEND = """\
import smtplib
import sys

import pytest

sys.modules["uvloop"] = None


def send(host, port):
    with smtplib.SMTP(host, port, local_hostname="client.example.org") as client:
        client.sendmail("a@example.org", ["b@example.org"], "Subject: hi\\r\\n\\r\\nHi")
"""
OURS = """
@pytest.mark.parametrize("number", range(COUNT))
def test_mail(smtp_server, number):
    send(smtp_server.host, smtp_server.port)
    assert smtp_server.messages[0].email["Subject"] == "hi"
"""
#: A test with one mail and a first look at it, as each plugin's manual has it.
TESTS = {
    "ours": OURS,
    "other": OURS,
    "smtpdfix": """
@pytest.mark.parametrize("number", range(COUNT))
def test_mail(smtpd, number):
    send(smtpd.hostname, smtpd.port)
    assert smtpd.messages[0]["Subject"] == "hi"
""",
    "localserver": """
@pytest.mark.parametrize("number", range(COUNT))
def test_mail(smtpserver, number):
    send(*smtpserver.addr)
    assert smtpserver.outbox[0]["Subject"] == "hi"
""",
    # What nobody on asyncio in a thread can save: no plugin, no record, no protocol.
    "floor": """
import asyncio
import email
import email.policy
import socket

from anyio.from_thread import start_blocking_portal
from servers import Floor


@pytest.fixture(scope="session")
def portal():
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def server(portal):
    async def listen():
        create_server = asyncio.get_running_loop().create_server
        return await create_server(lambda: Floor(kept), sock=sock)

    kept = []
    sock = socket.create_server(("127.0.0.1", 0))
    server = portal.call(listen)
    yield sock.getsockname(), kept
    portal.call(server.close)


@pytest.mark.parametrize("number", range(COUNT))
def test_mail(server, number):
    send(*server[0])
    message = email.message_from_bytes(server[1][0], policy=email.policy.default)
    assert message["Subject"] == "hi"
""",
}
NOTHING = """
import pytest
@pytest.mark.parametrize("number", range(COUNT))
def test_nothing(number):
    pass
"""


def run(kind: str, count: int) -> dict[str, float]:
    """What a run of pytest with so many tests costs; "nothing" has no server in them.

    Milliseconds on the wall and of CPU, and megabytes of memory at the peak.
    """
    text = SEND + TESTS[kind] if kind in TESTS else NOTHING
    plugin = ["-p", PLUGINS[kind]] if kind in PLUGINS else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_it.py").write_text(text.replace("COUNT", str(count)))
        output = Path(folder, "output")
        with output.open("wb") as file:
            start = time.perf_counter()
            process = subprocess.Popen(
                [*command, "test_it.py"],
                cwd=folder,
                env=environment(kind),
                stdout=file,
                stderr=file,
            )
            # The peak of a child counts from the memory of its parent on, which is less
            # than pytest needs: this module and those around it import little.
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise UnavailableError(f"pytest: {output.read_text()[-200:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall": wall * 1e3, "cpu": cpu * 1e3, "peak": usage.ru_maxrss / 1024}


def forked(plugin: str) -> float:
    """Milliseconds of a run on an empty file, in a fork of this process.

    What all runs need alike, to import pytest, is left out: it has all of the noise.
    """
    import pytest  # noqa: PLC0415

    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", plugin, "empty.py"])
        os._exit(code)  # the folder is not this process's to remove
    _, status = os.waitpid(child, 0)
    milliseconds = (time.perf_counter() - start) * 1e3
    code = os.waitstatus_to_exitcode(status)
    if code != pytest.ExitCode.NO_TESTS_COLLECTED:
        sys.exit(f"pytest -p {plugin} ended with {code}")
    return milliseconds


def main() -> None:
    """Print what each turn took more than one with a plugin that is empty."""
    plugin, turns = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        sys.path.insert(0, folder)
        Path("nothing.py").touch()
        Path("empty.py").touch()
        gc.freeze()  # the runs do not copy what they share with this process
        # The first turn fills the caches.
        added = [forked(plugin) - forked("nothing") for _ in range(turns + 1)][1:]
        os.chdir("/")
    print(json.dumps(added))


if __name__ == "__main__":
    main()
