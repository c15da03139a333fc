"""What a reader of the message would call its text, its HTML, and its attachments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.mail.attachment import Attachment

from .charsets import decode_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .mime import Part

#: Text that is prose under another name, where no better alternative stands beside it.
_PROSE = frozenset(
    {"text/plain", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown"}
)


class Sorted(NamedTuple):
    """The leaves of a message by their role."""

    text: list[Part]
    html: list[Part]
    attachments: list[Part]
    inline_images: list[Part]


def sort_parts(root: Part) -> Sorted:
    """Say what every leaf of a message is.

    Text without a name that is not marked as an attachment is the body; where there are
    several, all of them. Of alternatives the last counts for each kind, since the best
    comes last (RFC 2046 §5.1.4). Images that belong to the HTML are inline. All else,
    signatures, invitations and forwarded messages included, is attached.
    """
    found = Sorted([], [], [], [])
    if root.is_multipart:
        _sort_multipart(root, found)
    else:
        _sort_leaf(root, found, body=True)
    return found


def _sort_multipart(part: Part, found: Sorted) -> None:
    if part.content_type == "multipart/alternative":
        _sort_alternatives(part, found)
    elif part.content_type == "multipart/related":
        _sort_related(part, found)
    else:
        for child in part.children:
            _sort_child(child, found)


def _sort_child(part: Part, found: Sorted, *, body: bool = False) -> None:
    if part.is_multipart:
        _sort_multipart(part, found)
    else:
        _sort_leaf(part, found, body=body)


def _sort_alternatives(part: Part, found: Sorted) -> None:
    branches: list[Sorted] = []
    for child in part.children:
        branch = Sorted([], [], [], [])
        if _is_other_rendering(child):
            continue
        _sort_child(child, branch, body=True)
        branches.append(branch)
        found.attachments.extend(branch.attachments)
        found.inline_images.extend(branch.inline_images)
    # Text beside HTML is a footer of it; text that stands alone is the alternative.
    plain = [branch for branch in branches if branch.text and not branch.html]
    plain = plain or [branch for branch in branches if branch.text]
    rich = [branch for branch in branches if branch.html]
    if plain:
        found.text.extend(plain[-1].text)
    if rich:
        found.html.extend(rich[-1].html)


def _is_other_rendering(part: Part) -> bool:
    """An alternative that is nobody's file: AMP, a watch face, enriched text."""
    return (
        part.content_type.startswith("text/")
        and part.content_type not in {"text/plain", "text/html", "text/calendar"}
        and part.disposition != "attachment"
        and not part.filename
    )


def _sort_related(part: Part, found: Sorted) -> None:
    """RFC 2387: a root, which comes first unless ``start`` names another."""
    start = part.parameter("start").strip(" <>")
    roots = [child for child in part.children if start and child.content_id == start]
    root = (roots or part.children)[0]
    for child in part.children:
        if child is root:
            _sort_child(child, found, body=True)
        elif child.content_type.startswith("image/") and (
            child.content_id or child.disposition != "attachment"
        ):
            found.inline_images.append(child)
        else:
            _sort_child(child, found)


def _sort_leaf(part: Part, found: Sorted, *, body: bool) -> None:
    """Sort one leaf; ``body`` says that it stands where a body is expected.

    A multipart is a leaf when it could not be taken apart; it is shown as text then.
    """
    kind = part.content_type
    file_like = part.disposition == "attachment" or (bool(part.filename) and not body)
    if kind.startswith("multipart/") and not part.octets()[0].strip():
        return
    if not file_like and kind == "text/html":
        found.html.append(part)
    elif kind.startswith("multipart/") or (
        not file_like and (kind in _PROSE or (body and _is_text(kind)))
    ):
        found.text.append(part)
    elif kind.startswith("image/") and _is_inline(part):
        found.inline_images.append(part)
    else:
        found.attachments.append(part)


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") and kind != "text/calendar"


def _is_inline(part: Part) -> bool:
    return part.disposition == "inline" or bool(
        part.content_id and not part.disposition
    )


def body_of(parts: Iterable[Part]) -> str:
    """The text of several parts, one below the other."""
    texts = [text_of(part)[0] for part in parts]
    joined = "".join(
        text if not text or text.endswith("\n") else f"{text}\n" for text in texts[:-1]
    )
    return joined + (texts[-1] if texts else "")


def text_of(part: Part) -> tuple[str, list[str]]:
    """A text part decoded, and what was wrong with it."""
    octets, complaint = part.octets()
    html = part.content_type == "text/html"
    text, charset_complaint = decode_text(octets, part.charset, html=html)
    return text, [entry for entry in (complaint, charset_complaint) if entry]


def attachment_of(part: Part) -> Attachment:
    """A leaf as a file."""
    content, _ = part.octets()
    return Attachment(part.filename, part.content_type, content, part.content_id)


def unflowed(part: Part) -> str:
    """A text part with the soft line breaks of ``format=flowed`` undone (RFC 3676).

    Only for what is looked for in the text; the text itself stays as it was sent.
    """
    text, _ = text_of(part)
    if part.parameter("format").lower() != "flowed":
        return text
    deleted = part.parameter("delsp").lower() == "yes"
    pattern = r"(?<!^--)( )\n(?=[^>\n])" if deleted else r"(?<!^--)(?<= )\n(?=[^>\n])"
    return re.sub(pattern, "", text, flags=re.MULTILINE)
