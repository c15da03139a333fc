"""Personas of further servers; how they are made, `providers` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .more_texts import EXIM, SENDGRID, YAHOO
from .providers import played

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .kinds import Persona

YahooReason: TypeAlias = Literal["complaints", "blocked", "no such user", "policy"]
SendGridReason: TypeAlias = Literal[
    "sender identity", "credits exceeded", "try again later"
]
EximReason: TypeAlias = Literal[
    "no such user", "relay denied", "access denied", "try again later"
]


def yahoo(refuse: Mapping[Any, YahooReason] | None = None) -> Persona:
    """Answer as Yahoo's servers do to those who deliver to its users.

    Sources, of November 2026: Yahoo's pages "SMTP error codes"
    (https://senders.yahooinc.com/smtp-error-codes/) and "4xx SMTP error codes"
    (https://help.yahoo.com/kb/review-xx-smtp-sln26151.html) for the refusals; greeting
    and EHLO lines, and the words of TSS04, as senders' logs show them.

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), and why: ``"complaints"`` (421 4.7.0 TSS04), ``"blocked"`` (553 5.7.1
            BL21); after the content ``"no such user"`` (554), ``"policy"`` (554 5.7.9).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(YAHOO, refuse)


def sendgrid(refuse: Mapping[Any, SendGridReason] | None = None) -> Persona:
    """Answer as SendGrid's relay does, whose refusals have no enhanced status codes.

    There the user name of a login is always ``apikey``: give the server
    ``users={"apikey": "SG.…"}``.

    Source, of November 2026: Twilio's page "SMTP Errors and Troubleshooting"
    (https://www.twilio.com/docs/sendgrid/for-developers/sending-email/
    smtp-errors-and-troubleshooting) for the refusals; greeting and EHLO lines as
    clients' logs show them.

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), and why: ``"try again later"`` (451); after the content ``"sender
            identity"`` (550), ``"credits exceeded"`` (451).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(SENDGRID, refuse)


def exim(refuse: Mapping[Any, EximReason] | None = None) -> Persona:
    """Answer as Exim does, as it is installed, under the name of `hostname`.

    Source, of November 2026: Exim itself, version 4.96: the texts of its ``smtp_in.c``
    and of the ACLs in the configuration that comes with it
    (https://www.exim.org/exim-html-current/doc/html/spec_html/).

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), and why: ``"no such user"``, ``"relay denied"``, ``"access denied"``
            (550), ``"try again later"`` (451).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(EXIM, refuse)
