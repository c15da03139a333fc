"""What clients did that is allowed and unwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import shown_command

from .advice_html import on_html, on_links
from .advice_list import recipients, sent_twice, unsubscribing
from .advice_text import mojibake, unrendered
from .findings import Advice, Kind, Note
from .markup import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord

#: Every advice there is, by its name.
ADVICE = {
    "useless-command": Kind(
        "RFC 5321 §3.3",
        "RSET or QUIT saves the round trip, and the misleading 503.",
        "Look at the reply to each MAIL and RCPT before going on.",
    ),
    "bcc-left-in": Kind(
        "RFC 5322 §3.6.3",
        "Every recipient can read who else got the message.",
        "Take the Bcc field out before sending; the envelope has the recipients.",
    ),
    "message-id-without-domain": Kind(
        "RFC 5322 §3.6.4",
        "It has to be unique in the world; spam filters look at it.",
        "Make one with your own domain: email.utils.make_msgid(domain=...).",
    ),
    "not-aligned": Kind(
        "RFC 7489 §3.1.2",
        "SPF vouches for the envelope alone: only a DKIM signature of the From domain "
        "lets such a message pass DMARC.",
        "Sign with DKIM for the domain in From, or send with an envelope of it.",
    ),
    "unrendered-template": Kind(
        "",
        "The reader sees the template instead of a name, or a value that was not there.",
        "Run the template with all its values, and let missing ones be an error.",
    ),
    "link-to-localhost": Kind(
        "",
        "For the reader the link leads nowhere.",
        "Set the public address of the site where links are made: SITE_URL, "
        "SERVER_NAME, the sites framework.",
    ),
    "insecure-link": Kind(
        "RFC 9110 §4.2.2",
        "Whoever is on the way can read and change it, tokens included.",
        "Link by https, as elsewhere in the same message.",
    ),
    "mojibake": Kind(
        "RFC 2045 §5",
        "The reader sees wrong letters.",
        "Read the text with the charset that it has, mostly UTF-8, before it is sent.",
    ),
    "html-only": Kind(
        "RFC 2046 §5.1.4",
        "Readers without HTML see nothing or the source; spam filters count it.",
        "Send multipart/alternative with a text of the same content.",
    ),
    "clipped": Kind(
        "",
        "Gmail cuts HTML at 102 kB, and with it the end: the links to unsubscribe and "
        "the counting pixel.",
        "Take out comments, blanks and styles that are not used; link to the rest.",
    ),
    "image-without-text": Kind(
        "WCAG 2.2 §1.1.1",
        "Many programs do not load images; screen readers read the file name.",
        'Give each image an alt text, and alt="" to one that only decorates.',
    ),
    "sent-twice": Kind(
        "",
        "The reader gets it twice: a signal that is connected twice, a retry of what "
        "had succeeded.",
        "Find the second call; the transcript has the time of each.",
    ),
    "all-addresses-visible": Kind(
        "RFC 5322 §3.6.3",
        "Each recipient reads the addresses of all others.",
        "Send a message to each, or name them in the envelope alone.",
    ),
    "empty-subject": Kind(
        "RFC 5322 §3.6.5",
        "Readers cannot tell what it is about; filters take it for spam.",
        "Give it a subject; a template that yields nothing is a frequent reason.",
    ),
    "no-unsubscribe": Kind(
        "RFC 8058 §3.1",
        "Mail programs offer no way out, so readers report spam; large providers ask "
        "for both fields from who sends in bulk (RFC 2369 §3.2).",
        "Add List-Unsubscribe with an https link, and List-Unsubscribe-Post: "
        "List-Unsubscribe=One-Click.",
    ),
}


def advice(sessions: Iterable[SessionRecord]) -> list[Advice]:
    """What one would tell the authors of these clients, in order."""
    found: list[Advice] = []
    #: The mail so far, and where it is.
    seen: dict[tuple[object, ...], str] = {}

    def add(session: SessionRecord, where: str, note: Note) -> None:
        kind = ADVICE[note.name]
        place = f"{where}, {note.part}" if note.part else where
        found.append(
            Advice(
                note.name,
                kind.section,
                note.what,
                place,
                note.line,
                kind.why,
                session,
                kind.fix,
            )
        )

    for number, session in enumerate(sessions, 1):
        for index, note in _useless_commands(session):
            add(session, f"connection {number}, command {index}", note)
        for index, message in enumerate(list(session.messages), 1):
            where = f"connection {number}, message {index}"
            for note in (*_on_message(message), *sent_twice(message, where, seen)):
                add(session, where, note)
    return found


def _useless_commands(session: SessionRecord) -> Iterator[tuple[int, Note]]:
    """DATA or RCPT after the refusal that has made it useless, not pipelined."""
    mail_refused = False
    accepted = refused = 0
    for index, command in enumerate(list(session.commands), 1):
        reply = command.reply
        refusal = reply is not None and reply.code >= 400
        useless = ""
        if command.verb == "MAIL":
            mail_refused, accepted, refused = refusal, 0, 0
        elif command.verb in ("EHLO", "HELO", "LHLO", "RSET"):
            mail_refused, accepted, refused = False, 0, 0
        elif command.verb == "RCPT":
            useless = "MAIL was refused" if mail_refused else ""
            accepted, refused = accepted + (not refusal), refused + refusal
        elif command.verb in ("DATA", "BDAT") and refusal and refused and not accepted:
            useless = "every recipient was refused"
        if useless and refusal and not command.pipelined:
            what = f"{command.verb} cannot succeed any more: {useless}"
            note = Note("useless-command", what, "", shown_command(command))
            yield index, note


def _on_message(message: ReceivedMessage) -> Iterator[Note]:
    markup = Markup(message.html)
    yield from _on_header(message)
    yield from recipients(message)
    yield from unrendered(message, markup)
    yield from mojibake(message, markup)
    yield from on_html(message, markup)
    yield from on_links(message)
    yield from unsubscribing(message, markup)


def _on_header(message: ReceivedMessage) -> Iterator[Note]:
    if bcc := message.headers.get("Bcc", ""):
        what = "the message has a Bcc field"
        yield Note("bcc-left-in", what, "", f"Bcc: {bcc}")
    identifier = message.headers.get("Message-ID", "").strip()
    domain = identifier.strip("<>").partition("@")[2]
    if not domain or domain.lower() in ("localhost", "localhost.localdomain"):
        what = "the message has no Message-ID"
        if identifier:
            what = f"the Message-ID has no domain that is the sender's: {identifier}"
        line = f"Message-ID: {identifier}" if identifier else ""
        yield Note("message-id-without-domain", what, "", line)
    author = message.from_.rpartition("@")[2].lower()
    sender = message.envelope.mail_from.domain.lower()
    if author and sender and not _aligned(author, sender):
        what = f"From is of {author}, the envelope of {sender}"
        yield Note("not-aligned", what, "", f"From: {message.from_}")
    # The field is optional; mail libraries leave it out where it would be empty.
    addressed = bool(message.to or message.cc)
    if not message.headers.get("Subject", "" if addressed else "-").strip():
        yield Note("empty-subject", "the message has no subject", "subject")


def _aligned(author: str, sender: str) -> bool:
    """Relaxed alignment, as far as it goes without the public suffix list."""
    if author == sender:
        return True
    first, second = author.split("."), sender.split(".")
    common = min(len(first), len(second))
    # One is below the other, or both are below a name that is no top-level domain.
    return (
        first[-common:] == second[-common:]
        or (common > 2 and first[-3:] == second[-3:])
        or (common >= 2 and first[-2:] == second[-2:] and len(first[-2]) > 3)
    )
