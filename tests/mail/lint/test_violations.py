"""What clients do that an RFC forbids, or that is unwise."""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver import ProtocolViolated, SMTPServer
from pytest_smtpserver.mail.lint.advice import advice
from pytest_smtpserver.mail.lint.violations import explain, violations
from pytest_smtpserver.mail.lint.violations_content import content_problems
from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
from pytest_smtpserver.protocol.syntax.commands import Command
from tests.server.wire import Wire

from ..make import RECEIVED_AT, envelope

if TYPE_CHECKING:
    from pytest_smtpserver.mail.lint.findings import Violation

HEAD = b"From: a@example.org\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n"
GOOD = HEAD + b"Message-ID: <1@example.org>\r\n\r\nHello\r\n"


def talk(*steps: bytes, end: bytes = b"QUIT\r\n", **options: Any) -> list[Violation]:
    """What the server says of a client that sends these, each after the last reply."""
    with SMTPServer(**options) as server:
        with socket.create_connection(server.address) as client:
            stream = client.makefile("rb")
            _reply(stream)
            for step in (*steps, end):
                client.sendall(step)
                for _ in range(_replies_to(step)):
                    _reply(stream)
            stream.close()
        server.settle()
        return server.violations


def _replies_to(step: bytes) -> int:
    head, data, content = step.partition(b"DATA\r\n")
    count = head.count(b"\n") + bool(data)
    return (
        count + bool(content) if data else (1 if step.endswith(b"\r\n.\r\n") else count)
    )


def _reply(stream: Any) -> bytes:
    while (line := stream.readline()) and line[3:4] == b"-":
        pass
    return bytes(line)


def message(content: bytes, mail: bytes = b"MAIL FROM:<a@example.org>\r\n") -> Any:
    """The steps of a transaction."""
    return (
        b"EHLO client.example.org\r\n",
        mail,
        b"RCPT TO:<b@example.org>\r\n",
        b"DATA\r\n",
        content + b".\r\n",
    )


def names(found: list[Violation]) -> list[str]:
    return [one.name for one in found]


def test_a_good_client_does_nothing_wrong() -> None:
    """Nothing is found where nothing is."""
    assert talk(*message(GOOD)) == []


@pytest.mark.parametrize(
    ("steps", "name", "section", "where"),
    [
        ((b"EHLO c.example\n",), "bare-lf", "RFC 5321 §2.3.8", "command 1"),
        (
            (b"EHLO c.example\r\n", b"NOOP a\rb\r\n"),
            "bare-cr",
            "RFC 5321 §2.3.8",
            "command 2",
        ),
        (
            (b"EHLO my_host.example\r\n",),
            "client-name",
            "RFC 5321 §4.1.1.1",
            "command 1",
        ),
        (
            (b"EHLO c.example\r\n", b"NOOP\r\nRSET\r\n"),
            "pipelining-after-last",
            "RFC 2920 §3.1",
            "command 3",
        ),
        (
            (b"HELO c.example\r\n", b"RSET\r\nRSET\r\n"),
            "pipelining-not-offered",
            "RFC 2920 §3.1",
            "command 3",
        ),
        (
            (b"EHLO c.example\r\n", "MAIL FROM:<ä@example.org>\r\n".encode()),
            "utf8-address",
            "RFC 6531 §3.4",
            "command 2",
        ),
        *(
            ((b"EHLO c.example\r\n", line), "blanks", "RFC 5321 §3.3", "command 2")
            for line in (
                b"MAIL FROM: <a@example.org>\r\n",
                b"MAIL FROM:\t<a@example.org>\r\n",
                b"MAIL FROM :<a@example.org>\r\n",
                b"MAIL  FROM:<a@example.org>\r\n",
                b"MAIL\tFROM:<a@example.org>\r\n",
                b" MAIL FROM:<a@example.org>\r\n",
                b"MAIL FROM:<a@example.org>  SIZE=1\r\n",
                b"MAIL FROM:<a@example.org> SIZE=1\tBODY=8BITMIME\r\n",
                b"NOOP  x\r\n",
                b"\tRSET\r\n",
            )
        ),
    ],
)
def test_commands(
    steps: tuple[bytes, ...], name: str, section: str, where: str
) -> None:
    """Each is found once, with its section and its place."""
    (found,) = talk(*steps)
    assert (found.name, found.section) == (name, section)
    assert found.where == f"connection 1, {where}"


