"""Snapshots: the same mail gives the same text in every run."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from pytest_smtpserver.mail.message import ReceivedMessage

from ..letters import LETTERS, PNG
from ..make import NO_SESSION, RECEIVED_AT, envelope, received
from ..test_corpus_libraries import LIBRARIES, emails

SENT = """\
Received: from a.example.org by b.example.org; Mon, 2 Mar 2026 10:00:00 +0000\r
DKIM-Signature: v=1; a=rsa-sha256; t=1772445600; b=abc\r
\tdef\r
From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r
To: ada@example.org\r
Subject: Hello\r
Date: Mon, 2 Mar 2026 10:00:00 +0000\r
Message-ID: <177.1.2@host>\r
In-Reply-To: <0@host>\r
References: <0@host> <177.1.2@host>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="===============123=="\r
\r
preamble\r
--===============123==\r
Content-Type: text/html; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
\r
<p>Gr=C3=BC=C3=9Fe <img src=3D"cid:99.1@host"></p>\r
--===============123==\r
Content-Type: image/png\r
Content-ID: <99.1@host>\r
Content-Disposition: inline; filename="a.png"\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgo=\r
--===============123==\r
Content-Type: message/rfc822\r
\r
Subject: inner\r
Date: Mon, 2 Mar 2026 10:00:00 +0000\r
\r
forwarded\r
--===============123==\r
Content-Type: application/pgp-signature\r
\r
-----BEGIN PGP SIGNATURE-----\r
--===============123==--\r
"""

NORMALIZED = """\
MAIL FROM:<joerg@example.org> BODY=8BITMIME
RCPT TO:<ada@example.org> NOTIFY=NEVER
RCPT TO:<secret@example.org>

Received: [received]
DKIM-Signature: [dkim-signature]
From: Jörg <joerg@example.org>
To: ada@example.org
Subject: Hello
Date: [date]
Message-ID: <message-id-1>
In-Reply-To: <message-id-2>
References: <message-id-2> <message-id-1>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="[boundary-1]"

--[boundary-1]
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<p>Grüße <img src="cid:content-id-1"></p>
--[boundary-1]
Content-Type: image/png
Content-ID: <content-id-1>
Content-Disposition: inline; filename="a.png"
Content-Transfer-Encoding: base64

[8 octets, sha256 4c4b6a3be1314ab8]
--[boundary-1]
Content-Type: message/rfc822

Subject: inner
Date: [date]

forwarded
--[boundary-1]
Content-Type: application/pgp-signature

