"""The command as a person and a program use it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from .process import (
    COMMAND,
    END,
    MAIL,
    WITHOUT,
    deliver,
    finished,
    in_terminal,
    running,
)


def test_each_mail_is_printed_and_ctrl_c_sums_up() -> None:
    """Who, what, links, the code; then the end with exit code 0."""
    with running() as command:
        deliver(command.port)
        command.until("^Code")
        code, output, errors = command.interrupt()
    assert (code, errors) == (0, "")
    assert 'Django        EMAIL_HOST = "127.0.0.1"' in output
    assert f"EMAIL_PORT = {command.port}" in output
    assert (
        f"Environment   SMTP_HOST=127.0.0.1\n{'':14}SMTP_PORT={command.port}" in output
    )
    mail = output.partition("-- mail 1 --")[2].split("\n", 1)[1]
    assert mail.startswith(
        "From      Shop <noreply@example.org>\n"
        "To        Ada <ada@example.org>\n"
        "Subject   Welcome\n"
        "\n"
        "Confirm: https://example.org/confirm\n"
        "Your code is 482913.\n"
        "\n"
        "Links      1 https://example.org/confirm\n"
        "Code      482913\n"
    )
    assert output.endswith("\n1 mail in 1 connection\n")
    assert "\x1b" not in output


def test_sigterm_is_ctrl_c() -> None:
    """A container is stopped so."""
    with running() as command:
        code, output, errors = command.interrupt(signal.SIGTERM)
    assert (code, errors) == (0, "")
    assert output.endswith("\n0 mails in 0 connections\n")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
class TestAClosedTerminal:
    """The kernel sends SIGHUP, and nobody can read what is written any more."""

    def test_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import pty

        monkeypatch.setenv("TMPDIR", str(tmp_path))
        terminal, inner = pty.openpty()
        with subprocess.Popen(
            [*COMMAND, "--port", "0", "--tls", "starttls"],
            stdin=inner,
            stdout=inner,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            os.close(inner)
            with os.fdopen(terminal, encoding="utf-8") as told:
                assert any("listening on" in line.lower() for line in told)
                assert [one.suffix for one in tmp_path.iterdir()] == [".pem"]
            process.send_signal(signal.SIGHUP)
            _, errors = process.communicate(timeout=END)
        assert (process.returncode, errors) == (0, b"")
        assert list(tmp_path.iterdir()) == []

    def test_is_nothing_under_nohup(self) -> None:
        """There the signal is ignored from the beginning."""
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with running() as command:
                signal.signal(signal.SIGHUP, before)
                command.process.send_signal(signal.SIGHUP)
                for _ in range(2):
                    deliver(command.port)
                    command.until("^Code")
                code, _, errors = command.interrupt()
        finally:
            signal.signal(signal.SIGHUP, before)
        assert (code, errors) == (0, "")


def test_scripted_replies_and_the_dialogue() -> None:
    """A refused recipient stands beside the mail; -v shows who refused it."""
    rule = ("--on", "RCPT bob@example.org", "--reply", "550 5.1.1 No such user")
    with running("-v", *rule) as command:
        with smtplib.SMTP("127.0.0.1", command.port, "client.example.org") as client:
            client.sendmail(
                "a@example.org", ["ada@example.org", "bob@example.org"], MAIL
            )
        command.until("client quit")
        _, output, _ = command.interrupt()
    assert "Envelope  a@example.org -> ada@example.org\n" in output
    assert "Refused   bob@example.org: 550 5.1.1 No such user\n" in output
    assert re.search(
        r"S: 550 5\.1\.1 No such user    <- the command line, "
        r"--on 'RCPT bob@example\.org'\n",
        output,
    )
    assert re.search(r"\+\d\.\d{3} C: ehlo client\.example\.org\n", output)


def test_what_no_client_came_to() -> None:
    """A mistyped verb is one that the server does not know: it never comes."""
    rules = ("--on", "RPCT a", "--reply", "550", "--on", "NOOP", "--reply", "421 Bye")
    with running("-v", *rules, "--persona", "gmail") as command:
        with smtplib.SMTP("127.0.0.1", command.port, "client.example.org") as client:
            assert client.noop() == (421, b"Bye")
        command.until("^connection 1 ")
        _, output, _ = command.interrupt()
    assert "never used: --on 'RPCT a'; did you mean 'RCPT'?\n" in output
    assert "ESMTP" in output
    assert "never used: --on 'NOOP'" not in output
    assert "<- the command line, --persona gmail\n" in output


def test_a_persona_and_a_connection_without_mail() -> None:
    """One line says why there is none."""
    with running("--persona", "greylisting(tries=1)") as command:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            deliver(command.port)
        command.until("^connection 1 ")
        deliver(command.port)
        command.until("^Code")
        _, output, _ = command.interrupt()
    assert re.search(r"connection 1 from .*: .*451 4\.7\.1 ", output)
    assert output.endswith("1 mail in 2 connections; 1 without mail\n")


LOG = """\
+0.000 S: 220 mx.example.net ESMTP
+0.001 C: EHLO app.example.org
+0.002 S: 250 mx.example.net
+0.003 C: MAIL FROM:<a@example.org>
+0.004 S: 250 2.1.0 Ok
+0.005 C: RCPT TO:<b@example.org>
+0.505 S: 450 4.7.1 Greylisted, try again later
"""


def test_a_recorded_dialogue_is_played_back(tmp_path: Path) -> None:
    """From a log; a client that says something else is told, once."""
    log = tmp_path / "incident.log"
    log.write_text(LOG, encoding="utf-8")
    with running("--dialogue", str(log), "--delays") as command:
        started = time.monotonic()
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=r"450.*Greylisted"):
            deliver(command.port)
        assert time.monotonic() - started >= 0.5
        command.until("^connection 1 ")
        for number in (2, 3):
            with smtplib.SMTP("127.0.0.1", command.port, "c.example.org") as client:
                assert client.noop() == (250, b"2.0.0 Ok")
            command.until(f"^connection {number} ")
        code, output, errors = command.interrupt()
    assert (code, errors) == (0, "")
    assert output.count("The client left the recorded dialogue at line 2") == 1
    assert re.search(r"≠ EHLO app\.example\.org +noop\n", output)


def test_a_log_may_come_through_a_pipe() -> None:
    """As with other programs, a dash is standard input."""
    done = subprocess.run(
        [*COMMAND, "--port", "0", "--dialogue", "-"],
        input="no dialogue at all",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "pytest-smtpserver: --dialogue -: there is no dialogue in the log: it has to be "
        "a transcript with C: and S: lines, or a log of curl -v, swaks, nodemailer"
    )


def test_html_alone_is_read_as_text_and_files_are_listed() -> None:
    """Nothing that a terminal could take for a command is left in it."""
    content = (
        b"From: \x1b[31mred\r\nSubject: =?utf-8?q?=1B]0;title=07?=\r\nTo: a@example.org\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>Hello \x1b[2J<b>you</b></p>\r\n"
        b"--b\r\nContent-Type: application/pdf\r\n"
        b'Content-Disposition: attachment; filename="a\x1b.pdf"\r\n\r\n%PDF\r\n--b--\r\n'
    )
    with running() as command:
        deliver(command.port, content)
        command.until("^Attached")
        _, output, _ = command.interrupt()
    assert "Hello \\x1b[2Jyou\n" in output
    assert "Subject   \\x1b]0;title\\x07\n" in output
    assert re.search(r"Attached  a.*\.pdf \(application/pdf, 4 octets\)", output)
    assert "\x1b" not in output


def test_json_is_one_object_a_line() -> None:
    """On stdout nothing else: a program reads it."""
    with running("--json", stream="stderr") as command:
        deliver(command.port, MAIL, MAIL.replace(b"Welcome", b"\xc3\x84"))
        assert command.process.stdout is not None
        lines = [command.process.stdout.readline() for _ in range(2)]
        code, output, errors = command.interrupt()
    assert (code, output) == (0, "")
    assert errors.endswith("2 mails in 1 connection\n")
    first, second = map(json.loads, lines)
    assert (first["subject"], second["subject"]) == ("Welcome", "Ä")
    assert first["envelope"] == {
        "mail_from": "noreply@example.org",
        "rcpt_to": ["ada@example.org"],
    }
    assert all(line.isascii() for line in lines)


def test_mail_is_kept_beside_what_is_there(tmp_path: Path) -> None:
    """Numbers go on where they ended the last time."""
    folder = tmp_path / "new" / "mail"
    for _ in range(2):
        with running("--save", str(folder)) as command:
            deliver(command.port)
            command.interrupt()
    names = sorted(file.name for file in folder.iterdir())
    assert names == [
        "message-1.eml",
        "message-1.json",
        "message-2.eml",
        "message-2.json",
    ]
    assert (folder / "message-2.eml").read_bytes() == MAIL


def test_mail_that_cannot_be_kept(tmp_path: Path) -> None:
    """As on a disk that is full: it is said for each mail, and the server goes on."""
    folder = tmp_path / "mail"
    with running("--save", str(folder)) as command:
        folder.rmdir()
        for _ in range(2):
            deliver(command.port)
            command.until("^Code")
        code, output, errors = command.interrupt()
    assert code == 0
    assert re.findall("^(.*?--save: ).*message-[12].eml", errors, re.MULTILINE) == (
        ["pytest-smtpserver: --save: "] * 2
    )
    assert "Traceback" not in errors
    assert output.endswith("\n2 mails in 2 connections\n")


def test_tls_with_a_ca_that_clients_can_trust() -> None:
    """The path of its file is printed, and verifies."""
    with running("--tls", "starttls", "--user", "ada:lovelace") as command:
        ca_file = command.until(r"CA in \S+").split(" ")[2]
        context = ssl.create_default_context(cafile=ca_file)
        with smtplib.SMTP("127.0.0.1", command.port, "client.example.org") as client:
            client.starttls(context=context)
            client.login("ada", "lovelace")
            client.sendmail("a@example.org", ["ada@example.org"], MAIL)
        command.until("^Code")
        code, output, _ = command.interrupt()
    assert code == 0
    assert "EMAIL_USE_TLS = True" in output
    assert 'EMAIL_HOST_USER = "ada"' in output
    assert "lovelace" not in output
    assert not Path(ca_file).exists()


def test_a_port_that_is_taken() -> None:
    """One line, and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output, errors = finished("--port", str(port))
    assert (code, output) == (2, "")
    assert errors == (
        f"pytest-smtpserver: port {port} of 127.0.0.1 is taken; "
        "--port 0 takes a free one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--port 70000", "option port: 70000 is not allowed"),
        ("--prot 1", "there is no option --prot; did you mean --port?"),
        ("--require-tls", "option require_tls: TLS is off"),
        ("--host localhost", "option host: 'localhost' is not allowed"),
        ("--host 192.0.2.1 --port 0", "cannot listen on port 0 of 192.0.2.1"),
        ("--persona outlook", "there is no persona 'outlook'; here it is microsoft365"),
        ("--persona gmial", "there is no persona 'gmial'; did you mean 'gmail'?"),
        ("--persona gmail(x=1)", "unexpected keyword argument 'x'"),
        ("--persona greylisting(trie=2)", "'trie'; it takes tries"),
        ("--on RCPT --reply 999", "begins with a code from 200 to 599"),
        (
            "--persona dialogue",
            "--persona dialogue needs its log: it is --dialogue LOG",
        ),
        ("--dialogue /dev/null/x", "--dialogue /dev/null/x: Not a directory"),
        (
            "--dialogue /dev/null",
            "--dialogue /dev/null: there is no dialogue in the log",
        ),
        ("--delays", "--delays goes with --dialogue"),
        ("--on RESPONSE --reply 550", "'RESPONSE' is neither a command nor a moment"),
        ("--on AUTH --reply 535", "it needs the option users="),
        ("--save /dev/null/x", "--save /dev/null/x: "),
        ("--report /dev/null/x --port 0", "--report /dev/null/x: "),
        ("--tls starttls --certificate /dev/null --port 0", "/dev/null"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments: str, message: str) -> None:
    """Whatever is wrong; no traceback."""
    code, output, errors = finished(*arguments.split())
    assert (code, output) == (2, "")
    assert errors.startswith("pytest-smtpserver: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_what_is_printed_on_demand() -> None:
    """--help, --options, --version: exit code 0."""
    code, output, _ = finished("--help")
    assert code == 0
    assert output.startswith("usage: pytest-smtpserver")
    assert output.count("\n") < 24
    code, output, _ = finished("--options")
    assert (code, "--max-message-size NUMBER" in output, "greylisting" in output) == (
        0,
        True,
        True,
    )
    code, output, _ = finished("--version")
    version = metadata.version("pytest-smtpserver")
    assert (code, output) == (0, f"pytest-smtpserver {version}\n")


def test_a_reader_that_goes_away() -> None:
    """No traceback for `pytest-smtpserver | head`."""
    with running() as command:
        command.until("SMTP_URL=")
        assert command.process.stdout is not None
        command.process.stdout.close()
        # The command ends while the client says good-bye: which of the two is first
        # is open, so 421 (RFC 5321 section 3.8) is as good an answer to QUIT as 221.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            deliver(command.port)
        assert command.process.stderr is not None
        errors = command.process.stderr.read()
        assert command.process.wait(30) == 0
    assert errors == ""


def test_colours_in_a_terminal() -> None:
    """By Rich; Ctrl-C is pressed in there."""
    pytest.importorskip("rich")
    code, output = in_terminal(*COMMAND, "--port", "0")
    assert code == 0
    assert "\x1b[1m" in output
    assert "Welcome" in output
    assert "1 mail in 1 connection" in output


@pytest.mark.parametrize("color", ["auto", "never"])
def test_plain_in_a_terminal(color: str) -> None:
    """Where Rich is missing, or nobody wants colours."""
    command: tuple[str, ...] = (*COMMAND, "--port", "0", "--color", color)
    if color == "auto":
        script = WITHOUT.format(module="rich.console")
        command = (sys.executable, "-c", script, "--port", "0")
    code, output = in_terminal(*command)
    assert code == 0
    assert "\x1b" not in output
    assert "Subject   Welcome" in output


def test_colours_on_demand() -> None:
    """Also into a pipe."""
    pytest.importorskip("rich")
    with running("--color", "always") as command:
        deliver(command.port)
        command.until("Code")
        _, output, _ = command.interrupt()
    assert "\x1b[2mSubject   \x1b[0m\x1b[1mWelcome\x1b[0m" in output


def test_the_page_is_there_from_the_start_and_after_each_mail(tmp_path: Path) -> None:
    """Its content is tested where the page is."""
    page = tmp_path / "mail.html"
    with running("--report", str(page)) as command:
        assert "No connection yet." in page.read_text(encoding="utf-8")
        deliver(command.port)
        command.until("^Code")
        code, output, _ = command.interrupt()
    assert code == 0
    assert output.endswith(f"The page: {page}\n")
    assert "482913" in page.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [page]


def test_the_page_without_its_extra(tmp_path: Path) -> None:
    """It says what to install."""
    command = (sys.executable, "-c", WITHOUT.format(module="jinja2"), "--port", "0")
    code, _, errors = finished("--report", str(tmp_path / "x.html"), command=command)
    assert code == 2
    assert "pip install 'pytest-smtpserver[report]'" in errors


def test_the_script_is_the_command() -> None:
    """`pytest-smtpserver` is what `python -m pytest_smtpserver` is."""
    import tomllib

    root = Path(__file__).parent.parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {
        "pytest-smtpserver": "pytest_smtpserver.cli.command:main"
    }
