"""The plugin in runs of pytest of its own: how it is found, what it gives, what it costs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_smtpserver

from .inner import ASSERTS_ARE_OFF

PACKAGE = Path(pytest_smtpserver.__file__).parent
SEND = """
import smtplib

def send(server, *recipients, content="Subject: hello"):
    with smtplib.SMTP(*server.address, local_hostname="client.example.org") as client:
        client.sendmail("ada@example.org", recipients or ["bob@example.org"], content)
"""
USES = "def test_it(smtp_server):\n    assert smtp_server.port > 0\n"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose tests can send."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(sending=SEND)
    pytester.syspathinsert()
    return pytester


def run(
    pytester: pytest.Pytester, *arguments: str, **environment: str
) -> pytest.RunResult:
    """Run pytest in a process of its own, in the order of the file, warnings as errors."""
    # With CI set, pytest repeats whole messages in its summary.
    env = {
        key: value
        for key, value in os.environ.items()
        if key[:6] != "PYTEST" and key not in ("CI", "BUILD_NUMBER")
    }
    env |= environment
    plain = ("-p", "no:cacheprovider", "-p", "no:randomly")
    options = (*plain, *arguments, *ASSERTS_ARE_OFF)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=pytester.path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201 - for the report of a failure
    return pytest.RunResult(
        done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), 0.0
    )


@pytest.mark.parametrize(
    ("autoload", "arguments"),
    [
        (True, []),
        (True, ["-p", "pytest_smtpserver"]),
        (True, ["-p", "pytest_smtpserver.plugin"]),
        (True, ["-p", "pytest_smtpserver", "-p", "pytest_smtpserver.plugin"]),
        (True, ["-p", "pytest_smtpserver.plugin", "-p", "pytest_smtpserver"]),
        (False, ["-p", "pytest_smtpserver"]),
        (False, ["-p", "pytest_smtpserver.plugin"]),
    ],
    ids=str,
)
def test_it_is_found_in_every_way_and_registered_once(
    project: pytest.Pytester, autoload: bool, arguments: list[str]
) -> None:
    """By its entry point, by -p, by both, in either order."""
    project.makepyfile(test_it=USES)
    off = {} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    if not autoload:
        project.makeini("[pytest]\n")  # no pytest-asyncio, no setting of its own
    strict = ["-W", "error"]
    if pytest.version_tuple < (9,):  # it complains of one order of the two names
        strict += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    result = run(project, *strict, *arguments, **off)
    result.assert_outcomes(passed=1)


def test_from_a_checkout_that_is_not_installed(project: pytest.Pytester) -> None:
    """PYTHONPATH and -p are enough, where no metadata tells of the plugin."""
    copy = project.path / "uninstalled-checkout" / "pytest_smtpserver"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    project.makeini("[pytest]\n")
    project.makepyfile(
        test_it="import pytest_smtpserver\n"
        f"def test_where(smtp_server):\n"
        f"    assert {str(copy)!r} in pytest_smtpserver.__file__\n"
    )
    result = run(
        project,
        "-p",
        "pytest_smtpserver",
        PYTHONPATH=str(copy.parent),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    result.assert_outcomes(passed=1)


def test_it_can_be_turned_off(project: pytest.Pytester) -> None:
    """-p no:pytest_smtpserver: there is no such fixture then."""
    project.makepyfile(test_it=USES)
    result = run(project, "-p", "no:pytest_smtpserver")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'smtp_server' not found*"])


def test_dir_lists_the_public_names_and_loads_none() -> None:
    """For whoever explores the package; pytest, which looks behind names, gets none."""
    probe = (
        "import json, sys, pytest_smtpserver as p; "
        "names = [name for name in dir(p) if not name.startswith('_')]; "
        "loaded = [m for m in sys.modules if m.startswith('pytest_smtpserver.')]; "
        "print(json.dumps([names, loaded, p.SMTPServer.__name__]))"
    )
    said = subprocess.check_output([sys.executable, "-c", probe], timeout=60)
    names, loaded, server = json.loads(said)
    public = {*pytest_smtpserver.__all__, "personas"}
    assert set(names) == {*public, "pytest_addoption"}
    assert not loaded
    assert server == "SMTPServer"


def test_every_public_name_can_be_imported() -> None:
    """And a name that there is not is an AttributeError."""
    for name in pytest_smtpserver.__all__:
        assert getattr(pytest_smtpserver, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'SMTPSever'"):
        pytest_smtpserver.SMTPSever  # noqa: B018


def test_loading_the_plugin_loads_nothing_heavy(project: pytest.Pytester) -> None:
    """None of anyio, trustme, cryptography, ssl, asyncio; no more of email than pytest."""
    project.makeini("[pytest]\n")
    project.makepyfile(test_it="def test_nothing(): pass\n")
    project.makeconftest(
        "import sys\n"
        "def pytest_unconfigure(config):\n"
        "    print('LOADED', *sorted(sys.modules))\n"
    )

    def loaded(*arguments: str) -> set[str]:
        result = run(project, *arguments, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        (line,) = [one for one in result.outlines if one.startswith("LOADED")]
        return set(line.split()[1:])

    new = loaded("-s", "-p", "pytest_smtpserver") - loaded("-s")
    assert "pytest_smtpserver.plugin" in new
    heavy = ("anyio", "trustme", "cryptography", "ssl", "asyncio", "email", "socket")
    assert not [name for name in new if name.partition(".")[0] in heavy]
    assert {name for name in new if name.startswith("pytest_smtpserver")} == {
        "pytest_smtpserver",
        "pytest_smtpserver.later",
        "pytest_smtpserver.plugin",
        "pytest_smtpserver.plugin.fixtures",
        "pytest_smtpserver.plugin.hooks",
        "pytest_smtpserver.plugin.configuration",
    }


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
    run(project).assert_outcomes(passed=3)


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
        test_it=f"import pytest\n@pytest.mark.smtp_server({marker})\n{USES}"
    )
    result = run(project)
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
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])


def test_the_timeout_setting(project: pytest.Pytester) -> None:
    """It is what waits take that are not told."""
    project.makeini("[pytest]\nsmtp_server_timeout = 0.05\n")
    project.makepyfile(
        test_it="def test_it(smtp_server):\n    smtp_server.wait_for_message()\n"
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*No message arrived within 0.05 s.*"])


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
    result = run(project)
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["*option host: '::1' is not allowed*"])


def test_a_rule_that_was_never_used_fails_the_test_itself(
    project: pytest.Pytester,
) -> None:
    """As a failure, not as an error beside a passed test; `.optional()` opts out."""
    project.makepyfile(
        test_it="""
        from sending import send

        def test_unused(smtp_server):
            smtp_server.on("RCPT", "carl@example.org").reply(550)
            send(smtp_server)

        def test_optional(smtp_server):
            smtp_server.on("RCPT", "carl@example.org").reply(550).optional()

        def test_failed_already(smtp_server):
            smtp_server.on("VRFY").reply(550)
            assert 1 == 2

        def test_of_the_factory(smtp_server_factory):
            smtp_server_factory().on("VRFY").reply(550)
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*RuleNotUsed: A rule was never used:",
            "*on('RCPT', 'carl@example.org').reply(550), made at test_it.py:4",
            "*came close: RCPT 'bob@example.org'",
            "*If that is all right, add .optional() to the rule.",
        ]
    )
    # test_unused and test_of_the_factory, in full; test_failed_already has its own.
    assert str(result.stdout).count("RuleNotUsed: A rule was never used") == 2


