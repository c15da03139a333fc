"""How often the actions of a rule are due, and how far a rule has got."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .actions import Close, Hang, SendBytes, SendReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .actions import Action


@dataclass(frozen=True, slots=True)
class Stage:
    """The actions up to a `.then()`, and for which matches they are due."""

    actions: tuple[Action, ...] = ()
    #: For how many matches; None for all.
    limit: int | None = None
    #: How many matches come before the first.
    skip: int = 0
    every: int = 1
    probability: float | None = None
    seed: int | str | None = None

    def objection(self, action: Action) -> str:
        """Why the action would never happen behind the others; ``""`` where it would."""
        last = self.actions[-1] if self.actions else None
        if _is_final(action) and any(map(_is_final, self.actions)):
            return (
                f"two final replies in a row: {action} would be read as the answer to "
                "the next command. What later matches get stands behind .once() or "
                ".times(n) and .then(); .send(bytes) breaks the dialogue on purpose"
            )
        half_closed = any(_half_closes(one) for one in self.actions)
        if isinstance(last, (Close, Hang)) and not _half_closes(last):
            return (
                f"nothing can follow .{last}: {action} would never happen; "
                "use .once() or .times(n) and .then() for what comes later"
            )
        if half_closed and (
            isinstance(action, (SendReply, SendBytes)) or _half_closes(action)
        ):
            return (
                f"nothing can be sent after .half_close(): {action} would never happen"
            )
        return ""

    def calls(self) -> list[str]:
        """The method calls that made it, without their dots."""
        steps = [str(action) for action in self.actions]
        if self.limit is not None:
            steps.append(f"times({self.limit})" if self.limit > 1 else "once()")
        if self.skip:
            steps.append(f"after({self.skip})")
        if self.every > 1:
            steps.append(f"every({self.every})")
        if self.probability is not None:
            steps.append(f"chance({self.probability:g}, seed={self.seed!r})")
        return steps


class Progress:
    """How far a rule has got; one for each connection with `.per_connection()`."""

    __slots__ = ("_matched", "_random", "_stage", "_used")

    def __init__(self) -> None:
        self._stage = 0
        #: Matches in this stage, and those for which its actions were due.
        self._matched = self._used = 0
        self._random: random.Random | None = None

    def next_due(self, stages: Sequence[Stage]) -> Stage | None:
        """Count a match, and return the stage whose actions are due; None for none."""
        stage = stages[self._stage]
        if stage.limit is not None and self._used >= stage.limit:
            if self._stage + 1 == len(stages):
                return None
            self._stage += 1
            self._matched = self._used = 0
            self._random = None
            stage = stages[self._stage]
        self._matched += 1
        beyond = self._matched - stage.skip
        if beyond <= 0 or beyond % stage.every:
            return None
        if stage.probability is not None:
            if self._random is None:
                self._random = random.Random(stage.seed)  # noqa: S311 - repeatable
            if self._random.random() >= stage.probability:
                return None
        self._used += 1
        return stage


def _half_closes(action: Action) -> bool:
    return isinstance(action, Close) and action.how == "half_close"


def _is_final(action: Action) -> bool:
    """A reply that ends a command, as 3yz does not (RFC 5321 §4.2.1)."""
    return isinstance(action, SendReply) and action.code // 100 != 3
