"""A message as the standard library parses it, without its exceptions.

With the library's modern policy, header fields of real senders make the parser raise
IndexError, KeyError, ValueError and more, some of them only when a field is read. Its
time grows with the square of a field's length.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import (
    Address,
    Group,
    HeaderRegistry,
    UniqueAddressHeader,
    UniqueUnstructuredHeader,
)
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import EmailPolicy
from email.policy import default as default_policy
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from pytest_smtpserver.later import Later

from .fields.headers import holds_addresses

if TYPE_CHECKING:
    from .decoding import charsets
    from .fields import encoded_words, mailboxes, mime_parameters

    _Policy = EmailPolicy[EmailMessage]
else:
    _Policy = EmailPolicy
    charsets = Later("pytest_smtpserver.mail.content.decoding.charsets")
    encoded_words = Later("pytest_smtpserver.mail.content.fields.encoded_words")
    mailboxes = Later("pytest_smtpserver.mail.content.fields.mailboxes")
    mime_parameters = Later("pytest_smtpserver.mail.content.fields.mime_parameters")

#: Longer values are not given to the library's parser: it takes its time, and for each
#: part reads the type several times.
_MAX_PARSED, _MAX_STRUCTURED = 20_000, 2000
_LINE_ENDS = re.compile(r"[\r\n]")


class SalvagePolicy(_Policy):
    """`email.policy.default`, save that reading a field does not raise.

    Addresses are those that `mailboxes` finds, and a field in raw UTF-8 (RFC 6532) is
    read as such, where the default policy leaves surrogates.
    """

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        """The header object for a stored value."""
        if hasattr(value, "name"):
            return value
        raw = _LINE_ENDS.sub("", value).strip()
        if not raw.isascii():
            raw, _ = charsets.decode_header_octets(
                raw.encode("utf-8", "surrogateescape")
            )
        return _header(name, raw)


_POLICY = SalvagePolicy()


def parse_message(content: bytes) -> EmailMessage:
    """Parse a message; what cannot be parsed becomes the body of one without parts."""
    with suppress(Exception):  # nested too deeply, for one
        return message_from_bytes(content, policy=_POLICY)
    try:
        message = BytesHeaderParser(policy=_POLICY).parsebytes(content)
    except Exception:  # noqa: BLE001 - then there is no header either
        message = EmailMessage(_POLICY)
        message.set_payload(content.decode("ascii", "surrogateescape"))
    assert isinstance(message, EmailMessage)
    return message


def read_date(value: str) -> datetime | None:
    """The time in a date field (RFC 5322 §3.3), aware; None where it is no date.

    The zone "-0000" stands for UTC from a sender whose own zone is unknown.
    """
    try:
        date = parsedate_to_datetime(value[:200])
    except Exception:  # noqa: BLE001 - odd zones and years raise more than ValueError
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


class _Mailboxes(UniqueAddressHeader):
    """A field of addresses that have been read already."""

    @classmethod
    def parse(cls, value: Any, kwds: dict[str, Any]) -> None:
        """Take the addresses as they are; the library needs a parse tree to write them."""
        kwds["groups"] = [Group(None, [address]) for address in value]
        kwds["decoded"] = ", ".join(map(str, value))
        short = len(kwds["decoded"]) <= _MAX_PARSED
        kwds["parse_tree"] = cls.value_parser(kwds["decoded"] if short else "")


class _Text(UniqueUnstructuredHeader):
    """A field of text that has been decoded already."""

    @classmethod
    def parse(cls, value: Any, kwds: dict[str, Any]) -> None:
        kwds["decoded"] = value
        kwds["parse_tree"] = cls.value_parser(value[:_MAX_PARSED])


_MAILBOXES = HeaderRegistry(
    default_class=cast("Any", _Mailboxes), use_default_map=False
)
_TEXTS = HeaderRegistry(default_class=cast("Any", _Text), use_default_map=False)


def _header(name: str, value: str) -> Any:
    """The header object of the standard library for a field. Never raises."""
    decoded = encoded_words.decode_words(value) if "=?" in value else value
    plain = " ".join(decoded.splitlines())
    attempts: list[tuple[Any, Any]] = []
    if holds_addresses(name):
        attempts.append((_MAILBOXES, _addresses(value)))
    elif name.lower() in {"content-type", "content-disposition"}:
        attempts += [(_structured, value)] * (len(value) <= _MAX_STRUCTURED)
        attempts.append((_structured, _parameters_anew(value)))
    elif len(value) <= _MAX_PARSED and "=?" not in value:
        attempts.append((default_policy.header_factory, value))
    for factory, attempt in attempts:
        with suppress(Exception):  # the next one is simpler
            return factory(name, attempt)
    return _TEXTS(name, plain)


@lru_cache(maxsize=16)
def _structured(name: str, value: str) -> Any:
    return default_policy.header_factory(name, value)


def _addresses(value: str) -> list[Address]:
    """The mailboxes as the standard library has them."""
    found = []
    for name, address in mailboxes.read_mailboxes(value)[0]:
        local_part, _, domain = address.rpartition("@")
        if local_part.startswith('"') and local_part.endswith('"'):
            local_part = local_part[1:-1]
        found.append(Address(name, local_part, domain))
    return found


def _parameters_anew(value: str) -> str:
    """Type and parameters, quoted as the parser has no trouble with."""
    kind, parameters, _ = mime_parameters.read_structured(value)
    quoted = (
        name + '="' + re.sub(r'[\\"]', r"\\\g<0>", text) + '"'
        for name, text in parameters.items()
    )
    return "; ".join([kind, *quoted])[:_MAX_STRUCTURED]
