"""What can happen on a server with its options, so that a rule for it makes sense."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_smtpserver.later import Later
from pytest_smtpserver.protocol.state.events import MOMENTS
from pytest_smtpserver.protocol.state.states import VERBS
from pytest_smtpserver.script.script import event_name

if TYPE_CHECKING:
    import difflib
    from collections.abc import Callable, Mapping

    from .options import Options
else:
    difflib = Later("difflib")  # for mistakes


#: Moments and commands that only some servers ever see, and the options that they need.
_NEEDS: Mapping[str, tuple[Callable[[Options], bool], str]] = {
    "HANDSHAKE": (lambda options: options.tls is not None, "tls="),
    "SECURE": (lambda options: options.tls is not None, "tls="),
    "CREDENTIALS": (lambda options: options.auth, "users= or auth_required=True"),
    "STARTTLS": (lambda options: options.tls == "starttls", "tls='starttls'"),
    "AUTH": (lambda options: options.auth, "users= or auth_required=True"),
    "BDAT": (
        lambda options: "CHUNKING" in options.extensions,
        "CHUNKING in extensions=",
    ),
    "ETRN": (lambda options: "ETRN" in options.extensions, "ETRN in extensions="),
    "LHLO": (lambda options: options.lmtp, "lmtp=True"),
    "EHLO": (lambda options: not options.lmtp, "lmtp=False, since LMTP has LHLO"),
    "HELO": (lambda options: not options.lmtp, "lmtp=False, since LMTP has LHLO"),
    "XCLIENT": (lambda options: options.xclient, "xclient=True"),
    "XFORWARD": (lambda options: options.xforward, "xforward=True"),
}
#: What stands in the reply to EHLO, where it is not the verb.
_KEYWORDS: Mapping[str, str] = {"BDAT": "CHUNKING"}


def check_event(event: str, match: object, options: Options) -> None:
    """Check that the event can happen at all.

    A command that a server does not offer is not sent by a client that is in its senses.
    What the option ``advertise`` lists is on offer, though the rules have to do the work.

    Raises:
        TypeError: the event is no str.
        ValueError: it is no verb and no moment, or needs an option.
    """
    name = event_name(event)
    if name in ("RESPONSE", "CHUNK"):
        raise ValueError(
            f"{name!r} is neither a command nor a moment: an AUTH exchange is at 'AUTH' "
            "and 'CREDENTIALS', content at 'CONTENT'"
        )
    needed = _NEEDS.get(name)
    offered = _KEYWORDS.get(name, name) in _advertised(options)
    if needed is not None and not needed[0](options) and not offered:
        raise ValueError(
            f"{name!r} never happens on this server: it needs the option {needed[1]}"
        )
    if match is not None and name in ("CONTENT", "HANDSHAKE"):
        raise ValueError(
            f"{name!r} has nothing to match: use criteria, such as "
            f"{'rcpt_to=' if name == 'CONTENT' else 'where='}"
        )
    if match is not None and name == "MESSAGE" and not options.lmtp:
        raise ValueError(
            "'MESSAGE' has a recipient to match with lmtp=True only: use criteria, "
            "such as rcpt_to= or subject="
        )


def check_handlers(options: Options) -> None:
    """Check that the events of the option ``handlers`` can happen.

    Commands for private use begin with X (RFC 5321 §4.1.5). A command that the server
    does not offer may come all the same, since any client may send it: its handler is
    optional. A moment of something that is turned off never comes.

    Raises:
        ValueError: there is no such verb, neither here nor among those advertised, or
            the moment needs an option.
    """
    known = {"*", *MOMENTS, *VERBS, *_advertised(options)}
    for event in options.handlers:
        name = event_name(event)
        if name not in known and not name.startswith("X"):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"option handlers: {event!r} is no command and no moment; {hint}An "
                "extension of your own begins with X, or stands in advertise="
            )
        needed = _NEEDS.get(name)
        if needed is not None and name in MOMENTS and not needed[0](options):
            raise ValueError(
                f"option handlers: {event!r} never happens without the option "
                f"{needed[1]}"
            )


def _advertised(options: Options) -> set[str]:
    return {line.upper().partition(" ")[0] for line in options.advertise}


#: Criteria that nothing meets at a moment, since nobody knows of it yet, or any more.
_UNKNOWN: Mapping[str, tuple[str, ...]] = {
    "CONNECT": ("mail_from", "rcpt_to", "helo", "user"),
    "HANDSHAKE": ("mail_from", "rcpt_to"),
    "SECURE": ("mail_from", "rcpt_to", "helo"),
    "CLOSE": ("mail_from", "rcpt_to"),
    "CREDENTIALS": ("mail_from", "rcpt_to"),
    "MAIL": ("rcpt_to",),
}


def check_criteria(event: str, criteria: Mapping[str, Any], options: Options) -> None:
    """Check that the criteria of a rule can be met at all.

    Raises:
        ValueError: nothing that happens on this server meets them.
    """
    name = event_name(event)
    for criterion in criteria:
        # XCLIENT tells what it knows, and then there is a greeting again.
        known = name == "CONNECT" and options.xclient
        if criterion in _UNKNOWN.get(name, ()) and not known:
            raise ValueError(f"at {name!r} there is no {criterion} to compare with")
    user = criteria.get("user")
    if isinstance(user, (str, re.Pattern)) and not (options.auth or options.xclient):
        raise ValueError(
            f"user={user!r} never happens on this server: it needs the option users= "
            "or auth_required=True"
        )
    tls = criteria.get("tls")
    if tls is True and options.tls is None:
        raise ValueError(
            "tls=True never happens on this server: it needs the option tls="
        )
    before = name == "HANDSHAKE" or (name == "CONNECT" and options.tls != "implicit")
    after = name == "SECURE" or (options.tls == "implicit" and name != "CLOSE")
    if (tls is True and before) or (tls is False and after and not before):
        raise ValueError(
            f"tls={tls} never happens at {name!r}, which comes "
            f"{'before' if before else 'after'} the handshake"
        )
