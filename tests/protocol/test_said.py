"""What the server says to a command, word for word: one row for each sentence.

Codes and enhanced codes are those of the RFCs that the rows name. The words are for
whoever reads a log: what is missing, or which limit was passed.
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_smtpserver.protocol.state.settings import KNOWN_MECHANISMS, Settings
from pytest_smtpserver.protocol.syntax import standard

from .driver import Driver
from .tools import AUTH_PLAIN, RECIPIENT, SENDER, USERS, start

HELLO = "EHLO client"
OPEN = (HELLO, SENDER)
WITH_RECIPIENT = (HELLO, SENDER, RECIPIENT)
FIRST = "503 5.5.1 Error: send EHLO first"
NO_MAIL = "503 5.5.1 Error: need MAIL command"
NO_RECIPIENT = "503 5.5.1 Error: need RCPT command"
NESTED = "503 5.5.1 Error: nested MAIL command"
NOT_NOW = "503 5.5.1 Error: AUTH is not permitted during a mail transaction"
REFUSED = standard.usual_reply(554, "CONNECT")
WITH_AUTH = {"auth": True, "users": USERS}


@pytest.mark.parametrize(
    ("options", "lines", "said"),
    [
        # RFC 5321 §4.1.4: the order of commands.
        ({}, (SENDER,), FIRST),
        ({}, (RECIPIENT,), FIRST),
        ({}, ("DATA",), FIRST),
        ({}, ("BDAT 0 LAST",), FIRST),
        (WITH_AUTH, (AUTH_PLAIN,), FIRST),
        ({}, (*OPEN, SENDER), NESTED),
        ({}, (*WITH_RECIPIENT, SENDER), NESTED),
        ({}, (HELLO, RECIPIENT), NO_MAIL),
        ({}, (HELLO, "DATA"), NO_MAIL),
        ({}, (HELLO, "BDAT 0 LAST"), NO_MAIL),
        ({}, (*OPEN, "DATA"), NO_RECIPIENT),
        ({}, (*OPEN, "BDAT 0 LAST"), NO_RECIPIENT),
        # RFC 5321 §4.1.1.1: HELO offers nothing.
        ({}, ("HELO client",), "250 localhost"),
        # RFC 3030 §2.
        (
            {},
            (*WITH_RECIPIENT, "BDAT 0", "DATA"),
            "503 5.5.1 Error: DATA and BDAT cannot be mixed",
        ),
        (
            {"extensions": ["CHUNKING", "BINARYMIME", "ENHANCEDSTATUSCODES"]},
            (HELLO, f"{SENDER} BODY=BINARYMIME", RECIPIENT, "DATA"),
            "503 5.5.1 Error: BINARYMIME needs BDAT",
        ),
        ({}, (*WITH_RECIPIENT, "BDAT x"), "501 5.5.4 Syntax error: BDAT octets [LAST]"),
        ({}, (*WITH_RECIPIENT, "BDAT 0"), "250 2.0.0 0 octets received"),
        # RFC 4954 §4.
        (WITH_AUTH, (*OPEN, AUTH_PLAIN), NOT_NOW),
        (WITH_AUTH, (*WITH_RECIPIENT, AUTH_PLAIN), NOT_NOW),
        (
            WITH_AUTH,
            (HELLO, AUTH_PLAIN, AUTH_PLAIN),
            "503 5.5.1 Already authenticated",
        ),
        (
            WITH_AUTH,
            (HELLO, "AUTH"),
            "501 5.5.4 Syntax error: AUTH mechanism [initial-response]",
        ),
        (
            WITH_AUTH,
            (HELLO, "AUTH X"),
            "504 5.5.4 Unrecognized authentication type",
        ),
        (
            WITH_AUTH,
            (HELLO, "AUTH PLAIN", "*"),
            "501 5.7.0 Authentication cancelled",
        ),
        (
            {**WITH_AUTH, "auth_mechanisms": KNOWN_MECHANISMS},
            (HELLO, "AUTH CRAM-MD5 dGlt"),
            "501 5.7.0 CRAM-MD5 has no initial response",
        ),
        (
            {**WITH_AUTH, "tls": "starttls"},
            (HELLO, AUTH_PLAIN),
            "538 5.7.11 Encryption required: use STARTTLS first",
        ),
        (
            {**WITH_AUTH, "auth_required": True},
            (HELLO, SENDER),
            "530 5.7.0 Authentication required",
        ),
        # RFC 4954 §5: the parameter is there where AUTH is.
        (WITH_AUTH, (HELLO, f"{SENDER} AUTH=<>"), "250 2.1.0 Sender ok"),
        (
            {},
            (HELLO, f"{SENDER} AUTH=<>"),
            (
                "555 5.5.4 MAIL parameter AUTH is not recognized: this server's EHLO "
                "has no AUTH"
            ),
        ),
        # RFC 3207 §4.
        (
            {"tls": "starttls", "require_tls": True},
            (HELLO, SENDER),
            "530 5.7.0 Must issue a STARTTLS command first",
        ),
        ({}, (HELLO, "STARTTLS"), "454 4.7.0 TLS is not available"),
        (
            {"tls": "starttls"},
            (HELLO, "STARTTLS now"),
            "501 5.5.4 Syntax error: no argument allowed",
        ),
        # RFC 8689 §3.
        (
            {"tls": "starttls", "extensions": ["REQUIRETLS", "ENHANCEDSTATUSCODES"]},
            (HELLO, f"{SENDER} REQUIRETLS"),
            "530 5.7.10 REQUIRETLS needs TLS (RFC 8689 section 3)",
        ),
        # RFC 5321 §4.5.1 and §4.1.1.
        ({}, ("WHAT",), "500 5.5.1 Command not recognized"),
        ({}, ("",), "500 5.5.2 Syntax error: an empty line is no command"),
        ({}, ("RSET now",), "501 5.5.4 Syntax error: no argument allowed"),
        ({}, ("VRFY",), "501 5.5.4 Syntax error: VRFY user"),
        ({}, ("EXPN list",), "502 5.5.1 EXPN is not implemented"),
        ({}, ("HELP",), "214 2.0.0 Commands are those of RFC 5321"),
        (
            {},
            ("VRFY ada",),
            "252 2.5.0 Cannot verify the user, but will take mail for it",
        ),
        (
            {"max_command_length": 20},
            ("NOOP " + "x" * 20,),
            "500 5.5.6 Command line too long",
        ),
        # RFC 1985 §5.3.
        (
            {"extensions": ["ETRN", "ENHANCEDSTATUSCODES"]},
            (HELLO, "ETRN"),
            "501 5.5.4 Syntax error: ETRN node",
        ),
        (
            {"extensions": ["ETRN", "ENHANCEDSTATUSCODES"]},
            (HELLO, "ETRN x.example"),
            "251 2.0.0 Ok: no messages are waiting for that node",
        ),
        # RFC 5321 §4.5.3.1, RFC 1870 §6.1.
        (
            {"max_message_size": 10},
            (HELLO, f"{SENDER} SIZE=11"),
            "552 5.3.4 Message size exceeds fixed maximum message size",
        ),
        (
            {"max_recipients": 1},
            (*WITH_RECIPIENT, RECIPIENT),
            "452 4.5.3 Too many recipients",
        ),
        (
            {"max_messages": 0},
            (HELLO, SENDER),
            "421 4.7.0 Too many messages on this connection",
        ),
        (
            {"max_unrecognized_commands": 2},
            ("WHAT", "WHAT"),
            "421 4.7.0 Too many unrecognized commands",
        ),
        (
            {**WITH_AUTH, "max_unauthenticated_commands": 2},
            (HELLO, "NOOP"),
            "421 4.7.0 Too many unauthenticated commands",
        ),
        # What Postfix does about it (smtpd_forbidden_commands).
        (
            {},
            ("GET / HTTP/1.1",),
            "421 4.7.0 This is an SMTP server: HTTP requests are not allowed",
        ),
    ],
)
def test_commands(options: dict[str, Any], lines: tuple[str, ...], said: str) -> None:
    """The reply to the last one."""
    if "extensions" in options:
        options = {**options, "extensions": frozenset(options["extensions"])}
    driver = Driver(Settings(**options))
    assert [driver.line(line) for line in lines][-1] == said


def test_tls_once_is_enough() -> None:
    """RFC 3207 §4.2: a client does not begin TLS in TLS."""
    driver = start(tls="starttls").start_tls()
    driver.line(HELLO)
    assert driver.line("STARTTLS") == "503 5.5.1 TLS is already active"


def test_a_connection_that_was_refused() -> None:
    """RFC 5321 §3.1: after 554 only QUIT is of use."""
    driver = Driver(script=lambda event: REFUSED if event.name == "CONNECT" else None)
    assert driver.line("NOOP") == (
        "503 5.5.1 Error: the connection was refused; only QUIT is left"
    )
    assert driver.line("QUIT") == "221 2.0.0 Bye"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        # RFC 5321 §3.8 and §4.2.3: 421 says that the channel is closed, and why.
        (standard.IDLE, "421 4.4.2 Idle for too long, closing connection"),
        (standard.SHUTDOWN, "421 4.3.2 Server is shutting down"),
        (
            standard.TOO_MANY_CONNECTIONS,
            "421 4.7.0 Too many connections, try again later",
        ),
        (standard.TALKS_TOO_SOON, "421 4.7.0 You talk too soon"),
        (standard.INTERNAL, "451 4.3.0 A handler of the test failed"),
        (standard.NO_STORAGE, "452 4.3.1 Insufficient system storage"),
        (standard.MESSAGE_OK, "250 2.0.0 Ok: message accepted"),
    ],
)
def test_what_no_command_is_answered_with(reply: object, said: str) -> None:
    assert str(reply) == said


def test_what_postfix_offers_to_proxies() -> None:
    """The keyword lines of XCLIENT_README and XFORWARD_README."""
    offered = start(xclient=True, xforward=True).line(HELLO).split("\n")
    assert offered[-2:] == [
        "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT",
        "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
    ]
