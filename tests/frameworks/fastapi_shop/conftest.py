"""The settings are a dependency, so the tests give others."""

import pytest
import shop
from fastapi.testclient import TestClient
from fastapi_mail import ConnectionConfig


@pytest.fixture
def mail_settings(smtp_server):
    """The application's settings, for this test's server."""
    return ConnectionConfig(
        MAIL_FROM="shop@example.org",
        MAIL_SERVER=smtp_server.host,
        MAIL_PORT=smtp_server.port,
        MAIL_STARTTLS=False,
        MAIL_SSL_TLS=False,
        USE_CREDENTIALS=False,
        MAIL_USERNAME="",
        MAIL_PASSWORD="",
    )


@pytest.fixture
def client(mail_settings):
    """FastAPI's test client."""
    shop.app.dependency_overrides[shop.mail_settings] = lambda: mail_settings
    with TestClient(shop.app) as client:
        yield client
    shop.app.dependency_overrides.clear()
