"""What a customer of the shop gets."""

import pytest
import shop


def test_an_order_is_confirmed(client, smtp_server):
    assert (
        client.post("/orders", data={"address": "ada@example.org"}).text == "Ordered."
    )

    message = smtp_server.wait_for_message(to="ada@example.org")
    assert message.subject == "Your order"
    assert message.from_ == "shop@example.org"
    assert message.text == "Thank you.\n"
    assert message.link("/orders/") == "https://shop.example.org/orders/7"


@pytest.mark.smtp_server(tls="starttls", users={"shop": "sesame"}, auth_required=True)
def test_over_tls_with_a_login(smtp_server, trust_smtp_ca):
    app = shop.create_app(
        MAIL_SERVER=smtp_server.host,
        MAIL_PORT=smtp_server.port,
        MAIL_USE_TLS=True,
        MAIL_USERNAME="shop",
        MAIL_PASSWORD="sesame",
    )
    app.test_client().post("/orders", data={"address": "ada@example.org"})
    (session,) = smtp_server.sessions
    assert session.tls is not None
    assert session.user == "shop"


def test_a_bulk_mail_uses_one_connection(app, smtp_server):
    with app.app_context(), shop.mail.connect() as connection:
        for address in ("ada@example.org", "bob@example.org"):
            connection.send_message(
                subject="News", body="There is news.", recipients=[address]
            )
    assert len(smtp_server.wait_for_messages(2)) == 2
    assert len(smtp_server.sessions) == 1
