"""`personas.dialogue`: a recorded server, played back to another client."""

from __future__ import annotations

import re
import smtplib
import socket

import pytest

from pytest_smtpserver import SMTPServer, personas
from pytest_smtpserver.script.personas.logs import read
from pytest_smtpserver.script.personas.playback import _connections, _steps
from tests.server.wire import Wire

from .recorded import LOGS, TRANSCRIPT


def steps(log: str) -> list[tuple[str, tuple[str, ...], str]]:
    """Name, reply and ending of each step of a log with one connection."""
    (connection,) = _connections(read(log))
    return [(one.name, one.reply, one.ending) for one in _steps(connection)]


EXPECTED = [
    ("CONNECT", ("220 mx.example.net ESMTP",), ""),
    ("EHLO", ("250-mx.example.net", "250 PIPELINING"), ""),
    ("MAIL", ("250 2.1.0 Ok",), ""),
    ("RCPT", ("250 2.1.5 Ok",), ""),
    ("RCPT", ("550 5.1.1 No such user",), ""),
    ("DATA", ("354 End data",), ""),
    ("MESSAGE", ("452 4.3.1 Out of memory",), ""),
    ("QUIT", ("221 2.0.0 Bye",), ""),
]


@pytest.mark.parametrize("name", LOGS)
def test_each_log_is_the_same_dialogue(name: str) -> None:
    """Multi-line replies, pipelined commands, content that looks like a command."""
    assert steps(LOGS[name]) == EXPECTED
    assert personas.dialogue(LOGS[name]).name == f"dialogue({len(EXPECTED)} steps)"


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_goes_on_with_another_connection(name: str) -> None:
    """Each program says when it connects; what comes then is a dialogue of its own."""
    connections = _connections(read(LOGS[name] * 2))
    assert [len(_steps(one)) for one in connections] == [len(EXPECTED)] * 2


@pytest.mark.parametrize("name", sorted(LOGS.keys() - {"swaks"}))
def test_the_recorded_times(name: str) -> None:
    """The refusal took a second and a half, or as exactly as the log has it."""
    (connection,) = _connections(read(LOGS[name]))
    slow = [one.waited for one in _steps(connection) if one.waited > 1]
    assert slow
    assert slow[0] == pytest.approx(1.5, abs=0.5)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        # RFC 4954 §4: a line of the exchange is no command; masked or not.
        (
            (
                "S: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ********\n"
                "S: 334 UGFz\nC: MAIL\nS: 535 5.7.8 No\nC: QUIT\nS: 221 Bye"
            ),
            ["CONNECT", "AUTH", "RESPONSE", "RESPONSE", "QUIT"],
        ),
        # RFC 3030 §2: octets of a chunk are no commands.
        (
            "S: 220 x\nC: BDAT 20\nC: hello\nC: x\nS: 250 ok\nC: BDAT 0 LAST\nS: 250 ok",
            ["CONNECT", "BDAT", "BDAT"],
        ),
        # RFC 5321 §4.1.1.4: one reply, however many recipients.
        (
            (
                "S: 220 x\nC: EHLO c\nS: 250 x\nC: MAIL FROM:<>\nS: 250 ok\n"
                "C: RCPT TO:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 250 ok\n"
                "C: DATA\nS: 354 go\nC: .\nS: 250 ok\nC: RSET\nS: 250 ok"
            ),
            [
                *("CONNECT", "EHLO", "MAIL", "RCPT", "RCPT", "DATA", "MESSAGE"),
                "RSET",
            ],
        ),
        # RFC 2033 §4.2: a reply for each recipient.
        (
            (
                "S: 220 x\nC: LHLO c\nS: 250 x\nC: MAIL FROM:<>\nS: 250 ok\n"
                "C: RCPT TO:<a@b>\nS: 250 ok\nC: RCPT TO:<c@d>\nS: 550 no\n"
                "C: RCPT TO:<e@f>\nS: 250 ok\nC: DATA\nS: 354 go\nC: .\nS: 250 ok\n"
                "S: 452 full\nC: QUIT\nS: 221 bye"
            ),
            [
                *("CONNECT", "LHLO", "MAIL", "RCPT", "RCPT", "RCPT", "DATA"),
                *("MESSAGE", "MESSAGE", "QUIT"),
            ],
        ),
    ],
)
def test_what_is_a_step(log: str, expected: list[str]) -> None:
    assert [name for name, _, _ in steps(log)] == expected


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        ("  +0.9 -- the server closed the connection, as a rule says", "disconnect"),
        ("  +0.9 -- the server reset the connection, as a rule says", "reset"),
    ],
)
def test_a_log_that_ends_with_a_broken_connection(end: str, ending: str) -> None:
    """In place of the reply, or behind it."""
    begun = "  +0.1 S: 220 x\n  +0.2 C: EHLO c\n"
    assert steps(begun + end)[-1] == ("EHLO", (), ending)
    assert steps(f"{begun}  +0.3 S: 421 4.3.2 Bye\n{end}")[-1] == (
        "EHLO",
        ("421 4.3.2 Bye",),
        ending,
    )


