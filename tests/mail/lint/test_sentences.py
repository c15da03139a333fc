"""What a finding says is there, word for word: with its place and the line in question.

Why it matters and what to do is the same for all findings of a name; see test_texts.
"""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.lint.advice import ADVICE, advice
from pytest_smtpserver.mail.lint.violations import VIOLATIONS, violations
from pytest_smtpserver.mail.lint.violations_content import Problem, content_problems
from pytest_smtpserver.mail.message import SessionRecord
from pytest_smtpserver.mail.outcomes import Undelivered
from pytest_smtpserver.protocol.syntax.addresses import parse_mail_argument
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.protocol.syntax.replies import Reply
from pytest_smtpserver.protocol.syntax.values import MailValues

from ..make import RECEIVED_AT, envelope
from .test_advice import delivered

HEAD = "From: a@acme.de\r\nDate: x\r\nMessage-ID: <1@acme.de>\r\n"
HTML = f"{HEAD}Subject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
TEXT = f"{HEAD}Subject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
OFFER = ("EHLO c.example", "250-x\n250-PIPELINING\n250 SMTPUTF8")
HELLO = ("EHLO c.example", "250 x")


def session(*said: tuple[str, str], early: bool = False) -> SessionRecord:
    """What a client said, and what it was answered; `early`: the last one too soon."""
    made = SessionRecord("1", ("127.0.0.1", 9), ("127.0.0.1", 25), RECEIVED_AT)
    for number, (line, reply) in enumerate(said, 1):
        end = "" if line.endswith("\n") else "\r\n"
        octets = (line + end).encode("utf-8", "surrogateescape")
        command = Command.parse(octets, pipelined=early and number == len(said))
        if command.verb == "MAIL":
            command.name(parse_mail_argument(command.raw_argument, lenient=True))
        if reply:
            command.answer(Reply.parse(reply))
        made.commands.append(command)
    return made


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (
            session(("NOOP\n", "250 x")),
            ("bare-lf", "the command ends with a bare LF", "NOOP"),
        ),
        (
            session(("NOOP a\rb", "250 x")),
            ("bare-cr", "there is a bare CR in the command", r"NOOP a\rb"),
        ),
        (
            session(("MAIL FROM: <a@b>", "250 x")),
            (
                "blanks",
                "blanks stand beside the colon, or too many between the words",
                "MAIL FROM: <a@b>",
            ),
        ),
        (
            session(HELLO, early=True),
            (
                "early-talker",
                "the client did not wait for the greeting",
                "EHLO c.example",
            ),
        ),
        (
            session(OFFER, ("NOOP", "250 x"), ("RSET", "250 x"), early=True),
            (
                "pipelining-after-last",
                "the command came before the reply to NOOP",
                "RSET",
            ),
        ),
        (
            session(HELLO, ("RSET", "250 x"), ("RSET", "250 x"), early=True),
            (
                "pipelining-not-offered",
                (
                    "the command came before the reply to RSET, and PIPELINING was not "
                    "offered"
                ),
                "RSET",
            ),
        ),
        (
            session(HELLO, ("", "500 x"), ("RSET", "250 x"), early=True),
            (
                "pipelining-not-offered",
                (
                    "the command came before the reply to a line, and PIPELINING was "
                    "not offered"
                ),
                "RSET",
            ),
        ),
        (
            session(("EHLO a_b", "250 x")),
            (
                "client-name",
                (
                    "the name of the client is no domain and no address literal: "
                    '"_" stands in the domain'
                ),
                "EHLO a_b",
            ),
        ),
        (
            session(("MAIL FROM:<\u00fc@b>", "250 x")),
            (
                "utf8-address",
                "the address is not ASCII, and MAIL came without SMTPUTF8",
                "MAIL FROM:<\u00fc@b>",
            ),
        ),
    ],
)
def test_commands(made: SessionRecord, found: tuple[str, str, str]) -> None:
    """Where: the connection, and the command by its number."""
    (one,) = violations([session(), made])
    assert (one.name, one.what, one.line) == found
    assert one.where == f"connection 2, command {len(made.commands)}"
    assert one.section == VIOLATIONS[one.name].section


