"""Settings for applications, so that their mail comes to this server."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """What an application has to know of a server.

    Attributes:
        host: an address.
        port: a number.
        path: of a Unix socket; then there is no port.
        tls: None, ``"starttls"`` or ``"implicit"``.
        user: who may log in; ``""`` where nobody has to.
        env: variables, as `SMTPServer.env` gives them.
    """

    host: str
    port: int
    path: str | None
    tls: str | None
    user: str
    env: dict[str, str]


def settings(place: Place) -> list[tuple[str, list[str]]]:
    """Names of frameworks, and the lines for their settings."""
    environment = [f"{name}={value}" for name, value in place.env.items()]
    if place.path is not None:
        return [("Environment", environment)]
    return [
        ("Django", _settings(place, "EMAIL", "HOST", "HOST_USER", "HOST_PASSWORD")),
        ("Flask-Mail", _settings(place, "MAIL", "SERVER", "USERNAME", "PASSWORD")),
        ("FastAPI-Mail", _fastapi(place)),
        ("Environment", environment),
    ]


def _settings(
    place: Place, prefix: str, host: str, user: str, password: str
) -> list[str]:
    """The lines for Django, and for Flask-Mail, which calls a few of them otherwise."""
    lines = [f'{prefix}_{host} = "{place.host}"', f"{prefix}_PORT = {place.port}"]
    if place.tls is not None:
        kind = "TLS" if place.tls == "starttls" else "SSL"
        lines.append(f"{prefix}_USE_{kind} = True")
    if place.user:
        lines.append(f'{prefix}_{user} = "{place.user}"')
        lines.append(f'{prefix}_{password} = "..."')
    return lines


def _fastapi(place: Place) -> list[str]:
    return [
        f'MAIL_SERVER = "{place.host}"',
        f"MAIL_PORT = {place.port}",
        f"MAIL_STARTTLS = {place.tls == 'starttls'}",
        f"MAIL_SSL_TLS = {place.tls == 'implicit'}",
        f"USE_CREDENTIALS = {bool(place.user)}",
        f'MAIL_USERNAME = "{place.user}"',
        'MAIL_PASSWORD = "..."' if place.user else 'MAIL_PASSWORD = ""',
    ]
