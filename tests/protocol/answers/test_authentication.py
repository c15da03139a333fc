"""AUTH around its mechanisms (RFC 4954 §4), by the state and the settings alone."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pytest_smtpserver.protocol.answers.authentication import (
    challenge,
    last_word,
    propose_response,
    verdict,
)
from pytest_smtpserver.protocol.sasl.credentials import Credentials
from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.syntax.replies import Reply

from .sessions import asked, happened, session

USERS = {"tim": "tanstaaf"}


def encoded(text: bytes) -> str:
    return base64.b64encode(text).decode()


PLAIN = encoded(b"\0tim\0tanstaaf")


@pytest.mark.parametrize(
    ("line", "options", "reply"),
    [
        (f"AUTH PLAIN {PLAIN}", {}, "235 2.7.0"),
        (f"auth plain {PLAIN}", {}, "235 2.7.0"),
        (
            f"AUTH PLAIN {encoded(chr(0).encode() + b'tim' + bytes(1) + b'x')}",
            {},
            "535",
        ),
        ("AUTH PLAIN", {}, "334 "),
        ("AUTH LOGIN", {}, "334 VXNlcm5hbWU6"),
        ("AUTH PLAIN =", {}, "501 5.5.2"),
        ("AUTH PLAIN !", {}, "501 5.5.2"),
        ("AUTH", {}, "501 5.5.4"),
        ("AUTH PLAIN a b", {}, "501 5.5.4"),
        ("AUTH CRAM-MD5", {}, "504 5.5.4"),
        ("AUTH \u017f", {}, "504 5.5.4"),
        ("AUTH PLAIN", {"tls": "starttls"}, "538 5.7.11"),
    ],
)
def test_the_reply_to_auth(line: str, options: dict[str, Any], reply: str) -> None:
    """RFC 4954 §4 and §6."""
    where = session(auth=True, users=USERS, **options)
    assert str(asked(where, line).reply).startswith(reply)


def test_auth_after_auth() -> None:
    """RFC 4954 §4: 503."""
    where = session(auth=True, users=USERS)
    where.security.log_in("tim")
    assert asked(where, f"AUTH PLAIN {PLAIN}").reply.code == 503


@pytest.mark.parametrize(
    ("options", "code"), [({"tls": "starttls"}, 538), ({"auth_mechanisms": ()}, 504)]
)
def test_what_a_refused_client_has_given_away(
    options: dict[str, Any], code: int
) -> None:
    """A password in clear text is on record, also where nobody looks at it."""
    found = asked(session(auth=True, **options), f"AUTH PLAIN {PLAIN}")
    assert found.reply.code == code
    assert found.credentials is not None
    assert (found.credentials.username, found.credentials.password) == (
        "tim",
        "tanstaaf",
    )
    assert not found.complete
    assert asked(session(auth=True, **options), "AUTH PLAIN x").credentials is None


def test_line_by_line() -> None:
    """RFC 4954 §4: challenge, response, challenge, response, verdict."""
    where = session(auth=True, users=USERS)
    where.security.begin(asked(where, "AUTH LOGIN").exchange)
    found = propose_response(where, encoded(b"tim").encode() + b"\r\n")
    assert (found.reply, found.complete) == (challenge(b"Password:"), False)
    found = propose_response(where, encoded(b"tanstaaf").encode() + b"\r\n")
    assert (found.reply.code, found.complete) == (235, True)
    assert found.credentials is not None
    assert found.credentials.username == "tim"


@pytest.mark.parametrize(
    ("line", "reply"), [(b"*\r\n", "501 5.7.0"), (b"%\r\n", "501 5.5.2")]
)
def test_a_response_that_is_none(line: bytes, reply: str) -> None:
    """RFC 4954 §4: a lone star cancels; what is not base64 is refused."""
    where = session(auth=True, users=USERS)
    where.security.begin(asked(where, "AUTH PLAIN").exchange)
    found = propose_response(where, line)
    assert str(found.reply).startswith(reply)
    assert (found.exchange, found.credentials) == (None, None)


def test_an_equals_sign_is_no_response() -> None:
    """RFC 4954 §4: "=" stands for nothing in an initial response alone."""
    where = session(auth=True, users={"tim": ""})
    where.security.begin(asked(where, "AUTH LOGIN").exchange)
    propose_response(where, encoded(b"tim").encode() + b"\r\n")
    found = propose_response(where, b"=\r\n")
    assert str(found.reply).startswith("501 5.5.2")
    assert (found.exchange, found.credentials) == (None, None)


def test_a_response_to_nobodys_challenge() -> None:
    """A rule's 334 began an exchange of which the server knows nothing."""
    assert propose_response(session(auth=True), b"eA==\r\n").reply.code == 535


@pytest.mark.parametrize(
    ("credentials", "users", "code"),
    [
        (Credentials("PLAIN", "tim", password="tanstaaf"), USERS, 235),
        (Credentials("PLAIN", "tim", password="wrong"), USERS, 535),
        (Credentials("PLAIN", "tom", password="tanstaaf"), USERS, 535),
        (Credentials("PLAIN", "tim", password=""), {"tim": ""}, 535),
        (Credentials("PLAIN", "tim", password="tanstaaf"), None, 535),
        (Credentials("ANONYMOUS", None), {}, 235),
        (Credentials("EXTERNAL", "ada", external_identity="ada"), None, 235),
        (Credentials("EXTERNAL", "ada", external_identity="ada"), USERS, 535),
        (Credentials("EXTERNAL", "tim", external_identity="ada"), USERS, 235),
        (Credentials("EXTERNAL", "tim"), USERS, 535),
    ],
)
def test_verdicts(
    credentials: Credentials, users: dict[str, str] | None, code: int
) -> None:
    """RFC 4954 §6: 235 or 535. An empty password is none (RFC 4616 §2)."""
    assert verdict(Settings(auth=True, users=users), credentials).code == code


def test_a_token_knows_its_user() -> None:
    """RFC 7628 §3.1: the name may be left to the token."""
    credentials = Credentials("OAUTHBEARER", None, access_token="secret")
    settings = Settings(auth=True, users={"ada": "other", "tim": "secret"})
    assert verdict(settings, credentials).code == 235
    assert credentials.username == "tim"
    unknown = Credentials("OAUTHBEARER", None, access_token="nobody's")
    assert verdict(settings, unknown).code == 535
    assert unknown.username is None


def test_what_a_mechanism_says_before_the_verdict() -> None:
    """RFC 7628 §3.2.2: the error in a 334; nothing where the connection ends."""
    where = session(auth=True, users=USERS, auth_mechanisms=("OAUTHBEARER",))
    line = f"AUTH OAUTHBEARER {encoded(b'n,,' + bytes([1]) + b'auth=Bearer x' + bytes([1, 1]))}"
    event = happened(line, asked(where, line), "CREDENTIALS")
    said = last_word(event, Reply(535, "5.7.8 No"))
    assert said == challenge(b'{"status":"invalid_token"}')
    assert last_word(event, Reply(421, "4.3.0 Bye")) is None
    assert last_word(event, Reply(235, "2.7.0 Ok")) is None
    event.explain({"status": "401"})
    assert last_word(event, Reply(535, "5.7.8 No")) == challenge(b'{"status":"401"}')
    assert last_word(happened("NOOP"), Reply(535, "no")) is None


def test_an_empty_challenge_has_its_space() -> None:
    """RFC 4954 §4: the text may be empty."""
    assert challenge(b"").wire == b"334 \r\n"
