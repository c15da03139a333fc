"""What SECURITY.md promises about the machine: whom it talks to, what it leaves on disk."""

from __future__ import annotations

import json
import os
import socket
import ssl
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

#: A process that serves one client over TLS, then starts a server for each certificate.
#: What Python does outside of itself is told in audit events (PEP 578).
SERVES = """
import json, os, sys, tempfile

told = []

def hook(name, arguments):
    if name.startswith("socket."):
        told.append([name, *map(str, arguments[1:])])
    elif name in ("os.remove", "os.rmdir") and os.path.isfile(path := arguments[0]):
        with open(path) as file:
            key = "PRIVATE KEY" in file.read()
        told.append([name, path, os.stat(path).st_mode, key])
    elif name == "open" and isinstance(arguments[0], str):
        flags = arguments[2] or 0
        if flags & (os.O_WRONLY | os.O_RDWR) and not flags & os.O_DIRECTORY:
            told.append([name, arguments[0]])
    elif name == "os.mkdir":
        told.append([name, *arguments[:2]])
    elif name in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
        told.append([name])

sys.dont_write_bytecode = True
sys.addaudithook(hook)
from pytest_smtpserver import SMTPServer

def keys():
    for folder, _, names in os.walk(tempfile.gettempdir()):
        for name in names:
            with open(os.path.join(folder, name)) as file:
                if "PRIVATE KEY" in file.read():
                    told.append(["left", name])

with SMTPServer(tls="starttls", users={"ada": "lovelace"}, client_certificate="optional") as server:
    print(json.dumps([server.port, server.ca_file]), flush=True)
    server.wait_for_message(timeout=30)
    server.settle()
    keys()
for kind in ("expired", "not_yet_valid", "self_signed", "untrusted", "wrong_host"):
    with SMTPServer(tls="implicit", certificate=kind):
        keys()
keys()
print(json.dumps(told))
"""


@pytest.fixture
def told(tmp_path: Path) -> list[list[Any]]:
    """The events of such a process; its client is this one."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVES],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            port, ca_file = json.loads(process.stdout.readline())
            _send(port, ca_file)
            events: list[list[Any]] = json.loads(process.stdout.readline())
            code = process.wait(30)
        finally:
            process.kill()
    assert code == 0
    assert list(tmp_path.iterdir()) == []
    return events


def _send(port: int, ca_file: str) -> None:
    context = ssl.create_default_context(cafile=ca_file)
    plain = socket.create_connection(("127.0.0.1", port), 30)
    stream = plain.makefile("rwb")
    for line in (b"EHLO mail.example.org", b"STARTTLS"):
        stream.write(line + b"\r\n")
        stream.flush()
        while b"220 2.0.0" not in (answer := stream.readline()):
            if answer[:4] == b"250 ":
                break
    with context.wrap_socket(plain, server_hostname="localhost") as secured:
        secured.sendall(
            b"EHLO mail.example.org\r\nAUTH PLAIN AGFkYQBsb3ZlbGFjZQ==\r\n"
            b"MAIL FROM:<ada@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n"
            b"Subject: hi\r\n\r\nhttps://example.org/\r\n.\r\nQUIT\r\n"
        )
        while secured.recv(65536):
            pass


def test_it_talks_to_nobody_and_keeps_no_keys(told: list[list[Any]]) -> None:
    """Loopback alone, no connection and no look-up of its own, no key left on disk."""
    bound = {event[1] for event in told if event[0] == "socket.bind"}
    assert bound == {"('127.0.0.1', 0)"}
    others = {event[0] for event in told if event[0].startswith("socket.")}
    assert others <= {"socket.bind", "socket.__new__"}
    names = {event[0] for event in told}
    assert not names & {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
    assert "left" not in names
    removed = [event for event in told if event[0] == "os.remove"]
    keys = [mode for _, _, mode, key in removed if key]
    # That of the self-signed one is in a folder of its own.
    assert len(keys) == 5
    assert {stat.S_IMODE(mode) for mode in keys} == {0o600}
    assert [event[2] for event in told if event[0] == "os.mkdir"] == [0o700]


def test_a_ca_is_of_one_process() -> None:
    """Two processes have two, so nobody can use what another run has trusted."""
    code = (
        "from pytest_smtpserver import SMTPServer\n"
        "with SMTPServer(tls='starttls') as server: print(open(server.ca_file).read())"
    )
    certificates = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(certificates) == 2
    assert all("BEGIN CERTIFICATE" in one for one in certificates)
    assert not any("PRIVATE" in one for one in certificates)
