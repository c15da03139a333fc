"""What notifications and verdicts say, word for word, and what mistakes are told."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from pytest_smtpserver import DKIMKey
from pytest_smtpserver.mail.delivery.signatures import verify
from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.protocol.syntax.parameters import (
    ParameterRules,
    check_mail_parameters,
    check_rcpt_parameters,
)

from ..make import RECEIVED_AT, envelope, received

CONTENT = b"From: noreply@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"


def sent(
    mail: bytes = b"FROM:<noreply@example.org>",
    *rcpt: bytes,
    greeting: bytes = b"220 mx.example.org ESMTP\r\n",
) -> ReceivedMessage:
    """A message to a server that greets so."""
    session = SessionRecord("1", ("127.0.0.1", 9), ("127.0.0.1", 25), RECEIVED_AT)
    session.transcript.add(0, "note", "connected")
    session.transcript.add(0, "S", greeting)
    made = envelope(mail, *rcpt)
    rules = ParameterRules(frozenset({"DSN"}))
    made = Envelope(made.mail_from, check_mail_parameters(made.mail_from, rules))
    for address in envelope(mail, *rcpt).rcpt_to:
        check_rcpt_parameters(address, rules)
        made.rcpt_to.append(address)
    return ReceivedMessage(CONTENT, made, session, received_at=RECEIVED_AT)


def text_of(octets: bytes) -> list[str]:
    """Its lines, with stand-ins for what is made of a digest."""
    text = re.sub(r"report-[0-9a-f]{32}", "BOUNDARY", octets.decode())
    text = re.sub(r"<[0-9a-f]{32}@", "<ID@", text)
    assert "\n" not in text.replace("\r\n", "")
    return text.split("\r\n")


def test_a_failure() -> None:
    """RFC 6522 §3 and RFC 3464 §2; the words are those of Postfix's bounce(5)."""
    message = sent(b"FROM:<noreply@example.org> ENVID=a+2Bb", b"TO:<ada@example.org>")
    assert text_of(message.bounce(550, "5.1.1 No such\r\n user")) == [
        "From: Mail Delivery System <MAILER-DAEMON@mx.example.org>",
        "To: noreply@example.org",
        "Subject: Undelivered Mail Returned to Sender",
        "Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "Message-ID: <ID@mx.example.org>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        '\tboundary="BOUNDARY"',
        "Content-Transfer-Encoding: 8bit",
        "",
        "--BOUNDARY",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        "This is the mail system at mx.example.org.",
        "",
        "Your message could not be delivered to:",
        "",
        "<ada@example.org>: 550 5.1.1 No such user",
        "",
        "--BOUNDARY",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.org",
        "Original-Envelope-Id: a+b",
        "Arrival-Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "",
        "Final-Recipient: rfc822; ada@example.org",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 No such user",
        "Last-Attempt-Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "",
        "--BOUNDARY",
        "Content-Type: message/rfc822",
        "Content-Transfer-Encoding: 7bit",
        "",
        *CONTENT.decode().split("\r\n"),
        "--BOUNDARY--",
        "",
    ]


def test_a_delay() -> None:
    """RFC 3464 §2.3.9: until when it is tried again; five days, as RFC 5321 §4.5.4.1."""
    lines = text_of(sent().bounce(400, "Later"))
    assert "Subject: Delayed Mail (still being retried)" in lines
    told = "Your message could not be delivered yet, and will be tried again, to:"
    assert told in lines
    at = lines.index("Action: delayed")
    assert lines[at : at + 5] == [
        "Action: delayed",
        "Status: 4.0.0",
        "Diagnostic-Code: smtp; 400 Later",
        "Last-Attempt-Date: Sun, 01 Mar 2026 12:00:00 +0000",
        "Will-Retry-Until: Fri, 06 Mar 2026 12:00:00 +0000",
    ]
    returned = ["From: noreply@example.org", "Subject: Hi", "", "--BOUNDARY--", ""]
    assert lines[-5:] == returned


@pytest.mark.parametrize("greeting", [b"", b"x", b"554 mx.example.org\r\n", b"220\r\n"])
def test_a_server_that_does_not_say_its_name(greeting: bytes) -> None:
    octets = sent(greeting=greeting).bounce(550, "")
    assert b"\r\nReporting-MTA: dns; localhost\r\n" in octets
    assert b"\r\nDiagnostic-Code: smtp; 550\r\n" in octets


@pytest.mark.parametrize(
    ("message", "arguments", "told"),
    [
        *(
            (
                sent(),
                (code, "x"),
                f"a delay (4yz) or a failure (5yz), not {code!r}",
            )
            for code in (399, 600, "550")
        ),
        (
            sent(),
            (550, "4.2.0 x"),
            "the enhanced code 4.2.0 is of another class than 550 (RFC 2034 §4)",
        ),
        (
            sent(b"FROM:<>"),
            (550, "x"),
            "the message has the null reverse-path, and nobody to tell (RFC 5321 §6.1)",
        ),
        (
            sent(b"FROM:<a@b>", b"TO:<c@d>", b"TO:<e@f>"),
            (550, "x", "g@h"),
            "'g@h' is no recipient of this message; there are: c@d, e@f",
        ),
    ],
)
def test_mistakes(
    message: ReceivedMessage, arguments: tuple[Any, ...], told: str
) -> None:
    """What was given, and what there is."""
    code, text, *recipient = arguments
    with pytest.raises(ValueError) as raised:
        message.bounce(code, text, **dict(zip(["recipient"], recipient, strict=False)))
    name = "bounce() takes the reply code of " if "4yz" in told else "bounce(): "
    assert str(raised.value) == f"{name}{told}"


