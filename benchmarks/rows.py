"""The rows of the table: what is measured, with whom, and what is to be reached."""

from __future__ import annotations

import contextlib
import random
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest_runs
from contenders import Contender, UnavailableError, placed, printed, running

#: Every sample: of which line, of which contender, and the figure.
Sample = tuple[str, str, float]
#: Is told who cannot take part, and why.
Failed = Callable[[str, Exception], None]
#: What a row does: from contenders, a scale for the turns, and `Failed`.
Measure = Callable[[list[str], float, Failed], Iterable[Sample]]
US = ("ours", "other")
PEERS = (*US, "floor", "smtp-sink", "npm", "aiosmtpd")
IN_TEST = (*US, "smtpdfix")
IN_PYTEST = (*US, "floor", "smtpdfix", "localserver")


@dataclass(frozen=True)
class Budget:
    """A ``speed`` to reach, against the peer's; a ``time`` of its, or a ``limit``."""

    kind: str
    factor: float
    peer: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the table; less is better in all of them."""

    key: str
    title: str
    unit: str
    budgets: tuple[Budget, ...]


@dataclass(frozen=True)
class Row:
    """One measurement, which may fill several lines."""

    measure: Measure
    contenders: tuple[str, ...]
    lines: tuple[Line, ...]


def row(
    measure: Measure, contenders: tuple[str, ...], *lines: tuple[str, str, str, str]
) -> Row:
    """A row from words; budgets are as in ``"time 0.5 smtpdfix, limit 3"``."""

    def budgets(text: str) -> Iterator[Budget]:
        for each in filter(None, text.split(", ")):
            kind, factor, *peer = each.split()
            yield Budget(kind, float(factor), *peer)

    made = (Line(*words, tuple(budgets(text))) for *words, text in lines)
    return Row(measure, contenders, tuple(made))


def in_turns(
    turns: int, sample: Callable[[str], dict[str, float]], *, one_core: bool = False
) -> Measure:
    """Let the contenders take turns, in an order that changes from turn to turn."""

    def measure(names: list[str], scale: float, failed: Failed) -> Iterator[Sample]:
        order = random.Random(turns)
        present = list(names)
        with placed(one_core):
            for _ in range(max(min(turns, 3), round(turns * scale))):
                for name in order.sample(present, len(present)):
                    try:
                        figures = sample(name)
                    except Exception as error:
                        present.remove(name)
                        failed(name, error)
                        continue
                    yield from ((key, name, value) for key, value in figures.items())

    return measure


def pytest_rows(turns: int, count: int) -> Measure:
    """Runs of pytest with so many tests, over as many tests that do nothing."""

    def measure(names: list[str], scale: float, failed: Failed) -> Iterator[Sample]:
        costs: dict[str, list[dict[str, float]]] = {}

        def sample(name: str) -> dict[str, float]:
            costs.setdefault(name, []).append(pytest_runs.run(name, count))
            return {}

        everybody = [*names, "nothing"]
        for name in everybody:  # compiles what is imported
            with contextlib.suppress(UnavailableError):
                pytest_runs.run(name, 1)
        list(in_turns(turns, sample)(everybody, scale, failed))
        empty = costs.pop("nothing")
        zero = {key: statistics.median(cost[key] for cost in empty) for key in empty[0]}
        zero["peak"] = 0
        for name, each in costs.items():
            for cost in each:
                yield from ((key, name, cost[key] - zero[key]) for key in zero)

    return measure


def plugin_load(name: str) -> dict[str, float]:
    """Milliseconds that loading the plugin adds to a run of pytest."""
    added = printed(name, "pytest_runs.py", pytest_runs.PLUGINS[name], "5")
    return {"added": statistics.median(added)}


def start_stop(name: str, *options: str) -> dict[str, float]:
    """Milliseconds to start and stop a server, the second and every later time."""
    times = printed(name, "servers.py", "start-stop", name, "50", *options)
    return {"wall": statistics.median(times)}


def dialogue(
    turns: int, messages: int, *, warm: int = 2000, **load: int | bool
) -> Measure:
    """Microseconds for each message: all servers up and warm, by short turns.

    How fast a virtual machine is changes within seconds: what is to be compared is
    measured within one or two of them.
    """

    def measure(names: list[str], scale: float, failed: Failed) -> Iterator[Sample]:
        up: dict[str, Contender] = {}
        with placed(one_core=True), ExitStack() as stack:
            for name in names:
                try:
                    up[name] = stack.enter_context(running(name))
                    up[name].source(warm, sessions=min(20, warm))
                except Exception as error:
                    up.pop(name, None)
                    failed(name, error)
            yield from in_turns(
                turns, lambda name: {"wall": up[name].source(messages, **load)}
            )(list(up), scale, failed)

    return measure


def peak(name: str) -> dict[str, float]:
    """Memory at the peak while a message of 50 MB is recorded, over its size."""
    with running(name) as contender:
        contender.source(100)
        before = contender.memory("VmRSS")
        contender.source(1, length=50_000_000)
        return {"peak": (contender.memory("VmHWM") - before) / 50_000_000}


def crowd(name: str) -> dict[str, float]:
    """A message on each of 10,000 connections that are open at the same time."""
    with running(name) as contender:
        try:
            return {"wall": contender.source(10_000, sessions=10_000), "lost": 0}
        except RuntimeError:
            return {"lost": 1}


def recorded(name: str) -> dict[str, float]:
    """100,000 messages, in batches of a thousand: the last twenty : the first."""
    with running(name) as contender:
        contender.source(2000, sessions=20)
        batches = [contender.source(1000, sessions=50) for _ in range(100)]
        first, last = statistics.median(batches[:20]), statistics.median(batches[-20:])
        return {"wall": statistics.mean(batches), "growth": last / first}


def views(name: str) -> dict[str, float]:
    """How the slowest view of any content grows when there is four times as much."""
    grown = printed(name, "views.py")
    worst = max(grown, key=lambda content: float(grown[content]))
    print(f"{name}: {worst}: {grown[worst]:.1f} x", file=sys.stderr)
    return {"growth": grown[worst]}


FIRST = "time 0.5 smtpdfix, time 1.25 localserver"
SUITE = "time 0.4 smtpdfix, time 0.45 localserver"
KEPT_1 = "speed 0.6 smtp-sink, speed 1.2 npm, speed 1.8 aiosmtpd"
KEPT_20 = "speed 0.5 smtp-sink, speed 1.5 npm, speed 3.5 aiosmtpd"
NEW = "speed 0.5 smtp-sink, speed 2 aiosmtpd"

ROWS = (
    row(
        pytest_rows(15, 1),
        IN_PYTEST,
        ("wall", "first mail, over an empty run", "ms", FIRST),
        ("cpu", "first mail: CPU", "ms", FIRST),
    ),
    row(
        pytest_rows(5, 500),
        IN_PYTEST,
        ("wall", "suite of 500, over 500 empty tests", "ms", SUITE),
        ("cpu", "suite of 500: CPU", "ms", SUITE),
        ("peak", "suite of 500: memory at the peak", "MB", "time 1.1 localserver"),
    ),
    row(
        in_turns(5, plugin_load, one_core=True),
        (*US, "smtpdfix", "localserver", "anyio"),
        ("added", "loading the plugin", "ms", "limit 3"),
    ),
    row(
        in_turns(5, start_stop),
        IN_TEST,
        ("wall", "start + stop", "ms", "time 0.2 smtpdfix"),
    ),
    row(
        in_turns(5, lambda name: start_stop(name, "--tls")),
        IN_TEST,
        ("wall", "start + stop, STARTTLS", "ms", "time 0.15 smtpdfix"),
    ),
    row(dialogue(9, 1000), PEERS, ("wall", "1 kB, one open connection", "us", KEPT_1)),
    row(
        dialogue(9, 2000, sessions=20),
        PEERS,
        ("wall", "1 kB, 20 open connections", "us", KEPT_20),
    ),
    row(
        dialogue(9, 400, keep=False),
        # npm waits 100 ms before each greeting.
        (*US, "floor", "smtp-sink", "aiosmtpd"),
        ("wall", "1 kB, a new connection each", "us", NEW),
    ),
    row(
        dialogue(5, 6, warm=20, length=5_000_000),
        (*US, "floor", "npm", "aiosmtpd"),
        ("wall", "5 MB, kept", "us", "speed 2 npm, speed 6 aiosmtpd"),
    ),
    row(
        in_turns(3, views),
        US,
        ("growth", "any content, any view: 4 times as much", "x", "limit 4.5"),
    ),
    row(
        in_turns(3, peak),
        (*US, "npm", "aiosmtpd"),
        ("peak", "memory for a message of 50 MB", "x", "limit 1.1"),
    ),
    row(
        in_turns(1, crowd),
        US,
        ("wall", "10,000 connections, a message on each", "us", ""),
        ("lost", "10,000 connections: turns that lost one", "", "limit 0"),
    ),
    row(
        in_turns(1, recorded),
        US,
        ("wall", "100,000 messages", "us", ""),
        ("growth", "the last thousands : the first", "x", "limit 1.15"),
    ),
)
