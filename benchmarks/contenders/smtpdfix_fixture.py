"""smtpdfix: the server behind its fixture, on an address instead of a name."""

from __future__ import annotations

import os

from _contender import options, serve_until_stdin_ends


def main() -> None:
    """Serve until standard input ends."""
    chosen = options()
    os.environ["SMTPD_HOST"] = "127.0.0.1"
    if chosen.certificate:
        os.environ["SMTPD_SSL_CERTIFICATE_FILE"] = chosen.certificate
        os.environ["SMTPD_USE_STARTTLS"] = "True"
    from smtpdfix.fixture import SMTPDFix  # noqa: PLC0415

    with SMTPDFix() as server:
        serve_until_stdin_ends(server.port, "smtpdfix", "aiosmtpd")


if __name__ == "__main__":
    main()
