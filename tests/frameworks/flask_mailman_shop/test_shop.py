"""What a customer of the shop gets."""

import smtplib

import pytest
import shop


def test_an_order_is_confirmed(client, smtp_server):
    assert (
        client.post("/orders", data={"address": "ada@example.org"}).text == "Ordered."
    )

    message = smtp_server.wait_for_message(to="ada@example.org")
    assert message.subject == "Your order"
    assert message.text == "Thank you.\n"
    assert message.html.strip() == "<p>Thank you.</p>"


def test_a_refusal_reaches_the_application(client, app, smtp_server):
    smtp_server.on("RCPT", "bob@example.org").reply(550, "5.1.1 No such user")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        client.post("/orders", data={"address": "bob@example.org"})
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(tls="implicit", users={"shop": "sesame"}, auth_required=True)
def test_over_tls_with_a_login(smtp_server, trust_smtp_ca):
    app = shop.create_app(
        MAIL_BACKEND="smtp",
        MAIL_SERVER=smtp_server.host,
        MAIL_PORT=smtp_server.port,
        MAIL_USE_SSL=True,
        MAIL_USERNAME="shop",
        MAIL_PASSWORD="sesame",
    )
    app.test_client().post("/orders", data={"address": "ada@example.org"})
    assert smtp_server.messages[0].session.transmission_type == "ESMTPSA"
