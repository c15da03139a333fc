"""Handlers at CREDENTIALS: they see what the client has shown, and decide."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import SMTPServer
from tests.server.wire import Wire

if TYPE_CHECKING:
    from pytest_smtpserver.script.event import Event


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def unb64(reply: str) -> bytes:
    code, _, text = reply.partition(" ")
    assert code == "334"
    return base64.b64decode(text)


def authenticate(wire: Wire, mechanism: str, initial: bytes) -> str:
    """AUTH with an initial response; the reply."""
    wire.hello()
    return wire.say(f"AUTH {mechanism} {b64(initial)}")


def test_a_handler_accepts_with_any_object() -> None:
    """`event.accept(user)`: 235, and session.user is that object."""
    user = {"id": 7, "name": "Ada"}

    def let_in(event: Event) -> None:
        auth = event.auth
        assert auth is not None
        shown = (auth.mechanism, auth.username, auth.password, auth.authzid)
        assert shown == ("PLAIN", "ada", "lovelace", "root")
        event.accept(user)

    with SMTPServer(users={}, handlers={"CREDENTIALS": let_in}) as server:
        with Wire(server) as wire:
            reply = authenticate(wire, "plain", b"root\0ada\0lovelace")
            assert reply.startswith("235 2.7.0 ")
            assert wire.deliver().startswith("250 ")
        session = server.messages[0].session
        assert session.user is user
        assert [(a.username, a.succeeded) for a in session.auth_attempts] == [
            ("ada", True)
        ]
        assert server.errors == []


@pytest.mark.parametrize("user", [None, 0, "", ()])
def test_a_falsy_user_is_a_refusal(user: object) -> None:
    """RFC 4954 section 6: 535 5.7.8; mail goes on without a user."""
    handlers = {"CREDENTIALS": lambda event: event.accept(user)}
    with SMTPServer(users={"ada": "lovelace"}, handlers=handlers) as server:
        with Wire(server) as wire:
            reply = authenticate(wire, "PLAIN", b"\0ada\0lovelace")
            assert reply.startswith("535 5.7.8 ")
            assert wire.deliver().startswith("250 ")
        assert server.messages[0].session.user is None


def test_a_handler_refuses_with_its_own_words() -> None:
    """`event.refuse(code, text)`: that reply, whatever `users` says."""
    with SMTPServer(users={"ada": "lovelace"}) as server, Wire(server) as wire:
        server.on("CREDENTIALS", "ada").call(
            lambda event: event.refuse(454, "4.7.0 Try again later")
        ).once()
        assert authenticate(wire, "PLAIN", b"\0ada\0lovelace") == (
            "454 4.7.0 Try again later"
        )
        assert (
            wire.say(f"AUTH PLAIN {b64(bytes(1) + b'ada' + bytes(1) + b'lovelace')}")[
                :3
            ]
            == "235"
        )


@pytest.mark.parametrize(
    ("mechanism", "initial"),
    [
        ("XOAUTH2", b"user=ada@example.org\x01auth=Bearer t0ken\x01\x01"),
        (
            "OAUTHBEARER",
            b"n,a=ada@example.org,\x01host=localhost\x01auth=Bearer t0ken\x01\x01",
        ),
    ],
)
def test_a_refused_token_has_its_json_first(mechanism: str, initial: bytes) -> None:
    """RFC 7628 section 3.2.2: the error as a challenge, a dummy line, then 535."""
    data = {"status": "invalid_token", "scope": "mail"}

    async def refuse(event: Event) -> None:
        assert event.auth.access_token == "t0ken"
        assert event.auth.username == "ada@example.org"
        event.refuse(535, "5.7.8 Token expired", data=data)

    with SMTPServer(users={}, auth_mechanisms=[mechanism]) as server:
        with Wire(server) as wire:
            server.on("CREDENTIALS").call(refuse)
            assert json.loads(unb64(authenticate(wire, mechanism, initial))) == data
            assert wire.say("AQ==") == "535 5.7.8 Token expired"
            assert wire.deliver().startswith("250 ")
        assert server.sessions[0].auth_attempts[0].password == "t0ken"
        assert server.sessions[0].user is None


def test_check_password_with_cram_md5() -> None:
    """RFC 2195 section 2: the digest is HMAC-MD5 of the challenge."""

    def check(event: Event) -> None:
        right = event.auth.check_password("tanstaaftanstaaf")
        wrong = event.auth.check_password("tanstaaf")
        event.accept("tim" if right and not wrong else None)

    with SMTPServer(users={}, auth_mechanisms=["CRAM-MD5"]) as server:
        server.on("CREDENTIALS", "tim").call(check)
        with Wire(server) as wire:
            wire.hello()
            challenge = unb64(wire.say("AUTH CRAM-MD5"))
            digest = hmac.new(b"tanstaaftanstaaf", challenge, "md5").hexdigest()
            assert wire.say(b64(f"tim {digest}".encode())).startswith("235 ")
        assert server.sessions[0].user == "tim"


@pytest.mark.parametrize(("password", "code"), [("pencil", "235"), ("pen", "535")])
def test_check_password_with_scram(password: str, code: str) -> None:
    """RFC 5802 section 3: the proof is checked in the handler, which never sees it."""

    def check(event: Event) -> None:
        assert event.auth.password is None
        event.accept(event.auth.check_password("pencil") and event.auth.username)

    with SMTPServer(users={}, auth_mechanisms=["SCRAM-SHA-256"]) as server:
        server.on("CREDENTIALS").call(check)
        with Wire(server) as wire:
            bare = "n=user,r=rOprNGfwEbeRWgbNEkqO"
            first = unb64(authenticate(wire, "SCRAM-SHA-256", f"n,,{bare}".encode()))
            fields = dict(part.split("=", 1) for part in first.decode().split(","))
            salted = hashlib.pbkdf2_hmac(
                "sha256",
                password.encode(),
                base64.b64decode(fields["s"]),
                int(fields["i"]),
            )
            key = hmac.digest(salted, b"Client Key", "sha256")
            final = f"c=biws,r={fields['r']}"
            signed = f"{bare},{first.decode()},{final}".encode()
            stored = hashlib.sha256(key).digest()
            signature = hmac.digest(stored, signed, "sha256")
            proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
            reply = wire.say(b64(f"{final},p={b64(proof)}".encode()))
            if code == "235":
                server_key = hmac.digest(salted, b"Server Key", "sha256")
                expected = (
                    b"v=" + b64(hmac.digest(server_key, signed, "sha256")).encode()
                )
                assert unb64(reply) == expected
                reply = wire.say("")
            assert reply.startswith(code)
        assert server.sessions[0].user == ("user" if code == "235" else None)


def test_an_exception_in_the_handler_lets_nobody_in() -> None:
    """451 4.3.0, and the exception is the test's."""

    def broken(event: Event) -> None:
        raise KeyError(event.name)

    with SMTPServer(users={"ada": "lovelace"}) as server, Wire(server) as wire:
        server.on("CREDENTIALS").call(broken)
        reply = authenticate(wire, "PLAIN", b"\0ada\0lovelace")
        assert reply.startswith("451 4.3.0 ")
        assert server.sessions[0].user is None
        assert wire.deliver().startswith("250 ")
        with pytest.raises(KeyError):
            server.check()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("AUTH FANCY", "504 5.5.4"),
        ("AUTH PLAIN !!!", "501 5.5.2"),
        ("AUTH PLAIN " + b64(b"\0ada\0wrong"), "535 5.7.8"),
        ("AUTH PLAIN " + b64(b"\0a\x07da\0lovelace"), "501"),
    ],
)
def test_a_bad_auth_does_no_harm(line: str, code: str) -> None:
    """The named code, and the message that follows is received intact."""
    with SMTPServer(users={"ada": "lovelace"}) as server, Wire(server) as wire:
        wire.hello()
        assert wire.say(line).startswith(code)
        assert wire.deliver() == "250 2.0.0 Ok: message accepted"
        assert server.messages[0].content == b"Subject: hello\r\n\r\nHi\r\n"


