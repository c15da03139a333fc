"""What EHLO answers: the extensions that a client may use now.

RFC 5321 §4.1.1.1 and §4.3.2. Whether an extension works and whether EHLO names it are
two questions: `Settings.hide` answers the second alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS
from pytest_smtpserver.protocol.syntax.replies import Reply

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.state.session_state import SessionState
    from pytest_smtpserver.protocol.state.settings import Settings


def starttls_on_offer(session: SessionState) -> bool:
    """STARTTLS would be answered with 220 now."""
    return (
        session.settings.tls == "starttls"
        and session.security.tls is None
        and "STARTTLS" not in session.disabled_commands
    )


def auth_needs_tls(session: SessionState) -> bool:
    """AUTH has to wait for STARTTLS (RFC 4954 §4, 538).

    Not when the server cannot do TLS, or hides that it can: a client could never log
    in.
    """
    settings = session.settings
    return (
        starttls_on_offer(session)
        and not settings.allow_insecure_auth
        and "STARTTLS" not in settings.hide
    )


def mechanisms_on_offer(session: SessionState) -> list[str]:
    """The SASL mechanisms that AUTH takes now, in the order of the option."""
    return [
        name
        for name in session.settings.auth_mechanisms
        if name != "EXTERNAL" or session.security.external_identity is not None
    ]


def ehlo_reply(session: SessionState) -> Reply:
    """The 250 to EHLO or LHLO: the host name, then a line for each keyword."""
    settings = session.settings
    # Nearly always the same few answers: built once for each situation.
    situation = (
        session.security.tls is not None,
        session.security.authenticated,
        session.security.external_identity is not None,
        session.disabled_commands,
    )
    cached = settings.ehlo_replies.get(situation)
    if cached is None:
        cached = Reply(250, settings.hostname, *_keyword_lines(session, settings))
        settings.ehlo_replies[situation] = cached
    return cached


def _keyword_lines(session: SessionState, settings: Settings) -> list[str]:
    lines = [
        _extension_line(name, settings)
        for name in KNOWN_EXTENSIONS
        if name in settings.extensions
        and (name != "REQUIRETLS" or session.security.tls is not None)  # RFC 8689 §2
        and name not in session.disabled_commands
        and not (name == "CHUNKING" and "BDAT" in session.disabled_commands)
    ]
    if starttls_on_offer(session):
        lines.append("STARTTLS")
    if (
        settings.auth
        and not session.security.authenticated
        and not auth_needs_tls(session)
        and "AUTH" not in session.disabled_commands
        and (mechanisms := mechanisms_on_offer(session))
    ):
        lines.append("AUTH " + " ".join(mechanisms))
    lines += [name for name, on in _POSTFIX_LINES if getattr(settings, on)]
    shown = [
        line for line in lines if line.partition(" ")[0].upper() not in settings.hide
    ]
    return [*shown, *settings.advertise]


#: Postfix's own commands: the keyword line, and the option that turns it on.
_POSTFIX_LINES = (
    ("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT", "xclient"),
    ("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE", "xforward"),
)


def _extension_line(name: str, settings: Settings) -> str:
    if name == "SIZE" and settings.max_message_size is not None:
        return f"SIZE {settings.max_message_size}"  # RFC 1870 §4
    if name == "FUTURERELEASE":  # RFC 4865 §3: the farthest that may be asked for
        return "FUTURERELEASE 999999999 9999-12-31T23:59:59Z"
    if name == "LIMITS":  # RFC 9422 §3
        limits = [
            f"{keyword}={value}"
            for keyword, value in (
                ("MAILMAX", settings.max_messages),
                ("RCPTMAX", settings.max_recipients),
            )
            if value is not None
        ]
        return " ".join([name, *limits])
    return name
