"""Four times the content may take four times the time, in any view of a message.

    python views.py

prints, as JSON, for each content and view: how many times the time it took. Each content
repeats something that parsers are known to be slow at.
"""

from __future__ import annotations

import json
import smtplib
import time

from pytest_smtpserver import SMTPServer

HTML = b"Content-Type: text/html\r\n\r\n"
MIXED = b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
#: What stands before, what is repeated, and the view that is read.
CONTENTS = {
    "tags without an end": (HTML, b"<a href=x \r\n", "links"),
    "comments without an end": (HTML, b"<!--\r\n", "text"),
    "links in HTML": (
        HTML,
        b'<p><a href="https://example.org/x">a</a></p>\r\n',
        "links",
    ),
    "nested tags": (HTML, b"<div><b>\r\n", "text"),
    "links in text": (b"\r\n", b"see https://example.org/x or not,\r\n", "links"),
    "encoded words": (b"Subject: a\r\n", b" =?utf-8?q?a?=\r\n", "subject"),
    "parameters": (b"Content-Type: text/plain\r\n", b" ;a=b\r\n", "text"),
    "addresses": (b"To: a@example.org\r\n", b" ,b <b@example.org>\r\n", "to"),
    "header fields": (b"Subject: a\r\n", b"X-Field: value\r\n", "headers"),
    "parts": (MIXED, b"--b\r\n\r\na\r\n", "attachments"),
    "base64": (
        b"Content-Transfer-Encoding: base64\r\n\r\n",
        b"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB\r\n",
        "text",
    ),
}
SMALL, TURNS, LIMIT = 15_000, 5, 0.3


def seconds(
    server: SMTPServer, head: bytes, unit: bytes, view: str, size: int
) -> float:
    """The fastest first look at this view, of some messages."""
    content = head + unit * (size // len(unit)) + b"\r\n"
    taken: list[float] = []
    while len(taken) < TURNS and sum(taken) < LIMIT:
        with smtplib.SMTP(*server.address, local_hostname="me") as client:
            client.sendmail("a@example.org", ["b@example.org"], content)
        message = server.wait_for_message()
        start = time.perf_counter()
        getattr(message, view)
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    grown = {}
    with SMTPServer() as server:
        for name, (head, unit, view) in CONTENTS.items():
            small, large = (
                seconds(server, head, unit, view, size) for size in (SMALL, 4 * SMALL)
            )
            grown[name] = large / small
    print(json.dumps(grown))


if __name__ == "__main__":
    main()
