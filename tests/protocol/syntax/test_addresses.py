"""Paths of MAIL and RCPT: RFC 5321 §4.1.1.2, §4.1.1.3 and §4.1.2."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_smtpserver.protocol.syntax.addresses import (
    Address,
    common_recipient,
    common_sender,
    parse_mail_argument,
    parse_rcpt_argument,
    salvage_address,
)
from pytest_smtpserver.protocol.syntax.replies import Refused, Reply
from pytest_smtpserver.protocol.syntax.values import OriginalRecipient

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def refusal(
    parse: Callable[..., Address], argument: bytes, *, lenient: bool = False
) -> str:
    with pytest.raises(Refused) as refused:
        parse(argument, lenient=lenient)
    return str(refused.value)


def or_refusal(parse: Callable[[T], Address | None], line: T) -> Address | str | None:
    """What is made of the line, or the text of the refusal."""
    try:
        return parse(line)
    except Refused as refused:
        return str(refused)


@pytest.mark.parametrize(
    ("path", "local_part", "domain"),
    [
        ("Smith@bar.com", "Smith", "bar.com"),  # RFC 5321 appendix D
        ("first.last+tag@mail.example.org", "first.last+tag", "mail.example.org"),
        ("a@localhost", "a", "localhost"),
        ('"a b"@example.org', '"a b"', "example.org"),
        ('"a@b>"@example.org', '"a@b>"', "example.org"),
        ('"a@[b"@example.org', '"a@[b"', "example.org"),
        ("a@[192.0.2.1]", "a", "[192.0.2.1]"),
        ("a@[IPv6:2001:db8::1]", "a", "[IPv6:2001:db8::1]"),
        ("a@[tag:x@y>z]", "a", "[tag:x@y>z]"),
        ("jos\u00e9@b\u00fccher.example", "jos\u00e9", "b\u00fccher.example"),
        (f"{'x' * 64}@example.org", "x" * 64, "example.org"),
        (f"a@{'x' * 63}.example", "a", f"{'x' * 63}.example"),
        ("a@1--2.example", "a", "1--2.example"),
    ],
)
def test_mailboxes(path: str, local_part: str, domain: str) -> None:
    """An address is the mailbox as sent, and knows its two parts."""
    for parse, keyword in ((parse_mail_argument, "From"), (parse_rcpt_argument, "to")):
        address = parse(f"{keyword}:<{path}>".encode())
        assert address == path
        assert (address.local_part, address.domain) == (local_part, domain)
        assert (address.source_route, address.parameter_list) == ("", ())
        assert (address.parameters, address.notify) == ({}, [])
        assert address.orcpt is None
        assert address.reply is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "Smith@bar.com",
        "<a@b",
        "<a@b@c>",
        "<a>",
        "<@b>",
        "<a@>",
        "<.a@b>",
        "<a.@b>",
        "<a..b@c>",
        "<a b@c>",
        "< a@b>",
        "<a@b >",
        "<a@b_c>",
        "<a@-b>",
        "<a@b.>",
        "<a(c)@b>",
        "<Ada <a@b>>",
        '<"a"b@c>',
        "<a@[192.0.2.256]>",
        "<a@[192.0.2.1>",
        "<a@[::1]>",
        "<@a>",
        "<@a,b:c@d>",
        "<@a_b:c@d>",
        "<@[192.0.2.1]:c@d>",
        "<@a:>",
        "<@a:@b>",
        f"<{'x' * 65}@example.org>",
        f"<a@{'x' * 64}.example>",
        f"<a@{'x.' * 127}xyz>",
        f"<{'x' * 64}@{'y.' * 95}y>",  # 64 + 1 + 191 + 2 octets
        "<" + "\u00e9" * 33 + "@example.org>",
    ],
)
def test_bad_paths(path: str) -> None:
    """What is not <mailbox> by the grammar is refused with 501, and says whose."""
    mail = refusal(parse_mail_argument, f"FROM:{path}".encode())
    assert mail.startswith("501 5.1.7 Bad sender address: ")
    rcpt = refusal(parse_rcpt_argument, f"TO:{path}".encode())
    assert rcpt.startswith("501 5.1.3 Bad recipient address: ")


def test_the_longest_path() -> None:
    """RFC 5321 §4.5.3.1.3: 256 octets with their brackets, source route included."""
    path = f"<{'x' * 64}@{'y.' * 94}y>"
    assert len(path) == 64 + 1 + 189 + 2
    assert parse_mail_argument(f"FROM:{path}".encode()).path == path
    assert "256 octets" in refusal(parse_mail_argument, f"FROM:<@z:{path[1:]}".encode())


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        (f"FROM:<{'x' * 65}@example.org>", "4.5.3.1.1"),
        (f"FROM:<a@{'x.' * 127}xyz>", "4.5.3.1.2"),
        ("FROM:<a>", "no domain"),
        ("FROM:a@b", "angle brackets"),
        ("FROM :<a@b>", "3.3"),
        ("FROM:<a\u200b@b>", "U+200B"),
    ],
)
def test_a_refusal_says_why(argument: str, told: str) -> None:
    """The text names what is wrong, or the section that has it."""
    assert told in refusal(parse_mail_argument, argument.encode())


@pytest.mark.parametrize(
    "argument", [b"", b"<a@b>", b"TO:<a@b>", b"FROM<a@b>", b" FROM:<a@b>", b"FROM"]
)
def test_mail_without_from(argument: bytes) -> None:
    """Without FROM: there is no MAIL; the reply shows the syntax."""
    told = refusal(parse_mail_argument, argument)
    assert told.startswith("501 5.5.4 Syntax: MAIL FROM:<address>")


@pytest.mark.parametrize("argument", [b"", b"<a@b>", b"FROM:<a@b>", b"TO"])
def test_rcpt_without_to(argument: bytes) -> None:
    """Without TO: there is no RCPT; the reply shows the syntax."""
    told = refusal(parse_rcpt_argument, argument)
    assert told.startswith("501 5.5.4 Syntax: RCPT TO:<address>")


def test_the_null_reverse_path() -> None:
    """RFC 5321 §4.5.5: ``<>`` is a sender, and no recipient, leniently too."""
    address = parse_mail_argument(b"FROM:<>")
    assert address == ""
    assert (address.local_part, address.domain, address.path) == ("", "", "<>")
    assert parse_mail_argument(b"FROM:<>", lenient=True) == ""
    assert refusal(parse_rcpt_argument, b"TO:<>").startswith("501 5.1.3 ")
    assert refusal(parse_rcpt_argument, b"TO:<>", lenient=True).startswith("501 5.1.3 ")


@pytest.mark.parametrize("spelling", ["postmaster", "Postmaster", "POSTMASTER"])
def test_bare_postmaster_is_a_recipient(spelling: str) -> None:
    """RFC 5321 §4.1.1.3: postmaster alone, in any case, in RCPT."""
    address = parse_rcpt_argument(f"TO:<{spelling}>".encode())
    assert (address, address.local_part, address.domain) == (spelling, spelling, "")
    assert refusal(parse_mail_argument, f"FROM:<{spelling}>".encode())


def test_a_source_route_is_dropped_and_recorded() -> None:
    """RFC 5321 appendix C: accepted, ignored, and still to be seen."""
    address = parse_rcpt_argument(b"TO:<@hosta.int,@jkl.org:userc@d.bar.org>")
    assert address == "userc@d.bar.org"
    assert address.source_route == "@hosta.int,@jkl.org"
    assert address.path == "<@hosta.int,@jkl.org:userc@d.bar.org>"


def test_parameters_beside_the_address() -> None:
    """Spelling and order stay in the list; the dict has keywords in upper case."""
    address = parse_mail_argument(b"FROM:<a@b.example> size=120 Ret=HDRS requiretls ")
    assert address.parameter_list == (
        ("size", "120"),
        ("Ret", "HDRS"),
        ("requiretls", None),
    )
    assert address.parameters == {"SIZE": "120", "RET": "HDRS", "REQUIRETLS": None}
    assert list(address.parameters) == ["SIZE", "RET", "REQUIRETLS"]


def test_addresses_share_nothing_mutable() -> None:
    """What a test does to one address does not reach another one."""
    first = parse_mail_argument(b"FROM:<a@b>")
    second = parse_mail_argument(b"FROM:<a@b>")
    first.parameters["X"] = "1"
    first.notify.append("NEVER")
    assert second.parameters == {}
    assert second.notify == first.notify == []
    assert first.parameters is first.parameters


@pytest.mark.parametrize(
    "argument", [b"FROM:<a@b>X", b"FROM:<a@b>SIZE=1", b"FROM:<a@b> S\xff=1"]
)
def test_bad_text_behind_the_path(argument: bytes) -> None:
    """After the path come parameters, or nothing."""
    assert refusal(parse_mail_argument, argument).startswith("501 5.5.4 ")


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize(
    "mailbox",
    [
        b"a\0@b",
        b"a\r@b",
        b"a\n@b",
        b"a\x7f@b",
        b'"a\x01"@b',
        b"a\xc2\x85@b",
        b"a\xe2\x80\x8b@b",
        b"a\xe2\x81\xa0@b",
        b"a@\xef\xbb\xbfb",
        b"\xff@b",
        b"a\xc3@b",
        b"a\xed\xa0\x80@b",
    ],
)
def test_never_accepted(mailbox: bytes, lenient: bool) -> None:
    """Control and invisible characters, and what is not UTF-8, get 501 either way."""
    told = refusal(parse_rcpt_argument, b"TO:<" + mailbox + b">", lenient=lenient)
    assert told.startswith("501 5.1.3 ")


@pytest.mark.parametrize(
    ("argument", "expected", "domain"),
    [
        ("FROM:a@b.example", "a@b.example", "b.example"),
        ("FROM:<a\t@b>", "a@b", "b"),
        ("from : a@b.example", "a@b.example", "b.example"),
        ("FROM:<a@b.example", "a@b.example", "b.example"),
        ("FROM:< a@b.example >", "a@b.example", "b.example"),
        ("FROM:<.a..b.@c>", ".a..b.@c", "c"),
        ("FROM:<a@my_host>", "a@my_host", "my_host"),
        ("FROM:<a@b.>", "a@b.", "b."),
        ("FROM:<a(b),c;d@e>", "a(b),c;d@e", "e"),
        ("FROM:<a@b@c>", "a@b@c", "c"),
        ("FROM:<a@[999.0.0.1]>", "a@[999.0.0.1]", "[999.0.0.1]"),
        # A comment beside an address is no part of it (RFC 5322 §3.4).
        ("FROM:<(Ada)a@b>", "a@b", "b"),
        ("FROM:<(Ada) a@b (x)(y)>", "a@b", "b"),
        ("FROM:<root>", "root", ""),
        ('FROM:<"a b>">', '"a b>"', ""),
        ('FROM:"a b"@c', '"a b"@c', "c"),
        ("FROM:<@x_y:a@b>", "a@b", "b"),
        (f"FROM:<{'x' * 300}@b>", f"{'x' * 300}@b", "b"),
        ("FROM:<\u00e9 >", "\u00e9", ""),
    ],
)
def test_lenient_addresses(argument: str, expected: str, domain: str) -> None:
    """What real senders get wrong is accepted, as it was sent, on request only."""
    refusal(parse_mail_argument, argument.encode())
    address = parse_mail_argument(argument.encode(), lenient=True)
    assert (address, address.domain) == (expected, domain)


@pytest.mark.parametrize("argument", [b"TO:", b"TO:<", b"TO:<a@>", b"TO:<@>", b"X"])
def test_refused_leniently_too(argument: bytes) -> None:
    """Where there is no address, nothing can be accepted."""
    assert refusal(parse_rcpt_argument, argument, lenient=True).startswith("501 ")


@pytest.mark.parametrize("argument", [b"FROM:", b"FROM:<", b"FROM:<a@>", b"FROM:@"])
def test_something_stands_for_nothing(argument: bytes) -> None:
    """Postfix too takes ``<>`` as the null reverse-path, and no less than that."""
    assert refusal(parse_mail_argument, argument, lenient=True).startswith("501 ")
    assert parse_mail_argument(b"FROM:<>", lenient=True) == ""


@pytest.mark.parametrize("path", [b"<a@b>", b"a@b", b" <a@b>", b" < a@b > "])
def test_lenient_paths_with_parameters(path: bytes) -> None:
    """Parameters are found behind a path however it is written."""
    address = parse_mail_argument(b"FROM:" + path + b" SIZE=1  X", lenient=True)
    assert address == "a@b"
    assert address.parameters == {"SIZE": "1", "X": None}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, "pickle"])
def test_copies(duplicate: Callable[[Address], Address] | str) -> None:
    """Copying and pickling keep all that came with the address."""
    address = parse_rcpt_argument(b"TO:<@r:a@b> NOTIFY=NEVER ORCPT=rfc822;c")
    address.notify = ["NEVER"]
    address.orcpt = OriginalRecipient("rfc822;c")
    address.reply = Reply(250, "2.1.5 OK")
    twin = (
        pickle.loads(pickle.dumps(address))
        if isinstance(duplicate, str)
        else duplicate(address)
    )
    assert isinstance(twin, Address)
    assert (twin, twin.source_route, twin.parameters) == ("a@b", "@r", twin.parameters)
    assert twin.parameter_list == address.parameter_list
    assert twin.notify == ["NEVER"]
    assert isinstance(twin.orcpt, OriginalRecipient)
    assert (twin.orcpt, twin.reply) == ("rfc822;c", Reply(250, "2.1.5 OK"))


def test_the_original_recipient_knows_its_parts() -> None:
    """RFC 3461 §4.2: addr-type and address."""
    original = OriginalRecipient("rfc822;bob@example.org")
    assert original == "rfc822;bob@example.org"
    assert (original.addr_type, original.address) == ("rfc822", "bob@example.org")


@pytest.mark.parametrize(
    ("argument", "mailbox", "parameters"),
    [
        (b"FROM:<a@b> SIZE=1", "a@b", {"SIZE": "1"}),
        (b"TO:a@b X", "a@b", {"X": None}),
        (b"FROM:<\xffa@b> SIZE=1", "\\xffa@b", {"SIZE": "1"}),
        (b"TO:<@r:a\0@b>", "a\0@b", {}),
        (b"<a@b> SIZE==", "a@b", {}),
        (b"a@b", "a@b", {}),
        (b"FROM:<>", "", {}),
        (b"TO:<>", "", {}),
        (b"", "", {}),
        (b"<", "", {}),
    ],
)
def test_salvage(
    argument: bytes, mailbox: str, parameters: dict[str, str | None]
) -> None:
    """A malformed argument that a rule accepts is recorded as well as it goes."""
    address = salvage_address(argument)
    assert (address, address.parameters) == (mailbox, parameters)


_ATEXT = "abcXYZ019!#$%&'*+-/=?^_`{|}~\u00e9\u7528"
_label = st.text("abcXYZ019\u00fc\u7528", min_size=1, max_size=8)
_domains = st.lists(_label, min_size=1, max_size=3).map(".".join)
_dot_strings = st.lists(st.text(_ATEXT, min_size=1, max_size=5), min_size=1, max_size=4)
_quoted = st.text('ab @>[]\\"<,.;:\u00e9', max_size=10).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
_literals = st.one_of(
    st.ip_addresses(v=4).map(lambda ip: f"[{ip}]"),
    st.ip_addresses(v=6).map(lambda ip: f"[IPv6:{ip.exploded}]"),
)
_parameters = st.lists(
    st.tuples(
        st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9-]{0,5}\Z"),
        st.none() | st.from_regex(r"\A[!-<>-~]{1,8}\Z"),
    ),
    max_size=3,
)


@settings(max_examples=60)
@given(
    local_part=st.one_of(_dot_strings.map(".".join), _quoted),
    domain=st.one_of(_domains, _literals),
    route=st.lists(_domains, max_size=2),
    parameters=_parameters,
    lenient=st.booleans(),
)
def test_paths_round_trip(
    local_part: str,
    domain: str,
    route: list[str],
    parameters: list[tuple[str, str | None]],
    lenient: bool,
) -> None:
    """What is written by the grammar is read as what it was made of."""
    words = [key if value is None else f"{key}={value}" for key, value in parameters]
    written = Address(
        f"{local_part}@{domain}",
        parameter_list=parameters,
        source_route=",".join(f"@{hop}" for hop in route),
    )
    argument = " ".join([f"FROM:{written.path}", *words]).encode()
    read = parse_mail_argument(argument, lenient=lenient)
    assert (read, read.source_route) == (written, written.source_route)
    assert (read.local_part, read.domain) == (local_part, domain)
    assert read.parameter_list == written.parameter_list


_PIECES = b'FROM: TO: < > @ " \\ a . , : [ ] = SIZE=1'.split()
_pieces = st.lists(
    st.sampled_from([*_PIECES, b" ", b"\0", b"\xff", b"\xc3\xa9", b"\xe2\x80\x8b"]),
    max_size=12,
).map(b"".join)


@given(prefix=st.sampled_from([b"", b"FROM:<", b"TO:<"]), rest=_pieces | st.binary())
@example(prefix=b"FROM:<", rest=b'"\\' * 8000)
@example(prefix=b"FROM:<", rest=b"@a:" * 5000)
@example(prefix=b"TO:<", rest=b"a." * 8000 + b"@" + b"a-" * 8000)
def test_any_bytes_give_an_address_or_a_refusal(prefix: bytes, rest: bytes) -> None:
    """Nothing but Refused is ever raised, and salvaging raises not even that."""
    for parse in (parse_mail_argument, parse_rcpt_argument):
        for lenient in (False, True):
            try:
                address = parse(prefix + rest, lenient=lenient)
            except Refused as refused:
                assert refused.reply.code == 501  # noqa: PT017 - one of two outcomes
            else:
                at = "@" if address.domain else ""
                assert address == f"{address.local_part}{at}{address.domain}"
    assert isinstance(salvage_address(prefix + rest), Address)


@given(
    local_part=st.text("az.-+'#", min_size=1, max_size=70),
    domain=st.text("az09.-", min_size=1, max_size=70),
    rest=st.sampled_from(["", " ", "\t", " SIZE=1 X=jos\u00e9", " SIZE=1 ", " =", "x"]),
)
@example("ada", "example.org", " SIZE=120")
@example("a" * 64, "example.org", "")
@example("a" * 65, "example.org", "")
@example("a", f"{'b' * 64}.org", "")
@settings(max_examples=300)
def test_the_common_form_is_read_as_the_grammar_reads_it(
    local_part: str, domain: str, rest: str
) -> None:
    """The short way through gives what the long one gives, or leaves it to that."""
    path = f"<{local_part}@{domain}>{rest}"
    for common, parse, verb, keyword in (
        (common_sender, parse_mail_argument, "MAIL", "From"),
        (common_recipient, parse_rcpt_argument, "rcpt", "TO"),
    ):
        argument = f"{keyword}:{path}"
        # White space at the end of a command is taken off before the grammar sees it.
        stripped = argument.rstrip(" \t").encode()
        found = or_refusal(common, f"{verb} {argument}")
        if found is not None:
            expected = or_refusal(parse, stripped)
            assert found == expected
        if isinstance(found, Address):
            assert isinstance(expected, Address)
            assert found.parameter_list == expected.parameter_list
            assert (found.source_route, found.notify, found.orcpt) == ("", [], None)


def test_the_common_form_is_common() -> None:
    """What clients send nearly always goes the short way."""
    assert common_sender("MAIL FROM:<ada@example.org>") == "ada@example.org"
    assert common_sender("mail FROM:<ada@example.org> size=9") == "ada@example.org"
    assert common_recipient("RCPT TO:<b.c@d-e.example.org>") == "b.c@d-e.example.org"
    for line in ("MAIL FROM:<>", "MAIL  FROM:<a@b>", "RCPT TO:<a@b>"):
        assert common_sender(line) is None
