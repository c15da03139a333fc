"""ReceivedMessage: what its attributes say, of sound messages and of any octets."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from dirty_equals import Contains, HasAttributes, IsNow, IsStr
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord

from .letters import LETTERS
from .make import (
    ATTRIBUTES,
    NO_SESSION,
    RECEIVED_AT,
    envelope,
    html_mail,
    received,
    text_mail,
)
from .test_corpus_libraries import stdlib_legacy, stdlib_modern

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def with_header(*lines: str) -> ReceivedMessage:
    return received("\r\n".join([*lines, "", "body", ""]))


def test_what_came_over_the_wire_is_kept_as_it_is() -> None:
    """Content, envelope, session, time and chunks are the very objects that came."""
    content, envelope_ = b"no header\n.\r\r\n\0", envelope()
    message = ReceivedMessage(
        content,
        envelope_,
        NO_SESSION,
        received_at=RECEIVED_AT,
        size_exceeded=True,
        chunks=(3, 9),
    )
    assert message.content is content
    assert message.envelope is envelope_
    assert message.session is NO_SESSION
    assert message.received_at is RECEIVED_AT
    assert message.size_exceeded
    assert message.chunks == (3, 9)
    assert not received(content).size_exceeded
    assert received(content).chunks == ()


def test_messages_are_equal_when_they_are_the_same() -> None:
    """Two messages with the same content are two messages."""
    one, other = received("Subject: x\r\n\r\n"), received("Subject: x\r\n\r\n")
    assert one == one  # noqa: PLR0124 - identity is the point
    assert one != other
    assert len({one, other, one}) == 2


def test_a_message_without_anything() -> None:
    """Every attribute has an answer for no octets at all."""
    message = received(b"")
    texts = (message.subject, message.message_id, message.from_, message.text)
    assert texts == ("", "", "", "")
    assert (message.html, message.text_from_html) == ("", "")
    assert message.to == message.cc == message.reply_to == message.links == []
    assert message.attachments == message.inline_images == []
    assert message.defects == []
    assert message.date is None
    assert len(message.headers) == 0
    assert repr(message) == "<ReceivedMessage from='' to=[] subject='', 0 octets>"


def test_repr_is_short() -> None:
    """The repr has from, to, subject and size."""
    message = with_header("From: A <a@b.org>", "To: c@d.org, e@f.org", "Subject: Hi")
    assert repr(message) == (
        "<ReceivedMessage from='a@b.org' to=['c@d.org', 'e@f.org'] "
        "subject='Hi', 62 octets>"
    )


def test_lists_may_be_changed_by_the_test() -> None:
    """What a test does to a list does not come back with the next access."""
    message = with_header("To: a@b.org", "Cc: c@d.org")
    message.to.clear()
    message.cc.append("x")
    assert (message.to, message.cc) == (["a@b.org"], ["c@d.org"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ada@example.org", ["ada@example.org"]),
        ("<ada@example.org>", ["ada@example.org"]),
        ("Ada Lovelace <ada@example.org>", ["ada@example.org"]),
        ('"Lovelace, Ada" <ada@example.org>, b@c.d', ["ada@example.org", "b@c.d"]),
        ('"Joe \\"Q\\" Public" <joe@example.org>', ["joe@example.org"]),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.org>", ["j@example.org"]),
        ("pete(his account)@silly.test(his host)", ["pete@silly.test"]),
        ("A Group:Ed <ed@a.test>,joe@b.test;", ["ed@a.test", "joe@b.test"]),
        ("undisclosed-recipients:;", []),
        ("a@b.org,\r\n c@d.org", ["a@b.org", "c@d.org"]),
        ("user@[192.0.2.1]", ["user@[192.0.2.1]"]),
        ("Jörg <jörg@müller.example>", ["jörg@müller.example"]),
        ("Love, Ada <a@b.org>", ["a@b.org"]),
        ("", []),
    ],
)
def test_addresses(value: str, expected: list[str]) -> None:
    """Addresses come without names and comments, groups flattened (RFC 5322 §3.4)."""
    assert with_header(f"To: {value}").to == expected
    assert with_header(f"From: {value}").from_ == (expected or [""])[0]


def test_all_fields_of_a_name_count() -> None:
    """RFC 5322 §3.6 allows one To; a message that has two names all."""
    message = with_header("To: a@b.org", "CC: x@y.org", "TO: c@d.org")
    assert message.to == ["a@b.org", "c@d.org"]
    assert message.cc == ["x@y.org"]


def test_headers_are_in_order_repeated_and_in_any_case() -> None:
    """Headers keep names and order as sent; get is case-insensitive."""
    message = with_header(
        "Received: from a", "received: from b", "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?="
    )
    headers = message.headers
    assert headers.items() == [
        ("Received", "from a"),
        ("received", "from b"),
        ("Subject", "Grüße"),
    ]
    assert list(headers) == headers.keys() == ["Received", "received", "Subject"]
    assert headers.values() == ["from a", "from b", "Grüße"]
    assert headers["RECEIVED"] == "from a"
    assert headers.get_all("Received") == ["from a", "from b"]
    assert headers.get_all("X-None") == []
    assert headers.get("X-None") is None
    assert headers.get("X-None", "default") == "default"
    assert "sUBJECT" in headers
    assert "X-None" not in headers
    assert len(headers) == 3
    assert "Grüße" in repr(headers)


def test_a_header_that_is_not_there_names_those_that_are() -> None:
    """A KeyError of headers helps against typing errors."""
    with pytest.raises(KeyError) as caught:
        with_header("From: a@b.org", "Subject: x").headers["Subjct"]
    assert caught.value.args == ("no header 'Subjct'; there are: From, Subject",)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("a\r\n b\r\n\tc", "a b\tc"),
        ("=?iso-8859-1?q?caf=E9?=", "café"),
        ("=?utf-8?b?8J+OiQ==?= =?utf-8?b?8J+amg==?=", "🎉🚚"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é"),
        ("=?ISO-2022-JP?B?GyRCJDMkcxsoQg==?=", "こん"),
        ("=?us-ascii?q?=C3=A9?=", "é"),
        ("raw UTF-8: žluťoučký", "raw UTF-8: žluťoučký"),
        ("=?nothing?q?abc?=", "abc"),
        ("50 % =? off", "50 % =? off"),
    ],
)
def test_subjects(sent: str, expected: str) -> None:
    """Subjects are unfolded and decoded (RFC 5322 §2.2.3, RFC 2047, RFC 6532)."""
    assert with_header(f"Subject: {sent}").subject == expected


def test_a_raw_header_that_is_no_utf8() -> None:
    """Octets of another charset are read, and are a defect."""
    message = received(b"Subject: caf\xe9\r\n\r\n")
    assert message.subject == "café"
    complaint = "has octets that are no UTF-8 (RFC 6532 section 3.2)"
    assert message.defects == [f"Subject: {complaint}; read as windows-1252"]


def test_raw_utf8_headers_reach_the_email_object_as_text() -> None:
    """RFC 6532: names and addresses in UTF-8, without surrogates and without defects."""
    message = received("From: Jörg <jörg@müller.example>\r\nSubject: Grüße\r\n\r\n")
    address = message.email["From"].addresses[0]
    assert (address.display_name, address.addr_spec) == ("Jörg", "jörg@müller.example")
    assert message.email["Subject"] == "Grüße"
    assert message.defects == []


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            "Fri, 21 Nov 1997 09:55:06 -0600",
            datetime(1997, 11, 21, 9, 55, 6, tzinfo=timezone(timedelta(hours=-6))),
        ),
        (
            "Fri, 21 Nov 1997 09:55:06 -0000",
            datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC),
        ),
        ("21 Nov 97 09:55:06 GMT", datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC)),
        ("tomorrow", None),
        ("Fri, 99 Nov 1997 99:55:06 +9999", None),
    ],
)
def test_dates_are_aware(sent: str, expected: datetime | None) -> None:
    """RFC 5322 §3.3 and its obsolete forms; what is no date is None."""
    assert with_header(f"Date: {sent}").date == expected


def test_message_id_is_as_sent() -> None:
    """The Message-ID keeps its brackets, also one that the standard library rejects."""
    assert with_header("Message-ID: <1@a.org>").message_id == "<1@a.org>"
    odd = "<[a].1c69SMTPIN_ADDED_[b]@[c].PROD.OUTLOOK.COM>"
    assert with_header(f"Message-ID: {odd}").message_id == odd


def test_text_from_html_is_for_readers() -> None:
    """HTML is rendered when asked for; text stays empty where none was sent."""
    message = html_mail("<h1>Hi</h1><p>Your code is <b>482913</b>.</p>")
    assert message.text == ""
    assert message.text_from_html.split() == ["Hi", "Your", "code", "is", "482913."]


def test_text_from_html_survives_what_lxml_refuses() -> None:
    """Documents without any element still give an answer."""
    assert html_mail("<!-- nothing -->").text_from_html.strip() == ""
    assert (
        "x" in html_mail('<?xml version="1.0" encoding="x"?><p>x\0</p>').text_from_html
    )


def test_text_from_html_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the error says what to install."""
    monkeypatch.setitem(sys.modules, "inscriptis", None)
    with pytest.raises(ImportError) as caught:
        _ = html_mail("<p>x</p>").text_from_html
    assert str(caught.value) == (
        "message.text_from_html needs inscriptis: pip install 'pytest-smtpserver[html]'"
    )


