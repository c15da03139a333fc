"""The arguments of the command: a flag for each option of a server, and a few more.

The flags come from the fields of `Options`, so that a new option has its flag.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import re
import ssl
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pytest_smtpserver.mail.words import OPTIONS
from pytest_smtpserver.protocol.naming import suggestion
from pytest_smtpserver.server.options.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PROGRAM = "pytest-smtpserver"
DEFAULT_PORT = 1025
#: Options whose values are objects of a program, and users, whose flag is --user.
_NOT_FLAGS = frozenset({"ca", "handlers", "logger", "users"})
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CALL = re.compile(r"(\w+)(?:\((.*)\))?", re.DOTALL)
_SHOW = ("json", "verbose", "options", "help", "version")
_FILES = ("save", "report", "dialogue")
_OWN = (
    *(f"--{name}" for name in _SHOW),
    *(f"--{name}" for name in _FILES),
    *("--delays", "--color", "--persona", "--on", "--reply", "--user"),
)
_HELP = """\
usage: pytest-smtpserver [options]        (or: python -m pytest_smtpserver)

An SMTP server for work by hand. It prints each mail until Ctrl-C.

  --port PORT            1025 by default; 0 takes a free one
  --host ADDRESS         127.0.0.1 by default; 0.0.0.0 lets other machines in
  --tls starttls         TLS by STARTTLS, or from the start with: --tls implicit
  --user NAME:PASSWORD   who may log in; may be repeated
  --persona NAME         a server of a kind: {personas}
  --dialogue LOG         plays back a recorded dialogue, from a client's log
  --on EVENT --reply TEXT   what it says instead of the usual, in pairs:
                    --on "RCPT bob@example.org" --reply "550 5.1.1 No such user"
  -v, --verbose          print the dialogue of each connection too
  --json                 print one JSON object a line for each mail
  --save DIR             keep each mail as .eml and .json
  --report FILE          keep a page about all mail, written anew after each
  --color WHEN           auto, always or never
  --options              list all other options of the server, and the personas
  --version, -h, --help  print it, then exit
