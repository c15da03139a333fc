"""Plugins that change how tests are run, and pytest's own ways."""

import sys

import pytest

PORTS = """
from sending import send


def test_one(smtp_server):
    send(smtp_server)
    smtp_server.assert_received(times=1)


def test_two(smtp_server):
    smtp_server.assert_no_messages()


def test_three(smtp_server):
    send(smtp_server)
    smtp_server.assert_received(times=1)
"""


@pytest.mark.parametrize("scope", ["function", "session"])
def test_xdist(run, scope):
    result = run(
        PORTS,
        "-n2",
        f"-osmtp_server_scope={scope}",
        plugins=["xdist", "xdist.looponfail"],
    )
    result.assert_outcomes(passed=3)


def test_xdist_shows_the_report_of_a_worker(run):
    source = "def test_it(smtp_server):\n    smtp_server.assert_received()\n"
    result = run(source, "-n2", plugins=["xdist", "xdist.looponfail"])
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*SMTP server smtp://*", "no connections"])


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_randomly(run, seed):
    result = run(PORTS, f"--randomly-seed={seed}", plugins=["pytest_randomly"])
    result.assert_outcomes(passed=3)


def test_timeout(run):
    """A client that waits for ever is ended, and the next test has its server."""
    result = run(
        """
        import smtplib

        from sending import send


        def test_it_hangs(smtp_server):
            smtp_server.on("CONNECT").hang()
            smtplib.SMTP(*smtp_server.address, local_hostname="app.example.org")


        def test_after_it(smtp_server):
            send(smtp_server)
            smtp_server.assert_received(times=1)
        """,
        "--timeout=3",
        "-otimeout_func_only=true",
        "-Wignore::pytest.PytestUnraisableExceptionWarning",
        plugins=["pytest_timeout"],
    )
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*Timeout*3*s*", "*SMTP server smtp://*"])


def test_cov(run, pytester):
    """The server's thread is measured, and does not disturb."""
    result = run(
        PORTS,
        "--cov=sending",
        "--cov-report=term-missing",
        plugins=["pytest_cov.plugin"],
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["sending.py * 100%"])


