"""What the page knows of a test."""

from __future__ import annotations

import base64
import json
import smtplib

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.report.entries import (
    Entry,
    anchor_of,
    entry_of,
    with_outcome,
    without_secrets,
)
from pytest_smtpserver.report.letters import MAX_FILE

from .make import BINARY, PNG, entry, html_letter, letter, seen, with_files


def source_of(one: Entry, number: int = 0) -> bytes:
    """The content, put together as the page's script does it."""
    pieces = []
    for piece in one.form["messages"][number]["source"]:
        if isinstance(piece, str):
            pieces.append(piece)
            continue
        digest, length, line_end, tail = piece
        blob = one.blobs[digest]
        lines = [blob[at : at + length] for at in range(0, len(blob), length)]
        pieces.append(line_end.join(lines) + tail)
    return "".join(pieces).encode("latin-1")


def test_a_message_in_the_types_of_json() -> None:
    """Decoded, and as it was sent."""
    made = entry("tests/test_a.py::test_b", letter("Grüße", html="<b>x</b>"))
    assert Entry(*json.loads(json.dumps(list(made)))) == made
    message = made.form["messages"][0]
    assert (message["subject"], message["from"]) == ("Grüße", "noreply@shop.example")
    assert message["to"] == ["ada@example.org"]
    assert message["links"] == ["https://app.example.org/confirm?t=1"]
    assert ["Subject", "Grüße", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="] in message["fields"]
    assert [part[1] for part in message["parts"]] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert made.form["servers"][0]["sessions"][0]["dialogue"][0][1:] == [
        "S",
        "220 localhost ESMTP",
        "",
    ]


def test_files_are_in_it_once_and_the_source_is_whole() -> None:
    """Base64 stands in the blobs; the source refers to it, octet for octet."""
    report = seen(with_files(), with_files())
    made = entry_of("x", [report])
    assert sorted(map(len, made.blobs.values())) == sorted(
        len(base64.b64encode(one)) for one in (PNG, BINARY, b"a;b\r\n1;2\r\n")
    )
    for number, message in enumerate(report.messages):
        assert source_of(made, number) == message.content
    pieces = made.form["messages"][0]["source"]
    assert sum(len(one) for one in pieces if isinstance(one, str)) < 2500


@pytest.mark.parametrize(
    "body",
    [
        b"AAAA" * 200 + b"\r\n",
        b"AAAA\r\n" * 100 + b"AAA=\r\n",
        b"not base64 at all !!" * 30 + b"\r\n",
        (b"A" * 76 + b"\r\n") * 5 + b"\r\n\r\n",
        (b"A" * 76 + b" \r\n") * 5,
    ],
)
def test_odd_base64_is_kept_as_it_was_sent(body: bytes) -> None:
    """What is not what an encoder makes stands in the source itself."""
    content = (
        b"Subject: x\r\nContent-Type: application/pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + body
    )
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address, "client.example.org") as client:
            client.sendmail("a@example.org", "b@example.org", content)
        made = entry_of("x", [server.report()])
    assert source_of(made) == content


def test_a_large_file_is_left_out() -> None:
    """Its name and size stay."""
    large = letter("large")
    large.add_attachment(
        bytes(MAX_FILE + 1), maintype="application", subtype="zip", filename="a.zip"
    )
    made = entry("x", large)
    assert made.blobs == {}
    assert made.form["messages"][0]["files"] == [
        {
            "name": "a.zip",
            "type": "application/zip",
            "size": MAX_FILE + 1,
            "cid": "",
            "inline": False,
            "blob": "",
        }
    ]
    assert len(json.dumps(made.form)) < 20_000


def test_what_the_filters_go_by() -> None:
    """Refused, unfinished, violations."""
    refused = entry(
        "x",
        letter(),
        prepare=lambda server: server.on("RCPT").reply(550),
    )
    assert refused.form["flags"] == "ru"
    assert refused.form["servers"][0]["sessions"][0]["undelivered"][0]["to"] == []
    assert entry("x", letter()).form["flags"] == ""
    long_line = letter(text="x")
    long_line.set_payload("y" * 1200)
    assert "v" in entry("x", long_line).form["flags"]


def test_the_refused_recipients_of_a_message() -> None:
    """With the reply, on one line."""
    made = entry(
        "x",
        letter(),
        recipients=["ada@example.org", "bob@example.org"],
        prepare=lambda server: server.on("RCPT", "bob@example.org").reply(
            550, "5.1.1 No such user", "Ask the postmaster"
        ),
    )
    message = made.form["messages"][0]
    assert message["rejected"] == [
        [
            "bob@example.org",
            "550-5.1.1 No such user 550 5.1.1 Ask the postmaster",
        ]
    ]
    rules = [line[3] for line in made.form["servers"][0]["sessions"][0]["dialogue"]]
    assert any("make.py" in rule or "test_entries.py" in rule for rule in rules)


def test_secrets_are_masked() -> None:
    """In the dialogue, and in what the test failed with."""
    with SMTPServer(users={"ada": "lovelace"}) as server:
        with smtplib.SMTP(*server.address, "client.example.org") as client:
            client.login("ada", "lovelace")
        report = server.report()
    made = entry_of("x", [report], failure="login('ada', 'lovelace')")
    assert made.form["failure"] == "login('ada', '********')"
    hidden = base64.b64encode(b"\0ada\0lovelace").decode()
    assert "lovelace" not in json.dumps(made.form)
    assert hidden not in json.dumps(made.form)
    assert without_secrets("login('ada', 'lovelace')", [report]) == (
        "login('ada', '********')"
    )


def test_an_entry_travels_as_a_line_of_text() -> None:
    """To the process that writes the page."""
    made = entry("x", with_files())
    line = made.packed()
    assert line.isascii()
    assert "\n" not in line
    assert Entry.unpacked(line) == made


def test_anchors_tell_tests_apart() -> None:
    """Also those whose names differ in what an anchor cannot have."""
    names = ["a.py::t[a/b]", "a.py::t[a?b]", "a.py::t[ab]", "ä" * 500]
    anchors = [anchor_of(name) for name in names]
    assert len(set(anchors)) == len(names)
    assert anchors[0].startswith("test-a-py-t-a-b-")
    assert all(len(anchor) < 100 and anchor.isascii() for anchor in anchors)


def test_a_test_that_runs_twice_has_two_places() -> None:
    """By pytest-repeat or pytest-rerunfailures, for instance."""
    first = entry("x")
    again = with_outcome(first, "failed", duration=1, run=2)
    assert again.form["id"] == f"{first.form['id']}~2"
    assert again.form["name"] == "x (run 2)"


def test_html_alone_has_a_text() -> None:
    """For those who read without JavaScript, and for the search."""
    made = entry("x", html_letter("<h1>Hello</h1><p>you"))
    message = made.form["messages"][0]
    assert message["text"] == ""
    assert message["plain"].split() == ["Hello", "you"]
