"""The two records of a server: a session, and a message that came over it.

They share a file because each names the other: a session lists its messages, and a
message knows its session.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_smtpserver.protocol.display import printable, shortened
from pytest_smtpserver.protocol.naming import no_such_attribute

from .outcomes import transmission_type
from .transcript import Transcript
from .words import MESSAGE, SESSION, no_items

if TYPE_CHECKING:
    import os
    import re
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from email.message import EmailMessage

    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply

    from .attachment import Attachment
    from .content.fields.headers import Headers
    from .content.views import Views
    from .delivery.signatures import DKIMResult, Keys
    from .outcomes import AuthAttempt, TLSInfo, Undelivered

#: Objects that may have an attribute that messages or sessions lack, for the hint.
_ENVELOPE = "pytest_smtpserver.protocol.syntax.envelope:Envelope"
_OF_MESSAGES = {
    "message.envelope": _ENVELOPE,
    "message.session": f"{__name__}:SessionRecord",
    "message.email": "email.message:EmailMessage",
}
_OF_SESSIONS = {
    "session.envelope": _ENVELOPE,
    "session.messages[0]": f"{__name__}:ReceivedMessage",
}


def _shown(value: object) -> str:
    return shortened(repr(value), 200)


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class ReceivedMessage:
    r"""One message that the server has received.

    What came over the wire stands in attributes. All else is worked out from `content`
    when it is first read. No content makes that raise, however broken: `defects` says
    what is wrong with it. Two messages are equal when they are the same object.

    Attributes:
        content: exactly as sent, after dot-unstuffing (RFC 5321 §4.5.2), nothing added.
        envelope: the `Envelope`: reverse-path, recipients, parameters.
        session: the `SessionRecord` of the connection it came over.
        received_at: when it was complete; aware.
        size_exceeded: it is larger than ``max_message_size`` and was kept all the same.
        chunks: the octets of each BDAT chunk it came in (RFC 3030); empty for DATA.
    """

    content: bytes
    envelope: Envelope
    session: SessionRecord
    _: KW_ONLY
    received_at: datetime
    size_exceeded: bool = False
    chunks: tuple[int, ...] = ()
    #: `received_at` by the system's monotonic clock, which no test moves.
    _came: float = 0.0
    _cache: Views | None = field(default=None, init=False)

    @property
    def _views(self) -> Views:
        cache = self._cache
        if cache is None:
            from .content.views import Views  # noqa: PLC0415 - for those who read it

            cache = self._cache = Views(self.content)
        return cache

    @property
    def email(self) -> EmailMessage:
        """The message as the standard library parses it, with its default policy.

        Display names are here: ``message.email["To"].addresses``. Reading a field does
        not raise, raw UTF-8 in fields is text (RFC 6532), and addresses and encoded
        words are those of the other attributes. Parts, file names and charsets are the
        standard library's own reading; lines of ``format=flowed`` are as sent.
        """
        return self._views.email

    @property
    def headers(self) -> Headers:
        """The header fields: in order, decoded, names in any case, each repeatable."""
        return self._views.headers

    @property
    def subject(self) -> str:
        """The subject, decoded; ``""`` where there is none."""
        return self._views.subject

    @property
    def date(self) -> datetime | None:
        """The Date field, aware; None where there is none, or none that is a date."""
        return self._views.date

    @property
    def message_id(self) -> str:
        """The Message-ID with its angle brackets, ``""`` where there is none."""
        return self._views.headers.get("Message-ID", "")

    @property
    def from_(self) -> str:
        """The (first) address of the From field, ``""`` where there is none."""
        return next(iter(self._views.addresses("from")), "")

    @property
    def to(self) -> list[str]:
        """The addresses of the To field, without display names."""
        return self._views.addresses("to")

    @property
    def cc(self) -> list[str]:
        """The addresses of the Cc field, without display names."""
        return self._views.addresses("cc")

    @property
    def reply_to(self) -> list[str]:
        """The addresses of the Reply-To field, without display names."""
        return self._views.addresses("reply-to")

    @property
    def text(self) -> str:
        r"""The plain text, decoded, lines ended by ``\n``; ``""`` where there is none.

        Where there is only HTML it is empty: see `text_from_html`. The paragraphs of
        ``format=flowed`` are joined (RFC 3676); `email` has the lines as sent.
        """
        return self._views.text

    @property
    def html(self) -> str:
        r"""The HTML, decoded, lines ended by ``\n``; ``""`` where there is none."""
        return self._views.html

    @property
    def text_from_html(self) -> str:
        """The HTML as a reader sees it, in plain text; ``""`` where there is none.

        Raises:
            ImportError: inscriptis is not installed; the error says how to install it.
        """
        return self._views.text_from_html

    @property
    def attachments(self) -> list[Attachment]:
        """The attached files, in order, also invitations, signatures, forwarded mail."""
        return list(self._views.attachments)

    @property
    def inline_images(self) -> list[Attachment]:
        """The images that belong to the HTML; they are not among the attachments."""
        return list(self._views.inline_images)

    @property
    def links(self) -> list[str]:
        """The links of the HTML and of the text, in order, each once."""
        return list(self._views.links)

    @property
    def defects(self) -> list[str]:
        """What is wrong with the message, in words; empty where nothing is."""
        return list(self._views.defects)

    def link(self, pattern: str | re.Pattern[str] = "") -> str:
        """The only link that contains a str, or in which an expression is found.

        Args:
            pattern: a part of the link, or a compiled regular expression; or nothing.

        Raises:
            AssertionError: no link does, or several do; it lists what there is.
            TypeError: the pattern is neither a str nor a regular expression.
        """
        __tracebackhide__ = True
        return self._views.link(pattern, where=repr(self))

    def code(self, pattern: str | re.Pattern[str] = r"\b\d{4,8}\b") -> str:
        r"""The only one-time code in the message.

        The body is searched first: text and visible HTML, without links. If it has no
        code the subject is searched, and then the links in the text. The same code in
        several places is one. Of several that one counts which stands out, by the first
        of these that decides: it "is your code"; it follows a word like "code" or "OTP";
        it has a line to itself; it is in a heading; all others are of orders and the
        like. A part of digits that are joined, as in "1234-5678", is no code.

        Args:
            pattern: a regular expression; with a group, the (first) one is the code.

        Raises:
            AssertionError: nothing matches, or nothing stands out; it lists what does.
            TypeError: the pattern is neither a str nor a regular expression.
            ValueError: the pattern is a str, but no regular expression.
        """
        __tracebackhide__ = True
        return self._views.code(pattern, where=repr(self))

    def normalized(
        self,
        *,
        replace: Mapping[str | re.Pattern[str], str] | None = None,
        dates: bool = False,
    ) -> str:
        """Envelope, headers and decoded parts as one text that is stable, for snapshots.

        Names stand for dates, Message-IDs, Content-IDs, boundaries, signatures and
        trace fields such as Received; equal originals have equal names. The declared
        SIZE is left out. Of parts that are no text there is length and digest.
        Recipients, in the envelope and in To, Cc and Bcc, are sorted, since the sender
        may have kept them in a set.

        Args:
            replace: what else differs from run to run, a str or a compiled regular
                expression, and what to put there.
            dates: replace dates and times in the subject and in the text, too, by
                ``[date]``: those of ISO 8601, RFC 5322 and plain English, and
                ``31.12.2026``, ``12/31/2026``, ``23:59``.
        """
        return self._views.normalized(self.envelope, replace, dates=dates)

    def as_dict(self) -> dict[str, Any]:
        """The message in the types of JSON; the manual lists its keys."""
        return self._views.as_dict(self.envelope)

    def dkim(self, keys: Keys) -> list[DKIMResult]:
        """Verify each DKIM-Signature, in order, without DNS (RFC 6376).

        Args:
            keys: TXT records by name, or a function that gives the one of a name.

        Raises:
            ImportError: dkimpy is not installed; the error says how to install it.
        """
        return self._views.dkim(keys)

    def bounce(self, code: int, text: str, *, recipient: str | None = None) -> bytes:
        """The notification that a server would send back (RFC 3464, RFC 3461).

        Args:
            code: of the reply that was the reason: 5yz for a failure, 4yz for a delay.
            text: of that reply, such as ``"5.1.1 No such user"``.
            recipient: whom it is about; by default all who are to be told of.

        Raises:
            ValueError: no server would send one for that; the error says why.
        """
        from .delivery.bounce import bounce  # noqa: PLC0415 - for those who ask

        return bounce(self, code, text, recipient)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the content, octet for octet, to a file (``.eml``); the path.

        Raises:
            OSError: the file cannot be written.
        """
        (file := Path(path)).write_bytes(self.content)
        return file

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute("a message", MESSAGE, _OF_MESSAGES)
        __getitem__ = no_items

    def __repr__(self) -> str:
        return printable(
            f"<ReceivedMessage from={_shown(self.from_)} to={_shown(self.to)} "
            f"subject={_shown(self.subject)}, {len(self.content)} octets>"
        )


