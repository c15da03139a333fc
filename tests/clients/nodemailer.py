"""nodemailer, the mailer of Node.js, by way of nodemailer_send.js."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .tools import CLIENT_TIMEOUT, EHLO_NAME, HERE, Login, Mail, Target, run_client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class NodemailerResult:
    """What `sendMail` or `verify` came to."""

    ok: bool
    accepted: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    response: str = ""
    envelope: dict[str, Any] = field(default_factory=dict)
    message_id: str = ""
    # Fields of nodemailer's Error: message, code, responseCode, response, command.
    error: dict[str, Any] = field(default_factory=dict)
    # The same for each refused recipient, with `recipient`.
    rejected_errors: list[dict[str, Any]] = field(default_factory=list)

    def check(self) -> NodemailerResult:
        """Returns itself, or fails the test with nodemailer's error."""
        if not self.ok:
            raise AssertionError(f"nodemailer failed: {self.error}")
        return self


@dataclass(frozen=True, slots=True)
class Job:
    """Messages for one transport; the fields are the arguments of `Nodemailer.send`."""

    target: Target
    messages: Sequence[Mail | Mapping[str, Any]]
    login: Login | None = None
    transport: Mapping[str, Any] = field(default_factory=dict)
    verify: bool = False
    parallel: bool = False

    def as_json(self) -> dict[str, Any]:
        """As nodemailer_send.js reads it."""
        return {
            "transport": _transport(self.target, self.login) | dict(self.transport),
            "messages": [_message(one) for one in self.messages],
            "verify": self.verify,
            "parallel": self.parallel,
        }


@dataclass(frozen=True, slots=True)
class Nodemailer:
    """Runs a job of one or more messages in one Node.js process."""

    program: str
    modules: Path
    home: Path

    def send(
        self,
        target: Target,
        *messages: Mail | Mapping[str, Any],
        login: Login | None = None,
        transport: Mapping[str, Any] | None = None,
        verify: bool = False,
        parallel: bool = False,
    ) -> list[NodemailerResult]:
        """Sends the messages, by default one after the other.

        Args:
            target: The server.
            *messages: Mails, sent as they are (`raw`), or nodemailer's own message
                objects: `{"from": …, "to": …, "subject": …, "text": …, "dsn": {…}}`.
            login: The mechanism becomes `authMethod`; XOAUTH2 takes the secret as
                the access token.
            transport: More transport options: `{"pool": True, "maxConnections": 2}`.
            verify: Call `verify()` first; its result is then the first.
            parallel: Call `sendMail` for all messages at once.

        Raises:
            AssertionError: Node.js itself failed.
        """
        job = Job(target, messages, login, transport or {}, verify, parallel)
        return [_result(one) for one in self._run(job.as_json())]

    def send_in_rounds(
        self, *rounds: Sequence[Job]
    ) -> list[list[list[NodemailerResult]]]:
        """Does many jobs in one process.

        Args:
            *rounds: Jobs; those of a round are done at once, then comes the next round.

        Returns:
            For each round, for each of its jobs: what `send` returns.

        Raises:
            AssertionError: Node.js itself failed.
        """
        given = {"rounds": [[job.as_json() for job in jobs] for jobs in rounds]}
        return [
            [[_result(one) for one in results] for results in round_]
            for round_ in self._run(given)
        ]

    def _run(self, given: Mapping[str, Any]) -> Any:
        outcome = run_client(
            [self.program, str(HERE / "nodemailer_send.js")],
            home=self.home,
            stdin=json.dumps(given).encode(),
            extra_env={"NODE_PATH": str(self.modules)},
        ).check()
        return json.loads(outcome.stdout)


def _transport(target: Target, login: Login | None) -> dict[str, Any]:
    patience = CLIENT_TIMEOUT / 2 * MILLISECONDS
    options: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "name": EHLO_NAME,
        "lmtp": target.lmtp,
        "socketPath": None if target.path is None else str(target.path),
        "secure": target.tls == "implicit",
        "requireTLS": target.tls == "starttls",
        "ignoreTLS": target.tls is None,
        "connectionTimeout": patience,
        "greetingTimeout": patience,
        "socketTimeout": patience,
    }
    if target.tls is not None:
        options["tls"] = {"ca": target.trust.read_text()}
    if target.certificate is not None and target.key is not None:
        options["tls"]["cert"] = target.certificate.read_text()
        options["tls"]["key"] = target.key.read_text()
    if login is not None and login.mechanism == "XOAUTH2":
        token = {"type": "OAuth2", "user": login.user, "accessToken": login.secret}
        options["auth"] = token
    elif login is not None:
        options["auth"] = {"user": login.user, "pass": login.secret}
        if login.mechanism is not None:
            options["authMethod"] = login.mechanism
    return options


def _message(message: Mail | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(message, Mail):
        return dict(message)
    return {
        "envelope": {"from": message.sender, "to": list(message.recipients)},
        "raw_base64": base64.b64encode(message.content).decode(),
    }


def _result(result: dict[str, Any]) -> NodemailerResult:
    return NodemailerResult(
        ok=result["ok"],
        accepted=result.get("accepted") or [],
        rejected=result.get("rejected") or [],
        response=result.get("response") or "",
        envelope=result.get("envelope") or {},
        message_id=result.get("messageId") or "",
        error=result.get("error") or {},
        rejected_errors=result.get("rejectedErrors") or [],
    )
