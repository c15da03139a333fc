"""The manual's tables of personas say what the tables of the package say."""

from __future__ import annotations

import re

import pytest

from pytest_smtpserver import personas
from pytest_smtpserver.script.personas.tables import FOLDER, load

from .pages import PAGES

PAGE = PAGES["docs/personas.md"]
TABLE = PAGE.partition("| reasons for `refuse` |")[2].partition("\n\n")[0]
#: By the name: what is said before the content, and after it.
ROWS = {
    name: row.split("|")[2:4]
    for row in TABLE.split("\n")
    for name in re.findall(r"`(\w+)`", row.split("|")[1])
    if row[:3] == "| `"
}


def test_every_persona_is_in_the_manual() -> None:
    """By its name; each of a real server has a row of reasons."""
    for name in personas.__all__:
        assert not name.islower() or re.search(rf"`{name}\b|{name}\(", PAGE), name
    assert ROWS.keys() == {file.stem for file in FOLDER.iterdir()}


@pytest.mark.parametrize("name", ROWS)
def test_reasons_and_codes(name: str) -> None:
    """Each at its moment, with its code; no other."""
    shown = {
        (*match.groups(), number == 1)
        for number, cell in enumerate(ROWS[name])
        for match in re.finditer(r'`"([^"]+)"` (\d{3}(?: [\d.]+\d)?)', cell)
    }
    assert shown == {
        (reason, code[0], refusal.event == "MESSAGE")
        for reason, refusals in load(name).refusals.items()
        for refusal in refusals
        if (code := re.match(r"\d{3}(?: \d+\.\d+\.\d+)?", refusal.text))
    }
