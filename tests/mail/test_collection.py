"""What was recorded, as a sequence that grows."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.collection import Recorded


def recorded(*items: int) -> Recorded[int]:
    made: Recorded[int] = Recorded("number")
    for item in items:
        made.record(item)
    return made


def test_it_is_a_sequence() -> None:
    three = recorded(1, 2, 3)
    assert len(three) == 3
    assert (three[0], three[-1], three[1:]) == (1, 3, [2, 3])
    assert repr(three) == "[1, 2, 3]"
    assert 2 in three
    assert not recorded()


def test_it_is_equal_to_what_has_the_same_items() -> None:
    assert recorded(1, 2) == [1, 2] == list(recorded(1, 2))
    assert recorded(1, 2) == (1, 2)
    assert recorded(1, 2) == recorded(1, 2)
    assert recorded(1) != recorded(2)
    assert recorded(1) != [2]
    assert recorded(1) != {1}
    assert recorded(1).__eq__(1) is NotImplemented


def test_an_iteration_goes_over_what_was_there_when_it_began() -> None:
    growing = recorded(1, 2)
    seen = []
    for item in growing:
        seen.append(item)
        growing.record(item + 10)
    assert seen == [1, 2]
    assert growing == [1, 2, 11, 12]


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(IndexError, match=r"^no number number 2: there are 2$"):
        recorded(1, 2)[2]


def test_it_is_cleared_and_says_so() -> None:
    told: list[str] = []
    made: Recorded[int] = Recorded("number", lambda: told.append("cleared"))
    made.record(1)
    made.clear()
    assert made == []
    assert told == ["cleared"]
    recorded(1).clear()  # and nobody needs to hear of it
