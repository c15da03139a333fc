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
from typing import TYPE_CHECKING

from .answers.authentication import last_word, propose_response
from .answers.effects import EFFECTS, envelope_of
from .answers.proposals import bdat_size, chunks_exist, propose
from .framing.buffer import ReceiveBuffer
from .framing.content import ContentSink, DataReader
from .sasl.mechanisms import SaslContext
from .state.events import MOMENTS, Event, event_name
from .state.pending import NOTHING_PENDING, Chunk
from .state.session_state import SessionState
from .state.states import State, next_state
from .syntax import standard
from .syntax.commands import Command
from .syntax.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .state.settings import Settings
    from .syntax.addresses import Address
    from .syntax.replies import Reply

# Looking up a member of an enumeration costs as much as a call, and there are dozens of
# them for each message.
_START, _CONTENT = State.START, State.CONTENT
_AUTH, _TLS, _CLOSED = State.AUTH, State.TLS, State.CLOSED
_IN_TRANSACTION = frozenset({State.MAIL, State.RCPT, State.CONTENT, State.CHUNKING})
_OUTSIDE = frozenset({State.READY, State.START})
#: States that are entered with nothing else to be done.
_PLAIN = frozenset({State.MAIL, State.RCPT, State.CHUNKING, State.REFUSED, State.AUTH})
#: Verbs whose event is more than the command, or cannot have its name.
_UNUSUAL = frozenset({"BDAT", "AUTH"}) | MOMENTS
#: A message for all recipients together: its reply is about none of them.
_NOBODY = (None,)


