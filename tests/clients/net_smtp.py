"""Perl's Net::SMTP, by way of net_smtp_send.pl."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .tools import CLIENT_TIMEOUT, EHLO_NAME, HERE, Login, Mail, Target, run_client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Step:
    """One method of Net::SMTP and the last reply it got."""

    step: str
    ok: bool
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class NetSmtp:
    """Delivers with Net::SMTP, one connection for all mails."""

    program: str
    home: Path

    def send(
        self,
        target: Target,
        *mails: Mail,
        login: Login | None = None,
        mail_options: Mapping[str, Any] | None = None,
        rcpt_options: Mapping[str, Any] | None = None,
    ) -> list[Step]:
        """Connect, STARTTLS, AUTH, then MAIL, RCPT, DATA for each mail, QUIT.

        It ends early after a failed connect, starttls, auth or mail.

        Args:
            target: The server.
            *mails: The messages.
            login: PLAIN, LOGIN, CRAM-MD5 or DIGEST-MD5.
            mail_options: Of `Net::SMTP->mail`: Size, Return, Bits, Envelope.
            rcpt_options: Of `Net::SMTP->recipient`: Notify, ORcpt, SkipBad.
        """
        job = {
            "host": target.host,
            "port": target.port,
            "hello": EHLO_NAME,
            "timeout": CLIENT_TIMEOUT / 2,
            "tls": target.tls or "",
            "ca_file": str(target.trust) if target.tls else "",
            "login": _login(login),
            "mails": [_mail(one) for one in mails],
            "mail_options": dict(mail_options or {}),
            "rcpt_options": dict(rcpt_options or {}),
        }
        outcome = run_client(
            [self.program, str(HERE / "net_smtp_send.pl")],
            home=self.home,
            stdin=json.dumps(job).encode(),
        ).check()
        return [Step(**step) for step in json.loads(outcome.stdout)]


def _login(login: Login | None) -> dict[str, str | None] | None:
    if login is None:
        return None
    secrets = {"user": login.user, "secret": login.secret}
    return {**secrets, "mechanism": login.mechanism}


def _mail(mail: Mail) -> dict[str, Any]:
    return {
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "content": base64.b64encode(mail.content).decode(),
    }
