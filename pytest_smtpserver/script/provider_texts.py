"""What servers say that most mail goes through; where it is from, `providers` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol import standard
from pytest_smtpserver.protocol.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping


class Refusal(NamedTuple):
    """What is said to the recipients that a test chooses.

    Attributes:
        code: the reply code.
        lines: its text; ``{address}`` and ``{client}`` are filled in.
        event: when: ``"RCPT"``, or ``"MESSAGE"`` after the content.
    """

    code: int
    lines: tuple[str, ...]
    event: str = "RCPT"


class Provider(NamedTuple):
    """How one kind of server talks.

    Attributes:
        name: of the function that makes the persona.
        host: the server's name.
        greeting: after the name; ``{date}`` is filled in.
        hello: the first line of the reply to EHLO, after the name.
        keywords: the other lines, in order; a bare keyword has this server's arguments.
        always: of these, those that are no names of extensions.
        largest: the number behind SIZE, in octets.
        instead: what it says for the usual replies.
        refusals: what it says to some recipients, by a name.
    """

    name: str
    host: str
    greeting: str
    hello: str
    keywords: tuple[str, ...]
    always: frozenset[str]
    largest: int
    instead: Mapping[Reply, Reply]
    refusals: Mapping[str, Refusal]


GMAIL = Provider(
    name="gmail",
    host="smtp.gmail.com",
    greeting="ESMTP pytest-smtpserver - gsmtp",
    hello="at your service, [{client}]",
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
    instead={
        standard.NEED_TLS: Reply(
            530, "5.7.0 Must issue a STARTTLS command first. - gsmtp"
        ),
        standard.NEED_AUTH: Reply(
            530,
            "5.7.0 Authentication Required. For more information, go to",
            "https://support.google.com/accounts/troubleshooter/2402620. - gsmtp",
        ),
        standard.AUTH_FAILED: Reply(
            535,
            "5.7.8 Username and Password not accepted. For more information, go to",
            "https://support.google.com/mail/?p=BadCredentials - gsmtp",
        ),
        standard.TOO_BIG: Reply(
            552,
            "5.3.4 Your message exceeded Google's message size limits. To view",
            "our message size guidelines, go to",
            "https://support.google.com/mail/?p=MaxSizeError - gsmtp",
        ),
        standard.TOO_MANY_RECIPIENTS: Reply(
            452,
            "4.5.3 Your message has too many recipients. For more",
            "information regarding Google's sending limits, go to",
            "https://support.google.com/mail/?p=TooManyRecipientsError - gsmtp",
        ),
    },
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
                "https://support.google.com/mail/?p=NoSuchUser - gsmtp",
            ),
        ),
        "over quota": Refusal(
            452,
            (
                (
                    "4.2.2 The email account that you tried to reach is over quota. "
                    "Please direct"
                ),
                "the recipient to",
                "https://support.google.com/mail/?p=OverQuotaTemp - gsmtp",
            ),
        ),
        "too quickly": Refusal(
            450,
            (
                (
                    "4.2.1 The user you are trying to contact is receiving mail too "
                    "quickly."
                ),
                "Please resend your message at a later time. If the user is able to",
                "receive mail at that time, your message will be delivered. For more",
                "information, go to",
                "https://support.google.com/mail/?p=ReceivingRate - gsmtp",
            ),
        ),
        "disabled": Refusal(
            550,
            (
                "5.2.1 The email account that you tried to reach is disabled. For more",
                "information, go to",
                "https://support.google.com/mail/?p=DisabledUser - gsmtp",
            ),
        ),
        "try again later": Refusal(
            421, ("4.7.0 Try again later, closing connection. - gsmtp",)
        ),
        "unsolicited": Refusal(
            550,
            (
                "5.7.1 Our system has detected that this message is likely",
                "unsolicited mail. To reduce the amount of spam sent to Gmail, this",
                "message has been blocked. - gsmtp",
            ),
            "MESSAGE",
        ),
    },
)

MICROSOFT365 = Provider(
    name="microsoft365",
    host="outlook.office365.com",
    greeting="Microsoft ESMTP MAIL Service ready at {date}",
    hello="Hello [{client}]",
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
    instead={
        standard.NEED_AUTH: Reply(
            530,
            "5.7.57 SMTP; Client was not authenticated to send anonymous mail during "
            "MAIL FROM",
        ),
        standard.AUTH_FAILED: Reply(
            535,
            "5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        ),
        standard.TOO_BIG: Reply(552, "5.3.4 Message size exceeds fixed maximum size"),
        standard.TOO_MANY_RECIPIENTS: Reply(452, "4.5.3 Too many recipients"),
    },
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
            550, ("5.4.1 Recipient address rejected: Access denied.",)
        ),
        "mailbox full": Refusal(
            554,
            ("5.2.2 mailbox full; STOREDRV.Deliver; mailbox full",),
            "MESSAGE",
        ),
        "thread limit": Refusal(
            432,
            ("4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",),
            "MESSAGE",
        ),
        "server busy": Refusal(
            451, ("4.7.500 Server busy. Please try again later from [{client}].",)
        ),
        "banned": Refusal(
            550, ("5.7.606 Access denied, banned sending IP [{client}]",)
        ),
        "send as denied": Refusal(
            554,
            ("5.2.252 SendAsDenied; STOREDRV.Submission.Exception:SendAsDenied",),
            "MESSAGE",
        ),
    },
)

AMAZON_SES = Provider(
    name="amazon_ses",
    host="email-smtp.amazonaws.com",
    greeting="ESMTP SimpleEmailService-d-VCSHDP1YZ A1b2C3d4E5f6G7h8I9j0",
    hello="",
    keywords=("8BITMIME", "SIZE", "STARTTLS", "AUTH", "Ok"),
    always=frozenset({"Ok"}),
    largest=10485760,
    instead={
        standard.NEED_TLS: Reply(530, "Must issue a STARTTLS command first"),
        standard.NEED_AUTH: Reply(530, "Authentication required"),
        standard.AUTH_FAILED: Reply(535, "Authentication Credentials Invalid"),
        standard.TOO_BIG: Reply(
            552, "Message length is more than the maximum allowed by Amazon SES"
        ),
    },
    refusals={
        "not verified": Refusal(
            554,
            ("Message rejected: Email address is not verified.",),
            "MESSAGE",
        ),
        "sending rate": Refusal(
            454,
            ("Throttling failure: Maximum sending rate exceeded.",),
            "MESSAGE",
        ),
        "daily quota": Refusal(
            454,
            ("Throttling failure: Daily message quota exceeded.",),
            "MESSAGE",
        ),
        "temporary failure": Refusal(451, ("Temporary service failure",), "MESSAGE"),
        "too many connections": Refusal(
            421, ("Too many concurrent SMTP connections",), "MESSAGE"
        ),
    },
)

POSTFIX = Provider(
    name="postfix",
    host="mail.example.org",
    greeting="ESMTP Postfix",
    hello="",
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
    instead={
        standard.UNRECOGNIZED: Reply(500, "5.5.2 Error: command not recognized"),
        standard.NEED_TLS: Reply(530, "5.7.0 Must issue a STARTTLS command first"),
        standard.AUTH_FAILED: Reply(
            535, "5.7.8 Error: authentication failed: authentication failure"
        ),
        standard.TOO_BIG: Reply(552, "5.3.4 Message size exceeds fixed limit"),
        standard.TOO_MANY_RECIPIENTS: Reply(452, "4.5.3 Error: too many recipients"),
    },
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
            450, ("4.2.0 <{address}>: Recipient address rejected: Try again later",)
        ),
        "disk full": Refusal(452, ("4.3.1 Insufficient system storage",), "MESSAGE"),
    },
)
