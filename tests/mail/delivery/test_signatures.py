"""DKIM: signed by dkimpy, by OpenDKIM and by nodemailer, verified without DNS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import dkim  # type: ignore[import-untyped]
import pytest

from pytest_smtpserver import DKIMKey, DKIMResult
from tests.clients.tools import clients_dir, missing_client, require_client
from tests.mail.make import received

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_smtpserver import SMTPServer

LETTER = (
    b"From: Shop <noreply@example.org>\r\nTo: ada@example.org\r\nSubject: Hi\r\n"
    b"Date: Sun, 01 Mar 2026 13:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n"
    b"\r\nHello Ada,\r\n\r\nbye.\r\n"
)
GOOD = DKIMResult("example.org", "test", valid=True, reason="")


@pytest.fixture(scope="module")
def rsa() -> DKIMKey:
    """An RSA key pair."""
    return DKIMKey.make("example.org")


@pytest.fixture(scope="module")
def ed25519() -> DKIMKey:
    """A key pair of RFC 8463."""
    return DKIMKey.make("example.org", "ed", algorithm="ed25519")


def signed(key: DKIMKey, content: bytes = LETTER, **options: Any) -> bytes:
    """The message, signed by dkimpy."""
    algorithm = b"ed25519-sha256" if key.seed else b"rsa-sha256"
    signer = dkim.DKIM(content, signature_algorithm=algorithm)
    line: bytes = signer.sign(
        key.selector.encode(),
        key.domain.encode(),
        (key.seed or key.private_key).encode(),
        **options,
    )
    return line + content


def results(content: bytes, keys: Any) -> list[DKIMResult]:
    """What the signatures are worth."""
    return received(content).dkim(keys)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signature_that_holds(kind: str, request: pytest.FixtureRequest) -> None:
    """RFC 6376 §3.3.1, RFC 8463 §3."""
    key: DKIMKey = request.getfixturevalue(kind)
    good = [GOOD._replace(selector=key.selector)]
    assert results(signed(key), key.keys) == good
    assert results(signed(key), key.keys.get) == good


@pytest.mark.parametrize("place", ["body", "header"])
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_one_octet_is_enough(
    kind: str, place: str, request: pytest.FixtureRequest
) -> None:
    """The reason says which part was altered."""
    key: DKIMKey = request.getfixturevalue(kind)
    old, new = (b"bye.", b"bye!") if place == "body" else (b"t: Hi\r", b"t: hi\r")
    content = signed(key)
    assert content.count(old) == 1
    ((domain, _, valid, reason),) = results(content.replace(old, new), key.keys)
    assert (domain, valid) == ("example.org", False)
    expected = "the body was altered" if place == "body" else "a signed header field"
    assert reason.startswith(expected)


def test_several_signatures(rsa: DKIMKey, ed25519: DKIMKey) -> None:
    """RFC 8463 §3: both kinds on one message; each is judged by itself."""
    content = signed(rsa, signed(ed25519))
    keys = {**rsa.keys, **ed25519.keys}
    assert [one.valid for one in results(content, keys)] == [True, True]
    found = results(content, rsa.keys)
    assert [one[1:3] for one in found] == [("test", True), ("ed", False)]
    assert "no record 'ed._domainkey.example.org'" in found[1].reason


def test_very_many_signatures(rsa: DKIMKey) -> None:
    """Each takes the whole content: of the later ones it is said that they are not tried."""
    names: list[str] = []

    def keys(name: str) -> str:
        names.append(name)
        return rsa.record

    content = b"DKIM-Signature: v=1; d=example.org; s=other; b=\r\n" * 30 + signed(rsa)
    found = results(content, keys)
    assert (len(names), len(found)) == (20, 31)
    assert {one.reason for one in found[20:]} == {
        "only the first 20 signatures are verified"
    }
    assert found[20][:3] == ("example.org", "other", False)


@pytest.mark.parametrize("tag", ["d", "s", "p"])
def test_a_tag_that_is_missing(rsa: DKIMKey, tag: str) -> None:
    """RFC 6376 §6.1.1: the signature does not hold, and nothing is made up for it."""
    content = re.sub(rf"\b{tag}=[^;]+;".encode(), b"", signed(rsa), count=1)
    record = rsa.record.replace(f"{tag}=", "x=") if tag == "p" else rsa.record
    ((domain, selector, valid, reason),) = results(content, lambda _: record)
    assert (domain, selector, valid) == (
        "" if tag == "d" else "example.org",
        "" if tag == "s" else "test",
        False,
    )
    assert reason


def test_no_signature(rsa: DKIMKey) -> None:
    """Nothing is said about it."""
    assert results(LETTER, rsa.keys) == []


def test_a_revoked_key(rsa: DKIMKey) -> None:
    """RFC 6376 §3.6.1: an empty p=."""
    ((_, _, valid, reason),) = results(signed(rsa), {rsa.name: "v=DKIM1; k=rsa; p="})
    assert not valid
    assert reason.startswith("the key is revoked: p= is empty")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=DKIM1; p=AAAA", "could not parse RSA public key"),
        ("v=DKIM2; p=AAAA", "bad version"),
        ("v=DKIM1; k=dsa; p=AAAA", "unknown algorithm"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_record_that_is_none(rsa: DKIMKey, record: str, words: str) -> None:
    """The reason is dkimpy's."""
    ((_, _, valid, reason),) = results(signed(rsa), {rsa.name: record})
    assert not valid
    assert words in reason


