"""The message of a transaction, from its last octet to the reply that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage
    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.server.context import ServerContext

    from .recorder import Recorder


class Delivery:
    """Makes messages, and stores them or not, as the replies say."""

    __slots__ = (
        "_content_reply",
        "_context",
        "_kept",
        "_made_for",
        "_recorder",
        "_stored",
        "message",
        "unreleased",
    )

    def __init__(self, context: ServerContext, recorder: Recorder) -> None:
        self._context = context
        self._recorder = recorder
        #: The message whose reply is due; it is made before the script is asked.
        self.message: ReceivedMessage | None = None
        #: What a rule says about keeping the message; None for nothing.
        self._kept: bool | None = None
        self._content_reply: Reply | None = None
        #: The transaction that it was made in.
        self._made_for: Envelope | None = None
        self._stored = False
        #: Messages that were stored, and whose replies have not left.
        self.unreleased: list[tuple[int, ReceivedMessage]] = []

    @property
    def content_reply(self) -> Reply | None:
        """The reply to the message, where a handler has made it at ``"CONTENT"``.

        None once that transaction is over, also where its content never became whole.
        """
        if self._made_for is not self._recorder.record.envelope:
            return None
        return self._content_reply

    def answer_with(self, reply: Reply) -> None:
        """Answer the message with that, once it is complete."""
        self._content_reply = reply
        self._made_for = self._recorder.record.envelope

    def keep(self, kept: bool | None) -> None:
        """Store the message whatever the reply is, or drop it; None for neither."""
        self._kept = kept

    def complete(self, event: Event) -> None:
        """The content is whole."""
        if self.message is None:
            self.message = self._recorder.message()
            if (lost := self._recorder.lost_content()) is not None:
                self._context.fault(MemoryError(lost))
        # What was said before the content was whole is what the client goes by.
        if (reply := self.content_reply) is not None and not event.sent:
            event.propose(reply)

    def settle(self, event: Event, reply: Reply | None) -> None:
        """Store the message or not, before the reply to it leaves."""
        message = self.message
        assert message is not None
        positive = reply is not None and reply.is_positive
        if (positive if self._kept is None else self._kept) and not self._stored:
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
        self.message = self._content_reply = None

    def release(self) -> None:
        """The replies have left: let those who wait have their messages."""
        released, self.unreleased = self.unreleased, []
        self._context.release(released)
