"""What a test asks of a server: waits and assertions, on top of its mailbox."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from pytest_smtpserver.mail.search import explain
from pytest_smtpserver.mail.search.criteria import Criteria
from pytest_smtpserver.mail.search.waiting import MessageNotReceived, Wait

from .callers import caller
from .io.waking import await_until, block_until, refuse_in_task, running_event_loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from pytest_smtpserver.mail.mailbox import Mailbox, Mark, Messages
    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
    from pytest_smtpserver.mail.search.criteria import MessageCriteria


class Asserting(ABC):
    """The waits and assertions of `SMTPServer`."""

    #: How long waits may take when they are not told, in seconds.
    default_timeout: float = 5.0
    #: Explanations leave nothing out, as under ``pytest -vv``.
    explain_in_full: bool = False

    _mailbox: Mailbox

    @property
    def messages(self) -> Messages:
        """Every accepted message: a live, thread-safe sequence."""
        return self._mailbox.messages

    @abstractmethod
    def _when_idle(self, call: Callable[[], None], *, quiet: bool) -> None:
        """Call once nothing is in flight; with `quiet` once nothing moves by itself."""

    @abstractmethod
    def _forget_watcher(self, call: Callable[[], None]) -> None:
        """Do not call."""

    @abstractmethod
    def _in_flight(self) -> list[tuple[SessionRecord, str]]:
        """The sessions that are in the middle of something."""

    @abstractmethod
    def _all_sessions(self) -> list[SessionRecord]:
        """Every session."""

    # Waiting

    def wait_for_message(
        self,
        *,
        timeout: float | None = None,
        since: Mark | None = None,
        again: bool = False,
        **criteria: Unpack[MessageCriteria],
    ) -> ReceivedMessage:
        """Wait for the first matching message that no earlier wait has handed out.

        Args:
            timeout: how long, in seconds; `default_timeout` when None.
            since: only a message that came after this mark.
            again: also a message that an earlier wait has handed out.
            criteria: what the message has to be; see the README.

        Raises:
            MessageNotReceived: it did not come in time; the text tells what did.
            RuntimeError: called inside an asyncio or trio task, which it would block.
            TypeError: there is no such criterion.
        """
        __tracebackhide__ = True
        refuse_in_task("wait_for_message", "wait_for_message_async")
        wait = Wait(self._mailbox, criteria, since=since, again=again, where=caller())
        return self._block(wait, timeout)[0]

    def wait_for_messages(
        self,
        count: int,
        *,
        timeout: float | None = None,
        since: Mark | None = None,
        again: bool = False,
        **criteria: Unpack[MessageCriteria],
    ) -> list[ReceivedMessage]:
        """Wait for `count` messages, in order of arrival; else as `wait_for_message`.

        Raises:
            ValueError: `count` is not positive.
        """
        __tracebackhide__ = True
        refuse_in_task("wait_for_messages", "wait_for_messages_async")
        wait = Wait(
            self._mailbox,
            criteria,
            count=count,
            since=since,
            again=again,
            where=caller(),
        )
        return self._block(wait, timeout)

    async def wait_for_message_async(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it is the time for a mail
        since: Mark | None = None,
        again: bool = False,
        **criteria: Unpack[MessageCriteria],
    ) -> ReceivedMessage:
        """`wait_for_message` for asyncio and trio."""
        __tracebackhide__ = True
        wait = Wait(self._mailbox, criteria, since=since, again=again, where=caller())
        return (await self._await(wait, timeout))[0]

    async def wait_for_messages_async(
        self,
        count: int,
        *,
        timeout: float | None = None,  # noqa: ASYNC109
        since: Mark | None = None,
        again: bool = False,
        **criteria: Unpack[MessageCriteria],
    ) -> list[ReceivedMessage]:
        """`wait_for_messages` for asyncio and trio."""
        __tracebackhide__ = True
        wait = Wait(
            self._mailbox,
            criteria,
            count=count,
            since=since,
            again=again,
            where=caller(),
        )
        return await self._await(wait, timeout)

    def mark(self) -> Mark:
        """The point in time that is now, for ``since=``."""
        return self._mailbox.mark()

    def wait_until_idle(self, *, timeout: float | None = None) -> None:
        """Wait until no transaction is open and nothing waits for an answer.

        Args:
            timeout: how long, in seconds; `default_timeout` when None.

        Raises:
            TimeoutError: it does not end; the text tells which session is stuck.
            RuntimeError: called inside an asyncio or trio task, which it would block.
        """
        __tracebackhide__ = True
        refuse_in_task("wait_until_idle", "wait_until_idle_async")
        seconds = self._seconds(timeout)
        if not self._block_until_idle(seconds):
            raise TimeoutError(explain.stuck(self._in_flight(), seconds))

    async def wait_until_idle_async(
        self,
        *,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """`wait_until_idle` for asyncio and trio."""
        __tracebackhide__ = True
        seconds = self._seconds(timeout)
        idle = _Once()

        def listen(wake: Callable[[], None]) -> None:
            self._when_idle(idle.then(wake), quiet=False)

        if not await await_until(
            idle.happened, listen, lambda _: self._forget_watcher(idle.call), seconds
        ):
            raise TimeoutError(explain.stuck(self._in_flight(), seconds))

    def settle(self, *, timeout: float = 1.0) -> bool:
        """Wait until nothing moves any more unless a client moves it.

        A client that has said QUIT may go on before the server has noted the end of
        the session. Unlike `wait_until_idle` this does not wait for clients, so it may
        be called anywhere, and it does not raise.

        Args:
            timeout: how long, in seconds.

        Returns:
            Whether it has come to rest in that time.
        """
        __tracebackhide__ = True
        return self._block_until_idle(_checked(timeout), quiet=True)

    # Asserting

    def assert_received(
        self, *, times: int | None = None, **criteria: Unpack[MessageCriteria]
    ) -> list[ReceivedMessage]:
        """Assert that a message was received, and return those that match.

        Waits for what is in flight, not for a clock.

        Args:
            times: how many there have to be; at least one when None.
            criteria: what the messages have to be; see the README.

        Raises:
            AssertionError: they are not there; the text tells how close it was.
            TypeError: there is no such criterion.
            ValueError: `times` is negative.
        """
        __tracebackhide__ = True
        if times is not None and times < 0:
            raise ValueError(f"times is at least 0, not {times}")
        wanted = Criteria(criteria)
        settled = self._settle("assert_received")
        found = [message for message in self.messages if wanted.match(message)]
        if len(found) == times or (times is None and found):
            return found
        raise AssertionError(
            explain.wrong_number(
                wanted,
                times,
                found,
                list(self.messages),
                self._all_sessions(),
                full=self.explain_in_full,
            )
            + ("" if settled else f"\n\n{self._stuck()}")
        )

    def assert_not_received(self, **criteria: Unpack[MessageCriteria]) -> None:
        """Assert that no such message was received, nor is on its way.

        Raises:
            AssertionError: there is one, or a session is stuck in a transaction.
            TypeError: there is no such criterion.
        """
        __tracebackhide__ = True
        wanted = Criteria(criteria)
        settled = self._settle("assert_not_received")
        found = [message for message in self.messages if wanted.match(message)]
        if found:
            raise AssertionError(
                explain.unwanted(wanted, found, full=self.explain_in_full)
            )
        if not settled:
            raise AssertionError(self._stuck())

    def assert_no_messages(self) -> None:
        """Assert that no message was received, nor is on its way.

        Raises:
            AssertionError: there is one, or a session is stuck in a transaction.
        """
        __tracebackhide__ = True
        self.assert_not_received()

    # Inside

    def _seconds(self, timeout: float | None) -> float:
        __tracebackhide__ = True
        return self.default_timeout if timeout is None else _checked(timeout)

    def _block(self, wait: Wait, timeout: float | None) -> list[ReceivedMessage]:
        __tracebackhide__ = True
        seconds = self._seconds(timeout)
        mailbox = self._mailbox
        found = block_until(wait.take, mailbox.listen, mailbox.unlisten, seconds)
        return found if found is not None else self._give_up(wait, seconds)

    async def _await(self, wait: Wait, timeout: float | None) -> list[ReceivedMessage]:  # noqa: ASYNC109
        __tracebackhide__ = True
        seconds = self._seconds(timeout)
        mailbox = self._mailbox
        found = await await_until(wait.take, mailbox.listen, mailbox.unlisten, seconds)
        return found if found is not None else self._give_up(wait, seconds)

    def _give_up(self, wait: Wait, seconds: float) -> list[ReceivedMessage]:
        __tracebackhide__ = True
        text = explain.not_received(
            wait,
            timeout=seconds,
            messages=list(self.messages),
            claims=self._mailbox.claims(),
            before_mark=self._mailbox.before(wait.since),
            sessions=self._all_sessions(),
            full=self.explain_in_full,
        )
        raise MessageNotReceived(text)

    def _settle(self, method: str) -> bool:
        """Wait for what is in flight; false when it did not end in time."""
        if running_event_loop() is None:
            return self._block_until_idle(self.default_timeout)
        # What the server has to do by itself is done soon. What a client has to do
        # may need the event loop that is blocked here.
        self._block_until_idle(self.default_timeout, quiet=True)
        if self._in_flight():
            raise RuntimeError(
                f"{method}() cannot wait in this event loop for a mail that is in "
                "flight: use 'await wait_until_idle_async()' before it"
            )
        return True

    def _block_until_idle(self, seconds: float, *, quiet: bool = False) -> bool:
        idle = _Once()

        def listen(wake: Callable[[], None]) -> None:
            self._when_idle(idle.then(wake), quiet=quiet)

        return bool(
            block_until(
                idle.happened,
                listen,
                lambda _: idle.happened() or self._forget_watcher(idle.call),
                seconds,
            )
        )

    def _stuck(self) -> str:
        return explain.stuck(self._in_flight(), self.default_timeout)


def _checked(timeout: float) -> float:
    __tracebackhide__ = True
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool):
        raise TypeError(f"timeout is a number of seconds, not {timeout!r}")
    if not timeout >= 0:
        raise ValueError(f"timeout is a number of seconds of at least 0, not {timeout}")
    return timeout


class _Once:
    """Remembers that it was called, and then wakes whoever waits."""

    def __init__(self) -> None:
        self._happened = False
        self._wake: Callable[[], None] | None = None
        self.call: Callable[[], None] = self._call

    def then(self, wake: Callable[[], None]) -> Callable[[], None]:
        """What to call."""
        self._wake = wake
        return self.call

    def happened(self) -> bool | None:
        """True once it was called, else None."""
        return True if self._happened else None

    def _call(self) -> None:
        self._happened = True
        if self._wake is not None:
            self._wake()
