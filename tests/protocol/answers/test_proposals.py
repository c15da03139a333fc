"""What each command deserves, by the state and the settings alone (RFC 5321 §4.3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_smtpserver.protocol.answers.proposals import (
    bdat_size,
    chunks_exist,
)
from pytest_smtpserver.protocol.state.states import TABLE, VERBS, State
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.envelope import Envelope

from .sessions import asked, proposed, session

#: A well-formed line for each verb.
LINES = {
    **{verb: f"{verb} client.example.org" for verb in ("EHLO", "HELO")},
    "MAIL": "MAIL FROM:<a@example.org>",
    "RCPT": "RCPT TO:<b@example.org>",
    "BDAT": "BDAT 5",
    "VRFY": "VRFY a",
    "EXPN": "EXPN a",
    "ETRN": "ETRN example.org",
    "AUTH": "AUTH PLAIN",
    "XCLIENT": "XCLIENT NAME=x",
    "XFORWARD": "XFORWARD NAME=x",
    **{verb: verb for verb in ("DATA", "RSET", "NOOP", "QUIT", "HELP", "STARTTLS")},
}
_EVERYTHING: dict[str, Any] = {
    "auth": True,
    "users": {"a": "b"},
    "tls": "starttls",
    "allow_insecure_auth": True,
    "extensions": frozenset({"CHUNKING", "ETRN"}),
    "xclient": True,
    "xforward": True,
}
#: RFC 5321 §4.3.2 and the RFCs of the extensions: the reply where all is well.
SUCCESS = {
    "EHLO": 250,
    "HELO": 250,
    "MAIL": 250,
    "RCPT": 250,
    "DATA": 354,
    "BDAT": 250,
    "VRFY": 252,
    "EXPN": 502,
    "ETRN": 251,
    "AUTH": 334,
    "XCLIENT": 220,
    "XFORWARD": 250,
    "RSET": 250,
    "NOOP": 250,
    "QUIT": 221,
    "HELP": 214,
    "STARTTLS": 220,
}
_STANDING = [state for state in State if state not in (State.CLOSED, State.TLS)]


def test_every_verb_has_a_line_here() -> None:
    """LHLO is EHLO under another name (RFC 2033 §4.1)."""
    assert set(LINES) == set(SUCCESS) == set(VERBS) - {"LHLO"}


@pytest.mark.parametrize("state", _STANDING, ids=lambda state: state.name)
@pytest.mark.parametrize("verb", LINES)
def test_a_command_is_in_order_where_the_table_says_so(verb: str, state: State) -> None:
    """In order: the reply of the RFC; else 503 (RFC 5321 §4.1.4)."""
    found = asked(session(state, **_EVERYTHING), LINES[verb])
    expected = SUCCESS[verb] if state in TABLE[verb].allowed else 503
    assert found.reply.code == expected


@pytest.mark.parametrize("verb", ["DATA", "RSET", "QUIT", "STARTTLS"])
def test_no_argument_is_allowed(verb: str) -> None:
    """RFC 5321 §4.1.1: 501; RFC 3207 §4 for STARTTLS."""
    state = State.RCPT if verb == "DATA" else State.READY
    assert asked(session(state, **_EVERYTHING), f"{verb} x").reply.code == 501


@pytest.mark.parametrize("verb", ["VRFY", "ETRN", "MAIL", "EHLO", "XCLIENT", "AUTH"])
def test_an_argument_is_needed(verb: str) -> None:
    """RFC 5321 §4.3.2: 501."""
    assert asked(session(**_EVERYTHING), verb).reply.code == 501


@pytest.mark.parametrize(
    ("line", "options", "code"),
    [
        ("MAIL FROM:<a@example.org>", {"require_tls": True}, 530),
        ("NOOP", {"require_tls": True}, 250),
        ("MAIL FROM:<a@example.org>", {"auth_required": True}, 530),
        ("RSET", {"auth_required": True}, 250),
        ("VRFY x", {"auth_required": True}, 530),
        ("MAIL FROM:<a@example.org> SIZE=11", {"max_message_size": 10}, 552),
        ("MAIL FROM:<a@example.org> SIZE=10", {"max_message_size": 10}, 250),
        (
            "MAIL FROM:<a@example.org> SIZE=11",
            {"max_message_size": 10, "enforce_message_size": False},
            250,
        ),
        ("MAIL FROM:<a@example.org>", {"max_messages": 0}, 421),
        ("LHLO x", {}, 500),
        ("LHLO x", {"lmtp": True}, 250),
        ("EHLO x", {"lmtp": True}, 500),
        ("BDAT 1", {"extensions": frozenset()}, 500),
        ("NOOP", {"disabled_commands": frozenset({"NOOP"})}, 500),
        ("STARTTLS", {}, 454),
        ("GET / HTTP/1.1", {}, 421),
        ("WHAT", {"max_unrecognized_commands": 1}, 421),
        ("WHAT", {"max_unrecognized_commands": 2}, 500),
        ("NOOP", {"auth": True, "max_unauthenticated_commands": 1}, 421),
        ("QUIT", {"auth": True, "max_unauthenticated_commands": 1}, 221),
        ("NOOP", {"auth": True, "max_unauthenticated_commands": 2}, 250),
        ("NOOP", {"auth": False, "max_unauthenticated_commands": 1}, 250),
    ],
)
def test_what_the_settings_ask_for(
    line: str, options: dict[str, Any], code: int
) -> None:
    """Each option decides alone."""
    assert asked(session(**options), line).reply.code == code


def test_requiretls_needs_tls() -> None:
    """RFC 8689 §4.1: 530 5.7.10 where the session is in clear text."""
    line = "MAIL FROM:<a@example.org> REQUIRETLS"
    where = session(extensions=frozenset({"REQUIRETLS"}))
    assert str(asked(where, line).reply).startswith("530 5.7.10")
    where.security.secure("TLS", None)
    assert asked(where, line).reply.code == 250


def test_starttls_twice() -> None:
    """RFC 3207 §4: TLS is there already."""
    where = session(tls="starttls")
    where.secure("TLS", None)
    assert asked(where, "STARTTLS").reply.code == 503


def test_a_recipient_too_many() -> None:
    """RFC 5321 §4.5.3.1.10: 452."""
    where = session(max_recipients=1)
    where.begin(Envelope(Address("a@example.org")))
    where.enter(State.MAIL)
    assert asked(where, "RCPT TO:<b@example.org>").reply.code == 250
    where.open_envelope().rcpt_to.append(Address("b@example.org"))
    assert asked(where, "RCPT TO:<c@example.org>").reply.code == 452


def test_a_proposal_changes_nothing() -> None:
    """It says what it found; the session stands where it stood."""
    where = session(max_message_size=100)
    found = asked(where, "MAIL FROM:<a@example.org> SIZE=7 BODY=8BITMIME")
    assert found.envelope is not None
    assert (found.envelope.declared_size, found.envelope.body) == (7, "8BITMIME")
    assert (where.envelope, where.transaction_count) == (None, 0)
    assert asked(where, "EHLO other.example.org").reply.code == 250
    assert (where.helo, where.state) == ("client.example.org", State.READY)


def test_the_command_learns_its_address() -> None:
    """With its parameters and what they say; also where MAIL is refused for them."""
    command = Command.parse(b"MAIL FROM:<a@example.org> SIZE=7 SMTPUTF8\r\n")
    proposed(session(), command)
    assert command.address is not None
    assert (command.address, command.address.declared_size) == ("a@example.org", 7)
    assert command.address.smtputf8
    refused = Command.parse(b"MAIL FROM:<a@example.org> WHAT=7\r\n")
    assert proposed(session(), refused).reply.code == 555
    assert refused.address is not None
    assert refused.address.parameters == {"WHAT": "7"}


@pytest.mark.parametrize(
    ("argument", "size"),
    [
        ("5", (5, False)),
        ("0 LAST", (0, True)),
        ("5  last", (5, True)),
        ("5 LAST ", (5, True)),
        ("", None),
        ("-5", None),
        ("5LAST", None),
        ("5 LAST LAST", None),
        ("\u0665", None),
        ("9" * 21, None),
    ],
)
def test_bdat(argument: str, size: tuple[int, bool] | None) -> None:
    """RFC 3030 §2: chunk-size in decimal octets, and LAST."""
    command = Command.parse(f"BDAT {argument}\r\n".encode())
    assert bdat_size(command) == size
    code = 501 if size is None else 250
    assert proposed(session(State.RCPT), command).reply.code == code


def test_a_chunk_too_many() -> None:
    """RFC 1870 §6: what has come counts, and what is announced."""
    where = session(State.RCPT, max_message_size=10)
    where.sink.write(b"123456")
    assert asked(where, "BDAT 4").reply.code == 250
    assert asked(where, "BDAT 5").reply.code == 552


def test_binarymime_needs_chunks() -> None:
    """RFC 3030 §3: 503 to DATA."""
    where = session(extensions=frozenset({"CHUNKING", "BINARYMIME", "8BITMIME"}))
    envelope = asked(where, "MAIL FROM:<a@b.example> BODY=BINARYMIME").envelope
    assert envelope is not None
    where.begin(envelope)
    where.enter(State.RCPT)
    assert asked(where, "DATA").reply.code == 503
    assert asked(where, "BDAT 1 LAST").reply.code == 250


def test_whether_there_are_chunks() -> None:
    """The octets behind BDAT are a chunk only where BDAT is known."""
    assert chunks_exist(session())
    assert not chunks_exist(session(extensions=frozenset()))
    assert not chunks_exist(session(disabled_commands=frozenset({"BDAT"})))


def test_the_end_of_an_empty_line() -> None:
    """RFC 5321 §4.3.2: 500, with a word about what is wrong."""
    assert asked(session(), "").reply == standard.EMPTY_LINE
    assert asked(session(), "  ").reply == standard.EMPTY_LINE
    assert asked(session(), "XYZZY").reply == standard.UNRECOGNIZED
