"""Measure everything, and print one table with the peers beside us.

    python benchmarks/run.py [--quick] [--only PATTERN] [--json FILE] [--plot FILE]

Rounds are interleaved: every contender takes its turn in each of them, in an
order that changes from round to round, and every row has its first round before
any has its second, so that what the machine does meanwhile meets them all alike.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rows
from figures import Turns
from measure import UnavailableError, postfix_tool
from report import Line, busy, disturbance, machine, plot, table

if TYPE_CHECKING:
    from collections.abc import Iterator


class Measuring:
    """One row while its rounds are measured; a contender that cannot go on is noted.

    Args:
        row: the row.
        contenders: a pattern; who takes part.
        notes: why somebody does not, and in which rows.
    """

    def __init__(
        self, row: rows.Row, contenders: str, notes: dict[str, list[str]]
    ) -> None:
        self.row = row
        self.lines = [Line(row.key, part, {}) for part in row.parts]
        self._names = [name for name in row.contenders if re.search(contenders, name)]
        self._notes = notes
        self._order = random.Random(row.key)

    def one_round(self, scale: float) -> None:
        """Let every contender take its turn, or its turns."""
        self._order.shuffle(self._names)
        for name, result in self._samples(list(self._names), scale):
            for line in self.lines:
                if line.part.key in result:
                    line.samples.setdefault(name, []).append(result[line.part.key])

    def _samples(
        self, names: list[str], scale: float
    ) -> Iterator[tuple[str, dict[str, float]]]:
        measure = self.row.measure
        if isinstance(measure, Turns):
            yield from measure.one_round(names, scale, self._order, self._failed)
            return
        for name in names:
            try:
                yield name, measure(name, scale)
            except Exception as error:
                self._failed(name, error)

    def _failed(self, name: str, error: Exception) -> None:
        kind = "" if isinstance(error, UnavailableError) else type(error).__name__
        text = " ".join(str(error).split())[:160]
        note = f"{name}: {kind} {text}".replace(":  ", ": ")
        self._notes.setdefault(note, []).append(self.row.key)
        self._names.remove(name)
        for line in self.lines:
            line.samples.pop(name, None)


def measured(
    wanted: list[rows.Row], chosen: argparse.Namespace, notes: dict[str, list[str]]
) -> list[Line]:
    """All lines. Every row has its first round before any has its second.

    So the rounds of a row lie as far apart as the run is long, and what the machine
    is like for some minutes decides none of them.
    """
    scale = 0.25 if chosen.quick else 1.0
    measuring = [Measuring(row, chosen.contenders, notes) for row in wanted]
    rounds = [
        chosen.rounds or (2 if chosen.quick else each.row.rounds) for each in measuring
    ]
    for number in range(max(rounds, default=0)):
        print(f"round {number + 1}:", end=" ", file=sys.stderr)
        for each, count in zip(measuring, rounds, strict=True):
            if number < count:
                print(each.row.key, end=" ", file=sys.stderr, flush=True)
                each.one_round(scale)
        print(file=sys.stderr)
    return [line for each in measuring for line in each.lines]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="rough figures, sooner")
    parser.add_argument("--only", default="", help="rows whose key or title has this")
    parser.add_argument("--contenders", default="", help="contenders with this name")
    parser.add_argument("--rounds", type=int, help="for every row, instead of its own")
    parser.add_argument("--json", help="write all samples and verdicts to this file")
    parser.add_argument("--plot", help="draw the rows into this file (matplotlib)")
    parser.add_argument("--list", action="store_true", help="list the rows")
    return parser.parse_args()


def show(
    lines: list[Line],
    facts: dict[str, str],
    notes: dict[str, list[str]],
    verdicts: list[dict[str, Any]],
) -> None:
    """Print the table, the machine, and what could not be measured."""
    print(table(lines))
    print()
    for name, value in facts.items():
        print(f"{name}: {value}")
    for note, keys in notes.items():
        print(f"not measured: {', '.join(keys)}: {note}")
    found = Counter(each["verdict"] for each in verdicts)
    print(
        f"budgets: {found['reached']} reached, {found['missed']} missed, "
        f"{found['floor']} with the floor in the way, of {len(verdicts)}"
    )


def write_json(
    file: str,
    lines: list[Line],
    facts: dict[str, str],
    notes: dict[str, list[str]],
    verdicts: list[dict[str, Any]],
) -> None:
    """Write every sample and every verdict."""
    document = {
        "machine": facts,
        "lines": [
            {
                "row": line.row,
                "part": line.part.key,
                "title": line.part.title,
                "unit": line.part.unit,
                "samples": line.samples,
            }
            for line in lines
        ],
        "budgets": verdicts,
        "notes": notes,
    }
    Path(file).write_text(json.dumps(document, indent=1) + "\n")


def main() -> int:
    """Measure, print, and tell by the exit code whether a budget is missed."""
    chosen = arguments()
    wanted = [
        row
        for row in rows.ROWS
        if any(
            re.search(chosen.only, text)
            for text in (row.key, *(part.title for part in row.parts))
        )
    ]
    if chosen.list:
        for row in wanted:
            print(f"{row.key:20}", "; ".join(part.title for part in row.parts))
        return 0
    try:
        postfix_tool("smtp-source")
    except UnavailableError as reason:
        sys.exit(str(reason))
    facts = machine()
    start = time.perf_counter()
    before = busy()
    notes: dict[str, list[str]] = {}
    lines = measured(wanted, chosen, notes)
    seconds = time.perf_counter() - start
    facts["other work on the machine"] = disturbance(before, seconds)
    print(f"{seconds:.0f} s", file=sys.stderr)
    verdicts = [
        {"row": line.row, "line": line.part.title, **line.verdict(budget)}
        for line in lines
        for budget in line.part.budgets
    ]
    show(lines, facts, notes, verdicts)
    if chosen.json:
        write_json(chosen.json, lines, facts, notes, verdicts)
    if chosen.plot:
        plot(lines, chosen.plot)
    return 1 if any(each["verdict"] in ("missed", None) for each in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
