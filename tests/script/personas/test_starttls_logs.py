"""What Postfix 3.7 and Exim 4.96 said over STARTTLS, as five clients wrote it down.

Each had a certificate, and offered a login behind the handshake. The clients, those of
`recorded` but for our own transcripts, logged in, sent to somebody elsewhere and to
somebody unknown, and quit. In the files only names of other files were changed.
"""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.script.personas.logs import read
from pytest_smtpserver.script.personas.playback import _connections, _steps

if TYPE_CHECKING:
    from pytest_smtpserver.script.personas.playback import Step

FOLDER = Path(__file__).parent / "logs" / "starttls"
LOGS = {
    file.stem: file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.log"))
}


class Said(NamedTuple):
    """What one server says, by its source and its documentation."""

    before: set[str]
    ready: str
    behind: set[str]
    login: str
    accepted: str
    unknown: str
    taken: str


SAID = {
    "postfix": Said(
        before={"STARTTLS"},
        ready="220 2.0.0 Ready to start TLS",
        behind={"AUTH PLAIN LOGIN"},
        login="235 2.7.0 Authentication successful",
        accepted="250 2.1.5 Ok",
        unknown="550 5.1.1 <nobody@example.org>: Recipient address rejected: "
        "User unknown in local recipient table",
        taken="250 2.0.0 Ok: queued as ",
    ),
    "exim": Said(
        before={"STARTTLS"},
        ready="220 TLS go ahead",
        behind={"AUTH PLAIN LOGIN"},
        login="235 Authentication succeeded",
        accepted="250 Accepted",
        unknown="550 Unknown user",
        taken="250 OK id=",
    ),
}
#: smtplib says what it has to say in small letters, which is the same.
STEPS = [
    *("CONNECT", "EHLO", "STARTTLS", "EHLO", "AUTH"),
    *("MAIL", "RCPT", "RCPT", "DATA", "MESSAGE"),
]


def steps(name: str) -> list[Step]:
    """Of the one connection."""
    (connection,) = _connections(read(LOGS[name]))
    return _steps(connection)


def said(name: str) -> Said:
    """By the server that the file is named after."""
    return SAID[name.partition("-")[0]]


def test_there_is_one_of_each() -> None:
    """Of both servers, by each client."""
    clients = ("curl", "nodemailer", "postfix", "smtplib", "swaks")
    assert sorted(LOGS) == [
        f"{server}-{one}" for server in sorted(SAID) for one in clients
    ]


@pytest.mark.parametrize("name", LOGS)
def test_what_was_recorded(name: str) -> None:
    """The handshake at its place, what is on offer before and behind it, the login."""
    done, expected = steps(name), said(name)
    names = [one.name for one in done]
    # curl leaves without a word; nodemailer and Postfix do not wait for the last reply.
    assert names[: len(STEPS)] == STEPS
    assert names[len(STEPS) :] in ([], ["QUIT"])
    before, behind = ({line[4:] for line in done[n].reply} for n in (1, 3))
    assert before - behind == expected.before
    assert behind - before == expected.behind
    assert done[2].reply == (expected.ready,)
    assert done[4].reply == (expected.login,)
    assert [one.reply for one in done[6:8]] == [
        (expected.accepted,),
        (expected.unknown,),
    ]
    assert done[9].reply[0].startswith(expected.taken)
    assert not any(one.ending for one in done)


@pytest.mark.parametrize("name", LOGS)
def test_it_is_played_over_tls(name: str) -> None:
    """To a client with names and a password of its own."""
    expected = said(name)
    with SMTPServer(tls="starttls", users={"eve": "other"}) as server:
        server.play(personas.dialogue(LOGS[name]))
        with smtplib.SMTP(*server.address, local_hostname="b.example.org") as client:
            client.starttls(context=server.client_context())
            client.ehlo()
            assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
            assert _reply(client.login("eve", "other")) == expected.login
            assert client.mail("x@y.example")[0] == 250
            assert _reply(client.rcpt("one@y.example")) == expected.accepted
            assert _reply(client.rcpt("two@y.example")) == expected.unknown
            assert _reply(client.data(b"Hi.")).startswith(expected.taken)
        server.check()
        (session,) = server.sessions
        assert session.tls is not None
        assert session.user == "eve"
        (message,) = server.messages
        assert message.envelope.rcpt_to == ["one@y.example"]
        assert message.envelope.rejected == ["two@y.example"]


def _reply(reply: tuple[int, bytes]) -> str:
    code, text = reply
    return f"{code} {text.decode()}"


@pytest.mark.parametrize("name", ["exim-swaks", "postfix-smtplib"])
def test_a_server_without_tls_cannot_play_it(name: str) -> None:
    """It is said when the dialogue is given, with the line of the log."""
    number = next(one.number for one in steps(name) if one.name == "STARTTLS")
    with (
        SMTPServer(users={"eve": "other"}) as server,
        pytest.raises(ValueError, match=rf"line {number} of the log, STARTTLS, needs"),
    ):
        server.play(personas.dialogue(LOGS[name]))
