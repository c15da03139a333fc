"""The rows of the table: what is measured, with whom, and what is to be reached."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import load
import startup
from measure import (
    HERE,
    Contender,
    Load,
    UnavailableError,
    certificate,
    placed,
    running,
    smtp_source,
)

CONTENDERS = HERE / "contenders"
COMMANDS: dict[str, list[str]] = {
    "ours": [sys.executable, str(CONTENDERS / "ours.py")],
    "ours-uvloop": [sys.executable, str(CONTENDERS / "ours.py"), "--uvloop"],
    "smtp-sink": [sys.executable, str(CONTENDERS / "smtp_sink.py")],
    "npm": ["node", str(CONTENDERS / "npm_smtp_server.mjs")],
    "npm-nowait": ["node", str(CONTENDERS / "npm_smtp_server.mjs")],
    "aiosmtpd": [sys.executable, str(CONTENDERS / "aiosmtpd_controller.py")],
    "smtpdfix": [sys.executable, str(CONTENDERS / "smtpdfix_fixture.py")],
    "localserver": [sys.executable, str(CONTENDERS / "localserver.py")],
    "floor": [sys.executable, str(HERE / "floors.py"), "--serve", "buffered"],
}
ALL = ("ours", "ours-uvloop", "smtp-sink", "npm", "aiosmtpd", "smtpdfix", "localserver")
WITH_FLOOR = (*ALL, "floor")
TLS = ("ours", "npm", "aiosmtpd", "smtpdfix")
IN_TEST = ("ours", "smtpdfix", "localserver", "aiosmtpd")
MEGABYTE = 1_000_000
FIFTY = 50 * MEGABYTE

Measure = Callable[[str, float], dict[str, float]]


@dataclass(frozen=True)
class Budget:
    """What DESIGN.md section 6 asks of a part.

    ``speed``: so many times as fast as the peer; ``time``: so many times the
    peer's time at most; ``limit``: the figure itself at most.
    """

    kind: Literal["speed", "time", "limit"]
    factor: float
    peer: str = ""


@dataclass(frozen=True)
class Part:
    """One line of the table; less is better in all of them."""

    key: str
    title: str
    unit: str
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True)
class Row:
    """One measurement, which may fill several lines."""

    key: str
    measure: Measure
    parts: tuple[Part, ...]
    contenders: tuple[str, ...] = ALL
    rounds: int = 5


def faster(**factors: float) -> tuple[Budget, ...]:
    """Budgets of speed; ``smtp_sink=0.5`` is half as fast as smtp-sink."""
    return tuple(
        Budget("speed", factor, peer.replace("_", "-"))
        for peer, factor in factors.items()
    )


def served(
    body: Callable[[Contender, float], dict[str, float]],
    *,
    one_core: bool = False,
    tls: bool = False,
) -> Measure:
    """Run the body against a fresh process of the contender, warmed up."""

    def measure(name: str, scale: float) -> dict[str, float]:
        command = list(COMMANDS[name])
        if tls:
            command += ["--certificate", certificate()]
        extra = {"EARLY_TALKERS": "patched"} if name == "npm-nowait" else {}
        with placed(one_core), running(command, extra) as contender:
            if tls:
                load.one_kept(contender.port, load.Message(), 500, certificate())
            else:
                load.many_kept(contender.port, load.Message(), 2000, 20)
            return body(contender, scale)

    return measure


def source(what: Load, **placement: bool) -> Measure:
    """Microseconds for a message from smtp-source, and of the server's CPU."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        messages = max(what.sessions, 2, int(what.messages * scale))
        if not what.keep and contender.facts.get("WAIT"):
            messages = 10
        sample = smtp_source(contender, what.times(messages))
        return {"wall": sample.wall * 1e6, "cpu": sample.cpu * 1e6}

    return served(body, **placement)


def one_kept(message: load.Message, messages: int, *, tls: bool = False) -> Measure:
    """Microseconds for a message over one connection, from our generator."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        count = max(2, int(messages * scale))
        pem = certificate() if tls else None
        seconds = load.one_kept(contender.port, message, count, pem)
        return {"wall": seconds / count * 1e6}

    return served(body, one_core=message.size < MEGABYTE, tls=tls)


def many_kept(message: load.Message, messages: int, connections: int) -> Measure:
    """Microseconds for a message over many connections, from our generator."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        each = max(1, int(messages * scale) // connections)
        seconds = load.many_kept(
            contender.port, message, each * connections, connections
        )
        return {"wall": seconds / (each * connections) * 1e6}

    return served(body)


def tls_each(*, reuse: bool) -> Measure:
    """Microseconds for a message over a new STARTTLS connection each."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        count = 10 if contender.facts.get("WAIT") else max(20, int(200 * scale))
        seconds, resumed = load.one_each(
            contender.port, load.Message(), count, certificate(), reuse=reuse
        )
        return {"wall": seconds / count * 1e6, "resumed": resumed / count}

    return served(body, one_core=True, tls=True)


def peak(message: load.Message) -> Measure:
    """Memory for one recorded message at the peak, as a multiple of its size."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        del scale
        before = contender.memory("VmRSS")
        contender.forget_peak()
        load.one_kept(contender.port, message, 1)
        added = contender.memory("VmHWM") - before
        return {"peak": added / message.size}

    return served(body)


