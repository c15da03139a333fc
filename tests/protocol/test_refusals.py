"""What a refusal says: what is wrong, and where it is written that it is.

Whoever reads one has only the reply: it names the part that is wrong, what would be
right, and the section that says so. Each sentence stands here once, and whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_smtpserver.protocol.sasl.credentials import SaslContext
from pytest_smtpserver.protocol.sasl.mechanisms import MECHANISMS, Exchange
from pytest_smtpserver.protocol.state.settings import KNOWN_EXTENSIONS
from pytest_smtpserver.protocol.syntax.addresses import (
    parse_mail_argument,
    parse_rcpt_argument,
)
from pytest_smtpserver.protocol.syntax.grammar import (
    literal_problem,
    parse_client_name,
)
from pytest_smtpserver.protocol.syntax.parameters import (
    ParameterRules,
    check_mail_parameters,
    check_rcpt_parameters,
)
from pytest_smtpserver.protocol.syntax.postfix import parse_xclient, parse_xforward
from pytest_smtpserver.protocol.syntax.replies import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

RULES = ParameterRules(frozenset({*KNOWN_EXTENSIONS, "AUTH"}))
MAIL_FROM = "MAIL FROM:<address> [SP parameters]"
LONG_DOMAIN = b".".join([b"b" * 60] * 5)


def refusal(parse: Callable[..., object], *arguments: Any, **named: Any) -> str:
    with pytest.raises(Refused) as refused:
        parse(*arguments, **named)
    return str(refused.value)


#: RFC 5321 §4.1.2, §4.1.3 and §4.5.3.1, RFC 6531 §3.3, RFC 5890 §2.3.2.1.
PATHS = [
    (b"<@x.org>", "the local-part is empty"),
    (b'<"a@x.org>', "the quoted local-part is not well-formed"),
    (b"<a b@x.org>", "U+0020 stands in the local-part without quotes"),
    (b"<a(b@x.org>", '"(" stands in the local-part without quotes'),
    (
        b"<a..b@x.org>",
        "a dot begins or ends the local-part, or follows another one",
    ),
    (
        b"<" + b"a" * 65 + b"@x.org>",
        "the local-part is longer than 64 octets (RFC 5321 section 4.5.3.1.1)",
    ),
    (
        b"<a@" + LONG_DOMAIN + b">",
        "the domain is longer than 255 octets (RFC 5321 section 4.5.3.1.2)",
    ),
    (b"<a@b..c>", "a label of the domain is empty"),
    (
        b"<a@" + b"b" * 64 + b">",
        "a label of the domain is longer than 63 octets (RFC 1035)",
    ),
    (b"<a@-b>", "a hyphen begins or ends a label of the domain"),
    (b"<a@b_c>", '"_" stands in the domain'),
    (
        b"<a@\xc3\xbc\xe2\x80\x94>",
        "a label of the domain is no U-label (RFC 5890)",
    ),
    (b"<a@[1]>", "the address literal is not valid"),
    (b"<a@[::1]>", 'an IPv6 address literal begins with "IPv6:"'),
    (b"<a@[IPv6:1]>", "the IPv6 address literal is not valid"),
    (
        b"<a@[" + b"x" * 260 + b"]>",
        "the address literal is longer than 255 octets (RFC 5321 section 4.5.3.1.2)",
    ),
    (b"a@b", "no angle brackets around it (RFC 5321 section 4.1.2)"),
    (b"<a", "the path is not <local-part@domain> (RFC 5321 section 4.1.2)"),
    (b"<a>", "there is no domain (RFC 5321 section 4.1.2)"),
    (
        b"<@x,y:a@b>",
        "the source route is not @domain,@domain: (RFC 5321 section 4.1.2)",
    ),
    (
        b"<@x,@:a@b>",
        "the source route is not @domain,@domain: (RFC 5321 section 4.1.2)",
    ),
    (
        b"<@" + b",@".join([b"r" * 60] * 5) + b":a@b>",
        "the path is longer than 256 octets (RFC 5321 section 4.5.3.1.3)",
    ),
    (b"<a\x07@b>", "the control or invisible character U+0007"),
    (b"<\xff@b>", "the command is not UTF-8 (RFC 6531 section 3.3)"),
]


@pytest.mark.parametrize(("path", "problem"), PATHS)
def test_paths(path: bytes, problem: str) -> None:
    """RFC 3463 §3.2: 5.1.7 for a sender's address, 5.1.3 for a recipient's."""
    said = refusal(parse_mail_argument, b"FROM:" + path)
    assert said == f"501 5.1.7 Bad sender address: {problem}"
    said = refusal(parse_rcpt_argument, b"TO:" + path)
    assert said == f"501 5.1.3 Bad recipient address: {problem}"


@pytest.mark.parametrize("lenient", [False, True])
def test_no_path_for_a_recipient(lenient: bool) -> None:
    """RFC 5321 §4.1.1.3: the null path is for senders alone."""
    said = refusal(parse_rcpt_argument, b"TO:<>", lenient=lenient)
    assert said == "501 5.1.3 Bad recipient address: the path is empty"


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (b"<a b c>", "a blank stands in the path without quotes"),
        (b"<@>", "the local-part or the domain is empty"),
        (b"<a@>", "the local-part or the domain is empty"),
        (b"<", "the path is empty"),
        (b"", "the path is empty"),
        (b"<a\x07>", "the control or invisible character U+0007"),
    ],
)
def test_paths_that_are_too_sloppy(path: bytes, problem: str) -> None:
    """Nobody can tell which address is meant."""
    said = refusal(parse_mail_argument, b"FROM:" + path, lenient=True)
    assert said == f"501 5.1.7 Bad sender address: {problem}"


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        (b"FROM:<a@b> \xff", "a parameter is not UTF-8"),
        (
            b"FROM :<a@b>",
            f"{MAIL_FROM}, no space before the colon (RFC 5321 section 3.3)",
        ),
        (b"FROM <a@b>", MAIL_FROM),
        (b"FROM:<a@b>X", "a space comes after the address"),
        (
            b"FROM:<a@b> =x",
            "a parameter is KEYWORD or KEYWORD=value (RFC 5321 section 4.1.2)",
        ),
        (b"FROM:<a@b> X=", "the parameter X has an empty value"),
        (b"FROM:<a@b> X=a=b", "a character in the value of X is not allowed"),
        (b"FROM:<a@b> X=\xe2\x80\xae", "a character in the value of X is not allowed"),
        (
            b"FROM:<a@b> " + b"X" * 50 + b"=",
            f"the parameter {'X' * 40} has an empty value",
        ),
        (
            b"FROM:<a@b> " + b"X" * 50 + b"==",
            f"a character in the value of {'X' * 40} is not allowed",
        ),
    ],
)
def test_what_surrounds_a_path(argument: bytes, problem: str) -> None:
    """RFC 5321 §4.1.2: esmtp-param, and a space before each."""
    said = refusal(parse_mail_argument, argument)
    assert said == f"501 5.5.4 Syntax: {problem}"
    said = refusal(parse_rcpt_argument, argument.replace(b"FROM", b"TO"))
    assert said == f"501 5.5.4 Syntax: {problem.replace('MAIL FROM', 'RCPT TO')}"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("SIZE=x", "SIZE is a number of 1 to 20 digits (RFC 1870 section 4)"),
        ("SIZE=1 SIZE=2", "the parameter SIZE is given twice"),
        ("BODY=x", "BODY is one of 7BIT, 8BITMIME, BINARYMIME"),
        ("RET=x", "RET is FULL or HDRS (RFC 3461 section 4.3)"),
        ("ENVID", "the value of ENVID is not printable"),
        ("ENVID=+", "the value of ENVID is not xtext (RFC 3461 section 4)"),
        ("ENVID=+C3+BC", "ENVID is printable ASCII (RFC 3461 section 4.4)"),
        (
            "ENVID=" + "a" * 101,
            "ENVID is longer than 100 characters (RFC 3461 section 4.4)",
        ),
        ("AUTH=+", "the value of AUTH is not xtext (RFC 3461 section 4)"),
        ("AUTH=+00", "the value of AUTH is not printable"),
        ("SMTPUTF8=x", "the keyword takes no value"),
        ("REQUIRETLS=x", "the keyword takes no value"),
        (
            "BY=1",
            "BY is seconds;R or seconds;N, and T for a trace (RFC 2852 section 4)",
        ),
        ("BY=0;R", "BY with mode R needs a time above zero (RFC 2852 section 4)"),
        (
            "HOLDFOR=0",
            "HOLDFOR is a number of seconds from 1 to 999999999 (RFC 4865)",
        ),
        (
            "HOLDUNTIL=x",
            "HOLDUNTIL is a date and time as in RFC 3339 section 5.6 (RFC 4865)",
        ),
        (
            "HOLDFOR=1 HOLDUNTIL=2026-01-01T00:00:00Z",
            "HOLDFOR and HOLDUNTIL exclude each other (RFC 4865)",
        ),
        ("MT-PRIORITY=10", "MT-PRIORITY is a number from -9 to 9 (RFC 6710)"),
    ],
)
def test_parameters_of_mail(parameters: str, problem: str) -> None:
    """Each by the RFC that its sentence names."""
    address = parse_mail_argument(f"FROM:<a@b> {parameters}".encode())
    said = refusal(check_mail_parameters, address, RULES)
    assert said == f"501 5.5.4 Syntax: {problem}"


NOTIFY = "NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY (RFC 3461 section 4.1)"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("NOTIFY=x", NOTIFY),
        ("NOTIFY=NEVER,DELAY", NOTIFY),
        ("ORCPT=x", "ORCPT is addr-type;xtext (RFC 3461 section 4.2)"),
        ("ORCPT=rfc822;+", "the address in ORCPT is not xtext (RFC 3461 section 4)"),
        (
            "ORCPT=rfc822;+00",
            "the address in ORCPT is not printable ASCII (RFC 3461 section 4.2)",
        ),
        (
            "ORCPT=rfc822;" + "a" * 500,
            "ORCPT is longer than 500 characters (RFC 3461 section 4.2)",
        ),
        (
            "ORCPT=utf-8;\u00fc",
            "ORCPT in UTF-8 needs SMTPUTF8 on MAIL (RFC 6533 section 3)",
        ),
    ],
)
def test_parameters_of_rcpt(parameters: str, problem: str) -> None:
    address = parse_rcpt_argument(f"TO:<a@b> {parameters}".encode())
    said = refusal(check_rcpt_parameters, address, RULES)
    assert said == f"501 5.5.4 Syntax: {problem}"


def test_parameters_that_there_are_not() -> None:
    """RFC 5321 §4.1.1.11: 555; and why, where that can be told."""
    few = ParameterRules(frozenset({"SIZE"}), lmtp=True)
    mail, rcpt = "MAIL parameter", "RCPT parameter"
    for command, parameter, rules, said in (
        (mail, "X=1", RULES, f"{mail} X is not recognized"),
        (mail, "NOTIFY=NEVER", RULES, "NOTIFY belongs to RCPT"),
        (rcpt, "SIZE=1", RULES, "SIZE belongs to MAIL"),
        (mail, "RET=FULL", few, "this server's LHLO has no DSN"),
        (rcpt, "ORCPT=a;b", few, "this server's LHLO has no DSN"),
    ):
        if command == mail:
            address = parse_mail_argument(f"FROM:<a@b> {parameter}".encode())
            got = refusal(check_mail_parameters, address, rules)
        else:
            address = parse_rcpt_argument(f"TO:<a@b> {parameter}".encode())
            got = refusal(check_rcpt_parameters, address, rules)
        keyword = parameter.partition("=")[0]
        head = f"555 5.5.4 {command} {keyword} is not recognized"
        assert got == (head if keyword == "X" else f"{head}: {said}")


def test_addresses_that_need_smtputf8() -> None:
    """RFC 6531 §3.5: 550 for a sender, 553 for a recipient, both with 5.6.7."""
    path = "<\u00fc@b>"
    said = refusal(
        check_mail_parameters, parse_mail_argument(f"FROM:{path}".encode()), RULES
    )
    assert said == "550 5.6.7 A sender address that is not ASCII needs SMTPUTF8"
    said = refusal(
        check_rcpt_parameters, parse_rcpt_argument(f"TO:{path}".encode()), RULES
    )
    assert said == "553 5.6.7 A recipient address that is not ASCII needs SMTPUTF8"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (b"", "there is none"),
        (b"a b", "it is more than one word"),
        (b"\xff", "it is not UTF-8"),
        (b"a\x07", "the control or invisible character U+0007 stands in it"),
        (
            b"x" * 256,
            "it is longer than 255 octets (RFC 5321 section 4.5.3.1.2)",
        ),
    ],
)
def test_names_of_clients(name: bytes, problem: str) -> None:
    """RFC 5321 §4.1.1.1."""
    said = refusal(parse_client_name, name)
    assert said == f"501 5.5.4 Bad client name: {problem}"


def test_an_address_literal_has_brackets() -> None:
    """RFC 5321 §4.1.3."""
    for literal in ("192.0.2.1", "[192.0.2.1", "192.0.2.1]"):
        told = literal_problem(literal)
        assert told == "an address literal stands in square brackets"


XCLIENT = "NAME, ADDR, PORT, PROTO, HELO, LOGIN, DESTADDR, DESTPORT"
XFORWARD = "NAME, ADDR, PORT, PROTO, HELO, IDENT, SOURCE"


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ("NAME", f"the attributes are {XCLIENT}"),
        ("X=y", f"the attributes are {XCLIENT}"),
        ("ADDR=x", "the value of ADDR is not valid"),
        ("PROTO=x", "the value of PROTO is not valid"),
        ("PORT=70000", "the value of PORT is not valid"),
        ("NAME=+", "the value of NAME is not xtext"),
        ("NAME=", "the value of NAME is empty, too long or not printable"),
        ("HELO=" + "x" * 256, "the value of HELO is empty, too long or not printable"),
    ],
)
def test_attributes(attributes: str, problem: str) -> None:
    """Postfix's XCLIENT_README and XFORWARD_README."""
    said = refusal(parse_xclient, attributes)
    assert said == f"501 5.5.4 Bad XCLIENT syntax: {problem}"
    problem = problem.replace(XCLIENT, XFORWARD)
    said = refusal(parse_xforward, attributes)
    assert said == f"501 5.5.4 Bad XFORWARD syntax: {problem}"


