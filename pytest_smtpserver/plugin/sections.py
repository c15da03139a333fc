"""What reports tell about the SMTP servers of tests, and where it is saved.

Loaded by the first report on a test that used one; see `hooks`.
"""

from __future__ import annotations

import importlib
import re
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.display import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_smtpserver.mail import report as mail_report
    from pytest_smtpserver.mail.content.html import page
    from pytest_smtpserver.mail.report import Report
else:
    mail_report = Later("pytest_smtpserver.mail.report")
    page = Later("pytest_smtpserver.mail.content.html.page")

#: The title of each section of ours begins with this.
TITLE = "SMTP server"
#: The name of the property in JUnit XML.
PROPERTY = "smtp_server"
#: The warnings that this run has given.
_WARNED = pytest.StashKey[set[str]]()

_ENTRY = re.compile(r"(\s*[+-]?[\d.]*\s)(C: |S: [23]|S: [45]|S: |-- )")
_COLOURS = {"S: 4": "red", "S: 5": "red", "-- ": "cyan", "C: ": "blue"}


def attach(seen: Report, item: pytest.Item, to: pytest.TestReport) -> None:
    """Put what a server has seen into the report of a test."""
    options = item.config.option
    whole = options.smtp_transcript == "full" or options.verbose >= 2
    # Our own failures name the obstacles themselves, and others have notes.
    told = to.longreprtext if to.failed else None
    troubles, obstacles = (
        [one for one in known if told is not None and one.split("\n")[0] not in told]
        for known in (seen.troubles, seen.obstacles)
    )
    seen = seen._replace(troubles=troubles, obstacles=obstacles)
    text, title = seen.text(whole=whole), f"{TITLE} {seen.where}"
    to.sections.append((title, text))
    # Of a test's reports, JUnit XML reads the properties of the last one.
    item.user_properties.append((PROPERTY, text))
    if to.when == "teardown":
        to.user_properties.append((PROPERTY, text))
    html = item.config.pluginmanager.get_plugin("html")
    make_extra = getattr(getattr(html, "extras", None), "text", None)
    if callable(make_extra):  # pytest-html, and not another plugin of that name
        # pytest-html reads this attribute, and sets it only if there is none.
        vars(to).setdefault("extras", []).append(make_extra(text, name=title))
    if item.config.pluginmanager.has_plugin("allure_listener"):
        _attach_to_allure(seen, text)


def _attach_to_allure(report: Report, text: str) -> None:
    """Attach the text of the section, and each message as .eml and as plain text."""
    allure: Any = importlib.import_module("allure")
    allure.attach(text, f"{TITLE} {report.where}", "text/plain", "txt")
    for number, message in enumerate(report.messages, 1):
        name = f"message {number}: {printable(message.subject)}"
        allure.attach(message.content, f"{name} (.eml)", "message/rfc822", "eml")
        body = message.text or page.Page(message.html).text
        lines = [
            f"From: {message.headers.get('From', '')}",
            f"To: {message.headers.get('To', '')}",
            f"Subject: {message.subject}",
            "",
            *body.split("\n"),
        ]
        shown = "\n".join(printable(line) for line in lines)
        allure.attach(shown, name, "text/plain", "txt")


def save(seen: Report, directory: str, test: str, number: int) -> None:
    """Save messages and a transcript: the first server's in the folder of the test.

    Raises:
        OSError: they cannot be written.
    """
    folder = Path(directory) / mail_report.folder_of(test)
    seen.save(folder / f"server-{number + 1}" if number else folder)


@contextmanager
def instead_of(what: str, item: pytest.Item, to: pytest.TestReport) -> Iterator[None]:
    """On any exception say that something could not be told, and let the run go on."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - that is the point
        reason = f"{type(error).__name__}: {error}"
        to.sections.append((TITLE, f"{what} could not be told or saved: {reason}"))
        _warn_once(item, f"pytest-smtpserver could not tell or save it all: {reason}")


def _warn_once(item: pytest.Item, text: str) -> None:
    warned = item.config.stash.setdefault(_WARNED, set())
    if text in warned:
        return
    warned.add(text)
    warning = pytest.PytestWarning(text)
    try:
        item.warn(warning)
    except pytest.PytestWarning:  # warnings are errors, and would end the run
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            item.warn(warning)


def ours(report: object) -> list[tuple[str, str]]:
    """The sections of ours in a test report."""
    sections = getattr(report, "sections", [])
    return [one for one in sections if one[0].startswith(TITLE)]


def show(
    reports: Iterable[pytest.TestReport], terminalreporter: pytest.TerminalReporter
) -> None:
    """Print our sections in reports whose sections pytest does not print."""
    for report in reports:
        for title, text in ours(report):
            terminalreporter.write_sep("-", f"{report.nodeid}: {title}")
            terminalreporter.write_line(text)


@contextmanager
def coloured(reports: Iterable[object], markup: Callable[..., str]) -> Iterator[None]:
    """Colour our sections as long as the block runs."""
    plain = []
    for report in reports:
        if ours(report):
            sections = report.sections  # type: ignore[attr-defined]  # it has some
            plain.append((sections, list(sections)))
            for place, (title, text) in enumerate(sections):
                if title.startswith(TITLE):
                    lines = (_painted(line, markup) for line in text.split("\n"))
                    sections[place] = (title, "\n".join(lines))
    try:
        yield
    finally:
        for sections, before in plain:
            sections[:] = before


def _painted(line: str, markup: Callable[..., str]) -> str:
    match = _ENTRY.match(line)
    colour = _COLOURS.get(match[2]) if match else None
    if match is None or colour is None:
        return line
    said, arrow, rule = line[match.end(1) :].partition("    <- ")
    end = markup(arrow + rule, yellow=True) if arrow else ""
    return match[1] + markup(said, **{colour: True}) + end
