"""The only thing that the tests need: Django's mail goes to the test's server."""

import pytest


@pytest.fixture
def mailbox(smtp_server, settings):
    """Send by SMTP, and to this test's server."""
    host, port = smtp_server.address
    if hasattr(settings, "MAILERS"):  # Django from 6.1 on
        settings.MAILERS = {"default": {"OPTIONS": {"host": host, "port": port}}}
    else:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = host, port
    return smtp_server


@pytest.fixture
def secure_mailbox(mailbox, settings, trust_smtp_ca):
    """With a login over TLS; mark the test with the server's side of it."""
    login = {"username": "shop", "password": "sesame"}
    implicit = mailbox.url.startswith("smtps:")
    if hasattr(settings, "MAILERS"):
        settings.MAILERS["default"]["OPTIONS"].update(
            login, use_ssl=implicit, use_tls=not implicit
        )
    else:
        settings.EMAIL_HOST_USER = login["username"]
        settings.EMAIL_HOST_PASSWORD = login["password"]
        settings.EMAIL_USE_SSL, settings.EMAIL_USE_TLS = implicit, not implicit
    return mailbox
