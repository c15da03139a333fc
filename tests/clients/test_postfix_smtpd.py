"""The persona of Postfix, and what Postfix's own smtpd(8) says."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import personas
from tests.protocol.postfix_answers import ANSWERS, NOT_OURS
from tests.server.tools import Raw

from .postfix import _instance
from .tools import CLIENT_TIMEOUT, EHLO_NAME, REAPER, Target, client_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedRWPair

    from pytest_smtpserver import SMTPServer
    from pytest_smtpserver.script.personas.products import PostfixReason

    from .postfix import Postfix

#: As it is installed, but for where recipients are looked up: nothing asks the DNS.
SETTINGS = {
    "myhostname": "localhost",
    "mydestination": "example.org",
    "mynetworks": "192.0.2.0/24",
    "local_recipient_maps": "inline:{ ada=x access=x later=x }",
    "smtpd_peername_lookup": "no",
    "smtpd_relay_restrictions": "permit_mynetworks, defer_unauth_destination",
    "smtpd_recipient_restrictions": (
        "check_recipient_access inline:{"
        " { access@example.org = REJECT } { later@example.org = wait } }"
    ),
    "smtpd_restriction_classes": "wait",
    "wait": "defer",
    "smtpd_recipient_limit": "1",
    "smtpd_client_restrictions": "permit",
    # It makes clients wait that make mistakes, and then has enough of them.
    "smtpd_error_sleep_time": "0",
    "smtpd_hard_error_limit": "100",
}


def dialogue(postfix: Postfix, lines: Sequence[str]) -> list[str]:
    """The greeting of a fresh instance, and its reply to each line."""
    with smtpd(postfix, SETTINGS) as path, connected(path) as stream:
        greeting = say(stream)
        return [greeting, *(say(stream, line.encode()) for line in lines)]


@contextmanager
def smtpd(
    postfix: Postfix, settings: Mapping[str, str], sasl: str = ""
) -> Iterator[Path]:
    """An instance with an smtpd(8) on the Unix socket.

    Args:
        postfix: the program.
        settings: for main.cf.
        sasl: the configuration of Cyrus SASL, which Debian's smtpd(8) looks for beside
            main.cf.
    """
    with _instance(Target(port=25), settings, None) as folder:
        (folder / "sasl").mkdir()
        (folder / "sasl" / "smtpd.conf").write_text(sasl, encoding="utf-8")
        master = folder / "master.cf"
        with master.open("a", encoding="utf-8") as file:
            file.write("socket unix n - n - - smtpd\nanvil unix - - n - 1 anvil\n")
        os.utime(master, (0, 0))
        with _running(postfix, folder):
            yield folder / "queue" / "public" / "socket"


@contextmanager
def connected_socket(to: Path | tuple[str, int]) -> Iterator[socket.socket]:
    """A socket that is connected to a server."""
    family = socket.AF_UNIX if isinstance(to, Path) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(CLIENT_TIMEOUT)
        client.connect(str(to) if isinstance(to, Path) else to)
        yield client


@contextmanager
def connected(to: Path | tuple[str, int]) -> Iterator[BufferedRWPair]:
    """A stream to a server, which has not been read yet."""
    with connected_socket(to) as client, client.makefile("rwb") as stream:
        yield stream


def say(stream: BufferedRWPair, line: bytes | None = None) -> str:
    """The reply to a line, or the next one; empty where the server has closed."""
    if line is not None:
        stream.write(line + b"\r\n")
        stream.flush()
    reply = []
    for read in iter(stream.readline, b""):
        reply.append(read.decode("utf-8", "replace").rstrip("\r\n"))
        if read[3:4] != b"-":
            break
    return "\n".join(reply)


@contextmanager
def _running(postfix: Postfix, folder: Path) -> Iterator[None]:
    argv = [sys.executable, "-I", "-S", str(REAPER), f"{CLIENT_TIMEOUT:g}"]
    process = subprocess.Popen(
        [*argv, postfix.master, "-c", str(folder), "-d"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=client_environment(folder),
        text=True,
        errors="backslashreplace",
    )
    with process:
        try:
            log = []
            for line in process.stdout or ():
                log.append(line)
                if "daemon started" in line:
                    break
            else:
                raise AssertionError("".join(log))
            yield
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.smtp_server(
    extensions=[
        "PIPELINING",
        "SIZE",
        "ETRN",
        "ENHANCEDSTATUSCODES",
        "8BITMIME",
        "DSN",
        "SMTPUTF8",
        "CHUNKING",
    ],
    max_recipients=1,
)
def test_the_persona_says_what_postfix_says(
    smtp_server: SMTPServer, postfix: Postfix
) -> None:
    """Greeting, EHLO and refusals are those of Postfix's smtpd(8), octet for octet."""
    refuse: dict[str, PostfixReason] = {
        "nobody@example.org": "no such user",
        "bob@elsewhere.example": "relay denied",
        "access@example.org": "access denied",
        "later@example.org": "try again later",
    }
    said = [
        f"EHLO {EHLO_NAME}",
        "XYZZY",
        "EXPN staff",
        "",
        "RCPT TO:<ada@example.org>",
        "MAIL FROM:<a@example.org> SIZE=10240001",
        "RSET",
        "MAIL FROM:<a@example.org>",
        *(f"RCPT TO:<{address}>" for address in refuse),
        "RCPT TO:<ada@example.org>",
        "RCPT TO:<ada@example.org>",
        "QUIT",
    ]
    smtp_server.play(personas.postfix(refuse))
    with Raw(smtp_server) as client:
        ours = [client.greeting, *(client.say(line) for line in said)]
    theirs = dialogue(postfix, said)
    # What is accepted has the usual words.
    accepted = re.compile(r"250 2\.\d\.\d .*")
    assert [accepted.sub("250", one) for one in ours] == [
        accepted.sub("250", one) for one in theirs
    ]


