"""Errors about names that there are not: what was meant, and what there is."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.naming import (
    VERY_SIMILAR,
    no_such_attribute,
    suggestion,
    unknown_name,
)

WORDS = {"use_starttls": "tls='starttls'"}


@pytest.mark.parametrize("name", ["use_starttls", "USE-STARTTLS", "useStartTLS"])
def test_a_word_of_others_is_asked_first(name: str) -> None:
    """In any case, however its parts are joined, and before similar letters."""
    assert suggestion(name, WORDS, ["hide_starttls"]) == "; here it is tls='starttls'"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("subjct", "; did you mean 'subject'?"),
        ("tsl", "; did you mean 'tls'?"),  # the same letters
        ("MessageID", "; did you mean 'message_id'?"),
        ("sort", ""),  # three of the four letters of port
        ("smtpd", ""),
        ("insert", ""),
    ],
)
def test_similar_letters_are_not_much(name: str, meant: str) -> None:
    """Where a name of anything may be asked for, only a slip of the pen is one."""
    there = ["subject", "tls", "message_id", "port", "stop", "interrupt"]
    assert suggestion(name, {}, there, VERY_SIMILAR) == meant


def test_few_names_stand_in_the_line() -> None:
    """In the order in which they are given."""
    text = unknown_name("color", "rad", ["red", "blue"])
    assert text == "there is no color 'rad'; did you mean 'red'? There are: red, blue"


def test_many_names_have_lines_of_their_own() -> None:
    """The nearest first, then the alphabet, each once, in lines that can be read."""
    names = [f"option_{letter}" for letter in "zyxwvutsrqponmlkjihgfedcba"]
    first, *lines = unknown_name("option", "ption_q", [*names, "tls"]).split("\n")
    assert first == (
        "there is no option 'ption_q'; did you mean 'option_q'? There are, the nearest "
        "first:"
    )
    assert all(line.startswith("  ") and len(line) <= 80 for line in lines)
    listed = " ".join(lines).replace(",", "").split()
    assert listed[0] == "option_q"
    assert sorted(listed) == sorted([*names, "tls"])
    assert listed[5:] == sorted(listed[5:])


def test_where_a_word_is_known_nothing_is_near() -> None:
    """hide_starttls does not stand in front of the others then."""
    names = [f"option_{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    text = unknown_name("option", "use_starttls", [*names, "hide_starttls"], WORDS)
    assert "here it is tls='starttls'. There are:\n  hide_starttls, option_a" in text


class _Thing:
    """Has a name, and knows of a str."""

    name = "x"
    _hidden = "nobody is to use it"
    __getattr__ = no_such_attribute(
        "a thing", {"title": "name"}, {"thing.s": "builtins:str"}
    )


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("title", "a thing has no 'title'; here it is name"),
        ("upper", "a thing has no 'upper'; here it is thing.s.upper"),
        ("naem", "a thing has no 'naem'; did you mean 'name'?"),
        ("zzz", "a thing has no 'zzz'"),
        ("_name", "a thing has no '_name'"),
        ("hidden", "a thing has no 'hidden'"),
    ],
)
def test_attributes(asked: str, text: str) -> None:
    """By the table, then where an attribute of that name is, then by its letters."""
    with pytest.raises(AttributeError) as missing:
        getattr(_Thing(), asked)
    assert str(missing.value) == text
    assert missing.value.name == asked
