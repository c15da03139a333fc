"""`SMTPServer`: the handle that a test holds."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Self, TypedDict

import anyio

from . import listening
from .asserting import Asserting
from .background import BACKGROUND
from .callers import caller
from .certificates import AUTHORITIES
from .checks import check_event, check_options
from .context import ServerContext
from .service import LoopService, Service, TaskService
from .waking import running_event_loop

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType
    from typing import Any, TypeVar, Unpack

    from anyio.from_thread import BlockingPortal

    from pytest_smtpserver.mail.collection import Recorded
    from pytest_smtpserver.mail.session import SessionRecord
    from pytest_smtpserver.script.conditions import RuleCriteria
    from pytest_smtpserver.script.rules import Rule
    from pytest_smtpserver.script.script import Rules

    from .certificates import Authority
    from .options import ServerOptions

    T = TypeVar("T")


class Environment(TypedDict, total=False):
    """What `SMTPServer.env` gives to a child process."""

    SMTP_HOST: str
    SMTP_PORT: str
    SMTP_URL: str
    SSL_CERT_FILE: str


#: The servers that run now, for a report on a test that failed.
RUNNING: weakref.WeakSet[SMTPServer] = weakref.WeakSet()


class SMTPServer(Asserting):
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

    def __init__(self, **options: Unpack[ServerOptions]) -> None:
        self._options = check_options(options)
        self._context = ServerContext(self._options, None)
        self._mailbox = self._context.mailbox
        self._port: int | None = None
        self._service: Service | None = None
        self._portal: BlockingPortal | None = None
        self._group: AbstractAsyncContextManager[Any] | None = None

    # Where it is

    @property
    def host(self) -> str:
        """The address where a client on this machine connects; never a name."""
        return listening.reachable_host(self._options.host)

    @property
    def port(self) -> int:
        """The port; 0 for a Unix socket.

        Raises:
            RuntimeError: the server was never started, so that there is none.
        """
        if self._port is None:
            raise RuntimeError(
                "this server has no port before it is started: use "
                "'with SMTPServer(...) as server:' or server.start()"
            )
        return self._port

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for `socket.create_connection`."""
        return self.host, self.port

    @property
    def path(self) -> str | None:
        """The path of the Unix socket, when it listens on one."""
        return self._options.path

    @property
    def hostname(self) -> str:
        """The name in the greeting and in EHLO."""
        return self._options.hostname

    @property
    def url(self) -> str:
        """``smtp://127.0.0.1:49152``; ``smtps:`` for implicit TLS, ``lmtp:``."""
        options = self._options
        scheme = "smtps" if options.tls == "implicit" else "smtp"
        if options.lmtp:
            scheme = "lmtp"
        if options.path is not None:
            return f"{scheme}://{options.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What a child process needs to know, to be merged into its environment.

        ``SMTP_HOST``, ``SMTP_PORT``, ``SMTP_URL``, and ``SSL_CERT_FILE`` where TLS is
        on. A new dict each time.
        """
        env = {
            "SMTP_HOST": self.host,
            "SMTP_PORT": str(self.port),
            "SMTP_URL": self.url,
        }
        if self._options.tls is not None:
            env["SSL_CERT_FILE"] = self.ca_file
        return env

    @property
    def ca_file(self) -> str:
        """Path of a PEM file with the certificate of the CA; there until the run ends."""
        return self._authority().file

    def client_context(self) -> ssl.SSLContext:
        """A TLS context that trusts the CA of this server, verification on."""
        return self._authority().client_context()

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
    def errors(self) -> list[Exception]:
        """What handlers raised, and faults of the server's own."""
        return self._context.errors

    @property
    def rules(self) -> Rules:
        """The rules in force, in the order in which they are tried."""
        return self._context.script.rules

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
            ValueError: the event can never happen with the options of this server.
        """
        check_event(event, match, self._options)
        return self._context.script.add(
            event, match, criteria, first=first, made_at=caller()
        )

    def reset(self) -> None:
        """Forget messages, sessions, errors and rules; handlers are options, and stay."""
        self.messages.clear()
        self.sessions.clear()
        self.errors.clear()
        self.rules.clear()

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
            self._on_loop_async(self._service.end_connections)
        self._options = checked
        authority = self._authority() if checked.tls is not None else None
        self._context.use(checked, authority)
        self._context.script.use_handlers(checked.handlers)
        self.reset()

    def check(self) -> None:
        """Complain about rules that were never used, and raise what went wrong.

        Under pytest the fixtures do that at the end of each test.

        Raises:
            RuleNotUsed: a rule without `Rule.optional` was never used.
            ExceptionGroup: more than one thing went wrong.
        """
        problems: list[Exception] = list(self.errors)
        unused = self._context.script.check_used()
        if unused is not None:
            problems.append(unused)
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise ExceptionGroup("the SMTP server of this test complains", problems)

    # Starting and stopping

    def start(self) -> Self:
        """Start serving from the background thread.

        Raises:
            OSError: the port is taken, or the host is not this machine's.
            RuntimeError: it runs already.
        """
        listener = self._bind()
        try:
            portal = BACKGROUND.acquire()
            service = LoopService(self._context)
            try:
                portal.call(service.open, listener)
            except BaseException:
                BACKGROUND.release()
                raise
        except BaseException:
            listener.close()
            raise
        self._portal, self._service = portal, service
        RUNNING.add(self)
        return self

    def stop(self) -> None:
        """Stop serving, with clients still connected in at most ``close_timeout``.

        What was recorded stays. Stopping a server that does not run does nothing.
        """
        if self._service is None or self._portal is None:
            return
        try:
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

    def _bind(self) -> Any:
        if self._service is not None:
            raise RuntimeError(f"this server runs already, at {self.url}")
        if self._options.tls is not None:
            self._context.use(self._options, self._authority())
        port = self._options.port if self._port is None else self._port
        listener = listening.bind(self._options, port)
        if self._options.path is None:
            self._port = listener.getsockname()[1]
        else:
            self._port = 0
        return listener

    def _stopped(self) -> None:
        self._service = None
        RUNNING.discard(self)
        if self._options.path is not None:
            listening.unlink(self._options.path)

    def _authority(self) -> Authority:
        return AUTHORITIES.authority(self._options.ca)

    # What waits and assertions need

    def _on_loop(self, call: Callable[..., T], *arguments: Any) -> T:
        """Call on the event loop that serves."""
        if self._portal is not None and running_event_loop() is None:
            return self._portal.call(call, *arguments)
        if self._portal is not None:
            # From inside another event loop: the portal's own call would be refused.
            done: T = self._portal.start_task_soon(_as_task, call, arguments).result()
            return done
        return call(*arguments)

    def _on_loop_async(self, call: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run to its end on the event loop that serves."""
        if self._portal is None:
            raise RuntimeError("this server is of this event loop: stop it instead")
        self._portal.start_task_soon(call).result()

    def _when_idle(self, call: Callable[[], None], *, quiet: bool) -> None:
        service = self._service
        if service is None:
            call()
            return
        self._on_loop(lambda: service.when_idle(call, quiet=quiet))

    def _forget_watcher(self, call: Callable[[], None]) -> None:
        if self._service is not None:
            self._on_loop(self._service.forget_watcher, call)

    def _in_flight(self) -> list[SessionRecord]:
        if self._service is None:
            return []
        connections = self._on_loop(self._service.open_connections)
        return [one.record for one in connections if one.in_flight]

    def _all_sessions(self) -> list[SessionRecord]:
        return list(self.sessions)

    def __repr__(self) -> str:
        where = self.url if self._port is not None else "never started"
        state = "" if self._service is not None else ", not running"
        return f"<SMTPServer {where}{state}, {len(self.messages)} messages>"


async def _as_task(call: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    return call(*arguments)
