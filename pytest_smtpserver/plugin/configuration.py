"""What a user sets: ini options, command line options, the marker."""

from __future__ import annotations

from contextlib import ExitStack
from os.path import abspath
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.later import plain_modules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MARKER_HELP = (
    "smtp_server(**options): options of the smtp_server fixture for a test, class or "
    "module, merged option by option, the closest wins; see the README of "
    "pytest-smtpserver"
)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Load this package without pytest's rewriting of asserts, until the run ends."""
    with ExitStack() as stack:
        stack.enter_context(plain_modules())
        early_config.add_cleanup(stack.pop_all().close)


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
        type="float",
        default=5.0,
    )
    parser.addini(
        "smtp_server_fail_on",
        "names of violations and advice that fail the test, or 'violations' and "
        "'advice' for all of a kind",
        type="args",
        default=[],
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
        type=abspath,  # from here on, also for the workers of pytest-xdist
        help="save the messages (.eml) and transcripts of each test's SMTP servers in "
        "a folder of DIR",
    )
    group.addoption(
        "--smtp-report",
        metavar="FILE",
        type=abspath,
        help="write an HTML page about the mail of the run "
        "(needs pytest-smtpserver[report])",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and check the settings."""
    config.addinivalue_line("markers", _MARKER_HELP)
    scope = config.getini("smtp_server_scope")
    if scope not in ("function", "session"):
        raise pytest.UsageError(
            f"smtp_server_scope is 'function' or 'session', not {scope!r}"
        )
    timeout(config)
    if names := config.getini("smtp_server_fail_on"):
        from pytest_smtpserver.server.options.checks import findings  # noqa: PLC0415

        try:
            findings("fail_on", names)
        except ValueError as error:
            raise pytest.UsageError(f"smtp_server_fail_on: {error}") from error
    if config.pluginmanager.has_plugin("pytester"):
        from pytest_smtpserver.later import load_all  # noqa: PLC0415 - for such runs

        load_all()
    if directory := config.option.smtp_save:
        from pathlib import Path  # noqa: PLC0415 - pytest has it; nobody else needs it

        try:
            Path(directory).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(f"--smtp-save: {error}") from error
    # The workers of pytest-xdist send what they have seen to the one that writes.
    if (file := config.option.smtp_report) and not hasattr(config, "workerinput"):
        try:
            from .pages import MailPage  # noqa: PLC0415 - for those who ask

            config.pluginmanager.register(MailPage(file), "smtp-report")
        except (OSError, ImportError) as error:
            raise pytest.UsageError(f"--smtp-report: {error}") from error


def timeout(config: pytest.Config) -> float:
    """How long waits may take, in seconds."""
    try:
        value = config.getini("smtp_server_timeout")
        seconds = float(value)
    except (ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(
            f"smtp_server_timeout is a number of seconds above 0: {error}"
        ) from error
    if not 0 < seconds < float("inf"):
        raise pytest.UsageError(
            f"smtp_server_timeout is a number of seconds above 0, not {value!r}"
        )
    return seconds


def in_full(config: pytest.Config) -> bool:
    """Whether explanations are complete, as with -vv."""
    return bool(config.getoption("verbose") >= 2)


def lives_for_the_session(config: pytest.Config) -> bool:
    """Whether one server stands behind the fixture smtp_server in all tests."""
    return bool(config.getini("smtp_server_scope") == "session")


def as_written(marker: pytest.Mark) -> str:
    """The marker as a test's author would write it."""
    options = ", ".join(f"{name}={one!r}" for name, one in marker.kwargs.items())
    return f"@pytest.mark.smtp_server({options})"


#: Set on a test as soon as a server of it reads its options.
_ASKED = pytest.StashKey[bool]()


def options_in_vain(item: pytest.Item) -> str:
    """The warning about a marker that the test's fixtures do not read; ``""`` for none.

    Only the test's own markers count: those of classes and modules are for the tests
    among theirs that have a server.
    """
    markers = [one for one in item.own_markers if one.name == "smtp_server"]
    if not markers or item.stash.get(_ASKED, False):
        return ""
    return (
        f"{as_written(markers[0])} has no effect on {item.nodeid}: it is for "
        "the fixtures smtp_server and smtp_server_factory, which this test does not use"
    )


def options_of(node: pytest.Item, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a test.

    The closest marker wins over other markers, these over `given`, and that over the
    ini options.
    """
    node.stash[_ASKED] = True
    names = node.config.getini("smtp_server_fail_on")
    options = {"fail_on": names, **given} if names else dict(given)
    for marker in reversed(list(node.iter_markers("smtp_server"))):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.smtp_server takes options by name, not {marker.args!r}"
            )
        options.update(marker.kwargs)
    return options
