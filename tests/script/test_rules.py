"""Rules by themselves: which one has something to do, and how often."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from pytest_smtpserver import ReceivedMessage, Rule, RuleNotUsed, SessionRecord
from pytest_smtpserver.protocol.syntax.addresses import Address, parse_rcpt_argument
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.script.event import Event
from pytest_smtpserver.script.script import Script

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def session(number: int = 1) -> SessionRecord:
    """A session that has only begun."""
    return SessionRecord(str(number), ("127.0.0.1", 4), ("127.0.0.1", 5), NOW)


def script(**handlers: Any) -> Script:
    """A script without rules."""
    return Script(handlers, lambda: NOW)


def on(rules: Script, event: str, match: object = None, **criteria: Any) -> Rule:
    """Make a rule as `SMTPServer.on` does."""
    first = criteria.pop("first", False)
    return rules.add(event, match, criteria, first=first, made_at="test_it.py:7")


def noop(of: SessionRecord | None = None) -> Event:
    """A NOOP came."""
    return Event("NOOP", of or session(), command=Command.parse(b"NOOP\r\n"))


def done(rules: Script, event: Event) -> list[str]:
    """What the script does at an event, in words."""
    decision = rules.decide(event)
    return [] if decision is None else [str(action) for action in decision.actions]


def codes(rules: Script, times: int, of: SessionRecord | None = None) -> list[str]:
    """What so many NOOPs get: ``-`` for the usual."""
    replies = (done(rules, noop(of)) for _ in range(times))
    return [reply[0][6:9] if reply else "-" for reply in replies]


def test_the_first_rule_that_matches_wins() -> None:
    """In the order in which they were made; `first=True` goes to the front."""
    rules = script()
    on(rules, "NOOP").reply(451)
    on(rules, "NOOP").reply(452).optional()
    assert codes(rules, 1) == ["451"]
    on(rules, "noop", first=True).reply(450)
    assert codes(rules, 1) == ["450"]
    assert [rule.called for rule in rules.rules] == [True, True, False]


def test_a_rule_for_any_command() -> None:
    """`*` is every command, and no moment."""
    rules = script()
    on(rules, "*").reply(421)
    assert codes(rules, 1) == ["421"]
    assert done(rules, Event("CONNECT", session())) == []


def test_a_rule_without_actions_looks_on() -> None:
    """It counts, and stands in nobody's way."""
    rules = script()
    spy = on(rules, "NOOP")
    on(rules, "NOOP").reply(451)
    assert codes(rules, 2) == ["451", "451"]
    assert len(spy.calls) == 2
    call = spy.calls[0]
    assert (str(call.command), call.time) == ("NOOP", NOW)


@pytest.mark.parametrize(
    ("how_often", "expected"),
    [
        ("once()", "451 - - - - -"),
        ("times(2)", "451 451 - - - -"),
        ("after(2)", "- - 451 451 451 451"),
        ("after(0)", "451 451 451 451 451 451"),
        ("after(2).times(2)", "- - 451 451 - -"),
        ("every(2)", "- 451 - 451 - 451"),
        ("every(3).once()", "- - 451 - - -"),
        ("after(1).every(2)", "- - 451 - 451 -"),
        ("chance(0, seed=1)", "- - - - - -"),
        ("chance(1, seed=1)", "451 451 451 451 451 451"),
    ],
)
def test_how_often(how_often: str, expected: str) -> None:
    """Each alone and together, over six matches."""
    rules = script()
    rule = on(rules, "NOOP").reply(451)
    for name, arguments in re.findall(r"(\w+)\(([^)]*)\)", how_often):
        given = [int(n) for n in re.findall(r"^\d+", arguments)]
        seed = {"seed": 1} if "seed" in arguments else {}
        assert getattr(rule, name)(*given, **seed) is rule
    assert " ".join(codes(rules, 6)) == expected


