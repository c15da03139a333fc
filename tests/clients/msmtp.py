"""msmtp, with GNU TLS and GNU SASL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .tools import CLIENT_TIMEOUT, EHLO_NAME, Login, Mail, Outcome, Target, run_client

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Msmtp:
    """Delivers with msmtp, set up by its command line alone."""

    program: str
    home: Path

    def send(
        self, target: Target, mail: Mail, *extra: str, login: Login | None = None
    ) -> Outcome:
        """One mail on one connection.

        Args:
            target: The server.
            mail: The message.
            *extra: More options: `"--dsn-notify=failure,delay"`, `"--dsn-return=hdrs"`.
            login: plain, login, cram-md5, scram-sha-1, scram-sha-256, oauthbearer,
                xoauth2, external (with the target's `certificate`).
        """
        options = [f"--from={mail.sender}", *_header_options()]
        env = {}
        if login is not None:
            options += [f"--auth={(login.mechanism or 'on').lower()}"]
            options += [f"--user={login.user}"]
            # The command line has no place for a password but this.
            options += ['--passwordeval=echo "$MSMTP_SECRET"']
            env = {"MSMTP_SECRET": login.secret}
        argv = [self.program, *_transport_options(target), *options, *extra]
        return run_client(
            [*argv, "--", *mail.recipients],
            home=self.home,
            stdin=mail.unix_content,
            extra_env=env,
        )


def _header_options() -> list[str]:
    """Options that keep msmtp from adding to the content, or taking away."""
    return [
        "--set-from-header=off",
        "--set-date-header=off",
        "--set-msgid-header=off",
        "--remove-bcc-headers=off",
        "--undisclosed-recipients=off",
    ]


def _transport_options(target: Target) -> list[str]:
    # --host keeps msmtp from reading any file; --debug prints the dialogue.
    # It asks for a port even where it connects to a Unix socket.
    options = [f"--host={target.host}", f"--port={target.port or 24}", "--debug"]
    options += [f"--timeout={CLIENT_TIMEOUT / 2:g}", f"--domain={EHLO_NAME}"]
    if target.path is not None:
        options += [f"--socket={target.path}"]
    if target.lmtp:
        options += ["--protocol=lmtp"]
    if target.tls is not None:
        options += ["--tls=on", f"--tls-trust-file={target.trust}"]
        options += [f"--tls-starttls={'on' if target.tls == 'starttls' else 'off'}"]
    if target.certificate is not None:
        options += [f"--tls-cert-file={target.certificate}"]
        options += [f"--tls-key-file={target.key}"]
    return options
