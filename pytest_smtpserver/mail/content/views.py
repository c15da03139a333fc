"""What the content of a message says: each value is worked out when it is first read.

This module is loaded by the first attribute of a message that somebody reads. The
reader of HTML and the standard library's email package are loaded by the first one that
needs them. Two threads may both work out a value; neither sees half of it.
"""

from __future__ import annotations

import importlib
import re
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.display import printable, shortened

from .fields.headers import Block, Headers, read_block

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from email.message import EmailMessage
    from typing import Any

    from pytest_smtpserver.mail.attachment import Attachment
    from pytest_smtpserver.mail.delivery.signatures import DKIMResult, Keys
    from pytest_smtpserver.protocol.syntax.envelope import Envelope

    from . import links, mime, parts
    from .fields import mailboxes
    from .html.page import Page
else:
    mailboxes = Later("pytest_smtpserver.mail.content.fields.mailboxes")
    links = Later("pytest_smtpserver.mail.content.links")
    mime = Later("pytest_smtpserver.mail.content.mime")
    parts = Later("pytest_smtpserver.mail.content.parts")

#: A defect is a sentence; what the message says in it may be of any length.
_SENTENCE = 300


class Views:
    """What the content of one message says."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._addresses: dict[str, list[str]] = {}

    @cached_property
    def email(self) -> EmailMessage:
        """The standard library's parse."""
        from .stdlib import parse_message  # noqa: PLC0415 - takes the email package along

        return parse_message(self._content)

    @cached_property
    def block(self) -> Block:
        """The header alone: a subject needs no parts."""
        return read_block(self._content, 0, len(self._content))

    @cached_property
    def headers(self) -> Headers:
        """The header fields."""
        return Headers(self.block.fields)

    @cached_property
    def root(self) -> mime.Part:
        """The message as a part."""
        return mime.parse(self._content)

    @cached_property
    def parts(self) -> parts.Sorted:
        """The parts by their role."""
        return parts.sort_parts(self.root)

    @cached_property
    def subject(self) -> str:
        """The subject."""
        return self.headers.get("Subject", "")

    @cached_property
    def date(self) -> datetime | None:
        """The Date field."""
        value = self.headers.get("Date")
        if value is None:
            return None
        from .stdlib import read_date  # noqa: PLC0415 - takes the email package along

        return read_date(value)

    @cached_property
    def text(self) -> str:
        """The text."""
        return parts.body_of(self.parts.text)

    @cached_property
    def html(self) -> str:
        """The HTML."""
        return parts.body_of(self.parts.html)

    @cached_property
    def page(self) -> Page:
        """The HTML, read."""
        from .html.page import Page  # noqa: PLC0415 - a mail without HTML needs none of it

        return Page(self.html)

    @cached_property
    def links(self) -> list[str]:
        """The links of the HTML, then those of the text that are not among them."""
        return links.unique([*self.page.links, *links.links_in_text(self.text)])

    @cached_property
    def text_from_html(self) -> str:
        """The HTML as text, by inscriptis."""
        try:
            inscriptis = importlib.import_module("inscriptis")
        except ImportError as error:
            raise ImportError(
                "message.text_from_html needs inscriptis: "
                "pip install 'pytest-smtpserver[html]'"
            ) from error
        if not self.html.strip():
            return ""
        try:
            return str(inscriptis.get_text(self.html))
        except Exception:  # noqa: BLE001 - lxml refuses empty documents and control characters
            return self.page.text

    def link(self, pattern: str | re.Pattern[str], *, where: str) -> str:
        """The only link that matches."""
        __tracebackhide__ = True
        return links.find_link(
            self.links, pattern, where=where, text=self.text or self.page.text
        )

    def code(self, pattern: str | re.Pattern[str], *, where: str) -> str:
        """The only code that matches."""
        __tracebackhide__ = True
        from .codes import find_code  # noqa: PLC0415 - for those who ask

        bodies = [self.text, self.page.text]
        return find_code(self.subject, bodies, self.page.headings, pattern, where=where)

    def normalized(
        self,
        envelope: Envelope,
        replace: Mapping[str | re.Pattern[str], str] | None,
        *,
        dates: bool,
    ) -> str:
        """The text for snapshots."""
        from .normalize import normalized  # noqa: PLC0415 - for those who ask

        return normalized(envelope, self.root, replace, dates=dates)

    def as_dict(self, envelope: Envelope) -> dict[str, Any]:
        """The message in the types of JSON."""
        date = self.date
        form = {
            "envelope": {
                "mail_from": str(envelope.mail_from),
                "rcpt_to": list(map(str, envelope.rcpt_to)),
            },
            "from": next(iter(self.addresses("from")), ""),
            "to": self.addresses("to"),
            "cc": self.addresses("cc"),
            "subject": self.subject,
            "date": None if date is None else date.isoformat(),
            "message_id": self.headers.get("Message-ID", ""),
            "text": self.text,
            "html": self.html,
            "links": self.links,
            "attachments": [
                {
                    "filename": attachment.filename,
                    "content_type": attachment.content_type,
                    "size": len(attachment.content),
                }
                for attachment in self.attachments
            ],
            "headers": [list(field) for field in self.headers.items()],
            "defects": self.defects,
        }
        return {name: _clean(value) for name, value in form.items()}

    def dkim(self, keys: Keys) -> list[DKIMResult]:
        """Whether each DKIM-Signature holds."""
        from pytest_smtpserver.mail.delivery.signatures import verify  # noqa: PLC0415 - for those who ask

        return verify(self._content, self.headers.get_all("DKIM-Signature"), keys)

    @cached_property
    def attachments(self) -> list[Attachment]:
        """The attached files."""
        return [parts.attachment_of(part) for part in self.parts.attachments]

    @cached_property
    def inline_images(self) -> list[Attachment]:
        """The images of the HTML."""
        return [parts.attachment_of(part) for part in self.parts.inline_images]

    @cached_property
    def defects(self) -> list[str]:
        """What is wrong with the message."""
        found: list[str] = []
        for part in self.root.walk():
            entries = [*part.structure_defects(), *_body_defects(part)]
            where = "" if part is self.root else f"part {part.content_type[:60]}: "
            found += [where + entry for entry in entries]
        value = self.headers.get("Date")
        if value is not None and self.date is None:
            found.append(f"Date: {value[:60]!r} is no date (RFC 5322 section 3.3)")
        if re.search("(?i)<base", self.html) and (length := self.page.long_base):
            found.append(
                f"the HTML has a <base href> of {length} characters, which is left out "
                "of account: relative links stay as they are"
            )
        return links.unique(shortened(printable(entry), _SENTENCE) for entry in found)

    def addresses(self, name: str) -> list[str]:
        """The addresses of all fields of that name; the list is the caller's own."""
        if name not in self._addresses:
            self._addresses[name] = [
                address
                for field in self.block.fields
                if field.name.lower() == name
                for _, address in mailboxes.read_mailboxes(field.value)[0]
            ]
        return list(self._addresses[name])


def _body_defects(part: mime.Part) -> list[str]:
    if part.is_multipart:
        return []
    if part.content_type in {"text/plain", "text/html"}:
        _, entries = parts.text_of(part)
        return [f"the text {entry}" for entry in entries]
    _, complaint = part.octets()
    return [f"the body {complaint}"] if complaint else []


def _clean(value: Any) -> Any:
    """The value with ``?`` for each lone surrogate in its texts.

    Such a surrogate stands for an octet that is no text. RFC 8259 §8.2 calls it
    unpredictable what software does that reads one.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if value else ""
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return value
