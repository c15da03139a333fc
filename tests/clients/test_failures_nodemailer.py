"""nodemailer runs into each kind of failure, and has the code that it documents.

That is `error.code` as in https://nodemailer.com/errors, with `error.responseCode` and
`error.command`. One process runs into all of them.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import SMTPServer

from .exchange import ADA, BOB, target
from .failures import (
    DELIVERED,
    FAILURES,
    HUGE,
    LINE,
    LOGIN,
    MAIL,
    Failure,
    Outcome,
    assert_complete,
    assert_expected,
    assert_survived,
    each_failure,
    settled,
)
from .nodemailer import MILLISECONDS, Job, Nodemailer, NodemailerResult
from .tools import clients_dir, missing_client, require_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .failures import Expectations

#: How long nodemailer waits where it waits in vain, in seconds; a round of many.
LITTLE = 0.7


def fails(
    code: str, command: str = "CONN", reply: int | None = None, text: str = ""
) -> Outcome:
    """The code, command, responseCode, and a part of the message."""
    return Outcome(code, reply, command, text)


def mail_refused(reply: int | None, text: str = "Mail command failed") -> Outcome:
    return fails("EENVELOPE", "MAIL FROM", reply, text)


def all_refused(reply: int | None) -> Outcome:
    # What is no number is none in the table of refused recipients either.
    refused = {ADA: reply or 0, BOB: reply or 0}
    text = "Can't send mail - all recipients were rejected"
    return Outcome("EENVELOPE", reply, "RCPT TO", text, refused)


def message_refused(reply: int, text: str = "Message failed") -> Outcome:
    return fails("EMESSAGE", "DATA", reply, text)


CLOSED = fails("ECONNECTION", text="Connection closed unexpectedly")
TIMED_OUT = fails("ETIMEDOUT", text="Timeout")
NO_GREETING = fails("ETIMEDOUT", text="Greeting never received")
RESET = fails("ESOCKET", text="ECONNRESET")
CUT_OFF = fails("ESOCKET", text="disconnected before secure TLS connection")

DOCUMENTED: Expectations = {
    # For an "invalid greeting response (not starting with 220)".
    "421 at CONNECT": fails("EPROTOCOL", "CONN", 421),
    "554 at CONNECT": fails("EPROTOCOL", "CONN", 554),
    # "The server terminated the connection", it says, "(response code 421)".
    "421 at EHLO": fails("ECONNECTION", "EHLO", 421),
    # "… a failed EHLO falls back to HELO …"
    "450 at EHLO": DELIVERED,
    "502 at EHLO": DELIVERED,
    # For an "invalid HELO (or LMTP LHLO) response".
    "450 at EHLO and HELO": fails("EPROTOCOL", "HELO", 450),
    "550 at EHLO and HELO": fails("EPROTOCOL", "HELO", 550),
    "421 at AUTH": fails("EAUTH", "AUTH PLAIN", 421, "Invalid login"),
    "454 at AUTH": fails("EAUTH", "AUTH PLAIN", 454, "Invalid login"),
    "535 at AUTH": fails("EAUTH", "AUTH PLAIN", 535, "Invalid login"),
    "535 at CREDENTIALS": fails("EAUTH", "AUTH PLAIN", 535, "Invalid login"),
    # "Server rejected the sender address"
    "421 at MAIL": mail_refused(421),
    "451 at MAIL": mail_refused(451),
    "550 at MAIL": mail_refused(550),
    "450 at one RCPT of two": Outcome(refused={BOB: 450}, stored=1),
    "550 at one RCPT of two": Outcome(refused={BOB: 550}, stored=1),
    "421 at RCPT": fails("ECONNECTION", "CONN", 421, "Server closed the connection"),
    # "Server rejected every recipient"
    "450 at RCPT": all_refused(450),
    "550 at RCPT": all_refused(550),
    # "Server rejected the DATA command"
    "451 at DATA": fails("EENVELOPE", "DATA", 451, "Data command failed"),
    "554 at DATA": fails("EENVELOPE", "DATA", 554, "Data command failed"),
    # "Server rejected the message after DATA command"
    "421 at MESSAGE": message_refused(421),
    "451 at MESSAGE": message_refused(451),
    "554 at MESSAGE": message_refused(554),
    # What is not UTF-8 is taken for Latin-1.
    "bad UTF-8 in a 250 at RCPT": DELIVERED,
    "bad UTF-8 in a 550 at MAIL": mail_refused(550, "550 \xff\xfe"),
    "no code at CONNECT": fails("EPROTOCOL", text="hello there"),
    "no end of a reply at CONNECT": NO_GREETING,
    # "No activity on the connection for too long"
    "no end of a reply at EHLO": TIMED_OUT,
    # maxResponseSize: "Largest single server response to accept in bytes (defaults to
    # 1 MB)"
    "a line of 100 kB at EHLO": DELIVERED,
    "a line of 100 kB at MAIL": DELIVERED,
    # "The connection was closed unexpectedly during a transaction"
    **dict.fromkeys(
        [
            *("half a code at MAIL", "half a 250 at MAIL", "half a 250 at MESSAGE"),
            *(f"disconnect at {event}" for event in ("CONNECT", "EHLO", "MAIL")),
            *("disconnect at DATA", "disconnect at CONTENT"),
            *("half_close at MAIL", "half_close at MESSAGE"),
        ],
        CLOSED,
    ),
    "store and disconnect at MESSAGE": replace(CLOSED, stored=1),
    # For a "connection reset by peer (ECONNRESET)".
    **dict.fromkeys([f"reset at {event}" for event in ("CONNECT", "EHLO")], RESET),
    **dict.fromkeys([f"reset at {event}" for event in ("MAIL", "CONTENT")], RESET),
    "store and reset at MESSAGE": replace(RESET, stored=1),
    # RST behind the replies to the commands that came together with DATA can be an end
    # for Node.js.
    "reset at DATA": (RESET, CLOSED),
    # "Server did not send initial greeting after connection was established"
    "hang at CONNECT": NO_GREETING,
    "hang at MAIL": TIMED_OUT,
    "hang at MESSAGE": TIMED_OUT,
    "a long delay at MAIL": TIMED_OUT,
    "throttle at CONTENT": TIMED_OUT,
    "an early reply at CONTENT": message_refused(552, "5.3.4 Enough"),
    "a reply behind 354 at CONTENT": message_refused(552, "5.3.4 Enough"),
    # The pool sends on the connection that was there, or on another one.
    "421 between two mails": (
        replace(mail_refused(421, "4.3.2 Going down"), stored=1),
        replace(DELIVERED, stored=2),
    ),
    "421 in place of a reply": fails("ECONNECTION", "CONN", 421, "4.3.2 Going down"),
    # "STARTTLS command failed"
    "454 at STARTTLS": fails("ETLS", "STARTTLS", 454),
    "STARTTLS is gone": fails("ETLS", "STARTTLS", 500),
    # requireTLS: "tries to use STARTTLS even if the server does not advertise support".
    "STARTTLS is hidden": DELIVERED,
    "220 and silence at STARTTLS": fails("ETIMEDOUT", text="TLS handshake timed out"),
    # It is thrown away (RFC 3207 §4.2).
    "plaintext behind 220 at STARTTLS": DELIVERED,
    # "Failed to establish TCP connection within the allowed time"
    "a full backlog": fails("ETIMEDOUT", text="Connection timeout"),
}

#: What is not as the documentation says.
DIFFERS: Expectations = {
    # EENVELOPE with 421 it should be. The replies to pipelined commands are looked at
    # one after the other; the end of the connection overtakes the last one.
    "421 at DATA": (CLOSED, fails("EENVELOPE", "DATA", 421, "Data command failed")),
    # EPROTOCOL it should be: "The server response did not follow the expected SMTP
    # protocol format." EENVELOPE is for what the server rejected.
    "no code at MAIL": mail_refused(None, "fine with me"),
    "no code at RCPT": all_refused(None),
    # EMESSAGE is for a message that is "invalid or was rejected by the server". The
    # reply one too many makes nodemailer take 354 for the reply to the message, which
    # was accepted.
    "two replies at MAIL": replace(message_refused(354), stored=1),
    # ECONNECTION: "The connection to the SMTP server failed to establish". ESOCKET is
    # for the "network interruption during communication".
    "an outage": fails("ESOCKET", text="ECONNREFUSED"),
    # ETLS: "Initial TLS connection, STARTTLS upgrade, TLS certificate validation", for
    # "invalid or self-signed TLS certificate, certificate hostname mismatch, TLS
    # version incompatibility".
    "220 and garbage at STARTTLS": CUT_OFF,
    "220 and disconnect at STARTTLS": CUT_OFF,
    "220 and reset at STARTTLS": (CUT_OFF, RESET),
    "disconnect at HANDSHAKE": CUT_OFF,
    "reset at HANDSHAKE": (CUT_OFF, RESET),
    "garbage at HANDSHAKE": (fails("ESOCKET", text="wrong version number"), CUT_OFF),
    "a greeting in the clear at HANDSHAKE": fails(
        "ESOCKET", text="wrong version number"
    ),
    "certificate expired with starttls": fails("ESOCKET", text="has expired"),
    "certificate not_yet_valid with starttls": fails("ESOCKET", text="not yet valid"),
    "certificate wrong_host with starttls": fails("ESOCKET", text="does not match"),
    "certificate untrusted with starttls": fails("ESOCKET", text="verify the first"),
    "certificate self_signed with starttls": fails("ESOCKET", text="signed cert"),
    "certificate expired with implicit": fails("ESOCKET", text="has expired"),
    "no version of TLS in common": fails("ESOCKET", text="alert protocol version"),
}


def job_for(server: SMTPServer, failure: Failure) -> Job:
    """What nodemailer is to do with this server."""
    patience = failure.patience(LITTLE) * MILLISECONDS
    transport: dict[str, Any] = dict.fromkeys(
        ["connectionTimeout", "greetingTimeout", "socketTimeout"], patience
    )
    where = target(server, failure.tls)
    if failure.mails > 1:
        transport |= {"pool": True, "maxConnections": 1}
    if failure.tls is not None:
        lowest = failure.lowest_tls.name.replace("_", ".")
        transport["tls"] = {"ca": where.trust.read_text(), "minVersion": lowest}
    mail = huge_mail() if failure.huge else MAIL
    login = LOGIN if failure.login else None
    return Job(where, [mail] * failure.mails, login, transport)


def huge_mail() -> dict[str, Any]:
    """A mail that Node.js makes: it would be long on its way there."""
    envelope = {"from": MAIL.sender, "to": list(MAIL.recipients)}
    return {
        "envelope": envelope,
        "raw_repeated": {"octets": HUGE, "text": LINE.decode()},
    }


def seen_in(result: NodemailerResult) -> Outcome:
    """What nodemailer says of the last mail."""
    error = result.error
    rejected = result.rejected_errors or error.get("rejectedErrors", [])
    return Outcome(
        error.get("code"),
        error.get("responseCode"),
        error.get("command"),
        error.get("message", ""),
        {one["recipient"]: one.get("responseCode", 0) for one in rejected},
    )


@contextmanager
def all_servers() -> Iterator[dict[str, SMTPServer]]:
    """A server for each failure, ready to fail."""
    with ExitStack() as servers:
        started = {}
        for failure in FAILURES:
            options = {"close_timeout": 0.1, **failure.options}
            server = servers.enter_context(SMTPServer(**options))
            failure.script(server)
            started[failure.name] = server
        yield started


def send_all(
    nodemailer: Nodemailer, servers: dict[str, SMTPServer]
) -> dict[str, NodemailerResult]:
    """Run into all failures; what came of the last mail, by the name of the failure."""
    # Those that have little patience wait until there is little to do.
    rounds = [
        [failure for failure in FAILURES if failure.times_out is times_out]
        for times_out in (False, True)
    ]
    jobs = [
        [job_for(servers[failure.name], failure) for failure in failures]
        for failures in rounds
    ]
    with ExitStack() as meanwhile:
        for failure in FAILURES:
            meanwhile.enter_context(failure.meanwhile(servers[failure.name]))
        answers = nodemailer.send_in_rounds(*jobs)
    return {
        failure.name: results[-1]
        for failures, answer in zip(rounds, answers, strict=True)
        for failure, results in zip(failures, answer, strict=True)
    }


def examine(server: SMTPServer, failure: Failure, result: NodemailerResult) -> None:
    """What nodemailer says, and that the server is none the worse for it."""
    seen = settled(server, seen_in(result))
    assert_expected(failure, seen, DOCUMENTED, DIFFERS)
    assert_survived(server, failure)


@pytest.fixture(scope="module")
def examined(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[None]]:
    """What came of `examine`, by the name of the failure.

    All is over when the tests begin: a server that is still there would be in the
    report of each test that fails.
    """
    modules = clients_dir() / "node_modules"
    if not (modules / "nodemailer" / "package.json").exists():
        missing_client("nodemailer")
    home = tmp_path_factory.mktemp("home")
    nodemailer = Nodemailer(require_client("node"), modules, home)
    with all_servers() as servers, ThreadPoolExecutor() as pool:
        results = send_all(nodemailer, servers)
        return {
            failure.name: pool.submit(
                examine, servers[failure.name], failure, results[failure.name]
            )
            for failure in FAILURES
        }


@each_failure()
def test_failure(examined: dict[str, Future[None]], failure: Failure) -> None:
    """What nodemailer says, and that the server is none the worse for it."""
    examined[failure.name].result()


def test_no_kind_of_failure_is_missing() -> None:
    """The tables are those of all failures there are."""
    assert_complete(DOCUMENTED, DIFFERS)
