"""Mailboxes, wherever a mail program finds one; the sources stand beside the values."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.content.fields.mailboxes import read_mailboxes

from ...make import received

#: RFC 5322 appendix A, and RFC 2047 section 8.
SOUND = [
    ("John Doe <jdoe@machine.example>", [("John Doe", "jdoe@machine.example")]),
    (
        '"Joe Q. Public" <john.q.public@x.org>',
        [("Joe Q. Public", "john.q.public@x.org")],
    ),
    (
        "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
        [
            ("Mary Smith", "mary@x.test"),
            ("", "jdoe@example.org"),
            ("Who?", "one@y.test"),
        ],
    ),
    (
        '<boss@nil.test>, "Giant; \\"Big\\" Box" <sysservices@example.net>',
        [("", "boss@nil.test"), ('Giant; "Big" Box', "sysservices@example.net")],
    ),
    (
        "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
        [("Ed Jones", "c@a.test"), ("", "joe@where.test"), ("John", "jdoe@one.test")],
    ),
    ("Undisclosed recipients:;", []),
    ("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", []),
    (
        "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
        [("Pete", "pete@silly.test")],
    ),
    (
        "Mary Smith <@node.test:mary@example.net>, , jdoe@test   . example",
        [("Mary Smith", "mary@example.net"), ("", "jdoe@test.example")],
    ),
    (
        "John Doe <jdoe@machine(comment).  example>",
        [("John Doe", "jdoe@machine.example")],
    ),
    ('"john doe"@example.org', [("", '"john doe"@example.org')]),
    ('"team@home": ada@x.org;', [("", "ada@x.org")]),
    # RFC 2047 §5 (2): in a comment an encoded word needs no quotes.
    ("ada@x.org (=?utf-8?q?Love=2C_Ada?=)", [("Love, Ada", "ada@x.org")]),
    ('Ada <"ada"@example.org>', [("Ada", "ada@example.org")]),
    # RFC 5322 §3.2.4: between quotes any printable character may stand.
    (
        'Ada <"a>b"@example.org>, c@d.org',
        [("Ada", '"a>b"@example.org'), ("", "c@d.org")],
    ),
    ("X <X@y.X>", [("X", "X@y.X")]),
    # RFC 2047 §5 (3) has no comma in a word of a phrase; mailers write it.
    (
        "=?utf-8?q?Love,_Ada?= <a@b.org>, c@d.org",
        [("Love, Ada", "a@b.org"), ("", "c@d.org")],
    ),
    (
        "u@[IPv6:2001:db8::1], v@[192.0.2.1]",
        [("", "u@[IPv6:2001:db8::1]"), ("", "v@[192.0.2.1]")],
    ),
    (
        (
            "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>, "
            "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>"
        ),
        [("Keith Moore", "moore@cs.utk.edu"), ("Keld Jørn Simonsen", "keld@dkuug.dk")],
    ),
    (
        "Nathaniel Borenstein <nsb@thumper.bellcore.com> (=?iso-8859-8?b?7eXs+SDv4SDs6Oj08A==?=)",
        [("Nathaniel Borenstein", "nsb@thumper.bellcore.com")],
    ),
    ("a@b.org (Ada Lovelace)", [("Ada Lovelace", "a@b.org")]),
    ("Ada.Lovelace <a@b.org>", [("Ada.Lovelace", "a@b.org")]),
    ("=?utf-8?q?Lovelace=2C?= Ada <a@b.org>", [("Lovelace, Ada", "a@b.org")]),
    ("=?utf-8?q?a?= =?utf-8?q?b?= c <a@b.org>", [("ab c", "a@b.org")]),
]
#: What mail programs take all the same, and what is wrong with it.
WRONG = [
    ("[Team] <a@b.org>", [("[Team]", "a@b.org")], "the name '[Team]' needs quotes"),
    ("a@x.org <a@b.org>", [("a@x.org", "a@b.org")], "the name 'a@x.org' needs quotes"),
    ("<<a@b.org>>", [("", "a@b.org")], "an angle bracket never ends"),
    ("a@b.org>", [("", "a@b.org")], "an angle bracket never begins"),
    ("Ada <a@b.org> x", [("Ada", "a@b.org")], "'x' stands behind an address"),
    # A blank is no part of a local-part (RFC 5322 section 3.4.1); it is not left out.
    ("Ada <a b@c.org>", [("Ada", "a b@c.org")], "'a b@c.org' has blanks in it"),
    ("<mailto:a@b.org>", [("", "a@b.org")], "an address is a link"),
    ("Team: a@b.org", [("", "a@b.org")], "a group never ends"),
    ("<=?utf-8?q?a=40b=2Eorg?=>", [("", "a@b.org")], "is an encoded word"),
    ("=?utf-8?q?a?=@b.org", [("", "a@b.org")], "is an encoded word"),
    ('"a@b.org"', [("", "a@b.org")], "an address stands in quotes"),
    ('"Ada <a@b.org>"', [("", "a@b.org")], "an address stands in quotes"),
    (
        "a@b.org; c@d.org",
        [("", "a@b.org"), ("", "c@d.org")],
        "a semicolon stands where",
    ),
    ("Love, Ada <a@b.org>", [("Love, Ada", "a@b.org")], "has a comma and no quotes"),
    ("Love, a@b.org", [("", "a@b.org")], "'Love' is no address"),
    ("Love", [], "'Love' is no address"),
    ("a@b.org, Love", [("", "a@b.org")], "'Love' is no address"),
    ("<root>", [], "'root' is no address"),
    ("MAILER-DAEMON <>", [], "'MAILER-DAEMON' is no address"),
    ("=?utf-8?q?Ada_=3Ca=40b=2Eorg=3E?=", [("Ada", "a@b.org")], "is an encoded word"),
    (
        "=?utf-8?q?a=40b=2Eorg=2C_c=40d=2Eorg?=",
        [("", "a@b.org"), ("", "c@d.org")],
        "is an encoded word",
    ),
    ('"Ada <a@b.org>', [("Ada", "a@b.org")], "a quote never ends"),
    ("Ada (x <a@b.org>", [("Ada (x", "a@b.org")], "a comment never ends"),
    ("Ada <a@b.org", [("Ada", "a@b.org")], "an angle bracket never ends"),
    ("Ada <a@b.org, c@d.org", [("Ada", "a@b.org"), ("", "c@d.org")], "never ends"),
    ("Ada a@b.org", [("Ada", "a@b.org")], "stands without angle brackets"),
    ("a@b.org c@d.org", [("", "a@b.org"), ("", "c@d.org")], "stands without angle"),
    (
        "A <a@b.org> C <c@d.org>",
        [("A", "a@b.org"), ("C", "c@d.org")],
        "a comma between",
    ),
    ("<a@b.org, c@d.org>", [("", "a@b.org"), ("", "c@d.org")], "share angle brackets"),
    ("a@b@c.org", [("", "a@b@c.org")], "has more than one @"),
]


@pytest.mark.parametrize(("value", "expected"), SOUND)
def test_sound_lists(value: str, expected: list[tuple[str, str]]) -> None:
    """RFC 5322 section 3.4, its obsolete forms too, and nothing to complain about."""
    assert read_mailboxes(value) == (expected, [])


@pytest.mark.parametrize(("value", "expected", "complaint"), WRONG)
def test_wrong_lists(
    value: str, expected: list[tuple[str, str]], complaint: str
) -> None:
    """The mailbox is found, and the defect of the message says what was wrong."""
    found, complaints = read_mailboxes(value)
    assert found == expected
    assert complaint in " ".join(complaints)
    message = received(f"From: {value}\r\nTo: {value}\r\n\r\n")
    assert message.from_ == (expected[0][1] if expected else "")
    assert message.to == [address for _, address in expected]
    assert any(
        entry.startswith("To: ") and complaint in entry for entry in message.defects
    )


@pytest.mark.parametrize(
    ("value", "expected"), [entry[:2] for entry in [*SOUND, *WRONG]]
)
def test_the_email_object_has_the_same_names(
    value: str, expected: list[tuple[str, str]]
) -> None:
    """``message.email["To"].addresses`` agrees with ``message.to``."""
    field = received(f"To: {value}\r\n\r\n").email["To"]
    assert [one.display_name for one in field.addresses] == [
        name for name, _ in expected
    ]
    assert [one.domain for one in field.addresses] == [
        address.rpartition("@")[2] for _, address in expected
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=?utf-8?q?J=C3=B6rg?= <j@b.org>", "Jörg <j@b.org>"),
        ('"=?utf-8?q?J=C3=B6rg?=" <j@b.org>', '"Jörg" <j@b.org>'),
        ("=?utf-8?q?Love=2C_Ada?= <a@b.org>", '"Love, Ada" <a@b.org>'),
        ("=?utf-8?q?a=22b?= <a@b.org>", '"a\\"b" <a@b.org>'),
        ('"=?utf-8?q?a=22b?=" <a@b.org>', '"a\\"b" <a@b.org>'),
        ("a@b.org (=?utf-8?q?J=C3=B6rg?=)", "a@b.org (Jörg)"),
        (
            "=?UTF-8?Q?B=C3=A9r=C3=A9nice-Am=C3=A9lie_Rosemonde?=\r\n =?UTF-8?Q?_D=C3=BBbois?= <r@b.org>",
            "Bérénice-Amélie Rosemonde Dûbois <r@b.org>",
        ),
    ],
)
def test_the_field_as_text(value: str, expected: str) -> None:
    """What is decoded stays a list of addresses: specials get quotes."""
    assert received(f"From: {value}\r\n\r\n").headers["From"] == expected


def test_an_encoded_word_that_says_nothing() -> None:
    """RFC 4648 section 4: @ is no letter of base64."""
    assert read_mailboxes("=?utf-8?b?@?=")[0] == []


@pytest.mark.parametrize(
    ("value", "names", "complaints"),
    [
        ("Ada, Love,", [], ["'Ada, Love' is no address"]),
        ("Ada, Love", [], ["'Ada, Love' is no address"]),
        ("Ada, Ada, Love", [], ["'Ada, Ada, Love' is no address"]),
        ("Team: Ada, Love;", [], ["'Ada, Love' is no address"]),
        ("Team: Love; Ada <a@b.org>", ["Ada"], ["'Love' is no address"]),
        ("Ada, a@b.org, Love", [""], ["'Ada' is no address", "'Love' is no address"]),
        ("Ada, , Eve <a@b.org>", ["Ada, Eve"], ["a name has a comma and no quotes"]),
        (
            "Ada, Ada, Eve <a@b.org>",
            ["Ada, Ada, Eve"],
            ["a name has a comma and no quotes"],
        ),
    ],
)
def test_words_without_an_address_are_said_once(
    value: str, names: list[str], complaints: list[str]
) -> None:
    """As one list that goes on behind commas (RFC 5322 section 3.4), up to a group's end."""
    found, said = read_mailboxes(value)
    assert [one.name for one in found] == names
    assert said == [f"{one} (RFC 5322 section 3.4)" for one in complaints]
