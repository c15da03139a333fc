"""Runs that are cut off while the workers of pytest-xdist run their tests."""

import os
import signal
import subprocess
import sys
import time

import pytest

XDIST = ("xdist", "xdist.looponfail")
#: Seconds; those who wait for a server would wait for sixty.
AT_ONCE = 10


def test_a_worker_that_is_killed(run):
    """Its test fails, another worker runs the others, and the run ends."""
    started = time.monotonic()
    result = run(
        """
        import os
        import signal

        import pytest
        from sending import send


        @pytest.mark.parametrize("number", range(4))
        def test_it(smtp_server, number):
            send(smtp_server)
            smtp_server.assert_received(times=1)
            if number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        """,
        "-n2",
        plugins=XDIST,
        timeout=60,
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*worker 'gw*' crashed while running *test_it?1?*"])
    assert time.monotonic() - started < 4 * AT_ONCE


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="groups of processes")
def test_ctrl_c_reaches_the_workers_too(run, pytester):
    """As a terminal sends it: to all processes of the run."""
    pytester.makepyfile(
        test_it="""
        import pytest


        @pytest.mark.parametrize("number", range(2))
        def test_it(smtp_server, number):
            smtp_server.wait_for_message(timeout=60)
        """
    )
    command = [sys.executable, "-mpytest", "-ppytest_smtpserver"]
    command += [f"-p{name}" for name in XDIST]
    process = subprocess.Popen(
        [*command, "-pno:cacheprovider", "-n2", "-v"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        while "test_it[0]" not in (line := process.stdout.readline()):
            assert line, "the run has ended early"
        pressed = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert time.monotonic() - pressed < AT_ONCE
    assert "KeyboardInterrupt" in rest
    assert "Exception in thread" not in rest
