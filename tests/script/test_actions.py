"""How a rule is shown: as a test has written it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.script.actions import (
    Call,
    Close,
    Delay,
    Hang,
    Keep,
    SendBytes,
    SendReply,
    Throttle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import Rule


def look_on(event: object) -> None:
    """A handler."""


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda on: on("RCPT"), "on('RCPT')"),
        (
            lambda on: on("RCPT", "b@x.org", helo="c").reply(550, "5.1.1 No"),
            "on('RCPT', 'b@x.org', helo='c').reply(550 5.1.1 No)",
        ),
        (
            lambda on: on("RCPT", re.compile("b")).reply(450),
            "on('RCPT', re.compile('b')).reply(450)",
        ),
        (lambda on: on("EHLO").send(b"x\r\n"), r"on('EHLO').send(b'x\r\n')"),
        (lambda on: on("EHLO").delay(0.5).hang(), "on('EHLO').delay(0.5).hang()"),
        (lambda on: on("MAIL").throttle(10), "on('MAIL').throttle(10)"),
        (lambda on: on("MAIL").disconnect(), "on('MAIL').disconnect()"),
        (lambda on: on("MAIL").half_close(), "on('MAIL').half_close()"),
        (lambda on: on("CONTENT").reset(after=9), "on('CONTENT').reset(after=9)"),
        (lambda on: on("CONTENT").reset(after=0), "on('CONTENT').reset(after=0)"),
        (lambda on: on("MESSAGE").store(), "on('MESSAGE').store()"),
        (lambda on: on("MESSAGE").discard(), "on('MESSAGE').discard()"),
        (lambda on: on("MAIL").call(look_on), "on('MAIL').call(look_on)"),
        (lambda on: on("MAIL").reply(450).once(), "on('MAIL').reply(450).once()"),
        (
            lambda on: on("MAIL").reply(450).times(2).after(1).every(3),
            "on('MAIL').reply(450).times(2).after(1).every(3)",
        ),
        (
            lambda on: on("MAIL").reply(450).chance(0.25, seed="x"),
            "on('MAIL').reply(450).chance(0.25, seed='x')",
        ),
        (
            lambda on: on("MAIL").reply(450).once().then().reply(550).per_connection(),
            "on('MAIL').reply(450).once().then().reply(550).per_connection()",
        ),
    ],
)
def test_a_rule_is_shown_as_it_was_written(
    make: Callable[[Callable[..., Rule]], Rule], shown: str
) -> None:
    assert repr(make(SMTPServer().on)) == shown


@pytest.mark.parametrize(
    "action",
    [
        SendReply(550),
        SendBytes(b""),
        Delay(1),
        Hang(),
        Close("reset"),
        Throttle(1),
        Keep(True),
        Call(look_on),
    ],
    ids=lambda action: type(action).__name__,
)
def test_actions_are_values(action: Any) -> None:
    """Stages share them, so nobody changes one."""
    assert action == type(action)(*(getattr(action, name) for name in action._fields))
    name = next(iter(action._fields), "anything")
    with pytest.raises(AttributeError):
        setattr(action, name, 3)
