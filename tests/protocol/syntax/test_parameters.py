"""Parameters of MAIL and RCPT, each by the RFC of its extension."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_smtpserver.protocol.syntax.addresses import (
    parse_mail_argument,
    parse_rcpt_argument,
)
from pytest_smtpserver.protocol.syntax.parameters import (
    ParameterRules,
    check_mail_parameters,
    check_rcpt_parameters,
)
from pytest_smtpserver.protocol.syntax.replies import Refused
from pytest_smtpserver.protocol.syntax.values import DeliverBy, MailValues

from ..tools import encode_xtext

ALL = ParameterRules(
    frozenset(
        [
            *("SIZE", "8BITMIME", "BINARYMIME", "SMTPUTF8", "DSN", "AUTH"),
            *("REQUIRETLS", "DELIVERBY", "FUTURERELEASE", "MT-PRIORITY"),
        ]
    )
)
NONE = ParameterRules(frozenset())


def mail(parameters: str, rules: ParameterRules = ALL) -> MailValues:
    argument = f"FROM:<a@example.org> {parameters}".encode()
    return check_mail_parameters(parse_mail_argument(argument), rules)


def mail_refusal(parameters: str, rules: ParameterRules = ALL) -> str:
    with pytest.raises(Refused) as refused:
        mail(parameters, rules)
    return str(refused.value)


def rcpt_refusal(
    parameters: str, rules: ParameterRules = ALL, *, smtputf8: bool = False
) -> str:
    address = parse_rcpt_argument(f"TO:<a@example.org> {parameters}".encode())
    with pytest.raises(Refused) as refused:
        check_rcpt_parameters(address, rules, smtputf8=smtputf8)
    assert (address.notify, address.orcpt) == ([], None)
    return str(refused.value)


def test_no_parameters() -> None:
    """Nothing was said, so every value is None or False."""
    assert mail("") == MailValues()
    assert mail("", NONE) == MailValues()


@pytest.mark.parametrize(
    ("parameters", "values"),
    [
        ("SIZE=500000", MailValues(declared_size=500000)),  # RFC 1870 §8
        ("SIZE=0", MailValues(declared_size=0)),
        (f"size={'9' * 20}", MailValues(declared_size=10**20 - 1)),
        ("BODY=7BIT", MailValues(body="7BIT")),
        ("BODY=8bitmime", MailValues(body="8BITMIME")),  # RFC 6152 §2
        ("BODY=BINARYMIME", MailValues(body="BINARYMIME")),  # RFC 3030 §4.2
        ("SMTPUTF8", MailValues(smtputf8=True)),
        # RFC 3461 §10.1
        ("RET=HDRS ENVID=QQ314159", MailValues(ret="HDRS", envid="QQ314159")),
        ("RET=full", MailValues(ret="FULL")),
        ("ENVID=a+20b+2B", MailValues(envid="a b+")),
        (f"ENVID={'x' * 100}", MailValues(envid="x" * 100)),
        ("AUTH=e+3Dmc2@example.com", MailValues(auth="e=mc2@example.com")),
        ("AUTH=<>", MailValues(auth="<>")),  # RFC 4954 §5
        ("AUTH=jos+C3+A9", MailValues(auth="jos\u00e9")),
        ("REQUIRETLS", MailValues(require_tls=True)),
        ("BY=120;R", MailValues(deliver_by=DeliverBy(120, "R"))),
        ("BY=-5;nt", MailValues(deliver_by=DeliverBy(-5, "N", trace=True))),
        ("BY=+999999999;RT", MailValues(deliver_by=DeliverBy(999999999, "R", True))),
        ("HOLDFOR=1", MailValues(hold_for=1)),
        ("HOLDFOR=999999999", MailValues(hold_for=999999999)),
        # RFC 3339 appendix C: 2400 is a leap year, 2100 is none.
        (
            "HOLDUNTIL=2400-02-29T00:00:00Z",
            MailValues(hold_until="2400-02-29T00:00:00Z"),
        ),
        (
            "HOLDUNTIL=2096-02-29T23:59:60Z",
            MailValues(hold_until="2096-02-29T23:59:60Z"),
        ),
        (
            "HOLDUNTIL=2030-12-31T08:00:00.5+01:00",
            MailValues(hold_until="2030-12-31T08:00:00.5+01:00"),
        ),
        ("MT-PRIORITY=3", MailValues(priority=3)),  # RFC 6710 §7
        ("MT-PRIORITY=-9", MailValues(priority=-9)),
        ("MT-PRIORITY=0", MailValues(priority=0)),
    ],
)
def test_mail_values(parameters: str, values: MailValues) -> None:
    """Each parameter is read into its field, and into no other one."""
    assert mail(parameters) == values


@pytest.mark.parametrize(
    "parameters",
    [
        "SIZE",
        "SIZE=x",
        "SIZE=-1",
        f"SIZE={'1' * 21}",
        "SIZE=\u0661",  # a digit, but not of ASCII
        "BODY",
        "BODY=9BIT",
        "SMTPUTF8=1",
        "RET",
        "RET=BOTH",
        "ENVID",
        "ENVID=a+2",
        "ENVID=a+0A",
        "ENVID=a+C3+A9",
        f"ENVID={'x' * 101}",
        "AUTH",
        "AUTH=a+3d",
        "AUTH=a+00b",
        "AUTH=a+FF",
        "AUTH=\u00e9",
        "REQUIRETLS=YES",
        "BY",
        "BY=120",
        "BY=;R",
        "BY=120;X",
        "BY=120;RR",
        "BY=1234567890;R",
        "BY=0;R",
        "BY=-1;R",
        "HOLDFOR",
        "HOLDFOR=0",
        "HOLDFOR=1234567890",
        "HOLDUNTIL",
        "HOLDUNTIL=tomorrow",
        "HOLDUNTIL=2030-02-29T00:00:00Z",
        "HOLDUNTIL=2100-02-29T00:00:00Z",
        "HOLDUNTIL=2030-13-01T00:00:00Z",
        "HOLDUNTIL=2030-01-01T24:00:00Z",
        "HOLDUNTIL=2030-01-01T00:00:00",
        "HOLDFOR=60 HOLDUNTIL=2030-01-01T00:00:00Z",
        "MT-PRIORITY",
        "MT-PRIORITY=10",
        "MT-PRIORITY=+1",
        "MT-PRIORITY=-0",
        "SIZE=1 size=2",
        "RET=FULL RET=FULL",
    ],
)
def test_bad_mail_values(parameters: str) -> None:
    """A bad value, or a keyword given twice, gets 501 5.5.4."""
    assert mail_refusal(parameters).startswith("501 5.5.4 ")


@pytest.mark.parametrize(
    ("month", "last"),
    [*enumerate([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], 1)],
)
def test_the_last_day_of_each_month(month: int, last: int) -> None:
    """RFC 3339 §5.7, in a leap year."""
    date = "HOLDUNTIL=2032-{:02}-{:02}T00:00:00Z"
    assert mail(date.format(month, last)).hold_until == date[10:].format(month, last)
    assert mail_refusal(date.format(month, last + 1)).startswith("501 ")


def test_binarymime_is_a_body_where_the_extension_exists() -> None:
    """RFC 3030 §3: a server without BINARYMIME has no such body, and says which."""
    rules = ParameterRules(frozenset({"8BITMIME"}))
    assert mail("BODY=8BITMIME", rules).body == "8BITMIME"
    told = mail_refusal("BODY=BINARYMIME", rules)
    assert told == "501 5.5.4 Syntax: BODY is one of 7BIT, 8BITMIME"


@pytest.mark.parametrize(
    ("parameters", "extension"),
    [
        ("SIZE=1", "SIZE"),
        ("BODY=7BIT", "8BITMIME"),
        ("SMTPUTF8", "SMTPUTF8"),
        ("RET=FULL", "DSN"),
        ("ENVID=x", "DSN"),
        ("AUTH=<>", "AUTH"),
        ("REQUIRETLS", "REQUIRETLS"),
        ("BY=1;N", "DELIVERBY"),
        ("HOLDFOR=1", "FUTURERELEASE"),
        ("HOLDUNTIL=2030-01-01T00:00:00Z", "FUTURERELEASE"),
        ("MT-PRIORITY=1", "MT-PRIORITY"),
    ],
)
def test_extensions_gate_their_parameters(parameters: str, extension: str) -> None:
    """A parameter is known where its extension exists, and gets 555 elsewhere."""
    mail(parameters, ParameterRules(frozenset({extension})))
    others = ParameterRules(ALL.extensions - {extension, "BINARYMIME"})
    told = mail_refusal(parameters, others)
    assert told.startswith("555 5.5.4 ")
    assert f"EHLO has no {extension}" in told
    lmtp = ParameterRules(others.extensions, lmtp=True)
    assert "LHLO has no" in mail_refusal(parameters, lmtp)


def test_unknown_parameters() -> None:
    """RFC 5321 §4.1.1.11: 555, unless told to accept them."""
    assert mail_refusal("X-FOO=1") == (
        "555 5.5.4 MAIL parameter X-FOO is not recognized"
    )
    assert rcpt_refusal("X-FOO").startswith("555 5.5.4 RCPT parameter X-FOO")
    lenient = ParameterRules(ALL.extensions, lenient=True)
    assert mail("X-FOO=1 SIZE=2", lenient) == MailValues(declared_size=2)
    extra = ParameterRules(ALL.extensions, frozenset({"X-FOO"}))
    assert mail("x-foo", extra) == MailValues()
    assert mail_refusal("X-BAR", extra).startswith("555 ")


def test_lenient_rules_still_check_what_they_know() -> None:
    """Only what is unknown is let pass, and only once."""
    lenient = ParameterRules(frozenset({"SIZE"}), lenient=True)
    assert mail_refusal("SIZE=x", lenient).startswith("501 ")
    assert mail_refusal("X=1 x=2", lenient).startswith("501 ")
    assert mail("RET=ANY", lenient).ret is None


def test_a_long_keyword_does_not_make_a_long_reply() -> None:
    """RFC 5321 §4.5.3.1.5: a reply line has 512 octets at most."""
    assert len(mail_refusal("X" * 2000)) < 200


def test_parameters_of_the_other_command() -> None:
    """RFC 3461: NOTIFY and ORCPT belong to RCPT, RET and ENVID to MAIL."""
    told = mail_refusal("NOTIFY=NEVER")
    assert told.startswith("555 5.5.4 ")
    assert "belongs to RCPT" in told
    assert "belongs to MAIL" in rcpt_refusal("RET=FULL")
    assert rcpt_refusal("SIZE=1").startswith("555 5.5.4 ")


@pytest.mark.parametrize(
    ("value", "notify"),
    [
        ("NEVER", ["NEVER"]),
        ("never", ["NEVER"]),
        ("SUCCESS,FAILURE", ["SUCCESS", "FAILURE"]),  # RFC 3461 §10.1
        ("Delay", ["DELAY"]),
        ("FAILURE,SUCCESS,DELAY", ["FAILURE", "SUCCESS", "DELAY"]),
    ],
)
def test_notify(value: str, notify: list[str]) -> None:
    """RFC 3461 §4.1: the list in its order, in upper case."""
    address = parse_rcpt_argument(f"TO:<a@b> NOTIFY={value}".encode())
    check_rcpt_parameters(address, ALL)
    assert address.notify == notify
    assert address.parameters == {"NOTIFY": value}


@pytest.mark.parametrize(
    ("value", "decoded", "addr_type", "address"),
    [
        # RFC 3461 §10.1
        ("rfc822;Bob@Example.COM", "rfc822;Bob@Example.COM", "rfc822", None),
        ("rfc822;a+2Bb@c.example", "rfc822;a+b@c.example", "rfc822", "a+b@c.example"),
        ("x400;+20;x", "x400; ;x", "x400", " ;x"),
        ("rfc822;", "rfc822;", "rfc822", ""),
        ("utf-8;jos\\x{E9}@b", "utf-8;jos\u00e9@b", "utf-8", "jos\u00e9@b"),
    ],
)
def test_orcpt(value: str, decoded: str, addr_type: str, address: str | None) -> None:
    """RFC 3461 §4.2, RFC 6533 §3: type and address, decoded."""
    recipient = parse_rcpt_argument(f"TO:<a@b> ORCPT={value}".encode())
    check_rcpt_parameters(recipient, ALL)
    assert recipient.orcpt is not None
    assert recipient.orcpt == decoded
    assert recipient.orcpt.addr_type == addr_type
    assert address is None or recipient.orcpt.address == address


@pytest.mark.parametrize(
    "parameters",
    [
        "NOTIFY",
        "NOTIFY=ALWAYS",
        "NOTIFY=NEVER,SUCCESS",
        "NOTIFY=SUCCESS,",
        "NOTIFY=NEVER NOTIFY=NEVER",
        "ORCPT",
        "ORCPT=bob@example.org",
        "ORCPT=;bob",
        "ORCPT=a(b;c",
        "ORCPT=rfc822;a+2",
        "ORCPT=rfc822;a+0D+0A",
        "ORCPT=rfc822;a+C3+A9",
        "ORCPT=rfc822;\u00e9",
        "ORCPT=utf-8;a\\x{200B}",
        f"ORCPT=rfc822;{'x' * 494}",
        "NOTIFY=NEVER ORCPT=x",
    ],
)
def test_bad_rcpt_values(parameters: str) -> None:
    """A bad value gets 501 5.5.4, and leaves the address as it was."""
    assert rcpt_refusal(parameters).startswith("501 5.5.4 ")


def test_the_longest_orcpt() -> None:
    """RFC 3461 §4.2: up to 500 characters."""
    address = parse_rcpt_argument(f"TO:<a@b> ORCPT=rfc822;{'x' * 493}".encode())
    check_rcpt_parameters(address, ALL)
    assert len(address.orcpt or "") == 500


def test_dsn_parameters_without_dsn() -> None:
    """A server without DSN knows neither NOTIFY nor ORCPT."""
    for parameters in ("NOTIFY=NEVER", "ORCPT=rfc822;a"):
        assert rcpt_refusal(parameters, NONE).startswith("555 5.5.4 ")


def test_non_ascii_addresses_need_smtputf8() -> None:
    """RFC 6531 §3.5: 550 5.6.7 for MAIL, 553 5.6.7 for RCPT."""
    sender = parse_mail_argument("FROM:<jos\u00e9@example.org>".encode())
    with pytest.raises(Refused, match=r"^550 5\.6\.7 "):
        check_mail_parameters(sender, ALL)
    recipient = parse_rcpt_argument("TO:<a@b\u00fccher.example>".encode())
    with pytest.raises(Refused, match=r"^553 5\.6\.7 "):
        check_rcpt_parameters(recipient, ALL)
    check_rcpt_parameters(recipient, ALL, smtputf8=True)
    sender = parse_mail_argument("FROM:<jos\u00e9@example.org> SMTPUTF8".encode())
    assert check_mail_parameters(sender, ALL).smtputf8
    with pytest.raises(Refused, match=r"^555 5\.5\.4 "):
        check_mail_parameters(sender, NONE)


def test_orcpt_in_utf8_needs_smtputf8() -> None:
    """RFC 6533 §3: the unencoded form is for transactions with SMTPUTF8."""
    assert rcpt_refusal("ORCPT=utf-8;jos\u00e9@b").startswith("501 5.5.4 ")
    address = parse_rcpt_argument("TO:<a@b> ORCPT=utf-8;jos\u00e9@b".encode())
    check_rcpt_parameters(address, ALL, smtputf8=True)
    assert address.orcpt == "utf-8;jos\u00e9@b"


@settings(max_examples=50)
@given(
    size=st.integers(0, 10**20 - 1),
    envid=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1),
    auth=st.emails(),
    priority=st.integers(-9, 9),
    seconds=st.integers(1, 999999999),
    mode=st.sampled_from("RN"),
    trace=st.booleans(),
)
def test_values_round_trip(
    size: int,
    envid: str,
    auth: str,
    priority: int,
    seconds: int,
    mode: str,
    trace: bool,
) -> None:
    """What is written into parameters is what is read from them."""
    envid = envid[:33]  # a hexchar takes three of the hundred characters
    assert mail(
        f"SIZE={size} ENVID={encode_xtext(envid)} AUTH={encode_xtext(auth)} "
        f"MT-PRIORITY={priority} BY={seconds};{mode}{'T' if trace else ''}"
    ) == MailValues(
        declared_size=size,
        envid=envid,
        auth=auth,
        priority=priority,
        deliver_by=DeliverBy(seconds, mode, trace),
    )


_keywords = st.sampled_from(
    [
        *("SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH", "REQUIRETLS", "BY"),
        *("HOLDFOR", "HOLDUNTIL", "MT-PRIORITY", "NOTIFY", "ORCPT", "X"),
    ]
)
_values = st.sampled_from(["", "=1", "=NEVER", "=<>", "=a;b", "=FULL", "=+00"])


@settings(max_examples=60)
@given(
    words=st.lists(st.builds(str.__add__, _keywords, _values), max_size=4),
    rules=st.builds(
        ParameterRules,
        st.frozensets(st.sampled_from(sorted(ALL.extensions))),
        lenient=st.booleans(),
    ),
    smtputf8=st.booleans(),
)
def test_any_parameters_give_values_or_a_refusal(
    words: list[str], rules: ParameterRules, smtputf8: bool
) -> None:
    """Nothing but Refused is ever raised, with 501 or 555."""
    rest = "".join(f" {word}" for word in words).encode()
    for check in (
        lambda: check_mail_parameters(parse_mail_argument(b"FROM:<>" + rest), rules),
        lambda: check_rcpt_parameters(
            parse_rcpt_argument(b"TO:<a@b>" + rest), rules, smtputf8=smtputf8
        ),
    ):
        try:
            check()
        except Refused as refused:
            assert refused.reply.code in {501, 555}  # noqa: PT017 - one of two outcomes
