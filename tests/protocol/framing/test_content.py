"""Content and buffer: nothing is lost, added or gone over twice."""

from __future__ import annotations

import io
import itertools
import re
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.framing import content as framing
from pytest_smtpserver.protocol.framing.buffer import ReceiveBuffer
from pytest_smtpserver.protocol.framing.content import ContentSink, DataReader

#: Bytes in which line ends and dots come in every order.
_TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n.", b"\x00"]), max_size=40
).map(b"".join)


def stuff(content: bytes) -> bytes:
    """RFC 5321 §4.5.2, the client's side; content ends with CRLF or is empty."""
    return re.sub(rb"(^|\r\n)\.", rb"\1..", content) + b".\r\n"


def read_all(pieces: list[bytes]) -> tuple[bytes, bytes | None]:
    """The content, and what is behind its end, or None while that has not come."""
    reader, content = DataReader(), b""
    for number, piece in enumerate(pieces):
        got, rest = reader.read(piece)
        content += b"".join(got)
        if rest is not None:
            return content, rest + b"".join(pieces[number + 1 :])
    return content, None


@given(content=_TRICKY, behind=_TRICKY, cuts=st.lists(st.integers(0, 300), max_size=9))
def test_stuffed_content_comes_out_as_it_went_in(
    content: bytes, behind: bytes, cuts: list[int]
) -> None:
    """RFC 5321 §4.5.2, however it is cut; what follows is left alone."""
    if content:
        content += b"\r\n"
    wire = stuff(content) + behind
    bounds = itertools.pairwise([0, *sorted(min(cut, len(wire)) for cut in cuts), None])
    assert read_all([wire[start:end] for start, end in bounds]) == (content, behind)


@given(wire=_TRICKY)
def test_the_data_ends_at_crlf_dot_crlf_and_nowhere_else(wire: bytes) -> None:
    """RFC 5321 §4.1.1.4: the first one counts, the CRLF of DATA is part of it."""
    end = (b"\r\n" + wire).find(b"\r\n.\r\n")
    _, rest = read_all([wire])
    assert rest == (None if end < 0 else wire[end + 3 :])


@given(wire=_TRICKY)
def test_bytes_that_drip_are_read_like_bytes_at_once(wire: bytes) -> None:
    """Octet by octet, content and end are the same once the end has come."""
    wire += b"\r\n.\r\n"
    octets = [wire[place : place + 1] for place in range(len(wire))]
    assert read_all(octets) == read_all([wire])


def test_what_is_past_the_limit_is_counted_and_dropped() -> None:
    """The length is the true one, the memory that of the limit."""
    sink = ContentSink(5)
    for piece in (b"abc", b"", b"de", b"f"):
        sink.write(piece)
    assert (sink.length, sink.overflowed, sink.getvalue()) == (6, True, b"abcde")


def test_octets_on_the_wire_are_counted_by_themselves() -> None:
    """RFC 5321 §4.5.2: a dot more than the content has, and the line that ends it."""
    sink = ContentSink()
    assert (sink.octets, sink.length, sink.chunks) == (0, 0, [])
    sink.write(b".a\r\n")
    sink.came(len(b"..a\r\n.\r\n"))
    assert (sink.octets, sink.length) == (8, 4)


class CountingBytes(bytes):
    """Counts the octets that are searched or cut out."""

    touched = 0

    def find(self, *args: object) -> int:
        CountingBytes.touched += len(self)
        return super().find(*args)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1_000, 10_000])
def test_a_line_that_drips_is_searched_once(size: int) -> None:
    """Each octet is looked at once, however slowly the line comes in."""
    buffer = ReceiveBuffer()
    CountingBytes.touched = 0
    for _ in range(size):
        buffer.append(CountingBytes(b"x"))
        assert buffer.take_line() is None
    assert buffer.unfinished_line == size
    buffer.append(CountingBytes(b"\n"))
    assert buffer.take_line() == b"x" * size + b"\n"
    assert CountingBytes.touched == size + 1
    assert not buffer


def test_many_lines_in_one_piece_are_not_copied_over_and_over() -> None:
    """What remains of a piece stays where it is."""
    piece = b"NOOP\r\n" * 1000
    buffer = ReceiveBuffer()
    buffer.append(piece)
    before = sys.getrefcount(piece)
    assert buffer.take_line() == b"NOOP\r\n"
    assert sys.getrefcount(piece) == before, "the piece itself is kept, no copy of it"
    assert len(buffer) == len(piece) - 6


@given(
    pieces=st.lists(st.binary(max_size=8)),
    takes=st.lists(st.sampled_from(["line", "piece", "three", "all"]), max_size=30),
)
def test_nothing_is_lost_in_the_buffer(pieces: list[bytes], takes: list[str]) -> None:
    """Whatever is put in comes out, in order, in whatever form it is taken."""
    buffer, out, left = ReceiveBuffer(), b"", list(pieces)
    for take in takes:
        if left:
            buffer.append(left.pop(0))
        if take == "line":
            out += buffer.take_line() or b""
        elif take == "all":
            out += buffer.take_all()
        else:
            out += buffer.take_piece(3 if take == "three" else None)
    for piece in left:
        buffer.append(piece)
    assert len(buffer) == len(b"".join(pieces)) - len(out)
    assert bool(buffer) == (len(buffer) > 0)
    assert out + buffer.take_all() == b"".join(pieces)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_content_for_which_there_is_no_memory(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """All of it is dropped, at whichever piece, and the rest is counted."""

    class Full(io.BytesIO):
        left = room

        def write(self, data: object) -> int:
            if not self.left:
                raise MemoryError
            self.left -= 1
            return 0

    monkeypatch.setattr(framing, "io", SimpleNamespace(BytesIO=Full))
    sink = ContentSink()
    for number in range(5):
        assert sink.starved == (number > room // 2 + 1)
        assert sink.is_whole != sink.starved
        sink.write(b"12345")
    assert sink.getvalue() == b""
    assert sink.length == 25
