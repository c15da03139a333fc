"""The application is made for the test, with the server in its settings."""

import pytest
import shop


@pytest.fixture
def app(smtp_server):
    """The backend is named, since TESTING would select the one in memory."""
    return shop.create_app(
        TESTING=True,
        MAIL_BACKEND="smtp",
        MAIL_SERVER=smtp_server.host,
        MAIL_PORT=smtp_server.port,
    )


@pytest.fixture
def client(app):
    """Flask's test client."""
    return app.test_client()
