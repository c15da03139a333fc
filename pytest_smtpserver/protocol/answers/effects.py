"""What a reply does to the session, beside moving its state.

The twin of `proposals`: there a command is judged, here the session takes note of what
was really said, whoever said it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.syntax.addresses import Address, salvage_address
from pytest_smtpserver.protocol.syntax.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.state.session_state import SessionState
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.replies import Reply


def take_note(session: SessionState, event: Event, reply: Reply) -> None:
    """Do what the reply to the event brings about, but for the state."""
    effect = _EFFECTS.get(event.name)
    if effect is not None:
        effect(session, event, reply)
    if event.command is not None:
        event.command.answer(reply)


def _hello(session: SessionState, event: Event, reply: Reply) -> None:
    if reply.is_positive and event.command is not None:
        session.greet(event.name, event.command.argument)


def _mail(session: SessionState, event: Event, reply: Reply) -> None:
    assert event.command is not None
    address = _address(event.command)
    if reply.is_positive:
        envelope = event.found.envelope if event.found is not None else None
        # What the grammar refused and a rule let pass is kept as well as can be.
        session.begin(envelope or Envelope(address))


def _rcpt(session: SessionState, event: Event, reply: Reply) -> None:
    assert event.command is not None
    address = _address(event.command)
    if reply.is_positive:
        session.open_envelope().rcpt_to.append(address)
    elif session.envelope is not None:
        session.envelope.reject(address)


def _auth(session: SessionState, event: Event, reply: Reply) -> None:
    found, security = event.found, session.security
    # Where it is over, a 334 is a rule's.
    goes_on = reply.is_intermediate and found is not None and not found.complete
    security.begin(found.exchange if goes_on and found is not None else None)
    if reply.is_positive:
        user = event.user
        if user is None and event.credentials is not None:
            # RFC 4505 §2: whoever is anonymous may give no trace at all.
            user = event.credentials.username or "anonymous"
        security.log_in(user)


def _xclient(session: SessionState, event: Event, reply: Reply) -> None:
    """Postfix's XCLIENT_README: as if the real client had just connected."""
    if reply.is_positive and event.found is not None and event.found.attributes:
        session.change_client(event.found.attributes)


def _xforward(session: SessionState, event: Event, reply: Reply) -> None:
    if reply.is_positive and event.found is not None and event.found.attributes:
        session.xforward.update(event.found.attributes)


def _address(command: Command) -> Address:
    if command.address is None:
        command.name(salvage_address(command.raw_argument))
    assert command.address is not None
    return command.address


#: By command or moment: take note of the reply to it.
_EFFECTS: Mapping[str, Callable[[SessionState, Event, Reply], None]] = {
    "EHLO": _hello,
    "HELO": _hello,
    "LHLO": _hello,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "AUTH": _auth,
    "CREDENTIALS": _auth,
    "RESPONSE": _auth,
    "XCLIENT": _xclient,
    "XFORWARD": _xforward,
}
