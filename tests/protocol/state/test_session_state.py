"""What a session remembers, and what makes it forget."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.state.session_state import SessionState
from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.envelope import Envelope


def started() -> SessionState:
    """A session in a transaction, logged in."""
    session = SessionState(Settings(max_message_size=3), lambda: ("nonce", b"salt"))
    session.greet("EHLO", "client")
    session.security.log_in("ada")
    session.begin(Envelope(Address("a@example.org")))
    session.enter(State.MAIL)
    return session


@pytest.mark.parametrize("state", [State.READY, State.START])
def test_a_transaction_ends_outside_of_one(state: State) -> None:
    """The content stays, for the record; the envelope is gone (RFC 5321 §4.1.1.5)."""
    session = started()
    session.sink.write(b"abc")
    assert session.in_transaction
    session.enter(state)
    assert (session.state, session.envelope) == (State.READY, None)
    assert not session.in_transaction
    assert session.sink.getvalue() == b"abc"


def test_start_stays_start_before_the_greeting() -> None:
    """RSET before EHLO does not stand for EHLO."""
    session = SessionState(Settings(), lambda: ("nonce", b"salt"))
    session.enter(State.START)
    assert session.state is State.START


def test_tls_makes_it_forget() -> None:
    """RFC 3207 §4.2: nothing that was said in clear text counts."""
    session = started()
    session.enter(State.TLS)
    session.secure("TLS 1.3", "ada")
    assert session.state is State.START
    assert (session.helo, session.opening_command, session.envelope) == (
        None,
        None,
        None,
    )
    assert not session.security.authenticated
    assert session.security.user is None
    assert (session.security.tls, session.security.external_identity) == (
        "TLS 1.3",
        "ada",
    )


def test_implicit_tls_has_nothing_to_forget() -> None:
    """The handshake comes before the greeting: the state stays."""
    session = SessionState(Settings(), lambda: ("nonce", b"salt"))
    session.secure("TLS", None)
    assert session.state is State.CONNECT


def test_content_begins_empty() -> None:
    """Chunks of a message are not part of data that a rule lets follow them."""
    session = started()
    session.sink.write(b"chunk")
    session.sink.came(5)
    session.sink.chunks.append(5)
    session.begin_content()
    assert (session.sink.length, session.sink.octets, session.sink.chunks) == (0, 0, [])


def test_content_over_the_limit_is_counted_and_dropped() -> None:
    """`max_message_size`, unless it is only advertised."""
    session = started()
    session.sink.write(b"abcd")
    assert (session.sink.length, session.sink.overflowed) == (4, True)
    assert session.sink.getvalue() == b""
    kept = SessionState(
        Settings(max_message_size=3, enforce_message_size=False), lambda: ("n", b"s")
    )
    kept.sink.write(b"abcd")
    assert (kept.sink.overflowed, kept.sink.getvalue()) == (False, b"abcd")


def test_a_mechanism_gets_fresh_randomness() -> None:
    """Each exchange asks anew."""
    numbers = iter("123")
    session = SessionState(Settings(), lambda: (next(numbers), b"salt"))
    session.secure("TLS", "ada")
    contexts = [session.security.sasl_context("mx.example.org") for _ in range(2)]
    assert [context.nonce for context in contexts] == ["1", "2"]
    assert contexts[0].hostname == "mx.example.org"
    assert contexts[0].external_identity == "ada"


def test_what_is_counted() -> None:
    """Each count says how many there are now."""
    session = started()
    assert [session.count_unrecognized() for _ in range(2)] == [1, 2]
    assert [session.count_unauthenticated() for _ in range(2)] == [1, 2]
    assert session.transaction_count == 1
