"""The session goes by the reply that was really sent, whatever it is."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS, Settings
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax.replies import Reply

from .driver import Driver, codes

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.state.events import Event

    from .driver import Script

SENDER = "MAIL FROM:<a@example.org>"
RECIPIENT = "RCPT TO:<b@example.org>"
PLAIN = base64.b64encode(b"\0tim\0tanstaaf").decode()
USERS = {"tim": "tanstaaf"}


def always(name: str, reply: str) -> Script:
    """A rule for every event of that name."""
    return lambda event: Reply.parse(reply) if event.name == name else None


@pytest.mark.parametrize(
    "verb", ["CONNECT", "SECURE", "CREDENTIALS", "CONTENT", "MESSAGE", "CHUNK"]
)
def test_a_client_cannot_make_up_a_moment(verb: str) -> None:
    """Its name as a verb is an unknown command like any other."""
    driver = Driver(script=always("MESSAGE", "250 taken")).ready()
    assert driver.line(verb)[:3] == "500"
    assert driver.heard.events[-1] == verb.lower()
    assert driver.heard.messages == []


@pytest.mark.parametrize("line", ["R\u017fET", "QU\u0131T", "\x0bQUIT", "\u00a0QUIT"])
def test_verbs_are_ascii(line: str) -> None:
    """RFC 5321 §2.4: letters whose upper case is an ASCII one are others."""
    assert Driver().ready().line(line)[:3] == "500"


def test_digits_are_ascii() -> None:
    """RFC 3030 §2: chunk-size is DIGIT."""
    assert Driver().ready().line("BDAT \u0665")[:3] == "503"
    driver = Driver().ready()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    assert driver.line("BDAT \u0665")[:3] == "501"


def test_lmtp_data_that_a_rule_let_through_without_recipients() -> None:
    """There is one reply to the content then."""
    driver = Driver(Settings(lmtp=True), always("DATA", "354 go on")).ready()
    assert codes(driver.send(b"DATA\r\nx\r\n.\r\nNOOP\r\n")) == [354, 250, 250]


def test_lmtp_421_to_the_first_recipient_closes() -> None:
    """RFC 5321 §4.2.3: nothing follows a 421."""
    driver = Driver(Settings(lmtp=True), always("MESSAGE", "421 bye")).ready()
    wire = f"{SENDER}\r\n{RECIPIENT}\r\n{RECIPIENT}\r\nDATA\r\n.\r\nNOOP\r\n"
    assert codes(driver.send(wire.encode())) == [250, 250, 250, 354, 421]
    assert driver.engine.session.state is State.CLOSED


def test_a_greeting_that_is_no_greeting() -> None:
    """RFC 5321 §3.1: anything but 220 refuses the session."""
    driver = Driver(script=always("CONNECT", "354 what"))
    assert [driver.line("EHLO c")[:3], driver.line("QUIT")[:3]] == ["503", "221"]


@pytest.mark.parametrize("first", [f"AUTH PLAIN {PLAIN}", "AUTH PLAIN !"])
def test_a_334_of_a_rule_begins_an_exchange_of_its_own(first: str) -> None:
    """What the client says to it is no response to a mechanism that is done."""
    driver = Driver(
        Settings(auth=True, users=USERS), always("AUTH", "334 Z28gb24=")
    ).ready()
    assert driver.line(first) == "334 Z28gb24="
    assert driver.line("AAAA")[:3] == "535"
    assert driver.line("NOOP")[:3] == "250"


def test_a_334_after_a_bad_response() -> None:
    """The mechanism has refused, so it is over, whatever a rule says."""
    driver = Driver(
        Settings(auth=True, users=USERS), always("RESPONSE", "334 YWdhaW4=")
    ).ready()
    driver.line("AUTH PLAIN")
    assert [driver.line("!")[:3] for _ in range(3)] == ["334"] * 3


def test_the_client_may_cancel_after_the_last_word_of_scram() -> None:
    """RFC 4954 §4: 501, and it is not logged in (RFC 7677 §3 for the messages)."""
    first = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    final = (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    driver = Driver(
        Settings(
            auth=True, users={"user": "pencil"}, auth_mechanisms=("SCRAM-SHA-256",)
        ),
        secrets=(
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="),
        ),
    ).ready()
    driver.line(f"AUTH SCRAM-SHA-256 {base64.b64encode(first).decode()}")
    assert driver.line(base64.b64encode(final).decode())[:3] == "334"
    assert driver.line("*")[:9] == "501 5.7.0"
    assert not driver.engine.session.security.authenticated
    assert driver.line(SENDER)[:3] == "250"


def test_a_response_that_is_too_long() -> None:
    """RFC 4954 §6: 500 5.5.6; it is no command, and stays a secret."""
    driver = Driver(Settings(auth=True, users=USERS, max_command_length=40)).ready()
    driver.line("AUTH PLAIN")
    assert driver.line("A" * 60)[:9] == "500 5.5.6"
    assert driver.engine.session.state is State.CLOSED
    assert driver.heard.events[-1] == "RESPONSE"
    assert driver.heard.commands == ["EHLO client", "AUTH PLAIN"]


def test_chunks_of_a_transaction_that_was_given_up_are_forgotten() -> None:
    """Also where a rule lets the next one begin without MAIL."""
    driver = Driver(script=always("RCPT", "250 ok")).ready()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\nBDAT 3\r\noldRSET\r\n".encode())
    driver.send(f"{RECIPIENT}\r\nBDAT 3 LAST\r\nnew".encode())
    assert driver.heard.messages == [("", ["b@example.org"], [], b"new")]


def test_an_early_reply_is_that_of_the_first_chunk() -> None:
    """RFC 3030 §2: each BDAT gets one reply, a refused one ends the transaction."""
    driver = Driver().ready()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    engine = driver.engine
    engine.receive_data(b"BDAT 3\r\nabcBDAT 3 LAST\r\ndefNOOP\r\n")
    event = engine.next_event()
    assert event is not None
    assert event.name == "CONTENT"
    assert engine.reply_early(Reply(552, "5.2.2 no")) == b"552 5.2.2 no\r\n"
    event = engine.next_event()
    assert event is not None
    assert event.proposed is not None
    assert engine.send_reply(event.proposed) == b""
    assert codes(driver.send(b"")) == []
    assert codes(driver.send(b"NOOP\r\n")) == [503, 250, 250]


def test_a_last_chunk_without_an_answer_is_over() -> None:
    """The transaction ends all the same."""
    driver = Driver().ready()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    engine = driver.engine
    engine.receive_data(b"BDAT 1 LAST\r\nx")
    names = []
    while (event := engine.next_event()) is not None:
        names.append(event.name)
        if event.proposed is not None:
            engine.send_nothing()
    assert names == ["CONTENT", "BDAT"]
    assert (engine.session.state, engine.session.envelope) == (State.READY, None)
    assert driver.line(SENDER)[:3] == "250"


def test_no_transaction_survives_an_exchange() -> None:
    """After a rule's 334 in the middle of one, nothing of it is left."""
    driver = Driver(Settings(auth=True, users=USERS), always("AUTH", "334 ")).ready()
    driver.line(SENDER)
    driver.line("AUTH PLAIN")
    driver.line("*")
    assert (driver.engine.session.state, driver.engine.session.envelope) == (
        State.READY,
        None,
    )


