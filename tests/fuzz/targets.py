"""Coverage-guided targets: `python -m tests.fuzz NAME FOLDER [options]`.

Each states one invariant. atheris is in the dependency group `fuzz`, options are those
of libFuzzer, and FOLDER gets what is found: a copy of `corpus/NAME`. The suite runs each
target over its corpus without atheris.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_smtpserver.mail.message import ReceivedMessage
from pytest_smtpserver.protocol.framing.proxy import BadProxyHeader, parse_proxy_header
from pytest_smtpserver.protocol.sasl.credentials import Credentials, SaslContext
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS, Settings
from pytest_smtpserver.protocol.syntax.addresses import (
    parse_mail_argument,
    parse_rcpt_argument,
    salvage_address,
)
from pytest_smtpserver.protocol.syntax.parameters import (
    ParameterRules,
    check_mail_parameters,
    check_rcpt_parameters,
)
from pytest_smtpserver.protocol.syntax.replies import Refused, Reply
from pytest_smtpserver.script.personas.playback import dialogue

# As a module of the suite and as a program alike.
from tests.protocol.driver import Driver, codes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CORPUS = Path(__file__).parent / "corpus"

_SETTINGS = Settings(
    extensions=frozenset(KNOWN_EXTENSIONS),
    auth=True,
    users={"tim": "tanstaaf"},
    auth_mechanisms=tuple(MECHANISMS),
    xclient=True,
    xforward=True,
    max_message_size=5000,
)
_RULES = ParameterRules(frozenset({*KNOWN_EXTENSIONS, "AUTH"}))
_LENIENT = ParameterRules(_RULES.extensions, lenient=True)


def engine(data: bytes) -> None:
    """However octets are cut, the replies and what is delivered are the same."""
    step, wire = (data[0] % 7 + 1, data[1:]) if data else (1, b"")
    whole, cut = Driver(_SETTINGS), Driver(_SETTINGS)
    at_once, in_steps = whole.send(wire), cut.send(wire, step=step)
    assert codes(at_once) == codes(in_steps)
    assert whole.heard.messages == cut.heard.messages
    assert whole.heard.commands == cut.heard.commands
    assert whole.engine.session.state is cut.engine.session.state


def addresses(data: bytes) -> None:
    """A path is an address that says itself, or a 501; and can always be salvaged."""
    for parse in (parse_mail_argument, parse_rcpt_argument):
        for lenient in (False, True):
            try:
                address = parse(data, lenient=lenient)
            except Refused as refused:
                assert refused.reply.code == 501  # noqa: PT017 - one of two outcomes
                continue
            str(address).encode("utf-8")
            assert address.local_part in address
            assert address.domain in address
            if not lenient and address:
                again = parse(f"{_prefix(data)}:{address.path}".encode())
                assert (again, again.source_route) == (address, address.source_route)
    salvaged = salvage_address(data)
    assert isinstance(salvaged, str)


def _prefix(data: bytes) -> str:
    return data.partition(b":")[0].decode().strip()


def parameters(data: bytes) -> None:
    """Parameters are read, or refused; what is strictly right is right leniently."""
    for command, parse in (("FROM", parse_mail_argument), ("TO", parse_rcpt_argument)):
        argument = f"{command}:<a@example.org> ".encode() + data
        outcomes = []
        for rules in (_RULES, _LENIENT):
            try:
                address = parse(argument, lenient_parameters=rules.lenient)
                if command == "FROM":
                    outcomes.append(repr(check_mail_parameters(address, rules)))
                else:
                    check_rcpt_parameters(address, rules)
                    outcomes.append(repr((address.notify, address.orcpt)))
            except Refused as refused:
                assert refused.reply.code in (501, 550, 553, 555)  # noqa: PT017
                outcomes.append("")
        strict, lenient = outcomes
        assert not strict or strict == lenient


def sasl(data: bytes) -> None:
    """A mechanism asks, refuses or ends with credentials; nobody gets in unknown."""
    context = SaslContext("mx.example.org", "nonce", b"salt", 1)
    for mechanism in MECHANISMS.values():
        exchange = Exchange(mechanism, context)
        responses = data.split(b"\xff")
        with contextlib.suppress(Refused):
            step = exchange.start()
            for response in responses:
                if isinstance(step, Credentials):
                    break
                step = exchange.respond(response)
            if isinstance(step, Credentials):
                fits = step.check_password("a password that is not in the corpus")
                assert not fits
                assert "a password" not in repr(step)


def proxy(data: bytes) -> None:
    """A PROXY header is whole, unfinished or bad; more octets do not change a whole one."""
    try:
        header = parse_proxy_header(data)
    except BadProxyHeader:
        return
    if header is not None:
        assert header.length <= len(data)
        longer = parse_proxy_header(data + b"EHLO x\r\n")
        assert longer == header
        if header.length > 1:
            shorter = parse_proxy_header(data[: header.length - 1])
            assert shorter is None


def message(data: bytes) -> None:
    """No content, however broken, makes a view of a message raise."""
    from datetime import UTC, datetime

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.envelope import Envelope

    now = datetime(2026, 11, 28, tzinfo=UTC)
    session = SessionRecord("1", ("127.0.0.1", 1), ("127.0.0.1", 2), now)
    received = ReceivedMessage(data, Envelope(Address("")), session, received_at=now)
    for name in ("subject", "text", "html", "from_", "to", "cc", "links", "defects"):
        getattr(received, name)
    for attachment in received.attachments:
        assert isinstance(attachment.content, bytes)
    assert received.content == data
    received.as_dict()
    received.normalized()


def script(data: bytes) -> None:
    """A log is a persona, or a ValueError that says what can be read."""
    try:
        persona = dialogue(data.decode("utf-8", "replace"))
    except ValueError as error:
        assert "curl -v" in str(error)  # noqa: PT017
        return
    rules = persona.rules()
    assert rules


def replies(data: bytes) -> None:
    """A reply that is read from the wire is written as it was read, or not at all."""
    reply = Reply.from_wire(data)
    if reply is not None:
        assert 200 <= reply.code <= 599
        again = Reply.from_wire(reply.wire)
        assert again is not None
        assert again.wire == reply.wire


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        engine,
        addresses,
        parameters,
        sasl,
        proxy,
        message,
        script,
        replies,
    )
}
