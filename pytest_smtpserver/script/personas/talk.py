"""How a server of a kind is played from its table.

It says what the real one says: its greeting, its list of EHLO keywords, its words for
what is refused anyway (no TLS, no login, a message that is too large), and its refusals
of the recipients that the test chooses. What is accepted gets the usual replies.

EHLO keywords are those of the real server that exist on this one too: STARTTLS is in
the list with ``tls="starttls"``, AUTH with ``users=``, with the mechanisms of this
server. What else exists goes on working, and is not in the list, unless the option
``advertise`` has it. Messages may be as large as the real server lets them be, or as
the option ``max_message_size`` does where that is less.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from pytest_smtpserver.mail.search.matching import matches_address
from pytest_smtpserver.protocol.naming import unknown_name
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply

from .kinds import Persona, facts, rule, would_be_accepted
from .tables import load

if TYPE_CHECKING:
    from pytest_smtpserver.script.event import Event
    from pytest_smtpserver.script.rules import Rule

    from .tables import Refusal, Server


def played(name: str, refuse: Mapping[Any, str] | None) -> Persona:
    """The persona of the server of that name, which refuses these, and why.

    They are addresses, or what else a rule can match them with: recipients; senders for
    what is said at MAIL, user names at a login.

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    chosen = _checked(load(name), {} if refuse is None else refuse)
    shown = repr(chosen) if chosen else ""
    return Persona(f"{name}({shown})", lambda: _rules(load(name), chosen))


def _checked(server: Server, refuse: Mapping[Any, str]) -> dict[Any, str]:
    reasons = tuple(server.refusals)
    if not isinstance(refuse, Mapping):
        raise TypeError(
            f"{server.name}: refuse is a mapping of recipients to reasons, such as "
            f"{{'bob@example.org': {reasons[0]!r}}}, not {refuse!r}"
        )
    for recipient, reason in refuse.items():
        if not isinstance(reason, str):
            raise TypeError(
                f"{server.name}: refuse has {reason!r} for {recipient!r}, and not one "
                f"of {', '.join(map(repr, reasons))}"
            )
        if reason not in reasons:
            unknown = unknown_name("reason", reason, reasons)
            raise ValueError(
                f"{server.name}: refuse has {reason!r} for {recipient!r}: {unknown}"
            )
    return dict(refuse)


def _rules(server: Server, refuse: Mapping[Any, str]) -> list[Rule]:
    say = _Voice(server)
    rules = [
        rule("CONNECT", where=would_be_accepted).call(say.greeting),
        rule("EHLO", where=would_be_accepted).call(say.hello),
        rule("LHLO", where=would_be_accepted).call(say.hello),
        rule("HELO", where=would_be_accepted).call(say.helo),
        *(
            _refusing(say, whom, refusal)
            for whom, reason in refuse.items()
            for refusal in server.refusals[reason]
        ),
        rule("MAIL", where=say.declares_more).call(say.too_big_at_mail),
        rule("MESSAGE", where=say.is_larger).call(say.too_big),
    ]

    def has_own_words(event: Event) -> bool:
        return say.own_words(event) is not None

    return rules + [
        rule(event, where=has_own_words).call(say.own_words)
        for event in ("*", "CREDENTIALS", "MESSAGE")
    ]


def _refusing(say: _Voice, whom: object, refusal: Refusal) -> Rule:
    """The rule that refuses somebody: at once, or with the message."""

    def whose(event: Event) -> str:
        envelope = event.envelope
        if event.name == "CREDENTIALS":
            found = [event.auth.username or ""]
        elif event.recipient is not None:  # LMTP: each has a reply of its own
            found = [event.recipient]
        elif event.name in ("MAIL", "RCPT"):
            found = [event.address]
        else:
            found = [] if envelope is None else [*envelope.rcpt_to]
        return next((one for one in found if matches_address(whom, one)), "")

    def is_meant(event: Event) -> bool:
        return would_be_accepted(event) and bool(whose(event))

    def refuse(event: Event) -> Reply:
        return say.text(refusal.text, event, address=whose(event))

    return rule(refusal.event, where=is_meant).call(refuse)


class _Voice:
    """Says the texts of one server, with what they leave open filled in."""

    def __init__(self, server: Server) -> None:
        self._server = server
        #: The largest message, as EHLO has told it to a client; a test's may be less.
        self._limit = ""

    def text(self, text: str, event: Event, **more: str) -> Reply:
        if "{limit}" in text and not self._limit:
            return standard.TOO_BIG  # no client has said EHLO
        code, _, lines = text.partition(" ")
        known = {
            **facts(event),
            "host": self._server.host,
            "limit": self._limit,
            **more,
        }
        return Reply(int(code), *(one.format(**known) for one in lines.split("\n")))

    def greeting(self, event: Event) -> Reply:
        date = format_datetime(event.session.connected_at)
        text = f"220 {self._server.greeting}"
        return self.text(text, event, host=self._name(event), date=date)

    def helo(self, event: Event) -> Reply:
        return self._named(self._server.helo, event)

    def hello(self, event: Event) -> Reply:
        """The real server's list, as far as its keywords exist here."""
        server = self._server
        assert event.proposed is not None
        ours = {
            line.partition(" ")[0].upper(): line for line in event.proposed.lines[1:]
        }
        if "SIZE" in ours and server.largest:
            _, _, own = ours["SIZE"].partition(" ")
            smaller = min(int(own), server.largest) if own else server.largest
            ours["SIZE"] = f"SIZE {smaller}"
        self._limit = ours.get("SIZE", "").partition(" ")[2]
        known = {*KNOWN_EXTENSIONS, "STARTTLS", "AUTH"}
        return Reply(
            250,
            *self._named(server.ehlo, event).lines,
            # What the test advertises itself comes before the real server's last word.
            *(line for keyword, line in ours.items() if keyword not in known),
            *(
                ours.get(word, word)
                for word in server.keywords
                if word in ours or word in server.always
            ),
        )

    def declares_more(self, event: Event) -> bool:
        size = event.address.parameters.get("SIZE")
        return (
            size is not None
            and size.isdecimal()
            and 0 < self._server.largest < int(size)
            and self._server.declared
            and would_be_accepted(event)
        )

    def is_larger(self, event: Event) -> bool:
        size = len(event.message.content)
        return 0 < self._server.largest < size and would_be_accepted(event)

    def too_big_at_mail(self, event: Event) -> Reply:
        own = self._server.usual.get(standard.TOO_BIG.without_enhanced())
        return standard.TOO_BIG if own is None else self.text(own, event)

    def too_big(self, event: Event) -> Reply:
        return self.text(self._server.too_big, event)

    def own_words(self, event: Event) -> Reply | None:
        """What is said in place of the usual refusal; None for that one."""
        usual = event.proposed
        if usual is None or usual.code < 400:
            return None
        plain = usual.without_enhanced()
        if event.name == "MESSAGE" and plain == standard.TOO_BIG.without_enhanced():
            return self.too_big(event)
        if own := self._server.usual.get(plain):
            return self.text(own, event)
        if usual.enhanced is None or "ENHANCEDSTATUSCODES" in self._server.keywords:
            return None
        return plain

    def _named(self, text: str, event: Event) -> Reply:
        name = event.command.argument
        return self.text(f"250 {text}", event, host=self._name(event), name=name)

    def _name(self, event: Event) -> str:
        assert event.proposed is not None
        return self._server.host or event.proposed.lines[0].partition(" ")[0]
