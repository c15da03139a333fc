"""Servers of a certain kind: what `SMTPServer.play` plays.

Each function makes a `Persona`, a documented set of rules::

    smtp_server.play(personas.greylisting(tries=2))
"""

from __future__ import annotations

from pytest_smtpserver.script.personas.kinds import (
    Persona,
    blocklisted,
    full_mailbox,
    greylisting,
    one_message_per_connection,
    rate_limit,
    tarpit,
    unknown_users,
)
from pytest_smtpserver.script.personas.playback import DialogueLeft, dialogue
from pytest_smtpserver.script.personas.providers import (
    gmail,
    gmx,
    icloud,
    microsoft365,
    mimecast,
    proofpoint,
    web_de,
    yahoo,
    zoho,
)
from pytest_smtpserver.script.personas.relays import (
    amazon_ses,
    mailgun,
    postmark,
    sendgrid,
)
from pytest_smtpserver.script.personas.software import (
    exchange,
    exim,
    opensmtpd,
    postfix,
    sendmail,
)

__all__ = (
    "DialogueLeft",
    "Persona",
    "amazon_ses",
    "blocklisted",
    "dialogue",
    "exchange",
    "exim",
    "full_mailbox",
    "gmail",
    "gmx",
    "greylisting",
    "icloud",
    "mailgun",
    "microsoft365",
    "mimecast",
    "one_message_per_connection",
    "opensmtpd",
    "postfix",
    "postmark",
    "proofpoint",
    "rate_limit",
    "sendgrid",
    "sendmail",
    "tarpit",
    "unknown_users",
    "web_de",
    "yahoo",
    "zoho",
)