def test_stages() -> None:
    """What `.then()` begins is for the matches after those before it."""
    rules = script()
    rule = on(rules, "NOOP").reply(451).once().then().reply(452).times(2)
    rule.then().after(1).reply(453)
    assert codes(rules, 6) == ["451", "452", "452", "-", "453", "453"]
    assert len(rule.calls) == 5


def test_a_rule_that_is_used_up_steps_aside() -> None:
    """For the rule behind it."""
    rules = script()
    on(rules, "NOOP").reply(451).once()
    on(rules, "NOOP").reply(452).once()
    assert codes(rules, 3) == ["451", "452", "-"]


def test_chance_is_the_same_in_every_run() -> None:
    """The seed decides, and some are hit and some are not."""
    runs = []
    for seed in (7, 7, 8):
        rules = script()
        on(rules, "NOOP").reply(451).chance(0.5, seed=seed)
        runs.append(codes(rules, 50))
    assert runs[0] == runs[1] != runs[2]
    assert 10 < runs[0].count("451") < 40


def test_counting_for_each_connection() -> None:
    """With `.per_connection()` each begins anew; without it they count together."""
    one, two = session(1), session(2)
    rules = script()
    on(rules, "NOOP").reply(451).once().per_connection()
    assert codes(rules, 2, one) + codes(rules, 2, two) == ["451", "-", "451", "-"]
    rules = script()
    on(rules, "NOOP").reply(451).once()
    assert codes(rules, 2, one) + codes(rules, 2, two) == ["451", "-", "-", "-"]


def recipient(address: Address) -> Event:
    """A RCPT came."""
    command = Command.parse(f"RCPT TO:<{address}>\r\n".encode())
    command.address = address
    return Event("RCPT", session(), command=command)


def parsed(text: str) -> Address:
    """An address as it is after parsing."""
    return parse_rcpt_argument(f"TO:<{text}>".encode())


@pytest.mark.parametrize(
    ("match", "applies"),
    [
        ("bob@example.org", True),
        ("bob@EXAMPLE.ORG", True),
        ("BOB@example.org", False),
        ("bob", False),
        (re.compile("^bob@"), True),
        (re.compile("^carl@"), False),
        (lambda address: address.endswith(".org"), True),
        (lambda address: address.domain == "example.com", False),
        (None, True),
    ],
)
def test_match_for_addresses(match: Any, applies: bool) -> None:
    """A str is equal (the domain in any case), a pattern is found, a function asked."""
    rules = script()
    on(rules, "RCPT", match).reply(550)
    assert bool(done(rules, recipient(parsed("bob@example.org")))) is applies


@pytest.mark.parametrize(
    ("criteria", "applies"),
    [
        ({"rcpt_to": "bob@example.org"}, True),
        ({"rcpt_to": "carl@example.org"}, False),
        ({"mail_from": "ada@example.org"}, False),
        ({"tls": False}, True),
        ({"tls": True}, False),
        ({"helo": "client.example.org"}, True),
        ({"helo": "other.example.org"}, False),
        ({"user": "ada"}, True),
        ({"user": "bob"}, False),
        ({"user": "ada", "tls": True}, False),
        ({"where": lambda event: event.command.verb == "RCPT"}, True),
        ({"where": lambda event: False}, False),
    ],
)
def test_criteria(criteria: dict[str, Any], applies: bool) -> None:
    """All of them have to be met."""
    rules = script()
    on(rules, "RCPT", **criteria).reply(550)
    event = recipient(parsed("bob@example.org"))
    event.session.helo, event.session.user = "client.example.org", "ada"
    assert bool(done(rules, event)) is applies


@pytest.mark.parametrize(("sender", "applies"), [("ada", True), ("bob", False)])
def test_the_sender_is_there_at_its_own_command(sender: str, applies: bool) -> None:
    """Although there is no envelope yet."""
    rules = script()
    on(rules, "MAIL", mail_from="ada@example.org").reply(451)
    command = Command.parse(f"MAIL FROM:<{sender}@example.org>\r\n".encode())
    event = Event("MAIL", session(), command=command)
    assert bool(done(rules, event)) is applies


