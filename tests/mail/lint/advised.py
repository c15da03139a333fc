# ruff: noqa: RUF001, RUF003 - letters that look alike are what this is about
"""Letters that have what an advice is about, and letters that nearly have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.mail.letters import Letter

if TYPE_CHECKING:
    from collections.abc import Mapping

MDN = "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference/Global_Objects"
TEXT = "Hello Ada,\n\nhere is your order.\n"


def _both(name: str, words: str) -> Letter:
    """A letter with the same words as text and as HTML."""
    return Letter(name, text=f"{words}\n", html=f"<p>{words}</p>")


def _people(count: int, domain: str) -> tuple[tuple[str, str], ...]:
    return tuple(("", f"reader{number}@{domain}") for number in range(count))


#: By the name of the advice: letters that have it, and letters that nearly have it.
ADVISED: Mapping[str, tuple[list[Letter], list[Letter]]] = {
    "unrendered-template": (
        [
            Letter("jinja in subject", subject="Welcome, {{ name }}", text=TEXT),
            Letter("jinja in text", text="Hello {{name}},\nbye\n"),
            Letter(
                "behind an indented line",
                text="You have ordered:\n\n    1 tea\n\nThanks, {{ name }}!\n",
            ),
            Letter("block", text="{% if paid %}Thanks!{% endif %}\n"),
            _both("dollar", "Your order ${order.id} has shipped"),
            Letter("percent", text="Hello %(name)s,\nyou owe %(amount).2f\n"),
            Letter("braces", text="Hello {first_name}, your code is {code}\n"),
            Letter("visible html", text=TEXT, html="<h1>Hello {{ user.name }}</h1>"),
            Letter("erb", text="Hello <%= @name %>\n"),
            Letter("object", text="Order: [object Object]\n"),
            Letter("none", text="Hello None,\nwelcome\n"),
            Letter("undefined", subject="Welcome back undefined", text=TEXT),
            Letter("money", text="Total: €None\n"),
            Letter("names", text="Dear customer None None\n"),
            Letter("in a link", text="https://shop.acme.de/{{ token }}/\n"),
            Letter("mailchimp", text="Hello *|FNAME|*,\nwelcome\n"),
            Letter("object of Python", text="Hi <shop.models.User object at 0x7f3a>\n"),
            _both("escaped object", "Hi &lt;shop.User object at 0x7f3a&gt;"),
            Letter(
                "method", text="Hi <bound method User.name of <User 1> at 0x7f3a>\n"
            ),
            Letter("name in a link", text="https://shop.acme.de/reset/{token}\n"),
            Letter(
                "name in a link of the HTML",
                text=TEXT,
                html='<a href="https://shop.acme.de/r?t={user.token}">here</a>',
            ),
            Letter("none in a link", text="https://shop.acme.de/users/None/\n"),
            Letter(
                "encoded in a link",
                text=TEXT,
                html='<a href="https://shop.acme.de/?t=%7B%7Btoken%7D%7D">here</a>',
            ),
            _both("of printf", "Hello %s,"),
            Letter(
                "of printf in subject", subject="You have %d new messages", text=TEXT
            ),
            Letter("of printf at the end", text="Your order has been sent to %s.\n"),
            Letter("of printf in brackets", text="We have shipped it (%s)\n"),
            Letter("number and money", text="Order #%d comes to €%.2f\n"),
            Letter("numbered of printf", text="%1$s has invited you to %2$s\n"),
            Letter("printf in bold", text=TEXT, html="<p>Hello <b>%s</b>, welcome"),
            Letter("printf in a link", text="https://shop.acme.de/reset/%s/\n"),
            _both("of format", "Hello {}, welcome"),
            Letter("numbered of format", text="{0} has invited you to {1}.\n"),
            Letter("of format behind a sign", text="Invoice #{} over ${0}\n"),
            Letter("empty in a link", text="https://shop.acme.de/reset/{}\n"),
            Letter("behind a noun", text="Invoice {} of {} is due.\n"),
            _both("ruby", "Hello #{user.name}, welcome"),
            Letter("ruby's attribute", text="Hello #{@name}\n"),
            Letter("ruby's index", subject="Order #{order[:id]}", text=TEXT),
            _both("square", "Hello [[first_name]], welcome"),
            Letter("square capitals", text="Dear [[FIRST_NAME]]\n"),
            Letter("square path", text="Hello [[ user.name ]]\n"),
            Letter("ruby in a link", text="https://shop.acme.de/r/#{token}\n"),
            Letter("square in a link", text="https://shop.acme.de/r/[[token]]\n"),
            Letter("asp", subject="Order <%= order.id %>", text=TEXT),
        ],
        [
            Letter("none of", text="Hello! None of this concerns you.\n"),
            Letter("none at all", text="Attachments: None\nAllergies: none\n"),
            Letter(
                "address of an API", text="Use https://api.acme.de/users/{id} now\n"
            ),
            Letter("api in a path", text="Use https://acme.de/api/users/{id}/ now\n"),
            Letter(
                "address in a sample",
                text=TEXT,
                html="<p>It is</p><pre>https://acme.de/users/{id}</pre>",
            ),
            Letter("stars and bars", text="Sale *|* 50 % *| NOW |*\n"),
            Letter("undefined behaviour", text="That is undefined behaviour.\n"),
            Letter("css", text=TEXT, html="<style>a{color:red}</style><p>Hi</p>"),
            Letter("code", text=TEXT, html="<p>Use <code>{{ name }}</code> there.</p>"),
            Letter(
                "code in both",
                text="Use {{ name }} there.\n",
                html="<p>Use <code>{{ name }}</code> there.</p>",
            ),
            Letter("fenced", text="Like this:\n\n```\nHello {{ name }}\n```\n"),
            Letter("indented", text="Like this:\n\n    Hello %(name)s\n\nBye\n"),
            Letter("set", text="Choose from {1, 2} or {a}. 100%(approximately) $5\n"),
            Letter("json", text='The answer was {"name": "Ada"}\n'),
            Letter("path", text="https://shop.acme.de/none-of-your-business/\n"),
            # As the newsletters of Node, MDN and Python link, and write.
            Letter("anchor", text="https://nodejs.org/api/errors.html#undefined\n"),
            Letter("documentation", text=f"{MDN}/NaN\n{MDN}/undefined\n"),
            Letter("wiki", text="https://en.wikipedia.org/wiki/NaN\n"),
            Letter("no, none", text="Any left? No. None at all.\n"),
            Letter("a name", text="Dear None-the-wiser,\nwelcome\n"),
            Letter("a share", text="It is 5 %(d) of all users.\n"),
            Letter(
                "variables",
                text=TEXT,
                html="<p>Set <var>{name}</var>, <textarea>{{ x }}</textarea></p>",
            ),
            Letter(
                "font of code",
                text=TEXT,
                html='<p>Use <span style="font-family: Menlo, monospace">{{ x }}</span>'
                ' or <font face="Courier New">${y}</font>.</p>',
            ),
            Letter(
                "a share, alone", text="That is 100 %s of it, 5 %d'or, 100%s, 3 %d.\n"
            ),
            Letter("percent", text="Interest is 2 %. Up to 50% off! 100 % safe\n"),
            Letter("encoded", text="https://shop.acme.de/caf%C3%A9#%d0%b0\n"),
            Letter(
                "encoded at the end",
                text="https://shop.acme.de/%dd https://shop.acme.de/?q=%d1%d0\n",
            ),
            Letter(
                "about printf", text="In printf, %s stands for a text, %d a number.\n"
            ),
            Letter("about dates", text="With strftime, %d is the day of the month.\n"),
            Letter("search of a browser", text="https://www.acme.de/search?q=%s\n"),
            Letter(
                "json, empty", text="The answer was {} and is JSON. It returns {}.\n"
            ),
            Letter("a block", text="function nothing() {}\nclass Nothing {}\nx = {}\n"),
            Letter("a command", text="find . -exec rm {} +\nls | xargs -I {} rm {}\n"),
            Letter("git", text="See stash@{0}, HEAD@{1} and the set {0, 1}.\n"),
            Letter(
                "a wiki",
                text="See [[Main Page]], [[Python]] and [[Help:Links|here]].\nIn a wiki a link is [[page]].\n",
            ),
            Letter("lists", text="Rows are [[1, 2], [3]], a[[i]] and [[1]].\n"),
            Letter("shell", text='Then if [[ -f "$1" ]] holds, all is well.\n'),
            Letter(
                "sass", text=TEXT, html="<pre>.a-#{$name} { width: #{width} }</pre>"
            ),
            Letter(
                "printf and format in samples",
                text="Use %s there, or {} or #{name}, or [[name]].\n",
                html="<p>Use <code>%s</code> there, or <code>{}</code> or "
                "<tt>#{name}</tt>, or <kbd>[[name]]</kbd>.</p>",
            ),
            Letter("css", text=TEXT, html="<style>#a{color:red}</style><p>Hi</p>"),
            Letter("headings", text="# {title of the talk}\n## {}-free code\n"),
            Letter("faces", text="Thanks {} :-} %) #%\n".replace("{} ", "")),
        ],
    ),
    "link-to-localhost": (
        [
            Letter("localhost", text="http://localhost:8000/confirm\n"),
            Letter("loopback", text="http://127.0.0.1/confirm\n"),
            _both("django", "http://testserver/reset/1/"),
            Letter("private", text="https://192.168.1.20/\n"),
            Letter("ipv6", text="http://[::1]:8000/confirm\n"),
            Letter("service", text="http://web:8000/confirm\n"),
            Letter(
                "placeholder",
                sender=("", "shop@acme.de"),
                text="https://example.com/confirm\n",
            ),
            Letter("own port", text="https://shop.acme.de:2525/\n"),
        ],
        [
            Letter("public", text="https://shop.acme.de/confirm\n"),
            Letter("localhost in words", text="It runs on localhost, port 25.\n"),
            Letter("in a path", text="https://shop.acme.de/localhost/\n"),
            Letter("alike", text="https://localhost.acme.de/\n"),
            Letter("public address", text="https://1.1.1.1/\n"),
            # An app's own scheme; RFC 3490 §3.1: "。" separates labels too.
            Letter("app", text="acme-shop://orders/7\n"),
            Letter("ideographic dot", text="https://例え。jp/confirm\n"),
            # An example that sends is a test's: it has no other domain.
            Letter("examples", text="https://app.example.org/confirm\n"),
        ],
    ),
    "insecure-link": (
        [
            Letter(
                "both",
                text="https://shop.acme.de/a and http://shop.acme.de/reset?t=1\n",
            )
        ],
        [
            Letter("http alone", text="http://old.acme.de/a\n"),
            Letter("other host", text="https://shop.acme.de http://old.acme.de\n"),
            Letter("https", text="https://shop.acme.de/a https://shop.acme.de/b\n"),
            Letter("port", text="https://shop.acme.de http://shop.acme.de:8080\n"),
        ],
    ),
    "mojibake": (
        [
            # "Grüße", "Öl", "It's", "–" and "🎉" in UTF-8, read as Windows-1252.
            Letter("umlauts", subject="GrÃ¼ÃŸe aus KÃ¶ln", text=TEXT),
            Letter("text", text="Schöne GrÃ¼ÃŸe\n"),
            _both("apostrophe", "Itâ€™s here"),
            Letter("dash", text="Monday â€“ Friday\n"),
            Letter("space", text="5Â €\n".replace(" ", "\u00a0")),
            Letter("emoji", subject="ðŸŽ‰ Hurray", text=TEXT),
            Letter("russian", text="ÐŸÑ€Ð¸Ð²ÐµÑ‚\n"),
            Letter("replaced", text="Grï¿½ße\n"),
        ],
        [
            Letter(
                "right", subject="Grüße aus Köln", text="Größe: 5\u00a0€ – „Spaß“\n"
            ),
            Letter("capitals", text="AMANHÃ… “IRMÔ NÃO ÂGE Â»\n".replace(" Â»", "")),
            Letter("french", text="« Âge », château, Ç, É\n"),
            Letter("quoted capitals", text="Ortografia: „Â” şi „Î”\n"),
            Letter("polish", text="Zażółć gęślą jaźń\n"),
            Letter("japanese", text="こんにちは\n"),
        ],
    ),
    "html-only": (
        [Letter("html", html="<p>Hello Ada</p>")],
        [
            _both("both", "Hello Ada"),
            Letter("text", text=TEXT),
        ],
    ),
    "clipped": (
        [Letter("long", text=TEXT, html="<p>word word</p>\n" * 6200)],
        [
            Letter("just not", text=TEXT, html="<p>word word</p>\n" * 5900),
            Letter("long text", text="word word word\n" * 9000),
        ],
    ),
    "image-without-text": (
        [
            Letter(
                "bare", text=TEXT, html='<p>Hi</p><img src="https://a.acme.de/1.png">'
            ),
            Letter(
                "empty in a link",
                text=TEXT,
                html='<p>Hi</p><a href="https://a.acme.de/"><img src="1.png" alt=""></a>',
            ),
            Letter("nothing else", text=TEXT, html='<img src="1.png" alt="">'),
        ],
        [
            Letter("named", text=TEXT, html='<img src="1.png" alt="A lamp">'),
            Letter("decoration", text=TEXT, html='<p>Hi</p><img src="1.png" alt="">'),
            Letter(
                "pixel", text=TEXT, html='<p>Hi</p><img src="o.gif" width=1 height=1>'
            ),
            Letter(
                "pixel by style",
                text=TEXT,
                html='<p>Hi</p><img src="o" style="height:1px !important;width:1px">',
            ),
            Letter(
                "named link",
                text=TEXT,
                html='<p>Hi</p><a href="https://a.acme.de/" title="Shop"><img src="1.png" alt=""></a>',
            ),
            Letter(
                "label beside it",
                text=TEXT,
                html='<a href="https://a.acme.de/"><img src="1.png" alt=""> Shop</a>',
            ),
        ],
    ),
    "all-addresses-visible": (
        [
            Letter("customers", to=_people(6, "customer.example"), text=TEXT),
            Letter(
                "one provider",
                sender=("", "me@gmail.com"),
                to=_people(4, "gmail.com"),
                cc=tuple(("", f"x{n}@gmail.com") for n in range(3)),
                text=TEXT,
            ),
        ],
        [
            Letter("colleagues", to=_people(12, "example.org"), text=TEXT),
            Letter("below", to=_people(12, "mail.example.org"), text=TEXT),
            Letter("a few", to=_people(5, "customer.example"), text=TEXT),
        ],
    ),
    "empty-subject": (
        [Letter("empty", subject="", text=TEXT)],
        [Letter("short", subject=".", text=TEXT)],
    ),
}
