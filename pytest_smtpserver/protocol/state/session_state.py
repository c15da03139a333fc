"""Where one session stands: what was said so far, and what it came to.

The engine alone moves it, by the reply that was really sent; whatever answers commands
reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.framing.content import ContentSink
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.envelope import Envelope

from .states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.protocol.sasl import credentials
    from pytest_smtpserver.protocol.sasl.mechanisms import Exchange

    from .settings import Settings

    #: Gives a fresh nonce and a fresh salt.
    Randomness = Callable[[], tuple[str, bytes]]
else:
    credentials = Later("pytest_smtpserver.protocol.sasl.credentials")

#: A transaction is open in these.
_IN_TRANSACTION = frozenset({State.MAIL, State.RCPT, State.CONTENT, State.CHUNKING})
_OUTSIDE = frozenset({State.READY, State.START})
_READY, _START = State.READY, State.START


class Security:
    """What is known of the client for sure: its TLS, and who it has logged in as.

    Attributes:
        tls: what the server told about TLS; None while the session is in clear text.
        external_identity: whom TLS has authenticated, by a certificate; or None.
        authenticated: AUTH has succeeded.
        user: who logged in; None also where nobody knows the name.
        exchange: the AUTH exchange that goes on; None while there is none.
    """

    __slots__ = (
        "_randomness",
        "authenticated",
        "exchange",
        "external_identity",
        "tls",
        "user",
    )

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self.tls: object | None = None
        self.external_identity: str | None = None
        self.authenticated: bool = False
        self.user: object = None
        self.exchange: Exchange | None = None

    def secure(self, tls: object, external_identity: str | None) -> None:
        """A TLS handshake was done."""
        self.tls = tls
        self.external_identity = external_identity

    def log_in(self, user: object) -> None:
        """The credentials were accepted."""
        self.authenticated = True
        self.user = user

    def log_out(self) -> None:
        """Nobody is logged in any more."""
        self.authenticated = False
        self.user = None

    def begin(self, exchange: Exchange | None) -> None:
        """A challenge was sent: the exchange goes on. None: it is over."""
        self.exchange = exchange

    def sasl_context(self, hostname: str) -> credentials.SaslContext:
        """What a mechanism has to know, with fresh randomness."""
        nonce, salt = self._randomness()
        return credentials.SaslContext(
            hostname, nonce, salt, external_identity=self.external_identity
        )


class SessionState:
    """Where one session stands.

    Args:
        settings: what the server is.
        randomness: gives fresh nonces and salts, when a mechanism needs them.

    Attributes:
        settings: what the server is.
        security: TLS and AUTH.
        state: which commands are in order.
        disabled_commands: verbs that do not exist here; a rule may change them.
        helo: the name in the last accepted EHLO, HELO or LHLO.
        opening_command: that command's verb.
        envelope: of the transaction; None outside of one.
        sink: the content of the transaction; it stays until the next one begins.
        transaction_count: how often MAIL was accepted.
        unrecognized: how many commands nobody knows.
        unauthenticated: how many commands came from a client that has not logged in.
        xclient: what Postfix's command has told; None for what is not known.
        xforward: likewise.
    """

    __slots__ = (
        "disabled_commands",
        "envelope",
        "helo",
        "opening_command",
        "security",
        "settings",
        "sink",
        "state",
        "transaction_count",
        "unauthenticated",
        "unrecognized",
        "xclient",
        "xforward",
    )

    def __init__(self, settings: Settings, randomness: Randomness) -> None:
        self.settings: Settings = settings
        self.security: Security = Security(randomness)
        self.state: State = State.CONNECT
        self.disabled_commands: frozenset[str] = settings.disabled_commands
        self.helo: str | None = None
        self.opening_command: str | None = None
        self.envelope: Envelope | None = None
        self.sink: ContentSink = ContentSink(settings.kept_octets)
        self.transaction_count: int = 0
        self.unrecognized: int = 0
        self.unauthenticated: int = 0
        self.xclient: dict[str, str | None] = {}
        self.xforward: dict[str, str | None] = {}

    @property
    def in_transaction(self) -> bool:
        """Between an accepted MAIL and the reply that ends its transaction."""
        return self.state in _IN_TRANSACTION

    def enter(self, state: State) -> None:
        """Move. START stands for READY once the client has said who it is."""
        if state is _START and self.helo is not None:
            state = _READY
        if state in _OUTSIDE:
            self.envelope = None
        self.state = state

    def disable(self, verbs: frozenset[str]) -> None:
        """From now on these commands do not exist."""
        self.disabled_commands = verbs

    # What a reply may bring about

    def greet(self, verb: str, name: str) -> None:
        """EHLO, HELO or LHLO was accepted."""
        self.helo = name
        self.opening_command = verb

    def begin(self, envelope: Envelope) -> None:
        """MAIL was accepted: a transaction begins."""
        self.transaction_count += 1
        self._open(envelope)

    def open_envelope(self) -> Envelope:
        """The envelope of the transaction; an empty one where a rule skipped MAIL."""
        return self.envelope or self._open(Envelope(Address("")))

    def begin_content(self) -> None:
        """Content comes now: nothing of what came before belongs to it."""
        self.open_envelope()  # where a rule has let DATA through without MAIL
        if self.sink.octets:  # chunks, where a rule has let DATA follow them
            self.sink = ContentSink(self.settings.kept_octets)

    def secure(self, tls: object, external_identity: str | None) -> None:
        """TLS begins: forget what was said in clear text (RFC 3207 §4.2)."""
        self.security.secure(tls, external_identity)
        if self.state is State.TLS:
            self._begin_anew()
            self.security.log_out()
            self.state = State.START

    def change_client(self, attributes: Mapping[str, str | None]) -> None:
        """XCLIENT was accepted: as if the client that it names had just connected."""
        self.xclient.update(attributes)
        self._begin_anew()
        user = attributes.get("LOGIN")
        if user is None:
            self.security.log_out()
        else:
            self.security.log_in(user)

    def count_unrecognized(self) -> int:
        """One more command that nobody knows; how many there are now."""
        self.unrecognized += 1
        return self.unrecognized

    def count_unauthenticated(self) -> int:
        """One more command before AUTH; how many there are now."""
        self.unauthenticated += 1
        return self.unauthenticated

    def _begin_anew(self) -> None:
        self.helo = self.opening_command = self.envelope = None

    def _open(self, envelope: Envelope) -> Envelope:
        self.envelope = envelope
        self.sink = ContentSink(self.settings.kept_octets)
        return envelope
