"""aiosmtplib, in the test's own event loop."""

import asyncio
from email.message import EmailMessage

import aiosmtplib
import pytest


def letter():
    """A mail."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.org", "b@example.org", "Hi"
    mail.set_content("Hello.\n")
    return mail


def test_sending(smtp_server):
    async def main():
        await aiosmtplib.send(
            letter(), hostname=smtp_server.host, port=smtp_server.port
        )
        return await smtp_server.wait_for_message_async(to="b@example.org")

    assert asyncio.run(main()).text == "Hello.\n"


@pytest.mark.smtp_server(tls="starttls", users={"ada": "lovelace"}, auth_required=True)
def test_over_tls_with_a_login(smtp_server):
    """It takes the file of the CA."""
    asyncio.run(
        aiosmtplib.send(
            letter(),
            hostname=smtp_server.host,
            port=smtp_server.port,
            start_tls=True,
            cert_bundle=smtp_server.ca_file,
            username="ada",
            password="lovelace",
        )
    )
    assert smtp_server.messages[0].session.transmission_type == "ESMTPSA"


def test_a_time_out(smtp_server):
    smtp_server.on("MAIL").hang()
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        asyncio.run(
            aiosmtplib.send(
                letter(),
                hostname=smtp_server.host,
                port=smtp_server.port,
                timeout=0.2,
            )
        )
