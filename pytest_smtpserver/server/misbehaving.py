"""Failures that are no answer to anything: the part of `SMTPServer` that makes them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.script.mistakes import told_to_the_caller, written_reply
from pytest_smtpserver.script.personas.kinds import Persona

from .callers import caller
from .io import listening
from .options.checks import check_event

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterator
    from typing import Any, Literal, TypeVar

    from pytest_smtpserver.mail.message import SessionRecord
    from pytest_smtpserver.script.rules import Rule

    from .context import ServerContext
    from .options.options import Options
    from .service import Service

    T = TypeVar("T")

_FATES = ("close", "reset", "keep")


class Misbehaving:
    """Outages, interruptions and personas."""

    _options: Options
    _context: ServerContext
    _service: Service | None
    #: Within an `outage`, or a `full_backlog`.
    _out_of_service = False

    if TYPE_CHECKING:

        @property
        def port(self) -> int: ...  # noqa: D102 - `Place` has it

        def _on_loop(self, call: Callable[..., T], *arguments: Any) -> T: ...

        def _finish_on_loop(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T: ...

        @property
        def _has_own_thread(self) -> bool: ...

    @told_to_the_caller
    def interrupt(
        self, code: int = 421, text: str | None = None, *more_lines: str
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
        service = self._running()
        reply = written_reply(code, text, *more_lines)
        if reply is None:
            reply = standard.usual_reply(code, "", self._options.hostname)
        by = f"the interruption at {caller()}"
        if not self._has_own_thread:
            return [record for record, _ in service.interject(reply, by)]
        return self._finish_on_loop(lambda: service.interject_now(reply, by))

    @contextmanager
    def outage(
        self, connections: Literal["close", "reset", "keep"] = "close"
    ) -> Iterator[None]:
        """Refuse connections, and come back on the same port at the end of the block.

        Args:
            connections: what becomes of those that are open: ``"close"`` (FIN, without
                a word), ``"reset"`` (RST), or ``"keep"``.

        Raises:
            OSError: somebody else has taken the port.
            RuntimeError: the server does not run, or is out of service already.
            ValueError: there is no such fate of connections.
        """
        service = self._in_service()
        if connections not in _FATES:
            raise ValueError(
                f"connections is one of {', '.join(map(repr, _FATES))}, "
                f"not {connections!r}"
            )
        self._on_loop(service.close_listener)
        placeholder = listening.bind_silently(self._options, self.port)
        self._out_of_service = True
        try:
            if connections != "keep":
                reset = connections == "reset"
                if self._has_own_thread:
                    self._finish_on_loop(lambda: service.drop_connections(reset=reset))
                else:
                    service.drop_soon(reset=reset)
            yield
        finally:
            self._out_of_service = False
            self._come_back(service, placeholder)

    def _come_back(self, service: Service, placeholder: socket.socket) -> None:
        if self._service is not service:  # it was stopped meanwhile
            placeholder.close()
            return
        placeholder.listen(self._options.backlog)
        self._on_loop(service.accept_from, placeholder)

    @contextmanager
    def full_backlog(self) -> Iterator[None]:
        """Let nobody in: the queue of clients that wait for that is full.

        On Linux the attempts of clients to connect get no answer at all, so that they
        run into their time-outs; a client that is still trying at the end of the block
        is let in when it tries again (after one, three, seven … seconds). What a
        client sees elsewhere is up to the system: Windows refuses it.

        Open connections are served as ever.

        Raises:
            RuntimeError: the server does not run, or is out of service already.
        """
        service = self._in_service()
        fillers = listening.fill(self._on_loop(service.hold_back))
        self._out_of_service = True
        try:
            yield
        finally:
            self._out_of_service = False
            if self._service is service:
                self._on_loop(service.let_in, fillers)
            for filler in fillers:
                filler.close()

    @told_to_the_caller
    def play(self, persona: Persona) -> list[Rule]:
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
        """
        if not isinstance(persona, Persona):
            raise TypeError(
                "play takes a persona, such as personas.greylisting(tries=2), "
                f"not {persona!r}"
            )
        script, where = self._context.script, caller()

        def can_happen(event: str) -> bool:
            if event == "RESPONSE":  # within an AUTH exchange; for personas alone
                return self._options.auth
            try:
                check_event(event, None, self._options)
            except ValueError:
                return False
            return True

        return [
            script.add_persona(rule, persona.name, where)
            for rule in persona.rules()
            if can_happen(rule.event)
        ]

    def _running(self) -> Service:
        if self._service is None:
            raise RuntimeError("this server does not run: start it first")
        return self._service

    def _in_service(self) -> Service:
        service = self._running()
        if self._out_of_service:
            raise RuntimeError(
                "this server is out of service already: outage() and full_backlog() "
                "cannot be inside one another"
            )
        return service
