"""Which parts of a message are its text, its HTML, its files and its images."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.mail.attachment import Attachment

from .decoding.charsets import decode_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .mime import Part

#: Media types that readers show as plain text.
_PROSE = frozenset(
    {"text/plain", "text/enriched", "text/richtext", "text/markdown", "text/x-markdown"}
)


class Sorted(NamedTuple):
    """The leaves of a message: parts that hold no other parts, by their role."""

    text: list[Part]
    html: list[Part]
    attachments: list[Part]
    inline_images: list[Part]


def sort_parts(root: Part) -> Sorted:
    """Say what every leaf of a message is, by RFC 8621 §4.1.4.

    - The body is text that is not marked as an attachment. The first text is body even
      if it has a file name; later text is body only without one.
    - Of alternatives the last one of each kind counts, since senders put the best one
      last (RFC 2046 §5.1.4).
    - Of related parts the root is body (RFC 2387).
    - Images that the HTML shows are inline.
    - All else is attached: signatures, invitations, forwarded messages.
    """
    found = Sorted([], [], [], [])
    _sort(root, found, body=True)
    return found


def _sort(
    part: Part, found: Sorted, *, first: bool = False, body: bool = False
) -> None:
    """Sort a part and all that it holds; the arguments are those of `_sort_leaf`."""
    if not part.is_multipart:
        _sort_leaf(part, found, first=first, body=body)
    elif part.content_type == "multipart/alternative":
        _sort_alternatives(part, found)
    elif part.content_type == "multipart/related":
        _sort_related(part, found)
    else:
        for index, child in enumerate(part.children):
            # Where files come first, the first text behind them is the body.
            first_text = index == 0 or not (found.text or found.html)
            _sort(child, found, first=first_text)


def _sort_alternatives(part: Part, found: Sorted) -> None:
    branches: list[Sorted] = []
    for child in part.children:
        if _is_other_rendering(child):
            continue
        branch = Sorted([], [], [], [])
        _sort(child, branch, body=True)
        branches.append(branch)
        found.attachments.extend(branch.attachments)
        found.inline_images.extend(branch.inline_images)
    # A branch with HTML may have a footer in plain text, which is no alternative to it.
    plain = [branch for branch in branches if branch.text and not branch.html]
    plain = plain or [branch for branch in branches if branch.text]
    rich = [branch for branch in branches if branch.html]
    if plain:
        found.text.extend(plain[-1].text)
    if rich:
        found.html.extend(rich[-1].html)


def _is_other_rendering(part: Part) -> bool:
    """An alternative for special readers (AMP, watches), and no file."""
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
            _sort(child, found, body=True)
        elif child.content_type.startswith("image/") and (
            child.content_id or child.disposition != "attachment"
        ):
            found.inline_images.append(child)
        elif child.content_type.startswith("text/"):
            found.attachments.append(child)
        else:
            _sort(child, found)


def _sort_leaf(
    part: Part, found: Sorted, *, first: bool = False, body: bool = False
) -> None:
    """Sort one leaf.

    A multipart that could not be taken apart is a leaf too, and its source is the text.
    Of a part that is `first` in its multipart, or comes before any body, a file name
    does not make an attachment. In an alternative, or as the root, only a `body` is
    expected.
    """
    kind = part.content_type
    named = bool(part.filename) and not (first or body)
    file_like = part.disposition == "attachment" or named
    is_text = kind.startswith("text/") and kind != "text/calendar"
    inline = part.disposition == "inline" or (part.content_id and not part.disposition)
    if kind.startswith("multipart/") and not part.octets()[0].strip():
        return
    if not file_like and kind == "text/html":
        found.html.append(part)
    elif kind.startswith("multipart/") or (
        not file_like and (kind in _PROSE or (body and is_text))
    ):
        found.text.append(part)
    elif kind.startswith("image/") and inline:
        found.inline_images.append(part)
    else:
        found.attachments.append(part)


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
    """The text with the paragraphs of ``format=flowed`` joined (RFC 3676 §4).

    A line that ends in a blank continues in the next line, if both are quoted equally
    deep. The signature separator ``-- `` ends in a blank too, and never continues.
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
        # Senders stuff a blank before what would be misread (§4.4), and most put one
        # behind quote marks. With delsp=yes any other blank at the beginning is text:
        # it separates two words, as the blank at the end of the line is deleted.
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
