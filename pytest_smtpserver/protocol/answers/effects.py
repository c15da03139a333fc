"""What a reply does to the session, beside moving its state.

The twin of `proposals`: there the engine makes up its mind, here the session takes note
of what was really said, whoever said it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.framing.content import ContentSink
from pytest_smtpserver.protocol.syntax.addresses import Address, salvage_address
from pytest_smtpserver.protocol.syntax.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.protocol.engine import SmtpEngine
    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.replies import Reply


def envelope_of(engine: SmtpEngine) -> Envelope:
    """The envelope of the transaction; an empty one where a rule skipped MAIL."""
    if engine.envelope is None:
        engine.envelope = Envelope(Address(""))
        engine.chunks = []
        engine.sink = ContentSink()
    return engine.envelope


def _hello(engine: SmtpEngine, event: Event, reply: Reply) -> None:
    if reply.is_positive and event.command is not None:
        engine.helo = engine.pending.helo or event.command.argument
        engine.opening_command = event.name
        engine.envelope = None  # RFC 5321 §4.1.4: as RSET


def _mail(engine: SmtpEngine, event: Event, reply: Reply) -> None:
    assert event.command is not None
    address = _address(event.command)
    address.reply = reply
    if reply.is_positive:
        # What the grammar refused and a rule let pass is kept as well as can be.
        engine.envelope = engine.pending.envelope or Envelope(address)
        engine.transaction_count += 1
        engine.chunks = []
        engine.sink = ContentSink()


def _rcpt(engine: SmtpEngine, event: Event, reply: Reply) -> None:
    assert event.command is not None
    address = _address(event.command)
    address.reply = reply
    if reply.is_positive:
        envelope_of(engine).rcpt_to.append(address)
    elif engine.envelope is not None:
        engine.envelope.reject(address)


def _rset(engine: SmtpEngine, event: Event, reply: Reply) -> None:  # noqa: ARG001
    if reply.is_positive:
        engine.envelope = None


def _auth(engine: SmtpEngine, event: Event, reply: Reply) -> None:
    if reply.is_intermediate:
        engine.exchange = engine.pending.exchange or engine.exchange
        if engine.pending.credentials is not None:
            engine.exchange = None  # it is over; the 334 is a rule's
        return
    engine.exchange = None
    if reply.is_positive:
        engine.authenticated = True
        engine.user = event.user
        if event.user is None and event.credentials is not None:
            # RFC 4505 §2: whoever is anonymous may give no trace at all.
            engine.user = event.credentials.username or "anonymous"


def _xclient(engine: SmtpEngine, event: Event, reply: Reply) -> None:  # noqa: ARG001
    """Postfix's XCLIENT_README: as if the real client had just connected."""
    attributes = engine.pending.attributes
    if not reply.is_positive or attributes is None:
        return
    engine.xclient.update(attributes)
    engine.helo = engine.opening_command = engine.envelope = None
    engine.user = attributes.get("LOGIN")
    engine.authenticated = engine.user is not None


def _xforward(engine: SmtpEngine, event: Event, reply: Reply) -> None:  # noqa: ARG001
    if reply.is_positive:
        engine.xforward.update(engine.pending.attributes or {})


def _address(command: Command) -> Address:
    if command.address is None:
        command.address = salvage_address(command.raw_argument)
    return command.address


#: By command or moment: take note of the reply to it.
EFFECTS: Mapping[str, Callable[[SmtpEngine, Event, Reply], None]] = {
    "EHLO": _hello,
    "HELO": _hello,
    "LHLO": _hello,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "RSET": _rset,
    "AUTH": _auth,
    "CREDENTIALS": _auth,
    "RESPONSE": _auth,
    "XCLIENT": _xclient,
    "XFORWARD": _xforward,
}
