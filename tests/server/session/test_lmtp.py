"""LMTP, live: a reply for each recipient, each one scripted (RFC 2033)."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

from pytest_smtpserver import Reply, SMTPServer
from tests.server.wire import Wire

if TYPE_CHECKING:
    from pytest_smtpserver.script.event import Event

LETTER = b"Subject: x\r\n\r\nHi\r\n"


def begin(wire: Wire, *recipients: str) -> list[str]:
    """LHLO to RCPT; the replies to RCPT."""
    wire.hello("LHLO")
    wire.agree("MAIL FROM:<a@example.org>", 250)
    return [wire.say(f"RCPT TO:<{one}>")[:3] for one in recipients]


def test_each_recipient_has_a_reply_of_its_own() -> None:
    """RFC 2033 section 4.2: one reply for each accepted RCPT, in order."""
    with SMTPServer(lmtp=True) as server, Wire(server) as wire:
        server.on("RCPT", "nobody@example.org").reply(550)
        server.on("MESSAGE", "bob@example.org").reply(552)
        server.on("MESSAGE", "cyd@example.org").reply(450, "4.2.0 Busy")
        names = ("ada", "nobody", "bob", "cyd", "dan")
        codes = begin(wire, *(f"{name}@example.org" for name in names))
        assert codes == ["250", "550", "250", "250", "250"]
        assert wire.say("DATA").startswith("354 ")
        wire.send(LETTER + b".\r\n")
        replies = [wire.reply() for _ in range(4)]
        assert [reply[:9] for reply in replies] == [
            "250 2.0.0",
            "552 5.3.4",
            "450 4.2.0",
            "250 2.0.0",
        ]
        assert wire.say("NOOP").startswith("250 ")
        assert [m.content for m in server.messages] == [LETTER]


def test_a_message_that_all_recipients_refuse_is_not_there() -> None:
    """Without a positive reply there is no message; the next one is intact."""
    with SMTPServer(lmtp=True) as server, Wire(server) as wire:
        server.on("MESSAGE").reply(554).times(2)
        begin(wire, "ada@example.org", "bob@example.org")
        wire.say("DATA")
        wire.send(LETTER + b".\r\n")
        assert [wire.reply()[:3], wire.reply()[:3]] == ["554", "554"]
        assert len(server.messages) == 0
        assert wire.deliver(b"next\r\n").startswith("250 ")
        assert [m.content for m in server.messages] == [b"next\r\n"]


def test_a_handler_answers_for_each_recipient() -> None:
    """`event.recipient` tells whose reply is due."""

    async def by_name(event: Event) -> Reply:
        assert event.recipient is not None
        return Reply(250, f"2.1.5 Delivered to {event.recipient.local_part}")

    with SMTPServer(lmtp=True, handlers={"MESSAGE": by_name}) as server:
        with Wire(server) as wire:
            begin(wire, "ada@example.org", "bob@example.org")
            wire.send(b"BDAT 5 LAST\r\nhello")
            assert wire.reply() == "250 2.1.5 Delivered to ada"
            assert wire.reply() == "250 2.1.5 Delivered to bob"
        assert [m.content for m in server.messages] == [b"hello"]


def test_helo_and_ehlo_do_not_exist() -> None:
    """RFC 2033 section 4.1: LHLO in their place."""
    with SMTPServer(lmtp=True) as server, Wire(server) as wire:
        assert wire.reply() == "220 localhost LMTP"
        assert wire.say("EHLO a.example.org").startswith("500 5.5.1 ")
        assert wire.say("HELO a.example.org").startswith("500 5.5.1 ")
        assert wire.say("LHLO a.example.org").startswith("250-localhost")
        assert wire.deliver().startswith("250 ")
    with SMTPServer() as server, Wire(server) as wire:
        assert wire.reply().startswith("220 ")
        assert wire.say("LHLO a.example.org").startswith("500 5.5.1 ")


def test_data_without_a_recipient_is_503() -> None:
    """RFC 2033 section 4.2: no recipient was accepted, so 503 and not 354."""
    with SMTPServer(lmtp=True) as server, Wire(server) as wire:
        server.on("RCPT").reply(550).once()
        assert begin(wire, "ada@example.org") == ["550"]
        assert wire.say("DATA").startswith("503 5.5.1 ")


def test_with_smtplibs_own_lmtp_client() -> None:
    """The standard library's LMTP client delivers to one recipient."""
    with SMTPServer(lmtp=True) as server:
        with smtplib.LMTP(*server.address) as client:
            client.sendmail("a@example.org", ["b@example.org"], LETTER)
        assert server.messages[0].content == LETTER
        assert server.messages[0].session.opening_command == "LHLO"
