"""Parameters of MAIL and RCPT: which exist on this server, and what they say.

Each belongs to an extension; without it the keyword is unknown (RFC 5321 §2.2.2) and
gets 555 5.5.4. A value that its extension does not allow gets 501 5.5.4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeAlias

from .grammar import decode_utf8_address, decode_xtext, invisible_problem
from .replies import Refused, Reply
from .values import NO_VALUES, DeliverBy, MailValues, OriginalRecipient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .addresses import Address

#: Parameter keywords of MAIL, and the extensions of which one must exist.
_MAIL_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "SIZE": ("SIZE",),  # RFC 1870
    "BODY": ("8BITMIME", "BINARYMIME"),  # RFC 6152, RFC 3030
    "SMTPUTF8": ("SMTPUTF8",),  # RFC 6531
    "RET": ("DSN",),  # RFC 3461 §4.3
    "ENVID": ("DSN",),  # RFC 3461 §4.4
    "AUTH": ("AUTH",),  # RFC 4954 §5
    "REQUIRETLS": ("REQUIRETLS",),  # RFC 8689
    "BY": ("DELIVERBY",),  # RFC 2852
    "HOLDFOR": ("FUTURERELEASE",),  # RFC 4865
    "HOLDUNTIL": ("FUTURERELEASE",),
    "MT-PRIORITY": ("MT-PRIORITY",),  # RFC 6710
}
#: The same for RCPT.
_RCPT_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "NOTIFY": ("DSN",),  # RFC 3461 §4.1
    "ORCPT": ("DSN",),  # RFC 3461 §4.2
}

# These are rare: `re` compiles them when it is first asked.
#: RFC 2852 §4: by-value = by-time ";" by-mode [by-trace]
_BY = r"([+-]?[0-9]{1,9});([RrNn])([Tt]?)"
#: RFC 3339 §5.6: date-time.
_DATE_TIME = (
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
#: RFC 3461 §4.2: the addr-type of ORCPT is an atom.
_ADDR_TYPE = r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+"
#: Of these Postfix takes the last one, where there are several.
_REPEATABLE = frozenset({"SIZE", "BODY", "SMTPUTF8"})
_MAX_ENVID = 100  # characters, RFC 3461 §4.4
_MAX_ORCPT = 500  # characters, RFC 3461 §4.2


class ParameterRules(NamedTuple):
    """Which parameters a server knows.

    Attributes:
        extensions: the EHLO keywords that exist on it, in upper case, hidden or not.
        extra_keywords: parameter keywords, in upper case, known with any value.
        lenient: accept unknown keywords too, SIZE, BODY and SMTPUTF8 given twice (the
            last one counts), and xtext that is too long or not quite xtext.
        lmtp: it speaks LMTP; said in the texts of replies.
    """

    extensions: frozenset[str]
    extra_keywords: frozenset[str] = frozenset()
    lenient: bool = False
    lmtp: bool = False


def check_mail_parameters(address: Address, rules: ParameterRules) -> MailValues:
    """Check the parameters of a MAIL command; the address learns what they say.

    Raises:
        Refused: 501 5.5.4 for a bad value or a keyword given twice, 555 5.5.4 for an
            unknown one, 550 5.6.7 for an address that needs SMTPUTF8 without it
            (RFC 6531 §3.5).
    """
    values = NO_VALUES
    if address.parameter_list:
        found: dict[str, Any] = {}
        for keyword, value in _known(address, "MAIL", rules).items():
            name, read = _MAIL_READERS[keyword]
            found[name] = read(value, rules)
        if "hold_for" in found and "hold_until" in found:
            _bad("HOLDFOR and HOLDUNTIL exclude each other (RFC 4865)")
        values = MailValues(**found)
        address.learn(values)
    if not (address.isascii() or values.smtputf8):
        raise Refused(
            Reply(550, "5.6.7 A sender address that is not ASCII needs SMTPUTF8")
        )
    return values


def check_rcpt_parameters(
    address: Address, rules: ParameterRules, *, smtputf8: bool = False
) -> None:
    """Check the parameters of a RCPT command; the address learns what they say.

    Args:
        address: the recipient.
        rules: what the server knows.
        smtputf8: whether MAIL had the parameter SMTPUTF8.

    Raises:
        Refused: 501 5.5.4 for a bad value or a keyword given twice, 555 5.5.4 for an
            unknown one, 553 5.6.7 for an address that needs SMTPUTF8 (RFC 6531 §3.5).
    """
    if address.parameter_list:
        notify: tuple[str, ...] = ()
        orcpt: OriginalRecipient | None = None
        for keyword, value in _known(address, "RCPT", rules).items():
            if keyword == "NOTIFY":
                notify = _notify(value, rules)
            else:
                orcpt = _orcpt(value, rules, smtputf8=smtputf8)
        address.learn(notify=notify, orcpt=orcpt)
    if not (address.isascii() or smtputf8):
        raise Refused(
            Reply(553, "5.6.7 A recipient address that is not ASCII needs SMTPUTF8")
        )


def _known(
    address: Address, command: str, rules: ParameterRules
) -> dict[str, str | None]:
    """The parameters that have a meaning here, by keyword in upper case."""
    keywords = _MAIL_KEYWORDS if command == "MAIL" else _RCPT_KEYWORDS
    if len(address.parameters) < len(address.parameter_list):
        given = [keyword.upper() for keyword, _ in address.parameter_list]
        twice = next(keyword for keyword in given if given.count(keyword) > 1)
        if not (rules.lenient and twice in _REPEATABLE):
            _bad(f"the parameter {twice[:40]} is given twice")
    known = {}
    for keyword, value in address.parameters.items():
        if not rules.extensions.isdisjoint(keywords.get(keyword, ())):
            known[keyword] = value
        elif not (rules.lenient or keyword in rules.extra_keywords):
            _unknown(keyword[:40], command, rules)
    return known


def _unknown(keyword: str, command: str, rules: ParameterRules) -> NoReturn:
    other = "RCPT" if command == "MAIL" else "MAIL"
    extensions = (_MAIL_KEYWORDS if command == "MAIL" else _RCPT_KEYWORDS).get(keyword)
    if extensions is not None:
        hello = "LHLO" if rules.lmtp else "EHLO"
        why = f": this server's {hello} has no {extensions[0]}"
    elif keyword in _MAIL_KEYWORDS or keyword in _RCPT_KEYWORDS:
        why = f": {keyword} belongs to {other}"
    else:
        why = ""
    # RFC 5321 §4.1.1.11: parameters not recognized or not implemented.
    raise Refused(
        Reply(555, f"5.5.4 {command} parameter {keyword} is not recognized{why}")
    )


def _bad(why: str) -> NoReturn:
    raise Refused(Reply(501, f"5.5.4 Syntax: {why}")) from None


#: Reads a value, or refuses it.
_Reader: TypeAlias = "Callable[[str | None, ParameterRules], Any]"


def _form(
    pattern: str, read: Callable[[str], object], complaint: str, flags: int = 0
) -> _Reader:
    """A reader for a value of that form."""
    form = re.compile(pattern, flags)

    def reader(value: str | None, rules: ParameterRules) -> object:  # noqa: ARG001
        if value is None or not form.fullmatch(value):
            _bad(complaint)
        return read(value)

    return reader


def _flag(value: str | None, rules: ParameterRules) -> bool:  # noqa: ARG001
    if value is not None:
        _bad("the keyword takes no value")
    return True


def _body(value: str | None, rules: ParameterRules) -> str:
    """RFC 6152 §2, and RFC 3030 §3 for BINARYMIME."""
    body = value.upper() if value else ""
    allowed = ["7BIT"]
    allowed += [name for name in ("8BITMIME", "BINARYMIME") if name in rules.extensions]
    if body not in allowed:
        _bad(f"BODY is one of {', '.join(allowed)}")
    return body


def _xtext(value: str | None, keyword: str, rules: ParameterRules) -> str:
    """Decode xtext; what it hides is held to the same rules as what is in the open."""
    try:
        decoded = decode_xtext(value or "", lenient=rules.lenient)
    except ValueError:
        _bad(f"the value of {keyword} is not xtext (RFC 3461 section 4)")
    if not value or invisible_problem(decoded):
        _bad(f"the value of {keyword} is not printable")
    return decoded


def _envid(value: str | None, rules: ParameterRules) -> str:
    """RFC 3461 §4.4: printable ASCII before it was encoded."""
    envid = _xtext(value, "ENVID", rules)
    if not envid.isascii():
        _bad("ENVID is printable ASCII (RFC 3461 section 4.4)")
    if len(value or "") > _MAX_ENVID and not rules.lenient:
        _bad(f"ENVID is longer than {_MAX_ENVID} characters (RFC 3461 section 4.4)")
    return envid


def _auth(value: str | None, rules: ParameterRules) -> str:
    """RFC 4954 §5: a mailbox, or ``<>``. Who it names is between client and server."""
    return _xtext(value, "AUTH", rules)


def _deliver_by(value: str | None, rules: ParameterRules) -> DeliverBy:  # noqa: ARG001
    match = re.fullmatch(_BY, value or "")
    if match is None:
        _bad("BY is seconds;R or seconds;N, and T for a trace (RFC 2852 section 4)")
    seconds, mode = int(match[1]), match[2].upper()
    if mode == "R" and seconds <= 0:
        _bad("BY with mode R needs a time above zero (RFC 2852 section 4)")
    return DeliverBy(seconds, mode, trace=bool(match[3]))


def _hold_until(value: str | None, rules: ParameterRules) -> str:  # noqa: ARG001
    match = re.fullmatch(_DATE_TIME, value or "")
    if match is None or not _is_date(int(match[1]), int(match[2]), int(match[3])):
        _bad("HOLDUNTIL is a date and time as in RFC 3339 section 5.6 (RFC 4865)")
    return match[0]


def _is_date(year: int, month: int, day: int) -> bool:
    """RFC 3339 §5.7 and appendix C."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return 1 <= month <= 12 and 1 <= day <= lengths[month - 1]


