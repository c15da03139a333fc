"""The options of a server: name, type, default and check of each, in one place."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any, Literal

from pytest_smtpserver.mail.words import OPTIONS, SERVER
from pytest_smtpserver.protocol.naming import VERY_SIMILAR, suggestion, unknown_name
from pytest_smtpserver.protocol.state.settings import (
    DEFAULT_EXTENSIONS,
    KNOWN_EXTENSIONS,
    KNOWN_MECHANISMS,
    Field,
    Settings,
    Values,
)
from pytest_smtpserver.protocol.state.states import VERBS

from . import checks

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from pytest_smtpserver.script.event import Event


def _option(default: Any, check: Callable[[str, Any], Any]) -> Any:
    """A field: its default, and the check of a value that is given for it."""
    return Field(default, check)


_OCTETS = checks.number(0, None, "a number of octets", none=True)
_AT_LEAST_ONE = checks.number(1, None, "a number", none=True)


class Options(Values):
    """The options of one server, checked. Fields are those of `ServerOptions`."""

    host: str = _option("127.0.0.1", checks.host)
    port: int = _option(0, checks.number(0, 65535, "a port"))
    path: str | None = _option(None, checks.path)
    backlog: int = _option(128, checks.number(0, None, "a number"))
    hostname: str = _option("localhost", checks.hostname)
    banner: str = _option("", checks.text)
    tls: Literal["starttls", "implicit"] | None = _option(None, checks.tls)
    hide_starttls: bool = _option(False, checks.flag)
    require_tls: bool = _option(False, checks.flag)
    ca: Any = _option(None, checks.ca)
    certificate: Any = _option("valid", checks.certificate)
    sni_certificates: Mapping[str, Any] = _option({}, checks.sni_certificates)
    client_certificate: str = _option(
        "ignore", checks.one_of("ignore", "optional", "required")
    )
    client_ca: Any = _option(None, checks.client_ca)
    tls_versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None = _option(
        None, checks.tls_versions
    )
    users: Mapping[str, str] | Literal["any"] | None = _option(None, checks.users)
    auth_mechanisms: tuple[str, ...] = _option(
        ("PLAIN", "LOGIN"), checks.words(KNOWN_MECHANISMS)
    )
    auth_required: bool = _option(False, checks.flag)
    allow_insecure_auth: bool = _option(False, checks.flag)
    max_message_size: int | None = _option(None, _OCTETS)
    enforce_message_size: bool = _option(True, checks.flag)
    extensions: tuple[str, ...] = _option(
        DEFAULT_EXTENSIONS, checks.words(KNOWN_EXTENSIONS)
    )
    hide: tuple[str, ...] = _option((), checks.words())
    advertise: tuple[str, ...] = _option((), checks.words(fold=False))
    disabled_commands: tuple[str, ...] = _option((), checks.words())
    lenient_addresses: bool = _option(False, checks.flag)
    lenient_parameters: bool = _option(False, checks.flag)
    max_connections: int | None = _option(None, _AT_LEAST_ONE)
    max_recipients: int | None = _option(None, _AT_LEAST_ONE)
    max_messages: int | None = _option(None, _AT_LEAST_ONE)
    idle_timeout: float = _option(60.0, checks.seconds)
    close_timeout: float = _option(1.0, checks.seconds)
    greeting_delay: float = _option(0.0, checks.seconds)
    max_command_length: int = _option(
        16384, checks.number(64, None, "a number of octets")
    )
    max_unrecognized_commands: int | None = _option(None, _AT_LEAST_ONE)
    max_unauthenticated_commands: int | None = _option(None, _AT_LEAST_ONE)
    lmtp: bool = _option(False, checks.flag)
    proxy_protocol: bool = _option(False, checks.flag)
    xclient: bool = _option(False, checks.flag)
    xforward: bool = _option(False, checks.flag)
    resolve_client_hostname: bool | Callable[[str], str] = _option(
        False, checks.resolver
    )
    handlers: Mapping[str, Callable[[Event], Any]] = _option({}, checks.handlers)
    strict: bool = _option(False, checks.flag)
    fail_on: tuple[str, ...] = _option((), checks.findings)
    logger: logging.Logger | None = _option(
        logging.getLogger("pytest_smtpserver"), checks.logger
    )

    @property
    def auth(self) -> bool:
        """AUTH is on."""
        return self.users is not None or self.auth_required

    @property
    def resolver(self) -> Callable[[str], str] | None:
        """Finds the name of a client's address; raises `OSError` where it has none."""
        if self.resolve_client_hostname is True:
            return lambda address: socket.gethostbyaddr(address)[0]
        return self.resolve_client_hostname or None

    def altered(self, **given: Any) -> Options:
        """The same with other values for some.

        Raises:
            TypeError: a value is of the wrong type.
            ValueError: a value is not allowed.
        """
        return self.replaced(**_checked(given))

    def changed(self) -> dict[str, object]:
        """The options that are not as they are by default, without their secrets."""
        values = {name: getattr(self, name) for name in FIELDS}
        changed: dict[str, object] = {
            name: value
            for name, value in values.items()
            if name not in ("ca", "logger") and value != FIELDS[name].default
        }
        if self.users is not None and self.users != "any":
            changed["users"] = dict.fromkeys(self.users, "********")
        if self.handlers:
            changed["handlers"] = list(self.handlers)
        return changed

    def settings(self) -> Settings:
        """What the engine gets to know."""
        names = Settings.defaults.keys() & FIELDS.keys()
        shared = {name: getattr(self, name) for name in names}
        for name in ("extensions", "hide", "disabled_commands"):
            shared[name] = frozenset(shared[name])
        if self.users == "any":
            shared["users"] = {}
        return Settings(**shared, auth=self.auth, any_user=self.users == "any")


