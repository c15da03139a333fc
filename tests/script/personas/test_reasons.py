"""Why a persona refuses: names that a type checker knows, words that are sent."""

from __future__ import annotations

import smtplib
from typing import Any, get_args

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.script.personas import products
from pytest_smtpserver.script.personas.tables import load


def test_the_types_name_each_reason() -> None:
    """Each function takes the reasons of its table; a type checker knows them all."""
    names = [name for name in personas.__all__ if hasattr(products, name)]
    assert names
    for name in names:
        takes = getattr(products, name).__annotations__["refuse"]
        reasons: Any = getattr(products, takes.split("Any, ")[1].partition("]")[0])
        assert get_args(reasons) == tuple(load(name).refusals), name


@pytest.mark.parametrize(
    ("persona", "code", "words"),
    [
        # https://senders.yahooinc.com/smtp-error-codes/
        (
            personas.yahoo({"b@x.example": "complaints"}),
            421,
            b"4.7.0 [TSS04] Messages from",
        ),
        (personas.yahoo({"b@x.example": "blocked"}), 553, b"5.7.1 [BL21] Connections"),
        # Exim's configuration as it comes.
        (personas.exim({"b@x.example": "no such user"}), 550, b"Unrouteable address"),
        (personas.exim({"b@x.example": "relay denied"}), 550, b"relay not permitted"),
        # Twilio's page "SMTP Errors and Troubleshooting".
        (
            personas.sendgrid({"b@x.example": "try again later"}),
            451,
            b"Temporary local problem - please try later",
        ),
    ],
    ids=repr,
)
def test_what_is_said_at_rcpt(
    persona: personas.Persona, code: int, words: bytes
) -> None:
    """The refused one alone; the other recipient gets the mail."""
    with SMTPServer() as server:
        server.play(persona)
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            client.ehlo()
            client.mail("a@x.example")
            said = client.rcpt("b@x.example")
        assert said[0] == code
        assert said[1].startswith(words)


@pytest.mark.parametrize(
    ("persona", "code", "words"),
    [
        (personas.yahoo({"b@x.example": "policy"}), 554, b"5.7.9 Message not accepted"),
        (
            personas.sendgrid({"b@x.example": "credits exceeded"}),
            451,
            b"Authentication failed: Maximum credits exceeded",
        ),
    ],
    ids=repr,
)
def test_what_is_said_to_the_message(
    persona: personas.Persona, code: int, words: bytes
) -> None:
    with SMTPServer() as server:
        server.play(persona)
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            client.ehlo()
            client.mail("a@x.example")
            client.rcpt("b@x.example")
            said = client.data(b"Hi.")
        assert said[0] == code
        assert said[1].startswith(words)
        assert len(server.messages) == 0


def test_sendgrids_user_is_the_word_apikey() -> None:
    """And a wrong key is told in its own words."""
    with SMTPServer(users={"apikey": "SG.x"}, auth_required=True) as server:
        server.play(personas.sendgrid())
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            with pytest.raises(smtplib.SMTPAuthenticationError, match="Bad username"):
                client.login("apikey", "SG.y")
            client.login("apikey", "SG.x")
            assert client.ehlo()[1].startswith(b"smtp.sendgrid.net")
