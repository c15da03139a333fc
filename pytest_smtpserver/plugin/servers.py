"""The servers of a test, and what lives as long as the run.

Loaded by the first fixture that starts one; see `fixtures`.
"""

from __future__ import annotations

import re
import traceback
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.script.mistakes import place
from pytest_smtpserver.server.asserting import held_up
from pytest_smtpserver.server.io import background
from pytest_smtpserver.server.io.clock import STANDSTILL
from pytest_smtpserver.server.server import RUNNING, SMTPServer
from pytest_smtpserver.server.tls.authorities import AUTHORITIES

from .configuration import as_written, in_full, options_of, timeout
from .interruptions import END, CtrlC, hidden_end

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any, Self, Unpack

    from pytest_smtpserver.mail.report import Report
    from pytest_smtpserver.server.options.typed import ServerOptions

_RUN = pytest.StashKey["_Run"]()
_SERVERS = pytest.StashKey["TestServers"]()
#: How often a test was run before: pytest-rerunfailures and its like run it again.
_RUNS = pytest.StashKey[int]()
#: Seconds in which servers come to rest, unless something keeps them from it.
_TO_ANSWER = 0.2
#: How many errors of handlers a failure tells of, and in how many lines each.
_TOLD, _LINES = 10, 30
#: How many servers that a test has started and stopped itself are in its reports.
_ENDED = 5


