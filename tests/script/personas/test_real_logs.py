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
    from pytest_smtpserver.script.personas.logs import Said
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


#: As the lines stand where they were collected: Docker's and Kubernetes' documentation,
#: RFC 3164 §5.4, journalctl(1), Python's logging.
IN_FRONT = {
    "docker compose": "mailer-1  | ",
    "docker compose -t": "mailer-1  | 2026-11-28T03:12:07.123456Z ",
    "docker logs -t": "2026-11-28T03:12:07.123456789Z ",
    "kubernetes": "2026-11-28T03:12:07.123456789Z stdout F ",
    "syslog": "Nov 28 03:12:07 web1 mailer[4711]: ",
    "journalctl -o short-iso": "2026-11-28T03:12:07+0100 web1 mailer[4711]: ",
    "logging": "DEBUG:app.mail:",
    "logging with a time": "2026-11-28 03:12:07,123 DEBUG app.mail: ",
    "logging with dashes": "2026-11-28 03:12:07,123 - app.mail - DEBUG - ",
    "logging in brackets": "[2026-11-28 03:12:07] [DEBUG] ",
    "indented": "        ",
    "quoted": "> ",
    "numbered": "12:",
    "by pytest": "E   ",
}


def said(one: Said) -> tuple[str, str, int]:
    """Without how the log puts it that a connection has ended."""
    return one.who, one.text if one.who in "CS" else "", one.number


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("front", IN_FRONT)
def test_lines_with_something_in_front(form: str, front: str) -> None:
    """The same is read, and the times of the log itself are those that count."""
    plain = read(LOGS[form])
    lines = [IN_FRONT[front] + line for line in LOGS[form].splitlines()]
    collected = read("\n".join(lines))
    assert [said(one) for one in collected] == [said(one) for one in plain]
    if form in ("curl", "smtplib", "transcript") and front != "numbered":
        assert [one.begins for one in collected] == [one.begins for one in plain]
        steps = [_steps(one) for one in (collected, plain)]
        waited = [[step.waited for step in one] for one in steps]
        assert waited[0] == pytest.approx(waited[1])


def test_the_times_of_those_who_collected_it() -> None:
    """Where the log has none of its own."""
    clock = iter(range(100))
    log = "\n".join(
        f"2026-11-28T03:12:{next(clock):02}.5Z {line}"
        for line in ("S: 220 mx ESMTP", "C: EHLO a", "S: 250 mx", "C: DATA", "C: x")
    )
    assert [one.time for one in read(log)] == [
        3 * 3600 + 12 * 60 + second + 0.5 for second in range(5)
    ]
    assert not any(one.begins for one in read(log))


def test_a_quoted_dialogue_is_none_of_curl() -> None:
    """Whose client says its lines behind the same sign, and has a server."""
    log = "> S: 220 mx ESMTP\n> C: EHLO a\n> S: 250 mx\n"
    assert [one.who for one in read(log)] == ["S", "C", "S"]
