"""Runs aiosmtpd's own tests against our server: ``-p aiosmtpd_adapter``.

Those of its tests that talk to a controller over a socket get a controller of ours.
The others are about its classes, and are left out. Replies are compared by their
codes: the texts are nobody's standard. Where the two servers differ on purpose, the test
stands with the reason in ``aiosmtpd_deviations.txt``, and has to fail.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiosmtpd.smtp
import pytest
from aiosmtpd.smtp import CALL_LIMIT_DEFAULT, __ident__
from aiosmtpd.testing.statuscodes import StatusCode

from pytest_smtpserver import Reply, SMTPServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_smtpserver import Address, Event, SessionRecord

#: The commands for which its handlers have hooks.
VERBS = ("EHLO", "HELO", "MAIL", "RCPT", "VRFY", "NOOP", "RSET", "QUIT")
DEVIATIONS = Path(__file__).with_name("aiosmtpd_deviations.txt")


T = TypeVar("T")


class Server(aiosmtpd.smtp.SMTP):
    """What a controller's factory returns: the options of a server, and no server."""

    def __init__(self, handler: object, **options: Any) -> None:
        self.handler = handler
        self.options = options
        #: Of the client that a hook was called for last.
        self.session: aiosmtpd.smtp.Session | None = None
        self.envelope: aiosmtpd.smtp.Envelope | None = None
        # Its tests look whether it is there before they begin.
        self._proxy_timeout = options.get("proxy_protocol_timeout")
        #: Times that each command is taken in a session; "*" is any other one.
        limit = options.get("command_call_limit") or {}
        self.limits = {"*": limit} if isinstance(limit, int) else limit
        self._call_limit_default = self.limits.get("*", CALL_LIMIT_DEFAULT)
        self.local_part_limit = 0

    def limit(self, verb: str) -> int | None:
        """How often a session may say it."""
        if not self.limits:
            return None
        return self.limits.get(verb, self._call_limit_default)


# Before the modules are loaded that take the class from there.
aiosmtpd.smtp.SMTP = Server

import aiosmtpd.controller  # noqa: E402
import aiosmtpd.lmtp  # noqa: E402


class Controller(aiosmtpd.controller.Controller):
    """Starts and stops a server of ours with the options of one of theirs."""

    def __init__(
        self,
        handler: object,
        hostname: str = "",
        port: int = 0,
        *,
        ssl_context: object = None,
        server_hostname: str = "",
        **options: Any,
    ) -> None:
        self.handler = handler
        self.ssl_context = ssl_context
        self.SMTP_kwargs = {"enable_SMTPUTF8": True, **options}
        if server_hostname:
            self.SMTP_kwargs["hostname"] = server_hostname

    def start(self) -> None:
        """Begin to listen."""
        self.smtpd = self.factory()
        self.server = SMTPServer(**self._options())
        hooks = Hooks(self.smtpd)
        hooks.make_rules(self.server)
        self.server.start()
        self.hostname, self.port = self.server.address

    def stop(self, no_assert: bool = False) -> None:
        """Stop without a word to the clients; a second time is a mistake, as there."""
        assert no_assert or self.server.is_running
        if self.server.is_running:
            with self.server.outage():
                pass
        self.server.stop()

    def _options(self) -> dict[str, Any]:
        """Our options for theirs."""
        given = self.smtpd.options
        tls = given.get("tls_context") or self.ssl_context
        lmtp = isinstance(self.smtpd, aiosmtpd.lmtp.LMTP)
        needs_tls = given.get("auth_require_tls", True)
        asks = [given.get(name) for name in ("auth_callback", "authenticator")]
        auth = any(asks) or bool(tls) or given.get("auth_required", False)
        # What aiosmtpd offers, and of ours only that.
        offers = {
            "SIZE": given.get("data_size_limit", 1),
            "8BITMIME": not given.get("decode_data"),
            "SMTPUTF8": given.get("enable_SMTPUTF8") and not lmtp,
        }
        options: dict[str, Any] = {
            "hostname": given.get("hostname") or socket.getfqdn(),
            "banner": given.get("ident") or __ident__,
            "max_message_size": given.get("data_size_limit", 33554432),
            "extensions": [keyword for keyword, wanted in offers.items() if wanted],
            "advertise": ["HELP"],
            "idle_timeout": given.get(
                "proxy_protocol_timeout", given.get("timeout", 300)
            ),
            "proxy_protocol": given.get("proxy_protocol_timeout") is not None,
            "require_tls": given.get("require_starttls", False),
            "auth_required": given.get("auth_required", False),
            "lenient_addresses": True,
            "lmtp": lmtp,
        }
        if auth and not lmtp:
            options |= {"users": {}, "allow_insecure_auth": not needs_tls}
        if tls:
            options |= {
                "tls": "implicit" if self.ssl_context else "starttls",
                "certificate": tls,
            }
        return options


