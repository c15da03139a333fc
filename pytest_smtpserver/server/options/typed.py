"""The options of a server as type checkers know them; a run of tests loads none of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    import logging
    import os
    import ssl
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    import trustme

    from pytest_smtpserver.script.event import Event

    from .checks import CertificateKind

    PathLike: TypeAlias = str | os.PathLike[str]
    Certificate: TypeAlias = (
        CertificateKind
        | trustme.LeafCert
        | PathLike
        | tuple[PathLike, PathLike]
        | ssl.SSLContext
    )


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
    users: Mapping[str, str] | Literal["any"] | None
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
    fail_on: Iterable[str]
    logger: logging.Logger | None
