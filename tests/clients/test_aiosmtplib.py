"""aiosmtplib delivers from asyncio, and the record equals what it was given."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import aiosmtplib
import pytest

from pytest_smtpserver import SMTPServer

from .exchange import (
    ADA,
    BOB,
    CONTENT,
    LOGIN,
    MAIL,
    SENDER,
    USER,
    assert_recorded,
    attempts,
    only_message,
    only_session,
    verbs,
    with_subject,
)
from .tools import EHLO_NAME

PASSWORD = "lovelace 1815"


def client_of(server: SMTPServer, **options: Any) -> aiosmtplib.SMTP:
    """A client that starts TLS only where it is told to."""
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=EHLO_NAME,
        tls_context=server.client_context(),
        timeout=10,
        **({"start_tls": False} | options),
    )


async def send(client: aiosmtplib.SMTP) -> object:
    return await client.sendmail(SENDER, list(MAIL.recipients), CONTENT)


@pytest.mark.asyncio
async def test_plain(smtp_server: SMTPServer) -> None:
    """A mail on a connection, from the test's own event loop."""
    async with client_of(smtp_server) as client:
        await send(client)
        message = assert_recorded(smtp_server)
    assert message.envelope.declared_size == len(CONTENT)
    session = message.session
    assert verbs(session) == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", "QUIT"]


