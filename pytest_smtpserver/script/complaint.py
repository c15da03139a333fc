"""Complains about a test's rules (never used, too late, without an action) and blocks."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.protocol.state.events import MOMENTS
from pytest_smtpserver.protocol.state.states import VERBS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rules import Rule

#: How many rules are told of.
_MOST = 20


def complaint(rules: Sequence[Rule], blocks: Sequence[str] = ()) -> str:
    """What to say about rules, and blocks that were not entered; ``""`` for nothing."""
    unused = {
        rule: _what_happened(rule, rules[:place])
        for place, rule in enumerate(rules)
        if rule.unused
    }
    idle = {rule: _IDLE for rule in rules if rule.idle}
    lines: list[str] = []
    for one, several, found in (
        ("A rule was never used:", "Rules were never used:", unused),
        ("A rule does nothing:", "These rules do nothing:", idle),
    ):
        lines += [one if len(found) == 1 else several] * bool(found)
        for rule, told in list(found.items())[:_MOST]:
            lines += [f"  {rule!r}, made at {rule.made_at}", f"      {told}"]
        if (left := len(found) - _MOST) > 0:
            lines.append(f"  … and {left} more")
    if lines:
        lines.append("If that is all right, add .optional() to the rule.")
    if blocks:
        lines += [_NOT_BEGUN, *(f"  {one}" for one in blocks[:_MOST])]
    return "\n".join(map(printable, lines))


_NOT_BEGUN = "A call did nothing, as its block was never begun:"
_IDLE = (
    "it has no action at its end: chain one, such as .reply(550). One that is only to "
    "look on is asked what it has seen: rule.calls, rule.called"
)


def _what_happened(rule: Rule, before: Sequence[Rule]) -> str:
    """Why the rule was not used, as far as can be told."""
    told = []
    if earlier := sum(map(rule.would_match, rule.earlier.events(rule.event))):
        told.append(f"{rule.event} came {_times(earlier)}, before the rule was made")
    if rule.skipped:
        skipped = "once" if rule.skipped == 1 else f"{rule.skipped} times"
        told.append(f"it matched {skipped}, and was not due yet")
    if rule.misses:
        told.append(f"came close: {', '.join(rule.misses)}")
    takers = [one for one in before if one.uses and rule.event in (one.event, "*")] or [
        one for one in before if one.uses and one.event == "*"
    ]
    told += [
        f"{one!r}, made at {one.made_at}, stands before it and was used "
        f"{'once' if one.uses == 1 else _times(one.uses)}"
        for one in takers
    ]
    if told:
        return "; ".join(told)
    if rule.event == "*":
        return "no command came"
    kind = "moment" if rule.event in MOMENTS else "command"
    return f"no {rule.event} {kind} came{meant(rule.event)}"


def meant(event: str) -> str:
    """What was meant by a verb that the server does not know, as ``"; did you mean …?"``."""
    known = (*MOMENTS, *VERBS)
    near = [] if event in known else difflib.get_close_matches(event, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _times(number: int) -> str:
    return "1 time" if number == 1 else f"{number} times"
