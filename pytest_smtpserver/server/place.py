"""Where a server is, and whom a client has to trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .io import listening
from .tls.authorities import AUTHORITIES

if TYPE_CHECKING:
    import socket
    from typing import Any

    from .context import ServerContext
    from .options.options import Options
    from .tls.certificates import Authority
_FIXED = ("host", "port", "path", "backlog")


class Place:
    """The address of one server, its port, its authority."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._port: int | None = None
        self._port_before: int | None = None

    @property
    def is_known(self) -> bool:
        """The server was started at least once, and so has a port."""
        return self._port is not None

    @property
    def host(self) -> str:
        """The address where a client on this machine connects."""
        host = self._context.options.host
        return listening.REACHABLE.get(host, host)

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
    def url(self) -> str:
        """Scheme, host and port; or scheme and path."""
        options = self._context.options
        scheme = "smtps" if options.tls == "implicit" else "smtp"
        if options.lmtp:
            scheme = "lmtp"
        if options.path is not None:
            # Abstract sockets are written with an @, as ss(8) does.
            return f"{scheme}://{options.path.replace(chr(0), '@')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that tell a child process of the server."""
        env = {
            "SMTP_HOST": self.host,
            "SMTP_PORT": str(self.port),
            "SMTP_URL": self.url,
        }
        if self._context.options.tls is not None:
            env["SSL_CERT_FILE"] = self.authority.file
        return env

    @property
    def authority(self) -> Authority:
        """The CA that the certificates are from."""
        return AUTHORITIES.authority(self._context.options.ca)

    @property
    def fixed(self) -> dict[str, Any]:
        """The options that cannot change while the server lives."""
        return {name: getattr(self._context.options, name) for name in _FIXED}

    def check_stays(self, options: Options) -> None:
        """Complain where these options want the server elsewhere.

        Raises:
            ValueError: host, port, path or backlog differ from those it has.
        """
        for name, now in self.fixed.items():
            wanted = getattr(options, name)
            if now != wanted and not (name == "port" and wanted == self._port):
                raise ValueError(
                    f"option {name}: {wanted!r} is not allowed: this server lives "
                    f"longer than the test, and stays with {now!r}"
                )

    def use(self, options: Options) -> None:
        """Go by these options from the next connection on.

        Raises:
            ValueError: a PEM file in the options is none that OpenSSL can read.
        """
        tls = options.tls is not None
        self._context.use(options, AUTHORITIES.authority(options.ca) if tls else None)

    def bind(self, given: socket.socket | None) -> socket.socket:
        """A listening socket, maybe the caller's own, at the port that the server had.

        Raises:
            OSError: the port is taken, or the host is not this machine's.
            ValueError: the socket does not listen, or a PEM file cannot be read.
        """
        options = self._context.options
        if given is not None:
            options = listening.take_over(given, options)
        if given is not None or options.tls is not None:
            self.use(options)
        port = options.port if self._port is None else self._port
        listener = given or listening.bind(options, port)
        name = listener.getsockname()  # of a Unix socket its path
        self._port_before = self._port
        self._port = name[1] if isinstance(name, tuple) else 0
        return listener

    def give_up(self, listener: socket.socket) -> None:
        """Hold nothing of a start that has failed, neither the port nor the file."""
        listener.close()
        self._port = self._port_before
        self.leave()

    def leave(self) -> None:
        """Remove the file of a Unix socket that is closed."""
        if self._context.options.path is not None:
            listening.unlink(self._context.options.path)
