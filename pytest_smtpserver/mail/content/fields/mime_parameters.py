"""Fields with parameters: Content-Type (RFC 2045) and Content-Disposition (RFC 2183).

Reads the parameters of RFC 2231 and RFC 6266, and the malformed ones that mailers send.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from pytest_smtpserver.mail.content.decoding.charsets import decode_octets

from .encoded_words import decode_words

#: A parameter: its name, and its quoted value or the first word of it. Other text up to
#: the next semicolon matches without a name.
_PARAMETER = re.compile(
    r'(?s)[\s;]*+(?:([^\s=;"]+)\s*'
    r'(?:=\s*(?:"((?:[^"\\]|\\.)*+)(")?|([^\s;]*))|[^;]*)|[^;]+|\Z)'
)
#: Another parameter, where a semicolon should be: ``utf-8 format=flowed``.
_NEXT = re.compile(r'\s*+[^\s=;"()]++=')
_NO_SEMICOLON = re.compile(r'\s*+([^\s=;"()]++)(?=\s)' + _NEXT.pattern)
_SECTION_5_1 = "(RFC 2045 section 5.1)"
_COMMENT = re.compile(r"\([^()]*\)")
#: RFC 2231 §3 and §4: ``name``, ``name*``, ``name*1``, ``name*1*``.
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,9}))?(\*)?")
_EXTENDED = re.compile(r"([^']*)'[^']*'(.*)", re.DOTALL)
_FILE_NAMES = frozenset({"filename", "name"})


class Structured(NamedTuple):
    """A parsed field with parameters.

    Attributes:
        value: what stands before the parameters, in lower case.
        parameters: decoded, names in lower case; of two the first counts.
        complaints: what is wrong with it.
    """

    value: str
    parameters: dict[str, str]
    complaints: list[str]


def read_structured(field: str) -> Structured:
    """Parse the value of a field; any text has a result."""
    complaints: list[str] = []
    if field.startswith("=?"):
        complaints.append(
            "is one encoded word, which has no place here (RFC 2047 section 5)"
        )
        field = decode_words(field)
    value, _, rest = field.partition(";")
    if match := _NO_SEMICOLON.match(field):
        text = f"{value.strip()[:60]!r} is more than one word, a semicolon is missing"
        complaints.append(f"{text} {_SECTION_5_1}")
        value, rest = match[1], field[match.end(1) :]
    if "=" in value and "/" not in value.partition("=")[0]:  # only parameters
        value, rest = "", field
    value = _COMMENT.sub("", value).strip().strip('"').lower()
    kind, _, junk = value.partition(" ")
    if junk:  # a semicolon is missing
        complaints.append(f"{value[:60]!r} is more than one word {_SECTION_5_1}")
        rest = f"{junk};{rest}"
    raw: dict[str, list[tuple[int, bool, str]]] = {}
    for name, text in _parameters(rest, complaints):
        match = _SECTION.fullmatch(name)
        base, number, extended = match.groups() if match else (name, None, None)
        section = int(number) if number else (-1 if extended else -2)
        raw.setdefault(base, []).append((section, bool(extended), text))
    parameters = {
        name: _joined(name, sections, complaints) for name, sections in raw.items()
    }
    return Structured(kind, parameters, complaints)


def _parameters(rest: str, complaints: list[str]) -> list[tuple[str, str]]:
    """Names and values in order, the values without quotes and comments."""
    found = []
    position = 0
    while match := _PARAMETER.match(rest, position):
        name, quoted, closed, bare = match.groups()
        position = match.end()
        if name is None and not match[0].replace(";", "").strip():
            break  # the field ends with separators
        if name is None:
            complaints.append(f"a parameter has no name {_SECTION_5_1}")
            continue
        name = name.lower()
        is_file_name = name.partition("*")[0] in _FILE_NAMES
        # A file name without quotes may contain anything.
        missing = bool(quoted or not is_file_name) and _NEXT.match(rest, position)
        behind = "" if missing else rest[position : _end(rest, position)]
        position += len(behind)
        if missing:
            complaints.append(f"a semicolon is missing {_SECTION_5_1}")
        if quoted is not None:
            text = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            if not closed:
                complaints.append(f"the quote of {name} never ends {_SECTION_5_1}")
            elif behind := _COMMENT.sub("", behind).strip():
                complaints.append(
                    f"{behind[:60]!r} stands behind the quotes of {name} {_SECTION_5_1}"
                )
        elif bare is not None:
            text = (bare + behind).strip()
            if not is_file_name:
                text = _COMMENT.sub("", text).strip()
            complaints += _complaints_about_bare(name, text)
        else:
            complaints.append(
                f"the parameter {name[:60]!r} has no value {_SECTION_5_1}"
            )
            continue
        found.append((name, text))
    return found


def _end(rest: str, position: int) -> int:
    """Where the next semicolon stands, or the end."""
    found = rest.find(";", position)
    return len(rest) if found < 0 else found


def _complaints_about_bare(name: str, text: str) -> list[str]:
    if not text:
        return [f"the value of {name} is empty {_SECTION_5_1}"]
    if re.search(r"\s", text) and "=?" not in text:
        return [f"{text[:60]!r} has blanks and no quotes {_SECTION_5_1}"]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return [
            f"{text[:60]} stands in single quotes, which quote nothing {_SECTION_5_1}"
        ]
    return []


def _joined(
    name: str, sections: list[tuple[int, bool, str]], complaints: list[str]
) -> str:
    """The value: the extended one, else the sections in order, else the plain one.

    RFC 2231 §3 and §4. Senders add the plain one for old mail programs (RFC 6266 §4.3).
    """
    numbered: dict[int, tuple[bool, str]] = {}
    for number, extended, text in sections:
        numbered.setdefault(number, (extended, text))
    if -1 in numbered:
        pieces = [numbered[-1]]
    else:
        order = sorted(number for number in numbered if number >= 0)
        pieces = [numbered[number] for number in order] or [numbered[-2]]
        if order and order[-1] != len(order) - 1:
            complaints.append(f"a section of {name} is missing (RFC 2231 section 3)")
    if not any(extended for extended, _ in pieces):
        return decode_words("".join(text for _, text in pieces))
    charset, first = "utf-8", pieces[0][1]
    if pieces[0][0] and (match := _EXTENDED.fullmatch(first)):
        charset, first = match[1] or "utf-8", match[2]
    octets = [
        unquote_to_bytes(text) if extended else text.encode()
        for extended, text in [(pieces[0][0], first), *pieces[1:]]
    ]
    decoded, complaint = decode_octets(b"".join(octets), charset)
    if complaint:
        complaints.append(f"{name} {complaint}")
    return decoded
