"""pytest-smtpserver: everything on, as a test gets it.

Standard input takes questions, one on a line, answered by one line of JSON:
``count``, ``find`` and ``wait`` measure the recorded messages from inside.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from _contender import options

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def answer(server: Any, question: str) -> dict[str, float]:
    """Measure what is asked for, in seconds for one call."""
    messages = server.messages
    if question == "count":
        return {"count": len(messages)}
    start = time.perf_counter()
    if question == "find":
        found = len(messages.find(rcpt_to="nobody@example.org"))
    elif question == "find-subject":
        found = len(messages.find(subject="no such subject"))
    else:
        found = 1
        server.wait_for_message()
    return {"seconds": time.perf_counter() - start, "found": found}


def main() -> None:
    """Serve until standard input ends."""
    chosen = options()
    if not chosen.uvloop:
        sys.modules["uvloop"] = None  # type: ignore[assignment]
    try:
        from pytest_smtpserver import SMTPServer  # noqa: PLC0415
    except ImportError as error:
        print(f"UNAVAILABLE pytest_smtpserver: {error}", flush=True)
        return
    settings: dict[str, Any] = {"backlog": 1024}
    if chosen.certificate:
        settings |= {"tls": "starttls", "certificate": chosen.certificate}
    with SMTPServer(**settings) as server:
        for number in range(chosen.rules):
            server.on("RCPT", f"nobody{number}@example.org").reply(550).optional()
        try:
            print("VERSION pytest-smtpserver", version("pytest-smtpserver"))
        except PackageNotFoundError:
            print("VERSION pytest-smtpserver (checkout)")
        print("PORT", server.port, flush=True)
        for line in sys.stdin:
            print(json.dumps(answer(server, line.strip())), flush=True)


if __name__ == "__main__":
    main()
