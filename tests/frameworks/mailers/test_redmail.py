"""Red Mail."""

import smtplib

import pytest
from redmail import EmailSender


def test_sending(smtp_server):
    sender = EmailSender(smtp_server.host, smtp_server.port, use_starttls=False)
    sender.send(
        subject="Report",
        sender="shop@example.org",
        receivers=["ada@example.org"],
        html="<h1>{{ title }}</h1>",
        body_params={"title": "Sales"},
        attachments={"sales.csv": "day,orders\n"},
    )
    (message,) = smtp_server.messages
    assert message.html.strip() == "<h1>Sales</h1>"
    assert message.attachments[0].filename == "sales.csv"


@pytest.mark.smtp_server(tls="implicit", users={"shop": "sesame"}, auth_required=True)
def test_over_tls_with_a_login(smtp_server):
    sender = EmailSender(
        smtp_server.host,
        smtp_server.port,
        username="shop",
        password="sesame",
        cls_smtp=smtplib.SMTP_SSL,
        use_starttls=False,
        context=smtp_server.client_context(),
    )
    sender.send(subject="Hi", sender="a@example.org", receivers=["b@example.org"])
    assert smtp_server.messages[0].session.transmission_type == "ESMTPSA"
