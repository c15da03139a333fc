"""How what was recorded is shown, and what else it knows of itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pytest_smtpserver import Attachment
from pytest_smtpserver.mail.collection import Recorded
from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
from pytest_smtpserver.mail.outcomes import TLSInfo, transmission_type
from pytest_smtpserver.mail.report import Report, cut, table
from pytest_smtpserver.mail.transcript import Marked, Transcript
from pytest_smtpserver.protocol.display import masked, show, shown_command
from pytest_smtpserver.protocol.sasl.credentials import Credentials
from pytest_smtpserver.protocol.state.events import Event
from pytest_smtpserver.protocol.syntax.addresses import Address
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.protocol.syntax.replies import Reply

from .make import RECEIVED_AT, envelope, received


def session(*lines: str) -> SessionRecord:
    made = SessionRecord("1", ("127.0.0.1", 9), ("127.0.0.1", 25), RECEIVED_AT)
    made.commands += [Command.parse(f"{line}\r\n".encode()) for line in lines]
    return made


def test_a_session_in_a_line() -> None:
    made = session("EHLO c", "QUIT")
    assert repr(made) == "<SessionRecord 1 no EHLO 2 commands, 0 messages, open>"
    made.introduced("c.example.org", "EHLO")
    made.ended("client")
    assert repr(made) == (
        "<SessionRecord 1 c.example.org 2 commands, 0 messages, closed by the client>"
    )
    made.transcript.add(0.5, "C", b"QUIT\r\n")
    assert str(made) == str(made.transcript) == "  +0.500 C: QUIT"
    assert len(made.transcript) == 1


def test_what_a_session_knows() -> None:
    made = session("EHLO c")
    assert (made.quit_sent, made.pipelined, made.reused) == (False, False, False)
    made.commands.append(Command.parse(b"quit\r\n", pipelined=True))
    made.began(None, 2)
    assert (made.quit_sent, made.pipelined, made.reused) == (True, True, True)
    made.began(None, 1)
    assert not made.reused


def test_a_handshake_forgets_what_was_said_before() -> None:
    """RFC 3207 §4.2."""
    made = session()
    made.introduced("c", "EHLO")
    made.logged_in("ada")
    info = TLSInfo("TLSv1.3", "x", None, None)
    made.secured(info, b"NOOP\r\n")
    made.secured(info, b"RSET\r\n")
    assert (made.tls, made.discarded) == (info, b"NOOP\r\nRSET\r\n")
    assert (made.helo, made.opening_command, made.user) == (None, None, None)


def test_disabled_commands() -> None:
    """In any case; the engine hears of them while the connection is open."""
    told: list[Any] = []
    made = session()
    made.on_disable(told.append)
    made.disabled_commands = ["vrfy", "Expn"]
    assert made.disabled_commands == ("VRFY", "EXPN")
    made.ended("server")
    made.disabled_commands = ("HELP",)
    assert told == [("VRFY", "EXPN")]


@pytest.mark.parametrize(
    ("verb", "tls", "auth", "name"),
    [
        ("HELO", False, False, "SMTP"),
        ("EHLO", False, False, "ESMTP"),
        ("EHLO", False, True, "ESMTPA"),
        ("EHLO", True, False, "ESMTPS"),
        ("EHLO", True, True, "ESMTPSA"),
        ("LHLO", False, False, "LMTP"),
        ("LHLO", False, True, "LMTPA"),
        ("LHLO", True, False, "LMTPS"),
        ("LHLO", True, True, "LMTPSA"),
    ],
)
def test_transmission_types(verb: str, tls: bool, auth: bool, name: str) -> None:
    """RFC 3848 §2, all that it registers."""
    assert transmission_type(verb, tls, auth) == name


def test_a_message_and_an_attachment_in_a_line() -> None:
    message = received("From: a@x.org\r\nTo: b@x.org\r\nSubject: Hi\r\n\r\n")
    assert repr(message) == (
        "<ReceivedMessage from='a@x.org' to=['b@x.org'] subject='Hi', 43 octets>"
    )
    assert repr(Attachment("a.pdf", "application/pdf", b"12")) == (
        "<Attachment 'a.pdf', application/pdf, 2 octets>"
    )
    assert repr(Attachment("", "image/png", b"")) == "<Attachment image/png, 0 octets>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "'a'"),
        (re.compile("a"), "re.compile('a')"),
        (re.compile("a", re.IGNORECASE), "re.compile('a') with flags"),
        (re.compile(b"a"), "re.compile(b'a')"),
        (len, "len(…)"),
        (lambda _: 0, "a lambda"),
        (str, "<class 'str'>"),
    ],
)
def test_a_value_as_the_test_wrote_it(value: object, shown: str) -> None:
    assert show(value) == shown


@pytest.mark.parametrize(
    ("line", "shown", "hidden"),
    [
        ("AUTH PLAIN AGE=", "AUTH PLAIN ********", "AUTH PLAIN ********"),
        ("auth  login\tYQ==", "auth  login\t********", "auth  login\t********"),
        ("AUTH PLAIN", "AUTH PLAIN", "AUTH PLAIN"),
        ("AUTH", "AUTH", "AUTH"),
        ("AUTHX secret", "AUTHX secret", "********"),
        ("dGlt", "dGlt", "********"),
        # A mechanism is in upper case (RFC 4422 §3.1), and some write it in lower case.
        ("AUTH AGFkYQBsb3ZlbGFjZQ", "AUTH ********", "AUTH ********"),
        (
            "AUTH X-MY_OWN-1 QQ==",
            "AUTH X-MY_OWN-1 ********",
            "AUTH X-MY_OWN-1 ********",
        ),
        # The verb is misspelt, or POP3's (RFC 1939 §7); or AUTH was refused already.
        ("AUHT PLAIN AGE=", "AUHT PLAIN ********", "********"),
        ("AUTHPLAIN AGE=", "AUTHPLAIN ********", "********"),
        ("AUTH: plain AGE=", "AUTH: plain ********", "********"),
        ("\x00AUTH PLAIN AGE=", "\\x00AUTH PLAIN ********", "********"),
        ("AUTH\rXOAUTH2 AGE=", "AUTH\\rXOAUTH2 ********", "********"),
        ("PLAIN AGE=", "PLAIN ********", "********"),
        ("pass lovelace", "pass ********", "********"),
        ("bG92ZWxhY2U=", "********", "********"),
        ("AGFkYQBsb3ZlbGFjZTEy", "********", "********"),
        # Nothing of the kind.
        ("MAIL FROM:<login@plain.example> AUTH=<>",) * 2 + ("********",),
        ("StartTLS", "StartTLS", "********"),
        ("XCLIENT LOGIN=ada", "XCLIENT LOGIN=ada", "********"),
        ("NOOPNOOP", "NOOPNOOP", "********"),
        ("EHLO Mail01.example.org",) * 2 + ("********",),
    ],
)
def test_no_initial_response_is_shown(line: str, shown: str, hidden: str) -> None:
    """RFC 4954 §4; of a line that is known to be a secret nothing else either."""
    assert shown_command(line) == shown
    assert masked(line) == hidden


def test_the_entries_of_a_dialogue() -> None:
    transcript = Transcript(10.0)
    transcript.add(10.25, "C", b"NOOP AGE=\r\n")
    transcript.add(11, Marked("C", secret=True), b"AGE=\r\n")
    transcript.add(12, Marked("S", "a rule"), b"250-a\r\n250 b\r\n")
    transcript.add(13, "S", b"half")
    transcript.add(14, "S", b"")
    transcript.add(15, "note", "gone")
    assert transcript.lines() == [
        "  +0.250 C: NOOP AGE=",
        "  +1.000 C: ********",
        "  +2.000 S: 250-a",
        "         S: 250 b    <- a rule",
        "  +3.000 S: half[no CRLF]",
        "  +4.000 S: (nothing)",
        "  +5.000 -- gone",
    ]
    second = list(transcript)[2]
    assert (second.offset, second.kind, second.remark) == (2.0, "S", "a rule")
    assert not second.secret
    assert [entry.secret for entry in transcript] == [False, True, *[False] * 4]


def message(subject: str) -> ReceivedMessage:
    made = received(f"Subject: {subject}\r\n\r\n")
    made.session = session()
    return made


def test_a_long_table_shows_both_ends_and_what_matters() -> None:
    """Thirty rows; the others are counted where they would stand."""
    messages = [message(str(number)) for number in range(40)]
    rows = table(messages, [20])
    assert rows[0] == "40 messages:"
    labels = [row.split()[0] for row in rows[2:]]
    numbers = [label for label in labels if label != "…"]
    assert len(numbers) == 30
    assert {"1", "15", "21", "40"} <= set(numbers)
    left = [row.split() for row in rows if row.strip().startswith("…")]
    assert sum(int(row[1]) for row in left) == 10
    assert all(row[2] == "more" for row in left)
    assert len(table(messages)) == 42
    assert table(messages[:1])[0] == "1 message:"


def test_refusals_are_kept_with_the_command_in_front() -> None:
    lines = [f"  +0.000 C: {number}" for number in range(50)]
    lines[30] = "  +0.000 S: 550 No"
    shown = cut(lines, 11)
    assert lines[29] in shown
    assert lines[30] in shown
    assert shown[0] == lines[0]
    assert shown[-1] == lines[-1]
    gaps = [int(line.split()[1]) for line in shown if "more line" in line]
    assert sum(gaps) + len(shown) - len(gaps) == 50
    assert cut(lines, 50) is lines
    assert "         … 1 more line" in cut(lines[:12], 11)


def test_a_report_says_what_it_left_out() -> None:
    """With the way to see it."""
    made = []
    for number in range(60):
        one = session("EHLO c")
        one.transcript.add(0, "C", b"EHLO c\r\n")
        one.messages.append(
            ReceivedMessage(b"\r\n", envelope(), one, received_at=RECEIVED_AT)
        )
        for _ in range(8):
            one.transcript.add(0, "S", b"250 x\r\n")
        one.id = str(number)
        made.append(one)
    lines = str(Report("x", [], [], made)).split("\n")
    assert len(lines) <= 210
    (left,) = [line for line in lines if line.startswith("… ")]
    assert left.endswith("; -vv or --smtp-transcript=full shows all")
    count = int(left.split()[1])
    assert f"… {count} connections more ({count} messages)" in left
    assert sum(line.startswith("connection ") for line in lines) == 60 - count


HIDDEN = "\x1b\u202e\u3164\u2800\ufe00\U000e0041"


def test_no_repr_has_characters_that_are_not_seen() -> None:
    """pytest prints it where an assertion fails; Python's has blank letters as they are."""
    address = Address(f"a{HIDDEN}", parameter_list=[("X", HIDDEN)])
    sent = Envelope(address)
    sent.rcpt_to.append(address)
    sent.reject(address)
    command = Command.parse(f"RCPT TO:<{HIDDEN}>\r\n".encode())
    recorded: Recorded[str] = Recorded("word")
    recorded.record(HIDDEN)
    ours = (
        address,
        sent,
        command,
        [command],
        Reply(550, f"no {HIDDEN}"),
        received(f"X: {HIDDEN}\r\n\r\n").headers,
        Attachment(HIDDEN, f"text/{HIDDEN}", b""),
        Credentials("PLAIN", HIDDEN),
        Event(HIDDEN, command=command),
        recorded,
    )
    for one in ours:
        assert not set(HIDDEN) & set(repr(one)), ascii(one)
        assert "\\x1b\\u202e\\u3164\\u2800\\ufe00\\U000e0041" in repr(one)
    assert eval(repr(address)) == address


def test_the_repr_of_an_event_has_no_initial_response() -> None:
    """Nor is it in tracebacks with the local variables of the server's own code."""
    command = Command.parse(b"AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==\r\n")
    event = Event("AUTH", command=command)
    assert repr(event) == "<Event AUTH AUTH PLAIN ******** -> None>"


def test_a_dialogue_hides_what_looks_like_credentials() -> None:
    """Where the engine takes it for no AUTH; the entries have it."""
    transcript = Transcript()
    transcript.add(0, "C", b"AUHT PLAIN AGFkYQBsb3ZlbGFjZQ==\r\n")
    transcript.add(0, "C", b"AGFkYQBsb3ZlbGFjZQ==\r\n")
    shown = [line[9:] for line in transcript.lines()]
    assert shown == ["C: AUHT PLAIN ********", "C: ********"]
    assert b"AGFkYQBsb3ZlbGFjZQ" in transcript.entries[1].data
