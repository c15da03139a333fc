"""The fixtures: each test has its own server, none outlives the run, and its CA is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .inner import run_apart

if TYPE_CHECKING:
    import pytest

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
    result = run_apart(project, "-s", "-W", "error")
    result.assert_outcomes(passed=200)
    assert "NOTHING IS LEFT" in str(result.stdout)


def test_200_tests_on_four_workers(project: pytest.Pytester) -> None:
    """Each worker has its own servers, and leaves none behind."""
    project.makepyfile(test_many=_MANY)
    result = run_apart(project, "-n", "4", "-W", "error")
    result.assert_outcomes(passed=200)
    assert not result.errlines


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
    run_apart(project).assert_outcomes(passed=3)
