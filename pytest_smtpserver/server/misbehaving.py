"""Failures that are no answer to anything.

Each public function here is a method of `SMTPServer`, whose parts it asks.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.script.mistakes import caller, told_to_the_caller, written_reply

from .io import listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import Literal

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.script.personas import kinds
    from pytest_smtpserver.script.rules import Rule

    from .asserting import Server
    from .options import possible
else:
    possible = Later("pytest_smtpserver.server.options.possible")
    kinds = Later("pytest_smtpserver.script.personas.kinds")

_FATES = ("close", "reset", "keep")


@told_to_the_caller
def interrupt(
    self: Server, code: int = 421, text: str | None = None, *more_lines: str
) -> list[SessionRecord]:
    """Send a reply that nothing has asked for to all clients connected now.

    It has left when this returns, except to clients that are just being answered:
    they get it after that. After a 421 the connection is closed (RFC 5321 §3.8).
    A server of this event loop sends it when the caller awaits something.

    Args:
        code: the reply code, 200 to 599.
        text: the text; the usual one when None.
        more_lines: further lines of the reply.

    Returns:
        The sessions that it was sent to.

    Raises:
        RuntimeError: the server does not run.
        TypeError: the code is no int, a line no str, or there are lines after a
            text that is None.
        ValueError: the code is out of range, a line contains CR or LF or cannot be
            encoded, or the enhanced code is of another class than the reply.
    """
    service = self._serving.service
    reply = written_reply(code, text, *more_lines)
    if reply is None:
        reply = standard.usual_reply(code, "", self._context.options.hostname)
    by = f"the interruption at {caller()}"
    if not self._serving.own_thread:
        return [record for record, _ in service.interject(reply, by)]
    return self._serving.finish(lambda: service.interject_now(reply, by))


def outage(
    self: Server, connections: Literal["close", "reset", "keep"] = "close"
) -> AbstractContextManager[None]:
    """Refuse connections, and come back on the same port at the end of the block.

    Args:
        connections: what becomes of those that are open: ``"close"`` (FIN, without
            a word), ``"reset"`` (RST), or ``"keep"``.

    Raises:
        OSError: somebody else has taken the port.
        RuntimeError: the server does not run, or is out of service already.
        ValueError: there is no such fate of connections.
    """
    self._context.script.expect("outage()")
    return _outage(self, connections)


@contextmanager
def _outage(self: Server, connections: str) -> Iterator[None]:
    serving, options = self._serving, self._context.options
    with serving.out_of_service() as service:
        if connections not in _FATES:
            raise ValueError(
                f"connections is one of {', '.join(map(repr, _FATES))}, "
                f"not {connections!r}"
            )
        serving.call(service.close_listener)
        placeholder = listening.bind_silently(options, self._place.port)
        try:
            reset = connections == "reset"
            if connections != "keep" and serving.own_thread:
                serving.finish(lambda: service.drop_connections(reset=reset))
            elif connections != "keep":
                service.drop_soon(reset=reset)
            yield
        finally:
            if serving.serves_by(service):
                placeholder.listen(options.backlog)
                serving.call(service.accept_from, placeholder)
            else:  # it was stopped meanwhile
                placeholder.close()


def full_backlog(self: Server) -> AbstractContextManager[None]:
    """Let nobody in: the queue of clients that wait for that is full.

    On Linux the attempts of clients to connect get no answer at all, so that they
    run into their time-outs; a client that is still trying at the end of the block
    is let in when it tries again (after one, three, seven … seconds). What a
    client sees elsewhere is up to the system: Windows refuses it.

    Open connections are served as ever.

    Raises:
        RuntimeError: the server does not run, or is out of service already.
    """
    self._context.script.expect("full_backlog()")
    return _full_backlog(self)


@contextmanager
def _full_backlog(self: Server) -> Iterator[None]:
    serving = self._serving
    with serving.out_of_service() as service:
        fillers = listening.fill(serving.call(service.hold_back))
        try:
            yield
        finally:
            if serving.serves_by(service):
                serving.call(service.let_in, fillers)
            for filler in fillers:
                filler.close()


def _meant(given: object) -> str:
    """What makes a persona of it."""
    if isinstance(given, str):
        name = given if given.isidentifier() else "dialogue(text)"
        return f": write personas.{name}{'()' * given.isidentifier()}"
    if callable(given):
        return f": call it, personas.{getattr(given, '__name__', '…')}()"
    return ""


@told_to_the_caller
def play(self: Server, persona: kinds.Persona) -> list[Rule]:
    """Behave like a server of a certain kind from now on.

    The rules of a persona stand behind those that the test makes itself, also
    behind later ones, and in the order in which personas are played. Those that
    are never used fail no test: they are `Rule.optional`.

    Args:
        persona: one of `pytest_smtpserver.personas`.

    Returns:
        Its rules.

    Raises:
        TypeError: it is no persona.
        ValueError: it needs an option that the server does not have.
    """
    if not isinstance(persona, kinds.Persona):
        raise TypeError(
            "play takes a persona, such as personas.greylisting(tries=2), "
            f"not {persona!r}{_meant(persona)}"
        )
    script, options, where = self._context.script, self._context.options, caller()
    for option, why in persona.needs.items():
        if not getattr(options, option):
            raise ValueError(f"{persona!r} cannot be played to this server: {why}")

    def can_happen(event: str) -> bool:
        if event == "RESPONSE":  # within an AUTH exchange; for personas alone
            return options.auth
        try:
            possible.check_event(event, None, options)
        except ValueError:
            return False
        return True

    return [
        script.add_persona(rule, persona.name, where)
        for rule in persona.rules()
        if can_happen(rule.event)
    ]
