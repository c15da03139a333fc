"""What clients did that an RFC forbids, read from the records when somebody asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import shown_command
from pytest_smtpserver.protocol.syntax.grammar import parse_client_name
from pytest_smtpserver.protocol.syntax.replies import Refused

from .findings import Finding, Kind, Violation
from .violations_content import content_problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.protocol.syntax.commands import Command

#: The last commands of a group (RFC 2920 §3.1; RFC 3207 §4 for STARTTLS). An extension's
#: command, as AUTH is, is one unless its RFC says otherwise.
_LAST = frozenset(
    {"EHLO", "DATA", "VRFY", "EXPN", "TURN", "QUIT", "NOOP", "AUTH", "STARTTLS"}
)
#: One space separates the words of a command, and none stands beside a colon.
_SUPERFLUOUS = re.compile(r"^ |\t|  | :|: ")
#: Commands whose argument is free text: there only the verb is looked at.
_FREE_TEXT = frozenset({"NOOP", "HELP", "VRFY", "EXPN", "ETRN"})
#: How many findings the failure of a test explains.
_EXPLAINED = 20
#: Every violation there is, by its name.
VIOLATIONS = {
    "bare-lf": Kind(
        "RFC 5321 §2.3.8",
        "Only CRLF ends a line. Some servers refuse a bare LF and some end the line "
        "there: mail is smuggled where they disagree.",
    ),
    "bare-cr": Kind(
        "RFC 5321 §2.3.8",
        "CR and LF are sent only together, as the end of a line. Mail is smuggled where "
        "servers disagree on it.",
    ),
    "blanks": Kind(
        "RFC 5321 §3.3",
        "The syntax has one space between words and none beside a colon. Some servers "
        "refuse anything else.",
    ),
    "early-talker": Kind(
        "RFC 2920 §3.1", "Spammers do not wait either: servers turn such clients away."
    ),
    "pipelining-after-last": Kind(
        "RFC 2920 §3.1",
        "The reply to such a command decides what may come next: it is always the last "
        "command of a group.",
    ),
    "pipelining-not-offered": Kind(
        "RFC 2920 §3.1", "A server that does not expect it may lose the command."
    ),
    "client-name": Kind(
        "RFC 5321 §4.1.1.1", "Servers refuse such names, or take the mail for spam."
    ),
    "utf8-address": Kind(
        "RFC 6531 §3.4",
        "Without SMTPUTF8 nobody on the way has to understand the address.",
    ),
    "content-before-354": Kind(
        "RFC 2920 §3.1",
        "DATA may be refused; the content would then be read as commands.",
    ),
    "data-behind-starttls": Kind(
        "RFC 3207 §4",
        "Whoever can write into the connection could have put them there.",
    ),
    "no-quit": Kind(
        "RFC 5321 §4.1.1.10",
        "The server cannot tell this from a connection that broke.",
    ),
    "long-line": Kind(
        "RFC 5322 §2.1.1",
        "Servers refuse such lines, or cut them, which breaks signatures.",
    ),
    "8-bit-header": Kind(
        "RFC 6532 §3",
        "Without SMTPUTF8 header fields are ASCII; RFC 2047 encodes the rest.",
    ),
    "8-bit-content": Kind(
        "RFC 6152 §3", "A server may clear the eighth bit, or refuse the message."
    ),
    "no-from": Kind(
        "RFC 5322 §3.6",
        "Every message has one From and one Date; without, it looks like spam.",
    ),
    "no-date": Kind(
        "RFC 5322 §3.6",
        "Every message has one From and one Date; without, it looks like spam.",
    ),
    "duplicate-header": Kind(
        "RFC 5322 §3.6", "Readers disagree on which of them counts."
    ),
}


class ProtocolViolated(AssertionError):  # noqa: N818 - it is an assertion, not a fault
    """A client did what the options ``strict`` or ``fail_on`` do not let pass."""

    __module__ = "pytest_smtpserver"  # where a test imports it from


def violations(sessions: Iterable[SessionRecord]) -> list[Violation]:
    """Everything that the clients of these sessions did wrong, in order."""
    found: list[Violation] = []
    for number, session in enumerate(sessions, 1):
        found += _Inspection(f"connection {number}", session).inspect()
    return found


def failing(wanted: Collection[str], found: Iterable[Finding]) -> list[Finding]:
    """The findings that fail a test which wants none of these names and kinds."""
    return [
        one
        for one in found
        if one.name in wanted
        or ("violations" if isinstance(one, Violation) else "advice") in wanted
    ]


def explain(found: list[Finding], fail_on: Collection[str] = ()) -> str:
    """The text with which ``strict=True``, or ``fail_on``, fails a test."""
    listed = [
        f"  {line}" for one in found[:_EXPLAINED] for line in str(one).split("\n")
    ]
    if (left := len(found) - _EXPLAINED) > 0:
        listed.append(f"  … and {left} more")
    if fail_on:
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        names = ", ".join(dict.fromkeys(one.name for one in found))
        head = f"fail_on={list(fail_on)!r}, and there are {count} ({names}):"
        foot = (
            "They stand in server.violations and server.advice, also without fail_on."
        )
    else:
        count = "1 violation" if len(found) == 1 else f"{len(found)} violations"
        head = f"strict=True, and the client is guilty of {count} of the RFCs:"
        foot = "Without strict=True they stand in server.violations alone."
    return "\n".join([head.replace("are 1", "is 1"), *listed, foot])


class _Inspection:
    """One session, looked at from its beginning to its end."""

    def __init__(self, connection: str, session: SessionRecord) -> None:
        self._connection = connection
        self._session = session
        self._found: list[Violation] = []
        #: What the last reply to EHLO offered, by keyword.
        self._offered: frozenset[str] = frozenset()
        self._smtputf8 = False

    def inspect(self) -> list[Violation]:
        before: Command | None = None
        for index, command in enumerate(list(self._session.commands), 1):
            where = f"{self._connection}, command {index}"
            line = shown_command(command)
            for name, what in self._command_problems(command, before):
                # That nothing may follow STARTTLS is a rule of its own RFC.
                own = name == "pipelining-after-last" and what.endswith("STARTTLS")
                self._add(name, what, where, line, "RFC 3207 §4" if own else "")
            before = command
        self._look_at_content()
        self._look_at_end()
        return self._found

    def _add(
        self, name: str, what: str, where: str, line: str = "", section: str = ""
    ) -> None:
        kind = VIOLATIONS[name]
        section = section or kind.section
        self._found.append(
            Violation(name, section, what, where, line, kind.why, self._session)
        )

    def _command_problems(
        self, command: Command, before: Command | None
    ) -> Iterator[tuple[str, str]]:
        """The names of violations, and what the command has of them."""
        if command.line_end == "\n":
            yield "bare-lf", "the command ends with a bare LF"
        if "\r" in command:
            yield "bare-cr", "there is a bare CR in the command"
        if command.verb and _SUPERFLUOUS.search(_between_words(command)):
            what = "blanks stand beside the colon, or too many between the words"
            yield "blanks", what
        if command.pipelined:
            yield from self._pipelining_problems(before)
        if command.verb in ("EHLO", "HELO", "LHLO"):
            self._note_offer(command)
            yield from _name_problems(command)
        elif command.verb in ("MAIL", "RCPT"):
            yield from self._address_problems(command)

    def _pipelining_problems(self, before: Command | None) -> Iterator[tuple[str, str]]:
        if before is None:
            yield "early-talker", "the client did not wait for the greeting"
            return
        early = "the command came before the reply to"
        # Content that came between DATA and the next command may begin a group.
        had_content = before.reply is not None and before.reply.code == 354
        if before.verb in _LAST and not had_content:
            yield "pipelining-after-last", f"{early} {before.verb}"
        elif "PIPELINING" not in self._offered:
            what = f"{early} {before.verb or 'a line'}, and PIPELINING was not offered"
            yield "pipelining-not-offered", what

    def _note_offer(self, command: Command) -> None:
        reply = command.reply
        if reply is not None and reply.is_positive:
            self._offered = frozenset(
                words[0].upper()
                for words in map(str.split, reply.lines[1:])
                if words and command.verb != "HELO"
            )

    def _address_problems(self, command: Command) -> Iterator[tuple[str, str]]:
        parameters = command.address.parameters if command.address is not None else {}
        if command.verb == "MAIL":
            self._smtputf8 = "SMTPUTF8" in parameters
        if not self._smtputf8 and not command.isascii():
            what = "the address is not ASCII, and MAIL came without SMTPUTF8"
            yield "utf8-address", what

    def _look_at_content(self) -> None:
        session = self._session
        contents = [
            (f"message {number}", one.content, one.envelope, True)
            for number, one in enumerate(list(session.messages), 1)
        ]
        contents += [
            (f"undelivered content {n}", u.content, u.envelope, u.reply is not None)
            for n, u in enumerate(list(session.undelivered), 1)
            # 552: what is over the limit was not kept.
            if (u.reply is None or u.reply.code != 552) and u.content
        ]
        for name, content, envelope, whole in contents:
            where = f"{self._connection}, {name}"
            for problem in content_problems(content, envelope, whole=whole):
                place = f"{where}, line {problem.number}" if problem.number else where
                self._add(problem.name, problem.what, place, problem.line)

    def _look_at_end(self) -> None:
        session, where = self._session, self._connection
        if session.early_content:
            what = "content came before the reply to DATA"
            self._add("content-before-354", what, where)
        if session.discarded:
            octets = len(session.discarded)
            what = f"{octets} octets came behind STARTTLS, before TLS"
            line = repr(session.discarded[:80])[2:-1]
            self._add("data-behind-starttls", what, where, line)
        if session.closed_by == "client" and _should_have_quit(session):
            self._add("no-quit", "the client closed the connection without QUIT", where)


def _between_words(command: Command) -> str:
    """What of the line has no blanks but those that separate its words."""
    line = command.rstrip(" \t")  # §4.1.1: trailing white space is to be tolerated
    if command.verb in _FREE_TEXT:
        return line.removesuffix(command.argument)
    # A path may have blanks in quotes, and what is wrong inside of it is told by the
    # reply.
    before, bracket, path = line.partition("<")
    return before + bracket + path.rpartition(">")[2]


def _name_problems(command: Command) -> Iterator[tuple[str, str]]:
    try:
        parse_client_name(command.raw_argument, strict=True)
    except Refused as error:
        problem = " ".join(error.reply.lines).partition("client name: ")[2]
        what = "the name of the client is no domain and no address literal"
        yield "client-name", f"{what}: {problem}"


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
    # RFC 3207 §4.1: a client that does not trust the server's certificate may leave.
    return "TLS" not in last_note
