"""What a failing test prints, as a whole."""

from __future__ import annotations

import textwrap

import pytest

from .inner import explanation, run

CASES = {
    "nothing came": (
        """
def test_it(smtp_server):
    smtp_server.wait_for_message(to="ada@example.org", timeout=0.01)
""",
        """
        pytest_smtpserver.MessageNotReceived: No message with to='ada@example.org' arrived within 0.01 s.

        No message arrived at all.

        No client has connected.
          The usual reasons:
          - the application sends to another host or port than this server's
          - its framework keeps mail in memory while it is tested: Django's locmem backend, Flask's TESTING=True, SUPPRESS_SEND=1
          - it sends once a transaction is committed (on_commit), and the test's never is
          - it failed before it sent, and kept the error to itself
          - it has not begun yet, as a worker that takes seconds to start: timeout= waits longer
        """,
    ),
    "nearest first": (
        """
def test_it(smtp_server):
    mail(smtp_server, subject="Goodbye", to="bob@example.org")
    mail(smtp_server)
    smtp_server.assert_received(to="ada@example.org", subject="Welcome, Eda")
""",
        """
        AssertionError: No message with to='ada@example.org', subject='Welcome, Eda' was received.

        2 messages arrived, the nearest first:
          2. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
               subject: wanted 'Welcome, Eda', got 'Welcome, Ada'
          1. from noreply@example.org to bob@example.org: 'Goodbye' (136 octets)
               to: wanted 'ada@example.org', got ['bob@example.org']
               subject: wanted 'Welcome, Eda', got 'Goodbye'
        """,
    ),
    "refused": (
        """
def test_it(smtp_server):
    smtp_server.on("RCPT", "ada@example.org").reply(550, "5.1.1 No such user")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail(smtp_server)
    smtp_server.assert_received(rcpt_to="ada@example.org")
""",
        """
        AssertionError: No message with rcpt_to='ada@example.org' was received.

        No message arrived at all.

        Refused:
          ada@example.org was refused with 550 5.1.1 No such user, by the rule made at test_it.py:15

        Begun, but left no message:
          from noreply@example.org: the client gave it up with RSET
        """,
    ),
    "handed out": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    smtp_server.wait_for_message()
    smtp_server.wait_for_message(timeout=0.01)
""",
        """
        pytest_smtpserver.MessageNotReceived: No message arrived within 0.01 s.

        1 message arrived:
          1. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
               handed out by the wait in test_it.py:16; again=True would return it
        """,
    ),
    "too many": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    mail(smtp_server)
    smtp_server.assert_received(to="ada@example.org", times=1)
""",
        """
        AssertionError: 2 messages with to='ada@example.org' instead of 1 were received.
          1. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
          2. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
        """,
    ),
    "unwanted": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    smtp_server.assert_no_messages()
""",
        """
        AssertionError: 1 message was received, none was wanted:
          1. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
        """,
    ),
    "text nearly": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    smtp_server.assert_received(text="confirm your adress")
""",
        """
        AssertionError: No message with text='confirm your adress' was received.

        1 message arrived:
          1. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
               text: wanted 'confirm your adress' in it, the nearest is 'confirm your address.'
        """,
    ),
    "commands": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    smtp_server.sessions[0].assert_commands(
        ["EHLO", "STARTTLS", "MAIL", "RCPT TO:<bob@example.org>", "DATA", "QUIT"])
""",
        """
        AssertionError: The client sent other commands than expected (- expected, + sent):
            ehlo client.example.org
          - STARTTLS
            mail FROM:<noreply@example.org> size=141
          - RCPT TO:<bob@example.org>
          + rcpt TO:<ada@example.org>
            data
            QUIT
        """,
    ),
    "two messages": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    mail(smtp_server, subject="Goodbye")
    assert smtp_server.messages[0] == smtp_server.messages[1]
""",
        """
        AssertionError: assert one message == another
            left:  from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
            right: from noreply@example.org to ada@example.org: 'Goodbye' (136 octets)
            subject: left 'Welcome, Ada', right 'Goodbye'
            A message is equal to itself alone; normalized() gives text to compare.
        """,
    ),
    "a list of messages": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    assert smtp_server.messages == []
