"""Postfix as the sending mail system: a private instance for each use.

Postfix is several processes around a queue. Here its master(8) runs in the foreground
on a configuration and a queue of its own, listens nowhere, takes mail by sendmail(1),
delivers with smtp(8) or lmtp(8), and is gone when the last message has left the queue.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .tools import (
    CLIENT_TIMEOUT,
    EHLO_NAME,
    REAPER,
    ClientTimeoutError,
    Login,
    Mail,
    Target,
    client_environment,
    run_client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

QUEUES = "active bounce corrupt defer deferred flush hold incoming private saved trace"

MAIN_CF = {
    "compatibility_level": "3.6",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "maillog_file": "/dev/stdout",
    "myhostname": EHLO_NAME,
    "mydestination": "",
    "alias_maps": "",
    "inet_interfaces": "loopback-only",
    # Nothing here asks the DNS: addresses and /etc/hosts only.
    "smtp_dns_support_level": "disabled",
    "smtp_host_lookup": "native",
    "lmtp_host_lookup": "native",
    # A connection ends with the delivery: no other process keeps it open.
    "smtp_connection_cache_on_demand": "no",
    "lmtp_connection_cache_on_demand": "no",
    # One try: what is put off comes back at once, so that every message ends.
    "maximal_queue_lifetime": "0",
    "bounce_queue_lifetime": "0",
    # Bounces and success reports of this instance's own go nowhere.
    "sender_dependent_default_transport_maps": "inline:{ { <> = discard: } }",
}

# Services, with the limit of processes; all run outside a chroot.
SERVICES = {
    "pickup": "n - n 60 1 pickup",
    "cleanup": "n - n - 0 cleanup",
    # Woken each second, not each five minutes: a message whose last delivery has not let
    # go of its file goes back to the incoming queue, which is looked at when it is woken.
    "qmgr": "n - n 1 1 qmgr",
    "rewrite": "- - n - - trivial-rewrite",
    "bounce": "- - n - 0 bounce",
    "defer": "- - n - 0 bounce",
    "trace": "- - n - 0 bounce",
    "tlsmgr": "- - n 1000? 1 tlsmgr",
    "smtp": "- - n - - smtp",
    "lmtp": "- - n - - lmtp",
    "error": "- - n - - error",
    "retry": "- - n - - error",
    "discard": "- - n - - discard",
}

DELIVERY = re.compile(
    r" (?P<queue_id>\w+): to=<(?P<recipient>.*?)>, (?:orig_to=<.*?>, )?relay=.*?, "
    r"dsn=(?P<dsn>[\d.]+), status=(?P<status>sent|bounced|deferred) \((?P<report>.*)\)$"
)
SUBMITTED = re.compile(r"/pickup\[\d+\]: (\w+): uid=")
REMOVED = re.compile(r"/qmgr\[\d+\]: (\w+): removed$")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one recipient fared: smtp(8)'s or lmtp(8)'s line in the log."""

    recipient: str
    status: str
    dsn: str
    report: str


@dataclass(slots=True)
class PostfixOutcome:
    """What the instance logged, and how each recipient fared."""

    log: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def statuses(self) -> dict[str, str]:
        """Recipient to "sent", "deferred" or "bounced"."""
        return {one.recipient: one.status for one in self.deliveries}


