"""One-time codes: the one that a test wants, among the other numbers of a mail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .links import IN_TEXT, explained, shortened, shown, unique
from .normalize import DATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

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
    r"(?i)\s{1,9}(?:is|ist|est|es|è)\s{1,9}(?:your|ihr|dein|votre|ton|su|tu|il)\b"
    r"|\s{1,9}(?:is|as|ist|als|est|comme|es|como|è|come)\s{1,9}"
    r"(?:the|your|a|der|die|das|ihr\w*|dein\w*|le|la|votre|ton|el|su|tu|il)\b"
    rf"[^\d.!?\n]{{0,40}}?(?:{_WORD})"
)
#: "Your code for your session on 2026 is": of a sentence about a code, what it says. Where
#: a number comes right behind the word, that is the code.
_VERB = r"\b(?:is|ist|lautet|est|es|è)\b"
_SAYS = re.compile(
    rf"(?i){_ABOUT}(?!\W{{0,5}}(?:{_VERB})?\W{{0,5}}\d)"
    rf"(?:[^.!?\n]|\.(?!\s)|(?<=\bn[or])\.){{0,70}}"
    rf"(?:{_VERB}\s?:?|[:=\uff1a])\s{{0,3}}(?:(?:le|el|il)\s)?[\"'*_«»„“”(]{{0,3}}\s?\Z"
)
#: "Enter 482913 to sign in".
_ENTERED = re.compile(
    r"(?i)\b(?:enter|type|geben|gib|saisi\w*|entrez|introdu\w+|ingres\w+|inseri\w+)\b"
    r"[^\d.!?\n]{0,30}\Z"
)
#: What stands before and behind a number that counts only where there is nothing else.
_THING = (
    r"(?:\w*(?:account|order|user|customer|cliente?|invoice|transaction|ticket|[ck]onto"
    r"|kunden?|auftrags?|bestell(?:ung)?|rechnungs?|vorgangs?|benutzer)s?(?:nummer|nr\.?)?"
    r"|acct|case|session|card|phone|request|ref|r[ée]f[ée]ren\w+|riferimento|tel|call|fax"
    r"|t[ée]l[ée](?:ph|f)on[eo]?|commande|compte|fa[ct]tur[ae]|dossier|pedido|cuenta|ordine)"
)
_NUMBER = r"(?:numbers?|n[or]|id|nummer|n\.|n\.?[°ºo]|n[uú]m[eé]ro)\.?"
_OF = r"(?:\s(?:de|del|di|d|of))?[\s'](?:(?:la|votre|tu|su|your)\s)?"
_MONEY = r"(?:[€£$]|\b(?:EUR|USD|GBP|CHF|INR|Rs\.?)(?!\w))"
_NUMBER_OF = re.compile(
    rf"(?i)(?:(?<!in\s)\b(?:{_THING}(?:[\s-]{_NUMBER})?|{_NUMBER}{_OF}{_THING})\.?|\bn[or]\.|[\#№]"
    r"|\bending(?:\s(?:in|with))?)\s?(?:is|ist|lautet|est|es|è)?\s?:?\s?[(\#]?(?:0\d{1,4}\)?[\s/-])?\Z"
    rf"|{_MONEY}[^\S\n]?\Z|\+(?:\d{{1,3}}\s(?:\d\d\d?\s)?)?\Z|\b[A-Z]{{2}}\d\d\s\Z"
)
_IS_NUMBER_OF = re.compile(
    rf"(?i)(?:[.,]\d\d)?\s?{_MONEY}|\s(?:is|ist|est|es|è)\s(?:il\s)?\w{{2,5}}\s"
    rf"(?:{_NUMBER}{_OF})?{_THING}\b(?![^.!?\n\d]{{0,40}}{_WORD})"
)
_UNIT = (
    r"\s?(?:%|(?:se[ckg][ou]nd\w*|min(?:ut\w+)?|hours?|hrs|h|uhr|days?|times|stunden?|tagen?"
    r"|heures?|jours?|horas?|d[ií]as?|ore|giorn[io])\b)"
)
_AMOUNT = re.compile(_UNIT, re.IGNORECASE)
#: What joins digits to a group: blanks, hyphens, dots, and what nobody sees. With blanks:
#: short numbers, or two long ones of one length; with hyphens any. The last are cells.
_HYPHENS = r"-\u2010-\u2013"
_JOINT = rf"[{_HYPHENS}. \u00a0\u00ad\u2007\u2009-\u200b\u202f]"
_END = rf"\b(?!/\d|{_UNIT}|\s?{_MONEY})"
_GROUP = re.compile(
    rf"(?im)\d(?<!\w\d)(?:\d{{1,4}}(?:{_JOINT}\d{{2,5}}{_END})+(?!-\d)"
    rf"|(?:(?:{_JOINT}\d{{3}}{_END})+|(?:{_JOINT}\d{_END})+)(?!-\d)|(?<!\d{_JOINT}\d)"
    rf"(?:\d{{5}}{_JOINT}\d{{6}}|\d{{7}}{_JOINT}\d{{8}}){_END}(?!{_JOINT}\d)"
    rf"|\d*(?:[{_HYPHENS}]\d+{_END})+"
    r"|(?<=^\d)(?:(?: ?\n\d){3,}|\d\d(?: ?\n\d{3,4})+|\d{3}(?: ?\n\d{3})+)(?= ?$))"
)
#: Groups that are no code: dates, years, telephones, versions, addresses of hosts.
_NO_CODE = re.compile(
    rf"\d\d?[-.]\d\d?[-.]\d{{2,4}}|(?:19|20)\d\d[{_HYPHENS}](?:19|20)?\d\d"
    r"|0\d(?:[ .-]\d\d){4}|(?:1[ .-])?(?:\d{3}[ .-]){2}\d{4}|(?!\d{3,}(?:\.\d{3,})+\Z)\d+(?:\.\d+)+"
)
#: "CA 94105", "10115 Berlin", 2026: no codes for the reason that the others are none.
_NO_GUESS = re.compile(r"(?<=\b[A-Z]{2}\s)\d|\d{4,5}\s[A-Z][a-z]|(?:19|20)\d\d\b")
_YEAR = re.compile(r"(?:19|20)\d\d")
_YEAR_OF = re.compile(
    r"(?i)(?:©|\(c\)|\b(?:copyright|in|on|of|for|since|the|year|im|seit|von|vom|für|jahr|sitzung"
    r"|en|de|pour|depuis|del?|para|desde|per|dal?|il|nel))\s{0,3}\(?\Z|\(\Z|\d{4}[/\u2013-]\Z"
)
_LINE_BEFORE = re.compile(r"(?:^|\n)[ \t*_>\"'-]*\Z")
_LINE_BEHIND = re.compile(r"[ \t*_\"'.-]{0,80}(?:\n|\Z)")
#: As far as is looked to either side of a number, and the most among which one stands out.
_WINDOW, _MOST = 80, 1000


def find_code(
    subject: str,
    bodies: Sequence[str],
    headings: Sequence[str],
    pattern: str | re.Pattern[str],
    *,
    where: str,
) -> str:
    """The only code that the pattern finds: see `ReceivedMessage.code`."""
    __tracebackhide__ = True
    expression = _compiled(pattern)
    missed: list[str] = []
    # Digits in a link are seldom the code: they count where there are no others.
    for places in ([IN_TEXT.sub(" ", one) for one in bodies], [subject], bodies):
        found, groups = _found(expression, places, headings)
        codes = _codes(found)
        whole = _codes(match for match in found if match.re is expression)
        if missed:  # The subject may have the same digits as one number.
            same = [re.sub(r"\D", "", group) for group in missed]
            codes = whole = [code for code in whole if code in same]
        if whole and len(codes) == 1:
            return codes[0]
        if whole:
            problem = explained(
                f"{len(codes)} codes where one was expected, in {where}",
                expected=f"exactly one match of {shown(expression.pattern)}",
                got=codes,
                hint="give a narrower pattern; with a group, the group is the code: "
                r'message.code(r"code is (\d+)")',
            )
            raise AssertionError(problem)
        missed += codes
    texts = [shortened(text) for text in unique([subject, *bodies]) if text.strip()]
    hint = "code() takes a regular expression; with a group, the group is the code"
    if near := unique(missed or _codes(groups))[:3]:
        wanted = near[0].replace(".", "[.]").replace("\n", r"\n")
        wanted = re.sub(r"\d+", lambda run: rf"\d{{{len(run[0])}}}", wanted)
        wanted = wanted.encode("ascii", "backslashreplace").decode()
        hint = rf'digits of a group are no code; message.code(r"\b{wanted}\b") takes it all'
    problem = explained(
        f"no code in {where}",
        expected=f"one match of {shown(expression.pattern)} in the body or subject",
        got=texts or "no text at all",
        nearest=", ".join(map(ascii, near)),
        hint=hint,
    )
    raise AssertionError(problem)


def _found(
    expression: re.Pattern[str], places: Sequence[str], headings: Sequence[str]
) -> tuple[list[re.Match[str]], list[re.Match[str]]]:
    """The code, or all that may be it: matches, and groups; and what groups there are."""
    whole, groups = _sorted(expression, places, places)
    if len(_codes(whole)) < 2 and not groups:
        return whole, []
    # A year in a date is no code, whatever word the date follows.
    dated = [DATE.sub(lambda match: " " * len(match[0]), text) for text in places]
    whole, groups = _sorted(expression, dated, dated)
    same = {re.sub(r"\D", "", code) for code in _codes(whole)}
    groups = [group for group in groups if re.sub(r"\D", "", group[0]) not in same]
    bare = expression.search("4829,48291,482913,4829130,48291300")  # or no rivals
    cut = [group for group in groups if bare and expression.search(group[0])]
    if not whole and not (bare and groups):
        whole, _ = _sorted(expression, places, dated)
    if len(whole) + len(groups) > _MOST:
        return whole + cut, []
    groups = [group for group in groups if not _is_something_else(group)]
    # Words may say that a group is the code though nothing in it matches.
    rivals = [group for group in groups if bare and group not in cut]
    pool = whole + cut + [group for group in rivals if any(_signs(group)[:4])]
    left = [match for match in pool if not _is_something_else(match)] or pool
    in_headings = _codes(_sorted(expression, headings, headings)[0])
    signs = {match: _signs(match, in_headings) for match in left}
    best = max(signs.values(), default=())
    left = [match for match in left if signs[match] == best]
    if any(best) and len(_codes(left)) == 1:
        return left, groups
    left = [match for match in pool if not _is_number_of(match)]
    if not left:  # Even a group that nothing speaks for is more than an order.
        return (pool + rivals if whole else []), groups
    guess = left != pool and (
        any(_says(_SAYS, match) for match in pool)
        or _FOLLOWS.search(_around(left[0])[0])  # a word for another code
        or _is_something_else(left[0])
        or _NO_GUESS.match(left[0].string, left[0].start())
    )
    return pool if guess or len(_codes(left)) > 1 else left, groups


def _signs(match: re.Match[str], in_headings: Collection[str] = ()) -> tuple[bool, ...]:
    """What says that it is the code; an earlier one counts more than all behind it."""
    text, start, end = match.string, match.start(), match.end()
    begin = _LINE_BEFORE.search(text, max(0, start - _WINDOW), start)
    return (
        bool(_IS_YOURS.match(text, end)),
        _says(_SAYS, match),
        _says(_FOLLOWS, match),
        bool(_ENTERED.search(_around(match)[0])),
        bool(begin and _LINE_BEHIND.match(text, end)),
        _code(match) in in_headings,
    )


def _sorted(
    expression: re.Pattern[str], texts: Sequence[str], dated: Sequence[str]
) -> tuple[list[re.Match[str]], list[re.Match[str]]]:
    """What matches and cuts no group of digits, and these groups."""
    masks = [_GROUP.sub(lambda one: "\0" * len(one[0]), text) for text in dated]
    whole = [
        match
        for text, mask in zip(texts, masks, strict=True)
        for match in expression.finditer(text)
        if not any(mask[edge - 1 : edge + 1] == "\0\0" for edge in match.span())
    ]
    return whole, [group for text in dated for group in _GROUP.finditer(text)]


def _codes(matches: Iterable[re.Match[str]]) -> list[str]:
    return unique(code for match in matches if (code := _code(match)))


def _says(sign: re.Pattern[str], match: re.Match[str]) -> bool:
    """A word for codes stands before it, and none for codes of other kinds."""
    before, _ = _around(match)
    word = sign.search(before)
    while word and (word[1] or word[3] or _OTHER.match(word[2])):
        word = sign.search(before, word.end(2))
    return word is not None


def _is_number_of(match: re.Match[str]) -> bool:
    before, behind = _around(match)
    stands_for = _NUMBER_OF.search(before) or _IS_NUMBER_OF.match(behind)
    return bool(stands_for or _NO_CODE.fullmatch(match[0]))


def _is_something_else(match: re.Match[str]) -> bool:
    before, behind = _around(match)
    year = _YEAR.fullmatch(match[0]) and _YEAR_OF.search(before)
    return bool(year or _AMOUNT.match(behind) or _is_number_of(match))


def _around(match: re.Match[str]) -> tuple[str, str]:
    text, start, end = match.string, match.start(), match.end()
    return text[max(0, start - _WINDOW) : start], text[end : end + _WINDOW]


def _code(match: re.Match[str]) -> str:
    """The first group that took part, or all of the match."""
    return str(next((one for one in match.groups() if one is not None), match[0]))


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    if not isinstance(getattr(pattern, "pattern", pattern), str):
        raise TypeError(f"code() takes a regular expression (of str), not {pattern!r}")
    try:
        return re.compile(pattern)
    except re.error as error:
        problem = f"code() takes a regular expression, and {pattern!r} is none: {error}"
        raise ValueError(problem) from error
