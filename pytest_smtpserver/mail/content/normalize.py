"""A message as text for snapshots: what differs from run to run is replaced."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .fields.mailboxes import Mailbox, read_mailboxes
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
#: Trace fields (RFC 5321 §4.4), and other fields that relays and signers add.
_ADDED = (
    "arc-authentication-results arc-message-signature arc-seal authentication-results "
    "dkim-signature received x-attachment-id x-received"
)
_TRACE = frozenset(_ADDED.split())
_SIGNATURE = re.compile(r"application/(?:pgp|(?:x-)?pkcs7)-signature")
#: A forwarded message that is nested deeper is shown as it was sent.
_MAX_DEPTH = 5
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)')
_ID = re.compile(r"<[^<>\s]+>")
_CID = re.compile(r"\bcid:([^\s\"'<>()]+)")
#: Fields whose addresses are sorted: some senders fill them from a set.
_RECIPIENTS = frozenset({"to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc"})
_TIME = (
    r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:\s?[AaPp]\.?[Mm]\b\.?)?"
    r"(?:\s?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d\d:?\d\d)\b)?(?:\s\([A-Z]{3,4}\))?"
)
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}\.?,?\s{1,3}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
DATE = re.compile(
    rf"\b(?:{_DAY})?(?:\d{{4}}[-/]\d\d[-/]\d\d|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?\.?\s{{1,3}}{_MONTH},?\s{{1,3}}\d{{2,4}}|"
    rf"{_MONTH}\s{{1,3}}\d{{1,2}}(?:st|nd|rd|th)?,?\s{{1,3}}\d{{4}}|"
    rf"(?<!\d\.)\d{{1,2}}([./])\d{{1,2}}\1\d{{2,4}}(?!\.?\d))"
    rf"(?:T{_TIME}|\b(?:,?\s(?:at\s)?{_TIME})?)|\b{_TIME}"
)


class _Writer:
    """Writes one message; equal originals get the same stand-in."""

    def __init__(self, *, dates: bool) -> None:
        self._dates = dates
        self._stand_ins: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._depth = 0

    def part(self, part: Part) -> Iterator[str]:
        # First, since the HTML names the Content-IDs of parts that come later.
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
            start = value.lower().find("boundary")
            return value[:start] + value[start:].replace(boundary, stand_in)
        if lowered in _RECIPIENTS:
            found, complaints = read_mailboxes(value)
            # Only a plain list is sorted.
            if len(found) > 1 and not complaints and ":" not in _QUOTED.sub("", value):
                return ", ".join(sorted(map(_written, found)))
            return value
        return self._without_dates(value) if lowered == "subject" else value

    def _leaf(self, part: Part) -> Iterator[str]:
        if _SIGNATURE.fullmatch(part.content_type):
            yield "[signature]"
        elif part.content_type == "message/rfc822" and self._depth < _MAX_DEPTH:
            self._depth += 1
            yield from self._part(parse(part.octets()[0]))
            self._depth -= 1
        elif part.content_type.startswith(("text/", "message/", "multipart/")):
            text, _ = text_of(part)
            if part.content_type == "text/html":
                text = self._cids(text)
            yield self._without_dates(text.removesuffix("\n"))
        else:
            octets, _ = part.octets()
            digest = hashlib.sha256(octets).hexdigest()[:16]
            yield f"[{len(octets)} octets, sha256 {digest}]"

    def _cids(self, html: str) -> str:
        """Replace links to parts; they may be percent-encoded (RFC 2392)."""

        def replaced(match: re.Match[str]) -> str:
            key = ("content-id", unquote(match[1]))
            return f"cid:{self._stand_ins[key]}" if key in self._stand_ins else match[0]

        return _CID.sub(replaced, html)

    def _without_dates(self, text: str) -> str:
        return DATE.sub("[date]", text) if self._dates else text

    def _stand_in(self, kind: str, original: str) -> str:
        key = (kind, original)
        if key not in self._stand_ins:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._stand_ins[key] = f"{kind}-{self._counts[kind]}"
        return self._stand_ins[key]


def normalized(
    envelope: Envelope,
    root: Part,
    replace: Mapping[str | re.Pattern[str], str] | None,
    *,
    dates: bool,
) -> str:
    """A message as text that is the same in every run: see `ReceivedMessage.normalized`.

    The order of recipients has no meaning (RFC 5321 §3.3), so they are sorted.
    """
    lines = [
        _command("MAIL FROM", envelope.mail_from),
        *sorted(_command("RCPT TO", one) for one in envelope.rcpt_to),
        "",
        *_Writer(dates=dates).part(root),
    ]
    text = "\n".join(lines) + "\n"
    for wanted, replacement in (replace or {}).items():
        if isinstance(wanted, str):
            text = text.replace(wanted, replacement)
        else:
            text = wanted.sub(replacement, text)
    return text


def _command(command: str, address: Address) -> str:
    """A command of the transaction, without the declared size."""
    parameters = [
        keyword if value is None else f"{keyword}={value}"
        for keyword, value in address.parameters.items()
        if keyword != "SIZE"
    ]
    return " ".join([f"{command}:<{address}>", *parameters])


def _written(mailbox: Mailbox) -> str:
    name, address = mailbox
    if re.search(r'[()<>\[\]:;@\\,."]', name):
        name = '"' + re.sub(r'[\\"]', r"\\\g<0>", name) + '"'
    return f"{name} <{address}>" if name else address
