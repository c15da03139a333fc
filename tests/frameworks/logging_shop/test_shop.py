"""What the admin hears."""

import pytest
import shop


@pytest.fixture
def mailing(smtp_server):
    """The handler, for the length of a test."""
    handler = shop.mail_errors(smtp_server.address)
    yield handler
    shop.log.removeHandler(handler)


def test_an_error_is_mailed(mailing, smtp_server):
    shop.order(0)
    message = smtp_server.wait_for_message(to="admin@example.org")
    assert message.subject == "The shop is in trouble"
    assert message.text.startswith("order 0 failed\n")
    assert "ZeroDivisionError: division by zero" in message.text


def test_success_is_not(mailing, smtp_server):
    shop.order(1)
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(tls="starttls", users={"shop": "sesame"}, auth_required=True)
def test_over_tls_with_a_login(smtp_server):
    handler = shop.mail_errors(
        smtp_server.address, credentials=("shop", "sesame"), secure=()
    )
    try:
        shop.order(0)
    finally:
        shop.log.removeHandler(handler)
    (session,) = smtp_server.sessions
    assert session.tls is not None
    assert session.user == "shop"