def crowd(connections: int) -> Measure:
    """Memory for each of many connections, idle and active, and the lost ones."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        del scale
        before = contender.memory()
        contender.forget_peak()
        crowd = load.Crowd(contender.port)
        crowd.open(connections)
        idle = contender.memory() - before
        seconds = crowd.send(load.Message())
        active = contender.memory("VmHWM") - before
        lost = connections - len(crowd)
        crowd.close()
        return {
            "idle": idle / connections / 1000,
            "active": active / connections / 1000,
            "wall": seconds / connections * 1e6,
            "lost": lost,
        }

    return served(body)


def recorded(name: str, scale: float) -> dict[str, float]:
    """The last of 100,000 recorded messages against the first, and reading them."""
    count = max(10_000, int(100_000 * scale))
    with running(COMMANDS[name]) as contender:
        load.many_kept(contender.port, load.Message(pipelined=True), 1000, 20)
        before = contender.memory()
        times = list(load.batches(contender.port, count, 1000, 20))
        result = {
            "first": statistics.median(times[:5]) * 1e3,
            "last": statistics.median(times[-5:]) * 1e3,
            "worst": max(times) * 1e3,
            "memory": (contender.memory() - before) / count / 1000,
        }
        result["growth"] = result["last"] / result["first"]
        if not name.startswith("ours"):
            return result
        kept = json.loads(contender.ask("count"))["count"]
        result["lost"] = count + 1000 - kept
        for question in ("find", "find-subject", "wait"):
            seconds = json.loads(contender.ask(question))["seconds"]
            result[question] = seconds * 1e3
        return result


def plain(measure: Callable[[str, float], float]) -> Measure:
    """A measurement with one figure."""
    return lambda name, scale: {"wall": measure(name, scale)}


def line(title: str, *budgets: Budget, unit: str = "us/message") -> tuple[Part, ...]:
    """A row with one line."""
    return (Part("wall", title, unit, budgets),)


def source_lines(title: str, *budgets: Budget) -> tuple[Part, ...]:
    """A row from smtp-source: time on the wall, and of the server's CPU."""
    return (
        Part("wall", title, "us/message", budgets),
        Part("cpu", f"{title}: CPU of the server", "us/message"),
    )


KEPT_1 = faster(smtp_sink=0.5, npm=1.2, aiosmtpd=1.6)
KEPT_20 = faster(smtp_sink=0.4, npm=1.0, aiosmtpd=2.5)
NEW = faster(smtp_sink=0.45, aiosmtpd=2.0)
LARGE = faster(smtp_sink=1.2, npm=2.0, aiosmtpd=8.0)
NEW_CONTENDERS = (*WITH_FLOOR, "npm-nowait")

STARTUP_ROWS = (
    Row(
        "load",
        startup.plugin_load,
        (
            Part("added", "loading the plugin, added", "ms", (Budget("limit", 5.0),)),
            Part("whole", "pytest on an empty file, fastest", "ms"),
        ),
        ("ours", "smtpdfix", "localserver", "anyio", "none"),
    ),
    Row(
        "start",
        plain(startup.start_stop),
        line("start + stop", Budget("time", 0.5, "smtpdfix"), unit="ms"),
        IN_TEST,
    ),
    Row(
        "start-tls",
        plain(lambda name, scale: startup.start_stop(name, scale, tls=True)),
        line("start + stop, STARTTLS", Budget("time", 0.3, "smtpdfix"), unit="ms"),
        ("ours", "smtpdfix", "aiosmtpd"),
    ),
    Row(
        "cycle",
        plain(startup.cycle),
        line(
            "a test's cycle with one mail",
            Budget("time", 0.75, "smtpdfix"),
            unit="ms",
        ),
        (*IN_TEST, "none"),
    ),
)

