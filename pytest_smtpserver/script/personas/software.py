"""Personas of mail servers that people run themselves; sources as in `providers`.

Each answers as it is installed, under the name of the option `hostname`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .talk import played

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .kinds import Persona

PostfixReason: TypeAlias = Literal[
    "no such user", "relay denied", "access denied", "try again later", "disk full"
]
EximReason: TypeAlias = Literal[
    "no such user", "relay denied", "access denied", "try again later"
]
SendmailReason: TypeAlias = Literal[
    "disk full", "no such domain", "no such user", "relay denied", "disabled"
]
OpenSmtpdReason: TypeAlias = Literal["no such user", "relay denied", "try again later"]
ExchangeReason: TypeAlias = Literal[
    "insufficient resources",
    "no such user",
    "relay denied",
    "shutting down",
    "server error",
    "send as denied",
]


def postfix(refuse: Mapping[Any, PostfixReason] | None = None) -> Persona:
    """Answer as Postfix 3.7 does.

    Reasons: ``"no such user"`` (550 5.1.1), ``"relay denied"`` (454 4.7.1), ``"access
    denied"`` (554 5.7.1), ``"try again later"`` (450 4.3.2); after the content ``"disk
    full"`` (451 4.3.0). Source: its smtpd, and postconf(5).
    """
    return played("postfix", refuse)


def exim(refuse: Mapping[Any, EximReason] | None = None) -> Persona:
    """Answer as Exim 4.96 does, as Debian configures it.

    Reasons: ``"no such user"``, ``"relay denied"``, ``"access denied"`` (550), ``"try
    again later"`` (451). Source: Exim itself.
    """
    return played("exim", refuse)


def sendmail(refuse: Mapping[Any, SendmailReason] | None = None) -> Persona:
    """Answer as Sendmail 8.17 does.

    Reasons: ``"no such user"`` (550 5.1.1), ``"relay denied"`` (550 5.7.1),
    ``"disabled"`` (550 5.2.1); at MAIL, for the sender, ``"disk full"`` (452 4.4.5) and
    ``"no such domain"`` (553 5.1.8). Source: Sendmail itself.
    """
    return played("sendmail", refuse)


def opensmtpd(refuse: Mapping[Any, OpenSmtpdReason] | None = None) -> Persona:
    """Answer as OpenSMTPD 6.8 does.

    Reasons: ``"no such user"`` and ``"relay denied"``, both 550 in the same words;
    ``"try again later"`` (451). Source: OpenSMTPD itself.
    """
    return played("opensmtpd", refuse)


def exchange(refuse: Mapping[Any, ExchangeReason] | None = None) -> Persona:
    """Answer as Exchange Server does on one's own premises.

    Reasons: ``"no such user"`` (550 5.1.10), ``"relay denied"`` (550 5.7.54),
    ``"shutting down"`` (421 4.3.2); at MAIL, for the sender, ``"insufficient
    resources"`` (452 4.3.1); after the content ``"server error"`` (451 4.7.0), ``"send
    as denied"`` (550 5.7.60). Source: Microsoft's pages "DSNs and NDRs in Exchange
    Server" and "SmtpResponse fields".
    """
    return played("exchange", refuse)
