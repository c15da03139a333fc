"""What reports tell about the SMTP servers of tests, and where it is saved.

Loaded by the first report on a test that used one; see `hooks`.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_smtpserver.mail.content.html.page import Page
from pytest_smtpserver.mail.display import printable
from pytest_smtpserver.mail.report import folder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pytest

    from pytest_smtpserver.mail.report import Report

#: Every section of ours begins with this.
TITLE = "SMTP server"
#: The name of the property in JUnit XML.
PROPERTY = "smtp_server"

_ENTRY = re.compile(r"(\s*[+-]?[\d.]*\s)(C: |S: [23]|S: [45]|S: |-- )")
_COLOURS = {"S: 4": "red", "S: 5": "red", "-- ": "cyan", "C: ": "blue"}


def attach(reports: Iterable[Report], item: pytest.Item, to: pytest.TestReport) -> None:
    """Put what the servers have seen into the report of a test."""
    options = item.config.option
    whole = options.smtp_transcript == "full" or options.verbose >= 2
    for report in reports:
        text = report.text(whole=whole)
        to.sections.append((f"{TITLE} {report.where}", text))
        # Of a test's reports, JUnit XML reads the properties of the last one.
        item.user_properties.append((PROPERTY, text))
        if to.when == "teardown":
            to.user_properties.append((PROPERTY, text))
        _attach_extra(report, text, item.config, to)
        if item.config.pluginmanager.has_plugin("allure_listener"):
            _attach_to_allure(report, text)


def _attach_extra(
    report: Report, text: str, config: pytest.Config, to: pytest.TestReport
) -> None:
    html = config.pluginmanager.get_plugin("html")
    if html is None:
        return
    # pytest-html reads this attribute, which it sets itself only if there is none.
    extras = vars(to).setdefault("extras", [])
    extras.append(html.extras.text(text, name=f"{TITLE} {report.where}"))


def _attach_to_allure(report: Report, text: str) -> None:
    """Attach what the section says, and each message: as .eml, and as plain text."""
    allure: Any = importlib.import_module("allure")
    allure.attach(text, f"{TITLE} {report.where}", "text/plain", "txt")
    for number, message in enumerate(report.messages, 1):
        name = f"message {number}: {printable(message.subject)}"
        allure.attach(message.content, f"{name} (.eml)", "message/rfc822", "eml")
        body = message.text or Page(message.html).text
        lines = [
            f"From: {message.headers.get('From', '')}",
            f"To: {message.headers.get('To', '')}",
            f"Subject: {message.subject}",
            "",
            *body.split("\n"),
        ]
        shown = "\n".join(printable(line) for line in lines)
        allure.attach(shown, name, "text/plain", "txt")


def save(reports: Iterable[Report], directory: str, nodeid: str) -> None:
    """Save messages and transcripts: the first server's in the folder of the test."""
    folder = Path(directory) / folder_of(nodeid)
    for number, report in enumerate(reports, 1):
        report.save(folder if number == 1 else folder / f"server-{number}")


def ours(report: object) -> list[tuple[str, str]]:
    """The sections of ours in a test report."""
    sections = getattr(report, "sections", [])
    return [one for one in sections if one[0].startswith(TITLE)]


def show_passed(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sections of tests that passed."""
    for report in terminalreporter.stats.get("passed", ()):
        for title, text in ours(report):
            terminalreporter.write_sep("-", f"{report.nodeid}: {title}")
            terminalreporter.write_line(text)


def coloured(
    reports: Iterable[object], markup: Callable[..., str]
) -> Iterator[Callable[[], None]]:
    """Give our sections colour; each thing that comes out takes it away again."""
    for report in reports:
        if ours(report):
            sections = report.sections  # type: ignore[attr-defined]  # it has some
            plain = list(sections)
            sections[:] = [
                (title, _paint(text, markup) if title.startswith(TITLE) else text)
                for title, text in plain
            ]
            yield _Restore(sections, plain)


class _Restore:
    """Puts sections back as they were."""

    def __init__(self, sections: list[object], plain: list[tuple[str, str]]) -> None:
        self._sections = sections
        self._plain = plain

    def __call__(self) -> None:
        self._sections[:] = self._plain


def _paint(text: str, markup: Callable[..., str]) -> str:
    return "\n".join(_paint_line(line, markup) for line in text.split("\n"))


def _paint_line(line: str, markup: Callable[..., str]) -> str:
    match = _ENTRY.match(line)
    colour = _COLOURS.get(match[2]) if match else None
    if match is None or colour is None:
        return line
    said, arrow, rule = line[match.end(1) :].partition("    <- ")
    end = markup(arrow + rule, yellow=True) if arrow else ""
    return match[1] + markup(said, **{colour: True}) + end