@pytest.mark.parametrize(
    "line",
    [
        "*** Remote host closed connection unexpectedly.",
        "reply: retcode (-1); Msg: b''",
        "* response reading failed (errno: 0)",
        "warning: lost connection with mx.example.net while receiving the greeting",
    ],
)
def test_how_other_programs_say_that_the_server_is_gone(line: str) -> None:
    assert [one.who for one in read(f"S: 220 x\nC: EHLO c\n{line}")][-1] == "disconnect"


def test_a_log_that_is_none() -> None:
    """The error says what can be read."""
    with pytest.raises(ValueError, match="curl -v, swaks, nodemailer"):
        personas.dialogue("nothing of the kind")
    with pytest.raises(TypeError, match="text of a log"):
        personas.dialogue(b"S: 220 x")  # type: ignore[arg-type]


def test_the_replies_come_to_another_client() -> None:
    """Other names, the same verbs: smtplib ends as the recorded client did."""
    with SMTPServer() as server:
        server.play(personas.dialogue(TRANSCRIPT))
        with smtplib.SMTP(
            *server.address, local_hostname="other.example.org"
        ) as client:
            client.ehlo()
            client.mail("me@elsewhere.example")
            answers = [client.rcpt(f"{who}@example.org")[0] for who in ("you", "he")]
            assert answers == [250, 550]
            assert client.data(b"Hi.") == (452, b"4.3.1 Out of memory")
        assert len(server.messages) == 0
        server.check()


def test_after_the_last_line_all_is_as_usual() -> None:
    """The dialogue ends with EHLO; mail goes through."""
    with SMTPServer() as server:
        server.play(personas.dialogue("S: 220 mx.example.net\nC: EHLO x\nS: 250 mx"))
        with Wire(server) as wire:
            assert wire.reply() == "220 mx.example.net"
            assert wire.say("EHLO c") == "250 mx"
            assert wire.say("MAIL FROM:<a@example.org>") == "250 2.1.0 Sender ok"
            assert wire.say("QUIT")[:3] == "221"
        server.check()


def test_a_reply_that_is_none_is_played_as_it_came() -> None:
    """RFC 5321 §4.2 has three digits; a recorded server may have sent anything."""
    with SMTPServer() as server:
        log = "S: 220 x\nC: EHLO c\nS: hello there\nC: NOOP\nS: 250 ok"
        server.play(personas.dialogue(log))
        with Wire(server) as wire:
            assert wire.reply() == "220 x"
            assert wire.say("EHLO c") == "hello there"
            assert wire.say("NOOP") == "250 ok"
        server.check()


def test_a_client_that_leaves_the_dialogue() -> None:
    """It gets the usual replies; the failure shows where the two part."""
    with SMTPServer() as server:
        server.play(personas.dialogue(TRANSCRIPT))
        with Wire(server) as wire:
            assert wire.reply() == "220 mx.example.net ESMTP"
            assert wire.say("EHLO c").startswith("250-mx.example.net")
            assert wire.say("NOOP") == "250 2.0.0 Ok"
            assert wire.say("MAIL FROM:<a@example.org>") == "250 2.1.0 Sender ok"
            wire.say("QUIT")
        with pytest.raises(personas.DialogueLeft) as caught:
            server.check()
    told = str(caught.value).splitlines()
    assert told[0] == "The client left the recorded dialogue at line 6 of the log:"
    assert told[1].split() == ["recorded", "came"]
    assert told[-2].split() == ["≠", "MAIL", "FROM:<a@example.org>", "NOOP"]
    assert told[-3].split() == ["EHLO", "client.example.org", "EHLO", "c"]


def test_no_secret_stands_in_the_failure() -> None:
    """Neither the recorded one nor the other."""
    log = "S: 220 x\nC: EHLO c\nS: 250 x\nC: AUTH PLAIN cmVjb3JkZWQ=\nS: 235 ok\nC: RSET\nS: 250 ok"
    with SMTPServer(users={"ada": "x"}) as server:
        server.play(personas.dialogue(log))
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO c")
            assert wire.say("AUTH PLAIN AGFkYQBzZWNyZXQ=") == "235 ok"
            wire.say("NOOP")
            wire.say("QUIT")
        with pytest.raises(personas.DialogueLeft) as caught:
            server.check()
    assert "cmVjb3JkZWQ" not in str(caught.value)
    assert "AGFkYQBzZWNyZXQ" not in str(caught.value)
    assert str(caught.value).count("AUTH PLAIN ********") == 2


@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN"])
def test_a_recorded_login_line_by_line(mechanism: str) -> None:
    """Challenges and verdict are the recorded ones, whoever logs in."""
    log = (
        f"S: 220 x\nC: EHLO c\nS: 250 AUTH {mechanism}\nC: AUTH {mechanism}\nS: 334 Zmlyc3Q=\n"
        "C: ********\nS: 454 4.7.0 Not now"
    )
    with SMTPServer(users={"ada": "lovelace"}) as server:
        server.play(personas.dialogue(log))
        with Wire(server) as wire:
            wire.reply()
            wire.say("EHLO c")
            assert wire.say(f"AUTH {mechanism}") == "334 Zmlyc3Q="
            assert wire.say("AGFkYQBsb3ZlbGFjZQ==") == "454 4.7.0 Not now"
            wire.say("QUIT")
        server.check()


