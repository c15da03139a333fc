"""pytest's door: fixtures, marker, settings, and what a failed test is told.

Light on purpose: whoever has the plugin installed pays for this module in every run.
The server, and anyio, trustme, ssl and asyncio with it, is loaded by the first fixture.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from typing import Any, Unpack

    import trustme

    from pytest_smtpserver.server.options.options import ServerOptions
    from pytest_smtpserver.server.server import SMTPServer

_MARKER_HELP = (
    "smtp_server(**options): options of the smtp_server fixture for a test, class or "
    "module, merged option by option, the closest wins; see the README of "
    "pytest-smtpserver"
)


class _TestServers:
    """The servers of one test, in the order in which it got them."""

    def __init__(self) -> None:
        self.servers: list[SMTPServer] = []
        #: A report of this test has told about them already.
        self.reported = False
        #: Exceptions that the test has been told of, or that it need not be told of.
        self.told: list[Exception] = []
        #: A part of the test has failed, and the test with it.
        self.failed = False

    def complain(self) -> None:
        """Raise what the servers have to say.

        Raises:
            AssertionError: a rule was not used, or a client has broken an RFC.
            Exception: what a handler or a server has raised.
        """
        __tracebackhide__ = True
        self.told = [error for server in self.servers for error in server.errors]
        self.failed = True
        for server in self.servers:
            server.check()
        self.failed = False

    def complain_late(self, server: SMTPServer) -> None:
        """Raise what has happened since `complain`, while the test was torn down.

        Raises:
            Exception: what a handler or the server has raised.
        """
        __tracebackhide__ = True
        late = [
            error
            for error in server.errors
            if not any(error is one for one in self.told)
        ]
        if self.failed or not late:
            return
        if len(late) > 1:
            raise ExceptionGroup("an SMTP server complains after the test", late)
        raise late[0]


_SERVERS = pytest.StashKey[_TestServers]()
_RUN = pytest.StashKey["_Run"]()


class _Run:
    """What lives as long as the run: the event loop thread, the long-lived server."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self.shared: SMTPServer | None = None
        self._held = False

    def hold_background(self) -> None:
        """Keep the event loop thread from now to the end of the run."""
        if not self._held:
            from pytest_smtpserver.server.io.background import BACKGROUND  # noqa: PLC0415
            from pytest_smtpserver.server.tls.certificates import (  # noqa: PLC0415
                AUTHORITIES,
            )

            self._held = True
            BACKGROUND.acquire()
            self.stack.callback(BACKGROUND.release)
            self.stack.callback(AUTHORITIES.close)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings."""
    parser.addini(
        "smtp_server_scope",
        "how long the server behind the smtp_server fixture lives: 'function', or "
        "'session' for one server on one port, reset around each test",
        default="function",
    )
    parser.addini(
        "smtp_server_timeout",
        "how long waits of an SMTP server may take, in seconds",
        default="5",
    )
    group = parser.getgroup("smtp", "SMTP servers")
    group.addoption(
        "--smtp-transcript",
        choices=("failed", "full", "all", "none"),
        default="failed",
        help="which tests' reports tell what their SMTP servers have seen: those that "
        "failed, in at most about 200 lines for a server (the default) or in full, as "
        "-vv does; those of all tests; none",
    )
    group.addoption(
        "--smtp-save",
        metavar="DIR",
        help="save the messages (.eml) and transcripts of each test's SMTP servers in "
        "a folder of DIR",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and check the settings."""
    config.addinivalue_line("markers", _MARKER_HELP)
    scope = config.getini("smtp_server_scope")
    if scope not in ("function", "session"):
        raise pytest.UsageError(
            f"smtp_server_scope is 'function' or 'session', not {scope!r}"
        )
    _timeout(config)
    if directory := config.option.smtp_save:
        from pathlib import Path  # noqa: PLC0415 - pytest has it; nobody else needs it

        folder = Path(config.invocation_params.dir, directory)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"--smtp-save: {error}") from error
        # Absolute, also for the workers of pytest-xdist.
        config.option.smtp_save = str(folder)
    run = config.stash[_RUN] = _Run()
    config.add_cleanup(run.stack.close)