def test_subtests(run):
    """Those of pytest 9; before it they were a plugin, which pytest 9 refuses."""
    result = run(
        """
        from sending import send


        def test_it(smtp_server, subtests):
            for number in range(3):
                with subtests.test(number=number):
                    send(smtp_server, f"mail {number}")
                    assert smtp_server.wait_for_message().subject == "mail 1"
        """,
        plugins=() if hasattr(pytest, "Subtests") else ("pytest_subtests",),
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*SMTP server smtp://*"])


def test_unittest(run):
    """Fixtures come into a TestCase by an autouse fixture; markers work as always."""
    result = run(
        """
        import unittest

        import pytest
        from sending import send


        @pytest.mark.smtp_server(hostname="mail.example.org")
        class TestMail(unittest.TestCase):
            @pytest.fixture(autouse=True)
            def use_server(self, smtp_server):
                self.server = smtp_server

            def test_one(self):
                send(self.server)
                self.assertEqual(self.server.messages[0].subject, "hi")

            def test_two(self):
                self.assertEqual(self.server.hostname, "mail.example.org")
                self.server.assert_no_messages()
        """
    )
    result.assert_outcomes(passed=2)


def test_bdd(run, pytester):
    pytester.makefile(
        ".feature",
        mail="""
        Feature: Mail
          Scenario: A welcome
            Given a mail server
            When Ada signs up
            Then she gets a mail
        """,
    )
    result = run(
        """
        from pytest_bdd import given, scenarios, then, when
        from sending import send

        scenarios("mail.feature")


        @given("a mail server", target_fixture="mail")
        def server(smtp_server):
            return smtp_server


        @when("Ada signs up")
        def sign_up(mail):
            send(mail, "Welcome")


        @then("she gets a mail")
        def gets(mail):
            mail.assert_received(subject="Welcome", times=1)
        """,
        plugins=["pytest_bdd.plugin"],
    )
    result.assert_outcomes(passed=1)


def test_hypothesis(run):
    """A server for each example, or one of a wider scope: no health check complains."""
    result = run(
        """
        import pytest
        from hypothesis import given, settings
        from hypothesis import strategies as st
        from pytest_smtpserver import SMTPServer
        from sending import send

        subjects = st.text("abc xyz", min_size=1).map(str.strip).filter(bool)


        @settings(max_examples=20, deadline=None)
        @given(subjects)
        def test_a_server_for_each_example(subject):
            with SMTPServer() as server:
                send(server, subject)
                assert " ".join(server.messages[0].subject.split()) == " ".join(
                    subject.split()
                )


        @pytest.fixture(scope="module")
        def server():
            with SMTPServer() as server:
                yield server


        @settings(max_examples=20, deadline=None)
        @given(subjects)
        def test_one_server(server, subject):
            server.reset()
            send(server, subject)
            server.assert_received(times=1)
        """,
        plugins=["_hypothesis_pytestplugin"],
    )
    result.assert_outcomes(passed=2)


def test_doctest(run, pytester):
    pytester.makepyfile(
        mailer='''
        def send():
            """Send a mail.

            >>> server = getfixture("smtp_server")
            >>> from sending import send
            >>> send(server, "from a doctest")
            >>> server.messages[0].subject
            'from a doctest'
            """
        '''
    )
    result = run("", "--doctest-modules", "mailer.py")
    result.assert_outcomes(passed=1)


def test_pdb(run, pytester):
    """At the prompt the server still serves."""
    run("def test_nothing(): pass")  # writes the files
    pytester.makepyfile(test_it="def test_it(smtp_server):\n    assert 0\n")
    result = pytester.run(
        sys.executable,
        "-mpytest",
        "-ppytest_smtpserver",
        "--pdb",
        stdin=b"import sending; sending.send(smtp_server)\n"
        b"p smtp_server.wait_for_message().subject\nq\n",
    )
    result.stdout.fnmatch_lines(["*(Pdb) 'hi'*"])
    assert result.ret == 2


def test_a_prompt_that_outlasts_idle_timeout(run, pytester):
    """Of breakpoint(), which pytest wraps: the client is served when the test goes on."""
    run("def test_nothing(): pass")  # writes the files
    pytester.makepyfile(
        test_it="""
        import smtplib

        import pytest


        @pytest.mark.smtp_server(idle_timeout=0.8)
        def test_it(smtp_server):
            with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
                client.noop()
                breakpoint()
                assert client.noop()[0] == 250
                assert client.file.readline().startswith(b"421 4.4.2 ")
        """
    )
    result = pytester.run(
        sys.executable,
        "-mpytest",
        "-ppytest_smtpserver",
        stdin=b"import threading; threading.Event().wait(1)\nc\n",
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*PDB set_trace*"])


def test_pytester_in_the_same_process(run):
    """A suite that tests a plugin of its own runs pytest inside of pytest, twice."""
    result = run(
        """
        pytest_plugins = ["pytester"]

        INNER = (
            "from sending import send\\n"
            "def test_it(smtp_server):\\n"
            "    send(smtp_server)\\n"
            "    smtp_server.assert_received(times=1)\\n"
        )


        def test_one(pytester, smtp_server):
            from sending import SEND
            pytester.makepyfile(INNER)
            pytester.makepyfile(sending=SEND)
            pytester.runpytest_inprocess("-ppytest_smtpserver").assert_outcomes(passed=1)


        def test_two(pytester, smtp_server):
            from sending import SEND
            pytester.makepyfile(INNER)
            pytester.makepyfile(sending=SEND)
            pytester.runpytest_inprocess("-ppytest_smtpserver").assert_outcomes(passed=1)
        """
    )
    result.assert_outcomes(passed=2)


def test_rerunfailures(run):
    """Each attempt has a server of its own, without the mail of the one before."""
    result = run(
        """
        from sending import send

        ATTEMPTS = []


        def test_it(smtp_server):
            ATTEMPTS.append(1)
            send(smtp_server)
            smtp_server.assert_received(times=1)
            assert len(ATTEMPTS) == 2
        """,
        "--reruns=2",
        plugins=["pytest_rerunfailures"],
    )
    result.assert_outcomes(passed=1)
    assert result.parseoutcomes()["rerun"] == 1


def test_socket(run):
    """With the hosts of this machine allowed, and no others."""
    result = run(
        PORTS,
        "--disable-socket",
        "--allow-hosts=127.0.0.1,::1",
        plugins=["pytest_socket"],
    )
    result.assert_outcomes(passed=3)


def test_sockets_that_are_disabled(run):
    """Each test hears what to write, and no event loop is left half made."""
    result = run(
        """
        import pytest


        @pytest.mark.parametrize("number", range(30))
        def test_it(smtp_server, number):
            raise AssertionError("there is no server")
        """,
        "--disable-socket",
        plugins=["pytest_socket"],
    )
    result.assert_outcomes(errors=30)
    told = [line for line in result.outlines if line.startswith("E ")]
    addopts = "addopts = --disable-socket --allow-hosts=127.0.0.1,::1"
    assert sum(line.endswith(addopts) for line in told) == 30
    assert "_ssock" not in result.stdout.str() + result.stderr.str()


def test_sockets_that_are_disabled_while_a_server_runs(run):
    """Clients in other processes are served; the error says what to write."""
    result = run(
        """
        import subprocess
        import sys

        import pytest
        from pytest_smtpserver import SMTPServer
        from pytest_socket import SocketBlockedError, disable_socket
        from sending import send

        CLIENT = (
            "import smtplib, sys\\n"
            "client = smtplib.SMTP('127.0.0.1', sys.argv[1], 'me', 9)\\n"
            "client.sendmail('a@example.org', 'b@example.org', 'Subject: hi')\\n"
            "client.quit()\\n"
        )


        @pytest.mark.enable_socket
        def test_allowed(smtp_session_server):
            send(smtp_session_server)


        def test_forbidden(smtp_session_server):
            smtp_session_server.reset()
            port = str(smtp_session_server.port)
            subprocess.run([sys.executable, "-c", CLIENT, port], check=True, timeout=20)
            smtp_session_server.assert_received(times=1)


        @pytest.mark.enable_socket
        @pytest.mark.filterwarnings("default:A test tried:UserWarning")
        @pytest.mark.parametrize("way", ["start", "outage", "full_backlog"])
        def test_what_to_write(smtp_server, way):
            disable_socket()
            server = SMTPServer() if way == "start" else smtp_server
            with pytest.raises(SocketBlockedError) as caught:
                with getattr(server, way)():
                    pass
            assert "--allow-hosts=127.0.0.1,::1" in caught.value.__notes__[0]


        @pytest.mark.enable_socket
        def test_what_to_write_where_its_warning_is_an_error():
            disable_socket()
            with pytest.raises(UserWarning) as caught:
                SMTPServer().start()
            assert "--allow-hosts=127.0.0.1,::1" in caught.value.__notes__[0]
        """,
        "--disable-socket",
        plugins=["pytest_socket"],
    )
    result.assert_outcomes(passed=6)


def test_run_parallel(run):
    """The threads of a test share its server, as they share every fixture."""
    result = run(
        """
        import threading

        from sending import send


        def test_it(smtp_server):
            subject = f"from {threading.get_ident()}"
            send(smtp_server, subject)
            smtp_server.assert_received(subject=subject, times=1)
        """,
        "--parallel-threads=4",
        plugins=["pytest_run_parallel.plugin"],
    )
    result.assert_outcomes(passed=1)