def test_another_key(rsa: DKIMKey) -> None:
    """It is not that of the signature."""
    other = DKIMKey.make("example.org")
    ((_, _, valid, reason),) = results(signed(rsa), other.keys)
    assert not valid
    assert "another key" in reason


def test_oversigning(rsa: DKIMKey) -> None:
    """RFC 6376 §5.4.2: a field signed once more than it is there cannot be added."""
    more = b"Subject: more\r\n"
    twice = signed(rsa, include_headers=[b"from", b"subject", b"subject", b"to"])
    assert results(twice, rsa.keys)[0].valid
    assert not results(more + twice, rsa.keys)[0].valid
    once = signed(rsa, include_headers=[b"from", b"subject", b"to"])
    assert results(more + once, rsa.keys)[0].valid


def test_a_body_of_which_only_a_part_is_signed(rsa: DKIMKey) -> None:
    """RFC 6376 §3.5, l=: what is added behind it is not signed."""
    content = signed(rsa, length=True)
    assert results(content + b"added\r\n", rsa.keys)[0].valid
    assert not results(content.replace(b"bye.", b"bye!"), rsa.keys)[0].valid


def test_an_expired_signature(rsa: DKIMKey) -> None:
    """RFC 6376 §3.5, x=: dkimpy makes none, so the tag is put in before it signs."""
    past = int(time.time()) - 100_000

    class Expiring(dkim.DKIM):  # type: ignore[misc]
        def gen_header(self, fields: Any, *rest: Any, **more: Any) -> Any:
            times = [(b"t", b"%d" % past), (b"x", b"%d" % (past + 10))]
            others = [pair for pair in fields if pair[0] not in (b"t", b"b")]
            blank = [pair for pair in fields if pair[0] == b"b"]
            return super().gen_header([*others, *times, *blank], *rest, **more)

    line = Expiring(LETTER).sign(b"test", b"example.org", rsa.private_key.encode())
    ((_, _, valid, reason),) = results(line + LETTER, rsa.keys)
    assert not valid
    assert "x= value is past" in reason