@pytest.mark.parametrize("code", [400, 599])
def test_every_code_of_a_refusal_will_do(code: int) -> None:
    """RFC 5321 §4.2.1: 4yz and 5yz."""
    assert sent().bounce(code, "x")


def test_nobody_is_to_be_told() -> None:
    """RFC 3461 §4.1, for each of the two kinds."""
    made = [(b"NEVER", "failure", 550), (b"SUCCESS,FAILURE", "delay", 450)]
    for notify, kind, code in made:
        message = sent(b"FROM:<a@b>", b"TO:<c@d> NOTIFY=" + notify, b"TO:<e@f>")
        assert b"<c@d>" not in message.bounce(code, "x")
        message.envelope.rcpt_to.pop()
        with pytest.raises(ValueError) as raised:
            message.bounce(code, "x")
        assert str(raised.value) == (
            f"bounce(): the sender does not want to be told of a {kind}: c@d NOTIFY="
            f"{notify.decode()} (RFC 3461 §4.1)"
        )


# Signatures

NAME = "test._domainkey.example.org"
FIELD = "v=1; d=example.org; s=test"


def reason(keys: Any) -> str:
    ((_, _, valid, why),) = verify(CONTENT, [FIELD], keys)
    assert not valid
    return why


def test_keys_that_are_not_there() -> None:
    """RFC 6376 §6.1.2 and §3.6.1."""
    told = f"there is no key: no record {NAME!r} (RFC 6376 §6.1.2)"
    assert reason({}) == reason(lambda name: None) == told
    revoked = f"the key is revoked: p= is empty in {NAME!r} (RFC 6376 §3.6.1)"
    assert reason({f"{NAME.upper()}.": "v=DKIM1; p= "}) == revoked


def test_a_signature_that_does_not_say_whose_it_is() -> None:
    """RFC 6376 §3.5: d= and s= are required."""
    ((domain, selector, valid, why),) = verify(CONTENT, ["v=1"], {})
    assert (domain, selector, valid) == ("", "", False)
    assert why == "there is no key: no record '._domainkey.' (RFC 6376 §6.1.2)"


@pytest.mark.parametrize("keys", ["v=DKIM1", None, [NAME]])
def test_keys_that_are_none(keys: Any) -> None:
    with pytest.raises(TypeError) as raised:
        verify(CONTENT, [FIELD], keys)
    assert str(raised.value) == (
        "dkim() takes a mapping of names such as 'test._domainkey.example.org' to TXT "
        f"records, or a function that does, not {keys!r}"
    )


def test_a_key_in_place_of_its_keys() -> None:
    """What a test has at hand, and what it is to give."""
    key = DKIMKey.make("example.org", algorithm="ed25519")
    with pytest.raises(TypeError, match=r"not <DKIMKey .*>: write key\.keys$"):
        verify(CONTENT, [FIELD], key)  # type: ignore[arg-type]


def test_an_algorithm_that_there_is_not() -> None:
    with pytest.raises(ValueError) as raised:
        DKIMKey.make("example.org", algorithm="dsa")  # type: ignore[arg-type]
    assert str(raised.value) == "algorithm is 'rsa' or 'ed25519', not 'dsa'"


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dkim", None)
    with pytest.raises(ImportError) as raised:
        received(b"DKIM-Signature: " + FIELD.encode() + b"\r\n\r\n").dkim({})
    assert str(raised.value) == (
        "message.dkim() needs dkimpy: pip install 'pytest-smtpserver[dkim]'"
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            b"Hello",
            b"hello",
            r"the body was altered: body hash mismatch \(.*\) \(RFC 6376 §6\.1\.3\)",
        ),
        (
            b": Hi",
            b": hi",
            (
                "a signed header field was altered, or the signature was made with "
                r"another key than 'test\._domainkey\.example\.org' has "
                r"\(RFC 6376 §6\.1\.3\)"
            ),
        ),
    ],
)
def test_what_was_altered(old: bytes, new: bytes, told: str) -> None:
    """RFC 6376 §6.1.3, steps 3 and 4."""
    dkim = pytest.importorskip("dkim")
    key = DKIMKey.make("example.org", algorithm="ed25519")
    line = dkim.sign(
        CONTENT,
        b"test",
        b"example.org",
        key.seed.encode(),
        signature_algorithm=b"ed25519-sha256",
    )
    (held,) = received(line + CONTENT).dkim(key.keys)
    assert held.valid
    assert held.reason == ""
    (broken,) = received(line + CONTENT.replace(old, new)).dkim(key.keys)
    assert not broken.valid
    assert re.fullmatch(told, broken.reason), broken.reason
