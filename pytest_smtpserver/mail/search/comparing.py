"""Explains comparisons that are false: of messages, lists of them, `containing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.mail.collection import Recorded
from pytest_smtpserver.mail.message import ReceivedMessage
from pytest_smtpserver.protocol.display import printable

from .criteria import Difference
from .differing import describe, diff
from .explain import count, listed, summary
from .matching import Containing

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Characters of a text that are shown.
_MOST = 60
_COMPARED = ("from_", "to", "cc", "subject", "text", "html")


def compared(
    operator: str, left: object, right: object, *, full: bool = False
) -> list[str] | None:
    """The lines that explain why it is false; None where neither side is of ours."""
    lines = _compared(operator, left, right, full=full)
    return None if lines is None else [printable(line) for line in lines]


def _compared(
    operator: str, left: object, right: object, *, full: bool
) -> list[str] | None:
    if operator in ("==", "in") and isinstance(left, Containing):
        return _containing(operator, left, right, full=full)
    if operator == "==" and isinstance(right, Containing):
        return _containing(operator, right, left, full=full)
    if operator != "==":
        return None
    if isinstance(left, ReceivedMessage) and isinstance(right, ReceivedMessage):
        return _two_messages(left, right, full=full)
    ours, theirs = _messages_of(left), _messages_of(right)
    if ours is None or theirs is None or not (ours or theirs):
        return None
    return _two_lists(ours, theirs, full=full)


def line_ends(
    operator: str, left: str, right: str, *, full: bool = False
) -> list[str] | None:
    r"""The lines that explain two texts that differ in line ends alone, else None.

    For texts of messages, which have ``\n`` at the end of each line, the last included.
    """
    mine, other = _with_lf(left), _with_lf(right)
    shown = f"{_short(left, full)} {operator} {_short(right, full)}"
    if operator == "in" and left not in right and mine in other:
        return [
            shown,
            "It is there but for its line ends: those of `text` and `html` are \\n.",
        ]
    if operator != "==" or mine.rstrip("\n") != other.rstrip("\n"):
        return None
    if mine == other:
        why = "The two differ in line ends alone: those of `text` and `html` are \\n."
    else:
        why = (
            "The two differ at the end alone: `text` and `html` keep the line ends that "
            "the mail ends with. Compare message.text.rstrip(), or say: "
            '"…" in message.text'
        )
    return [shown, why]


def hostile(operator: str, left: str, right: str) -> list[str] | None:
    """The lines that explain two texts that pytest would show as they are: not so here."""
    both = [left, right]
    seen = ["\n".join(map(printable, text.split("\n"))) for text in both]
    if operator not in ("==", "not in") or seen == both:
        return None
    shown = f"{_short(left, False)} {operator} {_short(right, False)}"
    return [shown, *(diff(*reversed(seen)) if operator == "==" else ())]


def _with_lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _short(text: str, full: bool) -> str:
    """The text, or where it is long its end, which is what differs."""
    if full or len(text) <= _MOST:
        return repr(text)
    return f"…{text[-_MOST:]!r}"


def _two_messages(
    left: ReceivedMessage, right: ReceivedMessage, *, full: bool
) -> list[str]:
    lines = [
        "one message == another",
        f"  left:  {summary(left)}",
        f"  right: {summary(right)}",
    ]
    if left.content == right.content:
        return [*lines, "  Their content is the same, but they came one by one."]
    for name in _COMPARED:
        mine, other = getattr(left, name), getattr(right, name)
        if mine != other:
            told = _unequal(name, mine, other, full=full)
            lines += [f"  {line}" for line in told]
    return [
        *lines,
        "  A message is equal to itself alone; normalized() gives text to compare.",
    ]


def _unequal(name: str, left: object, right: object, *, full: bool) -> list[str]:
    # A label of its own, so that text and html are described as other criteria are.
    label = {"text": "plain text", "html": "HTML"}.get(name, name)
    lines = describe(Difference(label, left, right), full=full)
    return [
        line.replace("wanted ", "left ").replace("got ", "right ")
        if line.startswith(f"{label}: wanted ")
        else line.replace("- wanted, + got", "- left, + right")
        for line in lines
    ]


def _messages_of(value: object) -> list[ReceivedMessage] | None:
    if isinstance(value, (Recorded, list, tuple)):
        items = list(value)
        if all(isinstance(item, ReceivedMessage) for item in items):
            return items
    return None


def _two_lists(
    left: Sequence[ReceivedMessage], right: Sequence[ReceivedMessage], *, full: bool
) -> list[str]:
    lines = [f"{count(len(left), 'message')} == {count(len(right), 'message')}"]
    for label, messages, others in (
        ("only on the left:", left, set(right)),
        ("only on the right:", right, set(left)),
    ):
        alone = [one for one in messages if one not in others]
        if alone:
            lines += [label, *listed(alone, full=full)]
    if len(lines) == 1:
        lines.append("the same messages, in another order or number")
    return lines


def _containing(
    operator: str, wanted: Containing, value: object, *, full: bool
) -> list[str]:
    part = wanted.part
    if operator == "in" and isinstance(value, str):
        return [
            f"{wanted!r} in a str",
            f"containing() is compared with ==; for one text say: {part!r} in …",
        ]
    if isinstance(value, str) and isinstance(part, str):
        return [f"a text == {wanted!r}", *_told(part, value, full=full)]
    items = list(value) if isinstance(value, (Recorded, list, tuple, set)) else None
    if operator == "in" and items is not None:
        lines = [f"{wanted!r} in a collection of {len(items)}"]
        for item in items if full else items[:5]:
            if isinstance(item, str) and isinstance(part, str):
                lines += _told(part, item, full=full)
            else:
                lines.append(f"  {item!r}")
        return lines
    return [f"{value!r} == {wanted!r}", f"  {part!r} is not in it"]


def _told(part: str, text: str, *, full: bool) -> list[str]:
    if len(text) <= 60 and "\n" not in text:
        return [f"  {part!r} is not in {text!r}"]
    told = describe(Difference("text", part, text), full=full)
    return [f"  {line}" for line in told]
