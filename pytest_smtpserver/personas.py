"""Servers of a certain kind: what `SMTPServer.play` plays.

Each function makes a `Persona`, a documented set of rules::

    smtp_server.play(personas.greylisting(tries=2))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.mail.words import by_name
from pytest_smtpserver.protocol.naming import suggestion
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
from pytest_smtpserver.script.personas.products import (
    amazon_ses,
    exchange,
    exim,
    gmail,
    gmx,
    icloud,
    mailgun,
    microsoft365,
    mimecast,
    opensmtpd,
    postfix,
    postmark,
    proofpoint,
    sendgrid,
    sendmail,
    web_de,
    yahoo,
    zoho,
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

#: What others call them.
WORDS = by_name(
    {
        "amazon_ses": "ses aws aws_ses amazon",
        "blocklisted": "blacklisted blacklist blocklist rbl dnsbl spamhaus",
        "dialogue": "log from_log playback replay transcript recorded",
        "full_mailbox": "mailbox_full quota over_quota",
        "gmail": "google googlemail google_workspace",
        "greylisting": "greylist graylist graylisting postgrey",
        "microsoft365": "outlook hotmail office365 o365 m365 exchange_online microsoft",
        "rate_limit": "throttle throttled rate_limited too_many",
        "tarpit": "slow delay",
        "unknown_users": "unknown_user no_such_user user_unknown",
        "yahoo": "aol",
    }
)


def _no_such_persona(name: str) -> object:
    __tracebackhide__ = True
    hint = "" if name.startswith("_") else suggestion(name, WORDS, __all__)
    raise AttributeError(f"there is no persona {name!r}{hint}")


if not TYPE_CHECKING:  # a type checker knows better what there is
    __getattr__ = _no_such_persona
