"""A message in the types of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_smtpserver.mail.message import ReceivedMessage
from pytest_smtpserver.mail.report import Report

from .make import NO_SESSION, RECEIVED_AT, envelope, received

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = (
    b"From: Ada <ada@example.org>\r\n"
    b"To: Bob <bob@example.org>, eve@example.org\r\n"
    b"Cc: carol@example.org\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Sun, 1 Mar 2026 13:00:00 +0100\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n'
    b"\r\n"
    b"--b\r\n"
    b"Content-Type: text/plain\r\n"
    b"\r\n"
    b"See https://example.org/a\r\n"
    b"--b\r\n"
    b"Content-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="a.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"JVBERi0x\r\n"
    b"--b--\r\n"
)


def message(content: bytes = CONTENT) -> ReceivedMessage:
    """A message to two recipients, one of whom stands in no field."""
    return ReceivedMessage(
        content,
        envelope(
            b"FROM:<noreply@example.org>",
            b"TO:<bob@example.org>",
            b"TO:<zed@example.org>",
        ),
        NO_SESSION,
        received_at=RECEIVED_AT,
    )


def test_every_key_and_its_type() -> None:
    """All of them are there, and none of another type than JSON has."""
    form = message().as_dict()
    assert json.loads(json.dumps(form)) == form
    assert form == {
        "envelope": {
            "mail_from": "noreply@example.org",
            "rcpt_to": ["bob@example.org", "zed@example.org"],
        },
        "from": "ada@example.org",
        "to": ["bob@example.org", "eve@example.org"],
        "cc": ["carol@example.org"],
        "subject": "Grüße",
        "date": "2026-03-01T13:00:00+01:00",
        "message_id": "<1@example.org>",
        "text": "See https://example.org/a",
        "html": "",
        "links": ["https://example.org/a"],
        "attachments": [
            {"filename": "a.pdf", "content_type": "application/pdf", "size": 6}
        ],
        "headers": [
            ["From", "Ada <ada@example.org>"],
            ["To", "Bob <bob@example.org>, eve@example.org"],
            ["Cc", "carol@example.org"],
            ["Subject", "Grüße"],
            ["Date", "Sun, 1 Mar 2026 13:00:00 +0100"],
            ["Message-ID", "<1@example.org>"],
            ["MIME-Version", "1.0"],
            ["Content-Type", 'multipart/mixed; boundary="b"'],
        ],
        "defects": [],
    }
    assert {type(one) for one in form["envelope"]["rcpt_to"]} == {str}


def test_a_message_that_has_nothing() -> None:
    """Every key is there all the same."""
    form = received(b"").as_dict()
    assert (form["date"], form["from"], form["to"]) == (None, "", [])
    assert (form["text"], form["attachments"], form["headers"]) == ("", [], [])
    assert set(form) == set(message().as_dict())


def test_what_is_no_text_is_text_for_every_reader() -> None:
    """RFC 8259 §8.2: no surrogate stands alone."""
    odd = received(b"Subject: \xff\xfe =?utf-8?q?=ED=A0=80?=\r\n\r\n\xff\r\n").as_dict()
    json.dumps(odd, ensure_ascii=False).encode("utf-8")


def test_it_is_saved_beside_each_eml(tmp_path: Path) -> None:
    """And what an earlier run has left there is gone."""
    (tmp_path / "message-7.json").write_text("{}")
    Report("smtp://127.0.0.1:25", [], [message(), message(b"\r\n")], []).save(tmp_path)
    assert sorted(file.name for file in tmp_path.glob("*.json")) == [
        "message-1.json",
        "message-2.json",
    ]
    saved = json.loads((tmp_path / "message-1.json").read_text(encoding="utf-8"))
    assert saved == message().as_dict()
    assert (tmp_path / "message-1.eml").read_bytes() == CONTENT
