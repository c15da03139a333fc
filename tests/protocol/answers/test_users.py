"""Whose password it is: names and tokens as the mechanisms have them."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from pytest_smtpserver.protocol.answers.authentication import verdict
from pytest_smtpserver.protocol.sasl.credentials import Credentials, SaslContext
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.state.settings import Settings

QUICK = SaslContext(hostname="mx", nonce="server", salt=b"salt", iterations=1)


def scram(name: str, password: str) -> Credentials:
    """What a client of RFC 5802 §3 comes to."""
    exchange = Exchange(MECHANISMS["SCRAM-SHA-256"], QUICK)
    bare = f"n={name},r=client"
    first = exchange.start(f"n,,{bare}".encode())
    assert isinstance(first, bytes)
    without_proof = "c=biws,r=clientserver"
    message = f"{bare},{first.decode()},{without_proof}".encode()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 1)
    key = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(key).digest()
    signature = hmac.digest(stored, message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    final = f"{without_proof},p={base64.b64encode(proof).decode()}"
    credentials = exchange.respond(final.encode())
    assert isinstance(credentials, Credentials)
    return credentials


@pytest.mark.parametrize(
    ("sent", "users", "code"),
    [
        ("user", {"user": "pencil"}, 235),
        ("user", {"user": "pen"}, 535),
        ("user", {"other": "pencil"}, 535),
        # RFC 4013 §2.1: a soft hyphen is mapped to nothing, on both sides.
        ("us\u00ader", {"user": "pencil"}, 235),
        ("user", {"other": "x", "us\u00ader": "pencil"}, 235),
        ("user", {"us\u00ader": "pen"}, 535),
        # RFC 4013 §2.3: a name that is prohibited is nobody's, and in nobody's way.
        ("user", {"\x07": "x", "us\u00ader": "pencil"}, 235),
    ],
)
def test_scram_prepares_names(sent: str, users: dict[str, str], code: int) -> None:
    """RFC 5802 §2.2."""
    settings = Settings(auth=True, users=users)
    assert verdict(settings, scram(sent, "pencil")).code == code


def test_other_mechanisms_take_names_as_they_are() -> None:
    """RFC 4616 §2 leaves the preparation to the server; ours compares octets."""
    settings = Settings(auth=True, users={"us\u00ader": "pencil"})
    shown = Credentials("PLAIN", "user", password="pencil")
    assert verdict(settings, shown).code == 535


def test_any_user() -> None:
    """Every login is accepted, but for one that proves nothing."""
    anybody = Settings(auth=True, any_user=True)
    assert verdict(anybody, Credentials("PLAIN", "x", password="y")).code == 235
    assert verdict(anybody, Credentials("EXTERNAL", "x")).code == 535
    known = Credentials("EXTERNAL", "x", external_identity="y")
    assert verdict(anybody, known).code == 235
    nobody = Settings(auth=True)
    assert verdict(nobody, Credentials("PLAIN", "x", password="y")).code == 535
