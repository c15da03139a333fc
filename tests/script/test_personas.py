"""Personas by themselves: whom they refuse, what they count, what they complain about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import ReceivedMessage, Reply, personas
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.script.actions import Call, Delay, SendReply
from pytest_smtpserver.script.event import Event

from .test_rules import NOW, on, script, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import SessionRecord
    from pytest_smtpserver.script.script import Script

ADA, BOB = "ada@example.org", "bob@example.org"
#: A type checker sees wrong arguments too.
UNTYPED: Any = personas


def playing(*played: personas.Persona) -> Script:
    """A script with these personas, as `SMTPServer.play` makes it."""
    rules = script()
    for persona in played:
        for rule in persona.rules():
            rules.add_persona(rule, persona.name, "test_it.py:7")
    return rules


def rcpt(
    address: str = BOB,
    sender: str = ADA,
    of: SessionRecord | None = None,
    proposed: Reply = standard.RECIPIENT_OK,
) -> Event:
    """A RCPT came."""
    command = Command.parse(f"RCPT TO:<{address}>\r\n".encode())
    command.address = Address(address)
    event = Event("RCPT", of or session(), command=command, proposed=proposed)
    event.envelope = Envelope(Address(sender))
    return event


def said(rules: Script, event: Event) -> str:
    """The reply of the script; ``""`` for none."""
    decision = rules.decide(event)
    if decision is None:
        return ""
    (action,) = decision.actions
    if isinstance(action, Call):
        return str(action.handler(event) or "")
    assert isinstance(action, SendReply)
    return str(action.reply)


def codes(rules: Script, *events: Event) -> list[str]:
    """The reply codes of the script; ``-`` for the usual."""
    return [said(rules, event)[:3] or "-" for event in events]


def from_address(client: str) -> SessionRecord:
    """A session with a client that comes from there."""
    record = session()
    record.remote_address = (client, 4)
    return record


def test_greylisting_counts_triples() -> None:
    """Another sender, recipient or client is another stranger; the case is none."""
    rules = playing(personas.greylisting(tries=2))
    assert codes(rules, rcpt(), rcpt(), rcpt(), rcpt()) == ["451", "451", "-", "-"]
    assert codes(rules, rcpt("BOB@Example.ORG", "Ada@example.org")) == ["-"]
    assert codes(rules, rcpt(ADA), rcpt(sender=""), rcpt(sender=BOB)) == ["451"] * 3
    elsewhere = rcpt(of=from_address("192.0.2.7"))
    assert codes(rules, elsewhere, elsewhere, elsewhere) == ["451", "451", "-"]


def test_what_is_refused_anyway_is_no_attempt() -> None:
    """A recipient that is refused for another reason is not counted, and not masked."""
    refused = rcpt(proposed=standard.TOO_MANY_RECIPIENTS)
    for persona in (
        personas.greylisting(),
        personas.rate_limit(1, per="recipient"),
        personas.full_mailbox(),
        personas.unknown_users([]),
        personas.gmail(refuse={BOB: "no such user"}),
    ):
        # Gmail has its own words for that, with the same code.
        assert codes(playing(persona), refused)[0] in ("-", "452"), persona
    rules = playing(personas.greylisting())
    assert codes(rules, refused, rcpt(), rcpt()) == ["-", "451", "-"]


def test_a_malformed_recipient_is_no_unknown_user() -> None:
    """It has no address; 501 stays 501."""
    event = rcpt(proposed=standard.syntax_error("RCPT TO:<address>"))
    event.command.address = None
    assert codes(playing(personas.unknown_users([ADA])), event) == ["-"]


def test_unknown_users() -> None:
    """A list of what rules match: the domain in any case, patterns, functions."""
    known = [ADA, re.compile("^team-"), lambda address: address.endswith("@b.example")]
    rules = playing(personas.unknown_users(known))
    for address in ("ada@EXAMPLE.org", "team-7@example.org", "x@b.example"):
        assert said(rules, rcpt(address)) == ""
    assert said(rules, rcpt("{eve}@example.org")) == (
        "550 5.1.1 <{eve}@example.org>: Recipient address rejected: User unknown in "
        "local recipient table"
    )


@pytest.mark.parametrize(
    ("persona", "address", "expected"),
    [
        (personas.full_mailbox(), ADA, "452 4.2.2"),
        (personas.full_mailbox(BOB), ADA, ""),
        (personas.full_mailbox(ADA, BOB), BOB, "452 4.2.2"),
        (personas.full_mailbox(re.compile("^b"), permanent=True), BOB, "552 5.2.2"),
    ],
)
def test_full_mailboxes(persona: personas.Persona, address: str, expected: str) -> None:
    """All, or those that are given."""
    text = f" <{address}> Quota exceeded (mailbox for user is full)"
    assert said(playing(persona), rcpt(address)) == expected + text * bool(expected)


def test_braces_in_names_are_no_placeholders() -> None:
    """Texts are filled in once."""
    rules = playing(personas.blocklisted("{client}.example"))
    event = Event("CONNECT", session(), proposed=standard.OK)
    assert said(rules, event) == (
        "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using "
        "{client}.example"
    )


def test_each_time_it_is_played_it_begins_anew() -> None:
    """One persona on two servers: neither knows what the other has seen."""
    persona = personas.greylisting()
    one, other = playing(persona), playing(persona)
    assert codes(one, rcpt(), rcpt()) == ["451", "-"]
    assert codes(other, rcpt(), rcpt()) == ["451", "-"]
    one.rules.clear()
    assert codes(one, rcpt(BOB, "new@example.org")) == ["-"]


def test_several_personas() -> None:
    """The first that has something to say does, in the order in which they are played."""
    rules = playing(
        personas.unknown_users([ADA, BOB]),
        personas.greylisting(),
        personas.full_mailbox(BOB, permanent=True),
    )
    assert codes(rules, rcpt("eve@example.org")) == ["550"]
    assert codes(rules, rcpt(ADA), rcpt(ADA)) == ["451", "-"]
    assert codes(rules, rcpt(BOB), rcpt(BOB)) == ["451", "552"]


@pytest.mark.parametrize(
    ("client", "shown"), [("192.0.2.7", "192.0.2.7"), ("", "127.0.0.1")]
)
def test_a_blocked_client_is_named(client: str, shown: str) -> None:
    """By its address; over a Unix socket, which has none, as Postfix does."""
    event = Event("CONNECT", from_address(client), proposed=Reply(220, "x"))
    told = said(playing(personas.blocklisted("bl.example")), event)
    assert told == (
        f"554 5.7.1 Service unavailable; Client host [{shown}] blocked using bl.example"
    )


def test_a_tarpit_waits_and_leaves_the_rest_to_others() -> None:
    """What comes after it in the order has its say, once the wait is over."""
    rules = playing(personas.tarpit(3), personas.unknown_users([ADA]))
    waits, says = rules.decide(rcpt(BOB)) or pytest.fail("nothing was decided")
    assert says[0] == Delay(3)
    assert isinstance(says[1], Call)
    assert waits.persona == f"unknown_users(['{ADA}'])"
    assert (rules.decide(rcpt(ADA)) or pytest.fail("no wait")).actions == [Delay(3)]


def test_a_tarpit_waits_once_for_each_reply() -> None:
    """A reply of a moment's own waits; one to AUTH or BDAT has waited as a command.

    RFC 4954 §4: after a challenge the verdict is the reply to a response. RFC 3030 §2: a
    BDAT has one reply; with LMTP the other recipients have replies of their own.
    """
    rules = playing(personas.tarpit(3))
    auth = Event(
        "CREDENTIALS", session(), command=Command.parse(b"AUTH PLAIN AGEAYg==")
    )
    assert rules.decide(auth) is None
    assert rules.decide(Event("CREDENTIALS", session())) is not None
    first, second = Address(ADA), Address(BOB)
    made = Envelope(Address(ADA))
    made.rcpt_to += [first, second]
    for chunks, waits in (((), (True, True, True)), ((4,), (False, False, True))):
        message = ReceivedMessage(
            b"Hi\r\n", made, session(), received_at=NOW, chunks=chunks
        )
        for recipient, expected in zip((None, first, second), waits, strict=True):
            event = Event("MESSAGE", session(), message=message, recipient=recipient)
            assert (rules.decide(event) is not None) is expected, (chunks, recipient)


def test_the_tests_own_rules_come_first() -> None:
    """Those that were made before, and those that are made later."""
    rules = script()
    on(rules, "RCPT", ADA).reply(553, "5.1.3 No")
    for rule in personas.full_mailbox().rules():
        rules.add_persona(rule, "full_mailbox()", "test_it.py:7")
    on(rules, "RCPT", BOB).reply(554, "5.7.1 No")
    assert codes(rules, rcpt(ADA), rcpt(BOB), rcpt("eve@example.org")) == [
        "553",
        "554",
        "452",
    ]
    assert [rule.persona for rule in rules.rules] == [None, None, "full_mailbox()"]


def test_rules_of_personas_are_optional() -> None:
    """None of them has to be used; and they tell where they are from."""
    rules = playing(personas.greylisting(tries=2), personas.gmail())
    assert rules.check_used() is None
    assert rules.rules[0].made_at == (
        "the persona greylisting(tries=2), played at test_it.py:7"
    )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: UNTYPED.greylisting(0),
            ValueError,
            "greylisting: tries is at least 1, not 0",
        ),
        (
            lambda: UNTYPED.greylisting("2"),
            TypeError,
            "greylisting: tries is a whole number, not '2'",
        ),
        (
            lambda: UNTYPED.greylisting(True),
            TypeError,
            "greylisting: tries is a whole number, not True",
        ),
        (
            lambda: UNTYPED.rate_limit(0),
            ValueError,
            "rate_limit: messages is at least 1, not 0",
        ),
        (
            lambda: UNTYPED.rate_limit(1.5),
            TypeError,
            "rate_limit: messages is a whole number, not 1.5",
        ),
        (
            lambda: UNTYPED.rate_limit(1, per="hour"),
            ValueError,
            "rate_limit: per is 'connection' or 'recipient', not 'hour'",
        ),
        (
            lambda: UNTYPED.full_mailbox([ADA]),
            TypeError,
            (
                "full_mailbox: recipients are given one by one, as full_mailbox("
                "'ada@example.org', 'bob@example.org'), not ['ada@example.org']"
            ),
        ),
        (
            lambda: UNTYPED.full_mailbox(permanent=1),
            TypeError,
            "full_mailbox: permanent is True or False, not 1",
        ),
        (
            lambda: UNTYPED.unknown_users(ADA),
            TypeError,
            (
                "unknown_users: known is a list of addresses, such as "
                "['ada@example.org'], not 'ada@example.org'"
            ),
        ),
        (
            lambda: UNTYPED.unknown_users(None),
            TypeError,
            (
                "unknown_users: known is a list of addresses, such as "
                "['ada@example.org'], not None"
            ),
        ),
        (
            lambda: UNTYPED.tarpit("1"),
            TypeError,
            "tarpit: seconds is a number, not '1'",
        ),
        (
            lambda: UNTYPED.tarpit(-1),
            ValueError,
            "tarpit: seconds is a number of at least 0, not -1",
        ),
        (
            lambda: UNTYPED.tarpit(float("inf")),
            ValueError,
            "tarpit: seconds is a number of at least 0, not inf",
        ),
        (
            lambda: UNTYPED.blocklisted(None),
            TypeError,
            "blocklisted: blocklist is a str, not None",
        ),
        (
            lambda: UNTYPED.blocklisted("a\r\nb"),
            ValueError,
            (
                "blocklisted: blocklist is a name without control characters, not "
                "'a\\r\\nb'"
            ),
        ),
        (
            lambda: UNTYPED.gmail(refuse=[BOB]),
            TypeError,
            (
                "gmail: refuse is a mapping of recipients to reasons, such as "
                "{'bob@example.org': 'no such user'}, not ['bob@example.org']"
            ),
        ),
        (
            lambda: UNTYPED.postfix(refuse={BOB: 550}),
            TypeError,
            (
                "postfix: refuse has 550 for 'bob@example.org', and not one of 'no such "
                "user', 'relay denied', 'access denied', 'try again later', 'disk full'"
            ),
        ),
        (
            lambda: UNTYPED.postfix(refuse={BOB: "disk fool"}),
            ValueError,
            (
                "postfix: refuse has 'disk fool' for 'bob@example.org': there is no reason "
                "'disk fool'; did you mean 'disk full'? There are: no such user, relay "
                "denied, access denied, try again later, disk full"
            ),
        ),
    ],
)
def test_wrong_arguments(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    """The message names the argument, what was given, and what is allowed."""
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("persona", "shown"),
    [
        (personas.greylisting(), "greylisting(tries=1)"),
        (personas.rate_limit(3), "rate_limit(3, per='connection')"),
        (
            personas.full_mailbox(BOB, permanent=True),
            "full_mailbox('bob@example.org', permanent=True)",
        ),
        (
            personas.unknown_users([f"{n}@a.example" for n in range(999)]),
            (
                "unknown_users(['0@a.example', '1@a.example', '2@a.example', "
                "'3@a.example', '4@a.example', '5@a.example', ...])"
            ),
        ),
        (personas.tarpit(0.5), "tarpit(0.5)"),
        (personas.one_message_per_connection(), "one_message_per_connection()"),
        (personas.amazon_ses(), "amazon_ses()"),
        (
            personas.gmail(refuse={BOB: "disabled"}),
            "gmail({'bob@example.org': 'disabled'})",
        ),
    ],
)
def test_names(persona: personas.Persona, shown: str) -> None:
    """A persona is called as it was made; a long list is cut."""
    assert persona.name == shown
    assert repr(persona) == f"personas.{shown}"


def test_the_reasons_are_those_of_when_it_was_made() -> None:
    """A mapping that is changed later changes nothing."""
    refuse: dict[Any, Any] = {BOB: "no such user"}
    persona = personas.postfix(refuse=refuse)
    refuse.clear()
    assert codes(playing(persona), rcpt()) == ["550"]