def test_unused_rules_are_complained_of() -> None:
    """What they are, where they were made, what came close, and the way out."""
    rules = script()
    on(rules, "RCPT", "bob@example.org").reply(550, "5.1.1 No such user")
    on(rules, "DATA").disconnect()
    on(rules, "SECURE").disconnect()
    on(rules, "MAIL").reply(451).optional()
    on(rules, "NOOP").reply(250)
    done(rules, noop())
    done(rules, recipient(parsed("rob@example.org")))
    complaint = rules.check_used()
    assert isinstance(complaint, RuleNotUsed)
    refusal = "on('RCPT', 'bob@example.org').reply(550 5.1.1 No such user)"
    assert str(complaint).split("\n") == [
        "Rules were never used:",
        f"  {refusal}, made at test_it.py:7",
        "      came close: RCPT 'rob@example.org'",
        "  on('DATA').disconnect(), made at test_it.py:7",
        "      no DATA command came",
        "  on('SECURE').disconnect(), made at test_it.py:7",
        "      no SECURE moment came",
        "If that is all right, add .optional() to the rule.",
    ]
    rules.rules.clear()
    assert rules.check_used() is None


def test_a_script_that_had_a_rule_has_been_used() -> None:
    """What the rule began may still go on: a throttle, a cut in the content."""
    rules = script()
    assert (rules.any_rules, rules.was_used) == (False, False)
    on(rules, "CONTENT").throttle(1000)
    assert (rules.any_rules, rules.was_used) == (True, True)
    rules.rules.clear()
    assert (rules.any_rules, rules.was_used) == (False, True)


def test_handlers_come_last_and_stay() -> None:
    """They are rules behind all rules, optional, and not forgotten."""
    rules = script(NOOP=print)
    assert rules.check_used() is None
    on(rules, "NOOP").reply(451).once()
    assert codes(rules, 1) == ["451"]
    rules.rules.clear()
    assert done(rules, noop())


MISTAKES: list[tuple[Any, type[Exception], str]] = [
    (lambda rule: rule.reply("550"), TypeError, "550"),
    (lambda rule: rule.reply("550 No"), TypeError, "text is an argument of its own"),
    (lambda rule: rule.reply(42), ValueError, "42"),
    (lambda rule: rule.reply(250, "one\r\n250 two"), ValueError, "CR|LF"),
    (lambda rule: rule.reply(250, "5.1.1 no"), ValueError, "5.1.1"),
    (lambda rule: rule.send("250 OK"), TypeError, "send takes bytes"),
    (lambda rule: rule.delay(-1), ValueError, "at least 0"),
    (lambda rule: rule.delay("1"), TypeError, "a number"),
    (lambda rule: rule.throttle(0), ValueError, "more than 0"),
    (lambda rule: rule.times(0), ValueError, "at least 1"),
    (lambda rule: rule.times(1.5), TypeError, "whole number"),
    (lambda rule: rule.after(-1), ValueError, "at least 1|at least 0"),
    (lambda rule: rule.every(0), ValueError, "at least 1"),
    (lambda rule: rule.chance(1.1, seed=1), ValueError, "from 0 to 1"),
    (lambda rule: rule.chance("0.5", seed=1), TypeError, "a number from 0 to 1"),
    (lambda rule: rule.chance(0.5, seed=None), TypeError, "every run is the same"),
    (lambda rule: rule.reply(250, None, "more"), TypeError, "no further lines"),
    (lambda rule: rule.reply(250, "\ud800"), ValueError, "surrogates"),
    (lambda rule: rule.delay(float("inf")), ValueError, "hang"),
    (lambda rule: rule.half_close().reply(250), ValueError, "nothing can be sent"),
    (lambda rule: rule.half_close().send(b"x"), ValueError, "nothing can be sent"),
    (lambda rule: rule.half_close().half_close(), ValueError, "nothing can be sent"),
    (lambda rule: rule.call("handler"), TypeError, "a handler is a function"),
    (lambda rule: rule.call(lambda: None), TypeError, "called with the event alone"),
    (
        lambda rule: rule.call(lambda server, session, envelope: None),
        TypeError,
        r"<lambda>\(server, session, envelope\) cannot be: missing .*event has .session",
    ),
    (lambda rule: rule.reply(250).then(), ValueError, "without an end"),
    (lambda rule: rule.hang().reply(250), ValueError, "would never happen"),
    (lambda rule: rule.disconnect().reset(), ValueError, "would never happen"),
    (lambda rule: rule.disconnect(after=3), ValueError, "'CONTENT'"),
    (lambda rule: rule.store(), ValueError, "'MESSAGE'"),
    (lambda rule: rule.discard(), ValueError, "'MESSAGE'"),
]


