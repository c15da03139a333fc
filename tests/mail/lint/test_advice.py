"""Advice on mail: what has it, what nearly has it, and what must never have it."""

from __future__ import annotations

import re
import smtplib
import time
from collections import Counter
from email.policy import SMTP
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver import ReceivedMessage, SessionRecord, SMTPServer
from pytest_smtpserver.mail.lint.advice import ADVICE, advice
from pytest_smtpserver.mail.lint.markup import Markup
from pytest_smtpserver.mail.lint.violations import VIOLATIONS
from tests.mail import test_corpus_libraries as libraries
from tests.mail.letters import LETTERS, Letter
from tests.mail.make import RECEIVED_AT, envelope, on_the_wire
from tests.mail.test_corpus_nodemailer import written_by_nodemailer

from .advised import ADVISED
from .shapes import newsletters

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_smtpserver import Advice

#: What was there before, and is about the envelope and Message-ID that libraries make.
EARLIER = {"useless-command", "bcc-left-in", "message-id-without-domain", "not-aligned"}
#: The libraries of the corpus that people write applications with.
MAILERS = (
    libraries.stdlib_modern,
    libraries.django,
    libraries.flask_mail,
    libraries.redmail,
    libraries.emails,
    libraries.fastapi_mail,
)
NEWSLETTERS = newsletters()


def delivered(*contents: bytes, to: str = "ada@example.org") -> SessionRecord:
    """A session in which these messages came, to a server on port 2525."""
    session = SessionRecord("1", ("127.0.0.1", 9), ("127.0.0.1", 2525), RECEIVED_AT)
    for content in contents:
        made = envelope(b"FROM:<noreply@example.org>", f"TO:<{to}>".encode())
        message = ReceivedMessage(content, made, session, received_at=RECEIVED_AT)
        session.messages.append(message)
    return session


def advised(*contents: bytes, to: str = "ada@example.org") -> list[Advice]:
    """The advice on these messages, but for what was there before."""
    found = advice([delivered(*contents, to=to)])
    return [one for one in found if one.name not in EARLIER]


def names(*contents: bytes) -> list[str]:
    """Its names, each once."""
    return list(dict.fromkeys(one.name for one in advised(*contents)))


def mail(*head: str, text: str = "Hello\r\n") -> bytes:
    """A message with these fields and this text."""
    fields = ("From: a@acme.de", "To: b@example.org", "Subject: s", *head)
    return "\r\n".join([*fields, "", text]).encode()


HAVE = [
    pytest.param(mailer, name, letter, id=f"{name}-{letter.name}-{mailer.__name__}")
    for name, (have, _) in ADVISED.items()
    for letter in have
    for mailer in MAILERS
    # Red Mail refuses to make such a message.
    if not (name == "empty-subject" and mailer is libraries.redmail)
]
NEARLY = [
    pytest.param(mailer, name, letter, id=f"{name}-{letter.name}-{mailer.__name__}")
    for name, (_, nearly) in ADVISED.items()
    for letter in nearly
    for mailer in MAILERS
]


@pytest.mark.parametrize(("mailer", "name", "letter"), HAVE)
def test_who_has_it_is_told(
    mailer: Callable[[Letter], bytes], name: str, letter: Letter
) -> None:
    """By whatever library it was written, and this advice alone."""
    found = advised(on_the_wire(mailer(letter)))
    assert {one.name for one in found} == {name}
    assert all(one.why and one.fix for one in found)


@pytest.mark.parametrize(("mailer", "name", "letter"), NEARLY)
def test_who_nearly_has_it_is_left_alone(
    mailer: Callable[[Letter], bytes], name: str, letter: Letter
) -> None:
    """No other advice comes of it either."""
    assert names(on_the_wire(mailer(letter))) == [], name


