"""What is known of one connection, whether it delivered mail or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply

    from .message import ReceivedMessage


class TLSInfo(NamedTuple):
    """What a TLS handshake agreed on.

    Attributes:
        version: ``"TLSv1.3"``.
        cipher: the name of the cipher suite.
        server_name: the name that the client asked for (SNI), or None.
        peer_certificate: the client's certificate as `ssl.SSLSocket.getpeercert` gives
            it, or None when it sent none that was verified.
    """

    version: str
    cipher: str
    server_name: str | None
    peer_certificate: dict[str, Any] | None


@dataclass(slots=True)
class AuthAttempt:
    """One AUTH command, and what came of it.

    Attributes:
        mechanism: in upper case, as the client named it.
        username: the user name that it gave, or None when it did not come to that.
        password: the password in clear text, or the access token; None where the
            mechanism never sends it.
        succeeded: the reply was 235.
        reply: the reply that ended the exchange; None when the connection broke.
    """

    mechanism: str
    username: str | None = None
    password: str | None = None
    succeeded: bool = False
    reply: Reply | None = None


class Undelivered(NamedTuple):
    """A transaction that was begun and left no message.

    Attributes:
        envelope: as far as it got.
        content: the octets that came, as far as they were kept.
        reply: what the server said to the message; None when it did not come to that.
        reason: in words.
    """

    envelope: Envelope
    content: bytes
    reply: Reply | None
    reason: str


@dataclass(slots=True, eq=False)
class SessionRecord:
    """One connection: what the client did, and what it was told.

    It fills while the connection is open. Addresses are (host, port) pairs, or the path
    of a Unix socket and 0.
    """

    #: Random, different for each connection.
    id: str
    remote_address: tuple[str, int]
    local_address: tuple[str, int]
    connected_at: datetime
    #: By reverse DNS, with the option ``resolve_client_hostname``; else None.
    client_hostname: str | None = None
    #: The name in the last accepted EHLO, HELO or LHLO, and that verb.
    helo: str | None = None
    opening_command: str | None = None
    tls: TLSInfo | None = None
    #: What XFORWARD has told of the client of the client: ``{"ADDR": "192.0.2.7"}``;
    #: None stands for what is not known.
    forwarded: dict[str, str | None] = field(default_factory=dict)
    #: Who has logged in: the user name, or what a handler accepted; else None.
    user: object = None
    #: Every command line in order; AUTH responses are not commands.
    commands: list[Command] = field(default_factory=list)
    #: The envelope of the current transaction, or of the last one.
    envelope: Envelope | None = None
    messages: list[ReceivedMessage] = field(default_factory=list)
    transaction_count: int = 0
    #: Who ended the connection; None while it is open.
    closed_by: Literal["client", "server"] | None = None
    #: The last 4yz or 5yz reply.
    last_error: Reply | None = None
    #: Plaintext behind STARTTLS, which was thrown away (RFC 3207 §4).
    discarded: bytes = b""
    #: Content came before the 354 to DATA was sent (RFC 2920 §3.1).
    early_content: bool = False
    transcript: Transcript = field(default_factory=Transcript)
    #: While the connection is open: changes what the engine refuses.
    _disable: Callable[[Iterable[str]], None] | None = None
    _disabled: tuple[str, ...] = ()
    # Most sessions have none of these, and need no lists for them.
    _auth_attempts: list[AuthAttempt] | None = None
    _undelivered: list[Undelivered] | None = None

    @property
    def auth_attempts(self) -> list[AuthAttempt]:
        """Every AUTH command, in order, and what came of it."""
        return [] if self._auth_attempts is None else self._auth_attempts

    @property
    def undelivered(self) -> list[Undelivered]:
        """Transactions that were begun and left no message, in order."""
        return [] if self._undelivered is None else self._undelivered

    def add_attempt(self, attempt: AuthAttempt) -> None:
        """Note an AUTH command. For the server."""
        if self._auth_attempts is None:
            self._auth_attempts = []
        self._auth_attempts.append(attempt)

    def add_undelivered(self, undelivered: Undelivered) -> None:
        """Note a transaction that leaves no message. For the server."""
        if self._undelivered is None:
            self._undelivered = []
        self._undelivered.append(undelivered)

    @property
    def is_open(self) -> bool:
        """The connection has not ended."""
        return self.closed_by is None

    @property
    def disabled_commands(self) -> tuple[str, ...]:
        """The commands that this session answers with 500; may be set by a handler."""
        return self._disabled

    @disabled_commands.setter
    def disabled_commands(self, verbs: Iterable[str]) -> None:
        self._disabled = tuple(verb.upper() for verb in verbs)
        if self._disable is not None:
            self._disable(self._disabled)

    def on_disable(self, disable: Callable[[Iterable[str]], None] | None) -> None:
        """Say what setting `disabled_commands` does. For the server."""
        self._disable = disable

    @property
    def transmission_type(self) -> str:
        """The protocol as RFC 3848 names it: SMTP, ESMTP, ESMTPSA, LMTPS and so on."""
        if self.opening_command == "HELO":
            return "SMTP"
        base = "LMTP" if self.opening_command == "LHLO" else "ESMTP"
        tls = "S" if self.tls is not None else ""
        auth = "A" if self.user is not None else ""
        return base + tls + auth

    @property
    def quit_sent(self) -> bool:
        """The client said QUIT."""
        return any(command.verb == "QUIT" for command in list(self.commands))

    @property
    def pipelined(self) -> bool:
        """A command came before the reply to the one in front of it was sent."""
        return any(command.pipelined for command in list(self.commands))

    @property
    def reused(self) -> bool:
        """More than one mail transaction was begun on the connection."""
        return self.transaction_count > 1

    def assert_commands(self, expected: Sequence[Any]) -> None:
        """Assert that the client sent these commands, all of them and in this order.

        Args:
            expected: for each command its verb, in any case, or the whole line; also
                regular expressions and other things that criteria may be.

        Raises:
            AssertionError: it sent others; the text has both side by side.
            TypeError: `expected` is a str, and not a list of them.
        """
        __tracebackhide__ = True
        from .dialogue import command_problem  # noqa: PLC0415 - for tests that ask

        problem = command_problem(expected, list(self.commands))
        if problem:
            raise AssertionError(problem)

    def __repr__(self) -> str:
        client = self.helo or "no EHLO"
        state = "open" if self.is_open else f"closed by the {self.closed_by}"
        return (
            f"<SessionRecord {self.id} {client} {len(self.commands)} commands, "
            f"{len(self.messages)} messages, {state}>"
        )

    def __str__(self) -> str:
        return str(self.transcript)
