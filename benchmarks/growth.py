"""Nothing quadratic: what a thing costs late in a run, or when there is more of it.

Each figure is a ratio: the same work late against early, or each octet of much against
each octet of little. A server that is linear stays near 1; one that looks through all
that came before, or joins it again and again, goes up with the amount.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from load import HELLO, Blocking, Message, one_each, one_kept

#: How often a ratio is taken; the median counts, since a noisy neighbour is no growth.
TURNS = 5


def ready(port: int) -> Blocking:
    """A connection that has said EHLO."""
    connection = Blocking(port)
    connection.expect(1)
    connection.send([(HELLO, 1)])
    return connection


def late_to_early(
    batches: int,
    batch: Callable[[], None],
    of: Callable[[list[float]], float] = min,
) -> float:
    """The last third of the batches against the first, after one to warm up.

    Args:
        batches: how many there are.
        batch: some milliseconds of work.
        of: what counts of a third. The fastest, since what comes in between makes a
            batch slower and never faster; the sum where nobody waits for replies, and
            the server may be at work on a batch that was sent earlier.
    """
    times = []
    batch()
    for _ in range(batches):
        start = time.perf_counter()
        batch()
        times.append(time.perf_counter() - start)
    third = batches // 3
    return of(times[-third:]) / of(times[:third])


def dialogue(port: int) -> float:
    """40,000 commands on one connection, a thousand at once."""
    connection = ready(port)
    block = [(b"NOOP\r\n" * 1000, 1000)]
    ratio = late_to_early(40, lambda: connection.send(block))
    connection.quit()
    return ratio


def sessions(port: int) -> float:
    """6,000 connections, one after the other."""
    return late_to_early(30, lambda: (one_each(port, Message(), 200), None)[1])


def recipients(port: int) -> float:
    """10,000 recipients of one message, 500 at once."""
    connection = ready(port)
    connection.send([(b"MAIL FROM:<sender@example.org>\r\n", 1)])
    block = [(b"RCPT TO:<recipient@example.org>\r\n" * 500, 500)]
    ratio = late_to_early(20, lambda: connection.send(block))
    connection.quit()
    return ratio


def dripping(port: int) -> float:
    """Content that comes octet by octet: 60,000 of them, 2,000 at once."""
    connection = ready(port)
    steps = Message().steps()[:-1]
    connection.send(steps)

    def batch() -> None:
        for _ in range(2000):
            connection.sock.sendall(b"x")

    ratio = late_to_early(30, batch, sum)
    connection.send([(b"\r\n.\r\n", 1)])
    connection.quit()
    return ratio


def line(port: int) -> float:
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
    return seconds(32_000_000) / seconds(4_000_000)


def command_line(port: int) -> float:
    """A command as long as is allowed, octet by octet: the second half to the first."""
    connection = ready(port)

    def batch() -> None:
        for _ in range(1000):
            connection.sock.sendall(b"x")

    ratio = late_to_early(14, batch, sum)
    connection.sock.close()
    return ratio


KINDS: dict[str, Callable[[int], float]] = {
    "dialogue": dialogue,
    "sessions": sessions,
    "recipients": recipients,
    "dripping": dripping,
    "line": line,
    "command": command_line,
}


def growth(port: int) -> dict[str, float]:
    """All of them, each the median of a few turns."""
    one_kept(port, Message(), 500)
    return {
        name: statistics.median(measure(port) for _ in range(TURNS))
        for name, measure in KINDS.items()
    }
