"""The command: it starts a server, prints what comes, and ends with Ctrl-C."""

from __future__ import annotations

import errno
import inspect
import json
import os
import shutil
import signal
import sys
import threading
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_smtpserver import personas
from pytest_smtpserver.mail.search.waiting import MessageNotReceived
from pytest_smtpserver.protocol.naming import unknown_name
from pytest_smtpserver.script.complaint import meant
from pytest_smtpserver.server.server import SMTPServer

from . import howto, printing
from .flags import PROGRAM, Arguments, UsageError, help_text, options_text, parse
from .keeping import Folder, LivePage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
    from pytest_smtpserver.script.event import Event
    from pytest_smtpserver.script.rules import Rule

#: Longer than anybody lets it run, in seconds.
_FOR_EVER = 100 * 365 * 86400.0
_PERSONAS = tuple(
    name for name in personas.__all__ if name.islower() and name != "dialogue"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, by default with the arguments of the process; the exit code."""
    try:
        given = parse(sys.argv[1:] if arguments is None else arguments)
        if given.show & {"help", "options", "version"}:
            _show(given)
        else:
            _run(given)
    except UsageError as error:
        sys.stderr.write(f"{PROGRAM}: {' '.join(str(error).split())}\n")
        return 2
    except OSError as error:
        if not isinstance(error, BrokenPipeError) and error.errno != errno.EIO:
            raise
        # The reader has gone, or the terminal. Python would report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _show(given: Arguments) -> None:
    text = f"{PROGRAM} {metadata.version('pytest-smtpserver')}\n"
    if "help" in given.show:
        text = help_text(_PERSONAS)
    elif "options" in given.show:
        width = shutil.get_terminal_size((80, 24)).columns
        text = f"{options_text(_PERSONAS, width)}\n"
    sys.stdout.write(text)


def _run(given: Arguments) -> None:
    desk = _Desk(given)
    server = _server(given, desk)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and (name != "SIGHUP" or signal.getsignal(number) is signal.SIG_DFL):
            signal.signal(number, desk.interrupt)  # under nohup it is ignored
    desk.open(server)
    try:
        with server:
            desk.greet()
            desk.serve()
    finally:
        desk.close()


def _why_not(error: OSError, server: SMTPServer, options: dict[str, Any]) -> str:
    """Why it cannot listen, and the way out."""
    if "path" in options:
        return f"cannot listen on {options['path']}: {error.strerror or error}"
    place = f"port {options['port']} of {server.host}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is taken; --port 0 takes a free one"
    return f"cannot listen on {place}: {error.strerror or error}"


def _server(given: Arguments, desk: _Desk) -> SMTPServer:
    try:
        server = SMTPServer(**given.options, handlers={"CLOSE": desk.closed})
        made: list[tuple[Rule, str]] = []
        for reply in given.replies:
            rule = server.on(reply.event, reply.match).optional()
            rule.reply(reply.code, reply.text)
            made.append((rule, f"--on {reply.given!r}"))
        desk.watch(made)
        for name, arguments in given.personas:
            rules = server.play(_persona(name, arguments))
            made += [(rule, f"--persona {name}") for rule in rules]
        for rule, flag in made:  # what the dialogue names in place of a line of a test
            rule.made_at = f"the command line, {flag}"
        if given.dialogue is not None:
            desk.play(server, _dialogue(given.dialogue, delays=given.delays))
    except (TypeError, ValueError) as error:
        raise UsageError(" ".join(str(error).split())) from None
    return server


def _persona(name: str, arguments: dict[str, Any]) -> personas.Persona:
    if name not in _PERSONAS:
        unknown = unknown_name("persona", name, _PERSONAS, personas.WORDS)
        raise UsageError(f"--persona: {unknown}")
    make = getattr(personas, name)
    try:
        made: personas.Persona = make(**arguments)
    except TypeError as error:
        takes = ", ".join(inspect.signature(make).parameters) or "no arguments"
        why = str(error).partition(". Did you mean")[0]  # from Python 3.13 on
        raise UsageError(f"--persona: {why}; it takes {takes}") from None
    return made


def _dialogue(file: str, *, delays: bool) -> personas.Persona:
    """The dialogue in a log; ``-`` is standard input."""
    try:
        octets = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        log = octets.decode("utf-8", "backslashreplace")
        return personas.dialogue(log, delays=delays)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--dialogue {file}: {reason}") from None


class _Desk:
    """Prints and saves what comes. A lock: the server calls `closed` in its threads."""

    def __init__(self, given: Arguments) -> None:
        self._given = given
        self._json = "json" in given.show
        self._verbose = "verbose" in given.show
        self._people = printing.Printer(
            sys.stderr if self._json else sys.stdout, given.color
        )
        self._lock = threading.RLock()
        self._server: SMTPServer
        self._folder = Folder(given.save) if given.save is not None else None
        self._page: LivePage | None = None
        #: The rules of the dialogue, until it is printed that a client has left it.
        self._dialogue: list[Rule] = []
        #: The rules of ``--on``, and how it was given.
        self._watched: list[tuple[Rule, str]] = []
        #: The messages that were printed, by `id`.
        self._shown: set[int] = set()
        #: Whether the main thread waits, so that Ctrl-C interrupts no printing.
        self._waiting = False
        self._stopped = False

    def interrupt(self, number: int, _frame: FrameType | None) -> None:
        """End after the mail that is being printed; at once if asked again."""
        self._stopped = True
        signal.signal(number, signal.SIG_DFL)
        if self._waiting:
            raise KeyboardInterrupt

    def open(self, server: SMTPServer) -> None:
        """Start the server.

        Raises:
            UsageError: the place is taken, or not this machine's; the page cannot be
                written.
        """
        self._server = server
        try:
            server.start()
        except OSError as error:
            raise UsageError(_why_not(error, server, self._given.options)) from None
        except ValueError as error:  # a certificate that cannot be read
            raise UsageError(str(error)) from None
        if self._given.report is not None:
            try:
                self._page = LivePage(self._given.report, server.url)
            except UsageError:
                server.stop()
                raise

    def play(self, server: SMTPServer, dialogue: personas.Persona) -> None:
        """Play the dialogue; where a client leaves it, that is printed."""
        self._dialogue = server.play(dialogue)

    def watch(self, made: list[tuple[Rule, str]]) -> None:
        """Say at the end which of these rules no client has come to, and their flags."""
        self._watched = list(made)

    def greet(self) -> None:
        server, options = self._server, self._given.options
        users = options.get("users") or {}
        user = "anybody" if users == "any" else next(iter(users), "")
        where, tls = (server.host, server.port, server.path), options.get("tls")
        hints = howto.settings(howto.Place(*where, tls, user, server.env))
        ca_file = server.ca_file if tls is not None else None
        with self._lock:
            self._people.lines(printing.greeting(server.url, ca_file, hints))

    def serve(self) -> None:
        """Print each mail once the reply to it has left."""
        server = self._server
        while True:
            try:
                # In this order: a signal between the two interrupts the wait.
                self._waiting = True
                if self._stopped:
                    return
                message = server.wait_for_message(timeout=_FOR_EVER)
            except (MessageNotReceived, KeyboardInterrupt):
                continue
            finally:
                self._waiting = False
            with self._lock:
                self._show(message)
                if len(self._shown) >= len(server.messages):
                    self._write_page()

    def closed(self, event: Event) -> None:
        """Print what has not been printed yet of a connection that has ended."""
        try:
            self._end(event.session)
        except BrokenPipeError:
            _end_main_thread()

    def _end(self, session: SessionRecord) -> None:
        with self._lock:
            for message in list(session.messages):
                self._show(message)
            sessions = enumerate(list(self._server.sessions), 1)
            number = next((number for number, one in sessions if one is session), 0)
            lines = printing.session_lines(number, session, whole=self._verbose)
            self._people.lines(lines)
            for left in filter(None, (rule.complaint() for rule in self._dialogue)):
                self._dialogue = []
                self._people.lines([[(line, "")] for line in str(left).splitlines()])
            self._write_page()

    def close(self) -> None:
        """Print the summary, and what went wrong."""
        with self._lock:
            sessions = list(self._server.sessions)
            for message in list(self._server.messages):
                self._show(message)
            self._write_page()
            errors = [[(f"error: {error!r}", "bad")] for error in self._server.errors]
            unused = [
                [(f"never used: {flag}{meant(rule.event)}", "")]
                for rule, flag in self._watched
                if not rule.called
            ]
            summary = printing.summary(len(self._shown), sessions)
            self._people.lines([*errors, *unused, [], *summary])
            if self._page is not None:
                self._people.lines([[(f"The page: {self._given.report}", "")]])

    def _show(self, message: ReceivedMessage) -> None:
        if id(message) in self._shown:
            return
        if self._json:
            sys.stdout.write(f"{json.dumps(message.as_dict())}\n")
            sys.stdout.flush()
        else:
            number = len(self._shown) + 1
            self._people.lines(printing.message_lines(number, message))
        if self._folder is not None:
            with _telling("--save"):
                self._folder.keep(message)
        self._shown.add(id(message))

    def _write_page(self) -> None:
        if self._page is not None:
            with _telling("--report"):
                self._page.write(list(self._server.sessions))


@contextmanager
def _telling(option: str) -> Iterator[None]:
    """Say that a file could not be written, and go on: the disk may be full."""
    try:
        yield
    except OSError as error:
        sys.stderr.write(f"{PROGRAM}: {option}: {error}\n")


def _end_main_thread() -> None:
    """Do as Ctrl-C does: nobody reads the output any more."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
