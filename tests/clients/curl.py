"""curl as a mail client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .tools import CLIENT_TIMEOUT, EHLO_NAME, Login, Mail, Outcome, Target, run_client

if TYPE_CHECKING:
    from pathlib import Path

TOKEN_MECHANISMS = ("XOAUTH2", "OAUTHBEARER")


@dataclass(frozen=True, slots=True)
class Curl:
    """Delivers with `curl --upload-file`, which sends the content as it is."""

    program: str
    home: Path

    def send(
        self, target: Target, mail: Mail, *extra: str, login: Login | None = None
    ) -> Outcome:
        """One mail on one connection.

        Args:
            target: The server.
            mail: The message; curl adds a CRLF where the content does not end so.
            *extra: More options, for example `"--mail-auth", "ada@example.org"`.
            login: `--user`; the mechanism goes into `--login-options`. Without
                `"--sasl-ir"` the initial response comes in a line of its own.
        """
        options = ["--mail-from", mail.sender, "--upload-file", "-"]
        for recipient in mail.recipients:
            options += ["--mail-rcpt", recipient]
        options += _login_options(login)
        return self.run(target, *options, *extra, stdin=mail.content)

    def run(self, target: Target, *options: str, stdin: bytes = b"") -> Outcome:
        """Any other use of curl: `--request NOOP`, `VRFY ada`, several mails."""
        # -q comes first, or the user's .curlrc counts.
        argv = [self.program, "-q", "--silent", "--show-error", "--verbose"]
        argv += ["--max-time", f"{CLIENT_TIMEOUT / 2:g}", *_transport_options(target)]
        return run_client([*argv, *options, url(target)], home=self.home, stdin=stdin)


def url(target: Target) -> str:
    """The URL; its path is the name that curl says in EHLO."""
    scheme = "smtps" if target.tls == "implicit" else "smtp"
    return f"{scheme}://{target.bracketed_host}:{target.port}/{EHLO_NAME}"


def _transport_options(target: Target) -> list[str]:
    options = []
    if target.path is not None:
        options += ["--unix-socket", str(target.path)]
    if target.tls is not None:
        options += ["--cacert", str(target.trust)]
    if target.tls == "starttls":
        options += ["--ssl-reqd"]
    if target.certificate is not None:
        options += ["--cert", str(target.certificate), "--key", str(target.key)]
    return options


def _login_options(login: Login | None) -> list[str]:
    if login is None:
        return []
    options = []
    if login.mechanism in TOKEN_MECHANISMS:
        options += ["--user", f"{login.user}:", "--oauth2-bearer", login.secret]
    else:
        # curl has EXTERNAL only where the password is empty.
        options += ["--user", f"{login.user}:{login.secret}"]
    if login.mechanism is not None:
        options += ["--login-options", f"AUTH={login.mechanism}"]
    return options
