"""A message in the types of JSON, for programs and for other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage


def message_as_dict(message: ReceivedMessage) -> dict[str, Any]:
    """What `ReceivedMessage.as_dict` gives."""
    date = message.date
    form = {
        "envelope": {
            "mail_from": str(message.envelope.mail_from),
            "rcpt_to": list(map(str, message.envelope.rcpt_to)),
        },
        "from": message.from_,
        "to": message.to,
        "cc": message.cc,
        "subject": message.subject,
        "date": None if date is None else date.isoformat(),
        "message_id": message.message_id,
        "text": message.text,
        "html": message.html,
        "links": message.links,
        "attachments": [
            {
                "filename": attachment.filename,
                "content_type": attachment.content_type,
                "size": len(attachment.content),
            }
            for attachment in message.attachments
        ],
        "headers": [list(field) for field in message.headers.items()],
        "defects": message.defects,
    }
    return {name: _clean(value) for name, value in form.items()}


def _clean(value: Any) -> Any:
    """The same with text that every reader of JSON takes.

    A surrogate that stands alone stands for an octet that is no text. RFC 8259 §8.2
    calls the behaviour of software that meets one unpredictable.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8") if value else ""
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    return value