def test_save_writes_the_octets(tmp_path: Path) -> None:
    """What is saved is what was sent, CRLF and all."""
    message = received(b"Subject: x\r\n\r\nbare\nLF and \xff\r\n")
    path = tmp_path / "message.eml"
    assert message.save(path) == path
    assert message.save(str(path)) == path
    assert path.read_bytes() == message.content


def test_a_message_that_a_test_makes() -> None:
    """Nothing is known of its size on the way, nor of chunks."""
    made = ReceivedMessage(b"", envelope(), NO_SESSION, received_at=RECEIVED_AT)
    assert (made.size_exceeded, made.chunks) == (False, ())


def test_matchers_of_dirty_equals_see_attributes() -> None:
    """Attributes are plain enough for HasAttributes and its like."""
    message = text_mail("code 482913", subject="Your code")
    assert message == HasAttributes(
        subject=IsStr(regex="Your .*"), text=Contains("482913"), html=""
    )
    now = ReceivedMessage(b"", envelope(), NO_SESSION, received_at=datetime.now(UTC))
    assert now.received_at == IsNow(tz=UTC)


def test_the_email_object_can_be_pickled_and_written() -> None:
    """The standard library's object is a normal one."""
    message = received(stdlib_modern(LETTERS[6]))
    again = pickle.loads(pickle.dumps(message.email))
    assert again.as_bytes() == message.email.as_bytes()
    assert [part.get_filename() for part in message.email.iter_attachments()] == [
        file.filename for file in message.attachments
    ]


