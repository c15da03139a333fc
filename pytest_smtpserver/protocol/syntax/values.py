"""What the parameters of MAIL and RCPT say, as values with types."""

from __future__ import annotations

from typing import NamedTuple


class OriginalRecipient(str):
    """The value of ORCPT (RFC 3461 §4.2), decoded: ``"rfc822;bob@example.org"``."""

    __slots__ = ()

    @property
    def addr_type(self) -> str:
        """The type of the address, as sent: ``"rfc822"``, ``"utf-8"``."""
        return self.partition(";")[0]

    @property
    def address(self) -> str:
        """The address itself."""
        return self.partition(";")[2]


class DeliverBy(NamedTuple):
    """The value of BY (RFC 2852 §4).

    Attributes:
        seconds: from now on; zero or negative only with mode ``"N"``.
        mode: what is done when the time is over, ``"R"`` return or ``"N"`` notify.
        trace: whether relayed copies are to be reported.
    """

    seconds: int
    mode: str
    trace: bool = False


class MailValues(NamedTuple):
    """What the parameters of MAIL say; None or False where they say nothing.

    The fields are those of `MailViews`.
    """

    body: str | None = None
    smtputf8: bool = False
    declared_size: int | None = None
    ret: str | None = None
    envid: str | None = None
    auth: str | None = None
    require_tls: bool = False
    deliver_by: DeliverBy | None = None
    hold_for: int | None = None
    hold_until: str | None = None
    priority: int | None = None


#: The values of a MAIL command without parameters.
NO_VALUES = MailValues()


class MailViews:
    """What has the values of the parameters of MAIL, as typed attributes."""

    __slots__ = ()

    values: MailValues

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
