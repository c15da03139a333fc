"""What the samples say: figures, ratios, their noise, and the verdicts."""

from __future__ import annotations

import contextlib
import math
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rows import Budget, Line

OURS = "ours"
SIGNS = {"speed": ">=", "time": "<=", "limit": "<="}


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the median lies with 90 %: by the sign test, turned round.

    Of four values or fewer it is their whole range, and less sure than that.
    """
    ordered, count = sorted(values), len(values)
    outside, cut = 0.0, 0
    while cut < count // 2:
        outside += 2 * math.comb(count, cut) / 2**count
        if outside > 0.1:
            break
        cut += 1
    cut = max(cut, 1)
    return ordered[cut - 1], ordered[-cut]


@dataclass
class Figures:
    """The samples of a line, by contender, in the order of turns."""

    line: Line
    samples: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, one: str, other: str) -> list[float]:
        """The one's figure over the other's, turn by turn."""
        pairs = zip(
            self.samples.get(one, ()), self.samples.get(other, ()), strict=False
        )
        return [first / second for first, second in pairs if second > 0]

    def judged(self, budget: Budget) -> list[float]:
        """What a budget is held against, turn by turn."""
        if budget.kind == "limit":
            return self.samples.get(OURS, [])
        if budget.kind == "time":
            return self.ratios(OURS, budget.peer)
        return self.ratios(budget.peer, OURS)

    def floor_share(self, budget: Budget) -> float | None:
        """Which share of what a budget allows the floor takes."""
        shares = self.ratios("floor", budget.peer) if budget.peer else []
        if not shares:
            return None
        middle = statistics.median(shares)
        return (
            middle * budget.factor if budget.kind == "speed" else middle / budget.factor
        )

    def verdict(self, budget: Budget) -> str:
        """``reached``, ``MISSED``, ``not decided``, or ``not measured``.

        Not decided: the budget lies within the noise of the figure, or the floor, which
        does nothing, takes all that the budget allows.
        """
        values = self.judged(budget)
        if not values:
            return "not measured"
        low, high = interval(values)
        if budget.kind == "speed":
            low, high = -high, -low
        bound = -budget.factor if budget.kind == "speed" else budget.factor
        if high <= bound:
            return "reached"
        if (self.floor_share(budget) or 0) > 1:
            return "not decided: the floor"
        return "MISSED" if low > bound else "not decided: noise"


def number(value: float) -> str:
    """Three significant digits without an exponent."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values: Sequence[float]) -> str:
    """The median and its interval."""
    low, high = interval(values)
    return f"{statistics.median(values):.2f} ({low:.2f} to {high:.2f})"


def grid(rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the first row is its head."""
    cells = [list(row) for row in rows]
    widths = [max(len(row[at]) for row in cells) for at in range(len(cells[0]))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| "
        + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        + " |"
        for row in cells
    )


def figures_table(lines: list[Figures]) -> str:
    """Medians of all contenders, and the other checkout's ratio where there is one."""
    names = list(dict.fromkeys(name for line in lines for name in line.samples))
    head = ["", "unit", *names, *(["ours : other"] if "other" in names else [])]
    rows = [head]
    for each in lines:
        row = [each.line.title, each.line.unit]
        for name in names:
            values = each.samples.get(name)
            row.append(number(statistics.median(values)) if values else "-")
        if "other" in names:
            ratios = each.ratios(OURS, "other")
            row.append(spread(ratios) if ratios else "-")
        rows.append(row)
    return grid(rows)


def budgets_table(lines: list[Figures]) -> str:
    """Every budget with its figure, its noise, its floor and its verdict."""
    rows = [["", "to reach", "is (90 % interval)", "floor", "verdict"]]
    for each in lines:
        for budget in each.line.budgets:
            wanted = f"{SIGNS[budget.kind]} {budget.factor:g}"
            if budget.peer:
                wanted += f" x {budget.peer}"
            values, floor = each.judged(budget), each.floor_share(budget)
            rows.append(
                [
                    each.line.title,
                    wanted,
                    spread(values) if values else "-",
                    "-" if floor is None else f"{floor:.0%} of it",
                    each.verdict(budget),
                ]
            )
    return grid(rows)


def machine(before: float) -> str:
    """What the figures depend on, the load of the machine before the run too."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line for line in cpuinfo if line.startswith("model name")), "")
    facts = [model.partition(": ")[2], f"{len(os.sched_getaffinity(0))} cores"]
    facts += [f"load before {before:.2f}"]
    facts += [f"{platform.system()} {platform.release()}"]
    facts += [f"{platform.python_implementation()} {platform.python_version()}"]
    for name in ("pytest", "anyio", "smtpdfix", "pytest-localserver", "aiosmtpd"):
        with contextlib.suppress(PackageNotFoundError):
            facts.append(f"{name} {version(name)}")
    return ", ".join(facts)
