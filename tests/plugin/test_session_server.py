"""A long-lived server, for an application that starts once for the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .inner import run, run_apart

if TYPE_CHECKING:
    from collections.abc import Sequence

APPLICATION = """
@pytest.fixture(scope="session")
def application(smtp_session_server):
    '''It starts once, and gets its address from the environment.'''
    return smtp_session_server.env

def app_mail(application, subject):
    with smtplib.SMTP(application["SMTP_HOST"], int(application["SMTP_PORT"]),
                      local_hostname="app.example.org") as client:
        client.sendmail("a@example.org", "b@example.org", f"Subject: {subject}")
"""


def test_a_session_server_lives_through_the_run(pytester: pytest.Pytester) -> None:
    """One address, and what came stays, until somebody resets it."""
    result = run(
        pytester,
        APPLICATION
        + """
def test_one(application, smtp_session_server):
    app_mail(application, "one")
    assert smtp_session_server.wait_for_message().subject == "one"

def test_two(application, smtp_session_server, smtp_server):
    app_mail(application, "two")
    assert smtp_server.port != smtp_session_server.port
    assert [m.subject for m in smtp_session_server.messages] == ["one", "two"]
    smtp_server.assert_no_messages()

def test_three(application, smtp_session_server):
    assert False

def test_four(smtp_server):
    assert False
""",
    )
    result.assert_outcomes(passed=2, failed=2)
    text = result.stdout.str()
    assert text.count("- SMTP server smtp://") == 2  # test_four is not told of it
    assert text.count("app.example.org") == 2


def test_it_is_the_server_of_the_session_scope(pytester: pytest.Pytester) -> None:
    """As new for each test, with the test's options; its rules are checked."""
    result = run(
        pytester,
        APPLICATION
        + """
ports = set()

@pytest.mark.smtp_server(hostname="one.example.org")
def test_one(application, smtp_server, smtp_session_server):
    assert smtp_server is smtp_session_server
    assert smtp_server.hostname == "one.example.org"
    app_mail(application, "one")
    smtp_server.assert_received(times=1)

def test_two(application, smtp_server):
    assert smtp_server.hostname == "localhost"
    smtp_server.assert_no_messages()
    smtp_server.on("VRFY").reply(550)

def test_three(smtp_server):
    assert smtp_server.rules == []
""",
        "-o",
        "smtp_server_scope=session",
    )
    result.assert_outcomes(passed=2, failed=1)
    assert "RuleNotUsed: A rule was never used:" in result.stdout.str()


def test_the_session_scope(project: pytest.Pytester) -> None:
    """One port, everything else as new for each test, also with clients left open."""
    project.makeini(
        "[pytest]\nsmtp_server_scope = session\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    project.makepyfile(
        test_it="""
        import socket
        import pytest
        from sending import send
        ports, left = set(), []

        @pytest.mark.smtp_server(hostname="one.example.org")
        def test_one(smtp_server):
            ports.add(smtp_server.port)
            assert smtp_server.hostname == "one.example.org"
            smtp_server.on("RCPT", "carl@example.org").reply(550).optional()
            send(smtp_server)
            left.append(socket.create_connection(smtp_server.address, timeout=10))
            left[0].makefile("rb").readline()
            left[0].sendall(b"MAIL FROM:<late@example.org>\\r\\n")

        @pytest.mark.smtp_server(users={"ada": "lovelace"})
        def test_two(smtp_server):
            ports.add(smtp_server.port)
            assert smtp_server.messages == [] and smtp_server.sessions == []
            assert smtp_server.rules == []
            assert smtp_server.hostname == "localhost"
            with left[0] as client:
                said = client.makefile("rb").read()
            assert b"421" in said
            send(smtp_server, "carl@example.org")
            assert len(smtp_server.messages) == len(smtp_server.sessions) == 1

        def test_three(smtp_server, smtp_server_factory):
            ports.add(smtp_server.port)
            assert len(ports) == 1
            assert smtp_server_factory().port not in ports

        @pytest.mark.smtp_server(host="::1")
        def test_four(smtp_server):
            pass
        """
    )
    result = run_apart(project)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*option host: '::1' is not allowed*"])


