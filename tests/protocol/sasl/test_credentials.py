"""What the SASL mechanisms share: context, base64, credentials."""

from __future__ import annotations

import pickle

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
from pytest_smtpserver.protocol.syntax.replies import Refused


def converse(name: str, response: bytes) -> Credentials:
    """The credentials that a mechanism takes from this initial response."""
    context = SaslContext(hostname="mx.example.org", nonce="17.42", salt=b"salt")
    credentials = Exchange(MECHANISMS[name], context).start(response)
    assert isinstance(credentials, Credentials)
    return credentials


# -- the context


@pytest.mark.parametrize("nonce", ["", "a b", "a,b", "é", "a\n", "\x7f"])
def test_a_nonce_must_fit_into_a_scram_message(nonce: str) -> None:
    """RFC 5802 §7: printable ASCII without space and comma."""
    told = "^a nonce is printable ASCII without space and comma$"
    with pytest.raises(ValueError, match=told):
        SaslContext("mx.example.org", nonce, b"salt")


def test_salt_and_iterations_must_fit_into_a_scram_message() -> None:
    """RFC 5802 §7: a positive number; and a salt that salts."""
    with pytest.raises(ValueError, match=r"^a salt has at least one octet$"):
        SaslContext("mx.example.org", "nonce", b"")
    with pytest.raises(ValueError, match=r"^an iteration count is positive, not 0$"):
        SaslContext("mx.example.org", "nonce", b"salt", iterations=0)


# -- base64


@pytest.mark.parametrize(
    ("line", "response"),
    [
        (b"", b""),
        (b"dGVzdAB0ZXN0ADEyMzQ=", b"test\0test\x001234"),  # RFC 4954 §4.1
        (b"Zg==", b"f"),  # RFC 4648 §10, as the next four
        (b"Zm8=", b"fo"),
        (b"Zm9v", b"foo"),
        (b"Zm9vYg==", b"foob"),
        (b"Zm9vYmFy", b"foobar"),
    ],
)
def test_base64_is_decoded(line: bytes, response: bytes) -> None:
    """What the RFCs print is decoded, and encoded again to the same."""
    assert decode_response(line) == response
    assert encode_challenge(response) == line


@pytest.mark.parametrize(
    "line",
    [
        b"=AAA",  # RFC 4954 §4
        b"AAA=BBB",  # RFC 4954 §4
        b"=",
        b"==",
        b"====",
        b"A",
        b"AA",
        b"AAA",
        b"AA=",
        b"AAAA=",
        b"AA===",
        b"AA==AA==",
        b"AB==",  # RFC 4648 §3.5: pad bits that are not zero
        b"AAB=",
        b"AA AA",
        b" AAAA",
        b"AAAA ",
        b"AAAA\n",
        b"AA\r\nAA",
        b"AA-_",
        b"AAA*",
        b"*",
        b"\xc3\xa9AA",
    ],
)
@pytest.mark.parametrize("initial", [False, True])
def test_base64_is_nothing_but_base64(line: bytes, initial: bool) -> None:
    """RFC 4954 §4: what is not in the alphabet is refused, never ignored."""
    if initial and line == b"=":
        return
    with pytest.raises(Refused) as caught:
        decode_response(line, initial=initial)
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (501, (5, 5, 2))


def test_an_equals_sign_is_an_empty_initial_response() -> None:
    """RFC 4954 §4: an initial response of zero length is sent as "="."""
    assert decode_response(b"=", initial=True) == b""


@given(st.binary())
def test_base64_is_the_same_there_and_back(data: bytes) -> None:
    """What is encoded can be decoded."""
    assert decode_response(encode_challenge(data)) == data


@given(st.binary())
def test_any_line_is_base64_or_refused(line: bytes) -> None:
    """No line makes the decoder raise anything but ``Refused``."""
    try:
        decoded = decode_response(line, initial=True)
    except Refused:
        return
    assert encode_challenge(decoded) == line or line == b"="


# -- credentials


def test_secrets_do_not_show() -> None:
    """A repr ends up in logs and in failure reports: it tells who, never how."""
    secret = "hunter2"
    shown = [
        repr(converse("PLAIN", b"root\0tim\0hunter2")),
        repr(converse("XOAUTH2", b"user=tim\x01auth=Bearer hunter2\x01\x01")),
    ]
    assert shown == [
        "<Credentials 'PLAIN', 'tim', authzid='root', password=<hidden>>",
        "<Credentials 'XOAUTH2', 'tim', access_token=<hidden>>",
    ]
    assert not any(secret in text for text in shown)


def test_a_password_is_a_str() -> None:
    """Bytes are a mistake in a handler, not a wrong password."""
    credentials = converse("PLAIN", b"\0tim\0secret")
    with pytest.raises(TypeError, match=r"^a password is a str, not bytes$"):
        credentials.check_password(b"secret")  # type: ignore[arg-type]


def test_most_mechanisms_have_nothing_more_to_say() -> None:
    """Only SCRAM adds to a success, and only the OAuth mechanisms to a failure."""
    credentials = converse("PLAIN", b"\0tim\0secret")
    assert credentials.check_password("secret")
    assert credentials.success_data() is None
    assert credentials.failure_data() is None
    assert credentials.failure_data({"status": "400"}) is None


def test_credentials_can_be_pickled() -> None:
    """What is recorded may go to another process."""
    credentials = pickle.loads(pickle.dumps(converse("PLAIN", b"\0tim\0secret")))
    assert credentials.username == "tim"
    assert credentials.check_password("secret")