""",
        """
        AssertionError: assert 1 message == 0 messages
          only on the left:
            1. from noreply@example.org to ada@example.org: 'Welcome, Ada' (141 octets)
        """,
    ),
    "containing in": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    assert containing("Goodbye") in [m.subject for m in smtp_server.messages]
""",
        """
        AssertionError: assert containing('Goodbye') in a collection of 1
            'Goodbye' is not in 'Welcome, Ada'
        """,
    ),
    "containing ==": (
        """
def test_it(smtp_server):
    mail(smtp_server)
    assert smtp_server.messages[0].subject == containing("Goodbye")
""",
        """
        AssertionError: assert a text == containing('Goodbye')
            'Goodbye' is not in 'Welcome, Ada'
        """,
    ),
    "last line end": (
        """
def test_it(smtp_server):
    mail(smtp_server, text="Hello.")
    assert smtp_server.messages[0].text == "Hello."
""",
        r"""
        assert 'Hello.\n' == 'Hello.'
          The two differ at the end alone: `text` and `html` keep the line ends that the mail ends with. Compare message.text.rstrip(), or say: "…" in message.text
        """,
    ),
    "line ends": (
        """
def test_it(smtp_server):
    mail(smtp_server, text="One\\r\\nTwo")
    text = smtp_server.messages[0].text
    assert "One\\r\\nTwo" in text
""",
        r"""
        AssertionError: assert 'One\r\nTwo' in 'One\nTwo\n'
          It is there but for its line ends: those of `text` and `html` are \n.
        """,
    ),
    "strict": (
        """
@pytest.mark.smtp_server(strict=True)
def test_it(smtp_server):
    mail(smtp_server, head="X-No: date")
""",
        """
        pytest_smtpserver.ProtocolViolated: strict=True, and the client is guilty of 1 violation of the RFCs:
          connection 1, message 1: the header has no Date (RFC 5322 §3.6)
              Every message has one From and one Date; without, it looks like spam.
        Without strict=True they stand in server.violations alone.
        """,
    ),
    "header and envelope": (
        """
def test_it(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="c.example.org") as client:
        client.sendmail("a@example.org", ["ada@example.org"], "To: list@example.org")
    smtp_server.wait_for_message(subject="", to="ada@example.org", timeout=0.01)
""",
        """
        pytest_smtpserver.MessageNotReceived: No message with to='ada@example.org', subject='' arrived within 0.01 s.

        1 message arrived:
          1. from a@example.org to ada@example.org: '' (22 octets)
               to: wanted 'ada@example.org', got ['list@example.org']
                 it is in the envelope: rcpt_to= looks there
        """,
    ),
    "stuck": (
        """
def test_it(smtp_server):
    smtp_server.default_timeout = 0.01
    client = smtplib.SMTP(*smtp_server.address, local_hostname="client.example.org")
    client.ehlo()
    client.mail("ada@example.org")
    try:
        smtp_server.assert_no_messages()
    finally:
        client.close()
""",
        """
        AssertionError: After 0.01 s 1 session is still in the middle of something, so nobody can say what will arrive:
          127.0.0.1:PORT (client.example.org): last command 'mail FROM:<ada@example.org>'
        """,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_failures_explain_themselves(name: str, pytester: pytest.Pytester) -> None:
    """The whole text of a failure says what was wanted, what came, and how close."""
    test, expected = CASES[name]
    result = run(pytester, test, "--smtp-transcript=none")
    result.assert_outcomes(failed=1)
    text = explanation(result)
    if name == "stuck":
        text = "\n".join(text.split("\n")[:2])
    assert text == textwrap.dedent(expected).strip("\n")


LONG = """
def test_it(smtp_server):
    for number in range(8):
        mail(smtp_server, subject=f"number {number}", text="line\\r\\n" * 30)
    smtp_server.assert_received(text="Nothing like it at all")
"""


def test_explanations_are_short_and_whole_under_vv(pytester: pytest.Pytester) -> None:
    """Five messages and some lines of each; with -vv every one."""
    short = explanation(run(pytester, LONG))
    assert "  … and 3 more, further off; -vv shows them" in short
    assert "… 19 more lines, -vv shows them" in short
    whole = explanation(run(pytester, LONG, "-vv"))
    assert "-vv" not in whole
    assert "8. from noreply@example.org" in whole
    assert f"{whole}\n".count("    line\n") == 8 * 30


def test_long_subjects_get_a_diff(pytester: pytest.Pytester) -> None:
    """Where one line with both could not be read, they stand below each other."""
    text = explanation(
        run(
            pytester,
            f"""
def test_it(smtp_server):
    mail(smtp_server, subject="{"long " * 14}end")
    smtp_server.assert_received(subject="{"long " * 14}and")
""",
        )
    )
    assert text.split("\n")[4:] == [
        "       subject: - wanted, + got",
        f"           - {'long ' * 14}and",
        f"           ?{' ' * 71}^",
        f"           + {'long ' * 14}end",
        f"           ?{' ' * 71}^",
    ]


@pytest.mark.parametrize(
    "own",
    [
        '"".join(["Hello.", chr(10)])',  # equal to the text of the message, and not it
        "mail.text.upper()",
        "mail.subject",
    ],
)
def test_other_texts_are_left_to_pytest(own: str, pytester: pytest.Pytester) -> None:
    """A line end that is too much is ours to explain in a message's own text alone."""
    result = run(
        pytester,
        f"""
def test_it(smtp_server):
    mail(smtp_server, subject="Hi", text="Hello.")
    message = smtp_server.messages[0]
    assert message.text
    assert {own.replace("mail.", "message.")} == {own.replace("mail.", "message.")}.strip() + "\\n\\n"
""",
    )
    result.assert_outcomes(failed=1)
    assert "differ" not in explanation(result)


def test_other_comparisons_are_left_to_pytest(pytester: pytest.Pytester) -> None:
    """Lists and texts that have nothing to do with mail are explained as ever."""
    result = run(pytester, "\ndef test_it(smtp_server):\n    assert [1, 2] == [1, 3]\n")
    assert "At index 1 diff: 2 != 3" in explanation(result)
