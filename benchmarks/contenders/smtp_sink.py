"""Postfix's smtp-sink: C, one process, forgets every message."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys


def main() -> None:
    """Start smtp-sink on a free port and wait until it accepts."""
    program = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        print("UNAVAILABLE smtp-sink is missing: apt-get install postfix", flush=True)
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    arguments = ["-4", *user, "-m", "16000", f"127.0.0.1:{port}", "1024"]
    process = subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
            except ConnectionRefusedError:
                continue  # not listening yet; it has no way to say so
            break
        print("PID", process.pid)
        print("PORT", port, flush=True)
        sys.stdin.read()
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
