"""What the connections of a server share: options, script, mailbox, sessions."""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later
from pytest_smtpserver.mail.collection import Recorded
from pytest_smtpserver.mail.mailbox import Mailbox
from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.script.script import Script

from .io.clock import monotonic, now
from .io.threads import Threads

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterable
    from typing import Any

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
    from pytest_smtpserver.mail.search import diagnosis
    from pytest_smtpserver.mail.search.criteria import Criteria
    from pytest_smtpserver.mail.search.diagnosis import Setting
    from pytest_smtpserver.protocol.state.settings import Settings

    from .options.options import Options
    from .tls import layer
    from .tls.certificates import Authority
else:
    layer = Later("pytest_smtpserver.server.tls.layer")
    diagnosis = Later("pytest_smtpserver.mail.search.diagnosis")


#: How many errors are logged with a traceback, and how many as errors.
_TRACEBACKS, _LOGGED = 10, 100


class ServerContext:
    """What the connections of one server share."""

    def __init__(self, options: Options, authority: Authority | None) -> None:
        self.mailbox: Mailbox = Mailbox()
        self.sessions: Recorded[SessionRecord] = Recorded("session")
        self.script: Script = Script(options.handlers, now)
        #: What handlers raised, and faults of the server's own.
        self.errors: list[Exception] = []
        #: Somebody waits for an end of what is in flight.
        self.watched: bool = False
        self._on_activity: Callable[[], None] = _nothing
        self._began = monotonic()
        #: Where handlers and look-ups may block.
        self.threads: Threads = Threads()
        #: Runs a coroutine as a task of the service.
        self.spawn: Callable[[Coroutine[Any, Any, None]], None] = _nothing
        self.use(options, authority)

    def serve_by(
        self,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        on_activity: Callable[[], None],
    ) -> None:
        """Note what runs a coroutine as a task of the service, from now on.

        While it is watched, `on_activity` is called when a reply has left or a
        connection has ended.
        """
        self.spawn, self._on_activity = spawn, on_activity

    def watch(self, on: bool) -> None:
        """Somebody waits for an end of what is in flight, or nobody does any more."""
        self.watched = on

    def use(self, options: Options, authority: Authority | None) -> None:
        """Go by these options from the next connection on."""
        self.options = options
        self.settings: Settings = options.settings()
        #: The greeting is the first that happens on a connection.
        self.opens_at_once: bool = not (
            options.proxy_protocol
            or options.resolver is not None
            or options.tls == "implicit"
            or options.greeting_delay
        )
        rooms = (
            (options.auth, "protocol.answers.authentication"),
            (options.tls or not self.opens_at_once, "server.session.opening"),
        )
        for is_needed, name in rooms:
            if is_needed:  # now, and not when there is nothing left to load it with
                importlib.import_module(f"pytest_smtpserver.{name}")
        self._authority = authority
        tls: ssl.SSLContext | None = None
        if authority is not None and options.tls is not None:
            tls = authority.server_context(options)
        self._tls_context = tls

    def begin(self) -> None:
        """What came to other servers until now is not missing here."""
        self._began = monotonic()

    def setting(
        self,
        wanted: Criteria | None,
        others: Iterable[tuple[str, Iterable[ReceivedMessage]]],
        *,
        running: bool | None,
        own_thread: bool,
    ) -> Setting:
        """What is to be known of the server, and of others, for a diagnosis."""
        elsewhere = [
            (where, found)
            for where, messages in others
            if wanted is not None
            if (found := wanted.matching(m for m in messages if m._came > self._began))
        ]
        told = ("running", "own_thread", "elsewhere")
        names = [one for one in diagnosis.Setting._fields if one not in told]
        shared = {one: getattr(self.options, one) for one in names}
        return diagnosis.Setting(
            running=running, own_thread=own_thread, elsewhere=elsewhere, **shared
        )

    @property
    def has_tls(self) -> bool:
        """TLS is on."""
        return self._tls_context is not None

    def tls_layer(self) -> layer.TLSLayer:
        """TLS for one connection."""
        assert self._tls_context is not None
        return layer.TLSLayer(self._tls_context, self._choose)

    def _choose(self, server_name: str) -> ssl.SSLContext | None:
        if self._authority is None:
            return None
        return self._authority.sni_context(self.options, server_name)

    def store(self, message: ReceivedMessage) -> int:
        """Add a message to the mailbox, before the reply to it leaves."""
        logger = self.options.logger
        if logger is not None and logger.isEnabledFor(logging.INFO):
            logger.info(
                "message from %s to %s, %d octets",
                printable(message.envelope.mail_from or "<>"),
                printable(", ".join(message.envelope.rcpt_to)),
                len(message.content),
            )
        return self.mailbox.record(message)

    def release(self, stored: list[tuple[int, ReceivedMessage]]) -> None:
        """Let waits have the messages, since the replies to them have left."""
        for number, message in stored:
            self.mailbox.release(number, message)

    def look(self) -> None:
        """Something has changed that somebody may wait for."""
        if self.watched:
            self._on_activity()

    def fault(self, error: Exception) -> None:
        """Keep an exception for the test."""
        self.errors.append(error)
        if (logger := self.options.logger) is not None:
            number, told = len(self.errors), printable(repr(error))
            level = logging.ERROR if number <= _LOGGED else logging.DEBUG
            logger.log(level, "%s", told, exc_info=number <= _TRACEBACKS and error)

    def log_end(self, record: SessionRecord) -> None:
        """Log the end of a connection."""
        logger = self.options.logger
        if logger is not None and logger.isEnabledFor(logging.INFO):
            logger.info(
                "session %s from %s: %d commands, %d messages, closed by the %s",
                record.id,
                printable(record.remote_address[0]),
                len(record.commands),
                len(record.messages),
                record.closed_by,
            )


def _nothing(*arguments: object) -> None:
    """Do nothing: there is no service yet."""
