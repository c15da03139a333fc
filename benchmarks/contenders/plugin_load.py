"""What a plugin adds to a run of pytest on an empty file, in milliseconds.

    python plugin_load.py TURNS FILE ARGUMENT...

Each run is a fork of a process that has imported pytest and nothing else, by turns with
the arguments and with a plugin that is empty. What all runs need alike, to start Python
and to import pytest, is most of a whole run, and its noise would be most of the figure.
Prints, as JSON, a pair of times for each turn: with the plugin, and without.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time

import pytest

EMPTY = ["-p", "benchmarks.contenders.nothing"]
QUIET = ["-q", "-p", "no:cacheprovider"]


def run(arguments: list[str]) -> float:
    """Milliseconds of one run in a process of its own.

    Raises:
        SystemExit: pytest found something else than no tests.
    """
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(pytest.main(arguments))  # what it has to clean up is in the figure
    _, status = os.waitpid(child, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code != pytest.ExitCode.NO_TESTS_COLLECTED:
        sys.exit(f"pytest {arguments} ended with {code}")
    return seconds * 1e3


def main() -> None:
    """Run the turns; the first one fills the caches."""
    gc.freeze()  # the runs do not copy what they share with this process
    turns, file, plugin = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    pairs = [
        (run([*QUIET, *plugin, file]), run([*QUIET, *EMPTY, file]))
        for _ in range(turns + 1)
    ]
    print(json.dumps(pairs[1:]))


if __name__ == "__main__":
    main()
