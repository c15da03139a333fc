"""The peers: what npm's mailparser and postal-mime make of the same octets."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_smtpserver.mail.content.fields.headers import read_block
from pytest_smtpserver.mail.content.fields.mailboxes import read_mailboxes
from tests.clients.tools import (
    CLIENT_TIMEOUT,
    client_environment,
    clients_dir,
    missing_client,
    require_client,
)
from tests.mail.make import received

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_smtpserver.mail.message import ReceivedMessage

SCRIPT = Path(__file__).with_name("peers.js")
PEERS = ("mailparser", "postal-mime")


class Difference(NamedTuple):
    """One attribute that a peer reads in another way."""

    peer: str
    attribute: str
    ours: Any
    theirs: Any


class Peers:
    """One process that reads message after message; to be closed."""

    def __init__(self, home: Path) -> None:
        modules = clients_dir() / "node_modules"
        for peer in PEERS:
            if not (modules / peer / "package.json").exists():
                missing_client(peer)
        self._process = subprocess.Popen(
            [require_client("node"), str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=client_environment(home, NODE_PATH=str(modules)),
            cwd=home,
        )

    def read(self, contents: Sequence[bytes]) -> Iterator[dict[str, dict[str, Any]]]:
        """What each peer makes of each message, in order."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None

        def write() -> None:
            for content in contents:
                line = json.dumps(base64.b64encode(content).decode())
                stdin.write(line.encode() + b"\n")
            stdin.flush()

        writer = threading.Thread(target=write)
        writer.start()
        for _ in contents:
            yield json.loads(stdout.readline())
        writer.join(CLIENT_TIMEOUT)

    def differences(
        self, messages: Mapping[str, bytes]
    ) -> Iterator[tuple[str, Difference]]:
        """Where the peers and we disagree; blank lines and line ends do not count."""
        readings = self.read(list(messages.values()))
        for (name, content), answer in zip(messages.items(), readings, strict=True):
            for difference in _between(_ours(received(content)), answer):
                yield name, difference

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=CLIENT_TIMEOUT)


def _between(
    ours: dict[str, Any], answer: dict[str, dict[str, Any]]
) -> Iterator[Difference]:
    for peer, reading in answer.items():
        if "error" in reading:
            yield Difference(peer, "error", None, reading["error"])
            continue
        for attribute, theirs in _theirs(reading).items():
            pair = ours[attribute], theirs
            if peer == "postal-mime" and attribute == "files":
                # It gives the lines of 7bit and 8bit files ends of its own.
                pair = _lines(pair[0]), _lines(pair[1])
            if pair[0] != pair[1]:
                yield Difference(peer, attribute, *pair)


def _ours(message: ReceivedMessage) -> dict[str, Any]:
    def mailboxes(name: str) -> list[list[str]]:
        return [
            list(mailbox)
            for field, value in read_block(
                message.content, 0, len(message.content)
            ).fields
            if field.lower() == name
            for mailbox in read_mailboxes(value)[0]
        ]

    files = [*message.attachments, *message.inline_images]
    return {
        "subject": message.subject,
        "from": mailboxes("from"),
        "to": mailboxes("to"),
        "cc": mailboxes("cc"),
        "reply_to": mailboxes("reply-to"),
        "message_id": message.message_id,
        "date": message.date.timestamp() if message.date else None,
        "text": _squeezed(message.text),
        "html": _squeezed(message.html),
        "file names": sorted(file.filename for file in files),
        "file types": sorted(file.content_type for file in files),
        "files": sorted(file.content for file in files),
    }


def _theirs(reading: dict[str, Any]) -> dict[str, Any]:
    read = {key: value for key, value in reading.items() if key != "files"}
    for key in ("text", "html"):
        read[key] = _squeezed(read[key])
    names, types, contents = (
        zip(*reading["files"], strict=True) if reading["files"] else ((), (), ())
    )
    read["file names"] = sorted(names)
    read["file types"] = sorted(types)
    read["files"] = sorted(base64.b64decode(content) for content in contents)
    return read


def _squeezed(text: str) -> str:
    """Without empty lines and blanks at line ends: peers join parts each in their way."""
    lines = (line.rstrip() for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join(line for line in lines if line and line != "<br/>")


def _lines(contents: list[bytes]) -> list[bytes]:
    return [content.replace(b"\r\n", b"\n").rstrip(b"\n") for content in contents]