@pytest.mark.parametrize(
    "line",
    [
        # RFC 5321 §4.1.1: white space at the end is to be tolerated.
        b"MAIL FROM:<a@example.org> \t\r\n",
        # Blanks in quotes belong to the mailbox (§4.1.2).
        b'MAIL FROM:<"a  b"@example.org> SIZE=1\r\n',
        b"NOOP a  b : c\r\n",
        b"NOOP \r\n",
    ],
)
def test_blanks_where_they_may_be(line: bytes) -> None:
    """Nothing to complain about."""
    assert talk(b"EHLO c.example\r\n", line) == []


@pytest.mark.parametrize(
    "name",
    [  # the table of RFC 5322 §3.6
        *("Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc"),
        *("Message-ID", "In-Reply-To", "References", "Subject"),
    ],
)
def test_a_field_that_may_stand_once(name: str) -> None:
    """In any case, and with its name in the finding."""
    content = f"{name}: a\r\n{name.lower()}: b\r\nX-Tag: c\r\nX-Tag: d\r\n\r\n"
    found = [
        problem.what
        for problem in content_problems(content.encode(), envelope())
        if problem.name == "duplicate-header"
    ]
    assert found == [f"the header has 2 fields {name}, at most one is allowed"]


def test_pipelining_that_is_allowed() -> None:
    """RFC 2920 §3.1: DATA ends a group, content begins one."""
    assert (
        talk(
            b"EHLO c.example\r\n",
            b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
            GOOD + b".\r\nQUIT\r\n",
            end=b"",
        )
        == []
    )


def test_a_client_that_does_not_wait_for_the_greeting() -> None:
    """Nobody has offered PIPELINING yet (RFC 2920 §3.1)."""
    session = _session(b"EHLO c.example\r\n")
    session.commands[0].pipelined = True
    (found,) = violations([session])
    assert (found.name, found.line) == ("early-talker", "EHLO c.example")


def test_content_before_354() -> None:
    """RFC 2920 §3.1: DATA is the last command of its group."""
    found = talk(
        b"EHLO c.example\r\n",
        b"MAIL FROM:<a@example.org>\r\n",
        b"RCPT TO:<b@example.org>\r\n",
        b"DATA\r\n" + GOOD + b".\r\n",
    )
    assert names(found) == ["content-before-354"]


def test_addresses_with_smtputf8() -> None:
    """RFC 6531 §3.4: the parameter allows them, also in RCPT and in the header."""
    assert (
        talk(
            b"EHLO c.example\r\n",
            "MAIL FROM:<ä@example.org> SMTPUTF8\r\n".encode(),
            "RCPT TO:<ö@example.org>\r\n".encode(),
            b"DATA\r\n",
            "Subject: Grüße\r\n".encode() + GOOD + b".\r\n",
        )
        == []
    )


@pytest.mark.parametrize(
    ("content", "name", "place"),
    [
        (GOOD + b"a\nb\r\n", "bare-lf", 6),
        (GOOD + b"a\rb\r\n", "bare-cr", 6),
        (GOOD + b"x" * 999 + b"\r\n", "long-line", 6),
        (GOOD + b"\xe4\r\n", "8-bit-content", 6),
        (b"Subject: \xc3\xa4\r\n" + GOOD, "8-bit-header", 1),
        (GOOD.partition(b"\r\n")[2], "no-from", 0),
        (GOOD.replace(b"Date:", b"X-Date:"), "no-date", 0),
        (b"Subject: 1\r\nsubject: 2\r\n" + GOOD, "duplicate-header", 0),
    ],
)
def test_content(content: bytes, name: str, place: int) -> None:
    """Each is found once, with the number of its line."""
    (found,) = content_problems(content, envelope())
    assert (found.name, found.number) == (name, place)


def test_the_header_of_what_was_delivered() -> None:
    """RFC 5322 §3.6: From and Date; looked for where the whole message came."""
    found = talk(*message(b"Subject: x\r\n\r\nHello\r\n"))
    assert names(found) == ["no-from", "no-date"]


