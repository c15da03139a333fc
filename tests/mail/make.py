"""Messages for the tests of this room."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from pytest_smtpserver.mail.message import ReceivedMessage
from pytest_smtpserver.protocol.syntax.addresses import (
    parse_mail_argument,
    parse_rcpt_argument,
)
from pytest_smtpserver.protocol.syntax.envelope import Envelope

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import SessionRecord

#: All that is worked out from the content.
ATTRIBUTES = (
    "attachments",
    "cc",
    "date",
    "defects",
    "email",
    "from_",
    "headers",
    "html",
    "inline_images",
    "links",
    "message_id",
    "reply_to",
    "subject",
    "text",
    "text_from_html",
    "to",
)
#: None of what is tested here looks at the session.
NO_SESSION = cast("SessionRecord", object())
RECEIVED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def envelope(mail: bytes = b"FROM:<noreply@example.org>", *rcpt: bytes) -> Envelope:
    """An envelope from the arguments of its commands."""
    made = Envelope(parse_mail_argument(mail))
    for argument in rcpt or (b"TO:<ada@example.org>",):
        made.rcpt_to.append(parse_rcpt_argument(argument))
    return made


def received(content: bytes | str) -> ReceivedMessage:
    """A message with these octets and an envelope that does not matter."""
    octets = content.encode() if isinstance(content, str) else content
    return ReceivedMessage(octets, envelope(), NO_SESSION, received_at=RECEIVED_AT)


def on_the_wire(octets: bytes) -> bytes:
    """What smtplib and its like make of the line ends before they send."""
    return re.sub(rb"(?:\r\n|\n|\r(?!\n))", b"\r\n", octets)


def html_mail(html: str, text: str | None = None) -> ReceivedMessage:
    """A message with this HTML and, if it is given, this text beside it."""
    head = "From: a@example.org\r\nSubject: test\r\nMIME-Version: 1.0\r\n"
    rich = f"Content-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
    if text is None:
        return received(head + rich)
    plain = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    return received(
        f"{head}Content-Type: multipart/alternative; boundary=b\r\n\r\n"
        f"--b\r\n{plain}--b\r\n{rich}--b--\r\n"
    )


def text_mail(text: str, subject: str = "test") -> ReceivedMessage:
    """A message with this text."""
    return received(
        f"From: a@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
