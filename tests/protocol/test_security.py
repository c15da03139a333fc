"""STARTTLS and AUTH: what may be said when, and what is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from .driver import codes
from .tools import AUTH_PLAIN, RECIPIENT, SENDER, USERS, delivers, keywords, start

# TLS


def test_starttls_forgets_what_was_said_in_the_clear() -> None:
    """RFC 3207 §4.2, and CVE-2011-0411: nothing behind STARTTLS is obeyed."""
    driver = start(tls="starttls")
    driver.line(SENDER)
    driver.line("RSET")
    assert codes(driver.send(b"STARTTLS\r\nRSET\r\n" + SENDER.encode())) == [220]
    assert driver.engine.discarded == b"RSET\r\n" + SENDER.encode()
    driver.start_tls()
    assert driver.engine.session.helo is None
    assert driver.line(SENDER)[:3] == "503"
    assert "STARTTLS" not in keywords(driver)
    assert driver.line("STARTTLS")[:3] == "503"
    assert delivers(driver)


@pytest.mark.parametrize(
    "said",
    [[SENDER], [SENDER, RECIPIENT], [SENDER, RECIPIENT, "BDAT 5\r\nabc"]],
    ids=len,
)
def test_starttls_ends_a_transaction(said: list[str]) -> None:
    """RFC 3207 §4 does not keep it out of one; §4.2 forgets it, as Postfix 3.7 does."""
    driver = start(tls="starttls")
    for line in said:
        assert driver.line(line)[:3] == "250"
    assert driver.line("STARTTLS")[:3] == "220"
    assert not driver.engine.session.in_transaction
    driver.start_tls().ready()
    assert driver.line(RECIPIENT)[:3] == "503"
    assert driver.line("DATA")[:3] == "503"
    assert delivers(driver)


def test_starttls_takes_no_argument() -> None:
    """RFC 3207 §4: 501."""
    assert start(tls="starttls").line("STARTTLS now")[:3] == "501"


def test_require_tls() -> None:
    """RFC 3207 §4: 530 5.7.0 for all but NOOP, EHLO, STARTTLS and QUIT."""
    driver = start(tls="starttls", require_tls=True)
    for line in (SENDER, "RSET", "HELO client", "VRFY x", "AUTH PLAIN"):
        assert driver.line(line)[:3] in ("530", "500")
    assert driver.line(SENDER)[:9] == "530 5.7.0"
    assert driver.line("NOOP")[:3] == "250"
    assert driver.line("STARTTLS")[:3] == "220"
    assert delivers(driver.start_tls().ready())


# AUTH


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["AUTH NOSUCH"], "504 5.5.4"),
        (["AUTH PLAIN ====="], "501 5.5.2"),
        (["AUTH PLAIN", "not base64!"], "501 5.5.2"),
        (["AUTH PLAIN", "*"], "501 5.7.0"),
        (["AUTH LOGIN", "dGlt", "*"], "501 5.7.0"),
        (["AUTH PLAIN AHRpbQB3cm9uZw=="], "535 5.7.8"),
        (["AUTH LOGIN dGlt", "d3Jvbmc="], "535 5.7.8"),
        (["AUTH"], "501 5.5.4"),
        ([SENDER, AUTH_PLAIN], "503 5.5.1"),
        (["auth plain " + AUTH_PLAIN.split()[2], AUTH_PLAIN], "503 5.5.1"),
    ],
    ids=str,
)
def test_auth_that_fails(lines: list[str], code: str) -> None:
    """RFC 4954 §4 and §6: the code, and the session goes on."""
    driver = start(auth=True, users=USERS)
    *before, last = lines
    for line in before:
        assert driver.line(line)[:3] in ("334", "250", "235")
    assert driver.line(last)[:9] == code
    driver.line("RSET")
    assert delivers(driver)


@pytest.mark.parametrize(
    "lines",
    [
        [AUTH_PLAIN],
        ["AUTH PLAIN", AUTH_PLAIN.split()[2]],
        ["AUTH LOGIN", "dGlt", "dGFuc3RhYWY="],
        ["auth login dGlt", "dGFuc3RhYWY="],
    ],
    ids=str,
)
def test_auth_that_succeeds(lines: list[str]) -> None:
    """With and without initial response, mechanisms in any case."""
    driver = start(auth=True, users=USERS, auth_required=True)
    assert driver.line(SENDER)[:9] == "530 5.7.0"
    for line in lines:
        answer = driver.line(line)
    assert answer[:9] == "235 2.7.0"
    assert driver.engine.session.security.user == "tim"
    assert driver.heard.credentials == [
        (lines[0].split()[1].upper(), "tim", "tanstaaf")
    ]
    assert delivers(driver)


def test_auth_waits_for_tls_that_is_on_offer() -> None:
    """RFC 4954 §4: 538 5.7.11, and EHLO does not name AUTH before."""
    driver = start(auth=True, users=USERS, tls="starttls")
    assert not [line for line in keywords(driver) if line.startswith("AUTH")]
    assert driver.line(AUTH_PLAIN)[:10] == "538 5.7.11"
    driver.line("STARTTLS")
    driver.start_tls().ready()
    assert driver.line(AUTH_PLAIN)[:3] == "235"


@pytest.mark.parametrize(
    "options",
    [
        {"allow_insecure_auth": True},
        {"hide": {"STARTTLS"}},
        {"disabled_commands": {"STARTTLS"}},
    ],
    ids=str,
)
def test_auth_in_clear_text(options: dict[str, Any]) -> None:
    """Where STARTTLS is hidden or disabled, or the option says so, AUTH is open."""
    driver = start(auth=True, users=USERS, tls="starttls", **options)
    assert "AUTH PLAIN LOGIN" in keywords(driver)
    assert driver.line(AUTH_PLAIN)[:3] == "235"
