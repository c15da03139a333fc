"""Advice on what a mail says: placeholders that nobody has filled in, broken letters."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pytest_smtpserver.protocol.display import shortened

from .findings import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage

    from .markup import Markup

#: What the template languages of the web leave where they were not run.
_PLACEHOLDER = re.compile(
    r"""
      \{\{[^{}\n]{1,80}\}\}                                # {{ name }}
    | \{%-?\s*\w[^%\n]{0,120}%\}                           # {% if name %}
    | <%[=-]?[^%\n]{1,80}%>                                # <%= name %>
    | \$\{[A-Za-z_][\w.\[\]()'"|:\ -]{0,60}\}              # ${name}
    | %\([A-Za-z_]\w{0,60}\)[-#0+]*\d*(?:\.\d+)?[a-zA-Z]  # %(name)s
    | (?<![\w%])%[1-9]\$[sd]\b                             # %1$s
    | (?<![\w\\}$%\#/])\{[A-Za-z_]\w{1,60}(?:\.\w{1,60}|\[\w{1,60}\])*(?:![rsa])?\}(?!\w)
    | \*\|[A-Z][A-Z0-9_:]{0,60}\|\*                        # *|FNAME|*
    | \[object\ Object\]
    | <(?:[A-Za-z_][\w.]{0,80}|[\w.]{1,60}<locals>[\w.]{1,60})\ object\ at\ 0x[0-9A-Fa-f]{1,16}>
    | <(?:bound\ method|function)\ [^\n]{1,100}?\ at\ 0x[0-9A-Fa-f]{1,16}>{1,2}
    """,
    re.VERBOSE,
)
#: What also stands for itself where code is written about: those without a name, where
#: only a word or a number makes sense, which is as a word by itself or behind a sign of
#: money or number (but "5 %d'or"); #{name} of Ruby; [[name]], which wikis have too.
_DOUBTFUL = re.compile(
    r"""(?=[%{\#\[])(?:
      (?:(?<!\S)(?<!\d\s)|(?<=[(\#№$€£]))%(?:\.\d)?[sdf](?=[\s,.;:!?)]|\Z)
    | (?:^|(?<=[^\W_]\s)|(?<=[,.:]\s)|(?<=[\#№$€£]))\{\d?\}(?=[\s,.;:!?)]|\Z)
    | (?<![\w\#])\#\{@?[A-Za-z_][\w.\[\]()'":\ -]{0,60}\}
    | (?<![\w\[])\[\[\ ?(?:[a-z]\w{1,60}|[A-Z][A-Z\d_]{1,60})(?:\.\w{1,60}){0,3}\ ?\]\](?![\w\]])
    )""",
    re.VERBOSE | re.MULTILINE,
)
#: A line that is about such things: signs of a program, and words.
_CODE_SIGN = re.compile(
    r"[=\\`]|->|-exec\b|;\s*\Z"
    r"|\b(?:returns?|empty|the) (?:\{|(?:set|dict\w*|object|map|list)\b)",
    re.IGNORECASE,
)
_WORDS_OF_CODE = (
    "brace braces bracket brackets class def enum format formats formatted formatter "
    "formatting fprintf function impl interface interpolated interpolation json lambda "
    "percent placeholder placeholders printf regex sass specifier specifiers sprintf "
    "strftime string strings struct trait wiki wikis xargs"
)
_CODE_WORDS = frozenset(_WORDS_OF_CODE.split())
_NOTHING = r"(?:None|undefined|null|NaN)\b(?!\s+of\b|-\w)"
#: A value that was not there, where only a value makes sense: behind a salutation, a
#: sign of money or number, as first and last name.
_NO_VALUE = re.compile(
    rf"""
      \b(?:Hello|Hi|Hey|Dear|Welcome(?:\ back)?|Thanks|Thank\ you|Congratulations
      |Hallo|Liebe[r]?|Guten\ Tag|Sehr\ geehrte[r]?(?:\ (?:Frau|Herr))?
      |Bonjour|Ch(?:er|ère)|Hola|Estimad[oa]|Ciao|Gentile|Olá|Beste|Hej
      |Order|Invoice|Bestellung|Rechnung),?\ {_NOTHING}
    | (?:(?<![\w/.])\#|[№$€£]|(?<=[a-z]\ )No\.)\ ?{_NOTHING}
    | \b(?:None\ None|undefined\ undefined|null\ null)\b
    """,
    re.VERBOSE,
)
#: The same as a part of a path, or as the value of a parameter.
_NO_VALUE_IN_LINK = re.compile(
    r"[/=](?:None|undefined|null|NaN|\[object Object\])(?=[/&?#]|$)"
)
#: An f-string without its f, a format without its values. Addresses of an API are
#: written like this on purpose.
_NAME_IN_LINK = re.compile(
    r"[/=]\#?\{@?[A-Za-z_]\w{0,60}(?:\.\w{1,60}|\[\w{1,60}\]){0,3}\}(?=[/&?#.]|$)"
    r"|[/=]\[\[\w{1,60}\]\](?=[/&?#.]|$)|/(?:%[sd]|\{\d?\})(?=[/?#]|$)"
)
_ABOUT_API = re.compile(r"//api[.:-]|/api/", re.IGNORECASE)
#: Where such a word is what is written about.
_ABOUT_WORDS = re.compile(
    r"//(?:developer|docs|wiki)\.|/(?:docs|reference|wiki)/", re.IGNORECASE
)
_SAMPLES = re.compile(
    r"^```.*?^```|`[^`\n]+`|^(?: {4}|\t)[^\n]*$", re.DOTALL | re.MULTILINE
)
#: How many things of a kind a finding names.
_NAMED = 5
#: How many broken links are looked for among the samples of code; others do not count.
_LOOKED_UP = 100


def unrendered(message: ReceivedMessage, markup: Markup) -> Iterator[Note]:
    """Placeholders, and values that were not there, each kind once for each part."""
    code = markup.code
    samples = {*_PLACEHOLDER.findall(code), *_DOUBTFUL.findall(code)}
    # What is a sample in the HTML is one in the text that was made from it, too. A
    # template that is indented as a whole is none.
    for part, searched in (
        ("subject", message.subject),
        ("text", _SAMPLES.sub("", textwrap.dedent(message.text))),
        ("HTML", markup.prose),
    ):
        found = _all_of(_PLACEHOLDER, searched) + _doubtful(searched)
        found = [one for one in found if one not in samples]
        found += _all_of(_NO_VALUE, searched)
        if found:
            yield _note(part, found, searched)
    links = [one for link in message.links if _broken_link(one := unquote(link))]
    found = [one for one in links[:_LOOKED_UP] if one not in code]
    if found:
        yield _note("links", found, "\n".join(found))


def _broken_link(link: str) -> bool:
    if _PLACEHOLDER.search(link):
        return True
    if _ABOUT_WORDS.search(link):
        return False
    if _NO_VALUE_IN_LINK.search(link):
        return True
    return bool(_NAME_IN_LINK.search(link)) and not _ABOUT_API.search(link)


def _note(part: str, found: list[str], searched: str) -> Note:
    count = (
        "a placeholder was" if len(found) == 1 else f"{len(found)} placeholders were"
    )
    named = ", ".join(found[:_NAMED]) + (" …" if len(found) > _NAMED else "")
    what = f"{count} not filled in: {named}"
    return Note("unrendered-template", what, part, _line_with(found[0], searched))


def _doubtful(text: str) -> list[str]:
    """Those in lines that do not speak of placeholders or of code themselves."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        if (
            ("%" in line or "{" in line or "[[" in line)
            and (here := _all_of(_DOUBTFUL, line))
            and not _CODE_SIGN.search(line)
            and _CODE_WORDS.isdisjoint(re.findall("[a-z]+", line.lower()))
        ):
            found.update(dict.fromkeys(here))
    return list(found)


def _all_of(pattern: re.Pattern[str], text: str) -> list[str]:
    found = (re.sub(r"\s+", " ", match[0]) for match in pattern.finditer(text))
    return list(dict.fromkeys(found))


#: What the octets 0x80 to 0xBF become, read as Latin-1 or as Windows-1252.
_HIGH = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"  # noqa: RUF001 - they are what is meant
#: UTF-8 read as one of these: two octets for Western letters, three for punctuation, four
#: for emojis; of other scripts a row of them, since one alone may be meant.
_MOJIBAKE = re.compile(
    rf"[ÂÃ][{_HIGH}]|â[{_HIGH}]{{2}}|ðŸ[{_HIGH}]{{2}}|ï(?:»¿|¿½)"
    rf"|(?:[ÐÑ][{_HIGH}]){{2,}}|(?:[ÎÏ][{_HIGH}]){{2,}}|(?:[ã-é][{_HIGH}]{{2}}){{2,}}"
)
#: A word in capitals that ends in one of these letters, before a quotation mark or dots.
_CAPITALS = re.compile(r"[^\W\d_a-zß-öø-ÿ][ÂÃ][‚„…‘’“”–—»]")  # noqa: RUF001


def mojibake(message: ReceivedMessage, markup: Markup) -> Iterator[Note]:
    """UTF-8 that was read as another charset on the way, and encoded again."""
    for part, searched in (
        ("subject", message.subject),
        ("text", message.text),
        ("HTML", markup.prose),
    ):
        for match in _MOJIBAKE.finditer(searched):
            around = searched[max(match.start() - 1, 0) : match.end()]
            meant = _meant(match[0])
            if meant and not _CAPITALS.fullmatch(around):
                what = f"{match[0]!r} was {meant!r} once: UTF-8 was read as Latin-1"
                yield Note("mojibake", what, part, _line_with(match[0], searched))
                break


def _meant(garbled: str) -> str:
    octets = bytearray()
    for character in garbled:
        try:
            octets += character.encode("cp1252")
        except UnicodeEncodeError:
            octets += character.encode("latin-1", "replace")
    try:
        meant = octets.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    # Nobody means a control character: it is a quotation mark behind a letter.
    return "" if any("\x80" <= one < "\xa0" for one in meant) else meant


def _line_with(what: str, text: str) -> str:
    line = next((one for one in text.splitlines() if what in one), "")
    return shortened(line.strip(), 100)