def test_a_group_behind_a_command_without_a_reply() -> None:
    """RFC 2920 §3.1; the rule that says nothing has not replied with 354 either."""
    with SMTPServer(hide=["PIPELINING"]) as server:
        server.on("NOOP").send(b"")
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO c.example")
            wire.send(b"NOOP\r\nRSET\r\nQUIT\r\n")
            assert [wire.reply()[:3], wire.reply()[:3]] == ["250", "221"]
        server.settle()
        assert "pipelining-not-offered" in names(server.violations)


def test_an_empty_line_before_the_header_counts() -> None:
    """Lines end with LF here, also those that should end with CRLF."""
    found = content_problems(b"\n" + GOOD + b"\xe4\r\n", envelope())
    assert {one.name: one.number for one in found if one.number} == {
        "bare-lf": 1,
        "8-bit-content": 7,
    }


def test_content_that_is_allowed() -> None:
    """A line of 998 octets, 8-bit with BODY=8BITMIME, anything with BINARYMIME."""
    with SMTPServer(extensions=["8BITMIME", "CHUNKING", "BINARYMIME"]) as server:
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            client.sendmail(
                "a@example.org",
                ["b@example.org"],
                GOOD + b"x" * 998 + b"\r\n\xe4\r\n",
                mail_options=["BODY=8BITMIME"],
            )
            client.docmd("MAIL", "FROM:<a@example.org> BODY=BINARYMIME")
            client.docmd("RCPT", "TO:<b@example.org>")
            octets = GOOD + b"\n\r\xe4" * 500
            client.send(b"BDAT %d LAST\r\n%s" % (len(octets), octets))
            assert client.getreply()[0] == 250
        assert len(server.messages) == 2
        assert server.violations == []


def test_a_client_that_does_not_say_quit() -> None:
    """RFC 5321 §4.1.1.10; the line and the reason come along."""
    (found,) = talk(b"EHLO c.example\r\n", end=b"")
    assert str(found) == (
        "connection 1: the client closed the connection without QUIT "
        "(RFC 5321 §4.1.1.10)\n"
        "    The server cannot tell this from a connection that broke."
    )


def test_no_quit_is_needed_after_a_close_of_ours() -> None:
    """After 421 there is nobody to say it to."""
    with SMTPServer() as server:
        server.on("NOOP").reply(421)
        with socket.create_connection(server.address) as client:
            client.sendall(b"EHLO c.example\r\n")
            stream = client.makefile("rb")
            while stream.readline()[:4] != b"250 ":
                pass
            client.sendall(b"NOOP\r\n")
            assert stream.read()[:4] == b"421 "
            stream.close()
        server.settle()
        assert server.violations == []


def test_no_quit_is_needed_while_a_reply_is_owed() -> None:
    """RFC 5321 §4.5.3.2: a client may run out of patience."""
    with SMTPServer() as server:
        rule = server.on("EHLO").hang()
        with socket.create_connection(server.address) as client:
            client.recv(100)
            client.sendall(b"EHLO c.example\r\n")
            server.on("CLOSE").call(lambda event: None).optional()
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
        server.settle()
        assert rule.called
        assert server.violations == []


def test_no_quit_is_needed_where_the_certificate_is_not_trusted() -> None:
    """RFC 3207 §4.1: whoever does not like what TLS has shown may leave."""
    with SMTPServer(tls="starttls", certificate="wrong_host") as server:
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            with pytest.raises(ssl.SSLCertVerificationError):
                client.starttls(context=server.client_context())
            client.close()
        server.settle()
        assert server.sessions[0].closed_by == "client"
        assert server.violations == []


def test_data_behind_starttls() -> None:
    """RFC 3207 §4: it was thrown away, and is a violation."""
    session = _session(b"EHLO c.example\r\n", b"STARTTLS\r\n")
    session.discarded = b"MAIL FROM:<evil@example.org>\r\n"
    (found,) = violations([session])
    assert (found.name, found.section) == ("data-behind-starttls", "RFC 3207 §4")
    assert found.line == "MAIL FROM:<evil@example.org>\\r\\n"


def _session(*lines: bytes) -> SessionRecord:
    session = SessionRecord("1", ("127.0.0.1", 1), ("127.0.0.1", 2), RECEIVED_AT)
    session.commands += [Command.parse(line) for line in lines]
    return session