class _Run:
    """What lives as long as the run: the event loop thread, the long-lived server."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stack = ExitStack()
        #: The long-lived server, which belongs to a test by its fixture only.
        self.shared: SMTPServer | None = None
        threads = background.BACKGROUND
        self._stack.callback(threads.release, threads.acquire())
        self._stack.callback(AUTHORITIES.close)
        self._stack.callback(STANDSTILL.end)  # after "quit" in the debugger
        self.ctrl_c: CtrlC = CtrlC()
        self._stack.callback(self.ctrl_c.close)
        background.BEFORE_A_WAIT.append(self.look_out)
        self._stack.callback(background.BEFORE_A_WAIT.remove, self.look_out)
        config.add_cleanup(self._stack.close)

    def new_server(self, options: dict[str, Any]) -> SMTPServer:
        """A server with these options and the settings of the run."""
        __tracebackhide__ = True
        server = SMTPServer(**options)
        server.default_timeout = timeout(self._config)
        server.explain_in_full = in_full(self._config)
        return server

    def session_server(self, options: dict[str, Any]) -> SMTPServer:
        self.shared = self.new_server(options).start()
        return self.shared

    def look_out(self) -> None:
        """Hear of Ctrl-C from now on."""
        if not background.threads_take_turns():
            self.ctrl_c.listen()


def run_of(config: pytest.Config) -> _Run:
    """What lives as long as this run; the first call makes it."""
    run = config.stash.get(_RUN, None)
    if run is None:
        run = config.stash[_RUN] = _Run(config)
    return run


class TestServers:
    """The servers of one test, in the order in which it got them."""

    __test__ = False

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._servers: list[SMTPServer] = []
        #: The servers that reports tell of, in the order in which they were found.
        self.seen: list[SMTPServer] = []
        #: Whether a report of this test has shown them.
        self._shown = False
        #: How many messages and sessions were saved, by the number of the server.
        self._saved: dict[int, tuple[int, int]] = {}
        #: Whether the test function still runs: a report is about a subtest then.
        self._in_call = True
        #: Exceptions that the test has heard of already, or does not need to hear of.
        self._told: list[Exception] = []
        #: Whether the test, or a part of it, has failed; by what it has failed last.
        self._failed = False
        self._failure: BaseException | None = None

    def add(self, server: SMTPServer) -> None:
        """Add a server that the test has got."""
        self._servers.append(server)
        self.look_out()

    def look_out(self) -> None:
        """Hear of Ctrl-C from now on, where a server runs."""
        if RUNNING.now():
            run_of(self._item.config).look_out()

    def note_failure(self, failure: BaseException) -> None:
        """Add to the failure what has gone wrong on the servers: it may be the reason.

        It may be the time-out of a client, which knows nothing of that.
        """
        self._failed, self._failure, self._in_call = True, failure, False
        if isinstance(failure, END):
            return  # the run ends at once, and pytest prints it as one line
        for server in self._servers:
            server.settle(timeout=_TO_ANSWER)
        for note in self.troubles(self._servers):
            failure.add_note(note)

    def troubles(self, servers: Collection[SMTPServer]) -> list[str]:
        """What has gone wrong on servers, but for what the failure says, in words.

        That is what handlers have raised, what blocks the event loop, and which rule
        keeps a client waiting.
        """
        known = {id(self._failure), *map(id, getattr(self._failure, "exceptions", ()))}
        notes = dict.fromkeys(  # all servers wait for the same event loop
            f"What went wrong on the server before{_place(error)}: {_shown(error)}"
            for server in servers
            for error in server.errors
            if id(error) not in known
        )
        told = list(notes)[:_TOLD]
        if (left := len(notes) - _TOLD) > 0:
            told.append(f"… and {left} more errors, all in server.errors")
        said = str(self._failure)
        return [*told, *(one for s in servers for one in held_up(s, said=said))]

    def complain(self) -> None:
        """Fail a test that would pass although its servers have something to say.

        Raises:
            AssertionError: a rule was not used, or a client has broken an RFC.
            Exception: what a handler or a server has raised.
        """
        __tracebackhide__ = True
        self._in_call = False
        if self._failed:
            return
        for server in self._servers:
            server.settle()
        self._told = self._errors()
        self.end_the_run()
        self._failed = True
        for server in self._servers:
            server.check()
        self._failed = False

    def complain_late(self, servers: list[SMTPServer]) -> None:
        """Raise what has happened since `complain`, while the test was torn down.

        Raises:
            Exception: what a handler or a server has raised.
        """
        __tracebackhide__ = True
        if self._failed:
            return
        told = set(map(id, self._told))
        late = [one for s in servers for one in s.errors if id(one) not in told]
        if len(late) > 1:
            raise ExceptionGroup("an SMTP server complains after the test", late)
        if late:
            raise late[0]

    def end_the_run(self) -> None:
        """End the run where a handler has called `pytest.exit`.

        Raises:
            pytest.exit.Exception: it has.
        """
        __tracebackhide__ = True
        for error in self._errors():
            if isinstance(error, pytest.exit.Exception):
                raise error

    def note_outcome(
        self, report: pytest.TestReport, failure: BaseException | None
    ) -> None:
        """Note whether the test has failed, and why: subtests and TestCases raise nothing."""
        self._failed, self._failure = self._failed or report.failed, failure
        run = self._item.config.stash.get(_RUN, None)
        in_vain = run is not None and run.ctrl_c.was_in_vain() and report.failed
        if end := hidden_end(failure) or "KeyboardInterrupt" * in_vain:
            self._item.session.shouldstop = end

    def shows(self, report: pytest.TestReport, *, always: bool) -> bool:
        """Whether this report shows the servers; `always` also where the test passed.

        The report of each subtest that fails shows them. A later report of the test
        does so only if none has shown them yet.
        """
        if report.when == "call" and report.failed:
            shows = True
        else:
            over = report.when == "call" and not self._in_call
            shows = not self._shown and (report.failed or (always and over))
        self._shown = self._shown or shows
        return shows

    def look(self) -> None:
        """Find the servers beside those of the fixtures, also stopped ones; let all settle."""
        run = self._item.config.stash.get(_RUN, None)
        for server in (*self._servers, *RUNNING.ended, *RUNNING.now()):
            asked = "smtp_session_server" in getattr(self._item, "fixturenames", ())
            beside = run is None or server is not run.shared or asked
            if server not in self.seen and (beside or server in self._servers):
                self.seen.append(server)
        for server in self.seen:
            server.settle()

    def has_news(self, number: int, seen: Report) -> bool:
        """Whether a server has more to save than at an earlier report of the test.

        It may have less: a long-lived server is emptied before the last report.
        """
        size = len(seen.messages), len(seen.sessions)
        before = self._saved.get(number, (-1, -1))
        self._saved[number] = max(size, before)
        return size > before

    @property
    def name(self) -> str:
        """The test, and which of its runs this is, where it runs more than once."""
        runs = self._item.stash.get(_RUNS, 0)
        return f"{self._item.nodeid}-run-{runs + 1}" if runs else self._item.nodeid

    def forget(self) -> None:
        """Forget the servers: the test has ended, and may run again with other ones."""
        stash = self._item.stash
        stash[_RUNS] = stash.get(_RUNS, 0) + 1
        del stash[_SERVERS]
        RUNNING.remember(0)
        for server in RUNNING.now():
            server._context.begin()  # what came until now is not missing on another one

    def _errors(self) -> list[Exception]:
        return [error for server in self._servers for error in server.errors]


def servers_of(item: pytest.Item) -> TestServers:
    """The servers of a test."""
    servers = item.stash.get(_SERVERS, None)
    if servers is None:
        servers = item.stash[_SERVERS] = TestServers(item)
        RUNNING.remember(_ENDED)
    return servers


class Factory:
    """Starts servers for a test, and stops them with it.

    The test's markers win over the options of the fixtures.
    """

    def __init__(self, item: pytest.Item, options: Mapping[str, Any]) -> None:
        self._item = item
        self._given = options
        self._options = options_of(item, options)
        self._started: list[SMTPServer] = []

    def __call__(self, **options: Unpack[ServerOptions]) -> SMTPServer:
        """Start one more server; these options win over all others.

        Raises:
            TypeError: there is no such option, or its value is of the wrong type.
            ValueError: the value is not allowed, or not together with another.
        """
        __tracebackhide__ = True
        with naming_the_source(self._item, self._given, options):
            server = run_of(self._item.config).new_server({**self._options, **options})
        self._started.append(server)  # Ctrl-C may come while it starts
        server.start()
        servers_of(self._item).add(server)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Stop the servers, and raise what has gone wrong since the test ended."""
        for server in reversed(self._started):
            server.stop()
        if kind is None:
            servers_of(self._item).complain_late(self._started)


