"""What the engine answers, and that the session goes on as the RFC says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.protocol.answers.proposals import _PROPOSALS
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS, Settings
from pytest_smtpserver.protocol.state.states import TABLE, State
from pytest_smtpserver.protocol.syntax.replies import LocalProtocolError, Reply

from .driver import Driver, codes
from .tools import AUTH_PLAIN, RECIPIENT, SENDER, USERS, delivers, keywords, start

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.state.events import Event


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        # Out of order: RFC 5321 §4.1.4.
        ([RECIPIENT], "503"),
        (["DATA"], "503"),
        ([SENDER, "DATA"], "503"),
        ([SENDER, SENDER], "503"),
        (["BDAT 0 LAST"], "503"),
        # Syntax: §4.3.2.
        (["MAIL FROM:a@example.org"], "501"),
        (["MAIL FROM :<a@example.org>"], "501"),
        (["MAIL <a@example.org>"], "501"),
        (["MAIL"], "501"),
        ([SENDER, "RCPT TO:<>"], "501"),
        ([SENDER, "RCPT TO:<b@>"], "501"),
        ([SENDER, "RCPT TO:<b@[1.2.3]>"], "501"),
        (["EHLO"], "501"),
        (["EHLO two words"], "501"),
        (["HELO"], "501"),
        (["RSET now"], "501"),
        (["QUIT now"], "501"),
        ([SENDER, RECIPIENT, "DATA now"], "501"),
        (["VRFY"], "501"),
        ([SENDER, RECIPIENT, "BDAT"], "501"),
        ([SENDER, RECIPIENT, "BDAT x"], "501"),
        # Limits of paths: §4.5.3.1.1 to §4.5.3.1.3.
        ([f"MAIL FROM:<{'a' * 65}@example.org>"], "501"),
        ([f"MAIL FROM:<a@{'.'.join(['b' * 60] * 5)}>"], "501"),
        # Parameters: §4.1.1.11 (555), RFC 1870, RFC 6152, RFC 3461.
        ([SENDER + " FOO=1"], "555"),
        ([SENDER + " SIZE=x"], "501"),
        ([SENDER + " SIZE=1 SIZE=2"], "501"),
        ([SENDER + " BODY=9BIT"], "501"),
        ([SENDER + " RET=ALL"], "501"),
        ([SENDER, RECIPIENT + " NOTIFY=NEVER,DELAY"], "501"),
        ([SENDER, RECIPIENT + " ORCPT=rfc822"], "501"),
        ([SENDER, RECIPIENT + " RET=HDRS"], "555"),
        # Unknown: §4.2.4.
        (["WHAT"], "500"),
        ([""], "500"),
        (["\x00"], "500"),
        (["AUTH PLAIN"], "500"),
        (["ETRN example.org"], "500"),
        (["XCLIENT NAME=x"], "500"),
        (["EXPN list"], "502"),
        (["STARTTLS"], "454"),
        (["VRFY someone"], "252"),
        (["VRFY <ada@example.org>"], "252"),
        # Postfix and Exim refuse these (RFC 5321 §4.1.2: neither part is optional).
        (["VRFY @@"], "501"),
        (["VRFY ada@"], "501"),
        (["VRFY <ada@>"], "501"),
        (["VRFY <>"], "501"),
        (["HELP"], "214"),
        (["HELP MAIL"], "214"),
        (["NOOP whatever"], "250"),
    ],
    ids=str,
)
def test_an_answer_has_the_named_code_and_the_session_goes_on(
    lines: list[str], code: str
) -> None:
    """Each bad command gets its code, and the mail that follows arrives."""
    driver = start()
    *before, last = lines
    for line in before:
        assert driver.line(line).startswith("250")
    assert driver.line(last)[:3] == code
    assert driver.line("RSET")[:3] == "250"
    assert delivers(driver)


def test_commands_before_ehlo() -> None:
    """RFC 5321 §4.1.4: NOOP, HELP, VRFY, EXPN and RSET may come first, MAIL not."""
    driver = Driver()
    assert [
        driver.line(line)[:3]
        for line in ("NOOP", "HELP", "VRFY x", "EXPN x", "RSET", SENDER)
    ] == ["250", "214", "252", "502", "250", "503"]


def test_verbs_and_keywords_come_in_any_case() -> None:
    """RFC 5321 §2.4."""
    driver = Driver()
    wire = b"ehlo c\r\nMail fROM:<a@b.org> size=3\r\nrcpt to:<c@d.org>\r\ndaTA\r\n.\r\n"
    assert codes(driver.send(wire)) == [250, 250, 250, 354, 250]


def test_a_command_may_end_in_a_bare_lf() -> None:
    """The line is taken, and the record says how it ended."""
    driver = start()
    assert codes(driver.send(b"NOOP\n")) == [250]
    assert driver.line("QUIT")[:3] == "221"


@pytest.mark.parametrize(
    "ending", [b"\n.\n", b"\r.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n"]
)
def test_only_crlf_dot_crlf_ends_the_data(ending: bytes) -> None:
    """RFC 5321 §2.3.8 and §4.1.1.4: no other line end counts, and all are kept."""
    driver = start()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\nDATA\r\n".encode())
    assert driver.send(b"a" + ending + b"MAIL FROM:<evil@example.org>\r\n") == b""
    assert codes(driver.send(b".\r\n")) == [250]
    kept = (
        b"a" + ending.replace(b"\r\n.", b"\r\n") + b"MAIL FROM:<evil@example.org>\r\n"
    )
    assert driver.heard.messages[0][3] == kept


def test_a_command_line_that_is_too_long() -> None:
    """500, and the connection is closed, however the octets drip in."""
    for step in (None, 7):
        driver = start(max_command_length=100)
        assert codes(driver.send(b"NOOP " + b"x" * 200, step=step)) == [500]
        assert driver.engine.session.state is State.CLOSED


def test_a_line_of_content_is_never_too_long() -> None:
    """RFC 5321 §4.5.3.1.6 binds senders; a test server keeps what comes."""
    driver = start(max_command_length=100)
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\nDATA\r\n".encode())
    assert codes(driver.send(b"x" * 100_000 + b"\r\n.\r\n")) == [250]
    assert len(driver.heard.messages[0][3]) == 100_002


def test_an_http_request_is_turned_away() -> None:
    """421, and the connection is closed."""
    driver = Driver()
    assert driver.line("POST /x HTTP/1.1")[:3] == "421"
    assert driver.engine.session.state is State.CLOSED


# Limits


def test_max_recipients() -> None:
    """RFC 5321 §4.5.3.1.10: 452 for one too many, and the others get their mail."""
    driver = start(max_recipients=2)
    driver.line(SENDER)
    answers = [driver.line(f"RCPT TO:<{name}@example.org>") for name in "abc"]
    assert [answer[:9] for answer in answers] == ["250 2.1.5", "250 2.1.5", "452 4.5.3"]
    assert codes(driver.send(b"DATA\r\n.\r\n")) == [354, 250]
    assert driver.heard.messages[0][1:3] == (
        ["a@example.org", "b@example.org"],
        ["c@example.org"],
    )


def test_max_messages() -> None:
    """The transaction after the last one gets 421, and the connection is closed."""
    driver = start(max_messages=1)
    assert delivers(driver)
    assert driver.line(SENDER)[:9] == "421 4.7.0"
    assert driver.engine.session.state is State.CLOSED


def test_max_unrecognized_commands() -> None:
    """The last one that is allowed gets 421."""
    driver = start(max_unrecognized_commands=2)
    assert [driver.line("WHAT")[:3] for _ in range(2)] == ["500", "421"]


def test_max_unauthenticated_commands() -> None:
    """Clients that do not log in are sent away."""
    driver = start(auth=True, users=USERS, max_unauthenticated_commands=3)
    assert [driver.line("NOOP")[:3] for _ in range(2)] == ["250", "421"]


def test_size_is_refused_at_mail_and_after_the_data() -> None:
    """RFC 1870 §6: 552 5.3.4 for a declared size and for a real one."""
    driver = start(max_message_size=10)
    assert driver.line(SENDER + " SIZE=11")[:9] == "552 5.3.4"
    wire = f"{SENDER}\r\n{RECIPIENT}\r\nDATA\r\n0123456789\r\n.\r\n".encode()
    assert codes(driver.send(wire)) == [250, 250, 354, 552]
    short = wire.replace(b"0123456789", b"01234567")
    assert codes(driver.send(short)) == [250, 250, 354, 250]


def test_size_that_is_only_advertised() -> None:
    """With enforce_message_size off nothing is refused, and all is kept."""
    driver = start(max_message_size=1, enforce_message_size=False)
    assert "SIZE 1" in driver.line("EHLO client").replace("250-", "").split("\n")
    assert delivers(driver)


# EHLO


def test_ehlo_names_what_there_is() -> None:
    """The default extensions, in a stable order."""
    assert keywords(start()) == [
        "PIPELINING",
        "SIZE",
        "ENHANCEDSTATUSCODES",
        "8BITMIME",
        "DSN",
        "SMTPUTF8",
        "CHUNKING",
    ]


def test_hidden_extensions_go_on_working() -> None:
    """`hide` leaves the keyword out and nothing else."""
    driver = start(hide={"SIZE", "CHUNKING", "DSN"})
    assert not {"SIZE", "CHUNKING", "DSN"} & set(keywords(driver))
    assert driver.line(SENDER + " SIZE=1 RET=HDRS")[:3] == "250"
    driver.line(RECIPIENT)
    assert codes(driver.send(b"BDAT 1 LAST\r\nx")) == [250]


@pytest.mark.parametrize(
    ("extension", "parameter"),
    [("SIZE", "SIZE=1"), ("8BITMIME", "BODY=8BITMIME"), ("SMTPUTF8", "SMTPUTF8")],
)
def test_an_extension_that_is_off_takes_its_parameter_along(
    extension: str, parameter: str
) -> None:
    """RFC 5321 §2.2.2: without the extension its parameter is unknown."""
    driver = start(extensions={"PIPELINING"})
    assert extension not in keywords(driver)
    assert driver.line(f"{SENDER} {parameter}")[:3] == "555"


def test_advertised_lines_are_accepted_as_parameters() -> None:
    """`advertise` adds the line, and its keyword may be used."""
    driver = start(advertise=("X-Colour RED BLUE",))
    assert "X-Colour RED BLUE" in keywords(driver)
    assert driver.line(SENDER + " X-COLOUR=RED")[:3] == "250"


def test_no_enhanced_codes_without_the_extension() -> None:
    """RFC 2034: they are for servers that announce them."""
    driver = start(extensions=set())
    assert driver.line(SENDER) == "250 Sender ok"
    assert driver.line("WHAT") == "500 Command not recognized"


def test_disabled_commands_are_unknown_and_leave_ehlo() -> None:
    """500 5.5.1, as if they had never been there."""
    driver = start(
        auth=True, users=USERS, tls="starttls", disabled_commands={"AUTH", "STARTTLS"}
    )
    assert not [line for line in keywords(driver) if line[:4] in ("AUTH", "STAR")]
    for line in (AUTH_PLAIN, "STARTTLS"):
        assert driver.line(line)[:9] == "500 5.5.1"


def test_limits_says_what_is_enforced() -> None:
    """RFC 9422 §3."""
    driver = start(extensions=set(KNOWN_EXTENSIONS), max_recipients=5, max_messages=3)
    assert "LIMITS MAILMAX=3 RCPTMAX=5" in keywords(driver)
    assert "REQUIRETLS" not in keywords(driver), "RFC 8689 §2: over TLS only"


# Chunks


def test_chunks_make_a_message() -> None:
    """RFC 3030 §2: chunks join, dots in them mean nothing, LAST may be empty."""
    driver = start()
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    wire = b"BDAT 5\r\n\r\n.\r\nBDAT 3\r\nabcBDAT 0 LAST\r\n"
    assert codes(driver.send(wire)) == [250, 250, 250]
    assert driver.heard.messages[0][3] == b"\r\n.\r\nabc"
    assert driver.engine.session.sink.chunks == [5, 3, 0]
    assert delivers(driver)


def test_octets_of_a_refused_chunk_are_no_commands() -> None:
    """RFC 3030 §2: they are taken in, and thrown away."""
    driver = start(max_message_size=4)
    assert codes(driver.send(b"BDAT 6 LAST\r\nQUIT\r\n")) == [503]
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    answers = codes(driver.send(b"BDAT 3\r\nabcBDAT 6\r\nRSET\r\nBDAT 4 LAST\r\nabcd"))
    assert answers == [250, 552, 503]
    assert driver.engine.session.state is State.READY


def test_data_and_bdat_do_not_mix() -> None:
    """RFC 3030 §2: 503; and BINARYMIME cannot come by DATA (§3)."""
    driver = start(extensions=set(KNOWN_EXTENSIONS))
    driver.send(f"{SENDER}\r\n{RECIPIENT}\r\n".encode())
    driver.send(b"BDAT 1\r\nx")
    assert driver.line("DATA")[:3] == "503"
    driver.line("RSET")
    driver.line(SENDER + " BODY=BINARYMIME")
    driver.line(RECIPIENT)
    assert driver.line("DATA")[:3] == "503"
    assert codes(driver.send(b"BDAT 2 LAST\r\n\x00\n")) == [250]


# LMTP


def test_lmtp_replies_for_each_recipient() -> None:
    """RFC 2033 §4.2: one reply for each accepted RCPT, in their order."""

    def script(event: Event) -> Reply | None:
        refused = event.name == "MESSAGE" and event.recipient == "b@example.org"
        return Reply(552, "5.2.2 Full") if refused else None

    driver = Driver(Settings(lmtp=True), script)
    assert driver.line("EHLO client")[:3] == "500"
    assert driver.line("HELO client")[:3] == "500"
    driver.line("LHLO client")
    driver.line(SENDER)
    for name in "abc":
        driver.line(f"RCPT TO:<{name}@example.org>")
    assert codes(driver.send(b"DATA\r\nx\r\n.\r\n")) == [354, 250, 552, 250]
    assert driver.engine.session.state is State.READY


# The session goes by the reply that was sent


@pytest.mark.parametrize(
    ("verb", "reply", "lines", "answers"),
    [
        ("RCPT", "550 no", [SENDER, RECIPIENT, "DATA"], [250, 550, 503]),
        ("MAIL", "250 ok", ["MAIL garbage", RECIPIENT], [250, 250]),
        ("RCPT", "250 ok", [RECIPIENT, "DATA"], [250, 354]),
        ("EHLO", "502 no", ["EHLO again", SENDER], [502, 250]),
        ("QUIT", "500 no", ["QUIT", SENDER], [500, 250]),
        ("NOOP", "421 bye", ["NOOP", SENDER], [421]),
        ("RSET", "500 no", [SENDER, "RSET", RECIPIENT], [250, 500, 250]),
        ("DATA", "451 no", [SENDER, RECIPIENT, "DATA", "RSET"], [250, 250, 451, 250]),
    ],
)
def test_the_state_follows_the_reply(
    verb: str, reply: str, lines: list[str], answers: list[int]
) -> None:
    """Whoever wanted it: after a 550 there is no recipient, after a 250 there is."""
    ready = False

    def script(event: Event) -> Reply | None:
        return Reply.parse(reply) if ready and event.name == verb else None

    driver = Driver(script=script).ready()
    ready = True
    wire = "".join(f"{line}\r\n" for line in lines).encode()
    assert codes(driver.send(wire)) == answers


def test_a_refused_connection_is_left_with_quit() -> None:
    """RFC 5321 §3.1: after 554 everything but QUIT gets 503."""
    driver = Driver(
        script=lambda event: Reply(554, "no") if event.name == "CONNECT" else None
    )
    assert [driver.line(line)[:3] for line in ("EHLO c", "NOOP", "QUIT")] == [
        "503",
        "503",
        "221",
    ]


def test_every_command_has_a_row_in_the_table_of_states() -> None:
    """What the engine answers, the table of states knows."""
    assert set(_PROPOSALS) <= set(TABLE)


def test_an_engine_that_is_driven_wrongly_says_so() -> None:
    """Our own mistakes are not the client's."""
    driver = Driver()
    with pytest.raises(LocalProtocolError, match=r"^there is nothing to reply to$"):
        driver.engine.send_reply(Reply(250))
    driver.engine.receive_data(b"NOOP\r\n")
    assert driver.engine.next_event() is not None
    with pytest.raises(LocalProtocolError, match="has not been answered"):
        driver.engine.next_event()
