# ruff: noqa: RUF001 - letters of all scripts
"""A hundred newsletters and notices, as they are sent: ten frames, ten contents.

Their structures are those of mails that people get: tables in tables, texts that only
the list of messages shows, styles with braces, conditional comments for Outlook, counting
pixels, samples of code. None of them has anything that deserves advice.
"""

from __future__ import annotations

from dataclasses import dataclass

SITE = "https://news.acme-shop.de"
FOOTER = (
    "<p>ACME GmbH, Hauptstraße 1, 10115 Berlin · "
    f'<a href="{SITE}/unsubscribe?u=8c1f">Unsubscribe</a> · '
    f'<a href="{SITE}/browser/8c1f">View in browser</a></p>'
)
#: A counting pixel, as each of these senders writes it.
PIXELS = (
    f'<img src="{SITE}/open/8c1f.gif" width="1" height="1" border="0">',
    f'<img src="{SITE}/o.gif" style="display:none">',
    f'<img alt="" src="{SITE}/o.gif" style="width:1px;height:1px">',
    "",
)


@dataclass(frozen=True)
class Content:
    """What a newsletter says, in HTML and in text."""

    name: str
    subject: str
    html: str
    text: str


FRAMES: dict[str, str] = {
    "plain paragraphs": "<html><body>%s</body></html>",
    "no html element": "%s",
    "centred table": (
        '<table role="presentation" width="100%%"><tr><td align="center">'
        '<table width="600"><tr><td>%s</td></tr></table></td></tr></table>'
    ),
    "preheader": (
        '<body><div style="display:none;max-height:0;overflow:hidden">This week: '
        "new lamps &#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;</div>%s</body>"
    ),
    "style sheet": (
        "<head><title>News</title><style>@media (max-width:600px){.col{width:100%%}} "
        "a{color:red} .btn{display:block}</style></head><body>%s</body>"
    ),
    "outlook": (
        '<!--[if mso]><table><tr><td><![endif]--><div class="col">%s</div>'
        "<!--[if mso]></td></tr></table><![endif]-->"
    ),
    "header and logo": (
        f'<div><a href="{SITE}"><img src="{SITE}/logo.png" width="120" alt="ACME"></a>'
        "</div><main>%s</main>"
    ),
    "microdata": (
        '<script type="application/ld+json">{"@context": "https://schema.org", '
        '"@type": "EmailMessage", "name": "{{not a template}}"}</script>%s'
    ),
    "rule and spacers": (
        '<img src="cid:spacer" width="600" height="1">%s<hr>'
        f'<img src="{SITE}/spacer.gif" alt="" width="600" height="20">'
    ),
    "unclosed": "<body><table><tr><td><p>Hello<p>%s",
}
CONTENTS: tuple[Content, ...] = (
    Content(
        "offers",
        "Your lamps are waiting: 20% off",
        f'<h1>20 % off</h1><a href="{SITE}/p/1"><img src="{SITE}/1.jpg" '
        'alt="Lamp, brass, €49"></a><p>Only until Sunday, while stocks last.</p>',
        f"20 % off all lamps: {SITE}/p/1\n",
    ),
    Content(
        "digest",
        "[ACME] 3 new replies",
        "<ul><li>None of the answers is yours yet.</li><li>An undefined order of "
        "results</li><li>Null and void: what it means</li></ul>",
        "None of the answers is yours yet.\nNull and void: what it means\n",
    ),
    Content(
        "receipt",
        "Receipt #4711 (EUR 49.00)",
        "<table><tr><td>Lamp</td><td>1 × €49.00</td></tr><tr><td>Gift wrap</td>"
        "<td>None</td></tr></table><p>Special requests: None</p>",
        "Lamp          1 x 49.00\nGift wrap     None\nSpecial requests: None\n",
    ),
    Content(
        "for developers",
        "Templates in 5 minutes",
        "<p>Write <code>{{ name }}</code> or <code>{% if user %}</code>; in a shell "
        "<kbd>${HOME}</kbd>.</p><pre>print(f'{name}')\n'%(name)s' % {}</pre>",
        "Write `{{ name }}` or `{% if user %}`.\n\n    print(f'{name}')\n\n"
        "```\n${HOME} and %(name)s\n```\n",
    ),
    Content(
        "accents",
        "Größe wählen: Ärmel, Öl, Übermaß – „Spaß“",
        "<p>Le garçon a mangé; « ÂGE » et MAÑANA. Olá, AMANHÃ… “IRMÃ”! Ça va?</p>",
        "Ça va? «Âge», MANHÃ – IRMÃ… Ångström, „Ä“ und „Ö“\n",
    ),
    Content(
        "other scripts",
        "ご登録ありがとうございます 🎉",
        "<p>こんにちは。 Привет, мир! Γειά σου Κόσμε. שלום 👩‍👩‍👧</p>",
        "こんにちは。 Привет! Γειά σου. שלום\n",
    ),
    Content(
        "links of all kinds",
        "Where to find us",
        f'<p><a href="{SITE}/a?x=1&amp;y=none">Shop</a> <a href="tel:+4930123">Call</a> '
        '<a href="mailto:info@acme-shop.de">Write</a> <a href="http://old.acme.de/">Old'
        ' site</a> <a href="https://1.1.1.1/">Status</a> <a href="#top">Top</a></p>',
        f"{SITE}/nonexistent and http://old.acme.de/undefined-behaviour\n",
    ),
    Content(
        "prices and signs",
        "Save $5 {today only}",
        "<p>${amount due: $5}. Use the code {A}. Sets {1, 2, 3}; 100%. 5 &lt; 6 %&gt; 4."
        "</p><p>C:\\path\\{guid}</p>",
        "Sets {1, 2} and {x}; regex a{2,3}; \\frac{ab}{cd}; #{anchor}\n",
    ),
    Content(
        "decoration",
        "Happy new year",
        f'<img src="{SITE}/line.png" alt=""><p>All the best!</p>'
        f'<img src="{SITE}/stars.png" role="presentation">',
        "All the best!\n",
    ),
    Content(
        "large, not too large",
        "The whole catalogue",
        "<p>Page after page.</p>" + "<p>word word word word</p>" * 3600,
        "Page after page.\n",
    ),
)


def newsletters() -> dict[str, Content]:
    """Each content in each frame, with the way out that such mail has."""
    made = {}
    for number, (frame, around) in enumerate(FRAMES.items()):
        for content in CONTENTS:
            pixel = PIXELS[(number + len(content.name)) % len(PIXELS)]
            html = around % (content.html + FOOTER + pixel)
            text = f"{content.text}\nUnsubscribe: {SITE}/unsubscribe?u=8c1f\n"
            name = f"{frame}, {content.name}"
            made[name] = Content(name, content.subject, html, text)
    return made
