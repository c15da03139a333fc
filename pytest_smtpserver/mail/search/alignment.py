"""Compares the commands of a session with those that a test expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_smtpserver.protocol.display import LINE, shortened, show, shown_command

from .matching import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_smtpserver.protocol.syntax.commands import Command

#: How many lines a comparison has.
_SHOWN = 100


def command_problem(expected: Sequence[Any], commands: list[Command]) -> str:
    """What differs, for the person who reads a failure; ``""`` where nothing does.

    Raises:
        TypeError: `expected` is a str.
    """
    if isinstance(expected, str):
        raise TypeError(
            f"assert_commands takes a list of commands, such as ['EHLO', 'MAIL'], "
            f"not {expected!r}"
        )
    wanted = list(expected)
    if len(wanted) == len(commands) and all(map(_is, wanted, commands)):
        return ""
    lines = ["The client sent other commands than expected (- expected, + sent):"]
    for want, command in _align(wanted, commands):
        if command is None:
            shown = shown_command(want) if isinstance(want, str) else show(want)
            lines.append(f"  - {shown}")
        else:
            sign = " " if want is not None else "+"
            lines.append(f"  {sign} {shown_command(command)}")
    if (left := len(lines) - _SHOWN) > 1:
        half = _SHOWN // 2
        lines[half:-half] = [f"  … {left} more; session.commands has them all"]
    return "\n".join(shortened(line, LINE) for line in lines)


def _is(wanted: object, command: Command) -> bool:
    """Whether the command is the one wanted: a single word is compared with its verb."""
    if isinstance(wanted, str) and " " not in wanted:
        return wanted.upper() == command.verb
    return matches(wanted, str(command))


def _align(
    wanted: list[Any], commands: list[Command]
) -> list[tuple[Any, Command | None]]:
    """Both side by side, by their longest common subsequence; None fills the gaps."""
    columns = len(commands)
    equal = [[_is(want, command) for command in commands] for want in wanted]
    longest = [[0] * (columns + 1) for _ in range(len(wanted) + 1)]
    for row in reversed(range(len(wanted))):
        for column in reversed(range(columns)):
            longest[row][column] = (
                longest[row + 1][column + 1] + 1
                if equal[row][column]
                else max(longest[row + 1][column], longest[row][column + 1])
            )
    steps: list[tuple[Any, Command | None]] = []
    row = column = 0
    while row < len(wanted) or column < columns:
        if row < len(wanted) and column < columns and equal[row][column]:
            steps.append((wanted[row], commands[column]))
            row, column = row + 1, column + 1
        elif column == columns or (
            row < len(wanted) and longest[row + 1][column] >= longest[row][column + 1]
        ):
            steps.append((wanted[row], None))
            row += 1
        else:
            steps.append((None, commands[column]))
            column += 1
    return steps
