"""Where aiosmtpd's own tests fail under our server: what Postfix and Exim say to it.

The reasons stand in ``tests/suites/aiosmtpd_deviations.txt``, with lines such as
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

from .exim import receiving
from .test_postfix_smtpd import DEFAULTS, connected, connected_socket, say, smtpd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from io import BufferedRWPair

    from .exim import Exim
    from .postfix import Postfix

    Connect = Callable[[], AbstractContextManager[BufferedRWPair]]

FILE = Path(__file__).parent.parent / "suites" / "aiosmtpd_deviations.txt"
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
begin routers
all:
  driver = accept
  transport = none
begin transports
none:
  driver = appendfile
  file = /dev/null
"""


class Question(NamedTuple):
    """What is said to whom, and the code of the last reply, or "closed"."""

    said: list[bytes]
    codes: dict[str, str]


def _questions() -> list[Question]:
    found = []
    for line in FILE.read_text(encoding="ascii").splitlines():
        if match := ASKED.fullmatch(line):
            who = (one.rpartition(" ") for one in match[1].split(", "))
            codes = {name: code for name, _, code in who}
            found.append(
                Question([octets(one) for one in match[2].split(" | ")], codes)
            )
    return found


QUESTIONS = _questions()


def _last_reply(stream: BufferedRWPair, said: list[bytes]) -> str:
    say(stream)
    code = ""
    for line in said:
        code = say(stream, line)[:3]
        if not code:
            return "closed"
    return code


def _answers(connect: Connect, name: str) -> dict[tuple[bytes, ...], str]:
    found = {}
    for question in QUESTIONS:
        if name in question.codes:
            with connect() as stream:
                found[tuple(question.said)] = _last_reply(stream, question.said)
    return found


def _expected(name: str) -> dict[tuple[bytes, ...], str]:
    return {tuple(one.said): one.codes[name] for one in QUESTIONS if name in one.codes}


def test_the_reasons_ask_somebody() -> None:
    """And ours, so that what it says can be compared."""
    assert len(QUESTIONS) > 20
    assert all("ours" in one.codes and len(one.codes) > 1 for one in QUESTIONS)
    lines = FILE.read_text(encoding="ascii").splitlines()
    assert len([one for one in lines if ", ours " in one]) == len(QUESTIONS)


def test_ours() -> None:
    """With the options that stand for aiosmtpd's."""
    with SMTPServer(
        extensions=["SIZE", "8BITMIME"], users={}, lenient_addresses=True
    ) as server:
        found = _answers(lambda: connected(server.address), "ours")
    assert found == _expected("ours")


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "settings"),
    [("Postfix", {}), ("Postfix without SMTPUTF8", {"smtputf8_enable": "no"})],
)
def test_postfix(postfix: Postfix, name: str, settings: dict[str, str]) -> None:
    """What its smtpd(8) says."""
    with smtpd(postfix, POSTFIX | settings) as path:
        assert _answers(lambda: connected(path), name) == _expected(name)


@pytest.mark.once
def test_exim(exim: Exim) -> None:
    """It takes mail from a pipe."""
    with receiving(exim, EXIM) as connect:

        @contextmanager
        def stream() -> Iterator[BufferedRWPair]:
            with connect() as client, client.makefile("rwb") as pair:
                yield pair

        assert _answers(stream, "Exim") == _expected("Exim")


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
