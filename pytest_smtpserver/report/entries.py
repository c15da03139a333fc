"""The entry of one test on the page: its records in the types of JSON.

The workers of pytest-xdist send entries as text, so nothing in them refers to a record.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_smtpserver.mail.lint.advice import advice
from pytest_smtpserver.mail.lint.violations import violations
from pytest_smtpserver.mail.report import connection

from .letters import message_entry, one_line, readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.mail.report import Report

_NOT_IN_ANCHORS = re.compile(r"[^A-Za-z0-9_]+")
_ANCHOR_WORDS = 80
_SHOWN_FAILURE = 4_000
_OF_FINDINGS = ("name", "section", "what", "where", "line", "why")
_ENTRY_LINE = re.compile(r"\s*([+-]?[\d.]*)\s(C|S|--)(?:: | |:)?(.*)", re.DOTALL)


class Entry(NamedTuple):
    """One test, or one connection of a server that no test has started.

    Attributes:
        form: what is known of it, in the types of JSON.
        blobs: the octets of attachments in base64, by digests that `form` refers to.
    """

    form: dict[str, Any]
    blobs: dict[str, str]

    def packed(self) -> str:
        """The entry as a line of ASCII text, compressed."""
        text = json.dumps([self.form, self.blobs], separators=(",", ":"))
        return base64.b64encode(zlib.compress(text.encode(), 6)).decode("ascii")

    @classmethod
    def unpacked(cls, line: str) -> Entry:
        """The entry that `packed` has made a line of."""
        return cls(*json.loads(zlib.decompress(base64.b64decode(line))))


def anchor_of(name: str) -> str:
    """The anchor of a test on the page: ``test-``, words of its name, and a digest."""
    words = _NOT_IN_ANCHORS.sub("-", name).strip("-")
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"test-{words[-_ANCHOR_WORDS:].strip('-')}-{digest}"


def entry_of(
    name: str, reports: Iterable[Report], *, failure: str = "", first: int = 1
) -> Entry:
    """An entry about these servers, without an outcome.

    The name is the one that the test has on the command line of pytest. Passwords and
    tokens in the failure are masked. `first` is the number of a server's first
    connection.
    """
    messages: list[dict[str, Any]] = []
    blobs: dict[str, str] = {}
    reports = list(reports)
    servers = [_server(report, first) for report in reports]
    for number, report in enumerate(reports):
        messages += _messages(report, number, blobs)
    form = {
        "id": anchor_of(name),
        "name": readable(name),
        "outcome": "",
        "failure": readable(without_secrets(failure, reports)[:_SHOWN_FAILURE]),
        "duration": 0.0,
        "flags": _flags(servers),
        "servers": servers,
        "messages": messages,
    }
    return Entry(form, blobs)


def with_outcome(entry: Entry, outcome: str, *, duration: float, run: int = 1) -> Entry:
    """The same entry once it is known how the test ended.

    That is ``"passed"``, ``"failed"``, ``"skipped"`` or ``"interrupted"``. The duration
    is in seconds; `run` says which run of the same test in this session it is, from 1.
    """
    form = {**entry.form, "outcome": outcome, "duration": round(duration, 3)}
    if run > 1:
        form["id"] += f"~{run}"
        form["name"] += f" (run {run})"
    return Entry(form, entry.blobs)


def without_secrets(text: str, reports: Iterable[Report]) -> str:
    """The text without the passwords and tokens that clients have sent."""
    secrets = {
        attempt.password
        for report in reports
        for session in report.sessions
        for attempt in session.auth_attempts
        if attempt.password and len(attempt.password) > 3
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "********")
    return text


def _messages(
    report: Report, server: int, blobs: dict[str, str]
) -> Iterator[dict[str, Any]]:
    sessions = {id(session): index for index, session in enumerate(report.sessions)}
    for message in report.messages:
        form = message_entry(message, blobs)
        form["server"] = server
        form["session"] = sessions.get(id(message.session))
        yield form


def _server(report: Report, first: int) -> dict[str, Any]:
    found: dict[int, list[dict[str, str]]] = {}
    for kind, findings in (
        ("violation", violations(report.sessions)),
        ("advice", advice(report.sessions)),
    ):
        for finding in findings:
            shown = {name: readable(getattr(finding, name)) for name in _OF_FINDINGS}
            found.setdefault(id(finding.session), []).append({"kind": kind, **shown})
    kept = {id(message) for message in report.messages}
    return {
        "where": readable(report.where),
        "options": [readable(option) for option in report.options],
        "unused": readable(report.unused),
        "sessions": [
            {**_session(number, session, kept), "findings": found.get(id(session), [])}
            for number, session in enumerate(report.sessions, first)
        ],
    }


def _session(number: int, session: SessionRecord, kept: set[int]) -> dict[str, Any]:
    return {
        "title": readable(connection(number, session)),
        "delivered": sum(id(message) in kept for message in list(session.messages)),
        "open": session.is_open,
        "refusal": one_line(session.last_error),
        "undelivered": [
            {
                "from": readable(str(one.envelope.mail_from)),
                "to": [readable(str(address)) for address in one.envelope.rcpt_to],
                "reason": readable(one.reason),
                "size": len(one.content),
            }
            for one in list(session.undelivered)
        ],
        "dialogue": [_said(line) for line in session.transcript.lines()],
    }


def _said(line: str) -> list[str]:
    """One line of a dialogue: time, who, what, and the rule that it came from."""
    match = _ENTRY_LINE.fullmatch(line)
    if match is None:
        return ["", "", readable(line), ""]
    when, who, said = match.groups()
    remark = ""
    if who == "S":
        said, _, remark = said.partition("    <- ")
    return [when, who, readable(said), readable(remark)]


def _flags(servers: list[dict[str, Any]]) -> str:
    """What the filters use: r something was refused, u undelivered, v violations."""
    sessions = [session for server in servers for session in server["sessions"]]
    kinds = {one["kind"] for session in sessions for one in session["findings"]}
    return "".join(
        flag
        for flag, holds in (
            ("r", any(session["refusal"] for session in sessions)),
            ("u", any(session["undelivered"] for session in sessions)),
            ("v", "violation" in kinds),
        )
        if holds
    )
