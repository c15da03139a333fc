"""What a rule does: values, which the server performs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver.protocol.syntax.replies import Reply


class SendReply(NamedTuple):
    """Send this reply, or with a bare code the usual one for it."""

    code: int
    reply: Reply | None = None

    def __str__(self) -> str:
        return f"reply({self.reply if self.reply is not None else self.code})"


class SendBytes(NamedTuple):
    """Send these bytes and no others."""

    data: bytes

    def __str__(self) -> str:
        return f"send({self.data!r})"


class Delay(NamedTuple):
    """Wait so many seconds."""

    seconds: float

    def __str__(self) -> str:
        return f"delay({self.seconds:g})"


class Hang(NamedTuple):
    """Say nothing more, until somebody goes away or it has been long enough."""

    def __str__(self) -> str:
        return "hang()"


class Close(NamedTuple):
    """End the connection.

    Attributes:
        how: ``"disconnect"`` for FIN, ``"reset"`` for RST, ``"half_close"`` for FIN of
            our direction only.
        after: at ``"CONTENT"``: once so many octets of content came over the wire; at
            ``"HANDSHAKE"``: once so many octets of our side of it have left.
    """

    how: str
    after: int | None = None

    def __str__(self) -> str:
        return f"{self.how}({'' if self.after is None else f'after={self.after}'})"


class Throttle(NamedTuple):
    """Write no faster than this; at ``"CONTENT"`` read no faster."""

    bytes_per_second: float

    def __str__(self) -> str:
        return f"throttle({self.bytes_per_second:g})"


class Keep(NamedTuple):
    """Store the message whatever the reply, or drop it."""

    stored: bool

    def __str__(self) -> str:
        return "store()" if self.stored else "discard()"


class Call(NamedTuple):
    """Ask a handler of the test's."""

    handler: Callable[[Any], Any]

    def __str__(self) -> str:
        return f"call({getattr(self.handler, '__name__', self.handler)})"


Action: TypeAlias = (
    SendReply | SendBytes | Delay | Hang | Close | Throttle | Keep | Call
)
