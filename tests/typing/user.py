"""A user's typed tests: the idioms of the manual pass every checker.

mypy, pyright, basedpyright and ty read this; nothing runs it.
"""
# pyright: strict

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver import Event, Reply, SMTPServer, containing, personas

if TYPE_CHECKING:
    from pytest_smtpserver import (
        Headers,
        Messages,
        Report,
        RuleCall,
        SMTPServerFactory,
    )


def a_handler_answers(smtp_server: SMTPServer) -> None:
    """What there is at an event is there, without a check for None."""

    def queue_id(event: Event) -> Reply:
        return Reply(250, f"2.0.0 queued, {len(event.message.content)} octets")

    def decide(event: Event) -> None:
        if event.auth.check_password("secret"):
            event.accept(event.auth.username)

    smtp_server.on("MESSAGE").call(queue_id)
    smtp_server.on("CREDENTIALS").call(decide)
    call: RuleCall = smtp_server.on("RCPT").reply(550, "5.1.1 No").once().calls[0]
    assert call.session.helo


def what_a_session_shows(
    smtp_server: SMTPServer, smtp_server_factory: SMTPServerFactory
) -> None:
    """After an assert on what may be missing."""
    other = smtp_server_factory(tls="starttls", users="any")
    (session,) = other.sessions
    assert session.tls
    assert session.tls.version.startswith("TLSv1.")
    assert session.envelope
    assert session.envelope.rcpt_to[0].notify == ["NEVER"]


def what_a_test_asks(smtp_server: SMTPServer) -> None:
    """Waits, assertions, failures on purpose."""
    message = smtp_server.wait_for_message(subject=containing("hi"), timeout=1.0)
    headers: Headers = message.headers
    assert headers["Subject"]
    messages: Messages = smtp_server.messages
    assert messages.find(to="a@example.org")[0].link("confirm").startswith("https:")
    smtp_server.assert_no_messages(within=0.5)
    with smtp_server.outage("reset"), smtp_server.full_backlog():
        smtp_server.interrupt(421)
    smtp_server.play(personas.greylisting(tries=2))
    smtp_server.play(personas.icloud({"ada@example.org": "over quota"}))
    smtp_server.play(personas.sendgrid({"apikey": "credits exceeded"}))
    smtp_server.play(personas.dialogue("S: 220 mx.example.net", delays=True))
    report: Report = smtp_server.report()
    assert str(report)
