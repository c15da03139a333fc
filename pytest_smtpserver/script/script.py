"""The script of a server: its rules in order, and what they say to an event."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.later import Later
from pytest_smtpserver.mail.collection import Recorded
from pytest_smtpserver.mail.words import by_name
from pytest_smtpserver.protocol.naming import suggestion
from pytest_smtpserver.protocol.state.events import MOMENTS, NO_COMMANDS
from pytest_smtpserver.protocol.state.states import VERBS

from .event import Earlier, Event
from .mistakes import caller

if TYPE_CHECKING:
    import difflib
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from pytest_smtpserver.mail.message import SessionRecord

    from .actions import Action
    from .rules import Rule
else:
    difflib = Later("difflib")  # for mistakes


class Decision(NamedTuple):
    """What a rule wants done."""

    rule: Rule
    actions: list[Action]


class Rules(Recorded["Rule"]):
    """The rules in force, in the order in which they are tried."""

    def insert(self, rule: Rule, *, first: bool) -> None:
        """Add a rule at the end, or in front; personas stand behind the test's own."""
        place = len(self._items)
        if first:
            place = 0
        elif rule.persona is None:
            while place and self._items[place - 1].persona is not None:
                place -= 1
        self._items.insert(place, rule)


class Script:
    """The rules of one server; behind them its handlers, which `Rules.clear` keeps."""

    def __init__(
        self,
        handlers: Mapping[str, Callable[[Event], Any]],
        now: Callable[[], datetime],
    ) -> None:
        self.rules: Rules = Rules("rule", self._changed)
        #: Calls whose blocks the test has not entered, or not yet.
        self.ahead: list[str] = []
        self._now = now
        self._handlers: list[Rule] = []
        #: There is a rule or a handler: only then do sessions ask the script.
        self.any_rules: bool = False
        #: There is or was one: an action of it, such as a throttle, may still go on.
        self.was_used: bool = False
        self._by_name: dict[str, tuple[Rule, ...]] = {}
        self.use_handlers(handlers)

    def use_handlers(self, handlers: Mapping[str, Callable[[Event], Any]]) -> None:
        """Replace the handlers."""
        self._handlers = [
            _rule(event_name(name), None, {}, "the option handlers")
            .call(handler)
            .optional()
            for name, handler in handlers.items()
        ]
        self._changed()

    def add(
        self,
        event: str,
        match: object,
        criteria: Mapping[str, Any],
        *,
        first: bool,
        made_at: str,
        sessions: Sequence[SessionRecord] = (),
    ) -> Rule:
        """Make a rule, which knows what has happened so far.

        Raises:
            TypeError: the event is no str, or there is no such criterion.
            ValueError: the event's name is none.
        """
        name = event_name(event)
        rule = _rule(name, match, criteria, made_at, Earlier(sessions))
        self.rules.insert(rule, first=first)
        self._changed()
        return rule

    def expect(self, call: str) -> None:
        """Note a call whose block the test has to enter, which removes the last note."""
        self.ahead.append(f"{call}, at {caller()}: write 'with smtp_server.{call}: …'")

    def add_persona(self, rule: Rule, persona: str, played_at: str) -> Rule:
        """Take a rule of a persona in."""
        rule.play(persona, played_at)
        self.rules.insert(rule, first=False)
        self._changed()
        return rule

    def rules_for(self, name: str) -> tuple[Rule, ...]:
        """The rules that may have something to say to the event."""
        rules = self._by_name.get(name)
        if rules is None:
            wanted = (name,) if name in NO_COMMANDS else (name, "*")
            rules = tuple(
                rule for rule in (*self.rules, *self._handlers) if rule.event in wanted
            )
            self._by_name[name] = rules
        return rules

    def decide(self, event: Event) -> Decision | None:
        """The first rule that has something to do at the event."""
        from .actions import Delay  # noqa: PLC0415 - there are rules

        waiting: Decision | None = None
        for rule in self.rules_for(event.name):
            actions = rule.take(event, self._now)
            # A rule without actions looks on, and stands in nobody's way.
            if not actions:
                continue
            if waiting is not None:
                return Decision(rule, waiting.actions + actions)
            only_delays = all(isinstance(action, Delay) for action in actions)
            if rule.persona is None or not only_delays:
                return Decision(rule, actions)
            # A tarpit holds the client up, and leaves it to the others what is said.
            waiting = Decision(rule, actions)
        return waiting

    def check_used(self, *, failed: bool = False) -> AssertionError | None:
        """The complaint about rules and blocks that were never used, or do nothing.

        Or of a rule that was used, and has one of its own. A test that has `failed` may
        have done so in the middle of a rule, before its action: such are left out.
        """
        if not self.rules and not self.ahead:
            return None
        from .complaint import complaint  # noqa: PLC0415 - there are rules
        from .rules import RuleNotUsed  # noqa: PLC0415

        rules = list(self.rules)
        own = next(filter(None, (rule.complaint() for rule in rules)), None)
        if own is not None:
            return own
        told = [
            one for one in rules if not failed or one.uses or one._stages[-1].actions
        ]
        text = complaint(told, self.ahead)
        return RuleNotUsed(text) if text else None

    def _changed(self) -> None:
        self._by_name = {}
        self.any_rules = bool(self.rules) or bool(self._handlers)
        self.was_used = self.was_used or self.any_rules


