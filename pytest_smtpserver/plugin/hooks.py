"""What a test is told: complaints of its servers, sections of its reports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .settings import in_full, report_file, save_directory, transcripts

if TYPE_CHECKING:
    from collections.abc import Generator

    from .servers import TestServers


def _servers(item: pytest.Item) -> TestServers | None:
    """The servers of a test; None where nobody has loaded the server yet."""
    if "pytest_smtpserver.server.server" not in sys.modules:
        return None
    from .servers import servers_of  # noqa: PLC0415 - for runs with servers

    return servers_of(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that would pass although its servers have something to say."""
    __tracebackhide__ = True
    try:
        outcome = yield
    except BaseException as failure:
        if (servers := _servers(item)) is not None:
            servers.note_failure(failure)
        raise
    if (servers := _servers(item)) is not None:
        servers.complain()
    return outcome


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Explain comparisons of messages, and those with ``containing``."""
    if "pytest_smtpserver.mail.search.matching" not in sys.modules:
        return None
    from pytest_smtpserver.mail.search.comparing import compared  # noqa: PLC0415

    return compared(op, left, right, full=in_full(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell in the report of a test what its servers have seen, and save it."""
    report = yield
    if (servers := _servers(item)) is not None:
        _tell(servers, report, item)
        if call.when == "teardown":
            servers.forget()
    return report


def _tell(servers: TestServers, report: pytest.TestReport, item: pytest.Item) -> None:
    servers.note_outcome(report)
    wanted, directory = transcripts(item.config), save_directory(item.config)
    page = report_file(item.config)
    if wanted == "none" and directory is None and page is None:
        return
    from . import sections  # noqa: PLC0415 - for runs with servers

    reports = servers.reports(report)
    if reports and page is not None:
        from .pages import add_entry  # noqa: PLC0415 - for those who ask

        add_entry(reports, item, report, page)
    if reports and (
        wanted == "all" or (wanted in ("failed", "full") and report.failed)
    ):
        sections.attach(reports, item, report)
        servers.note_told()
    if reports and directory is not None:
        sections.save(reports, directory, item.nodeid)


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
    from . import sections  # noqa: PLC0415 - for runs that have some

    writer = config.get_terminal_writer()
    everything = [report for reports in stats.values() for report in reports]
    painted = []
    if writer.hasmarkup:
        painted = list(sections.coloured(everything, writer.markup))
    try:
        # pytest shows the sections of a passed test with -rP and -rA.
        if not set(config.getoption("reportchars")) & set("PA"):
            sections.show_passed(terminalreporter)
        return (yield)
    finally:
        for restore in painted:
            restore()
