"""XCLIENT and XFORWARD, as Postfix's XCLIENT_README and XFORWARD_README have them."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State

from .driver import Driver

_BOTH = Settings(xclient=True, xforward=True)
_SENDER = "MAIL FROM:<wietse@porcupine.org>"


def test_ehlo_names_them_only_where_they_are_on() -> None:
    """The attributes stand behind the keyword."""
    assert "XCLIENT NAME ADDR PORT PROTO HELO LOGIN" in Driver(_BOTH).line("EHLO c")
    assert "XFORWARD NAME ADDR PORT PROTO HELO IDENT" in Driver(_BOTH).line("EHLO c")
    driver = Driver()
    assert "XCLIENT" not in driver.line("EHLO c")
    assert driver.line("XCLIENT NAME=x")[:3] == "500"
    assert driver.line("XFORWARD NAME=x")[:3] == "500"


def test_the_readme_example_of_xclient() -> None:
    """XCLIENT_README: 220 as at the start, then EHLO and mail."""
    driver = Driver(_BOTH)
    greeting = driver.greeting.decode().rstrip()
    driver.line("EHLO client.example.com")
    line = "XCLIENT NAME=spike.porcupine.org ADDR=168.100.189.2"
    assert driver.line(line) == greeting
    assert driver.engine.session.xclient == {
        "NAME": "spike.porcupine.org",
        "ADDR": "168.100.189.2",
    }
    assert driver.engine.session.helo is None
    assert driver.line(_SENDER)[:3] == "503"
    driver.line("EHLO spike.porcupine.org")
    assert driver.line(_SENDER)[:3] == "250"
    assert driver.engine.session.helo == "spike.porcupine.org"


def test_xclient_forgets_who_has_logged_in() -> None:
    """And LOGIN says who has, in front."""
    settings = Settings(xclient=True, auth=True, users={"tim": "tanstaaf"})
    driver = Driver(settings).ready()
    assert driver.line("AUTH PLAIN AHRpbQB0YW5zdGFhZg==")[:3] == "235"
    assert driver.line("XCLIENT LOGIN=[UNAVAILABLE]")[:3] == "220"
    assert (
        driver.engine.session.security.authenticated,
        driver.engine.session.security.user,
    ) == (
        False,
        None,
    )
    assert driver.line("xclient login=ada+40example.org")[:3] == "220"
    assert (
        driver.engine.session.security.authenticated,
        driver.engine.session.security.user,
    ) == (
        True,
        "ada@example.org",
    )
    assert driver.line("EHLO again").find("AUTH") < 0


def test_xclient_before_a_login_that_is_required() -> None:
    """It may bring the login."""
    driver = Driver(Settings(xclient=True, auth=True, auth_required=True)).ready()
    assert driver.line(_SENDER)[:3] == "530"
    assert driver.line("XCLIENT LOGIN=ada")[:3] == "220"
    assert driver.ready().line(_SENDER)[:3] == "250"


def test_what_several_xclients_say_adds_up() -> None:
    """XCLIENT_README: a client may send more than one."""
    driver = Driver(_BOTH)
    driver.line("XCLIENT NAME=[TEMPUNAVAIL] ADDR=IPV6:2001:DB8::1 PORT=25")
    driver.line("XCLIENT PROTO=esmtp HELO=a+20b DESTADDR=127.0.0.1 DESTPORT=65535")
    assert driver.engine.session.xclient == {
        "NAME": None,
        "ADDR": "2001:db8::1",
        "PORT": "25",
        "PROTO": "ESMTP",
        "HELO": "a b",
        "DESTADDR": "127.0.0.1",
        "DESTPORT": "65535",
    }


def test_xforward_is_taken_note_of() -> None:
    """XFORWARD_README: 250, and the session goes on as it was."""
    driver = Driver(_BOTH).ready()
    line = "XFORWARD NAME=spike.porcupine.org ADDR=168.100.189.2 PROTO=ESMTP"
    assert driver.line(line)[:3] == "250"
    assert driver.line("XFORWARD IDENT=12345 SOURCE=local HELO=[UNAVAILABLE]")[:3] == (
        "250"
    )
    assert driver.engine.session.xforward == {
        "NAME": "spike.porcupine.org",
        "ADDR": "168.100.189.2",
        "PROTO": "ESMTP",
        "IDENT": "12345",
        "SOURCE": "LOCAL",
        "HELO": None,
    }
    assert driver.engine.session.state is State.READY
    assert driver.line(_SENDER)[:3] == "250"


@pytest.mark.parametrize(
    ("verb", "name", "values"),
    [
        ("XCLIENT", "PROTO", ("SMTP", "ESMTP")),
        ("XFORWARD", "PROTO", ("SMTP", "ESMTP")),
        ("XFORWARD", "SOURCE", ("LOCAL", "REMOTE")),
    ],
)
def test_attributes_with_two_values(
    verb: str, name: str, values: tuple[str, str]
) -> None:
    """XCLIENT_README, XFORWARD_README: these two, in any case of letters."""
    for value in values:
        for sent in (value, value.lower()):
            driver = Driver(_BOTH).ready()
            assert driver.line(f"{verb} {name}={sent}")[:3] in ("220", "250")
            session = driver.engine.session
            taken = session.xclient if verb == "XCLIENT" else session.xforward
            assert taken == {name: value}


@pytest.mark.parametrize("verb", ["XCLIENT", "XFORWARD"])
@pytest.mark.parametrize(
    "argument",
    [
        "",
        "NAME",
        "NAME=",
        "NAME=+4",
        "NAME=a+00b",
        f"NAME={'a' * 256}",
        "COLOUR=red",
        "ADDR=300.1.1.1",
        "ADDR=IPV6:127.0.0.1",
        "ADDR=spike",
        "PORT=x",
        "PORT=65536",
        "PROTO=HTTP",
    ],
)
def test_bad_attributes(verb: str, argument: str) -> None:
    """501, and nothing is taken note of."""
    driver = Driver(_BOTH).ready()
    assert driver.line(f"{verb} {argument}")[:9] == "501 5.5.4"
    assert (driver.engine.session.xclient, driver.engine.session.xforward) == ({}, {})
    assert driver.line(_SENDER)[:3] == "250"


@pytest.mark.parametrize("line", ["XCLIENT NAME=x", "XFORWARD NAME=x"])
def test_not_in_a_transaction(line: str) -> None:
    """503, and the transaction goes on."""
    driver = Driver(_BOTH).ready()
    driver.line(_SENDER)
    assert driver.line(line)[:3] == "503"
    assert driver.line("RCPT TO:<user@example.com>")[:3] == "250"
