"""OpenSMTPD as the receiving mail system, in a root folder of its own.

Debian's binary has its folders and the names of its users built in, and cannot be
installed beside Postfix: so it runs where all of these are its own.
"""

from __future__ import annotations

import secrets
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import trustme

from .tools import REAPER, client_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Connect = Callable[[], AbstractContextManager[socket.socket]]

#: Longer than all tests with one server take.
LIFETIME = 900
#: Who may log in; the password is "lovelace", as crypt(3) has it.
HASH = (
    "$6$pytestsmtpserver$FM8uFsJRTYdXMYz0njpebn9t4mV0LuaL55/Y6bGotDDIl8E39sXRnHLRS0Ujt8yX"
    "cMItfbJRBdkM1ZzdrD3fB/"
)
# The second one is for users who log in, which OpenSMTPD lets them do over TLS only. The
# certificate is of no use: Debian's build cannot sign with OpenSSL 3, so that only
# anonymous ciphers end in a handshake. The last one is there to say that all listen.
CONFIGURATION = f"""\
pki own cert "/etc/cert.pem"
pki own key "/etc/key.pem"
table users {{ ada = "{HASH}" }}
table people {{ ada = "65003:65001:/", later = "of whom nothing can be read" }}
smtp max-message-size 1000
smtp ciphers "aNULL:@SECLEVEL=0"
listen on ADDRESS port 2525 hostname mx.example.net
listen on ADDRESS port 2526 hostname mx.example.net smtps pki own auth <users>
listen on ADDRESS port 2527 hostname mx.example.net
action "keep" mda "/bin/true" userbase <people>
match from any for domain "example.org" action "keep"
match auth from any for any action "keep"
"""
PASSWD = """\
root:x:0:0::/:/bin/false
opensmtpd:x:65001:65001::/:/bin/false
opensmtpq:x:65002:65002::/:/bin/false
ada:x:65003:65001::/:/bin/false
"""
GROUP = "root:x:0:\nopensmtpd:x:65001:\nopensmtpq:x:65002:\n"


@dataclass(frozen=True, slots=True)
class OpenSmtpd:
    """The unpacked smtpd(8)."""

    program: str

    @contextmanager
    def running(self) -> Iterator[tuple[Connect, Connect]]:
        """How to connect to one that takes mail, and to one that wants a login."""
        address = f"127.{secrets.randbelow(200) + 1}.{secrets.randbelow(256)}.1"
        with tempfile.TemporaryDirectory(prefix="opensmtpd-") as name:
            root = Path(name)
            self._furnish(root, address)
            argv = [
                sys.executable,
                "-I",
                "-S",
                str(REAPER),
                str(LIFETIME),
                "chroot",
                name,
            ]
            process = subprocess.Popen(
                [*argv, "/usr/sbin/smtpd", "-d", "-v"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=client_environment(root),
                text=True,
            )
            with process:
                try:
                    log = []
                    for line in process.stderr or ():
                        log.append(line)
                        if "listen on" in line and "port 2527" in line:
                            break
                    else:
                        raise AssertionError(f"smtpd did not start: {''.join(log)}")
                    yield _plain(address), _secured(address)
                finally:
                    process.terminate()

    def _furnish(self, root: Path, address: str) -> None:
        """All that smtpd needs in its root."""
        linked = subprocess.run(
            ["ldd", self.program], capture_output=True, text=True, check=True
        ).stdout
        files = [word for word in linked.split() if word.startswith("/")]
        for file in files:
            (root / file[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / file[1:])
        for part in ("usr/sbin", "etc", "var/run", "var/spool/smtpd"):
            (root / part).mkdir(parents=True, exist_ok=True)
        (root / "var/lib/opensmtpd/empty").mkdir(parents=True)
        for folder in (root, root / "var/spool/smtpd"):
            folder.chmod(0o711)
        shutil.copy(self.program, root / "usr/sbin/smtpd")
        certificate = trustme.CA().issue_cert("mx.example.net")
        certificate.cert_chain_pems[0].write_to_path(root / "etc/cert.pem")
        key = root / "etc/key.pem"
        certificate.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        for name, content in (
            ("passwd", PASSWD),
            ("group", GROUP),
            ("hosts", f"{address} mx.example.net\n"),
            ("smtpd.conf", CONFIGURATION.replace("ADDRESS", address)),
        ):
            (root / "etc" / name).write_text(content, encoding="utf-8")


def _plain(address: str) -> Connect:
    return lambda: socket.create_connection((address, 2525))


def _secured(address: str) -> Connect:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")

    @contextmanager
    def connect() -> Iterator[socket.socket]:
        connected = socket.create_connection((address, 2526))
        ours, theirs = socket.socketpair()
        with ours, theirs, context.wrap_socket(connected) as secured:
            bridge = threading.Thread(target=_bridge, args=(theirs, secured))
            bridge.start()
            try:
                yield ours
            finally:
                with suppress(OSError):  # the test has closed it
                    ours.shutdown(socket.SHUT_RDWR)
                bridge.join()

    return connect


def _bridge(plain: socket.socket, secured: ssl.SSLSocket) -> None:
    """Hand on what either side says, until one of them has ended.

    In one thread: OpenSSL must not read and write for a connection at the same time.
    """
    other = {plain: secured, secured: plain}
    data = b"something"
    with suppress(OSError):
        while data:
            ready = [secured] if secured.pending() else select.select(other, [], [])[0]
            data = ready[0].recv(65536)
            other[ready[0]].sendall(data)
    with suppress(OSError):
        plain.shutdown(socket.SHUT_RDWR)
