"""Measure everything, and print one table with the peers beside us.

    python benchmarks/run.py [--quick] [--only PATTERN] [--json FILE] [--plot FILE]

Rounds are interleaved: every contender takes its turn in each of them, in an
order that changes from round to round, so that what the machine does meanwhile
meets them all alike.
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
    from collections.abc import Callable, Iterator

    from figures import Measure


def measure_row(
    row: rows.Row,
    rounds: int,
    scale: float,
    contenders: str,
    notes: dict[str, list[str]],
) -> list[Line]:
    """Run the rounds of one row; a contender that cannot take part is noted."""
    names = [name for name in row.contenders if re.search(contenders, name)]
    lines = [Line(row.key, part, {}) for part in row.parts]
    order = random.Random(row.key)

    def failed(name: str, error: Exception) -> None:
        kind = "" if isinstance(error, UnavailableError) else type(error).__name__
        text = " ".join(str(error).split())[:160]
        note = f"{name}: {kind} {text}".replace(":  ", ": ")
        notes.setdefault(note, []).append(row.key)
        names.remove(name)

    for _ in range(rounds):
        order.shuffle(names)
        for name, result in samples(row.measure, list(names), scale, order, failed):
            for line in lines:
                if line.part.key in result:
                    line.samples.setdefault(name, []).append(result[line.part.key])
    for name in set(row.contenders) - set(names):
        for line in lines:
            line.samples.pop(name, None)
    return lines


def samples(
    measure: Measure | Turns,
    names: list[str],
    scale: float,
    order: random.Random,
    failed: Callable[[str, Exception], None],
) -> Iterator[tuple[str, dict[str, float]]]:
    """One round: what was measured of each contender, once or at every turn."""
    if isinstance(measure, Turns):
        yield from measure.one_round(names, scale, order, failed)
        return
    for name in names:
        try:
            yield name, measure(name, scale)
        except Exception as error:
            failed(name, error)


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
    lines: list[Line] = []
    for row in wanted:
        rounds = chosen.rounds or (2 if chosen.quick else row.rounds)
        print(f"{row.key} ...", end=" ", file=sys.stderr, flush=True)
        scale = 0.25 if chosen.quick else 1.0
        lines += measure_row(row, rounds, scale, chosen.contenders, notes)
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
