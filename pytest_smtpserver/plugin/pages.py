"""The page about the mail of a run, for ``--smtp-report``.

The process that runs a test makes an entry, and attaches it to a report of the test. The
process that gathers the reports writes the page. With pytest-xdist these are two.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.mail.report import write_file
from pytest_smtpserver.mail.search.explain import count
from pytest_smtpserver.report.document import Heading, Page, write_whole
from pytest_smtpserver.report.entries import Entry, anchor_of, entry_of, with_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_smtpserver.mail.report import Report

#: The attribute of a test's report that holds the entry.
_ATTRIBUTE = "smtp_report"
_TITLE = "Mail of the run"


def add_entry(
    reports: Iterable[Report], item: pytest.Item, to: pytest.TestReport, file: str
) -> None:
    """Attach an entry about these servers to a report of the test.

    A report that tells of a failure also names the page, and the place on it.
    """
    failure = ""
    if to.failed:
        crash = getattr(to.longrepr, "reprcrash", None)
        failure = str(getattr(crash, "message", "")) or to.longreprtext
    entry = entry_of(item.nodeid, reports, failure=failure)
    setattr(to, _ATTRIBUTE, entry.packed())
    if to.failed:
        to.sections.append(("SMTP report", f"{file}#{anchor_of(item.nodeid)}"))


class _Test:
    """One test, while its reports come in."""

    def __init__(self) -> None:
        self.entry: str | None = None
        self._duration = 0.0
        self._outcomes: list[str] = []

    def add(self, report: pytest.TestReport) -> None:
        entry = getattr(report, _ATTRIBUTE, None)
        if entry is not None:
            self.entry = entry
            # Other plugins would save the entry with the report.
            delattr(report, _ATTRIBUTE)
        self._duration += report.duration
        outcome: str = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if outcome == "skipped" else "xpassed"
        self._outcomes.append(outcome)

    def finished(self, run: int) -> Entry | None:
        """The entry, complete; None for a test without a server."""
        if self.entry is None:
            return None
        worst_first = ("failed", "xfailed", "xpassed", "skipped")
        seen = (one for one in worst_first if one in self._outcomes)
        outcome = next(seen, "passed")
        entry = Entry.unpacked(self.entry)
        return with_outcome(entry, outcome, duration=self._duration, run=run)


class MailPage:
    """Gathers entries, and writes the page, in place of one that is there.

    Each entry is on the page as soon as its test has ended, so that a run that is cut
    off leaves one. At the end the page is written anew, in its order, and smaller.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._running: dict[tuple[str, str], _Test] = {}
        self._runs: dict[str, int] = {}
        self._entries: list[str] = []
        self._messages = self._others = 0
        self._failure: OSError | None = None
        self._page = Page(_heading())
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_file(self._file, self._page.head().encode())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the entry out of the report; after the last one, put it on the page."""
        key = (report.nodeid, getattr(report, "worker_id", ""))
        test = self._running.setdefault(key, _Test())
        test.add(report)
        if report.when != "teardown":
            return
        del self._running[key]
        run = self._runs[report.nodeid] = self._runs.get(report.nodeid, 0) + 1
        entry = test.finished(run)
        if entry is None:
            self._others += 1
        else:
            self._take(entry)

    def cut_off(self, report: pytest.TestReport) -> None:
        """Take the entry of a test that the end of the run has interrupted."""
        key = (report.nodeid, getattr(report, "worker_id", ""))
        test = self._running.pop(key, _Test())
        test.add(report)
        entry = test.finished(self._runs.get(report.nodeid, 0) + 1)
        if entry is not None:
            self._take(with_outcome(entry, "interrupted", duration=report.duration))

    def _take(self, entry: Entry) -> None:
        self._messages += len(entry.form["messages"])
        self._entries.append(entry.packed())
        with (
            self._writing(),
            self._file.open("a", encoding="utf-8", newline="\n") as page,
        ):
            page.write(self._page.block([entry]))

    def pytest_sessionfinish(self) -> None:
        """Write the final page."""
        for test in self._running.values():  # tests that the end has interrupted
            entry = test.finished(1)
            if entry is not None:
                self._entries.append(entry.packed())
        others = f"{count(self._others, 'test')} without an SMTP server not shown"
        entries = (Entry.unpacked(line) for line in self._entries)
        self._failure = None
        with self._writing():
            write_whole(self._file, _heading(others if self._others else ""), entries)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let the run go on where the disk is full, with all that others have to say."""
        try:
            yield
        except OSError as error:
            self._failure = error

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Say where the page is."""
        received = count(self._messages, "message")
        if self._failure is not None:
            received = f"which is not complete: {self._failure}"
        terminalreporter.write_sep("-", f"SMTP report: {self._file}, {received}")


def _heading(about: str = "") -> Heading:
    now = datetime.now().astimezone()
    return Heading(_TITLE, now.strftime("%Y-%m-%d %H:%M:%S"), about)
