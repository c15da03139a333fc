"""The SASL mechanisms, byte by byte as their RFCs print them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.sasl.credentials import (
    Credentials,
    SaslContext,
    decode_response,
    encode_challenge,
)
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.state.settings import KNOWN_MECHANISMS
from pytest_smtpserver.protocol.syntax.replies import (
    EnhancedStatus,
    LocalProtocolError,
    Refused,
)

SYNTAX = (501, EnhancedStatus(5, 5, 2))
CONTEXT = SaslContext(hostname="mx.example.org", nonce="17.42", salt=b"salt")


def converse(
    name: str, *responses: bytes, context: SaslContext = CONTEXT
) -> Credentials:
    """Run a mechanism that is to end with these responses, the first with AUTH."""
    exchange = Exchange(MECHANISMS[name], context)
    step = exchange.start(responses[0])
    for response in responses[1:]:
        assert isinstance(step, bytes)
        step = exchange.respond(response)
    assert isinstance(step, Credentials)
    return step


def attempt(
    exchange: Exchange, *responses: bytes | None
) -> bytes | Credentials | Refused:
    """Start with the first response, None for none, and go on with the others."""
    try:
        step = exchange.start(responses[0])
        for response in responses[1:]:
            if response is None or not isinstance(step, bytes):
                break
            step = exchange.respond(response)
    except Refused as refused:
        return refused
    return step


def refusal(
    name: str, *responses: bytes, context: SaslContext = CONTEXT
) -> tuple[int, EnhancedStatus | None]:
    """The codes of the reply that refuses these responses."""
    with pytest.raises(Refused) as caught:
        converse(name, *responses, context=context)
    return caught.value.reply.code, caught.value.reply.enhanced


# -- the table and the exchange


def test_all_are_known() -> None:
    """Options name the mechanisms without loading them."""
    assert set(MECHANISMS) == set(KNOWN_MECHANISMS)


def test_the_mechanisms_are_those_of_the_auth_mechanisms_option() -> None:
    """Each mechanism of the contract is there, under its own name in upper case."""
    assert set(MECHANISMS) == {
        "PLAIN",
        "LOGIN",
        "CRAM-MD5",
        "XOAUTH2",
        "OAUTHBEARER",
        "SCRAM-SHA-256",
        "EXTERNAL",
        "ANONYMOUS",
    }
    assert all(name == mechanism.name for name, mechanism in MECHANISMS.items())


@pytest.mark.parametrize("name", sorted(MECHANISMS))
def test_a_client_first_mechanism_begins_with_an_empty_challenge(name: str) -> None:
    """RFC 4422 §5: without an initial response the server sends an empty challenge."""
    challenge = Exchange(MECHANISMS[name], CONTEXT).start()
    # CRAM-MD5 (RFC 2195 §2) and LOGIN begin with a word of the server's.
    assert (challenge == b"") is (name not in ("CRAM-MD5", "LOGIN"))


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN"])
def test_an_initial_response_saves_the_first_round_trip(name: str) -> None:
    """With and without initial response a mechanism comes to the same credentials."""
    responses = {"PLAIN": [b"\0tim\0secret"], "LOGIN": [b"tim", b"secret"]}[name]
    exchange = Exchange(MECHANISMS[name], CONTEXT)
    step = exchange.start()
    for response in responses:
        assert isinstance(step, bytes)
        step = exchange.respond(response)
    assert isinstance(step, Credentials)
    saved = converse(name, *responses)
    assert (step.username, step.password) == (saved.username, saved.password)
    assert (step.username, step.password) == ("tim", "secret")


@pytest.mark.parametrize("initial_response", [b"", b"tim 0123"])
def test_cram_md5_refuses_an_initial_response(initial_response: bytes) -> None:
    """RFC 4954 §4: 501 5.7.0 where the client does not begin the exchange."""
    exchange = Exchange(MECHANISMS["CRAM-MD5"], CONTEXT)
    with pytest.raises(Refused) as caught:
        exchange.start(initial_response)
    assert caught.value.reply.code == 501
    assert caught.value.reply.enhanced == (5, 7, 0)


def test_an_exchange_that_is_driven_wrongly_says_so() -> None:
    """A bug in the engine is no StopIteration, and no reply to the client."""
    exchange = Exchange(MECHANISMS["PLAIN"], CONTEXT)
    with pytest.raises(LocalProtocolError, match=r"^the exchange has not begun$"):
        exchange.respond(b"")
    exchange.start()
    with pytest.raises(LocalProtocolError, match=r"^the exchange has begun already$"):
        exchange.start()
    exchange.respond(b"\0tim\0secret")
    with pytest.raises(LocalProtocolError, match=r"^the exchange is over$"):
        exchange.respond(b"\0tim\0secret")


def test_an_exchange_is_over_after_a_refusal() -> None:
    """A client cannot go on where it was refused."""
    exchange = Exchange(MECHANISMS["LOGIN"], CONTEXT)
    with pytest.raises(Refused):
        exchange.start(b"")
    with pytest.raises(LocalProtocolError, match=r"^the exchange is over$"):
        exchange.respond(b"tim")


@given(
    name=st.sampled_from(sorted(MECHANISMS)),
    initial=st.booleans(),
    responses=st.lists(
        st.binary(max_size=60)
        | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))
        | st.text(alphabet="np=,ay\x00\x01user:Bbeacihostr ", max_size=40).map(
            str.encode
        ),
        min_size=3,
        max_size=3,
    ),
    identity=st.none() | st.text(max_size=5),
)
def test_any_responses_end_in_credentials_or_a_refusal(
    name: str, initial: bool, responses: list[bytes], identity: str | None
) -> None:
    """No bytes at all make a mechanism raise anything but ``Refused``."""
    context = SaslContext("mx.example.org", "nonce", b"salt", 1, identity)
    outcome = attempt(
        Exchange(MECHANISMS[name], context), *([] if initial else [None]), *responses
    )
    if isinstance(outcome, Refused):
        assert outcome.reply.code in {501, 535}
        return
    assert isinstance(outcome, Credentials)
    assert outcome.mechanism == name
    assert outcome.check_password("secret") in {True, False}
    if outcome.username is not None:
        assert not any(ord(character) < 32 for character in outcome.username)


@given(name=st.sampled_from(sorted(MECHANISMS)), password=st.text())
def test_any_password_can_be_checked(name: str, password: str) -> None:
    """A password of the test's may hold anything, lone surrogates too."""
    nonce = b"r=abcnonce"
    responses = {
        "PLAIN": [b"\0tim\0secret"],
        "LOGIN": [b"tim", b"secret"],
        "CRAM-MD5": [b"tim " + b"0" * 32],
        "XOAUTH2": [b"user=tim\x01auth=Bearer secret\x01\x01"],
        "OAUTHBEARER": [b"n,a=tim,\x01auth=Bearer secret\x01\x01"],
        "SCRAM-SHA-256": [
            b"n,,n=tim,r=abc",
            b"c=biws," + nonce + b",p=" + base64.b64encode(bytes(32)),
        ],
        "EXTERNAL": [b"tim"],
        "ANONYMOUS": [b"tim"],
    }[name]
    exchange = Exchange(MECHANISMS[name], SaslContext("mx", "nonce", b"salt", 1))
    exchange.start()
    for response in responses:
        step = exchange.respond(response)
    assert isinstance(step, Credentials)
    assert step.check_password(password) is (
        password == "secret" and (step.password or step.access_token) == "secret"
    )


