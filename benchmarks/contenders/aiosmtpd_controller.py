"""aiosmtpd: its Controller, with the lightest handler that keeps the message.

The host name is given, so that no connection looks one up; the size limit is
lifted, or messages of 50 MB would be refused.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from _contender import free_port, options, serve_until_stdin_ends
from aiosmtpd.controller import Controller


class Keep:
    """Keeps what a test would ask for, unparsed."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, list[str], bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        self.kept.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


def main() -> None:
    """Serve until standard input ends."""
    chosen = options()
    loop = None
    if chosen.uvloop:
        import uvloop  # noqa: PLC0415

        loop = uvloop.new_event_loop()
    context = None
    if chosen.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chosen.certificate)
    controller = Controller(
        Keep(),
        hostname="127.0.0.1",
        port=free_port(),
        server_hostname="localhost",
        loop=loop or asyncio.new_event_loop(),
        tls_context=context,
        data_size_limit=None,
    )
    controller.start()
    serve_until_stdin_ends(controller.port, "aiosmtpd")
    controller.stop()


if __name__ == "__main__":
    main()
