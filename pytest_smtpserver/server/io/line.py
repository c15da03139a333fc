"""The line to one client: its socket, its TLS and the pace of what we write."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_smtpserver.server.tls.layer import TLSLayer

    from .channel import Channel
    from .clock import Pace


class TLSState(enum.Enum):
    """How far the connection has come with TLS."""

    OFF = enum.auto()
    #: The handshake is on, or what rules do before it.
    STARTING = enum.auto()
    ON = enum.auto()


class Line:
    """Bytes from the client and to it, in clear text or in TLS."""

    __slots__ = ("_early", "_layer", "channel", "client_is_done", "pace", "tls")

    def __init__(self, channel: Channel) -> None:
        self.channel: Channel = channel
        self.tls: TLSState = TLSState.OFF
        #: How fast we write; None for as fast as can be.
        self.pace: Pace | None = None
        #: The client has closed its side, and may still wait for replies.
        self.client_is_done: bool = False
        self._layer: TLSLayer | None = None
        #: Bytes that were read already and are still to be looked at.
        self._early = b""

    @property
    def is_plain(self) -> bool:
        """Bytes go out as they are, and at once."""
        return self._layer is None and self.pace is None

    @property
    def tls_ended(self) -> bool:
        """The client has said goodbye on the level of TLS."""
        return self._layer is not None and self._layer.ended

    def decrypt(self, data: bytes) -> bytes:
        """The plaintext in received bytes.

        Raises:
            ssl.SSLError: TLS is on, and the bytes are not what they should be.
        """
        return data if self._layer is None else self._layer.decrypt(data)

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for this plaintext."""
        return data if self._layer is None else self._layer.encrypt(data)

    def put_by(self, data: bytes) -> None:
        """Keep received bytes for the next look at the line."""
        self._early += data

    def take_early(self) -> bytes:
        """What was put by; it is the caller's now."""
        early, self._early = self._early, b""
        return early

    def start_tls(self) -> None:
        """The handshake begins: what comes from now on belongs to it."""
        self.tls = TLSState.STARTING

    def end_handshake(self, layer: TLSLayer | None) -> None:
        """Go on in TLS, or as before where there was no agreement."""
        self._layer = layer
        self.tls = TLSState.OFF if layer is None else TLSState.ON

    def slow_down(self, pace: Pace) -> None:
        """Write no faster than that from now on."""
        self.pace = pace

    def note_end(self) -> None:
        """The client has closed its side, and may still wait for replies."""
        self.client_is_done = True

    async def say_goodbye(self) -> None:
        """Tell the client on the level of TLS that nothing more will come."""
        if self._layer is not None:
            await self.channel.send(self._layer.close())
