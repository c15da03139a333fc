"""What the personas of providers say to the recipients that a test chooses."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import personas

from .exchange import ADA, BOB, SENDER
from .test_personas import CONTENT, connect, refused, send
from .test_personas_providers import ID
from .tools import EHLO_NAME

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

    from .test_personas_providers import Provider

AT_RCPT = [
    (
        personas.gmail,
        "no such user",
        550,
        b"5.1.1 The email account that you tried to reach does not exist. Please try\n"
        b"5.1.1 double-checking the recipient's email address for typos or\n"
        b"5.1.1 unnecessary spaces. For more information, go to\n"
        b"5.1.1  https://support.google.com/mail/?p=NoSuchUser " + ID,
    ),
    (
        personas.gmail,
        "over quota",
        452,
        b"4.2.2 The recipient's inbox is out of storage space. Please direct the\n"
        b"4.2.2 recipient to\n"
        b"4.2.2  https://support.google.com/mail/?p=OverQuotaTemp " + ID,
    ),
    (
        personas.gmail,
        "too quickly",
        450,
        b"4.2.1 The user you are trying to contact is receiving mail at a rate that\n"
        b"4.2.1 prevents additional messages from being delivered. Please resend your\n"
        b"4.2.1 message at a later time. If the user is able to receive mail at that\n"
        b"4.2.1 time, your message will be delivered. For more information, go to\n"
        b"4.2.1  https://support.google.com/mail/?p=ReceivingRate " + ID,
    ),
    (
        personas.gmail,
        "disabled",
        550,
        b"5.2.1 The email account that you tried to reach is inactive. For more\n"
        b"5.2.1 information, go to\n"
        b"5.2.1  https://support.google.com/mail/?p=DisabledUser " + ID,
    ),
    (
        personas.gmail,
        "try again later",
        421,
        b"4.7.0 Try again later, closing connection. " + ID,
    ),
    (
        personas.microsoft365,
        "no such user",
        550,
        (
            b"5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address "
            b"lookup"
        ),
    ),
    (
        personas.microsoft365,
        "access denied",
        550,
        b"5.4.1 Recipient address rejected: Access denied. AS(201806281)",
    ),
    (
        personas.microsoft365,
        "server busy",
        451,
        b"4.7.500 Server busy. Please try again later from [127.0.0.1]. (AS761)",
    ),
    (
        personas.microsoft365,
        "banned",
        550,
        (
            b"5.7.606 Access denied, banned sending IP [127.0.0.1]; To request removal from "
            b"this list please visit https://sender.office.com/ and follow the directions."
        ),
    ),
]


@pytest.mark.parametrize(("provider", "reason", "code", "text"), AT_RCPT)
def test_refusals_at_rcpt(
    smtp_server: SMTPServer, provider: Provider, reason: str, code: int, text: bytes
) -> None:
    """One recipient, and nobody else; smtplib gives up all of them at 421."""
    smtp_server.play(provider({BOB: reason}))
    with connect(smtp_server) as client:
        if code == 421:
            assert refused(client, ADA, BOB)[BOB] == (code, text)
        else:
            assert send(client, ADA, BOB) == {BOB: (code, text)}
            smtp_server.assert_received(rcpt_to=[ADA], times=1)


AFTER_CONTENT = [
    (
        personas.gmail,
        "unsolicited",
        550,
        b"5.7.1 [127.0.0.1      12] Gmail has detected that this message is\n"
        b"5.7.1 likely unsolicited mail. To reduce the amount of spam sent to Gmail,\n"
        b"5.7.1 this message has been blocked. For more information, go to\n"
        b"5.7.1  https://support.google.com/mail/?p=UnsolicitedMessageError " + ID,
    ),
    (
        personas.microsoft365,
        "mailbox full",
        554,
        (
            b"5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException."
            b"MapiExceptionQuotaExceeded"
        ),
    ),
    (
        personas.microsoft365,
        "thread limit",
        432,
        b"4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
    ),
    (
        personas.microsoft365,
        "send as denied",
        554,
        (
            b"5.2.252 SendAsDenied; noreply@example.org not allowed to send as "
            b"noreply@example.org; STOREDRV.Submission.Exception:SendAsDeniedException."
            b"MapiExceptionSendAsDenied"
        ),
    ),
    (
        personas.amazon_ses,
        "not verified",
        554,
        (
            b"Message rejected: Email address is not verified. The following identities "
            b"failed the check in region US-EAST-1: bob@example.org"
        ),
    ),
    (
        personas.amazon_ses,
        "sending rate",
        454,
        b"Throttling failure: Maximum sending rate exceeded.",
    ),
    (
        personas.amazon_ses,
        "daily quota",
        454,
        b"Throttling failure: Daily message quota exceeded.",
    ),
    (personas.amazon_ses, "temporary failure", 451, b"Temporary service failure"),
    (
        personas.amazon_ses,
        "too many connections",
        421,
        b"Too many concurrent SMTP connections",
    ),
    (personas.postfix, "disk full", 451, b"4.3.0 Error: queue file write error"),
]


@pytest.mark.parametrize(("provider", "reason", "code", "text"), AFTER_CONTENT)
def test_refusals_after_the_content(
    smtp_server: SMTPServer, provider: Provider, reason: str, code: int, text: bytes
) -> None:
    """The message to that recipient, with all its recipients; not those to others."""
    smtp_server.play(provider({BOB: reason}))
    with connect(smtp_server) as client:
        assert send(client, ADA) == {}
        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(client, ADA, BOB)
        assert (caught.value.smtp_code, caught.value.smtp_error) == (code, text)
    smtp_server.assert_received(times=1)


@pytest.mark.smtp_server(lmtp=True)
def test_refusals_after_the_content_with_lmtp(smtp_server: SMTPServer) -> None:
    """Only the recipient that is meant (RFC 2033 §4.2)."""
    smtp_server.play(personas.postfix({BOB: "disk full"}))
    with smtplib.LMTP(*smtp_server.address, local_hostname=EHLO_NAME) as client:
        client.ehlo()
        client.mail(SENDER)
        client.rcpt(ADA)
        client.rcpt(BOB)
        assert client.data(CONTENT)[0] == 250
        assert client.getreply() == (451, b"4.3.0 Error: queue file write error")
        assert client.has_extn("VRFY")
