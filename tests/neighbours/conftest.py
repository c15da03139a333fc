"""Runs of pytest with the plugin and a neighbour, and nothing else that is installed."""

import pytest

SEND = """
import smtplib


def send(server, subject="hi"):
    with smtplib.SMTP(*server.address, local_hostname="app.example.org") as client:
        client.sendmail("a@example.org", "b@example.org", f"Subject: {subject}")
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """`run(source, *options, plugins=())`: a run of its own, warnings are errors."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(sending=f"{SEND}\n\nSEND = {SEND!r}\n")

    def go(source, *options, plugins=(), **kind):
        pytester.makepyfile(test_it=source)
        named = [f"-p{name}" for name in ("pytest_smtpserver", *plugins)]
        return pytester.runpytest_subprocess(
            *named, "-pno:cacheprovider", "-Werror", *options, **kind
        )

    return go
