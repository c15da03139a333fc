"""Each option is described once; its types, its default and the manual agree with that."""

from __future__ import annotations

import ast
import inspect
import logging
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from pytest_smtpserver import ServerOptions
from pytest_smtpserver.server.options import options, typed
from pytest_smtpserver.server.options.checks import CERTIFICATE_KINDS, CertificateKind
from pytest_smtpserver.server.options.options import FIELDS, Options, check_options

ROOT = Path(__file__).parents[3]
DEFAULTS = {name: about.default for name, about in FIELDS.items()}


def written_types(owner: str) -> dict[str, str]:
    """The annotations of a class as they are written."""
    (tree,) = (
        node
        for module in (options, typed)
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef) and node.name == owner
    )
    return {
        ast.unparse(node.target): ast.unparse(node.annotation)
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
    }


def test_type_checkers_know_each_option() -> None:
    """In the same order, so that a reader finds it at once."""
    assert list(ServerOptions.__annotations__) == list(FIELDS)
    assert list(written_types("Options")) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_default_passes_its_own_check(name: str) -> None:
    """Whoever gives it has the server that he would have had without."""
    given = {name: DEFAULTS[name]}
    assert vars(check_options(given)) == vars(Options())


@pytest.mark.parametrize(
    "name", [name for name in FIELDS if "Literal" in written_types("Options")[name]]
)
def test_words_of_a_type_pass_the_check(name: str) -> None:
    """And no other: what a checker takes the server takes."""
    written = written_types("ServerOptions")[name]
    assert written_types("Options")[name] == written
    words = re.findall(r"'(\w+)'", written)
    check = FIELDS[name].check
    assert [check(name, word) for word in words] == words
    with pytest.raises(ValueError, match=f"option {name}: 'none' is not allowed"):
        check(name, "none")


def test_a_type_allows_none_where_the_check_does() -> None:
    """In both of the types."""
    for name, about in FIELDS.items():
        try:
            about.check(name, None)
        except (TypeError, ValueError):
            taken = False
        else:
            taken = True
        for owner in ("ServerOptions", "Options"):
            written = written_types(owner)[name]
            assert ("None" in written or written == "Any") >= taken, (owner, name)
            assert ("None" in written) <= taken, (owner, name)


def test_the_kinds_of_certificates_have_a_type() -> None:
    """A word that is none of them is an error for a type checker too."""
    assert get_args(CertificateKind) == CERTIFICATE_KINDS
    assert DEFAULTS["certificate"] in CERTIFICATE_KINDS


def in_words(value: Any) -> str:
    """A default as the manual writes it."""
    if isinstance(value, logging.Logger):
        return f'logging.getLogger("{value.name}")'
    if isinstance(value, str):
        return f'"{value}"'
    return repr(value).replace("'", '"')


def rows(text: str) -> dict[str, list[str]]:
    """The defaults that the tables of the manual give, by option."""
    found: dict[str, list[str]] = {}
    tables = re.findall(
        r"^\| option \| default \|.*\n((?:\|.*\n)+)", text, re.MULTILINE
    )
    for row in "".join(tables).splitlines():
        cells = [cell.strip() for cell in row.split(" | ")]
        names = re.findall(r"`(\w+)`", cells[0])
        given = re.findall(r"`([^`]+)`", cells[1])
        for number, name in enumerate(names):
            one_each = len(given) == len(names)
            found[name] = [given[number]] if one_each else given
    return found


def test_the_manual_has_the_default_of_each_option() -> None:
    """The table's second column; one default may stand for several options."""
    table = rows((ROOT / "docs/options.md").read_text(encoding="utf-8"))
    assert set(table) == set(FIELDS)
    for name, given in table.items():
        if name == "extensions":
            assert tuple(given) == DEFAULTS[name]
        else:
            assert given == [in_words(DEFAULTS[name])], name
