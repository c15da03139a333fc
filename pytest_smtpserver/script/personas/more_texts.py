"""What further servers say; where it is from, `more_providers` tells."""

from __future__ import annotations

from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply

from .provider_texts import Provider, Refusal, plain

_YAHOO_CODES = "see https://postmaster.yahooinc.com/error-codes"

YAHOO = Provider(
    name="yahoo",
    host="mta5.am0.yahoodns.net",
    greeting="ESMTP ready",
    hello="",
    helo="",
    keywords=("PIPELINING", "SIZE", "8BITMIME", "STARTTLS"),
    always=frozenset(),
    largest=41943040,
    too_large=Reply(552, "Message size exceeds maximum allowed"),
    instead=plain({}),
    refusals={
        "complaints": Refusal(
            421,
            (
                (
                    "4.7.0 [TSS04] Messages from {client} temporarily deferred due to "
                    f"unexpected volume or user complaints - 4.16.55.1; {_YAHOO_CODES}"
                ),
            ),
        ),
        "blocked": Refusal(
            553,
            (
                (
                    "5.7.1 [BL21] Connections will not be accepted from {client}, because "
                    f"the ip is in Spamhaus's list; {_YAHOO_CODES}"
                ),
            ),
        ),
        "no such user": Refusal(
            554,
            (
                (
                    "delivery error: dd This user doesn't have a yahoo.com account "
                    "({address}) [0] - mta5.am0.yahoodns.net"
                ),
            ),
            "MESSAGE",
        ),
        "policy": Refusal(
            554,
            (f"5.7.9 Message not accepted for policy reasons. {_YAHOO_CODES}",),
            "MESSAGE",
        ),
    },
)

SENDGRID = Provider(
    name="sendgrid",
    host="smtp.sendgrid.net",
    greeting="SG ESMTP service ready",
    hello="",
    helo="",
    keywords=("8BITMIME", "PIPELINING", "SIZE", "STARTTLS", "AUTH"),
    always=frozenset(),
    largest=31457280,
    too_large=Reply(552, "Message size exceeds fixed limit"),
    instead=plain(
        {
            standard.NEED_AUTH: Reply(550, "Unauthenticated senders not allowed"),
            standard.AUTH_FAILED: Reply(
                535, "Authentication failed: Bad username / password"
            ),
        }
    ),
    refusals={
        "sender identity": Refusal(
            550,
            (
                (
                    "The from address does not match a verified Sender Identity. Mail "
                    "cannot be sent until this error is resolved."
                ),
            ),
            "MESSAGE",
        ),
        "credits exceeded": Refusal(
            451, ("Authentication failed: Maximum credits exceeded",), "MESSAGE"
        ),
        "try again later": Refusal(
            451, ("Temporary local problem - please try later",)
        ),
    },
)

EXIM = Provider(
    name="exim",
    host="",
    greeting="ESMTP Exim 4.96 {date}",
    hello="Hello {client}",
    helo="Hello {client}",
    keywords=("SIZE", "8BITMIME", "PIPELINING", "STARTTLS", "AUTH", "CHUNKING", "HELP"),
    always=frozenset({"HELP"}),
    largest=50 * 1024 * 1024,
    too_large=Reply(552, "Message size exceeds maximum permitted"),
    instead=plain(
        {
            standard.UNRECOGNIZED: Reply(500, "unrecognized command"),
            standard.AUTH_TWICE: Reply(503, "already authenticated"),
            standard.AUTH_FAILED: Reply(535, "Incorrect authentication data"),
            standard.TOO_BIG: Reply(552, "Message size exceeds maximum permitted"),
            standard.TOO_MANY_RECIPIENTS: Reply(452, "too many recipients"),
            standard.TLS_ACTIVE: Reply(554, "Already in TLS"),
        }
    ),
    refusals={
        "no such user": Refusal(550, ("Unrouteable address",)),
        "relay denied": Refusal(550, ("relay not permitted",)),
        "access denied": Refusal(550, ("Administrative prohibition",)),
        "try again later": Refusal(
            451, ("Temporary local problem - please try later",)
        ),
    },
)
