"""What a customer of the shop gets."""

import asyncio

import httpx2
import pytest
import shop
from fastapi_mail import ConnectionConfig


def test_an_order_is_confirmed(client, smtp_server):
    assert client.post("/orders", params={"address": "ada@example.org"}).is_success

    message = smtp_server.wait_for_message(to="ada@example.org")
    assert message.subject == "Your order"
    assert message.code() == "482913"


def test_no_mail_for_a_bad_order(client, smtp_server):
    assert client.post("/orders", params={"address": "no address"}).status_code == 422
    smtp_server.assert_no_messages()


def test_from_an_async_test(mail_settings, smtp_server):
    shop.app.dependency_overrides[shop.mail_settings] = lambda: mail_settings

    async def main():
        transport = httpx2.ASGITransport(shop.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://t"
        ) as client:
            await client.post("/orders", params={"address": "ada@example.org"})
            return await smtp_server.wait_for_message_async(to="ada@example.org")

    try:
        assert asyncio.run(main()).subject == "Your order"
    finally:
        shop.app.dependency_overrides.clear()


@pytest.mark.smtp_server(tls="starttls", users={"shop": "sesame"}, auth_required=True)
def test_over_tls_with_a_login(client, smtp_server, trust_smtp_ca):
    settings = ConnectionConfig(
        MAIL_FROM="shop@example.org",
        MAIL_SERVER=smtp_server.host,
        MAIL_PORT=smtp_server.port,
        MAIL_STARTTLS=True,
        MAIL_SSL_TLS=False,
        MAIL_USERNAME="shop",
        MAIL_PASSWORD="sesame",
    )
    shop.app.dependency_overrides[shop.mail_settings] = lambda: settings
    client.post("/orders", params={"address": "ada@example.org"})
    assert smtp_server.wait_for_message().session.transmission_type == "ESMTPSA"
