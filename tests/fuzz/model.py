"""A small model of RFC 5321's server, kept apart from the engine.

It knows commands by kind and replies by code, written from the sections that it names
and from nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Model:
    """What a server has to answer, and what it has delivered.

    Attributes:
        greeted: EHLO or HELO was accepted (§4.1.4).
        sender: of the open transaction; None outside of one (§3.3).
        recipients: that were accepted (§4.1.1.3).
        content: that has come since DATA; None while no data is read (§4.1.1.4).
        chunks: content that has come by BDAT; None before the first one (RFC 3030).
        delivered: sender, recipients and content of each message.
        closed: QUIT was answered (§4.1.1.10).
    """

    greeted: bool = False
    sender: str | None = None
    recipients: list[str] = field(default_factory=list)
    content: bytes | None = None
    chunks: bytes | None = None
    delivered: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    closed: bool = False

    def hello(self) -> int:
        """§4.1.4: at any time; it resets as RSET does."""
        self.greeted = True
        self._reset()
        return 250

    def mail(self, sender: str) -> int:
        """§4.1.1.2, §4.1.4: after EHLO, and one transaction at a time."""
        if not self.greeted or self.sender is not None:
            return 503
        self.sender = sender
        return 250

    def rcpt(self, recipient: str) -> int:
        """§4.1.1.3: after MAIL; RFC 3030 §2: not between chunks."""
        if self.sender is None or self.chunks is not None:
            return 503
        self.recipients.append(recipient)
        return 250

    def data(self) -> int:
        """§4.1.1.4: after RCPT; RFC 3030 §2: not after BDAT."""
        if not self.recipients or self.chunks is not None:
            return 503
        self.content = b""
        return 354

    def line_of_content(self, line: bytes) -> None:
        """§4.5.2: a dot at the beginning was doubled by the client."""
        assert self.content is not None
        self.content += line

    def end_of_data(self) -> int:
        """§4.1.1.4: the transaction is over."""
        assert self.content is not None
        self._deliver(self.content)
        return 250

    def bdat(self, octets: bytes, *, last: bool) -> int:
        """RFC 3030 §2: a chunk out of order is swallowed, and refused."""
        if not self.recipients:
            return 503
        self.chunks = (self.chunks or b"") + octets
        if last:
            self._deliver(self.chunks)
        return 250

    def rset(self) -> int:
        """§4.1.1.5: at any time."""
        self._reset()
        return 250

    def noop(self) -> int:
        """§4.1.1.9: at any time, without effect."""
        return 250

    def unknown(self) -> int:
        """§4.2.4: 500, without effect."""
        return 500

    def malformed(self) -> int:
        """§4.3.2: MAIL without a path: 503 where it is out of order, else 501."""
        return 501 if self.greeted and self.sender is None else 503

    def quit(self) -> int:
        """§4.1.1.10: at any time."""
        self.closed = True
        return 221

    def _deliver(self, content: bytes) -> None:
        assert self.sender is not None
        self.delivered.append((self.sender, self.recipients, content))
        self._reset()

    def _reset(self) -> None:
        self.sender, self.recipients = None, []
        self.content = self.chunks = None
