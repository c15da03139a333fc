"""A TLS handshake on one connection."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal

from pytest_smtpserver.server.io.channel import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .layer import TLSLayer


class HandshakeFailed(Exception):  # noqa: N818 - it is what happened to a client
    """The handshake did not come to its end, by whose doing, and how, in words."""

    def __init__(self, by: Literal["client", "server"], how: str) -> None:
        super().__init__(how)
        self.by: Literal["client", "server"] = by
        self.how = how


class Handshake:
    """Feeds received bytes to a TLS layer until it is ready, or has failed.

    With a limit no more octets of our side than that leave.
    """

    def __init__(self, layer: TLSLayer, limit: int | None = None) -> None:
        self._layer = layer
        self._limit = limit
        #: The limit was reached; what was allowed to leave still has to.
        self.was_cut: bool = False
        #: What is still to be sent when the exchange has ended.
        self.last: bytes = b""
        self._failure: HandshakeFailed | None = None
        self._begun = False

    async def run(
        self, exchange: Callable[[Callable[[bytes], bytes | None]], Awaitable[Outcome]]
    ) -> None:
        """Run the handshake; `last` is to be sent afterwards, also when it failed.

        Raises:
            HandshakeFailed: the client gave up, broke off or was silent, or the two
                found no common ground.
        """
        outcome = await exchange(self._process)
        if self.was_cut:
            return
        if self._failure is not None:
            raise self._failure
        if outcome is not Outcome.ATTENTION:
            by_client = outcome in (Outcome.EOF, Outcome.BROKEN)
            raise HandshakeFailed(
                "client" if by_client else "server",
                f"the TLS handshake was not {'finished' if self._begun else 'begun'}: "
                f"{outcome.value}",
            )

    def _process(self, data: bytes) -> bytes | None:
        self._begun = True
        try:
            done, answer = self._layer.handshake(data)
        except ssl.SSLError as error:
            self.last = self._layer.pending()
            reason = error.reason or str(error)
            # An alert is what the other side sends when it will not go on.
            self._failure = HandshakeFailed(
                "client" if "ALERT" in reason else "server",
                f"the TLS handshake failed: {reason}",
            )
            return None
        if self._limit is not None:
            if len(answer) >= self._limit:
                self.last = answer[: self._limit]
                self.was_cut = True
                return None
            self._limit -= len(answer)
        if not done:
            return answer
        self.last = answer
        return None
