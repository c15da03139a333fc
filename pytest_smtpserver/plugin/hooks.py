"""What a test is told: complaints of its servers, sections of its reports."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from .configuration import in_full, options_in_vain

if TYPE_CHECKING:
    from collections.abc import Generator

    from .servers import TestServers


#: Reports on tests that the end of the run has interrupted; pytest prints none of them.
CUT_OFF = pytest.StashKey[list[pytest.TestReport]]()


def _servers(item: pytest.Item) -> TestServers | None:
    """The servers of a test; None if no test of the run has had one yet."""
    if "pytest_smtpserver.server.server" not in sys.modules:
        return None
    from .servers import servers_of  # noqa: PLC0415 - for runs with servers

    return servers_of(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that would pass although its servers have something to say."""
    __tracebackhide__ = True
    if (servers := _servers(item)) is not None:
        servers.look_out()
    try:
        outcome = yield
    except BaseException as failure:
        if (servers := _servers(item)) is not None:
            servers.note_failure(failure)
            servers.end_the_run()
        raise
    if (servers := _servers(item)) is not None:
        servers.complain()
    if problem := options_in_vain(item):
        item.warn(pytest.PytestWarning(problem))
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> Generator[None, list[list[str]], list[list[str]]]:
    """Explain comparisons of messages, of their texts, and those with ``containing``.

    In all explanations of a test with servers invisible characters are escaped.
    """
    told = yield
    if "pytest_smtpserver.mail.search.matching" not in sys.modules:
        return told
    from pytest_smtpserver.protocol.display import printable  # noqa: PLC0415 - as above

    told = [*filter(None, [_explained(config, op, left, right)]), *told]
    if not _has_servers():
        return told
    # The escape character is pytest's own, for colours: ours have none any more.
    return [
        ["\x1b".join(map(printable, line.split("\x1b"))) for line in lines]
        for lines in told
    ]


def _has_servers() -> bool:
    """A server runs, or the test has just stopped it: what is compared may be mail."""
    module = sys.modules.get("pytest_smtpserver.server.server")
    return module is not None and bool(module.RUNNING.now() or module.RUNNING.ended)


def _explained(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    try:
        from pytest_smtpserver.mail.search.comparing import (  # noqa: PLC0415
            compared,
            hostile,
            line_ends,
        )

        if isinstance(left, str) and isinstance(right, str):
            if not _has_servers():
                return None
            told = line_ends(op, left, right, full=in_full(config))
            if told and _is_of_a_message(left, right):
                return told
            return hostile(op, left, right)
        return compared(op, left, right, full=in_full(config))
    except Exception:  # noqa: BLE001 - pytest explains it in its own way
        return None


def _is_of_a_message(*texts: str) -> bool:
    """One is the text of a message: this very object, so that nobody else's is meant."""
    from .servers import texts_of_messages  # noqa: PLC0415 - for runs with servers

    # Short ones may be the same object wherever they come from.
    ours = [one for one in texts_of_messages() if len(one) > 1]
    return any(text is one for text in texts for one in ours)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell in the report of a test what its servers have seen, and save it."""
    report = yield
    if (servers := _servers(item)) is not None:
        servers.note_outcome(report, call.excinfo.value if call.excinfo else None)
        _tell(servers, report, item)
        if call.when == "teardown":
            servers.forget()
    return report


def _tell(servers: TestServers, report: pytest.TestReport, item: pytest.Item) -> None:
    given = item.config.option
    wanted, directory, page = given.smtp_transcript, given.smtp_save, given.smtp_report
    shows = wanted != "none" and servers.shows(report, always=wanted == "all")
    saves = directory is not None and (report.when != "setup" or report.failed)
    pages = page is not None and (report.when == "call" or report.failed)
    if not (shows or saves or pages):
        return
    try:
        from . import sections  # noqa: PLC0415 - for tests that fail, or to keep mail
    except (OSError, MemoryError) as error:  # the test has left no descriptors
        report.sections.append(("pytest-smtpserver", f"could not be loaded: {error}"))
        return

    with sections.instead_of("this report", item, report):
        servers.look()
        reports = []
        for server in servers.seen:
            with sections.instead_of(f"what {server!r} has seen", item, report):
                troubles = servers.troubles([server])
                reports.append(server.report()._replace(troubles=troubles))
        if pages and reports and page is not None:
            from .pages import add_entry  # noqa: PLC0415 - for those who ask

            with sections.instead_of("an entry of the page", item, report):
                add_entry(reports, item, report, page)
        for number, seen in enumerate(reports):
            with sections.instead_of(f"what {seen.where} has seen", item, report):
                if shows:
                    sections.attach(seen, item, report)
                if directory is not None and servers.has_news(number, seen):
                    sections.save(seen, directory, servers.name, number)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep a report on a test that is interrupted by the end of the run.

    pytest makes none.
    """
    try:
        return (yield)
    except (KeyboardInterrupt, pytest.exit.Exception) as end:
        if (servers := _servers(item)) is not None:
            from . import interruptions  # noqa: PLC0415 - for runs that are cut off

            # What is torn down now may wait for them.
            interruptions.hang_up("the run has ended", 0.0)
            report = interruptions.report_on(item, end)
            servers.note_outcome(report, end)
            _tell(servers, report, item)
            item.config.stash.setdefault(CUT_OFF, []).append(report)
            if (
                page := item.config.pluginmanager.get_plugin("smtp-report")
            ) is not None:
                page.cut_off(report)
        raise


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer() -> Generator[None, object, object]:
    """Hang up on the clients of a test that pytest-timeout ends by a signal."""
    result = yield
    from . import interruptions  # noqa: PLC0415 - for runs with pytest-timeout

    interruptions.hang_up_after_the_alarm()
    return result


def pytest_enter_pdb() -> None:
    """Suspend the time-outs of servers while the debugger holds the test."""
    from pytest_smtpserver.server.io.clock import STANDSTILL  # noqa: PLC0415 - rare

    STANDSTILL.begin()


def pytest_leave_pdb() -> None:
    """Let the time-outs of servers run again."""
    from pytest_smtpserver.server.io.clock import STANDSTILL  # noqa: PLC0415 - rare

    STANDSTILL.end()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Give our sections colour, and show those of tests that passed."""
    stats = terminalreporter.stats
    cut_off = config.stash.get(CUT_OFF, [])
    everything = [
        *cut_off,
        *(report for reports in stats.values() for report in reports),
    ]
    if not any(
        section[0].startswith("SMTP server")
        for report in everything
        for section in getattr(report, "sections", ())
    ):
        return (yield)
    from . import sections  # noqa: PLC0415 - for runs that have some

    writer = config.get_terminal_writer()
    with ExitStack() as stack:
        if writer.hasmarkup:
            stack.enter_context(sections.coloured(everything, writer.markup))
        # pytest shows the sections of a passed test with -rP and -rA.
        if not set(config.getoption("reportchars")) & set("PA"):
            sections.show(stats.get("passed", ()), terminalreporter)
        sections.show(cut_off, terminalreporter)
        return (yield)