def test_strict_raises_what_is_wrong() -> None:
    """check() complains, without it violations are facts and nothing more."""
    for strict in (True, False):
        with SMTPServer(strict=strict) as server:
            with smtplib.SMTP(*server.address, local_hostname="a_b") as client:
                client.noop()
                client.ehlo()
            server.settle()
            if strict:
                with pytest.raises(ProtocolViolated, match="guilty of 1 violation"):
                    server.check()
            else:
                server.check()


@given(st.binary(max_size=300), st.lists(st.binary(max_size=60), max_size=5))
def test_any_octets_can_be_looked_at(content: bytes, lines: list[bytes]) -> None:
    """Content and commands of any octets have findings or none, never an exception."""
    session = _session(*(line.replace(b"\n", b"") + b"\r\n" for line in lines))
    session.messages.append(
        ReceivedMessage(content, envelope(), session, received_at=RECEIVED_AT)
    )
    session.closed_by = "client"
    found = [*violations([session]), *advice([session])]
    assert all(str(one) for one in found)


def test_advice() -> None:
    """What is unwise is told, and fails nothing, also when it is strict."""
    content = HEAD.replace(b"a@example.org", b"a@example.com") + (
        b"Bcc: secret@example.org\r\nMessage-ID: <1@localhost>\r\n\r\n"
    )
    with SMTPServer(strict=True) as server:
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            client.sendmail("bounce@mailer.example.net", ["b@example.org"], content)
        server.settle()
        assert [one.name for one in server.advice] == [
            "bcc-left-in",
            "message-id-without-domain",
            "not-aligned",
        ]
        server.check()
        assert server.violations == []


def test_advice_on_commands_that_are_useless() -> None:
    """DATA after every recipient was refused, RCPT after MAIL was."""
    with SMTPServer() as server:
        server.on("RCPT").reply(550)
        server.on("MAIL", "no@example.org").reply(550)
        with smtplib.SMTP(*server.address, local_hostname="c.example") as client:
            client.ehlo()
            client.docmd("MAIL", "FROM:<a@example.org>")
            client.docmd("RCPT", "TO:<b@example.org>")
            client.docmd("DATA")
            client.docmd("RSET")
            client.docmd("MAIL", "FROM:<no@example.org>")
            client.docmd("RCPT", "TO:<b@example.org>")
        found = [(one.what, one.where) for one in server.advice]
    assert found == [
        (
            "DATA cannot succeed any more: every recipient was refused",
            "connection 1, command 4",
        ),
        (
            "RCPT cannot succeed any more: MAIL was refused",
            "connection 1, command 7",
        ),
    ]


@pytest.mark.parametrize(
    ("author", "sender", "aligned"),
    [
        ("example.org", "mail.example.org", True),
        ("news.example.org", "example.org", True),
        ("news.example.org", "mail.example.org", True),
        ("news.shop.co.uk", "mail.shop.co.uk", True),
        ("shop.co.uk", "other.co.uk", False),
        ("news.shop.co.uk", "mail.other.co.uk", False),
        ("example.org", "example.net", False),
        ("example.org", "badexample.org", False),
    ],
)
def test_a_message_of_a_domain_below_is_aligned(
    author: str, sender: str, aligned: bool
) -> None:
    """RFC 7489 §3.1.2: relaxed alignment looks at the organizational domain."""
    session = _session()
    message = ReceivedMessage(
        GOOD.replace(b"From: a@example.org", f"From: a@{author}".encode()),
        envelope(f"FROM:<bounce@{sender}>".encode()),
        session,
        received_at=RECEIVED_AT,
    )
    session.messages.append(message)
    told = [] if aligned else ["not-aligned"]
    assert [one.name for one in advice([session])] == told


def test_a_finding_is_shown_without_what_a_terminal_obeys() -> None:
    """The field is that of the message; a test may print the finding."""
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address) as client:
            client.sendmail(
                "a@example.org",
                ["b@example.org"],
                "Bcc: \x1b[31m\u202e\r\n\r\n".encode(),
            )
        shown = "\n".join(map(str, server.advice))
    assert "Bcc: \\x1b[31m\\u202e" in shown
    assert "\x1b" not in shown


def test_the_failure_of_strict_is_cut() -> None:
    """A client that errs errs each time."""
    found = violations([_session(*[b"EHLO a_b\r\n"] * 300)])
    text = explain(list(found))
    assert len(text.split("\n")) < 100
    assert "  … and " in text
