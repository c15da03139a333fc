"""Where other servers' own tests fail under ours: what Postfix and Exim say to it.

The reasons stand beside the adapters in ``tests/suites``, with lines such as
``Postfix 500, Exim 214, ours 214: HELP``.
"""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_smtpserver import SMTPServer
from tests.protocol.postfix_answers import octets

from .exim import FOR_ALL, receiving
from .test_postfix_smtpd import DEFAULTS, connected, connected_socket, say, smtpd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from io import BufferedRWPair

    from pytest_smtpserver.server.options.typed import ServerOptions

    from .exim import Exim
    from .postfix import Postfix

    Connect = Callable[[], AbstractContextManager[BufferedRWPair]]

SUITES = Path(__file__).parent.parent / "suites"
#: The file of reasons, and what the adapter makes of the server there.
OPTIONS: Mapping[str, ServerOptions] = {
    "aiosmtpd_deviations.txt": {
        "extensions": ["SIZE", "8BITMIME"],
        "users": {},
        "lenient_addresses": True,
    },
    "npm/deviations.txt": {"extensions": ["8BITMIME", "SMTPUTF8", "DSN"]},
}
ASKED = re.compile(
    r"  ((?:(?:Postfix|Exim|ours)[\w ]* (?:\d{3}|closed)(?:, )?)+): (.+)"
)

#: As it is installed, with AUTH: nobody can log in.
POSTFIX = DEFAULTS | {
    "smtpd_sasl_auth_enable": "yes",
    "smtpd_sasl_security_options": "",
}
#: It takes what it understands.
EXIM = """\
acl_smtp_rcpt = accept
acl_smtp_vrfy = accept
acl_smtp_data = accept
smtputf8_advertise_hosts =
begin acl
"""


class Question(NamedTuple):
    """What is said to whom, and the code of the last reply, or "closed"."""

    said: list[bytes]
    codes: dict[str, str]


def _questions(file: str) -> list[Question]:
    found = []
    for line in (SUITES / file).read_text(encoding="ascii").splitlines():
        if match := ASKED.fullmatch(line):
            who = (one.rpartition(" ") for one in match[1].split(", "))
            codes = {name: code for name, _, code in who}
            found.append(
                Question([octets(one) for one in match[2].split(" | ")], codes)
            )
    return found


QUESTIONS = [question for file in OPTIONS for question in _questions(file)]


def _last_reply(stream: BufferedRWPair, said: list[bytes]) -> str:
    say(stream)
    code = ""
    for line in said:
        code = say(stream, line)[:3]
        if not code:
            return "closed"
    return code


def _answers(
    connect: Connect, name: str, questions: list[Question]
) -> dict[tuple[bytes, ...], str]:
    found = {}
    for question in questions:
        if name in question.codes:
            with connect() as stream:
                found[tuple(question.said)] = _last_reply(stream, question.said)
    return found


def _expected(name: str, questions: list[Question]) -> dict[tuple[bytes, ...], str]:
    return {tuple(one.said): one.codes[name] for one in questions if name in one.codes}


def test_the_reasons_ask_somebody() -> None:
    """And ours, so that what it says can be compared."""
    assert len(QUESTIONS) > 30
    assert all("ours" in one.codes and len(one.codes) > 1 for one in QUESTIONS)
    texts = [(SUITES / file).read_text(encoding="ascii") for file in OPTIONS]
    assert sum(text.count(", ours ") for text in texts) == len(QUESTIONS)


@pytest.mark.parametrize("file", OPTIONS)
def test_ours(file: str) -> None:
    """With the options that stand for those of the other server."""
    questions = _questions(file)
    with SMTPServer(**OPTIONS[file]) as server:
        found = _answers(lambda: connected(server.address), "ours", questions)
    assert found == _expected("ours", questions)


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "settings"),
    [("Postfix", {}), ("Postfix without SMTPUTF8", {"smtputf8_enable": "no"})],
)
def test_postfix(postfix: Postfix, name: str, settings: dict[str, str]) -> None:
    """What its smtpd(8) says."""
    with smtpd(postfix, POSTFIX | settings) as path:
        found = _answers(lambda: connected(path), name, QUESTIONS)
    assert found == _expected(name, QUESTIONS)


@pytest.mark.once
def test_exim(exim: Exim) -> None:
    """It takes mail from a pipe."""
    with receiving(exim, EXIM + FOR_ALL) as connect:

        @contextmanager
        def stream() -> Iterator[BufferedRWPair]:
            with connect() as client, client.makefile("rwb") as pair:
                yield pair

        found = _answers(stream, "Exim", QUESTIONS)
    assert found == _expected("Exim", QUESTIONS)


@contextmanager
def _silent_after_ehlo(to: Path | tuple[str, int]) -> Iterator[BufferedRWPair]:
    with connected(to) as stream:
        say(stream)
        assert say(stream, b"EHLO c.example").startswith("250")
        yield stream


@pytest.mark.once
def test_a_client_that_is_silent_too_long(postfix: Postfix) -> None:
    """RFC 5321 section 3.8: 421, and then the connection closes, here as there."""
    with (
        smtpd(postfix, POSTFIX | {"smtpd_timeout": "1s"}) as path,
        SMTPServer(idle_timeout=1) as server,
        _silent_after_ehlo(path) as theirs,
        _silent_after_ehlo(server.address) as ours,
    ):
        for stream in (theirs, ours):
            assert say(stream)[:9] == "421 4.4.2"
            assert stream.read() == b""


@pytest.mark.once
def test_a_client_that_has_closed_its_direction(postfix: Postfix) -> None:
    """It gets its replies, here as there."""
    with smtpd(postfix, POSTFIX) as path, SMTPServer() as server:
        for to in (path, server.address):
            with connected_socket(to) as client, client.makefile("rb") as stream:
                client.sendall(b"EHLO c.example\r\n")
                client.shutdown(socket.SHUT_WR)
                assert [line[:3] for line in stream][:2] == [b"220", b"250"]
