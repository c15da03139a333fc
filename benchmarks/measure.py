"""Starting contenders, loading them with smtp-source, and reading /proc."""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
CPUCLOCK_SCHED = 2
START_LIMIT = 20.0
RUN_LIMIT = 120.0
# aiosmtpd needs long to end after thousands of connections; nothing is measured then
STOP_LIMIT = 2.0


class UnavailableError(Exception):
    """A contender or a tool is not installed; the text says how to get it."""


def postfix_tool(name: str) -> str:
    """Find smtp-source or smtp-sink, which Debian keeps out of PATH."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        raise UnavailableError(f"{name} is missing: apt-get install postfix")
    return path


def environment() -> dict[str, str]:
    """The environment of every process that is measured.

    The checkout stands for an installed package, so its modules must come from
    bytecode, and the package must be found.
    """
    surroundings = dict(os.environ)
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    paths = [str(HERE.parent), surroundings.get("PYTHONPATH", "")]
    surroundings["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return surroundings


@functools.cache
def certificate() -> str:
    """A PEM file for all contenders alike: key, certificate and CA, for an hour."""
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1")
    folder = tempfile.mkdtemp(prefix="benchmarks-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder, "certificate.pem")
    pems = (leaf.private_key_pem, *leaf.cert_chain_pems, authority.cert_pem)
    path.write_bytes(b"".join(pem.bytes() for pem in pems))
    return str(path)


@contextmanager
def placed(one_core: bool) -> Iterator[None]:
    """Keep server and generator on one core, or leave them to the scheduler.

    A dialogue is ping-pong: never are both sides busy. Left alone, a scheduler
    puts them on one core or on two as other work on the machine has it, and a
    wake-up across cores costs more than the message. On one core the sum of
    what both sides compute is left, and hardly any noise.
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

    process: subprocess.Popen[str]
    port: int = 0
    pid: int = 0
    facts: dict[str, str] = field(default_factory=dict)

    def cpu(self) -> float:
        """Seconds of CPU that the server has used, all threads."""
        # the clock of another process by its id, as clock_getcpuclockid(3) makes it
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED)

    def memory(self, name: str = "VmRSS") -> int:
        """Octets of memory: ``VmRSS`` now or ``VmHWM`` at the peak."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise LookupError(name)

    def forget_peak(self) -> None:
        """Make VmHWM count from now on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def ask(self, line: str) -> str:
        """Send a line to the contender's standard input and read one back."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@contextmanager
def running(
    command: Sequence[str], extra: Mapping[str, str] | None = None
) -> Iterator[Contender]:
    """Start a contender, wait for its PORT, and stop it by closing its stdin."""
    complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        list(command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
        env=environment() | dict(extra or {}),
    )
    contender = Contender(process, pid=process.pid)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        for line in process.stdout:
            name, _, value = line.strip().partition(" ")
            if name == "PID":
                contender.pid = int(value)
            elif name == "UNAVAILABLE":
                raise UnavailableError(value)
            elif name == "PORT":
                contender.port = int(value)
                break
            else:
                contender.facts[name] = value
        if not contender.port:
            code = process.wait(START_LIMIT)
            complaints.seek(0)
            reason = complaints.read()[-150:]
            raise UnavailableError(f"ended with {code} before it was ready: {reason}")
        yield contender
    finally:
        process.stdin.close()
        try:
            process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        complaints.close()


@dataclass
class Load:
    """What smtp-source is asked to send."""

    messages: int
    sessions: int = 1
    length: int = 1024
    recipients: int = 1
    keep: bool = True

    def times(self, messages: int) -> Load:
        """The same load with another number of messages."""
        return replace(self, messages=messages)

    def command(self, port: int) -> list[str]:
        """The command line of smtp-source."""
        line = [postfix_tool("smtp-source"), "-4"]
        line += ["-s", str(self.sessions), "-m", str(self.messages)]
        line += ["-l", str(self.length), "-r", str(self.recipients)]
        line += ["-M", "client.example.org", "-f", "sender@example.org"]
        line += ["-t", "recipient@example.org"]
        if self.keep:
            line.append("-d")
        return [*line, f"127.0.0.1:{port}"]


@dataclass
class Sample:
    """One run: seconds on the wall, and of the server's CPU, per message."""

    wall: float
    cpu: float


def smtp_source(contender: Contender, load: Load) -> Sample:
    """Run smtp-source once and return what a message cost."""
    before = contender.cpu()
    start = time.perf_counter()
    done = subprocess.run(
        load.command(contender.port),
        check=False,
        timeout=RUN_LIMIT,
        capture_output=True,
        text=True,
    )
    wall = time.perf_counter() - start
    if done.returncode or done.stderr:
        raise RuntimeError(f"smtp-source: {done.returncode} {done.stderr[:300]}")
    cpu = contender.cpu() - before
    return Sample(wall / load.messages, cpu / load.messages)


def median(samples: Sequence[Sample]) -> Sample:
    """The median run, wall and CPU each for itself."""
    return Sample(
        statistics.median(sample.wall for sample in samples),
        statistics.median(sample.cpu for sample in samples),
    )


FLOOR_LOADS = {
    "1 conn": Load(3000),
    "20 conn": Load(6000, sessions=20),
    "new conn": Load(2000, keep=False),
    "5 MB": Load(30, length=5_000_000),
}


def print_floors(only: str, rounds: int, *, one_core: bool = False) -> None:
    """Measure every floor server and smtp-sink, interleaved, in microseconds."""
    import floors  # noqa: PLC0415

    commands = {
        "smtp-sink": [sys.executable, str(HERE / "contenders/smtp_sink.py")],
        "npm": ["node", str(HERE / "contenders/npm_smtp_server.mjs")],
        "aiosmtpd": [sys.executable, str(HERE / "contenders/aiosmtpd_controller.py")],
    }
    for name in floors.FLOORS:
        if re.search(only, name):
            commands[name] = [
                sys.executable,
                str(HERE / "floors.py"),
                "--serve",
                name,
            ]
    results: dict[str, dict[str, list[Sample]]] = {name: {} for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            with placed(one_core), running(command) as contender:
                for row, load in FLOOR_LOADS.items():
                    if name == "npm" and not load.keep:
                        continue  # 100 ms each
                    scale = 10 if turn == 0 else 1
                    some = load.times(load.messages // scale)
                    sample = smtp_source(contender, some)
                    if turn:
                        results[name].setdefault(row, []).append(sample)
    sink = {row: median(runs).wall for row, runs in results["smtp-sink"].items()}
    print(f"{'us per message: wall/cpu (x smtp-sink)':38}", end="")
    print("".join(f"{row:>26}" for row in FLOOR_LOADS))
    for name, rows in results.items():
        print(f"{name:38}", end="")
        for row in FLOOR_LOADS:
            if row not in rows:
                print(f"{'-':>26}", end="")
                continue
            middle = median(rows[row])
            ratio = sink[row] / middle.wall
            text = f"{middle.wall * 1e6:.0f}/{middle.cpu * 1e6:.0f} ({ratio:.2f})"
            print(f"{text:>26}", end="")
        print(flush=True)