def _rule(
    name: str,
    match: object,
    criteria: Mapping[str, Any],
    made_at: str,
    earlier: Earlier | None = None,
) -> Rule:
    """Make a rule. The first one loads what rules are made of."""
    from .conditions import Conditions  # noqa: PLC0415 - most servers have no rule
    from .rules import Rule  # noqa: PLC0415

    return Rule(name, Conditions(name, match, criteria), made_at, earlier)


def event_name(event: str) -> str:
    """The name of an event in upper case.

    Raises:
        TypeError: it is no str.
        ValueError: it is no verb and no moment.
    """
    if not isinstance(event, str):
        raise TypeError(
            f"an event is a verb or a moment, such as 'RCPT': not {event!r}"
        )
    name = event.upper()
    if name in _NAMES:
        return name
    hint = _meant(event)
    if hint or not name or not name.isprintable() or " " in name:
        near = difflib.get_close_matches(name, (*MOMENTS, "MAIL", "RCPT"), 1)
        hint = hint or (f"did you mean {near[0]!r}?" if near else "")
        raise ValueError(
            f"an event is one verb, such as 'MAIL', or one of the moments "
            f"{', '.join(MOMENTS)}; not {event!r}{'; ' if hint else ''}{hint}"
        )
    return name


#: Events of other servers: hooks of aiosmtpd, npm's smtp-server, milters.
EVENTS: Mapping[str, str] = by_name(
    {
        "'MESSAGE' for a whole message, 'DATA' for its command": "handle_DATA",
        "'SECURE' once TLS is up, 'STARTTLS' for its command": "handle_STARTTLS",
        "'CREDENTIALS' for a login, 'AUTH' for its command": "handle_AUTH",
        "nothing: smtp_server.errors has them": "handle_exception",
        "the verb itself, such as 'RCPT'": "handle_hook",
        "'AUTH' with the mechanism: on('AUTH', 'PLAIN')": "auth_PLAIN",
        "'AUTH' with the mechanism: on('AUTH', 'LOGIN')": "auth_LOGIN",
        "'MESSAGE'": "process_message",
        "'CONNECT'": (
            "connection_made connected connection onConnect accept open greeting banner"
        ),
        "'CLOSE'": "connection_lost disconnect disconnected end eof closed onClose",
        "'SECURE' or 'STARTTLS'": "onSecure TLS SSL start_tls",
        "'CREDENTIALS' or 'AUTH'": "onAuth login authenticate password",
        "'MAIL'": "onMailFrom mailfrom from sender envfrom",
        "'RCPT'": "onRcptTo rcptto to recipient envrcpt",
        "'MESSAGE' for a whole message, 'CONTENT' when it begins": (
            "onData received message_received mail_received email eom"
        ),
        "'MESSAGE', or 'CONTENT'": "body header headers",
        "'EHLO' or 'HELO'": "hello",
        "'*'": "any all command",
    }
)

_NAMES = frozenset({"*", *MOMENTS, *VERBS})
#: A hook such as ``handle_RCPT`` or ``onClose``, and what it is about.
_HOOK = r"(?i)(?:handle|smtp|do|on)[_ ]?([a-z]+)"
#: A command as it stands on the wire: ``RCPT TO:<bob@example.org>``, ``AUTH PLAIN``.
_LINE = r"(?i)([A-Z]+) +(?:(?:FROM|TO)\b *:? *)?<?([^<>]*?)>?"


def _meant(event: str) -> str:
    """What a name was probably meant to be that is none; ``""`` for a verb.

    Others write verbs in upper case: a word of theirs in upper case may be a verb that
    the server does not know.
    """
    if "@" in event and " " not in event:
        return f"write on('RCPT', {event!r})"
    if event.isupper() and " " not in event and "_" not in event:
        return ""
    if word := suggestion(event, EVENTS):
        return word.removeprefix("; ")
    if (hook := re.fullmatch(_HOOK, event)) and hook[1].upper() in _NAMES:
        return f"here it is {hook[1].upper()!r}"
    if (line := re.fullmatch(_LINE, event)) and line[1].upper() in _NAMES:
        match = f", {line[2]!r}" if line[2] or "<>" in event else ""
        return f"write on({line[1].upper()!r}{match})"
    if re.search(_CAMEL, event) and not event.upper().startswith("X"):
        return "a verb of your own is written in upper case"
    return ""


#: A name of a program rather than a verb.
_CAMEL = r"[a-z]_?[A-Z]|[a-z]_[a-z]"
