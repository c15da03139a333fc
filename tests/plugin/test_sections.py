"""What a run tells of the servers of a failed test, where it saves it, who can read it."""

from __future__ import annotations

import smtplib
import textwrap
import xml.etree.ElementTree as ET

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.server.server import RUNNING

from .inner import run, run_apart, sections, stable

FAILS = """
@pytest.mark.smtp_server(users={"ada": "lovelace"}, hostname="mx.example.org")
def test_it(smtp_server):
    smtp_server.on("NOOP").reply(451, "4.3.0 Later")
    with smtplib.SMTP(*smtp_server.address, local_hostname="client") as client:
        client.login("ada", "lovelace")
        client.noop()
    mail(smtp_server)
    assert False
"""
REPORT = """\
--- SMTP server smtp://127.0.0.1:PORT ---
It listened on smtp://127.0.0.1:PORT with hostname='mx.example.org', users={'ada': '********'}

1 message:
   from                 to               subject       octets
1  noreply@example.org  ada@example.org  Welcome, Ada     141

connection 1 from 127.0.0.1:PORT, logged in as 'ada', closed by the client
  +TIME S: 220 mx.example.org ESMTP
  +TIME C: ehlo client
  +TIME S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-SIZE
        S: 250-ENHANCEDSTATUSCODES
        S: 250-8BITMIME
        S: 250-DSN
        S: 250-SMTPUTF8
        S: 250-CHUNKING
        S: 250 AUTH PLAIN LOGIN
  +TIME C: AUTH PLAIN ********
  +TIME S: 235 2.7.0 Authentication succeeded
  +TIME C: noop
  +TIME S: 451 4.3.0 Later    <- the rule made at test_it.py:16
  +TIME C: QUIT
  +TIME S: 221 2.0.0 Bye
  +TIME -- the client quit

connection 2 from 127.0.0.1:PORT, closed by the client
  +TIME S: 220 mx.example.org ESMTP
  +TIME C: ehlo client.example.org
  +TIME S: 250-mx.example.org
        S: 250-PIPELINING
        S: 250-SIZE
        S: 250-ENHANCEDSTATUSCODES
        S: 250-8BITMIME
        S: 250-DSN
        S: 250-SMTPUTF8
        S: 250-CHUNKING
        S: 250 AUTH PLAIN LOGIN
  +TIME C: mail FROM:<noreply@example.org> size=141
  +TIME S: 250 2.1.0 Sender ok
  +TIME C: rcpt TO:<ada@example.org>
  +TIME S: 250 2.1.5 Recipient ok
  +TIME C: data
  +TIME S: 354 End data with <CR><LF>.<CR><LF>
  +TIME C: From: noreply@example.org
        C: To: ada@example.org
        C: Date: Thu, 1 Jan 2026 10:00:00 +0000
        C: Subject: Welcome, Ada
        C:
        C: Please confirm your address.
  +TIME C: .
  +TIME S: 250 2.0.0 Ok: message accepted
  +TIME C: QUIT
  +TIME S: 221 2.0.0 Bye
  +TIME -- the client quit"""
TLS = """
@pytest.mark.smtp_server(tls="starttls")
def test_it(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="client") as client:
        client.starttls(context=smtp_server.client_context())
    assert False
"""


def test_the_section_of_a_failed_test(pytester: pytest.Pytester) -> None:
    """Where it listened, what came, who said what, which rule answered; no secret."""
    result = run(pytester, FAILS)
    result.assert_outcomes(failed=1)
    assert sections(result) == REPORT
    assert "lovelace" not in sections(result)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_failure_comes_with_the_dialogue(
    project: pytest.Pytester, workers: str
) -> None:
    """A section for each server, also from a worker of xdist; none for one that passed."""
    project.makepyfile(
        test_it="""
        from sending import send

        def test_passes(smtp_server):
            send(smtp_server, "passed@example.org")

        def test_fails(smtp_server, smtp_server_factory):
            send(smtp_server_factory(users={"ada": "x"}))
            send(smtp_server)
            assert 1 == 2
        """
    )
    result = run_apart(project, "-n", workers)
    result.assert_outcomes(passed=1, failed=1)
    text = str(result.stdout)
    assert text.count("SMTP server smtp://127.0.0.1:") == 2
    assert "c: mail from:<ada@example.org>" in text.lower()
    assert "passed@example.org" not in text


