"""Delivery status notifications: what a server sends back for a message.

RFC 3464 (the notification), RFC 6522 (multipart/report), RFC 3461 (what the sender has
asked for by RET, ENVID, NOTIFY and ORCPT), RFC 6533 §3 (addresses in UTF-8).
"""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pytest_smtpserver.mail.transcript import Transcript
    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.envelope import Envelope

#: RFC 3463 §2, as it stands at the start of a reply (RFC 2034 §4).
_ENHANCED = re.compile(r"([245])\.\d{1,3}\.\d{1,3}(?=\s|$)")
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_GREETING = re.compile(rb"220[ -](\S+)")
#: How long most servers go on trying (RFC 5321 §4.5.4.1: at least four to five days).
_RETRY = timedelta(days=5)


class _Message(Protocol):
    """What is read of a `ReceivedMessage`, which imports this module."""

    content: bytes
    envelope: Envelope
    received_at: datetime
    session: Any


def bounce(message: _Message, code: int, text: str, recipient: str | None) -> bytes:
    """The notification that a server would send back: see `ReceivedMessage.bounce`.

    It honours what the sender has asked for (RFC 3461): ENVID and ORCPT are in it, with
    RET=HDRS only the header comes back, and NOTIFY may leave recipients out. Its lines
    end with CRLF.

    Raises:
        ValueError: the code is no refusal, or not of the class of the enhanced one;
            there is no such recipient; or no server would send one: the message has the
            null reverse-path, or NOTIFY forbids it.
    """
    server = _greeted_as(message.session.transcript)
    envelope = message.envelope
    if not isinstance(code, int) or not 400 <= code <= 599:
        raise ValueError(
            f"bounce() takes the reply code of a delay (4yz) or a failure (5yz), "
            f"not {code!r}"
        )
    status = _ENHANCED.match(text)
    if status is not None and int(status[1]) != code // 100:
        raise ValueError(
            f"bounce(): the enhanced code {status[0]} is of another class than {code} "
            "(RFC 2034 §4)"
        )
    if not envelope.mail_from:
        raise ValueError(
            "bounce(): the message has the null reverse-path, and nobody to tell "
            "(RFC 5321 §6.1)"
        )
    failed = code >= 500
    addresses = _recipients(envelope, recipient, failed=failed)
    enhanced = status[0] if status else f"{code // 100}.0.0"
    groups = [
        _about_recipient(address, code, text, enhanced, message.received_at)
        for address in addresses
    ]
    about = "\r\n".join([_about_message(message, server), *groups])
    return _report(message, server, addresses, code, text, about)


def _greeted_as(transcript: Transcript) -> str:
    """The name in the server's greeting; ``"localhost"`` where there is none."""
    said = next((entry.data for entry in transcript if entry.kind == "S"), b"")
    match = _GREETING.match(said if isinstance(said, bytes) else said.encode())
    return match[1].decode("ascii", "replace") if match else "localhost"


def _recipients(
    envelope: Envelope, recipient: str | None, *, failed: bool
) -> list[Address]:
    """The recipients that the notification is about.

    Raises:
        ValueError: there is no such recipient, or nobody who is to be told.
    """
    accepted = list(envelope.rcpt_to)
    if recipient is not None:
        wanted = recipient.lower()
        found = [one for one in accepted if one.lower() == wanted]
        if not found:
            there = ", ".join(accepted) or "none"
            raise ValueError(
                f"bounce(): {recipient!r} is no recipient of this message; "
                f"there are: {there}"
            )
        accepted = found
    kind = "FAILURE" if failed else "DELAY"
    # RFC 3461 §4.1: without NOTIFY a failure is told; a delay may be.
    told = [one for one in accepted if not one.notify or kind in one.notify]
    if not told:
        asked = ", ".join(f"{one} NOTIFY={','.join(one.notify)}" for one in accepted)
        raise ValueError(
            f"bounce(): the sender does not want to be told of a {kind.lower()}: "
            f"{asked or 'no recipients'} (RFC 3461 §4.1)"
        )
    return told


def _about_message(message: _Message, server: str) -> str:
    """The fields about the message (RFC 3464 §2.2)."""
    fields = [f"Reporting-MTA: dns; {server}"]
    if message.envelope.envid:
        fields.append(f"Original-Envelope-Id: {_ascii(message.envelope.envid)}")
    fields.append(f"Arrival-Date: {format_datetime(message.received_at)}")
    return _lines(fields)


def _about_recipient(
    address: Address, code: int, text: str, enhanced: str, when: datetime
) -> str:
    """The fields about a recipient (RFC 3464 §2.3)."""
    fields = []
    if address.orcpt:
        kind, _, value = address.orcpt.partition(";")
        fields.append(f"Original-Recipient: {kind}; {_ascii(value)}")
    fields += [
        f"Final-Recipient: {_typed(address)}",
        f"Action: {'failed' if code >= 500 else 'delayed'}",
        f"Status: {enhanced}",
        f"Diagnostic-Code: smtp; {code} {_ascii(' '.join(text.split()))}".rstrip(),
        f"Last-Attempt-Date: {format_datetime(when)}",
    ]
    if code < 500:
        fields.append(f"Will-Retry-Until: {format_datetime(when + _RETRY)}")
    return _lines(fields)


def _report(
    message: _Message,
    server: str,
    addresses: Iterable[Address],
    code: int,
    text: str,
    about: str,
) -> bytes:
    """The parts of RFC 6522 §3: words for people, fields for programs, the message."""
    failed, content = code >= 500, message.content
    digest = sha256(content + about.encode()).hexdigest()
    boundary = f"report-{digest[:32]}"
    subject = "Undelivered Mail Returned to Sender"
    if not failed:
        subject = "Delayed Mail (still being retried)"
    # RFC 3461 §4.3: RET is about failures; of a delay only the header comes back.
    whole = failed and message.envelope.ret != "HDRS"
    end = None if whole else _END_OF_HEADER.search(content)
    returned = content if end is None else content[: end.start()] + b"\r\n"
    encoding = "7bit" if returned.isascii() else "8bit"
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    head = [
        f"From: Mail Delivery System <MAILER-DAEMON@{server}>",
        f"To: {message.envelope.mail_from}",
        f"Subject: {subject}",
        f"Date: {format_datetime(message.received_at)}",
        f"Message-ID: <{digest[32:]}@{server}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        f'\tboundary="{boundary}"',
        "Content-Transfer-Encoding: 8bit",
    ]
    words = [
        f"This is the mail system at {server}.",
        "",
        "Your message could not be delivered to:"
        if failed
        else "Your message could not be delivered yet, and will be tried again, to:",
        "",
        *(f"<{address}>: {code} {' '.join(text.split())}" for address in addresses),
    ]
    parts = (
        f"{_lines(head)}\r\n--{boundary}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{_lines(words)}"
        f"\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n{about}"
        f"\r\n--{boundary}\r\nContent-Type: {kind}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    octets = parts.encode("utf-8", "surrogateescape")
    return octets + returned + f"\r\n--{boundary}--\r\n".encode()


def _typed(address: str) -> str:
    """An address with its type (RFC 3464 §2.3.2), in ASCII (RFC 6533 §3)."""
    if address.isascii():
        return f"rfc822; {address}"
    escaped = "".join(
        one if one.isascii() and one not in "\\+=" else f"\\x{{{ord(one):X}}}"
        for one in address
    )
    return f"utf-8; {escaped}"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)
