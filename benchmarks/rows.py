"""The rows of the table: what is measured, with whom, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import load
import startup
from figures import (
    FIFTY,
    MEGABYTE,
    Measure,
    Turns,
    crowd,
    linear,
    many_kept,
    one_kept,
    peak,
    plain,
    punctuality,
    recorded,
    rules_cost,
    source,
    tls_each,
)
from measure import Load

ALL = ("ours", "ours-uvloop", "smtp-sink", "npm", "aiosmtpd", "smtpdfix", "localserver")
WITH_FLOOR = (*ALL, "floor")
TLS = ("ours", "npm", "aiosmtpd", "smtpdfix")
IN_TEST = ("ours", "smtpdfix", "localserver", "aiosmtpd")


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
    measure: Measure | Turns
    parts: tuple[Part, ...]
    contenders: tuple[str, ...] = ALL
    #: More where the figures of one contender scatter near a budget.
    rounds: int = 2


def faster(**factors: float) -> tuple[Budget, ...]:
    """Budgets of speed; ``smtp_sink=0.5`` is half as fast as smtp-sink."""
    return tuple(
        Budget("speed", factor, peer.replace("_", "-"))
        for peer, factor in factors.items()
    )


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
#: As fast late as early, within the noise.
LINEAR = 1.3
NEW_CONTENDERS = (*WITH_FLOOR, "npm-nowait")

STARTUP_ROWS = (
    Row(
        "load",
        startup.plugin_load,
        (
            Part("added", "loading the plugin, added", "ms", (Budget("limit", 5.0),)),
            Part("whole", "pytest on an empty file, pytest imported", "ms"),
        ),
        ("ours", "smtpdfix", "localserver", "anyio", "none"),
        rounds=3,
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
        rounds=3,
    ),
)

MESSAGE_ROWS = (
    Row(
        "kept-1",
        Turns(Load(1000), one_core=True),
        source_lines("1 kB, 1 connection, one core", *KEPT_1),
        WITH_FLOOR,
        rounds=3,
    ),
    Row(
        "kept-1-cores",
        Turns(Load(1000)),
        source_lines("1 kB, 1 connection", *KEPT_1),
        WITH_FLOOR,
        rounds=4,
    ),
    Row(
        "kept-20",
        Turns(Load(2000, sessions=20)),
        source_lines("1 kB, 20 connections", *KEPT_20),
        WITH_FLOOR,
    ),
    Row(
        "kept-20-one-core",
        Turns(Load(2000, sessions=20), one_core=True),
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
        Turns(Load(500, keep=False), one_core=True),
        source_lines("1 kB, a new connection each, one core", *NEW),
        NEW_CONTENDERS,
        rounds=3,
    ),
    Row(
        "new-cores",
        Turns(Load(500, keep=False)),
        source_lines("1 kB, a new connection each", *NEW),
        NEW_CONTENDERS,
        rounds=4,
    ),
    Row(
        "new-20",
        Turns(Load(1000, sessions=20, keep=False)),
        source_lines("1 kB, a new connection each, 20 at once", *NEW),
        NEW_CONTENDERS,
        rounds=3,
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
    ),
)


SCRIPT_ROWS = (
    Row(
        "rules",
        rules_cost,
        (
            Part("wall", "a session without a match, 50 rules on RCPT", "us"),
            Part(
                "ratio",
                "the same : without rules",
                "",
                (Budget("limit", 1.5),),
            ),
        ),
        ("ours",),
    ),
    Row(
        "punctuality",
        punctuality,
        (
            Part("delay", "delays: farthest off", "", (Budget("limit", 0.2),)),
            Part(
                "writing",
                "throttled writing: farthest off",
                "",
                (Budget("limit", 0.2),),
            ),
            Part(
                "reading",
                "throttled reading: farthest off",
                "",
                (Budget("limit", 0.2),),
            ),
        ),
        ("ours",),
        rounds=3,
    ),
)


GROWTH = (
    ("dialogue", "40,000 commands on a connection: late : early"),
    ("sessions", "6,000 sessions: late : early"),
    ("recipients", "10,000 recipients: late : early"),
    ("dripping", "60,000 octets, each by itself: late : early"),
    ("line", "a line of 32 MB : of 4 MB, each octet"),
    ("command", "a command of 14 kB, octet by octet: late : early"),
    ("rules", "2,000 rules : 200, each rule"),
)
GROWTH_ROW = Row(
    "growth",
    linear,
    tuple(Part(key, title, "", (Budget("limit", LINEAR),)) for key, title in GROWTH),
    ("ours",),
    rounds=3,
)


def crowd_row(connections: int, contenders: tuple[str, ...]) -> Row:
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
        contenders,
    )


SIZE_ROWS = (
    crowd_row(2000, ALL),
    # the two built on aiosmtpd behave as it does, and each needs a minute for it
    crowd_row(10_000, ("ours", "ours-uvloop", "smtp-sink", "npm", "aiosmtpd")),
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
    ),
)

ROWS = (*STARTUP_ROWS, *MESSAGE_ROWS, *LARGE_ROWS, *SCRIPT_ROWS, GROWTH_ROW, *SIZE_ROWS)
