"""Links and codes, as mails have them and as their errors show them."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from pytest_smtpserver.mail.content.html.page import Page
from pytest_smtpserver.mail.content.links import links_in_text

from ..make import html_mail, received, text_mail

TOKEN = "eyJhbGciOiJIUzI1NiJ9." * 8 + "x_-"


def test_code_1_six_digits_in_a_sentence() -> None:
    """README format 1: "Your code is 482913."."""
    assert text_mail("Your code is 482913.").code() == "482913"


def test_code_2_in_the_subject() -> None:
    """README format 2: the code only in the subject."""
    message = text_mail("Someone logs in.", subject="482913 is your Example code")
    assert message.code() == "482913"


def test_code_3_with_a_blank() -> None:
    """README format 3: "482 913", by a pattern."""
    assert text_mail("Enter 482 913 now").code(r"\b\d{3} \d{3}\b") == "482 913"


def test_code_4_with_a_prefix() -> None:
    """README format 4: "G-482913", where the group is the code."""
    assert text_mail("G-482913 is your code").code(r"\bG-(\d{6})\b") == "482913"


def test_code_5_letters_and_digits() -> None:
    """README format 5: "K7QF-2M9X"."""
    message = text_mail("Recovery code: K7QF-2M9X\nIt is valid for a day.")
    assert message.code(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}\b") == "K7QF-2M9X"


def test_code_6_a_digit_in_each_tag() -> None:
    """README format 6: HTML that sets every digit for itself, colours beside them."""
    digits = "".join(f"<span style='color:#{d}{d}3344'>{d}</span>" for d in "482913")
    message = html_mail(f"<style>p {{ color: #112233 }}</style><p>{digits}</p>")
    assert message.code() == "482913"


def test_link_7_a_button_with_entities() -> None:
    """README format 7: a link in HTML, "&amp;" undone, the same link in the text."""
    link = f"https://app.example.org/confirm?user=1&token={TOKEN}"
    message = html_mail(
        f'<a href="{link.replace("&", "&amp;")}">Confirm</a> <img src="/confirm.png">',
        f"Confirm: {link}\n",
    )
    assert message.link("confirm") == link


def test_link_8_a_long_one_at_the_end_of_a_sentence() -> None:
    """README format 8: cut by quoted-printable, a full stop behind it."""
    link = f"https://app.example.org/reset/{TOKEN}"
    made = EmailMessage()
    made["From"] = "a@example.org"
    made.set_content(f"Grüße! Please go to {link}.\n", cte="quoted-printable")
    content = made.as_bytes(policy=SMTP)
    assert link.encode() not in content
    assert received(content).link("/reset/") == link


def test_link_9_in_angle_brackets_over_two_lines() -> None:
    """README format 9: RFC 3986 appendix C, broken to fit the line."""
    message = text_mail("Go to <https://app.example.org/invite/\n   4fJ9-kQ/accept>.")
    assert message.link("invite") == "https://app.example.org/invite/4fJ9-kQ/accept"


def test_link_10_of_an_app() -> None:
    """README format 10: a scheme of one's own, found by a regular expression."""
    message = text_mail("Open (myapp://login#token=4fJ9kQ) or see https://example.org/")
    pattern = re.compile(r"^myapp://.*#token=\w+$")
    assert message.link(pattern) == "myapp://login#token=4fJ9kQ"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.org/x, then", ["https://a.org/x"]),
        ("https://a.org/?q=1&r=2#f", ["https://a.org/?q=1&r=2#f"]),
        ("(https://a.org/wiki/X_(y))", ["https://a.org/wiki/X_(y)"]),
        ("[text](https://a.org/x), and", ["https://a.org/x"]),
        ("*https://a.org/x*", ["https://a.org/x"]),
        ('"https://a.org/x"', ["https://a.org/x"]),
        ("„https://a.org/x“", ["https://a.org/x"]),
        ("<https://a.org/x>", ["https://a.org/x"]),
        ("<URL:https://a.org/x>", ["https://a.org/x"]),
        # RFC 3986 appendix C: only the line break and the blanks around it go.
        ("<https://a.org/X \n\tX/X\n X>", ["https://a.org/XX/XX"]),
        ("<https://a.org/x y>", ["https://a.org/x"]),
        ("https://a.org/token_-=", ["https://a.org/token_-="]),
        ("https://a.org/确认。下一步", ["https://a.org/确认"]),
        ("https://a.org!", ["https://a.org"]),
        # what nobody sees: zero-width blanks, marks of direction, controls
        ("https://a.org/x\u200b y", ["https://a.org/x"]),
        ("\u2068https://a.org/x\u2069", ["https://a.org/x"]),
        ("https://a.org/x\ufeff\x00", ["https://a.org/x"]),
        ("http://[::1]:8025/x", ["http://[::1]:8025/x"]),
        ("HTTPS://A.org/X", ["HTTPS://A.org/X"]),
        ("> https://a.org/quoted\n> text", ["https://a.org/quoted"]),
        ("mailto:a@b.org?subject=x", ["mailto:a@b.org?subject=x"]),
        ("a@b.org, note: text, 10:30, http://", []),
        ("https://a.org/1 https://b.org/2", ["https://a.org/1", "https://b.org/2"]),
    ],
)
def test_links_in_text(text: str, expected: list[str]) -> None:
    """What belongs to the sentence is no part of the link."""
    assert links_in_text(text) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<a href='/confirm'>x</a>", ["/confirm"]),
        ("<A HREF=https://a.org/x>x</A>", ["https://a.org/x"]),
        ('<a href=" https://a.org/\n  x ">x</a>', ["https://a.org/  x"]),
        ('<a href="https://a.org/&nbsp;">x</a>', ["https://a.org/\xa0"]),
        ('<a href="CID:x">x</a>', []),
        ('<a href="#top">x</a><a name="top">y</a>', []),
        ('<a href="https://t.org/1">https://a.org/label</a>', ["https://t.org/1"]),
        ("<p>Copy https://a.org/x</p>", ["https://a.org/x"]),
        ("<p>https://a.org/<wbr>x<b>y</b></p>", ["https://a.org/xy"]),
        ("<td>https://a.org/x</td><td>y</td>", ["https://a.org/x"]),
        ("<p>https://a.org/?a=1&amp;b=2</p>", ["https://a.org/?a=1&b=2"]),
        ('<map><area href="https://a.org/m"></map>', ["https://a.org/m"]),
        (
            '<form action="https://a.org/f"><button formaction="https://a.org/b">',
            ["https://a.org/f", "https://a.org/b"],
        ),
        (
            "<style>@import 'https://a.org/s.css'</style><script>'https://x.y'</script>",
            [],
        ),
        ("<img src='https://a.org/i.png'><link href='https://a.org/s.css'>", []),
        ('<!--[if mso]><a href="https://a.org/mso">x</a><![endif]-->', []),
        (
            '<![if !mso]><a href="https://a.org/1">x</a><![endif]>https://a.org/2',
            ["https://a.org/1", "https://a.org/2"],
        ),
        ('<![foo<a href="https://a.org/1">x</a>', ["https://a.org/1"]),
        (f'&#{"9" * 5000}; <a href="https://a.org/1">x</a>', ["https://a.org/1"]),
        ('<a href="mailto:a@b.org">x</a>', ["mailto:a@b.org"]),
        (
            "<head><title>https://a.org/t</title><body>https://a.org/b",
            ["https://a.org/b"],
        ),
    ],
)
def test_links_in_html(html: str, expected: list[str]) -> None:
    """Attributes that can be followed, and text that is no label of one."""
    found = Page(html).links
    assert found == expected


