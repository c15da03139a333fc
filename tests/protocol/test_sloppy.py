"""Commands that are not as the RFC has them: what production takes is taken."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.syntax.commands import Command

from .driver import Driver
from .postfix_answers import ANSWERS, NOT_OURS, OURS_ALONE, Asked
from .tools import RECIPIENT, SENDER, start

TAKEN = [one for one in ANSWERS if one.code < 400]
REFUSED = [one for one in ANSWERS if one.code >= 500]


def last_code(settings: Settings, lines: tuple[bytes, ...]) -> int:
    """The code of the reply to the last line."""
    driver = Driver(settings)
    replies = [driver.send(line + b"\r\n") for line in lines]
    return int(replies[-1][:3])


def test_there_is_much_in_the_table() -> None:
    """The commands that were asked first, and more of their kind."""
    assert len(ANSWERS) == len({one.lines for one in ANSWERS}) >= 430
    lines = {one.lines[-1] for one in ANSWERS}
    assert lines >= NOT_OURS | OURS_ALONE


@pytest.mark.parametrize("asked", TAKEN, ids=str)
def test_the_lenient_options_take_what_postfix_takes(asked: Asked) -> None:
    """Or it is one of those that are named, with the reason."""
    lenient = Settings(lenient_addresses=True, lenient_parameters=True)
    # Postfix says 221 to what it takes for an attack.
    attack = asked.code == 221 and b"QUIT" not in asked.lines[-1]
    early = asked.lines == (b"MAIL FROM:<a@example.org>",)
    refused = attack or early or asked.lines[-1] in NOT_OURS
    assert (last_code(lenient, asked.lines) >= 400) is refused


@pytest.mark.parametrize("asked", REFUSED, ids=str)
def test_what_postfix_refuses_is_refused_by_default(asked: Asked) -> None:
    """Unless the RFC has it."""
    taken = last_code(Settings(), asked.lines) < 400
    assert taken is (asked.lines[-1] in OURS_ALONE)


@pytest.mark.parametrize(
    "line",
    [
        "MAIL FROM: <a@example.org>",
        "MAIL FROM:\t<a@example.org>",
        "MAIL  FROM:<a@example.org>",
        "MAIL\tFROM:<a@example.org>",
        " MAIL FROM:<a@example.org>",
        "\tMAIL \t FROM: \t <a@example.org> \t SIZE=10\t\tBODY=8BITMIME \t",
        "MAIL FROM:<a@example.org>  SIZE=10",
        "MAIL FROM:<a@example.org>\tSIZE=10",
        "MAIL FROM: <>",
        "EHLO  client.example.org",
        "\tEHLO\tclient.example.org",
        "NOOP\tx",
        " RSET",
    ],
)
def test_blanks_are_taken_and_stay_as_they_were_sent(line: str) -> None:
    """RFC 5321 §3.3 has none beside the colon; all that is wrong is that they are there."""
    driver = start()
    assert driver.line(line)[:3] == "250"
    assert driver.heard.commands[-1] == line


@pytest.mark.parametrize(
    "line", ["RCPT TO: <b@example.org>", "RCPT  TO:<b@example.org>\t NOTIFY=NEVER"]
)
def test_a_recipient_with_blanks_is_the_same_recipient(line: str) -> None:
    driver = start()
    driver.line(SENDER)
    assert driver.line(line)[:3] == "250"
    driver.send(b"\tDATA \r\n.\r\n")
    assert driver.heard.messages[0][1] == ["b@example.org"]


def test_chunks_with_blanks() -> None:
    """Their octets are no commands (RFC 3030 §2)."""
    driver = start()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    driver.send(b"BDAT \t 6\r\nRSET\r\n\tBDAT 0\tLAST\r\n")
    assert driver.heard.messages[0][3] == b"RSET\r\n"


def test_blanks_before_the_colon_need_the_option() -> None:
    """Postfix refuses them too; with the option they are taken."""
    for line in ("MAIL FROM :<a@example.org>", "MAIL FROM : <a@example.org>"):
        assert start().line(line)[:3] == "501"
        assert start(lenient_addresses=True).line(line)[:3] == "250"


@pytest.mark.parametrize(
    ("line", "verb", "argument"),
    [
        (b"NOOP\r\n", "NOOP", ""),
        (b"  noop \t\r\n", "NOOP", ""),
        (b"\tMail\t FROM: <a@b> \r\n", "MAIL", "FROM: <a@b>"),
        (b"AUTH  PLAIN\tx\r\n", "AUTH", "PLAIN\tx"),
        (b" \t\r\n", "", ""),
        (b"EHLO\x0bx\r\n", "EHLO\x0bX", ""),
    ],
)
def test_verb_and_argument(line: bytes, verb: str, argument: str) -> None:
    """Blanks and tabs alone divide them; the line stays as it came."""
    command = Command.parse(line)
    assert (command.verb, command.argument) == (verb, argument)
    assert (command.reply, command.answered_by) == (None, "")
    assert command.line == line


@pytest.mark.parametrize(
    ("argument", "mailbox"),
    [
        ("<Ada Lovelace <ada@example.org>>", "ada@example.org"),
        ('"Ada L"<ada@example.org>', "ada@example.org"),
        ('<"Ada L" <ada@example.org>>', "ada@example.org"),
        ("<ada@example.org (Ada)>", "ada@example.org"),
        ("<(Ada (L)) ada@example.org>", "ada@example.org"),
        ("< ada . l @ example . org >", "ada.l@example.org"),
        ("<<ada@example.org>>", "ada@example.org"),
        ("ada@example.org>", "ada@example.org"),
        ("<ada@example.org,>", "ada@example.org"),
        ("<,ada@example.org;>", "ada@example.org"),
        ("<ada@example.org>;", "ada@example.org"),
        ('<"a  b"@example.org>', '"a  b"@example.org'),
        ("<a\\ b@example.org>", "a\\ b@example.org"),
        ("<a(b)c@example.org>", "a(b)c@example.org"),
        ("<@x.example,y:ada@example.org>", "ada@example.org"),
        ('""', ""),
        ("(nobody)", ""),
        ("< >", ""),
    ],
)
def test_who_is_meant(argument: str, mailbox: str) -> None:
    """The mailbox without what was put around it; with it as it was sent."""
    driver = start(lenient_addresses=True)
    assert driver.line(f"MAIL FROM:{argument}")[:3] == "250"
    envelope = driver.engine.session.envelope
    assert envelope is not None
    assert envelope.mail_from == mailbox


@pytest.mark.parametrize(
    ("parameters", "values"),
    [
        ("SIZE=1 SIZE=2", {"declared_size": 2}),
        ("BODY=7BIT BODY=8BITMIME", {"body": "8BITMIME"}),
        ("ENVID=a=b", {"envid": "a=b"}),
        ("ENVID=+2b", {"envid": "+"}),
        (f"ENVID={'x' * 101}", {"envid": "x" * 101}),
    ],
)
def test_parameters_that_postfix_takes(
    parameters: str, values: dict[str, object]
) -> None:
    """`lenient_parameters` alone decides on them."""
    line = f"{SENDER} {parameters}"
    assert start(lenient_addresses=True).line(line)[:3] == "501"
    driver = start(lenient_parameters=True)
    assert driver.line(line)[:3] == "250"
    envelope = driver.engine.session.envelope
    assert envelope is not None
    assert {name: getattr(envelope, name) for name in values} == values


def test_a_sloppy_line_takes_linear_time() -> None:
    """Runs of any of its characters: the longest line, in a moment."""
    driver = start(lenient_addresses=True, lenient_parameters=True)
    for run in (
        " ",
        "\t ",
        "<",
        ">",
        "(",
        ")",
        "(a",
        '"',
        '"\\',
        "\\",
        ".",
        "@",
        "a@",
        ",",
        ":",
    ):
        for before in ("FROM:", "FROM:<", "FROM:<a@b> "):
            line = f"MAIL {before}{run * (16000 // len(run))}"
            assert driver.line(line)[:3] in ("250", "501", "555")
            driver.line("RSET")
