"""Drives the engine with bytes alone, as the server does, and keeps what it hears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.engine import SmtpEngine
from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.replies import Reply

    Script = Callable[[Event], Reply | None]


@dataclass
class Heard:
    """What a session amounts to, however its bytes were cut."""

    commands: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    #: Reverse-path, accepted and refused recipients, content of each message.
    messages: list[tuple[str, list[str], list[str], bytes]] = field(
        default_factory=list
    )
    credentials: list[tuple[str, str | None, str | None]] = field(default_factory=list)


class Driver:
    """One session with the engine.

    Args:
        settings: of the server.
        script: may replace the reply to an event; None leaves it as proposed.
        secrets: the nonces and salts that mechanisms get.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        script: Script | None = None,
        secrets: tuple[str, bytes] = ("nonce", b"salt"),
    ) -> None:
        self.engine = SmtpEngine(settings or Settings(), lambda: secrets)
        self.heard = Heard()
        self._script = script
        self.greeting = self._advance()

    def send(self, data: bytes, *, step: int | None = None) -> bytes:
        """Send bytes, `step` at a time, and return all that is answered."""
        size = step or max(len(data), 1)
        return b"".join(
            self._feed(data[start : start + size])
            for start in range(0, len(data), size)
        )

    def send_pieces(self, pieces: Iterable[bytes]) -> bytes:
        """Send bytes cut in these pieces."""
        return b"".join(self._feed(piece) for piece in pieces)

    def line(self, text: str) -> str:
        """Send one line; the reply as text, its lines separated by LF."""
        return self.send(text.encode() + b"\r\n").decode().rstrip().replace("\r", "")

    def ready(self) -> Driver:
        """Say EHLO."""
        self.line("LHLO client" if self.engine.session.settings.lmtp else "EHLO client")
        assert self.engine.session.state is State.READY
        return self

    def start_tls(self, identity: str | None = None) -> Driver:
        """As if a handshake had just been done."""
        self.engine.tls_started("TLS", identity)
        self._advance()
        return self

    def _feed(self, data: bytes) -> bytes:
        self.engine.receive_data(data)
        return self._advance()

    def _advance(self) -> bytes:
        out = b""
        while (event := self.engine.next_event()) is not None:
            out += self._answer(event)
        return out

    def _answer(self, event: Event) -> bytes:
        self._hear(event)
        if event.proposed is None:
            return b""
        scripted = self._script(event) if self._script is not None else None
        if scripted is None and event.follow is not None:
            self.engine.proceed()
            return b""
        return self.engine.send_reply(scripted or event.proposed)

    def _hear(self, event: Event) -> None:
        heard, engine = self.heard, self.engine
        heard.events.append(event.name)
        if event.command is not None and event.name not in ("MESSAGE", "CREDENTIALS"):
            heard.commands.append(str(event.command))
        if event.name == "MESSAGE":
            envelope = engine.session.envelope
            assert envelope is not None
            heard.messages.append(
                (
                    str(envelope.mail_from),
                    [str(one) for one in envelope.rcpt_to],
                    [str(one) for one in envelope.rejected],
                    engine.session.sink.getvalue(),
                )
            )
        if event.name == "CREDENTIALS" and event.credentials is not None:
            shown = event.credentials
            heard.credentials.append((shown.mechanism, shown.username, shown.password))


def codes(replies: bytes) -> list[int]:
    """The reply codes, one for each whole reply."""
    return [
        int(line[:3]) for line in replies.split(b"\r\n") if line and line[3:4] != b"-"
    ]