def test_links_stand_in_order_and_once() -> None:
    """First those of the HTML, then what the text adds."""
    message = html_mail(
        '<p>https://a.org/2 <a href="https://a.org/1">1</a></p>'
        '<p><a href="https://a.org/2">again</a>',
        "https://a.org/3 https://a.org/1",
    )
    expected = ["https://a.org/2", "https://a.org/1", "https://a.org/3"]
    assert message.links == expected


def test_links_in_flowed_text() -> None:
    """RFC 3676 §4.1 and §4.2: soft line breaks are no part of a link."""
    message = received(
        "Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n"
        "Go to https://app.example.org/confirm/ \r\nabc/def \r\n or not\r\n"
    )
    assert message.link("confirm") == "https://app.example.org/confirm/abc/def"


def test_the_only_link_needs_no_pattern() -> None:
    """Without a pattern there must be one link."""
    assert text_mail("https://a.org/x").link() == "https://a.org/x"


def test_no_such_link() -> None:
    """The error has what was expected, what there was, and the nearest."""
    message = html_mail(
        '<a href="https://app.example.org/conform/4fJ9">a</a>'
        '<a href="https://example.org/imprint">b</a>'
    )
    with pytest.raises(AssertionError) as caught:
        message.link("/confirm/")
    assert str(caught.value) == (
        f"no such link in {message!r}\n"
        "  expected: one link that contains '/confirm/'\n"
        "  got:      https://app.example.org/conform/4fJ9\n"
        "            https://example.org/imprint\n"
        "  nearest:  https://app.example.org/conform/4fJ9\n"
        "  (link() takes a str that the link contains (upper and lower case differ), "
        "or a compiled regular expression that is found in it)"
    )


def test_what_has_little_in_common_is_not_the_nearest() -> None:
    """Two letters of seven: no hint is better than one that leads astray."""
    with pytest.raises(AssertionError) as caught:
        text_mail("https://a.example/co").link("confirm")
    assert "nearest" not in str(caught.value)


