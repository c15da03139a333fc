"""XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628)."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.sasl.credentials import (
    Credentials,
    SaslContext,
    decode_response,
)
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.syntax.replies import Refused

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="

# RFC 7628 §4.1, the initial client responses as printed.
IMAP_EXAMPLE = (
    b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhv"
    b"c3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
    b"HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQ"
    b"EB"
)
SMTP_EXAMPLE = (
    b"bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2Vy"
    b"dmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmd"
    b"DRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
)


def converse(name: str, response: bytes) -> Credentials:
    """The credentials that a mechanism takes from this initial response."""
    context = SaslContext(hostname="mx.example.org", nonce="nonce", salt=b"salt")
    credentials = Exchange(MECHANISMS[name], context).start(response)
    assert isinstance(credentials, Credentials)
    return credentials


def attempt(name: str, response: bytes) -> Credentials | Refused:
    """The credentials, or the refusal."""
    try:
        return converse(name, response)
    except Refused as refused:
        return refused


def assert_refused(name: str, response: bytes) -> None:
    """The reply is 501 5.5.2."""
    outcome = attempt(name, response)
    assert isinstance(outcome, Refused)
    assert (outcome.reply.code, outcome.reply.enhanced) == (501, (5, 5, 2))


# -- XOAUTH2


def test_xoauth2_example() -> None:
    """The initial client response of Google's "OAuth 2.0 Mechanism" page."""
    response = decode_response(
        b"dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52"
        b"YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    credentials = converse("XOAUTH2", response)
    assert credentials.mechanism == "XOAUTH2"
    assert credentials.username == "someuser@example.com"
    token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
    assert credentials.access_token == token
    assert credentials.password is None
    assert credentials.authzid is None
    assert credentials.check_password(token)
    assert not credentials.check_password("ya29")
    assert not credentials.check_password("")
    assert credentials.success_data() is None


def test_an_xoauth2_user_name_is_utf8() -> None:
    """Nothing limits it to ASCII."""
    credentials = converse("XOAUTH2", "user=zoë\x01auth=bearer t\x01\x01".encode())
    assert (credentials.username, credentials.access_token) == ("zoë", "t")


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\x01\x01",
        b"user=ada",
        b"user=ada\x01auth=Bearer token",
        b"user=ada\x01auth=Bearer token\x01",
        b"user=ada\x01auth=Bearer token\x01\x01\x01",
        b"user=ada\x01auth=Bearer token\x01\x01\n",
        b"user=\x01auth=Bearer token\x01\x01",
        b"auth=Bearer token\x01\x01",
        b"user=ada\x01\x01",
        b"user=ada\x01auth=\x01\x01",
        b"user=ada\x01auth=Bearer\x01\x01",
        b"user=ada\x01auth=Bearer \x01\x01",
        b"user=ada\x01auth=token\x01\x01",
        b"user=ada\x01auth=Basic token\x01\x01",
        b"user=ada\x01auth=Bearer to ken\x01\x01",
        b"user=ada\x01auth=Bearer tok\xc3\xa9n\x01\x01",
        b"user=a\x00da\x01auth=Bearer token\x01\x01",
        b"user=a\nda\x01auth=Bearer token\x01\x01",
        b"user=\xff\x01auth=Bearer token\x01\x01",
    ],
)
def test_malformed_xoauth2_is_refused(response: bytes) -> None:
    """user, a bearer token, two separators at the end: nothing less and no more."""
    assert_refused("XOAUTH2", response)


# -- OAUTHBEARER


@pytest.mark.parametrize(
    ("encoded", "port"),
    [
        (IMAP_EXAMPLE, "143"),
        (SMTP_EXAMPLE, "587"),
    ],
)
def test_oauthbearer_examples(encoded: bytes, port: str) -> None:
    """RFC 7628 §4.1."""
    credentials = converse("OAUTHBEARER", decode_response(encoded))
    assert credentials.mechanism == "OAUTHBEARER"
    assert credentials.username == "user@example.com"
    assert credentials.authzid == "user@example.com"
    assert credentials.access_token == TOKEN
    assert credentials.parameters == {"host": "server.example.com", "port": port}
    assert credentials.check_password(TOKEN)
    assert not credentials.check_password(TOKEN.lower())
    assert credentials.password is None


