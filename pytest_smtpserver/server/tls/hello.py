"""The server name in a ClientHello (RFC 8446 §4.1.2 and §5.1, RFC 6066 §3)."""

from __future__ import annotations

_HANDSHAKE, _CLIENT_HELLO = 22, b"\x01"
_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_LONGEST_RECORD = 2**14
#: No ClientHello is longer for OpenSSL, nor for us.
_LONGEST = 131_396


class ClientHello:
    """The first message of a TLS client, while it arrives.

    The callback for server names that `ssl` has is no use: a name that is no ASCII is an
    exception there that nobody can catch.

    Attributes:
        server_name: the name that the client asks for, however it is spelt.
    """

    def __init__(self) -> None:
        self.server_name: str | None = None
        self._records = bytearray()
        self._message = bytearray()

    def feed(self, data: bytes) -> bool:
        """Add octets; whether the message is whole, or is none: OpenSSL says which."""
        records, message = self._records, self._message
        records += data
        at = 0
        while len(records) >= at + _RECORD_HEADER:
            length = int.from_bytes(records[at + 3 : at + _RECORD_HEADER])
            if records[at] != _HANDSHAKE or not 0 < length <= _LONGEST_RECORD:
                return True
            end = at + _RECORD_HEADER + length
            if end > len(records):
                break
            message += records[at + _RECORD_HEADER : end]
            at = end
        del records[:at]
        length = int.from_bytes(message[1:_MESSAGE_HEADER])
        if message[:1] not in (b"", _CLIENT_HELLO) or length > _LONGEST:
            return True
        if len(message) < _MESSAGE_HEADER + length:
            return False
        body = memoryview(bytes(message))[_MESSAGE_HEADER : _MESSAGE_HEADER + length]
        self.server_name = _server_name(body)
        return True


def _server_name(body: memoryview) -> str | None:
    rest = body[34:]  # behind the version and the random octets
    for width in (1, 2, 1):  # the session's identity, cipher suites, compressions
        _, rest = _vector(rest, width)
    extensions, _ = _vector(rest, 2)
    while extensions:
        kind = int.from_bytes(extensions[:2])
        value, extensions = _vector(extensions[2:], 2)
        if kind == 0:  # server_name: a list, whose only known kind is host_name, 0
            name, _ = _vector(_vector(value, 2)[0][1:], 2)
            return bytes(name).decode("utf-8", "surrogateescape")
    return None


def _vector(data: memoryview, width: int) -> tuple[memoryview, memoryview]:
    """Octets behind their length (RFC 8446 §3.4), and what follows them."""
    end = width + int.from_bytes(data[:width])
    return data[width:end], data[end:]
