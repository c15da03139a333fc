"""Personas of servers that exist; where texts are from, ``servers/``.

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

# Who takes mail for its users

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


# Services that send an application's mail: its `users` are those of the service

AmazonSesReason: TypeAlias = Literal[
    "not verified",
    "sending rate",
    "daily quota",
    "temporary failure",
    "too many connections",
]
SendGridReason: TypeAlias = Literal[
    "credits exceeded", "try again later", "sender identity"
]
MailgunReason: TypeAlias = Literal["relay denied", "sandbox", "sandbox for good"]
PostmarkReason: TypeAlias = Literal["relay denied", "disk full"]


def amazon_ses(refuse: Mapping[Any, AmazonSesReason] | None = None) -> Persona:
    """Answer as Amazon SES does, whose refusals have no enhanced status codes.

    Reasons, always after the content: ``"not verified"`` (554), ``"sending rate"`` and
    ``"daily quota"`` (454), ``"temporary failure"`` (451), ``"too many connections"``
    (421). Source: https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html.
    """
    return played("amazon_ses", refuse)


def sendgrid(refuse: Mapping[Any, SendGridReason] | None = None) -> Persona:
    """Answer as SendGrid's relay does, whose refusals have no enhanced status codes.

    There the user name of a login is always ``apikey``: give the server
    ``users={"apikey": "SG.…"}``.

    Reasons: ``"try again later"`` (451); after the content ``"sender identity"`` (550)
    and ``"credits exceeded"`` (451), which for the user name ``apikey`` is the reply to
    its login. Source: Twilio's page "SMTP Errors and Troubleshooting".
    """
    return played("sendgrid", refuse)


def mailgun(refuse: Mapping[Any, MailgunReason] | None = None) -> Persona:
    """Answer as Mailgun's relay does, at ``smtp.mailgun.org``.

    There user names are addresses such as ``postmaster@mg.example.org``.

    Reasons: ``"relay denied"`` (550 5.7.1); after the content ``"sandbox"`` (421) and
    ``"sandbox for good"`` (554). Source: https://help.mailgun.com, and users' logs.
    """
    return played("mailgun", refuse)


def postmark(refuse: Mapping[Any, PostmarkReason] | None = None) -> Persona:
    """Answer as Postmark's relay does, at ``smtp.postmarkapp.com``.

    There the server's token is both user name and password. Postmark takes mail for
    recipients that it will not send to, and reports that later.

    Reasons: ``"relay denied"`` (554 5.7.1); after the content ``"disk full"`` (451
    4.3.0). Both are Postfix's, which Postmark runs: it documents no texts itself.
    """
    return played("postmark", refuse)


# What people run themselves: as it is installed, under the name of `hostname`

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
