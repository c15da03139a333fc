"""The lines of explanations that runs of pytest do not show one by one."""

from __future__ import annotations

import smtplib
import time

import pytest

from pytest_smtpserver import SMTPServer
from pytest_smtpserver.mail.message import SessionRecord
from pytest_smtpserver.mail.search.comparing import compared
from pytest_smtpserver.mail.search.criteria import Criteria, Difference
from pytest_smtpserver.mail.search.differing import describe
from pytest_smtpserver.mail.search.explain import unwanted, wrong_number
from pytest_smtpserver.mail.search.matching import containing
from pytest_smtpserver.protocol.syntax.addresses import parse_rcpt_argument
from pytest_smtpserver.protocol.syntax.commands import Command
from pytest_smtpserver.protocol.syntax.replies import Reply

from ..make import RECEIVED_AT, received, text_mail


def test_a_function_is_named_by_its_name() -> None:
    """Of ``where=`` nobody knows what it wanted."""

    def is_short(message: object) -> bool:
        return False

    difference = Difference("where", is_short, False)
    assert describe(difference) == ["where: is_short(…) is false for it"]


def test_an_empty_text_is_called_empty() -> None:
    """A message that has only HTML has no text."""
    difference = Difference("text", "Hello", "")
    assert describe(difference) == ["text: wanted 'Hello' in it, it is empty"]


def test_a_text_that_is_nothing_like_it_is_shown() -> None:
    """A few lines of it, or all."""
    difference = Difference("text", "Hello", "\n".join("0123456789abcdef"))
    short = describe(difference)
    assert short[0] == "text: wanted 'Hello' in it, it is"
    assert short[-1] == "    … 4 more lines, -vv shows them"
    assert len(describe(difference, full=True)) == 17


def test_long_values_are_cut_unless_all_is_wanted() -> None:
    """What does not fit ends with an ellipsis."""
    difference = Difference("to", "x" * 300, ["y"])
    assert describe(difference) == [f"to: wanted '{'x' * 199}…, got ['y']"]
    whole = [f"to: wanted '{'x' * 300}', got ['y']"]
    assert describe(difference, full=True) == whole


@pytest.mark.parametrize(
    "criterion", ["mail_from", "rcpt_to", "from_", "to", "cc", "reply_to"]
)
def test_a_display_name_in_front_of_an_address(criterion: str) -> None:
    """Criteria about addresses take none; others mean what they say."""
    named = {criterion: "Ada <lovelace@example.org>"}
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address, local_hostname="app.example.org") as client:
            client.sendmail("a@example.org", ["b@example.org"], "Subject: Hi")
        without = "addresses are compared without display names: "
        with pytest.raises(AssertionError, match=f"{without}'lovelace@example.org'"):
            server.assert_received(**named)  # type: ignore[arg-type]
        with pytest.raises(AssertionError) as failed:
            server.assert_received(subject=named[criterion])
    assert without not in str(failed.value)


def test_many_unwanted_messages_are_counted() -> None:
    """The first five, and how many more."""
    text = unwanted(Criteria({}), [text_mail("x")] * 7)
    assert text.split("\n")[0] == "7 messages were received, none was wanted:"
    assert text.split("\n")[-1] == "  … and 2 more, -vv shows them"


def test_messages_with_the_same_content_are_not_the_same() -> None:
    """It came twice: that is what the test has to hear."""
    lines = compared("==", received("a: b\r\n\r\n"), received("a: b\r\n\r\n"))
    assert lines is not None
    assert lines[-1] == "  Their content is the same, but they came one by one."


def test_lists_with_the_same_messages() -> None:
    """Their order differs, or how often one is in them."""
    one, two = text_mail("1"), text_mail("2")
    assert compared("==", [one, two], [two, one]) == [
        "2 messages == 2 messages",
        "the same messages, in another order or number",
    ]


@pytest.mark.parametrize(
    ("operator", "left", "right"),
    [
        ("==", [1], [2]),
        ("==", [], []),
        ("==", "a", "b"),
        ("!=", text_mail("1"), text_mail("1")),
        ("in", "a", ["b"]),
    ],
)
def test_what_is_not_ours_is_left_alone(
    operator: str, left: object, right: object
) -> None:
    """None lets pytest and other plugins explain."""
    assert compared(operator, left, right) is None


def test_containing_in_a_text_says_what_was_meant() -> None:
    """``in`` of a str looks for a str."""
    assert compared("in", containing("a"), "bcd") == [
        "containing('a') in a str",
        "containing() is compared with ==; for one text say: 'a' in …",
    ]


def test_containing_of_another_type() -> None:
    """Items of collections are as they are."""
    assert compared("==", [1, 2], containing(3)) == [
        "[1, 2] == containing(3)",
        "  3 is not in it",
    ]
    assert compared("in", containing(3), [[1], [2]]) == [
        "containing(3) in a collection of 2",
        "  [1]",
        "  [2]",
    ]


def test_lists_and_lines_of_an_explanation_are_cut() -> None:
    """A thousand refusals, and a subject of a megabyte, would hide all else."""
    one = received(f"Subject: {'s' * 1_000_000}\r\n\r\n")
    session = SessionRecord("1", ("127.0.0.1", 1), ("127.0.0.1", 2), RECEIVED_AT)
    refused = Reply(550, "5.1.1 No such user")
    for number in range(1000):
        command = Command.parse(b"RCPT TO:<u%d@example.org>\r\n" % number)
        command.name(parse_rcpt_argument(command.raw_argument))
        command.answer(refused)
        session.commands.append(command)
    wanted = Criteria({"subject": "Welcome"})
    text = wrong_number(wanted, 100, [one] * 50, [one] * 60, [session])
    lines = text.split("\n")
    assert "  … and 30 more, -vv shows them" in lines
    assert "  … and 980 more, -vv shows them" in lines
    assert len(lines) < 100
    assert max(map(len, lines)) <= 1001
    whole = wrong_number(wanted, 100, [one] * 50, [one] * 60, [session], full=True)
    assert whole.count("was refused") == 1000


def test_many_matches_are_told_from_the_others_in_no_time() -> None:
    """Each is looked for once, and not beside each of the others."""
    many = [received(b"") for _ in range(6000)]
    begin = time.process_time()
    text = wrong_number(Criteria({}), 9000, many, [*many, *many], [])
    assert text.startswith("6000 messages instead of 9000 were received.")
    assert "arrived" not in text
    assert time.process_time() - begin < 0.3
