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
_FOLLOWS = re.compile(
    rf"(?:\b({_OTHER_CODES})\w*[\s-]+)?({_WORD})({_OTHER_BEHIND})?(?:[^\d.!?;()]|\.(?!\s)){{0,40}}\Z",
    re.IGNORECASE,
)
_OTHER = re.compile(_OTHER_CODES, re.IGNORECASE)
_IS_YOURS = re.compile(
    r"\s{1,9}(?:is|ist|est|es|è)\s{1,9}(?:your|ihr|dein|votre|ton|su|tu|il)\b",
    re.IGNORECASE,
)
_LINE_BEFORE = re.compile(r"(?:^|\n)[ \t*_>\"'-]*\Z")
_LINE_BEHIND = re.compile(r"[ \t*_\"'.-]*(?:\n|\Z)")
#: As far as is looked to either side of a number.
_WINDOW = 80


def find_code(
    subject: str,
    bodies: Sequence[str],
    headings: Sequence[str],
    pattern: str | re.Pattern[str],
    *,
    where: str,
) -> str:
    """The only code that a regular expression finds in the message.

    Of several, the one that stands out: that "is your code", or follows such a word, of
    these the one that has a line to itself, of these the one in a heading.

    Args:
        subject: looked at where no body has a code outside of its links.
        bodies: the texts of the body.
        headings: what stands in headings of a body.
        pattern: a regular expression; with a group, the group is the code.
        where: the message, for the error.

    Raises:
        AssertionError: there is none, or there are several and none stands out.
        TypeError: the pattern is no regular expression of str.
        ValueError: the pattern is a str that is no regular expression.
    """
    __tracebackhide__ = True
    expression = _compiled(pattern)
    # Digits in a link are seldom the code: they count where there are no others.
    for places in ([IN_TEXT.sub(" ", one) for one in bodies], [subject], bodies):
        matches = [match for text in places for match in expression.finditer(text)]
        found = unique(code for match in matches if (code := _code(match)))
        if len(found) == 1:
            return found[0]
        if found:
            in_headings = {
                _code(m) for text in headings for m in expression.finditer(text)
            }
            dated = map(_without_dates, places)
            left = [one for text in dated for one in expression.finditer(text)]
            if len(codes := _standing_out(left or matches, in_headings)) == 1:
                return codes.pop()
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


def _without_dates(text: str) -> str:
    """A year in a date is no code, whatever word the date follows."""
    return DATE.sub(lambda match: " " * len(match[0]), text)


def _standing_out(matches: Iterable[re.Match[str]], in_headings: set[str]) -> set[str]:
    """The codes that differ from the others: one, if that decides."""
    left = list(matches)
    signs: tuple[Callable[[re.Match[str]], bool], ...] = (
        _is_called_yours,
        _follows_a_word,
        _has_a_line,
        lambda match: _code(match) in in_headings,
    )
    decided: set[str] = set()
    for sign in signs:
        better = [match for match in left if sign(match)]
        if better:
            left, decided = better, {_code(match) for match in better} - {""}
        if len(decided) == 1:
            break
    return decided


def _is_called_yours(match: re.Match[str]) -> bool:
    return _IS_YOURS.match(match.string, match.end()) is not None


def _follows_a_word(match: re.Match[str]) -> bool:
    start = match.start()
    word = _FOLLOWS.search(match.string[max(0, start - _WINDOW) : start])
    if word is None:
        return False
    return not (word[1] or word[3] or _OTHER.match(word[2]))


def _has_a_line(match: re.Match[str]) -> bool:
    text, start, end = match.string, match.start(), match.end()
    before = text[max(0, start - _WINDOW) : start]
    if start > _WINDOW:
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
