"""What to put into the settings of an application, so that its mail comes here."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """Where a server is, as an application needs to know it.

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
        ("Django", _django(place)),
        ("Flask-Mail", _flask(place)),
        ("FastAPI-Mail", _fastapi(place)),
        ("Environment", environment),
    ]


def _django(place: Place) -> list[str]:
    lines = [f'EMAIL_HOST = "{place.host}"', f"EMAIL_PORT = {place.port}"]
    if place.tls is not None:
        name = "EMAIL_USE_TLS" if place.tls == "starttls" else "EMAIL_USE_SSL"
        lines.append(f"{name} = True")
    if place.user:
        lines += [f'EMAIL_HOST_USER = "{place.user}"', 'EMAIL_HOST_PASSWORD = "..."']
    return lines


def _flask(place: Place) -> list[str]:
    lines = [f'MAIL_SERVER = "{place.host}"', f"MAIL_PORT = {place.port}"]
    if place.tls is not None:
        name = "MAIL_USE_TLS" if place.tls == "starttls" else "MAIL_USE_SSL"
        lines.append(f"{name} = True")
    if place.user:
        lines += [f'MAIL_USERNAME = "{place.user}"', 'MAIL_PASSWORD = "..."']
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
