"""The mailbox of a server: its messages, which waits got them, and who still waits.

A message is recorded before its reply leaves, so that a client that has the 250 finds
it. Waits get it once the reply has left ("released"): a test that went on earlier could
stop the server before the client has its reply.
"""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.naming import no_such_attribute

from .collection import Recorded
from .search.criteria import Criteria
from .words import MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Unpack

    from .message import ReceivedMessage
    from .search.criteria import MessageCriteria


#: The most messages that the report of a failure puts first.
_LOOKED_AT = 5


class Messages(Recorded["ReceivedMessage"]):
    """Every accepted message, in the order in which they were complete."""

    _way_out = " (wait_for_message() waits for one that is still to come)"

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute(
            "the sequence of messages",
            MESSAGES,
            {"messages[0]": "pytest_smtpserver.mail.message:ReceivedMessage"},
        )

    def find(self, **criteria: Unpack[MessageCriteria]) -> list[ReceivedMessage]:
        """The messages that meet all criteria; waits for nothing.

        Raises:
            TypeError: there is no such criterion.
        """
        wanted = Criteria(criteria)
        return [message for message in self if wanted.match(message)]


class Mark(NamedTuple):
    """A point in the course of a server, for ``since=``."""

    number: int


class Mailbox:
    """The messages of one server, what was handed out of them, and who waits."""

    def __init__(self) -> None:
        self.messages: Messages = Messages("message", self._forget)
        self._lock = threading.Lock()
        self._recorded = 0
        #: Released messages by number, in the order of their release.
        self._released: dict[int, ReceivedMessage] = {}
        self._unclaimed: dict[int, ReceivedMessage] = {}
        #: The numbers in `_released`, in which waits keep their cursors.
        self._log: list[int] = []
        #: How many entries of the log were cleared: cursors count them too.
        self._forgotten = 0
        #: Where a message was handed out, by its number.
        self._claims: dict[int, str] = {}
        self._listeners: list[Callable[[], None]] = []
        #: What the last failure was about, for the report.
        self.looked_at: list[ReceivedMessage] = []

    def record(self, message: ReceivedMessage) -> int:
        """Add a message, and return its number."""
        with self._lock:
            self._recorded += 1
            self.messages.record(message)
            return self._recorded

    def release(self, number: int, message: ReceivedMessage) -> None:
        """Let those who wait have the message: the reply to it has left."""
        with self._lock:
            self._released[number] = message
            self._unclaimed[number] = message
            self._log.append(number)
        self.wake_all()

    def wake_all(self) -> None:
        """Let all waits look again: a message has come, or the server has stopped."""
        with self._lock:
            listeners = list(self._listeners)
        for wake in listeners:
            wake()

    def mark(self) -> Mark:
        """The point in time that is now."""
        with self._lock:
            return Mark(self._recorded)

    def before(self, mark: Mark | None) -> list[ReceivedMessage]:
        """Released messages that came before the mark."""
        if mark is None:
            return []
        with self._lock:
            return [m for n, m in self._released.items() if n <= mark.number]

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever waits should look again; it may be called in any thread."""
        with self._lock:
            self._listeners.append(wake)

    def unlisten(self, wake: Callable[[], None]) -> None:
        """Call `wake` no longer."""
        with self._lock:
            self._listeners.remove(wake)

    def arrivals(
        self, cursor: int | None, *, again: bool, limit: int | None = None
    ) -> tuple[list[tuple[int, ReceivedMessage]], int]:
        """What a wait has not looked at yet, and the cursor for its next look.

        The first look, without a cursor, goes over the messages that no wait has taken,
        and not over all that ever came; it needs no more than `limit`. With `again`
        those count too that were handed out before.
        """
        with self._lock:
            if cursor is None:
                source = self._released if again else self._unclaimed
                found = list(islice(source.items(), limit))
            else:
                new = self._log[max(0, cursor - self._forgotten) :]
                found = [(number, self._released[number]) for number in new]
            return found, self._forgotten + len(self._log)

    def claim(self, numbers: list[int], where: str, *, again: bool) -> bool:
        """Hand these messages out, all or none; false if another wait has one of them."""
        with self._lock:
            if not again and any(number not in self._unclaimed for number in numbers):
                return False
            for number in numbers:
                self._unclaimed.pop(number, None)
                self._claims.setdefault(number, where)
            return True

    def claims(self) -> list[tuple[ReceivedMessage, str]]:
        """What was handed out, and where."""
        with self._lock:
            return [
                (self._released[number], where)
                for number, where in self._claims.items()
                if number in self._released
            ]

    def look_at(self, messages: Iterable[ReceivedMessage]) -> None:
        """Note what a failure is about: its messages, the most important first."""
        self.looked_at = list(islice(messages, _LOOKED_AT))

    def _forget(self) -> None:
        with self._lock:
            self.looked_at = []
            self._released.clear()
            self._forgotten += len(self._log)
            self._log.clear()
            self._unclaimed.clear()
            self._claims.clear()
