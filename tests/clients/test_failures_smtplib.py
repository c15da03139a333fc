"""smtplib runs into each kind of failure, and raises what its documentation names.

That is https://docs.python.org/3/library/smtplib.html, for TLS the page of `ssl`, and
the docstrings of the methods which the former leaves to the code.
"""

from __future__ import annotations

import smtplib
import ssl
from typing import TYPE_CHECKING

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

#: How long smtplib waits where it waits in vain, in seconds.
LITTLE = 0.3

GONE = Outcome(smtplib.SMTPServerDisconnected)
ENOUGH = Outcome(smtplib.SMTPDataError, 552, text="5.3.4 Enough")
CUT_OFF = Outcome(ssl.SSLEOFError)
RESET = Outcome(ConnectionResetError)
NO_TLS = Outcome(ssl.SSLError, text="WRONG_VERSION_NUMBER")


def sender_refused(code: int, text: str = "") -> Outcome:
    return Outcome(smtplib.SMTPSenderRefused, code, text=text)


def all_refused(code: int, *recipients: str) -> Outcome:
    refused = dict.fromkeys(recipients or (ADA, BOB), code)
    return Outcome(smtplib.SMTPRecipientsRefused, refused=refused)


def data_refused(code: int) -> Outcome:
    return Outcome(smtplib.SMTPDataError, code)


def unverified(text: str) -> Outcome:
    return Outcome(ssl.SSLCertVerificationError, text=text)


DOCUMENTED: Expectations = {
    # "If the connect() call returns anything other than a success code, an
    # SMTPConnectError is raised."
    "421 at CONNECT": Outcome(smtplib.SMTPConnectError, 421),
    "554 at CONNECT": Outcome(smtplib.SMTPConnectError, 554),
    # HELO is tried on a connection that is closed by then: nobody is told of the 421.
    "421 at EHLO": GONE,
    # "If EHLO fails, HELO will be tried."
    "450 at EHLO": DELIVERED,
    "502 at EHLO": DELIVERED,
    "450 at EHLO and HELO": Outcome(smtplib.SMTPHeloError, 450),
    "550 at EHLO and HELO": Outcome(smtplib.SMTPHeloError, 550),
    # "Each of the authentication methods … are tried in turn", again without a
    # connection.
    "421 at AUTH": GONE,
    "454 at AUTH": Outcome(smtplib.SMTPAuthenticationError, 454),
    "535 at AUTH": Outcome(smtplib.SMTPAuthenticationError, 535),
    "535 at CREDENTIALS": Outcome(smtplib.SMTPAuthenticationError, 535),
    "421 at MAIL": sender_refused(421),
    "451 at MAIL": sender_refused(451),
    "550 at MAIL": sender_refused(550),
    # "This method will return normally if the mail is accepted for at least one
    # recipient … it returns a dictionary, with one entry for each recipient that was
    # refused."
    "450 at one RCPT of two": Outcome(refused={BOB: 450}, stored=1),
    "550 at one RCPT of two": Outcome(refused={BOB: 550}, stored=1),
    # The second recipient is not tried: the connection is closed.
    "421 at RCPT": all_refused(421, ADA),
    "450 at RCPT": all_refused(450),
    "550 at RCPT": all_refused(550),
    "421 at DATA": data_refused(421),
    "451 at DATA": data_refused(451),
    "554 at DATA": data_refused(554),
    "421 at MESSAGE": data_refused(421),
    "451 at MESSAGE": data_refused(451),
    "554 at MESSAGE": data_refused(554),
    # Texts are bytes, and are not decoded.
    "bad UTF-8 in a 250 at RCPT": DELIVERED,
    "bad UTF-8 in a 550 at MAIL": sender_refused(550, r"\xff\xfe"),
    # getreply: "returns -1 if it can't read response code".
    "no code at CONNECT": Outcome(smtplib.SMTPConnectError, -1),
    "no code at MAIL": sender_refused(-1),
    "no code at RCPT": all_refused(-1),
    # "The server replied with an unexpected error code": the 250 to RCPT, which is
    # taken for the reply to DATA.
    "two replies at MAIL": data_refused(250),
    # A line without its end is a reply: the end of the connection shows one command
    # later.
    "half a 250 at MAIL": GONE,
    # "… raised when the server unexpectedly disconnects".
    **dict.fromkeys(
        [
            *("disconnect at CONNECT", "disconnect at EHLO", "reset at EHLO"),
            *("disconnect at MAIL", "reset at MAIL"),
            *("disconnect at DATA", "reset at DATA"),
            *("disconnect at CONTENT", "reset at CONTENT"),
            *("half_close at MAIL", "half_close at MESSAGE"),
        ],
        GONE,
    ),
    # It may come before the client knows that it is connected.
    "reset at CONNECT": (GONE, RESET),
    "store and disconnect at MESSAGE": Outcome(GONE.error, stored=1),
    "store and reset at MESSAGE": Outcome(GONE.error, stored=1),
    "an early reply at CONTENT": ENOUGH,
    "a reply behind 354 at CONTENT": ENOUGH,
    "421 between two mails": Outcome(
        smtplib.SMTPSenderRefused, 421, text="4.3.2 Going down", stored=1
    ),
    "421 in place of a reply": all_refused(421, ADA),
    # starttls does not say what it raises for it; this is the base class of all
    # exceptions with a reply code.
    "454 at STARTTLS": Outcome(smtplib.SMTPResponseException, 454),
    "220 and silence at STARTTLS": Outcome(TimeoutError),
    "220 and garbage at STARTTLS": CUT_OFF,
    "220 and disconnect at STARTTLS": CUT_OFF,
    "220 and reset at STARTTLS": RESET,
    "disconnect at HANDSHAKE": CUT_OFF,
    "reset at HANDSHAKE": RESET,
    "garbage at HANDSHAKE": (NO_TLS, CUT_OFF),
    # It is thrown away (RFC 3207 §4.2).
    "plaintext behind 220 at STARTTLS": DELIVERED,
    "STARTTLS is hidden": Outcome(smtplib.SMTPNotSupportedError),
    "STARTTLS is gone": Outcome(smtplib.SMTPNotSupportedError),
    "certificate expired with starttls": unverified("certificate has expired"),
    "certificate not_yet_valid with starttls": unverified("not yet valid"),
    "certificate wrong_host with starttls": unverified("IP address mismatch"),
    "certificate untrusted with starttls": unverified("local issuer certificate"),
    "certificate self_signed with starttls": unverified("signed certificate"),
    "certificate expired with implicit": unverified("certificate has expired"),
    "no version of TLS in common": Outcome(ssl.SSLError, text="alert protocol version"),
    "a greeting in the clear at HANDSHAKE": NO_TLS,
    "an outage": Outcome(ConnectionRefusedError),
    # "If the timeout expires, TimeoutError is raised."
    "a full backlog": Outcome(TimeoutError),
}

