"""Fills the record of a session while it goes on. Decides nothing, sends nothing."""

from __future__ import annotations

import logging
import re
import secrets
from typing import TYPE_CHECKING, Literal

from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
from pytest_smtpserver.mail.outcomes import AuthAttempt, TLSInfo, Undelivered
from pytest_smtpserver.mail.transcript import Marked, Transcript
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.server.io.clock import monotonic, now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.protocol.engine import SmtpEngine
    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.server.options.options import Options


#: The kind of a line with credentials.
_SECRET = Marked("C", secret=True)
#: What some clients take for the end of the data. A dot behind CRLF is not content.
_LOOKS_LIKE_AN_END = rb"([\r\n]\.[\r\n]*|\r\n\n)\Z"


class LoggedTranscript(Transcript):
    """A transcript that is logged while it is written: at DEBUG, secrets masked."""

    __slots__ = ("_logger", "_session_id")

    def __init__(self, started: float, logger: logging.Logger, session_id: str) -> None:
        super().__init__(started)
        self._logger = logger
        self._session_id = session_id

    def add(self, time: float, kind: str | Marked, data: bytes | str) -> None:
        """Note an entry and log it."""
        super().add(time, kind, data)
        alone = Transcript(self.started)
        alone.add(time, kind, data)
        for line in alone.lines():
            self._logger.debug("session %s %s", self._session_id, line)


