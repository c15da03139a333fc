"""The grammar of command arguments: mailboxes, parameters, xtext, client names.

RFC 5321 §4.1.2 and §4.1.3, extended to UTF-8 by RFC 6531 §3.3; xtext is RFC 3461 §4,
its UTF-8 sibling RFC 6533 §3. The functions that end in ``_problem`` say in words what
is wrong, or return None where nothing is.
"""

from __future__ import annotations

import re

from .replies import Refused, Reply

MAX_LOCAL_PART = 64  # octets, RFC 5321 §4.5.3.1.1
MAX_DOMAIN = 255  # octets, RFC 5321 §4.5.3.1.2
MAX_PATH = 256  # octets with brackets and source route, RFC 5321 §4.5.3.1.3
MAX_LABEL = 63  # octets, RFC 1035 §2.3.4

# RFC 6531 §3.3 lets any UTF8-non-ascii into atoms, quoted strings and values. So the
# sets name the ASCII characters that are left out: `re` takes milliseconds to compile a
# set that reaches up to U+10FFFF, and microseconds for the same set turned round. What
# is rarely asked for is a string, which `re` compiles when it first is.
#: What RFC 5322 §3.2.3 leaves out of atext: controls, space and the specials.
_NOT_IN_ATOMS = r'\x00-\x20"(),:;<>@\[\\\]\x7f'
_ATEXT = f"[^.{_NOT_IN_ATOMS}]"

#: Dot-string = Atom *("." Atom)
_DOT_STRING = rf"{_ATEXT}++(?:\.{_ATEXT}++)*+"
#: Quoted-string = DQUOTE *QcontentSMTP DQUOTE; a quoted-pair is a backslash and any
#: ASCII graphic or space.
_QUOTED_STRING = r'"(?:[^\x00-\x1f"\\\x7f]|\\[ -~])*+"'
#: Local-part = Dot-string / Quoted-string
_LOCAL_PART = f"{_DOT_STRING}|{_QUOTED_STRING}"
_NOT_ATEXT = f"[{_NOT_IN_ATOMS}]"

#: Domain of LDH labels: sub-domain = Let-dig [Ldh-str]
_LDH_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?+"
_LDH_DOMAIN = rf"{_LDH_LABEL}(?:\.{_LDH_LABEL})*+"
_NOT_LDH = r"[\x00-\x7f](?<![A-Za-z0-9-])"

#: Snum = 1*3DIGIT, 0 to 255; leading zeros are in the grammar.
_SNUM = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])"
_IPV4 = rf"{_SNUM}(?:\.{_SNUM}){{3}}"
_IPV6_GROUP = r"[0-9A-Fa-f]{1,4}"
#: General-address-literal = Standardized-tag ":" 1*dcontent. A tag that begins with a
#: digit would be in the grammar, but is an IPv6 address gone wrong.
_GENERAL_LITERAL = r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?:[!-Z^-~]+"

#: esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"), and so is an EHLO keyword.
_KEYWORD = r"[A-Za-z0-9][A-Za-z0-9-]*"
#: esmtp-param = esmtp-keyword ["=" esmtp-value]
_PARAMETER = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([^\x00-\x20=\x7f]++))?"
).fullmatch
_LENIENT_PARAMETER = r"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([^\x00-\x20\x7f]++))?"

#: RFC 3461 §4: xtext = *( xchar / hexchar ); hexchar in upper case only.
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+"
_LENIENT_XTEXT = r"(?:[!-*,-~]|\+[0-9A-Fa-f]{2})*+"
_HEXCHAR = rb"\+([0-9A-Fa-f]{2})"
#: RFC 6533 §3: the same for a UTF-8 address, with \x{…} for what ASCII has not.
_UTF8_ADDRESS = r"(?:[^\x00-\x20+=\\\x7f]|\\x\{[0-9A-F]{2,6}\}|\+[0-9A-F]{2})*+"
_EMBEDDED = r"\\x\{([0-9A-F]+)\}|\+([0-9A-F]{2})"

# Control characters (C0, DEL, C1), and what shows nothing or turns the line around.
# The joiners U+200C and U+200D stay out: names in some scripts need them (RFC 5892).
_INVISIBLE = "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"


def invisible_problem(text: str) -> str | None:
    """Name the first control or invisible character of the text."""
    if text.isprintable() or not (match := re.search(_INVISIBLE, text)):
        return None
    return f"the control or invisible character U+{ord(match[0]):04X}"


