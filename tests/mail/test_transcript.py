"""The dialogue as people read it."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.transcript import Transcript


def test_every_kind_of_entry_of_a_dialogue_is_escaped() -> None:
    """Commands, replies, content, notes, and the rule beside a reply."""
    transcript = Transcript()
    for kind in ("C", "S", "content", "unfinished"):
        transcript.add(0, kind, "NOOP \u202e\x1b\r\n".encode())
    transcript.add(0, "note", "for \u202e\x1b")
    text = str(transcript)
    assert text.count("\\u202e\\x1b") == 5
    assert "\u202e" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("content", "most", "shown"),
    [
        (b"", 2, []),
        (b"a\r\nb\r\n", 2, ["C: a", "C: b"]),
        (b"a\r\n\r\n", 2, ["C: a", "C:"]),
        (b"a\r\nb", 2, ["C: a", "C: b[no CRLF]"]),
        (b"a\r\nb\r\nc\r\n", 2, ["C: a", "C: b", "C: [1 more line, 3 octets]"]),
        (b"a\r\nb\r\nc\r\nde", 2, ["C: a", "C: b", "C: [2 more lines, 5 octets]"]),
        (b"a\r\nb\r\nc\r\n", None, ["C: a", "C: b", "C: c"]),
    ],
)
def test_content_beyond_some_lines_is_counted(
    content: bytes, most: int | None, shown: list[str]
) -> None:
    """Its lines and octets, and whether its last line has ended."""
    transcript = Transcript()
    transcript.add(0, "content", content)
    lines = transcript.lines(content_lines=most)
    assert [line[9:].rstrip() for line in lines] == shown
