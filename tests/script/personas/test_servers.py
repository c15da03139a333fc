"""Servers as tables: their form, and what those of them say that were looked up last.

Expected lines are those of the sources that each table names.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.protocol.syntax import standard
from pytest_smtpserver.protocol.syntax.replies import Reply
from pytest_smtpserver.script.personas.tables import FOLDER, MOMENTS, load, table
from tests.server.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Any], personas.Persona]

NAMES = sorted(file.stem for file in FOLDER.iterdir())
KEYS = {
    *("looked_up", "sources", "like", "host", "greeting", "ehlo", "helo", "keywords"),
    *("always", "largest", "looks_at_declared_size", "usual", *MOMENTS),
}
ALL: Any = {
    "extensions": (
        *("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"),
        *("CHUNKING", "BINARYMIME", "ETRN"),
    )
}
BLANKS = dict.fromkeys(
    ("address", "sender", "user", "client", "host", "name", "line", "date", "limit"),
    "x",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_names_its_sources_and_has_no_other_keys(name: str) -> None:
    """Where each text is from, and when that was looked up; a function plays it."""
    given = table(name)
    assert given.keys() <= KEYS
    assert re.fullmatch(r"20\d\d-\d\d", given["looked_up"])
    assert any("https://" in source for source in given["sources"])
    assert name in personas.__all__
    texts = [given.get("usual", {})] + [given.get(moment, {}) for moment in MOMENTS]
    for text in (one for each in texts for one in each.values()):
        code, _, lines = text.partition(" ")
        reply = Reply(int(code), *lines.format(**BLANKS).split("\n"))
        assert reply.code >= 400
        assert all(line.isascii() for line in reply.lines)
    assert load(name).usual.keys() <= {
        one.without_enhanced()
        for one in vars(standard).values()
        if isinstance(one, Reply)
    }


# Greeting, and the reply to EHLO with and without TLS on offer.
HELLO: dict[str, tuple[str, str]] = {
    "exchange": (
        r"localhost Microsoft ESMTP MAIL Service ready at \w{3}, \d\d \w{3} \d{4} .*",
        (
            "localhost Hello [127.0.0.1]|SIZE 37748736|PIPELINING|DSN|"
            "ENHANCEDSTATUSCODES|STARTTLS|8BITMIME|BINARYMIME|CHUNKING"
        ),
    ),
    "icloud": (
        (
            r"iCloud iscream SMTP proxy - p00-iscream-smtp-d759469dd-ss5bd 3\.5\.0 "
            r"\(2403B23-529c1e05a5df\)"
        ),
        (
            "p00-iscream-smtp-d759469dd-ss5bd|PIPELINING|SIZE 28319744|ETRN|STARTTLS|"
            "ENHANCEDSTATUSCODES|8BITMIME|DSN|SMTPUTF8"
        ),
    ),
    "proofpoint": (
        r"mx0b-00000d03\.pphosted\.com ESMTP mfa-m0214089",
        (
            "mx0b-00000d03.pphosted.com Hello [127.0.0.1], pleased to meet you|"
            "ENHANCEDSTATUSCODES|PIPELINING|8BITMIME|SIZE|STARTTLS"
        ),
    ),
    "mimecast": (
        r"eu-smtp-inbound-1\.mimecast\.com ESMTP; .* \d{4} .*",
        "eu-smtp-inbound-1.mimecast.com|STARTTLS",
    ),
    "zoho": (
        r"mx\.zohomail\.com SMTP Server ready .*",
        (
            "mx.zohomail.com Hello limix.example (127.0.0.1 (127.0.0.1))|STARTTLS|"
            "SIZE 53477376"
        ),
    ),
    "mailgun": (
        "Mailgun Influx ready",
        "391ef55d98cd|SIZE 52428800|8BITMIME|SMTPUTF8|PIPELINING|STARTTLS",
    ),
    "postmark": (
        r"smtp\.postmarkapp\.com ESMTP sc-ams-smtp1",
        (
            "smtp.postmarkapp.com|PIPELINING|SIZE 20480000|VRFY|ETRN|STARTTLS|"
            "ENHANCEDSTATUSCODES|8BITMIME|DSN"
        ),
    ),
    "sendgrid": (
        r"SG ESMTP service ready at ismtpd0002p1sjc2\.sendgrid\.net",
        "smtp.sendgrid.net|8BITMIME|PIPELINING|SIZE 31457280|STARTTLS",
    ),
    "gmx": (
        r"gmx\.net \(mxgmx104\) Nemesis ESMTP Service ready",
        "gmx.net Hello limix.example [127.0.0.1]|8BITMIME|SIZE 69920427|STARTTLS",
    ),
    "web_de": (
        r"web\.de \(mxweb005\) Nemesis ESMTP Service ready",
        "web.de Hello limix.example [127.0.0.1]|8BITMIME|SIZE 69920427|STARTTLS",
    ),
    "sendmail": (
        r"localhost ESMTP Sendmail 8\.17\.1\.9/8\.17\.1\.9; \w{3}, \d\d \w{3} \d{4} .*",
        (
            "localhost Hello [127.0.0.1], pleased to meet you|ENHANCEDSTATUSCODES|"
            "PIPELINING|8BITMIME|SIZE|DSN|ETRN|STARTTLS|HELP"
        ),
    ),
    "opensmtpd": (
        "localhost ESMTP OpenSMTPD",
        (
            "localhost Hello limix.example [127.0.0.1], pleased to meet you|8BITMIME|"
            "ENHANCEDSTATUSCODES|SIZE 36700160|DSN|STARTTLS|HELP"
        ),
    ),
    "exim": (
        r"localhost ESMTP Exim 4\.96 \w{3}, \d\d \w{3} \d{4} .*",
        (
            "localhost Hello limix.example [127.0.0.1]|SIZE 52428800|8BITMIME|"
            "PIPELINING|CHUNKING|STARTTLS|SMTPUTF8|HELP"
        ),
    ),
}


@pytest.mark.parametrize("name", HELLO)
def test_greeting_and_ehlo(name: str) -> None:
    """As the real server's, but for what does not exist here; then mail is taken."""
    greeting, lines = HELLO[name]
    with SMTPServer(tls="starttls", **ALL) as server:
        server.play(getattr(personas, name)())
        with Wire(server) as wire:
            assert re.fullmatch(f"220 {greeting}", wire.reply())
            said = wire.say("EHLO limix.example").split("\r\n")
            assert [line[4:] for line in said] == lines.split("|")
            for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"):
                assert wire.say(command)[:4] == "250 "


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("exchange", "535 5.7.3 Authentication unsuccessful"),
        ("mailgun", "535 5.7.0 Mailgun is not loving your login or password"),
        ("postmark", "535 5.7.8 Error: authentication failed: "),
        ("zoho", "535 Authentication Failed"),
        ("sendmail", "535 5.7.0 authentication failed"),
        ("opensmtpd", "535 Authentication failed"),
        ("exim", "535 Incorrect authentication data"),
    ],
)
def test_a_wrong_login(name: str, expected: str) -> None:
    """In the words of the service; the right one gets in."""
    with SMTPServer(users={"token": "token"}, auth_required=True) as server:
        server.play(getattr(personas, name)())
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO c.example")
            assert wire.say("AUTH PLAIN AHRva2VuAG5v") == expected
            assert wire.say("AUTH PLAIN AHRva2VuAHRva2Vu")[:4] == "235 "


