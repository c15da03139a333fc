"""A message in the types of JSON, for programs and for other languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.syntax.envelope import Envelope

    from .views import Views


def message_as_dict(views: Views, envelope: Envelope) -> dict[str, Any]:
    """What `ReceivedMessage.as_dict` gives."""
    date = views.date
    form = {
        "envelope": {
            "mail_from": str(envelope.mail_from),
            "rcpt_to": list(map(str, envelope.rcpt_to)),
        },
        "from": next(iter(views.from_), ""),
        "to": list(views.to),
        "cc": list(views.cc),
        "subject": views.subject,
        "date": None if date is None else date.isoformat(),
        "message_id": views.message_id,
        "text": views.text,
        "html": views.html,
        "links": views.links,
        "attachments": [
            {
                "filename": attachment.filename,
                "content_type": attachment.content_type,
                "size": len(attachment.content),
            }
            for attachment in views.attachments
        ],
        "headers": [list(field) for field in views.headers.items()],
        "defects": views.defects,
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
