"""What tests of the engine share."""

from __future__ import annotations

import base64
from typing import Any

from pytest_smtpserver.protocol.state.settings import Settings

from .driver import Driver, codes

SENDER = "MAIL FROM:<a@example.org>"
RECIPIENT = "RCPT TO:<b@example.org>"
AUTH_PLAIN = "AUTH PLAIN " + base64.b64encode(b"\0tim\0tanstaaf").decode()
USERS = {"tim": "tanstaaf"}


def start(**options: Any) -> Driver:
    """A session that has said EHLO."""
    for name in ("extensions", "hide", "disabled_commands"):
        if name in options:
            options[name] = frozenset(options[name])
    return Driver(Settings(**options)).ready()


def delivers(driver: Driver) -> bool:
    """A mail that is sent now arrives whole: the session has not suffered."""
    before = len(driver.heard.messages)
    wire = f"{SENDER}\r\n{RECIPIENT}\r\nDATA\r\nwhole\r\n.\r\n".encode()
    answers = codes(driver.send(wire))
    return answers == [250, 250, 354, 250] and driver.heard.messages[before:] == [
        ("a@example.org", ["b@example.org"], [], b"whole\r\n")
    ]


def keywords(driver: Driver) -> list[str]:
    """What EHLO offers, line by line."""
    return [line[4:] for line in driver.line("EHLO client").split("\n")[1:]]


def encode_xtext(text: str) -> str:
    """Encode as xtext (RFC 3461 §4); what is not ASCII as the octets of its UTF-8."""
    return "".join(
        chr(octet) if 0x21 <= octet <= 0x7E and octet not in b"+=" else f"+{octet:02X}"
        for octet in text.encode()
    )
