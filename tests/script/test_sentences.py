"""What a test author is told of a mistake in a rule: each sentence once, and whole.

It names what was given, what is allowed, and the way out; nobody has to look it up.
"""

from __future__ import annotations

import math
import re
import smtplib
from pathlib import Path
from typing import Any

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.protocol.state.events import MOMENTS
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.script.complaint import complaint
from pytest_smtpserver.script.event import Event
from pytest_smtpserver.script.personas.kinds import facts

from .test_rules import NoOrdinaryException, done, noop, on, script, session

THEN = "use .once() or .times(n) and .then() for what comes later"
TWO = (
    "two final replies in a row: reply(250) would be read as the answer to the next "
    "command. What later matches get stands behind .once() or .times(n) and .then(); "
    ".send(bytes) breaks the dialogue on purpose"
)
SHUT = "nothing can be sent after .half_close():"


@pytest.mark.parametrize(
    ("mistake", "error", "told"),
    [
        (
            lambda rule: rule.reply(250, None, "more"),
            TypeError,
            "a reply without a text has no further lines: ('more',)",
        ),
        (lambda rule: rule.send("250"), TypeError, "send takes bytes, not '250'"),
        (
            lambda rule: rule.delay(math.inf),
            ValueError,
            "delay takes a number of seconds that ends: .hang() waits for good",
        ),
        (lambda rule: rule.delay("1"), TypeError, "delay takes a number, not '1'"),
        (lambda rule: rule.delay(True), TypeError, "delay takes a number, not True"),
        (
            lambda rule: rule.delay(-1),
            ValueError,
            "delay takes a number of at least 0, not -1",
        ),
        (
            lambda rule: rule.delay(math.nan),
            ValueError,
            "delay takes a number of at least 0, not nan",
        ),
        (
            lambda rule: rule.throttle(0),
            ValueError,
            "throttle takes more than 0 bytes per second: .hang() stops altogether",
        ),
        (
            lambda rule: rule.throttle(-1),
            ValueError,
            "throttle takes a number of at least 0, not -1",
        ),
        (
            lambda rule: rule.call(3),
            TypeError,
            "a handler is a function of the event, not 3",
        ),
        (
            lambda rule: rule.times(0),
            ValueError,
            "times takes a number of at least 1, not 0",
        ),
        (
            lambda rule: rule.times(True),
            TypeError,
            "times takes a whole number, not True",
        ),
        (
            lambda rule: rule.after(-1),
            ValueError,
            "after takes a number of at least 0, not -1",
        ),
        (
            lambda rule: rule.every(0),
            ValueError,
            "every takes a number of at least 1, not 0",
        ),
        (
            lambda rule: rule.every(1.0),
            TypeError,
            "every takes a whole number, not 1.0",
        ),
        (
            lambda rule: rule.chance(0.5, seed=None),
            TypeError,
            (
                "the seed of chance is an int or a str, so that every run is the same; "
                "not None"
            ),
        ),
        (
            lambda rule: rule.chance(True, seed=1),
            TypeError,
            "chance takes a number from 0 to 1, not True",
        ),
        (
            lambda rule: rule.chance(-0.1, seed=1),
            ValueError,
            "chance is a probability from 0 to 1, not -0.1",
        ),
        (
            lambda rule: rule.then(),
            ValueError,
            (
                "nothing comes after a rule without an end: say .once() or .times(n) "
                "before .then()"
            ),
        ),
        (lambda rule: rule.reply(451).reply(250), ValueError, TWO),
        (
            lambda rule: rule.hang().reply(250),
            ValueError,
            f"nothing can follow .hang(): reply(250) would never happen; {THEN}",
        ),
        (
            lambda rule: rule.reset().disconnect(),
            ValueError,
            f"nothing can follow .reset(): disconnect() would never happen; {THEN}",
        ),
        (
            lambda rule: rule.half_close().reply(250),
            ValueError,
            f"{SHUT} reply(250) would never happen",
        ),
        (
            lambda rule: rule.half_close().delay(1).send(b"x"),
            ValueError,
            f"{SHUT} send(b'x') would never happen",
        ),
        (
            lambda rule: rule.half_close().half_close(),
            ValueError,
            f"{SHUT} half_close() would never happen",
        ),
        (
            lambda rule: rule.reset(after=3),
            ValueError,
            (
                "after= counts octets of content, or of a handshake: it is for "
                "'CONTENT' and 'HANDSHAKE', this rule is for 'MAIL'; for later matches "
                "see .after(n)"
            ),
        ),
        (
            lambda rule: rule.store(),
            ValueError,
            (
                ".store() is for 'MESSAGE', where a message is complete; this rule is "
                "for 'MAIL'"
            ),
        ),
        (
            lambda rule: rule.discard(),
            ValueError,
            (
                ".discard() is for 'MESSAGE', where a message is complete; this rule "
                "is for 'MAIL'"
            ),
        ),
    ],
)
def test_methods(mistake: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error) as raised:
        mistake(on(script(), "MAIL"))
    assert str(raised.value) == told


