"""How each kind of figure is measured, for one contender and one round."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import load
from growth import growth
from measure import (
    HERE,
    Contender,
    Load,
    certificate,
    environment,
    placed,
    running,
    smtp_source,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

CONTENDERS = HERE / "contenders"
COMMANDS: dict[str, list[str]] = {
    "ours": [sys.executable, str(CONTENDERS / "ours.py")],
    "ours-uvloop": [sys.executable, str(CONTENDERS / "ours.py"), "--uvloop"],
    "smtp-sink": [sys.executable, str(CONTENDERS / "smtp_sink.py")],
    "npm": ["node", str(CONTENDERS / "npm_smtp_server.mjs")],
    "npm-nowait": ["node", str(CONTENDERS / "npm_smtp_server.mjs")],
    "aiosmtpd": [sys.executable, str(CONTENDERS / "aiosmtpd_controller.py")],
    "smtpdfix": [sys.executable, str(CONTENDERS / "smtpdfix_fixture.py")],
    "localserver": [sys.executable, str(CONTENDERS / "localserver.py")],
    "floor": [sys.executable, str(HERE / "floors.py"), "--serve", "buffered"],
}
MEGABYTE = 1_000_000
FIFTY = 50 * MEGABYTE

Measure = Callable[[str, float], dict[str, float]]


def served(
    body: Callable[[Contender, float], dict[str, float]],
    *,
    one_core: bool = False,
    tls: bool = False,
) -> Measure:
    """Run the body against a fresh process of the contender, warmed up.

    A server that is compiled while it runs needs some thousand messages before
    it is at its fastest; bodies warm up once more, with the load they measure.
    """

    def measure(name: str, scale: float) -> dict[str, float]:
        with placed(one_core), warm(name, tls=tls) as contender:
            return body(contender, scale)

    return measure


@contextmanager
def warm(name: str, *, tls: bool = False) -> Iterator[Contender]:
    """A fresh process of the contender that has had its first messages."""
    command = list(COMMANDS[name])
    if tls:
        command += ["--certificate", certificate()]
    extra = {"EARLY_TALKERS": "patched"} if name == "npm-nowait" else {}
    with running(command, extra) as contender:
        if tls:
            load.one_kept(contender.port, load.Message(), 500, certificate())
        else:
            load.many_kept(contender.port, load.Message(), 2000, 20)
        yield contender


def source(what: Load, **placement: bool) -> Measure:
    """Microseconds for a message from smtp-source, and of the server's CPU."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        messages = max(what.sessions, 2, int(what.messages * scale))
        smtp_source(contender, what)
        return sent(contender, what.times(messages))

    return served(body, **placement)


def sent(contender: Contender, what: Load) -> dict[str, float]:
    """The same, once, in a contender that is warm."""
    sample = smtp_source(contender, what)
    return {"wall": sample.wall * 1e6, "cpu": sample.cpu * 1e6}


@dataclass(frozen=True)
class Turns:
    """The same, of all contenders by short turns.

    How long a core takes to wake up changes within seconds on a virtual machine. What
    is to be compared is measured within two of them, again and again.

    Args:
        what: the load of one turn.
        one_core: as for `placed`.
        count: turns in a round; each is a sample.
    """

    what: Load
    one_core: bool = False
    count: int = 4

    def one_round(
        self,
        names: Sequence[str],
        scale: float,
        order: random.Random,
        failed: Callable[[str, Exception], None],
    ) -> Iterator[tuple[str, dict[str, float]]]:
        """Start all contenders anew, and give a sample of each at every turn.

        Args:
            names: of the contenders.
            scale: which part of the turns is taken, three at least.
            order: shuffles them.
            failed: is told of those that cannot take part, and what they raised.
        """
        loads: dict[str, tuple[Contender, Load]] = {}
        with placed(self.one_core), ExitStack() as stack:
            for name in names:
                try:
                    contender = stack.enter_context(warm(name))
                    loads[name] = contender, self._warmed(contender)
                except Exception as error:
                    failed(name, error)
            for _ in range(max(3, round(self.count * scale))):
                for name in order.sample(sorted(loads), len(loads)):
                    try:
                        yield name, sent(*loads[name])
                    except Exception as error:
                        del loads[name]
                        failed(name, error)

    def _warmed(self, contender: Contender) -> Load:
        """What the contender gets at each turn; it has had it once."""
        what = self.what
        if not what.keep and contender.facts.get("WAIT"):
            return what.times(max(10, what.sessions))
        smtp_source(contender, what)
        return what


