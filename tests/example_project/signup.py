"""An application that really sends mail: sign-up, newsletter, password reset."""

from __future__ import annotations

import secrets
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage


class MailNotSent(Exception):
    """The mail server did not take the mail."""


class TLSUnavailable(MailNotSent):
    """The mail server offers no TLS, and the settings insist on it."""


@dataclass
class MailSettings:
    """Where and how mail is sent."""

    host: str
    port: int
    starttls: bool = False
    ca_file: str | None = None
    username: str | None = None
    password: str | None = None


class Mailer:
    """Sends the application's mail."""

    sender = "noreply@example.org"

    def __init__(self, settings: MailSettings) -> None:
        self.settings = settings

    def welcome(self, address: str, name: str) -> None:
        """Greet a new user, with a link to confirm the address."""
        link = f"https://app.example.org/confirm?token={secrets.token_urlsafe(16)}"
        message = self._message(address, f"Welcome, {name}")
        message.set_content(f"Hello {name},\n\nplease confirm your address:\n{link}\n")
        message.add_alternative(
            f'<p>Hello {name},</p><p>please <a href="{link}">confirm your address</a>.</p>',
            subtype="html",
        )
        self._send(message, [address])

    def reset_code(self, address: str) -> str:
        """Send a one-time code, and return it."""
        code = f"{secrets.randbelow(10**6):06}"
        message = self._message(address, "Your code")
        message.set_content(f"Your code is {code}. It is good for ten minutes.\n")
        self._send(message, [address])
        return code

    def newsletter(self, addresses: list[str]) -> list[str]:
        """Send the newsletter; returns the addresses that were refused."""
        message = self._message("undisclosed-recipients:;", "News")
        message.set_content("There is news.\n")
        return self._send(message, addresses)

    def _message(self, to: str, subject: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = "Mon, 23 Nov 2026 09:00:00 +0000"
        message["Message-ID"] = f"<{secrets.token_hex(8)}@example.org>"
        return message

    def _send(self, message: EmailMessage, recipients: list[str]) -> list[str]:
        settings = self.settings
        try:
            with smtplib.SMTP(
                settings.host,
                settings.port,
                local_hostname="app.example.org",
                timeout=10,
            ) as client:
                if settings.starttls:
                    self._start_tls(client)
                if settings.username is not None:
                    client.login(settings.username, settings.password or "")
                refused = client.send_message(message, self.sender, recipients)
        except smtplib.SMTPException as error:
            raise MailNotSent(str(error)) from error
        return list(refused)

    def _start_tls(self, client: smtplib.SMTP) -> None:
        client.ehlo()
        if not client.has_extn("starttls"):
            raise TLSUnavailable("the mail server does not offer STARTTLS")
        client.starttls(
            context=ssl.create_default_context(cafile=self.settings.ca_file)
        )
