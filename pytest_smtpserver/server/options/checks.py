"""Whether a value is allowed: the checks that options are described with.

Each takes the name of the option and the value, and returns the value in one form. It
raises `TypeError` where the value is of the wrong type, and `ValueError` where it is
not allowed.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import os
import ssl
from collections.abc import Callable, Iterable, Mapping
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args

from pytest_smtpserver.protocol.naming import unknown_name
from pytest_smtpserver.script.mistakes import wrong_handler
from pytest_smtpserver.script.script import event_name

Check: TypeAlias = Callable[[str, Any], Any]
CertificateKind: TypeAlias = Literal[
    "valid", "expired", "not_yet_valid", "wrong_host", "self_signed", "untrusted"
]
CERTIFICATE_KINDS: tuple[str, ...] = get_args(CertificateKind)


def _complain(
    name: str, value: object, allowed: str, error: type[Exception] = ValueError
) -> Exception:
    return error(f"option {name}: {value!r} is not allowed; it is {allowed}")


# Of one type


def _instance(allowed: str, *types: type) -> Check:
    def check(name: str, value: object) -> object:
        if not isinstance(value, types):
            raise _complain(name, value, allowed, TypeError)
        return value

    return check


flag: Check = _instance("True or False", bool)
logger: Check = _instance(
    "None or a logging.Logger", logging.Logger, logging.LoggerAdapter, NoneType
)


def one_of(*allowed: object) -> Check:
    """One of these values."""
    listed = ", ".join(repr(one) for one in allowed)

    def check(name: str, value: object) -> object:
        if not any(value is one or value == one for one in allowed):
            raise _complain(name, value, f"one of {listed}")
        return value

    return check


def tls(name: str, value: object) -> object:
    """One of the two kinds of TLS, or None."""
    if value in (None, "starttls", "implicit"):
        return value
    raise _complain(
        name,
        value,
        "one of None, 'starttls', 'implicit': STARTTLS after EHLO in clear text, as on "
        "port 587 elsewhere, or TLS from the first octet, as on port 465",
    )


# Numbers


def number(least: int, most: int | None, unit: str, *, none: bool = False) -> Check:
    """A whole number between two limits; with `none` also None."""
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


def seconds(name: str, value: object) -> float:
    """A time; endless is allowed."""
    allowed = "a number of seconds of at least 0"
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise _complain(name, value, allowed, TypeError)
    if not value >= 0:
        raise _complain(name, value, allowed)
    return math.inf if value == math.inf else float(value)


# Text


def text(name: str, value: object) -> str:
    """One line for people."""
    if not isinstance(value, str):
        raise _complain(name, value, "a str", TypeError)
    if not value.isprintable():
        raise _complain(name, value, "text without control characters")
    return value


def hostname(name: str, value: object) -> str:
    """A name that fits into a greeting."""
    checked = text(name, value)
    if not checked or " " in checked:
        raise _complain(name, value, "a host name, such as 'mail.example.org'")
    return checked


def host(name: str, value: object) -> str:
    """An address of this machine."""
    allowed = "an IP address, such as '127.0.0.1' or '::1': nothing here resolves names"
    if not isinstance(value, str):
        raise _complain(name, value, allowed, TypeError)
    try:
        ipaddress.ip_address(value.partition("%")[0])
    except ValueError:
        raise _complain(name, value, allowed) from None
    return value


def path(name: str, value: object) -> str | None:
    """The path of a Unix socket."""
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)):
        raise _complain(name, value, "None or a path of a Unix socket", TypeError)
    return os.fspath(value)


# Collections


def words(known: Iterable[str] | None = None, *, fold: bool = True) -> Check:
    """A collection of words, a tuple from now on; with `fold` in upper case.

    One str alone is a mistake, not a collection of letters.
    """
    names = None if known is None else tuple(known)
    what = "a list of words" if names is None else f"a list of {', '.join(names)}"

    def check(name: str, value: object) -> tuple[str, ...]:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            folded = value.upper() if fold and isinstance(value, str) else value
            right = names is None or folded in names
            a_list = f"{'a list' if right else what}, such as [{value!r}]"
            raise _complain(name, value, a_list, TypeError)
        checked = []
        for word in value:
            if not isinstance(word, str):
                raise _complain(name, value, what, TypeError)
            folded = word.upper() if fold else word
            if not folded.strip() or not folded.isprintable():
                raise _complain(name, word, what)
            if names is not None and folded not in names:
                raise ValueError(f"option {name}: {unknown_name('word', word, names)}")
            checked.append(folded)
        return tuple(checked)

    return check


def users(name: str, value: object) -> dict[str, str] | str | None:
    """Who may log in."""
    if value is None or value == "any":
        return value
    allowed = "a mapping of user names to passwords, both str, or 'any' for everybody"
    if isinstance(value, str):
        raise _complain(name, value, allowed)
    if not isinstance(value, Mapping):
        raise _complain(name, value, allowed, TypeError)
    for user, password in value.items():
        if not isinstance(user, str) or not isinstance(password, str):
            raise TypeError(
                f"option {name}: {user!r} and its password are not allowed; it is "
                f"{allowed}"
            )
    return dict(value)


def findings(name: str, value: object) -> tuple[str, ...]:
    """Names of violations and advice, or ``"violations"`` and ``"advice"`` for all."""
    from pytest_smtpserver.mail.lint.advice import ADVICE  # noqa: PLC0415 - for those
    from pytest_smtpserver.mail.lint.violations import VIOLATIONS  # noqa: PLC0415 - who ask

    known = ("violations", "advice", *VIOLATIONS, *ADVICE)
    checked: tuple[str, ...] = words(known, fold=False)(name, value)
    return checked


# What is called


def resolver(name: str, value: object) -> object:
    """What finds the name of a client."""
    if not isinstance(value, bool) and not callable(value):
        allowed = "True, False or a function that takes an address and returns a name"
        raise _complain(name, value, allowed, TypeError)
    return value


def handlers(name: str, value: object) -> dict[str, Any]:
    """What is called at events."""
    if not isinstance(value, Mapping):
        allowed = "a mapping of events to handlers, such as {'RCPT': on_rcpt}"
        raise _complain(name, value, allowed, TypeError)
    for event, handler in value.items():
        try:
            event_name(event)
        except (TypeError, ValueError) as error:
            raise type(error)(f"option {name}: {error}") from None
        if not callable(handler):
            raise TypeError(
                f"option {name}: the handler of {event!r} is not callable: {handler!r}"
            )
        if problem := wrong_handler(handler):
            raise TypeError(f"option {name}: at {event!r} {problem}")
    return dict(value)


# Certificates


def ca(name: str, value: object) -> object:
    """A `trustme.CA`, known by what it can do: nothing here imports trustme."""
    if value is not None and not hasattr(value, "issue_cert"):
        raise _complain(name, value, "None or a trustme.CA", TypeError)
    return value


def client_ca(name: str, value: object) -> object:
    """What the certificates of clients are verified against."""
    if value is None or hasattr(value, "issue_cert"):
        return value
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    raise _complain(
        name, value, "None, a trustme.CA or the path of a PEM file", TypeError
    )


def certificate(name: str, value: object) -> object:
    """A kind of certificate, one of the caller's own, or where it is."""
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


def sni_certificates(name: str, value: object) -> dict[str, Any]:
    """A certificate for each server name, which is in lower case from now on."""
    if not isinstance(value, Mapping):
        allowed = "a mapping of server names to certificates"
        raise _complain(name, value, allowed, TypeError)
    return {
        hostname(name, server).lower(): certificate(f"{name}[{server!r}]", shown)
        for server, shown in value.items()
    }


def tls_versions(name: str, value: object) -> object:
    """The lowest and the highest version."""
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
