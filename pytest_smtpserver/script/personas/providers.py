"""Personas of the servers that most mail goes through.

Each says what the real one says: its greeting, its list of EHLO keywords, its words for
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
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pytest_smtpserver.mail.search.matching import matches_address
from pytest_smtpserver.mail.words import unknown_name
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply

from .kinds import Persona, client_of, rule, saying, would_be_accepted
from .provider_texts import AMAZON_SES, GMAIL, MICROSOFT365, POSTFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver.script.event import Event
    from pytest_smtpserver.script.rules import Rule

    from .provider_texts import Provider, Refusal

#: Why a recipient is refused; the docstrings say with which code.
GmailReason: TypeAlias = Literal[
    "no such user",
    "over quota",
    "too quickly",
    "disabled",
    "try again later",
    "unsolicited",
]
Microsoft365Reason: TypeAlias = Literal[
    "no such user",
    "access denied",
    "server busy",
    "banned",
    "mailbox full",
    "thread limit",
    "send as denied",
]
AmazonSesReason: TypeAlias = Literal[
    "not verified",
    "sending rate",
    "daily quota",
    "temporary failure",
    "too many connections",
]
PostfixReason: TypeAlias = Literal[
    "no such user", "relay denied", "access denied", "try again later", "disk full"
]


def gmail(refuse: Mapping[Any, GmailReason] | None = None) -> Persona:
    """Answer as Gmail does, at ``smtp.gmail.com``.

    Sources: Google's page "Gmail SMTP errors and codes"
    (https://support.google.com/a/answer/3726730) for the refusals; their line breaks,
    the greeting and EHLO lines as clients' logs show them, such as smtplib's and
    Postfix's. Where the real server puts the id of the session, this one says
    ``pytest-smtpserver``.

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), and why: ``"no such user"`` (550 5.1.1), ``"over quota"`` (452
            4.2.2), ``"too quickly"`` (450 4.2.1), ``"disabled"`` (550 5.2.1), ``"try
            again later"`` (421 4.7.0); after the content ``"unsolicited"`` (550 5.7.1).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(GMAIL, refuse)


def microsoft365(refuse: Mapping[Any, Microsoft365Reason] | None = None) -> Persona:
    """Answer as Microsoft 365 does, at ``smtp.office365.com``.

    Sources: Microsoft's page "Email non-delivery reports and SMTP errors in Exchange
    Online" (https://learn.microsoft.com/exchange/mail-flow-best-practices/
    non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online) for
    the refusals; greeting, EHLO lines and what follows the words of that page as
    clients' logs show them, without the name of a server and the time that often stand
    in brackets at the end.

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), and why: ``"no such user"`` (550 5.1.10), ``"access denied"`` (550
            5.4.1), ``"server busy"`` (451 4.7.500), ``"banned"`` (550 5.7.606); after
            the content ``"mailbox full"`` (554 5.2.2), ``"thread limit"`` (432 4.3.2),
            ``"send as denied"`` (554 5.2.252).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(MICROSOFT365, refuse)


def amazon_ses(refuse: Mapping[Any, AmazonSesReason] | None = None) -> Persona:
    """Answer as Amazon SES does, whose refusals have no enhanced status codes.

    Sources: AWS's pages "SMTP response codes returned by Amazon SES"
    (https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html) for the refusals,
    "Service quotas in Amazon SES" for the size of messages, and "Testing your
    connection to the Amazon SES SMTP interface" for greeting and EHLO lines.

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), always after the content, and why: ``"not verified"`` (554),
            ``"sending rate"`` and ``"daily quota"`` (454), ``"temporary failure"``
            (451), ``"too many connections"`` (421).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(AMAZON_SES, refuse)


def postfix(refuse: Mapping[Any, PostfixReason] | None = None) -> Persona:
    """Answer as Postfix does, as it is installed, under the name of `hostname`.

    Source: Postfix itself, version 3.7: its smtpd (the texts of ``smtpd.c`` and
    ``smtpd_check.c``), and postconf(5) for the default of ``message_size_limit``.

    Args:
        refuse: recipients to refuse (addresses, or what else a rule can match them
            with), and why: ``"no such user"`` (550 5.1.1), ``"relay denied"`` (454
            4.7.1), ``"access denied"`` (554 5.7.1), ``"try again later"`` (450 4.3.2);
            after the content ``"disk full"`` (451 4.3.0).

    Raises:
        TypeError: it is no mapping, or a reason is no str.
        ValueError: there is no such reason.
    """
    return played(POSTFIX, refuse)


def played(provider: Provider, refuse: Mapping[Any, str] | None) -> Persona:
    """The persona of a provider that refuses these."""
    chosen = _checked(provider, {} if refuse is None else refuse)
    shown = repr(chosen) if chosen else ""
    return Persona(f"{provider.name}({shown})", lambda: _rules(provider, chosen))