"""


class UsageError(Exception):
    """The command cannot do what it was asked for; the text is one line for its user."""


class ScriptedReply(NamedTuple):
    """What ``--on … --reply …`` asks for."""

    given: str
    event: str
    match: str | re.Pattern[str] | None
    code: int
    text: str | None


class Arguments(NamedTuple):
    """The command line, taken apart; a file is None where none is given.

    Replies and personas are in the order in which they were given. `show` names what is
    asked for with a flag: ``json``, ``verbose``, ``options``, ``help``. With `delays`
    replies take as long as in the log of the dialogue.
    """

    options: dict[str, Any]
    replies: list[ScriptedReply]
    personas: list[tuple[str, dict[str, Any]]]
    show: frozenset[str]
    dialogue: str | None
    delays: bool
    save: str | None
    report: str | None
    color: str


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse(arguments: Sequence[str]) -> Arguments:
    """Take the command line apart.

    Raises:
        UsageError: there is no such argument, or its value is not one.
    """
    parser = _Parser(prog=PROGRAM, add_help=False, allow_abbrev=False)
    for name in _SHOW:
        short = {"verbose": ["-v"], "help": ["-h"]}.get(name, [])
        parser.add_argument(*short, f"--{name}", action="store_true")
    for name in _FILES:
        parser.add_argument(f"--{name}")
    parser.add_argument("--delays", action="store_true")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--persona", action="append", default=[])
    parser.add_argument("--on", dest="script", action=_Scripted, default=[])
    parser.add_argument("--reply", dest="script", action=_Scripted)
    parser.add_argument("--user", action="append", default=[])
    for flag in FLAGS:
        parser.add_argument(flag.name, dest=flag.option, default=None, **flag.add)
    given, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        raise UsageError(_unknown(unknown[0]))
    options = {
        flag.option: flag.reader(flag.name, value)
        for flag in FLAGS
        if (value := getattr(given, flag.option)) is not None
    }
    if given.delays and given.dialogue is None:
        raise UsageError("--delays goes with --dialogue, whose times it is about")
    options.setdefault("port", 0 if "path" in options else DEFAULT_PORT)
    if given.user:
        options["users"] = _users(given.user)
    return Arguments(
        options,
        _replies(given.script),
        [_persona(text) for text in given.persona],
        frozenset(name for name in _SHOW if getattr(given, name)),
        given.dialogue,
        given.delays,
        given.save,
        given.report,
        given.color,
    )


def help_text(personas: Sequence[str]) -> str:
    """What ``--help`` prints: it fits on a screen of 24 lines."""
    return _HELP.format(personas=f"{', '.join(sorted(personas)[:2])}, ...")


def options_text(personas: Sequence[str], width: int) -> str:
    """What ``--options`` prints: every option with its form and default, personas."""
    options = [f"{f'{flag.name} {flag.form}':<46} {flag.default}" for flag in FLAGS]
    names = textwrap.wrap(f"Personas: {', '.join(sorted(personas))}", width)
    return "\n".join([*(line.rstrip() for line in options), "", *names])


class _Flag(NamedTuple):
    """One option of the server on the command line."""

    option: str
    name: str
    form: str
    default: str
    add: dict[str, Any]
    reader: Callable[[str, Any], Any]


def _as_given(_: str, value: Any) -> Any:
    return value


def _words(_: str, values: list[str]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",")]


def _number(kind: type[int | float]) -> Callable[[str, str], float]:
    def read(flag: str, value: str) -> float:
        try:
            return kind(value)
        except ValueError:
            noun = "a whole number" if kind is int else "a number"
            raise UsageError(f"{flag} takes {noun}, not {value!r}") from None

    return read


def _certificate(_: str, value: str) -> str | tuple[str, str]:
    """A kind, a PEM file, or two of them with a comma between."""
    certificate, comma, key = value.partition(",")
    return (certificate, key) if comma else value


def _by_server_name(flag: str, values: list[str]) -> dict[str, str | tuple[str, str]]:
    certificates = {}
    for value in values:
        server, equals, certificate = value.partition("=")
        if not equals:
            raise UsageError(f"{flag} takes SERVER=CERTIFICATE, not {value!r}")
        certificates[server] = _certificate(flag, certificate)
    return certificates


def _tls_versions(flag: str, value: str) -> tuple[ssl.TLSVersion, ssl.TLSVersion]:
    lowest, _, highest = value.partition("-")
    try:
        return _VERSIONS[lowest], _VERSIONS[highest or lowest]
    except KeyError:
        raise UsageError(f"{flag} takes 1.2, 1.3 or 1.2-1.3, not {value!r}") from None


_ONCE: dict[str, Any] = {}
_REPEATED: dict[str, Any] = {"action": "append"}
#: Form, arguments for argparse, and reader: by the name of the option, or by the
#: annotation of its field.
_FORMS: dict[str, tuple[str, dict[str, Any], Callable[[str, Any], Any]]] = {
    "advertise": ("LINE", _REPEATED, _as_given),
    "certificate": ("KIND|CERT.pem[,KEY.pem]", _ONCE, _certificate),
    "sni_certificates": ("SERVER=CERTIFICATE", _REPEATED, _by_server_name),
    "tls_versions": ("1.2|1.3|1.2-1.3", _ONCE, _tls_versions),
    "tuple[str, ...]": ("WORD,WORD", _REPEATED, _words),
    "int": ("NUMBER", _ONCE, _number(int)),
    "float": ("SECONDS", _ONCE, _number(float)),
}


def _flags() -> Iterator[_Flag]:
    for option, default in Options.defaults.items():
        if option in _NOT_FLAGS:
            continue
        name = f"--{option.replace('_', '-')}"
        kind = Options.__annotations__[option].removesuffix(" | None")
        if kind.split(" ", maxsplit=1)[0] == "bool":
            add = {"action": "store_const", "const": not default}
            name = f"--no-{name[2:]}" if default is True else name
            yield _Flag(option, name, "", "", add, _as_given)
            continue
        usual = ("VALUE", _ONCE, _as_given)
        form, add, reader = _FORMS.get(option) or _FORMS.get(kind, usual)
        shown = ",".join(default) if isinstance(default, tuple) else default
        none = default in (None, {}, "")
        yield _Flag(option, name, form, "" if none else str(shown), add, reader)


FLAGS: tuple[_Flag, ...] = tuple(_flags())


class _Scripted(argparse.Action):
    """Keeps ``--on`` and ``--reply`` in the order in which they are given."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse calls it so
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        given = [*getattr(namespace, self.dest), (option_string, values)]
        setattr(namespace, self.dest, given)