@pytest.mark.parametrize(
    "chain",
    [
        # RFC 5321 §4.2.1: 3yz is no final reply, and neither are octets.
        lambda rule: rule.reply(354).reply(250),
        lambda rule: rule.send(b"x").reply(250),
        lambda rule: rule.half_close().delay(1).disconnect(),
        lambda rule: rule.half_close().hang(),
        lambda rule: rule.reply(450).disconnect(),
        lambda rule: rule.reply(450).once().then().reply(250),
    ],
)
def test_what_may_follow(chain: Any) -> None:
    rule = on(script(), "MAIL")
    assert chain(rule) is rule


@pytest.mark.parametrize(
    ("event", "mistake", "told"),
    [
        (
            "CLOSE",
            lambda rule: rule.reply(250),
            (
                ".reply(250) makes no sense at 'CLOSE', where the connection has ended "
                "already: only .call(handler) does"
            ),
        ),
        (
            "HANDSHAKE",
            lambda rule: rule.reply(454),
            (
                ".reply(454) makes no sense at 'HANDSHAKE', where no reply is due: "
                ".send(bytes) puts bytes in front of the handshake, "
                "on('STARTTLS').reply(454) refuses it"
            ),
        ),
        (
            "HANDSHAKE",
            lambda rule: rule.half_close(after=3),
            (
                ".half_close(after=...) is for 'CONTENT': at 'HANDSHAKE' use "
                ".disconnect(after=...) or .reset(after=...)"
            ),
        ),
        (
            "CONTENT",
            lambda rule: rule.reset(after=-1),
            "after=, in octets, takes a number of at least 0, not -1",
        ),
    ],
)
def test_methods_at_other_events(event: str, mistake: Any, told: str) -> None:
    with pytest.raises(ValueError) as raised:
        mistake(on(script(), event))
    assert str(raised.value) == told


VERB = f"an event is one verb, such as 'MAIL', or one of the moments {MOMENTS[0]}"


