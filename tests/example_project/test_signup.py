"""What the mail of the application looks like to those who get it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from signup import Mailer, MailNotSent, MailSettings, TLSUnavailable

from pytest_smtpserver import SMTPServer


def test_welcome_mail(mailer: Mailer, smtp_server: SMTPServer) -> None:
    mailer.welcome("ada@example.org", "Ada")

    message = smtp_server.wait_for_message(to="ada@example.org")
    assert message.subject == "Welcome, Ada"
    assert "confirm your address" in message.text
    assert message.link("confirm").startswith("https://app.example.org/")
    assert message.envelope.mail_from == "noreply@example.org"
    assert message.envelope.rcpt_to == ["ada@example.org"]


def test_reset_code(mailer: Mailer, smtp_server: SMTPServer) -> None:
    code = mailer.reset_code("ada@example.org")
    assert smtp_server.wait_for_message(subject="Your code").code() == code


def test_a_refused_recipient_does_not_stop_the_others(
    mailer: Mailer, smtp_server: SMTPServer
) -> None:
    smtp_server.on("RCPT", "bob@example.org").reply(550, "5.1.1 No such user")

    assert mailer.newsletter(["ada@example.org", "bob@example.org"]) == [
        "bob@example.org"
    ]
    smtp_server.assert_received(rcpt_to="ada@example.org", times=1)


def test_a_full_disk_is_reported(mailer: Mailer, smtp_server: SMTPServer) -> None:
    smtp_server.on("MESSAGE").reply(452, "4.3.1 Insufficient system storage")
    with pytest.raises(MailNotSent, match="Insufficient system storage"):
        mailer.welcome("ada@example.org", "Ada")
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(tls="starttls", users={"ada": "lovelace"})
def test_logs_in_over_tls(smtp_server: SMTPServer) -> None:
    settings = MailSettings(
        smtp_server.host,
        smtp_server.port,
        starttls=True,
        ca_file=smtp_server.ca_file,
        username="ada",
        password="lovelace",
    )
    Mailer(settings).welcome("bob@example.org", "Bob")

    (session,) = smtp_server.sessions
    assert session.tls is not None
    assert session.user == "ada"


@pytest.mark.smtp_server(tls="starttls", users={"ada": "lovelace"}, hide_starttls=True)
def test_never_logs_in_without_tls(smtp_server: SMTPServer) -> None:
    settings = MailSettings(
        smtp_server.host, smtp_server.port, starttls=True, username="ada"
    )
    with pytest.raises(TLSUnavailable):
        Mailer(settings).welcome("bob@example.org", "Bob")
    assert smtp_server.sessions[0].auth_attempts == []


def test_mail_from_another_process(smtp_server: SMTPServer) -> None:
    script = (
        "import os; from signup import Mailer, MailSettings; "
        "Mailer(MailSettings(os.environ['SMTP_HOST'], int(os.environ['SMTP_PORT'])))"
        ".reset_code('ada@example.org')"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parent,
        env={**os.environ, **smtp_server.env},
        check=True,
        timeout=30,
    )
    assert smtp_server.wait_for_message(to="ada@example.org").subject == "Your code"


def test_a_new_user_gets_no_mail_before_signing_up(smtp_server: SMTPServer) -> None:
    smtp_server.assert_no_messages()
