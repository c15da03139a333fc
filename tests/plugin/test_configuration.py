"""What a user sets: options by marker and fixture, and the ini settings."""

from __future__ import annotations

import pytest

from .inner import USES_A_SERVER, run_apart


def test_options_come_in_their_order(project: pytest.Pytester) -> None:
    """Call, then markers from the closest, then the fixture, then defaults."""
    project.makeconftest(
        "import pytest\n"
        "@pytest.fixture(scope='session')\n"
        "def smtp_server_options():\n"
        "    return {'hostname': 'fixture', 'banner': 'fixture', 'max_recipients': 1}\n"
    )
    project.makepyfile(
        test_it="""
        import pytest
        pytestmark = pytest.mark.smtp_server(hostname="module", banner="module")

        @pytest.mark.smtp_server(hostname="class")
        class TestOne:
            def test_class(self, smtp_server):
                assert smtp_server.hostname == "class"

            @pytest.mark.smtp_server(hostname="function")
            def test_function(self, smtp_server, smtp_server_factory):
                from smtplib import SMTP
                assert smtp_server.hostname == "function"
                with SMTP(*smtp_server.address, local_hostname="c") as client:
                    assert client.ehlo()[1].startswith(b"function")
                    client.mail("a@example.org")
                    assert client.rcpt("a@example.org")[0] == 250
                    assert client.rcpt("b@example.org")[0] == 452
                assert smtp_server_factory().hostname == "function"
                with smtp_server_factory(hostname="call") as other:
                    assert other.hostname == "call"
                assert not other.is_running

        def test_module(smtp_server):
            assert smtp_server.hostname == "module"
        """
    )
    run_apart(project).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("marker", "line"),
    [
        (
            "tsl='starttls'",
            "*TypeError: there is no option 'tsl'; did you mean 'tls'?*",
        ),
        ("max_message_size=-1", "*ValueError: option max_message_size: -1 is not all*"),
        ("certificate=7", "*TypeError: option certificate: 7 is not allowed; it is*"),
        ("'starttls'", "*takes options by name, not ('starttls',)*"),
    ],
)
def test_a_bad_option_in_a_marker(
    project: pytest.Pytester, marker: str, line: str
) -> None:
    """It is named, with what is allowed."""
    project.makepyfile(
        test_it=f"import pytest\n@pytest.mark.smtp_server({marker})\n{USES_A_SERVER}"
    )
    result = run_apart(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        (
            "smtp_server_scope = module",
            "*smtp_server_scope is 'function' or 'session'*",
        ),
        ("smtp_server_timeout = soon", "*smtp_server_timeout is a number of seconds*"),
        ("smtp_server_timeout = 0", "*smtp_server_timeout is a number of seconds*"),
    ],
)
def test_a_bad_setting(project: pytest.Pytester, setting: str, line: str) -> None:
    """A usage error, before any test."""
    project.makeini(f"[pytest]\n{setting}\n")
    result = run_apart(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])


def test_the_timeout_setting(project: pytest.Pytester) -> None:
    """It is what waits take that are not told."""
    project.makeini("[pytest]\nsmtp_server_timeout = 0.05\n")
    project.makepyfile(
        test_it="def test_it(smtp_server):\n    smtp_server.wait_for_message()\n"
    )
    result = run_apart(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*No message arrived within 0.05 s.*"])
