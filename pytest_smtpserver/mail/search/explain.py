"""Explains why a message that a test wants is not there.

The text is for somebody who has not seen the code: what was expected, what came, how
close it was, what is still going on, and the way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.display import LINE, printable, shortened, shown_command

from .diagnosis import Setting, what_holds_up, what_stood_in_the_way
from .differing import describe
from .hints import hint
from .matching import matches_address, matches_any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord

    from .criteria import Criteria, Difference
    from .waiting import Wait

#: How many messages an explanation shows, the nearest first.
SHOWN_MESSAGES = 5
#: How many of a list of other things.
_SHOWN = 20
#: The criteria that are about addresses.
_ADDRESSES = frozenset({"mail_from", "rcpt_to", "from_", "to", "cc", "reply_to"})


def summary(message: ReceivedMessage) -> str:
    """One line on a message: who wrote to whom, about what."""
    recipients = shortened(", ".join(message.envelope.rcpt_to), 200) or "nobody"
    sender = message.envelope.mail_from or "<>"
    return (
        f"from {sender} to {recipients}: {shortened(repr(message.subject), 200)}"
        f" ({len(message.content):,} octets)"
    )


def not_received(
    wait: Wait,
    *,
    timeout: float | None,
    messages: Sequence[ReceivedMessage],
    claims: Iterable[tuple[ReceivedMessage, str]],
    before_mark: Iterable[ReceivedMessage],
    sessions: Sequence[SessionRecord],
    setting: Setting | None = None,
    full: bool = False,
) -> str:
    """The text of a wait that ran out of time.

    Without a `timeout` nothing was waited for, as nothing can come. `claims` are the
    messages that were handed out, and where; `before_mark` those before the wait's mark.
    """
    notes = {id(one): "came before the mark given as since=" for one in before_mark}
    handed_out = [] if wait.again else list(claims)
    for message, where in handed_out:
        notes[id(message)] = (
            f"handed out by the wait in {where}; again=True would return it"
        )
    before = wait.criteria.matching(message for message, _ in handed_out)
    lines = [_headline(wait, timeout, len(before))]
    lines += _arrived(wait.criteria, messages, notes, full=full)
    lines += what_stood_in_the_way(sessions, setting or Setting(), waited=True)
    return _text(lines + went_wrong(sessions, full=full), full=full)


def wrong_number(
    criteria: Criteria,
    times: int | None,
    found: Sequence[ReceivedMessage],
    messages: Sequence[ReceivedMessage],
    sessions: Sequence[SessionRecord],
    *,
    setting: Setting | None = None,
    full: bool = False,
) -> str:
    """The text of an assertion that wanted more messages, or fewer."""
    what = f" with {criteria!r}" if criteria else ""
    if times is None:
        lines = [f"No message{what} was received."]
    else:
        verb = "was" if len(found) == 1 else "were"
        number_found = count(len(found), "message")
        lines = [f"{number_found}{what} instead of {times} {verb} received."]
    if found:
        lines += listed(found, full=full, most=_SHOWN)
        if times is not None and len(found) > times:
            return _text(lines, full=full)
    known = set(found)
    others = [one for one in messages if one not in known]
    if others or not found:
        lines += _arrived(criteria, others, {}, full=full)
    lines += what_stood_in_the_way(sessions, setting or Setting(), waited=False)
    return _text(lines + went_wrong(sessions, full=full), full=full)


def unwanted(
    criteria: Criteria, found: Sequence[ReceivedMessage], *, full: bool = False
) -> str:
    """The text of an assertion that wanted no such message."""
    what = f" with {criteria!r}" if criteria else ""
    verb = "was" if len(found) == 1 else "were"
    lines = [f"{count(len(found), 'message')}{what} {verb} received, none was wanted:"]
    return _text(lines + listed(found, full=full), full=full)


def listed(
    messages: Sequence[ReceivedMessage],
    *,
    full: bool = False,
    most: int = SHOWN_MESSAGES,
) -> list[str]:
    """A line for each message, up to a number that can be read."""
    shown = messages if full else messages[:most]
    lines = [f"  {number}. {summary(one)}" for number, one in enumerate(shown, 1)]
    left = len(messages) - len(shown)
    return [*lines, f"  … and {left} more, -vv shows them"] if left else lines


def stuck(
    held_up: Sequence[tuple[SessionRecord, str]],
    timeout: float,
    *,
    sessions: Sequence[SessionRecord],
    setting: Setting | None,
) -> str:
    """The text of an assertion that cannot be decided: some sessions are still busy.

    Each comes with what holds it up, in words. With no `setting` there is no diagnosis.
    """
    busy = f"{count(len(held_up), 'session')} {'is' if len(held_up) == 1 else 'are'}"
    head = f"After {timeout:g} s {busy} still in the middle of something"
    lines = [f"{head}, so nobody can say what will arrive:"]
    for session, held_up_by in held_up[:SHOWN_MESSAGES]:
        lines.append(f"  {_open(session)}")
        if held_up_by:
            lines.append(f"    it is held up by {held_up_by}")
        lines += [f"    {line}" for line in session.transcript.lines()[-4:]]
    if (left := len(held_up) - SHOWN_MESSAGES) > 0:
        lines.append(f"  … and {count(left, 'more session')}")
    if setting is not None:
        lines += what_holds_up([one for one, _ in held_up], sessions, setting)
    return _text(lines)


def nearest(
    criteria: Criteria, messages: Iterable[ReceivedMessage]
) -> list[ReceivedMessage]:
    """The messages, those that differ least in front."""
    return [message for _, _, message in _ranked(criteria, messages)]


def _ranked(
    criteria: Criteria, messages: Iterable[ReceivedMessage]
) -> list[tuple[list[Difference], int, ReceivedMessage]]:
    """The messages in the same order, with their numbers and how they differ."""
    ranked = [
        (criteria.differences(message), number, message)
        for number, message in enumerate(messages, 1)
    ]
    return sorted(ranked, key=lambda item: len(item[0]))


def _headline(wait: Wait, timeout: float | None, before: int) -> str:
    what = f" with {wait.criteria!r}" if wait.criteria else ""
    within = "arrived" if timeout is None else f"arrived within {timeout:g} s"
    if wait.count == 1:
        return f"No message{what} {within}."
    if before:
        within += f"; {before} {'was' if before == 1 else 'were'} handed out before"
    return f"Only {len(wait.found)} of {wait.count} messages{what} {within}."


def _arrived(
    criteria: Criteria,
    messages: Sequence[ReceivedMessage],
    notes: dict[int, str],
    *,
    full: bool,
) -> list[str]:
    if not messages:
        return ["", "No message arrived at all."]
    order = ", the nearest first" if criteria and len(messages) > 1 else ""
    lines = ["", f"{count(len(messages), 'message')} arrived{order}:"]
    ranked = _ranked(criteria, messages)
    shown = ranked if full else ranked[:SHOWN_MESSAGES]
    for differences, number, message in shown:
        lines.append(f"  {number}. {summary(message)}")
        if note := notes.get(id(message)):
            lines.append(f"       {note}")
        for difference in differences:
            lines += [f"       {line}" for line in describe(difference, full=full)]
            way_out = _elsewhere(difference, message)
            if not way_out:
                name, wanted, got = difference
                texts = got if isinstance(got, (list, tuple)) else [got]
                way_out = hint(wanted, texts, addresses=name in _ADDRESSES)
            lines += [f"         {way_out}"] if way_out else []
    if left := len(ranked) - len(shown):
        lines.append(f"  … and {left} more, further off; -vv shows them")
    return lines


def _elsewhere(difference: Difference, message: ReceivedMessage) -> str:
    """Where the address is, if the test has confused header and envelope."""
    sender, recipients = message.envelope.mail_from, message.envelope.rcpt_to
    places: dict[str, tuple[str, str, Sequence[str]]] = {
        "to": ("envelope", "rcpt_to", recipients),
        "cc": ("envelope", "rcpt_to", recipients),
        "from_": ("envelope", "mail_from", [sender]),
        "rcpt_to": ("header", "to", [*message.to, *message.cc]),
        "mail_from": ("header", "from_", [message.from_]),
    }
    if difference.name in places:
        place, other, addresses = places[difference.name]
        if matches_any(difference.wanted, addresses, matches_address):
            return f"it is in the {place}: {other}= looks there"
    return ""


def went_wrong(sessions: Sequence[SessionRecord], *, full: bool = False) -> list[str]:
    """Refused recipients, transactions that left no message, and open connections."""
    refused, broken, connections = [], [], []
    for session in sessions:
        refused += _refused(session)
        broken += [
            f"  from {undelivered.envelope.mail_from or '<>'}: {undelivered.reason}"
            for undelivered in session.undelivered
        ]
        if session.is_open:
            connections.append(f"  {_open(session)}")
    lines = []
    for title, found in (
        ("Refused:", refused),
        ("Begun, but left no message:", broken),
        ("Connections that are still open:", connections),
    ):
        shown = found if full else found[:_SHOWN]
        if found:
            lines += ["", title, *shown]
        if left := len(found) - len(shown):
            lines.append(f"  … and {left} more, -vv shows them")
    return lines


def _refused(session: SessionRecord) -> list[str]:
    lines = []
    for command in list(session.commands):
        reply = command.reply
        if command.address is None or reply is None or reply.code < 400:
            continue
        what = "the sender " if command.verb == "MAIL" else ""
        by = f", by {command.answered_by}" if command.answered_by else ""
        said = str(reply).replace("\n", " / ").replace("\r", "")
        lines.append(f"  {what}{command.address or '<>'} was refused with {said}{by}")
    return lines


def _open(session: SessionRecord) -> str:
    host, port = session.remote_address
    said = "no command yet"
    if session.commands:
        last = session.commands[-1]
        said = f"last command {shown_command(last)!r}"
        said += ", not answered" if last.reply is None else ""
    name = f" ({session.helo})" if session.helo else ""
    return f"{host}:{port}{name}: {said}"


def _text(lines: Iterable[str], *, full: bool = False) -> str:
    """The lines as one text, without anything that would control a terminal."""
    shown = map(printable, lines)
    return "\n".join(shown if full else (shortened(one, LINE) for one in shown))


def count(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
