"""How pytest finds the plugin, what loading it costs, and what the package names."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_smtpserver

from .inner import USES_A_SERVER, run_apart

PACKAGE = Path(pytest_smtpserver.__file__).parent


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
    project.makepyfile(test_it=USES_A_SERVER)
    off = {} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    if not autoload:
        project.makeini("[pytest]\n")  # no pytest-asyncio, no setting of its own
    strict = ["-W", "error"]
    if pytest.version_tuple < (9,):  # it complains of one order of the two names
        strict += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    result = run_apart(project, *strict, *arguments, **off)
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
    result = run_apart(
        project,
        "-p",
        "pytest_smtpserver",
        PYTHONPATH=str(copy.parent),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )
    result.assert_outcomes(passed=1)


def test_it_can_be_turned_off(project: pytest.Pytester) -> None:
    """-p no:pytest_smtpserver: there is no such fixture then."""
    project.makepyfile(test_it=USES_A_SERVER)
    result = run_apart(project, "-p", "no:pytest_smtpserver")
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
        result = run_apart(project, *arguments, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
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