def test_what_a_handler_raises_fails_the_test(project: pytest.Pytester) -> None:
    """With its own traceback."""
    project.makepyfile(
        test_it="""
        import smtplib
        import pytest
        from sending import send

        def handler(event):
            raise LookupError("no such thing")

        def test_it(smtp_server):
            smtp_server.on("RCPT").call(handler)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                send(smtp_server)
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*def handler(event):", ">*raise LookupError*", "E*LookupError: no such thing"]
    )


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_failure_comes_with_the_dialogue(
    project: pytest.Pytester, workers: str
) -> None:
    """A section for each server, also from a worker of xdist; none for one that passed."""
    project.makepyfile(
        test_it="""
        from sending import send

        def test_passes(smtp_server):
            send(smtp_server, "passed@example.org")

        def test_fails(smtp_server, smtp_server_factory):
            send(smtp_server_factory(users={"ada": "x"}))
            send(smtp_server)
            assert 1 == 2
        """
    )
    result = run(project, "-n", workers)
    result.assert_outcomes(passed=1, failed=1)
    text = str(result.stdout)
    assert text.count("SMTP server smtp://127.0.0.1:") == 2
    assert "c: mail from:<ada@example.org>" in text.lower()
    assert "passed@example.org" not in text


def test_trust_smtp_ca(project: pytest.Pytester) -> None:
    """SSL_CERT_FILE is there for the test and its children, and gone afterwards."""
    project.makepyfile(
        test_it="""
        import os, smtplib, ssl
        import pytest
        before = os.environ.get("SSL_CERT_FILE")

        @pytest.mark.smtp_server(tls="implicit")
        def test_trusts(smtp_server, trust_smtp_ca):
            assert os.environ["SSL_CERT_FILE"] == trust_smtp_ca == smtp_server.ca_file
            context = ssl.create_default_context()
            with smtplib.SMTP_SSL(*smtp_server.address, context=context,
                                  local_hostname="c") as client:
                assert client.noop()[0] == 250

        def test_afterwards():
            assert os.environ.get("SSL_CERT_FILE") == before

        def test_the_ca(smtp_ca, smtp_server_factory):
            import trustme
            assert isinstance(smtp_ca, trustme.CA)
            server = smtp_server_factory(tls="starttls")
            assert smtp_ca.cert_pem.bytes() == open(server.ca_file, "rb").read()
        """
    )
    run(project).assert_outcomes(passed=3)


_MANY = """
import gc, os, threading
import pytest
from sending import send

@pytest.mark.parametrize("number", range(200))
def test_mail(smtp_server, number):
    send(smtp_server, f"{number}@example.org")
    assert smtp_server.messages[0].envelope.rcpt_to == [f"{number}@example.org"]

"""
_COUNTS = """
import gc, os, threading
import pytest

def sockets():
    gc.collect()
    links = []
    for number in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{number}"))
        except OSError:
            pass
    return sorted(link for link in links if link.startswith("socket:"))

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    before = threading.active_count(), sockets()

    def check():
        after = threading.active_count(), sockets()
        assert after == before, (before, after)
        print("NOTHING IS LEFT")

    config.add_cleanup(check)
"""


def test_200_tests_leave_nothing_behind(project: pytest.Pytester) -> None:
    """No thread, socket or task, with warnings as errors, when the run has ended."""
    project.makepyfile(test_many=_MANY)
    project.makeconftest(_COUNTS)
    result = run(project, "-s", "-W", "error")
    result.assert_outcomes(passed=200)
    assert "NOTHING IS LEFT" in str(result.stdout)


def test_200_tests_on_four_workers(project: pytest.Pytester) -> None:
    """Each worker has its own servers, and leaves none behind."""
    project.makepyfile(test_many=_MANY)
    result = run(project, "-n", "4", "-W", "error")
    result.assert_outcomes(passed=200)
    assert not result.errlines


def test_an_interpreter_without_ssl(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests without a server run, and the others say what is missing."""
    pytester.makepyfile(
        without_ssl="""
        import sys

        for name in ("ssl", "_ssl"):
            sys.modules[name] = None
        """,
        test_it="""
        import pytest_smtpserver

        def test_without_a_server():
            assert "SMTPServer" in dir(pytest_smtpserver)

        def test_with_a_server(smtp_server):
            pass
        """,
    )
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    result = pytester.runpytest_subprocess("-pwithout_ssl", "-ppytest_smtpserver")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["E  *ImportError: an SMTP server cannot run on this Python, which was built *"]
    )
