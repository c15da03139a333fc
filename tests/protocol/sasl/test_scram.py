"""SCRAM-SHA-256 (RFC 5802, RFC 7677)."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.sasl.credentials import Credentials, SaslContext
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.syntax.replies import Refused

# RFC 7677 §3, each message as printed.
CLIENT_FIRST = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
SERVER_FIRST = (
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
)
CLIENT_FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
SERVER_FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
CONTEXT = SaslContext(
    hostname="mx.example.org",
    nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
    salt=base64.b64decode(b"W22ZaJ0SNY7soEsUEjb6gQ=="),
)
#: For the tests whose bytes no RFC prints: quick, since one iteration is enough.
QUICK = SaslContext(hostname="mx", nonce="server", salt=b"salt", iterations=1)


def begin(client_first: bytes, context: SaslContext = CONTEXT) -> Exchange:
    """An exchange that has taken this client-first-message."""
    exchange = Exchange(MECHANISMS["SCRAM-SHA-256"], context)
    server_first = exchange.start(client_first)
    assert isinstance(server_first, bytes)
    return exchange


def converse(
    client_first: bytes, client_final: bytes, context: SaslContext = CONTEXT
) -> Credentials:
    """The credentials at the end of an exchange."""
    credentials = begin(client_first, context).respond(client_final)
    assert isinstance(credentials, Credentials)
    return credentials


def client_final(password: bytes, header: bytes, bare: bytes) -> tuple[bytes, bytes]:
    """What a client of RFC 5802 §3 sends to QUICK, and what it expects back.

    With one iteration Hi() is the first HMAC (§2.2).
    """

    def mac(key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, hashlib.sha256).digest()

    nonce = bare.partition(b",r=")[2].partition(b",")[0] + b"server"
    without_proof = b"c=" + base64.b64encode(header) + b",r=" + nonce
    server_first = b"r=" + nonce + b",s=c2FsdA==,i=1"
    auth_message = b",".join([bare, server_first, without_proof])
    salted_password = mac(password, b"salt\0\0\0\1")
    client_key = mac(salted_password, b"Client Key")
    signature = mac(hashlib.sha256(client_key).digest(), auth_message)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    server_signature = mac(mac(salted_password, b"Server Key"), auth_message)
    return (
        without_proof + b",p=" + base64.b64encode(proof),
        b"v=" + base64.b64encode(server_signature),
    )


def assert_syntax_error(refused: Refused) -> None:
    """It is 501 5.5.2."""
    assert (refused.reply.code, refused.reply.enhanced) == (501, (5, 5, 2))


def test_example() -> None:
    """RFC 7677 §3, both directions."""
    exchange = Exchange(MECHANISMS["SCRAM-SHA-256"], CONTEXT)
    assert exchange.start() == b""
    assert exchange.respond(CLIENT_FIRST) == SERVER_FIRST
    credentials = exchange.respond(CLIENT_FINAL)
    assert isinstance(credentials, Credentials)
    assert credentials.mechanism == "SCRAM-SHA-256"
    assert credentials.username == "user"
    assert credentials.password is None
    assert credentials.authzid is None
    assert credentials.success_data() is None
    assert credentials.check_password("pencil")
    assert credentials.success_data() == SERVER_FINAL


def test_a_wrong_password_has_no_server_signature() -> None:
    """RFC 5802 §3: who does not know the password cannot sign for it."""
    credentials = converse(CLIENT_FIRST, CLIENT_FINAL)
    assert not credentials.check_password("pen")
    assert not credentials.check_password("")
    assert credentials.success_data() is None
    assert credentials.failure_data() is None


def test_a_later_wrong_guess_does_not_take_the_signature_back() -> None:
    """A handler may try several passwords; the right one counts."""
    credentials = converse(CLIENT_FIRST, CLIENT_FINAL)
    assert credentials.check_password("pencil")
    assert not credentials.check_password("pen")
    assert credentials.success_data() == SERVER_FINAL


def test_a_client_that_could_bind_the_channel() -> None:
    """RFC 5802 §6: "y" is right about a server without channel binding."""
    bare = b"n=user,r=abc"
    final, expected = client_final(b"pencil", b"y,,", bare)
    credentials = converse(b"y,," + bare, final, QUICK)
    assert credentials.check_password("pencil")
    assert credentials.success_data() == expected


def test_an_authorization_identity_is_recorded() -> None:
    """RFC 5802 §5.1, a: quoted as the user name is, and part of what c= repeats."""
    header, bare = b"n,a=a=3Dd=2Ca=3D2C,", b"n=us=2Cer=3D,r=abc"
    final, _ = client_final(b"pencil", header, bare)
    credentials = converse(header + bare, final, QUICK)
    assert credentials.authzid == "a=d,a=2C"
    assert credentials.username == "us,er="
    assert credentials.check_password("pencil")


def test_user_name_and_password_are_prepared() -> None:
    """RFC 5802 §3 and §5.1: SASLprep, the name as received in what is signed."""
    bare = "n=us\u00ader\u00aa,r=abc".encode()
    final, expected = client_final("1\u20442".encode(), b"n,,", bare)
    credentials = converse(b"n,," + bare, final, QUICK)
    assert credentials.username == "usera"
    assert credentials.check_password("\u00bd")
    assert credentials.success_data() == expected


@pytest.mark.parametrize("password", ["\u0007", "\u00ad", "\U0001f600", "\ud800"])
def test_a_password_that_cannot_be_prepared_is_wrong(password: str) -> None:
    """RFC 5802 §2.2: prohibited, empty, and unassigned code points; never an error."""
    octets = password.encode("utf-8", "surrogatepass")
    bare = b"n=user,r=abc"
    final, _ = client_final(octets, b"n,,", bare)
    assert not converse(b"n,," + bare, final, QUICK).check_password(password)


def test_unknown_optional_extensions_are_ignored() -> None:
    """RFC 5802 §5.1: in both messages; they are part of what is signed."""
    bare = b"n=user,r=abc,x=y=z,z=\xc3\xa9"
    final, _ = client_final(b"pencil", b"n,,", bare)
    assert converse(b"n,," + bare, final, QUICK).check_password("pencil")
    extended = CLIENT_FINAL.replace(b",p=", b",x=1,y==,p=")
    credentials = converse(CLIENT_FIRST, extended)
    assert not credentials.check_password("pencil")


@pytest.mark.parametrize(
    "client_first",
    [
        b"",
        b"n",
        b"n,",
        b"n,,",
        b"n,,n=user",
        b"n,,n=user,r=",
        b"n,,n=,r=abc",
        b"n,,r=abc,n=user",
        b"n=user,r=abc",
        b",,n=user,r=abc",
        b"x,,n=user,r=abc",
        b"N,,n=user,r=abc",
        b"F,n,,n=user,r=abc",
        b"n,a=,n=user,r=abc",
        b"n,user,n=user,r=abc",
        b"n,a=u=ser,n=user,r=abc",
        b"n,a=us\x01er,n=user,r=abc",
        b"p=tls-unique,,n=user,r=abc",
        b"p=,,n=user,r=abc",
        b"n,,m=x,n=user,r=abc",
        b"n,,m=,n=user,r=abc",
        b"n,,n=user,r=abc,m=x",
        b"n,,n=us=er,r=abc",
        b"n,,n=us=2cer,r=abc",
        b"n,,n=us\0er,r=abc",
        b"n,,n=us\ner,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,n=\xc2\xad,r=abc",  # SOFT HYPHEN: nothing is left of it
        b"n,,n=\xee\x80\x80,r=abc",  # U+E000, private use
        b"n,,n=user,r=a c",
        b"n,,n=user,r=\xc3\xa9",
        b"n,,n=user,r=abc\n",
        b"n,,n=user,r=abc,",
        b"n,,n=user,r=abc,x",
        b"n,,n=user,r=abc,x=",
        b"n,,n=user,r=abc,1=x",
    ],
)
def test_a_malformed_first_message_is_refused(client_first: bytes) -> None:
    """RFC 5802 §7, client-first-message; §6 for channel bindings."""
    with pytest.raises(Refused) as caught:
        begin(client_first)
    assert_syntax_error(caught.value)


@pytest.mark.parametrize(
    ("printed", "sent"),
    [
        (CLIENT_FINAL, b""),
        (b"c=biws", b"c="),
        (b"c=biws,", b""),
        (b"c=biws", b"c=eSws"),  # y,, where the first message said n,,
        (b"c=biws", b"c=biwsAA=="),  # with data of a channel binding
        (b"c=biws", b"c=biw"),
        (b"c=biws", b"c=b*ws"),
        (b"k0", b"k1"),
        (b"r=rO", b"r=RO"),
        (b"k0", b"k00"),
        (b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", b""),
        (b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,", b""),
        (b",p=", b",m=x,p="),
        (b",p=", b",p"),
        (b",p=", b",x,p="),
        (b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", b""),
        (b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", b""),
        (b"AndVQ=", b"AndVQ"),
        (b"AndVQ=", b"AndVR="),  # pad bits that are not zero
        (b"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", b"dHzb"),
        (b"AndVQ=", b"AndVQ=,x=y"),
        (b"AndVQ=", b"AndVQ=\n"),
        (b"c=biws", b"c=biws\xff"),
    ],
)
def test_a_malformed_final_message_is_refused(printed: bytes, sent: bytes) -> None:
    """RFC 5802 §7, client-final-message; §5.1 for c and r."""
    message = CLIENT_FINAL.replace(printed, sent)
    assert message != CLIENT_FINAL
    with pytest.raises(Refused) as caught:
        begin(CLIENT_FIRST).respond(message)
    assert_syntax_error(caught.value)


@given(
    first=st.from_regex(
        r"[nyp](=[a-z]*)?,(a=[^,]{0,3})?,n=[^,]{0,3},r=[ -~]{0,4}", fullmatch=True
    ),
    binding=st.sampled_from([b"biws", b"eSws", b"x", b""]),
    proof=st.binary(max_size=3) | st.just(bytes(32)),
)
def test_anything_that_looks_like_scram_is_taken_or_refused(
    first: str, binding: bytes, proof: bytes
) -> None:
    """Nearly right messages raise nothing but ``Refused`` either."""
    encoded = first.encode("utf-8", "surrogatepass")
    nonce = encoded.rpartition(b"r=")[2] + b"server"
    final = b"c=%s,r=%s,p=%s" % (binding, nonce, base64.b64encode(proof))
    try:
        credentials = converse(encoded, final, QUICK)
    except Refused as refused:
        assert_syntax_error(refused)
    else:
        assert not credentials.check_password("pencil")
