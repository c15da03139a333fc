"""Postfix's XCLIENT and XFORWARD: a proxy tells the server about the real client.

Postfix's XCLIENT_README and XFORWARD_README: a list of ``NAME=value``, names in any case,
values in xtext (RFC 3461 §4), ``[UNAVAILABLE]`` and ``[TEMPUNAVAIL]`` for what the proxy
does not know, or not now.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from . import standard
from .grammar import decode_xtext, invisible_problem
from .replies import Refused, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_COMMON = ("NAME", "ADDR", "PORT", "PROTO", "HELO")
_ATTRIBUTES = {
    "XCLIENT": (*_COMMON, "LOGIN", "DESTADDR", "DESTPORT"),
    "XFORWARD": (*_COMMON, "IDENT", "SOURCE"),
}
_UNKNOWN = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})
#: XFORWARD_README; a value is at most 255 characters after decoding.
_MAX_VALUE = 255
_PORT = re.compile(r"[0-9]{1,5}")


def parse_xclient(argument: str) -> dict[str, str | None]:
    """Read what follows XCLIENT; None stands for what the proxy does not know.

    Raises:
        Refused: 501 5.5.4.
    """
    return _parse(argument, "XCLIENT")


def parse_xforward(argument: str) -> dict[str, str | None]:
    """Read what follows XFORWARD, as `parse_xclient` does."""
    return _parse(argument, "XFORWARD")


def _parse(argument: str, verb: str) -> dict[str, str | None]:
    names = _ATTRIBUTES[verb]
    found: dict[str, str | None] = {}
    for pair in argument.split():
        name, equals, encoded = pair.partition("=")
        name = name.upper()
        if not equals or name not in names:
            raise _bad(verb, f"the attributes are {', '.join(names)}")
        found[name] = _value(verb, name, encoded)
    if not found:
        raise Refused(standard.syntax_error(f"{verb} attribute=value..."))
    return found


def _value(verb: str, name: str, encoded: str) -> str | None:
    if encoded.upper() in _UNKNOWN:
        return None
    try:
        value = decode_xtext(encoded)
    except ValueError:
        raise _bad(verb, f"the value of {name} is not xtext") from None
    check = _CHECKS.get(name, str)
    if not value or len(value) > _MAX_VALUE or invisible_problem(value):
        raise _bad(verb, f"the value of {name} is empty, too long or not printable")
    try:
        return check(value)
    except ValueError:
        raise _bad(verb, f"the value of {name} is not valid") from None


def _bad(verb: str, why: str) -> Refused:
    return Refused(Reply(501, f"5.5.4 Bad {verb} syntax: {why}"))


def _address(value: str) -> str:
    """IPv6 addresses have a prefix, as in an address literal (RFC 5321 §4.1.3)."""
    if value[:5].upper() == "IPV6:":
        return str(ipaddress.IPv6Address(value[5:]))
    return str(ipaddress.ip_address(value))


def _port(value: str) -> str:
    if not _PORT.fullmatch(value) or int(value) > 65535:
        raise ValueError(value)
    return value


def _one_of(*values: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value.upper() not in values:
            raise ValueError(value)
        return value.upper()

    return check


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "ADDR": _address,
    "DESTADDR": _address,
    "PORT": _port,
    "DESTPORT": _port,
    "PROTO": _one_of("SMTP", "ESMTP"),
    "SOURCE": _one_of("LOCAL", "REMOTE"),
}
