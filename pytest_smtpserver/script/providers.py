"""Personas of the servers that most mail goes through.

Each says what the real one says: its greeting, its list of EHLO keywords, its words for
what is refused anyway (no TLS, no login, a message that is too large), and its refusals
of the recipients that the test chooses.

EHLO keywords are those of the real server that exist on this one too: STARTTLS is in
the list with ``tls="starttls"``, AUTH with ``users=``, with the mechanisms of this
server. What else exists goes on working, and is not in the list.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol import standard
from pytest_smtpserver.protocol.replies import Reply

from .personas import Persona, rule, saying
from .provider_texts import AMAZON_SES, GMAIL, MICROSOFT365, POSTFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .event import Event
    from .provider_texts import Provider
    from .rules import Rule


def gmail(refuse: Mapping[str, str] | None = None) -> Persona:
    """Answer as Gmail does, at ``smtp.gmail.com``.

    Sources: Google's page "Gmail SMTP errors and codes"
    (https://support.google.com/a/answer/3726730) for the refusals; greeting and EHLO
    lines as clients' logs show them, such as smtplib's and swaks's.

    Args:
        refuse: recipients to refuse, and why: ``"no such user"`` (550 5.1.1),
            ``"over quota"`` (452 4.2.2), ``"too quickly"`` (450 4.2.1), ``"disabled"``
            (550 5.2.1), ``"try again later"`` (421 4.7.0), ``"unsolicited"`` (550 5.7.1
            after the content).

    Raises:
        ValueError: there is no such reason.
    """
    return _persona(GMAIL, refuse or {})


def microsoft365(refuse: Mapping[str, str] | None = None) -> Persona:
    """Answer as Microsoft 365 does, at ``smtp.office365.com``.

    Sources: Microsoft's page "Email non-delivery reports and SMTP errors in Exchange
    Online" (https://learn.microsoft.com/exchange/mail-flow-best-practices/
    non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online) for
    the refusals; greeting and EHLO lines as clients' logs show them.

    Args:
        refuse: recipients to refuse, and why: ``"no such user"`` (550 5.1.10),
            ``"access denied"`` (550 5.4.1), ``"server busy"`` (451 4.7.500),
            ``"banned"`` (550 5.7.606); after the content ``"mailbox full"`` (554
            5.2.2), ``"thread limit"`` (432 4.3.2), ``"send as denied"`` (554 5.2.252).

    Raises:
        ValueError: there is no such reason.
    """
    return _persona(MICROSOFT365, refuse or {})


def amazon_ses(refuse: Mapping[str, str] | None = None) -> Persona:
    """Answer as Amazon SES does, without enhanced status codes.

    Sources: AWS's pages "SMTP response codes returned by Amazon SES"
    (https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-smtp.html) for the refusals,
    and "Testing your connection to the Amazon SES SMTP interface" for the greeting;
    EHLO lines as the logs of clients show them.

    Args:
        refuse: recipients to refuse after the content, and why: ``"not verified"``
            (554), ``"sending rate"`` and ``"daily quota"`` (454), ``"temporary
            failure"`` (451), ``"too many connections"`` (421).

    Raises:
        ValueError: there is no such reason.
    """
    return _persona(AMAZON_SES, refuse or {})


def postfix(refuse: Mapping[str, str] | None = None) -> Persona:
    """Answer as Postfix does, as it is installed.

    Source: Postfix itself, version 3: its smtpd (the texts of ``smtpd.c`` and
    ``smtpd_check.c``), and postconf(5) for the default of ``message_size_limit``.

    Args:
        refuse: recipients to refuse, and why: ``"no such user"`` (550 5.1.1), ``"relay
            denied"`` (454 4.7.1), ``"access denied"`` (554 5.7.1), ``"try again
            later"`` (450 4.2.0), ``"disk full"`` (452 4.3.1 after the content).

    Raises:
        ValueError: there is no such reason.
    """
    return _persona(POSTFIX, refuse or {})


def _persona(provider: Provider, refuse: Mapping[str, str]) -> Persona:
    for recipient, reason in refuse.items():
        if reason not in provider.refusals:
            raise ValueError(
                f"{provider.name} refuses a recipient for one of "
                f"{', '.join(map(repr, provider.refusals))}: {reason!r}, for "
                f"{recipient!r}, is none of them"
            )
    shown = repr(dict(refuse)) if refuse else ""
    return Persona(f"{provider.name}({shown})", lambda: _rules(provider, refuse))


def _rules(provider: Provider, refuse: Mapping[str, str]) -> list[Rule]:
    rules = [
        rule("CONNECT", where=_is_positive).call(_greet(provider)),
        rule("EHLO", where=_is_positive).call(_hello(provider)),
    ]
    for recipient, reason in refuse.items():
        code, lines, event = provider.refusals[reason]
        chosen = (
            rule(event, recipient)
            if event == "RCPT"
            else rule(event, rcpt_to=recipient)
        )
        rules.append(chosen.call(saying(code, *lines)))
    too_big = provider.instead[standard.TOO_BIG]
    rules.append(rule("MAIL", where=_declares_more(provider)).call(lambda _: too_big))
    rules.append(rule("MESSAGE", where=_is_larger(provider)).call(lambda _: too_big))

    def has_own_words(event: Event) -> bool:
        return event.proposed in provider.instead

    def own_words(event: Event) -> Reply | None:
        assert event.proposed is not None
        return provider.instead.get(event.proposed)

    return rules + [
        rule(event, where=has_own_words).call(own_words)
        for event in ("*", "CREDENTIALS", "MESSAGE")
    ]


def _is_positive(event: Event) -> bool:
    return event.proposed is not None and event.proposed.is_positive


def _greet(provider: Provider) -> Callable[[Event], Reply]:
    def reply(event: Event) -> Reply:
        date = format_datetime(event.session.connected_at)
        return Reply(220, f"{provider.host} {provider.greeting.format(date=date)}")

    return reply


def _hello(provider: Provider) -> Callable[[Event], Reply]:
    def reply(event: Event) -> Reply:
        assert event.proposed is not None
        ours = {line.partition(" ")[0]: line for line in event.proposed.lines[1:]}
        ours["SIZE"] = f"SIZE {provider.largest}"
        ours |= {word: word for word in provider.always}
        client = event.session.remote_address[0]
        first = f"{provider.host} {provider.hello.format(client=client)}".strip()
        return Reply(
            250, first, *(ours[word] for word in provider.keywords if word in ours)
        )

    return reply


def _declares_more(provider: Provider) -> Callable[[Event], bool]:
    def check(event: Event) -> bool:
        address = None if event.command is None else event.command.address
        size = None if address is None else address.parameters.get("SIZE")
        return size is not None and size.isdecimal() and int(size) > provider.largest

    return check


def _is_larger(provider: Provider) -> Callable[[Event], bool]:
    def check(event: Event) -> bool:
        message = event.message
        return message is not None and len(message.content) > provider.largest

    return check