#: The default and the check of each option, by its name.
FIELDS: Mapping[str, Field] = {name: vars(Options)[name] for name in Options.defaults}


#: What others call what a server has, and what it is told and does not tell.
WORDS: Mapping[str, str] = {
    **OPTIONS,
    **SERVER,
    **{name: f"the option {name}=, and no attribute" for name in FIELDS},
}
#: Where an attribute is that a server does not have itself.
ELSEWHERE: Mapping[str, str] = {
    "messages[0]": "pytest_smtpserver.mail.message:ReceivedMessage",
    "sessions[0]": "pytest_smtpserver.mail.message:SessionRecord",
    "list(messages)": "builtins:list",
}


def not_to_be_set(kind: type, name: str, value: object) -> str:
    """Why an attribute of a server is none that can be set; ``""`` where it can be."""
    if name in FIELDS:
        return (
            f"{name} is an option, and no attribute to set: give it to the marker "
            f"@pytest.mark.smtp_server({name}={value!r}), to smtp_server_factory or "
            "to SMTPServer"
        )
    if name.startswith("_") or hasattr(kind, name):
        return ""
    public = [one for one in dir(kind) if not one.startswith("_")]
    hint = suggestion(name, WORDS, public, VERY_SIMILAR)
    return f"a server has no attribute {name!r} to set{hint}"


_AUTH_ON = "users={'name': 'password'} or auth_required=True"
#: Options that do nothing without another one.
_NEEDS: Mapping[str, tuple[Callable[[Options], bool], str]] = {
    **dict.fromkeys(
        ("certificate", "sni_certificates", "client_certificate", "tls_versions"),
        (lambda options: options.tls is not None, "tls='starttls' or tls='implicit'"),
    ),
    "client_ca": (
        lambda options: options.client_certificate != "ignore",
        "client_certificate='optional' or 'required'",
    ),
    **dict.fromkeys(
        ("auth_mechanisms", "allow_insecure_auth"),
        (lambda options: options.auth, _AUTH_ON),
    ),
    "enforce_message_size": (
        lambda options: options.max_message_size is not None,
        "max_message_size=",
    ),
}


def check_options(given: Mapping[str, Any]) -> Options:
    """Check the options of a server, and bring them into one form.

    Raises:
        TypeError: there is no such option, or its value is of the wrong type.
        ValueError: the value is not allowed, or not together with another.
    """
    options = Options(**_checked(given))
    options = _with_starttls_hidden(options)
    changed = options.changed()
    for name, (has_effect, needed) in _NEEDS.items():
        if name in changed and not has_effect(options):
            raise ValueError(
                f"option {name}: {changed[name]!r} has no effect without {needed}"
            )
    _check_hidden(options)
    if options.path is not None and options.port:
        raise ValueError(
            "option path: a Unix socket has no port; leave out one of them"
        )
    if options.users == "any" and "SCRAM-SHA-256" in options.auth_mechanisms:
        raise ValueError(
            "option users: 'any' is not allowed with SCRAM-SHA-256, where the server "
            "has to prove that it knows the password; give a mapping, or leave that "
            "mechanism out"
        )
    return options


def _check_hidden(options: Options) -> None:
    """Refuse to hide, or to disable, what is not there to begin with."""
    keywords = (*KNOWN_EXTENSIONS, "STARTTLS", "AUTH", "XCLIENT", "XFORWARD")
    advertised = [line.upper().partition(" ")[0] for line in options.advertise]
    verbs = (*sorted(VERBS), *advertised)
    for name, noun, given, known in (
        ("hide", "EHLO keyword", options.hide, keywords),
        ("disabled_commands", "command", options.disabled_commands, verbs),
    ):
        for word in given:
            if word not in known:
                raise ValueError(f"option {name}: {unknown_name(noun, word, known)}")
    if "AUTH" in options.hide and not options.auth:
        raise ValueError(f"option hide: 'AUTH' has no effect without {_AUTH_ON}")


def _with_starttls_hidden(options: Options) -> Options:
    """What ``hide_starttls`` implies, where it can be."""
    if not options.hide_starttls and "STARTTLS" not in options.hide:
        if options.require_tls and options.tls is None:
            raise ValueError(
                "option require_tls: TLS is off; give tls='starttls' or tls='implicit' "
                "too"
            )
        return options
    if options.require_tls:
        raise ValueError(
            "option hide_starttls: a server that hides STARTTLS cannot require TLS; "
            "leave out require_tls, or hide_starttls"
        )
    if options.tls == "implicit":
        raise ValueError(
            "option hide_starttls: there is no STARTTLS to hide with tls='implicit'"
        )
    hidden = (*(k for k in options.hide if k != "STARTTLS"), "STARTTLS")
    return options.replaced(tls="starttls", hide=hidden, hide_starttls=True)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in FIELDS:
            raise TypeError(unknown_name("option", name, FIELDS, OPTIONS, VERY_SIMILAR))
    return {name: FIELDS[name].check(name, value) for name, value in given.items()}