def test_oauthbearer_without_a_token_asks_for_the_scope() -> None:
    """RFC 7628 §4.3: no syntax error; it fails, and learns why."""
    response = decode_response(
        b"bixhPXVzZXJAZXhhbXBsZS5jb20sAW"
        b"hvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE="
    )
    assert response == (
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=\x01\x01"
    )
    credentials = converse("OAUTHBEARER", response)
    assert credentials.username == "user@example.com"
    assert credentials.access_token is None
    assert not credentials.check_password("")
    assert not credentials.check_password(TOKEN)


def test_oauthbearer_example_whose_header_is_none() -> None:
    """RFC 7628 §4.4 writes "user=" where RFC 5801 §4 wants "a=": mended, it is right."""
    printed = base64.b64decode(
        b"bix1c2VyPXNvbWV1c2VyQGV4YW1wbGUuY29tLAFhdXRoPUJlYXJl"
        b"ciB2RjlkZnQ0cW1UYzJOdmIzUmxja0JoZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ=="
    )
    assert_refused("OAUTHBEARER", printed)
    credentials = converse("OAUTHBEARER", printed.replace(b"user=", b"a=", 1))
    assert credentials.username == "someuser@example.com"


def test_oauthbearer_needs_no_user_name() -> None:
    """RFC 7628 §3.1: the header may include one; the token tells it as well."""
    credentials = converse("OAUTHBEARER", b"n,,\x01auth=Bearer token\x01\x01")
    assert credentials.username is None
    assert credentials.authzid is None
    assert credentials.parameters == {}


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER", b"BeArEr"])
def test_the_scheme_is_written_in_any_case(scheme: bytes) -> None:
    """RFC 7628 §4, the note to implementers."""
    response = b"y,a=a=2Cda,\x01auth=" + scheme + b" token\x01\x01"
    credentials = converse("OAUTHBEARER", response)
    assert credentials.access_token == "token"
    assert credentials.username == "a,da"


def test_unknown_pairs_are_ignored() -> None:
    """RFC 7628 §3.1: they are kept, and change nothing."""
    credentials = converse(
        "OAUTHBEARER", b"n,,\x01qs=a=b\x01x=\x01auth=Bearer t\x01x=\t\r\n!\x01\x01"
    )
    assert credentials.access_token == "t"
    assert credentials.parameters == {"qs": "a=b", "x": "\t\r\n!"}


@pytest.mark.parametrize(
    "response",
    [
        b"",
        b"\x01",  # RFC 7628 §3.1: valid after an error alone
        b"n,,",
        b"n,,\x01",
        b"n,,\x01\x01",
        b"n,,auth=Bearer t\x01\x01",
        b"n,,\x01auth=Bearer t",
        b"n,,\x01auth=Bearer t\x01",
        b"n,,\x01auth=Bearer t\x01\x01\x01",
        b"n,,\x01auth=Bearer t\x01\x01x",
        b"n,,\x01\x01auth=Bearer t\x01\x01",
        b"n,\x01auth=Bearer t\x01\x01",
        b"n,ada,\x01auth=Bearer t\x01\x01",
        b"n,a=,\x01auth=Bearer t\x01\x01",
        b"n,a=a=da,\x01auth=Bearer t\x01\x01",
        b"n,a=a\nda,\x01auth=Bearer t\x01\x01",
        b"n,a=\xff,\x01auth=Bearer t\x01\x01",
        b"p=tls-unique,,\x01auth=Bearer t\x01\x01",
        b"x,,\x01auth=Bearer t\x01\x01",
        b"n,,\x01host=mx\x01\x01",
        b"n,,\x01auth\x01\x01",
        b"n,,\x01auth=Bearer\x01\x01",
        b"n,,\x01auth=Basic t\x01\x01",
        b"n,,\x01auth=Bearer a b\x01\x01",
        b"n,,\x01auth=Bearer t\x01auth=Bearer t\x01\x01",
        b"n,,\x01auth=Bearer t\x01host=a\x01host=b\x01\x01",
        b"n,,\x01auth=Bearer t\x01port=\x01\x01",
        b"n,,\x01auth=Bearer t\x01port=0587\x01\x01",
        b"n,,\x01auth=Bearer t\x01port=smtp\x01\x01",
        b"n,,\x01auth=Bearer t\x01=x\x01\x01",
        b"n,,\x01auth=Bearer t\x01x1=x\x01\x01",
        b"n,,\x01auth=Bearer t\x01x=\xc3\xa9\x01\x01",
        b"n,,xauth=Bearer t\x01\x01",
        b"n,,\x01auth=Bearer t\x01x",
    ],
)
def test_malformed_oauthbearer_is_refused(response: bytes) -> None:
    """RFC 7628 §3.1, client-resp."""
    assert_refused("OAUTHBEARER", response)


