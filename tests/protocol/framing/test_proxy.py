"""The PROXY header, as HAProxy's proxy-protocol.txt has it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.framing.proxy import (
    MAX_HEADER,
    BadProxyHeader,
    parse_proxy_header,
)

_SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
_PORTS = bytes.fromhex("dc040019")
_INET = bytes([192, 168, 0, 1, 192, 168, 0, 11]) + _PORTS
_INET6 = bytes(15) + b"\x01" + bytes(15) + b"\x02" + _PORTS
_UNIX = b"/run/a".ljust(108, b"\0") + b"/run/b".ljust(108, b"\0")


def _binary(command: int, family: int, block: bytes) -> bytes:
    return _SIGNATURE + bytes([0x20 | command, family]) + len(block).to_bytes(2) + block


_HEADERS = [
    # §2.1, the examples of the text.
    (
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
        (("192.168.0.1", 56324), ("192.168.0.11", 443)),
    ),
    (
        b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        (("255.255.255.255", 65535), ("255.255.255.255", 65535)),
    ),
    (b"PROXY TCP6 ::1 2001:db8::2 1 25\r\n", (("::1", 1), ("2001:db8::2", 25))),
    (b"PROXY UNKNOWN\r\n", None),
    (
        b"PROXY UNKNOWN "
        + b" ".join([b"ffff:" * 7 + b"ffff"] * 2)
        + b" 65535 65535\r\n",
        None,
    ),
    # §2.2
    (_binary(1, 0x11, _INET), (("192.168.0.1", 56324), ("192.168.0.11", 25))),
    (
        _binary(1, 0x11, _INET + b"\x04\x00\x01x"),
        (("192.168.0.1", 56324), ("192.168.0.11", 25)),
    ),
    (_binary(1, 0x21, _INET6), (("::1", 56324), ("::2", 25))),
    (_binary(1, 0x31, _UNIX), (("/run/a", 0), ("/run/b", 0))),
    (_binary(0, 0x00, b""), None),
    (_binary(0, 0x11, _INET), None),
    (_binary(1, 0x00, b"ignored"), None),
]


@pytest.mark.parametrize(("header", "addresses"), _HEADERS, ids=repr)
def test_a_header_is_read_once_it_is_whole(
    header: bytes, addresses: tuple[tuple[str, int], tuple[str, int]] | None
) -> None:
    """At every shorter length it needs more; what follows is not part of it."""
    for length in range(len(header)):
        assert parse_proxy_header(header[:length]) is None
    found = parse_proxy_header(header + b"EHLO client\r\n")
    assert found is not None
    assert found.length == len(header)
    assert found.version == (2 if header.startswith(b"\r") else 1)
    if addresses is None:
        assert (found.source, found.destination) == (None, None)
    else:
        assert (found.source, found.destination) == addresses


@pytest.mark.parametrize(
    "data",
    [
        b"EHLO client\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4 192.168.0.1 192.168.0.11 56324\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 127.0.0.1 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 127.0.0.256 127.0.0.1 1 2\r\n",
        b"PROXY TCP4 127.0.0.1 127.0.0.1 1 65536\r\n",
        b"PROXY TCP4 127.0.0.1 127.0.0.1 01 2\r\n",
        b"PROXY TCP5 127.0.0.1 127.0.0.1 1 2\r\n",
        b"PROXY UNKNOWN\n",
        # 107 octets with CRLF is the longest line there may be.
        b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
        b"PROXY UNKNOWN " + b"x" * 93,
        _SIGNATURE + b"\x11\x11\x00\x00",
        _SIGNATURE + b"\x22\x11\x00\x00",
        # §2.2: a command other than LOCAL and PROXY, and what it has is whole.
        _binary(2, 0x11, _INET),
        _binary(1, 0x11, _INET[:-1]),
        _binary(1, 0x21, _INET6[:-1]),
        _binary(1, 0x31, _UNIX[:-1]),
        _binary(1, 0x41, _INET),
        _SIGNATURE + b"\x21\x11" + (MAX_HEADER - 15).to_bytes(2),
    ],
    ids=repr,
)
def test_what_is_no_header(data: bytes) -> None:
    """Bad ones and overlong ones are told apart from short ones."""
    with pytest.raises(BadProxyHeader):
        parse_proxy_header(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"EHLO client", "it begins with b'EHLO client'"),
        (b"EHLO client.example.org", "it begins with b'EHLO client.exam'"),
        (b"PROXY UNKNOWN " + b"x" * 93, "its line has more than 107 octets"),
        (b"PROXY UNKNOWN\n", "its line ends without CR"),
        (b"PROXY X\r\n", "its line is b'PROXY X'"),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", "b'::1' is no IPv4 address"),
        (b"PROXY TCP6 1.2.3.4 ::1 1 2\r\n", "b'1.2.3.4' is no IPv6 address"),
        (b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "b'01' is no port"),
        (_SIGNATURE + b"\x11\x11\x00\x00", "version and command are 0x11"),
        (_SIGNATURE + b"\x21\x11\xff\xff", "it has 65551 octets"),
        (_binary(1, 0x41, _INET), "family and transport are 0x41"),
        (_binary(1, 0x11, _INET[:-1]), "its addresses have 11 octets"),
        (_binary(1, 0x31, _UNIX[:-1]), "its addresses have 215 octets"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, problem: str) -> None:
    """With what came in its place: who has set the proxy up has only this."""
    with pytest.raises(BadProxyHeader) as bad:
        parse_proxy_header(data)
    assert str(bad.value) == problem


@given(
    start=st.sampled_from(
        [b"", b"PROXY ", b"PROXY TCP4 ", _SIGNATURE, _SIGNATURE + b"!"]
    ),
    data=st.binary(max_size=250),
)
def test_any_bytes_are_a_header_none_or_not_enough(start: bytes, data: bytes) -> None:
    """Nothing else is ever raised."""
    with suppress(BadProxyHeader):
        header = parse_proxy_header(start + data)
        assert header is None or header.length <= len(start + data)