@pytest.mark.smtp_server(tls="starttls")
def test_tls_at_the_recorded_place(smtp_server: SMTPServer) -> None:
    """STARTTLS, the handshake, and the dialogue goes on."""
    smtp_server.play(
        personas.dialogue(
            "S: 220 x\nC: EHLO c\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"
            "C: EHLO c\nS: 250 secret.example.net\nC: QUIT\nS: 221 later"
        )
    )
    with Wire(smtp_server) as wire:
        wire.reply()
        wire.say("EHLO c")
        assert wire.say("STARTTLS") == "220 go"
        wire.start_tls(smtp_server.client_context())
        assert wire.say("EHLO c") == "250 secret.example.net"
        assert wire.say("QUIT") == "221 later"


@pytest.mark.parametrize(("ending", "how"), [("closed", b""), ("reset", None)])
def test_the_connection_ends_where_the_log_does(ending: str, how: bytes | None) -> None:
    """FIN, or RST, in place of the reply to DATA."""
    log = (
        TRANSCRIPT.partition("  +2.050")[0]
        + f"  +2.1 -- the server {ending} the connection"
    )
    with SMTPServer() as server:
        server.play(personas.dialogue(log))
        with Wire(server) as wire:
            wire.reply()
            for line in ("EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "RCPT TO:<c@d>"):
                wire.say(line)
            wire.send(b"DATA\r\n")
            if how is None:
                with pytest.raises(ConnectionResetError):
                    wire.rest()
            else:
                assert wire.rest() == b""


def test_delays_on_demand() -> None:
    """As long as the recorded server took, by the recorded times."""
    log = "  +0.000 S: 220 x\n  +0.1 C: EHLO c\n  +0.350 S: 250 x\n"
    for delays, least in ((True, 0.25), (False, 0.0)):
        with SMTPServer() as server:
            server.play(personas.dialogue(log, delays=delays))
            with Wire(server) as wire:
                wire.reply()
                wire.say("EHLO c")
                wire.say("QUIT")
            times = {
                (
                    one.kind,
                    bytes(one.data, "ascii")[:4]
                    if isinstance(one.data, str)
                    else one.data[:4],
                ): one.offset
                for one in server.sessions[0].transcript.entries
            }
            took = times[("S", b"250 ")] - times[("C", b"EHLO")]
            assert took >= least
            assert delays or took < 0.2


def test_each_connection_has_its_own_dialogue() -> None:
    """In the order of the log; the last one is played again to those that follow."""
    log = "connection 1 from a\nS: 220 one\nconnection 2 from a\nS: 421 two\n"
    with SMTPServer() as server:
        server.play(personas.dialogue(log))
        greetings = []
        for _ in range(3):
            with socket.create_connection(server.address, timeout=5) as client:
                greetings.append(client.recv(100))
        assert greetings == [b"220 one\r\n", b"421 two\r\n", b"421 two\r\n"]


def test_our_own_transcript_is_played_as_it_happened() -> None:
    """Recorded here, played there: the transcripts are the same but for the names."""
    with SMTPServer() as first:
        first.on("RCPT", "bob@example.org").reply(550, "5.1.1 No such user")
        with smtplib.SMTP(*first.address, local_hostname="a.example.org") as client:
            client.sendmail(
                "x@example.org", ["ada@example.org", "bob@example.org"], b"Hi."
            )
        recorded = str(first.sessions[0].transcript)
    with SMTPServer() as second:
        second.play(personas.dialogue(recorded))
        with smtplib.SMTP(*second.address, local_hostname="b.example.org") as client:
            refused = client.sendmail(
                "y@example.org", ["c@d.example", "e@f.example"], b"Ho."
            )
        assert refused == {"e@f.example": (550, b"5.1.1 No such user")}
        assert [str(one.envelope.rcpt_to) for one in second.messages] == [
            "['c@d.example']"
        ]
        second.check()


@pytest.mark.parametrize(
    ("log", "what"),
    [
        (
            "S: 220 x\nC: EHLO c\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go",
            'line 4 of the log, STARTTLS, needs tls="starttls"',
        ),
        (
            "S: 220 x\nC: EHLO c\nS: 250 x\nC: AUTH LOGIN\nS: 334 eA==\nC: ****\nS: 235 ok",
            "line 6 of the log, of an AUTH, needs users={...}",
        ),
    ],
)
def test_an_option_that_the_dialogue_needs(log: str, what: str) -> None:
    """The error names the line and the option, before any client comes."""
    with SMTPServer() as server, pytest.raises(ValueError, match=re.escape(what)):
        server.play(personas.dialogue(log))


def test_a_starttls_that_was_refused_needs_nothing() -> None:
    """454 can be said by anybody."""
    with SMTPServer() as server:
        server.play(personas.dialogue("S: 220 x\nC: STARTTLS\nS: 454 4.7.0 no"))
        with Wire(server) as wire:
            wire.reply()
            assert wire.say("STARTTLS") == "454 4.7.0 no"
