"""Passwords and tokens, in whatever a failed run prints and writes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from .inner import entries, run

if TYPE_CHECKING:
    import pytest

SECRET = "Sekret77"


def b64(text: str) -> str:
    """As a client sends it (RFC 4954 §4)."""
    return base64.b64encode(text.encode()).decode()


PLAIN = b64(f"\0ada\0{SECRET}")
#: The secret, and a part of it that is there in base64 whatever is before it.
KINDS = (
    SECRET,
    b64(SECRET)[:10],
    b64(f"x{SECRET}")[2:12],
    b64(f"xx{SECRET}")[3:12],
)
#: What clients say behind EHLO; each has the secret in it.
SAID = [
    [f"AUTH PLAIN {PLAIN}"],
    ["AUTH PLAIN", PLAIN],
    [f"auth \t plain\t{PLAIN}"],
    ["AUTH PLAIN " + b64(f"\0eve\0{SECRET}")],
    ["AUTH LOGIN", b64("ada"), b64(SECRET)],
    [f"AUTH LOGIN {b64('ada')}", b64(SECRET)],
    ["AUTH LOGIN", b64("ada"), b64("wrong"), b64(SECRET)],
    ["AUTH XOAUTH2 " + b64(f"user=ada\1auth=Bearer {SECRET}\1\1"), ""],
    ["AUTH OAUTHBEARER " + b64(f"n,a=ada,\1auth=Bearer {SECRET}\1\1"), ""],
    ["AUTH CRAM-MD5", b64(f"ada {SECRET}")],
    [f"AUTH SCRAM-SHA-256 {b64('n,,n=ada,r=abc')}", b64(f"c=biws,r=abc,p={SECRET}")],
    [f"AUTH X-OWN {b64(SECRET)}", b64(f"more {SECRET}")],
    [f"AUTH PLAIN {PLAIN}"] * 2,
    ["MAIL FROM:<ada@example.org>", f"AUTH PLAIN {PLAIN}", PLAIN],
    [f"AUTH PLAIN {PLAIN[:-1]}", f"AUTH PLAIN {PLAIN} {PLAIN}", f"AUTH {PLAIN}"],
    [f"AUHT PLAIN {PLAIN}", f"AUTHPLAIN {PLAIN}", f"AUTH=PLAIN {PLAIN}", PLAIN],
    [f"AUTH\rPLAIN {PLAIN}", f"\0AUTH PLAIN {PLAIN}", f"PASS {SECRET}"],
    ["AUTH PLAIN " + b64(f"\0ada\0{SECRET * 900}")],
]
TESTS = f"""
import socket

SAID = {SAID!r}
OPTIONS = {{
    "on": {{"users": {{"ada": {SECRET!r}}}, "fail_on": ["violations"], "auth_mechanisms": [
        "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256"]}},
    "off": {{}},
    "in TLS": {{"users": {{"ada": {SECRET!r}}}, "tls": "starttls"}},
}}

def say(server, lines, at_once):
    lines = ["EHLO client.example.org", *lines]
    with socket.create_connection(server.address) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = client.makefile("rb")
        stream.readline()
        if at_once:
            client.sendall("\\r\\n".join(lines).encode())  # the last line does not end
            client.shutdown(socket.SHUT_WR)
            stream.read()
            return
        for line in lines:
            half = len(line) - 5
            client.sendall(line[:half].encode())
            client.sendall(line[half:].encode() + b"\\r\\n")
            while stream.readline()[3:4] == b"-":
                pass

@pytest.mark.parametrize("number", range(len(SAID)))
@pytest.mark.parametrize(
    ("options", "at_once"),
    [("on", False), ("on", True), ("off", False), ("in TLS", False)],
)
def test_it(smtp_server_factory, options, at_once, number):
    server = smtp_server_factory(**OPTIONS[options])
    if at_once:
        server.on("AUTH").call(fails).optional()
    say(server, SAID[number], at_once)
    server.settle()
    server.wait_for_message(timeout=0)

def fails(event):
    raise ValueError(event)
"""


def test_none_is_shown(pytester: pytest.Pytester) -> None:
    """On the screen, with local variables too, in logs, files and the page."""
    result = run(
        pytester,
        TESTS,
        "-vv",
        "--showlocals",
        "--log-level=DEBUG",
        "--log-file=run.log",
        "--smtp-transcript=full",
        "--smtp-save=saved",
        "--smtp-report=page.html",
        "--junitxml=junit.xml",
        "-ojunit_logging=all",
    )
    result.assert_outcomes(failed=4 * len(SAID))
    page = (pytester.path / "page.html").read_text("utf-8")
    texts = {
        "screen": result.stdout.str(),
        "page": page,
        "data": json.dumps(entries(page)),
    }
    written = [pytester.path / "junit.xml", pytester.path / "run.log"]
    for file in (*written, *pytester.path.glob("saved/*/*/*")):
        texts[str(file)] = file.read_text("utf-8", "replace")
    assert len(texts) > 4 * len(SAID)
    for name, text in texts.items():
        lines = [
            line for line in text.splitlines() if any(map(line.__contains__, KINDS))
        ]
        assert not lines, f"{name}: {lines[:3]}"
