"""Whatever goes wrong with a report of ours, the run and its other tests go on."""

from __future__ import annotations

import os
import smtplib
import stat
import sys
from pathlib import Path

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.plugin.pages import MailPage

from .inner import MAILER, run, run_apart

TWO = """
def test_fails(smtp_server):
    mail(smtp_server)
    assert False

def test_passes(smtp_server):
    mail(smtp_server)
"""


def no_space(pytester: pytest.Pytester) -> None:
    """A conftest in which the disk is full."""
    pytester.makeconftest("""
        import errno
        import pytest
        from pytest_smtpserver.mail.report import Report

        @pytest.fixture(autouse=True)
        def full(monkeypatch):
            def write(*arguments):
                raise OSError(errno.ENOSPC, "No space left on device")
            monkeypatch.setattr(Report, "save", write)
            yield
        """)


@pytest.mark.parametrize("arguments", [(), ("-W", "error")], ids=str)
def test_a_disk_that_is_full(
    pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    """A sentence in the section, one warning for the run, and everything goes on."""
    no_space(pytester)
    result = run(pytester, TWO, "--smtp-save=saved", *arguments)
    result.assert_outcomes(failed=1, passed=1, warnings=1)
    text = result.stdout.str()
    assert "INTERNALERROR" not in text
    assert "connection 1 from" in text  # the section has the dialogue all the same
    assert "could not be told or saved: OSError: [Errno 28] No space left on" in text
    assert text.count("PytestWarning: pytest-smtpserver could not tell or save") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("room", [0, 1_000_000], ids=["at once", "at the end"])
def test_a_page_for_which_there_is_no_room(
    pytester: pytest.Pytester, room: int
) -> None:
    """The run goes on, says what failed, and that the page is not complete."""
    pytester.makepyfile(
        test_it=MAILER
        + TWO
        + f"""

import atexit, os, resource

@pytest.fixture(scope="module", autouse=True)
def full():
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # What measures the coverage of this run writes a file at its end.
    atexit.register(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
    if {room}:
        yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat("page.html").st_size, limits[1]))
    if not {room}:
        yield
"""
    )
    result = run_apart(pytester, "--smtp-report=page.html")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*assert False*", "*SMTP report: *page.html, which is not complete: *large*"]
    )
    assert "INTERNALERROR" not in result.stdout.str()
    assert "Traceback" not in result.stderr.str()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_half_a_file_is_none(tmp_path: Path, smtp_server: SMTPServer) -> None:
    """What does not fit on the disk is not there, and the error names it."""
    import resource

    with smtplib.SMTP(*smtp_server.address, "client.example.org") as client:
        client.sendmail("a@example.org", "b@example.org", "Subject: hello")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    page, folder = tmp_path / "page.html", tmp_path / "saved"
    page.write_text("the last run", encoding="utf-8")
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match=r"large: '.*/saved/message-1\.eml'"):
            smtp_server.report().save(folder)
        with pytest.raises(OSError, match=r"large: '.*/page\.html'"):
            MailPage(str(page))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.rglob("*.*")) == []


def test_a_folder_that_has_become_a_file(pytester: pytest.Pytester) -> None:
    """Somebody's test has put one there."""
    result = run(
        pytester,
        """
import pathlib, shutil

def test_it(smtp_server):
    shutil.rmtree("saved")
    pathlib.Path("saved").write_text("in the way")
    assert False

def test_other():
    pass
""",
        "--smtp-save=saved",
    )
    result.assert_outcomes(failed=1, passed=1, warnings=1)
    assert "could not be told or saved: " in result.stdout.str()


def test_a_server_that_cannot_be_told_of(pytester: pytest.Pytester) -> None:
    """One of two: the other has its section."""
    result = run(
        pytester,
        """
def test_it(smtp_server, smtp_server_factory, monkeypatch):
    broken = smtp_server_factory()
    def report():
        raise LookupError("a fault of ours")
    broken.report = report
    assert False
""",
    )
    result.assert_outcomes(failed=1, warnings=1)
    text = result.stdout.str()
    assert "It listened on" in text
    assert "could not be told or saved: LookupError: a fault of ours" in text


def test_another_plugin_called_html(pytester: pytest.Pytester) -> None:
    """It is not pytest-html, and has no extras."""
    pytester.makeconftest("""
        class Html:
            pass

        def pytest_configure(config):
            config.pluginmanager.unregister(name="html")
            config.pluginmanager.register(Html(), "html")
        """)
    run(pytester, TWO).assert_outcomes(failed=1, passed=1)


def test_servers_that_come_and_go_while_a_report_is_made(
    pytester: pytest.Pytester,
) -> None:
    """In threads of an application; each report has those that run at its moment."""
    result = run(
        pytester,
        """
import sys, threading
from pytest_smtpserver import SMTPServer
from pytest_smtpserver.plugin.pages import MailPage

@pytest.fixture(scope="module", autouse=True)
def others():
    stop, before = threading.Event(), sys.getswitchinterval()
    def churn():
        while not stop.is_set():
            with SMTPServer():
                pass
    threads = [threading.Thread(target=churn) for _ in range(3)]
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)

@pytest.mark.parametrize("number", range(60))
def test_it(number):
    assert False
""",
        "--tb=no",
    )
    result.assert_outcomes(failed=60)