SAID = [
    (
        personas.exchange({"c@d.example": "relay denied"}),
        "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
    ),
    (
        personas.icloud({"c@d.example": "over quota"}),
        "552 5.2.2 <c@d.example>: user is over quota",
    ),
    (
        personas.icloud({"c@d.example": "too quickly"}),
        (
            "421 4.7.1 Messages to c@d.example deferred due to excessive volume. Try "
            "again later - https://support.apple.com/en-us/HT204137"
        ),
    ),
    (
        personas.proofpoint({"c@d.example": "deferred"}),
        "421 Deferred - see https://ipcheck.proofpoint.com/?ip=127.0.0.1",
    ),
    (
        personas.mimecast({"c@d.example": "greylisted"}),
        (
            "451 Internal resource temporarily unavailable - "
            "https://community.mimecast.com/docs/DOC-1369#451 "
            "[Aj3QXapeMpqZYaeFwWhjzw.us32]"
        ),
    ),
    (
        personas.zoho({"c@d.example": "greylisted"}),
        "451 4.7.1 Greylisted, try again after some time",
    ),
    (
        personas.mailgun({"c@d.example": "relay denied"}),
        "550 5.7.1 Relaying denied",
    ),
    (
        personas.gmx({"c@d.example": "over quota"}),
        (
            "552-Requested mail action aborted: exceeded storage allocation\n"
            "552-Quota exceeded.\n"
            "552 For explanation visit "
            "https://postmaster.gmx.net/en/case?c=r1503&i=ip&v=127.0.0.1"
        ),
    ),
    (
        personas.web_de({"c@d.example": "no such user"}),
        (
            "550-Requested action not taken: mailbox unavailable\n"
            "550 For explanation visit "
            "https://postmaster.web.de/en/case?c=r1601&i=ip&v=127.0.0.1"
        ),
    ),
    (
        personas.gmx({"c@d.example": "too many messages"}),
        (
            "450-Requested mail action not taken: mailbox unavailable\n"
            "450 Mail send limit exceeded."
        ),
    ),
    (
        personas.sendmail({"c@d.example": "relay denied"}),
        "550 5.7.1 <c@d.example>... Relaying denied",
    ),
    (
        personas.sendmail({"a@b.example": "disk full"}),
        "452 4.4.5 Insufficient disk space; try again later",
    ),
    (
        personas.exchange({"a@b.example": "insufficient resources"}),
        "452 4.3.1 Insufficient system resources",
    ),
    (
        personas.opensmtpd({"c@d.example": "no such user"}),
        "550 Invalid recipient: <c@d.example>",
    ),
    (
        personas.opensmtpd({"c@d.example": "try again later"}),
        "451 Temporary failure: <c@d.example>",
    ),
    (
        personas.mailgun({"c@d.example": "sandbox for good"}),
        (
            "554 Sandbox subdomains are for test purposes only. Please add your own "
            "domain or add the address to authorized recipients in domain settings."
        ),
    ),
    (
        personas.zoho({"c@d.example": "too quickly"}),
        "550 5.4.6 Unusual sending activity detected. Please try after sometime.",
    ),
    (
        personas.zoho({"c@d.example": "relay denied"}),
        "553 Relaying disallowed as a@b.example",
    ),
    (
        personas.postmark({"c@d.example": "disk full"}),
        "451 4.3.0 Error: queue file write error",
    ),
    (
        personas.mimecast({"c@d.example": "policy"}),
        (
            "554 Email rejected due to security policies - "
            "https://community.mimecast.com/docs/DOC-1369#554 "
            "[Aj3QXapeMpqZYaeFwWhjzw.us32]"
        ),
    ),
]


