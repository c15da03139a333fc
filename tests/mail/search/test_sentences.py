"""What a failure says, word for word, to someone who has not seen the server's code.

The number and the facts come first, then what came close, and the way out at the end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver.mail.mailbox import Mailbox
from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
from pytest_smtpserver.mail.outcomes import AuthAttempt, TLSInfo, Undelivered
from pytest_smtpserver.mail.search import explain
from pytest_smtpserver.mail.search.alignment import command_problem
from pytest_smtpserver.mail.search.criteria import Criteria, Difference
from pytest_smtpserver.mail.search.diagnosis import (
    Setting,
    what_holds_up,
    what_stood_in_the_way,
)
from pytest_smtpserver.mail.search.differing import describe
from pytest_smtpserver.mail.search.hints import hint
from pytest_smtpserver.mail.search.waiting import Wait
from pytest_smtpserver.mail.transcript import Marked
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.replies import Reply

from ..make import NO_SESSION, RECEIVED_AT, envelope, received

if TYPE_CHECKING:
    from collections.abc import Sequence

FAR_OFF = received("From: ada@x.org\r\nTo: bob@x.org\r\nSubject: one\r\n\r\nHello")
NEAR = received("From: ada@x.org\r\nTo: bob@x.org\r\nSubject: two\r\n\r\nHello")
TO_ADA = "from noreply@example.org to ada@example.org"
_FAR, _NEAR = (f"{TO_ADA}: {name!r} (53 octets)" for name in ("one", "two"))


def session(*said: tuple[str, str]) -> SessionRecord:
    """A connection on which these commands got these replies; ``""`` for none."""
    made = SessionRecord("1", ("127.0.0.1", 9), ("127.0.0.1", 25), RECEIVED_AT)
    for line, reply in said:
        command = Command.parse(f"{line}\r\n".encode())
        if reply:
            command.answer(Reply.parse(reply))
        made.commands.append(command)
    return made


def closed(*said: tuple[str, str]) -> SessionRecord:
    made = session(*said)
    made.ended("client")
    return made


def by_server(*said: tuple[str, str]) -> SessionRecord:
    made = session(*said)
    made.ended("server")
    return made


def waited(criteria: dict[str, Any], *messages: ReceivedMessage, **more: Any) -> str:
    """The text of a wait for these, in front of the diagnosis."""
    given: dict[str, Any] = {"timeout": 0.5, "claims": [], "before_mark": [], **more}
    count = given.pop("count", 1)
    wait = Wait(Mailbox(), criteria, count=count, again=given.pop("again", False))
    return explain.not_received(wait, messages=messages, sessions=[closed()], **given)


def test_a_wait_that_ran_out_of_time() -> None:
    assert waited({}).split("\n") == [
        "No message arrived within 0.5 s.",
        "",
        "No message arrived at all.",
    ]
    assert waited({}, timeout=None).startswith("No message arrived.\n")
    assert waited({"subject": "x"}, count=2).split("\n")[0] == (
        "Only 0 of 2 messages with subject='x' arrived within 0.5 s."
    )


def test_those_that_came_instead() -> None:
    """The nearest first, under the number of its arrival, and why it is not the one."""
    text = waited({"to": "bob@x.org", "subject": "two!"}, FAR_OFF, NEAR)
    assert text.split("\n") == [
        "No message with to='bob@x.org', subject='two!' arrived within 0.5 s.",
        "",
        "2 messages arrived, the nearest first:",
        f"  1. {_FAR}",
        "       subject: wanted 'two!', got 'one'",
        f"  2. {_NEAR}",
        "       subject: wanted 'two!', got 'two'",
    ]
    nearer = waited({"to": "x", "subject": "two"}, FAR_OFF, NEAR).split("\n")
    assert [line for line in nearer if "octets" in line] == [
        f"  2. {_NEAR}",
        f"  1. {_FAR}",
    ]


@pytest.mark.parametrize("again", [False, True])
def test_those_that_were_handed_out_or_came_too_early(again: bool) -> None:
    text = waited(
        {},
        FAR_OFF,
        NEAR,
        again=again,
        claims=[(FAR_OFF, "test_it.py:7")],
        before_mark=[FAR_OFF, NEAR],
    )
    early = "       came before the mark given as since="
    taken = "       handed out by the wait in test_it.py:7; again=True would return it"
    assert text.split("\n")[2:] == [
        "2 messages arrived:",
        f"  1. {_FAR}",
        early if again else taken,
        f"  2. {_NEAR}",
        early,
    ]


def test_one_message_has_no_order() -> None:
    text = waited({"subject": "x"}, FAR_OFF)
    assert "\n1 message arrived:\n" in text


def test_more_than_can_be_read() -> None:
    """Five are shown; or all."""
    many = [received(f"Subject: {n}\r\n\r\n") for n in range(7)]
    assert waited({"subject": "x"}, *many).split("\n")[-1] == (
        "  … and 2 more, further off; -vv shows them"
    )
    assert "more" not in waited({"subject": "x"}, *many, full=True)


@pytest.mark.parametrize(
    ("times", "found", "others", "lines"),
    [
        (None, [], [], ["No message with subject='two' was received."]),
        (2, [], [], ["0 messages with subject='two' instead of 2 were received."]),
        (
            2,
            [NEAR],
            [FAR_OFF],
            [
                "1 message with subject='two' instead of 2 was received.",
                f"  1. {_NEAR}",
                "",
                "1 message arrived:",
                f"  1. {_FAR}",
                "       subject: wanted 'two', got 'one'",
            ],
        ),
        (
            1,
            [NEAR, NEAR],
            [FAR_OFF],
            [
                "2 messages with subject='two' instead of 1 were received.",
                f"  1. {_NEAR}",
                f"  2. {_NEAR}",
            ],
        ),
    ],
)
def test_an_assertion_that_wanted_another_number(
    times: int | None,
    found: list[ReceivedMessage],
    others: list[ReceivedMessage],
    lines: list[str],
) -> None:
    """Those that were found, and the others only where there are too few."""
    criteria = Criteria({"subject": "two"})
    text = explain.wrong_number(criteria, times, found, [*found, *others], [closed()])
    if not (found or others):
        lines = [*lines, "", "No message arrived at all."]
    assert text.split("\n") == lines


def test_an_assertion_that_wanted_none() -> None:
    criteria = Criteria({"subject": "two"})
    assert explain.unwanted(criteria, [NEAR]).split("\n") == [
        "1 message with subject='two' was received, none was wanted:",
        f"  1. {_NEAR}",
    ]
    assert explain.unwanted(Criteria({}), [NEAR, FAR_OFF]).split("\n")[0] == (
        "2 messages were received, none was wanted:"
    )


def test_what_does_not_come_to_an_end() -> None:
    """Who it is, what holds it up, and the last four lines of its dialogue."""
    one = session(("EHLO c", "250 x"), ("MAIL FROM:<a@b>", ""))
    one.introduced("c", "EHLO")
    for number in range(6):
        one.transcript.add(number, "C", f"{number}\r\n".encode())
    text = explain.stuck([(one, "a rule")], 0.5, sessions=[one], setting=None)
    assert text.split("\n") == [
        (
            "After 0.5 s 1 session is still in the middle of something, so nobody can say "
            "what will arrive:"
        ),
        "  127.0.0.1:9 (c): last command 'MAIL FROM:<a@b>', not answered",
        "    it is held up by a rule",
        *(f"      +{number}.000 C: {number}" for number in range(2, 6)),
    ]
    both = explain.stuck([(one, ""), (session(), "")], 2, sessions=[], setting=None)
    lines = both.split("\n")
    assert lines[0].startswith("After 2 s 2 sessions are still in the middle")
    assert lines[-1] == "  127.0.0.1:9: no command yet"


def test_what_went_wrong() -> None:
    """Refusals, transactions without a message, and what is open."""
    one = session(("EHLO c", "250 x"))
    for line, verdict in (("MAIL", "550 5.7.1 No"), ("RCPT", "250-a\n250 b")):
        where = b"FROM" if line == "MAIL" else b"TO"
        command = Command.parse(b"%b %b:<>\r\n" % (line.encode(), where))
        command.name(envelope(b"FROM:<>").mail_from)
        command.answer(Reply.parse(verdict))
        one.commands.append(command)
    refused = Command.parse(b"RCPT TO:<b@x.org>\r\n")
    refused.answered_by = "the rule"
    refused.name(envelope().rcpt_to[0])
    refused.answer(Reply(450, "4.2.0 Not", "now"))
    one.commands.append(refused)
    sent = envelope(b"FROM:<>")
    one.undelivered.append(Undelivered(sent, b"", None, "the client went away"))
    assert explain.went_wrong([one]) == [
        "",
        "Refused:",
        "  the sender <> was refused with 550 5.7.1 No",
        "  ada@example.org was refused with 450-4.2.0 Not / 450 4.2.0 now, by the rule",
        "",
        "Begun, but left no message:",
        "  from <>: the client went away",
        "",
        "Connections that are still open:",
        "  127.0.0.1:9: last command 'RCPT TO:<b@x.org>'",
    ]
    assert explain.went_wrong([closed()]) == []


def test_null_reverse_path_and_nobody() -> None:
    """RFC 5321 §4.5.5 has mail from nobody."""
    sent = envelope(b"FROM:<>")
    sent.rcpt_to.clear()
    message = ReceivedMessage(b"x" * 1234, sent, NO_SESSION, received_at=RECEIVED_AT)
    assert explain.summary(message) == "from <> to nobody: '' (1,234 octets)"


@pytest.mark.parametrize(
    ("criterion", "wanted", "way_out"),
    [
        ("rcpt_to", "bob@x.org", "it is in the header: to= looks there"),
        ("mail_from", "ada@x.org", "it is in the header: from_= looks there"),
        ("to", "ada@example.org", "it is in the envelope: rcpt_to= looks there"),
        ("cc", "ada@example.org", "it is in the envelope: rcpt_to= looks there"),
        (
            "from_",
            "noreply@example.org",
            "it is in the envelope: mail_from= looks there",
        ),
        ("subject", "one ", "they differ in white space at an end"),
        ("subject", "ONE", "they differ in upper and lower case"),
        (
            "subject",
            "o*",
            (
                "a str has no wildcards; a regular expression finds it: "
                "re.compile('^o.*$')"
            ),
        ),
        (
            "subject",
            "^o.e",
            "as a regular expression it is found: re.compile('^o.e')",
        ),
        (
            "subject",
            "^x.*",
            "a regular expression has to be compiled: re.compile('^x.*')",
        ),
        (
            "to",
            "Bob <bob@x.org>",
            "addresses are compared without display names: 'bob@x.org'",
        ),
    ],
)
def test_the_way_out(criterion: str, wanted: str, way_out: str) -> None:
    """Below the criterion that it is about."""
    lines = waited({criterion: wanted}, FAR_OFF).split("\n")
    assert lines[-1] == f"         {way_out}"
    assert lines[-2].startswith(f"       {criterion}: wanted {wanted!r}, got ")


def test_a_part_of_what_came() -> None:
    assert hint("ord", ["Order", "a word"]) == (
        "it is a part of it: containing('ord') is enough"
    )


@pytest.mark.parametrize("full", [False, True])
def test_a_text_that_is_not_in_it(full: bool) -> None:
    """The nearest piece of it, or all lines."""
    lines = describe(Difference("text", "Hello Ada", "Hello Eda\nBye"), full=full)
    assert lines == (
        ["text: wanted 'Hello Ada' in it, it is", "    Hello Eda", "    Bye"]
        if full
        else ["text: wanted 'Hello Ada' in it, the nearest is 'Hello Eda'"]
    )


def test_other_commands_than_expected() -> None:
    sent = [Command.parse(b"EHLO c\r\n"), Command.parse(b"QUIT\r\n")]
    assert command_problem(["EHLO", re.compile("^MAIL")], sent).split("\n") == [
        "The client sent other commands than expected (- expected, + sent):",
        "    EHLO c",
        "  - re.compile('^MAIL')",
        "  + QUIT",
    ]
    with pytest.raises(TypeError) as raised:
        command_problem("EHLO", sent)
    assert str(raised.value) == (
        "assert_commands takes a list of commands, such as ['EHLO', 'MAIL'], not 'EHLO'"
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"headers": ["X-Tag"]},
            (
                "headers is a mapping of header names to what they must be, such as "
                "headers={'X-Tag': 'welcome'}; got ['X-Tag']"
            ),
        ),
        (
            {"where": 3},
            "where is a function that is called with the message; got 3",
        ),
    ],
)
def test_criteria_that_are_none(given: dict[str, Any], told: str) -> None:
    with pytest.raises(TypeError) as raised:
        Criteria(given)
    assert str(raised.value) == told


def test_a_message_that_is_not_there_yet() -> None:
    with pytest.raises(IndexError) as raised:
        Mailbox().messages[0]
    assert str(raised.value) == (
        "no message number 0: there are 0 (wait_for_message() waits for one that is "
        "still to come)"
    )


# What stood in the way

TRUST = (
    "The fixture trust_smtp_ca makes this test and its child processes trust the CA by "
    "SSL_CERT_FILE; a client that takes a context gets smtp_server.client_context(), "
    "one that takes a file smtp_server.ca_file."
)
PLAIN = (
    "With tls='implicit' TLS begins at once, as with smtplib.SMTP_SSL or "
    "EMAIL_USE_SSL=True; a client that says EHLO first needs tls='starttls' or no TLS."
)
AT_ONCE = (
    "the client began with TLS, and this server begins without it. Give the server "
    "tls='implicit', or let the client begin in clear text: "
)
LOGIN = "the login by PLAIN was refused ("
NO_AUTH = "AUTH is not on offer; users={'name': 'password'} turns it on."
LEFT = "the client greeted the server, and left without a mail."
EVERYTHING = "250-x\n250-STARTTLS\n250-AUTH PLAIN\n250 SMTPUTF8"
HELLO_CLIENT = ("\x16\x03\x01", "500 x")
NOT_DONE = "the TLS handshake did not succeed: "


def noted(note: str) -> SessionRecord:
    """A connection whose TLS handshake failed."""
    made = closed()
    made.transcript.add(0, "C", "x")
    made.transcript.add(1, "note", note)
    made.transcript.add(2, "note", "the client hung up")
    return made


def login(reply: str, username: str | None = "ada") -> SessionRecord:
    made = closed()
    made.auth_attempts += [
        AuthAttempt("LOGIN", "x", reply=Reply(535)),
        AuthAttempt("PLAIN", username, reply=Reply.parse(reply) if reply else None),
    ]
    return made


def in_tls(*said: tuple[str, str]) -> SessionRecord:
    made = closed(*said)
    made.secured(TLSInfo("TLSv1.3", "x", None, None), b"")
    return made


def refused_content(code: int, remark: str = "") -> SessionRecord:
    made = closed()
    reply = Reply(code, "5.7.1 One" if code > 500 else "One", "Two")
    made.undelivered.append(Undelivered(envelope(), b"", reply, "refused"))
    made.transcript.add(0, Marked("S", "an earlier rule"), b"250 Ok\r\n")
    if remark:
        made.transcript.add(1, Marked("S", remark), reply.wire)
    return made


WITH_USERS = Setting(auth=True, users=["ada", "bob"])
DIAGNOSES: dict[str, tuple[SessionRecord, Setting, str]] = {
    # RFC 8446 §6.2: unknown_ca, bad_certificate and their like.
    "untrusted": (
        noted(f"{NOT_DONE}TLSV1_ALERT_UNKNOWN_CA"),
        Setting(tls="implicit"),
        f"the client does not trust the certificate (TLSV1_ALERT_UNKNOWN_CA). {TRUST}",
    ),
    "refused on purpose": (
        noted(f"{NOT_DONE}SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        Setting(tls="implicit", certificate="expired"),
        (
            "the client refused the certificate (SSLV3_ALERT_CERTIFICATE_EXPIRED), which is "
            "what certificate='expired' is for."
        ),
    ),
    "no TLS": (
        noted(f"{NOT_DONE}WRONG_VERSION_NUMBER"),
        Setting(tls="implicit"),
        f"the client speaks no TLS (WRONG_VERSION_NUMBER). {PLAIN}",
    ),
    "another failure": (
        noted(f"{NOT_DONE}EOF"),
        Setting(tls="implicit"),
        f"{NOT_DONE}EOF. {TRUST}",
    ),
    "TLS that has not begun": (
        session(),
        Setting(tls="implicit"),
        f"the client is connected, and has not begun TLS. {PLAIN}",
    ),
    "TLS at once": (
        closed(HELLO_CLIENT),
        Setting(),
        f"{AT_ONCE}smtplib.SMTP, or EMAIL_USE_SSL=False.",
    ),
    "TLS at once, with STARTTLS": (
        closed(HELLO_CLIENT),
        Setting(tls="starttls"),
        f"{AT_ONCE}smtplib.SMTP and its starttls().",
    ),
    "no AUTH": (login("503 x"), Setting(), f"{LOGIN}503 x): {NO_AUTH}"),
    "AUTH before TLS": (
        login("538 5.7.11 x"),
        WITH_USERS,
        (
            f"{LOGIN}538 x): AUTH needs TLS first. Let the client use STARTTLS before it "
            "logs in, or give the server allow_insecure_auth=True."
        ),
    ),
    "another password": (
        login("535-5.7.8 a\n535 5.7.8 b"),
        WITH_USERS,
        f"{LOGIN}535 a / b): users= has another value as the password of 'ada'.",
    ),
    "an unknown user": (
        login("535 x", "eve"),
        WITH_USERS,
        f"{LOGIN}535 x): there is no user 'eve'; users= has 'ada', 'bob'.",
    ),
    "no users": (
        login("535 x", "eve"),
        Setting(auth=True, users=[]),
        f"{LOGIN}535 x): there is no user 'eve'; users= has nobody.",
    ),
    "a login of another kind": (login("454 x"), WITH_USERS, f"{LOGIN}454 x)."),
    "a login without a name": (login("535 x", None), WITH_USERS, f"{LOGIN}535 x)."),
    "a login, users without a table": (
        login("535 x"),
        Setting(auth=True),
        f"{LOGIN}535 x).",
    ),
    # RFC 3207 §4 and RFC 4954 §6: 530.
    "TLS first": (
        closed(("MAIL FROM:<a@b>", "530 5.7.0 Must issue a STARTTLS command first")),
        Setting(tls="starttls"),
        (
            "'MAIL FROM:<a@b>' was refused, since the client has not started TLS, which "
            "require_tls=True asks for: let it use STARTTLS."
        ),
    ),
    "AUTH first": (
        closed(("MAIL FROM:<a@b>", "530 5.7.0 Authentication required")),
        Setting(auth=True, auth_required=True),
        (
            "'MAIL FROM:<a@b>' was refused, since the client has not logged in, which "
            "auth_required=True asks for: give the application a name and a password that "
            "stand in users=."
        ),
    ),
    "STARTTLS that is not on offer": (
        closed(("STARTTLS", "454 x")),
        Setting(),
        (
            "the client asked for STARTTLS. TLS is off; the option tls='starttls' turns it "
            "on."
        ),
    ),
    "AUTH that is not on offer": (
        closed(("AUTH PLAIN", "500 x")),
        Setting(),
        f"the client tried to log in. {NO_AUTH}",
    ),
    "no domain": (
        closed(("rcpt to : root X=1", "501 x")),
        Setting(),
        (
            "the address 'root' has no domain, which RFC 5321 §4.1.2 asks for; "
            "lenient_addresses=True takes it, as many servers do."
        ),
    ),
    "content": (
        refused_content(554),
        Setting(),
        "the message was refused with 554-5.7.1 One / 554 5.7.1 Two.",
    ),
    "content, by a rule": (
        refused_content(450, "the rule"),
        Setting(),
        "the message was refused with 450-One / 450 Two, by the rule.",
    ),
    "left after HELO": (closed(("HELO c", "250 x")), Setting(), LEFT),
    "left, with all on offer": (
        closed(("EHLO c", EVERYTHING), ("QUIT", "221 x")),
        Setting(tls="starttls", auth=True),
        LEFT,
    ),
}


def in_the_way(
    sessions: Sequence[SessionRecord], setting: Setting, *, waits: bool = True
) -> list[str]:
    return what_stood_in_the_way(sessions, setting, waited=waits)


@pytest.mark.parametrize("name", DIAGNOSES)
def test_a_diagnosis(name: str) -> None:
    """What happened, which option it is about, and what to write."""
    made, setting, sentence = DIAGNOSES[name]
    assert in_the_way([made], setting) == [
        "",
        "What stood in the way:",
        f"  connection 1: {sentence}",
    ]
    if not sentence.startswith(LEFT):
        assert what_holds_up([made], [session(), made], setting) == [
            "",
            "What stood in the way:",
            f"  connection 2: {sentence}",
        ]


NO_TLS = "STARTTLS (tls='starttls')"
NO_USERS = "AUTH (users={'name': 'password'})"
NO_UTF8 = "SMTPUTF8 (extensions=[…, 'SMTPUTF8'])"


@pytest.mark.parametrize(
    ("made", "setting", "sentence"),
    [
        (
            session(("EHLO c", "250 x")),
            Setting(),
            (
                "EHLO, was offered no STARTTLS and no AUTH and no SMTPUTF8, and has said "
                f"nothing more {{}} {NO_TLS} or {NO_USERS} or {NO_UTF8}."
            ),
        ),
        (
            closed(("LHLO c", "250 x"), ("QUIT", "221 x")),
            Setting(tls="starttls", auth=True),
            (
                "LHLO, was offered no STARTTLS and no AUTH and no SMTPUTF8, and left by "
                "QUIT {} STARTTLS (which this server hides) or AUTH (which this server "
                f"hides) or {NO_UTF8}."
            ),
        ),
        (
            closed(("EHLO c", "250-x\n250-SMTPUTF8\n250 STARTTLS")),
            Setting(tls="starttls", auth=True),
            (
                "EHLO, was offered no AUTH before TLS, and closed the connection {} to use "
                "starttls() before it logs in, or AUTH before TLS "
                "(allow_insecure_auth=True)."
            ),
        ),
        (
            in_tls(("EHLO c", "250-x\n250-SMTPUTF8\n250 AUTH XOAUTH2")),
            Setting(tls="starttls", auth=True),
            (
                "EHLO over TLS, was offered no AUTH by PLAIN or LOGIN, and closed the "
                "connection {} AUTH by PLAIN or LOGIN (auth_mechanisms=['PLAIN', "
                "'LOGIN'])."
            ),
        ),
        (
            by_server(("EHLO c", "250-x\n250-smtputf8\n250 starttls")),
            Setting(tls="starttls"),
            (
                "EHLO, was offered no AUTH, and the server closed the connection {} "
                f"{NO_USERS}."
            ),
        ),
    ],
)
def test_what_a_client_looked_for_in_vain(
    made: SessionRecord, setting: Setting, sentence: str
) -> None:
    """smtplib and its like raise by themselves where EHLO does not offer it."""
    told = sentence.replace("{}", "without a mail: it probably needs")
    assert in_the_way([made], setting)[2:] == [
        f"  connection 1: the client said {told}"
    ]


@pytest.mark.parametrize(
    ("made", "setting"),
    [
        (login("235 x"), WITH_USERS),
        (login(""), WITH_USERS),
        (session(("EHLO c", EVERYTHING)), Setting()),
        (closed(), Setting()),
        (closed(("EHLO c", "250 x"), ("VRFY x", "250 x")), Setting()),
        (closed(("MAIL FROM:<a@b>", "530 x")), Setting(auth=True)),
        (session(("STARTTLS", "220 x")), Setting()),
        (session(("STARTTLS", "454 x")), Setting(tls="starttls")),
        (closed(("AUTH PLAIN", "535 x")), Setting(auth=True)),
        (closed(("MAIL FROM:<root>", "450 x")), Setting()),
        (closed(("MAIL FROM:<root>", "501 x")), Setting(lenient_addresses=True)),
        (closed(("MAIL FROM:<a@b>", "550 x")), Setting()),
        (refused_content(354), Setting()),
    ],
)
def test_nothing_stood_in_the_way(made: SessionRecord, setting: Setting) -> None:
    """Nobody is told of an obstacle that was none."""
    assert "What stood in the way:" not in in_the_way([made], setting)


def test_a_rule_of_the_test_is_no_obstacle() -> None:
    """Who makes the server refuse something knows that it does."""
    for line, code in (("STARTTLS", 454), ("MAIL FROM:<root>", 550)):
        made = session()
        command = Command.parse(f"{line}\r\n".encode())
        command.answered_by = "the rule"
        command.answer(Reply(code))
        made.commands.append(command)
        assert in_the_way([made], Setting()) == []


def test_a_client_that_was_let_in_after_all() -> None:
    made = login("535 x")
    made.logged_in("ada")
    assert in_the_way([made], WITH_USERS) == []


def test_the_same_obstacle_is_told_once() -> None:
    many = [DIAGNOSES["no domain"][0]] * 6
    sentence = DIAGNOSES["no domain"][2]
    assert in_the_way(many, Setting())[2:] == [
        f"  connections 1, 2, 3, 4, 5 …: {sentence}"
    ]
    assert in_the_way(many[:5], Setting())[2:] == [
        f"  connections 1, 2, 3, 4, 5: {sentence}"
    ]


def test_a_server_that_was_stopped_or_never_started() -> None:
    assert in_the_way([], Setting(running=None)) == [
        "",
        "This server was never started: it needs start() or a with block.",
    ]
    assert in_the_way([closed()], Setting(running=False)) == [
        "",
        "This server does not run any more: it was stopped.",
    ]


@pytest.mark.parametrize(("number", "them"), [(1, "it"), (2, "them")])
def test_another_server_has_it(number: int, them: str) -> None:
    elsewhere = [("127.0.0.1:26", [NEAR] * number)]
    assert in_the_way([closed()], Setting(elsewhere=elsewhere))[2:] == [
        (
            f"  The server at 127.0.0.1:26 has {them}: the application sends there, and the "
            "test asks here."
        )
    ]


NOBODY = [
    "  - the application sends to another host or port than this server's",
    (
        "  - its framework keeps mail in memory while it is tested: Django's locmem backend, "
        "Flask's TESTING=True, SUPPRESS_SEND=1"
    ),
    "  - it sends once a transaction is committed (on_commit), and the test's never is",
    "  - it failed before it sent, and kept the error to itself",
]
NOT_YET = (
    "  - it has not begun yet, as a worker that takes seconds to start: timeout= waits "
    "longer"
)
TOO_EARLY = (
    "  - it sends in the background, and the assertion came too early: an assertion "
    "waits for what is in flight, wait_for_message(…) for what has not begun"
)


@pytest.mark.parametrize(
    ("sessions", "waits", "lines"),
    [
        ([], True, ["", "No client has connected.", "USUAL", *NOBODY, NOT_YET]),
        ([], False, ["", "No client has connected.", "USUAL", TOO_EARLY, *NOBODY]),
        ([session(("EHLO c", EVERYTHING))], False, ["USUAL", TOO_EARLY]),
        ([session(("EHLO c", EVERYTHING))], True, []),
    ],
)
def test_the_usual_reasons(
    sessions: list[SessionRecord], waits: bool, lines: list[str]
) -> None:
    """Where the server has seen nothing that would explain it."""
    usual = [line.replace("USUAL", "  The usual reasons:") for line in lines]
    assert in_the_way(sessions, Setting(), waits=waits) == usual
