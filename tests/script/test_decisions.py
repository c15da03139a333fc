"""What a handler decides at an event, and what a rule is matched against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.script.conditions import Conditions, subject_of
from pytest_smtpserver.script.event import Event, Refusal

from .test_rules import session

if TYPE_CHECKING:
    from collections.abc import Callable


def command(line: str) -> Event:
    parsed = Command.parse(line.encode() + b"\r\n")
    return Event(parsed.verb, session(), command=parsed)


def test_credentials_are_accepted() -> None:
    """RFC 4954 §6: 235 2.7.0."""
    event = Event("CREDENTIALS", session())
    event.accept("ada")
    assert event.user == "ada"
    assert str(event.decided) == "235 2.7.0 Authentication succeeded"


@pytest.mark.parametrize("user", [None, "", 0, False])
def test_a_user_that_is_nobody_is_a_refusal(user: object) -> None:
    """RFC 4954 §6: 535 5.7.8."""
    event = Event("CREDENTIALS", session())
    event.accept(user)
    assert str(event.decided) == "535 5.7.8 Authentication credentials invalid"


@pytest.mark.parametrize(
    ("given", "reply"),
    [
        ({}, "535 5.7.8 Authentication credentials invalid"),
        ({"code": 454}, "454 4.7.0 Authentication refused"),
        ({"code": 400}, "400 4.7.0 Authentication refused"),
        ({"code": 599}, "599 5.7.0 Authentication refused"),
        ({"code": 534, "text": "5.7.9 Too weak"}, "534 5.7.9 Too weak"),
    ],
)
def test_credentials_are_refused(given: dict[str, Any], reply: str) -> None:
    event = Event("CREDENTIALS", session())
    event.refuse(**given, data={"status": "x"})
    assert str(event.decided) == reply
    assert isinstance(event.decided, Refusal)
    assert event.decided.data == {"status": "x"}


@pytest.mark.parametrize("code", [235, 399, 600])
def test_a_code_that_refuses_nothing(code: int) -> None:
    event = Event("CREDENTIALS", session())
    with pytest.raises(ValueError, match=f"from 400 to 599, not {code}"):
        event.refuse(code)
    assert event.decided is None


def test_a_message_is_kept_or_not() -> None:
    event = Event("MESSAGE", session())
    assert event.kept is None
    event.store()
    assert event.kept is True
    event.discard()
    assert event.kept is False


@pytest.mark.parametrize(
    ("method", "name"),
    [
        (lambda event: event.accept("x"), "accept"),
        (lambda event: event.refuse(), "refuse"),
        (lambda event: event.store(), "store"),
        (lambda event: event.discard(), "discard"),
    ],
)
def test_a_decision_at_another_event(
    method: Callable[[Event], None], name: str
) -> None:
    where = "CREDENTIALS" if name in ("accept", "refuse") else "MESSAGE"
    with pytest.raises(RuntimeError) as raised:
        method(Event("MAIL", session()))
    assert str(raised.value) == f"event.{name}() is for {where!r}, not 'MAIL'"


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (command("AUTH plain abc"), "PLAIN"),
        (command("NOOP a b"), "a b"),
        (command("NOOP"), ""),
        (Event("CONNECT", session()), session().remote_address[0]),
        (Event("CLOSE", session()), session().remote_address[0]),
        (Event("SECURE", session()), None),
        (Event("CREDENTIALS", session()), None),
        (Event("CONTENT", session()), None),
        (Event("MESSAGE", session()), None),
    ],
)
def test_what_a_match_is_tried_against(event: Event, subject: str | None) -> None:
    assert subject_of(event) == subject


@pytest.mark.parametrize(
    ("name", "match", "event", "miss"),
    [
        ("AUTH", "plain", command("AUTH PLAIN"), None),
        ("AUTH", "LOGIN", command("AUTH PLAIN"), "AUTH 'PLAIN'"),
        ("NOOP", "a b", command("NOOP a b"), None),
        ("NOOP", "A B", command("NOOP a b"), "NOOP 'a b' (they differ in upper"),
        # Nothing to match: no SNI, no name, no recipient.
        ("SECURE", "mx", Event("SECURE", session()), "SECURE None"),
        ("NOOP", None, command("NOOP"), None),
    ],
)
def test_a_match(name: str, match: object, event: Event, miss: str | None) -> None:
    found = Conditions(name, match, {}).miss(event)
    assert found is None if miss is None else str(found).startswith(miss)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("*", "no command came"),
        ("RCTP", "no RCTP command came; did you mean 'RCPT'?"),
        ("XYZZY", "no XYZZY command came"),
        ("RCPT", "no RCPT command came"),
        ("SECURE", "no SECURE moment came"),
    ],
)
def test_why_a_rule_was_not_used(event: str, told: str) -> None:
    from pytest_smtpserver.script.complaint import complaint

    server = SMTPServer(tls="starttls")
    rule = server.on(event).reply(450)
    lines = complaint([rule]).split("\n")
    assert lines[0] == "A rule was never used:"
    assert lines[1] == f"  {rule!r}, made at {rule.made_at}"
    assert lines[2] == f"      {told}"
    assert lines[3] == "If that is all right, add .optional() to the rule."


def test_several_rules_are_complained_about_together() -> None:
    from pytest_smtpserver.script.complaint import complaint

    server = SMTPServer()
    rules = [server.on("MAIL").reply(450), server.on("VRFY").reply(250)]
    lines = complaint(rules).split("\n")
    assert lines[0] == "Rules were never used:"
    assert len(lines) == 6
    rules[0].optional()
    assert complaint(rules).startswith("A rule was never used:\n  on('VRFY')")
    rules[1].optional()
    assert complaint(rules) == ""


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda on: on("CLOSE").reply(250), ".reply(250) makes no sense at 'CLOSE'"),
        (
            lambda on: on("HANDSHAKE").reply(454),
            ".reply(454) makes no sense at 'HANDSHAKE', where no reply is due",
        ),
        (
            lambda on: on("HANDSHAKE").half_close(after=3),
            ".half_close(after=...) is for 'CONTENT'",
        ),
        (
            lambda on: on("MAIL").throttle(0),
            "throttle takes more than 0 bytes per second",
        ),
        (lambda on: on("MAIL").store(), ".store() is for 'MESSAGE'"),
        (lambda on: on("RCPT").discard(), ".discard() is for 'MESSAGE'"),
        (
            lambda on: on("MAIL").reset(after=3),
            "'CONTENT' and 'HANDSHAKE', this rule is for 'MAIL'",
        ),
    ],
)
def test_an_action_at_the_wrong_event(write: Callable[[Any], Any], told: str) -> None:
    with pytest.raises(ValueError, match=r"is|makes|takes") as raised:
        write(SMTPServer(tls="starttls").on)
    assert told in str(raised.value)
