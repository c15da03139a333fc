"""The options of a server, their defaults, and what the engine gets to know of them."""

from __future__ import annotations

import dataclasses
import logging
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from pytest_smtpserver.protocol.state.settings import DEFAULT_EXTENSIONS, Settings

if TYPE_CHECKING:
    import os
    import ssl
    from collections.abc import Callable, Iterable, Mapping

    import trustme

    from pytest_smtpserver.script.event import Event

CertificateKind: TypeAlias = Literal[
    "valid", "expired", "not_yet_valid", "wrong_host", "self_signed", "untrusted"
]
CERTIFICATE_KINDS = (
    "valid",
    "expired",
    "not_yet_valid",
    "wrong_host",
    "self_signed",
    "untrusted",
)
PathLike: TypeAlias = "str | os.PathLike[str]"
Certificate: TypeAlias = (
    "CertificateKind | trustme.LeafCert | PathLike | tuple[PathLike, PathLike]"
    " | ssl.SSLContext"
)

_LOGGER = logging.getLogger("pytest_smtpserver")


class ServerOptions(TypedDict, total=False):
    """Every option of `SMTPServer`, for type checkers. The README has their meanings."""

    host: str
    port: int
    path: PathLike | None
    backlog: int
    hostname: str
    banner: str
    tls: Literal["starttls", "implicit"] | None
    hide_starttls: bool
    require_tls: bool
    ca: trustme.CA | None
    certificate: Certificate
    sni_certificates: Mapping[str, Certificate]
    client_certificate: Literal["ignore", "optional", "required"]
    client_ca: PathLike | trustme.CA | None
    tls_versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None
    users: Mapping[str, str] | None
    auth_mechanisms: Iterable[str]
    auth_required: bool
    allow_insecure_auth: bool
    max_message_size: int | None
    enforce_message_size: bool
    extensions: Iterable[str]
    hide: Iterable[str]
    advertise: Iterable[str]
    disabled_commands: Iterable[str]
    lenient_addresses: bool
    lenient_parameters: bool
    max_connections: int | None
    max_recipients: int | None
    max_messages: int | None
    idle_timeout: float
    close_timeout: float
    greeting_delay: float
    max_command_length: int
    max_unrecognized_commands: int | None
    max_unauthenticated_commands: int | None
    lmtp: bool
    proxy_protocol: bool
    xclient: bool
    xforward: bool
    resolve_client_hostname: bool | Callable[[str], str]
    handlers: Mapping[str, Callable[[Event], Any]]
    strict: bool
    logger: logging.Logger | None


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one server, checked. Fields are those of `ServerOptions`."""

    host: str = "127.0.0.1"
    port: int = 0
    path: str | None = None
    backlog: int = 128
    hostname: str = "localhost"
    banner: str = ""
    tls: Literal["starttls", "implicit"] | None = None
    hide_starttls: bool = False
    require_tls: bool = False
    ca: Any = None
    certificate: Any = "valid"
    sni_certificates: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    client_certificate: str = "ignore"
    client_ca: Any = None
    tls_versions: tuple[ssl.TLSVersion, ssl.TLSVersion] | None = None
    users: Mapping[str, str] | None = None
    auth_mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN")
    auth_required: bool = False
    allow_insecure_auth: bool = False
    max_message_size: int | None = None
    enforce_message_size: bool = True
    extensions: tuple[str, ...] = DEFAULT_EXTENSIONS
    hide: tuple[str, ...] = ()
    advertise: tuple[str, ...] = ()
    disabled_commands: tuple[str, ...] = ()
    lenient_addresses: bool = False
    lenient_parameters: bool = False
    max_connections: int | None = None
    max_recipients: int | None = None
    max_messages: int | None = None
    idle_timeout: float = 60.0
    close_timeout: float = 1.0
    greeting_delay: float = 0.0
    max_command_length: int = 16384
    max_unrecognized_commands: int | None = None
    max_unauthenticated_commands: int | None = None
    lmtp: bool = False
    proxy_protocol: bool = False
    xclient: bool = False
    xforward: bool = False
    resolve_client_hostname: bool | Callable[[str], str] = False
    handlers: Mapping[str, Callable[[Event], Any]] = dataclasses.field(
        default_factory=dict
    )
    strict: bool = False
    logger: logging.Logger | None = _LOGGER

    @property
    def auth(self) -> bool:
        """AUTH is on."""
        return self.users is not None or self.auth_required

    @property
    def resolver(self) -> Callable[[str], str] | None:
        """Finds the name of a client's address; raises `OSError` where it has none."""
        if self.resolve_client_hostname is True:
            return _reverse_lookup
        return self.resolve_client_hostname or None

    @property
    def starttls_hidden(self) -> bool:
        """STARTTLS works, but EHLO does not say so."""
        return "STARTTLS" in self.hide

    def changed(self) -> dict[str, object]:
        """The options that are not as they are by default, without their secrets."""
        changed: dict[str, object] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            default = (
                field.default_factory()
                if field.default_factory is not dataclasses.MISSING
                else field.default
            )
            if value != default and field.name not in ("ca", "logger"):
                changed[field.name] = value
        if self.users is not None:
            changed["users"] = dict.fromkeys(self.users, "********")
        if self.handlers:
            changed["handlers"] = list(self.handlers)
        return changed

    def settings(self) -> Settings:
        """What the engine gets to know."""
        names = {field.name for field in dataclasses.fields(Settings)}
        shared = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name in names
        }
        for name in ("extensions", "hide", "disabled_commands"):
            shared[name] = frozenset(shared[name])
        return Settings(**shared, auth=self.auth)


def _reverse_lookup(address: str) -> str:
    """Ask DNS, or whatever else this machine asks."""
    return socket.gethostbyaddr(address)[0]
