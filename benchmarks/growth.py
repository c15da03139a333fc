"""Nothing quadratic: what a thing costs late in a run, or when there is more of it.

Each figure is a ratio: the same work late against early, or each octet of much against
each octet of little. A server that is linear stays near 1; one that looks through all
that came before, or joins it again and again, goes up with the amount.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from load import HELLO, Blocking, Message, one_each, one_kept

#: How often each is measured. The fastest of both counts: what comes in between makes
#: a server slower and never faster.
TURNS = 5

#: Seconds for the early part and for the late one, or for little and for much.
Pair = tuple[float, float]


def ready(port: int) -> Blocking:
    """A connection that has said EHLO."""
    connection = Blocking(port)
    connection.expect(1)
    connection.send([(HELLO, 1)])
    return connection


def early_and_late(
    batches: int,
    batch: Callable[[], None],
    of: Callable[[list[float]], float] = min,
) -> Pair:
    """The first third of the batches and the last one, after one to warm up.

    Args:
        batches: how many there are.
        batch: some milliseconds of work.
        of: what counts of a third: the fastest, or the sum where nobody waits for
            replies, and the server may be at work on a batch that was sent earlier.
    """
    times = []
    batch()
    for _ in range(batches):
        start = time.perf_counter()
        batch()
        times.append(time.perf_counter() - start)
    third = batches // 3
    return of(times[:third]), of(times[-third:])


def dialogue(port: int) -> Pair:
    """40,000 commands on one connection, a thousand at once."""
    connection = ready(port)
    block = [(b"NOOP\r\n" * 1000, 1000)]
    pair = early_and_late(40, lambda: connection.send(block))
    connection.quit()
    return pair


def sessions(port: int) -> Pair:
    """6,000 connections, one after the other."""
    return early_and_late(30, lambda: (one_each(port, Message(), 200), None)[1])


def recipients(port: int) -> Pair:
    """10,000 recipients of one message, 500 at once."""
    connection = ready(port)
    connection.send([(b"MAIL FROM:<sender@example.org>\r\n", 1)])
    block = [(b"RCPT TO:<recipient@example.org>\r\n" * 500, 500)]
    pair = early_and_late(20, lambda: connection.send(block))
    connection.quit()
    return pair


def dripping(port: int) -> Pair:
    """Content that comes octet by octet: 60,000 of them, 2,000 at once."""
    connection = ready(port)
    steps = Message().steps()[:-1]
    connection.send(steps)

    def batch() -> None:
        for _ in range(2000):
            connection.sock.sendall(b"x")

    pair = early_and_late(30, batch, sum)
    connection.send([(b"\r\n.\r\n", 1)])
    connection.quit()
    return pair


def line(port: int) -> Pair:
    """Content that is one line: each octet of 32 MB against each of 4 MB."""

    def seconds(octets: int) -> float:
        connection = ready(port)
        connection.send(Message().steps()[:-1])
        text = b"x" * octets + b"\r\n.\r\n"
        start = time.perf_counter()
        connection.send([(text, 1)])
        took = time.perf_counter() - start
        connection.quit()
        return took / octets

    seconds(4_000_000)
    return seconds(4_000_000), seconds(32_000_000)


def command_line(port: int) -> Pair:
    """A command as long as is allowed, octet by octet: the second half to the first."""
    connection = ready(port)

    def batch() -> None:
        for _ in range(1000):
            connection.sock.sendall(b"x")

    pair = early_and_late(14, batch, sum)
    connection.sock.close()
    return pair


KINDS: dict[str, Callable[[int], Pair]] = {
    "dialogue": dialogue,
    "sessions": sessions,
    "recipients": recipients,
    "dripping": dripping,
    "line": line,
    "command": command_line,
}


def growth(port: int) -> dict[str, float]:
    """The late part of each against the early one."""
    one_kept(port, Message(), 500)
    ratios = {}
    for name, measure in KINDS.items():
        early, late = zip(*(measure(port) for _ in range(TURNS)), strict=True)
        ratios[name] = min(late) / min(early)
    return ratios
