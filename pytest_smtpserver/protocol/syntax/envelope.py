"""The envelope of a mail transaction (RFC 5321 §2.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.protocol.naming import no_such_attribute

from .values import NO_VALUES, MailValues, MailViews

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .addresses import Address

#: What aiosmtpd, smtplib, Django and others call the parts of an envelope.
WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "mailfrom",
            "sender",
            "from_addr",
            "from_email",
            "return_path",
            "reverse_path",
        ),
        "envelope.mail_from",
    ),
    **dict.fromkeys(
        ("rcpt_tos", "to_addrs", "recipients", "recipient", "forward_paths"),
        "envelope.rcpt_to",
    ),
    "bcc": "envelope.rcpt_to, where a Bcc is too",
    "from_": "envelope.mail_from; message.from_ is the header's",
    "to": "envelope.rcpt_to; message.to is the header's",
    "cc": "envelope.rcpt_to; message.cc is the header's",
    "mail_options": "envelope.mail_from.parameters",
    "sender_options": "envelope.mail_from.parameters",
    "rcpt_options": "envelope.rcpt_to[0].parameters",
    "parameters": "envelope.mail_from.parameters, envelope.rcpt_to[0].parameters",
    "smtp_utf8": "envelope.smtputf8",
    "size": "envelope.declared_size; len(message.content)",
    "refused": "envelope.rejected",
    "notify": "envelope.rcpt_to[0].notify",
    "orcpt": "envelope.rcpt_to[0].orcpt",
    "original_content": "message.content",
    "data": "message.content",
    **dict.fromkeys(("peer", "client_address"), "message.session.remote_address"),
    **dict.fromkeys(("host_name", "helo"), "message.session.helo"),
    **dict.fromkeys(("authenticated", "user", "username"), "message.session.user"),
    **dict.fromkeys(("auth_data", "login_data"), "message.session.auth_attempts"),
    **dict.fromkeys(("ssl", "tls"), "message.session.tls"),
    **{
        name: f"message.{name}: the envelope is what MAIL and RCPT said"
        for name in (
            *(
                "subject",
                "text",
                "html",
                "headers",
                "content",
                "attachments",
                "session",
            ),
            *("reply_to", "link", "links", "code", "email", "date", "message_id"),
        )
    },
}


class Envelope(MailViews):
    """Sender, recipients, and what the parameters of MAIL say.

    Args:
        mail_from: the reverse-path.
        values: the values of its parameters; by default there are none.

    Attributes:
        mail_from: the reverse-path, ``""`` for the null one.
        rcpt_to: the recipients that were accepted, in their order.
        values: the values of the parameters of MAIL, which are attributes too.
    """

    __slots__ = ("_rejected", "mail_from", "rcpt_to", "values")

    def __init__(self, mail_from: Address, values: MailValues = NO_VALUES) -> None:
        self.mail_from: Address = mail_from
        self.rcpt_to: list[Address] = []
        self._rejected: list[Address] | None = None
        self.values: MailValues = values

    @property
    def rejected(self) -> list[Address]:
        """The recipients that were refused, in their order."""
        return [] if self._rejected is None else self._rejected

    def reject(self, address: Address) -> None:
        """Note a recipient that was refused. For the engine."""
        # No list for each message, where most refuse nobody; and only here, so that
        # whoever reads meanwhile, in another thread, cannot make another.
        if self._rejected is None:
            self._rejected = []
        self._rejected.append(address)

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute("an envelope", WORDS)

    def __repr__(self) -> str:
        parts = [f"from {str(self.mail_from)!r} to {list(self.rcpt_to)!r}"]
        if self.rejected:
            parts.append(f"rejected {list(self.rejected)!r}")
        parts += [
            keyword if value is None else f"{keyword}={value}"
            for keyword, value in self.mail_from.parameter_list
        ]
        return printable(f"<Envelope {', '.join(parts)}>")