#: As it is installed: mail from this machine goes anywhere. Nothing asks the DNS or a
#: daemon beside it, and no number of mistakes ends the session.
DEFAULTS = {
    "myhostname": "localhost",
    "mynetworks": "127.0.0.0/8",
    "smtpd_peername_lookup": "no",
    "smtpd_client_restrictions": "permit",
    "local_recipient_maps": "",
    "smtpd_error_sleep_time": "0",
    "smtpd_hard_error_limit": "10000",
    "smtpd_junk_command_limit": "10000",
}
#: These change what the next dialogue finds, or end the connection.
_OWN_CONNECTION = re.compile(
    rb"\s*(?:EHLO|HELO|QUIT|BDAT|DATA|NOOP:|MAILFROM)", re.IGNORECASE
)


def answers(to: Path | tuple[str, int]) -> dict[tuple[bytes, ...], int]:
    """The code of the last reply in each dialogue of the table.

    Those that begin with EHLO share a connection, each after a RSET, and all in one
    go: EHLO has said PIPELINING.
    """
    shared = [
        one.lines
        for one in ANSWERS
        if one.lines[0] == b"EHLO x.example"
        and not any(map(_OWN_CONNECTION.match, one.lines[1:]))
    ]
    found = {}
    with connected(to) as stream:
        say(stream)
        say(stream, b"EHLO x.example")
        for lines in shared:
            stream.write(b"".join(b"%b\r\n" % line for line in (b"RSET", *lines[1:])))
        stream.flush()
        for lines in shared:
            replies = [say(stream) for _ in lines]
            found[lines] = int(replies[-1][:3])
    for one in ANSWERS:
        if one.lines not in found:
            with connected(to) as stream:
                say(stream)
                replies = [say(stream, line) for line in one.lines]
                found[one.lines] = int(replies[-1][:3])
    return found


def test_postfix_answers_as_the_table_says(postfix: Postfix) -> None:
    """What our lenient options go by is what Postfix's smtpd(8) does."""
    with smtpd(postfix, DEFAULTS) as path:
        assert answers(path) == {one.lines: one.code for one in ANSWERS}


@pytest.mark.smtp_server(lenient_addresses=True, lenient_parameters=True)
def test_our_server_takes_over_the_wire_what_postfix_takes(
    smtp_server: SMTPServer,
) -> None:
    """But for what the table names with its reason."""
    ours = answers(smtp_server.address)
    refused = {
        one.lines[-1] for one in ANSWERS if one.code < 400 <= ours[one.lines]
    } - NOT_OURS
    # Mail before EHLO (RFC 5321 §4.1.4), and what Postfix says 221 to.
    assert refused == {
        b"MAIL FROM:<a@example.org>",
        b"MAILFROM:<a@example.org>",
        b"NOOP:",
    }
