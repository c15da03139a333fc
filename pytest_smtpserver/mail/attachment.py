"""A file in a message; `message` and `content.parts` both need it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.protocol.naming import no_such_attribute

from .words import ATTACHMENT


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file in a message.

    Attributes:
        filename: as the sender named it, decoded; ``""`` where it has no name.
        content_type: ``maintype/subtype`` in lower case.
        content: its octets, the transfer encoding undone.
        content_id: without angle brackets, as in ``cid:`` links; ``""`` without one.
    """

    filename: str
    content_type: str
    content: bytes
    content_id: str = ""

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute(
            "an attachment",
            ATTACHMENT,
            {"next(message.email.iter_attachments())": "email.message:EmailMessage"},
        )

    def __repr__(self) -> str:
        name = f"{self.filename!r}, " if self.filename else ""
        size = len(self.content)
        return printable(f"<Attachment {name}{self.content_type}, {size} octets>")
