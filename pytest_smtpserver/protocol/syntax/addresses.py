"""Paths of MAIL and RCPT: the mailbox, what came with it, and how it is read.

RFC 5321 §4.1.2, with UTF-8 as RFC 6531 §3.3 has it. `Address` is what a test compares:
a string, with the rest at hand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Self

from pytest_smtpserver.protocol.display import printable
from pytest_smtpserver.protocol.naming import no_such_attribute

from .grammar import (
    MAX_PATH,
    domain_problem,
    invisible_problem,
    literal_problem,
    local_part_problem,
    split_parameters,
)
from .replies import Refused, Reply
from .values import NO_VALUES, MailValues, MailViews, OriginalRecipient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


#: What `email.headerregistry`, npm's smtp-server and others call the parts of one.
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("address", "addr_spec", "addr", "email"), "the str itself"),
    **dict.fromkeys(("username", "user", "local", "mailbox"), "address.local_part"),
    **dict.fromkeys(("host", "hostname"), "address.domain"),
    **dict.fromkeys(("args", "options", "params"), "address.parameters"),
    "display_name": "message.email['To'].addresses[0].display_name, of the header",
    "name": "message.email['To'].addresses[0].display_name, of the header",
}


class Address(MailViews, str):
    """The address in a MAIL or RCPT command: a `str`, and what stood beside it.

    Equal to the mailbox as it was sent, without angle brackets and source route; the
    null reverse-path is ``""``. What the parameters of MAIL say stands in attributes,
    as it does on `Envelope`.

    Args:
        mailbox: ``"ada@example.org"``; it is not checked.
        parameter_list: keyword and value of each parameter, None for a bare keyword.
        source_route: ``"@a.example,@b.example"`` (RFC 5321 appendix C).

    Attributes:
        parameter_list: the parameters in their order and spelling.
        source_route: the source route that was dropped, without its colon; or ``""``.
        orcpt: the original recipient (RFC 3461 §4.2), or None.
        values: what the parameters of MAIL say, once the server has read them.
        reply: the reply that the command got, or None while it got none.
    """

    __slots__ = (
        "_notify",
        "_parameters",
        "orcpt",
        "parameter_list",
        "reply",
        "source_route",
        "values",
    )

    values: MailValues

    _notify: tuple[str, ...]
    _parameters: dict[str, str | None] | None
    orcpt: OriginalRecipient | None
    parameter_list: tuple[tuple[str, str | None], ...]
    reply: Reply | None
    source_route: str

    def __new__(
        cls,
        mailbox: str = "",
        *,
        parameter_list: Sequence[tuple[str, str | None]] = (),
        source_route: str = "",
    ) -> Self:
        """Keep the mailbox as it is; the class documents the rest."""
        self = super().__new__(cls, mailbox)
        self.parameter_list = tuple(parameter_list)
        self.source_route = source_route
        self.orcpt = None
        self.reply = None
        self.values = NO_VALUES
        self._notify = ()
        self._parameters = None
        return self

    def learn(
        self,
        values: MailValues = NO_VALUES,
        notify: tuple[str, ...] = (),
        orcpt: OriginalRecipient | None = None,
    ) -> None:
        """Take what the parameters say, once they are checked. For the engine."""
        self.values = values
        self._notify = notify
        self.orcpt = orcpt

    def answer(self, reply: Reply) -> None:
        """Note the reply that the command got. For the engine."""
        self.reply = reply

    @property
    def local_part(self) -> str:
        """What stands before the ``@``, as sent: quotes are kept."""
        return self._split()[0]

    @property
    def domain(self) -> str:
        """The domain or address literal; ``""`` for ``""`` and a bare postmaster."""
        return self._split()[1]

    @property
    def parameters(self) -> dict[str, str | None]:
        """The parameters by keyword in upper case, values as sent, None for none."""
        parameters = self._parameters
        if parameters is None:
            parameters = {key.upper(): value for key, value in self.parameter_list}
            self._parameters = parameters
        return parameters

    @property
    def notify(self) -> list[str]:
        """The NOTIFY list (RFC 3461 §4.1) in upper case, empty where there is none."""
        return list(self._notify)

    @notify.setter
    def notify(self, value: list[str]) -> None:
        self._notify = tuple(value)

    if not TYPE_CHECKING:  # a type checker knows better what there is
        __getattr__ = no_such_attribute("an address", WORDS)

    @property
    def path(self) -> str:
        """The path as it was sent, with angle brackets and source route."""
        route = f"{self.source_route}:" if self.source_route else ""
        return f"<{route}{self}>"

    def __repr__(self) -> str:
        return printable(super().__repr__())

    def _split(self) -> tuple[str, str]:
        # A literal may contain "@" but no "[", a quoted local-part may contain both.
        if self.endswith('"'):
            return str(self), ""
        if self.endswith("]") and "@[" in self:
            local_part, _, literal = self.rpartition("@[")
            return local_part, f"[{literal}"
        local_part, _, domain = self.rpartition("@")
        return (local_part, domain) if len(self) > len(domain) > 0 else (str(self), "")


class _Command(NamedTuple):
    """How MAIL and RCPT differ here."""

    prefix: str
    syntax: str
    status: str
    may_be_null: bool
    may_be_postmaster: bool


_MAIL = _Command(
    r"([Ff][Rr][Oo][Mm])([ \t]*):([ \t]*)",
    "5.5.4 Syntax: MAIL FROM:<address> [SP parameters]",
    "5.1.7 Bad sender address",  # RFC 3463 §3.2
    may_be_null=True,
    may_be_postmaster=False,
)
_RCPT = _Command(
    r"([Tt][Oo])([ \t]*):([ \t]*)",
    "5.5.4 Syntax: RCPT TO:<address> [SP parameters]",
    "5.1.3 Bad recipient address",
    may_be_null=False,
    may_be_postmaster=True,
)

# The common case in one step: a dot-string at a domain of LDH labels, in ASCII. The
# regular expressions do not count; no limit can be passed where the path ends within
# _COMMON_END octets, since 64 of a label or 65 of a local-part need more.
_COMMON = (
    r":<([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++)*+"
    r"@[A-Za-z0-9]++(?:(?:\.|-++)[A-Za-z0-9]++)*+)>"
)
_ARGUMENT = len("MAIL ")
_COMMON_END = _ARGUMENT + 68
_common_mail = re.compile(r"[Ff][Rr][Oo][Mm]" + _COMMON).match
_common_rcpt = re.compile(r"[Tt][Oo]" + _COMMON).match

# The outline of a path; its parts are looked at one by one, to tell what is wrong.
_PATH = r"""(?sx)
    <(?:(?P<route>@[^:<>"\[\]]*+):)?
    (?:(?P<local_part>"(?:[^"\\]|\\.)*+"|[^<>@]*+)
       (?P<at>@(?P<domain>\[[^\[\]\\]*+\]|[^<>@\[\]]*+))?
    )>"""
# What Postfix takes for a path: between brackets, or up to the next blank. Quotes and
# backslashes protect what follows them, and another pair of brackets may be inside.
_GUARDED = r'"(?:[^"\\]|\\.)*+"|\\.'
_LENIENT_PATH = rf"""(?sx)
    <(?P<inner>(?:{_GUARDED}|<(?:{_GUARDED}|[^<>])*+>|[^<>])*+)>*+[,;]*+
    |(?P<naked>(?:{_GUARDED}|<(?:{_GUARDED}|[^<>])*+>|[^\s<>])*+)>*+[,;]*+"""
# In such a path: a mailbox in brackets of its own, behind a name.
_INNER_PATH = rf"(?s)(?:{_GUARDED}|[^<>])*+<(?P<mailbox>(?:{_GUARDED}|[^<>])*+)>"
# The parts of a path: words, comments (which nest once), blanks, and what divides them.
_COMMENT = r"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\)"
_PART = rf"""(?sx)
    (?P<word>(?:{_GUARDED}|[^\s.:@,;()"\\])++)|(?P<comment>{_COMMENT})
    |(?P<blank>\s++)|(?P<mark>[.:@])|(?P<separator>[,;])|(?P<odd>.)"""
_LENIENT_ROUTE = r"(?P<route>@[^:<>\"]*+):"
_SALVAGE = (
    r"(?i)(?:from|to)?[ \t]*+:?[ \t]*+"
    r"(?:<(?:@[^:<>]*+:)?(?P<inner>[^<>]*+)>|(?P<word><?[^\s<>]*+>?))"
)


def parse_mail_argument(
    argument: bytes, *, lenient: bool = False, lenient_parameters: bool = False
) -> Address:
    """Read what follows ``MAIL``: ``b"FROM:<ada@example.org> SIZE=120"``.

    Args:
        argument: the octets after the verb and its space, without the line's end.
        lenient: accept what real senders get wrong, all that Postfix takes by default
            and more: no angle brackets, two pairs of them, or but the first; a space
            before the colon; names and comments beside the mailbox; dots and special
            characters in the local-part, any domain or address literal, parts that are
            too long, a local-part alone. Without it blanks behind the colon and
            between the parameters are taken, though RFC 5321 §3.3 has none.
        lenient_parameters: "=" may stand in their values.

    Returns:
        The reverse-path with its parameters, which are not checked yet.

    Raises:
        Refused: 501, with 5.1.7 for the address and 5.5.4 for what surrounds it.
    """
    return _parse(argument, _MAIL, lenient, lenient_parameters)


def parse_rcpt_argument(
    argument: bytes, *, lenient: bool = False, lenient_parameters: bool = False
) -> Address:
    """Read what follows ``RCPT``: ``b"TO:<ada@example.org> NOTIFY=NEVER"``.

    Like `parse_mail_argument`, with 5.1.3 for an address that is refused. A bare
    postmaster is a mailbox here, in any case (RFC 5321 §4.1.1.3).
    """
    return _parse(argument, _RCPT, lenient, lenient_parameters)


def common_sender(line: str) -> Address | None:
    """What `parse_mail_argument` makes of a MAIL line in its most common form.

    Nearly every line is ``MAIL FROM:<dot-string@domain>``, with or without parameters;
    for what is not, or may be wrong, there is the whole grammar.

    Raises:
        Refused: 501 5.5.4, a parameter is malformed.
    """
    return _common(_common_mail(line, _ARGUMENT), line)


def common_recipient(line: str) -> Address | None:
    """The same for a RCPT line and `parse_rcpt_argument`."""
    return _common(_common_rcpt(line, _ARGUMENT), line)


def _common(match: re.Match[str] | None, line: str) -> Address | None:
    if match is None or (end := match.end()) > _COMMON_END:
        return None
    if end == len(line):
        return Address(match[1])
    rest = line[end:].rstrip(" \t")
    if not rest.isascii():
        return None
    return Address(match[1], parameter_list=split_parameters(rest, lenient=False))


def salvage_address(argument: bytes) -> Address:
    r"""The best that can be made of an argument which is not well-formed.

    For a command that a test's rule accepts all the same. Octets that are not UTF-8
    are shown as ``\xff``. Never raises.
    """
    for lenient in (False, True):
        for command in (_MAIL, _RCPT):
            try:
                return _parse(argument, command, lenient, lenient_parameters=False)
            except Refused:
                pass
    text = argument.decode("utf-8", "backslashreplace").strip(" \t")
    match = re.match(_SALVAGE, text)
    assert match is not None  # every part of the expression is optional
    mailbox = match["word"] if match["inner"] is None else match["inner"]
    try:
        parameter_list = split_parameters(text[match.end() :], lenient=True)
    except Refused:
        parameter_list = ()
    return Address(mailbox.strip("<> \t"), parameter_list=parameter_list)


def _parse(
    argument: bytes, command: _Command, lenient: bool, lenient_parameters: bool
) -> Address:
    try:
        text = argument.decode()
    except UnicodeDecodeError as error:
        if b">" in argument[: error.start]:
            _refuse("5.5.4 Syntax: a parameter is not UTF-8")
        _refuse(f"{command.status}: the command is not UTF-8 (RFC 6531 section 3.3)")
    prefix = re.match(command.prefix, text)
    if prefix is None:
        _refuse(command.syntax)
    if prefix[2] and not lenient:
        _refuse(f"{command.syntax}, no space before the colon (RFC 5321 section 3.3)")
    read = _read_lenient if lenient else _read_strict
    mailbox, route, end = read(text, prefix.end(), command)
    parameter_list = split_parameters(
        text[end:], lenient=lenient, lenient_values=lenient_parameters
    )
    return Address(mailbox, parameter_list=parameter_list, source_route=route)


def _read_strict(text: str, start: int, command: _Command) -> tuple[str, str, int]:
    """Mailbox, source route and the end of the path, by the grammar."""
    match = re.compile(_PATH).match(text, start)
    if match is None:
        outline = (
            "the path is not <local-part@domain>"
            if text.startswith("<", start)
            else "no angle brackets around it"
        )
        hidden = invisible_problem(text)
        _refuse(f"{command.status}: {hidden or outline + ' (RFC 5321 section 4.1.2)'}")
    problem = invisible_problem(match[0]) or _path_problem(match, command)
    if problem is not None:
        _refuse(f"{command.status}: {problem}")
    return match["local_part"] + (match["at"] or ""), match["route"] or "", match.end()


def _path_problem(match: re.Match[str], command: _Command) -> str | None:
    local_part, domain, route = match["local_part"], match["domain"], match["route"]
    if match[0] == "<>":
        return None if command.may_be_null else "the path is empty"
    if domain is None:
        if command.may_be_postmaster and match[0].lower() == "<postmaster>":
            return None
        return "there is no domain (RFC 5321 section 4.1.2)"
    problem = local_part_problem(local_part) or (
        literal_problem(domain) if domain.startswith("[") else domain_problem(domain)
    )
    if problem is None and route is not None:
        problem = _route_problem(route)
    if problem is None and len(match[0].encode()) > MAX_PATH:
        problem = f"the path is longer than {MAX_PATH} octets"
        return f"{problem} (RFC 5321 section 4.5.3.1.3)"
    return problem


def _route_problem(route: str) -> str | None:
    """RFC 5321 §4.1.2: A-d-l = At-domain *( "," At-domain )."""
    for hop in route.split(","):
        if not hop.startswith("@") or domain_problem(hop[1:]) is not None:
            return "the source route is not @domain,@domain: (RFC 5321 section 4.1.2)"
    return None


def _read_lenient(text: str, start: int, command: _Command) -> tuple[str, str, int]:
    """Mailbox, source route and the end of the path, as far as it can be guessed."""
    match = re.compile(_LENIENT_PATH).match(text, start)
    assert match is not None  # every part of the expression is optional
    if problem := invisible_problem(match[0].replace("\t", " ")):
        _refuse(f"{command.status}: {problem}")
    path = match["naked"] if match["inner"] is None else match["inner"]
    inner = re.match(_INNER_PATH, path)
    if inner is not None and (inner["mailbox"] or path == "<>"):
        path = inner["mailbox"]
    mailbox = _without_noise(path)
    if mailbox is None:
        _refuse(f"{command.status}: a blank stands in the path without quotes")
    route = re.match(_LENIENT_ROUTE, mailbox)
    if route is not None:
        mailbox = mailbox[route.end() :]
    if mailbox in ("", '""'):
        # Something has to stand for nothing: "<" alone is a path that is not whole.
        if not command.may_be_null or match[0] in ("", "<"):
            _refuse(f"{command.status}: the path is empty")
        mailbox = ""
    elif mailbox == "@" or (mailbox.endswith("@") and mailbox.count("@") == 1):
        _refuse(f"{command.status}: the local-part or the domain is empty")
    return mailbox, "" if route is None else route["route"], match.end()


def _without_noise(path: str) -> str | None:
    """The path without comments, and without what else a list may have; or None.

    A comment in the middle of a word stays, as it was sent. Blanks beside a dot, a
    colon or an "@" mean nothing; anywhere else they make two words, which is none.
    """
    parts = [(part.lastgroup, part[0]) for part in re.finditer(_PART, path)]
    outside = ("blank", "comment", "separator")
    while parts and parts[0][0] in outside:
        parts.pop(0)
    while parts and parts[-1][0] in outside:
        parts.pop()
    kinds = [None, *(kind for kind, _ in parts), None]
    kept = []
    for (kind, text), before, after in zip(parts, kinds, kinds[2:], strict=False):
        if kind == "blank":
            if not {before, after} & {"mark", "comment"}:
                return None
        elif kind != "comment" or "blank" not in (before, after):
            kept.append(text)
    return "".join(kept)


def _refuse(text: str) -> NoReturn:
    raise Refused(Reply(501, text)) from None
