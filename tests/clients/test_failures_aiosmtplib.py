"""aiosmtplib runs into each kind of failure, and raises what its documentation names.

That is the docstrings, of which the reference is made:
https://aiosmtplib.readthedocs.io/en/stable/reference.html
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import aiosmtplib
import pytest

from .exchange import ADA, BOB
from .failures import (
    DELIVERED,
    LOGIN,
    Failure,
    Outcome,
    assert_complete,
    assert_expected,
    assert_survived,
    each_failure,
    settled,
)
from .tools import EHLO_NAME

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

    from .failures import Expectations

#: How long aiosmtplib waits where it waits in vain, in seconds.
LITTLE = 0.3

GONE = Outcome(aiosmtplib.SMTPServerDisconnected)
NOT_CONNECTED = Outcome(aiosmtplib.SMTPServerDisconnected, text="Server not connected")
ENOUGH = Outcome(aiosmtplib.SMTPDataError, 552, text="5.3.4 Enough")
NO_GREETING = Outcome(aiosmtplib.SMTPConnectTimeoutError)
NO_REPLY = Outcome(aiosmtplib.SMTPReadTimeoutError)
#: What aiosmtplib has in place of the reply code of what is no reply.
INVALID = Outcome(aiosmtplib.SMTPResponseException, -1)


def sender_refused(code: int, text: str = "") -> Outcome:
    return Outcome(aiosmtplib.SMTPSenderRefused, code, text=text)


def all_refused(code: int) -> Outcome:
    refused = {ADA: code, BOB: code}
    return Outcome(aiosmtplib.SMTPRecipientsRefused, refused=refused)


def data_refused(code: int) -> Outcome:
    return Outcome(aiosmtplib.SMTPDataError, code)


def not_connected(text: str) -> Outcome:
    return Outcome(aiosmtplib.SMTPConnectError, text=text)


def unverified(text: str) -> Outcome:
    return Outcome(ssl.SSLCertVerificationError, text=text)


DOCUMENTED: Expectations = {
    # It says "The SMTP server returned an invalid response code after connecting."
    "421 at CONNECT": Outcome(aiosmtplib.SMTPConnectResponseError, 421),
    "554 at CONNECT": Outcome(aiosmtplib.SMTPConnectResponseError, 554),
    "421 at EHLO": Outcome(aiosmtplib.SMTPHeloError, 421),
    # Both are tried: "self.ehlo() and/or self.helo() if needed".
    "450 at EHLO": DELIVERED,
    "502 at EHLO": DELIVERED,
    "450 at EHLO and HELO": Outcome(aiosmtplib.SMTPHeloError, 450),
    "550 at EHLO and HELO": Outcome(aiosmtplib.SMTPHeloError, 550),
    "454 at AUTH": Outcome(aiosmtplib.SMTPAuthenticationError, 454),
    "535 at AUTH": Outcome(aiosmtplib.SMTPAuthenticationError, 535),
    "535 at CREDENTIALS": Outcome(aiosmtplib.SMTPAuthenticationError, 535),
    "421 at MAIL": sender_refused(421),
    "451 at MAIL": sender_refused(451),
    "550 at MAIL": sender_refused(550),
    # "This method will return normally if the mail is accepted for at least one
    # recipient. It returns … an error dictionary, with one entry for each recipient
    # that was refused."
    "450 at one RCPT of two": Outcome(refused={BOB: 450}, stored=1),
    "550 at one RCPT of two": Outcome(refused={BOB: 550}, stored=1),
    "450 at RCPT": all_refused(450),
    "550 at RCPT": all_refused(550),
    "421 at DATA": data_refused(421),
    "451 at DATA": data_refused(451),
    "554 at DATA": data_refused(554),
    "421 at MESSAGE": data_refused(421),
    "451 at MESSAGE": data_refused(451),
    "554 at MESSAGE": data_refused(554),
    "bad UTF-8 in a 250 at RCPT": DELIVERED,
    # The octets come back from str.encode("utf-8", "surrogateescape").
    "bad UTF-8 in a 550 at MAIL": sender_refused(550, r"\udcff\udcfe"),
    # sendmail: "raises SMTPResponseException: on invalid response".
    "no code at MAIL": INVALID,
    "no code at RCPT": INVALID,
    "a line of 100 kB at EHLO": INVALID,
    "a line of 100 kB at MAIL": INVALID,
    "no end of a reply at CONNECT": NO_GREETING,
    "no end of a reply at EHLO": NO_REPLY,
    # It says "An error occurred while connecting to the SMTP server."
    "disconnect at CONNECT": not_connected("Unexpected EOF received"),
    "reset at CONNECT": not_connected("Error connecting to"),
    # "The connection was lost unexpectedly …"
    **dict.fromkeys(
        [
            *("half a code at MAIL", "half a 250 at MAIL", "half a 250 at MESSAGE"),
            *(f"disconnect at {event}" for event in ("EHLO", "MAIL", "DATA")),
            *(f"reset at {event}" for event in ("EHLO", "MAIL", "DATA")),
            *("disconnect at CONTENT", "reset at CONTENT"),
            *("half_close at MAIL", "half_close at MESSAGE"),
        ],
        GONE,
    ),
    "store and disconnect at MESSAGE": Outcome(GONE.error, stored=1),
    "store and reset at MESSAGE": Outcome(GONE.error, stored=1),
    "hang at CONNECT": NO_GREETING,
    "hang at MAIL": NO_REPLY,
    "hang at MESSAGE": NO_REPLY,
    "a long delay at MAIL": NO_REPLY,
    # It does not wait until it can write, but for the reply that comes after it.
    "throttle at CONTENT": NO_REPLY,
    "an early reply at CONTENT": ENOUGH,
    # "… or a command was run that requires a connection." Nobody is told of the 421:
    # what comes between commands is thrown away.
    "421 between two mails": Outcome(GONE.error, stored=1),
    "454 at STARTTLS": Outcome(aiosmtplib.SMTPResponseException, 454),
    # "A timeout occurred while performing a network operation."
    "220 and silence at STARTTLS": Outcome(aiosmtplib.SMTPTimeoutError),
    # starttls: "raises SMTPServerDisconnected: connection lost".
    **dict.fromkeys(
        [
            *("220 and disconnect at STARTTLS", "220 and reset at STARTTLS"),
            *("disconnect at HANDSHAKE", "reset at HANDSHAKE"),
            "220 and garbage at STARTTLS",
        ],
        GONE,
    ),
    # It is thrown away (RFC 3207 §4.2).
    "plaintext behind 220 at STARTTLS": DELIVERED,
    # starttls: "raises SMTPException: server does not support STARTTLS".
    "STARTTLS is hidden": Outcome(aiosmtplib.SMTPException),
    "STARTTLS is gone": Outcome(aiosmtplib.SMTPException),
    # It says "An error occurred while connecting to the SMTP server."
    "certificate expired with implicit": not_connected("certificate has expired"),
    "a greeting in the clear at HANDSHAKE": not_connected("WRONG_VERSION_NUMBER"),
    "an outage": not_connected("Connect call failed"),
    "a full backlog": NO_GREETING,
}

#: What is not as the documentation says.
DIFFERS: Expectations = {
    # SMTPConnectResponseError is for "an invalid response code after connecting"; this
    # is its base class, and no SMTPConnectError.
    "no code at CONNECT": INVALID,
    # login: SMTPAuthenticationError, "Server refused our AUTH request". It closes the
    # connection because of the 421, then tries the next mechanism there, and tells
    # only of that.
    "421 at AUTH": NOT_CONNECTED,
    # sendmail: "SMTPRecipientsRefused: delivery to all recipients failed". Again it
    # closes the connection, goes on with the next recipient, and tells only of that.
    "421 at RCPT": NOT_CONNECTED,
    "421 in place of a reply": NOT_CONNECTED,
    # sendmail: "If SMTPResponseException is raised … we try to send an RSET". It is:
    # DATA got the 250 of a RCPT. But RSET is content then, nothing comes back, and the
    # time-out of RSET is raised in place of SMTPDataError.
    "two replies at MAIL": NO_REPLY,
    # data: "SMTPDataError: on unexpected server response code". A reply that is
    # received together with 354 stays in the buffer until more comes, and one that
    # comes before the content is on its way is thrown away.
    "a reply behind 354 at CONTENT": (NO_REPLY, ENOUGH),
    # starttls names SMTPException, SMTPServerDisconnected and ValueError; with use_tls
    # the same is an SMTPConnectError.
    "certificate expired with starttls": unverified("certificate has expired"),
    "certificate not_yet_valid with starttls": unverified("not yet valid"),
    "certificate wrong_host with starttls": unverified("IP address mismatch"),
    "certificate untrusted with starttls": unverified("local issuer certificate"),
    "certificate self_signed with starttls": unverified("signed certificate"),
    "no version of TLS in common": Outcome(ssl.SSLError, text="alert protocol version"),
    "garbage at HANDSHAKE": (Outcome(ssl.SSLError, text="WRONG_VERSION_NUMBER"), GONE),
}


async def attempt(server: SMTPServer, failure: Failure) -> Outcome:
    """Send what there is to send."""
    context = server.client_context()
    context.minimum_version = failure.lowest_tls
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=EHLO_NAME,
        timeout=failure.patience(LITTLE),
        use_tls=failure.tls == "implicit",
        start_tls=failure.tls == "starttls",
        tls_context=context,
    )
    try:
        return Outcome(refused=await deliver(client, server, failure))
    except (aiosmtplib.SMTPException, OSError) as error:
        return Outcome(type(error), code_of(error), None, str(error), codes_of(error))
    finally:
        client.close()


async def deliver(
    client: aiosmtplib.SMTP, server: SMTPServer, failure: Failure
) -> dict[str, int]:
    """What sendmail returns, without the texts."""
    await client.connect()
    transport = client.transport
    assert isinstance(transport, asyncio.WriteTransport)
    try:
        if failure.login:
            await client.login(LOGIN.user, LOGIN.secret)
        for number in range(failure.mails):
            if number:
                # Otherwise chance decides whether the server is done with the last one.
                await asyncio.to_thread(server.settle)
            refused, _ = await client.sendmail(
                failure.mail.sender,
                list(failure.mail.recipients),
                failure.mail.content,
            )
    finally:
        if failure.huge:
            # close() would wait until all is written.
            transport.abort()
    return {recipient: reply.code for recipient, reply in refused.items()}


def code_of(error: Exception) -> int | None:
    return error.code if isinstance(error, aiosmtplib.SMTPResponseException) else None


def codes_of(error: Exception) -> dict[str, int]:
    if not isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return {}
    return {one.recipient: one.code for one in error.recipients}


@pytest.mark.asyncio
@each_failure()
async def test_failure(smtp_server_factory: type[SMTPServer], failure: Failure) -> None:
    """What aiosmtplib raises, and that the server is none the worse for it."""
    server = smtp_server_factory(**failure.options)
    failure.script(server)
    with failure.meanwhile(server):
        seen = await attempt(server, failure)
    seen = await asyncio.to_thread(settled, server, seen)
    assert_expected(failure, seen, DOCUMENTED, DIFFERS)
    await asyncio.to_thread(assert_survived, server, failure)


def test_no_kind_of_failure_is_missing() -> None:
    """The tables are those of all failures there are."""
    assert_complete(DOCUMENTED, DIFFERS)
