"""Finds out what has kept a message that a test wants from being delivered.

Applications often hide their errors. In most cases the records of the server tell the
reason. Each function of the table at the end looks for one reason, and names the way
out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pytest_smtpserver.protocol.display import printable, shown_command

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import TypeAlias

    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
    from pytest_smtpserver.protocol.syntax.replies import Reply

    #: Looks for one obstacle in one session; ``""`` where it is not there.
    Diagnosis: TypeAlias = Callable[[SessionRecord, "Setting"], str]


class Setting(NamedTuple):
    """What a server knows of itself, for a diagnosis.

    Attributes:
        running: it accepts connections; None if it was never started.
        tls, certificate, auth_required, lenient_addresses: the options of that name.
        users: the names of the users; None where the option is not a table.
        auth: AUTH is turned on.
        own_thread: it serves from a thread; else from the event loop of the test.
        elsewhere: other servers of the test that have what is missing here: what each
            listens on, and the messages.
    """

    running: bool | None = True
    tls: str | None = None
    certificate: object = "valid"
    users: Collection[str] | None = None
    auth: bool = False
    auth_required: bool = False
    lenient_addresses: bool = False
    own_thread: bool = True
    elsewhere: Sequence[tuple[str, Sequence[ReceivedMessage]]] = ()


def what_stood_in_the_way(
    sessions: Sequence[SessionRecord], setting: Setting, *, waited: bool
) -> list[str]:
    """Why a message is not there.

    The test has `waited` for the message, or has only looked for it.
    """
    if setting.running is None:
        return ["", NEVER_STARTED]
    found = _of_sessions(enumerate(sessions, 1), setting, _DIAGNOSES)
    found += [
        f"The server at {where} has {'it' if len(messages) == 1 else 'them'}: the "
        "application sends there, and the test asks here."
        for where, messages in setting.elsewhere
    ]
    # A client that only says EHLO may just check that the server is there. So it is no
    # reason where others have delivered something.
    guesses = []
    if not any(session.messages for session in sessions):
        guesses = _of_sessions(enumerate(sessions, 1), setting, (*_DIAGNOSES, _no_mail))
    lines = _titled([*found, *(one for one in guesses if one not in found)])
    if not setting.running:
        lines += ["", "This server does not run any more: it was stopped."]
    if not sessions:
        lines += ["", "No client has connected."]
    idle = any(session.is_open and not session.messages for session in sessions)
    early = not waited and (idle or not sessions)
    if found or not setting.running or (guesses and not early):
        return lines
    reasons = "".join(f"\n  - {one}" for one in _blocked(sessions, setting))
    reasons += _TOO_EARLY if early else ""
    if not sessions:
        reasons += _NOBODY + (_NOT_YET if waited else "")
    return (
        [*lines, "  The usual reasons:", *reasons.split("\n")[1:]] if reasons else lines
    )


def _blocked(sessions: Sequence[SessionRecord], setting: Setting) -> list[str]:
    """Why a server may have heard nothing of a client, where both are in one loop."""
    heard = any(session.commands or session.is_open for session in sessions)
    return [] if setting.own_thread or heard else [_BLOCKED]


_BLOCKED = (
    "the test calls a blocking client, such as smtplib, in the event loop that the "
    "server runs in, and so stops both: await asyncio.to_thread(send) or "
    "anyio.to_thread.run_sync(send), or use the fixture smtp_server, which has a thread"
)
#: What is said of a server that was never started.
NEVER_STARTED = "This server was never started: it needs start() or a with block."
#: The usual reasons if no client has connected.
_NOBODY = """
  - the application sends to another host or port than this server's
  - its framework keeps mail in memory while it is tested: Django's locmem backend, \
Flask's TESTING=True, SUPPRESS_SEND=1
  - it sends once a transaction is committed (on_commit), and the test's never is
  - it failed before it sent, and kept the error to itself"""
#: One more for waits: a longer one may help.
_NOT_YET = """
  - it has not begun yet, as a worker that takes seconds to start: timeout= waits longer"""
#: One more for assertions, which do not wait for what has not begun.
_TOO_EARLY = """
  - it sends in the background, and the assertion came too early: an assertion waits \