def test_threads_never_see_half_a_value() -> None:
    """Twenty threads that ask at once all get the whole answer."""
    message = received(stdlib_modern(LETTERS[7]))
    start, answers = threading.Barrier(20), []

    def ask() -> None:
        start.wait(5)
        answers.append(
            (message.subject, message.html, len(message.attachments), message.links)
        )

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(answers) == 20
    assert all(answer == answers[0] for answer in answers)


def test_importing_the_class_loads_no_email_package() -> None:
    """A server whose messages nobody reads does not pay for reading them."""
    code = (
        "import sys; import pytest_smtpserver.mail.message; "
        "print(sorted({'email', 'html.parser', 'inscriptis'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


#: Fields on which the parser of one CPython or another raises.
CRASHERS = (
    "Message-ID: <[anu10].1c69fb81.7aec0@[anu13].OUTLOOK.COM>",
    "Content-Type: text/plain; name*",
    "Content-Type: text/plain; name*0*",
    "Content-Type: text/plain; charset*=x''%",
    "Content-Type: multipart/mixed; boundary*=''",
    'Content-Disposition: attachment; filename*0*="',
    "Content-Transfer-Encoding: ",
    "To: (c):",
    "Cc: (x): a@b.com;",
    'To: "',
    'From: "\\',
    "From: <@",
    "To: .@x",
    "To: a.@x",
    "To: =?utf-8?q?a=0A?= <b@c.d>",
    "Reply-To: " + "(" * 3000,
    "From: " + '"' * 999,
    "Subject: =?ISO-8859-1?Q\t?compl=E9ter=20?=",
    "Subject: =?utf-8?b?=?=",
    "Date: 99999999999999999999999999",
    "Date: Mon, 1 Jan 99999 00:00:00 +0000",
    "MIME-Version: 1.0.0.0 (",
    "Sender: a@b, c@d",
    "To: " + "a <a@b.org>; " * 3000,
)


@pytest.mark.parametrize("line", CRASHERS, ids=lambda line: line[:40])
def test_fields_that_make_parsers_raise(line: str) -> None:
    """Every attribute answers, and the field can be read in the email object too."""
    message = with_header(line, "X-Next: still there")
    assert_answers(message)
    assert message.headers["X-Next"] == "still there"
    assert message.email["X-Next"] == "still there"


def assert_answers(message: ReceivedMessage) -> None:
    for attribute in ATTRIBUTES:
        getattr(message, attribute)
    assert isinstance(repr(message), str)
    normalized = message.normalized()
    assert isinstance(normalized, str)
    assert all(isinstance(value, str) for value in message.headers.values())
    assert all(isinstance(entry, str) and entry for entry in message.defects)
    for name in message.email:
        str(message.email[name])
    for find in (message.link, message.code):
        try:
            find()
        except AssertionError as error:
            assert "expected: " in str(error)  # noqa: PT017 - either way is an answer


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_octets_are_a_message(content: bytes) -> None:
    """Whatever the octets, the attributes answer."""
    assert_answers(received(content))


FRAGMENTS = st.sampled_from(
    b"\" < > ( ; * : @ , = \\ '' % [ ] &# <![ \xff \0 =?utf-8?b? ?= \r\n \n \t -- "
    b"boundary= charset*0*= name*= multipart/ message/rfc822 base64 =\n".split(b" ")
)
MADE = [made(letter) for letter in LETTERS for made in (stdlib_modern, stdlib_legacy)]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_messages_still_answer(data: st.DataObject) -> None:
    """Real messages with octets replaced, inserted and cut out, and cut off."""
    content = bytearray(data.draw(st.sampled_from(MADE))[:2500])
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(content)))
        gone = data.draw(st.integers(0, 12))
        content[start : start + gone] = data.draw(FRAGMENTS)
    assert_answers(received(bytes(content)))


