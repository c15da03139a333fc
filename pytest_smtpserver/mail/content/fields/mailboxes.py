"""Lists of addresses (RFC 5322 section 3.4), read as mail programs read them.

Senders often break the syntax: the mailboxes are found all the same, and complaints say
what is wrong.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .encoded_words import WORD, decode_words

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = re.compile(r"\s+")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_ANGLE = re.compile(r'<((?>"(?:[^"\\]|\\.)*+"|[^<>"])*+)>', re.DOTALL)
#: An angle without quotes in it. One that never ends goes up to the next separator.
_PLAIN_ANGLE = re.compile(r"<([^<>]*)>|<([^<>,;]*)")
_ATOM = re.compile(r'(?:(?<=@)\[[^\[\]\s]*\]|[^\s"(),:;<>\\])++|.', re.DOTALL)
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)
_COMMENT = re.compile(r"\([^()]*\)")
#: Obsolete, and allowed (RFC 5322 §4.4).
_BESIDE_MARKS = re.compile(r"(?<!\s)\s++(?=[.@])|(?<=[.@])\s++")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_QUOTES = re.compile(r"^(?!=\?).*[@\[\]\\]", re.DOTALL)
_DOT_ATOM = re.compile(r'[^\s"(),:;<>@\[\]\\.]+(?:\.[^\s"(),:;<>@\[\]\\.]+)*')
#: What looks like an address: the last resort.
_OF_WORDS = r"[^\s<>,;:\"()\[\]\\@]"
_LIKE_ADDRESS = re.compile(rf"(?<!{_OF_WORDS}){_OF_WORDS}{{1,320}}@[^\s<>,;:\"()\\@]+")
_SECTION = "(RFC 5322 section 3.4)"
_ENCODED = "an address is an encoded word (RFC 2047 section 5)"


class Mailbox(NamedTuple):
    """An address and its display name, which is decoded; ``""`` where there is none."""

    name: str
    address: str


class _Token(NamedTuple):
    """A piece of a field: an atom, a blank, a separator, quoted, a comment, an angle."""

    kind: str
    text: str


def read_mailboxes(value: str) -> tuple[list[Mailbox], list[str]]:
    """The mailboxes of a field, groups flattened, and what is wrong with it."""
    complaints: list[str] = []
    found = _read_list(value, complaints, encoded=True)
    return found, list(dict.fromkeys(complaints))


def _read_list(value: str, complaints: list[str], *, encoded: bool) -> list[Mailbox]:
    found: list[Mailbox] = []
    # Words without an address: a name may go on behind the comma.
    before: list[str] = []
    entry: list[_Token] = []
    in_group = False
    for token in [*_tokens(value, complaints), _Token("end", "")]:
        if token.kind == "end" and in_group:
            complaints.append(f"a group never ends {_SECTION}")
        if token.kind not in {",", ";", ":", "end"}:
            entry.append(token)
            continue
        if token.kind == ":" and not any(
            "@" in text for kind, text in entry if kind in {"atom", "angle"}
        ):
            entry, in_group = [], True  # what stood before it is a group's name
            continue
        if token.kind == ";" and not in_group:
            complaints.append(f"a semicolon stands where a comma has to be {_SECTION}")
        in_group = in_group and token.kind != ";"
        read = _read_entry(entry, complaints, encoded=encoded) if entry else ([], "")
        here, words = read
        entry = []
        if before and here and here[0].name:
            complaints.append(f"a name has a comma and no quotes {_SECTION}")
            here[0] = Mailbox(", ".join([*before, here[0].name]), here[0].address)
        elif before and here:
            complaints.append(_no_address(before))
        complaints += [
            f"{one.address[:60]!r} has more than one @ {_SECTION}"
            for one in here
            if one.address.count("@") > 1 and not one.address.startswith('"')
        ]
        found += here
        if here:
            before = []
        if words:
            before.append(words)
        if before and token.kind in {";", "end"}:
            complaints.append(_no_address(before))
            before = []
    return found


def _no_address(words: list[str]) -> str:
    return f"{', '.join(words[:60])[:60]!r} is no address {_SECTION}"


def _tokens(value: str, complaints: list[str]) -> Iterator[_Token]:
    """The tokens of a field, in one pass.

    A quote that never ends is an ordinary character, and so are all quotes behind it.
    The same holds for the parenthesis of a comment. Behind a quote in angle brackets
    that never end, a quote in angle brackets is an ordinary character.
    """
    position = 0
    quotes = comments = angles = True
    while position < len(value):
        character = value[position]
        match: re.Match[str] | None
        if match := _BLANK.match(value, position):
            yield _Token("blank", " ")
        elif character == '"' and quotes:
            if match := _QUOTED.match(value, position):
                yield _Token("quoted", match[0])
            else:
                quotes = False
                complaints.append(f"a quote never ends {_SECTION}")
        elif character == "(" and comments:
            end = _end_of_comment(value, position)
            if end < 0:
                comments = False
                complaints.append(f"a comment never ends {_SECTION}")
                continue
            yield _Token("comment", value[position + 1 : end - 1])
            position = end
            continue
        elif character == "<":
            whole = _ANGLE.match(value, position) if quotes and angles else None
            match = whole or _PLAIN_ANGLE.match(value, position)
            assert match is not None
            angles = angles and (whole is not None or '"' not in match[0])
            if not match[0].endswith(">"):
                complaints.append(f"an angle bracket never ends {_SECTION}")
            yield _Token("angle", match[0].strip("<>"))
        elif character in ",;:":
            yield _Token(character, character)
        else:
            match = WORD.match(value, position) or _ATOM.match(value, position)
            assert match is not None
            if character == ">":  # one too many: <<a@b>>
                complaints.append(f"an angle bracket never begins {_SECTION}")
            elif character != '"':
                yield _Token("atom", match[0])
        position = match.end() if match else position + 1


def _end_of_comment(value: str, position: int) -> int:
    depth = 0
    for match in _PARENTHESIS.finditer(value, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return -1


def _read_entry(
    entry: list[_Token], complaints: list[str], *, encoded: bool
) -> tuple[list[Mailbox], str]:
    """The mailboxes between two separators, and the words where there are none."""
    found: list[Mailbox] = []
    name: list[_Token] = []
    for token in entry:
        inside = _decoded(token.text).strip() if token.kind == "angle" else ""
        if not _has_at(inside):
            name.append(token)
            continue
        if found:
            complaints.append(f"a comma between two addresses is missing {_SECTION}")
        if any(t.kind == "atom" and _NEEDS_QUOTES.search(t.text) for t in name):
            complaints.append(f"the name {_name(name)[:60]!r} needs quotes {_SECTION}")
        complaints += [_ENCODED] * ("=?" in token.text)
        addresses = _in_angle(inside, complaints)
        found.append(Mailbox(_name(name), addresses[0]))
        found += [Mailbox("", address) for address in addresses[1:]]
        name = []
    if found:
        behind = _name([token for token in name if token.kind != "comment"])
        text = f"{behind[:60]!r} stands behind an address {_SECTION}"
        complaints += [text] * bool(behind)
        return found, ""
    addresses, rest = _without_brackets(entry, complaints)
    if addresses:
        if len(addresses) > 1 or any(token.kind != "comment" for token in rest):
            complaints.append(f"an address stands without angle brackets {_SECTION}")
        found = [Mailbox("", address) for address in addresses]
        found[0] = Mailbox(_name(rest), addresses[0])
        return found, ""
    words = _name([token for token in entry if token.kind != "comment"])
    if encoded and "@" in words and any(text.startswith("=?") for _, text in entry):
        complaints.append(_ENCODED)
        found = _read_list(words, complaints, encoded=False)
    elif found := [Mailbox("", one) for one in _LIKE_ADDRESS.findall(words)]:
        complaints.append(f"an address stands in quotes {_SECTION}")
    return found, "" if found else words


def _without_brackets(
    entry: list[_Token], complaints: list[str]
) -> tuple[list[str], list[_Token]]:
    """The addresses without angle brackets, and the other tokens; both may be empty.

    Blanks and comments around ``@`` and dots are obsolete and allowed (RFC 5322 §4.4).
    """
    pieces: list[str] = []
    rest: list[_Token] = []
    for index, token in enumerate(entry):
        if token.kind in {"atom", "blank"}:
            pieces.append(token.text)
        elif (
            token.kind == "quoted"
            and index + 1 < len(entry)
            and entry[index + 1].text.startswith("@")
        ):
            pieces.append(_unquoted(token.text).replace(" ", "\0"))
        else:
            rest.append(token)
    bare = re.sub(r" ?@ ?", "@", "".join(pieces))
    words = re.sub(r" \. ?", ".", bare).split()
    # The code of an encoded word may contain an @, and its text none.
    found = [word for word in words if _has_at(word) and _has_at(_decoded(word))]
    apart = set(found)
    rest += [_Token("atom", f" {word}") for word in words if word not in apart]
    complaints += [_ENCODED] * any("=?" in word for word in found)
    return [_decoded(word.replace("\0", " ")) for word in found], rest


def _has_at(word: str) -> bool:
    return "@" in word.strip("@")


def _in_angle(inside: str, complaints: list[str]) -> list[str]:
    """The address in angle brackets; several, where a sender has put more into them."""
    if inside.startswith('"') and (match := _QUOTED.match(inside)):
        return [_unquoted(match[0]) + "".join(inside[match.end() :].split())]
    inside = _COMMENT.sub("", inside)
    if inside.startswith("mailto:"):
        complaints.append(f"an address is a link {_SECTION}")
        inside = inside.removeprefix("mailto:")
    if inside.lstrip().startswith("@") and ":" in inside:  # RFC 5322 §4.4: a route
        inside = inside.rpartition(":")[2]
    several = _LIKE_ADDRESS.findall(inside) if inside.count("@") > 1 else []
    if len(several) > 1:
        complaints.append(f"several addresses share angle brackets {_SECTION}")
        return several
    if any(map(str.isspace, address := _BESIDE_MARKS.sub("", inside.strip()))):
        complaints.append(f"{address[:60]!r} has blanks in it {_SECTION}")
    return [address]


def _unquoted(local_part: str) -> str:
    """A quoted local-part without its quotes where it needs none (RFC 5321 §4.1.2)."""
    text = _ESCAPE.sub(r"\1", local_part[1:-1])
    return text if _DOT_ATOM.fullmatch(text) else local_part


def _name(tokens: list[_Token]) -> str:
    """A display name; a comment serves as one where there is nothing else."""
    pieces, comments = [], []
    for kind, text in tokens:
        if kind == "quoted":
            pieces.append(_ESCAPE.sub(r"\1", text[1:-1]))
        elif kind == "comment":
            comments.append(_ESCAPE.sub(r"\1", text))
        else:
            pieces.append(text)
    plain = "".join(pieces).strip()
    return _decoded(plain or " ".join(comments)).strip()


def _decoded(text: str) -> str:
    """The text with encoded words decoded, and a blank for each line end in them."""
    return " ".join(decode_words(text).splitlines()) if "=?" in text else text
