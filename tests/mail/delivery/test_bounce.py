"""Delivery status notifications, read by the standard library and by flufl.bounce."""

from __future__ import annotations

import email
import email.policy
import smtplib
from email.message import EmailMessage, Message
from typing import Any

import pytest
from flufl.bounce import all_failures

from pytest_smtpserver import ReceivedMessage, SMTPServer

CONTENT = (
    b"From: noreply@example.org\r\nTo: ada@example.org\r\nSubject: Hi\r\n"
    b"Date: Sun, 01 Mar 2026 13:00:00 +0100\r\n"
    b"Message-ID: <1@example.org>\r\n\r\nHello,\r\n--report\r\n"
)


def received(
    content: bytes = CONTENT,
    *,
    sender: str = "noreply@example.org",
    mail: tuple[str, ...] = (),
    recipients: tuple[str, ...] = ("ada@example.org", "bob@example.org"),
    rcpt: tuple[str, ...] = (),
) -> ReceivedMessage:
    """A message that came over the wire, with these parameters of MAIL and RCPT."""
    with SMTPServer(hostname="mx.example.org") as server:
        with smtplib.SMTP(*server.address, "client.example.org") as client:
            client.ehlo()
            replies = [client.mail(sender, mail)]
            replies += [client.rcpt(recipient, rcpt) for recipient in recipients]
            replies.append(client.data(content))
            assert {code for code, _ in replies} == {250}, replies
        return server.messages[0]


def parts(octets: bytes) -> tuple[EmailMessage, list[Message], list[Any]]:
    """The notification, its groups of fields, and its three parts."""
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    three = list(parsed.iter_parts())
    groups: Any = three[1].get_payload()
    return parsed, groups, three


def test_a_failure_of_all_recipients() -> None:
    """RFC 6522 §3, RFC 3464 §2: three parts, a group for the message, one for each."""
    octets = received().bounce(550, "5.1.1 No such user")
    parsed, groups, three = parts(octets)
    assert parsed["To"] == "noreply@example.org"
    assert parsed["From"].addresses[0].addr_spec == "MAILER-DAEMON@mx.example.org"
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert parsed.get_content_type() == "multipart/report"
    assert parsed.get_param("report-type") == "delivery-status"
    assert [one.get_content_type() for one in three] == [
        "text/plain",
        "message/delivery-status",
        "message/rfc822",
    ]
    about, ada, bob = groups
    assert about["Reporting-MTA"] == "dns; mx.example.org"
    assert "Original-Envelope-Id" not in about
    assert ada["Final-Recipient"] == "rfc822; ada@example.org"
    assert bob["Final-Recipient"] == "rfc822; bob@example.org"
    for one in (ada, bob):
        assert one["Action"] == "failed"
        assert one["Status"] == "5.1.1"
        assert one["Diagnostic-Code"] == "smtp; 550 5.1.1 No such user"
    # RFC 3461 §4.3: without RET either is allowed; what was sent comes back whole.
    assert CONTENT in octets
    assert three[2].get_content()["Message-ID"] == "<1@example.org>"
    assert all(line.endswith(b"\r") for line in octets.split(b"\n")[:-1])
    assert [set(one) for one in all_failures(parsed)] == [
        set(),
        {b"ada@example.org", b"bob@example.org"},
    ]


def test_a_delay() -> None:
    """RFC 3464 §2.3.3; of a delay only the header comes back (RFC 3461 §4.3)."""
    message = received(mail=("RET=FULL",))
    octets = message.bounce(451, "4.3.0 Try later", recipient="BOB@example.org")
    parsed, groups, three = parts(octets)
    assert len(groups) == 2
    assert groups[1]["Action"] == "delayed"
    assert groups[1]["Status"] == "4.3.0"
    assert groups[1]["Final-Recipient"] == "rfc822; bob@example.org"
    assert groups[1]["Will-Retry-Until"]
    assert three[2].get_content_type() == "text/rfc822-headers"
    assert b"Hello," not in octets
    assert [set(one) for one in all_failures(parsed)] == [{b"bob@example.org"}, set()]


@pytest.mark.parametrize(("code", "until"), [(499, True), (500, False), (599, False)])
def test_only_a_delay_has_an_end(code: int, until: bool) -> None:
    """RFC 3464 §2.3.9; RFC 5321 §4.2.1: 500 is a failure for good."""
    octets = received().bounce(code, "x")
    assert (b"Will-Retry-Until: " in octets) is until
    assert (b"Action: delayed" in octets, b"Action: failed" in octets) == (
        until,
        not until,
    )


