"""Sessions without an engine: a state that stands where a test wants it."""

from __future__ import annotations

from typing import Any

from pytest_smtpserver.protocol.answers.proposals import propose
from pytest_smtpserver.protocol.state.events import Event, Proposal
from pytest_smtpserver.protocol.state.session_state import SessionState
from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State
from pytest_smtpserver.protocol.syntax.commands import Command


def session(state: State = State.READY, **options: Any) -> SessionState:
    """A session in that state; the client has said EHLO where it must have."""
    found = SessionState(Settings(**options), lambda: ("nonce", b"salt"))
    if state not in (State.CONNECT, State.START, State.REFUSED):
        found.greet("EHLO", "client.example.org")
    found.enter(state)
    return found


def asked(where: SessionState, line: str) -> Proposal:
    """What is proposed to the line."""
    return proposed(where, Command.parse(line.encode() + b"\r\n"))


def proposed(where: SessionState, command: Command) -> Proposal:
    """What is proposed to the command; a reply alone is all that was found out."""
    found = propose(where, command)
    return found if isinstance(found, Proposal) else Proposal(found)


def happened(line: str, found: Proposal | None = None, name: str = "") -> Event:
    """The event of the line, for the effect of a reply to it."""
    command = Command.parse(line.encode() + b"\r\n")
    credentials = None if found is None else found.credentials
    return Event(
        name or command.verb, None, command, found=found, credentials=credentials
    )