def test_auth_twice_cancelled_and_inside_a_transaction() -> None:
    """RFC 4954 section 4: 501 when cancelled, 503 inside a transaction and twice."""
    with SMTPServer(users={"ada": "lovelace"}) as server, Wire(server) as wire:
        wire.hello()
        assert wire.say("AUTH LOGIN").startswith("334 ")
        assert wire.say("*").startswith("501 ")
        assert wire.say("MAIL FROM:<a@example.org>").startswith("250 ")
        good = "AUTH PLAIN " + b64(b"\0ada\0lovelace")
        assert wire.say(good).startswith("503 ")
        assert wire.say("RSET").startswith("250 ")
        assert wire.say(good).startswith("235 ")
        assert wire.say(good).startswith("503 ")
        assert wire.deliver().startswith("250 ")
        assert server.messages[0].session.user == "ada"


@pytest.mark.parametrize(
    ("response", "authzid"), [(b"for\0ada\0secret", "for"), (b"\0ada\0secret", None)]
)
def test_whom_the_client_acts_for(response: bytes, authzid: str | None) -> None:
    """RFC 4616 §2: the authorization identity as sent, where there is one."""
    with SMTPServer(users={"ada": "secret"}) as server:
        with Wire(server) as client:
            client.hello()
            said = client.say(f"AUTH PLAIN {base64.b64encode(response).decode()}")
            assert said[:3] == "235"
        (attempt,) = server.sessions[0].auth_attempts
        assert (attempt.username, attempt.authzid) == ("ada", authzid)


@pytest.mark.parametrize(
    "line", ["AUTH\tPLAIN\t{}", " AUTH  PLAIN  {}", "auth PLAIN\t{}"]
)
def test_blanks_show_no_secret(line: str) -> None:
    """However many there are: the login is taken, and its password masked."""
    secret = base64.b64encode(b"\0ada\0secret").decode()
    with SMTPServer(users={"ada": "secret"}) as server:
        with Wire(server) as client:
            client.hello()
            assert client.say(line.format(secret))[:3] == "235"
        session = server.sessions[0]
        assert session.auth_attempts[0].mechanism == "PLAIN"
        assert secret not in str(session.transcript)
        assert "********" in str(session.transcript)
        server.wait_until_idle()
        (blanks,) = [one for one in server.violations if one.name == "blanks"]
        assert secret not in str(blanks)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"])
def test_everybody_may_log_in(mechanism: str) -> None:
    """users="any": each login is accepted, whoever it is, and recorded."""
    with (
        SMTPServer(users="any", auth_mechanisms=[mechanism]) as server,
        smtplib.SMTP(*server.address, local_hostname="c", timeout=10) as client,
    ):
        client.ehlo()
        if mechanism == "XOAUTH2":
            token = b"user=ada\x01auth=Bearer t0k3n\x01\x01"
            code, _ = client.docmd(
                "AUTH", f"XOAUTH2 {base64.b64encode(token).decode()}"
            )
        else:
            code, _ = client.login("ada", "any password")
        assert code == 235
        (attempt,) = server.sessions[0].auth_attempts
        assert (attempt.mechanism, attempt.username) == (mechanism, "ada")
        assert attempt.succeeded
        assert server.sessions[0].user == "ada"
