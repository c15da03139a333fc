"""What the report of a failed test says about one of its servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .explain import summary

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .message import ReceivedMessage
    from .session import SessionRecord


def dialogues(
    messages: Iterable[ReceivedMessage], sessions: Iterable[SessionRecord]
) -> str:
    """The messages of a server, a line each, and the transcripts of its sessions."""
    received = list(messages)
    lines = [
        f"message {number}: {summary(message)}"
        for number, message in enumerate(received, 1)
    ] or ["no messages"]
    connections = list(sessions)
    if not connections:
        lines.append("no connections")
    for number, session in enumerate(connections, 1):
        host, port = session.remote_address
        state = "" if session.closed_by is not None else ", still open"
        lines += ["", f"connection {number} from {host}:{port}{state}"]
        lines += session.transcript.lines()
    return "\n".join(lines)
