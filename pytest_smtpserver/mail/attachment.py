"""A file in a message, as a value: both the message and its content know it."""

from __future__ import annotations

from dataclasses import dataclass


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

    def __repr__(self) -> str:
        name = f"{self.filename!r}, " if self.filename else ""
        return f"<Attachment {name}{self.content_type}, {len(self.content)} octets>"
