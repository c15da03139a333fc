"""A fixture for each outside client: it skips, or in CI fails, where it is missing."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .curl import Curl
from .exim import Exim
from .msmtp import Msmtp
from .net_smtp import NetSmtp
from .nodemailer import Nodemailer
from .opensmtpd import OpenSmtpd
from .postfix import Postfix
from .swaks import Swaks
from .tools import clients_dir, missing_client, require_client, require_root

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """For programs that run as a user of their own, to whom tmp_path is closed."""
    with tempfile.TemporaryDirectory(prefix="open-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def client_home(tmp_path: Path) -> Path:
    """An empty home for a client, with no settings in it."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def curl(client_home: Path) -> Curl:
    """The curl command."""
    return Curl(require_client("curl"), client_home)


@pytest.fixture
def swaks(client_home: Path) -> Swaks:
    """The swaks command."""
    return Swaks(require_client("swaks"), client_home)


@pytest.fixture
def msmtp(client_home: Path) -> Msmtp:
    """The msmtp command."""
    return Msmtp(require_client("msmtp"), client_home)


@pytest.fixture
def nodemailer(client_home: Path) -> Nodemailer:
    """The nodemailer package, run by Node.js."""
    modules = clients_dir() / "node_modules"
    if not (modules / "nodemailer" / "package.json").exists():
        missing_client("nodemailer")
    return Nodemailer(require_client("node"), modules, client_home)


@pytest.fixture
def net_smtp(client_home: Path) -> NetSmtp:
    """Perl's Net::SMTP, with its modules for TLS and SASL."""
    perl = require_client("perl")
    modules = ["-MNet::SMTP", "-MIO::Socket::SSL", "-MAuthen::SASL", "-MJSON::PP"]
    command = [perl, *modules, "-e", "1"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        missing_client("Net::SMTP with IO::Socket::SSL, Authen::SASL and JSON::PP")
    return NetSmtp(perl, client_home)


@pytest.fixture
def postfix() -> Postfix:
    """Postfix's master and sendmail."""
    require_root("Postfix")
    master = require_client(
        "postfix's master",
        Path("/usr/lib/postfix/sbin/master"),
        Path("/usr/libexec/postfix/master"),
    )
    sendmail = require_client("sendmail", Path("/usr/sbin/sendmail.postfix"))
    return Postfix(master, sendmail)


@pytest.fixture
def exim() -> Exim:
    """The exim binary, which asks for its own user on the system."""
    program = require_client("exim4", clients_dir() / "exim" / "usr" / "sbin" / "exim4")
    # Debian's exim does nothing at all where its own user does not exist.
    command = [program, "-C", "/dev/null", "-bV"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        missing_client("an exim that runs (its libraries, its user)")
    return Exim(program)


@pytest.fixture(scope="session")
def opensmtpd() -> OpenSmtpd:
    """The unpacked smtpd of OpenSMTPD, which is run in a root of its own."""
    require_root("OpenSMTPD")
    place = clients_dir() / "opensmtpd" / "usr" / "sbin" / "smtpd"
    return OpenSmtpd(require_client("OpenSMTPD's smtpd", place))
