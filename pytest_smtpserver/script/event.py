"""What a handler, a ``where=`` or a match sees of a command or moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pytest_smtpserver.mail.words import by_name
from pytest_smtpserver.protocol.display import shown_command
from pytest_smtpserver.protocol.naming import no_such_attribute
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.addresses import salvage_address
from pytest_smtpserver.protocol.syntax.replies import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
    from pytest_smtpserver.protocol.sasl.credentials import Credentials
    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.envelope import Envelope


T = TypeVar("T")

#: What handlers of aiosmtpd and npm's smtp-server get, and where it is here.
WORDS: Mapping[str, str] = by_name(
    {
        "event.envelope.rcpt_to": "rcpt_tos rcpttos",
        "event.envelope.mail_from": "mailfrom",
        "event.address.parameters": "mail_options rcpt_options",
        "event.session.remote_address": "peer",
        "event.session.helo": "host_name",
        "event.message.content, at 'MESSAGE'": "data",
        "event.chunks, at 'CONTENT'": "stream",
        "event.command.argument": "args",
        "str(event.command)": "line",
        "event.name": "verb event",
        "event.auth.username, at 'CREDENTIALS'": "username login",
        "event.auth.password, at 'CREDENTIALS'": "password",
        "event.auth, at 'CREDENTIALS'": "auth_data",
        "nothing: a handler has the event alone": "server",
        "what the handler returns: return Reply(550, '5.1.1 No such user')": (
            "reply respond response push send callback reject"
        ),
    }
)


class Refusal(Reply):
    """A refusal of credentials, with what an OAuth mechanism says of it."""

    __slots__ = ("data",)

    data: object

    def __init__(self, code: int, *lines: str, data: object = None) -> None:
        super().__init__(code, *lines)
        object.__setattr__(self, "data", data)


class Event:
    """A command or a moment of a session, as rules and handlers see it.

    An attribute that only some events have raises `RuntimeError` at the others; the
    message says at which events it exists.

    Attributes:
        name: the verb, or the moment such as ``"MESSAGE"``.
        session: the `SessionRecord` of the connection.
        envelope: of the transaction, so far; None outside of one.
        recipient: at ``"MESSAGE"`` with LMTP: whose reply is due. Else None.
        proposed: the reply that would be sent; None where none is due.
    """

    __slots__ = (
        "decided",
        "envelope",
        "given_auth",
        "given_chunks",
        "given_command",
        "given_message",
        "kept",
        "name",
        "proposed",
        "recipient",
        "session",
        "user",
    )

    def __init__(
        self,
        name: str,
        session: SessionRecord,
        *,
        command: Command | None = None,
        envelope: Envelope | None = None,
        proposed: Reply | None = None,
        auth: Credentials | None = None,
        message: ReceivedMessage | None = None,
        recipient: Address | None = None,
    ) -> None:
        self.name: str = name
        self.session: SessionRecord = session
        self.envelope: Envelope | None = envelope
        self.proposed: Reply | None = proposed
        self.recipient: Address | None = recipient
        #: What the properties of these names give, or None.
        self.given_command: Command | None = command
        self.given_auth: Credentials | None = auth
        self.given_message: ReceivedMessage | None = message
        #: What `chunks` gives; set by the server at "CONTENT".
        self.given_chunks: AsyncIterator[bytes] | None = None
        #: What `accept` or `refuse` said; the server reads it.
        self.decided: Reply | None = None
        self.user: object = None
        #: What `store` or `discard` said; None for neither.
        self.kept: bool | None = None

    @property
    def command(self) -> Command:
        """The command; its `str` is the line as sent.

        Raises:
            RuntimeError: this is a moment that no command has brought about.
        """
        return self._given(
            self.given_command, "a command comes at its verb, such as 'RCPT'"
        )

    @property
    def address(self) -> Address:
        """The address of the command, at ``"MAIL"`` and ``"RCPT"``.

        With its `parameters`, and what they say. One that is malformed is read as well
        as it goes.

        Raises:
            RuntimeError: this is another event.
        """
        command = self.given_command
        if command is None or self.name not in ("MAIL", "RCPT"):
            raise RuntimeError(
                f"an address is at 'MAIL' and 'RCPT', not at {self.name!r}"
            )
        if command.address is None:
            return salvage_address(command.raw_argument)
        return command.address

    @property
    def auth(self) -> Credentials:
        """What the client has shown, at ``"CREDENTIALS"``.

        At ``"AUTH"`` too, where it came along with the command.

        Raises:
            RuntimeError: this is another event, or nothing has been shown yet.
        """
        return self._given(
            self.given_auth,
            "credentials are at 'CREDENTIALS', and at 'AUTH' where they came with it",
        )

    @property
    def message(self) -> ReceivedMessage:
        """The message, at ``"MESSAGE"``.

        Raises:
            RuntimeError: this is another event.
        """
        return self._given(self.given_message, "the message is whole at 'MESSAGE'")

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """The content as it arrives, at ``"CONTENT"``: an async iterator of bytes.

        The client is held up while nobody reads it.

        Raises:
            RuntimeError: this is another event.
        """
        return self._given(self.given_chunks, "content arrives at 'CONTENT'")

    def _given(self, value: T | None, where: str) -> T:
        if value is None:
            raise RuntimeError(f"{where}, not at {self.name!r}")
        return value

    def accept(self, user: object) -> None:
        """Let the client in, as `user`; any object. A falsy one is a refusal.

        Raises:
            RuntimeError: this is not ``"CREDENTIALS"``.
        """
        self._only_at("CREDENTIALS", "accept")
        self.user = user
        if user:
            self.decided = standard.AUTH_OK
        else:
            self.refuse()

    def refuse(
        self, code: int = 535, text: str | None = None, data: object = None
    ) -> None:
        """Do not let the client in.

        Args:
            code: the reply code, 400 to 599.
            text: its text, with the enhanced code in front; the usual one when None.
            data: what XOAUTH2 and OAUTHBEARER say of it: JSON (RFC 7628 §3.2.2).

        Raises:
            RuntimeError: this is not ``"CREDENTIALS"``.
            ValueError: the code does not refuse.
        """
        self._only_at("CREDENTIALS", "refuse")
        if not 400 <= code <= 599:
            raise ValueError(f"a refusal has a code from 400 to 599, not {code}")
        if text is None:
            text = {535: "5.7.8 Authentication credentials invalid"}.get(
                code, f"{code // 100}.7.0 Authentication refused"
            )
        self.decided = Refusal(code, text, data=data)

    def store(self) -> None:
        """Keep the message, whatever the reply is."""
        self._only_at("MESSAGE", "store")
        self.kept = True

    def discard(self) -> None:
        """Drop the message, whatever the reply is."""
        self._only_at("MESSAGE", "discard")
        self.kept = False

    def _only_at(self, name: str, method: str) -> None:
        if self.name != name:
            raise RuntimeError(f"event.{method}() is for {name!r}, not {self.name!r}")

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute(
            "an event",
            WORDS,
            {
                "event.envelope": "pytest_smtpserver.protocol.syntax.envelope:Envelope",
                "event.session": "pytest_smtpserver.mail.message:SessionRecord",
                "event.message": "pytest_smtpserver.mail.message:ReceivedMessage",
            },
        )

    def __repr__(self) -> str:
        return f"<Event {self.name} {shown_command(self.given_command or '')}>"


#: How many of the sessions before a rule are looked at, the last ones.
LOOKED_AT = 1000


class Earlier:
    """What had happened already when a rule was made."""

    __slots__ = ("_seen",)

    def __init__(self, sessions: Sequence[SessionRecord] = ()) -> None:
        self._seen = [
            (session, len(session.commands), len(session.messages))
            for session in sessions
        ]

    def events(self, name: str) -> Iterator[Event]:
        """Those of this name, as far as rules look at them."""
        for session, commands, messages in self._seen:
            if name == "CONNECT":
                yield Event(name, session)
            elif name == "MESSAGE":
                for message in session.messages[:messages]:
                    sent = message.envelope
                    yield Event(name, session, envelope=sent, message=message)
            for command in session.commands[:commands]:
                if name in (command.verb, "*"):
                    yield Event(command.verb, session, command=command)