[signature]
--[boundary-1]--
"""


def test_the_whole_text() -> None:
    """Envelope, headers and parts; what differs from run to run is replaced."""
    message = ReceivedMessage(
        SENT.encode(),
        envelope(
            b"FROM:<joerg@example.org> SIZE=1234 BODY=8BITMIME",
            b"TO:<ada@example.org> NOTIFY=NEVER",
            b"TO:<secret@example.org>",
        ),
        NO_SESSION,
        received_at=RECEIVED_AT,
    )
    assert message.normalized() == NORMALIZED


@pytest.mark.parametrize(
    "kind",
    [
        "application/pgp-signature",  # RFC 3156 §5
        "application/pkcs7-signature",  # RFC 8551 §3.5.3
        "application/x-pkcs7-signature",  # what S/MIME 2 called it
    ],
)
def test_a_signature_differs_from_run_to_run(kind: str) -> None:
    """Another part of the same content does not."""
    made = received(f"Content-Type: {kind}\r\n\r\nMIIF\r\n").normalized()
    assert "[signature]" in made
    assert "MIIF" not in made
    other = received("Content-Type: application/x-signature\r\n\r\nMIIF\r\n")
    assert "[signature]" not in other.normalized()


def test_what_libraries_make_twice_is_the_same() -> None:
    """Two mails made from one letter by one library differ, normalized they do not."""
    for library in LIBRARIES:
        for letter in LETTERS:
            one, two = library(letter), library(letter)
            assert received(one).normalized() == received(two).normalized(), library
    assert emails(LETTERS[4]) != emails(LETTERS[4])


def test_more_to_replace() -> None:
    """A str is replaced where it stands, an expression where it is found, in order."""
    message = received("Subject: order 4711\r\n\r\nhttps://a.org/?token=x1y2 a.b\r\n")
    replaced = message.normalized(
        replace={re.compile(r"token=\w+"): "token=[token]", "4711": "[id]", "a.b": "-"}
    )
    assert replaced.endswith("Subject: order [id]\n\nhttps://a.org/?token=[token] -\n")


def test_a_real_change_is_seen() -> None:
    """Another subject, text or file is another text."""

    def made(subject: str, text: str, file: bytes) -> str:
        message = EmailMessage()
        message["Subject"] = subject
        message.set_content(text)
        message.add_attachment(file, "image", "png", filename="a.png")
        return received(message.as_bytes(policy=SMTP)).normalized()

    texts = {
        made("a", "b", PNG),
        made("x", "b", PNG),
        made("a", "x", PNG),
        made("a", "b", PNG + b"x"),
    }
    assert len(texts) == 4


def test_messages_within_messages_end_somewhere() -> None:
    """What is forwarded a hundred times is shown as it stands below some level."""
    inner = "Content-Type: message/rfc822\r\n\r\n" * 500 + "Subject: x\r\n\r\nend\r\n"
    assert received(inner).normalized().count("Content-Type") == 500


def test_messages_side_by_side_are_not_within_each_other() -> None:
    """However many are forwarded, each is taken apart: its date is replaced."""
    one = "--b\r\nContent-Type: message/rfc822\r\n\r\nDate: Mon, 2 Mar 2026 10:00:00 +0000\r\n\r\nx\r\n"
    head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    text = received(f"{head}{one * 20}--b--\r\n").normalized()
    assert (text.count("Date: [date]"), text.count("2026")) == (20, 0)


def test_names_with_colons_are_no_groups() -> None:
    """RFC 5322 section 3.4: a colon in quotes is part of a name."""
    people = ['"Sales: EU" <b@example.org>', "Ada <a@example.org>"]
    one, other = (
        received(f"To: {', '.join(to)}\r\n\r\nx").normalized()
        for to in (people, people[::-1])
    )
    assert one == other
    group = received("To: Team: b@x.org, a@x.org;\r\n\r\nx").normalized()
    assert "To: Team: b@x.org, a@x.org;" in group


def test_recipients_from_a_set() -> None:
    """Flask-Mail keeps them in a set: their order differs with the hash seed."""
    texts = set()
    for order in (("b@x.org", "a@x.org"), ("a@x.org", "b@x.org")):
        listed = ", ".join(f'"Love, {one[0]}" <{one}>' for one in order)
        content = f"To: {listed}\r\nCc: {', '.join(order)}\r\n\r\nHi\r\n"
        commands = [f"TO:<{one}>".encode() for one in order]
        message = ReceivedMessage(
            content.encode(),
            envelope(b"FROM:<c@x.org>", *commands),
            NO_SESSION,
            received_at=RECEIVED_AT,
        )
        texts.add(message.normalized())
    expected = (
        "MAIL FROM:<c@x.org>\nRCPT TO:<a@x.org>\nRCPT TO:<b@x.org>\n\n"
        'To: "Love, a" <a@x.org>, "Love, b" <b@x.org>\nCc: a@x.org, b@x.org\n\nHi\n'
    )
    assert texts == {expected}


@pytest.mark.parametrize(
    "value", ["G: b@x.org, a@x.org;", "b@x.org; a@x.org", "B, A <a@x.org>, a@b.org"]
)
def test_what_is_no_plain_list_stays(value: str) -> None:
    """Groups and mistakes are what a snapshot has to show."""
    assert f"To: {value}\n" in received(f"To: {value}\r\n\r\n").normalized()


def test_links_to_parts_that_are_percent_encoded() -> None:
    """RFC 2392 section 2: a Content-ID in a URL is encoded as URLs are."""
    content = SENT.replace("cid:99.1@host", "cid:99%2E1%40host")
    assert "cid:content-id-1" in received(content).normalized()
    other = SENT.replace("cid:99.1@host", "cid:99.10@host")
    assert "cid:99.10@host" in received(other).normalized()


def test_a_boundary_that_is_a_word_of_the_field() -> None:
    """Only the parameter is replaced."""
    text = received(
        "Content-Type: multipart/mixed; boundary=mixed\r\n\r\n--mixed\r\n\r\n--mixed--\r\n"
    ).normalized()
    assert "Content-Type: multipart/mixed; boundary=[boundary-1]\n" in text


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-28",
        "2026-11-28T03:08:00Z",
        "2026-11-28 03:08:00.123+01:00",
        "Sat, 28 Nov 2026 03:08:00 +0000",
        "Saturday, November 28, 2026 at 3:08 PM",
        "28th November 2026, 03:08",
        "28.11.2026",
        "11/28/2026",
        "23:59",
        "3:08 p.m.",
    ],
)
def test_dates_in_text_on_demand(date: str) -> None:
    """``dates=True`` replaces them in subject and text; nothing else is one."""
    message = received(
        f"Subject: of {date}\r\n\r\nSent {date} to 10.1.2.33, v1.2.3\r\n"
    )
    assert date in message.normalized()
    assert message.normalized(dates=True).endswith(
        "Subject: of [date]\n\nSent [date] to 10.1.2.33, v1.2.3\n"
    )
