"""aiosmtplib, from asyncio tests: with the server in its thread, and in the loop."""

from __future__ import annotations

from email.message import EmailMessage

import aiosmtplib
import pytest

from pytest_smtpserver import SMTPServer

from .sending import CONTENT, RECIPIENT, SENDER, arrived

NAME = "client.example.org"


def client_for(server: SMTPServer, **options: object) -> aiosmtplib.SMTP:
    """A client that looks nothing up."""
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=NAME,
        timeout=10,
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("tls", [None, "starttls", "implicit"])
async def test_delivers(smtp_server_factory, tls) -> None:  # type: ignore[no-untyped-def]
    """Plain, STARTTLS and implicit TLS, verified, with a login."""
    server: SMTPServer = smtp_server_factory(tls=tls, users={"ada": "lovelace"})
    options = {"use_tls": tls == "implicit", "start_tls": tls == "starttls"}
    if tls is not None:
        options["tls_context"] = server.client_context()
    async with client_for(server, **options) as client:
        await client.login("ada", "lovelace")
        await client.sendmail(SENDER, [RECIPIENT], CONTENT)
    message = await server.wait_for_message_async(rcpt_to=RECIPIENT)
    assert message.content == CONTENT
    assert message.session.auth_attempts[0].succeeded
    assert (message.session.tls is not None) == (tls is not None)


@pytest.mark.asyncio
async def test_a_server_in_the_same_loop() -> None:
    """`async with` serves from the running loop."""
    async with SMTPServer() as server:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = SENDER, RECIPIENT, "Hallö"
        letter.set_content("Grüße\n")
        async with client_for(server) as client:
            for _ in range(3):
                await client.send_message(letter)
        messages = await server.wait_for_messages_async(3, subject="Hallö")
        assert [message.text for message in messages] == ["Grüße\n"] * 3
    assert not server.is_running


@pytest.mark.asyncio
async def test_a_blocking_wait_says_what_to_use(smtp_server: SMTPServer) -> None:
    """It would stop the loop that the client runs in."""
    with pytest.raises(RuntimeError, match=r"await wait_for_message_async\(\.\.\.\)"):
        smtp_server.wait_for_message()
    with pytest.raises(RuntimeError, match="await wait_for_messages_async"):
        smtp_server.wait_for_messages(2)
    async with client_for(smtp_server) as client:
        await client.sendmail(SENDER, [RECIPIENT], CONTENT)
    smtp_server.assert_received(rcpt_to=RECIPIENT, times=1)
    assert arrived_now(smtp_server)


def arrived_now(server: SMTPServer) -> bool:
    """What asserting needs no waiting for."""
    return server.messages[0].content == CONTENT


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
        async with client_for(smtp_server) as client:
            await client.sendmail(SENDER, [RECIPIENT], CONTENT)
    assert smtp_server.messages == []


def test_from_a_plain_test(smtp_server: SMTPServer) -> None:
    """A loop of the client's own, while the server has its thread."""
    import asyncio

    async def send() -> None:
        async with client_for(smtp_server) as client:
            await client.sendmail(SENDER, [RECIPIENT], CONTENT)

    asyncio.run(send())
    assert arrived(smtp_server).content == CONTENT