def texts_of_messages() -> Iterator[str]:
    """What `text` and `html` have given to tests, of all servers that run now."""
    for server in RUNNING.now():
        for message in server.messages:
            yield from (message.text, message.html)


@contextmanager
def renewed(
    server: SMTPServer, item: pytest.Item, options: Mapping[str, Any]
) -> Iterator[None]:
    """The long-lived server, as new before and after the test, with its options."""
    __tracebackhide__ = True
    own = options_of(item, options)
    with naming_the_source(item, options):
        try:
            server.renew(**own)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
    if not server.is_running:  # an earlier test has stopped it
        server.start()
    servers_of(item).add(server)
    yield
    try:
        servers_of(item).complain_late([server])
    finally:
        server.renew(**own)


@contextmanager
def naming_the_source(
    node: pytest.Item | pytest.Session,
    given: Mapping[str, Any],
    call: Collection[str] = (),
) -> Iterator[None]:
    """Add to an error about an option where that option comes from.

    The traceback shows the options of the call; those given by the fixture
    ``smtp_server_options`` it does not.
    """
    __tracebackhide__ = True
    try:
        yield
    except (TypeError, ValueError, pytest.UsageError) as error:
        found = re.search(_OPTION, str(error))
        name = found[1] if found else ""
        if name not in call:
            for note in _sources(node, given, name) or _sources(node, given):
                error.add_note(note)
            if node.nodeid:
                error.add_note(f"of {node.nodeid}; see also smtp_server_options")
        raise


#: The option that an error is about.
_OPTION = r"option '?(\w+)"


def _sources(
    node: pytest.Item | pytest.Session,
    given: Mapping[str, Any],
    name: str | None = None,
) -> list[str]:
    """Where an option comes from, the closest place; with None, all the places."""
    found = [
        f"from {as_written(marker)}"
        for marker in node.iter_markers("smtp_server")
        if name is None or name in marker.kwargs
    ]
    for key, value in given.items():
        if key == name or (name is None and key != "ca"):
            found.append(
                f"from the fixture smtp_server_options, which has {key}={value!r}"
            )
    if name in (None, "fail_on") and (ini := node.config.getini("smtp_server_fail_on")):
        found.append(f"from the ini option smtp_server_fail_on = {' '.join(ini)}")
    return found if name is None else found[:1]


def _place(error: BaseException) -> str:
    """Where the test's own function raised it, or called what did."""
    file, at = None, ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = frame.f_code.co_filename
        ours = str(frame.f_globals.get("__name__")).startswith("pytest_smtpserver.")
        if frame.f_code.co_name == "_complain":  # in front of it are frames of pytest
            file, at = None, ""
        elif not ours and file in (None, path):
            file, at = path, f", at {place(path, line)}"
    return at if at or error.__cause__ is None else _place(error.__cause__)


def _shown(error: Exception) -> str:
    from pytest_smtpserver.mail.report import cut  # noqa: PLC0415 - for failures

    lines = [*map(printable, f"{type(error).__name__}: {error}".strip().split("\n"))]
    return "\n  ".join(cut(lines, _LINES)) if lines[1:] else printable(repr(error))
