"""Mail that waits in the database until a command sends it."""

import pytest
from django.core.mail import send_mail
from django.core.management import call_command


@pytest.fixture
def mailbox(smtp_server, settings):
    """The queue hands its mail to Django's SMTP backend, as in production."""
    settings.EMAIL_BACKEND = "post_office.EmailBackend"
    settings.POST_OFFICE = {
        "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"}
    }
    settings.EMAIL_HOST, settings.EMAIL_PORT = smtp_server.address
    return smtp_server


@pytest.mark.django_db(transaction=True)
def test_the_mail_leaves_with_the_command(mailbox):
    send_mail("Hi", "Hello.", "shop@example.org", ["ada@example.org"])
    mailbox.assert_no_messages()

    call_command("send_queued_mail", processes=1, log_level=0)
    assert mailbox.wait_for_message(to="ada@example.org").text == "Hello.\n"


@pytest.mark.django_db(transaction=True)
def test_what_is_refused_stays_in_the_queue(mailbox):
    mailbox.on("RCPT").reply(451, "4.2.1 Not now").once()
    send_mail("Hi", "Hello.", "shop@example.org", ["ada@example.org"])
    call_command("send_queued_mail", processes=1, log_level=0)
    mailbox.assert_no_messages()
