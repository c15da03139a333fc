"""What the engine is told about the server that it speaks for."""

from __future__ import annotations

from functools import cached_property
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    dataclass_transform,
)

from pytest_smtpserver.protocol.syntax.parameters import ParameterRules
from pytest_smtpserver.protocol.syntax.replies import Reply

from .states import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What Postfix offers out of the box, and so what clients meet.
DEFAULT_EXTENSIONS = (
    "PIPELINING",
    "SIZE",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "DSN",
    "CHUNKING",
)
#: Every mechanism of AUTH that the engine knows; `sasl` has them.
KNOWN_MECHANISMS = (
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-256",
    "EXTERNAL",
    "ANONYMOUS",
)
#: Every extension that the engine knows, in the order in which EHLO lists them.
KNOWN_EXTENSIONS = (
    "PIPELINING",
    "SIZE",
    "ETRN",
    "ENHANCEDSTATUSCODES",
    "8BITMIME",
    "DSN",
    "SMTPUTF8",
    "CHUNKING",
    "BINARYMIME",
    "REQUIRETLS",
    "DELIVERBY",
    "FUTURERELEASE",
    "MT-PRIORITY",
    "LIMITS",
)


class Field(NamedTuple):
    """A value of `Values` that has a check beside its default."""

    default: Any
    check: Callable[[str, Any], Any]


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Values:
    """Values with names and defaults, which never change: a frozen dataclass.

    `dataclasses` writes and compiles the source of each class that it makes. For the
    two classes here, with 77 fields, that took 5 ms of the first mail of a run.
    """

    #: The defaults, by name.
    defaults: ClassVar[Mapping[str, Any]]

    def __init_subclass__(cls) -> None:
        """Find the fields."""
        given = {name: vars(cls)[name] for name in cls.__annotations__}
        cls.defaults = {
            name: value.default if isinstance(value, Field) else value
            for name, value in given.items()
        }

    def __init__(self, **given: Any) -> None:
        if unknown := given.keys() - self.defaults.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        for name, value in {**self.defaults, **given}.items():
            object.__setattr__(self, name, value)

    def replaced(self, **given: Any) -> Self:
        """The same with other values for some."""
        old = {name: getattr(self, name) for name in self.defaults}
        return type(self)(**{**old, **given})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} cannot be set: the values stay as they are")


class Settings(Values):
    """The engine's side of the options: names and meanings are those of `SMTPServer`.

    Sizes are in octets. Keywords and verbs are upper-case.
    """

    hostname: str = "localhost"
    banner: str = ""
    tls: Literal["starttls", "implicit"] | None = None
    require_tls: bool = False
    extensions: frozenset[str] = frozenset(DEFAULT_EXTENSIONS)
    hide: frozenset[str] = frozenset()
    advertise: tuple[str, ...] = ()
    auth: bool = False
    users: Mapping[str, str] | None = None
    any_user: bool = False
    auth_mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    auth_required: bool = False
    allow_insecure_auth: bool = False
    max_message_size: int | None = None
    enforce_message_size: bool = True
    disabled_commands: frozenset[str] = frozenset()
    lenient_addresses: bool = False
    lenient_parameters: bool = False
    max_recipients: int | None = None
    max_messages: int | None = None
    max_command_length: int = 16384
    max_unrecognized_commands: int | None = None
    max_unauthenticated_commands: int | None = None
    lmtp: bool = False
    proxy_protocol: bool = False
    xclient: bool = False
    xforward: bool = False

    @cached_property
    def enhanced_codes(self) -> bool:
        """Replies carry enhanced status codes (RFC 2034)."""
        return "ENHANCEDSTATUSCODES" in self.extensions

    @cached_property
    def kept_octets(self) -> int | None:
        """Of the content of a message; what comes behind them is counted and dropped."""
        return self.max_message_size if self.enforce_message_size else None

    @cached_property
    def lenient(self) -> bool:
        """Something is taken that the grammar does not allow."""
        return self.lenient_addresses or self.lenient_parameters

    @cached_property
    def verbs(self) -> frozenset[str]:
        """The commands that exist on this server."""
        exist = {
            "EHLO": not self.lmtp,
            "HELO": not self.lmtp,
            "LHLO": self.lmtp,
            "AUTH": self.auth,
            "BDAT": "CHUNKING" in self.extensions,
            "ETRN": "ETRN" in self.extensions,
            "XCLIENT": self.xclient,
            "XFORWARD": self.xforward,
        }
        return frozenset(verb for verb in VERBS if exist.get(verb, True))

    @cached_property
    def greeting(self) -> Reply:
        """The 220 of a session that begins."""
        # RFC 5321 §4.2: the host name comes first; RFC 2033 §4.1 for LMTP.
        text = f"{self.hostname} {'LMTP' if self.lmtp else 'ESMTP'}"
        return Reply(220, f"{text} {self.banner}" if self.banner else text)

    @cached_property
    def helo_reply(self) -> Reply:
        """The 250 to HELO (RFC 5321 §4.1.1.1)."""
        return Reply(250, self.hostname)

    @cached_property
    def ehlo_replies(self) -> dict[object, Reply]:
        """What EHLO was answered, by the situation that it depends on."""
        return {}

    @cached_property
    def parameter_rules(self) -> ParameterRules:
        """Which parameters MAIL and RCPT take."""
        extensions = self.extensions | {"AUTH"} if self.auth else self.extensions
        added = frozenset(
            line.split(None, 1)[0].upper() for line in self.advertise if line.strip()
        )
        return ParameterRules(
            extensions=extensions,
            extra_keywords=added,
            lenient=self.lenient_parameters,
            lmtp=self.lmtp,
        )