def _replies(given: list[tuple[str, str]]) -> list[ScriptedReply]:
    replies = []
    event = ""
    for flag, value in given:
        if flag == "--on":
            if event:
                break
            event = value
        elif not event:
            raise UsageError(f"--reply {value!r} has no --on before it")
        else:
            replies.append(_reply(event, value))
            event = ""
    if event:
        raise UsageError(f"--on {event!r} has no --reply behind it")
    return replies


#: What stands between verb and address on the wire: ``MAIL FROM:<…>``.
_KEY_WORD = re.compile(r"^(?:FROM|TO)(?: *:|$) *", re.IGNORECASE)


def _reply(on: str, reply: str) -> ScriptedReply:
    event, _, match = on.strip().partition(" ")
    code, _, text = reply.strip().partition(" ")
    if not re.fullmatch(r"[2-5]\d\d", code):
        raise UsageError(
            "--reply begins with a code from 200 to 599, such as "
            f"'550 5.1.1 No such user', not {reply!r}"
        )
    match = _KEY_WORD.sub("", match.strip())
    wanted: str | re.Pattern[str] | None = match or None
    if len(match) > 1 and match[0] == match[-1] == "/":
        try:
            wanted = re.compile(match[1:-1])
        except re.error as error:
            raise UsageError(f"--on {on!r}: no regular expression: {error}") from None
    return ScriptedReply(on, event.upper(), wanted, int(code), text.strip() or None)


def _persona(text: str) -> tuple[str, dict[str, Any]]:
    """``greylisting``, or ``greylisting(tries=2)``."""
    match = _CALL.fullmatch(text.strip())
    wrong = UsageError(
        f"--persona takes a name, or a name and arguments such as "
        f"'greylisting(tries=2)', not {text!r}"
    )
    if match is None:
        raise wrong
    try:
        call = ast.parse(f"f({match[2] or ''})", mode="eval").body
        assert isinstance(call, ast.Call)
        given = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (SyntaxError, ValueError):
        raise wrong from None
    if call.args:
        raise wrong
    if match[1] == "dialogue":
        raise UsageError("--persona dialogue needs its log: it is --dialogue LOG")
    return match[1], given


def _users(given: list[str]) -> dict[str, str] | str:
    if given == ["any"]:
        return "any"
    users = {}
    for value in given:
        name, colon, password = value.partition(":")
        if not colon or not name:
            raise UsageError(f"--user takes NAME:PASSWORD, not {value!r}")
        users[name] = password
    return users


def _as_flags(ours: str) -> str:
    """Options as Python has them, rewritten as flags: ``--tls starttls``."""
    ours = ours.replace("users={'name': 'password'}", "--user NAME:PASSWORD")
    return _KEYWORD.sub(
        lambda found: f"--{found[1].replace('_', '-')} {found[2] or ''}".strip(), ours
    )


_KEYWORD = re.compile(r"\b(\w+)=(?:True|'(\w+)')?")


def _unknown(argument: str) -> str:
    name = argument.partition("=")[0]
    if not name.startswith("-"):
        return f"{argument!r} is no option; see {PROGRAM} --help"
    known = [*_OWN, *(flag.name for flag in FLAGS)]
    words = {f"--{word}": _as_flags(ours) for word, ours in OPTIONS.items()}
    if not (hint := suggestion(name, words)):
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
    hint += "" if hint.endswith("?") else ";"
    return f"there is no option {name}{hint} See {PROGRAM} --help".replace("; S", "; s")
