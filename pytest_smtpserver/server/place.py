"""Where a server is, and whom a client has to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .io import listening
from .tls.certificates import AUTHORITIES

if TYPE_CHECKING:
    import ssl

    from .options.options import Options
    from .tls.certificates import Authority


class Place:
    """The part of `SMTPServer` that tells a client how to reach it."""

    _options: Options
    _port: int | None

    @property
    def host(self) -> str:
        """The address where a client on this machine connects; never a name."""
        return listening.reachable_host(self._options.host)

    @property
    def port(self) -> int:
        """The port; 0 for a Unix socket.

        Raises:
            RuntimeError: the server was never started, so that there is none.
        """
        if self._port is None:
            raise RuntimeError(
                "this server has no port before it is started: use "
                "'with SMTPServer(...) as server:' or server.start()"
            )
        return self._port

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, for `socket.create_connection`."""
        return self.host, self.port

    @property
    def path(self) -> str | None:
        """The path of the Unix socket, when it listens on one."""
        return self._options.path

    @property
    def hostname(self) -> str:
        """The name in the greeting and in EHLO."""
        return self._options.hostname

    @property
    def url(self) -> str:
        """``smtp://127.0.0.1:49152``; ``smtps:`` for implicit TLS, ``lmtp:``."""
        options = self._options
        scheme = "smtps" if options.tls == "implicit" else "smtp"
        if options.lmtp:
            scheme = "lmtp"
        if options.path is not None:
            return f"{scheme}://{options.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What a child process needs to know, to be merged into its environment.

        ``SMTP_HOST``, ``SMTP_PORT``, ``SMTP_URL``, and ``SSL_CERT_FILE`` where TLS is
        on. A new dict each time.
        """
        env = {
            "SMTP_HOST": self.host,
            "SMTP_PORT": str(self.port),
            "SMTP_URL": self.url,
        }
        if self._options.tls is not None:
            env["SSL_CERT_FILE"] = self.ca_file
        return env

    @property
    def ca_file(self) -> str:
        """Path of a PEM file with the certificate of the CA; there until the run ends."""
        return self._authority().file

    def client_context(self) -> ssl.SSLContext:
        """A TLS context that trusts the CA of this server, verification on."""
        return self._authority().client_context()

    def _authority(self) -> Authority:
        return AUTHORITIES.authority(self._options.ca)
