"""What the wrappers of all outside clients share: where a client is, how it is run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Long enough for a loaded machine: a client that needs it has already failed.
CLIENT_TIMEOUT = 30.0
HERE = Path(__file__).parent
REAPER = HERE / "reaper.py"

EHLO_NAME = "client.example.org"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client delivers to, and what it may trust.

    `ca_file` is needed as soon as `tls` is set: every client verifies.
    `certificate` and `key` are the client's own, in PEM.
    """

    host: str = "127.0.0.1"
    port: int = 0
    path: Path | None = None
    tls: Literal["starttls", "implicit"] | None = None
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    lmtp: bool = False

    @property
    def bracketed_host(self) -> str:
        """The host as URLs and relayhost settings want it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def trust(self) -> Path:
        """The CA certificates: asked for only where TLS is on."""
        if self.ca_file is None:
            msg = "a target with TLS needs a ca_file: clients here always verify"
            raise ValueError(msg)
        return self.ca_file


@dataclass(frozen=True, slots=True)
class Login:
    """What a client logs in with; `secret` is the password or the token."""

    user: str
    secret: str = ""
    mechanism: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as a client is given it; the content has CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def unix_content(self) -> bytes:
        """The content with LF line ends, as sendmail-like commands want it."""
        return self.content.replace(b"\r\n", b"\n")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a client ended, and what it said."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        """Whether the client calls it a success."""
        return self.returncode == 0

    def check(self) -> Outcome:
        """Returns itself, or fails the test with what the client said."""
        if not self.ok:
            raise AssertionError(f"{self.argv[0]} failed: {self}")
        return self

    def __str__(self) -> str:
        command = " ".join(self.argv)
        return f"exit code {self.returncode} of {command}\n{self.stdout}\n{self.stderr}"


class ClientTimeoutError(AssertionError):
    """A client did not come to an end: the server left it waiting."""


def clients_dir() -> Path:
    """The folder that `.ci/install-clients` fills.

    The variable PYTEST_SMTPSERVER_CLIENTS names it; by default it is in the cache
    folder of the user.
    """
    if named := os.environ.get("PYTEST_SMTPSERVER_CLIENTS"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "pytest-smtpserver" / "clients"


def missing_client(what: str) -> NoReturn:
    """Skips the test, or fails it where PYTEST_SMTPSERVER_REQUIRE_CLIENTS is set."""
    reason = f"{what} is not to be had here; .ci/install-clients installs the clients"
    if os.environ.get("PYTEST_SMTPSERVER_REQUIRE_CLIENTS"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def require_client(name: str, *places: Path) -> str:
    """The path of a client's program, from these places or from PATH."""
    for place in places:
        if os.access(place, os.X_OK):
            return str(place)
    # The folders of system programs are not on every user's PATH.
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib"])
    if found := shutil.which(name, path=search):
        return found
    missing_client(name)


def require_root(what: str) -> None:
    """Skips or fails like a missing client where the test does not run as root."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        missing_client(f"{what} run by root on Linux")


def client_environment(home: Path, **extra: str) -> dict[str, str]:
    """An environment in which no setting of the user's changes what a client does."""
    return {
        "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        **extra,
    }


def run_client(
    argv: Sequence[str],
    *,
    home: Path,
    stdin: bytes = b"",
    timeout: float = CLIENT_TIMEOUT,
    extra_env: Mapping[str, str] | None = None,
) -> Outcome:
    """Runs a client to its end.

    Args:
        argv: The program and its arguments.
        home: An empty folder, so that no file in the user's home counts.
        stdin: What the client reads.
        timeout: Seconds after which the client and its children are killed.
        extra_env: Environment variables for this client.

    Raises:
        ClientTimeoutError: The client did not end in time; it is gone by then.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=client_environment(home, **(extra_env or {})),
        cwd=home,
        start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise ClientTimeoutError(
            f"no end of {argv[0]} after {timeout} s; it said:\n"
            f"{text(error.stdout)}\n{text(error.stderr)}"
        ) from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Outcome(tuple(argv), process.returncode, text(stdout), text(stderr))


def run_reaped(argv: Sequence[str], *, home: Path, stdin: bytes = b"") -> Outcome:
    """Runs a client that starts processes of its own, and leaves none of them."""
    reaper = [sys.executable, "-I", "-S", str(REAPER), str(CLIENT_TIMEOUT), *argv]
    outcome = run_client(reaper, home=home, stdin=stdin, timeout=2 * CLIENT_TIMEOUT)
    return replace(outcome, argv=tuple(argv))


def text(output: bytes | None) -> str:
    """What a client printed, whatever the octets."""
    return (output or b"").decode("utf-8", "backslashreplace")
