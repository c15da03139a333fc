"""What a reader of the message would call its text, its HTML, and its attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.mail.attachment import Attachment

from .decoding.charsets import decode_text

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
    """Say what every leaf of a message is, by RFC 8621 §4.1.4.

    Text that is not marked as an attachment is the body: what comes first whatever its
    name, also behind files; what comes later where it has none. Of alternatives the last counts for each
    kind, since the best comes last (RFC 2046 §5.1.4); of related parts, the root is
    body (RFC 2387). Images that belong to the HTML are inline. All else, signatures,
    invitations and forwarded messages included, is attached.
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
        for index, child in enumerate(part.children):
            # Behind files that are no body, the first text is what a reader reads.
            first = index == 0 or not (found.text or found.html)
            _sort_child(child, found, first=first)


def _sort_child(
    part: Part, found: Sorted, *, first: bool = False, body: bool = False
) -> None:
    if part.is_multipart:
        _sort_multipart(part, found)
    else:
        _sort_leaf(part, found, first=first, body=body)


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
        elif child.content_type.startswith("text/"):
            found.attachments.append(child)
        else:
            _sort_child(child, found)


def _sort_leaf(
    part: Part, found: Sorted, *, first: bool = False, body: bool = False
) -> None:
    """Sort one leaf.

    A multipart is a leaf when it could not be taken apart; it is shown as text then.

    Args:
        part: the leaf.
        found: what it becomes part of.
        first: it is the first part of its multipart, or no body has come yet: a name
            alone does not make it an attachment there.
        body: it stands where nothing but a body is expected.
    """
    kind = part.content_type
    named = bool(part.filename) and not (first or body)
    file_like = part.disposition == "attachment" or named
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
    """The text of several parts as a reader sees it, one below the other."""
    texts = [_unflowed(part, text_of(part)[0]) for part in parts]
    joined = "".join(
        text if not text or text.endswith("\n") else f"{text}\n" for text in texts[:-1]
    )
    return joined + (texts[-1] if texts else "")


def text_of(part: Part) -> tuple[str, list[str]]:
    """A text part decoded, its lines as they were sent, and what was wrong with it."""
    octets, complaint = part.octets()
    html = part.content_type == "text/html"
    text, charset_complaint = decode_text(octets, part.charset, html=html)
    return text, [entry for entry in (complaint, charset_complaint) if entry]


def attachment_of(part: Part) -> Attachment:
    """A leaf as a file."""
    content, _ = part.octets()
    return Attachment(part.filename, part.content_type, content, part.content_id)


def _unflowed(part: Part, text: str) -> str:
    """``format=flowed`` (RFC 3676 §4): paragraphs in one line, stuffed blanks gone.

    A line that ends in a blank goes on in the next one of the same quote depth; the
    line before a signature never does.
    """
    if (
        part.content_type != "text/plain"
        or part.parameter("format").lower() != "flowed"
    ):
        return text
    delete_blank = part.parameter("delsp").lower() == "yes"
    lines: list[str] = []
    pieces: list[str] = []
    depth = 0  # of the line that goes on
    for line in text.removesuffix("\n").split("\n"):
        bare = line.lstrip(">")
        quoted = len(line) - len(bare)
        # A blank that nothing called for (§4.4) parts two words whose own one was
        # deleted. Behind a quote mark it is what most senders write.
        needless = bare.startswith(" ") and not bare.startswith((" >", "  ", " From "))
        if quoted or not (needless and pieces and delete_blank):
            bare = bare.removeprefix(" ")
        if pieces and (quoted != depth or bare == "-- "):
            lines.append("".join(pieces))
            pieces = []
        if not pieces and quoted:
            pieces.append(">" * quoted + " ")
        depth = quoted
        soft = bare.endswith(" ") and bare != "-- "
        pieces.append(bare[:-1] if soft and delete_blank else bare)
        if not soft:
            lines.append("".join(pieces))
            pieces = []
    if pieces:
        lines.append("".join(pieces))
    return "\n".join(lines) + "\n" * text.endswith("\n")