@pytest.mark.parametrize(
    ("domain", "what"),
    [
        # RFC 2606 §2 and §3.
        *((name, "a domain for examples") for name in ("test", "example", "invalid")),
        *((f"example.{end}", "a domain for examples") for end in ("com", "net", "org")),
        # RFC 2606 §2, RFC 6762 §3, RFC 8375 §3; ICANN's resolution 2024.07.29.06.
        *(
            (name, "a name that only this machine or network knows")
            for name in ("localhost", "local", "home.arpa", "internal")
        ),
    ],
)
def test_a_name_that_is_reserved(domain: str, what: str) -> None:
    """Alone and below it; not for a name that merely ends alike."""
    for host in (domain, f"shop.{domain}"):
        found = advised(mail(text=f"Look: https://{host}/confirm\r\n"))
        assert [one.what for one in found] == [f"a link leads to {what}, {host}"]
    assert names(mail(text=f"Look: https://my{domain}.acme.de/confirm\r\n")) == []


def test_letters_of_nodemailer(tmp_path: Path) -> None:
    """Whoever has it is told that alone; whoever nearly has it is told nothing."""
    wanted = [
        (letter, expected)
        for name, (have, nearly) in ADVISED.items()
        for letters, expected in ((have, [name]), (nearly, []))
        for letter in letters
    ]
    wanted += [(letter, EXPLAINED.get(letter.name, [])) for letter in LETTERS]
    contents = written_by_nodemailer([letter for letter, _ in wanted], tmp_path)
    for (letter, expected), content in zip(wanted, contents, strict=True):
        assert names(on_the_wire(content)) == expected, letter.name


#: The letters of the corpus that deserve advice, and why that is right.
EXPLAINED = {
    "only html": ["html-only"],  # it has HTML alone
    "inline image": ["image-without-text"],  # <img src="cid:…"> without an alt
}


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: letter.name)
@pytest.mark.parametrize("library", libraries.LIBRARIES, ids=lambda made: made.__name__)
def test_false_alarms_on_the_corpus(
    library: Callable[[Letter], bytes], letter: Letter
) -> None:
    """None: the two letters that get advice have what it is about."""
    assert names(on_the_wire(library(letter))) == EXPLAINED.get(letter.name, [])


@pytest.mark.parametrize("name", NEWSLETTERS)
def test_false_alarms_on_newsletters(name: str) -> None:
    """None, in a hundred shapes."""
    shape = NEWSLETTERS[name]
    letter = Letter(
        name,
        subject=shape.subject,
        sender=("ACME", "news@acme-shop.de"),
        text=shape.text,
        html=shape.html,
    )
    message = libraries.modern(letter)
    message["List-Unsubscribe"] = "<https://news.acme-shop.de/unsubscribe?u=8c1f>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    assert names(message.as_bytes(policy=SMTP)) == []


def test_there_are_a_hundred_newsletters() -> None:
    """And they differ."""
    assert len({shape.html for shape in NEWSLETTERS.values()}) == 100


LEAVE = "Unsubscribe: https://acme.de/unsubscribe?u=1\r\n"
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
BY_LINK = "List-Unsubscribe: <https://acme.de/u?u=1>"


@pytest.mark.parametrize(
    ("head", "text", "missing"),
    [
        # RFC 2369 §3.2 and RFC 8058 §3.1: both fields.
        ((), LEAVE, "List-Unsubscribe"),
        (("List-Id: <news.acme.de>",), "Hi\r\n", "List-Unsubscribe"),
        (("Precedence: bulk",), "Hi\r\n", "List-Unsubscribe"),
        ((BY_LINK,), LEAVE, "List-Unsubscribe-Post"),
        (("List-Unsubscribe: <mailto:u@acme.de>",), LEAVE, "List-Unsubscribe-Post"),
        ((BY_LINK, ONE_CLICK), LEAVE, None),
        # A list on which its members write (RFC 2369 §3.4).
        (("List-Id: <x>", BY_LINK, "List-Post: <mailto:x@acme.de>"), "Hi\r\n", None),
        (("List-Id: <x>", BY_LINK, "List-Post: NO"), "Hi\r\n", "List-Unsubscribe-Post"),
        # No list.
        ((), "You cannot unsubscribe from receipts.\r\n", None),
        (("Precedence: first-class",), "Hi\r\n", None),
    ],
)
def test_no_unsubscribe(head: tuple[str, ...], text: str, missing: str | None) -> None:
    """Where a list is left by a link, or a field says that it is one."""
    found = advised(mail(*head, text=text))
    assert [one.name for one in found] == (["no-unsubscribe"] if missing else [])
    assert all(one.what.endswith(f"has no {missing}") for one in found)


