"""Nothing but CRLF.CRLF ends data, and nothing in clear text is read as if over TLS."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_smtpserver.protocol.state.states import State

from .attacks import BEHIND_STARTTLS, NO_END_OF_DATA, SMUGGLED
from .driver import Driver, codes
from .tools import RECIPIENT, SENDER, USERS, delivers, start

OPEN = f"{SENDER}\r\n{RECIPIENT}\r\nDATA\r\n".encode()
END = b"\r\n.\r\n"


def ready() -> Driver:
    """A session that reads data."""
    driver = start()
    replies = driver.send(OPEN)
    assert codes(replies) == [250, 250, 354]
    return driver


def kept(content: bytes) -> bytes:
    """The content without transparency: RFC 5321 §4.5.2 has only CRLF for a line end."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]


@pytest.mark.parametrize("ending", NO_END_OF_DATA, ids=repr)
def test_smuggled_commands_are_content(ending: bytes) -> None:
    """However the octets are cut: one message, and all of it is in it."""
    content = b"before" + ending + SMUGGLED
    wire = content + END
    pieces = [[wire[:cut], wire[cut:]] for cut in range(len(wire) + 1)]
    pieces += [[wire[at : at + 1] for at in range(len(wire))], [wire]]
    for cut in pieces:
        driver = ready()
        assert codes(driver.send_pieces(cut)) == [250]
        ((sender, recipients, _, message),) = driver.heard.messages
        assert (sender, recipients) == ("a@example.org", ["b@example.org"])
        assert message == kept(content + b"\r\n")
        assert driver.heard.commands[-1] == "DATA"


@pytest.mark.parametrize("ending", NO_END_OF_DATA, ids=repr)
def test_at_the_very_beginning_too(ending: bytes) -> None:
    """There the line before is DATA's own, whose CRLF is not content."""
    wire = ending + SMUGGLED + END
    for cut in range(len(wire) + 1):
        driver = ready()
        assert codes(driver.send_pieces([wire[:cut], wire[cut:]])) == [250]
        assert driver.heard.messages[0][3] == kept(ending + SMUGGLED + b"\r\n")


@pytest.mark.parametrize("ending", NO_END_OF_DATA, ids=repr)
@pytest.mark.parametrize("options", [{"max_message_size": 10}, {"lmtp": True}], ids=str)
def test_nor_are_they_where_content_is_refused(
    ending: bytes, options: dict[str, Any]
) -> None:
    """RFC 5321 §4.5.3.1.7: what is too large is read to its end; so it is in LMTP."""
    driver = start(**options)
    driver.send(OPEN)
    answers = codes(driver.send(b"more than ten" + ending + SMUGGLED + END))
    assert answers == [250 if "lmtp" in options else 552]
    assert driver.heard.commands[-1] == "DATA"
    driver.line("RSET")
    assert driver.engine.session.state is State.READY


@pytest.mark.parametrize(
    ("before", "argument", "code"),
    [
        ([], "24 LAST", 503),
        ([SENDER], "24 LAST", 503),
        ([SENDER, RECIPIENT], "024 LAST", 250),
        ([SENDER, RECIPIENT], "24\tlast", 250),
        ([SENDER, RECIPIENT, "BDAT 0 LAST"], "24", 503),
        ([SENDER, RECIPIENT, "BDAT 1\r\nx"], "24 LAST", 250),
    ],
)
def test_a_chunk_is_as_long_as_it_says(
    before: list[str], argument: str, code: int
) -> None:
    """RFC 3030 §2: also where it is refused its octets are no commands."""
    driver = start()
    for line in before:
        driver.line(line)
    wire = f"BDAT {argument}\r\nMAIL FROM:<evil@e.org>\r\nNOOP\r\n".encode()
    answers = codes(driver.send_pieces([wire[at : at + 1] for at in range(len(wire))]))
    assert answers == [code, 250]
    assert driver.heard.commands[-2:] == [f"BDAT {argument}", "NOOP"]


@pytest.mark.parametrize(
    "argument",
    [
        "+24",
        "-24",
        "0x18",
        "24 24",
        "24 LAST LAST",
        "24\x00",
        "24,",
        "2_4",
        "\u0662\u0664",
    ],
)
def test_a_chunk_has_one_length(argument: str) -> None:
    """RFC 3030 §2: chunk-size is 1*DIGIT, and nothing that some library reads as one."""
    driver = start()
    driver.line(SENDER)
    driver.line(RECIPIENT)
    assert driver.line(f"BDAT {argument}")[:9] == "501 5.5.4"
    assert driver.heard.messages == []


@pytest.mark.parametrize("ending", [*NO_END_OF_DATA, END], ids=repr)
def test_in_a_chunk_no_octet_has_a_meaning(ending: bytes) -> None:
    """RFC 3030 §2."""
    content = b"before" + ending + SMUGGLED
    wire = b"BDAT %d LAST\r\n%b" % (len(content), content)
    for cut in range(len(wire) + 1):
        driver = start()
        driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
        assert codes(driver.send_pieces([wire[:cut], wire[cut:]])) == [250]
        assert driver.heard.messages[0][3] == content


@pytest.mark.parametrize(
    "line",
    [b"NOOP\rNOOP\r\n", b"NOOP\x00NOOP\r\n", b"\xc2\x85NOOP\r\n", b"NOOP\x0bQUIT\r\n"],
)
def test_only_lf_ends_a_command(line: bytes) -> None:
    """And what is inside of it is no second one."""
    driver = start()
    assert len(codes(driver.send(line))) == 1
    assert driver.engine.session.state is State.READY


@pytest.mark.parametrize("plaintext", BEHIND_STARTTLS, ids=repr)
def test_plaintext_behind_starttls_is_never_read(plaintext: bytes) -> None:
    """RFC 3207 §4: not as a command before TLS, nor as one after it."""
    wire = b"STARTTLS\r\n" + plaintext
    for cut in range(len(wire) + 1):
        driver = start(tls="starttls", auth=True, users=USERS)
        heard = driver.heard.commands
        assert codes(driver.send_pieces([wire[:cut], wire[cut:]])) == [220]
        assert driver.engine.session.state is State.TLS
        assert heard[-1] == "STARTTLS"
        driver.start_tls()
        assert heard[-1] == "STARTTLS"
        assert driver.engine.discarded == plaintext
        assert driver.engine.session.helo is None
        assert not driver.engine.session.security.authenticated
        # What the client says over TLS is not appended to half a plaintext line.
        assert codes(driver.send(b"NOOP\r\n")) == [250]
        assert heard[-1] == "NOOP"
        driver.line("EHLO client.example.org")
        assert delivers(driver)


def test_what_was_said_before_tls_is_forgotten() -> None:
    """RFC 3207 §4.2: EHLO, AUTH, and a transaction that a rule has let STARTTLS end."""
    driver = start(tls="starttls", auth=True, users=USERS, allow_insecure_auth=True)
    driver.line("AUTH PLAIN AHRpbQB0YW5zdGFhZg==")
    assert driver.engine.session.security.user == "tim"
    driver.line("STARTTLS")
    driver.start_tls()
    assert driver.engine.session.security.user is None
    assert driver.engine.session.helo is None
    assert driver.line(SENDER)[:3] == "503"