def is_keyword(text: str) -> bool:
    """Whether the text is an EHLO or parameter keyword (RFC 5321 §4.1.2)."""
    return re.fullmatch(_KEYWORD, text) is not None


def local_part_problem(local_part: str) -> str | None:
    """What keeps the text from being a local-part (RFC 5321 §4.1.2, RFC 6531 §3.3)."""
    if len(local_part.encode()) > MAX_LOCAL_PART:
        return (
            f"the local-part is longer than {MAX_LOCAL_PART} octets "
            "(RFC 5321 section 4.5.3.1.1)"
        )
    if re.fullmatch(_LOCAL_PART, local_part):
        return None
    if not local_part:
        return "the local-part is empty"
    if local_part.startswith('"'):
        return "the quoted local-part is not well-formed"
    if match := re.search(_NOT_ATEXT, local_part):
        return f"{_name(match[0])} stands in the local-part without quotes"
    return "a dot begins or ends the local-part, or follows another one"


def domain_problem(domain: str) -> str | None:
    """What keeps the text from being a domain (RFC 5321 §4.1.2, RFC 6531 §3.3)."""
    if len(domain) <= MAX_DOMAIN and re.fullmatch(_LDH_DOMAIN, domain):
        return None
    if len(domain.encode()) > MAX_DOMAIN:
        return (
            f"the domain is longer than {MAX_DOMAIN} octets "
            "(RFC 5321 section 4.5.3.1.2)"
        )
    for label in domain.split("."):
        if problem := _label_problem(label):
            return problem
    return None


def literal_problem(literal: str) -> str | None:
    """What keeps the text, brackets included, from being an address literal.

    RFC 5321 §4.1.3: ``[192.0.2.1]``, ``[IPv6:2001:db8::1]``, or ``[tag:…]``.
    """
    if not (literal.startswith("[") and literal.endswith("]")):
        return "an address literal stands in square brackets"
    inner = literal[1:-1]
    if len(literal) > MAX_DOMAIN:
        return (
            f"the address literal is longer than {MAX_DOMAIN} octets "
            "(RFC 5321 section 4.5.3.1.2)"
        )
    if inner[:5].lower() == "ipv6:":
        return None if _is_ipv6(inner[5:]) else "the IPv6 address literal is not valid"
    if _is_ipv6(inner):
        return 'an IPv6 address literal begins with "IPv6:"'
    if re.fullmatch(_IPV4, inner) or re.fullmatch(_GENERAL_LITERAL, inner):
        return None
    return "the address literal is not valid"


def parse_client_name(
    argument: bytes, *, strict: bool = False, lenient: bool = False
) -> str:
    """The name in EHLO, HELO or LHLO (RFC 5321 §4.1.1.1).

    Args:
        argument: what follows the verb.
        strict: insist on a domain or an address literal. Without it any one word of
            at most 255 octets is a name, since many hosts have ones with underscores.
        lenient: take several words, and any number of octets.

    Raises:
        Refused: 501 5.5.4.
    """
    problem: str | None
    try:
        name = argument.strip(b" \t").decode()
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    else:
        problem = _client_name_problem(name, strict=strict, lenient=lenient)
        if problem is None:
            return name
    raise Refused(Reply(501, f"5.5.4 Bad client name: {problem}"))


def split_parameters(
    text: str, *, lenient: bool = False, lenient_values: bool = False
) -> tuple[tuple[str, str | None], ...]:
    """Parameters of MAIL or RCPT, in their order and spelling.

    Args:
        text: what follows the path: empty, or with blanks before each parameter.
        lenient: any white space separates, also none before the first one.
        lenient_values: "=" may stand in a value.

    Raises:
        Refused: 501 5.5.4, one of them is no esmtp-param (RFC 5321 §4.1.2).
    """
    # RFC 5321 §4.1.1: white space at the end of a command is tolerated.
    text = text.rstrip(" \t")
    if not text:
        return ()
    if lenient:
        words = text.split()
    elif text[0] in " \t":
        words = [word for word in text.replace("\t", " ").split(" ") if word]
    else:
        raise Refused(Reply(501, "5.5.4 Syntax: a space comes after the address"))
    found = []
    ascii_only = text.isascii()
    for word in words:
        match = (
            re.fullmatch(_LENIENT_PARAMETER, word)
            if lenient_values
            else _PARAMETER(word)
        )
        if match is None or not (ascii_only or re.search(_INVISIBLE, word) is None):
            raise Refused(Reply(501, f"5.5.4 Syntax: {_parameter_problem(word)}"))
        found.append((match[1], match[2]))
    return tuple(found)


