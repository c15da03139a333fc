"""Mistakes in rules: each an error where it is written, or a sentence in the failure."""

from __future__ import annotations

import contextlib
import re
import smtplib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import RuleNotUsed, SMTPServer

if TYPE_CHECKING:
    from collections.abc import Callable


def _send(server: SMTPServer, to: str = "bob@example.org") -> None:
    with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
        client.sendmail("ada@example.org", [to], "Subject: x\r\n\r\nHello\r\n")


def _complaint(server: SMTPServer) -> str:
    server.settle()
    with pytest.raises(RuleNotUsed) as complaint:
        server.check()
    return str(complaint.value)


def test_a_rule_without_an_action() -> None:
    """It does nothing, which nobody wants to write."""
    with SMTPServer() as server:
        server.on("MAIL")
        _send(server)
        lines = _complaint(server).split("\n")
    assert lines[0] == "A rule does nothing:"
    assert lines[1].startswith("  on('MAIL'), made at ")
    assert "it has no action at its end: chain one, such as .reply(550)" in lines[2]
    assert lines[3] == "If that is all right, add .optional() to the rule."


def test_a_rule_whose_last_stage_has_no_action() -> None:
    """A .then() is there for what comes after it."""
    with SMTPServer() as server:
        server.on("NOOP").reply(250).once().then()
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            client.noop()
        assert "it has no action at its end" in _complaint(server)


@pytest.mark.parametrize("ask", ["calls", "called"])
def test_a_rule_that_is_asked_what_it_has_seen(ask: str) -> None:
    """It looks on, and that is what it is for."""
    with SMTPServer() as server:
        rule = server.on("MAIL")
        _send(server)
        assert getattr(rule, ask)
        server.settle()
        server.check()


def test_a_stage_that_lets_pass() -> None:
    """The first two matches go as usual: an empty stage in front is meant."""
    with SMTPServer() as server:
        server.on("NOOP").times(2).then().reply(451)
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            assert [client.noop()[0] for _ in range(3)] == [250, 250, 451]
        server.settle()
        server.check()


@pytest.mark.parametrize(
    ("event", "arguments", "times"),
    [
        ("RCPT", {}, "RCPT came 2 times, before the rule was made"),
        ("RCPT", {"match": "bob@example.org"}, "RCPT came 1 time, before"),
        ("RCPT", {"match": "carl@example.org"}, "no RCPT command came"),
        ("RCPT", {"where": lambda event: event.no_such_thing}, "no RCPT command came"),
        ("MESSAGE", {"subject": "x"}, "MESSAGE came 2 times, before"),
        ("MESSAGE", {"subject": "y"}, "no MESSAGE moment came"),
        ("CONNECT", {}, "CONNECT came 2 times, before"),
        ("*", {"where": lambda event: event.name == "DATA"}, "* came 2 times, before"),
        ("SECURE", {}, "no SECURE moment came"),
    ],
)
def test_a_rule_that_was_made_too_late(
    event: str, arguments: dict[str, Any], times: str
) -> None:
    """Of what it was for some has come, before it was made."""
    with SMTPServer(tls="starttls") as server:
        _send(server)
        _send(server, "eve@example.org")
        server.on(event, **arguments).reply(550)
        assert times in _complaint(server)


def test_only_what_came_before_the_rule_is_counted() -> None:
    """On a connection that is open, too."""
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            client.noop()
            server.on("NOOP").after(5).reply(451)
            client.noop()
        complaint = _complaint(server)
    assert "NOOP came 1 time, before the rule was made; it matched once" in complaint


@pytest.mark.parametrize(
    ("match", "hint"),
    [
        (r"bob@.*", "re.compile('bob@.*')"),
        ("*@example.org", "re.compile("),
        ("bob", "containing('bob')"),
        ("BOB@example.org", "upper and lower case"),
    ],
)
def test_a_match_that_was_meant_otherwise(match: str, hint: str) -> None:
    """Beside the address that came close."""
    with SMTPServer() as server:
        server.on("RCPT", match).reply(550)
        _send(server)
        (line,) = [one for one in _complaint(server).split("\n") if "came close" in one]
    assert line.strip().startswith("came close: RCPT 'bob@example.org' (")
    assert hint in line