def one_kept(message: load.Message, messages: int, *, tls: bool = False) -> Measure:
    """Microseconds for a message over one connection, from our generator."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        count = max(2, int(messages * scale))
        pem = certificate() if tls else None
        load.one_kept(contender.port, message, messages, pem)
        seconds = load.one_kept(contender.port, message, count, pem)
        return {"wall": seconds / count * 1e6}

    return served(body, one_core=message.size < MEGABYTE, tls=tls)


def many_kept(message: load.Message, messages: int, connections: int) -> Measure:
    """Microseconds for a message over many connections, from our generator."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        each = max(1, int(messages * scale) // connections)
        load.many_kept(contender.port, message, messages, connections)
        seconds = load.many_kept(
            contender.port, message, each * connections, connections
        )
        return {"wall": seconds / (each * connections) * 1e6}

    return served(body)


def tls_each(*, reuse: bool) -> Measure:
    """Microseconds for a message over a new STARTTLS connection each."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        count = 10 if contender.facts.get("WAIT") else max(20, int(200 * scale))
        seconds, resumed = load.one_each(
            contender.port, load.Message(), count, certificate(), reuse=reuse
        )
        return {"wall": seconds / count * 1e6, "resumed": resumed / count}

    return served(body, one_core=True, tls=True)


def peak(message: load.Message) -> Measure:
    """Memory for one recorded message at the peak, as a multiple of its size."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        del scale
        before = contender.memory("VmRSS")
        contender.forget_peak()
        load.one_kept(contender.port, message, 1)
        added = contender.memory("VmHWM") - before
        return {"peak": added / message.size}

    return served(body)


def crowd(connections: int) -> Measure:
    """Memory for each of many connections, idle and active, and the lost ones."""

    def body(contender: Contender, scale: float) -> dict[str, float]:
        del scale
        before = contender.memory()
        contender.forget_peak()
        crowd = load.Crowd(contender.port)
        crowd.open(connections)
        idle = contender.memory() - before
        seconds = crowd.send(load.Message())
        active = contender.memory("VmHWM") - before
        lost = connections - len(crowd)
        crowd.close()
        return {
            "idle": idle / connections / 1000,
            "active": active / connections / 1000,
            "wall": seconds / connections * 1e6,
            "lost": lost,
        }

    return served(body)


def recorded(name: str, scale: float) -> dict[str, float]:
    """The last of 100,000 recorded messages against the first, and reading them."""
    count = max(10_000, int(100_000 * scale))
    with placed(one_core=True), running(COMMANDS[name]) as contender:
        load.many_kept(contender.port, load.Message(pipelined=True), 1000, 20)
        before = contender.memory()
        times = list(load.batches(contender.port, count, 1000, 20))
        result = {
            "first": statistics.median(times[:10]) * 1e3,
            "last": statistics.median(times[-10:]) * 1e3,
            "worst": max(times) * 1e3,
            "memory": (contender.memory() - before) / count / 1000,
        }
        result["growth"] = result["last"] / result["first"]
        if not name.startswith("ours"):
            return result
        kept = json.loads(contender.ask("count"))["count"]
        result["lost"] = count + 1000 - kept
        for question in ("find", "find-subject", "wait"):
            seconds = json.loads(contender.ask(question))["seconds"]
            result[question] = seconds * 1e3
        return result


def rules_cost(name: str, scale: float) -> dict[str, float]:
    """A session without a match on a server with 50 rules, against one without any."""
    del scale
    load = Load(1000, keep=False)
    walls: dict[int, list[float]] = {0: [], 50: []}
    with (
        placed(one_core=True),
        running([*COMMANDS[name], "--rules", "0"]) as without,
        running([*COMMANDS[name], "--rules", "50"]) as with_rules,
    ):
        for _ in range(4):
            for rules, contender in ((0, without), (50, with_rules)):
                walls[rules].append(smtp_source(contender, load).wall)
    # the first run of each is for warming up
    none, many = (statistics.median(times[1:]) for times in walls.values())
    return {"wall": many * 1e6, "ratio": many / none}


def linear(name: str, scale: float) -> dict[str, float]:
    """What grows with what came before, or with the amount; and with the rules."""
    del scale
    with placed(one_core=True):
        with running(COMMANDS[name]) as contender:
            found = growth(contender.port)
        seconds = {}
        for rules in (200, 2000):
            with running([*COMMANDS[name], "--rules", str(rules)]) as contender:
                load.one_kept(contender.port, load.Message(), 50)
                took = load.one_kept(contender.port, load.Message(), 100)
                seconds[rules] = took / rules
    return found | {"rules": seconds[2000] / seconds[200]}


def punctuality(name: str, scale: float) -> dict[str, float]:
    """By how much delays and throttles are off, at the most, as a share of each."""
    del name, scale
    command = [sys.executable, str(CONTENDERS / "punctual.py")]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment()
    )
    return {
        kind: max(abs(took / asked - 1) for asked, took in pairs)
        for kind, pairs in json.loads(done.stdout).items()
    }


def plain(measure: Callable[[str, float], float]) -> Measure:
    """A measurement with one figure."""
    return lambda name, scale: {"wall": measure(name, scale)}