def decode_xtext(value: str, *, lenient: bool = False) -> str:
    """Decode xtext (RFC 3461 §4).

    Args:
        value: the encoded text.
        lenient: take "=" as it is, and hexadecimal digits in lower case.

    Raises:
        ValueError: it is no xtext, or its octets are not UTF-8.
    """
    if not re.fullmatch(_LENIENT_XTEXT if lenient else _XTEXT, value):
        raise ValueError("not xtext (RFC 3461 section 4)")
    if "+" not in value:
        return value
    octets = re.sub(
        _HEXCHAR, lambda match: bytes.fromhex(match[1].decode()), value.encode()
    )
    return octets.decode()


def decode_utf8_address(value: str) -> str:
    r"""Decode the address of ``ORCPT=utf-8;…`` (RFC 6533 §3), ``\x{E9}`` for é.

    Raises:
        ValueError: it is not well-formed.
    """
    if not re.fullmatch(_UTF8_ADDRESS, value):
        raise ValueError("not a UTF-8 address (RFC 6533 section 3)")
    decoded = re.sub(_EMBEDDED, lambda match: chr(int(match[1] or match[2], 16)), value)
    decoded.encode()  # a surrogate is no character; UnicodeError is a ValueError
    return decoded


def _client_name_problem(name: str, *, strict: bool, lenient: bool) -> str | None:
    if not name:
        return "there is none"
    if problem := invisible_problem(name):
        return f"{problem} stands in it"
    if " " in name and not lenient:
        return "it is more than one word"
    if len(name.encode()) > MAX_DOMAIN and not lenient:
        return f"it is longer than {MAX_DOMAIN} octets (RFC 5321 section 4.5.3.1.2)"
    if not strict:
        return None
    return literal_problem(name) if name.startswith("[") else domain_problem(name)


def _parameter_problem(word: str) -> str:
    keyword, equals, value = word.partition("=")
    if not is_keyword(keyword):
        return "a parameter is KEYWORD or KEYWORD=value (RFC 5321 section 4.1.2)"
    if equals and not value:
        return f"the parameter {keyword[:40]} has an empty value"
    return f"a character in the value of {keyword[:40]} is not allowed"


def _label_problem(label: str) -> str | None:
    if not label:
        return "a label of the domain is empty"
    if label.isascii() and len(label) > MAX_LABEL:
        return f"a label of the domain is longer than {MAX_LABEL} octets (RFC 1035)"
    if label[0] == "-" or label[-1] == "-":
        return "a hyphen begins or ends a label of the domain"
    if match := re.search(_NOT_LDH, label):
        return f"{_name(match[0])} stands in the domain"
    if not label.isascii() and not _is_u_label(label):
        return "a label of the domain is no U-label (RFC 5890)"
    return None


def _is_u_label(label: str) -> bool:
    """RFC 5890 §2.3.2.1, without the tables: letters, marks and digits, in form NFC.

    Case is let pass, as in ASCII. Some punctuation is allowed by context (RFC 5892
    appendix A).
    """
    import unicodedata  # noqa: PLC0415 - a megabyte that ASCII does not need

    if label[2:4] == "--" or not unicodedata.is_normalized("NFC", label):
        return False
    if not all(
        unicodedata.category(char)[0] in "LMN"
        or char in "-\u00b7\u0375\u05f3\u05f4\u200c\u200d\u30fb"
        for char in label
    ):
        return False
    # The limit is that of the A-label, "xn--" and Punycode (RFC 5890 §2.3.2.1).
    return len(label.encode("punycode")) + 4 <= MAX_LABEL


def _is_ipv6(text: str) -> bool:
    """RFC 5321 §4.1.3: IPv6-addr; its ``::`` stands for two groups at least."""
    head, _, tail = text.rpartition(":")
    if "." in tail:
        if not re.fullmatch(_IPV4, tail):
            return False
        text = f"{head}:0:0"
    left, compressed, right = text.partition("::")
    groups = left.split(":") if left else []
    if right:
        groups += right.split(":")
    if not all(re.fullmatch(_IPV6_GROUP, group) for group in groups):
        return False
    return len(groups) <= 6 if compressed else len(groups) == 8


def _name(char: str) -> str:
    """A character of what the client sent, as the text of a reply can show it."""
    return f'"{char}"' if "!" <= char <= "~" else f"U+{ord(char):04X}"
