"""The table, the verdicts, the picture."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rows import Budget, Part

OURS = "ours"
FLOOR = "floor"
#: Where the floor, which does nothing, takes more than this share of the time that a
#: budget allows, reaching it or not tells about the machine and not about the server.
FLOOR_SHARE = 0.75
COLUMNS = (
    "ours",
    "ours-uvloop",
    "floor",
    "smtp-sink",
    "npm",
    "npm-nowait",
    "aiosmtpd",
    "smtpdfix",
    "localserver",
    "anyio",
    "none",
)


@dataclass
class Line:
    """The samples of one line of the table, by contender, in order of rounds."""

    row: str
    part: Part
    samples: dict[str, list[float]]

    def median(self, name: str) -> float | None:
        """The median of a contender's rounds."""
        values = self.samples.get(name)
        return statistics.median(values) if values else None

    def ratios(self, peer: str) -> list[float]:
        """Peer to us, round by round: how many times as fast as it we are."""
        pairs = zip(
            self.samples.get(peer, ()), self.samples.get(OURS, ()), strict=False
        )
        return [theirs / mine for theirs, mine in pairs if mine > 0]

    def floor_share(self, budget: Budget) -> float | None:
        """Which share of the time that a budget of speed allows the floor takes."""
        pairs = zip(
            self.samples.get(FLOOR, ()), self.samples.get(budget.peer, ()), strict=False
        )
        shares = [floor / (theirs / budget.factor) for floor, theirs in pairs]
        return statistics.median(shares) if shares else None

    def verdict(self, budget: Budget) -> dict[str, Any]:
        """What came of a budget; the median of the rounds decides.

        ``verdict`` is ``"floor"`` where the floor leaves no room for a server, on
        whichever side of the budget the figure is; else ``"reached"`` or ``"missed"``;
        None where nothing was measured.
        """
        if budget.kind == "limit":
            values = self.samples.get(OURS, [])
        else:
            values = self.ratios(budget.peer)
        if budget.kind == "time":
            values = [1 / value for value in values if value]
        result: dict[str, Any] = {
            "kind": budget.kind,
            "peer": budget.peer,
            "to_reach": budget.factor,
        }
        if not values:
            return result | {"verdict": None}
        middle = statistics.median(values)
        at_least = budget.kind == "speed"
        reached = middle >= budget.factor if at_least else middle <= budget.factor
        share = self.floor_share(budget) if at_least else None
        decided = "reached" if reached else "missed"
        if share is not None and share > FLOOR_SHARE:
            decided = "floor"
        return result | {
            "is": middle,
            "lowest": min(values),
            "highest": max(values),
            "floor_share": share,
            "verdict": decided,
        }