# -- PLAIN, RFC 4616


def test_plain_example_without_authorization_identity() -> None:
    """RFC 4616 §4, the first example."""
    credentials = converse("PLAIN", b"\0tim\0tanstaaftanstaaf")
    assert credentials.mechanism == "PLAIN"
    assert credentials.username == "tim"
    assert credentials.password == "tanstaaftanstaaf"
    assert credentials.authzid is None
    assert credentials.access_token is None
    assert credentials.check_password("tanstaaftanstaaf")
    assert not credentials.check_password("tanstaaf")


def test_plain_example_with_authorization_identity() -> None:
    """RFC 4616 §4, the second example: Kurt wants to act as Ursel."""
    credentials = converse("PLAIN", b"Ursel\0Kurt\0xipj3plmq")
    assert credentials.username == "Kurt"
    assert credentials.password == "xipj3plmq"
    assert credentials.authzid == "Ursel"


def test_plain_example_of_smtp() -> None:
    """RFC 4954 §4.1: AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=."""
    response = decode_response(b"dGVzdAB0ZXN0ADEyMzQ=", initial=True)
    credentials = converse("PLAIN", response)
    assert (credentials.authzid, credentials.username) == ("test", "test")
    assert credentials.check_password("1234")


def test_plain_is_utf8() -> None:
    """RFC 4616 §2: any Unicode character but NUL, and 255 octets at least."""
    name, password = "zoë" * 100, "日本\r\n語\U0001f600"
    credentials = converse("PLAIN", f"\0{name}\0{password}".encode())
    assert credentials.username == name
    assert credentials.check_password(password)