def _timeout(config: pytest.Config) -> float:
    value = config.getini("smtp_server_timeout")
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise pytest.UsageError(
            f"smtp_server_timeout is a number of seconds above 0, not {value!r}"
        )
    return seconds


# Fixtures


@pytest.fixture(scope="session")
def smtp_server_options() -> Mapping[str, Any]:
    """Options for the SMTP servers of the tests below; override it in a conftest."""
    return {}


@pytest.fixture(scope="session")
def smtp_ca() -> trustme.CA:
    """The CA that signs the certificates of SMTP servers: a trustme.CA."""
    from pytest_smtpserver.server.tls.certificates import default_ca  # noqa: PLC0415

    return default_ca()


@pytest.fixture
def trust_smtp_ca(smtp_ca: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> str:
    """Trust the SMTP CA by SSL_CERT_FILE, in this test and the processes it starts."""
    from pytest_smtpserver.server.tls.certificates import AUTHORITIES  # noqa: PLC0415

    file = AUTHORITIES.authority(smtp_ca).file
    monkeypatch.setenv("SSL_CERT_FILE", file)
    return file


@pytest.fixture
def smtp_server_factory(
    request: pytest.FixtureRequest,
    smtp_server_options: Mapping[str, Any],
    smtp_ca: trustme.CA,
) -> Iterator[Callable[[Unpack[ServerOptions]], SMTPServer]]:
    """Start one more SMTP server, with options of its own; stopped with the test."""
    from pytest_smtpserver.server.server import SMTPServer  # noqa: PLC0415

    _run_of(request.config).hold_background()
    servers: list[SMTPServer] = []

    def start(**options: Unpack[ServerOptions]) -> SMTPServer:
        __tracebackhide__ = True
        merged = {"ca": smtp_ca, **_options_of(request, smtp_server_options), **options}
        server = SMTPServer(**merged)
        _configure(server, request.config)
        server.start()
        servers.append(server)
        _servers_of(request.node).servers.append(server)
        return server

    yield start
    for server in reversed(servers):
        server.stop()
    for server in servers:
        _servers_of(request.node).complain_late(server)


@pytest.fixture
def smtp_server(
    request: pytest.FixtureRequest,
    smtp_server_options: Mapping[str, Any],
    smtp_ca: trustme.CA,
) -> Iterator[SMTPServer]:
    """A started SMTP server of this test's own: .host, .port, .messages, .on(...)."""
    options = {"ca": smtp_ca, **_options_of(request, smtp_server_options)}
    if request.config.getini("smtp_server_scope") == "session":
        yield from _shared_server(request, options)
        return
    from pytest_smtpserver.script.mistakes import naming_the_source  # noqa: PLC0415
    from pytest_smtpserver.server.server import SMTPServer  # noqa: PLC0415

    _run_of(request.config).hold_background()
    with naming_the_source(request.node):
        server = SMTPServer(**options)
    _configure(server, request.config)
    server.start()
    _servers_of(request.node).servers.append(server)
    yield server
    server.stop()
    _servers_of(request.node).complain_late(server)


def _shared_server(
    request: pytest.FixtureRequest, options: dict[str, Any]
) -> Generator[SMTPServer, None, None]:
    """The long-lived server, with this test's options, as if it were new."""
    from pytest_smtpserver.server.server import SMTPServer  # noqa: PLC0415

    run = _run_of(request.config)
    run.hold_background()
    if run.shared is None:
        server = SMTPServer(**options)
        _configure(server, request.config)
        server.start()
        run.stack.callback(server.stop)
        run.shared = server
    else:
        try:
            run.shared.renew(**options)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error
    if not run.shared.is_running:  # an earlier test has stopped it
        run.shared.start()
    _servers_of(request.node).servers.append(run.shared)
    yield run.shared
    try:
        _servers_of(request.node).complain_late(run.shared)
    finally:
        run.shared.renew(**options)


def _configure(server: SMTPServer, config: pytest.Config) -> None:
    server.default_timeout = _timeout(config)
    server.explain_in_full = _in_full(config)


def _in_full(config: pytest.Config) -> bool:
    return bool(config.getoption("verbose") >= 2)


def _run_of(config: pytest.Config) -> _Run:
    return config.stash[_RUN]


def _servers_of(item: pytest.Item) -> _TestServers:
    return item.stash.setdefault(_SERVERS, _TestServers())


def _options_of(
    request: pytest.FixtureRequest, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of a test: its markers, the closest first, over the fixture's."""
    options = dict(given)
    for marker in reversed(list(request.node.iter_markers("smtp_server"))):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.smtp_server takes options by name, not {marker.args!r}"
            )
        options.update(marker.kwargs)
    return options


# What a test is told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that would pass although its servers have something to say."""
    __tracebackhide__ = True
    try:
        outcome = yield
    except BaseException as failure:
        if (servers := item.stash.get(_SERVERS, None)) is not None:
            servers.failed = True
            _tell_reasons(failure, servers)
        raise
    servers = item.stash.get(_SERVERS, None)
    if servers is not None and not servers.failed:
        for server in servers.servers:
            server.settle()
        servers.complain()
    return outcome


def _tell_reasons(failure: BaseException, servers: _TestServers) -> None:
    """Name what handlers have raised: it may be why the test has failed."""
    for error in (error for server in servers.servers for error in server.errors):
        if error is failure:
            continue
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = ""
        if place is not None:
            where = f", at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
        failure.add_note(f"What went wrong on the server before{where}: {error!r}")


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Explain comparisons of messages, and those with ``containing``."""
    if "pytest_smtpserver.mail.search.matching" not in sys.modules:
        return None
    from pytest_smtpserver.mail.search.comparing import compared  # noqa: PLC0415

    return compared(op, left, right, full=_in_full(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell in the report of a test what its servers have seen, and save it."""
    report = yield
    told = item.stash.get(_SERVERS, None)
    report = _told_in(report, told, item, call.when)
    if told is not None:
        # A subtest, or a TestCase, raises nothing where the test is called.
        told.failed = told.failed or report.failed
        if call.when == "teardown":
            del item.stash[_SERVERS]  # the test may be run again
    return report


def _told_in(
    report: pytest.TestReport, told: _TestServers | None, item: pytest.Item, when: str
) -> pytest.TestReport:
    wanted = item.config.option.smtp_transcript
    done = when == "call" or report.failed
    if not done or wanted == "none" == (item.config.option.smtp_save or "none"):
        return report
    found = _servers_for_report(item)
    if not found or (told is not None and told.reported):
        return report
    from pytest_smtpserver import reporting  # noqa: PLC0415

    for server in found:
        server.settle()
    reports = [server.report() for server in found]
    if wanted == "all" or (wanted in ("failed", "full") and report.failed):
        _servers_of(item).reported = True
        reporting.attach(reports, item, report)
    if item.config.option.smtp_save:
        reporting.save(reports, item.config.option.smtp_save, item.nodeid)
    return report


def _servers_for_report(item: pytest.Item) -> list[SMTPServer]:
    """The servers of the fixtures, and those that run beside them."""
    servers = item.stash.get(_SERVERS, None)
    found = list(servers.servers) if servers is not None else []
    loaded = sys.modules.get("pytest_smtpserver.server.server")
    if loaded is not None:
        shared = item.config.stash[_RUN].shared
        found += [
            server
            for server in list(loaded.RUNNING)
            if server is not shared and not any(server is one for one in found)
        ]
    return found


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Give our sections colour, and show those of tests that passed."""
    stats = terminalreporter.stats
    if not any(
        section[0].startswith("SMTP server")
        for reports in stats.values()
        for report in reports
        for section in getattr(report, "sections", ())
    ):
        return (yield)
    from pytest_smtpserver import reporting  # noqa: PLC0415

    writer = config.get_terminal_writer()
    everything = [report for reports in stats.values() for report in reports]
    painted = []
    if writer.hasmarkup:
        painted = list(reporting.coloured(everything, writer.markup))
    try:
        # pytest shows the sections of a passed test with -rP and -rA.
        if not set(config.getoption("reportchars")) & set("PA"):
            reporting.show_passed(terminalreporter)
        return (yield)
    finally:
        for restore in painted:
            restore()
