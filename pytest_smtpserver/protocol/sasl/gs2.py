"""The header that SCRAM and OAUTHBEARER begin with (RFC 5801 §4, RFC 5802 §7)."""

from __future__ import annotations

import re
from typing import NamedTuple

from .credentials import check_identity, malformed

#: RFC 5802 §7: "=" and "," in a name are written "=3D" and "=2C".
SASLNAME = r"(?:[^\x00=,]|=2C|=3D)+"
_HEADER = re.compile(rf"(?P<binding>n|y|p=[A-Za-z0-9.\-]+),(?:a=(?P<a>{SASLNAME}))?,")


class Gs2Header(NamedTuple):
    """The header as sent, the authorization identity in it, and what follows it."""

    header: str
    authzid: str | None
    rest: str


def split_gs2_header(message: str) -> Gs2Header:
    """Take the header off a client's first message.

    Raises:
        Refused: 501 5.5.2, the header is malformed, or asks for a channel binding.
    """
    match = _HEADER.match(message)
    if match is None:
        raise malformed("The message must begin with a GS2 header such as n,,")
    # RFC 5802 §6: without support for the binding the server must fail. "y", a client
    # that could bind but saw no -PLUS mechanism on offer, is right about this server.
    if match["binding"].startswith("p="):
        raise malformed("Channel binding is not supported")
    authzid = match["a"]
    if authzid is not None:
        authzid = check_identity(decode_saslname(authzid), "authorization identity")
    return Gs2Header(match[0], authzid, message[match.end() :])


def decode_saslname(name: str) -> str:
    """Undo the quoting of RFC 5802 §5.1."""
    # In this order: "=3D2C" is "=2C", not ",".
    return name.replace("=2C", ",").replace("=3D", "=")
