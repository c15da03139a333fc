"""Whole logs of the six forms, as they were written: TLS, a login, a server that goes.

The programs, as in `recorded`, talked to a server with a certificate and users, which
took 0.7 seconds for MAIL, refused one recipient in two lines, and closed the connection
in place of the reply to the message. In the files only names of other files were changed.
"""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.script.personas.logs import read
from pytest_smtpserver.script.personas.playback import _connections, _steps
from tests.server.wire import Wire

if TYPE_CHECKING:
    from pytest_smtpserver.script.personas.playback import Step

LOGS = {
    file.stem: file.read_text(encoding="utf-8")
    for file in sorted((Path(__file__).parent / "logs").glob("*.log"))
}
FORMS = sorted(LOGS)
OFFER = [
    *("mx.example.net", "PIPELINING", "SIZE", "ENHANCEDSTATUSCODES", "8BITMIME"),
    *("DSN", "SMTPUTF8", "CHUNKING"),
]


def steps(form: str) -> list[Step]:
    """Of the one connection."""
    (connection,) = _connections(read(LOGS[form]))
    return _steps(connection)


def test_there_is_one_of_each_form() -> None:
    """By the names that the manual has."""
    assert FORMS == ["curl", "nodemailer", "postfix", "smtplib", "swaks", "transcript"]


@pytest.mark.parametrize("form", FORMS)
def test_what_was_recorded(form: str) -> None:
    """Replies of several lines; TLS and login at their place; the end."""
    done = steps(form)
    # curl says what it logs in with in a line of its own (RFC 4954 §4).
    login = ["AUTH", "RESPONSE"] if form == "curl" else ["AUTH"]
    assert [one.name for one in done] == [
        *("CONNECT", "EHLO", "STARTTLS", "EHLO", *login),
        *("MAIL", "RCPT", "RCPT", "DATA", "MESSAGE"),
    ]
    before, behind = (one.reply for one in done if one.name == "EHLO")
    assert [line[4:] for line in before] == [*OFFER, "STARTTLS"]
    assert [line[4:] for line in behind] == [*OFFER, "AUTH PLAIN LOGIN"]
    assert [one.reply for one in done if one.name == "RCPT"] == [
        ("250 2.1.5 Recipient ok",),
        ("550-5.1.1 No such user", "550 5.1.1 Look it up"),
    ]
    assert (done[-1].reply, done[-1].ending) == ((), "disconnect")
    assert not any(one.ending for one in done[:-1])


@pytest.mark.parametrize("form", [form for form in FORMS if form != "swaks"])
def test_the_recorded_times(form: str) -> None:
    """MAIL took its time, and nothing behind it in the same go took it once more."""
    waited = [one.waited for one in steps(form)]
    (mail,) = (one.waited for one in steps(form) if one.name == "MAIL")
    # Some have whole seconds only.
    assert 0.69 <= mail <= 1.3
    assert sum(waited) - mail < 1.1


@pytest.mark.parametrize("form", FORMS)
def test_it_is_played_to_another_client(form: str) -> None:
    """Who has another name and another password, and ends as the first one did."""
    with SMTPServer(tls="starttls", users={"eve": "other"}) as server:
        server.play(personas.dialogue(LOGS[form]))
        with smtplib.SMTP(*server.address, local_hostname="b.example.org") as client:
            client.starttls(context=server.client_context())
            client.login("eve", "other", initial_response_ok=form != "curl")
            assert client.mail("x@y.example")[0] == 250
            assert client.rcpt("one@y.example")[0] == 250
            refusal = (550, b"5.1.1 No such user\n5.1.1 Look it up")
            assert client.rcpt("two@y.example") == refusal
            with pytest.raises(smtplib.SMTPServerDisconnected):
                client.data(b"Hi.")
        server.check()
        (session,) = server.sessions
        assert session.tls is not None
        assert session.user == "eve"
        assert len(server.messages) == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_client_that_leaves_it(form: str) -> None:
    """The failure has the line of the log, and both sides."""
    with SMTPServer(tls="starttls", users={"eve": "other"}) as server:
        server.play(personas.dialogue(LOGS[form]))
        with Wire(server) as wire:
            assert wire.reply() == "220 mx.example.net ESMTP"
            wire.say("EHLO b.example.org")
            assert wire.say("VRFY eve")[:3] == "252"
            assert wire.say("STARTTLS") == "220 2.0.0 Ready to start TLS"
        with pytest.raises(personas.DialogueLeft) as caught:
            server.check()
    number = next(one.number for one in steps(form) if one.name == "STARTTLS")
    told = str(caught.value).splitlines()
    assert told[0].endswith(f"the recorded dialogue at line {number} of the log:")
    assert "STARTTLS" in LOGS[form].splitlines()[number - 1]
    assert told[-2].split() == ["≠", "STARTTLS", "VRFY", "eve"]
    assert [word.upper() for word in told[-3].split()[::2]] == ["EHLO", "EHLO"]
    assert told[-4].split() == [*("(the", "client", "connects)") * 2]