@pytest.mark.parametrize(
    ("event", "match", "criteria", "error", "told"),
    [
        (
            3,
            None,
            {},
            TypeError,
            "an event is a verb or a moment, such as 'RCPT': not 3",
        ),
        (
            "MAIL FROM",
            None,
            {},
            ValueError,
            f"{VERB}, {', '.join(MOMENTS[1:])}; not 'MAIL FROM'; here it is 'MAIL'",
        ),
        ("", None, {}, ValueError, f"{VERB}, {', '.join(MOMENTS[1:])}; not ''"),
        (
            "A\nB",
            None,
            {},
            ValueError,
            f"{VERB}, {', '.join(MOMENTS[1:])}; not 'A\\nB'",
        ),
        (
            "RCPT",
            None,
            {"tls": "yes"},
            TypeError,
            "tls is True or False, not 'yes'",
        ),
        (
            "RCPT",
            None,
            {"where": "x"},
            TypeError,
            "where is a function that is called with the event; got 'x'",
        ),
        (
            "RCPT",
            None,
            {"usr": "x"},
            TypeError,
            (
                "there is no criterion for 'RCPT' 'usr'; did you mean 'user'? There "
                "are: mail_from, rcpt_to, user, helo, tls, where"
            ),
        ),
        (
            "MESSAGE",
            None,
            {"zzz": "x"},
            TypeError,
            (
                "there is no criterion for 'MESSAGE' 'zzz'. There are: mail_from, "
                "rcpt_to, user, helo, tls, where, from_, to, cc, reply_to, subject, "
                "attachment, text, html, headers"
            ),
        ),
        (
            "MAIL",
            "<>",
            {},
            ValueError,
            "the null reverse-path is '': on('MAIL', '')",
        ),
        (
            "RCPT",
            "Ada <ada@example.org>",
            {},
            ValueError,
            (
                "RCPT is matched against the bare address, which 'Ada "
                "<ada@example.org>' never is: on('RCPT', 'ada@example.org')"
            ),
        ),
    ],
)
def test_events_and_conditions(
    event: Any,
    match: object,
    criteria: dict[str, Any],
    error: type[Exception],
    told: str,
) -> None:
    with pytest.raises(error) as raised:
        on(script(), event, match, **criteria)
    assert str(raised.value) == told


def test_a_condition_that_ends_the_run() -> None:
    """`pytest.fail` in a ``where=`` is told as the error that it is."""

    def where(event: Event) -> bool:
        raise NoOrdinaryException("x")

    rules = script()
    rule = on(rules, "NOOP", where=where).reply(250)
    with pytest.raises(RuntimeError) as raised:
        done(rules, noop())
    assert str(raised.value) == f"a condition of {rule!r} raised NoOrdinaryException: x"


@pytest.mark.parametrize(
    ("name", "attribute", "told"),
    [
        ("CONNECT", "command", "a command comes at its verb, such as 'RCPT'"),
        ("EHLO", "address", "an address is at 'MAIL' and 'RCPT'"),
        (
            "MAIL",
            "auth",
            "credentials are at 'CREDENTIALS', and at 'AUTH' where they came with it",
        ),
        ("MAIL", "message", "the message is whole at 'MESSAGE'"),
        ("MAIL", "chunks", "content arrives at 'CONTENT'"),
    ],
)
def test_what_there_is_not(name: str, attribute: str, told: str) -> None:
    with pytest.raises(RuntimeError) as raised:
        getattr(Event(name, session()), attribute)
    assert str(raised.value) == f"{told}, not at {name!r}"


@pytest.mark.parametrize(
    ("decide", "told"),
    [
        (lambda event: event.accept("x"), "event.accept() is for 'CREDENTIALS'"),
        (lambda event: event.refuse(), "event.refuse() is for 'CREDENTIALS'"),
        (lambda event: event.store(), "event.store() is for 'MESSAGE'"),
        (lambda event: event.discard(), "event.discard() is for 'MESSAGE'"),
    ],
)
def test_decisions_at_other_events(decide: Any, told: str) -> None:
    with pytest.raises(RuntimeError) as raised:
        decide(Event("MAIL", session()))
    assert str(raised.value) == f"{told}, not 'MAIL'"


@pytest.mark.parametrize("code", [399, 600])
def test_a_refusal_that_refuses_nothing(code: int) -> None:
    """RFC 5321 §4.2.1: only 4yz and 5yz are negative."""
    event = Event("CREDENTIALS", session())
    with pytest.raises(ValueError) as raised:
        event.refuse(code)
    assert str(raised.value) == f"a refusal has a code from 400 to 599, not {code}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (400, "400 4.7.0 Authentication refused"),
        (535, "535 5.7.8 Authentication credentials invalid"),
        (599, "599 5.7.0 Authentication refused"),
    ],
)
def test_what_a_refusal_says_by_itself(code: int, said: str) -> None:
    """RFC 4954 §6; for other codes the class and subject of RFC 3463 §3.8."""
    event = Event("CREDENTIALS", session())
    event.refuse(code)
    assert str(event.decided) == said


