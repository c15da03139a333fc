"""The grammar of RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.3, RFC 3461 §4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_smtpserver.protocol.syntax.grammar import (
    decode_utf8_address,
    decode_xtext,
    domain_problem,
    invisible_problem,
    is_keyword,
    literal_problem,
    local_part_problem,
    parse_client_name,
    split_parameters,
)
from pytest_smtpserver.protocol.syntax.replies import Refused

from ..tools import encode_xtext


@pytest.mark.parametrize(
    "local_part",
    [
        "ada",
        "first.last",
        "e=mc2",  # RFC 4954 §5
        "!#$%&'*+-/=?^_`{|}~",
        '""',
        '"Joe\\,Smith"',  # RFC 5321 §4.1.2, the quoted-pair
        '"a b"',
        '"a@b>c"',
        '"\\""',
        "jos\u00e9",
        '"\u7528 \u6237"',
        "x" * 64,
    ],
)
def test_local_parts(local_part: str) -> None:
    """A dot-string or a quoted-string of at most 64 octets is a local-part."""
    assert local_part_problem(local_part) is None


@pytest.mark.parametrize(
    ("local_part", "told"),
    [
        ("", "empty"),
        (".ada", "dot"),
        ("ada.", "dot"),
        ("a..b", "dot"),
        ("a b", "U+0020"),
        ("a(b", '"("'),
        ("a\\b", '"\\"'),
        ('a"b"', '"""'),
        ('"ada', "quoted"),
        ('"a"b"', "quoted"),
        ('"a\\"', "quoted"),
        ("x" * 65, "64 octets"),
        ("\u00e9" * 33, "64 octets"),
    ],
)
def test_no_local_parts(local_part: str, told: str) -> None:
    """What is wrong with a local-part is told in words."""
    assert told in (local_part_problem(local_part) or "")


@pytest.mark.parametrize(
    "domain",
    [
        "example.org",
        "localhost",
        "a.b-c.d--e",
        "1and1.example",
        "192.0.2.1",  # the grammar of §4.1.2 has no more to say about it
        f"{'x' * 63}.example",
        ".".join(["x" * 49] * 5),  # 249 octets
        "b\u00fccher.example",
        "\u4f8b\u3048.\u30c6\u30b9\u30c8",
        "xn--bcher-kva.example",
        "l\u00b7l.example",
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example",
        ("\u00fc" * 31 + ".") * 4 + "abc",  # 255 octets, RFC 5321 §4.5.3.1.2
    ],
)
def test_domains(domain: str) -> None:
    """LDH labels and U-labels make a domain."""
    assert domain_problem(domain) is None


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("", "empty"),
        ("example.", "empty"),
        (".example", "empty"),
        ("a..b", "empty"),
        ("-a.example", "hyphen"),
        ("a-.example", "hyphen"),
        ("a_b.example", '"_"'),
        ("a b.example", "U+0020"),
        (f"{'x' * 64}.example", "63 octets"),
        (".".join(["x" * 63] * 4), None),
        (".".join(["x" * 63] * 4) + ".x", "255 octets"),
        (("\u00fc" * 31 + ".") * 4 + "abcd", "255 octets"),
        ("\U0001f4e7.example", "U-label"),
        ("bu\u0308cher.example", "U-label"),  # not in form NFC
        ("b\u00fcc--her.example", None),
        ("b\u00fc_cher.example", '"_"'),
        ("ab--\u00fc.example", "U-label"),
        ("\u00fc" * 63 + ".example", "U-label"),  # its A-label has more than 63
    ],
)
def test_no_domains(domain: str, told: str | None) -> None:
    """What is wrong with a domain is told in words; None: nothing is."""
    problem = domain_problem(domain)
    assert problem is None if told is None else told in (problem or "")


