"""Start and stop one kind of server again and again; print milliseconds each.

Every kind gets its certificate, its modules and a few turns before the clock
starts: what is measured is what the second and every later test pays.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _contender import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD = ExitStack()
Start = Callable[[], AbstractContextManager[Any]]


def ours(certificate: str | None) -> Start:
    """SMTPServer as a context manager, without uvloop."""
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from pytest_smtpserver import SMTPServer  # noqa: PLC0415

    # one server stays up, and the event loop thread with it, as in a test run
    HELD.enter_context(SMTPServer())
    if certificate:
        # with the certificate of its own CA, as a test gets it
        return lambda: SMTPServer(tls="starttls")
    return SMTPServer


def smtpdfix(certificate: str | None) -> Start:
    """What smtpdfix's fixture enters and leaves."""
    os.environ["SMTPD_HOST"] = "127.0.0.1"
    if certificate:
        os.environ["SMTPD_SSL_CERTIFICATE_FILE"] = certificate
        os.environ["SMTPD_USE_STARTTLS"] = "True"
    from smtpdfix.fixture import SMTPDFix  # noqa: PLC0415

    start: Start = SMTPDFix
    return start


def aiosmtpd(certificate: str | None) -> Start:
    """aiosmtpd's Controller with its sink."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415
    from aiosmtpd.handlers import Sink  # noqa: PLC0415

    @contextmanager
    def start() -> Iterator[Any]:
        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        controller = Controller(
            Sink(),
            hostname="127.0.0.1",
            port=free_port(),
            server_hostname="localhost",
            tls_context=context,
        )
        controller.start()
        yield controller
        controller.stop()

    return start


def localserver(certificate: str | None) -> Start:
    """What pytest-localserver's fixture starts and stops."""
    if certificate:
        raise ImportError("pytest-localserver has no TLS for SMTP")
    from pytest_localserver import smtp  # noqa: PLC0415

    @contextmanager
    def start() -> Iterator[Any]:
        server = smtp.Server(host="127.0.0.1")
        server.start()
        yield server
        server.stop()

    return start


KINDS = {
    "ours": ours,
    "smtpdfix": smtpdfix,
    "aiosmtpd": aiosmtpd,
    "localserver": localserver,
}


def main() -> None:
    """Measure one kind; print a list of milliseconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--certificate")
    parser.add_argument("--turns", type=int, default=100)
    chosen = parser.parse_args()
    try:
        start = KINDS[chosen.kind](chosen.certificate)
    except ImportError as error:
        print(json.dumps({"unavailable": str(error)}))
        return
    times = []
    with HELD:
        for _ in range(chosen.turns + 10):
            begin = time.perf_counter()
            with start():
                pass
            times.append((time.perf_counter() - begin) * 1e3)
    print(json.dumps(times[10:]))


if __name__ == "__main__":
    main()