# What fails a test in the end


def lines_of(*rules: Any) -> list[str]:
    return complaint(rules).split("\n")


def command(line: bytes) -> Event:
    return Event(line.split()[0].decode(), session(), command=Command.parse(line))


IDLE = (
    "      it has no action at its end: chain one, such as .reply(550). One that is only "
    "to look on is asked what it has seen: rule.calls, rule.called"
)
WAY_OUT = "If that is all right, add .optional() to the rule."


def test_rules_that_do_nothing() -> None:
    rules = script()
    first, second = on(rules, "NOOP"), on(rules, "NOOP")
    done(rules, noop())
    made = "made at test_it.py:7"
    one = [f"  on('NOOP'), {made}", IDLE]
    assert lines_of(first) == ["A rule does nothing:", *one, WAY_OUT]
    assert lines_of(first, second) == ["These rules do nothing:", *one, *one, WAY_OUT]


def test_a_rule_that_was_not_due() -> None:
    """Once, and twice; and the rule in front that had what it waits for."""
    rules = script()
    late = on(rules, "NOOP").after(5).reply(450)
    done(rules, noop())
    told = "      it matched once, and was not due yet"
    assert lines_of(late)[2] == told
    done(rules, noop())
    assert lines_of(late)[2] == told.replace("once", "2 times")


def test_a_rule_behind_one_that_takes_all() -> None:
    rules = script()
    first = on(rules, "*").reply(450)
    behind = on(rules, "NOOP").reply(451)
    done(rules, noop())
    before = f"      {first!r}, made at test_it.py:7, stands before it and was used"
    assert lines_of(first, behind)[2] == f"{before} once"
    done(rules, noop())
    assert lines_of(first, behind)[2] == f"{before} 2 times"


def test_a_rule_that_others_do_not_stand_before() -> None:
    """One for another command took nothing away from it."""
    rules = script()
    first, behind = on(rules, "RSET").reply(450), on(rules, "NOOP").reply(451)
    done(rules, command(b"RSET\r\n"))
    assert lines_of(first, behind)[2] == "      no NOOP command came"


def test_a_verb_that_there_is_not() -> None:
    rules = script()
    assert lines_of(on(rules, "RCTP").reply(450))[2] == (
        "      no RCTP command came; did you mean 'RCPT'?"
    )
    assert lines_of(on(rules, "XYZZY").reply(450))[2] == "      no XYZZY command came"
    assert lines_of(on(rules, "*").reply(450))[2] == "      no command came"


# Personas


def test_a_client_over_a_unix_socket() -> None:
    """It has no address; Postfix calls it by that of this machine."""
    record = session()
    record.moved(("", 0), ("/run/smtp", 0))
    assert facts(Event("NOOP", record))["client"] == "127.0.0.1"


def test_a_message_is_counted_once() -> None:
    """However often its recipient is asked for afterwards, on the same connection."""
    with SMTPServer() as server:
        server.play(personas.rate_limit(2, per="recipient"))
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            client.sendmail("a@example.org", ["b@example.org"], "Subject: x")
            for _ in range(3):
                client.mail("a@example.org")
                assert client.rcpt("b@example.org")[0] == 250
                client.rset()


def test_texts_that_are_no_log() -> None:
    with pytest.raises(ValueError) as no_log:
        personas.dialogue("nothing of the kind")
    assert str(no_log.value) == (
        "there is no dialogue in the log: it has to be a transcript with C: and S: "
        "lines, or a log of curl -v, swaks, nodemailer (debug), smtplib "
        "(set_debuglevel) or Postfix (smtp -v)"
    )
    with pytest.raises(TypeError) as no_text:
        personas.dialogue(b"S: 220 x")  # type: ignore[arg-type]
    assert str(no_text.value) == "dialogue takes the text of a log, not b'S: 220 x'"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("/var/log/mail.log", "not the name of a file: Path('/var/log/mail.log').read"),
        ("incident.log", "not the name of a file: Path('incident.log').read_text()"),
        (
            "postfix/smtp[1]: A1: to=<a@b.org>, status=deferred (host said: 450 later)",
            "with debug_peer_list=HOST in main.cf Postfix logs all of them",
        ),
    ],
)
def test_what_people_take_for_a_log(text: str, hint: str) -> None:
    """The error says what to give."""
    with pytest.raises(ValueError, match=re.escape(hint)):
        personas.dialogue(text)