@dataclass(frozen=True, slots=True)
class Postfix:
    """Runs a Postfix instance for some messages; only root can."""

    master: str
    sendmail: str

    def send(
        self,
        target: Target,
        *mails: Mail,
        sendmail_options: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        login: Login | None = None,
    ) -> PostfixOutcome:
        """Submits the mails with sendmail(1) and waits until all have left the queue.

        Args:
            target: The server; with TLS it is verified as `localhost`.
            *mails: The messages; Postfix adds Received and what the header lacks.
            sendmail_options: Options of sendmail(1): `"-N", "failure,delay"`,
                `"-V", "envelope-id"` (two characters alone would mean VERP),
                `"-R", "hdrs"`.
            settings: Parameters for main.cf: `{"smtp_never_send_ehlo": "yes"}`. A mail
                with the null reverse-path is delivered only with
                `{"sender_dependent_default_transport_maps": ""}`; then bounces are too.
            login: User and password; Postfix chooses the mechanism (needs the SASL
                plug-ins of Debian's libsasl2-modules).

        Raises:
            ClientTimeoutError: A message is still in the queue; all is gone by then.
        """
        with _instance(target, settings or {}, login) as folder:
            argv = [sys.executable, "-I", "-S", str(REAPER), f"{CLIENT_TIMEOUT:g}"]
            argv += [self.master, "-c", str(folder), "-d"]
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=client_environment(folder),
                text=True,
                errors="backslashreplace",
            )
            with process:
                try:
                    submit = [self.sendmail, "-C", str(folder), *sendmail_options]
                    return self._follow(folder, process.stdout, mails, submit)
                finally:
                    process.send_signal(signal.SIGTERM)

    def _follow(
        self,
        folder: Path,
        lines: IO[str] | None,
        mails: Sequence[Mail],
        submit: Sequence[str],
    ) -> PostfixOutcome:
        outcome = PostfixOutcome()
        submitted: set[str] = set()
        removed: set[str] = set()
        for line in lines or ():
            outcome.log.append(line.rstrip("\n"))
            if "daemon started" in line:
                for mail in mails:
                    _submit(folder, mail, submit)
            elif match := SUBMITTED.search(line):
                submitted.add(match[1])
            elif match := DELIVERY.search(outcome.log[-1]):
                fields = match.groupdict()
                if fields.pop("queue_id") in submitted:
                    outcome.deliveries.append(Delivery(**fields))
            elif match := REMOVED.search(outcome.log[-1]):
                removed.add(match[1])
                if len(submitted & removed) == len(mails):
                    return outcome
        log = "\n".join(outcome.log)
        raise ClientTimeoutError(f"mail is left in the queue of Postfix:\n{log}")


def _submit(folder: Path, mail: Mail, submit: Sequence[str]) -> None:
    argv = [*submit, "-i", "-f", mail.sender, *mail.recipients]
    run_client(argv, home=folder, stdin=mail.unix_content).check()


@contextmanager
def _instance(
    target: Target, settings: Mapping[str, str], login: Login | None
) -> Iterator[Path]:
    """A configuration and an empty queue."""
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        # Postfix gives up root for its own user: the way to the queue is open.
        folder.chmod(0o755)
        parameters = MAIN_CF | {
            "queue_directory": str(folder / "queue"),
            "data_directory": str(folder / "data"),
            **_target_parameters(target),
            **_login_parameters(login),
            **settings,
        }
        main = "".join(f"{name} = {value}\n" for name, value in parameters.items())
        services = [f"{name} unix {rest}\n" for name, rest in SERVICES.items()]
        master = "".join(["postlog unix-dgram n - n - 1 postlogd\n", *services])
        for file, content in (("main.cf", main), ("master.cf", master)):
            (folder / file).write_text(content, encoding="utf-8")
            # Postfix waits for a configuration file to be some seconds old.
            os.utime(folder / file, (0, 0))
        _make_queue(folder)
        yield folder


def _make_queue(folder: Path) -> None:
    owner = pwd.getpwnam("postfix").pw_uid
    group = grp.getgrnam("postdrop").gr_gid
    queue = folder / "queue"
    queue.mkdir()
    (queue / "pid").mkdir()
    for path in [folder / "data", *(queue / name for name in QUEUES.split())]:
        path.mkdir()
        path.chmod(0o700)
        os.chown(path, owner, -1)
    for name, mode in (("public", 0o710), ("maildrop", 0o730)):
        path = queue / name
        path.mkdir()
        path.chmod(mode)
        os.chown(path, owner, group)


def _target_parameters(target: Target) -> dict[str, str]:
    agent = "lmtp" if target.lmtp else "smtp"
    if target.path is not None:
        return {"default_transport": f"lmtp:unix:{target.path}"}
    scheme = "lmtp:inet:" if target.lmtp else "smtp:"
    parameters = {"default_transport": f"{scheme}[{target.host}]:{target.port}"}
    if target.tls is not None:
        parameters |= {
            # secure: encrypted, and the certificate verified for the name below.
            f"{agent}_tls_security_level": "secure",
            f"{agent}_tls_secure_cert_match": "localhost",
            f"{agent}_tls_CAfile": str(target.trust),
            f"{agent}_tls_wrappermode": "yes" if target.tls == "implicit" else "no",
            f"{agent}_tls_loglevel": "1",
        }
    if target.certificate is not None:
        parameters |= {
            f"{agent}_tls_cert_file": str(target.certificate),
            f"{agent}_tls_key_file": str(target.key),
        }
    return parameters


def _login_parameters(login: Login | None) -> dict[str, str]:
    if login is None:
        return {}
    return {
        "smtp_sasl_auth_enable": "yes",
        "smtp_sasl_password_maps": f"static:{login.user}:{login.secret}",
        "smtp_sasl_security_options": "noanonymous",
        "smtp_sasl_mechanism_filter": (login.mechanism or "").lower(),
    }
