"""SASLprep, the preparation of user names and passwords (RFC 4013).

A profile of stringprep (RFC 3454), whose tables the standard library has; like them it
goes by Unicode 3.2.
"""

from __future__ import annotations

import stringprep
from unicodedata import ucd_3_2_0 as unicode_3_2

#: RFC 4013 §2.3, in its order. C.1.2 is listed there too: these spaces have become
#: ordinary ones before, and no normal form brings one back.
_PROHIBITED = (
    (stringprep.in_table_c21, "an ASCII control character"),
    (stringprep.in_table_c22, "a non-ASCII control character"),
    (stringprep.in_table_c3, "a private use character"),
    (stringprep.in_table_c4, "a non-character code point"),
    (stringprep.in_table_c5, "a surrogate"),
    (stringprep.in_table_c6, "inappropriate for plain text"),
    (stringprep.in_table_c7, "inappropriate for canonical representation"),
    (stringprep.in_table_c8, "changing display properties or deprecated"),
    (stringprep.in_table_c9, "a tagging character"),
)


def saslprep(text: str, *, allow_unassigned: bool = False) -> str:
    """Prepare a user name or a password for comparison.

    Args:
        text: the name or password.
        allow_unassigned: true for a query string (a name that a client sent), false
            for a stored string (RFC 3454 §7).

    Returns:
        The prepared text; it may be empty.

    Raises:
        ValueError: the text contains what RFC 4013 prohibits. The message names the
            code point, not the text, which may be a password.
    """
    mapped = "".join(
        " " if stringprep.in_table_c12(character) else character
        for character in text
        if not stringprep.in_table_b1(character)
    )
    prepared = unicode_3_2.normalize("NFKC", mapped)
    for character in prepared:
        for in_table, reason in _PROHIBITED:
            if in_table(character):
                raise ValueError(f"U+{ord(character):04X} is {reason}")
        if not allow_unassigned and stringprep.in_table_a1(character):
            raise ValueError(f"U+{ord(character):04X} is unassigned in Unicode 3.2")
    _check_direction(prepared)
    return prepared


def _check_direction(prepared: str) -> None:
    """RFC 3454 §6: right-to-left text is not mixed, and stands at both ends."""
    if not any(map(stringprep.in_table_d1, prepared)):
        return
    if any(map(stringprep.in_table_d2, prepared)):
        raise ValueError("left-to-right and right-to-left characters are mixed")
    if not (
        stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])
    ):
        raise ValueError("right-to-left text must begin and end with such a character")
