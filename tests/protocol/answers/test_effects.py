"""What a reply does to a session: it goes by what was said, whoever said it."""

from __future__ import annotations

import base64

import pytest

from pytest_smtpserver.protocol.answers.effects import take_note
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.protocol.syntax.replies import Reply

from .sessions import asked, happened, session

OK = Reply(250, "2.0.0 Ok")
NO = Reply(550, "5.0.0 No")
PLAIN = base64.b64encode(b"\0tim\0tanstaaf").decode()


def test_a_greeting_counts_once_it_is_accepted() -> None:
    """RFC 5321 §4.1.1.1; a refused EHLO leaves what was said before."""
    where = session(State.START)
    line = "HELO other.example.org"
    take_note(where, happened(line, asked(where, line)), NO)
    assert (where.helo, where.opening_command) == (None, None)
    take_note(where, happened(line, asked(where, line)), OK)
    assert (where.helo, where.opening_command) == ("other.example.org", "HELO")


def test_a_bad_name_that_a_rule_accepts() -> None:
    """It is kept as it was sent."""
    where = session(State.START)
    line = "EHLO two words"
    assert asked(where, line).reply.code == 501
    take_note(where, happened(line, asked(where, line)), OK)
    assert where.helo == "two words"


def test_a_transaction_begins_with_an_accepted_sender() -> None:
    """RFC 5321 §3.3."""
    where = session()
    line = "MAIL FROM:<a@example.org> SIZE=5"
    event = happened(line, asked(where, line))
    take_note(where, event, NO)
    assert (where.envelope, where.transaction_count) == (None, 0)
    event = happened(line, asked(where, line))
    take_note(where, event, OK)
    assert where.envelope is not None
    assert (where.envelope.mail_from, where.envelope.declared_size) == (
        "a@example.org",
        5,
    )
    assert where.transaction_count == 1


def test_content_of_the_transaction_before_is_forgotten() -> None:
    """Chunks too."""
    where = session()
    where.sink.write(b"old")
    where.sink.chunks.append(3)
    line = "MAIL FROM:<a@example.org>"
    take_note(where, happened(line, asked(where, line)), OK)
    assert (where.sink.getvalue(), where.sink.chunks) == (b"", [])


def test_malformed_addresses_that_a_rule_accepts() -> None:
    """They are kept as well as can be."""
    where = session()
    take_note(where, happened("MAIL FROM:not an address"), OK)
    take_note(where, happened("RCPT TO:<b@@>"), OK)
    assert where.envelope is not None
    assert where.envelope.mail_from == "not"
    assert [str(one) for one in where.envelope.rcpt_to] == ["b@@"]


def test_recipients_are_sorted_by_their_replies() -> None:
    """Each address has the reply that it got."""
    where = session()
    where.begin(Envelope(Address("a@example.org")))
    for name, reply in (("b", OK), ("c", NO)):
        take_note(where, happened(f"RCPT TO:<{name}@example.org>"), reply)
    envelope = where.open_envelope()
    assert (envelope.rcpt_to, envelope.rejected) == (
        ["b@example.org"],
        ["c@example.org"],
    )
    assert [one.reply for one in (*envelope.rcpt_to, *envelope.rejected)] == [OK, NO]


def test_a_recipient_without_a_sender() -> None:
    """A rule's 250 opens an empty envelope; a refusal opens none."""
    where = session()
    take_note(where, happened("RCPT TO:<b@example.org>"), NO)
    assert where.envelope is None
    take_note(where, happened("RCPT TO:<b@example.org>"), OK)
    assert where.envelope is not None
    assert (where.envelope.mail_from, where.envelope.rcpt_to) == (
        "",
        ["b@example.org"],
    )


def test_the_command_knows_its_reply() -> None:
    """Whatever the command is."""
    for line in ("NOOP", "WHAT", "MAIL FROM:<a@example.org>"):
        event = happened(line)
        take_note(session(), event, OK)
        assert event.command is not None
        assert event.command.reply is OK


def test_an_exchange_goes_on_with_a_challenge() -> None:
    """RFC 4954 §4: 334; any other reply ends it."""
    where = session(auth=True, users={"tim": "tanstaaf"})
    found = asked(where, "AUTH LOGIN")
    take_note(where, happened("AUTH LOGIN", found), Reply(334, "x"))
    assert where.security.exchange is found.exchange is not None
    take_note(where, happened("AUTH LOGIN", found), Reply(501, "5.5.2 No"))
    assert where.security.exchange is None
    assert not where.security.authenticated


def test_who_is_logged_in() -> None:
    """The name that was shown, or the one that a handler gives."""
    line = f"AUTH PLAIN {PLAIN}"
    accepted = Reply(235, "2.7.0 Ok")
    for given, user in ((None, "tim"), ("Tim", "Tim")):
        where = session(auth=True, users={"tim": "tanstaaf"})
        event = happened(line, asked(where, line), "CREDENTIALS")
        if given is not None:
            event.accept(given)
        take_note(where, event, accepted)
        assert where.security.authenticated
        assert where.security.user == user


def test_a_challenge_after_the_credentials_is_a_rules() -> None:
    """The exchange is over: the next line is no response to its mechanism."""
    where = session(auth=True, users={"tim": "tanstaaf"})
    line = f"AUTH PLAIN {PLAIN}"
    found = asked(where, line)
    assert found.complete
    take_note(where, happened(line, found, "CREDENTIALS"), Reply(334, "more"))
    assert where.security.exchange is None


def test_who_is_anonymous_has_a_name() -> None:
    """RFC 4505 §2: the trace, which may be empty."""
    where = session(auth=True, auth_mechanisms=("ANONYMOUS",))
    found = asked(where, "AUTH ANONYMOUS =")
    take_note(
        where, happened("AUTH ANONYMOUS =", found, "CREDENTIALS"), Reply(235, "ok")
    )
    assert where.security.user == "anonymous"


@pytest.mark.parametrize(
    ("line", "user"), [("XCLIENT NAME=a", None), ("XCLIENT LOGIN=ada", "ada")]
)
def test_another_client(line: str, user: str | None) -> None:
    """XCLIENT_README: the session begins anew, logged in or not."""
    where = session(xclient=True)
    where.security.log_in("before")
    take_note(where, happened(line, asked(where, line)), NO)
    assert (where.helo, where.xclient) == ("client.example.org", {})
    take_note(where, happened(line, asked(where, line)), Reply(220, "hello"))
    assert (where.helo, where.opening_command, where.envelope) == (None, None, None)
    assert where.security.user == user
    assert where.security.authenticated is (user is not None)
    assert len(where.xclient) == 1


def test_what_is_forwarded_adds_up() -> None:
    """XFORWARD_README: attributes may come in several commands."""
    where = session(xforward=True)
    for line in ("XFORWARD NAME=a PORT=1", "XFORWARD NAME=b"):
        take_note(where, happened(line, asked(where, line)), OK)
    assert where.xforward == {"NAME": "b", "PORT": "1"}
    line = "XFORWARD HELO=c"
    take_note(where, happened(line, asked(where, line)), NO)
    assert "HELO" not in where.xforward
