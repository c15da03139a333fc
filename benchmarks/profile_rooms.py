"""Where the server's time goes, by room of the house, for each load.

    python benchmarks/profile_rooms.py [--only PATTERN]

The server runs on asyncio's own loop in this process, under cProfile; the load comes
from smtp-source in another, or from our generator in a thread. The profiler makes Python
slower and leaves system calls as they are: shares of Python are somewhat too large. What
C functions take is given to the room that calls them, system calls apart. The call that
waits for the client is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import re
import sys
import threading
from pathlib import Path
from typing import Any

import load
from measure import Load, certificate, placed

ROOT = Path(__file__).resolve().parent.parent
#: Builtins that are a room of their own. The wait for the client is in the first.
CALLS = {
    "poll": re.compile(r"'poll' of"),
    "send": re.compile(r"'send' of"),
    "receive": re.compile(r"'recv' of"),
    "other system calls": re.compile(
        r"'(_?accept|shutdown|setsockopt|setblocking|getsockname|register|unregister|"
        r"modify)' of|socket\.close"
    ),
    "TLS": re.compile(r"'(read|write|do_handshake|unwrap)' of '_ssl"),
}
ROOMS = ("protocol", "mail", "script", "server")
COLUMNS = (*CALLS, "event loop", *ROOMS, "other")

LOADS: dict[str, Load | load.Message] = {
    "1 kB, 1 connection": Load(4000),
    "1 kB, 20 connections": Load(8000, sessions=20),
    "1 kB, a new connection each": Load(3000, keep=False),
    "1 kB to 100 recipients": Load(200, recipients=100),
    "5 MB, DATA": Load(40, length=5_000_000),
    "5 MB, BDAT": load.Message(5_000_000, bdat=True),
    "1 kB, pipelined": load.Message(pipelined=True),
    "1 kB, STARTTLS, 1 connection": load.Message(),
}


def room_of(function: tuple[str, int, str]) -> str:
    """The column of a function of Python's; builtins have none."""
    file = function[0]
    if file == "~":
        return next(
            (name for name, call in CALLS.items() if call.search(function[2])), ""
        )
    for room in ROOMS:
        if f"pytest_smtpserver/{room}/" in file:
            return room
    if re.search(r"/(asyncio/|selectors\.py|socket\.py|anyio/)", file):
        return "event loop"
    return "other"


def by_room(profile: cProfile.Profile) -> dict[str, float]:
    """Seconds by room; what builtins take goes to their callers."""
    seconds = dict.fromkeys(COLUMNS, 0.0)
    stats: Any = pstats.Stats(profile)
    for function, (_, _, own, _, callers) in stats.stats.items():
        if room := room_of(function):
            seconds[room] += own
            continue
        for caller, (_, _, share, _) in callers.items():
            seconds[room_of(caller) or "other"] += share
    return seconds


async def send(port: int, what: Load | load.Message) -> int:
    """Send a load, and wait for the end of it; how many messages it had."""
    if isinstance(what, Load):
        process = await asyncio.create_subprocess_exec(*what.command(port))
        assert await process.wait() == 0
        return what.messages
    count = 40 if what.size > 1_000_000 else 2000
    pem = None if what.pipelined or what.bdat else certificate()
    # A thread: the generator blocks. The profile is of the loop's thread alone.
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def run() -> None:
        load.one_kept(port, what, count, pem)
        loop.call_soon_threadsafe(done.set)

    thread = threading.Thread(target=run)
    thread.start()
    await done.wait()
    thread.join()
    return count


async def measure(what: Load | load.Message) -> tuple[dict[str, float], int]:
    """The profile of one load, after it has run once to warm up."""
    from pytest_smtpserver import SMTPServer  # noqa: PLC0415

    tls = isinstance(what, load.Message) and not (what.pipelined or what.bdat)
    settings: dict[str, Any] = {"backlog": 1024}
    if tls:
        settings |= {"tls": "starttls", "certificate": certificate()}
    async with SMTPServer(**settings) as server:
        await send(server.port, what)
        server.reset()
        profile = cProfile.Profile()
        profile.enable()
        messages = await send(server.port, what)
        profile.disable()
        server.reset()
    return by_room(profile), messages


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="loads whose name has this")
    chosen = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    shown = [name for name in COLUMNS if name != "poll"]
    print(f"| load | us/message | {' | '.join(shown)} |")
    print("| --- " * (len(shown) + 2) + "|")
    for name, what in LOADS.items():
        if not re.search(chosen.only, name):
            continue
        with placed(one_core=True):
            seconds, messages = asyncio.run(measure(what))
        whole = sum(seconds.values()) - seconds["poll"]
        cells = " | ".join(f"{seconds[each] / whole:.0%}" for each in shown)
        print(f"| {name} | {whole / messages * 1e6:.0f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
