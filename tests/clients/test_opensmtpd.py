"""The persona of OpenSMTPD beside OpenSMTPD itself: refusals are the same, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver import SMTPServer, personas
from tests.server.wire import Wire

if TYPE_CHECKING:
    from .opensmtpd import OpenSmtpd

BIG = "Subject: hello\r\n\r\n" + "word word\r\n" * 200 + "."
#: What is said to the one that takes mail, and to the one that wants a login.
SAID = (
    (
        *("EHLO client.example.org", "XYZ", "EXPN ada", "MAIL FROM:<a@b.example>"),
        *("RCPT TO:<nobody@example.org>", "RCPT TO:<ada@elsewhere.example>"),
        "RCPT TO:<later@example.org>",
        *("RCPT TO:<ada@example.org>", "DATA", BIG, "QUIT"),
    ),
    (
        *("EHLO client.example.org", "MAIL FROM:<a@b.example>"),
        *("AUTH PLAIN AGFkYQBieXJvbg==", "AUTH PLAIN AGFkYQBsb3ZlbGFjZQ=="),
        *("AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==", "QUIT"),
    ),
)


def told(wire: Wire, lines: tuple[str, ...]) -> list[str]:
    """The replies that are no: those that are a yes have words of their own."""
    replies = [wire.reply(), *(wire.say(line) for line in lines)]
    return [*replies[:2], *(one for one in replies[2:] if one[0] in "45")]


def test_refusals_are_those_of_the_real_one(opensmtpd: OpenSmtpd) -> None:
    """Greeting and EHLO too; the limit of its size is an option here as it is there."""
    persona = personas.opensmtpd(
        {
            "nobody@example.org": "no such user",
            "ada@elsewhere.example": "relay denied",
            "later@example.org": "try again later",
        }
    )
    with opensmtpd.running() as servers:
        for connect, lines, closed in zip(servers, SAID, (False, True), strict=True):
            with connect() as connected:
                real = told(Wire.over(connected), lines)
            with SMTPServer(
                hostname="mx.example.net",
                max_message_size=1000,
                users={"ada": "lovelace"} if closed else None,
                auth_required=closed,
            ) as server:
                server.play(persona)
                with Wire(server) as wire:
                    assert told(wire, lines) == real
            assert len(real) >= 5