@dataclass(slots=True, eq=False)
class SessionRecord:
    """One connection: what the client did, and what it was told.

    It fills while the connection is open. Addresses are (host, port) pairs, or the path
    of a Unix socket and 0.
    """

    #: Random, different for each connection.
    id: str
    remote_address: tuple[str, int]
    local_address: tuple[str, int]
    connected_at: datetime
    #: By reverse DNS, with the option ``resolve_client_hostname``; else None.
    client_hostname: str | None = None
    #: The name in the last accepted EHLO, HELO or LHLO, and that verb.
    helo: str | None = None
    opening_command: str | None = None
    tls: TLSInfo | None = None
    #: What XFORWARD has told: ``{"ADDR": "192.0.2.7"}``; None for what is not known.
    forwarded: dict[str, str | None] = field(default_factory=dict)
    #: Who has logged in: the user name, or what a handler accepted; else None.
    user: object = None
    #: Every command line in order; AUTH responses are not commands.
    commands: list[Command] = field(default_factory=list)
    #: The envelope of the current transaction, or of the last one.
    envelope: Envelope | None = None
    messages: list[ReceivedMessage] = field(default_factory=list)
    transaction_count: int = 0
    #: Who ended the connection; None while it is open.
    closed_by: Literal["client", "server"] | None = None
    #: The last 4yz or 5yz reply.
    last_error: Reply | None = None
    #: Plaintext behind STARTTLS, which was thrown away (RFC 3207 §4).
    discarded: bytes = b""
    #: Every AUTH command, in order, and what came of it.
    auth_attempts: list[AuthAttempt] = field(default_factory=list)
    #: Transactions that were begun and left no message, in order.
    undelivered: list[Undelivered] = field(default_factory=list)
    #: Content came before the 354 to DATA was sent (RFC 2920 §3.1).
    early_content: bool = False
    transcript: Transcript = field(default_factory=Transcript)
    #: While the connection is open: tells the engine which commands are disabled.
    _disable: Callable[[Iterable[str]], None] | None = None
    _disabled: tuple[str, ...] = ()

    # What the server notes while the connection is open

    def introduced(self, name: str | None, verb: str | None) -> None:
        """Note an accepted EHLO, HELO or LHLO; None after a handshake, which voids it."""
        self.helo, self.opening_command = name, verb

    def began(self, envelope: Envelope | None, count: int) -> None:
        """Note an accepted MAIL, the connection's transaction number `count`."""
        self.envelope, self.transaction_count = envelope, count

    def logged_in(self, user: object) -> None:
        """Note who has logged in; None for nobody."""
        self.user = user

    def secured(self, info: TLSInfo, discarded: bytes) -> None:
        """Note a handshake; EHLO and AUTH before it are void (RFC 3207 §4.2)."""
        self.tls = info
        self.discarded += discarded
        self.introduced(None, None)
        self.logged_in(None)

    def moved(self, remote: tuple[str, int], local: tuple[str, int]) -> None:
        """Note the addresses that a proxy has reported."""
        self.remote_address, self.local_address = remote, local

    def ended(self, by: Literal["client", "server"]) -> None:
        """Note the end of the connection."""
        self.closed_by = by
        self.on_disable(None)

    @property
    def is_open(self) -> bool:
        """The connection has not ended."""
        return self.closed_by is None

    @property
    def disabled_commands(self) -> tuple[str, ...]:
        """The commands that this session answers with 500; may be set by a handler."""
        return self._disabled

    @disabled_commands.setter
    def disabled_commands(self, verbs: Iterable[str]) -> None:
        self._disabled = tuple(verb.upper() for verb in verbs)
        if self._disable is not None:
            self._disable(self._disabled)

    def on_disable(self, disable: Callable[[Iterable[str]], None] | None) -> None:
        """Call this when `disabled_commands` is set; None for nothing. For the server."""
        self._disable = disable

    @property
    def transmission_type(self) -> str:
        """The protocol as RFC 3848 names it: SMTP, ESMTP, ESMTPSA, LMTPS and so on."""
        return transmission_type(
            self.opening_command, self.tls is not None, self.user is not None
        )

    @property
    def quit_sent(self) -> bool:
        """The client said QUIT."""
        return any(command.verb == "QUIT" for command in list(self.commands))

    @property
    def pipelined(self) -> bool:
        """A command came before the reply to the one in front of it was sent."""
        return any(command.pipelined for command in list(self.commands))

    @property
    def reused(self) -> bool:
        """More than one mail transaction was begun on the connection."""
        return self.transaction_count > 1

    def assert_commands(self, expected: Sequence[Any]) -> None:
        """Assert that the client sent these commands, all of them and in this order.

        Args:
            expected: for each command its verb, in any case, or the whole line; also
                regular expressions and other things that criteria may be.

        Raises:
            AssertionError: it sent others; the text has both side by side.
            TypeError: `expected` is a str, and not a list of them.
        """
        __tracebackhide__ = True
        from .search.alignment import command_problem  # noqa: PLC0415 - for tests that ask

        problem = command_problem(expected, list(self.commands))
        if problem:
            raise AssertionError(problem)

    if not TYPE_CHECKING:
        __getattr__ = no_such_attribute("a session", SESSION, _OF_SESSIONS)

    def __repr__(self) -> str:
        client = self.helo or "no EHLO"
        state = "open" if self.is_open else f"closed by the {self.closed_by}"
        return printable(
            f"<SessionRecord {self.id} {client} {len(self.commands)} commands, "
            f"{len(self.messages)} messages, {state}>"
        )

    def __str__(self) -> str:
        return str(self.transcript)
