"""How punctual our server is: delays and throttles, as a client sees them.

Prints one line of JSON: for each kind the seconds that were asked for and the seconds
that it took, as a list of pairs.
"""

from __future__ import annotations

import json
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import Any

DELAYS = (0.005, 0.02, 0.1, 0.3)
#: Octets, and octets for each second.
WRITTEN = ((2_000, 20_000), (4_000, 10_000))
READ = ((50_000, 500_000), (400_000, 1_000_000))
#: How often each is measured at least; the median counts.
TURNS = 3
#: Seconds for which what is short is measured again and again.
AT_LEAST = 0.2
DIALOGUE = (
    b"HELO client.example.org\r\n",
    b"MAIL FROM:<a@example.org>\r\n",
    b"RCPT TO:<b@example.org>\r\n",
    b"DATA\r\n",
)


def line(client: socket.socket) -> bytes:
    """The next reply, of one line, however slowly it comes."""
    received = b""
    while not received.endswith(b"\r\n"):
        received += client.recv(65536)
    return received


def timed(client: socket.socket, data: bytes) -> float:
    """Seconds from the first octet sent to the last one of the reply."""
    start = time.perf_counter()
    client.sendall(data)
    line(client)
    return time.perf_counter() - start


def delay(server: Any, seconds: float) -> tuple[float, float]:
    """A reply that is held back."""
    server.on("NOOP").delay(seconds)
    with socket.create_connection(server.address) as client:
        line(client)
        return seconds, timed(client, b"NOOP\r\n")


def writing(server: Any, octets: int, rate: int) -> tuple[float, float]:
    """A reply that is written slowly."""
    server.on("NOOP").throttle(rate).reply(250, "x" * (octets - 6))
    with socket.create_connection(server.address) as client:
        line(client)
        return octets / rate, timed(client, b"NOOP\r\n")


def reading(server: Any, octets: int, rate: int) -> tuple[float, float]:
    """Content that is read slowly."""
    server.on("CONTENT").throttle(rate)
    content = (b"y" * 78 + b"\r\n") * (octets // 80)
    with socket.create_connection(server.address) as client:
        line(client)
        for command in DIALOGUE:
            client.sendall(command)
            line(client)
        return octets / rate, timed(client, content + b".\r\n")


def main() -> None:
    """Measure each kind."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    from pytest_smtpserver import SMTPServer  # noqa: PLC0415

    found: dict[str, list[tuple[float, float]]] = {}
    with SMTPServer() as server:
        for name, measure, arguments in (
            ("delay", delay, [(seconds,) for seconds in DELAYS]),
            ("writing", writing, WRITTEN),
            ("reading", reading, READ),
        ):
            for given in arguments:
                pairs = []
                while len(pairs) < TURNS or sum(took for _, took in pairs) < AT_LEAST:
                    pairs.append(measure(server, *given))
                    server.reset()
                took = statistics.median(took for _, took in pairs)
                found.setdefault(name, []).append((pairs[0][0], took))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