@pytest.mark.parametrize(
    "literal",
    [
        "[123.255.37.2]",  # RFC 5321 §4.1.3
        "[0.0.0.0]",
        "[001.02.3.4]",  # Snum = 1*3DIGIT
        "[IPv6:2001:db8::1]",
        "[ipv6:::]",
        "[IPv6:::1]",
        "[IPv6:1::]",
        "[IPv6:1:2:3:4:5:6:7:8]",
        "[IPv6:1:2:3::4:5:6]",
        "[IPv6:::ffff:192.0.2.1]",
        "[IPv6:1:2:3:4:5:6:192.0.2.1]",
        "[x400:c=de;a=x]",
        "[tag-1:a@b]",
    ],
)
def test_address_literals(literal: str) -> None:
    """IPv4, IPv6 in its four forms, and the general form."""
    assert literal_problem(literal) is None


@pytest.mark.parametrize(
    "literal",
    [
        "[]",
        "192.0.2.1",
        "[192.0.2.256]",
        "[192.0.2]",
        "[192.0.2.1.5]",
        "[0192.0.2.1]",
        "[192.0.2.1 ]",
        "[::1]",
        "[fe80::1]",
        "[2001:db8::x]",
        "[IPv6:]",
        "[IPv6:1:2:3:4:5:6:7]",
        "[IPv6:1:2:3:4:5:6:7:8:9]",
        "[IPv6:1::2:3:4:5:6:7]",  # "::" stands for at least two groups
        "[IPv6:1::2::3]",
        "[IPv6::::]",
        "[IPv6:12345::]",
        "[IPv6:fe80::1%eth0]",
        "[IPv6:::192.0.2.300]",
        "[IPv6:1:2:3:4:5:6:7:192.0.2.1]",
        "[IPv6:192.0.2.1]",
        "[tag:]",
        "[-tag-:x]",
        "[tag:a[b]",
        f"[tag:{'x' * 255}]",
    ],
)
def test_no_address_literals(literal: str) -> None:
    """A literal is really checked."""
    assert literal_problem(literal) is not None


def test_an_ipv6_literal_without_its_tag_is_told() -> None:
    """The usual mistake has a text of its own."""
    assert "IPv6:" in (literal_problem("[2001:db8::1]") or "")


@pytest.mark.parametrize(
    "char", ["\0", "\t", "\x1b", "\x7f", "\x85", "\u200b", "\u2060", "\ufeff", "\u2028"]
)
def test_invisible_characters_are_named(char: str) -> None:
    """Control and invisible characters are told by their code point."""
    assert f"U+{ord(char):04X}" in (invisible_problem(f"a{char}b") or "")


def test_visible_text_has_no_invisible_character() -> None:
    """Letters of any script, spaces and the joiners are let through."""
    assert invisible_problem("a b \u00e9 \u7528 \u200c\u200d \U0001f4e7") is None


@pytest.mark.parametrize("keyword", ["SIZE", "8BITMIME", "mt-priority", "X-"])
def test_keywords(keyword: str) -> None:
    """RFC 5321 §4.1.2: esmtp-keyword."""
    assert is_keyword(keyword)


@pytest.mark.parametrize("keyword", ["", "-X", "A_B", "A B", "A=", "\u00c9", "A\n"])
def test_no_keywords(keyword: str) -> None:
    """RFC 5321 §4.1.2: letters, digits, and hyphens but at the start."""
    assert not is_keyword(keyword)


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        (b"bar.com", "bar.com"),  # RFC 5321 appendix D
        (b"[192.0.2.1] ", "[192.0.2.1]"),
        (b"my_container", "my_container"),
        (b" X ", "X"),
    ],
)
def test_client_names(argument: bytes, name: str) -> None:
    """One word is a client's name, white space around it is dropped."""
    assert parse_client_name(argument) == name


@pytest.mark.parametrize(
    "argument", [b"", b" ", b"a b", b"a\0b", b"\xff", b"x" * 256, b"a\xe2\x80\x8bb"]
)
def test_no_client_names(argument: bytes) -> None:
    """A client's name that nobody can use is refused with 501 5.5.4."""
    with pytest.raises(Refused) as refused:
        parse_client_name(argument)
    assert str(refused.value).startswith("501 5.5.4 ")


