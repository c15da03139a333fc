"""Mails that want to do something, and a listener that must never hear of it."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = "top.hacked=parent.hacked=window.hacked=1"

#: By what they try; HOME stands for the address of the listener.
HOSTILE = {
    "script": f"<script>{RUNS}</script><script src='HOME/a.js'></script>",
    "handler": (
        f"<img src=x onerror='{RUNS}'><body onload='{RUNS}'>"
        f"<details open ontoggle='{RUNS}'>x</details><input autofocus onfocus='{RUNS}'>"
    ),
    "srcdoc": (
        f'<iframe srcdoc="<script>{RUNS}</script>"></iframe>'
        "<iframe src='HOME/frame'></iframe>"
        f'<iframe src="javascript:{RUNS}"></iframe>'
        "<object data='HOME/o'></object><embed src='HOME/e'>"
    ),
    "end of attribute": f'"></iframe><script>{RUNS}</script><iframe srcdoc="',
    "end of page": f"</noscript></script></body></html><script>{RUNS}</script>",
    "form": (
        "<form action='HOME/form' method=post><input name=a value=b>"
        "<button id=go style='position:fixed;inset:0'>Go</button></form>"
        "<button formaction='HOME/f'>x</button>"
    ),
    "refresh": "<meta http-equiv=refresh content='0;url=HOME/refresh'>Hello",
    "base": "<base href='HOME/' target=_top><img src='a.png'><a href='b'>x</a>",
    "svg": (
        f"<svg onload='{RUNS}'><script>{RUNS}</script><image href='HOME/i.png'/>"
        "<use href='HOME/u.svg#a'/><foreignObject><img src='HOME/f.png'></foreignObject>"
        f"<a href='javascript:{RUNS}'><text y=20>x</text></a>"
        "<animate attributeName=href values='HOME/x'/></svg>"
        f"<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' "
        "onload='parent.hacked=1'><image href='HOME/s.png'/></svg>\">"
    ),
    "css": (
        "<link rel=stylesheet href='HOME/l.css'><style>@import 'HOME/i.css';"
        "@font-face{font-family:a;src:url(HOME/f.woff)}"
        "body{background:u\\72l(HOME/b.png);font-family:a}"
        "p{background-image:image-set('HOME/p.png' 1x);cursor:url(HOME/c.cur),auto;"
        "list-style:url(HOME/l.png);content:url(HOME/d.png)}"
        "div{position:fixed;inset:0;z-index:2147483647;background:red}</style>"
        "<p style='background:url(HOME/s.png)'>x</p><div>covers all</div>"
    ),
    "hints": (
        "<link rel=preconnect href='HOME'><link rel=dns-prefetch href='HOME'>"
        "<link rel=prefetch href='HOME/p'><link rel=preload as=image href='HOME/l.png'>"
        "<link rel=modulepreload href='HOME/m.js'><link rel=icon href='HOME/i.ico'>"
        "<link rel=prerender href='HOME/r'><link rel=manifest href='HOME/m.json'>"
    ),
    "images": (
        "<img src='HOME/a.png'><img srcset='HOME/b.png 1x' src='HOME/c.png'>"
        "<picture><source srcset='HOME/d.png'><img src='HOME/e.png'></picture>"
        "<table background='HOME/t.png'><tr><td background='HOME/u.png'>x</table>"
        "<video src='HOME/v' poster='HOME/w.png' autoplay></video><audio src='HOME/x' "
        "autoplay></audio><input type=image src='HOME/y.png'><body background='HOME/z'>"
    ),
    "links": (
        f"<a id=go href='javascript:{RUNS}' style='position:fixed;inset:0'>x</a>"
        f"<a href='data:text/html,<script>{RUNS}</script>' target=_top>y</a>"
        "<a href='HOME/z' target=_blank ping='HOME/ping'>z</a>"
        "<map name=m><area href='HOME/area' shape=default></map>"
    ),
    "click": "<a id=go href='HOME/here' style='position:fixed;inset:0'>x</a>",
    "top": "<a id=go href='HOME/top' target=_top style='position:fixed;inset:0'>x</a>",
    "broken": "<div " * 500 + "<p><<b><i></b>" + "<table><tr>" * 200 + "end",
    "deep": "<div>" * 3000 + "deep" + "</div>" * 3000,
    "huge": "<p>" + "Lorem ipsum dolor sit amet. " * 40_000,
    "frameset": "<frameset cols='*,*'><frame src='HOME/1'><frame src='HOME/2'></frameset>",
    "template": (
        f"<template><script>{RUNS}</script></template>"
        f"<div><template shadowrootmode=open><img src=x onerror='{RUNS}'>"
        "<img src='HOME/s.png'></template></div>"
    ),
    "read as something else": (
        f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 "
        f"onerror={RUNS}&gt;'>"
        f"<noscript><p title='</noscript><img src=x onerror={RUNS}>'></noscript>"
        f"<svg></p><style><a title='</style><img src=x onerror={RUNS}>'></svg>"
        f"<form><math><mtext></form><form><mglyph><svg><mtext><style><path id='</style>"
        f"<img onerror={RUNS} src>'></svg>"
        f"<xmp><p title='</xmp><img src=x onerror={RUNS}>'></xmp>"
        f"<textarea></textarea><style><img src='</style><img src=x onerror={RUNS}>'>"
    ),
}


class Listener:
    """Hears who calls."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def calls(self) -> int:
        """How many have called since it was asked the last time."""
        count = 0
        while True:
            try:
                self._listening.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@contextmanager
def listener() -> Iterator[Listener]:
    """A listener on loopback that answers nobody."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        listening.setblocking(False)
        yield Listener(listening)
