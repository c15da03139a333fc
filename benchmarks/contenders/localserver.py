"""pytest-localserver: its SMTP server, as its fixture starts it."""

from __future__ import annotations

from _contender import options, serve_until_stdin_ends
from pytest_localserver import smtp


def main() -> None:
    """Serve until standard input ends."""
    if options().certificate:
        print("UNAVAILABLE pytest-localserver has no TLS for SMTP", flush=True)
        return
    server = smtp.Server(host="127.0.0.1")
    server.start()
    serve_until_stdin_ends(server.port, "pytest-localserver", "aiosmtpd")
    server.stop()


if __name__ == "__main__":
    main()
