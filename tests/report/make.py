"""Mail for the page, and pages about it."""

from __future__ import annotations

import base64
import smtplib
from email.message import EmailMessage
from typing import TYPE_CHECKING

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.report.document import Heading, write_whole
from pytest_smtpserver.report.entries import Entry, entry_of, with_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pytest_smtpserver.mail.report import Report

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FAABJ"
    "ADveWkH6oAAAAABJRU5ErkJggg=="
)
#: Every octet there is, and line ends of all kinds.
BINARY = bytes(range(256)) * 20 + b"\r\n\n\r\x00"
HEADING = Heading("Mail of the run", "2026-11-28 12:00:00")


def letter(subject: str = "Welcome", *, html: str = "", text: str = "") -> EmailMessage:
    """A mail with a text and, where it is given, with HTML."""
    message = EmailMessage()
    message["From"] = "Shop <noreply@shop.example>"
    message["To"] = "Ada <ada@example.org>"
    message["Subject"] = subject
    message["Message-ID"] = "<1@shop.example>"
    message["Date"] = "Sun, 01 Mar 2026 13:00:00 +0100"
    message.set_content(text or "Confirm: https://app.example.org/confirm?t=1\n")
    if html:
        message.add_alternative(html, subtype="html")
    return message


def html_letter(html: str) -> EmailMessage:
    """A mail that is HTML alone, as it is given."""
    message = EmailMessage()
    message["From"] = "eve@example.org"
    message["To"] = "ada@example.org"
    message["Subject"] = "hostile"
    message.set_content(html, subtype="html")
    return message


def with_files() -> EmailMessage:
    """A mail with an inline image and two files."""
    message = letter("Invoice", html='<p>See <img src="cid:logo" alt="our logo"></p>')
    rich = message.get_payload()[1]  # type: ignore[index]
    rich.add_related(PNG, "image", "png", cid="<logo>")  # type: ignore[union-attr]
    message.add_attachment(
        BINARY, maintype="application", subtype="pdf", filename="Rechnung März.pdf"
    )
    message.add_attachment("a;b\n1;2\n", subtype="csv", filename="data.csv")
    return message


def seen(
    *letters: EmailMessage,
    recipients: Sequence[str] | None = None,
    prepare: Callable[[SMTPServer], object] = lambda server: None,
) -> Report:
    """What a server reports that these mails were sent to."""
    with SMTPServer() as server:
        prepare(server)
        with smtplib.SMTP(*server.address, "client.example.org") as client:
            for one in letters:
                try:
                    client.send_message(one, to_addrs=recipients)
                except smtplib.SMTPException:
                    continue
        return server.report()


def entry(
    name: str,
    *letters: EmailMessage,
    outcome: str = "passed",
    failure: str = "",
    recipients: Sequence[str] | None = None,
    prepare: Callable[[SMTPServer], object] = lambda server: None,
) -> Entry:
    """An entry about a test that has sent these mails."""
    report = seen(*letters, recipients=recipients, prepare=prepare)
    made = entry_of(name, [report], failure=failure)
    return with_outcome(made, outcome, duration=0.5)


def written(folder: Path, entries: Iterable[Entry]) -> Path:
    """A page about them."""
    file = folder / "mail.html"
    write_whole(file, HEADING, entries)
    return file