def test_labels_of_links_say_that_it_is_a_list() -> None:
    """Also that of an image."""
    head = "Content-Type: text/html; charset=utf-8"
    for label in ("Vom Newsletter abmelden", '<img src="x.png" alt="Unsubscribe">'):
        html = f'<p>Hi</p><a href="https://acme.de/x">{label}</a>'
        assert "no-unsubscribe" in names(mail(head, text=html))


def test_sent_twice() -> None:
    """The same words to the same recipient; Date and Message-ID do not count."""
    one = mail("Date: Thu, 1 Jan 2026 10:00:00 +0000", "Message-ID: <1@acme.de>")
    two = mail("Date: Thu, 1 Jan 2026 10:00:01 +0000", "Message-ID: <2@acme.de>")
    (found,) = advised(one, two)
    assert found.name == "sent-twice"
    assert found.what == (
        "ada@example.org got the same message before, by connection 1, message 1"
    )
    assert found.where == "connection 1, message 2"
    assert found.line == "Subject: s"
    first, second = delivered(one), delivered(two)
    assert "sent-twice" in {one.name for one in advice([first, second])}


@pytest.mark.parametrize(
    "second",
    [
        mail(text="Hello again\r\n"),
        mail().replace(b"Subject: s", b"Subject: t"),
        mail().replace(b"a@acme.de", b"b@acme.de"),
        mail("Content-Type: text/html", text="Hello\r\n"),
    ],
)
def test_not_sent_twice(second: bytes) -> None:
    """Other words are another message; so is the same to somebody else."""
    assert "sent-twice" not in names(mail(), second)
    found = advice([delivered(mail()), delivered(mail(), to="bob@example.org")])
    assert "sent-twice" not in {one.name for one in found}


def test_an_advice_is_a_sentence() -> None:
    """What, where, the line, why, and what to do about it."""
    (found,) = advised(mail(text="Hello {{ name }},\r\nwelcome\r\n"))
    assert str(found) == (
        "connection 1, message 1, text: a placeholder was not filled in: {{ name }}\n"
        "    Hello {{ name }},\n"
        "    The reader sees the template instead of a name, or a value that was not "
        "there.\n"
        "    Run the template with all its values, and let missing ones be an error."
    )


def test_the_port_of_the_server_itself() -> None:
    """A link to it comes from a setting that was meant for SMTP."""
    with SMTPServer() as server:
        with smtplib.SMTP(*server.address, local_hostname="c.example.org") as client:
            client.sendmail(
                "a@acme.de",
                ["b@example.org"],
                mail(text=f"https://acme.de:{server.port}/\r\n"),
            )
        (found,) = [one for one in server.advice if one.name not in EARLIER]
    assert found.what == f"a link leads to the port of this SMTP server, {server.port}"


@pytest.mark.parametrize(
    ("html", "images", "prose"),
    [
        ("<p>a</p><p>b", 0, "a b"),
        ("a<b>b</b>c", 0, "abc"),
        ("<div style='display: none'>x<img src=1></div>y", 0, "y"),
        ("<div hidden>x</div></div></p>y", 0, "y"),
        ("<title>t</title><style>s</style><code>c</code>y", 0, "y"),
        ("<img src=1><img src=2 width='2px'><img src=3 height=0>", 1, ""),
        ("<img src=1 width=20><img style='max-width:1px'>", 1, ""),
        ("<a href=x><a href=y>z</a></a>", 0, "z"),
    ],
)
def test_markup(html: str, images: int, prose: str) -> None:
    """What is hidden, tiny or code is not looked at."""
    markup = Markup(html)
    assert len(markup.images) == images
    assert " ".join(markup.prose.split()) == prose


