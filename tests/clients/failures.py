"""Each kind of failure that the server can make, and how a client runs into it.

The kinds are written once, here; what each client makes of them is a table in its own
module, `test_failures_smtplib.py` and its neighbours.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import anyio.to_thread
import pytest

from pytest_smtpserver import Reply

from .exchange import ADA, ASCII_CONTENT, BOB, SENDER
from .tools import CLIENT_TIMEOUT, EHLO_NAME, Login, Mail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pytest_smtpserver import Event, Rule, SMTPServer

MAIL = Mail(SENDER, (ADA, BOB), ASCII_CONTENT)
LOGIN = Login("ada", "lovelace")
#: More than what the buffers of two sockets hold.
HUGE = 16_000_000
LINE = b"x" * 998 + b"\r\n"


@dataclass(frozen=True, slots=True)
class Failure:
    """One kind of failure.

    Attributes:
        name: the id of its tests.
        script: what the server is told to do.
        options: of the server.
        tls: how the client asks for TLS.
        lowest_tls: the lowest version of TLS that the client agrees to.
        login: the client logs in.
        mails: how many the client sends on its connection.
        huge: the mail does not fit into the buffers between client and server.
        times_out: the client waits in vain: it is given little patience.
        meanwhile: what goes on while the client is at work.
    """

    name: str
    script: Callable[[SMTPServer], object] = lambda server: None
    options: Mapping[str, Any] = field(default_factory=dict)
    tls: Literal["starttls", "implicit"] | None = None
    lowest_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    login: bool = False
    mails: int = 1
    huge: bool = False
    times_out: bool = False
    meanwhile: Callable[[SMTPServer], AbstractContextManager[None]] = lambda server: (
        nullcontext()
    )

    @property
    def mail(self) -> Mail:
        """What the client is given to send."""
        if not self.huge:
            return MAIL
        return Mail(SENDER, MAIL.recipients, LINE * (HUGE // len(LINE)))

    def patience(self, little: float) -> float:
        """The time-out of the client, in seconds."""
        return little if self.times_out else CLIENT_TIMEOUT / 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a client makes of a failure: what it has to, or what it did.

    Attributes:
        error: the class of the exception, or nodemailer's `error.code`; None where the
            client is content.
        code: the reply code that goes with it.
        command: nodemailer's `error.command`.
        text: what it says; of what it has to say a part is enough.
        refused: the recipients that it says were refused, by their reply codes.
        stored: how many messages the server has afterwards.
    """

    error: type[BaseException] | str | None = None
    code: int | None = None
    command: str | None = None
    text: str = ""
    refused: Mapping[str, int] = field(default_factory=dict)
    stored: int = 0

    def allows(self, seen: Outcome) -> bool:
        """Whether this is what was seen."""
        return self.text in seen.text and replace(self, text=seen.text) == seen


#: The client calls it a success, and it is one.
DELIVERED = Outcome(stored=1)

#: What is expected, by the name of the failure; several where TCP decides which it is.
Expectations: TypeAlias = "Mapping[str, Outcome | tuple[Outcome, ...]]"


def _refusal(event: str, code: int, **ways: Any) -> Failure:
    name = f"{code} at {event}"
    return Failure(name, lambda server: server.on(event).reply(code), **ways)


def _at(event: str, what: str, act: Callable[[Rule], object], **ways: Any) -> Failure:
    return Failure(f"{what} at {event}", lambda server: act(server.on(event)), **ways)


def _raw(event: str, what: str, octets: bytes, **ways: Any) -> Failure:
    return _at(event, what, lambda rule: rule.send(octets), **ways)


USERS = {"users": {LOGIN.user: LOGIN.secret}}
STARTTLS: dict[str, Any] = {"options": {"tls": "starttls"}, "tls": "starttls"}
IMPLICIT: dict[str, Any] = {"options": {"tls": "implicit"}, "tls": "implicit"}
LOGS_IN: dict[str, Any] = {"options": USERS, "login": True}


def _ehlo_and_helo(code: int) -> Failure:
    def script(server: SMTPServer) -> None:
        server.on("EHLO").reply(code)
        server.on("HELO").reply(code)

    return Failure(f"{code} at EHLO and HELO", script)


def _one_of_two(code: int) -> Failure:
    return Failure(
        f"{code} at one RCPT of two", lambda server: server.on("RCPT", BOB).reply(code)
    )


REFUSALS = (
    *(_refusal("CONNECT", code) for code in (421, 554)),
    *(_refusal("EHLO", code) for code in (421, 450, 502)),
    *(_ehlo_and_helo(code) for code in (450, 550)),
    *(_refusal("AUTH", code, **LOGS_IN) for code in (421, 454, 535)),
    _refusal("CREDENTIALS", 535, **LOGS_IN),
    *(_refusal("MAIL", code) for code in (421, 451, 550)),
    *(_one_of_two(code) for code in (450, 550)),
    *(_refusal("RCPT", code) for code in (421, 450, 550)),
    *(_refusal("DATA", code) for code in (421, 451, 554)),
    *(_refusal("MESSAGE", code) for code in (421, 451, 554)),
)

