"""SCRAM-SHA-256 (RFC 5802 and RFC 7677), without channel binding."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from .credentials import (
    Credentials,
    Dialogue,
    SaslContext,
    check_identity,
    decode_base64,
    decode_text,
    malformed,
    octets,
)
from .gs2 import SASLNAME, decode_saslname, split_gs2_header
from .saslprep import saslprep

NAME = "SCRAM-SHA-256"
_HASH = "sha256"
_PROOF_OCTETS = 32

_NONCE = r"[\x21-\x2b\x2d-\x7e]+"
#: attr-val of RFC 5802 §7. "m" is an extension that must be understood, so it is no
#: optional one: §5.1 wants the exchange to fail wherever it appears.
_EXTENSIONS = r"(?:,[A-Za-ln-z]=[^\x00,]+)*"
_BASE64 = r"[A-Za-z0-9+/=]+"
_CLIENT_FIRST_BARE = re.compile(
    rf"n=(?P<username>{SASLNAME}),r=(?P<nonce>{_NONCE}){_EXTENSIONS}"
)
_CLIENT_FINAL = re.compile(
    rf"(?P<without_proof>c=(?P<binding>{_BASE64}),r=(?P<nonce>{_NONCE}){_EXTENSIONS})"
    rf",p=(?P<proof>{_BASE64})"
)


class ScramCredentials(Credentials):
    """A proof that the client knows the password, which it does not send."""

    __slots__ = ("_auth_message", "_iterations", "_proof", "_salt", "_server_final")

    def __init__(
        self,
        username: str,
        *,
        authzid: str | None,
        auth_message: str,
        proof: bytes,
        context: SaslContext,
    ) -> None:
        super().__init__(NAME, username, authzid=authzid)
        self._auth_message = octets(auth_message)
        self._proof = proof
        self._salt = context.salt
        self._iterations = context.iterations
        self._server_final: bytes | None = None

    def success_data(self) -> bytes | None:
        """The server-final-message; None until a password was found right."""
        return self._server_final

    def _proves(self, plain: str) -> bool:
        """RFC 5802 §3; a password that SASLprep refuses or empties is wrong (§2.2)."""
        try:
            prepared = saslprep(plain)
        except ValueError:
            return False
        if not prepared:
            return False
        salted_password = hashlib.pbkdf2_hmac(
            _HASH, octets(prepared), self._salt, self._iterations
        )
        stored_key = hashlib.sha256(_hmac(salted_password, b"Client Key")).digest()
        client_signature = _hmac(stored_key, self._auth_message)
        client_key = bytes(
            left ^ right
            for left, right in zip(self._proof, client_signature, strict=True)
        )
        if not hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key):
            return False
        server_key = _hmac(salted_password, b"Server Key")
        server_signature = _hmac(server_key, self._auth_message)
        self._server_final = b"v=" + base64.b64encode(server_signature)
        return True


def scram_sha_256(context: SaslContext) -> Dialogue:
    """Run SCRAM-SHA-256 up to the client's proof (RFC 5802 §5)."""
    message = decode_text((yield b""), "The client-first-message")
    header, authzid, bare = split_gs2_header(message)
    username, client_nonce = _parse_client_first(bare)
    nonce = client_nonce + context.nonce
    salt = base64.b64encode(context.salt).decode("ascii")
    server_first = f"r={nonce},s={salt},i={context.iterations}"

    message = decode_text((yield octets(server_first)), "The client-final-message")
    final = _CLIENT_FINAL.fullmatch(message)
    if final is None:
        raise malformed("Malformed SCRAM client-final-message")
    # RFC 5802 §5.1, c: without channel binding it is the header of the first message.
    if not hmac.compare_digest(
        decode_base64(octets(final["binding"]), "Attribute c"), octets(header)
    ):
        raise malformed("Attribute c is not the GS2 header of the first message")
    if not hmac.compare_digest(octets(final["nonce"]), octets(nonce)):
        raise malformed("Attribute r is not the nonce of this exchange")
    proof = decode_base64(octets(final["proof"]), "Attribute p")
    if len(proof) != _PROOF_OCTETS:
        raise malformed(f"Attribute p is not {_PROOF_OCTETS} octets long")
    return ScramCredentials(
        username,
        authzid=authzid,
        auth_message=f"{bare},{server_first},{final['without_proof']}",
        proof=proof,
        context=context,
    )


def _parse_client_first(bare: str) -> tuple[str, str]:
    """The prepared user name and the client's nonce."""
    if bare.startswith("m="):
        raise malformed("SCRAM extensions are not supported")
    match = _CLIENT_FIRST_BARE.fullmatch(bare)
    if match is None:
        raise malformed("Malformed SCRAM client-first-message")
    username = check_identity(decode_saslname(match["username"]))
    try:
        # RFC 5802 §5.1, n: what the client sent is a query string.
        prepared = saslprep(username, allow_unassigned=True)
    except ValueError as error:
        raise malformed(f"SASLprep of the user name failed: {error}") from None
    return check_identity(prepared), match["nonce"]


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, _HASH)
