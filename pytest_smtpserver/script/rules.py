"""Rules: which event, which actions, how often."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Self

from pytest_smtpserver.mail.words import RULE
from pytest_smtpserver.protocol.naming import no_such_attribute

from .actions import (
    Action,
    Call,
    Close,
    Delay,
    Hang,
    Keep,
    SendBytes,
    SendReply,
    Throttle,
)
from .event import Earlier
from .mistakes import (
    not_negative,
    told_to_the_caller,
    whole,
    written_reply,
    wrong_handler,
)
from .stages import Progress, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Any

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.protocol.syntax.commands import Command

    from .conditions import Conditions
    from .event import Event

#: How many events that nearly matched a rule remembers, for its explanation.
_KEPT_MISSES = 5


class RuleNotUsed(AssertionError):  # noqa: N818 - it is an assertion, not a fault
    """A rule that the test made was never used."""

    __module__ = "pytest_smtpserver"  # where a test imports it from


class RuleCall(NamedTuple):
    """One use of a rule: by which command, in which session, when."""

    command: Command | None
    session: SessionRecord
    time: datetime


class Rule:
    """What the server does at an event, instead of what it would do.

    Made by `SMTPServer.on`. Every method returns the rule. Actions run in the order in
    which they are chained; what none of them replaces happens as usual.

    Attributes:
        event: the verb or moment that the rule is for, ``"*"`` for any command.
        made_at: file and line where the test made it.
    """

    def __init__(
        self,
        event: str,
        conditions: Conditions,
        made_at: str,
        earlier: Earlier | None = None,
    ) -> None:
        self.event = event
        #: What had happened already when it was made.
        self.earlier: Earlier = Earlier() if earlier is None else earlier
        self.made_at: str = made_at
        self._calls: list[RuleCall] = []
        #: The test has asked for the calls.
        self._asked = False
        self.conditions = conditions
        #: The name of the persona that the rule is a part of.
        self.persona: str | None = None
        #: Events of the right name that the rule did not match.
        self.misses: list[str] = []
        #: Matches for which nothing was due, by `after`, `every`, `chance` or a limit.
        self.skipped: int = 0
        #: A function among its conditions has raised something.
        self.broken: bool = False
        self._stages = [Stage()]
        #: By session with `.per_connection()`, else one for all of them, by "".
        self._progress: dict[str, Progress] = {}
        self._per_connection = False
        self._optional = False

    # What it does

    @told_to_the_caller
    def reply(self, code: int, text: str | None = None, *more_lines: str) -> Self:
        """Send this reply; the session goes by it.

        Args:
            code: the reply code, 200 to 599.
            text: the text, where wanted with an enhanced status code in front, which is
                put on every line; without one the usual text for code and command.
            more_lines: further lines of the reply.

        Raises:
            TypeError: the code is no int, a line no str, or there are lines after a
                text that is None.
            ValueError: the code is out of range, a line contains CR or LF or cannot be
                encoded, or the enhanced code is of another class than the reply.
        """
        return self._add(SendReply(code, written_reply(code, text, *more_lines)))

    @told_to_the_caller
    def send(self, raw_bytes: bytes) -> Self:
        """Send these bytes in place of a reply; ``b""`` for none.

        The session goes by the first whole reply in them; without one as if the server
        had said nothing.

        Raises:
            TypeError: it is not bytes.
        """
        if not isinstance(raw_bytes, (bytes, bytearray)):
            raise TypeError(f"send takes bytes, not {raw_bytes!r}")
        return self._add(SendBytes(bytes(raw_bytes)))

    @told_to_the_caller
    def delay(self, seconds: float) -> Self:
        """Wait before what comes next in the chain.

        Raises:
            TypeError: it is no number.
            ValueError: the seconds are negative, or have no end.
        """
        if seconds == math.inf:
            raise ValueError(
                "delay takes a number of seconds that ends: .hang() waits for good"
            )
        return self._add(Delay(not_negative("delay", seconds)))

    def hang(self) -> Self:
        """Do nothing until the client or the server goes away.

        For a minute at most, or for `idle_timeout` where that is longer: then the
        connection is closed, so that a client without a time-out does not keep its test
        for ever. ``.delay(seconds).disconnect()`` sets another limit.
        """
        return self._add(Hang())

    @told_to_the_caller
    def disconnect(self, *, after: int | None = None) -> Self:
        """Close the connection (FIN).

        Args:
            after: at ``"CONTENT"``: once so many octets of content have come over the
                wire, before the message is answered; content that is shorter is
                answered as usual. At ``"HANDSHAKE"``: once so many octets of our side
                of the handshake have left.

        Raises:
            ValueError: `after` is negative, or the event is none of these two.
        """
        return self._add(Close("disconnect", self._after(after)))

    @told_to_the_caller
    def reset(self, *, after: int | None = None) -> Self:
        """Reset the connection (RST); `after` as for `disconnect`."""
        return self._add(Close("reset", self._after(after)))

    @told_to_the_caller
    def half_close(self, *, after: int | None = None) -> Self:
        """Close our direction only (FIN), and go on reading.

        From then on nothing is answered, so nothing that asks for a positive reply is
        done. `after` is for ``"CONTENT"``, as for `disconnect`.
        """
        if after is not None and self.event == "HANDSHAKE":
            raise ValueError(
                ".half_close(after=...) is for 'CONTENT': at 'HANDSHAKE' use "
                ".disconnect(after=...) or .reset(after=...)"
            )
        return self._add(Close("half_close", self._after(after)))

    @told_to_the_caller
    def throttle(self, bytes_per_second: float) -> Self:
        """Write no faster than this from now on; at ``"CONTENT"`` read no faster.

        A client whose content is read slowly has to wait once the buffers between the
        two are full: its own for sending, and ours for receiving, which is made small.

        Raises:
            ValueError: it is not more than zero.
        """
        if not_negative("throttle", bytes_per_second) == 0:
            raise ValueError(
                "throttle takes more than 0 bytes per second: .hang() stops altogether"
            )
        return self._add(Throttle(bytes_per_second))

    @told_to_the_caller
    def store(self) -> Self:
        """At ``"MESSAGE"``: keep the message, whatever the reply is."""
        return self._keep("store", stored=True)

    @told_to_the_caller
    def discard(self) -> Self:
        """At ``"MESSAGE"``: drop the message, whatever the reply is."""
        return self._keep("discard", stored=False)

    @told_to_the_caller
    def call(self, handler: Callable[[Event], Any]) -> Self:
        """Ask a handler, a function or a coroutine function.

        It gets the `Event` and returns a `Reply`, or None to let things be.

        Raises:
            TypeError: it cannot be called with an event.
        """
        if problem := wrong_handler(handler):
            raise TypeError(problem)
        return self._add(Call(handler))

    # How often

    def once(self) -> Self:
        """Do it for the first match only."""
        return self.times(1)

    @told_to_the_caller
    def times(self, n: int) -> Self:
        """Do it for `n` matches, then step aside, or go on with `then`.

        Raises:
            ValueError: `n` is not positive.
        """
        return self._change(limit=whole("times", n))

    @told_to_the_caller
    def after(self, n: int) -> Self:
        """Skip the first `n` matches.

        Raises:
            ValueError: `n` is negative.
        """
        return self._change(skip=whole("after", n, least=0))

    @told_to_the_caller
    def every(self, n: int) -> Self:
        """Do it for every `n`-th match only.

        Raises:
            ValueError: `n` is not positive.
        """
        return self._change(every=whole("every", n))

    @told_to_the_caller
    def chance(self, p: float, *, seed: int | str) -> Self:
        """Do it for a match with the probability `p`; the same ones in every run.

        Raises:
            TypeError: `p` is no number, or `seed` neither an int nor a str.
            ValueError: `p` is not between 0 and 1.
        """
        if not isinstance(seed, (int, str)):
            raise TypeError(
                "the seed of chance is an int or a str, so that every run is the same; "
                f"not {seed!r}"
            )
        if not isinstance(p, (int, float)) or isinstance(p, bool):
            raise TypeError(f"chance takes a number from 0 to 1, not {p!r}")
        if not 0 <= p <= 1:
            raise ValueError(f"chance is a probability from 0 to 1, not {p!r}")
        return self._change(probability=p, seed=seed)

    def per_connection(self) -> Self:
        """Count anew for each connection."""
        self._per_connection = True
        return self

    @told_to_the_caller
    def then(self) -> Self:
        """Begin what the matches after these get.

        Raises:
            ValueError: nothing comes after, since these matches never end.
        """
        if self._stages[-1].limit is None:
            raise ValueError(
                "nothing comes after a rule without an end: say .once() or .times(n) "
                "before .then()"
            )
        self._stages.append(Stage())
        return self

    def optional(self) -> Self:
        """Let the test pass although the rule was never used."""
        self._optional = True
        return self

    # What happened

    @property
    def calls(self) -> list[RuleCall]:
        """Each use of the rule: command, session and time."""
        self._asked = True
        return self._calls

    @property
    def called(self) -> bool:
        """The rule was used at least once."""
        return bool(self.calls)

    @property
    def uses(self) -> int:
        """How often it was used, for explanations."""
        return len(self._calls)

    @property
    def unused(self) -> bool:
        """It was never used, and that is not what the test said may be."""
        return not (self._calls or self._optional or self.broken)

    @property
    def idle(self) -> bool:
        """It was used and does nothing, and nobody has asked what it has seen."""
        done = self._stages[-1].actions or self._asked or self._optional
        return bool(self._calls and not done)

    # For the script

    def take(self, event: Event, now: Callable[[], datetime]) -> list[Action] | None:
        """The actions that are due for the event; None when none are."""
        try:
            miss = self.conditions.miss(event)
        except BaseException as error:
            # That is what the test has to hear of, not that the rule was not used.
            self.broken = True
            if isinstance(error, (Exception, KeyboardInterrupt)):
                raise
            raise RuntimeError(
                f"a condition of {self!r} raised {type(error).__name__}: {error}"
            ) from error
        if miss is not None:
            if len(self.misses) < _KEPT_MISSES and miss not in self.misses:
                self.misses.append(miss)
            return None
        counted = event.session.id if self._per_connection else ""
        progress = self._progress.setdefault(counted, Progress())
        stage = progress.next_due(self._stages)
        if stage is None:
            self.skipped += 1
            return None
        self._note_use(event, now)
        return list(stage.actions)

    def complaint(self) -> AssertionError | None:
        """What fails the test although the rule was used; None for nothing."""
        return None

    def _note_use(self, event: Event, now: Callable[[], datetime]) -> None:
        self._calls.append(RuleCall(event.given_command, event.session, now()))

    def would_match(self, event: Event) -> bool:
        """Whether it matches an event; false where its conditions cannot tell."""
        try:
            return self.conditions.miss(event) is None
        except Exception:  # noqa: BLE001 - a condition of the test's own, asked too late
            return False

    def play(self, persona: str, played_at: str) -> None:
        """Become a part of a persona that a test plays."""
        self.persona = persona
        self.made_at = f"the persona {persona}, played at {played_at}"
        self._optional = True

    def _add(self, action: Action) -> Self:
        self._check_place(action)
        if objection := self._stages[-1].objection(action):
            raise ValueError(objection)
        return self._change(actions=(*self._stages[-1].actions, action))

    def _change(self, **what: Any) -> Self:
        self._stages[-1] = replace(self._stages[-1], **what)
        return self

    def _check_place(self, action: Action) -> None:
        """Complain about an action that makes no sense at the rule's event."""
        if self.event == "CLOSE" and not isinstance(action, Call):
            raise ValueError(
                f".{action} makes no sense at 'CLOSE', where the connection has ended "
                "already: only .call(handler) does"
            )
        if self.event == "HANDSHAKE" and isinstance(action, SendReply):
            raise ValueError(
                f".{action} makes no sense at 'HANDSHAKE', where no reply is due: "
                ".send(bytes) puts bytes in front of the handshake, "
                "on('STARTTLS').reply(454) refuses it"
            )

    def _keep(self, method: str, *, stored: bool) -> Self:
        if self.event != "MESSAGE":
            raise ValueError(
                f".{method}() is for 'MESSAGE', where a message is complete; "
                f"this rule is for {self.event!r}"
            )
        return self._add(Keep(stored))

    def _after(self, after: int | None) -> int | None:
        if after is None:
            return None
        if self.event not in ("CONTENT", "HANDSHAKE"):
            raise ValueError(
                "after= counts octets of content, or of a handshake: it is for "
                f"'CONTENT' and 'HANDSHAKE', this rule is for {self.event!r}; for "
                "later matches see .after(n)"
            )
        return whole("after=, in octets,", after, least=0)

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute("a rule", RULE)

    def __repr__(self) -> str:
        conditions = f", {self.conditions!r}" if repr(self.conditions) else ""
        steps = []
        for number, stage in enumerate(self._stages):
            if number:
                steps.append("then()")
            steps += stage.calls()
        if self._per_connection:
            steps.append("per_connection()")
        chain = "".join(f".{step}" for step in steps)
        return f"on({self.event!r}{conditions}){chain}"
