"""The personas of the large providers and of Postfix, and what clients make of them."""

from __future__ import annotations

import re
import smtplib
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import personas
from tests.server.tools import Raw

from .exchange import ADA, BOB, SENDER
from .test_personas import connect, send

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pytest_smtpserver import SMTPServer

    Provider = Callable[[Mapping[Any, str] | None], personas.Persona]

ID = b"pytest-smtpserver - gsmtp"
ALL = [
    "PIPELINING",
    "SIZE",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "DSN",
    "CHUNKING",
    "BINARYMIME",
    "ETRN",
]
SUBMISSION = {"users": {"ada": "lovelace"}, "extensions": ALL, "tls": "starttls"}


def lines(reply: bytes) -> list[str]:
    """As smtplib gives it."""
    return reply.decode().split("\n")


# As in clients' logs: before and behind STARTTLS.
@pytest.mark.parametrize(
    ("provider", "greeting", "before", "behind"),
    [
        (
            personas.gmail,
            rf"smtp\.gmail\.com ESMTP {re.escape(ID.decode())}",
            """smtp.gmail.com at your service, [127.0.0.1]
            SIZE 35882577
            8BITMIME
            STARTTLS
            ENHANCEDSTATUSCODES
            PIPELINING
            CHUNKING
            SMTPUTF8""",
            """smtp.gmail.com at your service, [127.0.0.1]
            SIZE 35882577
            8BITMIME
            AUTH PLAIN LOGIN
            ENHANCEDSTATUSCODES
            PIPELINING
            CHUNKING
            SMTPUTF8""",
        ),
        (
            personas.microsoft365,
            (
                r"outlook\.office365\.com Microsoft ESMTP MAIL Service ready at "
                r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000 "
                r"\[08DE2A6028D26C22\]"
            ),
            """outlook.office365.com Hello [127.0.0.1]
            SIZE 157286400
            PIPELINING
            DSN
            ENHANCEDSTATUSCODES
            STARTTLS
            8BITMIME
            BINARYMIME
            CHUNKING
            SMTPUTF8""",
            """outlook.office365.com Hello [127.0.0.1]
            SIZE 157286400
            PIPELINING
            DSN
            ENHANCEDSTATUSCODES
            AUTH PLAIN LOGIN
            8BITMIME
            BINARYMIME
            CHUNKING
            SMTPUTF8""",
        ),
        (
            personas.amazon_ses,
            (
                r"email-smtp\.amazonaws\.com ESMTP SimpleEmailService-d-VCSHDP1YZ "
                r"A1b2C3d4E5f6G7h8I9j0"
            ),
            """email-smtp.amazonaws.com
            8BITMIME
            STARTTLS
            Ok""",
            """email-smtp.amazonaws.com
            8BITMIME
            AUTH PLAIN LOGIN
            Ok""",
        ),
        (
            personas.postfix,
            "localhost ESMTP Postfix",
            """localhost
            PIPELINING
            SIZE 10240000
            VRFY
            ETRN
            STARTTLS
            ENHANCEDSTATUSCODES
            8BITMIME
            DSN
            SMTPUTF8
            CHUNKING""",
            """localhost
            PIPELINING
            SIZE 10240000
            VRFY
            ETRN
            AUTH PLAIN LOGIN
            ENHANCEDSTATUSCODES
            8BITMIME
            DSN
            SMTPUTF8
            CHUNKING""",
        ),
    ],
    ids=["gmail", "microsoft365", "amazon_ses", "postfix"],
)
def test_greeting_and_ehlo(
    smtp_server_factory: Callable[..., SMTPServer],
    provider: Provider,
    greeting: str,
    before: str,
    behind: str,
) -> None:
    """The real server's keywords in its order; then a mail goes through."""
    server = smtp_server_factory(**SUBMISSION)
    server.play(provider(None))
    with Raw(server) as raw:
        assert re.fullmatch(f"220 {greeting}", raw.greeting)
    with connect(server) as client:
        assert lines(client.ehlo()[1]) == [line.strip() for line in before.split("\n")]
        client.starttls(context=server.client_context())
        assert lines(client.ehlo()[1]) == [line.strip() for line in behind.split("\n")]
        client.login("ada", "lovelace")
        assert send(client) == {}
    server.assert_received(mail_from=SENDER, times=1)


