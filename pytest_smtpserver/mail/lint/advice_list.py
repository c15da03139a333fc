"""Advice on who gets a mail: strangers side by side, lists, the same mail twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .findings import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_smtpserver.mail.message import ReceivedMessage

    from .markup import Markup

#: So many strangers may see each other's addresses.
MOST_STRANGERS = 5
#: Whoever has an address there is no colleague of others who have one.
_PROVIDERS = (
    "aol.com gmail.com gmx.de gmx.net googlemail.com hotmail.com icloud.com live.com "
    "mail.ru me.com outlook.com proton.me protonmail.com qq.com t-online.de web.de "
    "yahoo.com yandex.ru"
)
_MAILBOX_PROVIDERS = frozenset(_PROVIDERS.split())
#: How links are labelled by which one leaves a list, and what stands in their URLs.
_LEAVES = re.compile(
    r"unsubscrib|unsub\b|manage (?:your )?(?:e-?mail )?preferences|email[-_ ]preferences"
    r"|abbestell|newsletter abmelden|vom newsletter|austragen|d[ée]sabonne|d[ée]sinscri"
    r"|(?:darse|darme) de baja|cancelar (?:la |su |tu )?suscripci|disiscri|descadastr"
    r"|afmelden voor|uitschrijven|avprenumerera|отписаться|配信停止|購読解除|退订",
    re.IGNORECASE,
)


def recipients(message: ReceivedMessage) -> Iterator[Note]:
    """Many strangers in To and Cc."""
    own = message.from_.rpartition("@")[2].lower()
    shown = list(dict.fromkeys([*message.to, *message.cc]))
    strangers = [
        address
        for address in shown
        if (domain := address.rpartition("@")[2].lower()) in _MAILBOX_PROVIDERS
        or not (f".{domain}".endswith(f".{own}") or own.endswith(f".{domain}"))
    ]
    if len(strangers) > MOST_STRANGERS:
        what = f"{len(strangers)} strangers see each other's addresses in To and Cc"
        line = ", ".join(strangers[:3]) + " …"
        yield Note("all-addresses-visible", what, "header", line)


def unsubscribing(message: ReceivedMessage, markup: Markup) -> Iterator[Note]:
    """Mail to a list that mail programs cannot end by one click."""
    headers = message.headers
    why = ""
    if "List-Id" in headers:
        why = "it has a List-Id"
    elif headers.get("Precedence", "").strip().lower() in ("bulk", "list"):
        why = f"its Precedence is {headers['Precedence'].strip()}"
    elif any(_LEAVES.search(label) for label in _labels(message, markup)):
        why = "it has a link to unsubscribe"
    if not why:
        return
    # Members write to a discussion (RFC 2369 §3.4): one-click is for who sends in bulk.
    is_discussion = headers.get("List-Post", "NO").strip().upper() != "NO"
    if "List-Unsubscribe" not in headers:
        missing = "List-Unsubscribe"
    elif "List-Unsubscribe-Post" in headers or is_discussion:
        return
    else:
        missing = "List-Unsubscribe-Post"
    what = f"the mail goes to a list ({why}), and has no {missing}"
    yield Note("no-unsubscribe", what, "header")


def _labels(message: ReceivedMessage, markup: Markup) -> Iterator[str]:
    yield from message.links
    for link in markup.links:
        yield " ".join("".join(link.label).split())
        yield from (image.text for image in link.images if image.text)


def sent_twice(
    message: ReceivedMessage, where: str, seen: dict[tuple[object, ...], str]
) -> Iterator[Note]:
    """The same text from the same author to the same recipient, `seen` from now on.

    Date and Message-ID do not count: a library makes new ones each time.
    """
    said = (
        message.from_,
        message.subject,
        message.text,
        message.html,
        tuple(hash(one.content) for one in message.attachments),
    )
    again = []
    for recipient in message.envelope.rcpt_to:
        key = (str(recipient), *said)
        if key in seen:
            again.append(f"{recipient} got the same message before, by {seen[key]}")
        seen.setdefault(key, where)
    for what in again[:1]:
        yield Note("sent-twice", what, "", f"Subject: {message.subject}")