@pytest.mark.parametrize(("mistake", "error", "text"), MISTAKES)
def test_mistakes_raise_where_they_are_made(
    mistake: Any, error: type[Exception], text: str
) -> None:
    """In the line of the test that has them."""
    rule = on(script(), "NOOP")
    with pytest.raises(error, match=text):
        mistake(rule)


@pytest.mark.parametrize(
    ("event", "criteria", "error", "text"),
    [
        (3, {}, TypeError, "a verb or a moment"),
        ("", {}, ValueError, "one verb"),
        ("MAIL FROM", {}, ValueError, "one verb"),
        ("MESAGE D", {}, ValueError, "did you mean 'MESSAGE'"),
        # Hooks of aiosmtpd, of npm's smtp-server, and commands as they are sent.
        ("handle_RCPT", {}, ValueError, "not 'handle_RCPT'; here it is 'RCPT'$"),
        (
            "Ada@example.org",
            {},
            ValueError,
            r"; write on\('RCPT', 'Ada@example.org'\)$",
        ),
        ("handle_DATA", {}, ValueError, "'MESSAGE' for a whole message, 'DATA' for"),
        ("handle_STARTTLS", {}, ValueError, "'SECURE' once TLS is up"),
        ("handle_exception", {}, ValueError, "smtp_server.errors"),
        ("auth_PLAIN", {}, ValueError, r"on\('AUTH', 'PLAIN'\)"),
        ("onRcptTo", {}, ValueError, "here it is 'RCPT'$"),
        ("onMailFrom", {}, ValueError, "here it is 'MAIL'$"),
        ("hello", {}, ValueError, "here it is 'EHLO' or 'HELO'$"),
        ("onConnect", {}, ValueError, "here it is 'CONNECT'$"),
        ("onQuit", {}, ValueError, "here it is 'QUIT'$"),
        ("connection_lost", {}, ValueError, "here it is 'CLOSE'$"),
        ("handle_nothing", {}, ValueError, "written in upper case"),
        ("rcpt to", {}, ValueError, "here it is 'RCPT'$"),
        ("rcpt_to", {}, ValueError, "here it is 'RCPT'$"),
        ("login", {}, ValueError, "'CREDENTIALS' or 'AUTH'"),
        (
            "RCPT TO:<bob@example.org>",
            {},
            ValueError,
            r"write on\('RCPT', 'bob@example.org'\)",
        ),
        ("MAIL FROM:<>", {}, ValueError, r"write on\('MAIL', ''\)"),
        ("EHLO client", {}, ValueError, r"write on\('EHLO', 'client'\)"),
        ("RCPT", {"subject": "x"}, TypeError, "no criterion for 'RCPT' 'subject'"),
        ("RCPT", {"recipient": "x"}, TypeError, "no criterion for 'RCPT'"),
        ("RCPT", {"reply": 550}, TypeError, r"here it is \.reply\(code, text\)"),
        ("AUTH", {"mechanism": "PLAIN"}, TypeError, r"on\('AUTH', 'PLAIN'\)"),
        ("RCPT", {"tls": "yes"}, TypeError, "tls is True or False"),
        ("RCPT", {"where": "x"}, TypeError, "where is a function"),
    ],
)
def test_events_and_criteria_that_there_are_not(
    event: Any, criteria: dict[str, Any], error: type[Exception], text: str
) -> None:
    """A mistyped name never waits for something that does not come."""
    with pytest.raises(error, match=text):
        on(script(), event, **criteria)


