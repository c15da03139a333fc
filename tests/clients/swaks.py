"""swaks, the Swiss army knife for SMTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .tools import CLIENT_TIMEOUT, EHLO_NAME, Login, Mail, Outcome, Target, run_client

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Swaks:
    """Delivers with swaks, whose output is a transcript of the session."""

    program: str
    home: Path

    def send(
        self, target: Target, mail: Mail, *extra: str, login: Login | None = None
    ) -> Outcome:
        """One mail on one connection.

        Args:
            target: The server.
            mail: The message; swaks replaces `\\n` and tokens like `%DATE%` in its
                content, and takes away a From_ line.
            *extra: More options: `"--pipeline"`, `"--xclient-addr", "192.0.2.1"`,
                `"--proxy", "TCP4 192.0.2.1 192.0.2.2 1024 25"`.
            login: Requires AUTH; LOGIN, PLAIN, CRAM-MD5 or DIGEST-MD5.
        """
        # swaks ends the content itself (CRLF, then the dot) and stuffs the dots in it;
        # with --no-data-fixup it would do neither.
        data = mail.unix_content.removesuffix(b"\n")
        options = ["--from", mail.sender or "<>", "--to", ",".join(mail.recipients)]
        options += ["--data", "-"]
        if login is not None:
            options += ["--auth", login.mechanism or ""]
            options += ["--auth-user", login.user, "--auth-password", login.secret]
        return self.run(target, *options, *extra, stdin=data)

    def run(self, target: Target, *options: str, stdin: bytes = b"") -> Outcome:
        """Any other use: `"--quit-after", "RCPT"`, `"--drop-after", "DATA"`."""
        argv = [self.program, "--timeout", f"{CLIENT_TIMEOUT / 2:g}"]
        argv += ["--helo", EHLO_NAME, *_transport_options(target)]
        return run_client([*argv, *options], home=self.home, stdin=stdin)


def _transport_options(target: Target) -> list[str]:
    if target.path is not None:
        options = ["--socket", str(target.path)]
    else:
        options = ["--server", target.host, "--port", str(target.port)]
    if target.lmtp:
        options += ["--protocol", "LMTP"]
    if target.tls is not None:
        options += ["--tls-verify", "--tls-ca-path", str(target.trust)]
        options += ["--tls" if target.tls == "starttls" else "--tls-on-connect"]
    if target.certificate is not None:
        options += ["--tls-cert", str(target.certificate)]
        options += ["--tls-key", str(target.key)]
    return options
