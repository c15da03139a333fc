"""A recorded dialogue, played back: `personas.dialogue`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import printable, shortened, shown_command
from pytest_smtpserver.protocol.state.states import VERBS
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.replies import Reply
from pytest_smtpserver.script.actions import Close, Delay, SendBytes, SendReply
from pytest_smtpserver.script.conditions import Conditions
from pytest_smtpserver.script.rules import Rule

from .kinds import Persona
from .logs import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from pytest_smtpserver.script.actions import Action
    from pytest_smtpserver.script.event import Event

    from .logs import Said

#: Moments that a line of a log may stand for, beside commands. A log does not tell the
#: last line of an AUTH exchange from the others.
_MOMENTS = {"CONNECT": "CONNECT", "RESPONSE": "RESPONSE", "CREDENTIALS": "RESPONSE"}
_MESSAGE = "MESSAGE"
_MOMENTS_SHOWN = {
    "CONNECT": "(the client connects)",
    "RESPONSE": "(a line of AUTH)",
    _MESSAGE: "(the message)",
}
#: How much of a line a comparison shows, and how many lines stand before the last one.
_WIDTH, _BEFORE = 44, 4


class DialogueLeft(AssertionError):  # noqa: N818 - it is an assertion, not a fault
    """A client said something else than the dialogue that was played to it."""

    __module__ = "pytest_smtpserver.personas"  # where a test imports it from


class Step(NamedTuple):
    """One thing that the recorded client did, and what the server did then.

    Attributes:
        name: the verb, or ``"CONNECT"``, ``"RESPONSE"``, ``"MESSAGE"``.
        line: what was said, for people; ``""`` at a moment.
        number: of the line in the log.
        reply: the lines of the reply; empty for none.
        waited: seconds that the server took, where the log has times.
        ending: ``"disconnect"`` or ``"reset"``, where the server ended it so.
    """

    name: str
    line: str
    number: int
    reply: tuple[str, ...] = ()
    waited: float = 0.0
    ending: str = ""

    def actions(self, *, delays: bool) -> list[Action]:
        """What the server does when the client has come so far."""
        actions: list[Action] = []
        if delays and self.waited > 0:
            actions.append(Delay(self.waited))
        if self.reply:
            actions.append(_reply(self.reply))
        if self.ending:
            actions.append(Close(self.ending))
        return actions


def dialogue(text: str, *, delays: bool = False) -> Persona:
    """Play back a recorded dialogue: the same replies to the same verbs, in order.

    Read are our own transcripts, also those that ``--smtp-save`` keeps, and the logs of
    ``curl -v``, swaks, nodemailer (``debug``), smtplib (``set_debuglevel``) and
    Postfix's smtp(8) with ``-v``. The client has to say the same verbs in the same
    order; names, addresses, sizes and secrets may differ. One that says something else
    gets the usual replies from there on, and the test fails and shows where the two
    part. After the last recorded line the server goes on as usual.

    With several connections in the log each is played to one connection, in order, the
    last one to all that follow. A STARTTLS and the lines of an AUTH exchange in a
    dialogue need a server that can do them (`tls`, `users`); `SMTPServer.play` says so.

    Args:
        text: the log.
        delays: take as long for each reply as the recorded server did, where the log
            has times.

    Raises:
        TypeError: the text is no str.
        ValueError: nothing in it looks like a dialogue.
    """
    if not isinstance(text, str):
        hint = ": write path.read_text()" if hasattr(text, "read_text") else ""
        raise TypeError(f"dialogue takes the text of a log, not {text!r}{hint}")
    connections = [steps for one in _connections(read(text)) if (steps := _steps(one))]
    if not connections:
        raise ValueError(
            "there is no dialogue in the log: it has to be a transcript with C: and S: "
            "lines, or a log of curl -v, swaks, nodemailer (debug), smtplib "
            f"(set_debuglevel) or Postfix (smtp -v){_why_not(text)}"
        )
    count = sum(map(len, connections))

    def make() -> list[Rule]:
        played = _Played(connections, delays=delays)
        names = ("*", "CONNECT", "RESPONSE", "CREDENTIALS", _MESSAGE)
        return [Playback(name, played) for name in names]

    return Persona(f"dialogue({count} steps)", make, dict(_needs(connections)))


def _why_not(text: str) -> str:
    """Why there is none in a text that people take for a log."""
    if text.strip() and len(text.splitlines()) == 1 and " " not in text.strip():
        return (
            f". It takes the text, not the name of a file: Path({text!r}).read_text()"
        )
    if re.search(r"\bstatus=(?:deferred|bounced|sent)\b", text):
        return (
            ". Lines with status= have one reply alone; with debug_peer_list=HOST in "
            "main.cf Postfix logs all of them"
        )
    return ""


def _needs(connections: list[list[Step]]) -> Iterator[tuple[str, str]]:
    """What the server has to have, and the line of the log that needs it."""
    for step in (step for one in connections for step in one):
        line = f"line {step.number} of the log"
        if step.name == "STARTTLS" and "".join(step.reply).startswith("2"):
            yield "tls", f'{line}, STARTTLS, needs tls="starttls"'
        elif step.name == "RESPONSE":
            yield "auth", f"{line}, of an AUTH, needs users={{...}}"


class Playback(Rule):
    """What a dialogue does at one kind of event."""

    def __init__(self, event: str, played: _Played) -> None:
        super().__init__(event, Conditions(event, None, {}), "")
        self._played = played

    def take(self, event: Event, now: Callable[[], datetime]) -> list[Action] | None:  # noqa: ARG002 - for rules that note their calls
        """The recorded reply, where the client has said what the recorded one did."""
        return self._played.next_actions(event)

    def complaint(self) -> AssertionError | None:
        """Where a client left the dialogue; once, for all events."""
        return self._played.complaint() if self.event == "*" else None


class _Played:
    """How far each connection has got in its dialogue."""

    def __init__(self, connections: list[list[Step]], *, delays: bool) -> None:
        self._connections = connections
        self._delays = delays
        #: By session: the steps that are still to come.
        self._progress: dict[str, _Progress] = {}

    def next_actions(self, event: Event) -> list[Action] | None:
        """What the recorded server did; None for the usual."""
        progress = self._progress.get(event.session.id)
        if progress is None:
            which = min(len(self._progress), len(self._connections) - 1)
            progress = _Progress(self._connections[which])
            self._progress[event.session.id] = progress
        step = progress.advance(event)
        return None if step is None else step.actions(delays=self._delays)

    def complaint(self) -> AssertionError | None:
        """The first client that left its dialogue."""
        for progress in self._progress.values():
            if progress.left_with is not None:
                return DialogueLeft(progress.comparison())
        return None


class _Progress:
    """One connection in its dialogue."""

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._done = 0
        self._came: list[str] = []
        #: What came in place of the next step; None while all goes well.
        self.left_with: str | None = None

    def advance(self, event: Event) -> Step | None:
        """The step that the event is; None where it is none."""
        if self.left_with is not None or self._done == len(self._steps):
            return None
        step, name = self._steps[self._done], _MOMENTS.get(event.name, event.name)
        came = _told(event)
        if step.name == name:
            self._done += 1
            self._came.append(came)
            return step
        # What the log does not have is not what the client said: a greeting that was
        # cut off, or the end of content whose reply is its last chunk's.
        if name not in ("CONNECT", _MESSAGE):
            self.left_with = came
        return None

    def comparison(self) -> str:
        """The lines before the two part, and those with which they do, side by side."""
        wanted = self._steps[self._done]
        recorded = [_shown(one) for one in self._steps[: self._done]]
        rows = list(zip(recorded, self._came, strict=True))[-_BEFORE:]
        rows.append((_shown(wanted), self.left_with or ""))
        lines = [
            f"The client left the recorded dialogue at line {wanted.number} of the log:",
            f"    {'recorded':{_WIDTH}}  came",
        ]
        for row in rows:
            sign = "≠" if row is rows[-1] else " "
            left, right = (shortened(one, _WIDTH - 1) for one in row)
            lines.append(f"  {sign} {left:{_WIDTH}}  {right}")
        lines.append("From there on it got the usual replies.")
        return "\n".join(lines)


def _told(event: Event) -> str:
    """What the client said, without secrets."""
    if event.name not in _MOMENTS and event.given_command is not None:
        return shown_command(event.given_command)
    name = _MOMENTS.get(event.name, event.name)
    return _MOMENTS_SHOWN.get(name, name)


def _shown(step: Step) -> str:
    if step.name in _MOMENTS_SHOWN:
        return _MOMENTS_SHOWN[step.name]
    return shown_command(printable(step.line))


def _reply(lines: tuple[str, ...]) -> SendReply | SendBytes:
    """The recorded reply; in octets where it is not as RFC 5321 §4.2 has replies."""
    try:
        reply = Reply.parse("\n".join(lines))
    except ValueError:
        return SendBytes("".join(f"{line}\r\n" for line in lines).encode())
    return SendReply(reply.code, reply)


# From lines to steps


def _connections(said: Iterable[Said]) -> list[list[Said]]:
    connections: list[list[Said]] = [[]]
    for one in said:
        if one.who == "connect":
            connections.append([])
        else:
            connections[-1].append(one)
    return [one for one in connections if any(line.who == "S" for line in one)]


class _Reader:
    """Puts commands and their replies together: replies come in the order of these."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        #: What waits for its reply: index of the step, and when it was said.
        self._waiting: list[tuple[int, float | None]] = []
        self._lines: list[str] = []
        #: When the server said something last: nothing behind it has waited longer.
        self._replied = 0.0
        self._in_content = False
        self._in_auth = False
        self._chunk = False
        self._lmtp = False
        self._recipients = 0
        self._last: Said | None = None

    def hear(self, one: Said) -> None:
        if one.who == "C":
            self._client(one)
        elif one.who == "S":
            self._server(one)
        else:
            self._end(one)

    def _client(self, one: Said) -> None:
        if self._in_content:
            dot = one.text == "."
            if dot:
                self._in_content = False
            if dot or not (
                one.begins and self._last is not None and self._last.who == "C"
            ):
                self._last = one
                return
            # In our transcripts: what came behind the content, in the same go.
            self._in_content = False
        verb = Command.parse(one.text.encode("utf-8", "surrogateescape")).verb
        if self._in_auth:
            self._wait("RESPONSE", one._replace(text=""))
        elif not (self._chunk and verb not in VERBS):  # else content of a chunk
            self._chunk = verb == "BDAT"
            self._wait(verb, one)
        self._last = one

    def _wait(self, name: str, one: Said) -> None:
        self.steps.append(Step(name, one.text, one.number))
        self._waiting.append((len(self.steps) - 1, one.time))

    def _server(self, one: Said) -> None:
        self._lines.append(one.text)
        self._last = one
        if one.text[3:4] == "-":
            return
        lines, self._lines = tuple(self._lines), []
        if not self._waiting:
            if self.steps:
                return  # a reply that nothing has asked for
            self.steps.append(Step("CONNECT", "", one.number, lines))
            return
        index, asked = self._waiting.pop(0)
        step = self.steps[index]
        self.steps[index] = step._replace(reply=lines, waited=self._waited(asked, one))
        self._follow(step, lines[-1], one)

    def _waited(self, asked: float | None, one: Said) -> float:
        """Seconds from the command, or from the reply before this one."""
        if asked is None or one.time is None:
            return 0.0
        since, self._replied = max(asked, self._replied), one.time
        return max(one.time - since, 0.0)

    def _follow(self, step: Step, line: str, one: Said) -> None:
        """What the reply leads to."""
        positive = line.startswith("2")
        self._in_auth = line.startswith("334") and step.name in ("AUTH", "RESPONSE")
        if step.name == "LHLO":
            self._lmtp = True
        elif step.name == "MAIL":
            self._recipients = 0
        elif step.name == "RCPT":
            self._recipients += positive
        elif step.name == "DATA" and line.startswith("354"):
            self._in_content = True
            for place in range(self._recipients if self._lmtp else 1):
                self._waiting.insert(place, (len(self.steps), one.time))
                self.steps.append(Step(_MESSAGE, "", one.number))
        if step.name == _MESSAGE:
            self._in_content = False

    def _end(self, one: Said) -> None:
        """The server ended it: instead of the next reply, or behind the last one."""
        if self._waiting:
            index, asked = self._waiting.pop(0)
            self.steps[index] = self.steps[index]._replace(
                ending=one.who, waited=self._waited(asked, one)
            )
            self._waiting.clear()
            del self.steps[index + 1 :]
        elif self.steps and self.steps[-1].name != "QUIT":
            self.steps[-1] = self.steps[-1]._replace(ending=one.who)


def _steps(said: list[Said]) -> list[Step]:
    reader = _Reader()
    for one in said:
        reader.hear(one)
    return [step for step in reader.steps if step.reply or step.ending]
