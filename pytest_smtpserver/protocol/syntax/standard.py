"""The usual replies: one table, so that no reply's text stands anywhere else.

Codes and texts follow RFC 5321 §4.2.2 and §4.3.2, enhanced codes RFC 3463 and 5248.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = Reply(250, "2.0.0 Ok")
BYE = Reply(221, "2.0.0 Bye")
SENDER_OK = Reply(250, "2.1.0 Sender ok")
RECIPIENT_OK = Reply(250, "2.1.5 Recipient ok")
START_DATA = Reply(354, "End data with <CR><LF>.<CR><LF>")
MESSAGE_OK = Reply(250, "2.0.0 Ok: message accepted")
CANNOT_VERIFY = Reply(252, "2.5.0 Cannot verify the user, but will take mail for it")
HELP = Reply(214, "2.0.0 Commands are those of RFC 5321")
START_TLS = Reply(220, "2.0.0 Ready to start TLS")
AUTH_OK = Reply(235, "2.7.0 Authentication succeeded")
TURN_QUEUED = Reply(251, "2.0.0 Ok: no messages are waiting for that node")

NO_USER_NAME = Reply(501, "5.1.3 Syntax: VRFY names a user or a mailbox")
NO_EXPN = Reply(502, "5.5.1 EXPN is not implemented")
UNRECOGNIZED = Reply(500, "5.5.1 Command not recognized")
EMPTY_LINE = Reply(500, "5.5.2 Syntax error: an empty line is no command")
LINE_TOO_LONG = Reply(500, "5.5.6 Command line too long")
NO_ARGUMENT_ALLOWED = Reply(501, "5.5.4 Syntax error: no argument allowed")
TOO_MANY_UNRECOGNIZED = Reply(421, "4.7.0 Too many unrecognized commands")
TOO_MANY_UNAUTHENTICATED = Reply(421, "4.7.0 Too many unauthenticated commands")
TOO_MANY_MESSAGES = Reply(421, "4.7.0 Too many messages on this connection")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3 Too many recipients")
NO_STORAGE = Reply(452, "4.3.1 Insufficient system storage")
TOO_BIG = Reply(552, "5.3.4 Message size exceeds fixed maximum message size")
NO_HTTP = Reply(421, "4.7.0 This is an SMTP server: HTTP requests are not allowed")
NEED_TLS = Reply(530, "5.7.0 Must issue a STARTTLS command first")
NEED_AUTH = Reply(530, "5.7.0 Authentication required")
TLS_ACTIVE = Reply(503, "5.5.1 TLS is already active")
TLS_UNAVAILABLE = Reply(454, "4.7.0 TLS is not available")
AUTH_NEEDS_TLS = Reply(538, "5.7.11 Encryption required: use STARTTLS first")
AUTH_TWICE = Reply(503, "5.5.1 Already authenticated")
AUTH_UNKNOWN = Reply(504, "5.5.4 Unrecognized authentication type")
AUTH_CANCELLED = Reply(501, "5.7.0 Authentication cancelled")
AUTH_FAILED = Reply(535, "5.7.8 Authentication credentials invalid")
IDLE = Reply(421, "4.4.2 Idle for too long, closing connection")
SHUTDOWN = Reply(421, "4.3.2 Server is shutting down")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0 Too many connections, try again later")
TALKS_TOO_SOON = Reply(421, "4.7.0 You talk too soon")
INTERNAL = Reply(451, "4.3.0 A handler of the test failed")

#: What `.reply(code)` says without a text; ``""`` is any command.
_USUAL: Mapping[tuple[int, str], Reply | str] = {
    (214, ""): "2.0.0 Help message",
    (220, ""): "2.0.0 Ready",
    (221, ""): BYE,
    (235, ""): AUTH_OK,
    (250, ""): OK,
    (250, "MAIL"): SENDER_OK,
    (250, "RCPT"): RECIPIENT_OK,
    (250, "MESSAGE"): MESSAGE_OK,
    (251, ""): "2.1.5 User not local; will forward",
    (252, ""): CANNOT_VERIFY,
    (354, ""): START_DATA,
    (421, ""): "4.3.2 Service not available, closing transmission channel",
    (432, ""): "4.7.12 A password transition is needed",
    (450, ""): "4.2.0 Mailbox unavailable",
    (450, "MESSAGE"): "4.3.0 Message not accepted, try again later",
    (451, ""): "4.3.0 Local error in processing",
    (452, ""): "4.3.1 Insufficient system storage",
    (452, "RCPT"): TOO_MANY_RECIPIENTS,
    (454, ""): TLS_UNAVAILABLE,
    (454, "AUTH"): "4.7.0 Temporary authentication failure",
    (454, "CREDENTIALS"): "4.7.0 Temporary authentication failure",
    (455, ""): "4.5.4 Unable to accommodate parameters",
    (500, ""): UNRECOGNIZED,
    (501, ""): "5.5.4 Syntax error in parameters or arguments",
    (502, ""): "5.5.1 Command not implemented",
    (503, ""): "5.5.1 Bad sequence of commands",
    (504, ""): "5.5.4 Command parameter not implemented",
    (521, ""): "5.3.2 This host does not accept mail",
    (530, ""): NEED_AUTH,
    (530, "STARTTLS"): NEED_TLS,
    (534, ""): "5.7.9 Authentication mechanism is too weak",
    (535, ""): AUTH_FAILED,
    (538, ""): AUTH_NEEDS_TLS,
    (550, ""): "5.7.1 Requested action not taken",
    (550, "MAIL"): "5.7.1 Sender refused",
    (550, "RCPT"): "5.1.1 No such user",
    (551, ""): "5.1.6 User not local",
    (552, ""): "5.2.2 Mailbox full",
    (552, "MAIL"): TOO_BIG,
    (552, "MESSAGE"): TOO_BIG,
    (553, ""): "5.1.3 Mailbox name not allowed",
    (553, "MAIL"): "5.1.7 Mailbox name not allowed",
    (554, ""): "5.0.0 Transaction failed",
    (554, "CONNECT"): "5.7.1 No SMTP service here",
    (555, ""): "5.5.4 Parameters not recognized or not implemented",
    (556, ""): "5.1.10 Domain does not accept mail",
}

_CLASS_TEXT: Mapping[int, str] = {
    2: "2.0.0 Ok",
    3: "Go on",
    4: "4.0.0 Try again later",
    5: "5.0.0 Refused",
}


def usual_reply(code: int, name: str, hostname: str = "localhost") -> Reply:
    """The reply with the text that the code usually has for the command or moment.

    Args:
        code: the reply code, 200 to 599.
        name: a verb, or a moment such as ``"MESSAGE"``.
        hostname: stands in a greeting.
    """
    if name == "CONNECT" and code == 220:
        return Reply(220, f"{hostname} ESMTP")
    if name in ("EHLO", "HELO", "LHLO") and code == 250:
        return Reply(250, hostname)
    usual = _USUAL.get((code, name)) or _USUAL.get((code, ""))
    if isinstance(usual, Reply):
        return usual
    return Reply(code, usual or _CLASS_TEXT[code // 100])


def out_of_order(what: str) -> Reply:
    """A 503 that says what is missing."""
    return Reply(503, f"5.5.1 Error: {what}")


def syntax_error(what: str) -> Reply:
    """A 501 for an argument that is not as the RFC says."""
    return Reply(501, f"5.5.4 Syntax error: {what}")