def test_opendkim_signs(rsa: DKIMKey, tmp_path: Path) -> None:
    """Debian's, in its test mode, which needs no mail server around it."""
    program = require_client("opendkim")
    key, mail, settings = (tmp_path / name for name in ("key", "mail", "settings"))
    key.write_text(rsa.private_key, encoding="ascii")
    mail.write_bytes(LETTER)
    settings.write_text("RequireSafeKeys no\n", encoding="ascii")
    done = subprocess.run(
        [
            *(program, "-x", str(settings), "-t", str(mail), "-vv", "-b", "s"),
            *("-d", "example.org", "-s", "test", "-k", str(key), "-p", "local:unused"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    found = re.search(r"hname='DKIM-Signature' hvalue='(.*?)'", said, re.DOTALL)
    assert found is not None, said
    value = "\r\n".join(found[1].strip().splitlines())
    content = b"DKIM-Signature: " + value.encode() + b"\r\n" + LETTER
    assert results(content, rsa.keys) == [GOOD]
    ((_, _, valid, reason),) = results(content.replace(b"bye.", b"bye!"), rsa.keys)
    assert not valid
    assert "body" in reason


NODEMAILER = """
const nodemailer = require("nodemailer");
const given = JSON.parse(process.env.GIVEN);
nodemailer.createTransport({
  host: "127.0.0.1", port: given.port, name: "client.example.org", ignoreTLS: true,
  dkim: {domainName: "example.org", keySelector: "test", privateKey: given.key},
}).sendMail({
  from: "noreply@example.org", to: "ada@example.org", subject: "Grüße",
  text: "Hello\\n.dot\\n", html: "<p>Hello",
}, error => { if (error) { console.error(error); process.exit(1); } });
"""


def test_nodemailer_signs(smtp_server: SMTPServer, rsa: DKIMKey) -> None:
    """An application that signs, and a test of it without DNS."""
    modules = clients_dir() / "node_modules"
    if not (modules / "nodemailer" / "package.json").exists():
        missing_client("nodemailer")
    given = json.dumps({"port": smtp_server.port, "key": rsa.private_key})
    subprocess.run(
        [require_client("node"), "-e", NODEMAILER],
        env={**os.environ, "NODE_PATH": str(modules), "GIVEN": given},
        check=True,
        timeout=30,
    )
    message = smtp_server.wait_for_message()
    assert message.dkim(rsa.keys) == [GOOD]


def test_the_records_of_a_key(rsa: DKIMKey, ed25519: DKIMKey) -> None:
    """RFC 6376 §3.6.1; RFC 8463 §4: an ed25519 key has 32 octets."""
    assert rsa.name == "test._domainkey.example.org"
    assert rsa.record.startswith("v=DKIM1; k=rsa; p=MIIB")
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[\w+/]{43}=", ed25519.record)
    assert rsa.private_key.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert "PRIVATE" not in repr(rsa)


def test_mistakes_are_named(rsa: DKIMKey) -> None:
    """Keys that are none, an algorithm that is none."""
    with pytest.raises(TypeError, match=r"dkim\(\) takes a mapping"):
        results(signed(rsa), rsa.record)
    with pytest.raises(ValueError, match="'rsa' or 'ed25519', not 'dsa'"):
        DKIMKey.make("example.org", algorithm="dsa")  # type: ignore[arg-type]


def test_without_pynacl(ed25519: DKIMKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install, as dkimpy alone verifies RSA only."""

    def verify(*_: object, **__: object) -> bool:
        raise dkim.NaClNotFoundError

    content = signed(ed25519)
    monkeypatch.setattr(dkim.DKIM, "verify", verify)
    with pytest.raises(ImportError, match=r"PyNaCl: .*pytest-smtpserver\[dkim\]"):
        results(content, ed25519.keys)


def test_without_dkimpy(rsa: DKIMKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what to install."""
    content = signed(rsa)
    monkeypatch.setitem(sys.modules, "dkim", None)
    with pytest.raises(ImportError, match=r"pytest-smtpserver\[dkim\]"):
        results(content, rsa.keys)
