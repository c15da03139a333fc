"""The message of a transaction, from its last octet to the reply that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage
    from pytest_smtpserver.protocol.events import Event
    from pytest_smtpserver.protocol.replies import Reply

    from .context import ServerContext
    from .recorder import Recorder


class Delivery:
    """Makes messages, and stores them or not, as the replies say.

    Args:
        context: whose mailbox it is.
        recorder: makes the messages.
    """

    __slots__ = (
        "_context",
        "_recorder",
        "_stored",
        "content_reply",
        "kept",
        "message",
        "unreleased",
    )

    def __init__(self, context: ServerContext, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder
        #: The message whose reply is due; it is made before the script is asked.
        self.message: ReceivedMessage | None = None
        #: What a rule says about keeping the message; None for nothing.
        self.kept: bool | None = None
        #: The reply to the message, where a handler has made it at ``"CONTENT"``.
        self.content_reply: Reply | None = None
        self._stored = False
        #: Messages that were stored, and whose replies have not left.
        self.unreleased: list[tuple[int, ReceivedMessage]] = []

    def complete(self, event: Event) -> None:
        """The content is whole."""
        if self.message is None:
            self.message = self._recorder.message()
        if self.content_reply is not None:
            event.proposed = self.content_reply

    def settle(self, event: Event, reply: Reply | None) -> None:
        """Store the message or not, before the reply to it leaves."""
        message = self.message
        assert message is not None
        positive = reply is not None and reply.is_positive
        if (positive if self.kept is None else self.kept) and not self._stored:
            self._stored = True
            self._recorder.delivered(message)
            self.unreleased.append((self._context.store(message), message))
        if (
            event.recipient is not None
            and event.recipient is not (message.envelope.rcpt_to[-1])
        ):
            return  # LMTP: there are more replies to come
        if not self._stored:
            self._recorder.refused(reply)
        self._stored = False
        self.message = self.content_reply = None

    def release(self) -> None:
        """The replies have left: let those who wait have their messages."""
        released, self.unreleased = self.unreleased, []
        self._context.release(released)
