"""Each persona with a real client, which says what it documents to say."""

from __future__ import annotations

import smtplib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiosmtplib
import pytest

from pytest_smtpserver import MessageNotReceived, SMTPServer, personas
from tests.server.session.test_faults_time import Timed, with_clock

from .exchange import ADA, BOB, RELAYED, SENDER, target, verbs, with_subject
from .tools import EHLO_NAME

if TYPE_CHECKING:
    from .postfix import Postfix
    from .swaks import Swaks

GREYLISTED = (451, b"4.7.1 Greylisting in action, please come back later")
TOO_MANY = (421, b"4.7.0 too many messages in this connection")
TOO_QUICKLY = (
    450,
    (
        b"4.2.1 The user you are trying to contact is receiving mail too quickly. "
        b"Please resend your message at a later time."
    ),
)
HERE = "tests/clients/test_personas.py"
CONTENT = b"Subject: x\r\n\r\nhello\r\n"


def connect(server: SMTPServer) -> smtplib.SMTP:
    return smtplib.SMTP(*server.address, local_hostname=EHLO_NAME, timeout=10)


def send(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    """A mail; the recipients that smtplib reports as refused."""
    return client.sendmail(SENDER, recipients or (ADA,), CONTENT)


def refused(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    """The recipients of a mail, all of whom are refused."""
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        send(client, *recipients)
    return caught.value.recipients


def refused_sender(client: smtplib.SMTP) -> tuple[int, bytes | str]:
    """The reply to a MAIL that is refused."""
    with pytest.raises(smtplib.SMTPSenderRefused) as caught:
        send(client)
    return caught.value.smtp_code, caught.value.smtp_error


def aiosmtplib_client(server: SMTPServer) -> aiosmtplib.SMTP:
    """A client that has not connected."""
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        local_hostname=EHLO_NAME,
        start_tls=False,
        timeout=10,
    )


def test_greylisting(smtp_server: SMTPServer) -> None:
    """The first attempts are turned away, on whatever connection; then it is let in."""
    (rule,) = smtp_server.play(personas.greylisting(tries=2))
    for _ in range(2):
        with connect(smtp_server) as client:
            assert refused(client, ADA) == {ADA: GREYLISTED}
    with connect(smtp_server) as client:
        assert send(client, ADA) == {}
        assert send(client, ADA) == {}
        # A stranger to Bob is none to Ada.
        assert send(client, ADA, BOB) == {BOB: GREYLISTED}
    assert len(rule.calls) == 3
    smtp_server.assert_received(rcpt_to=[ADA], times=3)


def test_postfix_comes_back_after_greylisting(
    smtp_server: SMTPServer, postfix: Postfix
) -> None:
    """Its queue manager tries again on its own, and delivers."""
    smtp_server.play(personas.greylisting())
    # After a second its smtp(8) may still hold the message where the machine is busy, and
    # qmgr(8) then skips it for good.
    patient = {
        "maximal_queue_lifetime": "1h",
        "minimal_backoff_time": "3s",
        "maximal_backoff_time": "3s",
        "queue_run_delay": "1s",
    }
    mail = with_subject("patience", ADA)
    outcome = postfix.send(target(smtp_server), mail, settings=patient)
    statuses = [(one.status, one.dsn) for one in outcome.deliveries]
    assert statuses == [("deferred", "4.7.1"), ("sent", "2.0.0")], outcome.log
    smtp_server.assert_received(subject="patience", times=1)


def test_so_many_messages_per_connection(smtp_server: SMTPServer) -> None:
    """421 closes the connection; a new one may bring as many again."""
    smtp_server.play(personas.rate_limit(2))
    for _ in range(2):
        with connect(smtp_server) as client:
            send(client)
            send(client)
            assert refused_sender(client) == TOO_MANY
            with pytest.raises(smtplib.SMTPServerDisconnected):
                client.noop()
    smtp_server.assert_received(times=4)
    assert {session.closed_by for session in smtp_server.sessions} == {"server"}


def test_messages_that_were_refused_do_not_count(smtp_server: SMTPServer) -> None:
    """Neither for connections nor for recipients."""
    smtp_server.on("MESSAGE").reply(451, "4.3.0 Try again").once()
    smtp_server.play(personas.rate_limit(2))
    smtp_server.play(personas.rate_limit(2, per="recipient"))
    with connect(smtp_server) as client:
        with pytest.raises(smtplib.SMTPDataError):
            send(client)
        client.mail(SENDER)
        client.rcpt(ADA)
        client.rset()
        send(client)
        send(client)
        assert refused_sender(client) == TOO_MANY


def test_so_many_messages_per_recipient(smtp_server: SMTPServer) -> None:
    """On whatever connection, in whatever case; the others go on."""
    smtp_server.play(personas.rate_limit(2, per="recipient"))
    with connect(smtp_server) as client, connect(smtp_server) as other:
        send(client, ADA)
        send(other, "Ada@Example.org")
        assert refused(client, ADA) == {ADA: TOO_QUICKLY}
        assert send(other, ADA, BOB) == {ADA: TOO_QUICKLY}
    with connect(smtp_server) as client:
        assert refused(client, ADA) == {ADA: TOO_QUICKLY}
        send(client, BOB)
        assert refused(client, BOB) == {BOB: TOO_QUICKLY}


@pytest.mark.parametrize(
    ("permanent", "code", "enhanced"), [(False, 452, "4.2.2"), (True, 552, "5.2.2")]
)
def test_full_mailbox(
    smtp_server: SMTPServer, permanent: bool, code: int, enhanced: str
) -> None:
    """The one that is full is refused, the others get the message."""
    smtp_server.play(personas.full_mailbox(BOB, permanent=permanent))
    text = f"{enhanced} <{BOB}> Quota exceeded (mailbox for user is full)"
    with connect(smtp_server) as client:
        assert send(client, ADA, BOB) == {BOB: (code, text.encode())}
    message = smtp_server.assert_received(times=1)[0]
    assert (message.envelope.rcpt_to, message.envelope.rejected) == ([ADA], [BOB])


@pytest.mark.smtp_server(lmtp=True)
def test_full_mailbox_with_lmtp(smtp_server: SMTPServer) -> None:
    """As Dovecot says it: at RCPT."""
    smtp_server.play(personas.full_mailbox(BOB))
    client = smtplib.LMTP(*smtp_server.address, local_hostname=EHLO_NAME)
    with client:
        assert send(client, ADA, BOB)[BOB][0] == 452


def test_unknown_users(smtp_server: SMTPServer) -> None:
    """550 for whoever is not listed."""
    smtp_server.play(personas.unknown_users([ADA]))
    text = (
        f"5.1.1 <{BOB}>: Recipient address rejected: User unknown in local recipient "
        "table"
    )
    with connect(smtp_server) as client:
        assert send(client, ADA, BOB) == {BOB: (550, text.encode())}
        assert refused(client, BOB) == {BOB: (550, text.encode())}


def test_bounces_of_postfix(smtp_server: SMTPServer, postfix: Postfix) -> None:
    """Its smtp(8) tells bounces from what it tries again by these codes."""
    smtp_server.play(personas.unknown_users([ADA, SENDER]))
    smtp_server.play(personas.full_mailbox(SENDER))
    mail = with_subject("three fates", ADA, BOB, SENDER)
    outcome = postfix.send(target(smtp_server), mail)
    assert {one.recipient: (one.status, one.dsn) for one in outcome.deliveries} == {
        ADA: ("sent", "2.0.0"),
        BOB: ("bounced", "5.1.1"),
        SENDER: ("deferred", "4.2.2"),
    }, outcome.log


def test_tarpit(smtp_server: SMTPServer) -> None:
    """A client whose patience is shorter than the wait gives up."""
    smtp_server.play(personas.tarpit(60))
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        smtplib.SMTP(*smtp_server.address, local_hostname=EHLO_NAME, timeout=0.05)


@pytest.mark.asyncio
async def test_tarpit_with_aiosmtplib(smtp_server: SMTPServer) -> None:
    """It has a time-out for each command."""
    smtp_server.on("CONNECT").reply(220, "localhost ESMTP")
    smtp_server.play(personas.tarpit(60))
    client = aiosmtplib_client(smtp_server)
    await client.connect(timeout=10)
    with pytest.raises(aiosmtplib.SMTPTimeoutError):
        await client.ehlo(timeout=0.05)
    client.close()


@pytest.mark.parametrize(
    ("lines", "waits"),
    [
        ((b"NOOP",), 1),
        ((b"AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==",), 1),
        ((b"AUTH LOGIN", b"YWRh", b"bG92ZWxhY2U="), 3),
        ((b"HELO a", b"MAIL FROM:<a@b>", b"RCPT TO:<b@c>", b"DATA", b"Hi\r\n."), 5),
        ((b"HELO a", b"MAIL FROM:<a@b>", b"RCPT TO:<b@c>", b"BDAT 2\r\nHi"), 4),
        ((b"HELO a", b"MAIL FROM:<a@b>", b"RCPT TO:<b@c>", b"BDAT 4 LAST\r\nHi"), 4),
    ],
    ids=["NOOP", "AUTH PLAIN", "AUTH LOGIN", "DATA", "BDAT", "BDAT LAST"],
)
def test_tarpit_waits_once_for_each_reply(lines: tuple[bytes, ...], waits: int) -> None:
    """One reply, one wait, also where moments lie between command and reply."""

    async def main() -> None:
        async with SMTPServer(users={"ada": "lovelace"}) as server:
            server.play(personas.tarpit(20))
            client = await Timed.connect(server)
            await client.line()
            for line in lines:
                # A chunk has no line end of its own; what follows it does no harm.
                await client.say(line)
                await client.line()
            assert client.now == 20 * (1 + waits)
            await client.close()

    with_clock(main)


def test_one_message_per_connection(smtp_server: SMTPServer) -> None:
    """A client that pools connections has to connect again."""
    smtp_server.play(personas.one_message_per_connection())
    with connect(smtp_server) as client:
        send(client)
        assert refused_sender(client) == TOO_MANY
    with connect(smtp_server) as client:
        send(client)
    smtp_server.assert_received(times=2)


@pytest.mark.asyncio
async def test_one_message_per_connection_with_aiosmtplib(
    smtp_server: SMTPServer,
) -> None:
    """It knows 421 as a refused sender too, and that the connection is gone."""
    smtp_server.play(personas.one_message_per_connection())
    client = aiosmtplib_client(smtp_server)
    async with client:
        await client.sendmail(SENDER, [ADA], CONTENT)
        with pytest.raises(aiosmtplib.SMTPSenderRefused) as caught:
            await client.sendmail(SENDER, [ADA], CONTENT)
        assert (caught.value.code, caught.value.message.encode()) == TOO_MANY
        assert not client.is_connected


def test_blocklisted(smtp_server: SMTPServer) -> None:
    """smtplib closes the connection when the greeting is a refusal."""
    smtp_server.play(personas.blocklisted("zen.example.org"))
    with pytest.raises(smtplib.SMTPConnectError) as caught:
        connect(smtp_server)
    assert caught.value.smtp_code == 554
    assert caught.value.smtp_error == (
        b"5.7.1 Service unavailable; Client host [127.0.0.1] blocked using "
        b"zen.example.org"
    )


def test_blocklisted_with_swaks(smtp_server: SMTPServer, swaks: Swaks) -> None:
    """swaks says QUIT, which is all that is left (RFC 5321 §3.1)."""
    smtp_server.play(personas.blocklisted())
    outcome = swaks.send(target(smtp_server), RELAYED)
    assert not outcome.ok
    assert (
        "<** 554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using "
        "blocklist.example.org"
    ) in outcome.stdout
    smtp_server.wait_until_idle()
    assert verbs(smtp_server.sessions[0]) == ["QUIT"]


def test_several_at_once(smtp_server: SMTPServer) -> None:
    """Each for what it is there for; of two that match, the one played first."""
    smtp_server.play(personas.unknown_users([ADA, BOB]))
    smtp_server.play(personas.greylisting())
    smtp_server.play(personas.one_message_per_connection())
    with connect(smtp_server) as client:
        assert refused(client, "eve@example.org")["eve@example.org"][0] == 550
        assert refused(client, ADA) == {ADA: GREYLISTED}
        assert send(client, ADA) == {}
        assert refused_sender(client) == TOO_MANY


@pytest.mark.smtp_server(users={"ada": "lovelace"}, auth_required=True)
def test_what_is_refused_anyway_stays_so(smtp_server: SMTPServer) -> None:
    """A missing login is told as ever, and is no attempt for a greylist."""
    smtp_server.play(personas.greylisting())
    smtp_server.play(personas.unknown_users([ADA]))
    smtp_server.play(personas.full_mailbox())
    with connect(smtp_server) as client:
        client.ehlo()
        assert client.rcpt(BOB) == (530, b"5.7.0 Authentication required")
        client.login("ada", "lovelace")
        assert client.rcpt(BOB)[0] == 503
        assert refused(client, ADA) == {ADA: GREYLISTED}


def test_reset_forgets_personas(smtp_server: SMTPServer) -> None:
    """And what they have seen; to be played anew."""
    smtp_server.play(personas.greylisting())
    smtp_server.reset()
    with connect(smtp_server) as client:
        send(client, ADA)
        smtp_server.play(personas.greylisting())
        assert refused(client, ADA) == {ADA: GREYLISTED}


def test_the_transcript_names_the_persona(smtp_server: SMTPServer) -> None:
    """And where it was played; so does the explanation of what did not arrive."""
    smtp_server.play(personas.greylisting(tries=2))
    with connect(smtp_server) as client:
        refused(client, ADA)
    by = f"the persona greylisting(tries=2), played at {HERE}:"
    assert f"please come back later    <- {by}" in str(
        smtp_server.sessions[0].transcript
    )
    with pytest.raises(MessageNotReceived, match="was refused with 451") as caught:
        smtp_server.wait_for_message(to=ADA, timeout=0.01)
    assert by in str(caught.value)


@pytest.mark.parametrize("nonsense", ["greylisting", None, personas.greylisting])
def test_what_is_no_persona_cannot_be_played(
    smtp_server: SMTPServer, nonsense: Any
) -> None:
    """The forgotten brackets above all."""
    with pytest.raises(TypeError, match=r"such as personas\.greylisting\(tries=2\)"):
        smtp_server.play(nonsense)


def test_a_mistake_about_a_persona_is_shown_where_it_is_played(
    smtp_server: SMTPServer,
) -> None:
    """Our own frames are left out of the traceback."""
    with pytest.raises(TypeError) as raised:
        smtp_server.play("greylisting")  # type: ignore[arg-type]
    shown = [Path(frame.path) for frame in raised.traceback.filter(raised)]
    assert shown == [Path(__file__)]
