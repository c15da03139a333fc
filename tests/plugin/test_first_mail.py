"""The first mail of a run: what a plain session loads, and nothing else.

Whoever runs one test waits for every module of this list. One that is new here has to be
needed by a server without rules, without TLS and without AUTH, in a test that passes;
else it belongs behind a door (`pytest_smtpserver.later`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TEST = """
import smtplib
import sys

def test_it(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        client.sendmail("a@example.org", ["b@example.org"], "Subject: hi\\r\\n\\r\\nHi")
    assert smtp_server.messages[0].subject == "hi"
"""
PLUGIN = """
import sys

def pytest_unconfigure():
    print(*sorted(sys.modules), sep="\\n")
"""
#: Modules of the package that a plain session may load, by room.
ALLOWED = {
    "": "later",
    "mail": "collection mailbox message outcomes transcript words",
    "mail.content.fields": "headers",
    "mail.content": "views",
    "mail.search": "criteria matching waiting",
    "plugin": "configuration fixtures hooks interruptions servers",
    "protocol.answers": "effects ehlo proposals",
    "protocol": "display engine naming",
    "protocol.framing": "buffer content",
    "protocol.state": "events session_state settings states",
    "protocol.syntax": "addresses commands envelope grammar parameters replies standard values",
    "script": "actions event mistakes script",
    "server": "asserting context loops misbehaving place server service serving",
    "server.io": "background channel clock crowd line listening loop_channel threads waking",
    "server.options": "checks options",
    "server.session": "attendant connection content_handler delivery dialogue handlers performer recorder",
    "server.tls": "authorities",
}
PACKAGE = "pytest_smtpserver."
#: What takes long to load, and only some servers need.
HEAVY = {"trustme", "cryptography", "idna", "rich", "jinja2", "trio", "freezegun"}


def loaded(folder: Path) -> set[str]:
    """The modules that are there at the end of a run with one mail."""
    (folder / "test_it.py").write_text(TEST, encoding="utf-8")
    (folder / "tells.py").write_text(PLUGIN, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "pytest_smtpserver",
            "-p",
            "tells",
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
            "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(done.stdout.split())


def test_what_a_plain_session_loads(tmp_path: Path) -> None:
    """No more modules of ours, and none of the slow ones of others."""
    modules = loaded(tmp_path)
    allowed = {f"{PACKAGE}{room}" for room in ALLOWED} | {
        f"{PACKAGE}{room}.{name}".replace("..", ".")
        for room, names in ALLOWED.items()
        for name in names.split()
    }
    ours = {one for one in modules if one.startswith(PACKAGE)}
    assert not modules & HEAVY
    assert not ours - allowed


def test_a_run_inside_of_a_run_forgets_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each loads what the other has not; a second copy of a class is another class."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plain = "def test_it(smtp_server): assert smtp_server.port"
    ruled = """
        import smtplib, pytest
        def test_it(smtp_server):
            smtp_server.on("MAIL").reply(451, "4.3.0 Later")
            with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
                client.ehlo()
                assert client.mail("a@example.org")[0] == 451
    """
    secured = """
        import pytest
        @pytest.mark.smtp_server(tls="starttls")
        def test_it(smtp_server):
            assert smtp_server.ca_file
    """
    outer = f"""
        import pytest

        pytest_plugins = ["pytester"]

        @pytest.mark.parametrize("suite", {[plain, secured, ruled] * 2!r})
        def test_inside(pytester, suite):
            pytester.makepyfile(suite)
            result = pytester.runpytest_inprocess("-p", "pytest_smtpserver")
            result.assert_outcomes(passed=1)
    """
    pytester.makeconftest('pytest_plugins = ["pytester"]')
    pytester.makepyfile(outer.replace('        pytest_plugins = ["pytester"]\n', ""))
    result = pytester.runpytest_subprocess("-q", "-p", "pytest_smtpserver", timeout=50)
    result.assert_outcomes(passed=6)


def test_pytest_does_not_rewrite_the_package(tmp_path: Path) -> None:
    """Its modules are loaded as Python does, also by a conftest; no finder stays."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "from pytest_smtpserver import SMTPServer\n", encoding="utf-8"
    )
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    program = """
        import sys, pytest
        before = [*sys.meta_path]
        code = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "pytest_smtpserver"])
        package = "pytest_smtpserver."
        # `later` itself sees to it, and is loaded before.
        mine = {n for n in sys.modules if n.startswith(package)} - {package + "later"}
        print(code, {type(sys.modules[n].__loader__).__name__ for n in mine})
        print(sys.meta_path == before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "0 {'SourceFileLoader'}\nTrue" in done.stdout, done.stdout + done.stderr
