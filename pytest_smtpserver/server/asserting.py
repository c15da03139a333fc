"""What a test asks of a server: waits and assertions, on top of its mailbox.

Each public function here is a method of `SMTPServer`, whose parts it asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later
from pytest_smtpserver.mail.search.criteria import Criteria
from pytest_smtpserver.mail.search.waiting import MessageNotReceived, Wait
from pytest_smtpserver.script.mistakes import caller, whole

from .io.background import LoopBlocked
from .io.waking import await_until, block_until, refuse_in_task, running_event_loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol, Unpack

    from pytest_smtpserver.mail.lint import advice, violations
    from pytest_smtpserver.mail.mailbox import Mark
    from pytest_smtpserver.mail.message import ReceivedMessage
    from pytest_smtpserver.mail.search import diagnosis, explain
    from pytest_smtpserver.mail.search.criteria import MessageCriteria
    from pytest_smtpserver.mail.search.diagnosis import Setting

    from .context import ServerContext
    from .place import Place
    from .serving import Serving

    class Server(Protocol):
        """The parts of `SMTPServer` that these functions ask."""

        default_timeout: float
        explain_in_full: bool
        _complained: bool
        _context: ServerContext
        _place: Place
        _serving: Serving

        def _setting(self, wanted: Criteria) -> Setting: ...
else:
    advice = Later("pytest_smtpserver.mail.lint.advice")
    diagnosis = Later("pytest_smtpserver.mail.search.diagnosis")
    explain = Later("pytest_smtpserver.mail.search.explain")
    violations = Later("pytest_smtpserver.mail.lint.violations")

__tracebackhide__ = True  # a failure is shown where the test has asked
#: Of the clients that a rule keeps waiting.
_SHOWN_CLIENTS = 5


def wait_for_message(
    self: Server,
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
    refuse_in_task("wait_for_message", "wait_for_message_async")
    return _block(self, _begin(self, criteria, since, again), timeout)[0]


def wait_for_messages(
    self: Server,
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
    refuse_in_task("wait_for_messages", "wait_for_messages_async")
    return _block(self, _begin(self, criteria, since, again, count), timeout)


async def wait_for_message_async(
    self: Server,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - it is the time for a mail
    since: Mark | None = None,
    again: bool = False,
    **criteria: Unpack[MessageCriteria],
) -> ReceivedMessage:
    """`wait_for_message` for asyncio and trio."""
    return (await _await(self, _begin(self, criteria, since, again), timeout))[0]


async def wait_for_messages_async(
    self: Server,
    count: int,
    *,
    timeout: float | None = None,  # noqa: ASYNC109
    since: Mark | None = None,
    again: bool = False,
    **criteria: Unpack[MessageCriteria],
) -> list[ReceivedMessage]:
    """`wait_for_messages` for asyncio and trio."""
    return await _await(self, _begin(self, criteria, since, again, count), timeout)


def mark(self: Server) -> Mark:
    """The point in time that is now, for ``since=``."""
    return self._context.mailbox.mark()


def wait_until_idle(self: Server, *, timeout: float | None = None) -> None:
    """Wait until no transaction is open and nothing waits for an answer.

    Args:
        timeout: how long, in seconds; `default_timeout` when None.

    Raises:
        TimeoutError: it does not end; the text tells which session is stuck.
        RuntimeError: called inside an asyncio or trio task, which it would block.
    """
    refuse_in_task("wait_until_idle", "wait_until_idle_async")
    seconds = _seconds(self, timeout)
    if not _idle_in_time(self, seconds):
        raise _stuck_error(self, seconds)


async def wait_until_idle_async(self: Server, *, timeout: float | None = None) -> None:  # noqa: ASYNC109
    """`wait_until_idle` for asyncio and trio."""
    idle, seconds = _Idle(self._serving, quiet=False), _seconds(self, timeout)
    if not await await_until(idle.happened, idle.listen, idle.unlisten, seconds):
        raise _stuck_error(self, seconds)


def settle(self: Server, *, timeout: float = 1.0) -> bool:
    """Wait until nothing moves any more unless a client moves it.

    A client that has said QUIT may go on before the server has noted the end of
    the session. Unlike `wait_until_idle` this does not wait for clients, so it may
    be called anywhere, and it does not raise.

    Args:
        timeout: how long, in seconds.

    Returns:
        Whether it has come to rest in that time.
    """
    seconds = _checked(timeout)
    if self._serving.is_inherited:
        return False
    settled = _idle_in_time(self, seconds, quiet=True)
    if not settled:
        self._serving.note_if_blocked()
    return settled


def assert_received(
    self: Server, *, times: int | None = None, **criteria: Unpack[MessageCriteria]
) -> list[ReceivedMessage]:
    """Assert that a message was received, and return those that match.

    Waits for what is in flight, not for a clock.

    Args:
        times: how many there have to be; at least one when None.
        criteria: what the messages have to be; see the README.

    Raises:
        AssertionError: they are not there; the text tells how close it was.
        TypeError: there is no such criterion, or `times` is no int.
        ValueError: `times` is negative.
    """
    if times is not None:
        whole("times=", times, least=0)
    wanted = Criteria(criteria)
    found, stuck = _matching(self, "assert_received", wanted, diagnosed=False)
    if len(found) == times or (times is None and found):
        return found
    mailbox = self._context.mailbox
    mailbox.look_at(found or explain.nearest(wanted, mailbox.messages))
    messages, sessions = list(mailbox.messages), list(self._context.sessions)
    setting, full = self._setting(wanted), self.explain_in_full
    text = explain.wrong_number(
        wanted, times, found, messages, sessions, setting=setting, full=full
    )
    raise AssertionError(f"{text}\n\n{stuck}" if stuck else text)


def assert_not_received(
    self: Server, *, within: float = 0.0, **criteria: Unpack[MessageCriteria]
) -> None:
    """Assert that no such message was received, nor is on its way.

    Args:
        within: also wait that long for what has not begun yet, in seconds; it fails as
            soon as such a message comes.
        criteria: what the message would be; see the README.

    Raises:
        AssertionError: there is one, or a session is stuck in a transaction, or the
            server was never started, so that none can have come.
        RuntimeError: `within` is given inside an asyncio or trio task.
        TypeError: there is no such criterion, or `within` is no number.
        ValueError: `within` is negative.
    """
    wanted = Criteria(criteria)
    if not self._place.is_known:
        raise AssertionError(diagnosis.NEVER_STARTED)
    if _checked(within, "within"):
        _wait_for_unwanted(self, wanted, within)
    found, stuck = _matching(self, "assert_not_received", wanted)
    if found:
        self._context.mailbox.look_at(found)
        raise AssertionError(explain.unwanted(wanted, found, full=self.explain_in_full))
    if stuck:
        raise AssertionError(stuck)


def assert_no_messages(self: Server, *, within: float = 0.0) -> None:
    """Assert that no message was received, nor is on its way.

    Args:
        within: also wait that long for what has not begun yet, in seconds; it fails as
            soon as a message comes.

    Raises:
        Exception: as `assert_not_received` does.
    """
    assert_not_received(self, within=within)


def check(self: Server) -> None:
    """Complain about rules that were never used, and raise what went wrong.

    Under pytest the fixtures do that at the end of each test.

    Raises:
        RuleNotUsed: a rule without `Rule.optional` was never used.
        ProtocolViolated: a client broke an RFC, and the option ``strict`` is set,
            or did what the option ``fail_on`` names.
        ExceptionGroup: more than one thing went wrong.
    """
    __tracebackhide__ = True  # whoever reads the failure needs none of this
    problems: list[Exception] = list(self._context.errors)
    unused = self._context.script.check_used()
    if unused is not None:
        problems.append(unused)
        self._complained = True
    options, sessions = self._context.options, self._context.sessions
    wanted = {*options.fail_on, *(["violations"] if options.strict else [])}
    if wanted:
        all_found = [*violations.violations(sessions), *advice.advice(sessions)]
        if found := violations.failing(wanted, all_found):
            text = violations.explain(found, options.fail_on)
            problems.append(violations.ProtocolViolated(text))
    if len(problems) == 1:
        _complain(problems[0])
    if problems:
        _complain(ExceptionGroup("the SMTP server of this test complains", problems))


# Inside


def _begin(
    server: Server,
    criteria: MessageCriteria,
    since: Mark | None,
    again: bool,
    count: int = 1,
) -> Wait:
    server._serving.check_here()
    return Wait(
        server._context.mailbox,
        criteria,
        count=count,
        since=since,
        again=again,
        where=caller(),
        runs=lambda: server._serving.is_running,
    )


def _block(server: Server, wait: Wait, timeout: float | None) -> list[ReceivedMessage]:
    mailbox, seconds = server._context.mailbox, _seconds(server, timeout)
    found = block_until(wait.take, mailbox.listen, mailbox.unlisten, seconds)
    return found or _give_up(server, wait, seconds)


async def _await(
    server: Server,
    wait: Wait,
    timeout: float | None,  # noqa: ASYNC109
) -> list[ReceivedMessage]:
    mailbox, seconds = server._context.mailbox, _seconds(server, timeout)
    found = await await_until(wait.take, mailbox.listen, mailbox.unlisten, seconds)
    return found or _give_up(server, wait, seconds)


def _give_up(server: Server, wait: Wait, seconds: float) -> list[ReceivedMessage]:
    mailbox = server._context.mailbox
    mailbox.look_at(wait.found or explain.nearest(wait.criteria, mailbox.messages))
    text = explain.not_received(
        wait,
        timeout=seconds if server._serving.is_running else None,
        messages=list(mailbox.messages),
        claims=mailbox.claims(),
        before_mark=mailbox.before(wait.since),
        sessions=list(server._context.sessions),
        setting=server._setting(wait.criteria),
        full=server.explain_in_full,
    )
    culprit = server._serving.blocked_by() or "\n".join(held_up(server))
    raise MessageNotReceived(f"{text}\n\n{culprit}" if culprit else text)


def held_up(server: Server, *, said: str = "") -> list[str]:
    """Which clients wait for a rule, in words, but for rules that `said` names."""
    held = [
        "{}:{} is held up by {}".format(*session.remote_address, rule)
        for session, rule in server._serving.in_flight()
        if rule and rule not in said
    ]
    if (left := len(held) - _SHOWN_CLIENTS) > 0:
        held[_SHOWN_CLIENTS:] = [f"… and {left} more clients"]
    return held


def _matching(
    server: Server, method: str, wanted: Criteria, *, diagnosed: bool = True
) -> tuple[list[ReceivedMessage], str]:
    """The messages that match, and what is stuck so that there may be more to come."""
    seconds = server.default_timeout
    if running_event_loop() is None:
        settled = _idle_in_time(server, seconds)
    else:
        # What the server has to do by itself is done soon. What a client has to do
        # may need the event loop that is blocked here.
        _idle_in_time(server, seconds, quiet=True)
        settled = True
        if server._serving.in_flight():
            raise RuntimeError(
                f"{method}() cannot wait in this event loop for a mail that is in "
                "flight: use 'await wait_until_idle_async()' before it"
            )
    found = [one for one in server._context.mailbox.messages if wanted.match(one)]
    return found, "" if settled else _stuck(server, seconds, diagnosed=diagnosed)


def _wait_for_unwanted(server: Server, wanted: Criteria, within: float) -> None:
    """Wait that long, or until a message comes that nobody wants."""
    if (loop := running_event_loop()) is not None:
        raise RuntimeError(
            f"within= blocks, and so would stop this {loop} event loop and every client "
            "in it: wait there by 'await anyio.sleep(...)', and assert after that"
        )
    mailbox = server._context.mailbox

    def come() -> bool | None:
        runs = server._serving.is_running
        return any(wanted.match(one) for one in mailbox.messages) or not runs or None

    block_until(come, mailbox.listen, mailbox.unlisten, within)


def _idle_in_time(server: Server, seconds: float, *, quiet: bool = False) -> bool:
    idle = _Idle(server._serving, quiet=quiet)
    return bool(block_until(idle.happened, idle.listen, idle.unlisten, seconds))


def _stuck_error(server: Server, seconds: float) -> TimeoutError:
    culprit = server._serving.blocked_by()
    return LoopBlocked(culprit) if culprit else TimeoutError(_stuck(server, seconds))


def _stuck(server: Server, seconds: float, *, diagnosed: bool = True) -> str:
    return server._serving.blocked_by() or explain.stuck(
        server._serving.in_flight(),
        seconds,
        sessions=list(server._context.sessions),
        setting=server._setting(Criteria({})) if diagnosed else None,
    )


def _seconds(server: Server, timeout: float | None) -> float:
    return server.default_timeout if timeout is None else _checked(timeout)


def _checked(seconds: float, name: str = "timeout") -> float:
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{name} is a number of seconds, not {seconds!r}")
    if not seconds >= 0:
        raise ValueError(f"{name} is a number of seconds of at least 0, not {seconds}")
    return seconds


class _Idle:
    """Whether nothing is in flight, or with `quiet` nothing moves by itself."""

    def __init__(self, serving: Serving, *, quiet: bool) -> None:
        self._serving = serving
        self._quiet = quiet
        self._happened = False
        self._wake: Callable[[], None] | None = None

    def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake`, from any thread, once it is so."""
        self._wake = wake
        self._serving.when_idle(self._note, quiet=self._quiet)

    def unlisten(self, _: Callable[[], None]) -> None:
        if not self._happened:
            self._serving.forget_watcher(self._note)

    def happened(self) -> bool | None:
        return True if self._happened else None

    def _note(self) -> None:
        self._happened = True
        if self._wake is not None:
            self._wake()


def _complain(problem: Exception) -> None:
    """Raise it, where pytest has next to nothing to show around the message."""
    __tracebackhide__ = False
    raise problem