def test_it_may_be_overridden(pytester: pytest.Pytester) -> None:
    """For a port that an application has written down: tests keep to it."""
    result = run(
        pytester,
        """
from pytest_smtpserver import SMTPServer

@pytest.fixture(scope="session")
def smtp_session_server(smtp_ca):
    with SMTPServer(ca=smtp_ca, host="::1", backlog=7) as server:
        yield server

@pytest.mark.smtp_server(max_recipients=3)
def test_one(smtp_server):
    assert smtp_server.host == "::1"
    mail(smtp_server)

def test_two(smtp_server):
    smtp_server.assert_no_messages()

@pytest.mark.smtp_server(host="127.0.0.1")
def test_three(smtp_server):
    pass
""",
        "-o",
        "smtp_server_scope=session",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*option host: '127.0.0.1' is not allowed*"])


def test_its_rules_are_checked_at_the_end(pytester: pytest.Pytester) -> None:
    """Of the run, where no test owns them."""
    result = run(
        pytester,
        """
def test_it(smtp_session_server):
    smtp_session_server.on("VRFY").reply(550)
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    assert "RuleNotUsed: A rule was never used:" in result.stdout.str()


def test_mail_of_an_earlier_test_is_not_what_this_one_misses(
    pytester: pytest.Pytester,
) -> None:
    """Neither for a server of its own, nor for one that lives as long as the other."""
    result = run(
        pytester,
        """
from pytest_smtpserver import SMTPServer

@pytest.fixture(scope="module")
def shared():
    with SMTPServer() as server:
        yield server

def told(server, other):
    with pytest.raises(AssertionError) as failed:
        server.wait_for_message(timeout=0)
    return f"The server at {other.url} has it" in str(failed.value)

def test_one(shared, smtp_session_server):
    mail(shared)
    assert told(smtp_session_server, shared)

def test_two(shared, smtp_session_server, smtp_server):
    for server in (smtp_session_server, smtp_server):
        assert not told(server, shared)
        mail(shared)
        assert told(server, shared)
        shared.reset()
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["no-date"], "the header has no Date (RFC 5322 §3.6)"),
        (["violations"], "the header has no Date (RFC 5322 §3.6)"),
        (["advice"], "the message has no Message-ID (RFC 5322 §3.6.4)"),
        (["no-from", "bare-lf"], ""),
        ([], ""),
    ],
    ids=str,
)
def test_what_a_test_fails_on(
    pytester: pytest.Pytester, names: Sequence[str], found: str
) -> None:
    """Names of findings, or a kind; all of them are listed at once."""
    test = f"""
@pytest.mark.smtp_server(fail_on={names!r})
def test_it(smtp_server):
    mail(smtp_server, head="X-No: date")
"""
    result = run(pytester, test)
    result.assert_outcomes(passed=int(not found), failed=int(bool(found)))
    if found:
        text = result.stdout.str()
        assert f"ProtocolViolated: fail_on={names!r}, and there is 1 finding" in text
        assert f"connection 1, message 1: {found}" in text


def test_the_setting_for_all_tests(pytester: pytest.Pytester) -> None:
    """A marker wins over it, as over every setting."""
    result = run(
        pytester,
        """
def test_fails(smtp_server):
    mail(smtp_server, head="X-No: date")

@pytest.mark.smtp_server(fail_on=())
def test_passes(smtp_server):
    mail(smtp_server, head="X-No: date")

def test_of_the_factory(smtp_server_factory):
    mail(smtp_server_factory(), head="X-No: date")
""",
        "-o",
        "smtp_server_fail_on=bare-lf no-date",
    )
    result.assert_outcomes(passed=1, failed=2)


def test_a_setting_that_names_nothing(pytester: pytest.Pytester) -> None:
    """A usage error, with the nearest name, before any test."""
    result = run(pytester, "def test_it(): pass", "-o", "smtp_server_fail_on=no-dates")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*smtp_server_fail_on: *did you mean 'no-date'*"])
