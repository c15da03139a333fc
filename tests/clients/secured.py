"""Postfix and Exim with STARTTLS, and with a login behind it: ada's is "lovelace"."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .exim import FOR_ALL
from .test_postfix_smtpd import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import trustme

HOSTNAME = "mx.example.net"

EXIM = """\
tls_certificate = {folder}/cert.pem
tls_privatekey = {folder}/key.pem
acl_smtp_mail = accept
acl_smtp_rcpt = recipients
acl_smtp_data = accept
begin acl
recipients:
  deny local_parts = nobody
       message = Unknown user
  deny !authenticated = *
       message = relay not permitted
  accept
"""
# As the examples in Debian's configuration have it: no login without TLS.
AUTHENTICATORS = """\
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{ada}}}}{{eq{{$auth3}}{{lovelace}}}}}}}}
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{ada}}}}{{eq{{$auth2}}{{lovelace}}}}}}}}
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""
SASL = "pwcheck_method: saslauthd\nsaslauthd_path: {path}\nmech_list: PLAIN LOGIN\n"


def postfix_with_tls(folder: Path, ca: trustme.CA) -> dict[str, str]:
    """Settings for its smtpd, whose files are in the folder."""
    certificate, key = _certificate(folder, ca)
    return SETTINGS | {
        "myhostname": HOSTNAME,
        "smtpd_tls_security_level": "may",
        "smtpd_tls_chain_files": f"{key}, {certificate}",
        "smtpd_tls_auth_only": "yes",
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_relay_restrictions": (
            "permit_sasl_authenticated, defer_unauth_destination"
        ),
    }


def exim_with_tls(folder: Path, ca: trustme.CA) -> str:
    """Its configuration behind `exim.RECEIVES`."""
    certificate, key = _certificate(folder, ca)
    text = EXIM.replace("{folder}/cert.pem", str(certificate))
    text = text.replace("{folder}/key.pem", str(key))
    return text + FOR_ALL + AUTHENTICATORS


def _certificate(folder: Path, ca: trustme.CA) -> tuple[Path, Path]:
    leaf = ca.issue_cert(HOSTNAME)
    certificate, key = folder / "cert.pem", folder / "key.pem"
    leaf.cert_chain_pems[0].write_to_path(certificate)
    leaf.private_key_pem.write_to_path(key)
    return certificate, key


@contextmanager
def checking(folder: Path) -> Iterator[str]:
    """What saslauthd(8) does, for one user; yields how Cyrus SASL is told to ask it."""
    path = folder / "mux"
    with socketserver.UnixStreamServer(str(path), _Check) as server:
        path.chmod(0o666)  # for the user that smtpd(8) runs as
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield SASL.format(path=path)
        finally:
            server.shutdown()
            thread.join()


class _Check(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """One login: user, password, service and realm, each behind its length."""
        user, password, *_ = [
            self.rfile.read(int.from_bytes(self.rfile.read(2), "big")) for _ in range(4)
        ]
        said = b"OK" if (user, password) == (b"ada", b"lovelace") else b"NO"
        self.wfile.write(len(said).to_bytes(2, "big") + said)