class SmtpEngine(SessionState):
    """The server's side of one session.

    Args:
        settings: what the server is.
        randomness: gives fresh nonces and salts, ``(nonce, salt)``, when a mechanism
            needs them.
    """

    __slots__ = (
        "_awaiting",
        "_buffer",
        "_chunk",
        "_early",
        "_enhanced",
        "_queue",
        "_randomness",
        "_reader",
        "_verdict",
        "receive_data",
    )

    def __init__(
        self, settings: Settings, randomness: Callable[[], tuple[str, bytes]]
    ) -> None:
        super().__init__(settings)
        self._randomness = randomness
        self._buffer = ReceiveBuffer()
        #: Take bytes from the wire. They are looked at by `next_event`.
        self.receive_data: Callable[[bytes], None] = self._buffer.append
        self._queue: deque[Event] = deque()
        self._awaiting: Event | None = None
        self._reader: DataReader | None = None
        self._chunk: Chunk | None = None
        self._early: Reply | None = None
        self._verdict: Event | None = None
        self._enhanced = settings.enhanced_codes
        self._announce("CONNECT", settings.greeting)

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
        if self.state is not _CONTENT:
            return bool(self._buffer)
        # Half a message gets none; nothing of it has been looked at yet.
        come = self._buffer.peek()
        return come.startswith(b".\r\n") or b"\r\n.\r\n" in come

    @property
    def in_transaction(self) -> bool:
        """Between an accepted MAIL and the reply that ends its transaction."""
        return self.state in _IN_TRANSACTION

    def next_event(self) -> Event | None:
        """What happened next; None when more data is needed, or nothing can come.

        Raises:
            LocalProtocolError: the event before has not got its reply.
        """
        if self._awaiting is not None:
            raise LocalProtocolError(f"{self._awaiting!r} has not been answered")
        if self._queue:
            return self._due(self._queue.popleft())
        state, buffer = self.state, self._buffer
        if buffer.empty and self._chunk is None:
            return None
        if state is _CONTENT:
            return self._read_data()
        if state is _TLS or state is _CLOSED:
            return None
        if self._chunk is not None:
            return self._read_chunk(self._chunk)
        line = buffer.take_line()
        if line is None:
            if buffer.unfinished_line <= self.settings.max_command_length:
                return None
            line = buffer.take_all()
        if len(line) > self.settings.max_command_length:
            return self._line_too_long(line)
        if state is _AUTH:
            return self._auth_response(line)
        return self._command(line)

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
        event = self._awaiting
        if event is None:
            raise LocalProtocolError("there is nothing to reply to")
        self._awaiting = None
        if event.name == "CREDENTIALS" and (side := last_word(event, reply)):
            # The verdict waits until the client has taken note (RFC 4954 §4).
            self._verdict = Event("RESPONSE", reply)
            self._verdict.credentials = event.credentials
            self._verdict.user = event.user
            self.state, self.exchange = State.AUTH, None
            return side.encode()
        self._move(event, reply)
        self.pipelined = not self._buffer.empty
        return b"" if event.sent else reply.wire

    def send_nothing(self) -> None:
        """The event gets no reply. A message is over all the same."""
        event = self._awaiting
        if event is None:
            raise LocalProtocolError("there is nothing to leave unanswered")
        self._awaiting = None
        self._abandon(event)

    def proceed(self) -> None:
        """Leave the decision to the moment that follows (`Event.follow`)."""
        event = self._awaiting
        if event is None or event.follow is None:
            raise LocalProtocolError(f"nothing follows {event!r}")
        self._awaiting = None
        if event.follow == "CREDENTIALS":
            self._queue.append(self._credentials_event(event))
        else:
            self._end_content(event.command)

    def reply_early(self, reply: Reply) -> bytes:
        """Answer the message before its content is complete; at ``"CONTENT"``."""
        self._early = reply
        if reply.code == 421:
            self.state = State.CLOSED
        return reply.encode()

    def refuse(self, reply: Reply) -> bytes:
        """Turn the client away after its handshake: only QUIT is of use from now on."""
        self.state = State.CLOSED if reply.code == 421 else State.REFUSED
        self._queue.clear()
        return reply.encode()

    def shut_down(self, reply: Reply) -> bytes:
        """Say why the connection is closed now, whatever is going on (421)."""
        self.state = State.CLOSED
        self._awaiting = None
        return self._shaped(reply).encode()

    def tls_started(self, tls: object, external_identity: str | None = None) -> None:
        """The handshake is done: forget what was said in clear text (RFC 3207 §4.2)."""
        self.tls = tls
        self.external_identity = external_identity
        if self.state is State.TLS:
            self.state = State.START
            self.helo = self.opening_command = self.envelope = None
            self.user, self.authenticated = None, False
        self._queue.appendleft(Event("SECURE"))

    def usual_reply(self, code: int, event: Event) -> Reply:
        """The reply with the text that the code usually has here."""
        if event.proposed is not None and event.proposed.code == code:
            return event.proposed
        reply = standard.usual_reply(code, event.name, self.settings.hostname)
        return self._shaped(reply)

    def sasl_context(self) -> SaslContext:
        """What a mechanism has to know, with fresh randomness."""
        nonce, salt = self._randomness()
        return SaslContext(
            hostname=self.settings.hostname,
            nonce=nonce,
            salt=salt,
            external_identity=self.external_identity,
        )

    # Commands

    def _command(self, line: bytes) -> Event | None:
        command = Command.parse(line, pipelined=self.pipelined)
        verb = command.verb
        self.pending = NOTHING_PENDING
        proposed = propose(self, command)
        if not self._enhanced:
            proposed = proposed.without_enhanced()
        event = Event(verb, proposed, command)
        if verb in _UNUSUAL:
            if verb == "BDAT" and chunks_exist(self) and (size := bdat_size(command)):
                return self._begin_chunk(command, size, proposed)
            event.name = event_name(verb)
            event.credentials = self.pending.credentials or self.pending.shown
            if self.pending.credentials is not None:
                event.follow = "CREDENTIALS"
        self._awaiting = event
        if self.settings.max_unauthenticated_commands is not None:
            self._limit(event, self.settings.max_unauthenticated_commands)
        return event

    def _limit(self, event: Event, limit: int) -> None:
        """Apply the limit for clients that do not log in."""
        if self.authenticated or not self.settings.auth:
            return
        self.unauthenticated += 1
        if self.unauthenticated >= limit and event.name not in ("AUTH", "QUIT"):
            event.proposed = self._shaped(standard.TOO_MANY_UNAUTHENTICATED)

    def _line_too_long(self, line: bytes) -> Event:
        reply = self._shaped(standard.LINE_TOO_LONG)
        if self.state is State.AUTH:  # RFC 4954 §6; and what it holds is a secret
            event = Event("RESPONSE", reply)
            event.line, self._verdict = line, None
        else:
            command = Command.parse(line)
            event = Event(event_name(command.verb[:32]), reply, command)
        event.closes = True
        return self._due(event)

    # AUTH

    def _auth_response(self, line: bytes) -> Event:
        self.pending = NOTHING_PENDING
        if self._verdict is not None:
            event, self._verdict = self._verdict, None
            positive = event.proposed is not None and event.proposed.is_positive
            if positive and line.rstrip(b"\r\n") == b"*":
                # RFC 4954 §4: the client does not believe the server's last word.
                event.proposed = self._shaped(standard.AUTH_CANCELLED)
        else:
            event = Event("RESPONSE", self._shaped(propose_response(self, line)))
        if self.pending.credentials is not None:
            event = self._credentials_event(event)
        event.line = line
        return self._due(event)

    def _credentials_event(self, before: Event) -> Event:
        event = Event("CREDENTIALS", before.proposed, before.command)
        event.credentials = self.pending.credentials
        return event

    # Content

    def _read_data(self) -> Event | None:
        reader = self._reader
        assert reader is not None
        buffer, sink = self._buffer, self.sink
        while piece := buffer.take_piece():
            content, rest = reader.read(piece)
            self.content_octets += len(piece) - len(rest or b"")
            for data in content:
                sink.write(data)
            if rest is not None:
                buffer.put_back(rest)
                self._reader = None
                self._end_content()
            if self.pass_content_on and content:
                event = Event("CHUNK")
                event.data = b"".join(content)
                return event
            if rest is not None:
                return self._due(self._queue.popleft())
        return None

    def _begin_chunk(
        self, command: Command, size: tuple[int, bool], proposed: Reply
    ) -> Event | None:
        chunk = Chunk(command, *size, self._shaped(proposed))
        self._chunk = chunk
        if proposed.is_positive and self.state is State.RCPT and not self.chunks:
            self._begin_content()
            return self._due(self._queue.popleft())
        return self._read_chunk(chunk)

    def _read_chunk(self, chunk: Chunk) -> Event | None:
        accepted = chunk.proposed.is_positive
        while chunk.left:
            piece = self._buffer.take_piece(chunk.left)
            if not piece:
                return None
            chunk.left -= len(piece)
            self.content_octets += len(piece)
            if accepted:
                self.sink.write(piece)
                if self.pass_content_on:
                    event = Event("CHUNK")
                    event.data = piece
                    return event
        self._chunk = None
        size = bdat_size(chunk.command)
        assert size is not None
        if accepted:
            self.chunks.append(size[0])
        event = Event("BDAT", chunk.proposed, chunk.command)
        if accepted and chunk.last:
            event.follow = "MESSAGE"
        elif self._early is not None:  # the answer to "CONTENT" was this chunk's
            event.proposed, event.sent, self._early = self._early, True, None
        return self._due(event)

    def _begin_content(self) -> None:
        settings = self.settings
        envelope_of(self)  # where a rule has let DATA through without MAIL
        limit = settings.max_message_size if settings.enforce_message_size else None
        if self.sink.length:  # chunks, where a rule has let DATA follow them
            self.sink, self.chunks = ContentSink(), []
        self.sink.limit = limit
        self.content_octets = 0
        self._early = None
        self._announce("CONTENT")

    def _end_content(self, command: Command | None = None) -> None:
        """The content is whole: its reply is due, for LMTP one for each recipient."""
        usual = standard.TOO_BIG if self.sink.overflowed else standard.MESSAGE_OK
        proposed = self._early or self._shaped(usual)
        recipients: Sequence[Address | None] = _NOBODY
        if self.settings.lmtp and self.envelope is not None:
            recipients = self.envelope.rcpt_to or _NOBODY  # RFC 2033 §4.2
        for recipient in recipients:
            event = Event("MESSAGE", proposed, command)
            if recipient is not None:
                event.recipient = recipient
            if self._early is not None:
                event.sent = True
            self._queue.append(event)

    # Moving

    def _announce(self, name: str, proposed: Reply | None = None) -> None:
        self._queue.append(Event(name, proposed))

    def _due(self, event: Event) -> Event:
        if event.proposed is not None:
            self._awaiting = event
        return event

    def _shaped(self, reply: Reply) -> Reply:
        return reply if self._enhanced else reply.without_enhanced()

    def _move(self, event: Event, reply: Reply) -> None:
        """Make the transition, and what goes with it."""
        name, command = event.name, event.command
        if command is not None:
            command.reply = reply
        to = next_state(name, self.state, reply.code)
        effect = EFFECTS.get(name)
        if effect is not None:
            effect(self, event, reply)
        if event.closes:
            self.state = _CLOSED
        elif to in _PLAIN:
            self.state = to
        elif to is not None:
            self._enter(to, name)

    def _enter(self, to: State, name: str) -> None:
        """Change the state, where more than that has to be done."""
        if to is _CLOSED:
            self._queue.clear()
        elif name == "MESSAGE" and self._queue:
            return  # LMTP: the other recipients' replies come first
        elif to is _START and self.helo is not None:
            to = State.READY
        if to in _OUTSIDE:
            self.envelope = None
        self.state = to
        if to is _TLS:
            self.discarded = self._buffer.take_all()  # RFC 3207 §4, CVE-2011-0411
        elif to is _CONTENT and name == "DATA":
            self._reader = DataReader()
            self._begin_content()

    def _abandon(self, event: Event) -> None:
        """The event was answered with nothing: what is over, is over."""
        if event.name == "CONNECT":
            self.state = State.START
        elif event.name in ("CREDENTIALS", "RESPONSE") or (
            "MESSAGE" in (event.name, event.follow) and not self._queue
        ):
            self.state = State.READY
            self.envelope = self.exchange = None