def test_several_links() -> None:
    """Two links that match are listed."""
    message = text_mail("https://a.org/x/1 https://a.org/x/2 https://a.org/y")
    with pytest.raises(AssertionError) as caught:
        message.link(re.compile(r"/x/\d"))
    assert str(caught.value) == (
        f"2 links where one was expected, in {message!r}\n"
        '  expected: exactly one link that matches re.compile(r"/x/\\d")\n'
        "  got:      https://a.org/x/1\n"
        "            https://a.org/x/2\n"
        "  (give more of the link, or a compiled regular expression; "
        "message.links has them all)"
    )


def test_no_links_at_all() -> None:
    """Then the error shows what the mail says instead."""
    with pytest.raises(AssertionError) as caught:
        text_mail("Sorry,\nno link today.").link("x")
    got = "  got:      no links at all; the text begins 'Sorry, no link today.'"
    assert got in str(caught.value).splitlines()
    with pytest.raises(AssertionError, match="the text begins 'Sorry'"):
        html_mail("<p>Sorry</p>").link("x")
    with pytest.raises(AssertionError, match="no links, and no text"):
        received("Subject: x\r\n\r\n").link("x")


def test_very_many_links_are_not_all_listed() -> None:
    """The error stays readable."""
    links = " ".join(f"https://a.org/{number}" for number in range(200))
    with pytest.raises(AssertionError) as caught:
        text_mail(links).link("a.org")
    assert "… and 170 more" in str(caught.value)
    assert str(caught.value).count("\n") < 40


def test_no_code() -> None:
    """The error has the texts that were searched."""
    message = text_mail("Your code is ABCD.", subject="Code")
    with pytest.raises(AssertionError) as caught:
        message.code()
    assert str(caught.value) == (
        f"no code in {message!r}\n"
        '  expected: one match of r"\\b\\d{4,8}\\b" in the body or subject\n'
        "  got:      'Code'\n"
        "            'Your code is ABCD.'\n"
        "  (code() takes a regular expression; with a group, the group is the code)"
    )


def test_several_codes() -> None:
    """Different codes are listed, each once."""
    message = text_mail("482913 and 482913, or 7777? © 2026")
    with pytest.raises(AssertionError) as caught:
        message.code()
    lines = str(caught.value).splitlines()
    assert lines[0] == f"3 codes where one was expected, in {message!r}"
    assert lines[2:5] == [
        "  got:      482913",
        "            7777",
        "            2026",
    ]


def test_the_same_code_in_text_and_html_is_one() -> None:
    """Alternatives say the same thing."""
    assert html_mail("<b>482913</b>", "Code: 482913").code() == "482913"


def test_digits_in_links_count_where_there_are_no_others() -> None:
    """A number in a link does not hide the code; a code that is only there is found."""
    beside = text_mail("482913 or https://a.org/users/99887766/")
    assert beside.code() == "482913"
    assert text_mail("https://a.org/?code=482913").code(r"code=(\d+)") == "482913"


def test_groups_of_a_code() -> None:
    """Of several groups the first that took part is the code; an empty one is none."""
    message = text_mail("PIN: 4711")
    assert message.code(r"Code: (\d+)|PIN: (\d+)") == "4711"
    assert message.code(re.compile(r"pin: (\d+)", re.IGNORECASE)) == "4711"
    with pytest.raises(AssertionError, match="no code"):
        message.code(r"x*")


@pytest.mark.parametrize("pattern", [None, 5, b"x", re.compile(b"x")])
def test_a_pattern_of_another_type(pattern: object) -> None:
    """A TypeError says what is allowed."""
    message = text_mail("https://a.org/x 4711")
    with pytest.raises(TypeError, match=r"link\(\) takes a str that .* not "):
        message.link(pattern)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"code\(\) takes a regular expression"):
        message.code(pattern)  # type: ignore[arg-type]


def test_a_code_pattern_that_is_no_regular_expression() -> None:
    """A ValueError has the pattern and what is wrong with it."""
    with pytest.raises(ValueError, match=r"'\(\\\\d' is none: missing \)"):
        text_mail("4711").code(r"(\d")


def test_errors_show_nothing_that_a_terminal_obeys() -> None:
    """A link in a href may have any character, and any length."""
    message = html_mail(f"<a href='http://a/\x1b[31m\u202e{'b' * 100_000}'>x</a>")
    with pytest.raises(AssertionError) as raised:
        message.link("confirm")
    assert "http://a/\\x1b[31m\\u202e" in str(raised.value)
    assert max(map(len, str(raised.value).split("\n"))) < 1100
    assert len(repr(text_mail("", subject="s" * 100_000))) < 500


def test_a_base_that_is_too_long_is_left_out_of_account() -> None:
    """Each link would get a copy of it."""
    for length, link in ((400, f"http://a/{'b' * 400}/c"), (600, "c")):
        base = f"<base href='http://a/{'b' * length}/'><base href='http://d/'>"
        message = html_mail(f"{base}<a href=c>x</a>")
        assert message.links == [link]
        long = (
            f"a <base href> of {length + 10} characters, which is left out of account"
        )
        assert (long in " ".join(message.defects)) == (link == "c")
