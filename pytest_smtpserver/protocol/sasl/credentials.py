"""What the SASL mechanisms share: context, credentials, and the checks on texts."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Generator
from dataclasses import KW_ONLY, dataclass, field
from typing import TypeAlias

from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.protocol.syntax.replies import Refused, Reply

#: RFC 5802 §7, printable: ASCII without space and comma.
_NONCE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
#: C0, DEL and C1: they would garble a log, and no user has them in the name.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: RFC 4954 §4: "=" stands for an initial response that is there and empty.
_EMPTY_INITIAL_RESPONSE = b"="


@dataclass(frozen=True, slots=True)
class SaslContext:
    """What a mechanism is given for one exchange: names, and everything random.

    Attributes:
        hostname: the server's name, in the challenge of CRAM-MD5.
        nonce: fresh for each exchange: the left side of CRAM-MD5's msg-id (random
            digits, a dot, a timestamp: RFC 2195 §2) and the server's part of SCRAM's
            nonce. Printable ASCII without space and comma.
        salt: SCRAM's salt, at least one octet.
        iterations: SCRAM's iteration count; RFC 7677 §4 wants 4096 at least.
        external_identity: whom the layer below has authenticated, for instance by a
            client certificate; None for nobody.

    Raises:
        ValueError: nonce, salt or iterations cannot stand in a SCRAM message.
    """

    hostname: str
    nonce: str
    salt: bytes
    iterations: int = 4096
    external_identity: str | None = None

    def __post_init__(self) -> None:
        if not _NONCE.fullmatch(self.nonce):
            raise ValueError("a nonce is printable ASCII without space and comma")
        if not self.salt:
            raise ValueError("a salt has at least one octet")
        if self.iterations < 1:
            raise ValueError(f"an iteration count is positive, not {self.iterations}")


@dataclass(slots=True, eq=False, repr=False)
class Credentials:
    """Who a client says it is, and its proof.

    Attributes:
        mechanism: the mechanism's name in upper case.
        username: the authentication identity; for OAUTHBEARER the authorization
            identity of its header; for ANONYMOUS the trace information. None where
            the client gave none.
        password: the password in clear text, where the mechanism sends it.
        access_token: the bearer token of XOAUTH2 and OAUTHBEARER; None also where
            the client asked with no token for what it needs (RFC 7628 §4.3).
        authzid: the authorization identity as sent, None where there is none.
        external_identity: of EXTERNAL: whom the layer below has authenticated.
        parameters: of OAUTHBEARER: the key/value pairs but ``auth``.
    """

    mechanism: str
    username: str | None
    _: KW_ONLY
    password: str | None = None
    access_token: str | None = None
    authzid: str | None = None
    external_identity: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)

    def identify(self, username: str) -> None:
        """Set the name of the user whose token the client has sent."""
        self.username = username

    def check_password(self, plain: str) -> bool:
        """Tell whether the client has this password, or this token, in constant time.

        Works for every mechanism with a secret, also where the secret itself never
        came over the wire. An empty password is never right (RFC 4616 §2). EXTERNAL
        and ANONYMOUS prove nothing by a password: false.

        Raises:
            TypeError: the password is no str.
        """
        if not isinstance(plain, str):
            raise TypeError(f"a password is a str, not {type(plain).__name__}")
        return plain != "" and self._proves(plain)

    def success_data(self) -> bytes | None:
        """What the mechanism sends on success, as one more challenge.

        SCRAM's server-final-message, once ``check_password`` has succeeded; None for
        all others. SMTP cannot send it along with the 235 (RFC 4954 §4), so it goes
        out as a 334 that the client answers with an empty line (RFC 4422 §3.6).
        """
        return None

    def failure_data(self, data: object = None) -> bytes | None:  # noqa: ARG002 - of OAuth
        """What the mechanism sends on failure, as one more challenge.

        The error of XOAUTH2 and OAUTHBEARER in JSON (RFC 7628 §3.2.2); None for all
        others. The client answers it with a line that means nothing, then gets its 535.

        Args:
            data: what to say: bytes and str are sent as they are, anything else as
                JSON; None stands for the usual error.

        Raises:
            TypeError: the data cannot be written as JSON.
            ValueError: the data contains itself.
        """
        return None

    def _proves(self, plain: str) -> bool:
        secret = self.password if self.access_token is None else self.access_token
        return secret is not None and hmac.compare_digest(octets(secret), octets(plain))

    def __repr__(self) -> str:
        shown = [repr(self.mechanism), repr(self.username)]
        if self.authzid is not None:
            shown.append(f"authzid={self.authzid!r}")
        shown += [
            f"{name}=<hidden>"
            for name in ("password", "access_token")
            if getattr(self, name) is not None
        ]
        return printable(f"<Credentials {', '.join(shown)}>")


#: A mechanism at work: yields challenges, is sent responses, both before base64.
Dialogue: TypeAlias = Generator[bytes, bytes, Credentials]


def malformed(reason: str) -> Refused:
    """The refusal of a response that its mechanism does not allow: 501 5.5.2."""
    return Refused(Reply(501, f"5.5.2 {reason}"))


def octets(text: str) -> bytes:
    """The str in UTF-8; also lone surrogates, which a test's password may contain."""
    return text.encode("utf-8", "surrogatepass")


def decode_text(response: bytes, what: str) -> str:
    """Decode UTF-8.

    Raises:
        Refused: 501 5.5.2, it is no UTF-8.
    """
    try:
        return response.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed(f"{what} is not UTF-8") from None


def check_identity(name: str, what: str = "user name") -> str:
    """Return the user name or authorization identity, which must not be empty.

    Raises:
        Refused: 501 5.5.2, it is empty or contains a control character.
    """
    if not name:
        raise malformed(f"Missing {what}")
    if _CONTROL.search(name):
        raise malformed(f"Control character in the {what}")
    return name


def decode_base64(encoded: bytes, what: str = "Response") -> bytes:
    """Decode strict base64 (RFC 4648 §3.3 and §3.5, RFC 4954 §4).

    Raises:
        Refused: 501 5.5.2, there are other characters, padding is missing or not at
            the end, or the bits that it leaves over are not zero.
    """
    try:
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        raise malformed(f"{what} is not base64") from None
    # The decoder lets pad bits pass that RFC 4648 §3.5 wants to be zero.
    if base64.b64encode(decoded) != encoded:
        raise malformed(f"{what} is not base64")
    return decoded


def decode_response(line: bytes, *, initial: bool = False) -> bytes:
    """Decode a client's response, a line without its CRLF (RFC 4954 §4).

    Args:
        line: what the client sent; an empty line is an empty response.
        initial: it is the argument of AUTH, where "=" is the empty response.

    Raises:
        Refused: 501 5.5.2, it is not base64.
    """
    if initial and line == _EMPTY_INITIAL_RESPONSE:
        return b""
    return decode_base64(line)


def encode_challenge(challenge: bytes) -> bytes:
    """Encode a challenge: the text of a 334 reply (RFC 4954 §4)."""
    return base64.b64encode(challenge)
