"""The public names as a type checker sees them; mypy reads this, nothing runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from pytest_smtpserver import (
    Address,
    Attachment,
    AuthAttempt,
    Command,
    Envelope,
    Event,
    ReceivedMessage,
    Reply,
    Rule,
    ServerOptions,
    SessionRecord,
    SMTPServer,
    TLSInfo,
    Undelivered,
    containing,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from typing import Unpack


def a_server(server: SMTPServer) -> None:
    """Where it is, and what it has seen."""
    assert_type(server.host, str)
    assert_type(server.port, int)
    assert_type(server.address, tuple[str, int])
    assert_type(server.url, str)
    assert_type(server.env, dict[str, str])
    assert_type(server.messages[0], ReceivedMessage)
    assert_type(server.messages.find(subject="x"), list[ReceivedMessage])
    assert_type(server.sessions[0], SessionRecord)
    assert_type(server.wait_for_message(to="a@example.org"), ReceivedMessage)
    assert_type(server.wait_for_messages(2, timeout=1), list[ReceivedMessage])
    assert_type(server.assert_received(text=containing("x")), list[ReceivedMessage])
    assert_type(server.rules[0], Rule)
    context: ssl.SSLContext = server.client_context()
    assert context.check_hostname


def wrong_use(server: SMTPServer) -> None:
    """What a checker has to complain of: an unused ignore is an error too."""
    SMTPServer(hostnam="x")  # type: ignore[call-arg]
    SMTPServer(tls="ssl")  # type: ignore[arg-type]
    SMTPServer(port="25")  # type: ignore[arg-type]
    server.wait_for_message(subjct="x")  # type: ignore[call-arg]
    server.on("RCPT").reply("550")  # type: ignore[arg-type]
    server.on("RCPT", tls="yes")  # type: ignore[arg-type]
    options: ServerOptions = {"backlog": "many"}  # type: ignore[typeddict-item]
    assert options


def a_factory(factory: Callable[[Unpack[ServerOptions]], SMTPServer]) -> None:
    """The fixture smtp_server_factory is of this type, and usable in a with."""
    with factory(tls="starttls", users={"ada": "lovelace"}) as server:
        assert_type(server, SMTPServer)


def rules(server: SMTPServer) -> None:
    """Every method of a rule returns the rule."""
    rule = server.on("RCPT", "a@example.org", user="ada").reply(450).once()
    assert_type(rule.then().delay(1).optional(), Rule)
    assert_type(rule.calls[0].session, SessionRecord)
    assert_type(rule.calls[0].command, Command | None)


async def a_handler(event: Event) -> Reply | None:
    """What a handler gets."""
    assert_type(event.session, SessionRecord)
    assert_type(event.envelope, Envelope | None)
    assert_type(event.message, ReceivedMessage)
    assert_type(event.command, Command)
    assert_type(event.address, Address)
    chunks: AsyncIterator[bytes] = event.chunks
    async for chunk in chunks:
        assert_type(chunk, bytes)
    return event.proposed


def a_message(message: ReceivedMessage) -> None:
    """What was received."""
    assert_type(message.content, bytes)
    assert_type(message.subject, str)
    assert_type(message.to, list[str])
    assert_type(message.link("confirm"), str)
    assert_type(message.code(), str)
    assert_type(message.attachments, list[Attachment])
    assert_type(message.envelope.mail_from, Address)
    assert_type(message.envelope.rcpt_to, list[Address])
    assert_type(message.envelope.mail_from.parameters, dict[str, str | None])


def a_session(session: SessionRecord) -> None:
    """What is known of a connection."""
    assert_type(session.tls, TLSInfo | None)
    assert_type(session.auth_attempts, list[AuthAttempt])
    assert_type(session.undelivered, list[Undelivered])
    assert_type(session.commands[0].reply, Reply | None)
    assert_type(session.user, object)


async def waiting(server: SMTPServer) -> Any:
    """The same from asyncio and trio."""
    async with SMTPServer() as other:
        assert_type(other, SMTPServer)
    return await server.wait_for_message_async(since=server.mark())
