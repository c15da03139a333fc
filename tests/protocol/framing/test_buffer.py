"""The buffer of what came: lines and pieces of it, however it was cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.framing.buffer import ReceiveBuffer


def buffer(*pieces: bytes) -> ReceiveBuffer:
    made = ReceiveBuffer()
    for piece in pieces:
        made.append(piece)
    return made


def test_a_line_in_pieces() -> None:
    """RFC 5321 §2.3.8: CRLF ends it; whoever sends LF alone is told later."""
    made = buffer(b"EH", b"LO", b" x\r", b"\nNOOP\nRS")
    assert made.take_line() == b"EHLO x\r\n"
    assert made.take_line() == b"NOOP\n"
    assert made.take_line() is None
    assert made.unfinished_line == 2
    assert len(made) == 2
    assert made
    made.append(b"ET\r\n")
    assert made.take_line() == b"RSET\r\n"
    assert made.unfinished_line == 0
    assert not made
    assert not made
    assert made.take_line() is None


def test_nothing_is_nothing() -> None:
    made = buffer(b"", b"")
    assert not made
    assert len(made) == 0
    assert made.take_piece() == b""
    made.append(b"a")
    made.append(b"")
    assert made
    assert made.take_piece() == b"a"
    assert not made


def test_pieces_as_they_came() -> None:
    made = buffer(b"abc", b"de")
    assert made.take_piece(2) == b"ab"
    assert len(made) == 3
    assert made
    assert made.take_piece(2) == b"c"
    assert made.take_piece() == b"de"
    assert not made


def test_what_is_put_back_comes_first() -> None:
    made = buffer(b"abc", b"de")
    assert made.take_piece() == b"abc"
    made.put_back(b"c")
    assert made.peek() == b"cde"
    assert made.take_piece() == b"c"
    made.put_back(b"")
    assert made
    assert made.take_piece() == b"de"
    made.put_back(b"")
    assert not made


def test_a_line_that_is_not_whole_is_given_out_as_pieces() -> None:
    """Content may begin where a command was looked for."""
    made = buffer(b"a", b"b")
    assert made.take_line() is None
    made.append(b"c\r\n")
    made.append(b"d")
    assert made.peek() == b"abc\r\nd"
    assert [made.take_piece() for _ in range(5)] == [b"a", b"b", b"c\r\n", b"d", b""]


def test_the_rest_behind_an_unfinished_line() -> None:
    made = buffer(b"ab")
    assert made.take_line() is None
    made.append(b"cd\ne")
    assert made.take_piece(1) == b"a"
    assert made.take_piece(1) == b"b"
    assert made.take_line() == b"cd\n"
    assert made.take_line() is None
    assert made.unfinished_line == 1
    assert made.take_all() == b"e"
    assert made.unfinished_line == 0
    assert (bool(made), len(made), made.peek()) == (False, 0, b"")


@given(
    st.lists(st.binary(max_size=4).map(lambda data: data.replace(b"\x00", b"\n"))),
    st.lists(st.sampled_from(["line", "piece", "one", "back", "all"])),
)
def test_no_octet_is_lost_or_moved(pieces: list[bytes], steps: list[str]) -> None:
    """Whatever is taken, in whatever way: what is left is what was not taken."""
    made = buffer(*pieces)
    left = b"".join(pieces)
    for step in steps:
        if step == "line":
            taken = made.take_line() or b""
            assert taken == left[: left.find(b"\n") + 1]
        elif step == "all":
            taken = made.take_all()
        elif step == "back":
            taken = made.take_piece()
            made.put_back(taken[1:])
            taken = taken[:1]
        else:
            taken = made.take_piece(1 if step == "one" else None)
            assert bool(taken) is bool(left)
        assert left.startswith(taken)
        left = left[len(taken) :]
        assert made.peek() == left
        assert len(made) == len(left)
        assert bool(made) is bool(left)
        assert bool(made) is bool(left)
