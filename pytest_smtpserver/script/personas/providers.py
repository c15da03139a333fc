"""Personas of those who take mail for their users; where texts are from, ``servers/``.

`refuse` says which recipients are refused, and why; keys are addresses, or what else a
rule can match them with. Each raises `TypeError` where it is no mapping or a reason is
no str, and `ValueError` where there is no such reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .talk import played

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .kinds import Persona

GmailReason: TypeAlias = Literal[
    "no such user",
    "over quota",
    "too quickly",
    "disabled",
    "try again later",
    "unsolicited",
]
Microsoft365Reason: TypeAlias = Literal[
    "no such user",
    "access denied",
    "server busy",
    "banned",
    "mailbox full",
    "thread limit",
    "send as denied",
]
YahooReason: TypeAlias = Literal["complaints", "blocked", "no such user", "policy"]
ICloudReason: TypeAlias = Literal[
    "no such user",
    "inactive",
    "over quota",
    "too quickly",
    "try again later",
    "relay denied",
    "policy",
    "authentication",
]
ZohoReason: TypeAlias = Literal[
    "greylisted",
    "try again later",
    "no such user",
    "restricted",
    "relay denied",
    "too quickly",
    "spam",
    "virus",
]
GmxReason: TypeAlias = Literal[
    "no such user", "over quota", "try again later", "too many messages", "policy"
]
ProofpointReason: TypeAlias = Literal[
    "deferred",
    "being verified",
    "no such user",
    "marked as invalid",
    "relay denied",
    "blocked",
    "policy",
]
MimecastReason: TypeAlias = Literal[
    "greylisted",
    "recipient unavailable",
    "too many messages",
    "no such user",
    "blocked",
    "policy",
]


def gmail(refuse: Mapping[Any, GmailReason] | None = None) -> Persona:
    """Answer as Gmail does, at ``smtp.gmail.com``.

    Reasons: ``"no such user"`` (550 5.1.1), ``"over quota"`` (452 4.2.2), ``"too
    quickly"`` (450 4.2.1), ``"disabled"`` (550 5.2.1), ``"try again later"`` (421
    4.7.0); after the content ``"unsolicited"`` (550 5.7.1). Source:
    https://support.google.com/a/answer/3726730.
    """
    return played("gmail", refuse)


def microsoft365(refuse: Mapping[Any, Microsoft365Reason] | None = None) -> Persona:
    """Answer as Microsoft 365 does, at ``smtp.office365.com``.

    Reasons: ``"no such user"`` (550 5.1.10), ``"access denied"`` (550 5.4.1), ``"server
    busy"`` (451 4.7.500), ``"banned"`` (550 5.7.606); after the content ``"mailbox
    full"`` (554 5.2.2), ``"thread limit"`` (432 4.3.2), ``"send as denied"`` (554
    5.2.252). Source: Microsoft's page "Email non-delivery reports and SMTP errors in
    Exchange Online".
    """
    return played("microsoft365", refuse)


def yahoo(refuse: Mapping[Any, YahooReason] | None = None) -> Persona:
    """Answer as Yahoo's servers do to those who deliver to its users.

    Reasons: ``"complaints"`` (421 4.7.0 TSS04), ``"blocked"`` (553 5.7.1 BL21); after
    the content ``"no such user"`` (554), ``"policy"`` (554 5.7.9). Source:
    https://senders.yahooinc.com/smtp-error-codes/.
    """
    return played("yahoo", refuse)


def icloud(refuse: Mapping[Any, ICloudReason] | None = None) -> Persona:
    """Answer as iCloud's servers do to those who deliver to its users.

    Reasons: ``"no such user"`` and ``"inactive"`` (550 5.1.1), ``"over quota"`` (552
    5.2.2), ``"too quickly"`` (421 4.7.1), ``"try again later"`` (451 4.7.1), ``"relay
    denied"`` (554 5.7.1); after the content ``"policy"`` and ``"authentication"`` (554
    5.7.1). Source: https://smtp.codes/icloud; Apple itself quotes no reply.
    """
    return played("icloud", refuse)


def zoho(refuse: Mapping[Any, ZohoReason] | None = None) -> Persona:
    """Answer as Zoho Mail does, to its users and to those who deliver to them.

    Reasons: ``"greylisted"`` (451 4.7.1), ``"try again later"`` (452 4.3.1), ``"no such
    user"`` (550 5.1.1), ``"restricted"`` (541 5.4.1); after the content ``"relay
    denied"`` (553), ``"too quickly"`` (550 5.4.6), ``"spam"`` (554 5.7.1), ``"virus"``
    (552 5.7.1). Source: https://www.zoho.com/zeptomail/help/api/smtp-error-codes.html.
    """
    return played("zoho", refuse)


def gmx(refuse: Mapping[Any, GmxReason] | None = None) -> Persona:
    """Answer as GMX does, whose refusals have no enhanced status codes.

    Reasons: ``"no such user"`` (550), ``"over quota"`` (552), ``"try again later"`` and
    ``"too many messages"`` (450); after the content ``"policy"`` (554). Source:
    https://postmaster.gmx.net/en/error-messages.
    """
    return played("gmx", refuse)


def web_de(refuse: Mapping[Any, GmxReason] | None = None) -> Persona:
    """Answer as WEB.DE does: as `gmx`, under its own names."""
    return played("web_de", refuse)


def proofpoint(refuse: Mapping[Any, ProofpointReason] | None = None) -> Persona:
    """Answer as Proofpoint's servers do, which stand in front of others' mail servers.

    Reasons: ``"deferred"`` (421), ``"being verified"`` (421 4.1.1), ``"no such user"``
    (550 5.1.1), ``"marked as invalid"`` (550 5.7.1), ``"relay denied"`` (554 5.7.1),
    ``"blocked"`` (554); after the content ``"policy"`` (550 5.7.0). Source:
    https://smtpfieldmanual.com/spam-filter/proofpoint; Proofpoint itself lists none.
    """
    return played("proofpoint", refuse)


def mimecast(refuse: Mapping[Any, MimecastReason] | None = None) -> Persona:
    """Answer as Mimecast's servers do; their refusals have no enhanced status codes.

    Reasons: ``"greylisted"``, ``"recipient unavailable"`` and ``"too many messages"``
    (451), ``"no such user"`` and ``"blocked"`` (550); after the content ``"policy"``
    (554). Source: Mimecast's page "Mimecast SMTP Error Codes".
    """
    return played("mimecast", refuse)
