"""What EHLO offers now: RFC 5321 §4.1.1.1, RFC 3207 §4, RFC 4954 §3."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_smtpserver.protocol.answers.ehlo import (
    auth_needs_tls,
    ehlo_reply,
    mechanisms_on_offer,
    starttls_on_offer,
)
from pytest_smtpserver.protocol.state.session_state import SessionState
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS

from .sessions import session


def offered(where: SessionState) -> list[str]:
    """The keyword lines."""
    return list(ehlo_reply(where).lines[1:])


def test_the_first_line_is_the_host_name() -> None:
    """RFC 5321 §4.1.1.1: ehlo-ok-rsp begins with the domain of the server."""
    reply = ehlo_reply(session(hostname="mx.example.org", extensions=frozenset()))
    assert (reply.code, reply.lines) == (250, ("mx.example.org",))


@pytest.mark.parametrize(
    ("options", "secured", "expected"),
    [
        ({"tls": "starttls"}, False, True),
        ({"tls": "starttls"}, True, False),
        ({"tls": "implicit"}, False, False),
        ({}, False, False),
        ({"tls": "starttls", "disabled_commands": frozenset({"STARTTLS"})}, 0, False),
        # Hidden, it works all the same; only the keyword is not shown.
        ({"tls": "starttls", "hide": frozenset({"STARTTLS"})}, False, True),
    ],
)
def test_starttls(options: dict[str, Any], secured: bool, expected: bool) -> None:
    """RFC 3207 §4.2: it is no longer offered once TLS is there."""
    where = session(**options)
    if secured:
        where.secure("TLS", None)
    assert starttls_on_offer(where) is expected
    assert ("STARTTLS" in offered(where)) is (expected and "hide" not in options)


def test_chunking_is_offered_where_there_is_bdat() -> None:
    """RFC 3030 §2: the one is worth nothing without the other. All else stays."""
    every = frozenset(KNOWN_EXTENSIONS)
    before = offered(session(extensions=every))
    where = session(extensions=every, disabled_commands=frozenset({"BDAT"}))
    assert set(before) - set(offered(where)) == {"CHUNKING"}


@pytest.mark.parametrize(
    ("options", "needs"),
    [
        ({"tls": "starttls"}, True),
        ({"tls": "starttls", "allow_insecure_auth": True}, False),
        ({"tls": "starttls", "hide": frozenset({"STARTTLS"})}, False),
        ({"tls": "starttls", "disabled_commands": frozenset({"STARTTLS"})}, False),
        ({"tls": None}, False),
    ],
)
def test_auth_waits_for_tls(options: dict[str, Any], needs: bool) -> None:
    """RFC 4954 §4: not in clear text where the client could have TLS."""
    where = session(auth=True, **options)
    assert auth_needs_tls(where) is needs
    assert ("AUTH PLAIN LOGIN" in offered(where)) is not needs
    where.secure("TLS", None)
    assert not auth_needs_tls(where)
    assert "AUTH PLAIN LOGIN" in offered(where)


def test_auth_is_not_offered_twice() -> None:
    """RFC 4954 §4: after a success no more AUTH."""
    where = session(auth=True)
    where.security.log_in("ada")
    assert not [line for line in offered(where) if line.startswith("AUTH")]


def test_external_needs_somebody_whom_tls_knows() -> None:
    """RFC 4422 appendix A: the layer below has to have authenticated the client."""
    where = session(auth=True, auth_mechanisms=("EXTERNAL",))
    assert mechanisms_on_offer(where) == []
    assert not [line for line in offered(where) if line.startswith("AUTH")]
    where.secure("TLS", "ada")
    assert mechanisms_on_offer(where) == ["EXTERNAL"]
    assert "AUTH EXTERNAL" in offered(where)


def test_the_mechanisms_stand_in_the_order_of_the_option() -> None:
    """A client takes the first one that it knows."""
    names = ("LOGIN", "XOAUTH2", "PLAIN")
    assert mechanisms_on_offer(session(auth_mechanisms=names)) == list(names)


def test_keywords_with_values() -> None:
    """RFC 1870 §4, RFC 4865 §3, RFC 9422 §3; REQUIRETLS over TLS only (RFC 8689 §2)."""
    where = session(
        extensions=frozenset(KNOWN_EXTENSIONS),
        max_message_size=1000,
        max_recipients=5,
    )
    assert "SIZE 1000" in offered(where)
    assert "FUTURERELEASE 999999999 9999-12-31T23:59:59Z" in offered(where)
    assert "LIMITS RCPTMAX=5" in offered(where)
    assert "REQUIRETLS" not in offered(where)
    where.secure("TLS", None)
    assert "REQUIRETLS" in offered(where)


def test_chunking_goes_with_its_command() -> None:
    """A server without BDAT has no CHUNKING (RFC 3030 §2)."""
    where = session()
    assert "CHUNKING" in offered(where)
    where.disable(frozenset({"BDAT"}))
    assert "CHUNKING" not in offered(where)


def test_hidden_and_added_lines() -> None:
    """`hide` takes a line away whatever value it has, `advertise` comes last."""
    where = session(
        hide=frozenset({"SIZE", "PIPELINING"}),
        max_message_size=9,
        advertise=("X-One", "X-TWO a"),
    )
    lines = offered(where)
    assert not [line for line in lines if line.startswith(("SIZE", "PIPELINING"))]
    assert lines[-2:] == ["X-One", "X-TWO a"]


def test_each_situation_has_an_answer_of_its_own() -> None:
    """What was answered before TLS is not answered after it, nor the other way."""
    settings = session(tls="starttls", auth=True).settings
    before = SessionState(settings, lambda: ("n", b"s"))
    first = ehlo_reply(before)
    assert ehlo_reply(before) is first
    after = SessionState(settings, lambda: ("n", b"s"))
    after.secure("TLS", None)
    assert ehlo_reply(after) != first
    assert ehlo_reply(SessionState(settings, lambda: ("n", b"s"))) is first