#: What is not as the documentation says.
DIFFERS: Expectations = {
    # "If the timeout expires, TimeoutError is raised": only while it connects. From
    # then on it cannot be told from a server that disconnects, but by its text.
    **dict.fromkeys(
        [
            *("no end of a reply at CONNECT", "no end of a reply at EHLO"),
            *("hang at CONNECT", "hang at MAIL", "hang at MESSAGE"),
            "a long delay at MAIL",
        ],
        Outcome(smtplib.SMTPServerDisconnected, text="timed out"),
    ),
    "throttle at CONTENT": Outcome(
        smtplib.SMTPServerDisconnected, text="Server not connected"
    ),
    # The exceptions of sendmail are SMTPHeloError for the one, SMTPSenderRefused for
    # the other; this is their base class, with a reply code that no server has sent.
    "a line of 100 kB at EHLO": Outcome(smtplib.SMTPResponseException, 500),
    "a line of 100 kB at MAIL": Outcome(smtplib.SMTPResponseException, 500),
    # A disconnect, which is to be SMTPServerDisconnected; what is there of the reply
    # code is taken for one.
    "half a code at MAIL": sender_refused(25),
    # "If this method does not raise an exception, then someone should get your mail":
    # it does not, and nobody does.
    "half a 250 at MESSAGE": Outcome(),
}


def attempt(server: SMTPServer, failure: Failure) -> Outcome:
    """Send what there is to send."""
    try:
        refused = deliver(server, failure)
    except OSError as error:
        return Outcome(type(error), code_of(error), None, str(error), codes_of(error))
    return Outcome(refused=refused)


def deliver(server: SMTPServer, failure: Failure) -> dict[str, int]:
    """What sendmail returns, without the texts."""
    client = connect(server, failure)
    try:
        if failure.tls == "starttls":
            client.starttls(context=context_for(server, failure))
        if failure.login:
            client.login(LOGIN.user, LOGIN.secret)
        for _ in range(failure.mails):
            refused = client.sendmail(
                failure.mail.sender, failure.mail.recipients, failure.mail.content
            )
    finally:
        client.close()
    return {recipient: code for recipient, (code, _) in refused.items()}


def connect(server: SMTPServer, failure: Failure) -> smtplib.SMTP:
    timeout = failure.patience(LITTLE)
    if failure.tls != "implicit":
        return smtplib.SMTP(*server.address, EHLO_NAME, timeout)
    context = context_for(server, failure)
    return smtplib.SMTP_SSL(
        *server.address, EHLO_NAME, timeout=timeout, context=context
    )


def context_for(server: SMTPServer, failure: Failure) -> ssl.SSLContext:
    context = server.client_context()
    context.minimum_version = failure.lowest_tls
    return context


def code_of(error: OSError) -> int | None:
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code
    return None


def codes_of(error: OSError) -> dict[str, int]:
    if not isinstance(error, smtplib.SMTPRecipientsRefused):
        return {}
    return {recipient: code for recipient, (code, _) in error.recipients.items()}


#: ssl leaves the socket open when it finds the connection reset before the handshake,
#: up to CPython 3.12; nobody has it then, so that nobody can close it.
LEAKS = {
    "220 and reset at STARTTLS": pytest.mark.filterwarnings(
        "ignore:unclosed <ssl.SSLSocket:ResourceWarning"
    )
}


@each_failure(LEAKS)
def test_failure(smtp_server_factory: type[SMTPServer], failure: Failure) -> None:
    """What smtplib raises, and that the server is none the worse for it."""
    server = smtp_server_factory(**failure.options)
    failure.script(server)
    with failure.meanwhile(server):
        seen = attempt(server, failure)
    assert_expected(failure, settled(server, seen), DOCUMENTED, DIFFERS)
    assert_survived(server, failure)


def test_no_kind_of_failure_is_missing() -> None:
    """The tables are those of all failures there are."""
    assert_complete(DOCUMENTED, DIFFERS)
