"""The report on one server, and the names of folders."""

from __future__ import annotations

import re
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


def test_the_whole_report_has_each_connection() -> None:
    """Under the line that says whose it is."""
    sessions = [
        SessionRecord(str(port), ("127.0.0.1", port), ("127.0.0.1", 6), RECEIVED_AT)
        for port in (5, 7)
    ]
    for session in sessions:
        session.transcript.add(0, "C", b"NOOP\r\n")
    lines = Report("x", [], [], sessions).text(whole=True).split("\n")
    for number, port in ((1, 5), (2, 7)):
        above = lines.index(f"connection {number} from 127.0.0.1:{port}, still open")
        assert lines[above - 1] == ""
        assert lines[above + 1].endswith("C: NOOP")


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
    assert re.fullmatch("test_a_b_-[0-9a-f]{8}", folder_of("t.py::test[a/b]").name)
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


def _session(number: int, dialogue: list[tuple[str, bytes]]) -> SessionRecord:
    session = SessionRecord(
        str(number), ("127.0.0.1", 5), ("127.0.0.1", 6), RECEIVED_AT
    )
    session.closed_by = "client"
    for kind, octets in dialogue:
        session.transcript.add(0, kind, octets)
    return session


def _message(number: int, session: SessionRecord) -> ReceivedMessage:
    message = ReceivedMessage(
        b"Subject: number %d\r\n\r\n" % number,
        envelope(b"FROM:<a@example.org>", b"TO:<b@example.org>"),
        session,
        received_at=RECEIVED_AT,
    )
    session.messages.append(message)
    return message


def _many(sessions: int, messages: int) -> Report:
    """So many connections with so many messages each, twelve lines for a message."""
    dialogue = [("C", b"NOOP\r\n"), ("S", b"250 2.0.0 Ok\r\n")] * 6 * messages
    made = [_session(number, dialogue) for number in range(sessions)]
    mail = [
        _message(number, session)
        for number, session in enumerate(one for one in made for _ in range(messages))
    ]
    return Report("smtp://127.0.0.1:25", [], mail, made)


@pytest.mark.parametrize(
    ("sessions", "messages"), [(1, 200), (200, 1), (20, 20), (2, 100), (2000, 1)]
)
def test_a_report_has_a_size(sessions: int, messages: int) -> None:
    """Some 200 lines, with the first and the last of everything; the rest is counted."""
    report = _many(sessions, messages)
    lines = str(report).split("\n")
    total = sessions * messages
    assert 150 < len(lines) <= 215
    rows = [line for line in lines if "  number " in line]
    assert [rows[0].split()[0], rows[-1].split()[0]] == ["1", str(total)]
    assert f"{total - len(rows)} more" in str(report)
    shown = [line for line in lines if line.startswith("connection ")]
    assert [line.split()[1] for line in (shown[0], shown[-1])] == ["1", str(sessions)]
    left = [int(line.split()[1]) for line in lines if "full shows all" in line]
    assert len(shown) + sum(left) == sessions
    whole = report.text(whole=True).split("\n")
    assert len(whole) > total * 12
    assert not any("more" in line for line in whole)


def test_what_the_failure_is_about_is_shown_first() -> None:
    """A message in the middle, and the connection that it came over."""
    report = _many(200, 1)
    about = report._replace(about=[report.messages[77]])
    assert "\n 78  a@example.org" in str(about)
    assert "\nconnection 78 from" in str(about)
    assert "\nconnection 78 from" not in str(report)


def test_refusals_are_shown_first() -> None:
    """A connection that delivered nothing is what a failure is about."""
    report = _many(200, 1)
    refused = _session(
        99, [("C", b"MAIL FROM:<x>\r\n"), ("S", b"501 5.1.7 Bad address\r\n")]
    )
    report.sessions[100] = refused
    assert "S: 501 5.1.7 Bad address" in str(report)
    assert "\nconnection 101 from" in str(report)


def test_refusals_in_a_long_dialogue_stay() -> None:
    """With the command in front of them."""
    noops = [("C", b"NOOP\r\n"), ("S", b"250 2.0.0 Ok\r\n")] * 400
    noops[400:400] = [("C", b"VRFY x\r\n"), ("S", b"502 5.5.1 No\r\n")]
    lines = str(Report("x", [], [], [_session(1, noops)])).split("\n")
    place = next(i for i, line in enumerate(lines) if "502 5.5.1" in line)
    assert lines[place - 1].endswith("C: VRFY x")
    assert len(lines) <= 215


def test_a_long_line_and_a_long_complaint_are_cut() -> None:
    """A report has columns too."""
    session = _session(1, [("C", b"X" * 5000 + b"\r\n")])
    unused = "\n".join(f"rule {number}" for number in range(500))
    text = str(Report("x", [], [], [session], unused))
    assert max(map(len, text.split("\n"))) == 1001
    assert text.count("\nrule ") == 20
    assert (
        Report("x", [], [], [session], unused).text(whole=True).count("\nrule") == 500
    )


def test_the_path_of_a_client_is_escaped() -> None:
    """The header of the PROXY protocol, version 2, may have any octets as one."""
    session = _session(1, [])
    session.moved(("/tmp/\x1b[31m\u202e", 0), ("", 0))
    assert "from /tmp/\\x1b[31m\\u202e, " in connection(1, session)
