"""How often the actions of a rule are due, and how far a rule has got."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from .actions import Action


class Stage:
    """The actions up to a `.then()`, and how often they are due."""

    __slots__ = ("actions", "every", "limit", "probability", "seed", "skip")

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.limit: int | None = None
        self.skip = 0
        self.every = 1
        self.probability: float | None = None
        self.seed: int | str | None = None

    def how_often(self) -> list[str]:
        """The calls that said how often the actions are due."""
        steps = []
        if self.limit is not None:
            steps.append(f"times({self.limit})" if self.limit > 1 else "once()")
        if self.skip:
            steps.append(f"after({self.skip})")
        if self.every > 1:
            steps.append(f"every({self.every})")
        if self.probability is not None:
            steps.append(f"chance({self.probability:g}, seed={self.seed!r})")
        return steps


class Count:
    """How far a rule has got; one for each connection with `.per_connection()`."""

    __slots__ = ("matched", "random", "stage", "used")

    def __init__(self) -> None:
        self.stage = 0
        self.matched = 0
        self.used = 0
        self.random: random.Random | None = None
