"""What a session has come to so far: all that the engine remembers of it in public."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.framing.content import ContentSink

from .pending import NOTHING_PENDING, Pending
from .states import State

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.sasl.mechanisms import Exchange
    from pytest_smtpserver.protocol.syntax.envelope import Envelope

    from .settings import Settings


class SessionState:
    """Where one session stands.

    Args:
        settings: what the server is.
    """

    # With its private ones the engine has more attributes than are found at once in an
    # instance without slots.
    __slots__ = (
        "authenticated",
        "chunks",
        "content_octets",
        "disabled_commands",
        "discarded",
        "envelope",
        "exchange",
        "external_identity",
        "helo",
        "opening_command",
        "pass_content_on",
        "pending",
        "pipelined",
        "settings",
        "sink",
        "state",
        "tls",
        "transaction_count",
        "unauthenticated",
        "unrecognized",
        "user",
        "xclient",
        "xforward",
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = State.CONNECT
        self.disabled_commands = settings.disabled_commands
        #: The name in the last accepted EHLO, HELO or LHLO, and that command's verb.
        self.helo: str | None = None
        self.opening_command: str | None = None
        #: What the server told about TLS; None while the session is in clear text.
        self.tls: object | None = None
        self.external_identity: str | None = None
        self.authenticated = False
        self.user: object = None
        self.envelope: Envelope | None = None
        self.transaction_count = 0
        self.unrecognized = 0
        self.unauthenticated = 0
        self.sink = ContentSink()
        #: Sizes of the chunks of this message, in order (BDAT only).
        self.chunks: list[int] = []
        #: Octets of content that came over the wire, dots and all.
        self.content_octets = 0
        #: Plaintext that was pipelined behind STARTTLS, and dropped.
        self.discarded = b""
        #: Give content out as it arrives, as ``"CHUNK"`` events.
        self.pass_content_on = False
        self.exchange: Exchange | None = None
        #: What Postfix's two commands have told; None for what is not known.
        self.xclient: dict[str, str | None] = {}
        self.xforward: dict[str, str | None] = {}
        self.pending: Pending = NOTHING_PENDING
        #: Bytes were there already when the last reply was made.
        self.pipelined = False