def _notify(value: str | None, rules: ParameterRules) -> tuple[str, ...]:
    """RFC 3461 §4.1: NEVER alone, or a list of the other three."""
    notify = value.upper().split(",") if value else []
    if rules.lenient:  # a comma too many
        notify = [one for one in notify if one]
    if notify != ["NEVER"] and not (
        notify and {"SUCCESS", "FAILURE", "DELAY"}.issuperset(notify)
    ):
        _bad(
            "NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY "
            "(RFC 3461 section 4.1)"
        )
    return tuple(notify)


def _orcpt(
    value: str | None, rules: ParameterRules, *, smtputf8: bool
) -> OriginalRecipient:
    """RFC 3461 §4.2, and RFC 6533 §3 for the addr-type utf-8."""
    addr_type, semicolon, encoded = (value or "").partition(";")
    if not (semicolon and re.fullmatch(_ADDR_TYPE, addr_type)):
        _bad("ORCPT is addr-type;xtext (RFC 3461 section 4.2)")
    if len(value or "") > _MAX_ORCPT and not rules.lenient:
        _bad(f"ORCPT is longer than {_MAX_ORCPT} characters (RFC 3461 section 4.2)")
    is_utf8 = addr_type.lower() == "utf-8"
    try:
        decoded = (
            decode_utf8_address(encoded)
            if is_utf8
            else decode_xtext(encoded, lenient=rules.lenient)
        )
    except ValueError:
        _bad("the address in ORCPT is not xtext (RFC 3461 section 4)")
    if invisible_problem(decoded) or not (is_utf8 or decoded.isascii()):
        _bad("the address in ORCPT is not printable ASCII (RFC 3461 section 4.2)")
    if not (encoded.isascii() or smtputf8):
        _bad("ORCPT in UTF-8 needs SMTPUTF8 on MAIL (RFC 6533 section 3)")
    return OriginalRecipient(f"{addr_type};{decoded}")


