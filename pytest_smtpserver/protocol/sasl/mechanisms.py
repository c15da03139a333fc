"""SASL: the mechanisms that AUTH can run, and the exchange that runs one.

A mechanism is a generator: it yields challenges and is sent the client's responses,
both as they are before base64, and returns credentials. It decides on their form alone,
by raising ``Refused``; whether they are right, the server knows. Lines, the cancelling
``*`` and the reply codes around them are the engine's (RFC 4954 §4).
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.syntax.replies import (
    LocalProtocolError,
    Refused,
    Reply,
)

from .credentials import (
    Credentials,
    Dialogue,
    SaslContext,
    check_identity,
    decode_text,
    malformed,
    octets,
)
from .oauth import oauthbearer, xoauth2
from .scram import scram_sha_256

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: RFC 2195 §2: the user name, which may contain spaces, a space, and the digest.
_CRAM_RESPONSE = re.compile(r"(?P<username>.+) (?P<digest>[0-9a-f]{32})", re.DOTALL)
#: RFC 4505 §2, token: in characters, not octets.
_TRACE_CHARACTERS = 255
#: draft-murchison-sasl-login-00 §2.2 allows these beside its own: a client insists on them.
_LOGIN_PROMPTS = (b"Username:", b"Password:")
_LOGIN_PROHIBITED = re.compile(r"[\x00\r\n]")


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One SASL mechanism.

    Attributes:
        name: its registered name, in upper case.
        run: makes a dialogue, for one exchange. The first thing that it yields is what
            the server sends to an AUTH without an initial response.
        initial_response_allowed: AUTH may carry the answer to the first challenge.
        has_secret: ``Credentials.check_password`` decides. Without: who came (EXTERNAL)
            is known otherwise or (ANONYMOUS) does not matter.
    """

    name: str
    run: Callable[[SaslContext], Dialogue]
    initial_response_allowed: bool = True
    has_secret: bool = True


class Exchange:
    """One run of a mechanism, from AUTH to the credentials.

    ``start`` and ``respond`` return what comes next: bytes are a challenge to send,
    credentials end the exchange. After a ``Refused`` it is over too.
    """

    __slots__ = ("_dialogue", "_started", "mechanism")

    def __init__(self, mechanism: Mechanism, context: SaslContext) -> None:
        self.mechanism: Mechanism = mechanism
        self._dialogue = mechanism.run(context)
        self._started = False

    def start(self, initial_response: bytes | None = None) -> bytes | Credentials:
        """Begin, with the initial response where the client sent one.

        Raises:
            Refused: 501 5.7.0, the server begins this mechanism (RFC 4954 §4); or the
                mechanism refuses the response.
            LocalProtocolError: the exchange has begun before.
        """
        if self._started:
            raise LocalProtocolError("the exchange has begun already")
        self._started = True
        if initial_response is None:
            return next(self._dialogue)
        if not self.mechanism.initial_response_allowed:
            raise Refused(
                Reply(501, f"5.7.0 {self.mechanism.name} has no initial response")
            )
        next(self._dialogue)
        return self.respond(initial_response)

    def respond(self, response: bytes) -> bytes | Credentials:
        """Go on with the client's response to the last challenge.

        Raises:
            Refused: the mechanism refuses the response.
            LocalProtocolError: no challenge is waiting for a response.
        """
        if not self._started:
            raise LocalProtocolError("the exchange has not begun")
        try:
            return self._dialogue.send(response)
        except StopIteration as stop:
            if isinstance(stop.value, Credentials):
                return stop.value
            raise LocalProtocolError("the exchange is over") from None


class CramCredentials(Credentials):
    """A digest of the challenge, keyed with the password (RFC 2195 §2)."""

    __slots__ = ("_challenge", "_digest")

    def __init__(self, username: str, *, challenge: bytes, digest: str) -> None:
        super().__init__("CRAM-MD5", username)
        self._challenge = challenge
        self._digest = digest

    def _proves(self, plain: str) -> bool:
        # A Python built for FIPS has MD5 for those only who say what it is not for.
        md5 = functools.partial(hashlib.md5, usedforsecurity=False)
        expected = hmac.new(octets(plain), self._challenge, md5).hexdigest()
        return hmac.compare_digest(octets(expected), octets(self._digest))


def _plain(context: SaslContext) -> Dialogue:  # noqa: ARG001 - all have one signature
    """RFC 4616 §2: authorization identity, authentication identity, password."""
    parts = (yield b"").split(b"\0")
    if len(parts) != 3:
        raise malformed(f"PLAIN has two NULs, not {len(parts) - 1}")
    authzid = decode_text(parts[0], "The authorization identity")
    username = decode_text(parts[1], "The user name")
    return Credentials(
        "PLAIN",
        check_identity(username),
        password=decode_text(parts[2], "The password"),
        authzid=check_identity(authzid, "authorization identity") if authzid else None,
    )


def _login(context: SaslContext) -> Dialogue:  # noqa: ARG001 - as above
    """draft-murchison-sasl-login-00 §2: user name, then password."""
    username_prompt, password_prompt = _LOGIN_PROMPTS
    username = check_identity(decode_text((yield username_prompt), "The user name"))
    password = decode_text((yield password_prompt), "The password")
    if _LOGIN_PROHIBITED.search(password):
        raise malformed("NUL, CR or LF in the password")
    return Credentials("LOGIN", username, password=password)


def _cram_md5(context: SaslContext) -> Dialogue:
    """RFC 2195 §2: the challenge is a msg-id, and keyed with the password."""
    challenge = octets(f"<{context.nonce}@{context.hostname}>")
    response = decode_text((yield challenge), "The response")
    match = _CRAM_RESPONSE.fullmatch(response)
    if match is None:
        raise malformed("CRAM-MD5 is a user name, a space and 32 lower-case hex digits")
    return CramCredentials(
        check_identity(match["username"]), challenge=challenge, digest=match["digest"]
    )


def _external(context: SaslContext) -> Dialogue:
    """RFC 4422 appendix A: an authorization identity, or nothing."""
    authzid = decode_text((yield b""), "The authorization identity") or None
    if authzid is not None:
        check_identity(authzid, "authorization identity")
    username = authzid or context.external_identity
    if not username:
        raise Refused(Reply(535, "5.7.8 No identity was established externally"))
    return Credentials(
        "EXTERNAL",
        check_identity(username),
        authzid=authzid,
        external_identity=context.external_identity,
    )


def _anonymous(context: SaslContext) -> Dialogue:  # noqa: ARG001 - as above
    """RFC 4505 §2: trace information, or nothing."""
    trace = decode_text((yield b""), "The trace information")
    if len(trace) > _TRACE_CHARACTERS:
        raise malformed(
            f"More than {_TRACE_CHARACTERS} characters of trace information"
        )
    if trace:
        check_identity(trace, "trace information")
    return Credentials("ANONYMOUS", trace or None)


#: Every mechanism by its name in upper case.
MECHANISMS: Mapping[str, Mechanism] = MappingProxyType(
    {
        mechanism.name: mechanism
        for mechanism in (
            Mechanism("PLAIN", _plain),
            # The server begins, yet clients send the user name along with AUTH.
            Mechanism("LOGIN", _login),
            Mechanism("CRAM-MD5", _cram_md5, initial_response_allowed=False),
            Mechanism("XOAUTH2", xoauth2),
            Mechanism("OAUTHBEARER", oauthbearer),
            Mechanism("SCRAM-SHA-256", scram_sha_256),
            Mechanism("EXTERNAL", _external, has_secret=False),
            Mechanism("ANONYMOUS", _anonymous, has_secret=False),
        )
    }
)
