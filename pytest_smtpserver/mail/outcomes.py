"""The outcome of a TLS handshake, an AUTH command, a transaction without a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_smtpserver.protocol.naming import no_such_attribute

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply


class TLSInfo(NamedTuple):
    """What a TLS handshake agreed on.

    Attributes:
        version: ``"TLSv1.3"``.
        cipher: the name of the cipher suite.
        server_name: the name that the client asked for (SNI), or None.
        peer_certificate: the client's certificate as `ssl.SSLSocket.getpeercert` gives
            it, or None when it sent none that was verified. One that Python cannot
            read is empty.
    """

    version: str
    cipher: str
    server_name: str | None
    peer_certificate: dict[str, Any] | None


@dataclass(slots=True)
class AuthAttempt:
    """One AUTH command and its outcome.

    Attributes:
        mechanism: in upper case, as the client named it.
        username: the user name that it gave; None if the exchange ended before that.
        password: the password in clear text, or the access token; None where the
            mechanism never sends it.
        authzid: the authorization identity as sent: whom the client acts for. None
            where there is none.
        succeeded: the reply was 235.
        reply: the reply that ended the exchange; None when the connection broke.
    """

    mechanism: str
    username: str | None = None
    password: str | None = None
    authzid: str | None = None
    succeeded: bool = False
    reply: Reply | None = None

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute(
            "a login attempt",
            dict.fromkeys(("user", "login", "name"), "attempt.username"),
        )

    def shown(
        self, username: str | None, password: str | None, authzid: str | None
    ) -> None:
        """Note the credentials that the client has sent. For the server."""
        self.username, self.password, self.authzid = username, password, authzid

    def answered(self, reply: Reply) -> None:
        """Note the reply that ended the exchange. For the server."""
        self.reply, self.succeeded = reply, reply.is_positive


class Undelivered(NamedTuple):
    """A transaction that was begun and left no message.

    Attributes:
        envelope: with the recipients that were accepted until then.
        content: the octets that came, as far as they were kept.
        reply: the reply to the message; None if there was none.
        reason: in words.
    """

    envelope: Envelope
    content: bytes
    reply: Reply | None
    reason: str


def transmission_type(opening_command: str | None, tls: bool, auth: bool) -> str:
    """The protocol as RFC 3848 names it, by the verb that has opened the session."""
    if opening_command == "HELO":
        return "SMTP"
    base = "LMTP" if opening_command == "LHLO" else "ESMTP"
    return base + ("S" if tls else "") + ("A" if auth else "")
