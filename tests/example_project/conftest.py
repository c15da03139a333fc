"""The application under test, set up to send its mail to the test's server."""

from __future__ import annotations

import pytest
from signup import Mailer, MailSettings

from pytest_smtpserver import SMTPServer


@pytest.fixture
def mailer(smtp_server: SMTPServer) -> Mailer:
    """The application's mailer, without TLS and login."""
    return Mailer(MailSettings(smtp_server.host, smtp_server.port))