@pytest.mark.parametrize(("persona", "expected"), SAID, ids=repr)
def test_what_is_said(persona: personas.Persona, expected: str) -> None:
    """At MAIL, at RCPT or after the content; nobody else is refused."""
    with SMTPServer(**ALL) as server:
        server.play(persona)
        for sender, recipient in (
            ("o@b.example", "o@d.example"),
            ("a@b.example", "c@d.example"),
        ):
            with Wire(server) as wire:
                wire.reply()
                wire.say("EHLO x.example")
                said = [
                    wire.say(line)
                    for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>")
                ]
                if all(one[:4] == "250 " for one in said):
                    assert wire.say("DATA")[:4] == "354 "
                    said.append(wire.say("Hi.\r\n."))
            refused = [one.replace("\r", "") for one in said if one[:3] != "250"]
            assert refused[:1] == ([expected] if sender == "a@b.example" else [])
        assert len(server.messages) == 1


def test_a_login_that_is_put_off() -> None:
    """SendGrid says at the login that there is no credit; other users get in."""
    users = {"apikey": "x", "other": "x"}
    with SMTPServer(users=users) as server:
        server.play(personas.sendgrid({"apikey": "credits exceeded"}))
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO x.example")
            assert wire.say("AUTH PLAIN AGFwaWtleQB4") == (
                "451 Authentication failed: Maximum credits exceeded"
            )
            assert wire.say("AUTH PLAIN AG90aGVyAHg=")[:4] == "235 "
        first, second = server.sessions[0].auth_attempts
        assert (first.succeeded, second.succeeded) == (False, True)


def test_sendmail_names_its_limit() -> None:
    """Where it is declared, and behind the content; as 8.17.1 did with 1000."""
    with SMTPServer(max_message_size=1000) as server:
        server.play(personas.sendmail())
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO x.example")
            assert wire.say("MAIL FROM:<a@[127.0.0.1]> SIZE=5000") == (
                "552 5.2.3 Message size exceeds fixed maximum message size (1000)"
            )
            wire.say("MAIL FROM:<a@[127.0.0.1]>")
            wire.say("RCPT TO:<root@example.net>")
            wire.say("DATA")
            assert wire.say("Subject: x\r\n\r\n" + ("x" * 70 + "\r\n") * 30 + ".") == (
                "552 5.2.3 Message exceeds maximum fixed size (1000)"
            )


def test_sendmail_does_not_know_its_limit_without_ehlo() -> None:
    """It is said in the words of RFC 1870 §6.1 then."""
    with SMTPServer(max_message_size=10) as server:
        server.play(personas.sendmail())
        with Wire(server) as wire:
            for line in ("HELO x.example", "MAIL FROM:<a@b.c>", "RCPT TO:<d@e.f>"):
                wire.say(line)
            wire.reply()
            wire.say("DATA")
            assert wire.say("Subject: too long\r\n.") == (
                "552 5.3.4 Message size exceeds fixed maximum message size"
            )


def test_opensmtpd_looks_at_the_content_alone() -> None:
    """Not at the size that is declared, as the real one does not."""
    with SMTPServer() as server:
        server.play(personas.opensmtpd())
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO x.example")
            assert wire.say("MAIL FROM:<a@b.example> SIZE=40000000")[:4] == "250 "
            assert wire.say("XYZ") == (
                "500 5.5.1 Invalid command: Command unrecognized"
            )
    with SMTPServer() as server:
        server.play(personas.sendmail())
        with Wire(server) as wire:
            wire.reply()
            assert wire.say("XYZ a") == '500 5.5.1 Command unrecognized: "XYZ a"'


@pytest.mark.parametrize(("size", "code"), [(20_480_000, "250"), (20_480_001, "552")])
def test_a_declared_size_may_be_the_largest(size: int, code: str) -> None:
    """RFC 1870 §6.1: refused is what is larger than the server takes."""
    with SMTPServer() as server:
        server.play(personas.postmark())
        with Wire(server) as wire:
            wire.reply()
            assert "SIZE 20480000" in wire.say("EHLO c.example")
            assert wire.say(f"MAIL FROM:<a@example.org> SIZE={size}")[:3] == code
