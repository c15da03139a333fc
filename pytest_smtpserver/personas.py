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
from pytest_smtpserver.script.personas.more_providers import exim, sendgrid, yahoo
from pytest_smtpserver.script.personas.playback import DialogueLeft, dialogue
from pytest_smtpserver.script.personas.providers import (
    amazon_ses,
    gmail,
    microsoft365,
    postfix,
)

__all__ = (
    "DialogueLeft",
    "Persona",
    "amazon_ses",
    "blocklisted",
    "dialogue",
    "exim",
    "full_mailbox",
    "gmail",
    "greylisting",
    "microsoft365",
    "one_message_per_connection",
    "postfix",
    "rate_limit",
    "sendgrid",
    "tarpit",
    "unknown_users",
    "yahoo",
)
