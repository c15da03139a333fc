"""The persona of Postfix, and what Postfix's own smtpd(8) says."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import personas
from tests.server.tools import Raw

from .postfix import _instance
from .tools import CLIENT_TIMEOUT, EHLO_NAME, REAPER, Target, client_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_smtpserver import SMTPServer

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
    with _instance(Target(port=25), SETTINGS, None) as folder:
        master = folder / "master.cf"
        with master.open("a", encoding="utf-8") as file:
            file.write("socket unix n - n - - smtpd\nanvil unix - - n - 1 anvil\n")
        os.utime(master, (0, 0))
        with _running(postfix, folder), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(CLIENT_TIMEOUT)
            client.connect(str(folder / "queue" / "public" / "socket"))
            with client.makefile("rwb") as stream:
                replies = [_reply(iter(stream.readline, b""))]
                for line in lines:
                    stream.write(line.encode() + b"\r\n")
                    stream.flush()
                    replies.append(_reply(iter(stream.readline, b"")))
                return replies


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


def _reply(lines: Iterator[bytes]) -> str:
    """One reply, its lines separated by LF."""
    reply = []
    for line in lines:
        reply.append(line.decode().rstrip("\r\n"))
        if line[3:4] != b"-":
            break
    return "\n".join(reply)


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
    refuse = {
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