@pytest.mark.parametrize(
    "made",
    [
        # RFC 2920 §3.1: these may stand in a group, where it was offered.
        session(OFFER, ("RSET", "250 x"), ("RSET", "250 x"), early=True),
        # What follows content begins a group.
        session(OFFER, ("DATA", "354 x"), ("RSET", "250 x"), early=True),
        # RFC 5321 §4.1.1: blanks at the end are to be tolerated; NOOP's are its text.
        session(("NOOP a  b", "250 x"), ("RSET ", "250 x")),
        # RFC 5321 §4.1.2: a quoted string may have them.
        session(('MAIL FROM:<"a  b"@c>', "250 x")),
        session(("EHLO [192.0.2.1]", "250 x")),
        session(OFFER, ("MAIL FROM:<\u00fc@b> SMTPUTF8", "250 x")),
        session(
            OFFER,
            ("MAIL FROM:<a@b> SMTPUTF8", "250 x"),
            ("RCPT TO:<\u00fc@b>", "250 x"),
        ),
    ],
)
def test_what_is_allowed(made: SessionRecord) -> None:
    assert violations([made]) == []


def test_behind_starttls() -> None:
    """RFC 3207 §4 says it, and not RFC 2920."""
    made = session(
        OFFER, ("STARTTLS", "220 x"), ("EHLO c.example", "250 x"), early=True
    )
    made.discarded = b"EHLO c.example\r\n"
    after, behind = violations([made])
    assert (after.name, after.section) == ("pipelining-after-last", "RFC 3207 §4")
    assert after.what == "the command came before the reply to STARTTLS"
    assert behind.what == "16 octets came behind STARTTLS, before TLS"
    assert (behind.where, behind.line) == ("connection 1", r"EHLO c.example\r\n")


def test_the_end_of_a_session() -> None:
    made = session(HELLO)
    made.early_content = True
    made.transcript.add(0, "S", b"250 x\r\n")
    made.ended("client")
    early, left = violations([made])
    assert (early.name, early.what) == (
        "content-before-354",
        "content came before the reply to DATA",
    )
    assert (left.name, left.what, left.where) == (
        "no-quit",
        "the client closed the connection without QUIT",
        "connection 1",
    )


def test_where_content_is() -> None:
    """The messages by their numbers, and what was not delivered by its own."""
    made = session()
    content = b"From: a@b\r\nDate: x\r\n\r\na\nb\r\n"
    made.messages += delivered(content).messages
    made.undelivered += [
        Undelivered(envelope(), content, None, "x"),
        Undelivered(envelope(), b"Date: x\r\n\r\n", Reply(554), "x"),
        Undelivered(envelope(), b"", Reply(554), "x"),
        # RFC 1870 §6.1: of what is too long the server has not kept all.
        Undelivered(envelope(), content, Reply(552), "x"),
    ]
    assert [(one.where, one.what) for one in violations([made])] == [
        ("connection 1, message 1, line 4", "there is a bare LF in the content"),
        (
            "connection 1, undelivered content 1, line 4",
            "there is a bare LF in the content",
        ),
        ("connection 1, undelivered content 2", "the header has no From"),
    ]


GOOD = b"From: a@b\r\nDate: x\r\n"


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (
            GOOD + b"\r\na\rb\r\nc\rd\r\n",
            [("bare-cr", "there is a bare CR in the content, 2 times", 4, r"a\rb")],
        ),
        (
            GOOD + b"\r\na\nb\r\n",
            [("bare-lf", "there is a bare LF in the content", 4, r"a\nb")],
        ),
        (
            GOOD + b"\r\n" + b"x" * 1999 + b"\r\n",
            [
                (
                    "long-line",
                    "a line of 1,999 octets is longer than 998",
                    4,
                    f"{'x' * 100}…",
                )
            ],
        ),
        (
            b"From: \xc3\xbc@b\r\nDate: x\r\n\r\n",
            [
                (
                    "8-bit-header",
                    "the header is not ASCII, and MAIL came without SMTPUTF8",
                    1,
                    "From: \u00fc@b",
                )
            ],
        ),
        (
            GOOD + b"\r\n\xc3\xbc\r\n",
            [
                (
                    "8-bit-content",
                    "the body has 8-bit octets, and MAIL came without BODY=8BITMIME",
                    4,
                    "\u00fc",
                )
            ],
        ),
        (b"Date: x\r\n\r\n", [("no-from", "the header has no From", 0, "")]),
        (b"From: a@b\r\n\r\n", [("no-date", "the header has no Date", 0, "")]),
        (
            GOOD + b"to: a@b\r\nTO: c@d\r\n\r\n",
            [
                (
                    "duplicate-header",
                    "the header has 2 fields To, at most one is allowed",
                    0,
                    "to: a@b; TO: c@d",
                )
            ],
        ),
    ],
)
def test_content(content: bytes, problems: list[tuple[str, str, int, str]]) -> None:
    """With the number of the line, from 1, and the line."""
    found = list(content_problems(content, envelope()))
    assert found == [Problem(*one) for one in problems]


