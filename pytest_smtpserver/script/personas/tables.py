"""Servers as tables: what each says, and where that is from.

A file in ``servers/`` describes one, in TOML: `sources` and `looked_up` for where and
when its texts were found, the greeting and the replies to EHLO and HELO, and tables of
replies: ``[usual]`` in place of ours (by the names of `standard`, in lower case), and
the refusals of the senders, users and recipients that a test chooses, by the moment.
In a text ``{address}``, ``{sender}``, ``{user}``, ``{client}``, ``{host}``, ``{name}``
(that the client gave), ``{line}`` (of the command), ``{limit}`` (of the size, as in EHLO) and ``{date}`` are filled in.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_smtpserver.protocol.syntax import standard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_smtpserver.protocol.syntax.replies import Reply

FOLDER = Path(__file__).with_name("servers")
#: The tables of refusals, and the event at which each is said.
MOMENTS = {
    "at_login": "CREDENTIALS",
    "at_mail": "MAIL",
    "at_rcpt": "RCPT",
    "after_content": "MESSAGE",
}


class Refusal(NamedTuple):
    """What is said at an event to the ones that a test chooses: code and text."""

    event: str
    text: str


class Server(NamedTuple):
    """How one kind of server talks.

    Attributes:
        name: of the function that makes the persona.
        host: the server's name; ``""`` for that of the option ``hostname``.
        greeting: after the code.
        ehlo: the first line of the reply to EHLO.
        helo: the reply to HELO.
        keywords: the other lines, in order; a bare keyword has this server's arguments.
        always: of these, those that are no names of extensions.
        largest: the largest message, in octets; 0 for any.
        declared: a size that is declared at MAIL is looked at.
        too_big: what is said after a message that is larger.
        usual: what it says for the usual refusals, enhanced codes aside.
        refusals: what it says to some, by the reason; a reason may have two moments.
    """

    name: str
    host: str
    greeting: str
    ehlo: str
    helo: str
    keywords: tuple[str, ...]
    always: frozenset[str]
    largest: int
    declared: bool
    too_big: str
    usual: Mapping[Reply, str]
    refusals: Mapping[str, tuple[Refusal, ...]]


def table(name: str) -> dict[str, Any]:
    """The file about a server, as it stands there; with what it shares with another."""
    own = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return {**table(own["like"]), **own} if "like" in own else own


@cache
def load(name: str) -> Server:
    """The server of that name."""
    given = table(name)
    usual = {
        getattr(standard, key.upper()).without_enhanced(): text
        for key, text in given.get("usual", {}).items()
        if key != "too_big_content"
    }
    refusals: dict[str, tuple[Refusal, ...]] = {}
    for moment, event in MOMENTS.items():
        for reason, text in given.get(moment, {}).items():
            refusals[reason] = (*refusals.get(reason, ()), Refusal(event, text))
    too_big = usual.get(standard.TOO_BIG.without_enhanced(), str(standard.TOO_BIG))
    return Server(
        name=name,
        host=given.get("host", ""),
        greeting=given["greeting"],
        ehlo=given.get("ehlo", "{host}"),
        helo=given.get("helo", "{host}"),
        keywords=tuple(given["keywords"].split()),
        always=frozenset(given.get("always", "").split()),
        largest=given.get("largest", 0),
        declared=given.get("looks_at_declared_size", True),
        too_big=given.get("usual", {}).get("too_big_content", too_big),
        usual=usual,
        refusals=refusals,
    )