def test_no_transaction_survives_an_exchange_without_an_answer() -> None:
    """Nor where the exchange ends in silence."""
    driver = Driver(Settings(auth=True, users=USERS), always("AUTH", "334 ")).ready()
    driver.line(SENDER)
    driver.line("AUTH PLAIN")
    engine = driver.engine
    engine.receive_data(b"*\r\n")
    assert engine.next_event() is not None
    engine.send_nothing()
    assert (engine.session.state, engine.session.envelope) == (State.READY, None)


def test_extensions_that_say_more_than_their_name() -> None:
    """RFC 4865: FUTURERELEASE has two parameters; RFC 8689 §2: REQUIRETLS over TLS."""
    options = Settings(extensions=frozenset(KNOWN_EXTENSIONS), tls="starttls")
    driver = Driver(options)
    before = driver.line("EHLO c").split("\n")
    assert "250-FUTURERELEASE 999999999 9999-12-31T23:59:59Z" in before
    assert "250-REQUIRETLS" not in before
    assert driver.line(SENDER + " REQUIRETLS")[:3] == "530"
    driver.line("STARTTLS")
    after = driver.start_tls().line("EHLO c").split("\n")
    assert "250-REQUIRETLS" in after
    extra = "BY=120;RT HOLDFOR=60 MT-PRIORITY=-3 REQUIRETLS"
    assert driver.line(f"{SENDER} {extra}")[:3] == "250"
    envelope = driver.engine.session.envelope
    assert envelope is not None
    assert (envelope.hold_for, envelope.priority) == (60, -3)
    assert envelope.require_tls
    assert envelope.deliver_by is not None
    assert envelope.deliver_by.seconds == 120