@pytest.mark.parametrize(
    "chain",
    [
        lambda rule: rule.reply(451).reply(250),
        lambda rule: rule.reply(451).delay(1).reply(250),
    ],
)
def test_two_final_replies_in_a_row(chain: Any) -> None:
    """RFC 5321 §4.1: a command has one. The second was meant for the next match."""
    with (
        SMTPServer() as server,
        pytest.raises(ValueError, match=r"two final replies .*\.then\(\)"),
    ):
        chain(server.on("MAIL"))


def test_an_intermediate_reply_in_front_of_a_final_one() -> None:
    """RFC 5321 §4.2.1: after 3yz the server waits for more, and then replies."""
    with SMTPServer() as server:
        server.on("NOOP").reply(354).reply(250)
        server.on("RSET").reply(451).once().then().reply(250)
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            assert client.noop()[0] == 354
            assert client.getreply()[0] == 250
            assert [client.rset()[0] for _ in range(2)] == [451, 250]


def test_a_complaint_is_fit_for_a_terminal() -> None:
    """What a client has sent stands in it as an escape."""
    with SMTPServer(extensions=["SMTPUTF8"]) as server:
        server.on("VRFY", "x").reply(550)
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            client.docmd("VRFY", "\x1b[2J")
        assert "\x1b" not in _complaint(server)


@pytest.mark.parametrize("method", ["outage", "full_backlog"])
def test_a_block_that_was_never_begun(method: str) -> None:
    """The call alone does nothing: where it stands, and how it is written."""
    with SMTPServer() as server:
        call = getattr(server, method)
        with call():
            pass
        server.check()
        call()
        with contextlib.ExitStack() as stack:
            stack.enter_context(call())
        title, told = _complaint(server).split("\n")
        assert title == "A call did nothing, as its block was never begun:"
        assert re.fullmatch(
            rf"  {method}\(\), at \S*test_complaint\.py:\d+: "
            rf"write 'with smtp_server\.{method}\(\): …'",
            told,
        )
        server.reset()
        server.check()


def test_a_block_that_was_never_begun_in_a_test_that_failed() -> None:
    """Its report says so: that may be why it failed."""
    with SMTPServer() as server:
        server.outage("reset")
        server.on("VRFY").reply(550)
        told = str(server.report())
        assert "A rule was never used:\n  on('VRFY')" in told
        assert "\n  outage(), at " in told


@pytest.mark.parametrize(
    "chain",
    [lambda rule: rule.drop(), lambda rule: rule.reply(99)],
    ids=["no such method", "a bad value"],
)
def test_a_chain_that_raises(chain: Callable[[Any], object]) -> None:
    """The rule is not made: that it was not used is no news."""
    with SMTPServer() as server:
        with pytest.raises((AttributeError, ValueError)):
            chain(server.on("DATA"))
        assert "never used" not in str(server.report())
        server.on("VRFY")
        _send(server)
        server.on("MAIL").reply(550)
        told = str(server.report())
        assert "on('MAIL').reply(550)" in told
        assert "VRFY" not in told
        assert "on('VRFY')" in _complaint(server)


def test_a_chain_that_raises_behind_an_action() -> None:
    """As long as the rule was not used, that is no news either."""
    with SMTPServer() as server:
        rule: Any = server.on("VRFY").reply(451).once().then()
        with pytest.raises(AttributeError):
            rule.drop()
        assert "never used" not in str(server.report())


def test_a_rule_without_an_action_in_a_test_that_failed() -> None:
    """It was used, and had nothing to do: that may be why."""
    with SMTPServer() as server:
        server.on("MAIL")
        _send(server)
        assert "A rule does nothing:\n  on('MAIL'), made at" in str(server.report())


def test_a_complaint_about_many_rules_is_cut() -> None:
    """The first ones are told of; the others are counted."""
    with SMTPServer() as server:
        for number in range(1000):
            server.on("RCPT", f"u{number}@example.org").reply(550)
        lines = _complaint(server).split("\n")
    assert "  … and 980 more" in lines
    assert len(lines) < 60
