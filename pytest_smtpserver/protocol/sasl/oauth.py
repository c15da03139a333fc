"""The bearer token mechanisms: XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628)."""

from __future__ import annotations

import json
import re

from .credentials import (
    Credentials,
    Dialogue,
    SaslContext,
    check_identity,
    decode_text,
    malformed,
    octets,
)
from .gs2 import split_gs2_header

XOAUTH2 = "XOAUTH2"
OAUTHBEARER = "OAUTHBEARER"

#: RFC 6750 §2.1, with any visible ASCII as token; the scheme in any case (RFC 7628 §4).
_BEARER = re.compile(r"(?i:bearer) +(?P<token>[\x21-\x7e]+)")
_XOAUTH2 = re.compile(r"user=(?P<user>[^\x01]*)\x01auth=(?P<auth>[^\x01]*)\x01\x01")
#: RFC 7628 §3.1, without the terminator.
_PAIR = re.compile(r"(?P<key>[A-Za-z]+)=(?P<value>[\x20-\x7e\t\r\n]*)")
_PORT = re.compile(r"[1-9][0-9]*")
_KNOWN_KEYS = ("auth", "host", "port")
_SEPARATOR = "\x01"

#: What the server says to a token that it does not take. XOAUTH2: the three members
#: that Google documents; OAUTHBEARER: the one that RFC 7628 §3.2.2 requires.
_ERRORS: dict[str, dict[str, str]] = {
    XOAUTH2: {"status": "401", "schemes": "bearer", "scope": ""},
    OAUTHBEARER: {"status": "invalid_token"},
}


class OAuthCredentials(Credentials):
    """A bearer token, whose refusal is explained before the 535."""

    __slots__ = ()

    def failure_data(self, data: object = None) -> bytes | None:
        """The error as JSON, see ``Credentials.failure_data``."""
        if data is None:
            data = _ERRORS[self.mechanism]
        if isinstance(data, (bytes, bytearray)):
            return bytes(data)
        if isinstance(data, str):
            return octets(data)
        return json.dumps(data, separators=(",", ":")).encode("ascii")


def xoauth2(context: SaslContext) -> Dialogue:  # noqa: ARG001 - all have one signature
    """Run XOAUTH2: user and token in one message."""
    message = decode_text((yield b""), "The message")
    match = _XOAUTH2.fullmatch(message)
    if match is None:
        raise malformed("XOAUTH2 is user=name^Aauth=Bearer token^A^A")
    return OAuthCredentials(
        XOAUTH2,
        check_identity(match["user"]),
        access_token=_parse_bearer(match["auth"]),
    )


def oauthbearer(context: SaslContext) -> Dialogue:  # noqa: ARG001 - as above
    """Run OAUTHBEARER: a GS2 header, then key/value pairs (RFC 7628 §3.1)."""
    message = decode_text((yield b""), "The message")
    _, authzid, rest = split_gs2_header(message)
    pairs = _parse_pairs(rest)
    auth = pairs.pop("auth", None)
    if auth is None:
        raise malformed("The key auth is missing")
    if not _PORT.fullmatch(pairs.get("port", "1")):
        raise malformed("The value of port is not a port number")
    return OAuthCredentials(
        OAUTHBEARER,
        authzid,
        authzid=authzid,
        # RFC 7628 §4.3: an empty value asks which scope is needed. It fails, with the
        # error that says so.
        access_token=_parse_bearer(auth) if auth else None,
        parameters=pairs,
    )


def _parse_pairs(text: str) -> dict[str, str]:
    """The key/value pairs between the header and the end of the message."""
    if len(text) < 2 or text[0] != _SEPARATOR or text[-1] != _SEPARATOR:
        raise malformed("OAUTHBEARER is n,a=name,^Aauth=Bearer token^A^A")
    pairs: dict[str, str] = {}
    # Each pair ends with a separator of its own, before that of the message.
    *entries, last = text[1:-1].split(_SEPARATOR)
    if last:
        raise malformed("OAUTHBEARER ends with two separators")
    for match in map(_PAIR.fullmatch, entries):
        if match is None:
            raise malformed("Malformed key/value pair")
        if match["key"] in pairs and match["key"] in _KNOWN_KEYS:
            raise malformed(f"The key {match['key']} is there twice")
        pairs[match["key"]] = match["value"]
    return pairs


def _parse_bearer(value: str) -> str:
    match = _BEARER.fullmatch(value)
    if match is None:
        raise malformed("The value of auth is not a bearer token")
    return match["token"]
