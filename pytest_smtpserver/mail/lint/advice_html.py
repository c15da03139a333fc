"""Advice on HTML, its images, and where links lead."""

from __future__ import annotations

import ipaddress
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from pytest_smtpserver.protocol.display import shortened

from .findings import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage

    from .markup import Markup

#: Gmail shows so many octets of HTML, and a link to the rest.
CLIPPED_AT = 102 * 1024
#: RFC 2606, and what test clients of frameworks call their host.
_EXAMPLES = "example example.com example.net example.org invalid test"
_PLACEHOLDERS = _EXAMPLES.split()
#: Names that only the machine or the network of the developer knows.
_NEAR = "localhost localdomain local internal lan home.arpa testserver"
_AT_HOME = _NEAR.split()


def on_html(message: ReceivedMessage, markup: Markup) -> Iterator[Note]:
    """What is wrong with HTML as mail programs show it."""
    html = message.html
    if not html.strip():
        return
    if not message.text.strip():
        what = "the message has HTML, and no text beside it"
        yield Note("html-only", what, "HTML")
    size = len(html.encode("utf-8", "surrogatepass"))
    if size > CLIPPED_AT:
        what = (
            f"the HTML has {size:,} octets, {size - CLIPPED_AT:,} more than are shown"
        )
        yield Note("clipped", what, "HTML")
    yield from _images(markup)


def _images(markup: Markup) -> Iterator[Note]:
    bare = [image for image in markup.images if image.text is None]
    bare += [
        image
        for link in markup.links
        if not "".join(link.label).strip() and not any(i.text for i in link.images)
        for image in link.images
        if image.text == ""
    ]
    texts = "".join(image.text or "" for image in markup.images)
    if bare:
        count = "an image has" if len(bare) == 1 else f"{len(bare)} images have"
        what = f"{count} no text in its place (alt)"
    elif markup.images and not f"{markup.prose}{markup.code}{texts}".strip():
        bare, what = markup.images, "the HTML has images, and no text at all"
    else:
        return
    line = f'<img src="{shortened(bare[0].source, 80)}">'
    yield Note("image-without-text", what, "HTML", line)


def on_links(message: ReceivedMessage) -> Iterator[Note]:
    """Links that work on the developer's machine alone, or give up on TLS."""
    links = [(link, _split(link)) for link in message.links]
    sender = message.from_.rpartition("@")[2] or message.envelope.mail_from.domain
    own_port = message.session.local_address[1]
    away = [
        (link, why)
        for link, parts in links
        if parts and (why := _at_home(parts, sender.lower(), own_port))
    ]
    if away:
        link, why = away[0]
        more = f", and {len(away) - 1} more" if len(away) > 1 else ""
        yield Note("link-to-localhost", f"a link leads to {why}{more}", "links", link)
    secured = {_usual_host(p) for _, p in links if p and p.scheme == "https"} - {None}
    for link, parts in links:
        if parts and parts.scheme == "http" and _usual_host(parts) in secured:
            what = f"http, where {parts.hostname} is linked by https too"
            yield Note("insecure-link", what, "links", link)
            return


def _split(link: str) -> SplitResult | None:
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and host else None


def _usual_host(parts: SplitResult) -> str | None:
    """The host, where it is the web server at the usual port."""
    port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    return parts.hostname if port in ("", "80", "443") else None


def _at_home(parts: SplitResult, sender: str, own_port: int) -> str:
    """What is wrong with the host, in words; ``""`` for one that everybody reaches."""
    host = (parts.hostname or "").rstrip(".")
    try:
        port = parts.port
    except ValueError:
        port = None
    if port and port == own_port:
        return f"the port of this SMTP server, {port}"
    with suppress(ValueError):  # a name
        address = ipaddress.ip_address(host)
        return "" if address.is_global else f"an address of no public network, {host}"
    if _is_below(host, _AT_HOME):
        return f"a name that only this machine or network knows, {host}"
    if "." not in host and host.isascii() and not _is_below(host, _PLACEHOLDERS):
        return f"a name without a domain, {host}"
    # Who sends from such a domain has none of his own: it is a test's.
    if _is_below(host, _PLACEHOLDERS) and not _is_below(sender, _PLACEHOLDERS):
        return f"a domain for examples, {host}"
    return ""


def _is_below(host: str, domains: list[str]) -> bool:
    return any(f".{host}".endswith(f".{domain}") for domain in domains)
