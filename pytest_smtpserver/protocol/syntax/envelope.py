"""The envelope of a mail transaction (RFC 5321 §2.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .parameters import NO_VALUES

if TYPE_CHECKING:
    from .addresses import Address
    from .parameters import DeliverBy, MailValues


class Envelope:
    """Sender, recipients, and what the parameters of MAIL say.

    Args:
        mail_from: the reverse-path.
        values: the values of its parameters; by default there are none.

    Attributes:
        mail_from: the reverse-path, ``""`` for the null one.
        rcpt_to: the recipients that were accepted, in their order.
        values: the values of the parameters of MAIL.
    """

    __slots__ = ("_rejected", "mail_from", "rcpt_to", "values")

    mail_from: Address
    rcpt_to: list[Address]
    values: MailValues

    def __init__(self, mail_from: Address, values: MailValues | None = None) -> None:
        self.mail_from = mail_from
        self.rcpt_to = []
        self._rejected: list[Address] | None = None
        self.values = NO_VALUES if values is None else values

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

    @property
    def body(self) -> str | None:
        """BODY in upper case (RFC 6152, RFC 3030), or None."""
        return self.values.body

    @property
    def smtputf8(self) -> bool:
        """Whether SMTPUTF8 was given (RFC 6531 §3.4)."""
        return self.values.smtputf8

    @property
    def declared_size(self) -> int | None:
        """SIZE in octets (RFC 1870), or None."""
        return self.values.declared_size

    @property
    def ret(self) -> str | None:
        """RET, ``"FULL"`` or ``"HDRS"`` (RFC 3461 §4.3), or None."""
        return self.values.ret

    @property
    def envid(self) -> str | None:
        """ENVID, decoded (RFC 3461 §4.4), or None."""
        return self.values.envid

    @property
    def auth(self) -> str | None:
        """AUTH, decoded, or ``"<>"`` (RFC 4954 §5), or None."""
        return self.values.auth

    @property
    def require_tls(self) -> bool:
        """Whether REQUIRETLS was given (RFC 8689)."""
        return self.values.require_tls

    @property
    def deliver_by(self) -> DeliverBy | None:
        """BY (RFC 2852), or None."""
        return self.values.deliver_by

    @property
    def hold_for(self) -> int | None:
        """HOLDFOR in seconds (RFC 4865), or None."""
        return self.values.hold_for

    @property
    def hold_until(self) -> str | None:
        """HOLDUNTIL, the date and time as sent (RFC 4865), or None."""
        return self.values.hold_until

    @property
    def priority(self) -> int | None:
        """MT-PRIORITY, -9 to 9 (RFC 6710), or None."""
        return self.values.priority

    def __repr__(self) -> str:
        parts = [f"from {str(self.mail_from)!r} to {list(self.rcpt_to)!r}"]
        if self.rejected:
            parts.append(f"rejected {list(self.rejected)!r}")
        parts += [
            keyword if value is None else f"{keyword}={value}"
            for keyword, value in self.mail_from.parameter_list
        ]
        return f"<Envelope {', '.join(parts)}>"
