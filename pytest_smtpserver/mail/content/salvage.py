"""The standard library's parse of a message, for messages that make it raise.

Under its modern policy the parser raises IndexError, KeyError, ValueError and more on
header fields that real senders and fuzzers produce, some only when a field is read.
"""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import EmailPolicy
from typing import TYPE_CHECKING, Any

from .charsets import decode_header_octets
from .headers import parse_value

if TYPE_CHECKING:
    _Policy = EmailPolicy[EmailMessage]
else:
    _Policy = EmailPolicy


class SalvagePolicy(_Policy):
    """`email.policy.default`, save that reading a field does not raise.

    A field in raw UTF-8 (RFC 6532) is read as such, where the default policy leaves
    surrogates in addresses.
    """

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        """The header object for a stored value."""
        if hasattr(value, "name"):
            return value
        raw = _LINE_ENDS.sub("", value)
        if not raw.isascii():
            octets = raw.encode("utf-8", "surrogateescape")
            raw, _ = decode_header_octets(octets)
        return parse_value(name, raw)


_LINE_ENDS = re.compile(r"[\r\n]")
_POLICY = SalvagePolicy()


def parse_message(content: bytes) -> EmailMessage:
    """Parse a message; what has no structure becomes a message with a plain body."""
    try:
        return message_from_bytes(content, policy=_POLICY)
    except Exception:  # noqa: BLE001, S110 - nested too deeply, for one
        pass
    try:
        message = BytesHeaderParser(policy=_POLICY).parsebytes(content)
    except Exception:  # noqa: BLE001 - then there is no header either
        message = EmailMessage(_POLICY)
        message.set_payload(content.decode("ascii", "surrogateescape"))
    assert isinstance(message, EmailMessage)
    return message