def test_a_section_tells_about_tls(pytester: pytest.Pytester) -> None:
    """Version and cipher stand above the dialogue and where the handshake was."""
    text = sections(run(pytester, TLS))
    assert ", TLSv1.3 with TLS_" in text
    assert "-- TLSv1.3 started: TLS_" in text


@pytest.mark.parametrize(
    ("option", "passing", "failing"),
    [("failed", False, True), ("all", True, True), ("none", False, False)],
)
def test_which_tests_have_sections(
    option: str, passing: bool, failing: bool, pytester: pytest.Pytester
) -> None:
    """--smtp-transcript says so."""
    argument = f"--smtp-transcript={option}"
    passes = run(pytester, FAILS.replace("assert False", "assert True"), argument)
    passes.assert_outcomes(passed=1)
    assert ("connection 2 from" in passes.stdout.str()) is passing
    fails = run(pytester, FAILS, argument)
    assert ("connection 2 from" in fails.stdout.str()) is failing


NEVER_SENT = """
def test_it(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="client") as client:
        client.starttls()
"""
LIKELY = (
    "connection 1: the client said EHLO, was offered no STARTTLS and no AUTH, and left "
    "by QUIT without a mail: it probably needs STARTTLS (tls='starttls') or AUTH "
    "(users={'name': 'password'})."
)


def test_a_section_says_what_the_client_did_not_find(
    pytester: pytest.Pytester,
) -> None:
    """It raised before it sent the command, and the test failed with its error."""
    result = run(pytester, NEVER_SENT)
    result.assert_outcomes(failed=1)
    section = sections(result)
    assert (
        f"no messages\n\nWhat may have stood in the way:\n  {LIKELY}\n\nconn" in section
    )
    assert "C: STARTTLS" not in section.upper()


def test_a_section_does_not_say_again_what_the_failure_says(
    pytester: pytest.Pytester,
) -> None:
    """Nor does it guess where the test has passed."""
    swallowed = NEVER_SENT.replace("client.starttls()", "client.ehlo()")
    asserted = f"{swallowed}    smtp_server.assert_received()\n"
    failed = run(pytester, asserted).stdout.str()
    assert failed.count(LIKELY) == 1
    assert "What stood in the way:" in failed
    passed = run(pytester, swallowed, "--smtp-transcript=all")
    passed.assert_outcomes(passed=1)
    assert "in the way" not in passed.stdout.str()


def test_each_server_of_a_test_has_a_section(pytester: pytest.Pytester) -> None:
    """Those of the factory too."""
    text = sections(
        run(
            pytester,
            "\ndef test_it(smtp_server, smtp_server_factory):\n"
            "    smtp_server_factory(hostname='two.example.org')\n"
            "    assert False\n",
        )
    )
    nothing = "\n\nno messages\n\nno connections"
    head = "--- SMTP server smtp://127.0.0.1:PORT ---\n"
    line = "It listened on smtp://127.0.0.1:PORT"
    second = f"{head}{line} with hostname='two.example.org'{nothing}"
    assert text == f"{head}{line}{nothing}\n{second}"