@pytest.mark.parametrize("handler", [print, max, [].append, lambda event=None: None])
def test_what_can_be_called_with_an_event(handler: Any) -> None:
    """Also what does not tell how it is called."""
    rule = on(script(), "NOOP").call(handler)
    assert repr(rule).startswith("on('NOOP').call(")


@pytest.mark.parametrize("match", [["a@x.example"], ("a@x.example",), {"a@x.example"}])
def test_a_match_is_no_list(match: object) -> None:
    """No str is equal to one, so the rule would never be used."""
    with pytest.raises(TypeError, match="a rule for each, or give a function"):
        on(script(), "RCPT", match)


@pytest.mark.parametrize(
    "verb", ["XFOO", "xFooBar", "rcpt", "FOO", "LOGIN", "X_Y", "*"]
)
def test_a_verb_may_be_unknown(verb: str) -> None:
    """In any case where it begins with X (RFC 5321 §4.1.5); else in upper case."""
    assert on(script(), verb).event == verb.upper()


def message(subject: str) -> Event:
    """A message is complete."""
    record = session()
    received = ReceivedMessage(
        f"Subject: {subject}\r\n\r\n".encode(),
        Envelope(parsed("ada@example.org")),
        record,
        received_at=NOW,
    )
    return Event("MESSAGE", record, message=received)


def near_misses(event: Event, match: object = None, **criteria: Any) -> str:
    """What the complaint about a rule says that has seen an event twice."""
    rules = script()
    on(rules, event.name, match, **criteria).reply(550)
    done(rules, event)
    done(rules, event)
    return str(rules.check_used()).split("\n")[2].strip()


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"mail_from": "ada@example.org"}, "with mail_from None"),
        ({"rcpt_to": "carl@example.org"}, "with rcpt_to ['bob@example.org']"),
        ({"helo": "other.example.org"}, "with helo 'client.example.org'"),
        ({"user": "bob"}, "with user 'ada'"),
        ({"tls": True}, "without TLS"),
        ({"where": lambda event: False}, "for which where was false"),
    ],
)
def test_what_came_close(criteria: dict[str, Any], found: str) -> None:
    """What was there in place of what the rule wants, each once."""
    event = recipient(parsed("bob@example.org"))
    event.session.helo, event.session.user = "client.example.org", "ada"
    assert near_misses(event, **criteria) == f"came close: RCPT {found}"


def test_what_message_came_close() -> None:
    """The first criterion that it does not meet; long values are cut short."""
    assert near_misses(message("hello"), subject="Other") == (
        "came close: a message with subject 'hello'"
    )
    assert near_misses(message("x" * 500), subject="Other").endswith("xxx…")


class NoOrdinaryException(BaseException):
    """Such as those of pytest.fail and sys.exit."""


@pytest.mark.parametrize(
    ("raised", "reported"),
    [(ArithmeticError("no"), ArithmeticError), (NoOrdinaryException(), RuntimeError)],
)
def test_a_condition_that_raises(
    raised: BaseException, reported: type[Exception]
) -> None:
    """The test hears of that, and not of an unused rule on top."""

    def condition(event: Event) -> bool:
        raise raised

    rules = script()
    on(rules, "NOOP", where=condition).reply(451)
    with pytest.raises(reported):
        done(rules, noop())
    assert rules.check_used() is None
