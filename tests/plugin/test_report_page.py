"""--smtp-report: the page about the mail of a run."""

from __future__ import annotations

import json

import pytest

from pytest_smtpserver.report.entries import anchor_of

from .inner import MAILER, entries, outcomes, run

TESTS = """
def test_passes(smtp_server):
    mail(smtp_server, subject="One")
    mail(smtp_server, subject="Two")

def test_fails(smtp_server):
    mail(smtp_server, subject="Three")
    assert smtp_server.messages == []

@pytest.mark.smtp_server(users={"ada": "lovelace"})
def test_secret(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="c.example.org") as client:
        client.login("ada", "lovelace")
    raise ValueError("lovelace")

@pytest.mark.xfail(strict=True)
def test_expected(smtp_server):
    assert smtp_server.messages

def test_skipped(smtp_server):
    pytest.skip("not today")

def test_of_something_else():
    pass
"""


ALL = [
    ("test_fails", "failed", ["Three"]),
    ("test_secret", "failed", []),
    ("test_passes", "passed", ["One", "Two"]),
    ("test_expected", "xfailed", []),
    ("test_skipped", "skipped", []),
]


def test_the_page_of_a_run(pytester: pytest.Pytester) -> None:
    """Tests with a server, the failed ones first; what failed names its place."""
    result = run(pytester, TESTS, "--smtp-report=out/mail.html")
    page = pytester.path / "out" / "mail.html"
    assert outcomes(page) == ALL
    text = page.read_text(encoding="utf-8")
    assert "1 test without an SMTP server not shown" in text
    assert "lovelace" not in json.dumps(entries(text))
    place = f"{page}#{anchor_of('test_it.py::test_fails')}"
    result.stdout.fnmatch_lines(["*- SMTP report -*", place, "*- SMTP report: *"])
    assert f"SMTP report: {page}, 3 messages" in result.stdout.str()
    assert list(page.parent.iterdir()) == [page]


def test_without_the_option_there_is_nothing_of_it(pytester: pytest.Pytester) -> None:
    """Nothing is loaded, and nothing said."""
    test = (
        TESTS + "\n\ndef test_modules(smtp_server):\n"
        "    mail(smtp_server)\n"
        "    import sys\n"
        "    assert not [m for m in sys.modules if 'pytest_smtpserver.report' in m]\n"
        "    assert 'pytest_smtpserver.plugin.pages' not in sys.modules\n"
    )
    pytester.makepyfile(test_it=MAILER + test)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-k", "modules")
    result.assert_outcomes(passed=1, deselected=6)
    assert "SMTP report" not in result.stdout.str()


def test_the_workers_of_xdist(pytester: pytest.Pytester) -> None:
    """What they have seen is gathered by the process that writes."""
    pytest.importorskip("xdist")
    pytester.makepyfile(test_it=MAILER + TESTS)
    result = pytester.runpytest_subprocess(
        "-p", "no:cacheprovider", "-n", "2", "--smtp-report=mail.html"
    )
    page = pytester.path / "mail.html"
    assert sorted(outcomes(page)) == sorted(ALL)
    assert outcomes(page)[0][1] == "failed"
    place = f"{page}#{anchor_of('test_it.py::test_fails')}"
    assert place in result.stdout.lines


@pytest.mark.parametrize(
    "end", ["import os; os._exit(3)", "raise KeyboardInterrupt", "pytest.exit('x')"]
)
def test_a_run_that_is_cut_off_leaves_a_page(
    pytester: pytest.Pytester, end: str
) -> None:
    """Whatever ends it: what was seen until then is on the page."""
    test = f"""
def test_1(smtp_server):
    mail(smtp_server, subject="One")

def test_2(smtp_server):
    {end}
"""
    if "pytest" not in end:
        pytester.makepyfile(test_it=MAILER + test)
        pytester.runpytest_subprocess("--smtp-report=mail.html")
    else:
        run(pytester, test, "--smtp-report=mail.html")
    found = outcomes(pytester.path / "mail.html")
    assert found[0] == ("test_1", "passed", ["One"])


def test_a_long_lived_server(pytester: pytest.Pytester) -> None:
    """Each test's entry has its own mail, though the server is the same."""
    pytester.makeini(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
        "smtp_server_scope = session\n"
    )
    pytester.makepyfile(test_it=MAILER + TESTS)
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "--smtp-report=mail.html")
    assert outcomes(pytester.path / "mail.html") == ALL


def test_a_failure_before_or_after_the_test(pytester: pytest.Pytester) -> None:
    """It is the test's failure, and its mail is there."""
    test = """
@pytest.fixture
def broken(smtp_server):
    mail(smtp_server, subject="Before")
    raise ValueError("before")

@pytest.fixture
def breaks(smtp_server):
    yield
    raise ValueError("after")

def test_before(broken): pass
def test_after(smtp_server, breaks): mail(smtp_server, subject="During")
"""
    run(pytester, test, "--smtp-report=mail.html")
    page = pytester.path / "mail.html"
    assert outcomes(page) == [
        ("test_before", "failed", ["Before"]),
        ("test_after", "failed", ["During"]),
    ]
    failures = [one["failure"] for one in entries(page.read_text(encoding="utf-8"))]
    assert failures == ["ValueError: before", "ValueError: after"]


def test_a_page_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    """A usage error, before the first test."""
    (pytester.path / "file").write_text("")
    result = run(pytester, TESTS, "--smtp-report=file/mail.html")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --smtp-report: *"])


def test_without_jinja2(pytester: pytest.Pytester) -> None:
    """A usage error that says what to install."""
    pytester.makepyfile(test_it=MAILER + TESTS)
    pytester.makepyfile(blocker="import sys\nsys.modules['jinja2'] = None\n")
    pytester.syspathinsert()
    result = pytester.runpytest_subprocess("-p", "blocker", "--smtp-report=mail.html")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pip install 'pytest-smtpserver?report?'"])