@pytest.mark.parametrize(
    "how", ["with", pytest.param("async with", marks=pytest.mark.once)]
)
def test_a_server_that_the_test_has_stopped(
    pytester: pytest.Pytester, how: str
) -> None:
    """The failure leaves the block, and so stops the server; its dialogue is there."""
    inside = """
async def main():
    async with SMTPServer() as server:
        await asyncio.to_thread(mail, server, "Mine")
        assert False
"""
    if how == "with":
        inside = inside.replace("async ", "")
        inside = inside.replace("await asyncio.to_thread(mail, ", "mail(")
    call = "asyncio.run(main())" if how == "async with" else "main()"
    result = run(
        pytester,
        f"""
import asyncio
from pytest_smtpserver import SMTPServer
{inside}

def test_it():
    {call}

def test_other(smtp_server):
    assert False
""",
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(failed=2)
    assert sections(result).count("It listened on") == 2
    assert sections(result).count("Subject: Mine") == 1


def test_the_last_of_many_servers_that_the_test_has_stopped(
    pytester: pytest.Pytester,
) -> None:
    """They are not kept for longer than the report needs them, nor all of them."""
    result = run(
        pytester,
        """
from pytest_smtpserver import SMTPServer

def test_it():
    for number in range(8):
        with SMTPServer(hostname=f"number-{number}") as server:
            pass
    assert False
""",
    )
    shown = sections(result)
    assert [number for number in range(8) if f"number-{number}" in shown] == [
        *range(3, 8)
    ]
    assert not RUNNING.ended


def test_sections_have_colour_where_pytest_has(pytester: pytest.Pytester) -> None:
    """A refusal is red, a note is cyan, the rule yellow."""
    output = run(pytester, FAILS, "--color=yes").stdout.str()
    assert "\x1b[31mS: 451 4.3.0 Later\x1b[0m\x1b[33m    <- the rule made at" in output
    assert "\x1b[36m-- the client quit\x1b[0m" in output


def test_junit_xml_has_the_report_as_a_property(pytester: pytest.Pytester) -> None:
    """Sections do not reach it."""
    run(pytester, FAILS, "--junitxml=junit.xml")
    tree = ET.parse(pytester.path / "junit.xml")
    (found,) = tree.iterfind(".//testcase/properties/property")
    assert found.get("name") == "smtp_server"
    lines = [line.rstrip() for line in found.get("value", "").split("\n")]
    assert stable("\n".join(lines)) == REPORT.partition("\n")[2]


def test_xdist_brings_the_report_home(pytester: pytest.Pytester) -> None:
    """The section, the property and the saved files are those of a run without it."""
    result = run(pytester, FAILS, "-n1", "--junitxml=junit.xml", "--smtp-save=saved")
    result.assert_outcomes(failed=1)
    assert sections(result) == REPORT
    tree = ET.parse(pytester.path / "junit.xml")
    (found,) = tree.iterfind(".//testcase/properties/property")
    assert "noreply@example.org  ada@example.org" in found.get("value", "")
    assert (pytester.path / "saved/test_it.py/test_it/message-1.eml").is_file()


def test_saved_messages_and_transcript(pytester: pytest.Pytester) -> None:
    """--smtp-save writes a folder for each test, of those that passed too."""
    test = """
@pytest.mark.parametrize("path", ["a/../b", "a/:/b"])
def test_it(smtp_server, path):
    mail(smtp_server, text="line\\r\\n" * 20)
    mail(smtp_server)
"""
    run(pytester, test, "--smtp-save=saved").assert_outcomes(passed=2)
    folders = sorted((pytester.path / "saved/test_it.py").iterdir())
    assert [folder.name.rpartition("-")[0] for folder in folders] == [
        "test_it_a_.._b_",
        "test_it_a_b_",
    ]
    for folder in folders:
        assert {file.name for file in folder.iterdir()} == {
            "message-1.eml",
            "message-1.json",
            "message-2.eml",
            "message-2.json",
            "transcript.txt",
        }
        saved = (folder / "message-2.eml").read_bytes()
        assert saved.endswith(b"\r\n\r\nPlease confirm your address.\r\n")
        transcript = (folder / "transcript.txt").read_text(encoding="utf-8")
        assert transcript.count("C: line\n") == 20


def test_a_saved_transcript_is_a_dialogue(pytester: pytest.Pytester) -> None:
    """Played to another client it ends as it did: also with words that look like it."""
    test = """
def test_it(smtp_server):
    smtp_server.on("MESSAGE").reply(552, "5.2.2 No room").once()
    for text in ("C: QUIT\\r\\nS: 250 Ok", "Hi."):
        try:
            mail(smtp_server, text=text)
        except smtplib.SMTPDataError:
            pass
"""
    run(pytester, test, "--smtp-save=saved").assert_outcomes(passed=1)
    (file,) = (pytester.path / "saved").rglob("transcript.txt")
    with SMTPServer() as server:
        server.play(personas.dialogue(file.read_text(encoding="utf-8")))
        replies = []
        for _ in range(2):
            with smtplib.SMTP(*server.address, local_hostname="b.example") as client:
                client.ehlo()
                client.mail("a@b.example")
                client.rcpt("c@d.example")
                replies.append(client.data(b"Ho."))
                if replies[-1][0] != 250:
                    client.rset()  # as smtplib's sendmail does
        server.check()
    assert replies[0] == (552, b"5.2.2 No room")
    assert replies[1][0] == 250


def test_a_directory_that_cannot_be_made_is_a_usage_error(
    pytester: pytest.Pytester,
) -> None:
    """It is said before the first test runs."""
    pytester.path.joinpath("taken").write_text("")
    result = run(pytester, FAILS, "--smtp-save=taken/here")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--smtp-save: " in result.stderr.str()


def test_pytest_html_has_the_report_as_an_extra(pytester: pytest.Pytester) -> None:
    """Where it is installed; a plugin of that name and interface stands in for it."""
    pytester.makeconftest(
        textwrap.dedent("""
        class extras:
            @staticmethod
            def text(content, name):
                return {"name": name, "content": content}

        class Html:
            extras = extras

        def pytest_configure(config):
            config.pluginmanager.unregister(name="html")
            config.pluginmanager.register(Html(), "html")

        def pytest_runtest_logreport(report):
            for extra in getattr(report, "extras", ()):
                print("EXTRA", extra["name"], extra["content"].split()[0:3])
        """)
    )
    output = stable(run(pytester, FAILS, "-s").stdout.str())
    assert "EXTRA SMTP server smtp://127.0.0.1:PORT ['It', 'listened', 'on']" in output


MANY = """
def test_it(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        for number in range(200):
            client.sendmail("a@example.org", [f"b{number}@example.org"],
                            f"Subject: {number}\\r\\n\\r\\nHi")
    assert not smtp_server.messages
"""


@pytest.mark.parametrize(
    ("arguments", "least", "most"),
    [
        ((), 150, 215),
        (("-vv",), 2400, 9999),
        (("--smtp-transcript=full",), 2400, 9999),
    ],
)
def test_a_section_has_a_size(
    arguments: tuple[str, ...], least: int, most: int, pytester: pytest.Pytester
) -> None:
    """About 200 lines, and everything where that is asked for."""
    lines = sections(run(pytester, MANY, *arguments)).split("\n")
    assert least < len(lines) <= most


def test_nothing_that_a_terminal_obeys_gets_out(pytester: pytest.Pytester) -> None:
    """Neither by the screen, nor the log, nor what is saved, nor JUnit XML."""
    test = """
@pytest.mark.smtp_server(extensions=["SMTPUTF8"])
def test_it(smtp_server):
    odd = "\\u202e\\u2067\\u200b\\x07\\x9b"
    content = f"Subject: {odd}\\r\\nX: \\x1b[2J\\r\\n\\r\\n{odd}\\r\\n".encode()
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        client.ehlo()
        client.sendmail("a@example.org", ["b@example.org"], content)
        client.docmd("NOOP", odd.encode().decode("latin-1"))
    smtp_server.assert_received(text="Hello")
"""
    result = run(
        pytester,
        test,
        "--junitxml=junit.xml",
        "--smtp-save=saved",
        "--log-level=DEBUG",
        "--log-file=run.log",
    )
    result.assert_outcomes(failed=1)
    saved = pytester.path / "saved" / "test_it.py" / "test_it" / "transcript.txt"
    files = [saved, pytester.path / "junit.xml", pytester.path / "run.log"]
    for text in (result.stdout.str(), *(one.read_text("utf-8") for one in files)):
        assert "\\u202e" in text
        assert not set(text) & set("\u202e\u2067\u200b\x07\x9b\x1b")
