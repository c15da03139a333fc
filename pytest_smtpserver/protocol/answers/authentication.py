"""AUTH: the exchange around a SASL mechanism (RFC 4954 §4)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.sasl.mechanisms import (
    MECHANISMS,
    Exchange,
    decode_response,
    encode_challenge,
)
from pytest_smtpserver.protocol.sasl.saslprep import saslprep
from pytest_smtpserver.protocol.state.pending import Pending
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.errors import Refused
from pytest_smtpserver.protocol.syntax.replies import Reply

from .ehlo import auth_needs_tls, mechanisms_on_offer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_smtpserver.protocol.engine import SmtpEngine
    from pytest_smtpserver.protocol.sasl.credentials import Credentials
    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.state.settings import Settings
    from pytest_smtpserver.protocol.syntax.commands import Command


def propose_auth(engine: SmtpEngine, command: Command) -> Reply:
    """A challenge, the verdict on an initial response, or a refusal."""
    engine.pending = Pending()
    mechanism, _, initial = command.argument.partition(" ")
    initial = initial.strip()
    _look_into(engine, mechanism.upper(), initial)
    if engine.authenticated:
        return standard.AUTH_TWICE
    if auth_needs_tls(engine):
        return standard.AUTH_NEEDS_TLS
    if not mechanism or " " in initial:
        return standard.syntax_error("AUTH mechanism [initial-response]")
    if not mechanism.isascii() or (
        mechanism.upper() not in mechanisms_on_offer(engine)
    ):
        return standard.AUTH_UNKNOWN
    exchange = Exchange(MECHANISMS[mechanism.upper()], engine.sasl_context())
    response = (
        decode_response(initial.encode("utf-8", "surrogateescape"), initial=True)
        if initial
        else None
    )
    step = exchange.start(response)
    engine.pending.exchange = exchange
    return _answer(engine, step)


def propose_response(engine: SmtpEngine, line: bytes) -> Reply:
    """The answer to a line that the client sent after a challenge."""
    engine.pending = Pending()
    text = line.rstrip(b"\r\n")
    exchange, engine.exchange = engine.exchange, None  # over, unless it goes on
    if text == b"*":
        return standard.AUTH_CANCELLED  # RFC 4954 §4
    if exchange is None:
        return standard.AUTH_FAILED  # a rule's 334 began an exchange of its own
    try:
        step = exchange.respond(decode_response(text))
    except Refused as refused:
        return refused.reply
    engine.pending.exchange = exchange
    return _answer(engine, step)


def verdict(settings: Settings, credentials: Credentials) -> Reply:
    """What `users` says to the credentials: 235 or 535 (RFC 4954 §6)."""
    users = settings.users
    mechanism = MECHANISMS[credentials.mechanism]
    if not mechanism.has_secret:
        # Nothing to check: who came is known (EXTERNAL) or does not matter (ANONYMOUS).
        known = credentials.mechanism == "ANONYMOUS" or (
            credentials.external_identity is not None
            and (users is None or credentials.username in users)
        )
        return standard.AUTH_OK if known else standard.AUTH_FAILED
    if users is None:
        return standard.AUTH_FAILED
    if credentials.username is None:
        # OAUTHBEARER may leave the name to the token.
        for name, secret in users.items():
            if credentials.check_password(secret):
                credentials.username = name
                return standard.AUTH_OK
        return standard.AUTH_FAILED
    secret = _secret(users, credentials.mechanism, credentials.username)
    return (
        standard.AUTH_OK if credentials.check_password(secret) else standard.AUTH_FAILED
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


def _answer(engine: SmtpEngine, step: bytes | Credentials) -> Reply:
    if isinstance(step, bytes):
        return challenge(step)
    engine.pending.credentials = step
    return verdict(engine.settings, step)


def _look_into(engine: SmtpEngine, mechanism: str, initial: str) -> None:
    """Know what a client has given away, also where AUTH is refused at once."""
    found = MECHANISMS.get(mechanism)
    if found is None or not initial or not found.initial_response_allowed:
        return
    try:
        exchange = Exchange(found, engine.sasl_context())
        step = exchange.start(
            decode_response(initial.encode("utf-8", "surrogateescape"), initial=True)
        )
    except Refused:
        return
    if not isinstance(step, bytes):
        engine.pending.shown = step