def test_an_empty_password_is_taken_and_never_right() -> None:
    """RFC 4616 §2: verification of an empty string fails, whatever is stored."""
    credentials = converse("PLAIN", b"\0tim\0")
    assert credentials.password == ""
    assert not credentials.check_password("")
    assert not credentials.check_password("tanstaaftanstaaf")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"tim",
        b"tim\0secret",
        b"\0tim\0secret\0",
        b"\0tim\0sec\0ret",
        b"\0\0secret",
        b"Ursel\0\0secret",
        b"\0\0",
        b"\0\xff\0secret",
        b"\0tim\0\xff",
        b"\xff\0tim\0secret",
        b"\0\xc0\x80\0secret",  # NUL in two octets is no UTF-8 (RFC 3629 §3)
        b"\0\xed\xa0\x80\0secret",  # nor is a surrogate
        b"\0t\nim\0secret",
        b"\0tim\x7f\0secret",
        b"\0tim\xc2\x85\0secret",
        b"Ur\rsel\0Kurt\0xipj3plmq",
    ],
)
def test_malformed_plain_is_refused(response: bytes) -> None:
    """RFC 4616 §2: exactly two NULs, UTF-8, a user name; no control characters."""
    assert refusal("PLAIN", response) == SYNTAX


# -- LOGIN, draft-murchison-sasl-login


def test_login_prompts() -> None:
    """The prompts that clients insist on (draft §2.2), in base64 as they go out."""
    exchange = Exchange(MECHANISMS["LOGIN"], CONTEXT)
    first = exchange.start()
    assert isinstance(first, bytes)
    assert encode_challenge(first) == b"VXNlcm5hbWU6"
    second = exchange.respond(decode_response(b"dGlt"))
    assert isinstance(second, bytes)
    assert encode_challenge(second) == b"UGFzc3dvcmQ6"
    credentials = exchange.respond(decode_response(b"dGFuc3RhYWZ0YW5zdGFhZg=="))
    assert isinstance(credentials, Credentials)
    assert credentials.mechanism == "LOGIN"
    assert credentials.username == "tim"
    assert credentials.password == "tanstaaftanstaaf"
    assert credentials.check_password("tanstaaftanstaaf")
    assert credentials.authzid is None


@pytest.mark.parametrize(
    "responses",
    [
        (b"", b"secret"),
        (b"t\0im", b"secret"),
        (b"tim\n", b"secret"),
        (b"\xff", b"secret"),
        (b"tim", b"\xff"),
        (b"tim", b"sec\0ret"),
        (b"tim", b"secret\r"),
        (b"tim", b"secret\n"),
    ],
)
def test_malformed_login_is_refused(responses: tuple[bytes, ...]) -> None:
    """Draft §2: UTF-8, no NUL, CR or LF in a password, and a user name."""
    assert refusal("LOGIN", *responses) == SYNTAX


# -- CRAM-MD5, RFC 2195


def cram_md5(response: bytes, context: SaslContext) -> bytes | Credentials:
    exchange = Exchange(MECHANISMS["CRAM-MD5"], context)
    exchange.start()
    return exchange.respond(response)


