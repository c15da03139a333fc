"""What the contenders in Python share: options, readiness, the end."""

from __future__ import annotations

import argparse
import resource
import socket
import sys
from importlib.metadata import version


def options() -> argparse.Namespace:
    """Read the options that every contender understands."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate", help="PEM file; offers STARTTLS with it")
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop")
    parser.add_argument("--rules", type=int, default=0, help="ours: so many rules")
    raise_file_limit()
    return parser.parse_args()


def raise_file_limit() -> None:
    """Allow as many open files as the machine lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """A port for peers that cannot bind port 0 and say what they got."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def serve_until_stdin_ends(port: int, *packages: str) -> None:
    """Tell the port and the versions, and wait for the parent to close stdin."""
    print("VERSION", " ".join(f"{name} {version(name)}" for name in packages))
    print("PORT", port, flush=True)
    sys.stdin.read()
