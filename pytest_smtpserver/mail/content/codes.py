"""One-time codes: the one that a test wants, among the other numbers of a mail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .links import IN_TEXT, explained, shortened, shown, unique
from .normalize import DATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Words that a code follows, in the languages that mailers are often written in.
_WORD = (
    r"(?<!\w)(?:\w*(?:code|kode|password|passwort)|pin|otp|tan|token|codice|c[oó]digo|"
    r"код|kód)(?!\w)|验证码|驗證碼|確認コード|認証コード|認証番号|인증번호"
)
#: Codes that are no one-time codes: "post code 10115", "Postcode: 10115".
_OTHER_CODES = (
    "area|bank|bar|billing|booking|client|country|coupon|customer|dial|discount|error|"
    "gift|item|order|post|product|promo|qr|reference|sort|source|status|tax|tracking|"
    "voucher|zip"
)
#: The same in languages that put it behind: "code postal 75001", "codice fiscale".
_OTHER_BEHIND = r"(?:\s+(?:postal|promo|fiscal|clien|produ|article|barre)\w*)"
_ABOUT = rf"(?:\b({_OTHER_CODES})\w*[\s-]+)?({_WORD})({_OTHER_BEHIND})?"
_FOLLOWS = re.compile(rf"{_ABOUT}(?:[^\d.!?;()]|\.(?!\s)){{0,40}}\Z", re.IGNORECASE)
_OTHER = re.compile(_OTHER_CODES, re.IGNORECASE)
_IS_YOURS = re.compile(
    r"\s{1,9}(?:is|ist|est|es|è)\s{1,9}(?:your|ihr|dein|votre|ton|su|tu|il)\b"
    r"|\s{1,9}(?:is|as|ist|als|est|comme|es|como|è|come)\s{1,9}"
    r"(?:the|your|a|der|die|das|ihr\w*|dein\w*|le|la|votre|ton|el|su|tu|il)\b"
    rf"[^\d.!?\n]{{0,40}}?(?:{_WORD})",
    re.IGNORECASE,
)
#: "Your code for your session on 2026 is": of a sentence about a code, what it says. Where
#: a number comes right behind the word, that is the code.
_VERB = r"\b(?:is|ist|lautet|est|es|è)\b"
_SAYS = re.compile(
    rf"{_ABOUT}(?!\W{{0,5}}(?:{_VERB})?\W{{0,5}}\d)"
    rf"(?:[^.!?\n]|\.(?!\s)|(?<=\bn[or])\.){{0,70}}"
    rf"(?:{_VERB}\s?:?|[:=\uff1a])\s{{0,3}}(?:(?:le|el|il)\s)?[\"'*_«»„“”(]{{0,3}}\s?\Z",
    re.IGNORECASE,
)
#: "Enter 482913 to sign in".
_ENTERED = re.compile(
    r"\b(?:enter|type|geben|gib|saisi\w*|entrez|introdu\w+|ingres\w+|inseri\w+)\b"
    r"[^\d.!?\n]{0,30}\Z",
    re.IGNORECASE,
)
#: What stands before and behind a number that is something else: a year, the number of an
#: account or of an order, an amount, a time.
_NUMBER_OF = re.compile(
    r"""
      (?:\b(?:accounts?|acct|orders?|users?|customers?|clients?|card|phone|request|ref(?:erence)?
        |invoice|transaction|ticket|case|session|konto|auftrag\w*|bestellung|kunde\w*|rechnung
        |commande|compte|facture|pedido|cuenta|factura|ordine|conto)
        (?:\s(?:number|n[or]\.?|id|nummer|nº|n°))?|\bending(?:\s(?:in|with))?|\bn[or]\.|[\#№])
      \s?(?:is|ist|lautet|est|es|è)?\s?[:#]?\s?\Z
    | (?:[€£$]|\b(?:EUR|USD|GBP|CHF|INR|Rs\.?))\s?\Z
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"\s?(?:[€£$%]|(?:EUR|USD|GBP|CHF|INR|seconds?|minutes?|min|hours?|hrs|h|uhr|days?)\b)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_YEAR_OF = re.compile(
    r"(?:©|\(c\)|\b(?:copyright|in|on|of|for|since|the|year|im|seit|von|vom|für|jahr|sitzung"
    r"|en|de|pour|depuis|del?|para|desde|per|dal?|il|nel))\s{0,3}\(?\Z|\(\Z|\d{4}[/\u2013-]\Z",
    re.IGNORECASE,
)
_LINE_BEFORE = re.compile(r"(?:^|\n)[ \t*_>\"'-]*\Z")
_LINE_BEHIND = re.compile(r"[ \t*_\"'.-]*(?:\n|\Z)")
#: As far as is looked to either side of a number.
_WINDOW = 80
#: The most numbers among which one may stand out.
_MOST = 1000


def find_code(
    subject: str,
    bodies: Sequence[str],
    headings: Sequence[str],
    pattern: str | re.Pattern[str],
    *,
    where: str,
) -> str:
    """The only code that a regular expression finds in the message.

    The `subject` is looked at where no body has a code outside of its links. Of
    several, the one that stands out: that "is your code", or that a sentence about a
    code ends in ("your code for 2026 is"), or that follows such a word, of these the
    one that has a line to itself, of these the one in a heading. Dates, years, amounts
    and the numbers of accounts and orders count where there is nothing else. Among
    more than a thousand numbers none stands out.

    Raises:
        AssertionError: there is none, or there are several and none stands out.
        TypeError: the pattern is no regular expression of str.
        ValueError: the pattern is a str that is no regular expression.
    """
    __tracebackhide__ = True
    expression = _compiled(pattern)
    # Digits in a link are seldom the code: they count where there are no others.
    for places in ([IN_TEXT.sub(" ", one) for one in bodies], [subject], bodies):
        found = _codes(_matches(expression, places))
        if len(found) > 1:
            found = _standing_out(expression, places, headings) or found
        if len(found) == 1:
            return found[0]
        if found:
            raise AssertionError(
                explained(
                    f"{len(found)} codes where one was expected, in {where}",
                    expected=f"exactly one match of {shown(expression.pattern)}",
                    got=found,
                    hint="give a narrower pattern; with a group, the group is the "
                    r'code: message.code(r"code is (\d+)")',
                )
            )
    texts = [shortened(text) for text in unique([subject, *bodies]) if text.strip()]
    raise AssertionError(
        explained(
            f"no code in {where}",
            expected=f"one match of {shown(expression.pattern)} in the body or subject",
            got=texts or "no text at all",
            hint="code() takes a regular expression; with a group, the group is the "
            "code",
        )
    )


def _standing_out(
    expression: re.Pattern[str], places: Sequence[str], headings: Sequence[str]
) -> list[str]:
    """The one code that differs from the others; nothing where none does."""
    # A year in a date is no code, whatever word the date follows.
    dated = [DATE.sub(lambda match: " " * len(match[0]), text) for text in places]
    left = _matches(expression, dated)
    if len(decided := _codes(left)) == 1:
        return decided
    left = left or _matches(expression, places)
    if len(left) > _MOST:
        return []
    left = [one for one in left if not _is_something_else(one)] or left
    in_headings = set(_codes(_matches(expression, headings)))
    signs: tuple[Callable[[re.Match[str]], bool], ...] = (
        lambda match: _IS_YOURS.match(match.string, match.end()) is not None,
        lambda match: _says(_SAYS, match),
        lambda match: _says(_FOLLOWS, match),
        lambda match: _ENTERED.search(_before(match)) is not None,
        _has_a_line,
        lambda match: _code(match) in in_headings,
    )
    for sign in signs:
        if better := [match for match in left if sign(match)]:
            left = better
            if len(decided := _codes(left)) == 1:
                return decided
    return []


def _matches(expression: re.Pattern[str], texts: Iterable[str]) -> list[re.Match[str]]:
    return [match for text in texts for match in expression.finditer(text)]


def _codes(matches: Iterable[re.Match[str]]) -> list[str]:
    return unique(code for match in matches if (code := _code(match)))


def _says(sign: re.Pattern[str], match: re.Match[str]) -> bool:
    """A word for codes stands before it, and none for codes of other kinds."""
    before = _before(match)
    word = sign.search(before)
    while word and (word[1] or word[3] or _OTHER.match(word[2])):
        word = sign.search(before, word.end(2))
    return word is not None


def _is_something_else(match: re.Match[str]) -> bool:
    before, behind = _before(match), match.string[match.end() : match.end() + _WINDOW]
    return bool(
        _NUMBER_OF.search(before)
        or _AMOUNT.match(behind)
        or (_YEAR.fullmatch(match[0]) and _YEAR_OF.search(before))
    )


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - _WINDOW) : match.start()]


def _has_a_line(match: re.Match[str]) -> bool:
    text, end = match.string, match.end()
    before = _before(match)
    if match.start() > _WINDOW:
        before = "x" + before  # no beginning of a line
    behind = text[end : end + _WINDOW] + ("x" if end + _WINDOW < len(text) else "")
    return bool(_LINE_BEFORE.search(before) and _LINE_BEHIND.match(behind))


def _code(match: re.Match[str]) -> str:
    """The first group that took part, or all of the match."""
    groups = [group for group in match.groups() if group is not None]
    return str(groups[0] if groups else match[0])


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    if isinstance(pattern, str):
        try:
            return re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"code() takes a regular expression, and {pattern!r} is none: {error}"
            ) from error
    if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
        return pattern
    raise TypeError(f"code() takes a regular expression (of str), not {pattern!r}")
