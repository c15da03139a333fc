"""The table of options says what the options are."""

from __future__ import annotations

import ast
import re

from pytest_smtpserver import ServerOptions
from pytest_smtpserver.server.options.options import FIELDS

from .pages import PAGES


def option_rows() -> list[list[str]]:
    """The cells of the rows of the options table."""
    table = PAGES["docs/options.md"].partition("\n## Options\n")[2]
    rows = [row for row in table.partition("\n## ")[0].splitlines() if row[:3] == "| `"]
    return [re.split(r" (?<!\\)\| ", row.strip("| ")) for row in rows]


def test_every_option_has_a_row() -> None:
    """A row of the options table begins with it."""
    names = {name for row in option_rows() for name in re.findall(r"`(\w+)`", row[0])}
    assert names == set(ServerOptions.__annotations__)


def test_the_defaults_of_the_table_are_those_of_the_options() -> None:
    """One for each option of the row, or one for all; or the words of a tuple."""
    for row in option_rows():
        names = re.findall(r"`(\w+)`", row[0])
        shown = re.findall(r"`([^`]+)`", row[1])
        defaults = [FIELDS[name].default for name in names]
        if names == ["extensions"]:
            assert tuple(shown) == defaults[0]
        elif names == ["logger"]:
            assert shown == [f'logging.getLogger("{defaults[0].name}")']
        else:
            values = [ast.literal_eval(value) for value in shown]
            assert defaults in (values, values * len(names)), row
