"""What the session would answer to each command: one function for each verb.

A proposal looks and decides, and hands on what it found out, for the effect that the
reply may have; it never moves the session.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.state.events import Proposal
from pytest_smtpserver.protocol.state.states import TABLE, what_is_missing
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.addresses import (
    common_recipient,
    common_sender,
    parse_mail_argument,
    parse_rcpt_argument,
)
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.protocol.syntax.grammar import parse_client_name
from pytest_smtpserver.protocol.syntax.parameters import (
    check_mail_parameters,
    check_rcpt_parameters,
)
from pytest_smtpserver.protocol.syntax.replies import Refused, Reply

from .ehlo import ehlo_reply, starttls_on_offer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.protocol.state.session_state import SessionState
    from pytest_smtpserver.protocol.syntax import postfix
    from pytest_smtpserver.protocol.syntax.commands import Command

    from . import authentication
else:
    authentication = Later("pytest_smtpserver.protocol.answers.authentication")
    postfix = Later("pytest_smtpserver.protocol.syntax.postfix")

#: RFC 3207 §4: what may come before TLS where TLS is a must.
_BEFORE_TLS = frozenset({"EHLO", "LHLO", "NOOP", "STARTTLS", "QUIT"})
#: RFC 4954 §6, and the commands that lead to AUTH.
_BEFORE_AUTH = frozenset(
    {"AUTH", "EHLO", "HELO", "LHLO", "NOOP", "RSET", "QUIT", "STARTTLS", "XCLIENT"}
)
# These are rare: `re` compiles them when it is first asked.
#: RFC 3030 §2: decimal octets, and LAST for the last chunk.
_BDAT = r"([0-9]{1,20})(?:[ \t]+([Ll][Aa][Ss][Tt]))?"
_HTTP = rb"\S+ (?:\S+ )?HTTP/[0-9]\.[0-9]\s*"


def propose(session: SessionState, command: Command) -> Proposal | Reply:
    """The reply that the command deserves now, with what was found out about it."""
    verb = command.verb
    settings, security = session.settings, session.security
    answer: Proposal | Reply
    if verb in session.disabled_commands or verb not in settings.verbs:
        answer = _unrecognized(session, command)
    elif settings.require_tls and security.tls is None and verb not in _BEFORE_TLS:
        answer = standard.NEED_TLS
    elif (
        settings.auth_required
        and not security.authenticated
        and verb not in _BEFORE_AUTH
    ):
        answer = standard.NEED_AUTH
    elif session.state not in TABLE[verb].allowed:
        answer = standard.out_of_order(what_is_missing(verb, session.state))
    else:
        try:
            answer = _PROPOSALS[verb](session, command)
        except Refused as refused:
            answer = refused.reply
    limit = settings.max_unauthenticated_commands
    if limit is not None and _is_overdue(session, command, limit):
        answer = standard.TOO_MANY_UNAUTHENTICATED
    return answer


def _is_overdue(session: SessionState, command: Command, limit: int) -> bool:
    """The client should have logged in by now."""
    if not session.settings.auth or session.security.authenticated:
        return False
    late = session.count_unauthenticated() >= limit
    return late and command.verb not in ("AUTH", "QUIT")


def _unrecognized(session: SessionState, command: Command) -> Reply:
    if re.fullmatch(_HTTP, command.line):
        return standard.NO_HTTP
    limit = session.settings.max_unrecognized_commands
    if session.count_unrecognized() >= (math.inf if limit is None else limit):
        return standard.TOO_MANY_UNRECOGNIZED
    return standard.UNRECOGNIZED if command.strip() else standard.EMPTY_LINE


def _ehlo(session: SessionState, command: Command) -> Reply:
    # §4.1.1.1 asks for a domain or an address literal. Many a client sends something
    # else, and §4.1.4 forbids to refuse it for that.
    parse_client_name(command.raw_argument, lenient=session.settings.lenient_addresses)
    return (
        session.settings.helo_reply if command.verb == "HELO" else ehlo_reply(session)
    )


def _mail(session: SessionState, command: Command) -> Proposal | Reply:
    settings = session.settings
    if settings.max_messages is not None and (
        session.transaction_count >= settings.max_messages
    ):
        return standard.TOO_MANY_MESSAGES
    address = None if settings.lenient else common_sender(command)
    if address is None:
        address = parse_mail_argument(
            command.raw_argument,
            lenient=settings.lenient_addresses,
            lenient_parameters=settings.lenient_parameters,
        )
    command.name(address)
    values = check_mail_parameters(address, settings.parameter_rules)
    if values.require_tls and session.security.tls is None:
        return Reply(530, "5.7.10 REQUIRETLS needs TLS (RFC 8689 section 3)")
    limit = settings.max_message_size
    if (
        limit is not None
        and settings.enforce_message_size
        and values.declared_size is not None
        and values.declared_size > limit
    ):
        return standard.TOO_BIG  # RFC 1870 §6.1
    return Proposal(standard.SENDER_OK, envelope=Envelope(address, values))


def _rcpt(session: SessionState, command: Command) -> Reply:
    settings = session.settings
    address = None if settings.lenient else common_recipient(command)
    if address is None:
        address = parse_rcpt_argument(
            command.raw_argument,
            lenient=settings.lenient_addresses,
            lenient_parameters=settings.lenient_parameters,
        )
    command.name(address)
    envelope = session.envelope
    check_rcpt_parameters(
        address,
        settings.parameter_rules,
        smtputf8=envelope is not None and envelope.smtputf8,
    )
    if (
        settings.max_recipients is not None
        and envelope is not None
        and len(envelope.rcpt_to) >= settings.max_recipients
    ):
        return standard.TOO_MANY_RECIPIENTS  # RFC 5321 §4.5.3.1.10
    return standard.RECIPIENT_OK


def _data(session: SessionState, command: Command) -> Reply:
    _no_argument(session, command)
    if session.envelope is not None and session.envelope.body == "BINARYMIME":
        # RFC 3030 §3: BINARYMIME cannot be used with DATA.
        return standard.out_of_order("BINARYMIME needs BDAT")
    return standard.START_DATA


def chunks_exist(session: SessionState) -> bool:
    """BDAT is known here, so that the octets behind it are a chunk."""
    return (
        "CHUNKING" in session.settings.extensions
        and "BDAT" not in session.disabled_commands
    )


def bdat_size(command: Command) -> tuple[int, bool] | None:
    """Octets of the chunk and whether it is the last; None where BDAT is malformed."""
    match = re.fullmatch(_BDAT, command.argument.strip())
    return None if match is None else (int(match[1]), match[2] is not None)


def _bdat(session: SessionState, command: Command) -> Reply:
    size = bdat_size(command)
    if size is None:
        raise Refused(standard.syntax_error("BDAT octets [LAST]"))
    settings = session.settings
    if (
        settings.max_message_size is not None
        and settings.enforce_message_size
        and session.sink.length + size[0] > settings.max_message_size
    ):
        return standard.TOO_BIG
    return Reply(250, f"2.0.0 {size[0]} octets received")


def _fixed(
    reply: Reply, argument: str = "any"
) -> Callable[[SessionState, Command], Reply]:
    """The answer to a command that has but one.

    Args:
        reply: the answer.
        argument: ``"none"`` and ``"any"`` say what is allowed; anything else is the
            syntax of a command that needs one.
    """

    def answer(session: SessionState, command: Command) -> Reply:
        if argument == "none":
            _no_argument(session, command)
        elif argument != "any" and not command.argument:
            raise Refused(standard.syntax_error(argument))
        return reply

    return answer


def _vrfy(session: SessionState, command: Command) -> Reply:  # noqa: ARG001
    argument = command.argument
    if not argument:
        raise Refused(standard.syntax_error("VRFY user"))
    # Postfix and Exim read that much of it: a mailbox without a domain, an empty path.
    if argument == "<>" or argument.removesuffix(">").endswith("@"):
        raise Refused(standard.NO_USER_NAME)
    return standard.CANNOT_VERIFY  # §3.5.3


def _starttls(session: SessionState, command: Command) -> Reply:
    _no_argument(session, command)  # RFC 3207 §4
    if session.security.tls is not None:
        return standard.TLS_ACTIVE
    return (
        standard.START_TLS if starttls_on_offer(session) else standard.TLS_UNAVAILABLE
    )


def _xclient(session: SessionState, command: Command) -> Proposal:
    attributes = postfix.parse_xclient(command.argument)
    # XCLIENT_README: the session begins anew.
    return Proposal(session.settings.greeting, attributes=attributes)


def _xforward(session: SessionState, command: Command) -> Proposal:  # noqa: ARG001
    return Proposal(standard.OK, attributes=postfix.parse_xforward(command.argument))


def _auth(session: SessionState, command: Command) -> Proposal:
    return authentication.propose_auth(session, command)


def _no_argument(session: SessionState, command: Command) -> None:
    # Postfix ignores what follows QUIT.
    tolerant = session.settings.lenient_parameters and command.verb == "QUIT"
    if command.argument and not tolerant:
        raise Refused(standard.NO_ARGUMENT_ALLOWED)  # §4.1.1: 501


#: By verb: the reply alone where nothing else was found out.
_PROPOSALS: Mapping[str, Callable[[SessionState, Command], Proposal | Reply]] = {
    "EHLO": _ehlo,
    "HELO": _ehlo,
    "LHLO": _ehlo,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": _data,
    "BDAT": _bdat,
    "RSET": _fixed(standard.OK, "none"),
    "NOOP": _fixed(standard.OK),  # §4.1.1.9: an argument is ignored
    "QUIT": _fixed(standard.BYE, "none"),
    "VRFY": _vrfy,
    "EXPN": _fixed(standard.NO_EXPN),
    "HELP": _fixed(standard.HELP),
    "ETRN": _fixed(standard.TURN_QUEUED, "ETRN node"),  # RFC 1985 §5.3
    "STARTTLS": _starttls,
    "AUTH": _auth,
    "XCLIENT": _xclient,
    "XFORWARD": _xforward,
}
