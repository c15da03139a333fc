"""AUTH: the exchange around a SASL mechanism (RFC 4954 §4)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.sasl.credentials import (
    decode_response,
    encode_challenge,
)
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.sasl.saslprep import saslprep
from pytest_smtpserver.protocol.state.events import Event, Proposal
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Refused, Reply

from .ehlo import auth_needs_tls, mechanisms_on_offer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_smtpserver.protocol.sasl.credentials import Credentials
    from pytest_smtpserver.protocol.state.session_state import SessionState
    from pytest_smtpserver.protocol.state.settings import Settings
    from pytest_smtpserver.protocol.syntax.commands import Command


def propose_auth(session: SessionState, command: Command) -> Proposal:
    """A challenge, the verdict on an initial response, or a refusal."""
    mechanism, initial = command.words
    refusal = _refusal(session, mechanism, initial)
    if refusal is None:
        try:
            return _answer(session, *_begin(session, mechanism.upper(), initial))
        except Refused as refused:
            refusal = refused.reply
    return Proposal(refusal, credentials=_shown(session, mechanism.upper(), initial))


def propose_response(session: SessionState, line: bytes) -> Proposal:
    """The answer to a line that the client sent after a challenge."""
    text = line.rstrip(b"\r\n")
    exchange = session.security.exchange
    if text == b"*":
        return Proposal(standard.AUTH_CANCELLED)  # RFC 4954 §4
    if exchange is None:  # a rule's 334 began an exchange of its own
        return Proposal(standard.AUTH_FAILED)
    try:
        step = exchange.respond(decode_response(text))
    except Refused as refused:
        return Proposal(refused.reply)
    return _answer(session, exchange, step)


def verdict(settings: Settings, credentials: Credentials) -> Reply:
    """What `users` says to the credentials: 235 or 535 (RFC 4954 §6)."""
    accepted = _accepts(settings, credentials)
    return standard.AUTH_OK if accepted else standard.AUTH_FAILED


def _accepts(settings: Settings, credentials: Credentials) -> bool:
    users = settings.users
    if not MECHANISMS[credentials.mechanism].has_secret:
        # Nothing to check: who came is known (EXTERNAL) or does not matter (ANONYMOUS).
        return credentials.mechanism == "ANONYMOUS" or (
            credentials.external_identity is not None
            and (settings.any_user or users is None or credentials.username in users)
        )
    if settings.any_user or users is None:
        return settings.any_user
    if credentials.username is None:
        # OAUTHBEARER may leave the name to the token.
        for name, secret in users.items():
            if credentials.check_password(secret):
                credentials.identify(name)
                return True
        return False
    return credentials.check_password(
        _secret(users, credentials.mechanism, credentials.username)
    )


def _secret(users: Mapping[str, str], mechanism: str, username: str) -> str:
    """The user's password; ``""``, which is never right, for nobody we know."""
    if mechanism == "SCRAM-SHA-256" and username not in users:
        # RFC 5802 §2.2: both sides prepare the name before they compare it.
        for name, secret in users.items():
            with suppress(ValueError):
                if saslprep(name) == username:
                    return secret
    return users.get(username, "")


def challenge(data: bytes) -> Reply:
    """A 334 with the challenge in base64; empty is ``334`` and a space."""
    return Reply(334, encode_challenge(data).decode("ascii"))


def last_word(event: Event, reply: Reply) -> Reply | None:
    """What a mechanism has to say before the verdict, as one more challenge.

    SCRAM's server-final-message with a 235, the error of the OAuth mechanisms with a
    refusal (RFC 7628 §3.2.2): an SMTP reply has no room for them (RFC 4954 §4).
    """
    credentials = event.credentials
    if credentials is None or reply.code == 421:
        return None
    data = (
        credentials.success_data()
        if reply.is_positive
        else credentials.failure_data(event.data or None)
    )
    return None if data is None else challenge(data)


def _refusal(session: SessionState, mechanism: str, initial: str) -> Reply | None:
    """Why AUTH is refused, whoever the client is."""
    if session.security.authenticated:
        return standard.AUTH_TWICE
    if auth_needs_tls(session):
        return standard.AUTH_NEEDS_TLS
    if not mechanism or " " in initial:
        return standard.syntax_error("AUTH mechanism [initial-response]")
    if not mechanism.isascii() or (
        mechanism.upper() not in mechanisms_on_offer(session)
    ):
        return standard.AUTH_UNKNOWN
    return None


def _begin(
    session: SessionState, mechanism: str, initial: str
) -> tuple[Exchange, bytes | Credentials]:
    """Begin an exchange, with the initial response where there is one.

    Raises:
        Refused: the response is none, or the mechanism refuses it.
    """
    context = session.security.sasl_context(session.settings.hostname)
    exchange = Exchange(MECHANISMS[mechanism], context)
    response = (
        decode_response(initial.encode("utf-8", "surrogateescape"), initial=True)
        if initial
        else None
    )
    return exchange, exchange.start(response)


def _answer(
    session: SessionState, exchange: Exchange, step: bytes | Credentials
) -> Proposal:
    if isinstance(step, bytes):
        return Proposal(challenge(step), exchange=exchange)
    reply = verdict(session.settings, step)
    return Proposal(reply, exchange=exchange, credentials=step, complete=True)


def _shown(session: SessionState, mechanism: str, initial: str) -> Credentials | None:
    """What a client has given away, although AUTH is refused at once."""
    if mechanism not in MECHANISMS:
        return None
    try:
        _, step = _begin(session, mechanism, initial)
    except Refused:
        return None
    return None if isinstance(step, bytes) else step
