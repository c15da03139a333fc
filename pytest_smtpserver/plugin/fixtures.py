"""The fixtures. The server is loaded by the first one that a test uses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from .configuration import lives_for_the_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Unpack

    import trustme

    from pytest_smtpserver.server.options.typed import ServerOptions
    from pytest_smtpserver.server.server import SMTPServer
    from pytest_smtpserver.server.tls.authorities import LaterCA


class SMTPServerFactory(Protocol):
    """What the fixture smtp_server_factory is: it starts one more server."""

    def __call__(self, **options: Unpack[ServerOptions]) -> SMTPServer:
        """Start a server with these options; it is stopped with the test."""
        ...


@pytest.fixture(scope="session")
def smtp_server_options() -> Mapping[str, Any]:
    """Options for the SMTP servers of the tests below; override it in a conftest."""
    return {}


@pytest.fixture(scope="session")
def smtp_ca() -> trustme.CA:
    """The CA that signs the certificates of SMTP servers: a trustme.CA."""
    from pytest_smtpserver.server.tls.authorities import AUTHORITIES  # noqa: PLC0415

    return AUTHORITIES.authority(None).ca


@pytest.fixture
def trust_smtp_ca(smtp_ca: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> str:
    """Trust the SMTP CA by SSL_CERT_FILE, in this test and the processes it starts."""
    from pytest_smtpserver.server.tls.authorities import AUTHORITIES  # noqa: PLC0415

    file = AUTHORITIES.authority(smtp_ca).file
    monkeypatch.setenv("SSL_CERT_FILE", file)
    return file


def _ca(request: pytest.FixtureRequest) -> trustme.CA | LaterCA:
    """The CA of the fixture `smtp_ca`, made at the first use of TLS.

    Loading trustme and cryptography takes 90 ms, which runs without TLS are spared.
    """
    from pytest_smtpserver.server.tls.authorities import LaterCA  # noqa: PLC0415

    ca = LaterCA(lambda: request.getfixturevalue("smtp_ca"))
    # cryptography takes no other `datetime` than the one that it has seen first.
    return ca.ask() if "freezegun" in sys.modules else ca


def _options(
    request: pytest.FixtureRequest, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Options for all servers of the test; its markers win over them."""
    __tracebackhide__ = True
    try:
        return {"ca": _ca(request), **given}
    except TypeError:
        raise TypeError(
            "the fixture smtp_server_options returns a mapping of options by name, such "
            f"as {{'tls': 'starttls'}}; got {given!r}"
        ) from None


@pytest.fixture
def smtp_server_factory(
    request: pytest.FixtureRequest, smtp_server_options: Mapping[str, Any]
) -> Iterator[SMTPServerFactory]:
    """Start one more SMTP server, with options of its own; stopped with the test."""
    from .servers import Factory  # noqa: PLC0415

    with Factory(request.node, _options(request, smtp_server_options)) as factory:
        yield factory


@pytest.fixture(scope="session")
def smtp_session_server(
    request: pytest.FixtureRequest, smtp_server_options: Mapping[str, Any]
) -> Iterator[SMTPServer]:
    """A long-lived SMTP server, for an application that starts once for the run."""
    from .servers import naming_the_source, run_of  # noqa: PLC0415

    run = run_of(request.config)
    options = _options(request, smtp_server_options)
    with naming_the_source(request.session, options):
        server = run.session_server(options)
    yield server
    server.stop()
    if not lives_for_the_session(request.config):
        server.check()


@pytest.fixture
def smtp_server(
    request: pytest.FixtureRequest, smtp_server_options: Mapping[str, Any]
) -> Iterator[SMTPServer]:
    """A started SMTP server of this test's own: .host, .port, .messages, .on(...)."""
    from .servers import Factory, renewed  # noqa: PLC0415

    options = _options(request, smtp_server_options)
    if lives_for_the_session(request.config):
        server = request.getfixturevalue("smtp_session_server")
        with renewed(server, request.node, options):
            yield server
        return
    with Factory(request.node, options) as factory:
        yield factory()