def _checked(provider: Provider, refuse: Mapping[Any, str]) -> dict[Any, str]:
    reasons = tuple(provider.refusals)
    if not isinstance(refuse, Mapping):
        raise TypeError(
            f"{provider.name}: refuse is a mapping of recipients to reasons, such as "
            f"{{'bob@example.org': {reasons[0]!r}}}, not {refuse!r}"
        )
    for recipient, reason in refuse.items():
        if not isinstance(reason, str):
            raise TypeError(
                f"{provider.name}: refuse has {reason!r} for {recipient!r}, and not one "
                f"of {', '.join(map(repr, reasons))}"
            )
        if reason not in reasons:
            unknown = unknown_name("reason", reason, reasons)
            raise ValueError(
                f"{provider.name}: refuse has {reason!r} for {recipient!r}: {unknown}"
            )
    return dict(refuse)


def _rules(provider: Provider, refuse: Mapping[Any, str]) -> list[Rule]:
    rules = [
        rule("CONNECT", where=would_be_accepted).call(_greet(provider)),
        *(
            rule(verb, where=would_be_accepted).call(_hello(provider))
            for verb in ("EHLO", "LHLO")
        ),
        rule("HELO", where=would_be_accepted).call(_helo(provider)),
        *(
            _refusing(recipient, provider.refusals[reason])
            for recipient, reason in refuse.items()
        ),
    ]
    too_big = provider.instead.get(
        standard.TOO_BIG.without_enhanced(), standard.TOO_BIG
    )
    rules += [
        rule("MAIL", where=_declares_more(provider)).call(lambda _: too_big),
        rule("MESSAGE", where=_is_larger(provider)).call(lambda _: provider.too_large),
    ]

    def has_own_words(event: Event) -> bool:
        return _own_words(provider, event) is not None

    def own_words(event: Event) -> Reply | None:
        return _own_words(provider, event)

    return rules + [
        rule(event, where=has_own_words).call(own_words)
        for event in ("*", "CREDENTIALS", "MESSAGE")
    ]


def _refusing(recipient: object, refusal: Refusal) -> Rule:
    """The rule that refuses a recipient: at once, or with the message."""
    code, lines, event = refusal

    def whose(event: Event) -> str:
        envelope = event.envelope
        if event.recipient is not None:  # LMTP: each has a reply of its own
            found = [event.recipient]
        elif event.name in ("MAIL", "RCPT"):
            found = [event.address]
        else:
            found = [] if envelope is None else envelope.rcpt_to
        return next((one for one in found if matches_address(recipient, one)), "")

    def is_meant(event: Event) -> bool:
        return would_be_accepted(event) and bool(whose(event))

    return rule(event, where=is_meant).call(saying(code, *lines, to=whose))


def _own_words(provider: Provider, event: Event) -> Reply | None:
    """What is said in place of the usual refusal; None for that one."""
    usual = event.proposed
    if usual is None or usual.code < 400:
        return None
    plain = usual.without_enhanced()
    if event.name == "MESSAGE" and plain == standard.TOO_BIG.without_enhanced():
        return provider.too_large
    if own := provider.instead.get(plain):
        return own
    if usual.enhanced is None or "ENHANCEDSTATUSCODES" in provider.keywords:
        return None
    return plain


def _name(provider: Provider, event: Event) -> str:
    assert event.proposed is not None
    return provider.host or event.proposed.lines[0].partition(" ")[0]


def _greet(provider: Provider) -> Callable[[Event], Reply]:
    def greeting(event: Event) -> Reply:
        date = format_datetime(event.session.connected_at)
        text = provider.greeting.format(date=date)
        return Reply(220, f"{_name(provider, event)} {text}")

    return greeting


def _helo(provider: Provider) -> Callable[[Event], Reply]:
    def helo(event: Event) -> Reply:
        text = provider.helo.format(client=client_of(event))
        return Reply(250, f"{_name(provider, event)} {text}".strip())

    return helo


def _hello(provider: Provider) -> Callable[[Event], Reply]:
    def hello(event: Event) -> Reply:
        assert event.proposed is not None
        ours = {
            line.partition(" ")[0].upper(): line for line in event.proposed.lines[1:]
        }
        if "SIZE" in ours:
            _, _, own = ours["SIZE"].partition(" ")
            smaller = min(int(own), provider.largest) if own else provider.largest
            ours["SIZE"] = f"SIZE {smaller}"
        known = {*KNOWN_EXTENSIONS, "STARTTLS", "AUTH"}
        text = provider.hello.format(client=client_of(event))
        return Reply(
            250,
            f"{_name(provider, event)} {text}".strip(),
            # What the test advertises itself comes before the real server's last word.
            *(line for keyword, line in ours.items() if keyword not in known),
            *(
                ours.get(word, word)
                for word in provider.keywords
                if word in ours or word in provider.always
            ),
        )

    return hello


def _declares_more(provider: Provider) -> Callable[[Event], bool]:
    def declares_more(event: Event) -> bool:
        size = event.address.parameters.get("SIZE")
        return (
            size is not None
            and size.isdecimal()
            and int(size) > provider.largest
            and would_be_accepted(event)
        )

    return declares_more


def _is_larger(provider: Provider) -> Callable[[Event], bool]:
    def is_larger(event: Event) -> bool:
        return len(event.message.content) > provider.largest and would_be_accepted(
            event
        )

    return is_larger