aiosmtpd.controller.Controller = Controller


class Hooks:
    """The methods of one of aiosmtpd's handlers, as handlers of ours."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._handler = server.handler
        self._options = server.options
        #: What the hook said after the handshake.
        self._secure = True
        self._sessions: dict[str, aiosmtpd.smtp.Session] = defaultdict(
            lambda: aiosmtpd.smtp.Session(loop=None)
        )

    def make_rules(self, ours: SMTPServer) -> None:
        """A rule for each hook that there is, and for each limit."""
        if hasattr(self._handler, "handle_PROXY"):
            refused = ours.on("CONNECT", where=self._refuses_the_header)
            refused.send(b"").disconnect().optional()
        if hasattr(self._handler, "handle_STARTTLS"):
            ours.on("SECURE").call(self._on_secure).optional()
            insecure = ours.on("*", tls=True, where=self._has_to_leave)
            insecure.reply(554, "5.7.0 Command refused for lack of security").optional()
        once_too_often = ours.on("*", where=self._is_over_its_limit)
        once_too_often.reply(421, "4.7.0 Sent too many times").disconnect().optional()
        for event, hook in self._all():
            ours.on(event).call(hook).optional()

    def _refuses_the_header(self, event: Event) -> bool:
        session, envelope = self._session(event.session), self._envelope(event)
        hook = self._handler.handle_PROXY(self._server, session, envelope, None)
        try:
            hook.send(None)
        except StopIteration as answer:
            return not answer.value
        raise RuntimeError("a hook that waits, on the event loop of the server")

    def _on_secure(self, event: Event) -> None:
        session, envelope = self._session(event.session), self._envelope(event)
        self._secure = self._handler.handle_STARTTLS(self._server, session, envelope)

    def _has_to_leave(self, event: Event) -> bool:
        return not self._secure and event.command.verb != "QUIT"  # RFC 3207 section 4.1

    def _is_over_its_limit(self, event: Event) -> bool:
        limit = self._server.limit(event.command.verb)
        verbs = [one.verb for one in event.session.commands]
        return limit is not None and verbs.count(event.command.verb) > limit

    def _all(self) -> list[tuple[str, Callable[[Event], Reply | None]]]:
        """Those that a handler of ours can be, with our event for each."""
        found: list[tuple[str, Callable[[Event], Reply | None]]] = []
        if hasattr(self._handler, "handle_DATA"):
            found.append(("MESSAGE", self._on_message))
        found += [
            (verb, self._on_command)
            for verb in VERBS
            if hasattr(self._handler, f"handle_{verb}") or verb in ("MAIL", "RCPT")
        ]
        if {"auth_callback", "authenticator"} & self._options.keys():
            found.append(("CREDENTIALS", self._on_credentials))
        return found

    def _on_message(self, event: Event) -> Reply | None:
        return self._call("DATA", event)

    def _on_command(self, event: Event) -> Reply | None:
        if event.proposed is None or event.proposed.code >= 400:
            return None
        verb, argument = event.command.verb, event.command.argument
        if verb in ("QUIT", "RSET"):
            return self._call(verb, event)
        if verb in ("MAIL", "RCPT"):
            address = event.address
            limit = self._server.local_part_limit
            if limit and len(address.local_part) > limit:
                return Reply(553, "5.1.3 Error: malformed address")
            if not hasattr(self._handler, f"handle_{verb}"):
                return None
            return self._call(verb, event, str(address), _options_of(address))
        if verb == "EHLO":
            return self._on_ehlo(event)
        return self._call(verb, event, argument)

    def _on_ehlo(self, event: Event) -> Reply | None:
        """Theirs gets the lines of the reply, and gives back its own."""
        hook = self._handler.handle_EHLO
        if len(inspect.signature(hook).parameters) < 5:
            return self._call("EHLO", event, event.command.argument)
        lines = str(event.proposed).splitlines()
        session, envelope = self._session(event.session), self._envelope(event)
        said = hook(self._server, session, envelope, event.command.argument, lines)
        return Reply(250, *(line[4:] for line in asyncio.run(_waited_for(said))))

    def _call(self, name: str, event: Event, *arguments: object) -> Reply | None:
        hook = getattr(self._handler, f"handle_{name}")
        session, envelope = self._session(event.session), self._envelope(event)
        self._server.envelope = envelope
        result = hook(self._server, session, envelope, *arguments)
        if inspect.isawaitable(result):
            # In this thread: some of its handlers block, which is all right there.
            result = asyncio.run(_waited_for(result))
        return Reply(int(result[:3]), result[4:]) if result else None

    def _session(self, record: SessionRecord) -> aiosmtpd.smtp.Session:
        session = self._sessions[record.id]
        session.peer = record.remote_address
        session.host_name = record.helo
        self._server.session = session
        return session

    def _envelope(self, event: Event) -> aiosmtpd.smtp.Envelope:
        """What aiosmtpd's handlers know of a transaction."""
        found = aiosmtpd.smtp.Envelope()
        if event.envelope is not None:
            found.mail_from = str(event.envelope.mail_from)
            found.mail_options = _options_of(event.envelope.mail_from)
            found.rcpt_tos = [str(one) for one in event.envelope.rcpt_to]
            found.rcpt_options = [
                option for one in event.envelope.rcpt_to for option in _options_of(one)
            ]
        if event.name == "MESSAGE":
            found.content = found.original_content = event.message.content
            if self._options.get("decode_data"):
                found.content = event.message.content.decode("utf-8", "surrogateescape")
        return found

    def _on_credentials(self, event: Event) -> None:
        auth = event.auth
        login, password = (one or "" for one in (auth.username, auth.password))
        given = aiosmtpd.smtp.LoginPassword(login.encode(), password.encode())
        if callback := self._options.get("auth_callback"):
            if callback(auth.mechanism, given.login, given.password):
                event.accept(login)
            else:
                event.refuse(535)
            return
        session = self._session(event.session)
        result = self._options["authenticator"](
            self._server, session, self._envelope(event), auth.mechanism, given
        )
        if result.success:
            session.authenticated, session.auth_data = True, result.auth_data
            event.accept(login)
        else:
            code, _, text = (result.message or "535").partition(" ")
            event.refuse(int(code), text or None)