MALFORMED = (
    _raw("RCPT", "bad UTF-8 in a 250", b"250 \xff\xfe\r\n"),
    _raw("MAIL", "bad UTF-8 in a 550", b"550 \xff\xfe\r\n"),
    _raw("CONNECT", "no code", b"hello there\r\n"),
    _raw("MAIL", "no code", b"fine with me\r\n"),
    _raw("RCPT", "no code", b"fine with me\r\n"),
    _at(
        "CONNECT",
        "no end of a reply",
        lambda rule: rule.send(b"220-hi\r\n220-wait\r\n").hang(),
        times_out=True,
    ),
    _at(
        "EHLO",
        "no end of a reply",
        lambda rule: rule.send(b"250-localhost\r\n250-SIZE\r\n").hang(),
        times_out=True,
    ),
    _raw("EHLO", "a line of 100 kB", b"250 " + b"x" * 100_000 + b"\r\n"),
    _raw("MAIL", "a line of 100 kB", b"250 " + b"x" * 100_000 + b"\r\n"),
    # From here on each reply is taken for that to the next command. aiosmtplib ends up
    # with a command that gets none.
    _raw("MAIL", "two replies", b"250 2.1.0 Ok\r\n550 5.1.0 No\r\n", times_out=True),
    _at("MAIL", "half a code", lambda rule: rule.send(b"25").disconnect()),
    _at("MAIL", "half a 250", lambda rule: rule.send(b"250 2.1.0 Se").disconnect()),
    _at("MESSAGE", "half a 250", lambda rule: rule.send(b"250 2.0.0").disconnect()),
)

_ENDS: dict[str, Callable[[Rule], object]] = {
    "disconnect": lambda rule: rule.disconnect(),
    "reset": lambda rule: rule.reset(),
}
CUTS = (
    *(
        _at(event, how, act)
        for how, act in _ENDS.items()
        for event in ("CONNECT", "EHLO", "MAIL", "DATA")
    ),
    _at("CONTENT", "disconnect", lambda rule: rule.disconnect(after=40)),
    _at("CONTENT", "reset", lambda rule: rule.reset(after=40)),
    _at("MESSAGE", "store and disconnect", lambda rule: rule.store().disconnect()),
    _at("MESSAGE", "store and reset", lambda rule: rule.store().reset()),
    _at("MAIL", "half_close", lambda rule: rule.half_close()),
    _at("MESSAGE", "half_close", lambda rule: rule.half_close()),
)

SILENCE = (
    *(
        _at(event, "hang", lambda rule: rule.hang(), times_out=True)
        for event in ("CONNECT", "MAIL", "MESSAGE")
    ),
    _at("MAIL", "a long delay", lambda rule: rule.delay(20), times_out=True),
    _at(
        "CONTENT",
        "throttle",
        lambda rule: rule.throttle(1),
        times_out=True,
        huge=True,
    ),
)


async def _after_a_piece(event: Event) -> Reply:
    """Refuse the content when the first of it has come."""
    async for _ in event.chunks:
        break
    return Reply(552, "5.3.4 Enough")


def _interrupts(server: SMTPServer) -> Callable[[Event], Awaitable[None]]:
    async def interrupt(event: Event) -> None:
        # A reply that is being made comes first, then this one.
        await anyio.to_thread.run_sync(server.interrupt, 421, "4.3.2 Going down")

    return interrupt


def _between_two_mails(server: SMTPServer) -> None:
    server.on("MESSAGE").once().call(_interrupts(server))


def _in_place_of_a_reply(server: SMTPServer) -> None:
    server.on("RCPT").once().call(_interrupts(server)).hang()


OUT_OF_TURN = (
    _at("CONTENT", "an early reply", lambda rule: rule.call(_after_a_piece)),
    # aiosmtplib waits for it in vain.
    _at(
        "CONTENT",
        "a reply behind 354",
        lambda rule: rule.reply(552, "5.3.4 Enough"),
        times_out=True,
    ),
    Failure("421 between two mails", _between_two_mails, mails=2),
    Failure("421 in place of a reply", _in_place_of_a_reply),
)


def _certificate(kind: str, tls: Literal["starttls", "implicit"]) -> Failure:
    options = {"tls": tls, "certificate": kind}
    return Failure(f"certificate {kind} with {tls}", options=options, tls=tls)


