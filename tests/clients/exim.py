"""Exim as the sending mail system: its smtp transport speaks BDAT (RFC 3030)."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .tools import EHLO_NAME, Login, Mail, Outcome, Target, run_reaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

UNPRIVILEGED = "nobody"

# In exim's main log: `=>` and `->` delivered, `==` put off, `**` refused for good.
LOG_LINE = re.compile(r"^\S+ \S+ \S+ (=>|->|==|\*\*) (\S+)(.*)$", re.MULTILINE)
STATUS = {"=>": "sent", "->": "sent", "==": "deferred", "**": "bounced"}

CONFIGURATION = """\
primary_hostname = {ehlo_name}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
exim_user = {user}
exim_group = {group}
# Exim would run itself to send a bounce: those of this sender go nowhere.
exim_path = /bin/true
# A message for each delivery, and no memory of hosts between them.
message_logs = false
keep_environment =
tls_advertise_hosts =
acl_not_smtp = accept
trusted_users = {user}
{main}
begin acl
begin routers
all:
  driver = manualroute
  route_data = {host}
  host_find_failed = defer
  self = send
  transport = out
begin transports
out:
  driver = smtp
  port = {port}
  allow_localhost
  connection_max_messages = 1
  dkim_strict = false
{transport}
begin retry
* * F,1h,1h
begin authenticators
{authenticators}
"""

#: How each Exim begins that takes mail, in a folder of its own.
RECEIVES = """\
primary_hostname = mx.example.net
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
exim_user = root
exim_group = root
queue_only = true
message_logs = false
keep_environment =
tls_advertise_hosts = {tls_for}
"""
#: The end of such a configuration: whoever the mail is for, it goes nowhere.
FOR_ALL = """\
begin routers
all:
  driver = accept
  transport = none
begin transports
none:
  driver = appendfile
  file = /dev/null
"""

AUTHENTICATORS = {
    "PLAIN": "driver = plaintext\n  client_send = ^{user}^{secret}",
    "LOGIN": "driver = plaintext\n  client_send = : {user} : {secret}",
    "CRAM-MD5": "driver = cram_md5\n  client_name = {user}\n  client_secret = {secret}",
}


@dataclass(frozen=True, slots=True)
class EximOutcome:
    """What exim printed and logged, and how each recipient fared."""

    outcome: Outcome
    log: str

    @property
    def statuses(self) -> dict[str, str]:
        """Recipient to "sent", "deferred" or "bounced"."""
        return {to: STATUS[mark] for mark, to, _ in LOG_LINE.findall(self.log)}

    @property
    def reports(self) -> dict[str, str]:
        """Recipient to the rest of its log line; `K` in it means CHUNKING."""
        return {to: rest.strip() for _, to, rest in LOG_LINE.findall(self.log)}


@dataclass(frozen=True, slots=True)
class Exim:
    """Runs exim in the foreground for one message, with a spool of its own."""

    program: str

    def send(
        self,
        target: Target,
        mail: Mail,
        *,
        login: Login | None = None,
        main: str = "",
        transport: str = "",
    ) -> EximOutcome:
        """Delivers one message to all its recipients.

        Args:
            target: The server.
            mail: The message; exim adds Received, Message-Id and Date.
            login: PLAIN, LOGIN or CRAM-MD5, required of the server.
            main: More lines for the main part of exim's configuration.
            transport: More lines for its smtp transport.
        """
        with _folder() as folder:
            configuration = folder / "exim.conf"
            configuration.write_text(
                _configuration(target, folder, login, main, transport), encoding="utf-8"
            )
            argv = [self.program, "-C", str(configuration), "-v", "-odf", "-oi"]
            argv += ["-f", mail.sender or "<>", "--", *mail.recipients]
            outcome = run_reaped(argv, home=folder, stdin=mail.unix_content)
            log = folder / "log" / "mainlog"
            return EximOutcome(outcome, log.read_text() if log.exists() else "")


@contextmanager
def _folder() -> Iterator[Path]:
    # Not below the test's tmp_path: that one is closed to the transport's user.
    with tempfile.TemporaryDirectory(prefix="exim-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@contextmanager
def receiving(
    exim: Exim, configuration: str, tls_for: str = ""
) -> Iterator[Callable[[], AbstractContextManager[socket.socket]]]:
    """An Exim that takes mail; each call connects to one of it.

    Args:
        exim: the program.
        configuration: what comes behind `RECEIVES`.
        tls_for: the clients that STARTTLS is offered to, as Exim has lists of hosts.
    """
    with _folder() as folder:
        file = folder / "exim.conf"
        text = (RECEIVES + configuration).format(folder=folder, tls_for=tls_for)
        file.write_text(text, encoding="utf-8")

        @contextmanager
        def connect() -> Iterator[socket.socket]:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                ours = socket.create_connection(listener.getsockname())
                theirs, _ = listener.accept()
            with ours, theirs:
                # As a super-server such as inetd(8) would run it.
                process = subprocess.Popen(
                    [exim.program, "-C", str(file), "-bs"],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                )
                theirs.close()
                try:
                    yield ours
                finally:
                    with suppress(OSError):  # the test has closed it
                        ours.shutdown(socket.SHUT_RDWR)
                    process.wait(20)

        yield connect


def _configuration(
    target: Target, folder: Path, login: Login | None, main: str, transport: str
) -> str:
    user = pwd.getpwuid(os.geteuid()).pw_name
    lines = [transport, f"protocol = {_protocol(target)}", "hosts_try_chunking = *"]
    if os.geteuid() == 0:
        # Debian's exim never delivers as root.
        lines += [f"user = {UNPRIVILEGED}", f"group = {_group(UNPRIVILEGED)}"]
    else:
        main += "\ndeliver_drop_privilege = true"
    if target.tls is None:
        lines += ["hosts_avoid_tls = *"]
    else:
        lines += ["hosts_require_tls = *", "tls_verify_hosts = *"]
        lines += [f"tls_verify_certificates = {_readable(folder, target.trust)}"]
    if target.certificate is not None and target.key is not None:
        lines += [f"tls_certificate = {_readable(folder, target.certificate)}"]
        lines += [f"tls_privatekey = {_readable(folder, target.key)}"]
    authenticator = ""
    if login is not None:
        lines += ["hosts_require_auth = *"]
        name = (login.mechanism or "PLAIN").upper()
        body = AUTHENTICATORS[name].format(user=login.user, secret=login.secret)
        authenticator = f"one:\n  public_name = {name}\n  {body}"
    return CONFIGURATION.format(
        ehlo_name=EHLO_NAME,
        folder=folder,
        user=user,
        group=_group(user),
        main=main,
        # A list of hosts, separated by colons: those of an address are doubled.
        host=target.host.replace(":", "::"),
        port=target.port,
        transport="\n".join(f"  {line}" for line in lines if line),
        authenticators=authenticator,
    )


def _group(user: str) -> str:
    return str(pwd.getpwnam(user).pw_gid)


def _protocol(target: Target) -> str:
    if target.lmtp:
        return "lmtp"
    return "smtps" if target.tls == "implicit" else "smtp"


def _readable(folder: Path, file: Path) -> Path:
    """A copy that the transport's user can read."""
    copy = folder / file.name
    shutil.copyfile(file, copy)
    copy.chmod(0o644)
    return copy