def test_no_attributes() -> None:
    said = refusal(parse_xclient, "")
    assert said == "501 5.5.4 Syntax error: XCLIENT attribute=value..."


SCRAM_FIRST = b"n,,n=a,r=b"


@pytest.mark.parametrize(
    ("mechanism", "responses", "problem"),
    [
        # RFC 4616 §2
        ("PLAIN", [b"a"], "PLAIN has two NULs, not 0"),
        ("PLAIN", [b"a\0b"], "PLAIN has two NULs, not 1"),
        ("PLAIN", [b"\0\0x"], "Missing user name"),
        ("PLAIN", [b"\0a\x07\0x"], "Control character in the user name"),
        ("PLAIN", [b"\xff\0a\0b"], "The authorization identity is not UTF-8"),
        ("PLAIN", [b"\0\xff\0b"], "The user name is not UTF-8"),
        ("PLAIN", [b"\0a\0\xff"], "The password is not UTF-8"),
        ("PLAIN", [b"\x07\0a\0b"], "Control character in the authorization identity"),
        # draft-murchison-sasl-login-00 §2
        ("LOGIN", [b""], "Missing user name"),
        ("LOGIN", [b"a", b"\0"], "NUL, CR or LF in the password"),
        ("LOGIN", [b"\xff"], "The user name is not UTF-8"),
        ("LOGIN", [b"a", b"\xff"], "The password is not UTF-8"),
        # RFC 2195 §2
        (
            "CRAM-MD5",
            [b"a"],
            "CRAM-MD5 is a user name, a space and 32 lower-case hex digits",
        ),
        ("CRAM-MD5", [b"\xff"], "The response is not UTF-8"),
        # RFC 4422 appendix A
        ("EXTERNAL", [b"a\x07"], "Control character in the authorization identity"),
        ("EXTERNAL", [b"\xff"], "The authorization identity is not UTF-8"),
        # RFC 4505 §2
        (
            "ANONYMOUS",
            [b"x" * 256],
            "More than 255 characters of trace information",
        ),
        ("ANONYMOUS", [b"\x07"], "Control character in the trace information"),
        ("ANONYMOUS", [b"\xff"], "The trace information is not UTF-8"),
        # Google's "OAuth 2.0 Mechanism"
        ("XOAUTH2", [b"x"], "XOAUTH2 is user=name^Aauth=Bearer token^A^A"),
        ("XOAUTH2", [b"\xff"], "The message is not UTF-8"),
        ("XOAUTH2", [b"user=\x01auth=Bearer x\x01\x01"], "Missing user name"),
        (
            "XOAUTH2",
            [b"user=a\x01auth=x\x01\x01"],
            "The value of auth is not a bearer token",
        ),
        # RFC 7628 §3.1 and RFC 5801 §4
        (
            "OAUTHBEARER",
            [b"x"],
            "The message must begin with a GS2 header such as n,,",
        ),
        (
            "OAUTHBEARER",
            [b"n,,"],
            "OAUTHBEARER is n,a=name,^Aauth=Bearer token^A^A",
        ),
        ("OAUTHBEARER", [b"n,,\x01a=b\x01\x01"], "The key auth is missing"),
        (
            "OAUTHBEARER",
            [b"n,,\x01auth=Bearer x\x01x\x01\x01"],
            "Malformed key/value pair",
        ),
        (
            "OAUTHBEARER",
            [b"n,,\x01auth=x\x01auth=x\x01\x01"],
            "The key auth is there twice",
        ),
        (
            "OAUTHBEARER",
            [b"n,,\x01auth=Bearer x\x01port=0\x01\x01"],
            "The value of port is not a port number",
        ),
        (
            "OAUTHBEARER",
            [b"n,,\x01auth=Bearer x\x01y\x01"],
            "OAUTHBEARER ends with two separators",
        ),
        ("OAUTHBEARER", [b"p=x,,\x01\x01"], "Channel binding is not supported"),
        # RFC 5802 §5.1 and §7, RFC 4013
        (
            "SCRAM-SHA-256",
            [b"n,,m=x,n=a,r=b"],
            "SCRAM extensions are not supported",
        ),
        ("SCRAM-SHA-256", [b"n,,x"], "Malformed SCRAM client-first-message"),
        ("SCRAM-SHA-256", [b"\xff"], "The client-first-message is not UTF-8"),
        ("SCRAM-SHA-256", [b"n,,n=\x07,r=b"], "Control character in the user name"),
        (
            "SCRAM-SHA-256",
            [b"n,,n=\xee\x80\x80,r=b"],
            "SASLprep of the user name failed: U+E000 is a private use character",
        ),
        ("SCRAM-SHA-256", [b"n,,n=\xc2\xad,r=b"], "Missing user name"),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"x"],
            "Malformed SCRAM client-final-message",
        ),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"\xff"],
            "The client-final-message is not UTF-8",
        ),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"c=eSws,r=bn,p=AA=="],
            "Attribute c is not the GS2 header of the first message",
        ),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"c=biws,r=b,p=AA=="],
            "Attribute r is not the nonce of this exchange",
        ),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"c=biws,r=bn,p=AA=="],
            "Attribute p is not 32 octets long",
        ),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"c=biw,r=bn,p=AA=="],
            "Attribute c is not base64",
        ),
        (
            "SCRAM-SHA-256",
            [SCRAM_FIRST, b"c=biws,r=bn,p=A"],
            "Attribute p is not base64",
        ),
    ],
)
def test_mechanisms(mechanism: str, responses: list[bytes], problem: str) -> None:
    """RFC 4954 §4: what is malformed gets a 501."""
    exchange = Exchange(MECHANISMS[mechanism], SaslContext("mx", "n", b"s", 1))
    exchange.start()
    *before, last = responses
    for response in before:
        exchange.respond(response)
    assert refusal(exchange.respond, last) == f"501 5.5.2 {problem}"


def test_nobody_is_there_externally() -> None:
    """RFC 4422 appendix A: without a certificate the server knows of no identity."""
    exchange = Exchange(MECHANISMS["EXTERNAL"], SaslContext("mx", "n", b"s", 1))
    exchange.start()
    said = refusal(exchange.respond, b"")
    assert said == "535 5.7.8 No identity was established externally"
