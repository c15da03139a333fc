"""`SMTPServer`: the handle that a test holds. It hands on to its parts."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from pytest_smtpserver.later import Later
from pytest_smtpserver.mail.words import no_mails_here
from pytest_smtpserver.protocol.naming import no_such_attribute
from pytest_smtpserver.script.event import LOOKED_AT
from pytest_smtpserver.script.mistakes import caller, told_to_the_caller

from . import asserting, misbehaving
from .context import ServerContext
from .io import listening
from .io.background import BACKGROUND
from .options.options import ELSEWHERE, WORDS, check_options, not_to_be_set
from .place import Place
from .serving import Running, Serving, stays_in_its_process
from .tls.authorities import AUTHORITIES

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterator, Mapping
    from typing import Any, Unpack

    from pytest_smtpserver.mail import report
    from pytest_smtpserver.mail.collection import Recorded
    from pytest_smtpserver.mail.lint import advice, violations
    from pytest_smtpserver.mail.lint.findings import Advice, Violation
    from pytest_smtpserver.mail.mailbox import Messages
    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.mail.report import Report
    from pytest_smtpserver.mail.search import diagnosis
    from pytest_smtpserver.mail.search.criteria import Criteria
    from pytest_smtpserver.script.conditions import RuleCriteria
    from pytest_smtpserver.script.rules import Rule
    from pytest_smtpserver.script.script import Rules

    from .options import possible
    from .options.options import Options
    from .options.typed import Certificate, ServerOptions
else:
    advice = Later("pytest_smtpserver.mail.lint.advice")
    diagnosis = Later("pytest_smtpserver.mail.search.diagnosis")
    report = Later("pytest_smtpserver.mail.report")
    violations = Later("pytest_smtpserver.mail.lint.violations")
    possible = Later("pytest_smtpserver.server.options.possible")


#: The servers of this process that run now, for a report on a test that failed.
RUNNING: Running[SMTPServer] = Running()


class SMTPServer:
    """An SMTP server for tests: it records what clients do, and does as it is told.

    ``with SMTPServer() as server:`` serves from a background thread, which all servers
    share; ``async with SMTPServer() as server:`` from the running asyncio or trio loop.
    `start` and `stop` exist for fixtures; `stop` and `start` again reuses the port.

    Args:
        options: see the README; types and units are in `ServerOptions`.

    Raises:
        TypeError: there is no such option, or its value is of the wrong type.
        ValueError: the value is not allowed, or not together with another.
    """

    #: How long waits may take when they are not told, in seconds.
    default_timeout: float = 5.0
    #: Explanations leave nothing out, as under ``pytest -vv``.
    explain_in_full: bool = False

    @told_to_the_caller
    def __init__(self, **options: Unpack[ServerOptions]) -> None:
        self._context = ServerContext(_checked(options), None)
        self._place = Place(self._context)
        self._serving = Serving(self._context)
        #: The test was told of rules that were never used.
        self._complained = False

    # Where it is: `Place`

    @property
    def host(self) -> str:
        """The address where a client on this machine connects; never a name."""
        return self._place.host

    @property
    def port(self) -> int:
        """The port; 0 for a Unix socket.

        Raises:
            RuntimeError: the server was never started, so that there is none.
        """
        return self._place.port

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for `socket.create_connection`."""
        return self.host, self.port

    @property
    def path(self) -> str | None:
        """The path of the Unix socket, when it listens on one."""
        return self._context.options.path

    @property
    def hostname(self) -> str:
        """The name in the greeting and in EHLO."""
        return self._context.options.hostname

    @property
    def url(self) -> str:
        """``smtp://127.0.0.1:49152``; ``smtps:`` for implicit TLS, ``lmtp:``."""
        return self._place.url

    @property
    def env(self) -> dict[str, str]:
        """What a child process needs to know, to be merged into its environment.

        ``SMTP_HOST``, ``SMTP_PORT``, ``SMTP_URL``, and ``SSL_CERT_FILE`` where TLS is
        on. A new dict each time.
        """
        return self._place.env

    @property
    def ca_file(self) -> str:
        """Path of a PEM file with the certificate of the CA; there until the run ends."""
        return self._place.authority.file

    def client_context(self) -> ssl.SSLContext:
        """A TLS context that trusts the CA of this server, verification on."""
        return self._place.authority.client_context()

    # What it has seen, and what it is told to do: `ServerContext`

    @property
    def _records(self) -> ServerContext:
        self._serving.check_here()  # in a child process they would never change
        return self._context

    @property
    def messages(self) -> Messages:
        """Every accepted message: a live, thread-safe sequence."""
        return self._records.mailbox.messages

    @property
    def sessions(self) -> Recorded[SessionRecord]:
        """Every connection, also those that delivered nothing."""
        return self._records.sessions

    @property
    def violations(self) -> list[Violation]:
        """What the clients did that an RFC forbids; worked out when it is asked for."""
        return violations.violations(self.sessions)

    @property
    def advice(self) -> list[Advice]:
        """What the clients did that is allowed and unwise."""
        return advice.advice(self.sessions)

    @property
    def errors(self) -> list[Exception]:
        """What handlers raised, and faults of the server's own."""
        return self._context.errors

    @property
    def rules(self) -> Rules:
        """The rules in force, in the order in which they are tried."""
        return self._records.script.rules

    @told_to_the_caller
    def on(
        self,
        event: str,
        match: object = None,
        *,
        first: bool = False,
        **criteria: Unpack[RuleCriteria],
    ) -> Rule:
        """Make a rule for what happens at an event.

        Args:
            event: a verb such as ``"RCPT"``, ``"*"`` for any command, or a moment:
                ``"CONNECT"``, ``"SECURE"``, ``"CREDENTIALS"``, ``"CONTENT"``,
                ``"MESSAGE"``, ``"CLOSE"``.
            match: what the event is about: for MAIL and RCPT the address, for AUTH the
                mechanism, for other commands the argument; see the README for moments.
            first: put it before the rules that are there.
            criteria: narrow it further; see the README.

        Raises:
            TypeError: there is no such criterion.
            ValueError: the event, or what the criteria ask for, can never happen with
                the options of this server.
        """
        context = self._records
        possible.check_event(event, match, context.options)
        possible.check_criteria(event, criteria, context.options)
        return context.script.add(
            event,
            match,
            criteria,
            first=first,
            made_at=caller(),
            sessions=self.sessions[-LOOKED_AT:],
        )

    def reset(self) -> None:
        """Forget messages, sessions, errors and rules; handlers are options, and stay."""
        for records in (self.messages, self.sessions, self.errors, self.rules):
            records.clear()
        self._context.script.ahead.clear()
        self._complained = False
        self._context.begin()

    @told_to_the_caller
    def renew(self, **options: Unpack[ServerOptions]) -> None:
        """Make it as good as new, with these options: no rules, records, connections.

        For a server that outlives the tests that use it.

        Raises:
            TypeError: there is no such option, or its value is of the wrong type.
            ValueError: the value is not allowed, or the option is one of those that
                cannot change while a server runs (host, port, path, backlog).
        """
        checked = _checked({**self._place.fixed, **options})
        self._place.check_stays(checked)
        if self.is_running:
            self._serving.finish(self._serving.service.end_connections)
        self._place.use(checked)
        self._context.script.use_handlers(checked.handlers)
        self.reset()

    def report(self) -> Report:
        """What the report of a failed test tells about this server."""
        changed, script = self._context.options.changed(), self._context.script
        sessions = list(self._context.sessions)
        unused = None if self._complained else script.check_used(failed=True)
        return report.Report(
            self.url if self._place.is_known else "nothing: it never started",
            [f"{name}={value!r}" for name, value in changed.items()],
            list(self._context.mailbox.messages),
            sessions,
            "" if unused is None else str(unused),
            self._context.mailbox.looked_at,
            diagnosis.what_reports_tell(sessions, self._setting(None)),
        )

    # Waits and assertions: `asserting`

    wait_for_message: Final = asserting.wait_for_message
    wait_for_messages: Final = asserting.wait_for_messages
    wait_for_message_async: Final = asserting.wait_for_message_async
    wait_for_messages_async: Final = asserting.wait_for_messages_async
    mark: Final = asserting.mark
    wait_until_idle: Final = asserting.wait_until_idle
    wait_until_idle_async: Final = asserting.wait_until_idle_async
    settle: Final = asserting.settle
    assert_received: Final = asserting.assert_received
    assert_not_received: Final = asserting.assert_not_received
    assert_no_messages: Final = asserting.assert_no_messages
    check: Final = asserting.check

    # Failures on purpose: `misbehaving`

    interrupt: Final = misbehaving.interrupt
    outage: Final = misbehaving.outage
    full_backlog: Final = misbehaving.full_backlog
    play: Final = misbehaving.play

    # Starting and stopping: `Serving`

    @property
    def is_running(self) -> bool:
        """It accepts connections."""
        return self._serving.is_running

    @property
    def is_inherited(self) -> bool:
        """It runs in a parent process, of which this one is a fork.

        Here it is good for its address alone: clients reach it there as ever. Whatever
        else is asked of it raises a RuntimeError.
        """
        return self._serving.is_inherited

    def start(self, listener: socket.socket | None = None) -> Self:
        """Start serving from the background thread.

        Args:
            listener: a listening socket of the caller's own, TCP or Unix, in place of
                one that the options ``host``, ``port`` and ``path`` describe. It is
                the server's from now on, which closes it.

        Raises:
            OSError: the port is taken, or the host is not this machine's.
            RuntimeError: it runs already.
            ValueError: the socket does not listen.
        """
        with self._starting(listener) as bound:
            self._serving.start(bound)
        return self

    def serve_socket(self, connected: socket.socket) -> None:
        """Serve the client at the other end of a socket that is connected already.

        It is the server's from now on, which closes it. The client gets its greeting,
        and is served like one that came through the listener; its session is in
        `sessions` when this returns.

        Args:
            connected: of TCP, or one half of `socket.socketpair`.

        Raises:
            RuntimeError: the server does not run.
            TypeError: it is no stream socket.
        """
        service = self._serving.service
        listening.check_connected(connected)
        self._serving.call(service.take_in, connected)

    def use_certificate(self, certificate: Certificate) -> None:
        """Show another certificate, from the next handshake on.

        Connections whose TLS is up keep what they have. `renew` and the marker's option
        go back to the option ``certificate``.

        Args:
            certificate: all that the option takes: ``"expired"`` and its like, a
                `trustme.LeafCert`, a PEM file or a pair of them, an `ssl.SSLContext`.

        Raises:
            RuntimeError: TLS is off.
            TypeError: it is nothing of that.
            ValueError: there is no such kind, or a file cannot be read.
        """
        options = self._context.options
        if options.tls is None:
            raise RuntimeError(
                "this server has no TLS: give it tls='starttls' or tls='implicit'"
            )
        self._place.use(options.altered(certificate=certificate))

    def stop(self) -> None:
        """Stop serving, with clients still connected in at most ``close_timeout``.

        What was recorded stays. Stopping a server that does not run does nothing.
        """
        try:
            self._serving.stop()
        finally:
            self._ended()

    def __enter__(self) -> Self:
        # The factory's servers run already.
        return self if self.is_running else self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        with self._starting(None) as bound:
            await self._serving.start_here(bound)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._serving.stop_here()
        self._ended()

    # Inside

    @contextmanager
    def _starting(self, given: socket.socket | None) -> Iterator[socket.socket]:
        """A listening socket; nothing is held where the block fails."""
        self._serving.check_here()
        if self.is_running:
            raise RuntimeError(f"this server runs already, at {self.url}")
        with listening.naming_who_forbids():
            listener = self._place.bind(given)
            try:
                yield listener
                RUNNING.add(self)
                self._context.begin()
            except BaseException:
                self._serving.stop()
                self._place.give_up(listener)
                raise

    def _ended(self) -> None:
        RUNNING.discard(self)
        if not self._serving.is_inherited:
            self._place.leave()

    def _setting(self, wanted: Criteria | None) -> diagnosis.Setting:
        """What is to be known of this server and the others, for a diagnosis."""
        others = [(one.url, one.messages) for one in RUNNING.now() if one is not self]
        running = self.is_running if self._place.is_known else None
        own = self._serving.own_thread
        return self._context.setting(wanted, others, running=running, own_thread=own)

    def __setattr__(self, name: str, value: object) -> None:
        __tracebackhide__ = True
        if problem := not_to_be_set(type(self), name, value):
            raise AttributeError(problem)
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute("a server", WORDS, ELSEWHERE)
        __getitem__ = no_mails_here
        __reduce__ = stays_in_its_process

    def __repr__(self) -> str:
        if "_serving" not in vars(self):  # a traceback may show what could not be made
            return "<SMTPServer, not made>"
        where = self.url if self._place.is_known else "never started"
        state = where if self.is_running else f"{where}, not running"
        return f"<SMTPServer {state}, {len(self._context.mailbox.messages)} messages>"


def _checked(given: Mapping[str, Any]) -> Options:
    options = check_options(given)
    if options.handlers:
        possible.check_handlers(options)
    return options


def hang_up(why: str, seconds: float) -> None:
    """Hang up on all clients that wait; from any thread, also in a signal handler."""
    for server in RUNNING.now():
        server._serving.hang_up(why, seconds)


def _begin_in_child() -> None:
    """Leave to the parent process what is its own, in a child made by fork."""
    BACKGROUND.forget()
    AUTHORITIES.forget_lock()
    for server in RUNNING.forget():
        server._serving.note_fork()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_begin_in_child)
