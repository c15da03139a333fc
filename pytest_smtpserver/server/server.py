"""`SMTPServer`: the handle that a test holds."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Self

import anyio

from pytest_smtpserver.mail.lint.advice import advice
from pytest_smtpserver.mail.lint.violations import ProtocolViolated, explain, violations
from pytest_smtpserver.mail.report import Report
from pytest_smtpserver.script.mistakes import told_to_the_caller

from .asserting import Asserting
from .callers import caller
from .context import ServerContext
from .io import listening
from .io.background import BACKGROUND
from .io.waking import running_event_loop
from .loop_service import LoopService
from .misbehaving import Misbehaving
from .options.checks import check_criteria, check_event, check_options, with_certificate
from .place import Place
from .task_service import TaskService

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Any, TypeVar, Unpack

    from anyio.from_thread import BlockingPortal

    from pytest_smtpserver.mail.collection import Recorded
    from pytest_smtpserver.mail.lint.findings import Advice, Violation
    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.script.conditions import RuleCriteria
    from pytest_smtpserver.script.rules import Rule
    from pytest_smtpserver.script.script import Rules

    from .options.options import Certificate, ServerOptions
    from .service import Service

    T = TypeVar("T")


#: The servers that run now, for a report on a test that failed.
RUNNING: weakref.WeakSet[SMTPServer] = weakref.WeakSet()


class SMTPServer(Place, Asserting, Misbehaving):
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

    @told_to_the_caller
    def __init__(self, **options: Unpack[ServerOptions]) -> None:
        self._options = check_options(options)
        self._context = ServerContext(self._options, None)
        self._mailbox = self._context.mailbox
        self._port: int | None = None
        self._service: Service | None = None
        self._portal: BlockingPortal | None = None
        self._group: AbstractAsyncContextManager[Any] | None = None
        #: The test was told of rules that were never used.
        self._complained = False

    @property
    def is_running(self) -> bool:
        """It accepts connections."""
        return self._service is not None

    # What it has seen

    @property
    def sessions(self) -> Recorded[SessionRecord]:
        """Every connection, also those that delivered nothing."""
        return self._context.sessions

    @property
    def violations(self) -> list[Violation]:
        """What the clients did that an RFC forbids; worked out when it is asked for."""
        return violations(self.sessions)

    @property
    def advice(self) -> list[Advice]:
        """What the clients did that is allowed and unwise."""
        return advice(self.sessions)

    @property
    def errors(self) -> list[Exception]:
        """What handlers raised, and faults of the server's own."""
        return self._context.errors

    @property
    def rules(self) -> Rules:
        """The rules in force, in the order in which they are tried."""
        return self._context.script.rules

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
        check_event(event, match, self._options)
        check_criteria(event, criteria, self._options)
        return self._context.script.add(
            event, match, criteria, first=first, made_at=caller()
        )

    def reset(self) -> None:
        """Forget messages, sessions, errors and rules; handlers are options, and stay."""
        self.messages.clear()
        self.sessions.clear()
        self.errors.clear()
        self.rules.clear()
        self._complained = False

    @told_to_the_caller
    def renew(self, **options: Unpack[ServerOptions]) -> None:
        """Make it as good as new, with these options: no rules, records, connections.

        For a server that outlives the tests that use it.

        Raises:
            TypeError: there is no such option, or its value is of the wrong type.
            ValueError: the value is not allowed, or the option is one of those that
                cannot change while a server runs (host, port, path, backlog).
        """
        checked = check_options(options)
        for name in ("host", "port", "path", "backlog"):
            now, wanted = getattr(self._options, name), getattr(checked, name)
            if now != wanted and not (name == "port" and wanted == self._port):
                raise ValueError(
                    f"option {name}: {wanted!r} is not allowed: this server lives "
                    f"longer than the test, and stays with {now!r}"
                )
        if self._service is not None:
            self._finish_on_loop(self._service.end_connections)
        self._options = checked
        authority = self._authority() if checked.tls is not None else None
        self._context.use(checked, authority)
        self._context.script.use_handlers(checked.handlers)
        self.reset()

    def report(self) -> Report:
        """What the report of a failed test tells about this server."""
        facts = [f"{name}={value!r}" for name, value in self._options.changed().items()]
        where = self.url if self._port is not None else "nothing: it never started"
        unused = None if self._complained else self._context.script.check_used()
        return Report(
            where,
            facts,
            list(self.messages),
            list(self.sessions),
            "" if unused is None else str(unused),
        )

    def check(self) -> None:
        """Complain about rules that were never used, and raise what went wrong.

        Under pytest the fixtures do that at the end of each test.

        Raises:
            RuleNotUsed: a rule without `Rule.optional` was never used.
            ProtocolViolated: a client broke an RFC, and the option ``strict`` is set.
            ExceptionGroup: more than one thing went wrong.
        """
        __tracebackhide__ = True  # whoever reads the failure needs none of this
        problems: list[Exception] = list(self.errors)
        unused = self._context.script.check_used()
        if unused is not None:
            problems.append(unused)
            self._complained = True
        if self._options.strict and (broken := self.violations):
            problems.append(ProtocolViolated(explain(broken)))
        if len(problems) == 1:
            _complain(problems[0])
        if problems:
            _complain(
                ExceptionGroup("the SMTP server of this test complains", problems)
            )

    # Starting and stopping

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
        listener = self._bind(listener)
        try:
            portal = BACKGROUND.acquire()
        except BaseException:
            listener.close()
            raise
        service = LoopService(self._context, listener)
        # It listens already: clients wait in its queue, and nobody here has to.
        BACKGROUND.call_soon(service.open, listener)
        self._portal, self._service = portal, service
        RUNNING.add(self)
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
        service = self._service
        if service is None:
            raise RuntimeError("this server does not run: start it first")
        listening.check_connected(connected)
        self._on_loop(service.take_in, connected)

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
        if self._options.tls is None:
            raise RuntimeError(
                "this server has no TLS: give it tls='starttls' or tls='implicit'"
            )
        options = with_certificate(self._options, certificate)
        self._context.use(options, self._authority())
        self._options = options

    def stop(self) -> None:
        """Stop serving, with clients still connected in at most ``close_timeout``.

        What was recorded stays. Stopping a server that does not run does nothing.
        """
        if self._service is None or self._portal is None:
            return
        try:
            if not self._on_loop(self._service.close_at_once):
                self._portal.call(self._service.close)
        finally:
            self._portal = None
            self._stopped()
            BACKGROUND.release()

    def __enter__(self) -> Self:
        # The factory's servers run already.
        return self if self.is_running else self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        listener = self._bind()
        try:
            self._service = await self._serve_here(listener)
        except BaseException:
            listener.close()
            raise
        RUNNING.add(self)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        service, group = self._service, self._group
        self._group = None
        if service is not None:
            with anyio.CancelScope(shield=True):
                await service.close()
        self._stopped()
        if group is not None:
            await group.__aexit__(None, None, None)

    async def _serve_here(self, listener: Any) -> Service:
        if running_event_loop() == "asyncio":
            loop_service = LoopService(self._context)
            try:
                loop_service.open(listener)
            except NotImplementedError:
                pass  # a loop that cannot watch sockets
            else:
                return loop_service
        service = TaskService(self._context)
        group = anyio.create_task_group()
        self._group = group
        service.open(listener, await group.__aenter__())
        return service

    def _bind(self, given: socket.socket | None = None) -> socket.socket:
        if self._service is not None:
            raise RuntimeError(f"this server runs already, at {self.url}")
        if given is not None:
            self._options = listening.take_over(given, self._options)
        if self._options.tls is not None:
            self._context.use(self._options, self._authority())
        if given is not None:
            self._port = listening.port_of(given)
            return given
        port = self._options.port if self._port is None else self._port
        listener = listening.bind(self._options, port)
        self._port = listening.port_of(listener)
        return listener

    def _stopped(self) -> None:
        self._service = None
        RUNNING.discard(self)
        if self._options.path is not None:
            listening.unlink(self._options.path)

    # What waits and assertions need

    def _on_loop(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call on the event loop that serves."""
        if self._portal is not None:
            return BACKGROUND.call(call, *arguments)
        return call(*arguments)

    @property
    def _has_own_thread(self) -> bool:
        return self._portal is not None

    def _finish_on_loop(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run to its end on the event loop that serves."""
        if self._portal is None:
            raise RuntimeError("this server is of this event loop: stop it instead")
        done: T = self._portal.start_task_soon(call).result()
        return done

    def _when_idle(self, call: Callable[[], None], *, quiet: bool) -> None:
        service = self._service
        if service is None or service.is_deserted:
            call()
            return
        self._on_loop(lambda: service.when_idle(call, quiet=quiet))

    def _forget_watcher(self, call: Callable[[], None]) -> None:
        if self._service is not None:
            self._on_loop(self._service.forget_watcher, call)

    def _in_flight(self) -> list[tuple[SessionRecord, str]]:
        if self._service is None:
            return []
        connections = self._on_loop(self._service.open_connections)
        return [(one.record, one.held_up_by) for one in connections if one.in_flight]

    def _all_sessions(self) -> list[SessionRecord]:
        return list(self.sessions)

    def __repr__(self) -> str:
        where = self.url if self._port is not None else "never started"
        state = "" if self._service is not None else ", not running"
        return f"<SMTPServer {where}{state}, {len(self.messages)} messages>"


def _complain(problem: Exception) -> None:
    """Raise it, where pytest has next to nothing to show around the message."""
    raise problem
