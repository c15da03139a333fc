"""What a session record tells the author of a client."""

from __future__ import annotations

import smtplib
import socket

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.mail.search.alignment import command_problem
from pytest_smtpserver.protocol.syntax.commands import Command

SENT = [Command.parse(line) for line in (b"EHLO me\r\n", b"MAIL FROM:<a@b.c>\r\n")]


def test_verbs_in_any_case_and_whole_lines() -> None:
    """A word is a verb, anything with a space the line as it was sent."""
    assert command_problem(["ehlo", "MAIL FROM:<a@b.c>"], SENT) == ""


def test_what_is_missing_and_what_is_too_much() -> None:
    """Both stand where they belong in the dialogue."""
    assert command_problem(["EHLO", "STARTTLS", "EHLO", "MAIL", "QUIT"], SENT) == (
        "The client sent other commands than expected (- expected, + sent):\n"
        "    EHLO me\n"
        "  - STARTTLS\n"
        "  - EHLO\n"
        "    MAIL FROM:<a@b.c>\n"
        "  - QUIT"
    )
    assert command_problem(["MAIL"], SENT).split("\n")[1:] == [
        "  + EHLO me",
        "    MAIL FROM:<a@b.c>",
    ]


def test_initial_responses_are_masked() -> None:
    """A failure is read by more people than a password is for."""
    sent = [Command.parse(b"AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==\r\n")]
    problem = command_problem(["QUIT"], sent)
    assert "+ AUTH PLAIN ********" in problem
    assert "AGFk" not in problem


def test_a_str_is_no_list_of_commands() -> None:
    """Its letters are not meant."""
    with pytest.raises(TypeError, match=r"takes a list of commands, .* not 'EHLO'"):
        command_problem("EHLO", SENT)


def test_a_client_that_behaves() -> None:
    """smtplib: says QUIT, waits for each reply, reuses the connection when told to."""
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address, local_hostname="client") as client:
            client.sendmail("a@example.org", ["b@example.org"], "Subject: 1\n\n")
            client.sendmail("a@example.org", ["b@example.org"], "Subject: 2\n\n")
        (session,) = server.sessions
        session.assert_commands(["EHLO", *["MAIL", "RCPT", "DATA"] * 2, "QUIT"])
        assert session.quit_sent
        assert session.reused
        assert not session.pipelined
        assert session.tls is None


def test_a_client_that_does_not() -> None:
    """Commands in one segment, and gone without QUIT."""
    with SMTPServer() as server:
        with socket.create_connection(server.address) as client:
            client.sendall(b"EHLO client\r\nMAIL FROM:<a@example.org>\r\n")
            received = b""
            while b"250 2.1.0" not in received:
                received += client.recv(4096)
        server.wait_until_idle()
        (session,) = server.sessions
        session.assert_commands(["EHLO client", "MAIL"])
        assert not session.quit_sent
        assert session.pipelined
        assert not session.reused
        with pytest.raises(AssertionError, match="- QUIT"):
            session.assert_commands(["EHLO", "MAIL", "QUIT"])


def test_a_long_dialogue_is_cut() -> None:
    """The beginning and the end of the comparison are what one reads."""
    sent = [Command.parse(b"NOOP\r\n")] * 3000
    lines = command_problem(["QUIT"], sent).split("\n")
    assert len(lines) < 110
    assert any("session.commands has them all" in line for line in lines)
