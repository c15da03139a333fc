"""What a handler sees of an event: what there is, and where to find what is not."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.message import ReceivedMessage
from pytest_smtpserver.protocol.answers.proposals import propose
from pytest_smtpserver.protocol.sasl.credentials import Credentials
from pytest_smtpserver.protocol.state.session_state import SessionState
from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.script.event import Event

from .test_rules import NOW, session


def at(line: str) -> Event:
    """The event of a command that the server has looked at."""
    command = Command.parse(line.encode() + b"\r\n")
    state = SessionState(Settings(), lambda: ("nonce", b"salt"))
    state.enter(State.MAIL if command.verb == "RCPT" else State.READY)
    propose(state, command)
    return Event(command.verb, session(), command=command)


def test_the_address_of_mail_has_its_parameters() -> None:
    """RFC 1870, RFC 6152, RFC 3461: as sent, and as values."""
    event = at(
        "MAIL FROM:<ada@example.org> SIZE=120 body=8bitmime RET=HDRS ENVID=a+2Bb"
    )
    address = event.address
    assert address == "ada@example.org"
    assert (address.local_part, address.domain) == ("ada", "example.org")
    assert address.parameters == {
        "SIZE": "120",
        "BODY": "8bitmime",
        "RET": "HDRS",
        "ENVID": "a+2Bb",
    }
    assert (address.declared_size, address.body) == (120, "8BITMIME")
    assert (address.ret, address.envid, address.smtputf8) == ("HDRS", "a+b", False)


def test_the_address_of_rcpt_has_its_parameters() -> None:
    """RFC 3461 §4.1 and §4.2."""
    address = at(
        "RCPT TO:<bob@example.org> NOTIFY=success,DELAY ORCPT=rfc822;b@x"
    ).address
    assert address == "bob@example.org"
    assert address.notify == ["SUCCESS", "DELAY"]
    assert address.orcpt == "rfc822;b@x"
    assert address.reply is None


def test_a_malformed_address_is_read_as_well_as_it_goes() -> None:
    """The server refuses it; a handler may look at it, and accept it."""
    assert at("MAIL FROM:ada@@example").address == "ada@@example"
    assert at("RCPT nothing").address == "nothing"
    assert at("MAIL").address == ""


@pytest.mark.parametrize(
    ("name", "attribute", "told"),
    [
        ("EHLO", "address", "'MAIL' and 'RCPT', not at 'EHLO'"),
        ("MESSAGE", "address", "'MAIL' and 'RCPT', not at 'MESSAGE'"),
        ("CONNECT", "command", "such as 'RCPT', not at 'CONNECT'"),
        ("CONNECT", "message", "'MESSAGE', not at 'CONNECT'"),
        ("MAIL", "message", "'MESSAGE', not at 'MAIL'"),
        ("MAIL", "auth", "'CREDENTIALS', and at 'AUTH' .*, not at 'MAIL'"),
        ("AUTH", "auth", "'CREDENTIALS', and at 'AUTH' .*, not at 'AUTH'"),
        ("MESSAGE", "chunks", "'CONTENT', not at 'MESSAGE'"),
    ],
)
def test_what_there_is_not_says_where_it_is(
    name: str, attribute: str, told: str
) -> None:
    """An attribute that is None would fail a line later, with less to say."""
    with pytest.raises(RuntimeError, match=told):
        getattr(Event(name, session()), attribute)


def test_what_there_is() -> None:
    """Each at its event."""
    record = session()
    received = ReceivedMessage(b"\r\n", Envelope(Address("")), record, received_at=NOW)
    shown = Credentials("PLAIN", "ada", password="lovelace")
    command = Command.parse(b"AUTH PLAIN\r\n")
    assert Event("MESSAGE", record, message=received).message is received
    assert Event("CREDENTIALS", record, auth=shown).auth is shown
    event = Event("AUTH", record, command=command, auth=shown)
    assert (event.command, event.auth) == (command, shown)
    assert repr(event) == "<Event AUTH AUTH PLAIN>"
    assert repr(Event("CONNECT", record)) == "<Event CONNECT >"


def test_an_event_is_shown_without_secrets_and_controls() -> None:
    """pytest prints the arguments of a handler that has raised."""
    assert repr(at("AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==")) == (
        "<Event AUTH AUTH PLAIN ********>"
    )
    assert repr(at("RCPT TO:<a\u202e@b>")) == "<Event RCPT RCPT TO:<a\\u202e@b>>"