def test_a_working_directory_that_is_gone(pytester: pytest.Pytester) -> None:
    """Rules and waits name their place all the same, by its whole path."""
    result = run(
        pytester,
        """
import shutil

@pytest.fixture
def gone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.rmtree(tmp_path)

def test_it(smtp_server, gone):
    smtp_server.on("MAIL", helo="nobody.example.org").reply(451).optional()
    mail(smtp_server)
    assert smtp_server.wait_for_message().subject == "Welcome, Ada"
""",
    )
    result.assert_outcomes(passed=1)


@pytest.mark.skipif(
    pytest.version_tuple < (9,), reason="pytest before 9 has no TOML of its own"
)
@pytest.mark.parametrize(
    ("value", "outcome"), [("2.5", 0), ("2", 0), ('"soon"', 4), ("-1", 4)]
)
def test_the_timeout_in_native_toml(
    pytester: pytest.Pytester, value: str, outcome: int
) -> None:
    """A number is a number there."""
    pytester.makepyprojecttoml(f"[tool.pytest]\nsmtp_server_timeout = {value}\n")
    pytester.makepyfile(
        f"def test_it(smtp_server): assert smtp_server.default_timeout == {value}"
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:asyncio")
    assert result.ret == outcome
    if outcome:
        result.stderr.fnmatch_lines(["*smtp_server_timeout is a number of seconds*"])


@pytest.mark.skipif(
    pytest.version_tuple < (9,), reason="pytest before 9 has no subtests of its own"
)
def test_saved_mail_of_subtests_and_of_the_tear_down(pytester: pytest.Pytester) -> None:
    """Each part of a test that fails has a section; all mail is saved, late mail too."""
    result = run(
        pytester,
        """
import unittest

@pytest.fixture
def late(smtp_server):
    yield
    mail(smtp_server, subject="late")

def test_it(smtp_server, late, subtests):
    with subtests.test("one"):
        smtp_server.assert_received(subject="a")
    mail(smtp_server, subject="between")
    with subtests.test("two"):
        assert smtp_server.messages[0].subject == "other"
    with subtests.test("three"):
        mail(smtp_server, subject="third")
""",
        "--smtp-save=saved",
    )
    text = result.stdout.str()
    assert text.count("- SMTP server smtp://") == 2
    first, _, second = text.partition("AssertionError: assert 'between' == 'other'")
    assert "no connections" in first
    assert "connection 1 from" in second
    folder = pytester.path / "saved/test_it.py/test_it"
    subjects = [
        line
        for file in sorted(folder.glob("message-*.eml"))
        for line in file.read_text().splitlines()
        if line.startswith("Subject")
    ]
    assert subjects == ["Subject: between", "Subject: third", "Subject: late"]


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
def test_the_ca_file_is_no_secret() -> None:
    """A daemon may read it as another user: it holds a certificate and nothing else."""
    file = Path(SMTPServer(tls="starttls").ca_file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert "PRIVATE" not in file.read_text()


def test_runs_inside_of_a_run(pytester: pytest.Pytester) -> None:
    """Each starts a server with certificates, and so does the outer one afterwards."""
    pytester.makepyfile("""
        import pytest
        SUITE = (
            "import pytest\\n"
            "@pytest.mark.smtp_server(tls='starttls')\\n"
            "def test_it(smtp_server): assert smtp_server.ca_file"
        )

        @pytest.mark.parametrize("number", range(2))
        def test_inner(pytester, number):
            pytester.makepyfile(SUITE)
            inner = pytester.runpytest_inprocess("-p", "pytest_smtpserver")
            inner.assert_outcomes(passed=1)

        @pytest.mark.smtp_server(tls="starttls")
        def test_outer(smtp_server):
            assert smtp_server.ca_file
        """)
    result = pytester.runpytest_subprocess(
        *("-p", "pytester", "-p", "no:cacheprovider", "-p", "no:randomly"),
        *("-o", "asyncio_default_fixture_loop_scope=function"),
    )
    result.assert_outcomes(passed=3)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_test_that_has_left_no_descriptors(pytester: pytest.Pytester) -> None:
    """What tells of its servers cannot be loaded then; the next test is told of."""
    pytester.makepyfile(
        test_it=MAILER
        + """
import os
import resource

@pytest.fixture
def starved():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
    taken = []
    with pytest.raises(OSError):
        while True:
            taken.append(os.dup(0))
    yield
    for number in taken:
        os.close(number)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

def test_fails(smtp_server, starved):
    assert smtp_server.messages

def test_also_fails(smtp_server):
    mail(smtp_server)
    assert not smtp_server.messages
"""
    )
    result = run_apart(pytester)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*- pytest-smtpserver -*",
            "could not be loaded: *Too many open files*",
            "*- SMTP server smtp://*",
            "1 *Welcome, Ada*",
        ]
    )
