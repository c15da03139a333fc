"""Whether an option's value is allowed: one check for each, and those between options."""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import math
import os
import re
import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from pytest_smtpserver.mail.display import unknown_name
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS
from pytest_smtpserver.script.script import event_name

from .options import CERTIFICATE_KINDS, Options


def check_options(given: Mapping[str, Any]) -> Options:
    """Check the options of a server, and bring them into one form.

    Raises:
        TypeError: there is no such option, or its value is of the wrong type.
        ValueError: the value is not allowed, or not together with another.
    """
    for name in given:
        if name not in _CHECKS:
            raise TypeError(unknown_name("option", name, tuple(_CHECKS)))
    checked = {name: _CHECKS[name](name, value) for name, value in given.items()}
    options = Options(**checked)
    return _combined(options)


def with_certificate(options: Options, certificate: object) -> Options:
    """The same options with another certificate.

    Raises:
        TypeError: it is no certificate.
        ValueError: there is no such kind.
    """
    return dataclasses.replace(
        options, certificate=_CHECKS["certificate"]("certificate", certificate)
    )


def _combined(options: Options) -> Options:
    """The rules between options."""
    changes: dict[str, Any] = {}
    if options.hide_starttls or options.starttls_hidden:
        if options.require_tls:
            raise ValueError(
                "option hide_starttls: a server that hides STARTTLS cannot require TLS; "
                "leave out require_tls, or hide_starttls"
            )
        if options.tls == "implicit":
            raise ValueError(
                "option hide_starttls: there is no STARTTLS to hide with tls='implicit'"
            )
        changes["tls"] = "starttls"
        changes["hide"] = (*(k for k in options.hide if k != "STARTTLS"), "STARTTLS")
        changes["hide_starttls"] = True
    elif options.require_tls and options.tls is None:
        raise ValueError(
            "option require_tls: TLS is off; give tls='starttls' or tls='implicit' too"
        )
    if options.path is not None and options.port:
        raise ValueError(
            "option path: a Unix socket has no port; leave out one of them"
        )
    return dataclasses.replace(options, **changes) if changes else options


def _complain(
    name: str, value: object, allowed: str, error: type[Exception] = ValueError
) -> Exception:
    return error(f"option {name}: {value!r} is not allowed; it is {allowed}")


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _complain(name, value, "True or False", TypeError)
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _complain(name, value, "a str", TypeError)
    if not value.isprintable():
        raise _complain(name, value, "text without control characters")
    return value


def _hostname(name: str, value: object) -> str:
    text = _text(name, value)
    if not text or " " in text:
        raise _complain(name, value, "a host name, such as 'mail.example.org'")
    return text


def _host(name: str, value: object) -> str:
    allowed = "an IP address, such as '127.0.0.1' or '::1': nothing here resolves names"
    if not isinstance(value, str):
        raise _complain(name, value, allowed, TypeError)
    try:
        ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        raise _complain(name, value, allowed) from None
    return value


def _number(least: int, most: int | None, unit: str, *, none: bool) -> _Check:
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    allowed = f"{'None or ' if none else ''}{unit} {limits}"

    def check(name: str, value: object) -> int | None:
        if value is None and none:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise _complain(name, value, allowed, TypeError)
        if value < least or (most is not None and value > most):
            raise _complain(name, value, allowed)
        return value

    return check


def _seconds(name: str, value: object) -> float:
    allowed = "a number of seconds of at least 0"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _complain(name, value, allowed, TypeError)
    if not value >= 0:
        raise _complain(name, value, allowed)
    return math.inf if value == math.inf else float(value)


def _one_of(*allowed: object) -> _Check:
    listed = ", ".join(repr(one) for one in allowed)

    def check(name: str, value: object) -> object:
        if not any(value is one or value == one for one in allowed):
            raise _complain(name, value, f"one of {listed}")
        return value

    return check


def _words(known: Iterable[str] | None = None, *, fold: bool = True) -> _Check:
    """A collection of words; one str alone is a mistake, not a collection of letters."""
    names = None if known is None else tuple(known)
    what = "a list of words" if names is None else f"a list of {', '.join(names)}"

    def check(name: str, value: object) -> tuple[str, ...]:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise _complain(name, value, f"{what}, such as [{value!r}]", TypeError)
        words = []
        for word in value:
            if not isinstance(word, str):
                raise _complain(name, value, what, TypeError)
            text = word.upper() if fold else word
            if not text.strip() or not text.isprintable():
                raise _complain(name, word, what)
            if names is not None and text not in names:
                raise ValueError(f"option {name}: {unknown_name('one', word, names)}")
            words.append(text)
        return tuple(words)

    return check


def _users(name: str, value: object) -> dict[str, str] | None:
    if value is None:
        return None
    allowed = "a mapping of user names to passwords, both str"
    if not isinstance(value, Mapping):
        raise _complain(name, value, allowed, TypeError)
    for user, password in value.items():
        if not isinstance(user, str) or not isinstance(password, str):
            raise TypeError(
                f"option {name}: {user!r} and its password are not allowed; it is "
                f"{allowed}"
            )
    return dict(value)


def _resolver(name: str, value: object) -> object:
    if not isinstance(value, bool) and not callable(value):
        allowed = "True, False or a function that takes an address and returns a name"
        raise _complain(name, value, allowed, TypeError)
    return value


def _handlers(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        allowed = "a mapping of events to handlers, such as {'RCPT': on_rcpt}"
        raise _complain(name, value, allowed, TypeError)
    for event, handler in value.items():
        event_name(event)
        if not callable(handler):
            raise TypeError(
                f"option {name}: the handler of {event!r} is not callable: {handler!r}"
            )
    return dict(value)


def _path(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)):
        raise _complain(name, value, "None or a path of a Unix socket", TypeError)
    return os.fspath(value)