class Recorder:
    """Writes down what one connection's engine hears and says."""

    __slots__ = (
        "_attempt",
        "_commands",
        "_engine",
        "_limit",
        "_open",
        "_session",
        "_transcript",
        "record",
    )

    def __init__(
        self,
        engine: SmtpEngine,
        remote_address: tuple[str, int],
        local_address: tuple[str, int],
        options: Options,
    ) -> None:
        session_id = secrets.token_hex(8)
        started, logger = monotonic(), options.logger
        transcript = (
            LoggedTranscript(started, logger, session_id)
            if logger is not None and logger.isEnabledFor(logging.DEBUG)
            else Transcript(started)
        )
        self._transcript = transcript
        self.record: SessionRecord = SessionRecord(
            session_id, remote_address, local_address, now(), transcript=transcript
        )
        self._engine = engine
        self._session = engine.session
        self._limit = options.max_message_size
        self._commands = self.record.commands
        #: The envelope of the transaction that is open.
        self._open: Envelope | None = None
        self._attempt: AuthAttempt | None = None

    # What the client sends

    def heard(self, event: Event) -> None:
        """Note what the engine made of the client's bytes."""
        hear = _HEARS.get(event.name)
        if hear is not None:
            hear(self, event)
            return
        command = event.command
        if command is not None:
            self._commands.append(command)
            self._transcript.add(monotonic(), "C", command)

    def _hear_auth(self, event: Event) -> None:
        command = event.command
        assert command is not None
        self._commands.append(command)
        self._transcript.add(monotonic(), _SECRET, command)
        mechanism = command.words[0].upper()
        self._attempt = AuthAttempt(mechanism)
        self.record.auth_attempts.append(self._attempt)
        self._hear_credentials(event)

    def _hear_response(self, event: Event) -> None:
        if event.line is not None:
            self._transcript.add(monotonic(), _SECRET, event.line)
        self._hear_credentials(event)

    def _hear_credentials(self, event: Event) -> None:
        shown, attempt = event.credentials, self._attempt
        if shown is not None and attempt is not None:
            token = shown.access_token
            secret = shown.password if token is None else token
            attempt.shown(shown.username, secret, shown.authzid)

    def _hear_content(self, event: Event) -> None:
        if event.recipient is not None and event.recipient is not self._first():
            return  # LMTP: the content stands in front of the first reply
        time = monotonic()
        self._transcript.add(time, "content", self._session.sink.getvalue())
        if not self._session.sink.chunks:
            self._transcript.add(time, "C", b".")

    def _first(self) -> object:
        envelope = self._session.envelope
        return envelope.rcpt_to[0] if envelope and envelope.rcpt_to else None

    # What the server sends

    def sent(self, data: bytes, by: str = "") -> None:
        """Note bytes that leave."""
        self._transcript.add(monotonic(), Marked("S", by) if by else "S", data)

    def note(self, text: str) -> None:
        """Note something that neither side said."""
        self._transcript.add(monotonic(), "note", text)

    def answered(self, event: Event, reply: Reply, data: bytes, by: str = "") -> None:
        """Note what the reply that is sent means; the engine has moved already.

        The session goes by the reply; the data are the bytes that leave for it, if any.
        """
        if data:
            self.sent(data, by)
        if reply.code >= 400:
            self.record.last_error = reply
        if by and event.command is not None:
            event.command.answered_by = by
        say = _SAYS.get(event.name)
        if say is not None:
            say(self, event, reply)

    def _said_hello(self, event: Event, reply: Reply) -> None:
        if reply.is_positive:
            self._given_up(event.name)
            self.record.introduced(self._session.helo, self._session.opening_command)

    def _said_to_mail(self, event: Event, reply: Reply) -> None:  # noqa: ARG002
        if reply.is_positive:
            self._open = self._session.envelope
            self.record.began(self._open, self._session.transaction_count)

    def _said_to_rset(self, event: Event, reply: Reply) -> None:
        if reply.is_positive:
            self._given_up(event.name)

    def _said_to_data(self, event: Event, reply: Reply) -> None:  # noqa: ARG002
        if self._engine.pipelined and reply.is_intermediate:
            self.record.early_content = True

    def _said_to_bdat(self, event: Event, reply: Reply) -> None:  # noqa: ARG002
        if not reply.is_positive and not self._session.in_transaction:
            self._undelivered("a chunk was refused", reply)

    def _said_to_auth(self, event: Event, reply: Reply) -> None:  # noqa: ARG002
        attempt = self._attempt
        if reply.is_intermediate or attempt is None:
            return
        if self._session.state is State.AUTH:
            return  # the mechanism has its last word first; then the reply leaves
        attempt.answered(reply)
        self._attempt = None
        self.record.logged_in(self._session.security.user)

    def _said_to_xclient(self, event: Event, reply: Reply) -> None:  # noqa: ARG002
        """XCLIENT_README: the session is the real client's, and begins anew."""
        if not reply.is_positive:
            return
        record, told = self.record, self._session.xclient
        self._given_up("XCLIENT")
        remote = _replaced(record.remote_address, told, "")
        record.moved(remote, _replaced(record.local_address, told, "DEST"))
        if "NAME" in told:
            record.client_hostname = told["NAME"]
        record.introduced(told.get("HELO"), None)
        record.logged_in(self._session.security.user)

    def _said_to_xforward(self, event: Event, reply: Reply) -> None:  # noqa: ARG002
        self.record.forwarded.update(self._session.xforward)

    def _given_up(self, verb: str) -> None:
        if self._open is not None:
            self._undelivered(f"the client gave it up with {verb}", None)

    # Moments

    def tls_started(self, info: TLSInfo) -> None:
        """Note a handshake."""
        discarded = self._engine.discarded
        if discarded:
            self.note(
                f"{len(discarded)} octets that came behind STARTTLS in clear text "
                f"were thrown away: {discarded[:80]!r}"
            )
        self.record.secured(info, discarded)
        name = f", server name {info.server_name}" if info.server_name else ""
        peer = "" if info.peer_certificate is None else ", with a client certificate"
        self.note(f"{info.version} started: {info.cipher}{name}{peer}")

    def message(self) -> ReceivedMessage:
        """Make the message that the engine has just completed."""
        session = self._session
        envelope = session.envelope
        assert envelope is not None
        limit = self._limit
        return ReceivedMessage(
            session.sink.getvalue(),
            envelope,
            self.record,
            received_at=now(),
            size_exceeded=limit is not None and session.sink.length > limit,
            chunks=tuple(session.sink.chunks),
            _came=monotonic(),
        )

    def lost_content(self) -> str | None:
        """What became of content for which there was no memory; None for nothing."""
        sink = self._session.sink
        if not sink.starved:
            return None
        lost = f"there was no memory for the {sink.length} octets of a message"
        self.note(lost)
        return f"{lost}, all of which were dropped; the server goes on"

    def delivered(self, message: ReceivedMessage) -> None:
        """Note that the message was stored."""
        self.record.messages.append(message)
        self._open = None

    def refused(self, reply: Reply | None) -> None:
        """Note that the content was complete, and no message came of it."""
        if reply is None:
            reason = "the message got no reply"
        elif reply.is_positive:
            reason = "the test dropped the message, although its client got a 250"
        else:
            reason = f"the message was refused with {reply.code}"
        self._undelivered(reason, reply)

    def closed(self, by: Literal["client", "server"], how: str) -> None:
        """Note the end of the connection."""
        record = self.record
        if record.closed_by is not None:
            return
        if self._open is not None:
            self._unfinished()
            self._undelivered(f"the connection ended first: {how}", None)
        record.ended(by)
        self.note(how)

    def _unfinished(self) -> None:
        """Note content whose end has not come."""
        content = self._session.sink.getvalue()
        if self._session.state is State.CONTENT and content:
            self._transcript.add(monotonic(), "unfinished", content)
            hint = ""
            if re.search(_LOOKS_LIKE_AN_END, content):
                hint = "; what it ends with is none: only CRLF.CRLF is"
            self.note(f"the end of the data has not come{hint} (RFC 5321 §4.1.1.4)")

    def _undelivered(self, reason: str, reply: Reply | None) -> None:
        envelope = self._open
        if envelope is None:
            return
        self._open = None
        self.record.undelivered.append(
            Undelivered(envelope, self._session.sink.getvalue(), reply, reason)
        )


_HEARS: Mapping[str, Callable[[Recorder, Event], None]] = {
    "MESSAGE": Recorder._hear_content,
    "RESPONSE": Recorder._hear_response,
    "CREDENTIALS": Recorder._hear_response,
    "AUTH": Recorder._hear_auth,
}
_SAYS: Mapping[str, Callable[[Recorder, Event, Reply], None]] = {
    "EHLO": Recorder._said_hello,
    "HELO": Recorder._said_hello,
    "LHLO": Recorder._said_hello,
    "MAIL": Recorder._said_to_mail,
    "RSET": Recorder._said_to_rset,
    "DATA": Recorder._said_to_data,
    "AUTH": Recorder._said_to_auth,
    "RESPONSE": Recorder._said_to_auth,
    "CREDENTIALS": Recorder._said_to_auth,
    "BDAT": Recorder._said_to_bdat,
    "XCLIENT": Recorder._said_to_xclient,
    "XFORWARD": Recorder._said_to_xforward,
}


def _replaced(
    address: tuple[str, int], told: Mapping[str, str | None], prefix: str
) -> tuple[str, int]:
    """The address with what XCLIENT has told of it."""
    host, port = told.get(f"{prefix}ADDR"), told.get(f"{prefix}PORT")
    return host or address[0], address[1] if port is None else int(port)