@pytest.mark.parametrize("argument", [b"my_container", b"[1.2.3]", b"a..b"])
def test_strict_client_names(argument: bytes) -> None:
    """Strictly a client's name is a domain or an address literal."""
    parse_client_name(argument)
    with pytest.raises(Refused):
        parse_client_name(argument, strict=True)
    parse_client_name(b"[IPv6:::1]", strict=True)
    parse_client_name(b"localhost", strict=True)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", ()),
        (" ", ()),  # RFC 5321 §4.1.1: trailing white space is tolerated
        (" Size=1 REQUIRETLS", (("Size", "1"), ("REQUIRETLS", None))),
        (" AUTH=<> X=a;b,c+d ", (("AUTH", "<>"), ("X", "a;b,c+d"))),
        (" X=X X\t", (("X", "X"), ("X", None))),
        ("  SIZE=1\t \tBODY=7BIT", (("SIZE", "1"), ("BODY", "7BIT"))),
        (" X=\u00e9", (("X", "\u00e9"),)),  # RFC 6531 §3.3: esmtp-value
    ],
)
def test_parameters_keep_order_and_spelling(
    text: str, parameters: tuple[tuple[str, str | None], ...]
) -> None:
    """Parameters are what was sent, in the order it was sent."""
    assert split_parameters(text) == parameters


@pytest.mark.parametrize(
    "text",
    [
        "SIZE=1",
        " SIZE=",
        " =1",
        " A=b=c",
        " A_B=1",
        " A=\x01",
        " A=\x7f",
        " A=\u200b",
    ],
)
def test_bad_parameters(text: str) -> None:
    """What is no esmtp-param after one space is refused with 501 5.5.4."""
    with pytest.raises(Refused) as refused:
        split_parameters(text)
    assert str(refused.value).startswith("501 5.5.4 ")


def test_lenient_parameters_take_any_white_space() -> None:
    """Spaces too many, or none after the path, are what senders get wrong."""
    assert split_parameters("A=1  B \tC", lenient=True) == (
        ("A", "1"),
        ("B", None),
        ("C", None),
    )


def test_xtext_of_the_rfc() -> None:
    """RFC 4954 §5: the example; RFC 3461 §4: what must be a hexchar."""
    assert decode_xtext("e+3Dmc2@example.com") == "e=mc2@example.com"
    assert encode_xtext("e=mc2@example.com") == "e+3Dmc2@example.com"
    assert encode_xtext("a+b c") == "a+2Bb+20c"


@pytest.mark.parametrize("value", ["a+", "a+3", "a+3d", "a=b", "a b", "\u00e9", "+FF"])
def test_no_xtext(value: str) -> None:
    """Hexchars are two upper-case digits, and the octets are UTF-8."""
    with pytest.raises(ValueError):
        decode_xtext(value)


@given(st.text())
def test_xtext_round_trip(text: str) -> None:
    """What is encoded is ASCII that an esmtp-value may hold, and decodes to itself."""
    encoded = encode_xtext(text)
    assert decode_xtext(encoded) == text
    assert all("!" <= char <= "~" and char != "=" for char in encoded)


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("jos\\x{E9}@example.org", "jos\u00e9@example.org"),
        ("jos\u00e9@example.org", "jos\u00e9@example.org"),
        ("a\\x{2B}b@example.org", "a+b@example.org"),
        ("a+2Bb@example.org", "a+b@example.org"),
        ("\\x{1F4E7}@example.org", "\U0001f4e7@example.org"),
    ],
)
def test_utf8_addresses(value: str, address: str) -> None:
    r"""RFC 6533 §3: UTF-8 as it is, or as ``\x{…}``."""
    assert decode_utf8_address(value) == address


@pytest.mark.parametrize("value", ["a\\b", "\\x{D800}", "\\x{110000}", "\\x{e9}", "a="])
def test_no_utf8_addresses(value: str) -> None:
    """Surrogates and bare backslashes are no UTF-8 address."""
    with pytest.raises(ValueError):
        decode_utf8_address(value)
