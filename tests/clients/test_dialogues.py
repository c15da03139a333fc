"""Dialogues with real servers, recorded and played back to real clients."""

from __future__ import annotations

import asyncio
import gc
import re
import smtplib
import socket
import ssl
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import aiosmtplib
import pytest

from pytest_smtpserver import SMTPServer, personas

from .exchange import ADA, SENDER
from .exim import FOR_ALL, receiving
from .relay import recording
from .secured import checking, exim_with_tls, postfix_with_tls
from .test_postfix_smtpd import SETTINGS, smtpd
from .tools import EHLO_NAME, Login, Mail, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    import trustme

    from .exim import Exim
    from .opensmtpd import OpenSmtpd
    from .postfix import Postfix

    Client = Callable[..., str]
    Server = Callable[[], AbstractContextManager[socket.socket]]

# Three real servers, and five clients for each of their dialogues.
pytestmark = pytest.mark.once

CONTENT = b"Subject: hello\r\nFrom: noreply@example.org\r\n\r\nHi.\r\n.\r\n..\r\n"
#: Accepted, refused for good, put off.
RECIPIENTS = {
    "accepted": (ADA,),
    "refused": ("access@example.org",),
    "unknown": ("nobody@example.org",),
    "deferred": ("later@example.org",),
}


def trusting(target: Target) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=target.trust)


def by_smtplib(target: Target, mail: Mail, login: Login | None = None) -> str:
    try:
        with smtplib.SMTP(target.host, target.port, EHLO_NAME, timeout=20) as client:
            if target.tls is not None:
                client.starttls(context=trusting(target))
            if login is not None:
                client.login(login.user, login.secret)
            return repr(client.sendmail(mail.sender, mail.recipients, mail.content))
    except smtplib.SMTPException as error:
        return repr(error)


def by_aiosmtplib(target: Target, mail: Mail, login: Login | None = None) -> str:
    async def send() -> str:
        client = aiosmtplib.SMTP(
            hostname=target.host,
            port=target.port,
            local_hostname=EHLO_NAME,
            start_tls=target.tls is not None,
            tls_context=None if target.tls is None else trusting(target),
            timeout=20,
        )
        try:
            async with client:
                if login is not None:
                    await client.login(login.user, login.secret)
                done = await client.sendmail(
                    mail.sender, list(mail.recipients), mail.content
                )
                return repr(done)
        except aiosmtplib.SMTPException as error:
            return repr(error)

    with warnings.catch_warnings():
        # The loop may end before the other side has said goodbye in TLS.
        warnings.simplefilter("ignore", ResourceWarning)
        done = asyncio.run(send())
        gc.collect()
    return done


@pytest.fixture(params=["smtplib", "aiosmtplib", "curl", "nodemailer", "msmtp"])
def client(request: pytest.FixtureRequest) -> Client:
    """Sends a mail, and says how it ended."""
    if request.param == "smtplib":
        return by_smtplib
    if request.param == "aiosmtplib":
        return by_aiosmtplib
    program = request.getfixturevalue(request.param)

    def send(target: Target, mail: Mail, login: Login | None = None) -> str:
        if login is not None:  # msmtp and curl want to be told with what
            login = replace(
                login, mechanism="plain" if request.param == "msmtp" else "PLAIN"
            )
        outcome = program.send(target, mail, login=login)
        if request.param == "nodemailer":
            (result,) = outcome
            return f"{result.ok} {result.response} {result.error}"
        told = re.findall(r"^(?:curl|msmtp): .*", outcome.stderr, re.MULTILINE)
        return f"{outcome.returncode} {told}".replace(str(target.port), "PORT")

    return send


