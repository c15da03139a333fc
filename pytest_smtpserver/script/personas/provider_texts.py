"""What servers say that most mail goes through; where it is from, `providers` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refusal(NamedTuple):
    """What is said to the recipients that a test chooses.

    Attributes:
        code: the reply code.
        lines: its text; ``{address}``, ``{sender}``, ``{user}`` and ``{client}`` are
            filled in.
        event: when: ``"RCPT"``, or ``"MESSAGE"`` after the content.
    """

    code: int
    lines: tuple[str, ...]
    event: str = "RCPT"


class Provider(NamedTuple):
    """How one kind of server talks.

    Attributes:
        name: of the function that makes the persona.
        host: the server's name; ``""`` for that of the option ``hostname``.
        greeting: after the name; ``{date}`` is filled in.
        hello: the first line of the reply to EHLO, after the name.
        helo: the reply to HELO, after the name.
        keywords: the other lines, in order; a bare keyword has this server's arguments.
        always: of these, those that are no names of extensions.
        largest: the largest message, in octets.
        too_large: what is said after a larger one.
        instead: what it says for the usual refusals, enhanced codes aside.
        refusals: what it says to some recipients, by a name.
    """

    name: str
    host: str
    greeting: str
    hello: str
    helo: str
    keywords: tuple[str, ...]
    always: frozenset[str]
    largest: int
    too_large: Reply
    instead: Mapping[Reply, Reply]
    refusals: Mapping[str, Refusal]


def plain(instead: Mapping[Reply, Reply]) -> dict[Reply, Reply]:
    """By the replies as they are without ENHANCEDSTATUSCODES too."""
    return {usual.without_enhanced(): own for usual, own in instead.items()}


# Gmail puts an id of the session in front of its name at the end of each refusal.
_GMAIL = "pytest-smtpserver - gsmtp"
_GMAIL_TOO_LARGE = Reply(
    552,
    "5.3.4 Your message exceeded Google's message size limits. To view",
    "our message size guidelines, go to",
    f" https://support.google.com/mail/?p=MaxSizeError {_GMAIL}",
)

GMAIL = Provider(
    name="gmail",
    host="smtp.gmail.com",
    greeting=f"ESMTP {_GMAIL}",
    hello="at your service, [{client}]",
    helo="at your service",
    keywords=(
        "SIZE",
        "8BITMIME",
        "STARTTLS",
        "AUTH",
        "ENHANCEDSTATUSCODES",
        "PIPELINING",
        "CHUNKING",
        "SMTPUTF8",
    ),
    always=frozenset(),
    largest=35882577,
    too_large=_GMAIL_TOO_LARGE,
    instead=plain(
        {
            standard.NEED_TLS: Reply(
                530,
                "5.7.0 Must issue a STARTTLS command first. For more information, go to",
                " https://support.google.com/a/answer/3221692 and review RFC 3207",
                f"specifications. {_GMAIL}",
            ),
            standard.NEED_AUTH: Reply(
                530,
                "5.7.0 Authentication Required. For more information, go to",
                " https://support.google.com/accounts/troubleshooter/2402620. "
                + _GMAIL,
            ),
            standard.AUTH_FAILED: Reply(
                535,
                "5.7.8 Username and Password not accepted. For more information, go to",
                f" https://support.google.com/mail/?p=BadCredentials {_GMAIL}",
            ),
            standard.TOO_BIG: _GMAIL_TOO_LARGE,
            standard.TOO_MANY_RECIPIENTS: Reply(
                452,
                "4.5.3 Your message has too many recipients. For more information "
                "regarding",
                "Google's sending limits, go to",
                f" https://support.google.com/mail/?p=TooManyRecipientsError {_GMAIL}",
            ),
        }
    ),
    refusals={
        "no such user": Refusal(
            550,
            (
                (
                    "5.1.1 The email account that you tried to reach does not exist. "
                    "Please try"
                ),
                "double-checking the recipient's email address for typos or",
                "unnecessary spaces. For more information, go to",
                f" https://support.google.com/mail/?p=NoSuchUser {_GMAIL}",
            ),
        ),
        "over quota": Refusal(
            452,
            (
                "4.2.2 The recipient's inbox is out of storage space. Please direct the",
                "recipient to",
                f" https://support.google.com/mail/?p=OverQuotaTemp {_GMAIL}",
            ),
        ),
        "too quickly": Refusal(
            450,
            (
                (
                    "4.2.1 The user you are trying to contact is receiving mail at a rate "
                    "that"
                ),
                "prevents additional messages from being delivered. Please resend your",
                "message at a later time. If the user is able to receive mail at that",
                "time, your message will be delivered. For more information, go to",
                f" https://support.google.com/mail/?p=ReceivingRate {_GMAIL}",
            ),
        ),
        "disabled": Refusal(
            550,
            (
                "5.2.1 The email account that you tried to reach is inactive. For more",
                "information, go to",
                f" https://support.google.com/mail/?p=DisabledUser {_GMAIL}",
            ),
        ),
        "try again later": Refusal(
            421, (f"4.7.0 Try again later, closing connection. {_GMAIL}",)
        ),
        "unsolicited": Refusal(
            550,
            (
                "5.7.1 [{client}      12] Gmail has detected that this message is",
                "likely unsolicited mail. To reduce the amount of spam sent to Gmail,",
                "this message has been blocked. For more information, go to",
                f" https://support.google.com/mail/?p=UnsolicitedMessageError {_GMAIL}",
            ),
            "MESSAGE",
        ),
    },
)

MICROSOFT365 = Provider(
    name="microsoft365",
    host="outlook.office365.com",
    greeting="Microsoft ESMTP MAIL Service ready at {date} [08DE2A6028D26C22]",
    hello="Hello [{client}]",
    helo="Hello [{client}]",
    keywords=(
        "SIZE",
        "PIPELINING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
        "AUTH",
        "8BITMIME",
        "BINARYMIME",
        "CHUNKING",
        "SMTPUTF8",
    ),
    always=frozenset(),
    largest=157286400,
    too_large=standard.TOO_BIG,  # Exchange has the words of RFC 1870 §6.1 too
    instead=plain(
        {
            standard.NEED_AUTH: Reply(
                530, "5.7.57 Client not authenticated to send mail."
            ),
            standard.AUTH_FAILED: Reply(
                535,
                "5.7.139 Authentication unsuccessful, the user credentials were "
                "incorrect.",
            ),
        }
    ),
    refusals={
        "no such user": Refusal(
            550,
            (
                (
                    "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP "
                    "address lookup"
                ),
            ),
        ),
        "access denied": Refusal(
            550, ("5.4.1 Recipient address rejected: Access denied. AS(201806281)",)
        ),
        "server busy": Refusal(
            451,
            ("4.7.500 Server busy. Please try again later from [{client}]. (AS761)",),
        ),
        "banned": Refusal(
            550,
            (
                (
                    "5.7.606 Access denied, banned sending IP [{client}]; To request removal "
                    "from this list please visit https://sender.office.com/ and follow the "
                    "directions."
                ),
            ),
        ),
        "mailbox full": Refusal(
            554,
            (
                (
                    "5.2.2 mailbox full; STOREDRV.Submission.Exception:"
                    "QuotaExceededException.MapiExceptionQuotaExceeded"
                ),
            ),
            "MESSAGE",
        ),
        "thread limit": Refusal(
            432, ("4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",), "MESSAGE"
        ),
        "send as denied": Refusal(
            554,
            (
                (
                    "5.2.252 SendAsDenied; {user} not allowed to send as {sender}; STOREDRV."
                    "Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"
                ),
            ),
            "MESSAGE",
        ),
    },
)

AMAZON_SES = Provider(
    name="amazon_ses",
    host="email-smtp.amazonaws.com",
    greeting="ESMTP SimpleEmailService-d-VCSHDP1YZ A1b2C3d4E5f6G7h8I9j0",
    hello="",
    helo="",
    keywords=("8BITMIME", "STARTTLS", "AUTH", "Ok"),
    always=frozenset({"Ok"}),
    largest=40 * 1024 * 1024,
    too_large=Reply(552, "Message is too long."),
    instead=plain(
        {
            standard.NEED_TLS: Reply(530, "Must issue a STARTTLS command first"),
            standard.NEED_AUTH: Reply(530, "Authentication required"),
            standard.AUTH_FAILED: Reply(535, "Authentication Credentials Invalid"),
            standard.TOO_BIG: Reply(552, "Message is too long."),
        }
    ),
    refusals={
        "not verified": Refusal(
            554,
            (
                (
                    "Message rejected: Email address is not verified. The following "
                    "identities failed the check in region US-EAST-1: {address}"
                ),
            ),
            "MESSAGE",
        ),
        "sending rate": Refusal(
            454, ("Throttling failure: Maximum sending rate exceeded.",), "MESSAGE"
        ),
        "daily quota": Refusal(
            454, ("Throttling failure: Daily message quota exceeded.",), "MESSAGE"
        ),
        "temporary failure": Refusal(451, ("Temporary service failure",), "MESSAGE"),
        "too many connections": Refusal(
            421, ("Too many concurrent SMTP connections",), "MESSAGE"
        ),
    },
)

POSTFIX = Provider(
    name="postfix",
    host="",
    greeting="ESMTP Postfix",
    hello="",
    helo="",
    keywords=(
        "PIPELINING",
        "SIZE",
        "VRFY",
        "ETRN",
        "STARTTLS",
        "AUTH",
        "ENHANCEDSTATUSCODES",
        "8BITMIME",
        "DSN",
        "SMTPUTF8",
        "CHUNKING",
    ),
    always=frozenset({"VRFY"}),
    largest=10240000,
    too_large=Reply(552, "5.3.4 Error: message file too big"),
    instead=plain(
        {
            standard.UNRECOGNIZED: Reply(500, "5.5.2 Error: command not recognized"),
            standard.EMPTY_LINE: Reply(500, "5.5.2 Error: bad syntax"),
            standard.NO_EXPN: Reply(500, "5.5.2 Error: command not recognized"),
            standard.TLS_ACTIVE: Reply(554, "5.5.1 Error: TLS already active"),
            standard.AUTH_TWICE: Reply(503, "5.5.1 Error: already authenticated"),
            standard.AUTH_FAILED: Reply(
                535, "5.7.8 Error: authentication failed: authentication failure"
            ),
            standard.TOO_BIG: Reply(552, "5.3.4 Message size exceeds fixed limit"),
            standard.TOO_MANY_RECIPIENTS: Reply(
                452, "4.5.3 Error: too many recipients"
            ),
        }
    ),
    refusals={
        "no such user": Refusal(
            550,
            (
                (
                    "5.1.1 <{address}>: Recipient address rejected: User unknown in local "
                    "recipient table"
                ),
            ),
        ),
        "relay denied": Refusal(454, ("4.7.1 <{address}>: Relay access denied",)),
        "access denied": Refusal(
            554, ("5.7.1 <{address}>: Recipient address rejected: Access denied",)
        ),
        "try again later": Refusal(
            450, ("4.3.2 <{address}>: Recipient address rejected: Try again later",)
        ),
        "disk full": Refusal(451, ("4.3.0 Error: queue file write error",), "MESSAGE"),
    },
)
