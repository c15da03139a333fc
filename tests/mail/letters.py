"""What an author gives to a mail library, and what must come out of the mail it makes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .make import on_the_wire, received

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_smtpserver.mail.attachment import Attachment
    from pytest_smtpserver.mail.message import ReceivedMessage

Mailbox = tuple[str, str]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n\x00\x01\xfe\xff\r\n%%EOF\n" * 40


@dataclass(frozen=True)
class File:
    """A file that the author attaches, or an image that the HTML shows."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True)
class Letter:
    """What the author gives."""

    name: str
    subject: str = "Hello"
    sender: Mailbox = ("", "noreply@example.org")
    to: tuple[Mailbox, ...] = (("", "ada@example.org"),)
    cc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    text: str = ""
    html: str = ""
    attachments: tuple[File, ...] = ()
    images: tuple[File, ...] = field(default=())


LETTERS = (
    Letter("plain", text="Hello Ada,\n\nthis is a test.\n"),
    Letter(
        "umlauts",
        subject="Grüße aus Köln",
        sender=("Jörg Müller", "joerg@example.org"),
        to=(("Åsa Öberg", "asa@example.org"),),
        text="Schöne Grüße\nvon Jörg\n",
    ),
    Letter(
        "long lines",
        subject="A subject that is " + "very " * 30 + "long",
        text="word " * 400 + "\n" + "x" * 900 + "\n",
    ),
    Letter(
        "only html",
        text="",
        html="<html><body><p>Größe: 5&nbsp;€</p></body></html>\n",
    ),
    Letter(
        "alternative",
        subject="Confirm your address",
        text="Confirm: https://app.example.org/confirm?id=1&token=" + "a1" * 60 + "\n",
        html='<p>Please <a href="https://app.example.org/confirm?id=1&amp;token='
        + "a1" * 60
        + '">confirm</a></p>\n',
    ),
    Letter(
        "attachment",
        text="See the report.\n",
        attachments=(File("report.pdf", "application/pdf", PDF),),
    ),
    Letter(
        "attachment with umlauts",
        text="Anbei die Übersicht.\n",
        html="<p>Anbei die <b>Übersicht</b>.</p>\n",
        attachments=(
            File("Übersicht für März.pdf", "application/pdf", PDF),
            File("Прайс-лист на первый квартал года.bin", "application/zip", PDF[:99]),
        ),
    ),
    Letter(
        "inline image",
        text="A logo.\n",
        html='<p><img src="cid:logo@example.org"></p>\n',
        images=(File("logo.png", "image/png", PNG, "logo@example.org"),),
        attachments=(File("photo.png", "image/png", PNG),),
    ),
    Letter(
        "many recipients",
        sender=("Lovelace, Ada", "ada@example.org"),
        to=(
            ("Babbage, Charles", "charles@example.org"),
            ("", "bob@example.org"),
            ("Łukasz Żółć", "lukasz@example.org"),
        ),
        cc=(("Carol (QA)", "carol@example.org"), ("", "dave@example.org")),
        reply_to=(("Support", "support@example.org"),),
        text="To all of you.\n",
    ),
    Letter(
        "emoji",
        subject="🎉 Your order №42 has shipped 🚚 — track it any time, day or night 🌙",
        text="🎉🚚🌙 done\n",
    ),
    Letter(
        "japanese",
        subject="ご登録ありがとうございます。メールアドレスの確認をお願いいたします。",
        sender=("株式会社サンプル", "info@example.org"),
        text="こんにちは。\n確認コードは 482913 です。\n",
        html="<p>確認コードは <b>482913</b> です。</p>\n",
    ),
    Letter("dots and From", text=".\n..two\nFrom here on\n>From there\n--\nsig\n"),
)
BY_NAME = {letter.name: letter for letter in LETTERS}


def adapted(letter: Letter, **changes: Any) -> Letter:
    """The letter as a library that cannot say all of it sends it."""
    return replace(letter, **changes)


def check(letter: Letter, octets: bytes) -> ReceivedMessage:
    """Compare what the author gave with what the message says."""
    message = received(on_the_wire(octets))
    assert message.subject == letter.subject
    assert message.from_ == letter.sender[1]
    assert message.to == [address for _, address in letter.to]
    assert message.cc == [address for _, address in letter.cc]
    assert message.reply_to == [address for _, address in letter.reply_to]
    assert message.text.rstrip("\n") == letter.text.rstrip("\n")
    assert message.html.rstrip("\n") == letter.html.rstrip("\n")
    assert files(message.attachments) == files(letter.attachments)
    assert files(message.inline_images) == files(letter.images)
    assert [image.content_id for image in message.inline_images] == [
        image.content_id for image in letter.images
    ]
    shown = message.email["From"].addresses[0].display_name
    assert shown == letter.sender[0]
    shown = [mailbox.display_name for mailbox in message.email["To"].addresses]
    assert shown == [name for name, _ in letter.to]
    assert message.defects == []
    return message


def files(attached: Iterable[Attachment | File]) -> list[tuple[str, bytes]]:
    """Names and octets, of attachments and of files."""
    return [
        (file.name if isinstance(file, File) else file.filename, file.content)
        for file in attached
    ]


def as_json(letters: Iterable[Letter] = LETTERS) -> str:
    """Letters for programs in other languages; octets as base16."""
    return json.dumps([asdict(letter) for letter in letters], default=bytes.hex)
