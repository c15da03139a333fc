"""The table of what moves a session (RFC 5321 §4.1.4 and §4.2)."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.state.states import (
    TABLE,
    VERBS,
    State,
    next_state,
    what_is_missing,
)


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
@pytest.mark.parametrize("name", [*TABLE, "WHAT"])
def test_421_closes_whatever_it_answers(name: str, state: State) -> None:
    """RFC 5321 §3.8 and §4.2.3."""
    assert next_state(name, state, 421) is State.CLOSED


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_refused_command_leaves_the_session_where_it_is(verb: str) -> None:
    """RFC 5321 §4.1.4; but for a chunk, whose transaction has failed (RFC 3030 §2)."""
    for state in State:
        after = next_state(verb, state, 550)
        assert after is (
            State.READY
            if verb == "BDAT" and state in (State.RCPT, State.CHUNKING)
            else None
        )


@pytest.mark.parametrize("code", [250, 354, 451, 554])
def test_any_reply_to_the_message_ends_its_transaction(code: int) -> None:
    """RFC 5321 §4.1.1.4."""
    for state in (State.CONTENT, State.CHUNKING, State.RCPT):
        assert next_state("MESSAGE", state, code) is State.READY


@pytest.mark.parametrize(
    ("name", "code", "to"),
    [
        ("CONNECT", 220, State.START),
        ("CONNECT", 554, State.REFUSED),
        ("EHLO", 250, State.READY),
        ("MAIL", 250, State.MAIL),
        ("RCPT", 251, State.RCPT),
        ("DATA", 354, State.CONTENT),
        ("DATA", 250, None),
        ("BDAT", 250, State.CHUNKING),
        ("RSET", 250, State.START),
        ("AUTH", 334, State.AUTH),
        ("RESPONSE", 235, State.READY),
        ("RESPONSE", 334, State.AUTH),
        ("RESPONSE", 535, State.READY),
        # RFC 5321 §4.2.1: the first digit decides.
        ("RESPONSE", 399, State.AUTH),
        ("RESPONSE", 400, State.READY),
        ("RCPT", 299, State.RCPT),
        ("RCPT", 300, None),
        ("STARTTLS", 220, State.TLS),
        ("QUIT", 221, State.CLOSED),
        ("NOOP", 250, None),
        ("WHAT", 250, None),
    ],
)
def test_rows(name: str, code: int, to: State | None) -> None:
    """Where each reply leads from where it is in order."""
    state = next(iter(TABLE[name].allowed)) if name in TABLE else State.READY
    assert next_state(name, state, code) is to


def test_why_a_command_is_out_of_order() -> None:
    """Each 503 says what is missing."""
    assert what_is_missing("MAIL", State.START) == "send EHLO first"
    assert what_is_missing("RCPT", State.READY) == "need MAIL command"
    assert "QUIT" in what_is_missing("NOOP", State.REFUSED)
    assert what_is_missing("STARTTLS", State.MAIL) == "bad sequence of commands"
