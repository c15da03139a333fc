"""Personas of services that send an application's mail; sources as in `providers`.

Who logs in is told by credentials of the service, which are the server's `users`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .talk import played

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .kinds import Persona

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
