"""The state of one wait for messages; blocking and async waits use it alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .criteria import Criteria

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pytest_smtpserver.mail.mailbox import Mailbox, Mark
    from pytest_smtpserver.mail.message import ReceivedMessage


class MessageNotReceived(AssertionError, TimeoutError):  # noqa: N818 - a public name
    """A message that a test waited for did not come in time."""

    __module__ = "pytest_smtpserver"  # where a test imports it from


class Wait:
    """A search that goes on where it stopped, so that nothing is looked at twice.

    Args:
        count: how many are wanted.
        since: only those recorded after this mark.
        again: also those that an earlier wait has handed out.
        where: file and line of the test, for the next wait's explanation.
        runs: tells whether the server still runs.

    Raises:
        TypeError: there is no such criterion, `count` is no int, `since` no mark.
        ValueError: `count` is not positive.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        criteria: Mapping[str, Any],
        *,
        count: int = 1,
        since: Mark | None = None,
        again: bool = False,
        where: str = "",
        runs: Callable[[], bool] = lambda: True,
    ) -> None:
        __tracebackhide__ = True  # the mistake is the caller's
        if not isinstance(count, int) or isinstance(count, bool):
            raise TypeError(f"count is how many messages to wait for, not {count!r}")
        if count < 1:
            raise ValueError(f"count is at least 1, not {count}")
        if since is not None and not hasattr(since, "number"):
            raise TypeError(
                f"since is what server.mark() returned earlier, not {since!r}"
            )
        self.criteria: Criteria = Criteria(criteria)
        self.count = count
        self.again = again
        self.since = since
        self._mailbox = mailbox
        self._where = where
        self._runs = runs
        self._cursor: int | None = None
        self._found: dict[int, ReceivedMessage] = {}

    def take(self) -> list[ReceivedMessage] | None:
        """The messages, in order of arrival, once there are enough; else None.

        An empty list if there never will be enough: the server was stopped.
        """
        runs = self._runs()  # before the look: what came until it was stopped counts
        limit = self.count if not self.criteria and self.since is None else None
        after = 0 if self.since is None else self.since.number
        while True:
            arrived, self._cursor = self._mailbox.arrivals(
                self._cursor, again=self.again, limit=limit
            )
            for number, message in arrived:
                if number > after and self.criteria.match(message):
                    self._found[number] = message
            if len(self._found) < self.count:
                return None if runs else []
            numbers = sorted(self._found)[: self.count]
            if self._mailbox.claim(numbers, self._where, again=self.again):
                return [self._found[number] for number in numbers]
            # Another wait was faster: look anew at what is left.
            self._cursor = None
            self._found.clear()

    @property
    def found(self) -> list[ReceivedMessage]:
        """What matches so far, if that is not enough."""
        return [self._found[number] for number in sorted(self._found)]