@given(
    header=st.sampled_from(["n,,", "n,a=ada,", "y,a=a=2C,", "p=x,,", "n"]),
    pairs=st.lists(
        st.tuples(
            st.sampled_from(["auth", "host", "port", "x", ""]),
            st.sampled_from(["", "Bearer t", "587", "é"]) | st.text(max_size=5),
        ),
        max_size=4,
    ),
    end=st.sampled_from(["\x01", "", "\x01\x01"]),
)
def test_anything_that_looks_like_oauthbearer_is_taken_or_refused(
    header: str, pairs: list[tuple[str, str]], end: str
) -> None:
    """Nearly right messages raise nothing but ``Refused`` either."""
    kvpairs = "".join(f"{key}={value}\x01" for key, value in pairs)
    response = f"{header}\x01{kvpairs}{end}".encode("utf-8", "surrogatepass")
    outcome = attempt("OAUTHBEARER", response)
    if isinstance(outcome, Refused):
        assert outcome.reply.code == 501
    else:
        assert dict(pairs)["auth"] in {"", f"Bearer {outcome.access_token}"}


# -- the error before the 535


def test_the_usual_error_of_xoauth2() -> None:
    """Google's page: status, schemes and scope."""
    credentials = converse("XOAUTH2", b"user=ada\x01auth=Bearer t\x01\x01")
    data = credentials.failure_data()
    assert data is not None
    error = json.loads(data)
    assert set(error) == {"status", "schemes", "scope"}
    assert error["status"] == "401"
    assert error["schemes"] == "bearer"


def test_the_usual_error_of_oauthbearer() -> None:
    """RFC 7628 §3.2.2: the status is required, and §4.3 says which."""
    credentials = converse("OAUTHBEARER", b"n,,\x01auth=Bearer t\x01\x01")
    assert credentials.failure_data() == b'{"status":"invalid_token"}'


def test_an_error_of_ones_own() -> None:
    """RFC 7628 §4.4, the server's 334 as printed."""
    credentials = converse("OAUTHBEARER", b"n,,\x01auth=Bearer t\x01\x01")
    printed = base64.b64decode(
        b"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NoZW1lcyI6ImJlYXJlciBtYWMiL"
        b"CJzY29wZSI6Imh0dHBzOi8vbWFpbC5leGFtcGxlLmNvbS8ifQ=="
    )
    error = {
        "status": "invalid_token",
        "schemes": "bearer mac",
        "scope": "https://mail.example.com/",
    }
    assert credentials.failure_data(error) == printed
    assert credentials.failure_data(printed) == printed
    assert credentials.failure_data(printed.decode()) == printed


def test_an_error_that_is_no_json() -> None:
    """A mistake of the handler's is its own error, not a reply to the client."""
    credentials = converse("XOAUTH2", b"user=ada\x01auth=Bearer t\x01\x01")
    with pytest.raises(TypeError, match="JSON"):
        credentials.failure_data({"status": object()})


def test_an_empty_error_is_sent_as_it_is() -> None:
    """``None`` alone stands for the usual error."""
    credentials = converse("XOAUTH2", b"user=ada\x01auth=Bearer t\x01\x01")
    assert credentials.failure_data({}) == b"{}"
    assert credentials.failure_data("") == b""