def test_cram_md5_example() -> None:
    """RFC 2195 §2."""
    context = SaslContext("postoffice.reston.mci.net", "1896.697170952", b"salt")
    exchange = Exchange(MECHANISMS["CRAM-MD5"], context)
    challenge = exchange.start()
    assert isinstance(challenge, bytes)
    assert (
        encode_challenge(challenge)
        == b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
    )
    credentials = exchange.respond(
        decode_response(b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw")
    )
    assert isinstance(credentials, Credentials)
    assert credentials.mechanism == "CRAM-MD5"
    assert credentials.username == "tim"
    assert credentials.password is None
    assert credentials.check_password("tanstaaftanstaaf")
    assert not credentials.check_password("tanstaaf")
    assert not credentials.check_password("")


def test_a_cram_md5_user_name_may_contain_spaces() -> None:
    """RFC 2195 §2: the digest is what stands after the last space."""
    credentials = cram_md5(b"tim o'reilly " + b"0" * 32, CONTEXT)
    assert isinstance(credentials, Credentials)
    assert credentials.username == "tim o'reilly"


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"tim",
        b"tim ",
        b" " + b"0" * 32,
        b"0" * 32,
        b"tim " + b"0" * 31,
        b"tim " + b"0" * 33,
        b"tim " + b"0" * 32 + b"\n",
        b"tim B913A602C7EDA7A495B4E6E7334D3890",
        b"tim " + b"g" * 32,
        b"tim\xff " + b"0" * 32,
        b"t\0im " + b"0" * 32,
        b"tim\n " + b"0" * 32,
    ],
)
def test_malformed_cram_md5_is_refused(response: bytes) -> None:
    """RFC 2195 §2: user name, space, 16 octets in lower-case hexadecimal."""
    with pytest.raises(Refused) as caught:
        cram_md5(response, CONTEXT)
    assert (caught.value.reply.code, caught.value.reply.enhanced) == SYNTAX


# -- EXTERNAL, RFC 4422 appendix A; ANONYMOUS, RFC 4505


def test_external_with_a_derived_identity() -> None:
    """RFC 4954 §4.1: AUTH EXTERNAL =."""
    context = SaslContext("mx", "nonce", b"salt", external_identity="ada")
    credentials = converse(
        "EXTERNAL", decode_response(b"=", initial=True), context=context
    )
    assert credentials.mechanism == "EXTERNAL"
    assert credentials.username == "ada"
    assert credentials.authzid is None
    assert credentials.external_identity == "ada"
    assert not credentials.check_password("ada")


@pytest.mark.parametrize("identity", [None, "ada"])
def test_external_with_an_authorization_identity(identity: str | None) -> None:
    """RFC 4422 §A.1: the client asks to act as someone; who it is, is kept beside."""
    context = SaslContext("mx", "nonce", b"salt", external_identity=identity)
    credentials = converse("EXTERNAL", b"fred@example.com", context=context)
    assert credentials.username == "fred@example.com"
    assert credentials.authzid == "fred@example.com"
    assert credentials.external_identity == identity


def test_external_without_any_identity_is_refused() -> None:
    """RFC 4954 §6: 535 5.7.8, authentication credentials invalid."""
    assert refusal("EXTERNAL", b"") == (535, (5, 7, 8))


@pytest.mark.parametrize("response", [b"\0", b"fred\0", b"fred\n", b"\xff"])
def test_malformed_external_is_refused(response: bytes) -> None:
    """RFC 4422 §A.1: UTF-8 without NUL."""
    assert refusal("EXTERNAL", response) == SYNTAX


def test_anonymous_example() -> None:
    """RFC 4505 §4: the trace information is "sirhc"."""
    exchange = Exchange(MECHANISMS["ANONYMOUS"], CONTEXT)
    assert exchange.start() == b""
    credentials = exchange.respond(decode_response(b"c2lyaGM="))
    assert isinstance(credentials, Credentials)
    assert credentials.mechanism == "ANONYMOUS"
    assert credentials.username == "sirhc"
    assert credentials.password is None
    assert not credentials.check_password("sirhc")


def test_anonymous_without_trace_information() -> None:
    """RFC 4505 §2: the message may be empty."""
    assert converse("ANONYMOUS", b"").username is None


def test_trace_information_has_255_characters_at_most() -> None:
    """RFC 4505 §2: characters, which may be 1020 octets."""
    longest = "\U0001f600" * 255
    assert converse("ANONYMOUS", longest.encode()).username == longest
    assert refusal("ANONYMOUS", longest.encode() + b"x") == SYNTAX


@pytest.mark.parametrize("response", [b"\0", b"sir\nhc", b"\xff"])
def test_malformed_anonymous_is_refused(response: bytes) -> None:
    """RFC 4505 §2 and §3: UTF-8 without control characters."""
    assert refusal("ANONYMOUS", response) == SYNTAX


# -- all of them


def test_a_refusal_never_repeats_what_the_client_sent() -> None:
    """A reply is logged: it must not carry a secret back."""
    for name in MECHANISMS:
        exchange = Exchange(MECHANISMS[name], CONTEXT)
        outcome = attempt(exchange, None, b"hunter2\xff", b"hunter2")
        assert isinstance(outcome, Refused)
        assert "hunter2" not in str(outcome)