@pytest.mark.parametrize(
    ("provider", "need_tls", "need_auth", "auth_failed"),
    [
        (
            personas.gmail,
            b"5.7.0 Must issue a STARTTLS command first. For more information, go to\n"
            b"5.7.0  https://support.google.com/a/answer/3221692 and review RFC 3207\n"
            b"5.7.0 specifications. " + ID,
            b"5.7.0 Authentication Required. For more information, go to\n"
            b"5.7.0  https://support.google.com/accounts/troubleshooter/2402620. " + ID,
            b"5.7.8 Username and Password not accepted. For more information, go to\n"
            b"5.7.8  https://support.google.com/mail/?p=BadCredentials " + ID,
        ),
        (
            personas.microsoft365,
            b"5.7.0 Must issue a STARTTLS command first",
            b"5.7.57 Client not authenticated to send mail.",
            b"5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        ),
        (
            personas.amazon_ses,
            b"Must issue a STARTTLS command first",
            b"Authentication required",
            b"Authentication Credentials Invalid",
        ),
        (
            personas.postfix,
            b"5.7.0 Must issue a STARTTLS command first",
            b"5.7.0 Authentication required",
            b"5.7.8 Error: authentication failed: authentication failure",
        ),
    ],
    ids=["gmail", "microsoft365", "amazon_ses", "postfix"],
)
@pytest.mark.parametrize("extensions", [ALL, ["SIZE"]], ids=["all", "few"])
def test_tls_and_login(
    smtp_server_factory: Callable[..., SMTPServer],
    provider: Provider,
    need_tls: bytes,
    need_auth: bytes,
    auth_failed: bytes,
    extensions: list[str],
) -> None:
    """What is refused anyway is refused in the real server's words."""
    server = smtp_server_factory(
        tls="starttls",
        require_tls=True,
        auth_required=True,
        users={"ada": "lovelace"},
        extensions=extensions,
    )
    server.play(provider(None))
    if extensions != ALL and provider is personas.postfix:
        # It has no words of its own for these two.
        need_auth, need_tls = need_auth[6:], need_tls[6:]
    if extensions != ALL and provider is personas.microsoft365:
        need_tls = need_tls[6:]
    with connect(server) as client:
        client.ehlo()
        assert client.mail(SENDER) == (530, need_tls)
        client.starttls(context=server.client_context())
        client.ehlo()
        assert client.mail(SENDER) == (530, need_auth)
        with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
            client.login("ada", "wrong")
        assert (caught.value.smtp_code, caught.value.smtp_error) == (535, auth_failed)


@pytest.mark.parametrize(
    ("provider", "octets", "at_mail", "after_content"),
    [
        (personas.gmail, 35882577, "5.3.4 Your message exceeded", "5.3.4 Your message"),
        (
            personas.microsoft365,
            157286400,
            "5.3.4 Message size exceeds fixed maximum message size",
            "",
        ),
        (personas.amazon_ses, 41943040, "Message is too long.", ""),
        (
            personas.postfix,
            10240000,
            "5.3.4 Message size exceeds fixed limit",
            "5.3.4 Error: message file too big",
        ),
    ],
    ids=["gmail", "microsoft365", "amazon_ses", "postfix"],
)
def test_sizes(
    smtp_server: SMTPServer,
    provider: Provider,
    octets: int,
    at_mail: str,
    after_content: str,
) -> None:
    """As large as the real server has it, declared or not."""
    smtp_server.play(provider(None))
    with connect(smtp_server) as client:
        client.ehlo()
        assert client.mail(SENDER, [f"SIZE={octets}"])[0] == 250
        client.rset()
        code, text = client.mail(SENDER, [f"SIZE={octets + 1}"])
        assert (code, text.decode()[: len(at_mail)]) == (552, at_mail)
        if after_content:
            client.mail(SENDER)
            client.rcpt(ADA)
            code, text = client.data(b"x" * octets + b"\r\n")
            assert code == 552
            assert text.decode().startswith(after_content)
    smtp_server.assert_no_messages()


@pytest.mark.smtp_server(
    max_message_size=1000, hide=["PIPELINING"], advertise=["X-OWN 1"], max_recipients=1
)
def test_options_of_the_test_count(smtp_server: SMTPServer) -> None:
    """A smaller size, a keyword less, one more, and a limit, in Gmail's words."""
    smtp_server.play(personas.gmail())
    with connect(smtp_server) as client:
        assert lines(client.ehlo()[1])[1:] == [
            "X-OWN 1",
            "SIZE 1000",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            "CHUNKING",
            "SMTPUTF8",
        ]
        with pytest.raises(smtplib.SMTPSenderRefused, match="p=MaxSizeError"):
            client.sendmail(SENDER, [ADA], b"x" * 2000)
        assert send(client, ADA, BOB) == {
            BOB: (
                452,
                b"4.5.3 Your message has too many recipients. For more information "
                b"regarding\n"
                b"4.5.3 Google's sending limits, go to\n"
                b"4.5.3  https://support.google.com/mail/?p=TooManyRecipientsError "
                + ID,
            )
        }