def test_etrn_where_it_is_on() -> None:
    """RFC 1985 §5.3: 251 for a node without mail, 501 without a node."""
    driver = Driver(Settings(extensions=frozenset({"ETRN"}))).ready()
    assert driver.line("ETRN example.org")[:3] == "251"
    assert driver.line("ETRN")[:3] == "501"


_LINES = st.sampled_from(
    [
        b"EHLO c\r\n",
        b"LHLO c\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"MAIL nonsense\r\n",
        b"RCPT TO:<c@d.example>\r\n",
        b"DATA\r\n",
        b"x\r\n.\r\n",
        b"BDAT 2\r\nab",
        b"BDAT 1 LAST\r\nc",
        b"RSET\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n",
        b"AUTH OAUTHBEARER bixhPXRpbSwBYXV0aD1CZWFyZXIgeAEB\r\n",
        b"AHRpbQB0YW5zdGFhZg==\r\n",
        b"*\r\n",
        b"\r\n",
        b"XCLIENT NAME=x LOGIN=y\r\n",
        b"XFORWARD NAME=x\r\n",
        b"MESSAGE\r\n",
        b"QUIT\r\n",
    ]
)
_ANSWERS = st.sampled_from(
    [None, None, "", "250 a", "235 b", "354 c", "334 ", "451 d", "550 e", "220 f"]
)


@given(data=st.data(), lmtp=st.booleans(), lines=st.lists(_LINES, max_size=25))
@settings(max_examples=300)
def test_whatever_a_rule_answers_the_engine_goes_on(
    data: st.DataObject, *, lmtp: bool, lines: list[bytes]
) -> None:
    """Any reply to any event, or none: never an exception, one answer for each."""
    options = Settings(
        auth=True,
        users=USERS,
        auth_mechanisms=("PLAIN", "OAUTHBEARER"),
        xclient=True,
        xforward=True,
        lmtp=lmtp,
    )
    engine = Driver(options).engine
    for line in lines:
        engine.receive_data(line)
        while (event := engine.next_event()) is not None:
            _answer(data, event, engine)
        if engine.session.state is State.TLS:
            engine.tls_started("TLS")
    assert (engine.session.envelope is None) or engine.session.state not in (
        State.READY,
        State.START,
    )


def _answer(data: st.DataObject, event: Event, engine: object) -> None:
    from pytest_smtpserver.protocol.engine import SmtpEngine

    assert isinstance(engine, SmtpEngine)
    if event.proposed is None:
        return
    answer = data.draw(_ANSWERS)
    if answer == "":
        engine.send_nothing()
    elif answer is not None:
        sent = engine.send_reply(Reply.parse(answer))
        assert event.sent or sent
    elif event.follow is not None:
        engine.proceed()
    else:
        engine.send_reply(event.proposed)
