"""HTML cut into tokens, by section 13.2.5 of the HTML standard."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.content.html.tokenizer import Tag, references, tokens


def start(name: str, **attributes: str) -> Tag:
    return Tag(name, closing=False, attributes=attributes)


def end(name: str) -> Tag:
    return Tag(name, closing=True, attributes={})


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("a < b", ["a ", "< b"]),
        ("a <3 b", ["a <3 b"]),
        ("<P CLASS=X>", [start("p", **{"class": "X"})]),
        ("<a\thref\n=\f'x' >", [start("a", href="x")]),
        ("<a/href=x/y/>", [start("a", href="x/y/")]),
        ("<a =b c>", [start("a", **{"=b": "", "c": ""})]),
        ("<a href=x href=y>", [start("a", href="x")]),
        ('<a href="x"title=y>', [start("a", href="x", title="y")]),
        ('<a href="x>y">', [start("a", href="x>y")]),
        ('<a href="never closed>', []),
        ("<a href=never-closed", []),
        ("a</>b</ p>c</p\n>", ["a", "b", "c", end("p")]),
        ("a<!-- b -- c -->d<!-->e<!--->f", ["a", "d", "e", "f"]),
        ("a<!--b--!>c<!-- never closed", ["a", "c"]),
        ("a<!doctype html>b<?xml version='1.0'?>c", ["a", "b", "c"]),
        ("a<![CDATA[<b]]>c", ["a", "c"]),
        ("a<!bogus>b</5>c", ["a", "b", "c"]),
        ("<style>a<b>c</STYLE >d", [start("style"), "a<b>c", end("style"), "d"]),
        ("<style>a&lt;</styles>", [start("style"), "a&lt;</styles>"]),
        ("<title>a&lt;<b></title>", [start("title"), "a<<b>", end("title")]),
        ("<plaintext>a&lt;<b>", [start("plaintext"), "a&lt;<b>"]),
        ("", []),
        ("<", ["<"]),
        ("</", ["</"]),
    ],
)
def test_tokens(html: str, expected: list[Tag | str]) -> None:
    """Tags, text, and what is neither, as sections 13.2.5.1 to 13.2.5.52 have them."""
    found = [token for token in tokens(html) if token != ""]
    assert joined(found) == joined(expected)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("iframe noembed noframes script style xmp", "<b>&lt;"),
        ("textarea title", "<b><"),
    ],
)
def test_elements_whose_content_is_text(names: str, expected: str) -> None:
    """Section 13.2.6.2: raw text, and text with references."""
    for name in names.split():
        found = [one for one in tokens(f"<{name}><b>&lt;</{name}>") if one != ""]
        assert joined(found) == [start(name), expected, end(name)], name


def joined(found: list[Tag | str]) -> list[Tag | str]:
    """Text in one piece, wherever it was cut."""
    whole: list[Tag | str] = []
    for token in found:
        if isinstance(token, str) and whole and isinstance(whole[-1], str):
            whole[-1] += token
        else:
            whole.append(token)
    return whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("&amp;&AMP&lt;&gt&quot;&apos;", "&&<>\"'"),
        ("I'm &notit; I tell you", "I'm ¬it; I tell you"),
        ("I'm &notin; I tell you", "I'm ∉ I tell you"),
        ("&copy=2 &copyright &timestamp", "©=2 ©right \u00d7tamp"),
        ("&nothing; & &; &unknown;", "¬hing; & &; &unknown;"),
        ("&#65;&#x41;&#X41;&#65 &#x41g", "AAAA Ag"),
        ("&#0;&#xD800;&#x110000;&#99999999999999;", "����"),
        ("&#xD7FF;&#xDFFF;&#xE000;", "\ud7ff�\ue000"),
        ("&#x80;&#150;&#x81;", "€\u2013\x81"),
        ("&#" + "0" * 9000 + "65;", "A"),
        ("&#; &#x; &#xg;", "&#; &#x; &#xg;"),
        ("&NotEqualTilde;", "≂̸"),
    ],
)
def test_references_in_text(text: str, expected: str) -> None:
    """Sections 13.2.5.72 to 13.2.5.80; the first two examples are the standard's own."""
    assert references(text) == expected


@pytest.mark.parametrize(
    "name",
    [
        "timestamp",
        "notify",
        "section",
        "copy",
        "region",
        "parameter",
        "current",
        "center",
        "quote",
        "degree",
        "not",
        "lt",
        "gt",
        "amp",
        "reg",
        "para",
        "sect1",
        "times2",
    ],
)
def test_a_query_is_no_reference(name: str) -> None:
    """Section 13.2.5.73: in an attribute, ``=`` or an alphanumeric may follow."""
    value = f"https://app.example.org/?user=1&{name}=2"
    assert references(value, attribute=True) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&amp b", "?a=1& b"),
        ("?a=1&copy", "?a=1©"),
        ("?a=1&copy;=2", "?a=1©=2"),
        ("?a=1&copy-2", "?a=1©-2"),
        ("?a=1&#61;2", "?a=1=2"),
    ],
)
def test_references_in_attributes(value: str, expected: str) -> None:
    """With a semicolon, or before anything else, they are references there too."""
    assert references(value, attribute=True) == expected