@pytest.mark.asyncio
@pytest.mark.smtp_server(tls="starttls", require_tls=True)
async def test_starttls(smtp_server: SMTPServer) -> None:
    """STARTTLS with verification on."""
    async with client_of(smtp_server, start_tls=True) as client:
        await send(client)
    session = assert_recorded(smtp_server).session
    assert verbs(session)[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert session.transmission_type == "ESMTPS"


@pytest.mark.asyncio
@pytest.mark.smtp_server(tls="implicit")
async def test_implicit_tls(smtp_server: SMTPServer) -> None:
    """use_tls with verification on."""
    async with client_of(smtp_server, use_tls=True, start_tls=None) as client:
        await send(client)
    assert assert_recorded(smtp_server).session.tls is not None


@pytest.mark.asyncio
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_an_untrusted_certificate(
    smtp_server_factory: type[SMTPServer], tls: Literal["starttls", "implicit"]
) -> None:
    """There is no mail to a server that another CA signed for."""
    server = smtp_server_factory(tls=tls, certificate="untrusted")
    implicit = tls == "implicit"
    client = client_of(server, use_tls=implicit, start_tls=None if implicit else True)
    with pytest.raises((aiosmtplib.SMTPException, OSError)) as caught:
        await client.connect()
    client.close()
    assert "CERTIFICATE_VERIFY_FAILED" in repr(caught.value)
    server.assert_no_messages()


@pytest.mark.asyncio
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
async def test_login(smtp_server_factory: type[SMTPServer], mechanism: str) -> None:
    """login() by the only mechanism on offer."""
    server = smtp_server_factory(
        users={USER: PASSWORD}, auth_mechanisms=[mechanism], auth_required=True
    )
    async with client_of(server) as client:
        await client.login(USER, PASSWORD)
        await send(client)
    session = assert_recorded(server).session
    password = None if mechanism == "CRAM-MD5" else PASSWORD
    assert attempts(session) == [(mechanism, USER, password, True)]


@pytest.mark.asyncio
@pytest.mark.smtp_server(users={USER: PASSWORD}, auth_mechanisms=["PLAIN"])
async def test_a_wrong_password(smtp_server: SMTPServer) -> None:
    """SMTPAuthenticationError with 535, and the attempt in the record."""
    async with client_of(smtp_server) as client:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as caught:
            await client.login(USER, "babbage")
    assert caught.value.code == 535
    assert attempts(only_session(smtp_server)) == [("PLAIN", USER, "babbage", False)]


@pytest.mark.asyncio
@pytest.mark.smtp_server(tls="starttls", users={USER: PASSWORD}, auth_required=True)
async def test_login_after_starttls(smtp_server: SMTPServer) -> None:
    """Both in the options of one call."""
    errors, _ = await aiosmtplib.send(
        CONTENT,
        sender=SENDER,
        recipients=list(MAIL.recipients),
        hostname=smtp_server.host,
        port=smtp_server.port,
        username=LOGIN.user,
        password=PASSWORD,
        start_tls=True,
        local_hostname=EHLO_NAME,
        tls_context=smtp_server.client_context(),
        timeout=10,
    )
    assert errors == {}
    session = assert_recorded(smtp_server).session
    assert [one[1:] for one in attempts(session)] == [(USER, PASSWORD, True)]
    assert session.transmission_type == "ESMTPSA"


@pytest.mark.asyncio
async def test_several_mails_on_one_connection(smtp_server: SMTPServer) -> None:
    """Each is whole, in order."""
    mails = [with_subject(f"number {number}") for number in range(5)]
    async with client_of(smtp_server) as client:
        for mail in mails:
            await client.sendmail(mail.sender, list(mail.recipients), mail.content)
    session = only_session(smtp_server)
    assert [one.content for one in session.messages] == [one.content for one in mails]
    assert session.transaction_count == len(mails)


@pytest.mark.asyncio
async def test_several_connections_at_once(smtp_server: SMTPServer) -> None:
    """Each connection is a session with its own mail."""

    async def deliver(number: int) -> None:
        mail = with_subject(f"number {number}")
        async with client_of(smtp_server) as client:
            await client.sendmail(mail.sender, list(mail.recipients), mail.content)

    await asyncio.gather(*(deliver(number) for number in range(10)))
    messages = await smtp_server.wait_for_messages_async(10)
    assert {one.content for one in messages} == {
        with_subject(f"number {number}").content for number in range(10)
    }
    assert len(smtp_server.sessions) == 10
    assert all(len(session.messages) == 1 for session in smtp_server.sessions)


@pytest.mark.asyncio
async def test_one_recipient_refused(smtp_server: SMTPServer) -> None:
    """The refused one is in the result, the other gets the mail."""
    smtp_server.on("RCPT", BOB).reply(550, "5.1.1 No such user")
    async with client_of(smtp_server) as client:
        errors, _ = await client.sendmail(SENDER, [ADA, BOB], CONTENT)
    assert list(errors) == [BOB]
    assert errors[BOB].code == 550
    envelope = only_message(smtp_server).envelope
    assert (envelope.rcpt_to, envelope.rejected) == ([ADA], [BOB])


@pytest.mark.asyncio
async def test_all_recipients_refused(smtp_server: SMTPServer) -> None:
    """SMTPRecipientsRefused; the connection goes on, and the next mail is whole."""
    smtp_server.on("RCPT").reply(450, "4.2.1 Mailbox busy").times(2)
    async with client_of(smtp_server) as client:
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as caught:
            await send(client)
        assert [one.code for one in caught.value.recipients] == [450, 450]
        await send(client)
    assert_recorded(smtp_server)


@pytest.mark.asyncio
async def test_smtputf8(smtp_server: SMTPServer) -> None:
    """Addresses beyond ASCII arrive as UTF-8 (RFC 6531)."""
    async with client_of(smtp_server) as client:
        await client.sendmail(
            "zoë@example.org",
            ["用户@例子.example.org"],
            CONTENT,
            mail_options=["SMTPUTF8", "BODY=8BITMIME"],
        )
    message = only_message(smtp_server)
    assert message.content == CONTENT
    assert message.envelope.mail_from == "zoë@example.org"
    assert message.envelope.rcpt_to == ["用户@例子.example.org"]
    assert message.envelope.smtputf8


@pytest.mark.asyncio
async def test_a_server_in_the_same_loop() -> None:
    """`async with` serves from the running loop."""
    mails = [with_subject(f"number {number}") for number in range(3)]
    async with SMTPServer() as server:
        async with client_of(server) as client:
            for mail in mails:
                await client.sendmail(mail.sender, list(mail.recipients), mail.content)
        messages = await server.wait_for_messages_async(3, rcpt_to=ADA)
    assert [one.content for one in messages] == [mail.content for mail in mails]
    assert not server.is_running


@pytest.mark.asyncio
async def test_a_blocking_wait_says_what_to_use(smtp_server: SMTPServer) -> None:
    """It would stop the loop that the client runs in; an assertion does not wait."""
    with pytest.raises(RuntimeError, match=r"await wait_for_message_async\(\.\.\.\)"):
        smtp_server.wait_for_message()
    with pytest.raises(RuntimeError, match="await wait_for_messages_async"):
        smtp_server.wait_for_messages(2)
    async with client_of(smtp_server) as client:
        await send(client)
    smtp_server.assert_received(rcpt_to=ADA, times=1)
    assert_recorded(smtp_server)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("event", "code", "error"),
    [
        ("CONNECT", 554, aiosmtplib.SMTPConnectResponseError),
        ("MAIL", 550, aiosmtplib.SMTPSenderRefused),
        ("RCPT", 450, aiosmtplib.SMTPRecipientsRefused),
        ("DATA", 451, aiosmtplib.SMTPDataError),
        ("MESSAGE", 554, aiosmtplib.SMTPDataError),
    ],
)
async def test_each_refusal_is_the_exception_that_aiosmtplib_documents(
    smtp_server: SMTPServer, event: str, code: int, error: type[Exception]
) -> None:
    """A scripted reply at each step."""
    smtp_server.on(event).reply(code)
    with pytest.raises(error):
        async with client_of(smtp_server) as client:
            await send(client)
    assert smtp_server.messages == []


def test_from_a_plain_test(smtp_server: SMTPServer) -> None:
    """A loop of the client's own, while the server has its thread."""

    async def deliver() -> None:
        async with client_of(smtp_server) as client:
            await send(client)

    asyncio.run(deliver())
    assert_recorded(smtp_server)