#: For each parameter of MAIL: the field of MailValues, and how it is read.
_MAIL_READERS: Mapping[str, tuple[str, _Reader]] = {
    "BODY": ("body", _body),
    "SIZE": (
        "declared_size",
        _form(
            "[0-9]{1,20}",
            int,
            "SIZE is a number of 1 to 20 digits (RFC 1870 section 4)",
        ),
    ),
    "SMTPUTF8": ("smtputf8", _flag),
    "RET": (
        "ret",
        _form(
            "FULL|HDRS",
            str.upper,
            "RET is FULL or HDRS (RFC 3461 section 4.3)",
            re.IGNORECASE,
        ),
    ),
    "ENVID": ("envid", _envid),
    "AUTH": ("auth", _auth),
    "REQUIRETLS": ("require_tls", _flag),
    "BY": ("deliver_by", _deliver_by),
    # RFC 4865 §3: future-release-integer.
    "HOLDFOR": (
        "hold_for",
        _form(
            "[1-9][0-9]{0,8}",
            int,
            "HOLDFOR is a number of seconds from 1 to 999999999 (RFC 4865)",
        ),
    ),
    "HOLDUNTIL": ("hold_until", _hold_until),
    # RFC 6710 §4: "0", or a digit from 1 to 9 with or without a minus sign.
    "MT-PRIORITY": (
        "priority",
        _form("0|-?[1-9]", int, "MT-PRIORITY is a number from -9 to 9 (RFC 6710)"),
    ),
}
