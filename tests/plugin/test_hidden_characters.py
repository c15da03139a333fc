"""Characters that act on a terminal, or that nobody sees, in whatever way a test fails."""

from __future__ import annotations

import re
import unicodedata

import pytest

from .inner import run

#: Unicode 16, DerivedCoreProperties: letters and marks of Default_Ignorable_Code_Point,
#: but for the two variation selectors of emojis; and a pattern of Braille without dots.
BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u3164\ufe00\uffa0\u2800\U000e0101"
#: Beside these: ESC with a sequence, BEL, CSI, bidirectional, joiners, tags, private.
ODD = f"\x1b[2J\x07\x9b\u202e\u2067\u200d\U000e0041\ue000{BLANK}"

SENDS = f"""
import socket

ODD = {ODD!a}
CONTENT = f'''Subject: x{{ODD}}y
From: {{ODD}} <a{{ODD}}@example.org>
To: {{ODD}} <b{{ODD}}@example.org>
Message-ID: <{{ODD}}>
X-Odd: {{ODD}}
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

first {{ODD}} http://x.example.org/{{ODD}} 123456
second {{ODD}}
--b
Content-Type: text/html; charset=utf-8

<p>third {{ODD}} <a href="http://x.example.org/{{ODD}}">{{ODD}}</a>
--b
Content-Type: text/x{{ODD}}; name="{{ODD}}"
Content-Disposition: attachment; filename="{{ODD}}.txt"

file {{ODD}}
--b--
'''

@pytest.fixture
def server(smtp_server):
    with socket.create_connection(smtp_server.address) as client:
        stream = client.makefile("rwb")
        for line in (
            f"EHLO x{{ODD}}", "EHLO x", "MAIL FROM:<ada@example.org> SMTPUTF8 X=\\u202e\\u3164",
            "MAIL FROM:<ada@example.org> SMTPUTF8", "RCPT TO:<b\\u2800\\u3164@example.org>",
            f"RCPT TO:<b{{ODD}}@example.org>", "DATA", CONTENT + ".", f"NOOP {{ODD}}", "QUIT",
        ):
            stream.write(line.replace("\\n", "\\r\\n").encode() + b"\\r\\n")
            stream.flush()
            while stream.readline()[3:4] == b"-":
                pass
    smtp_server.settle()
    return smtp_server

@pytest.fixture
def message(server):
    return server.messages[0]
"""

FAILURES = {
    "subject": "message.subject == 'Hello'",
    "text": "message.text == 'Hello\\nAda'",
    "a part of the text": "message.subject not in message.text + message.subject",
    "sender": "message.from_ == 'ada@example.org'",
    "recipients": "message.to == ['bob@example.org']",
    "headers": "message.headers == {}",
    "links": "message.links == []",
    "files": "message.attachments == []",
    "a file": "message.attachments[0] == None",
    "message": "message == None",
    "dict": "message.as_dict() == {}",
    "envelope": "message.envelope == None",
    "envelope's recipients": "message.envelope.rcpt_to == []",
    "address": "not message.envelope.rcpt_to[0]",
    "session": "server.sessions == []",
    "commands": "server.sessions[0].commands == []",
    "defects": "message.defects == []",
    "advice": "server.advice == []",
    "violations": "server.violations == []",
    "criteria": "server.wait_for_message(text='Hello Ada', to='x', again=True, timeout=0)",
    "a long text": "server.assert_received(html='Hello Ada' * 20, subject='x' * 80)",
    "absence": "server.assert_no_messages()",
    "link": "message.link('confirm')",
    "code": "message.code(r'[A-Z]{9}')",
}


@pytest.mark.parametrize("colour", ["yes", "no"])
def test_they_are_escapes_wherever_a_test_fails(
    pytester: pytest.Pytester, colour: str
) -> None:
    """On the screen, and in the file for JUnit. Colours are pytest's own."""
    tests = "".join(
        f"\ndef test_{number}(server, message):\n    assert {claim}\n"
        for number, claim in enumerate(FAILURES.values())
    )
    result = run(
        pytester, SENDS + tests, "--junitxml=j.xml", "-vv", f"--color={colour}"
    )
    result.assert_outcomes(failed=len(FAILURES))
    screen = result.stdout.str()
    assert "\\x1b[2J\\x07\\x9b\\u202e\\u2067\\u200d\\U000e0041\\ue000\\u034f" in screen
    screen = re.sub(r"\x1b\[[0-9;]*m", "", screen)
    for text in (screen, (pytester.path / "j.xml").read_text("utf-8")):
        bad = [line for line in text.splitlines() if _hidden(line)]
        assert not bad, ascii("\n".join(bad[:9]))


def test_other_tests_are_explained_as_ever(pytester: pytest.Pytester) -> None:
    """Those without a server may compare what a terminal gets, and want to see it."""
    tests = """
def test_mail(smtp_server):
    smtp_server.assert_no_messages()

def test_other():
    assert "a\\x1b[1mb" == "a\\x1b[2mb"
"""
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, failed=1)
    assert "+ a\x1b[1mb\n" in result.stdout.str()


def _hidden(line: str) -> set[str]:
    kinds = ("Cc", "Cf", "Co", "Cs")
    return {
        one for one in line if one in BLANK or unicodedata.category(one) in kinds
    } - {"\t"}