def _ca(name: str, value: object) -> object:
    if value is not None and not hasattr(value, "issue_cert"):
        raise _complain(name, value, "None or a trustme.CA", TypeError)
    return value


def _client_ca(name: str, value: object) -> object:
    if value is None or hasattr(value, "issue_cert"):
        return value
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    raise _complain(
        name, value, "None, a trustme.CA or the path of a PEM file", TypeError
    )


def _certificate(name: str, value: object) -> object:
    allowed = (
        f"one of {', '.join(map(repr, CERTIFICATE_KINDS))}; or a trustme.LeafCert, a PEM "
        "file, a pair of PEM files (certificate, key), or an ssl.SSLContext"
    )
    if isinstance(value, ssl.SSLContext) or hasattr(value, "configure_cert"):
        return value
    if isinstance(value, str) and value in CERTIFICATE_KINDS:
        return value
    pair = value if isinstance(value, tuple) else (value,)
    if len(pair) not in (1, 2) or not all(
        isinstance(part, (str, os.PathLike)) for part in pair
    ):
        raise _complain(name, value, allowed, TypeError)
    paths = tuple(os.fspath(part) for part in pair)
    for path in paths:
        if not os.path.isfile(path):  # noqa: PTH113 - it may be any kind of path
            raise _complain(name, value, f"{allowed}; there is no file {path!r}")
    return paths if len(paths) == 2 else paths[0]


def _sni(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        allowed = "a mapping of server names to certificates"
        raise _complain(name, value, allowed, TypeError)
    return {
        _hostname(name, server).lower(): _certificate(
            f"{name}[{server!r}]", certificate
        )
        for server, certificate in value.items()
    }


def _tls_versions(name: str, value: object) -> object:
    if value is None:
        return None
    allowed = "None or a pair (lowest, highest) of ssl.TLSVersion"
    if (
        not isinstance(value, tuple)
        or len(value) != 2
        or not all(isinstance(version, ssl.TLSVersion) for version in value)
    ):
        raise _complain(name, value, allowed, TypeError)
    if value[0] > value[1] and value[1] != ssl.TLSVersion.MAXIMUM_SUPPORTED:
        raise _complain(name, value, f"{allowed}, the lowest first")
    return value


def _logger(name: str, value: object) -> object:
    if value is not None and not isinstance(
        value, (logging.Logger, logging.LoggerAdapter)
    ):
        raise _complain(name, value, "None or a logging.Logger", TypeError)
    return value


_Check: TypeAlias = Callable[[str, Any], Any]
_OCTETS = _number(0, None, "a number of octets", none=True)
_AT_LEAST_ONE = _number(1, None, "a number", none=True)

_CHECKS: Mapping[str, _Check] = {
    "host": _host,
    "port": _number(0, 65535, "a port", none=False),
    "path": _path,
    "backlog": _number(0, None, "a number", none=False),
    "hostname": _hostname,
    "banner": _text,
    "tls": _one_of(None, "starttls", "implicit"),
    "hide_starttls": _flag,
    "require_tls": _flag,
    "ca": _ca,
    "certificate": _certificate,
    "sni_certificates": _sni,
    "client_certificate": _one_of("ignore", "optional", "required"),
    "client_ca": _client_ca,
    "tls_versions": _tls_versions,
    "users": _users,
    "auth_mechanisms": _words(MECHANISMS),
    "auth_required": _flag,
    "allow_insecure_auth": _flag,
    "max_message_size": _OCTETS,
    "enforce_message_size": _flag,
    "extensions": _words(KNOWN_EXTENSIONS),
    "hide": _words(),
    "advertise": _words(fold=False),
    "disabled_commands": _words(),
    "lenient_addresses": _flag,
    "lenient_parameters": _flag,
    "max_connections": _AT_LEAST_ONE,
    "max_recipients": _AT_LEAST_ONE,
    "max_messages": _AT_LEAST_ONE,
    "idle_timeout": _seconds,
    "close_timeout": _seconds,
    "greeting_delay": _seconds,
    "max_command_length": _number(64, None, "a number of octets", none=False),
    "max_unrecognized_commands": _AT_LEAST_ONE,
    "max_unauthenticated_commands": _AT_LEAST_ONE,
    "lmtp": _flag,
    "proxy_protocol": _flag,
    "xclient": _flag,
    "xforward": _flag,
    "resolve_client_hostname": _resolver,
    "handlers": _handlers,
    "strict": _flag,
    "logger": _logger,
}


def _has_starttls(options: Options) -> bool:
    return options.tls == "starttls"


#: Moments and commands that only some servers ever see, and the options that they need.
_NEEDS: Mapping[str, tuple[Callable[[Options], bool], str]] = {
    "HANDSHAKE": (lambda options: options.tls is not None, "tls="),
    "SECURE": (lambda options: options.tls is not None, "tls="),
    "CREDENTIALS": (lambda options: options.auth, "users= or auth_required=True"),
    "STARTTLS": (_has_starttls, "tls='starttls'"),
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
    if needed is not None and not needed[0](options):
        keyword = _KEYWORDS.get(name, name)
        offered = {line.upper().partition(" ")[0] for line in options.advertise}
        if keyword not in offered:
            raise ValueError(
                f"{name!r} never happens on this server: it needs the option "
                f"{needed[1]}"
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


#: Criteria that nothing meets at a moment, since nobody knows of it yet, or any more.
_UNKNOWN: Mapping[str, tuple[str, ...]] = {
    "CONNECT": ("mail_from", "rcpt_to", "helo", "user"),
    "HANDSHAKE": ("mail_from", "rcpt_to"),
    "SECURE": ("mail_from", "rcpt_to", "helo"),
    "CLOSE": ("mail_from", "rcpt_to"),
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