HEADER_NAMES = st.sampled_from(
    [
        "From",
        "To",
        "Cc",
        "Reply-To",
        "Sender",
        "Subject",
        "Date",
        "Message-ID",
        "Content-Type",
        "References",
        "Content-Disposition",
        "Content-Transfer-Encoding",
        "MIME-Version",
        "Content-ID",
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(HEADER_NAMES, st.text(alphabet="aB1 \t\"<>(){}[];:,.@=?*%\\'/-_é")),
        min_size=1,
        max_size=4,
    )
)
def test_any_values_of_structured_fields_answer(fields: list[tuple[str, str]]) -> None:
    """Fields that the standard library parses, with the characters it stumbles on."""
    assert_answers(with_header(*(f"{name}: {value}" for name, value in fields)))


def test_multiparts_nested_beyond_reason() -> None:
    """A thousand levels are a defect and no RecursionError."""
    levels = "".join(
        f"Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        for level in range(1000)
    )
    message = received(f"Subject: deep\r\n{levels}\r\nend")
    assert_answers(message)
    assert message.subject == "deep"
    assert any("nested over" in defect for defect in message.defects)


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda message, _: message.link("nowhere"), AssertionError),
        (lambda message, _: message.code(), AssertionError),
        (lambda message, _: message["Subject"], TypeError),
        (lambda message, _: message.sender, AttributeError),
        (lambda _, session: session.assert_commands(["QUIT"]), AssertionError),
        (lambda _, session: session.mails, AttributeError),
    ],
)
def test_a_failure_is_shown_at_the_line_of_the_test(
    mistake: Callable[[ReceivedMessage, SessionRecord], object],
    error: type[Exception],
) -> None:
    """Our own frames are left out of the traceback, as those of ``assert`` are."""
    session = SessionRecord("1", ("127.0.0.1", 4), ("127.0.0.1", 5), RECEIVED_AT)
    with pytest.raises(error) as raised:
        mistake(received("Subject: x\r\n\r\nHello\r\n"), session)
    places = re.findall(
        r"^\S+:\d+: in ", str(raised.getrepr(style="short")), re.MULTILINE
    )
    assert len(places) == 2, places  # this function, and the lambda
