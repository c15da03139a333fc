"""A message as stable text, for snapshots: what differs from run to run is replaced."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from .mime import Part, parse
from .parts import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.envelope import Envelope

_DATES = frozenset({"date", "delivery-date", "resent-date"})
_IDS = frozenset(
    {"message-id", "resent-message-id", "in-reply-to", "references", "content-id"}
)
#: RFC 5321 §4.4, and what relays and signers add.
_TRACE = frozenset(
    {
        "arc-authentication-results",
        "arc-message-signature",
        "arc-seal",
        "authentication-results",
        "dkim-signature",
        "received",
        "x-attachment-id",
        "x-received",
    }
)
_SIGNATURES = frozenset(
    {
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
    }
)
#: Messages in messages in messages: what lies deeper is shown as it stands.
_MAX_DEPTH = 5
_ID = re.compile(r"<[^<>\s]+>")


class Normalizer:
    """Writes one message; the same original gets the same stand-in throughout."""

    def __init__(self) -> None:
        self._stand_ins: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._depth = 0

    def envelope(self, envelope: Envelope) -> Iterator[str]:
        """The commands of the transaction, without the declared size."""
        yield _command("MAIL FROM", envelope.mail_from)
        for address in envelope.rcpt_to:
            yield _command("RCPT TO", address)

    def part(self, part: Part) -> Iterator[str]:
        """Header, empty line, body."""
        # First, so that ids in the body know those of the parts behind it.
        for below in part.walk():
            if below.content_id:
                self._stand_in("content-id", below.content_id)
        yield from self._part(part)

    def _part(self, part: Part) -> Iterator[str]:
        boundary = part.parameter("boundary").rstrip() if part.is_multipart else ""
        stand_in = f"[{self._stand_in('boundary', boundary)}]" if boundary else ""
        for name, value in part.headers.items():
            yield f"{name}: {self._value(name, value, boundary, stand_in)}"
        yield ""
        if not part.is_multipart:
            yield from self._leaf(part)
            return
        for child in part.children:
            yield f"--{stand_in}"
            yield from self._part(child)
        yield f"--{stand_in}--"

    def _value(self, name: str, value: str, boundary: str, stand_in: str) -> str:
        lowered = name.lower()
        if lowered in _DATES:
            return "[date]"
        if lowered in _TRACE:
            return f"[{lowered}]"
        if lowered in _IDS:
            kind = "content-id" if lowered == "content-id" else "message-id"
            return _ID.sub(
                lambda match: f"<{self._stand_in(kind, match[0].strip('<>'))}>", value
            )
        if boundary and lowered == "content-type":
            return value.replace(boundary, stand_in)
        return value

    def _leaf(self, part: Part) -> Iterator[str]:
        if part.content_type in _SIGNATURES:
            yield "[signature]"
        elif part.content_type == "message/rfc822" and self._depth < _MAX_DEPTH:
            self._depth += 1
            yield from self._part(parse(part.octets()[0]))
            self._depth -= 1
        elif part.content_type.startswith(("text/", "message/", "multipart/")):
            text, _ = text_of(part)
            if part.content_type == "text/html":
                text = self._cids(text)
            yield text.removesuffix("\n")
        else:
            octets, _ = part.octets()
            digest = hashlib.sha256(octets).hexdigest()[:16]
            yield f"[{len(octets)} octets, sha256 {digest}]"

    def _cids(self, html: str) -> str:
        for (kind, original), stand_in in self._stand_ins.items():
            if kind == "content-id":
                html = html.replace(f"cid:{original}", f"cid:{stand_in}")
        return html

    def _stand_in(self, kind: str, original: str) -> str:
        key = (kind, original)
        if key not in self._stand_ins:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._stand_ins[key] = f"{kind}-{self._counts[kind]}"
        return self._stand_ins[key]


def normalized(
    envelope: Envelope,
    root: Part,
    replace: Mapping[str | re.Pattern[str], str] | None = None,
) -> str:
    """Envelope, headers and decoded parts as text that is the same in every run.

    Args:
        envelope: the envelope of the message.
        root: the message.
        replace: more to replace, in this order: a str where it stands, a compiled
            regular expression where it is found.
    """
    writer = Normalizer()
    lines = [*writer.envelope(envelope), "", *writer.part(root)]
    text = "\n".join(lines) + "\n"
    for wanted, replacement in (replace or {}).items():
        if isinstance(wanted, str):
            text = text.replace(wanted, replacement)
        else:
            text = wanted.sub(replacement, text)
    return text


def _command(command: str, address: Address) -> str:
    parameters = [
        keyword if value is None else f"{keyword}={value}"
        for keyword, value in address.parameters.items()
        if keyword != "SIZE"
    ]
    return " ".join([f"{command}:<{address}>", *parameters])