def test_the_path_of_a_log() -> None:
    """It is to be read."""
    with pytest.raises(TypeError, match=r"Path\('x.log'\): write path.read_text\(\)$"):
        personas.dialogue(Path("x.log"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("gmail", "not 'gmail': write personas.gmail()"),
        (personas.gmail, ": call it, personas.gmail()"),
        ("S: 220 x\nC: QUIT\n", ": write personas.dialogue(text)"),
        (None, "not None"),
    ],
)
def test_what_is_no_persona(given: Any, hint: str) -> None:
    """The error says what makes one of it."""
    with SMTPServer() as server, pytest.raises(TypeError) as caught:
        server.play(given)
    assert str(caught.value).endswith(hint)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("outlook", "; here it is microsoft365"),
        ("Office365", "; here it is microsoft365"),
        ("ses", "; here it is amazon_ses"),
        ("greylist", "; here it is greylisting"),
        ("webde", "; did you mean 'web_de'?"),
        ("postfixx", "; did you mean 'postfix'?"),
        ("qmail_ldap_7", ""),
    ],
)
def test_personas_by_other_names(name: str, meant: str) -> None:
    """As people call these services."""
    with pytest.raises(AttributeError) as caught:
        getattr(personas, name)
    assert str(caught.value) == f"there is no persona {name!r}{meant}"


def test_a_dialogue_that_was_left() -> None:
    """Side by side, at most four lines before the one where the two part."""
    log = "S: 220 x\n" + "C: NOOP\nS: 250 x\n" * 5 + "C: RSET\nS: 250 x\n"
    server = SMTPServer()
    server.play(personas.dialogue(log))
    record = session()
    rules = list(server.rules)
    (any_command,) = [rule for rule in rules if rule.event == "*"]
    (connect,) = [rule for rule in rules if rule.event == "CONNECT"]
    connect.take(Event("CONNECT", record), lambda: record.connected_at)
    for line in (b"NOOP\r\n",) * 5 + (b"VRFY " + b"x" * 60 + b"\r\n",):
        event = Event(line[:4].decode(), record, command=Command.parse(line))
        any_command.take(event, lambda: record.connected_at)
    told = str(any_command.complaint()).split("\n")
    column = " " * 40
    assert told == [
        "The client left the recorded dialogue at line 12 of the log:",
        "    recorded" + " " * 36 + "  came",
        *[f"    NOOP{column}  NOOP"] * 4,
        f"  ≠ RSET{column}  VRFY {'x' * 38}…",
        "From there on it got the usual replies.",
    ]


@pytest.mark.parametrize(
    ("log", "verbs", "moment"),
    [
        ("S: 220 x\nC: EHLO c\nS: 250 x", "NOOP", "(the client connects)"),
        ("C: AUTH X\nS: 334 x\nC: **\nS: 235 x", "AUTH NOOP", "(a line of AUTH)"),
        ("C: DATA\nS: 354 x\nC: .\nS: 250 x", "DATA NOOP", "(the message)"),
    ],
)
def test_moments_of_a_dialogue(log: str, verbs: str, moment: str) -> None:
    """What is no command has a name of its own there."""
    server = SMTPServer(users={})
    server.play(personas.dialogue(log))
    (rule,) = [rule for rule in server.rules if rule.event == "*"]
    record = session()
    for verb in verbs.split():
        event = Event(verb, record, command=Command.parse(f"{verb}\r\n".encode()))
        rule.take(event, lambda: record.connected_at)
    assert f"\n  ≠ {moment} " in str(rule.complaint())