@pytest.fixture(params=["postfix", "exim"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A real server, and how it is reached."""
    program = request.getfixturevalue(request.param)
    with (_postfix if request.param == "postfix" else _exim)(program) as upstream:
        yield upstream


@contextmanager
def _postfix(
    postfix: Postfix, settings: Mapping[str, str] = SETTINGS, sasl: str = ""
) -> Iterator[Server]:
    with smtpd(postfix, settings, sasl) as path:

        @contextmanager
        def connect() -> Iterator[socket.socket]:
            with socket.socket(socket.AF_UNIX) as connected:
                connected.connect(str(path))
                yield connected

        yield connect


EXIM = """\
acl_smtp_mail = accept
acl_smtp_rcpt = recipients
acl_smtp_data = accept
begin acl
recipients:
  deny local_parts = access
       message = Access denied
  deny local_parts = nobody
       message = Unknown user
  defer local_parts = later
       message = Try again later
  accept
"""


def _exim(exim: Exim) -> AbstractContextManager[Server]:
    return receiving(exim, EXIM + FOR_ALL)


@pytest.fixture(params=["postfix", "exim"])
def secured(
    request: pytest.FixtureRequest, open_folder: Path, smtp_ca: trustme.CA
) -> Iterator[Server]:
    """The same with STARTTLS, behind which ada may log in, and has to."""
    program = request.getfixturevalue(request.param)
    if request.param == "postfix":
        settings = postfix_with_tls(open_folder, smtp_ca)
        with (
            checking(open_folder) as sasl,
            _postfix(program, settings, sasl) as upstream,
        ):
            yield upstream
    else:
        text = exim_with_tls(open_folder, smtp_ca)
        with receiving(program, text, tls_for="*") as upstream:
            yield upstream


@pytest.mark.parametrize("what", RECIPIENTS)
def test_a_client_ends_as_with_the_real_server(
    client: Client, server: Server, what: str
) -> None:
    """The same end, the same error; recorded from this client, played to it again."""
    mail = Mail(SENDER, RECIPIENTS[what], CONTENT)
    assert play_again(client, server, mail, None) == (what == "accepted")


#: What OpenSMTPD is sent, and how it answers to the last thing: by its default rules.
SENT: dict[str, tuple[Mail, Login | None, str]] = {
    "accepted": (Mail(SENDER, (ADA,), CONTENT), None, "250 2.0.0 "),
    "unknown": (
        Mail(SENDER, ("nobody@example.org",), CONTENT),
        None,
        "550 Invalid recipient: <nobody@example.org>",
    ),
    "relaying": (
        Mail(SENDER, ("ada@elsewhere.example",), CONTENT),
        None,
        "550 Invalid recipient: <ada@elsewhere.example>",
    ),
    "too big": (
        Mail(SENDER, (ADA,), CONTENT + b"word word\r\n" * 200),
        None,
        "554 5.3.4 Message too big for system: Transaction failed, message too big",
    ),
    "login": (
        Mail(SENDER, ("ada@elsewhere.example",), CONTENT),
        Login("ada", "lovelace"),
        "250 2.0.0 ",
    ),
    "wrong login": (
        Mail(SENDER, (ADA,), CONTENT),
        Login("ada", "byron"),
        "535 Authentication failed",
    ),
    "no login": (
        Mail(SENDER, (ADA,), CONTENT),
        None,
        "530 5.5.1 Invalid command: Must issue an AUTH command first",
    ),
}


@pytest.fixture(scope="module")
def listening(opensmtpd: OpenSmtpd) -> Iterator[tuple[Server, Server]]:
    """One smtpd for all of these tests."""
    with opensmtpd.running() as servers:
        yield servers


@pytest.mark.parametrize("what", SENT)
def test_a_client_ends_as_with_opensmtpd(
    client: Client, listening: tuple[Server, Server], what: str
) -> None:
    """What it takes and what it refuses, before and behind a login."""
    mail, login, said = SENT[what]
    server = listening["login" in what]
    taken = play_again(client, server, mail, login, said)
    assert taken == said.startswith("250")


#: What is sent behind STARTTLS, and how each server answers to the last of it.
SENT_SECURED: dict[str, tuple[Mail, Login | None, dict[str, str]]] = {
    "login": (
        Mail(SENDER, ("ada@elsewhere.example",), CONTENT),
        Login("ada", "lovelace"),
        {"postfix": "250 2.0.0 Ok: queued as ", "exim": "250 OK id="},
    ),
    "wrong login": (
        Mail(SENDER, (ADA,), CONTENT),
        Login("ada", "byron"),
        {
            "postfix": "535 5.7.8 Error: authentication failed",
            "exim": "535 Incorrect authentication data",
        },
    ),
    "relaying": (
        Mail(SENDER, ("ada@elsewhere.example",), CONTENT),
        None,
        {
            "postfix": "454 4.7.1 <ada@elsewhere.example>: Relay access denied",
            "exim": "550 relay not permitted",
        },
    ),
}


@pytest.mark.parametrize("what", SENT_SECURED)
def test_a_client_ends_as_behind_starttls(
    client: Client,
    secured: Server,
    what: str,
    request: pytest.FixtureRequest,
    smtp_ca: trustme.CA,
) -> None:
    """The handshake at its place, what is on offer before and behind it, the login."""
    mail, login, said = SENT_SECURED[what]
    name = request.node.callspec.params["secured"]
    taken = play_again(client, secured, mail, login, said[name], smtp_ca)
    assert taken == said[name].startswith("250")


def play_again(
    client: Client,
    server: Server,
    mail: Mail,
    login: Login | None,
    said: str = "",
    ca: trustme.CA | None = None,
) -> bool:
    """Send it to the real server, and to the dialogue with that; whether it was taken.

    Args:
        client: sends it.
        server: the real one.
        mail: the message.
        login: who sends it.
        said: how a line of the real server begins.
        ca: of the server's certificate, where the client is to say STARTTLS.
    """
    with trusted(ca) as target:
        with recording(server, ca) as relay:
            real = client(replace(target, port=relay.port), mail, login)
        assert "S: 220 " in relay.log
        assert f"S: {said}" in relay.log
        assert (relay.version is None) == (ca is None)
        with SMTPServer(
            users={"ada": "lovelace"}, tls=None if ca is None else "starttls", ca=ca
        ) as playing:
            playing.play(personas.dialogue(relay.log))
            played = client(replace(target, port=playing.port), mail, login)
            playing.check()
            taken = len(playing.messages)
            assert all(bool(one.tls) == bool(ca) for one in playing.sessions)
    port = re.compile(rf"{relay.port}|{playing.port}")
    assert port.sub("PORT", played) == port.sub("PORT", real)
    return taken == 1


@contextmanager
def trusted(ca: trustme.CA | None) -> Iterator[Target]:
    """How a client is to connect, without the port."""
    if ca is None:
        yield Target()
        return
    with ca.cert_pem.tempfile() as file:
        yield Target(tls="starttls", ca_file=Path(file))