@pytest.mark.parametrize(
    ("names", "html", "prose", "code"),
    [
        # HTML §4.5 and §16.3.2: what stands for code, or was shown like it.
        ("code kbd samp tt var", "a <{0}>b</{0}> c", "a  c", "b"),
        ("pre listing xmp textarea", "a <{0}>b</{0}> c", None, "b"),
        ("plaintext", "a <{0}>b", None, "b"),
        (
            "head noembed noframes script style template title",
            "a<{0}>b</{0}>c",
            "ac",
            "",
        ),
        # §4.5: text within a line.
        (
            "a abbr b big em font i mark q s small span strong sub sup u",
            *("a<{0}>b</{0}>c", "abc", ""),
        ),
        ("img wbr", "a<{0}>b", "ab", ""),
        ("p div td li h1 br", "a<{0}>b", "a\nb", ""),
    ],
)
def test_prose_and_code(names: str, html: str, prose: str | None, code: str) -> None:
    """Each element by itself."""
    for name in names.split():
        markup = Markup(html.format(name))
        assert markup.code == code, name
        found = markup.prose.replace("\n", "") if prose == "ac" else markup.prose
        assert prose in (None, found), name


def test_a_link_is_labelled_by_what_stands_in_it() -> None:
    """Not by what follows, and one without a label of its own by nothing else."""
    markup = Markup('a <a href="https://x.example/">b <b>c</b></a> d <a name="e">f</a>')
    assert ["".join(link.label) for link in markup.links] == ["b c"]
    nested = Markup('<a href="https://x.example/"><img src="1.png" alt=""></a> Hello')
    assert ["".join(link.label) for link in nested.links] == [""]


@given(st.text(max_size=400))
def test_any_text_can_be_looked_at(text: str) -> None:
    """As text and as HTML; never an exception."""
    content = text.encode("utf-8", "surrogatepass")
    head = b"From: a@b.example\r\nSubject: " + content[:50].replace(b"\n", b" ")
    for kind in (b"plain", b"html"):
        fields = head + b"\r\nContent-Type: text/%s; charset=utf-8\r\n\r\n" % kind
        assert all(str(one) for one in advised(fields + content))


@pytest.mark.parametrize(
    "piece", ["{{", "{% ", "<a href=x>", "Ã", "{a", "None None ", "<img src=x>", "`"]
)
def test_looking_takes_linear_time(piece: str) -> None:
    """100 kB of anything that a pattern begins with is looked at in no time."""
    text = piece * (100_000 // len(piece))
    head = "Content-Type: text/html; charset=utf-8"
    assert isinstance(advised(mail(head, text=text)), list)
    assert isinstance(advised(mail(text=text)), list)


def test_many_links_and_a_long_sample_of_code() -> None:
    """Each broken link is looked for in the sample: of a hundred, and no more."""

    def seconds(size: int) -> float:
        links = "".join(f"<a href='http://a/{{t{n}}}'>l</a>" for n in range(size // 40))
        text = f"<code>{'x' * size}</code>{links}"
        begin = time.process_time()
        found = advised(mail("Content-Type: text/html", text=text))
        assert "unrendered-template" in [one.name for one in found]
        return time.process_time() - begin

    ratios = (seconds(240_000) / max(seconds(60_000), 0.05) for _ in range(3))
    assert any(ratio <= 5 for ratio in ratios)


PAGE = Path(__file__).parents[3] / "docs" / "correctness.md"


@pytest.mark.parametrize(
    ("heading", "table"), [("violation.name", VIOLATIONS), ("advice.name", ADVICE)]
)
def test_the_manual_has_a_row_for_each(heading: str, table: dict[str, object]) -> None:
    """And for nothing else."""
    rows = PAGE.read_text(encoding="utf-8").partition(f"| `{heading}` |")[2]
    listed: Counter[str] = Counter()
    for row in rows.partition("\n\n")[0].splitlines()[2:]:
        listed.update(re.findall(r"`([\w-]+)`", row.split("|")[1]))
    assert listed == Counter(list(table))
