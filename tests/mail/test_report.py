"""The report on one server, and the names of folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
from pytest_smtpserver.mail.outcomes import TLSInfo
from pytest_smtpserver.mail.report import Report, connection, folder_of, table

from .make import NO_SESSION, RECEIVED_AT, envelope


def test_a_server_that_nobody_used() -> None:
    """It says so."""
    report = Report("smtp://127.0.0.1:25", ["lmtp=True"], [], [])
    assert str(report) == (
        "It listened on smtp://127.0.0.1:25 with lmtp=True\n"
        "\nno messages\n\nno connections"
    )


def test_the_table_shortens_what_is_long_and_escapes_what_is_no_text() -> None:
    """One message, one line."""
    long = ReceivedMessage(
        b"Subject: " + b"x" * 100 + b"\r\n\r\n",
        envelope(b"FROM:<>", b"TO:<ada@example.org>", b"TO:<bob@example.org>"),
        NO_SESSION,
        received_at=RECEIVED_AT,
    )
    escape = ReceivedMessage(
        b"Subject: \x1b[31m\r\n\r\n", envelope(), NO_SESSION, received_at=RECEIVED_AT
    )
    escaped = "\\x1b[31m"
    assert table([long, escape]) == [
        "2 messages:",
        f"   {'from':19}  {'to':32}  {'subject':40}  octets",
        f"1  {'<>':19}  ada@example.org, bob@example.org  {'x' * 39}…     113",
        f"2  noreply@example.org  {'ada@example.org':32}  {escaped:40}      18",
    ]


def test_the_line_above_a_dialogue() -> None:
    """Client, TLS, user, and who closed it."""
    session = SessionRecord("1", ("", 0), ("/run/s", 0), RECEIVED_AT)
    assert connection(1, session) == "connection 1 from a Unix socket, still open"
    session = SessionRecord("1", ("127.0.0.1", 5), ("127.0.0.1", 6), RECEIVED_AT)
    session.tls = TLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", None, None)
    session.user, session.closed_by = "ada", "server"
    assert connection(2, session) == (
        "connection 2 from 127.0.0.1:5, TLSv1.3 with TLS_AES_128_GCM_SHA256, "
        "logged in as 'ada', closed by the server"
    )


@pytest.mark.parametrize(
    ("nodeid", "folder"),
    [
        ("tests/test_a.py::test_b", "tests/test_a.py/test_b"),
        ("test_a.py::TestC::test_b", "test_a.py/TestC.test_b"),
        ("./test_a.py::test_b", "test_a.py/test_b"),
    ],
)
def test_folders_of_plain_names(nodeid: str, folder: str) -> None:
    """The file, and the name of the test."""
    assert folder_of(nodeid) == Path(folder)


def test_folders_stay_where_they_belong() -> None:
    """No name leads out of the directory, is too long, or is that of another test."""
    names = ["x[../../y]", "x[..\\..\\y]", "x[\0]", "x[a]", "x[ä]", "x" * 1000]
    folders = [folder_of(f"../t.py::{name}") for name in names]
    assert len(set(folders)) == len(names)
    for folder in folders:
        assert not folder.is_absolute()
        assert ".." not in folder.parts
        assert len(folder.parts) == 3
        assert len(folder.name) < 140


def test_saving_again_removes_what_is_old(tmp_path: Path) -> None:
    """A run with fewer messages leaves none of the run before; other files stay."""
    message = ReceivedMessage(
        b"Subject: \xe4\r\n\r\n", envelope(), NO_SESSION, received_at=RECEIVED_AT
    )
    (tmp_path / "notes.eml").write_bytes(b"mine")
    Report("x", [], [message, message], []).save(tmp_path)
    Report("x", [], [message], []).save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        "message-1.eml",
        "message-1.json",
        "notes.eml",
        "transcript.txt",
    }
    assert (tmp_path / "message-1.eml").read_bytes() == message.content
