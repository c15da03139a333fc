"""The entry of one message on the page, and the octets of its files."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_smtpserver.mail.content.html.page import Page
from pytest_smtpserver.mail.content.mime import parse
from pytest_smtpserver.mail.content.parts import attachment_of, sort_parts

if TYPE_CHECKING:
    from pytest_smtpserver.mail.attachment import Attachment
    from pytest_smtpserver.mail.content.mime import Part
    from pytest_smtpserver.mail.message import ReceivedMessage
    from pytest_smtpserver.protocol.syntax.replies import Reply

#: Files with more octets are left out of the page.
MAX_FILE = 2_000_000
#: Text, HTML and source with more characters are cut.
MAX_TEXT = 2_000_000
#: Smaller bodies stay in the source.
_WORTH_A_BLOB = 200
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def readable(text: str) -> str:
    """Text that every encoding takes: octets that are no text are escaped."""
    return _LONE_SURROGATES.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02x}", text)


def message_entry(message: ReceivedMessage, blobs: dict[str, str]) -> dict[str, Any]:
    """The message in the types of JSON; its files are added to `blobs`, by digest."""
    envelope = message.envelope
    root = parse(message.content)
    files = _files(root)
    html = message.html
    text = message.text
    return {
        "from": readable(str(envelope.mail_from)),
        "to": [readable(str(address)) for address in envelope.rcpt_to],
        "rejected": [
            [readable(str(address)), one_line(address.reply)]
            for address in envelope.rejected
        ],
        "subject": readable(message.subject),
        "author": readable(message.headers.get("From", "")),
        "received": message.received_at.isoformat(timespec="milliseconds"),
        "size": len(message.content),
        "text": _cut(readable(text)),
        "html": _cut(readable(html)),
        "plain": _cut(readable(Page(html).text)) if html and not text else "",
        "links": [readable(link) for link in message.links],
        "fields": _fields(root),
        "parts": [
            [depth, part.content_type, readable(part.filename), part.end - part.start]
            for depth, part in _tree(root, 0)
        ],
        "files": [_file_entry(one, blobs) for one in files],
        "defects": [readable(defect) for defect in message.defects],
        "source": _source(message.content, files, blobs),
    }


def one_line(reply: Reply | None) -> str:
    """A reply without its line ends; ``""`` for none."""
    return "" if reply is None else readable(" ".join(str(reply).splitlines()))


class _File(NamedTuple):
    """An attachment or an inline image, and the part of the message that it is."""

    part: Part
    attachment: Attachment
    inline: bool
    digest: str


def _files(root: Part) -> list[_File]:
    found = sort_parts(root)
    files = []
    for inline, parts in ((False, found.attachments), (True, found.inline_images)):
        for part in parts:
            one = attachment_of(part)
            digest = sha256(one.content).hexdigest()[:24]
            files.append(_File(part, one, inline, digest))
    return files


def _file_entry(file: _File, blobs: dict[str, str]) -> dict[str, Any]:
    one = file.attachment
    kept = len(one.content) <= MAX_FILE
    if kept:
        blobs[file.digest] = base64.b64encode(one.content).decode("ascii")
    return {
        "name": readable(one.filename),
        "type": readable(one.content_type),
        "size": len(one.content),
        "cid": readable(one.content_id),
        "inline": file.inline,
        "blob": file.digest if kept else "",
    }


def _fields(root: Part) -> list[list[str]]:
    """Name, decoded value, and the value as it was sent where that is another."""
    fields = []
    for (name, decoded), raw in zip(
        root.headers.items(), root.block.fields, strict=True
    ):
        sent = raw.value if raw.value != decoded else ""
        fields.append([readable(name), readable(decoded), readable(sent)])
    return fields


def _tree(part: Part, depth: int) -> list[tuple[int, Part]]:
    return [
        (depth, part),
        *(pair for child in part.children for pair in _tree(child, depth + 1)),
    ]


def _source(
    content: bytes, files: list[_File], blobs: dict[str, str]
) -> list[str | list[str | int]]:
    """The content in pieces: text with a character for each octet, or a piece for a file.

    The piece of a file is that of `_as_base64`, so that the page has the file only
    once. Of what is left out, the piece is the number of its octets.
    """
    pieces: list[str | list[str | int]] = []
    position = 0
    for file in sorted(files, key=lambda one: one.part.start):
        start, end = file.part.start, file.part.end
        if start < position or end - start < _WORTH_A_BLOB:
            continue
        body = content[start:end]
        piece = _as_base64(body, file)
        if piece is None and end - start <= MAX_TEXT:
            continue
        pieces.append(content[position:start].decode("latin-1"))
        if piece is None or file.digest not in blobs:
            piece = [end - start]
        pieces.append(piece)
        position = end
    rest = content[position:]
    pieces.append(rest[:MAX_TEXT].decode("latin-1"))
    if len(rest) > MAX_TEXT:
        pieces.append([len(rest) - MAX_TEXT])
    return pieces


def _as_base64(body: bytes, file: _File) -> list[str | int] | None:
    """Digest, line length, line end, and what follows the base64 of a file.

    None for a body that is anything else than the file in base64.
    """
    first, newline, _ = body.partition(b"\n")
    line_end = b"\r\n" if first.endswith(b"\r") else b"\n"
    length = len(first.rstrip(b"\r")) if newline else len(body)
    if not length:
        return None
    encoded = base64.b64encode(file.attachment.content)
    lines = [encoded[at : at + length] for at in range(0, len(encoded), length)]
    whole = line_end.join(lines)
    tail = body[len(whole) :]
    if not body.startswith(whole) or tail.strip(b"\r\n"):
        return None
    return [file.digest, length, line_end.decode("ascii"), tail.decode("ascii")]


def _cut(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}\n[{len(text) - MAX_TEXT} more characters]"
