"""Measure what a person waits for and what a load needs, with the peers beside us.

    python benchmarks/run.py [--package PATH] [--only PATTERN] [--scale N] [--json FILE]

It takes five minutes. docs/performance.md says what the rows and the verdicts mean. The
exit code is 1 where a budget is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
import time
from pathlib import Path

import contenders
from report import Figures, budgets_table, figures_table, machine
from rows import ROWS, Row


def measured(
    row: Row, names: list[str], scale: float, notes: dict[str, list[str]]
) -> list[Figures]:
    """The lines of a row; who cannot take part is noted, with the reason."""
    figures = {line.key: Figures(line) for line in row.lines}

    def failed(name: str, error: Exception) -> None:
        kind = type(error).__name__
        kind = "" if kind == "UnavailableError" else f"{kind}: "
        note = f"{name}: {kind}{' '.join(str(error).split())[:160]}"
        notes.setdefault(note, []).append(row.lines[0].title)

    for key, name, value in row.measure(names, scale, failed):
        if key in figures:
            figures[key].samples.setdefault(name, []).append(value)
    return list(figures.values())


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=Path, help='measure this checkout as "other"')
    parser.add_argument("--only", default="", help="rows whose title has this pattern")
    parser.add_argument(
        "--scale", type=float, default=1, help="so many times the turns"
    )
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    return parser.parse_args()


def main() -> int:
    """Measure, print, and tell by the exit code whether a budget is missed."""
    chosen = arguments()
    if chosen.package:
        contenders.PACKAGES["other"] = chosen.package.resolve()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    notes: dict[str, list[str]] = {}
    lines: list[Figures] = []
    before, start = os.getloadavg()[0], time.perf_counter()
    for row in ROWS:
        if not any(re.search(chosen.only, line.title) for line in row.lines):
            continue
        print(row.lines[0].title, end=" ", file=sys.stderr, flush=True)
        begin = time.perf_counter()
        names = [name for name in row.contenders if name != "other" or chosen.package]
        lines += measured(row, names, chosen.scale, notes)
        print(f"{time.perf_counter() - begin:.0f} s", file=sys.stderr)
    print(figures_table(lines), budgets_table(lines), sep="\n\n", end="\n\n")
    print(f"{time.perf_counter() - start:.0f} s; {machine(before)}")
    for note, titles in notes.items():
        print(f"not measured: {note} [{'; '.join(titles)}]")
    if chosen.json:
        samples = {each.line.title: each.samples for each in lines}
        chosen.json.write_text(json.dumps(samples, indent=1) + "\n")
    verdicts = [each.verdict(budget) for each in lines for budget in each.line.budgets]
    return 1 if "MISSED" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