for what is in flight, wait_for_message(…) for what has not begun"""


def what_holds_up(
    stuck: Collection[SessionRecord],
    sessions: Sequence[SessionRecord],
    setting: Setting,
) -> list[str]:
    """Why the sessions that are `stuck` in something do not come to an end.

    They have their numbers among all `sessions` of the server.
    """
    wanted = set(map(id, stuck))
    numbered = enumerate(sessions, 1)
    held = ((number, one) for number, one in numbered if id(one) in wanted)
    return _titled(_of_sessions(held, setting, _DIAGNOSES))


def what_reports_tell(sessions: Sequence[SessionRecord], setting: Setting) -> list[str]:
    """What may have stood in the way of the sessions that delivered nothing.

    For a test that has failed by itself, for instance by an exception of the client.
    """
    numbered = enumerate(sessions, 1)
    silent = ((number, one) for number, one in numbered if not one.messages)
    nothing = not any(session.messages for session in sessions)
    diagnoses = (*_DIAGNOSES, _no_mail) if nothing else _DIAGNOSES
    found = _blocked(sessions, setting) + _of_sessions(silent, setting, diagnoses)
    return [printable(one) for one in found]


def _titled(found: list[str]) -> list[str]:
    lines = [f"  {one}" for one in found]
    return ["", "What stood in the way:", *lines] if found else []


def _of_sessions(
    numbered: Iterable[tuple[int, SessionRecord]],
    setting: Setting,
    diagnoses: tuple[Diagnosis, ...],
) -> list[str]:
    """What stood in the way of each session; equal reasons are told once."""
    by_sentence: dict[str, list[int]] = {}
    for number, session in numbered:
        # A client that has delivered something had no problem with TLS or the login.
        fitting = (_no_domain, _refused_content) if session.messages else diagnoses
        found = (diagnose(session, setting) for diagnose in fitting)
        if sentence := next(filter(None, found), ""):
            by_sentence.setdefault(sentence, []).append(number)
    told = [f"{_named(ns)}: {sentence}" for sentence, ns in by_sentence.items()]
    if (left := len(told) - _REASONS) > 1:
        told[_REASONS:] = [f"… and {left} more reasons of other connections"]
    return told


#: How many reasons are told.
_REASONS = 10


def _handshake(session: SessionRecord, setting: Setting) -> str:
    """A TLS handshake that failed, by the note about it in the transcript."""
    notes = [str(one.data) for one in session.transcript if one.kind == "note"]
    failures = [note for note in notes if note.startswith("the TLS handshake")]
    if not failures:
        waits = setting.tls == "implicit" and session.tls is None and session.is_open
        return (
            f"the client is connected, and has not begun TLS. {_PLAIN}" if waits else ""
        )
    how = failures[-1]
    reason = how.rpartition(": ")[2]
    if _DISTRUST.search(reason):
        if setting.certificate != "valid":
            return (
                f"the client refused the certificate ({reason}), which is what "
                f"certificate={setting.certificate!r} is for."
            )
        return f"the client does not trust the certificate ({reason}). {_TRUST}"
    if _NO_TLS.search(how):
        return f"the client speaks no TLS ({reason}). {_PLAIN}"
    if "not finished" in how and reason in ("end of stream", "broken"):
        return (
            f"the client gave up the TLS handshake ({reason}), as one does that does not "
            f"trust the certificate. {_TRUST}"
        )
    return f"{how}. {_TRUST}"


_DISTRUST = re.compile(
    "ALERT.*(CERTIFICATE|UNKNOWN_CA)|(CERTIFICATE|UNKNOWN_CA).*ALERT"
)
_NO_TLS_ON_OFFER = "TLS is off; the option tls='starttls' turns it on."
_NO_TLS = re.compile("WRONG_VERSION_NUMBER|HTTP_REQUEST|was not begun")
_TRUST = (
    "The fixture trust_smtp_ca makes this test and its child processes trust the CA by "
    "SSL_CERT_FILE; a client that takes a context gets smtp_server.client_context(), "
    "one that takes a file smtp_server.ca_file."
)
_PLAIN = (
    "With tls='implicit' TLS begins at once, as with smtplib.SMTP_SSL or "
    "EMAIL_USE_SSL=True; a client that says EHLO first needs tls='starttls' or no TLS."
)


def _tls_at_once(session: SessionRecord, setting: Setting) -> str:
    """A ClientHello (RFC 8446 §5.1: handshake record) where a command was expected."""
    first = next(iter(session.commands), None)
    if first is None or not first.startswith("\x16\x03"):
        return ""
    other = "smtplib.SMTP, or EMAIL_USE_SSL=False"
    if setting.tls == "starttls":
        other = "smtplib.SMTP and its starttls()"
    return (
        "the client began with TLS, and this server begins without it. Give the server "
        f"tls='implicit', or let the client begin in clear text: {other}."
    )


def _login(session: SessionRecord, setting: Setting) -> str:
    """The last AUTH, if it was refused and none succeeded."""
    attempts = session.auth_attempts
    if session.user is not None or not attempts:
        return ""
    attempt = attempts[-1]
    if attempt.reply is None or attempt.reply.code < 400:
        return ""
    said = " / ".join(attempt.reply.lines)
    how = f"the login by {attempt.mechanism} was refused ({attempt.reply.code} {said})"
    if not setting.auth:
        return f"{how}: {_NO_AUTH}"
    if attempt.reply.code == 538:
        return (
            f"{how}: AUTH needs TLS first. Let the client use STARTTLS before it logs "
            "in, or give the server allow_insecure_auth=True."
        )
    if attempt.reply.code != 535 or setting.users is None or attempt.username is None:
        return f"{how}."
    if attempt.username in setting.users:
        return (
            f"{how}: users= has another value as the password of {attempt.username!r}."
        )
    names = ", ".join(map(repr, setting.users)) or "nobody"
    return f"{how}: there is no user {attempt.username!r}; users= has {names}."


_NO_AUTH = "AUTH is not on offer; users={'name': 'password'} turns it on."


def _needed_first(session: SessionRecord, setting: Setting) -> str:
    """530: the client has not done what the server asks for (RFC 3207 §4, RFC 4954 §6)."""
    refused = [
        c for c in session.commands if c.reply is not None and c.reply.code == 530
    ]
    if not refused or session.messages:
        return ""
    # A client that is refused says RSET, which is refused too.
    reason = str(refused[-1].reply)
    command = shown_command(next(c for c in refused if str(c.reply) == reason))
    if "STARTTLS" in reason.upper():
        return (
            f"{command!r} was refused, since the client has not started TLS, which "
            "require_tls=True asks for: let it use STARTTLS."
        )
    if setting.auth_required:
        return (
            f"{command!r} was refused, since the client has not logged in, which "
            "auth_required=True asks for: give the application a name and a password "
            "that stand in users=."
        )
    return ""


def _not_on_offer(session: SessionRecord, setting: Setting) -> str:
    """STARTTLS or AUTH, which this server does not have."""
    for command in session.commands:
        if command.reply is None or command.reply.code < 400 or command.answered_by:
            continue
        if command.verb == "STARTTLS" and setting.tls is None:
            return f"the client asked for STARTTLS. {_NO_TLS_ON_OFFER}"
        if command.verb == "AUTH" and not setting.auth:
            return f"the client tried to log in. {_NO_AUTH}"
    return ""


def _no_domain(session: SessionRecord, setting: Setting) -> str:
    """An address such as ``root``, which only the local mail system knows."""
    if setting.lenient_addresses:
        return ""
    for command in session.commands:
        address = _BARE.search(command)
        refused = command.reply is not None and command.reply.code >= 500
        if address and refused and not command.answered_by:
            return (
                f"the address {address[1]!r} has no domain, which RFC 5321 §4.1.2 asks "
                "for; lenient_addresses=True takes it, as many servers do."
            )
    return ""


def _named(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"connection {numbers[0]}"
    return f"connections {', '.join(map(str, numbers[:5]))}{' …' * (len(numbers) > 5)}"


_BARE = re.compile(r"^(?:MAIL +FROM|RCPT +TO) *: *<?([^@<> ]+)>?(?: |$)", re.IGNORECASE)


def _refused_content(session: SessionRecord, setting: Setting) -> str:  # noqa: ARG001
    """The message itself was refused: with which words, and by which rule."""
    reply = next((u.reply for u in session.undelivered if u.reply is not None), None)
    if reply is None or reply.code < 400:
        return ""
    said, by = str(reply).encode("utf-8", "surrogateescape"), ""
    for entry in session.transcript:
        if entry.remark:
            data = entry.data.encode() if isinstance(entry.data, str) else entry.data
            by = f", by {entry.remark}" if data.strip() == said else by
    return f"the message was refused with {' / '.join(str(reply).splitlines())}{by}."


def _no_mail(session: SessionRecord, setting: Setting) -> str:
    """EHLO and no mail: the client may need an extension that EHLO does not offer.

    smtplib, aiosmtplib and Django raise then, before they send another command.
    """
    verbs = {command.verb for command in session.commands}
    if not verbs or not verbs <= _BEFORE_MAIL:
        return ""
    answers = [c.reply for c in session.commands if c.verb in ("EHLO", "LHLO")]
    reply = answers[-1] if answers else None
    missing = {} if reply is None else _missing(session, setting, reply)
    if not missing:
        left = "the client greeted the server, and left without a mail."
        return "" if session.is_open else left
    if session.is_open:
        end = "has said nothing more"
    elif session.quit_sent:
        end = "left by QUIT"
    elif session.closed_by == "client":
        end = "closed the connection"
    else:
        end = "the server closed the connection"
    ways = " or ".join(f"{what} ({way})" for what, way in missing.items())
    if "AUTH before TLS" in missing:
        ways = f"to use starttls() before it logs in, or {ways}"
    said = "LHLO" if "LHLO" in verbs else "EHLO"
    said += " over TLS" if session.tls else ""
    return (
        f"the client said {said}, was offered no {' and no '.join(missing)}, and {end} "
        f"without a mail: it probably needs {ways}."
    )


_BEFORE_MAIL = frozenset({"EHLO", "HELO", "LHLO", "QUIT", "RSET", "NOOP", "STARTTLS"})


def _missing(session: SessionRecord, setting: Setting, reply: Reply) -> dict[str, str]:
    """What EHLO has not offered, and the option that turns it on."""
    offered = {line.upper().partition(" ")[0]: line for line in reply.lines[1:]}
    hidden = "which this server hides"
    missing = {}
    if session.tls is None and "STARTTLS" not in offered:
        on = setting.tls is not None
        missing["STARTTLS"] = hidden if on else "tls='starttls'"
    if "AUTH" not in offered:
        if setting.auth and session.tls is None and "STARTTLS" in offered:
            missing["AUTH before TLS"] = "allow_insecure_auth=True"
        else:
            on = setting.auth
            missing["AUTH"] = hidden if on else "users={'name': 'password'}"
    elif not _USUAL.intersection(offered["AUTH"].upper().split()):
        missing["AUTH by PLAIN or LOGIN"] = "auth_mechanisms=['PLAIN', 'LOGIN']"
    if "SMTPUTF8" not in offered:
        missing["SMTPUTF8"] = "extensions=[…, 'SMTPUTF8']"
    return missing


#: The mechanisms that every client knows.
_USUAL = frozenset({"PLAIN", "LOGIN"})

#: In this order: of each session, the first one that fits is told.
_DIAGNOSES: tuple[Diagnosis, ...] = (
    _handshake,
    _tls_at_once,
    _login,
    _needed_first,
    _not_on_offer,
    _no_domain,
    _refused_content,
)
