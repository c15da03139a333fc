"""What a test run pays for the plugin, and a test for its server.

``python benchmarks/startup.py`` measures three things, smtpdfix beside us, in
less than a minute: loading the plugin in a run that does not use it, starting
and stopping a server (plain, and with STARTTLS ready), and a test's whole cycle
with one mail by smtplib, as pytest runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from measure import HERE, UnavailableError, certificate, environment, placed

if TYPE_CHECKING:
    from collections.abc import Callable

PLUGINS = {
    "none": ["-p", "benchmarks.contenders.nothing"],
    "ours": ["-p", "pytest_smtpserver"],
    "smtpdfix": ["-p", "smtpdfix.fixture"],
    "localserver": ["-p", "pytest_localserver.plugin"],
    "anyio": ["-p", "anyio.pytest_plugin"],
    "aiosmtpd": [],
}
SEND = """\
import smtplib
import sys

import pytest

sys.modules["uvloop"] = None

MAIL = "Subject: Welcome\\r\\n\\r\\nPlease confirm your address.\\r\\n"
NUMBERS = range({count})


def send(host, port):
    with smtplib.SMTP(host, port, local_hostname="client.example.org") as client:
        client.sendmail("sender@example.org", ["ada@example.org"], MAIL)
"""
CYCLES = {
    "ours": """
@pytest.mark.parametrize("number", NUMBERS)
def test_mail(number, smtp_server):
    send(smtp_server.host, smtp_server.port)
    assert smtp_server.messages[0].subject == "Welcome"
""",
    "smtpdfix": """
@pytest.mark.parametrize("number", NUMBERS)
def test_mail(number, smtpd):
    send(smtpd.hostname, smtpd.port)
    assert smtpd.messages[0]["Subject"] == "Welcome"
""",
    "localserver": """
from pytest_localserver import smtp


@pytest.fixture
def server():
    # its own fixture resolves "localhost" each time
    server = smtp.Server(host="127.0.0.1")
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("number", NUMBERS)
def test_mail(number, server):
    send(*server.addr)
    assert server.outbox[0]["Subject"] == "Welcome"
""",
    "aiosmtpd": """
import socket
from email import message_from_bytes

from aiosmtpd.controller import Controller


class Keep:
    def __init__(self):
        self.kept = []

    async def handle_DATA(self, server, session, envelope):
        self.kept.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def controller():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        Keep(), hostname="127.0.0.1", port=port, server_hostname="localhost"
    )
    controller.start()
    yield controller
    controller.stop()


@pytest.mark.parametrize("number", NUMBERS)
def test_mail(number, controller):
    send(controller.hostname, controller.port)
    assert controller.handler.kept[0]["Subject"] == "Welcome"
""",
    "none": """
@pytest.mark.parametrize("number", NUMBERS)
def test_nothing(number):
    assert number >= 0
""",
}


def surroundings() -> dict[str, str]:
    """The environment of every run of pytest that is measured."""
    return environment() | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONHASHSEED": "0",  # the order of sets is worth some milliseconds
        "SMTPD_HOST": "127.0.0.1",
        "SMTPD_SSL_CERTIFICATE_FILE": certificate(),
    }


def run_pytest(kind: str, text: str) -> float:
    """Seconds that pytest needs for a file with this text, start to end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_it.py")
        file.write_text(text)
        arguments = ["-q", "-p", "no:cacheprovider", *PLUGINS[kind], str(file)]
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=folder,
            env=surroundings(),
            check=False,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - start
    if done.returncode:
        tail = (done.stdout + done.stderr)[-400:]
        raise UnavailableError(f"pytest with {kind} failed: {tail}")
    return seconds


def plugin_load(kind: str, scale: float = 1.0) -> dict[str, float]:
    """Milliseconds that the plugin adds to a run of an empty file."""
    script = str(HERE / "contenders/plugin_load.py")
    with placed(one_core=True), tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "test_it.py")
        file.touch()
        turns = str(max(10, int(24 * scale)))
        done = subprocess.run(
            [sys.executable, script, turns, str(file), *PLUGINS[kind]],
            cwd=folder,
            env=surroundings(),
            check=False,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise UnavailableError(f"plugin_load.py {kind}: {done.stderr[-300:]}")
    pairs = json.loads(done.stdout)
    return {
        "added": statistics.median(with_it - without for with_it, without in pairs),
        "whole": statistics.median(with_it for with_it, _ in pairs),
    }


def start_stop(kind: str, scale: float = 1.0, *, tls: bool = False) -> float:
    """Milliseconds to start and stop one server, the median of many turns."""
    command = [sys.executable, str(HERE / "contenders/start_stop.py"), kind]
    command += ["--turns", str(max(20, int(200 * scale)))]
    if tls:
        command += ["--certificate", certificate()]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment()
    )
    if done.returncode:
        raise UnavailableError(f"start_stop.py {kind}: {done.stderr[-300:]}")
    times = json.loads(done.stdout)
    if isinstance(times, dict):
        raise UnavailableError(times["unavailable"])
    return float(statistics.median(times))


def cycle(kind: str, scale: float = 1.0) -> float:
    """Milliseconds for a test with one mail, by what 500 need more than one."""
    count = max(50, int(500 * scale))
    text = SEND + CYCLES[kind]
    one = run_pytest(kind, text.replace("{count}", "1"))
    many = run_pytest(kind, text.replace("{count}", str(count)))
    return (many - one) / (count - 1) * 1e3


def main() -> None:
    """Print our three rows, smtpdfix beside us, with the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    kinds = ("ours", "smtpdfix")
    rows: dict[str, Callable[[str], float]] = {
        "plugin load": lambda kind: plugin_load(kind)["added"],
        "start + stop": start_stop,
        "start + stop, STARTTLS": lambda kind: start_stop(kind, tls=True),
        "a test's cycle, one mail": lambda kind: cycle(kind, 0.4),
    }
    to_reach = {
        "plugin load": "5 ms at most",
        "start + stop": "0.5",
        "start + stop, STARTTLS": "0.3",
        "a test's cycle, one mail": "0.75",
    }
    print(f"{'ms, medians':26}{'ours':>10}{'smtpdfix':>10}{'ratio':>8}  to reach")
    for title, measure in rows.items():
        results: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind in kinds:
                try:
                    results[kind].append(measure(kind))
                except UnavailableError as reason:
                    print(f"{title}, {kind}: {reason}", file=sys.stderr)
        cells = [
            statistics.median(results[kind]) if results[kind] else float("nan")
            for kind in kinds
        ]
        ratio = cells[0] / cells[1]
        print(
            f"{title:26}{cells[0]:10.2f}{cells[1]:10.2f}{ratio:8.2f}"
            f"  {to_reach[title]}",
            flush=True,
        )


if __name__ == "__main__":
    os.chdir(HERE)
    main()
