"""The envelope of a mail transaction (RFC 5321 §2.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .values import NO_VALUES, MailValues, MailViews

if TYPE_CHECKING:
    from .addresses import Address


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

    def __repr__(self) -> str:
        parts = [f"from {str(self.mail_from)!r} to {list(self.rcpt_to)!r}"]
        if self.rejected:
            parts.append(f"rejected {list(self.rejected)!r}")
        parts += [
            keyword if value is None else f"{keyword}={value}"
            for keyword, value in self.mail_from.parameter_list
        ]
        return f"<Envelope {', '.join(parts)}>"
