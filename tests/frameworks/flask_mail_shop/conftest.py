"""The application is made for the test, with the server in its settings."""

import pytest
import shop


@pytest.fixture
def app(smtp_server):
    """TESTING stays off for Flask-Mail: with it on, Flask-Mail sends nothing."""
    return shop.create_app(
        TESTING=True,
        MAIL_SUPPRESS_SEND=False,
        MAIL_SERVER=smtp_server.host,
        MAIL_PORT=smtp_server.port,
    )


@pytest.fixture
def client(app):
    """Flask's test client."""
    return app.test_client()