@pytest.mark.parametrize(
    ("values", "content"),
    [
        # RFC 6152 §3, RFC 6531 §3.2, RFC 3030 §3.
        (MailValues(body="8BITMIME"), GOOD + b"\r\n\xc3\xbc\r\n"),
        (MailValues(smtputf8=True), b"From: \xc3\xbc@b\r\nDate: x\r\n\r\n"),
        (MailValues(body="BINARYMIME"), GOOD + b"\r\n\xc3\xbc\n\r" + b"x" * 2000),
        # RFC 5322 §2.1.1: 998 is not too long.
        (MailValues(), GOOD + b"\r\n" + b"x" * 998 + b"\r\n"),
    ],
)
def test_content_that_is_announced(values: MailValues, content: bytes) -> None:
    made = Envelope(envelope().mail_from, values)
    assert list(content_problems(content, made)) == []


def test_content_that_was_cut_off() -> None:
    """Half a CRLF is no bare CR, and nobody knows what the header would have had."""
    assert list(content_problems(b"Subject: x\r", envelope(), whole=False)) == []


# Advice


def advised(content: str, name: str) -> tuple[str, str, str]:
    """What is said of it under that name: what, in which part, and the line."""
    found = advice([delivered(content.encode())])
    (one,) = [one for one in found if one.name == name]
    where = one.where.removeprefix("connection 1, message 1")
    assert (one.why, one.fix) == (ADVICE[name].why, ADVICE[name].fix)
    return one.what, where.removeprefix(", "), one.line


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        (
            "bcc-left-in",
            f"{HEAD}Bcc: c@d\r\n\r\n",
            ("the message has a Bcc field", "", "Bcc: c@d"),
        ),
        (
            "message-id-without-domain",
            "From: a@b\r\n\r\n",
            ("the message has no Message-ID", "", ""),
        ),
        (
            "not-aligned",
            f"{HEAD}\r\n",
            (
                "From is of acme.de, the envelope of example.org",
                "",
                "From: a@acme.de",
            ),
        ),
        (
            "empty-subject",
            f"{HEAD}To: b@x.org\r\n\r\n",
            ("the message has no subject", "subject", ""),
        ),
        (
            "html-only",
            f"{HTML}<p>x",
            ("the message has HTML, and no text beside it", "HTML", ""),
        ),
        (
            "clipped",
            f"{HTML}{'x' * 105447}\r\n",
            ("the HTML has 105,448 octets, 1,000 more than are shown", "HTML", ""),
        ),
        (
            "image-without-text",
            f"{HTML}x<img src=a.png>",
            (
                "an image has no text in its place (alt)",
                "HTML",
                '<img src="a.png">',
            ),
        ),
        (
            "image-without-text",
            f"{HTML}x<img src=a><img src=b>",
            ("2 images have no text in its place (alt)", "HTML", '<img src="a">'),
        ),
        (
            "image-without-text",
            f'{HTML}<img src=a alt="">',
            ("the HTML has images, and no text at all", "HTML", '<img src="a">'),
        ),
        (
            "insecure-link",
            f"{TEXT}http://acme.de/a https://acme.de/b",
            ("http, where acme.de is linked by https too", "links", "http://acme.de/a"),
        ),
        *(
            (
                "link-to-localhost",
                f"{TEXT}{link}",
                (f"a link leads to {why}", "links", link),
            )
            for link, why in (
                ("https://a.de:2525/", "the port of this SMTP server, 2525"),
                ("http://10.0.0.1/", "an address of no public network, 10.0.0.1"),
                (
                    "http://a.local/",
                    "a name that only this machine or network knows, a.local",
                ),
                ("http://web/", "a name without a domain, web"),
                ("http://a.example.com/", "a domain for examples, a.example.com"),
            )
        ),
        (
            "link-to-localhost",
            f"{TEXT}http://web/1 http://web/2 http://web/3",
            (
                "a link leads to a name without a domain, web, and 2 more",
                "links",
                "http://web/1",
            ),
        ),
        (
            "all-addresses-visible",
            f"{HEAD}To: {', '.join(f'{n}@x{n}.org' for n in range(6))}\r\n\r\n",
            (
                "6 strangers see each other's addresses in To and Cc",
                "header",
                "0@x0.org, 1@x1.org, 2@x2.org …",
            ),
        ),
        *(
            (
                "no-unsubscribe",
                f"{HEAD}{field}\r\n\r\n{text}",
                (
                    f"the mail goes to a list ({why}), and has no {missing}",
                    "header",
                    "",
                ),
            )
            for field, text, why, missing in (
                ("List-Id: x", "", "it has a List-Id", "List-Unsubscribe"),
                ("Precedence: Bulk", "", "its Precedence is Bulk", "List-Unsubscribe"),
                (
                    "List-Unsubscribe: <https://a.de/>",
                    "https://a.de/unsubscribe",
                    "it has a link to unsubscribe",
                    "List-Unsubscribe-Post",
                ),
            )
        ),
        (
            "unrendered-template",
            f"{TEXT}Hi {{{{ a }}}} and {{{{ b }}}}\r\n",
            (
                "2 placeholders were not filled in: {{ a }}, {{ b }}",
                "text",
                "Hi {{ a }} and {{ b }}",
            ),
        ),
        (
            "unrendered-template",
            f"{TEXT}{' '.join(f'{{{{{n}}}}}' for n in 'abcdef')}\r\n",
            (
                (
                    "6 placeholders were not filled in: {{a}}, {{b}}, {{c}}, {{d}}, "
                    "{{e}} …"
                ),
                "text",
                "{{a}} {{b}} {{c}} {{d}} {{e}} {{f}}",
            ),
        ),
        (
            "mojibake",
            f"{TEXT}GrÃ¼ÃŸe\r\n",
            (
                "'Ã¼' was 'ü' once: UTF-8 was read as Latin-1",
                "text",
                "GrÃ¼ÃŸe",
            ),
        ),
    ],
)
def test_messages(name: str, content: str, found: tuple[str, str, str]) -> None:
    assert advised(content, name) == found


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            [("MAIL FROM:<a@b>", "550 x"), ("RCPT TO:<c@d>", "503 x")],
            ("RCPT cannot succeed any more: MAIL was refused", "RCPT TO:<c@d>"),
        ),
        (
            [
                ("MAIL FROM:<a@b>", "250 x"),
                ("RCPT TO:<c@d>", "550 x"),
                ("DATA", "503 x"),
            ],
            ("DATA cannot succeed any more: every recipient was refused", "DATA"),
        ),
    ],
)
def test_commands_in_vain(said: list[tuple[str, str]], found: tuple[str, str]) -> None:
    """RFC 5321 §3.3; who sends them in one go cannot know (RFC 2920 §3.1)."""
    (one,) = advice([session(*said)])
    assert (one.what, one.line) == found
    assert one.where == f"connection 1, command {len(said)}"
    assert advice([session(*said, early=True)]) == []


@pytest.mark.parametrize(
    "said",
    [
        [
            ("MAIL FROM:<a@b>", "550 x"),
            ("MAIL FROM:<a@b>", "250 x"),
            ("RCPT TO:<c@d>", "550 x"),
        ],
        [("MAIL FROM:<a@b>", "550 x"), ("RSET", "250 x"), ("RCPT TO:<c@d>", "503 x")],
        [
            ("RCPT TO:<c@d>", "250 x"),
            ("RCPT TO:<e@f>", "550 x"),
            ("DATA", "503 x"),
        ],
        [("RCPT TO:<e@f>", "550 x"), ("RSET", "250 x"), ("DATA", "503 x")],
        [("DATA", "503 x")],
    ],
)
def test_commands_with_a_chance(said: list[tuple[str, str]]) -> None:
    assert advice([session(*said)]) == []
