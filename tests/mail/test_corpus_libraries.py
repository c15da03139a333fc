"""The letters, written by mail libraries that nobody here wrote."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.mime.application import MIMEApplication
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, SMTPUTF8
from email.utils import formataddr, formatdate, make_msgid
from typing import TYPE_CHECKING

import pytest

from .letters import LETTERS, PNG, Letter, adapted, check
from .make import on_the_wire, received

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from fastapi_mail import ConnectionConfig

    from .letters import File, Mailbox


def formatted(mailboxes: tuple[Mailbox, ...]) -> list[str]:
    return [formataddr(mailbox) for mailbox in mailboxes]


def modern(letter: Letter) -> EmailMessage:
    """The message as email.message builds it."""
    message = EmailMessage()
    message["From"] = mailbox(letter.sender)
    message["To"] = [mailbox(one) for one in letter.to]
    if letter.cc:
        message["Cc"] = [mailbox(one) for one in letter.cc]
    if letter.reply_to:
        message["Reply-To"] = [mailbox(one) for one in letter.reply_to]
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="example.org")
    if letter.text:
        message.set_content(letter.text)
    if letter.html and letter.text:
        message.add_alternative(letter.html, subtype="html")
    elif letter.html:
        message.set_content(letter.html, subtype="html")
    if letter.images:
        rich = message.get_body(("html",))
        assert isinstance(rich, EmailMessage)
        for image in letter.images:
            rich.add_related(
                image.content,
                *image.content_type.split("/"),
                cid=f"<{image.content_id}>",
                filename=image.name,
            )
    for file in letter.attachments:
        message.add_attachment(
            file.content, *file.content_type.split("/"), filename=file.name
        )
    return message


def mailbox(one: Mailbox) -> Address:
    return Address(one[0], addr_spec=one[1])


def stdlib_modern(letter: Letter) -> bytes:
    return modern(letter).as_bytes(policy=SMTP)


def stdlib_utf8(letter: Letter) -> bytes:
    return modern(letter).as_bytes(policy=SMTPUTF8)


def stdlib_legacy(letter: Letter) -> bytes:
    """The message as email.mime builds it, as most tutorials have it."""
    body = MIMEMultipart("alternative")
    if letter.text:
        body.attach(MIMEText(letter.text, "plain", "utf-8"))
    if letter.html:
        body.attach(MIMEText(letter.html, "html", "utf-8"))
    message = MIMEMultipart()
    message["From"] = formataddr(letter.sender)
    message["To"] = ", ".join(formatted(letter.to))
    if letter.cc:
        message["Cc"] = ", ".join(formatted(letter.cc))
    if letter.reply_to:
        message["Reply-To"] = ", ".join(formatted(letter.reply_to))
    message["Subject"] = letter.subject
    message["Date"] = formatdate(localtime=True)
    related = MIMEMultipart("related")
    related.attach(body)
    for image in letter.images:
        part = MIMEImage(image.content, "png")
        part.add_header("Content-ID", f"<{image.content_id}>")
        part.add_header("Content-Disposition", "inline", filename=image.name)
        related.attach(part)
    message.attach(related)
    for file in letter.attachments:
        attached = MIMEApplication(file.content)
        attached.add_header("Content-Disposition", "attachment", filename=file.name)
        message.attach(attached)
    return message.as_bytes()


def aiosmtplib(letter: Letter) -> bytes:
    from aiosmtplib.email import flatten_message

    return flatten_message(modern(letter), utf8=True)


def django(letter: Letter) -> bytes:
    from django import VERSION  # type: ignore[import-untyped]
    from django.conf import settings  # type: ignore[import-untyped]
    from django.core.mail import (  # type: ignore[import-untyped]
        EmailMultiAlternatives,
    )

    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8", USE_I18N=False)
    message = EmailMultiAlternatives(
        letter.subject,
        letter.text,
        formataddr(letter.sender),
        formatted(letter.to),
        cc=formatted(letter.cc),
        reply_to=formatted(letter.reply_to),
    )
    if letter.html and letter.text:
        message.attach_alternative(letter.html, "text/html")
    elif letter.html:
        message.body, message.content_subtype = letter.html, "html"
    for image in letter.images:
        message.attach(image_part(image, modern=VERSION >= (6, 0)))
    for file in letter.attachments:
        message.attach(file.name, file.content, file.content_type)
    return bytes(message.message().as_bytes())


def image_part(image: File, *, modern: bool) -> MIMEImage | MIMEPart:
    """An inline image as Django 5 takes it, and, where modern, as Django 6 does."""
    if modern:
        part = MIMEPart()
        cid = f"<{image.content_id}>"
        kind, subkind = image.content_type.split("/")
        part.set_content(
            image.content,
            kind,
            subkind,
            disposition="inline",
            filename=image.name,
            cid=cid,
        )
        return part
    old = MIMEImage(image.content)
    old.add_header("Content-ID", f"<{image.content_id}>")
    old.add_header("Content-Disposition", "inline", filename=image.name)
    return old


def flask_mail(letter: Letter) -> bytes:
    from flask import Flask
    from flask_mail import Mail, Message

    app = Flask("letters")
    Mail(app)
    with app.app_context():
        message = Message(
            letter.subject,
            sender=unencoded(letter.sender),
            recipients=[unencoded(one) for one in letter.to],
            cc=[unencoded(one) for one in letter.cc],
            reply_to=formatted(letter.reply_to)[0] if letter.reply_to else None,
            body=letter.text or None,
            html=letter.html or None,
        )
        for image in letter.images:
            headers = {"Content-ID": f"<{image.content_id}>"}
            kind = image.content_type
            message.attach(image.name, kind, image.content, "inline", headers)
        for file in letter.attachments:
            message.attach(file.name, file.content_type, file.content)
        return message.as_bytes()


def unencoded(one: Mailbox) -> str:
    """For Flask-Mail, which encodes by itself, and quotes nothing in a pair."""
    return formataddr(one) if one[0].isascii() else "{} <{}>".format(*one)


def redmail(letter: Letter) -> bytes:
    from redmail.email.sender import EmailSender

    sender = EmailSender(host="127.0.0.1", port=0)
    message = sender.get_message(
        subject=letter.subject,
        sender=formataddr(letter.sender),
        receivers=formatted(letter.to),
        cc=formatted(letter.cc) or None,
        text=letter.text or None,
        html=letter.html or None,
        attachments={file.name: file.content for file in letter.attachments} or None,
        headers={"Reply-To": ", ".join(formatted(letter.reply_to))}
        if letter.reply_to
        else None,
        use_jinja=False,
    )
    return message.as_bytes()


def emails(letter: Letter) -> bytes:
    from emails.message import Message

    message = Message(
        subject=letter.subject,
        mail_from=letter.sender,
        mail_to=list(letter.to),
        cc=list(letter.cc) or None,
        reply_to=list(letter.reply_to) or None,
        text=letter.text or None,
        html=letter.html or None,
    )
    for image in letter.images:
        attach(message.attach, image, "inline")
    for file in letter.attachments:
        attach(message.attach, file, "attachment")
    return bytes(message.as_bytes())


def attach(method: Callable[..., object], file: File, disposition: str) -> None:
    method(
        filename=file.name,
        data=io.BytesIO(file.content),
        content_disposition=disposition,
    )


def fastapi_mail(letter: Letter) -> bytes:
    both = bool(letter.html and letter.text)
    made = asyncio.run(_fastapi_mail(letter, both=both))
    return made.as_bytes()


def nowhere() -> ConnectionConfig:
    """The settings that fastapi-mail wants even of those who do not send."""
    from fastapi_mail import ConnectionConfig
    from pydantic import SecretStr

    return ConnectionConfig(
        MAIL_USERNAME="",
        MAIL_PASSWORD=SecretStr(""),
        MAIL_FROM="noreply@example.org",
        MAIL_PORT=25,
        MAIL_SERVER="127.0.0.1",
        MAIL_STARTTLS=False,
        MAIL_SSL_TLS=False,
        SUPPRESS_SEND=1,
    )


async def _fastapi_mail(letter: Letter, *, both: bool) -> Message:
    from fastapi_mail import (
        FastMail,
        MessageSchema,
        MessageType,
        MultipartSubtypeEnum,
    )
    from pydantic import NameEmail
    from starlette.datastructures import Headers, UploadFile

    def people(mailboxes: tuple[Mailbox, ...]) -> list[NameEmail]:
        return [NameEmail(name, address) for name, address in mailboxes]

    def upload(file: File) -> UploadFile:
        headers = Headers({"content-type": file.content_type})
        return UploadFile(io.BytesIO(file.content), filename=file.name, headers=headers)

    def inline(file: File) -> dict[str, object]:
        kind, subkind = file.content_type.split("/")
        headers = {
            "Content-ID": f"<{file.content_id}>",
            "Content-Disposition": f'inline; filename="{file.name}"',
        }
        meta = {"mime_type": kind, "mime_subtype": subkind, "headers": headers}
        return {"file": upload(file), **meta}

    message = MessageSchema(
        subject=letter.subject,
        recipients=people(letter.to),
        cc=people(letter.cc),
        reply_to=people(letter.reply_to),
        from_email=letter.sender[1],
        from_name=letter.sender[0] or None,
        body=letter.html or letter.text,
        alternative_body=letter.text if both else None,
        subtype=MessageType.html if letter.html else MessageType.plain,
        multipart_subtype=MultipartSubtypeEnum.alternative
        if both
        else MultipartSubtypeEnum.mixed,
        attachments=[
            *(inline(image) for image in letter.images),
            *(upload(file) for file in letter.attachments),
        ],
    )
    made = await FastMail(nowhere()).get_message(message)
    assert not isinstance(made, list)
    return made


LIBRARIES: tuple[Callable[[Letter], bytes], ...] = (
    stdlib_modern,
    stdlib_utf8,
    stdlib_legacy,
    aiosmtplib,
    django,
    flask_mail,
    redmail,
    emails,
    fastapi_mail,
)

CASES = [
    pytest.param(library, letter, id=f"{library.__name__}-{letter.name}")
    for library in LIBRARIES
    for letter in LETTERS
]


@pytest.mark.parametrize(("library", "letter"), CASES)
def test_the_message_says_what_its_author_said(
    library: Callable[[Letter], bytes], letter: Letter
) -> None:
    """Whatever the library makes of it, the test sees what the author gave."""
    if library is flask_mail:  # it keeps recipients in a set, without an order
        letter = adapted(letter, to=letter.to[-1:], cc=letter.cc[-1:])
    expected = letter
    if library is redmail:  # it shows images by way of templates only, see below
        expected = adapted(letter, images=())
    if library is emails:  # the Content-ID is the file name
        images = tuple(replace(image, content_id=image.name) for image in letter.images)
        expected = adapted(letter, images=images)
    check(expected, library(letter))


def test_images_of_redmail() -> None:
    """An image that a template of redmail shows is an inline image with its octets."""
    from redmail.email.sender import EmailSender

    made = EmailSender(host="127.0.0.1", port=0).get_message(
        subject="Logo",
        sender="noreply@example.org",
        receivers=["ada@example.org"],
        text="A logo.",
        html="<p>{{ logo }}</p>",
        body_images={"logo": {"content": PNG, "subtype": "png"}},
    )
    message = received(on_the_wire(made.as_bytes()))
    assert [image.content for image in message.inline_images] == [PNG]
    assert f"cid:{message.inline_images[0].content_id}" in message.html
    assert message.attachments == []


def test_the_corpus_is_large_enough() -> None:
    """At least sixty messages, CPython's own and nodemailer's not counted."""
    assert len(CASES) >= 60
