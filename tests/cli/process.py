"""The command as a process: through pipes, or through a pseudo-terminal."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "pytest_smtpserver")
#: The command where a module cannot be imported.
WITHOUT = (
    "import sys; sys.modules[{module!r}] = None; "
    "from pytest_smtpserver.cli.command import main; sys.exit(main(sys.argv[1:]))"
)
END = 30
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class Running:
    """A command that has been started."""

    def __init__(self, process: subprocess.Popen[str], told: IO[str]) -> None:
        self.process = process
        self.told = told
        #: All that was read so far.
        self.output = ""
        self.url = self.until(r"(smtps?|lmtp)://\S+")

    def until(self, pattern: str) -> str:
        """Read lines until one has it; what was found."""
        for line in self.told:
            self.output += line
            if found := re.search(pattern, _ESCAPES.sub("", line)):
                return found[0]
        raise AssertionError(f"no {pattern!r} in:\n{self.output}")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def interrupt(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Press Ctrl-C: the exit code, and all that it has written."""
        self.process.send_signal(number)
        # In this order, and not by communicate(): some of it is in a buffer already.
        rest = self.told.read()
        streams = {"stdout": "", "stderr": ""}
        for name in streams:
            stream = getattr(self.process, name)
            whole = stream is self.told
            streams[name] = self.output + rest if whole else stream.read()
        return self.process.wait(END), streams["stdout"], streams["stderr"]


@contextmanager
def running(*arguments: str, stream: str = "stdout") -> Iterator[Running]:
    """The command with pipes; `stream` is where it says where it listens."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        told = getattr(process, stream)
        try:
            yield Running(process, told)
        finally:
            process.kill()


def in_terminal(*command: str) -> tuple[int, str]:
    """Run a command in a pseudo-terminal, give it a mail, and press Ctrl-C in there."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="80")
        os.environ.pop("NO_COLOR", None)
        os.execv(command[0], command)
    output = b""
    sent = stopped = False
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not piece:
            break
        output += piece
        found = re.search(rb"SMTP_PORT=(\d+)\r?\n", output)
        if found and not sent:
            sent = True
            deliver(int(found[1]))
        if sent and not stopped and b"482913" in output:
            stopped = True
            os.write(terminal, b"\x03")
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), output.decode()


def deliver(port: int, *content: bytes, to: str = "ada@example.org") -> None:
    """Send mails on one connection."""
    with smtplib.SMTP("127.0.0.1", port, "client.example.org") as client:
        for one in content or (MAIL,):
            client.sendmail("noreply@example.org", to, one)


def finished(
    *arguments: str, command: tuple[str, ...] = COMMAND
) -> tuple[int, str, str]:
    """Run the command to its end: the exit code, and what it wrote."""
    done = subprocess.run(
        [*command, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=END,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


MAIL = (
    b"From: Shop <noreply@example.org>\r\n"
    b"To: Ada <ada@example.org>\r\n"
    b"Subject: Welcome\r\n"
    b"\r\n"
    b"Confirm: https://example.org/confirm\r\n"
    b"Your code is 482913.\r\n"
)