def test_what_the_sender_has_asked_for() -> None:
    """RFC 3461: RET=HDRS, ENVID and ORCPT in xtext."""
    message = received(
        mail=("RET=HDRS", "ENVID=QQ314159+2B"),
        recipients=("ada@example.org",),
        rcpt=("ORCPT=rfc822;Bob+2B1@example.com", "NOTIFY=FAILURE,DELAY"),
    )
    octets = message.bounce(554, "5.7.1 Spam")
    _, groups, three = parts(octets)
    assert groups[0]["Original-Envelope-Id"] == "QQ314159+"
    assert groups[1]["Original-Recipient"] == "rfc822; Bob+1@example.com"
    assert three[2].get_content_type() == "text/rfc822-headers"
    assert "Subject: Hi" in three[2].get_content()
    assert b"Hello," not in octets


def test_a_text_without_an_enhanced_code() -> None:
    """RFC 3463 §3.1: x.0.0 says no more than the class. Line ends are blanks."""
    octets = received().bounce(550, "No such user\r\nhere", recipient="ada@example.org")
    _, groups, _ = parts(octets)
    assert groups[1]["Status"] == "5.0.0"
    assert groups[1]["Diagnostic-Code"] == "smtp; 550 No such user here"


def test_content_that_is_not_ascii() -> None:
    """It comes back as it was sent; the fields are ASCII."""
    content = "Subject: Grüße\r\n\r\nÄ\r\n".encode()
    message = received(
        content, mail=("SMTPUTF8", "BODY=8BITMIME"), recipients=("ada@example.org",)
    )
    octets = message.bounce(550, "5.1.1 Käse")
    assert content in octets
    _, groups, three = parts(octets)
    assert groups[1]["Diagnostic-Code"] == "smtp; 550 5.1.1 K\\xe4se"
    assert three[2]["Content-Transfer-Encoding"] == "8bit"


def test_an_address_that_is_not_ascii() -> None:
    """RFC 6533 §3: it is of the type utf-8, and stands in escapes."""
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address, "client.example.org") as client:
            client.ehlo()
            client.command_encoding = "utf-8"
            client.mail("a@example.org", ["SMTPUTF8"])
            client.rcpt("jürgen@example.org")
            client.data(CONTENT)
        octets = server.messages[0].bounce(550, "5.1.1 No such user")
    _, groups, _ = parts(octets)
    assert groups[1]["Final-Recipient"] == "utf-8; j\\x{FC}rgen@example.org"


@pytest.mark.parametrize(
    ("code", "text", "recipient", "complaint"),
    [
        (250, "Ok", None, "a delay (4yz) or a failure (5yz), not 250"),
        ("550", "x", None, "not '550'"),
        (550, "4.2.0 Later", None, "the enhanced code 4.2.0 is of another class"),
        (550, "x", "eve@example.org", "'eve@example.org' is no recipient"),
        (550, "x", "e@x.example", "there are: ada@example.org, bob@example.org"),
    ],
)
def test_a_mistake_is_named(
    code: Any, text: str, recipient: str | None, complaint: str
) -> None:
    """With what there is."""
    with pytest.raises(ValueError, match="bounce") as error:
        received().bounce(code, text, recipient=recipient)
    assert complaint in str(error.value)


def test_nobody_is_told_who_does_not_want_to_be() -> None:
    """RFC 3461 §4.1; RFC 5321 §6.1 for a notification that does not arrive itself."""
    never = received(rcpt=("NOTIFY=NEVER",))
    with pytest.raises(ValueError, match="NOTIFY=NEVER"):
        never.bounce(550, "x")
    failures = received(rcpt=("NOTIFY=FAILURE",))
    with pytest.raises(ValueError, match="not want to be told of a delay"):
        failures.bounce(450, "x")
    assert failures.bounce(550, "x")
    with pytest.raises(ValueError, match="null reverse-path"):
        received(sender="").bounce(550, "x")


def test_it_can_be_sent_to_the_application(smtp_server: SMTPServer) -> None:
    """It is a mail that this server finds nothing wrong with."""
    octets = received().bounce(550, "5.1.1 No such user")
    with smtplib.SMTP(*smtp_server.address, "client.example.org") as client:
        client.sendmail("", ["noreply@example.org"], octets)
    (message,) = smtp_server.messages
    assert message.content == octets
    assert message.defects == []
    assert smtp_server.violations == []
