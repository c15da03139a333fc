"""TLS over bytes: a handshake and a cipher that know nothing of sockets.

The standard library's `ssl.SSLObject` between two memory buffers, so that the pump can
feed it as it feeds the engine, and a test can cut a handshake where it likes.
"""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_smtpserver.mail.outcomes import TLSInfo
from pytest_smtpserver.server.io.channel import Outcome

from .hello import ClientHello

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Whose doing it is that a handshake has failed, and how in words.
Failure: TypeAlias = tuple[Literal["client", "server"], str]
_PLAINTEXT_AT_ONCE = 65536


class TLSLayer:
    """The server's side of one TLS connection.

    For a server name `choose` gives the context, or None to keep the one there is.
    """

    def __init__(
        self, context: ssl.SSLContext, choose: Callable[[str], ssl.SSLContext | None]
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._choose = choose
        self._hello: ClientHello | None = ClientHello()
        self.server_name: str | None = None
        self._object = self._wrapped(context)
        #: The client has said that it will send no more.
        self.ended: bool = False

    def handshake(self, data: bytes) -> tuple[bool, bytes]:
        """Go on with the handshake.

        Returns:
            Whether it is done, and the bytes to send.

        Raises:
            ssl.SSLError: it failed; `pending` has the alert to send.
        """
        self._incoming.write(data)
        if self._hello is not None:
            if not self._hello.feed(data):
                return False, b""
            name, self._hello = self._hello.server_name, None
            self.server_name = name
            if name is not None and (chosen := self._choose(name)) is not None:
                self._object = self._wrapped(chosen)
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False, self.pending()
        return True, self.pending()

    def pending(self) -> bytes:
        """Bytes that are waiting to be sent."""
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> bytes:
        """The plaintext in received bytes; sets `ended` at the client's close_notify.

        Raises:
            ssl.SSLError: the bytes are not what they should be.
        """
        self._incoming.write(data)
        pieces = []
        try:
            while piece := self._object.read(_PLAINTEXT_AT_ONCE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def encrypt(self, data: bytes) -> bytes:
        """The bytes to send for this plaintext."""
        if data:
            self._object.write(data)
        return self._outgoing.read()

    def close(self) -> bytes:
        """The bytes that tell the client that nothing more will come."""
        # The client's own close_notify has not come, and need not.
        with contextlib.suppress(ssl.SSLError):
            self._object.unwrap()
        return self._outgoing.read()

    def info(self) -> TLSInfo:
        """What the handshake agreed on."""
        cipher = self._object.cipher()
        try:
            certificate = self._object.getpeercert() or None
        except ValueError:  # a name in it that is no UTF-8
            certificate = {}
        return TLSInfo(
            version=self._object.version() or "",
            cipher="" if cipher is None else cipher[0],
            server_name=self.server_name,
            peer_certificate=certificate,
        )

    def _wrapped(self, context: ssl.SSLContext) -> ssl.SSLObject:
        return context.wrap_bio(self._incoming, self._outgoing, server_side=True)


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
        self._failure: Failure | None = None
        self._begun = False

    async def run(
        self, exchange: Callable[[Callable[[bytes], bytes | None]], Awaitable[Outcome]]
    ) -> Failure | None:
        """Run the handshake; why it has failed, None where it has not.

        It fails where the client gives up, breaks off or is silent, and where the two
        find no common ground. In any case `last` is to be sent afterwards.
        """
        outcome = await exchange(self._process)
        done = self.was_cut or outcome is Outcome.ATTENTION
        if done or self._failure is not None:
            return self._failure
        by_client = outcome in (Outcome.EOF, Outcome.BROKEN)
        how = f"the TLS handshake was not {'finished' if self._begun else 'begun'}"
        return "client" if by_client else "server", f"{how}: {outcome.value}"

    def _process(self, data: bytes) -> bytes | None:
        self._begun = True
        try:
            done, answer = self._layer.handshake(data)
        except ssl.SSLError as error:
            self.last = self._layer.pending()
            reason = error.reason or str(error)
            # An alert is what the other side sends when it will not go on.
            by_client = "ALERT" in reason
            how = f"the TLS handshake failed: {reason}"
            self._failure = "client" if by_client else "server", how
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


def client_identity(info: TLSInfo) -> str | None:
    """Who a verified client certificate belongs to, for AUTH EXTERNAL.

    The first e-mail address among its alternative names, else its common name, else
    its first DNS name.
    """
    certificate = info.peer_certificate
    if not certificate:
        return None
    alternatives = certificate.get("subjectAltName", ())
    names = [value for kind, value in alternatives if kind == "email"]
    names += [
        value
        for part in certificate.get("subject", ())
        for kind, value in part
        if kind == "commonName"
    ]
    names += [value for kind, value in alternatives if kind == "DNS"]
    return str(names[0]) if names else None
