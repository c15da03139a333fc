"""The PROXY header that a load balancer puts in front of a connection.

HAProxy's "The PROXY protocol", versions 1 and 2: §2.1 is the line of text, §2.2 the
binary header.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

#: §2.1: the longest line that version 1 can have, CRLF included.
MAX_LINE = 107
#: What version 2 may have in all; the length field alone would allow 65,551 octets.
MAX_HEADER = 4096

#: §2.2: twelve octets that no line of text begins with.
_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_FIXED = len(_SIGNATURE) + 4
#: The line of version 1 (§2.1).
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [ -~]*)?"
    rb"|TCP(?P<family>[46]) (?P<source>\S+) (?P<destination>\S+)"
    rb" (?P<source_port>\d{1,5}) (?P<destination_port>\d{1,5}))"
)
#: Address octets by family and transport (§2.2); 2 and 6 are IPv4 and IPv6.
_INET, _INET6, _UNIX = 1, 2, 3
_LENGTHS = {_INET: 4, _INET6: 16}
_UNIX_PATH = 108


class BadProxyHeader(ValueError):  # noqa: N818 - it is what came
    """The connection does not begin with a PROXY header."""


class ProxyHeader(NamedTuple):
    """What a PROXY header says.

    Attributes:
        version: 1 or 2.
        source: host and port of the client, or the path of its Unix socket and 0;
            None where the proxy does not say (``UNKNOWN``, ``LOCAL``).
        destination: likewise, where the client connected to.
        length: octets of the header; what follows them is SMTP or TLS.
    """

    version: int
    source: tuple[str, int] | None
    destination: tuple[str, int] | None
    length: int


def parse_proxy_header(data: bytes) -> ProxyHeader | None:
    """Read the header at the front of the first bytes of a connection.

    Args:
        data: everything that has come so far.

    Returns:
        The header, or None while it is not whole.

    Raises:
        BadProxyHeader: this is no header, or it is too long.
    """
    if data.startswith(_SIGNATURE):
        return _parse_binary(data)
    if _SIGNATURE.startswith(data):
        return None
    return _parse_line(data)


def _parse_line(data: bytes) -> ProxyHeader | None:
    if not data.startswith(b"PROXY "[: len(data)]):
        raise BadProxyHeader(f"it begins with {data[:16]!r}")
    end = data.find(b"\r\n", 0, MAX_LINE)
    if end < 0:
        if len(data) >= MAX_LINE:
            raise BadProxyHeader(f"its line has more than {MAX_LINE} octets")
        if b"\n" in data:
            raise BadProxyHeader("its line ends without CR")
        return None
    match = _LINE.fullmatch(data[:end])
    if match is None:
        raise BadProxyHeader(f"its line is {data[:end]!r}")
    length = end + 2
    if match["family"] is None:
        return ProxyHeader(1, None, None, length)
    version = int(match["family"])
    source, destination = (
        (_text_address(match[side], version), _port(match[f"{side}_port"]))
        for side in ("source", "destination")
    )
    return ProxyHeader(1, source, destination, length)


def _text_address(text: bytes, version: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        address = None
    if address is None or address.version != version:
        raise BadProxyHeader(f"{text!r} is no IPv{version} address")
    return str(address)


def _port(digits: bytes) -> int:
    number = int(digits)
    if number > 65535 or (len(digits) > 1 and digits.startswith(b"0")):
        raise BadProxyHeader(f"{digits!r} is no port")
    return number


def _parse_binary(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    version, command = data[12] >> 4, data[12] & 15
    if version != 2 or command > 1:
        raise BadProxyHeader(f"version and command are {data[12]:#04x}")
    length = _FIXED + int.from_bytes(data[14:16])
    if length > MAX_HEADER:
        raise BadProxyHeader(f"it has {length} octets")
    if len(data) < length:
        return None
    family = data[13] >> 4
    if command == 0 or family == 0:
        # §2.2: LOCAL is the proxy's own connection, UNSPEC nothing we know.
        return ProxyHeader(2, None, None, length)
    block = data[_FIXED:length]
    if family == _UNIX:
        source, destination = _unix_addresses(block)
    elif family in _LENGTHS:
        source, destination = _inet_addresses(block, _LENGTHS[family])
    else:
        raise BadProxyHeader(f"family and transport are {data[13]:#04x}")
    return ProxyHeader(2, source, destination, length)


def _inet_addresses(block: bytes, size: int) -> tuple[tuple[str, int], tuple[str, int]]:
    ports = 2 * size
    if len(block) < ports + 4:
        raise BadProxyHeader(f"its addresses have {len(block)} octets")
    source, destination = (
        (
            str(ipaddress.ip_address(block[side * size : (side + 1) * size])),
            int.from_bytes(block[ports + 2 * side : ports + 2 * side + 2]),
        )
        for side in (0, 1)
    )
    return source, destination


def _unix_addresses(block: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    if len(block) < 2 * _UNIX_PATH:
        raise BadProxyHeader(f"its addresses have {len(block)} octets")
    source, destination = (
        block[start : start + _UNIX_PATH]
        .split(b"\x00", 1)[0]
        .decode("utf-8", "replace")
        for start in (0, _UNIX_PATH)
    )
    return (source, 0), (destination, 0)