TLS = (
    _refusal("STARTTLS", 454, **STARTTLS),
    _at(
        "STARTTLS",
        "220 and silence",
        lambda rule: rule.reply(220).hang(),
        times_out=True,
        **STARTTLS,
    ),
    _at(
        "STARTTLS",
        "220 and garbage",
        lambda rule: rule.reply(220).send(b"no TLS at all\r\n").disconnect(),
        **STARTTLS,
    ),
    _at(
        "STARTTLS",
        "220 and disconnect",
        lambda rule: rule.reply(220).disconnect(),
        **STARTTLS,
    ),
    _at("STARTTLS", "220 and reset", lambda rule: rule.reply(220).reset(), **STARTTLS),
    _at(
        "HANDSHAKE",
        "disconnect",
        lambda rule: rule.disconnect(after=100),
        **STARTTLS,
    ),
    _at("HANDSHAKE", "reset", lambda rule: rule.reset(after=100), **STARTTLS),
    # Garbage that comes along with 220 is read with it, and thrown away: see above.
    _at(
        "HANDSHAKE",
        "garbage",
        lambda rule: rule.delay(0.05).send(b"no TLS at all\r\n").disconnect(),
        **STARTTLS,
    ),
    _at(
        "STARTTLS",
        "plaintext behind 220",
        lambda rule: rule.reply(220).send(b"250 injected\r\n"),
        **STARTTLS,
    ),
    Failure("STARTTLS is hidden", options={"hide_starttls": True}, tls="starttls"),
    Failure(
        "STARTTLS is gone", options={"disabled_commands": ["STARTTLS"]}, tls="starttls"
    ),
    *(
        _certificate(kind, "starttls")
        for kind in (
            *("expired", "not_yet_valid", "wrong_host"),
            *("untrusted", "self_signed"),
        )
    ),
    _certificate("expired", "implicit"),
    Failure(
        "no version of TLS in common",
        options={
            "tls": "starttls",
            "tls_versions": (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2),
        },
        tls="starttls",
        lowest_tls=ssl.TLSVersion.TLSv1_3,
    ),
    _at(
        "HANDSHAKE",
        "a greeting in the clear",
        lambda rule: rule.send(b"220 mail.example.org\r\n").disconnect(),
        **IMPLICIT,
    ),
)

NETWORK = (
    Failure("an outage", meanwhile=lambda server: server.outage()),
    Failure(
        "a full backlog", meanwhile=lambda server: server.full_backlog(), times_out=True
    ),
)

FAILURES = (
    *REFUSALS,
    *MALFORMED,
    *CUTS,
    *SILENCE,
    *OUT_OF_TURN,
    *TLS,
    *NETWORK,
)


def each_failure(
    marks: Mapping[str, pytest.MarkDecorator] | None = None,
) -> pytest.MarkDecorator:
    """A test for each kind, with marks for some of them."""
    given = marks or {}
    return pytest.mark.parametrize(
        "failure",
        [
            pytest.param(
                failure,
                id=failure.name,
                marks=[given[failure.name]] if failure.name in given else [],
            )
            for failure in FAILURES
        ],
    )


def settled(server: SMTPServer, seen: Outcome) -> Outcome:
    """What was seen, and how many messages there are once nothing moves any more."""
    server.settle(timeout=0.2)
    return replace(seen, stored=len(server.messages))


def assert_expected(
    failure: Failure, seen: Outcome, *expectations: Expectations
) -> None:
    """The client did what one of the tables says of this failure."""
    (wanted,) = (table[failure.name] for table in expectations if failure.name in table)
    allowed = wanted if isinstance(wanted, tuple) else (wanted,)
    assert any(one.allows(seen) for one in allowed), f"{seen} is none of {allowed}"


def assert_complete(*expectations: Expectations) -> None:
    """Each kind of failure is in one of the tables, and in no other."""
    names = [name for table in expectations for name in table]
    assert sorted(names) == sorted(failure.name for failure in FAILURES)


def assert_survived(server: SMTPServer, failure: Failure) -> None:
    """The server did what it was told, and takes the next mail."""
    server.check()
    assert server.errors == []
    if failure.tls is not None:
        assert all(message.session.tls for message in server.messages)
    server.rules.clear()
    if "certificate" in failure.options:
        server.use_certificate("valid")
    with _good_client(server, failure) as client:
        client.sendmail(SENDER, ADA, b"Subject: good again\r\n")
    assert server.messages[-1].subject == "good again"


def _good_client(server: SMTPServer, failure: Failure) -> smtplib.SMTP:
    if failure.tls != "implicit":
        return smtplib.SMTP(*server.address, EHLO_NAME, timeout=CLIENT_TIMEOUT)
    return smtplib.SMTP_SSL(
        *server.address,
        EHLO_NAME,
        timeout=CLIENT_TIMEOUT,
        context=server.client_context(),
    )
