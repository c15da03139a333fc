"""How transcripts and explanations name a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_smtpserver.script.rules import Rule


def origin(rule: Rule) -> str:
    """A rule in words, for transcripts and explanations."""
    if rule.made_at.startswith("the "):
        return rule.made_at
    return f"the rule made at {rule.made_at}"