MESSAGE_ROWS = (
    Row(
        "kept-1",
        source(Load(2000), one_core=True),
        source_lines("1 kB, 1 connection, one core", *KEPT_1),
        WITH_FLOOR,
    ),
    Row(
        "kept-1-cores",
        source(Load(2000)),
        source_lines("1 kB, 1 connection", *KEPT_1),
        WITH_FLOOR,
    ),
    Row(
        "kept-20",
        source(Load(4000, sessions=20)),
        source_lines("1 kB, 20 connections", *KEPT_20),
        WITH_FLOOR,
    ),
    Row(
        "kept-20-one-core",
        source(Load(4000, sessions=20), one_core=True),
        source_lines("1 kB, 20 connections, one core", *KEPT_20),
        WITH_FLOOR,
    ),
    Row(
        "kept-200",
        source(Load(4000, sessions=200)),
        source_lines("1 kB, 200 connections"),
        WITH_FLOOR,
    ),
    Row(
        "new",
        source(Load(1000, keep=False), one_core=True),
        source_lines("1 kB, a new connection each, one core", *NEW),
        NEW_CONTENDERS,
    ),
    Row(
        "new-cores",
        source(Load(1000, keep=False)),
        source_lines("1 kB, a new connection each", *NEW),
        NEW_CONTENDERS,
    ),
    Row(
        "pipelined-1",
        one_kept(load.Message(pipelined=True), 2000),
        line("1 kB, pipelined, 1 connection, one core"),
        WITH_FLOOR,
    ),
    Row(
        "pipelined-20",
        many_kept(load.Message(pipelined=True), 4000, 20),
        line("1 kB, pipelined, 20 connections"),
        WITH_FLOOR,
    ),
    Row(
        "tls-kept",
        one_kept(load.Message(), 1000, tls=True),
        line("1 kB, 1 connection with STARTTLS, one core"),
        TLS,
    ),
    Row(
        "tls-new",
        tls_each(reuse=False),
        line("1 kB, STARTTLS each, one core"),
        (*TLS, "npm-nowait"),
    ),
    Row(
        "tls-reuse",
        tls_each(reuse=True),
        (
            Part("wall", "1 kB, STARTTLS each, session reused", "us/message"),
            Part("resumed", "share of sessions that were resumed", ""),
        ),
        (*TLS, "npm-nowait"),
    ),
    Row(
        "recipients",
        source(Load(150, recipients=100), one_core=True),
        source_lines("1 kB to 100 recipients, one core"),
        WITH_FLOOR,
    ),
)

LARGE_ROWS = (
    Row(
        "5MB",
        source(Load(20, length=5 * MEGABYTE)),
        source_lines("5 MB, DATA", *LARGE),
        WITH_FLOOR,
    ),
    Row(
        "50MB",
        source(Load(4, length=FIFTY)),
        source_lines("50 MB, DATA"),
        WITH_FLOOR,
        rounds=3,
    ),
    Row(
        "5MB-generator",
        one_kept(load.Message(5 * MEGABYTE), 20),
        line("5 MB, DATA, from our generator"),
        WITH_FLOOR,
    ),
    Row(
        "5MB-bdat",
        one_kept(load.Message(5 * MEGABYTE, bdat=True), 20),
        line("5 MB, BDAT"),
        ("ours", "ours-uvloop"),
    ),
    Row(
        "50MB-bdat",
        one_kept(load.Message(FIFTY, bdat=True), 4),
        line("50 MB, BDAT"),
        ("ours", "ours-uvloop"),
        rounds=3,
    ),
    Row(
        "peak",
        peak(load.Message(FIFTY)),
        (
            Part(
                "peak",
                "memory for one message of 50 MB, DATA",
                "x its size",
                (Budget("limit", 1.3),),
            ),
        ),
        rounds=3,
    ),
    Row(
        "peak-bdat",
        peak(load.Message(FIFTY, bdat=True)),
        (
            Part(
                "peak",
                "memory for one message of 50 MB, BDAT",
                "x its size",
                (Budget("limit", 1.3),),
            ),
        ),
        ("ours", "ours-uvloop"),
        rounds=3,
    ),
)


def crowd_row(connections: int, *, rounds: int) -> Row:
    """The lines for many connections at once."""
    title = f"{connections:,} connections"
    return Row(
        f"crowd-{connections}",
        crowd(connections),
        (
            Part("idle", f"{title}: memory for each, idle", "kB"),
            Part("active", f"{title}: memory for each, active, peak", "kB"),
            Part("wall", f"{title}: a message on each", "us/message"),
            Part("lost", f"{title}: lost", "", (Budget("limit", 0),)),
        ),
        rounds=rounds,
    )


SIZE_ROWS = (
    crowd_row(2000, rounds=3),
    crowd_row(10_000, rounds=2),
    Row(
        "recorded",
        recorded,
        (
            Part("first", "100,000 messages: the first thousand", "ms"),
            Part("last", "100,000 messages: the last thousand", "ms"),
            Part(
                "growth", "the last thousand : the first", "", (Budget("limit", 1.15),)
            ),
            Part("worst", "100,000 messages: the slowest thousand", "ms"),
            Part("memory", "100,000 messages: memory for each of 1 kB", "kB"),
            Part("lost", "100,000 messages: lost", "", (Budget("limit", 0),)),
            Part("find", "find by recipient over 100,000", "ms"),
            Part("find-subject", "find by subject over 100,000", "ms"),
            Part("wait", "wait_for_message with 100,000 there", "ms"),
        ),
        ("ours", "npm", "aiosmtpd"),
        rounds=2,
    ),
)

ROWS = (*STARTUP_ROWS, *MESSAGE_ROWS, *LARGE_ROWS, *SIZE_ROWS)

__all__ = ["COMMANDS", "ROWS", "Budget", "Part", "Row", "UnavailableError"]
