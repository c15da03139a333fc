"""yagmail. It always logs in, so the server needs users."""

import pytest
import yagmail

pytestmark = pytest.mark.smtp_server(users={"shop@example.org": "sesame"})


def test_sending(smtp_server):
    with yagmail.SMTP(
        "shop@example.org",
        "sesame",
        host=smtp_server.host,
        port=smtp_server.port,
        smtp_ssl=False,
        smtp_starttls=False,
    ) as client:
        client.send("ada@example.org", "Hi", ["Hello.", "<b>Bye.</b>"])
    (message,) = smtp_server.messages
    assert message.to == ["ada@example.org"]
    assert message.session.user == "shop@example.org"
    assert "Hello." in message.text


@pytest.mark.smtp_server(tls="implicit")
def test_over_tls(smtp_server, trust_smtp_ca):
    with yagmail.SMTP(
        "shop@example.org", "sesame", host=smtp_server.host, port=smtp_server.port
    ) as client:
        client.send("ada@example.org", "Hi", "Hello.")
    assert smtp_server.messages[0].session.tls is not None
