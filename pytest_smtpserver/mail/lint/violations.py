"""What clients did that an RFC forbids, read from the records when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_smtpserver.mail.display import shown_command
from pytest_smtpserver.protocol.syntax.errors import Refused
from pytest_smtpserver.protocol.syntax.grammar import parse_client_name

from .violations_content import content_problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.protocol.syntax.commands import Command

#: RFC 2920 §3.1; RFC 3207 §4 for STARTTLS. An extension's command, as AUTH is, may only
#: be the last one of a group unless its RFC says otherwise.
_ENDS_GROUP = {
    "EHLO": "RFC 2920 §3.1",
    "DATA": "RFC 2920 §3.1",
    "VRFY": "RFC 2920 §3.1",
    "EXPN": "RFC 2920 §3.1",
    "TURN": "RFC 2920 §3.1",
    "QUIT": "RFC 2920 §3.1",
    "NOOP": "RFC 2920 §3.1",
    "AUTH": "RFC 2920 §3.1",
    "STARTTLS": "RFC 3207 §4",
}
_OPENING = ("EHLO", "HELO", "LHLO")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a client did.

    Attributes:
        name: a short name that stays the same, such as ``"bare-lf"``.
        section: where it is written: ``"RFC 5321 §2.3.8"``.
        what: what the client did.
        where: the connection and its command, or the message and its line.
        line: the line in question, credentials masked; ``""`` where it is about none.
        why: why it matters.
        session: the connection.
    """

    name: str
    section: str
    what: str
    where: str
    line: str
    why: str
    session: SessionRecord = field(repr=False, compare=False)

    def __str__(self) -> str:
        line = f"\n    {self.line}" if self.line else ""
        return f"{self.where}: {self.what} ({self.section}){line}\n    {self.why}"


class Violation(Finding):
    """What a client did that an RFC forbids."""

    __slots__ = ()


class ProtocolViolated(AssertionError):  # noqa: N818 - it is an assertion, not a fault
    """A client broke an RFC, and the test said ``strict=True``."""

    __module__ = "pytest_smtpserver"  # where a test imports it from


def violations(sessions: Iterable[SessionRecord]) -> list[Violation]:
    """Everything that the clients of these sessions did wrong, in order."""
    found: list[Violation] = []
    for number, session in enumerate(sessions, 1):
        found += _Inspection(number, session).inspect()
    return found


def explain(found: list[Violation]) -> str:
    """The text with which ``strict=True`` fails a test."""
    count = "1 violation" if len(found) == 1 else f"{len(found)} violations"
    lines = [f"strict=True, and the client is guilty of {count} of the RFCs:"]
    lines += [f"  {line}" for one in found for line in str(one).split("\n")]
    lines.append("Without strict=True they stand in server.violations alone.")
    return "\n".join(lines)


