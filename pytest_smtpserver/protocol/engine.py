"""The engine: one side of an SMTP session, bytes in, events and replies out.

How to drive it::

    engine.receive_data(data)               # whatever came, however it was cut
    while (event := engine.next_event()):   # None: it needs more data
        if event.proposed is not None:
            output += engine.send_reply(event.proposed)  # or another reply

The engine proposes and never decides: the reply that is handed to `send_reply` is the
one the session goes by. Where `event.follow` is set, `proceed` hands the decision on to
the next moment instead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later

from .answers.effects import take_note
from .answers.proposals import bdat_size, chunks_exist, propose
from .framing.buffer import ReceiveBuffer
from .framing.content import Chunk, DataReader
from .state.events import Event, event_name
from .state.session_state import SessionState
from .state.states import State, next_state
from .syntax import standard
from .syntax.commands import Command
from .syntax.replies import LocalProtocolError, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .answers import authentication as auth
    from .state.session_state import Randomness
    from .state.settings import Settings
    from .syntax.addresses import Address
else:
    auth = Later("pytest_smtpserver.protocol.answers.authentication")

#: A message for all recipients together: its reply is about none of them.
_NOBODY = (None,)
# CPython 3.11 looks a member of an enum up by way of its metaclass. With names of the
# module the engine takes 11 % less time for a message.
_AUTH, _CONTENT, _TLS, _CLOSED = State.AUTH, State.CONTENT, State.TLS, State.CLOSED


class SmtpEngine:
    """The server's side of one session.

    Args:
        settings: what the server is.
        randomness: gives fresh nonces and salts, ``(nonce, salt)``, when a mechanism
            needs them.

    Attributes:
        session: where the session stands.
        receive_data: takes bytes from the wire; they are looked at by `next_event`.
        pass_content_on: give content out as it arrives, as ``"CHUNK"`` events.
        pipelined: bytes were there already when the last reply was made.
        discarded: plaintext that was pipelined behind STARTTLS, and dropped.
    """

    def __init__(self, settings: Settings, randomness: Randomness) -> None:
        self.session: SessionState = SessionState(settings, randomness)
        self._buffer = ReceiveBuffer()
        self.receive_data: Callable[[bytes], None] = self._buffer.append
        self._queue: deque[Event] = deque([Event("CONNECT", settings.greeting)])
        self._awaiting: Event | None = None
        self._reader: DataReader | None = None
        self._chunk: tuple[Chunk, Event] | None = None
        self._early: Reply | None = None
        self._verdict: Event | None = None
        self.pass_content_on = False
        self.pipelined: bool = False
        self.discarded: bytes = b""

    # What came in

    @property
    def unanswered(self) -> bool:
        """Bytes or an event wait for a reply."""
        return bool(self._buffer) or self._awaiting is not None or bool(self._queue)

    @property
    def buffered(self) -> int:
        """Octets that have come and were not looked at yet."""
        return len(self._buffer)

    @property
    def may_be_waited_on(self) -> bool:
        """A client that says no more has said enough to wait for a reply."""
        if self.session.state is not _CONTENT:
            return bool(self._buffer)
        # Half a message gets none; nothing of it has been looked at yet.
        come = self._buffer.peek()
        return come.startswith(b".\r\n") or b"\r\n.\r\n" in come

    def next_event(self) -> Event | None:
        """What happened next; None when more data is needed, or nothing can come.

        Raises:
            LocalProtocolError: the event before has not got its reply.
        """
        if self._awaiting is not None:
            raise LocalProtocolError(f"{self._awaiting!r} has not been answered")
        if self._queue:
            event: Event | None = self._queue.popleft()
        elif not self._buffer.has_more and self._chunk is None:
            return None
        else:
            event = self._read()
        if event is not None and event.proposed is not None:
            self._awaiting = event
        return event

    def _read(self) -> Event | None:
        """What the bytes in the buffer say."""
        state, buffer = self.session.state, self._buffer
        if state is _CONTENT:
            return self._read_data()
        if state is _TLS or state is _CLOSED:
            return None
        if self._chunk is not None:
            return self._read_chunk(*self._chunk)
        limit = self.session.settings.max_command_length
        line = buffer.take_line()
        if line is None:
            if buffer.unfinished_line <= limit:
                return None
            line = buffer.take_all()
        if len(line) > limit:
            return self._line_too_long(line)
        return self._response(line) if state is _AUTH else self._command(line)

    # What goes out

    def send_reply(self, reply: Reply) -> bytes:
        """Answer the event that `next_event` gave, and move as the reply says.

        Args:
            reply: the reply that is really sent.

        Returns:
            The bytes to send.

        Raises:
            LocalProtocolError: no event waits for a reply.
        """
        event, self._awaiting = self._awaiting, None
        if event is None:
            raise LocalProtocolError("there is nothing to reply to")
        if event.name == "CREDENTIALS" and (side := auth.last_word(event, reply)):
            # The verdict waits until the client has taken note (RFC 4954 §4).
            self._verdict = Event(
                "RESPONSE", reply, credentials=event.credentials, user=event.user
            )
            self.session.security.begin(None)
            self.session.enter(_AUTH)
            return side.wire
        self._move(event, reply)
        self.pipelined = self._buffer.has_more
        return b"" if event.sent else reply.wire

    def send_nothing(self) -> None:
        """Leave the event without a reply. What it ends, ends all the same."""
        event, self._awaiting = self._awaiting, None
        if event is None:
            raise LocalProtocolError("there is nothing to leave unanswered")
        if event.name == "CONNECT":
            self.session.enter(State.START)
        elif event.name in ("CREDENTIALS", "RESPONSE") or (
            "MESSAGE" in (event.name, event.follow) and not self._queue
        ):
            self.session.enter(State.READY)
            self.session.security.begin(None)

    def proceed(self) -> None:
        """Leave the decision to the moment that follows (`Event.follow`)."""
        event = self._awaiting
        if event is None or event.follow is None:
            raise LocalProtocolError(f"nothing follows {event!r}")
        self._awaiting = None
        if event.follow == "CREDENTIALS":
            self._queue.append(replace(event, name="CREDENTIALS", follow=None))
        else:
            self._end_content(event.command)

    def reply_early(self, reply: Reply) -> bytes:
        """Answer the message before its content is complete; at ``"CONTENT"``."""
        self._early = reply
        if reply.code == 421:
            self.session.enter(_CLOSED)
        return reply.wire

    def refuse(self, reply: Reply) -> bytes:
        """Turn the client away after its handshake: only QUIT is of use from now on."""
        self.session.enter(_CLOSED if reply.code == 421 else State.REFUSED)
        self._queue.clear()
        return reply.wire

    def shut_down(self, reply: Reply) -> bytes:
        """Say why the connection is closed now, whatever is going on (421)."""
        self.session.enter(_CLOSED)
        self._awaiting = None
        return self._shaped(reply).wire

    def tls_started(self, tls: object, external_identity: str | None = None) -> None:
        """The handshake is done. What came in clear text after the 220 counts for none."""
        if self.session.state is _TLS:
            self.discarded += self._buffer.take_all()
        self.session.secure(tls, external_identity)
        self._queue.appendleft(Event("SECURE"))

    def usual_reply(self, code: int, event: Event) -> Reply:
        """The reply with the text that the code usually has here."""
        if event.proposed is not None and event.proposed.code == code:
            return event.proposed
        hostname = self.session.settings.hostname
        return self._shaped(standard.usual_reply(code, event.name, hostname))

    def _shaped(self, reply: Reply) -> Reply:
        if self.session.settings.enhanced_codes:
            return reply
        return reply.without_enhanced()

    # Commands

    def _command(self, line: bytes) -> Event | None:
        session = self.session
        command = Command.parse(line, pipelined=self.pipelined)
        found = propose(session, command)
        reply = self._shaped(found if isinstance(found, Reply) else found.reply)
        if command.verb == "BDAT" and chunks_exist(session):
            size = bdat_size(command)
            if size is not None:
                return self._begin_chunk(Chunk(*size), command, reply)
        name = event_name(command.verb)
        if isinstance(found, Reply):
            return Event(name, reply, command)
        return Event(
            name,
            reply,
            command,
            found,
            follow="CREDENTIALS" if found.complete else None,
            credentials=found.credentials,
        )

    def _line_too_long(self, line: bytes) -> Event:
        reply = self._shaped(standard.LINE_TOO_LONG)
        if self.session.state is _AUTH:
            # RFC 4954 §6; and what it holds is a secret.
            self._verdict = None
            return Event("RESPONSE", reply, line=line, closes=True)
        command = Command.parse(line)
        return Event(event_name(command.verb[:32]), reply, command, closes=True)

    # AUTH

    def _response(self, line: bytes) -> Event:
        """A line of the exchange that goes on."""
        verdict, self._verdict = self._verdict, None
        if verdict is None:
            found = auth.propose_response(self.session, line)
            return Event(
                "CREDENTIALS" if found.complete else "RESPONSE",
                self._shaped(found.reply),
                found=found,
                line=line,
                credentials=found.credentials,
            )
        reply = verdict.proposed
        if line.rstrip(b"\r\n") == b"*" and reply is not None and reply.is_positive:
            # RFC 4954 §4: the client does not believe the server's last word.
            reply = self._shaped(standard.AUTH_CANCELLED)
        return replace(verdict, proposed=reply, line=line)

    # Content

    def _read_data(self) -> Event | None:
        reader, buffer, sink = self._reader, self._buffer, self.session.sink
        assert reader is not None
        while piece := buffer.take_piece():
            content, rest = reader.read(piece)
            sink.came(len(piece) - len(rest or b""))
            for data in content:
                sink.write(data)
            if rest is not None:
                buffer.put_back(rest)
                self._reader = None
                self._end_content()
            if self.pass_content_on and content:
                return Event("CHUNK", data=b"".join(content))
            if rest is not None:
                return self._queue.popleft()
        return None

    def _begin_chunk(
        self, chunk: Chunk, command: Command, proposed: Reply
    ) -> Event | None:
        accepted = proposed.is_positive
        follow = "MESSAGE" if accepted and chunk.last else None
        event = Event("BDAT", proposed, command, follow=follow)
        self._chunk = (chunk, event)
        if accepted and not self.session.sink.chunks:
            return self._begin_content()
        return self._read_chunk(chunk, event)

    def _read_chunk(self, chunk: Chunk, event: Event) -> Event | None:
        sink = self.session.sink
        accepted = event.proposed is not None and event.proposed.is_positive
        while chunk.left:
            piece = self._buffer.take_piece(chunk.left)
            if not piece:
                return None
            chunk.took(len(piece))
            sink.came(len(piece))
            if accepted:
                sink.write(piece)
                if self.pass_content_on:
                    return Event("CHUNK", data=piece)
        self._chunk = None
        if accepted:
            sink.chunks.append(chunk.size)
        if event.follow is None and self._early is not None:
            # The answer to "CONTENT" was this chunk's.
            event = Event("BDAT", self._early, event.command, sent=True)
            self._early = None
        return event

    def _begin_content(self) -> Event:
        self.session.begin_content()
        self._early = None
        return Event("CONTENT")

    def _end_content(self, command: Command | None = None) -> None:
        """The content is whole: its reply is due, for LMTP one for each recipient."""
        session, early = self.session, self._early
        usual = standard.TOO_BIG if session.sink.overflowed else standard.MESSAGE_OK
        if session.sink.starved:
            usual = standard.NO_STORAGE  # RFC 5321 §4.2.3
        proposed = early or self._shaped(usual)
        recipients: Sequence[Address | None] = _NOBODY
        if session.settings.lmtp and session.envelope is not None:
            recipients = session.envelope.rcpt_to or _NOBODY  # RFC 2033 §4.2
        for recipient in recipients:
            self._queue.append(
                Event(
                    "MESSAGE",
                    proposed,
                    command,
                    recipient=recipient,
                    sent=early is not None,
                )
            )

    # Moving

    def _move(self, event: Event, reply: Reply) -> None:
        """Make the transition, and what goes with it."""
        session = self.session
        to = next_state(event.name, session.state, reply.code)
        take_note(session, event, reply)
        if event.closes or to is _CLOSED:
            session.enter(_CLOSED)
            self._queue.clear()
            return
        if to is None or (event.name == "MESSAGE" and self._queue):
            return  # LMTP: the other recipients' replies come first
        session.enter(to)
        if to is _TLS:
            self.discarded = self._buffer.take_all()  # RFC 3207 §4, CVE-2011-0411
        elif to is _CONTENT:
            self._reader = DataReader()
            self._queue.append(self._begin_content())
