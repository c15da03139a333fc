"""What a reader sees of an HTML document; expected values by the HTML standard."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.content.html.page import Page

from ...make import html_mail


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>a\n  b</p><p>c</p>", "a b\nc"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("a <b> b</b>\n<i>c</i>", "a b c"),
        ("<ul><li>a<li>b</ul>c", "a\nb\nc"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a\nb\nc"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<title>t</title>a<style>s</style>b<script>c</script>", "ab"),
        ("<p>X is new: Model X</p>", "X is new: Model X"),
        ("a<template>b</template><datalist><option>c</datalist>d", "ad"),
        ("<noscript>a</noscript>", "a"),
        ("a<iframe>b</iframe><noembed>c</noembed>", "a"),
        ("<div hidden>a<div>b</div>c</div>d", "d"),
        ("<p hidden>a<p>b", "b"),
        ("<ul><li hidden>a<li>b</ul>", "b"),
        ("<table><tr hidden><td>a<tr><td>b</table>", "b"),
        ("<table><tr><td hidden>a</div></p>b<td>c</table>", "c"),
        # What is open around a cell is not closed in it, but the table is.
        ("<div hidden><table><tr><td>a</div>b</table></div>c", "c"),
        ("<table><tr><td hidden>a</table>b", "b"),
        ("<ul><li hidden>a<ul><li>b</ul></ul>c", "c"),
        ("<dl><dd hidden>a<dl><dt>b</dl></dl>c", "c"),
        ("<div style='color:red;display:none'>a</div>b", "b"),
        ("<span style='DISPLAY : NONE !important'>a</span>b", "b"),
        ("<span style='visibility:hidden'>a</span>b", "b"),
        # No value of that property, so that it says nothing: Chromium shows both.
        ("<span style='display:none-such'>a</span>b", "ab"),
        ("<span style='xdisplay:none'>a</span>b", "ab"),
        ("<b hidden>a<p>b</b>c", "c"),
        # As Chromium shows them (CSS Syntax 5.4.6, CSS Cascade 6).
        ("<span style='display:none;display:block'>a</span>b", "ab"),
        ("<span style='display:block;display:none'>a</span>b", "b"),
        ("<span style='display:none!important;display:block'>a</span>b", "b"),
        ("<span style='/* ; */display:/**/none/*'>a</span>b", "b"),
        ("<span style='visibility:collapse'>a</span>b", "b"),
        ("<span style='background:url(x;display:none)'>a</span>b", "ab"),
        ("""<span style='content:"x;display:none"'>a</span>b""", "ab"),
        ("<span style='display:none;display:'>a</span>b", "b"),
        ("<dialog>a</dialog><dialog open>b</dialog>", "b"),
        ("<ruby>a<rp>(</rp><rt>b</rt><rp>)</rp></ruby>", "ab"),
        # An element ends with the formatting around it (HTML 13.2.6.4.7).
        ("<a>a<span hidden>b</a>c", "ac"),
        ("<b>a<div hidden>b</b>c</div>d", "a\nd"),
        ("<b><label hidden>a<i>b</b>c</i>", "c"),
        ("<b hidden><p hidden>a</b>b</p>c", "c"),
        # A heading that was hidden when it began.
        ("<b hidden><h1>a</b>b</h1>c", "b\nc"),
        ("<input hidden>a<br hidden>b", "a\nb"),
        ("&lt;b&gt;&nbsp;x", "<b>\xa0x"),
        ("<!-- a -->b<!--[if mso]>c<![endif]-->", "b"),
        ("<!--[if !mso]><!-->a<!--<![endif]-->", "a"),
        ("</p></div></b>a", "a"),
    ],
)
def test_visible_text(html: str, expected: str) -> None:
    """Blanks collapse, blocks are lines, and what is hidden is not there."""
    assert Page(html).text == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<base href="https://a.org/m/"><a href="x">', ["https://a.org/m/x"]),
        ('<a href="/x"><base href="https://a.org/m/">', ["https://a.org/x"]),
        (
            (
                '<base target=x><base href="https://a.org/"><base href="//b.org/">'
                '<a href="?q"><a href="https://c.org/../x"><form action="//d.org">'
            ),
            ["https://a.org/?q", "https://c.org/../x", "https://d.org"],
        ),
        ('<base href="https://[/"><a href="x">', ["x"]),
        ('<div hidden><a href="https://a.org">x</a></div>', []),
        ('<a hidden href="https://a.org">x</a>https://b.org', ["https://b.org"]),
        ('<a style="display:none" href="https://a.org">x</a>', []),
        ('<a href="https://a.org/?a=1&lt=2&gt;=3">', ["https://a.org/?a=1&lt=2>=3"]),
        ('<a title="a>b" href="https://a.org">', ["https://a.org"]),
        ("<a href = https://a.org/x?y=z&amp;b>", ["https://a.org/x?y=z&b"]),
        ('<a name="x">https://a.org', ["https://a.org"]),
        ('<a href="https://a.org"><p>https://b.org</p></a>', ["https://a.org"]),
        (
            '<td><a href="https://a.org">x</td><td>https://b.org</td>',
            ["https://a.org"],
        ),
        (
            '<table><td><a href="https://a.org">x</td><td>https://b.org</td>',
            ["https://a.org", "https://b.org"],
        ),
        ('<a href="https://a.org" / >', ["https://a.org"]),
        ('<a\nhref="https://a.org/\tx\ny">', ["https://a.org/xy"]),
        ('<![CDATA[<a href="https://a.org">]]>', []),
        ('<noscript><a href="https://a.org">x</a></noscript>', ["https://a.org"]),
        ('<textarea><a href="/x">https://a.org</textarea>', ["https://a.org"]),
    ],
)
def test_links(html: str, expected: list[str]) -> None:
    """Where a click leads (sections 2.4.3, 4.6.1, 13.2.5)."""
    assert Page(html).links == expected


#: The groups of elements that the HTML standard has, by its section; words apart.
GROUPS = {
    "15.3.3, display: block": "address article aside blockquote center dd details div dl dt "
    "fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header li main nav ol p pre "
    "section summary table ul",
    "13.2.6.4.7, closes p": "address article aside blockquote center dd details div dl dt "
    "fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p "
    "pre section summary table ul",
    "15.3.1, display: none": "datalist noembed noframes rp script style template title",
    "4.8.5, nested": "iframe",
    "13.1.2, void": "area base br col embed hr img input link meta param source track wbr",
    "13.2.6.4.7, formatting": "a b big em font i nobr s small strike strong tt u",
    "15.3.4, white-space: pre": "plaintext pre xmp textarea",
}
ELEMENTS = [(group, name) for group, names in GROUPS.items() for name in names.split()]


@pytest.mark.parametrize(("group", "name"), ELEMENTS)
def test_elements_by_group(group: str, name: str) -> None:
    """Each behaves as its group does."""
    html, expected = {
        "block": (f"a<{name}>b</{name}>c", "a\nb\nc"),
        "closes p": (f"<p hidden>a<{name}>b", "b"),
        "none": (f"a<{name}>b</{name}>c", "ac"),
        "nested": (f"a<{name}>b</{name}>c", "ac"),
        "void": (f"<{name} hidden>b", "b"),
        "formatting": (f"<{name}>a<div hidden>b</{name}>c</div>d", "a\nd"),
        "pre": (f"a <i> b</i><{name}>c  d", "a bc  d"),
    }[group.partition(", ")[2].rpartition(": ")[2]]
    text = Page(html).text
    assert (text.replace("\n", "") if group.endswith("pre") else text) == expected


@pytest.mark.parametrize(
    "name", ["li", "dd", "dt", "td", "th", "tr", "option", "tbody"]
)
def test_a_start_tag_that_ends_its_like(name: str) -> None:
    """Section 13.1.2.4: the end tag before it may be left out."""
    inside = name in {"td", "th", "tr", "tbody"}
    text = f"<{name} hidden>a<{name}>b"
    assert Page(f"<table>{text}</table>" if inside else text).text == "b"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *(("dd", "dt"), ("dt", "dd"), ("td", "th"), ("th", "td"), ("td", "tr")),
        *(("th", "tr"), ("tr", "tbody"), ("tr", "tfoot"), ("thead", "tbody")),
        *(("tbody", "tfoot"), ("tfoot", "tbody"), ("tbody", "thead")),
    ],
)
def test_a_start_tag_that_ends_another(first: str, second: str) -> None:
    """Section 13.1.2.4."""
    assert Page(f"<table><{first} hidden>a<{second}>b</table>").text == "b"


@pytest.mark.parametrize(
    "tag",
    [
        *("a href", "area href", "form action", "button formaction"),
        "input type=submit formaction",
    ],
)
def test_what_can_be_followed(tag: str) -> None:
    """Sections 4.6.1 and 4.10.18.6: links, and where a form is sent."""
    assert Page(f'<{tag}="https://a.org/x">').links == ["https://a.org/x"]


@pytest.mark.parametrize("tag", ["img src", "link href", "script src", "p title"])
def test_what_is_only_fetched_or_shown(tag: str) -> None:
    assert Page(f'<{tag}="https://a.org/x">').links == []


@pytest.mark.parametrize("level", range(1, 7))
def test_headings_of_each_level(level: int) -> None:
    """Section 4.3.6."""
    assert Page(f"a<h{level}>b</h{level}>c").headings == ["b"]


def test_headings() -> None:
    """The text of each heading, whatever stands in it."""
    page = Page("<h1>a <b>b</b></h1><h2 hidden>c</h2><p>d</p><h3>e<p>f</h3>g")
    assert page.headings == ["a b", "ef"]


@pytest.mark.parametrize(
    "unit",
    ["<div>", "<b>", "<a href=x>", "</div>", "<td>", "<p>", "<b><span>", "<b></b>"],
)
def test_elements_without_an_end(unit: str) -> None:
    """Depth costs no stack and no time."""
    assert Page(unit * 20_000 + "end").text == "end"


def test_a_link_of_a_mail_is_what_a_click_opens() -> None:
    """https://github.com/python/cpython/issues/69426, as FastAPI-Mail sends it."""
    url = "https://app.example.org/reset?user=1&timestamp=1795&notify=no"
    assert html_mail(f'<a href="{url}">Reset</a>').link("reset") == url