class _Inspection:
    """One session, looked at from its beginning to its end."""

    def __init__(self, number: int, session: SessionRecord) -> None:
        self._connection = f"connection {number}"
        self._session = session
        self._found: list[Violation] = []
        #: What the last reply to EHLO offered, by keyword.
        self._offered: frozenset[str] = frozenset()
        self._smtputf8 = False

    def inspect(self) -> list[Violation]:
        """What there is to complain about."""
        before: Command | None = None
        for index, command in enumerate(list(self._session.commands), 1):
            where = f"{self._connection}, command {index}"
            self._look_at_line(command, where)
            self._look_at_pipelining(command, before, where)
            if command.verb in _OPENING:
                self._look_at_name(command, where)
            elif command.verb in ("MAIL", "RCPT"):
                self._look_at_address(command, where)
            before = command
        self._look_at_content()
        self._look_at_end()
        return self._found

    def _add(
        self, name: str, section: str, what: str, where: str, line: str, why: str
    ) -> None:
        self._found.append(
            Violation(name, section, what, where, line, why, self._session)
        )

    def _look_at_line(self, command: Command, where: str) -> None:
        line = shown_command(command)
        if command.line_end == "\n":
            self._add(
                "bare-lf",
                "RFC 5321 §2.3.8",
                "the command ends with a bare LF",
                where,
                line,
                "Only CRLF ends a line; many servers refuse anything else.",
            )
        if "\r" in command:
            self._add(
                "bare-cr",
                "RFC 5321 §2.3.8",
                "there is a bare CR in the command",
                where,
                line,
                "CR and LF are sent only together, as the end of a line.",
            )

    def _look_at_pipelining(
        self, command: Command, before: Command | None, where: str
    ) -> None:
        if not command.pipelined:
            return
        line = shown_command(command)
        if before is None:
            self._add(
                "early-talker",
                "RFC 2920 §3.1",
                "the client did not wait for the greeting",
                where,
                line,
                "Spammers do not wait either: servers turn such clients away.",
            )
        elif (section := _ENDS_GROUP.get(before.verb)) and not _had_content(before):
            self._add(
                "pipelining-after-last",
                section,
                f"the command came before the reply to {before.verb}",
                where,
                line,
                f"What {before.verb} was answered decides what may come next: it "
                "is always the last command of a group.",
            )
        elif "PIPELINING" not in self._offered:
            self._add(
                "pipelining-not-offered",
                "RFC 2920 §3.1",
                f"the command came before the reply to {before.verb or 'a line'}, and "
                "PIPELINING was not offered",
                where,
                line,
                "A server that does not expect it may lose the command.",
            )

    def _look_at_name(self, command: Command, where: str) -> None:
        reply = command.reply
        if reply is not None and reply.is_positive:
            self._offered = frozenset(
                words[0].upper()
                for words in map(str.split, reply.lines[1:])
                if words and command.verb != "HELO"
            )
        try:
            parse_client_name(command.raw_argument, strict=True)
        except Refused as error:
            problem = " ".join(error.reply.lines).partition("client name: ")[2]
            self._add(
                "client-name",
                "RFC 5321 §4.1.1.1",
                f"the name of the client is no domain and no address literal: "
                f"{problem}",
                where,
                shown_command(command),
                "Servers refuse such names, or take the mail for spam.",
            )

    def _look_at_address(self, command: Command, where: str) -> None:
        parameters = command.address.parameters if command.address is not None else {}
        if command.verb == "MAIL":
            self._smtputf8 = "SMTPUTF8" in parameters
        if not self._smtputf8 and not command.isascii():
            self._add(
                "utf8-address",
                "RFC 6531 §3.4",
                "the address is not ASCII, and MAIL came without SMTPUTF8",
                where,
                shown_command(command),
                "Without SMTPUTF8 nobody on the way has to understand the address.",
            )

    def _look_at_content(self) -> None:
        session = self._session
        contents = [
            (f"{self._connection}, message {number}", m.content, m.envelope)
            for number, m in enumerate(list(session.messages), 1)
        ]
        contents += [
            (f"{self._connection}, undelivered content {number}", u.content, u.envelope)
            for number, u in enumerate(list(session.undelivered), 1)
            # 552: what is over the limit was not kept.
            if (u.reply is None or u.reply.code != 552) and u.content
        ]
        unfinished = {id(u.content) for u in session.undelivered if u.reply is None}
        for where, content, envelope in contents:
            whole = id(content) not in unfinished
            for problem in content_problems(content, envelope, whole=whole):
                place = f"{where}, line {problem.number}" if problem.number else where
                self._add(
                    problem.name,
                    problem.section,
                    problem.what,
                    place,
                    problem.line,
                    problem.why,
                )

    def _look_at_end(self) -> None:
        session = self._session
        if session.early_content:
            self._add(
                "content-before-354",
                "RFC 2920 §3.1",
                "content came before the reply to DATA",
                self._connection,
                "",
                "DATA may be refused; the content would then be read as commands.",
            )
        if session.discarded:
            self._add(
                "data-behind-starttls",
                "RFC 3207 §4",
                f"{len(session.discarded)} octets came behind STARTTLS, before TLS",
                self._connection,
                repr(session.discarded[:80])[2:-1],
                "Whoever can write into the connection could have put them there.",
            )
        if session.closed_by == "client" and _should_have_quit(session):
            self._add(
                "no-quit",
                "RFC 5321 §4.1.1.10",
                "the client closed the connection without QUIT",
                self._connection,
                "",
                "The server cannot tell this from a connection that broke.",
            )


def _should_have_quit(session: SessionRecord) -> bool:
    """The client left although it was its turn, and there was nothing to flee from."""
    if session.quit_sent:
        return False
    last_note = ""
    for entry in reversed(session.transcript.entries):
        if entry.kind == "note":
            last_note = str(entry.data)
        elif entry.kind == "S":
            break
        elif entry.kind == "unfinished":
            continue  # nobody owes a reply to half a message
        else:
            # The server owed a reply: a client may run out of patience (§4.5.3.2).
            return False
    else:
        return False  # not even a greeting was sent
    last: Command | None = next(iter(list(session.commands)[-1:]), None)
    # RFC 3207 §4.1: a client that does not trust the server's certificate may leave.
    left_tls = last is not None and last.verb == "STARTTLS" and _positive(last)
    return not (left_tls or "TLS" in last_note.partition("started")[0])


def _had_content(command: Command) -> bool:
    """Content came between this DATA and the next command, and may begin a group."""
    return command.reply is not None and command.reply.code == 354


def _positive(command: Command) -> bool:
    return command.reply is not None and command.reply.is_positive
