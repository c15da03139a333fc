"""Runs the tests of npm's smtp-server against our server.

``run.py FOLDER``: the folder has the unpacked package in ``package``, and mocha, chai, pem
and nodemailer in ``node_modules``. Fails where a test fails that does not stand in
``deviations.txt``, and where one that stands there passes, or is no test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SUITES = ("smtp-connection-test.js", "dsn-test.js", "mail-parameters-test.js")


def deviations() -> dict[str, str]:
    """The reason why a test has to fail, by its whole title."""
    reasons, reason = {}, ""
    for line in (HERE / "deviations.txt").read_text().splitlines():
        if line.startswith("- "):
            reason = line[2:]
        elif line.startswith("  ") and ", ours " not in line:
            assert line.strip() not in reasons, f"{line.strip()} stands there twice"
            reasons[line.strip()] = reason
    return reasons


def run(folder: Path) -> dict[str, list[dict[str, object]]]:
    """What mocha says of each test."""
    package = folder / "package"
    for name in ("smtp-server.js", "smtp-connection.js"):
        shutil.copy(HERE / name, package / "lib" / name)
    result = folder / "result.json"
    subprocess.run(
        [
            *("node", folder / "node_modules" / "mocha" / "bin" / "mocha.js"),
            *("--exit", "--reporter", "json", "--reporter-option", f"output={result}"),
            *(f"test/{name}" for name in SUITES),
        ],
        cwd=package,
        env=os.environ | {"PYTHON": sys.executable, "BRIDGE_FOLDER": str(HERE)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return json.loads(result.read_text())


def main() -> int:
    """Compare what failed with what has to."""
    found = run(Path(sys.argv[1]))
    reasons = deviations()
    failed = {str(one["fullTitle"]): one["err"] for one in found["failures"]}
    passed = {str(one["fullTitle"]) for one in found["passes"]}
    bad = 0
    for title in sorted(failed.keys() - reasons.keys()):
        print(f"failed: {title}\n  {failed[title].get('stack')}")  # noqa: T201
        bad += 1
    for title in sorted(reasons.keys() & passed):
        print(f"passed, and has a reason to fail: {title}")  # noqa: T201
        bad += 1
    for title in sorted(reasons.keys() - passed - failed.keys()):
        print(f"is no test, or did not run: {title}")  # noqa: T201
        bad += 1
    known = len(failed.keys() & reasons.keys())
    print(f"npm smtp-server: {len(passed)} passed, {known} deviate as they should")  # noqa: T201
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