def number(value: float) -> str:
    """Three significant digits without an exponent."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(line: Line, name: str) -> str:
    """A median, and for a peer how many times as fast we are, with the spread."""
    middle = line.median(name)
    if middle is None:
        return "-"
    ratios = line.ratios(name) if name != OURS else []
    if not ratios or line.part.unit == "":
        return number(middle)
    spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
    return f"{number(middle)} (x{statistics.median(ratios):.2f}, {spread})"


def sentence(verdict: dict[str, Any]) -> str:
    """A verdict in words."""
    bound = {"speed": ">=", "time": "<=", "limit": "<="}[verdict["kind"]]
    what = f"{bound} {verdict['to_reach']:g}"
    if verdict["peer"]:
        what += f" x {verdict['peer']}"
    if verdict["verdict"] is None:
        return f"{what}: not measured"
    found = f"{verdict['is']:.2f} ({verdict['lowest']:.2f}..{verdict['highest']:.2f})"
    if verdict["verdict"] == "floor":
        return f"{what}: {found}, THE FLOOR takes {verdict['floor_share']:.0%} of it"
    return (
        f"{what}: {found} {'reached' if verdict['verdict'] == 'reached' else 'MISSED'}"
    )


def table(lines: list[Line]) -> str:
    """All lines, as a table in Markdown."""
    names = [name for name in COLUMNS if any(line.samples.get(name) for line in lines)]
    grid = [["", "unit", *names, "budget"]]
    for line in lines:
        verdicts = [sentence(line.verdict(each)) for each in line.part.budgets]
        cells = [cell(line, name) for name in names]
        grid.append([line.part.title, line.part.unit, *cells, "; ".join(verdicts)])
    widths = [max(len(row[at]) for row in grid) for at in range(len(grid[0]))]
    widths[-1] = 3
    grid.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| "
        + " | ".join(text.ljust(size) for text, size in zip(row, widths, strict=True))
        + " |"
        for row in grid
    )


def first_line(path: str, start: str, separator: str = ":") -> str:
    """The value of the first line of a file of /proc that begins so."""
    try:
        for text in Path(path).read_text().splitlines():
            if text.startswith(start):
                return text.partition(separator)[2].strip()
    except OSError:
        pass
    return "unknown"


def machine() -> dict[str, str]:
    """What the figures depend on."""
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": first_line("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": first_line("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load before": " ".join(f"{value:.2f}" for value in os.getloadavg()),
    }
    for name in ("pytest", "anyio", "trustme", "uvloop", "smtpdfix", "aiosmtpd"):
        facts[name] = package(name)
    facts["pytest-localserver"] = package("pytest-localserver")
    facts["pytest-smtpserver"] = package("pytest-smtpserver")
    facts["node"] = printed("node", "--version")
    facts["postfix"] = printed("dpkg-query", "-W", "-f", "${Version}", "postfix")
    return facts


def busy() -> tuple[float, float]:
    """Seconds of CPU so far: of the whole machine, and of this run's processes."""
    ticks = first_line("/proc/stat", "cpu ", " ").split()
    idle = {3, 4}  # idle, and waiting for a disk
    whole = sum(int(value) for at, value in enumerate(ticks[:8]) if at not in idle)
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(
            resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
    )
    return whole / os.sysconf("SC_CLK_TCK"), own


def disturbance(before: tuple[float, float], seconds: float) -> str:
    """How much of the machine went to others while we measured."""
    after = busy()
    others = (after[0] - before[0]) - (after[1] - before[1])
    share = max(0.0, others / seconds / (os.cpu_count() or 1))
    advice = " (too much: measure again)" if share > 0.05 else ""
    return f"{share:.1%} of its CPU{advice}"


def package(name: str) -> str:
    """The installed version of a Python package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def printed(*command: str) -> str:
    """What a command prints, or that there is none."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def plot(lines: list[Line], file: str) -> None:
    """Draw the rows that have peers: bars of how fast each is, ours being 1."""
    try:
        import matplotlib as mpl  # noqa: PLC0415
    except ImportError:
        raise SystemExit("--plot needs matplotlib: pip install matplotlib") from None
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    chosen = [
        line
        for line in lines
        if line.part.key == "wall" and sum(map(bool, line.samples.values())) > 1
    ]
    if not chosen:
        raise SystemExit("--plot: no row with a peer was measured")
    columns = 3
    height = (len(chosen) + columns - 1) // columns
    figure, axes = plt.subplots(
        height, columns, figsize=(15, 2.4 * height), squeeze=False
    )
    for axis in axes.flat[len(chosen) :]:
        axis.axis("off")
    for axis, line in zip(axes.flat, chosen, strict=False):
        names = [name for name in COLUMNS if line.samples.get(name)][::-1]
        middles = [statistics.median(line.samples[name]) for name in names]
        low = [
            at - min(line.samples[name])
            for at, name in zip(middles, names, strict=True)
        ]
        high = [
            max(line.samples[name]) - at
            for at, name in zip(middles, names, strict=True)
        ]
        colours = ["tab:orange" if name.startswith(OURS) else "0.6" for name in names]
        axis.barh(names, middles, xerr=[low, high], color=colours)
        axis.set_title(line.part.title, fontsize=9)
        axis.set_xlabel(line.part.unit, fontsize=8)
        axis.tick_params(labelsize=8)
        if max(middles) > 20 * min(middles) > 0:
            axis.set_xscale("log")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