def _options_of(address: Address) -> list[str]:
    """The parameters of a command as they were sent."""
    return [
        name if value is None else f"{name}={value}"
        for name, value in address.parameters.items()
    ]


async def _waited_for(result: Awaitable[T]) -> T:
    return await result


def _same_code(self: StatusCode, other: tuple[int, bytes]) -> bool:
    return self.code == other[0]


StatusCode.__eq__ = _same_code
StatusCode.__ne__ = lambda self, other: not _same_code(self, other)
StatusCode.__hash__ = lambda self: hash(self.code)


def _deviations() -> dict[str, str]:
    """The reason why a test has to fail, by its id or the name of its function."""
    reasons, reason = {}, ""
    for line in DEVIATIONS.read_text().splitlines():
        if line.startswith("- "):
            reason = line[2:]
        elif line.startswith("  test_"):
            assert line.strip() not in reasons, f"{line.strip()} stands there twice"
            reasons[line.strip()] = reason
    return reasons


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Keep the tests that use a controller; expect the failures that have a reason."""
    reasons = _deviations()
    modules = {one.path.name for one in items}
    unused = {one for one in reasons if one.partition("::")[0] in modules}
    relevant = [one for one in items if _talks_to_a_controller(one)]
    for item in relevant:
        name = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
        for known in (name, re.sub(r"\[.*\]$", "", name, flags=re.DOTALL)):
            if known in reasons:
                unused.discard(known)
                item.add_marker(pytest.mark.xfail(reason=reasons[known], strict=True))
                break
    if unused:
        raise pytest.UsageError(f"there are no such tests: {sorted(unused)}")
    config.hook.pytest_deselected(
        items=[one for one in items if one not in set(relevant)]
    )
    items[:] = relevant


def _talks_to_a_controller(item: pytest.Item) -> bool:
    names = getattr(item, "fixturenames", ())
    return any(name.endswith("_controller") for name in names)
