"""Which part is what, and its octets, in messages of every structure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from typing import TYPE_CHECKING

import pytest

from pytest_smtpserver.mail.attachment import Attachment
from pytest_smtpserver.mail.content.decoding.charsets import decode_text
from pytest_smtpserver.mail.content.decoding.transfer import decode_base64

from ..letters import PDF
from ..make import received

if TYPE_CHECKING:
    from pytest_smtpserver.mail.message import ReceivedMessage


def mail(body: str, content_type: str = "multipart/mixed; boundary=b") -> str:
    lines = f"MIME-Version: 1.0\nContent-Type: {content_type}\n\n{body}"
    return lines.replace("\n", "\r\n")


def part(content_type: str, body: str, *fields: str) -> str:
    head = "\n".join([f"Content-Type: {content_type}", *fields])
    return f"--b\n{head}\n\n{body}\n"


def names(message: ReceivedMessage) -> list[str]:
    return [file.filename or file.content_type for file in message.attachments]


def test_an_attachment_says_what_it_is() -> None:
    """Attachments have four attributes, are equal by value, and have a short repr."""
    made = EmailMessage()
    made.set_content("x")
    made.add_attachment(PDF, "application", "pdf", filename="a.pdf", cid="<1@x>")
    attachment = received(made.as_bytes(policy=SMTP)).attachments[0]
    assert attachment == Attachment("a.pdf", "application/pdf", PDF, "1@x")
    assert (
        repr(attachment) == f"<Attachment 'a.pdf', application/pdf, {len(PDF)} octets>"
    )
    assert repr(Attachment("", "a/b", b"x")) == "<Attachment a/b, 1 octets>"


def test_a_picture_that_nothing_shows_is_a_file() -> None:
    """Without an identifier no HTML can show it (RFC 2392)."""
    body = part("text/plain", "Hi") + part("image/png", "PNG") + "--b--\n"
    message = received(mail(body))
    assert (names(message), message.inline_images) == (["image/png"], [])


def test_a_forwarded_message_is_an_attachment_octet_for_octet() -> None:
    """message/rfc822 is not looked into, and comes as it was sent."""
    inner = "Subject: inner  \n\tfolded\nFrom: x@y.z\n\ninner text\n"
    body = part("text/plain", "FYI") + part("message/rfc822", inner) + "--b--\n"
    message = received(mail(body))
    assert message.text == "FYI"
    assert message.subject == ""
    expected = inner.replace("\n", "\r\n").encode()
    assert message.attachments == [Attachment("", "message/rfc822", expected)]
    assert message.defects == []


def test_a_forwarded_message_made_by_the_standard_library() -> None:
    """A message attached as a message can be read as one."""
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner text\n")
    outer = EmailMessage()
    outer["Subject"] = "Fwd: inner"
    outer.set_content("see below\n")
    outer.add_attachment(inner)
    message = received(outer.as_bytes(policy=SMTP))
    assert (message.subject, message.text) == ("Fwd: inner", "see below\n")
    forwarded = received(message.attachments[0].content)
    assert (forwarded.subject, forwarded.text) == ("inner", "inner text\n")


def test_parts_of_a_digest_are_messages() -> None:
    """RFC 2046 §5.1.5: the default in a digest is message/rfc822."""
    body = "--b\n\nSubject: one\n\n1\n--b\n\nSubject: two\n\n2\n--b--\n"
    message = received(mail(body, "multipart/digest; boundary=b"))
    assert [file.content_type for file in message.attachments] == ["message/rfc822"] * 2
    assert message.attachments[1].content == b"Subject: two\r\n\r\n2"


def invitation() -> bytes:
    from icalendar import Calendar, Event

    event = Event()
    event.add("summary", "Übergabe")
    event.add("uid", "1@example.org")
    event.add("dtstart", datetime(2026, 3, 2, 10, tzinfo=UTC))
    event.add("dtstamp", datetime(2026, 3, 1, 10, tzinfo=UTC))
    calendar = Calendar()
    calendar.add("prodid", "-//Example//")
    calendar.add("version", "2.0")
    calendar.add("method", "REQUEST")
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def test_an_invitation_among_the_alternatives() -> None:
    """RFC 6047: the calendar object is an attachment, text and HTML stay what they are."""
    from icalendar import Calendar

    made = MIMEMultipart("alternative")
    made["Subject"] = "Invitation"
    made.attach(MIMEText("You are invited.\n", "plain", "utf-8"))
    made.attach(MIMEText("<p>You are invited.</p>\n", "html", "utf-8"))
    calendar = MIMEText(invitation().decode(), "calendar", "utf-8")
    calendar.set_param("method", "REQUEST")
    made.attach(calendar)
    message = received(made.as_bytes(policy=SMTP))
    assert message.text == "You are invited.\n"
    assert message.html == "<p>You are invited.</p>\n"
    [attached] = message.attachments
    assert attached.content_type == "text/calendar"
    assert attached.content == invitation()
    read = Calendar.from_ical(attached.content)
    assert [str(event["summary"]) for event in read.walk("VEVENT")] == ["Übergabe"]


def test_an_invitation_as_a_file_and_as_a_message() -> None:
    """A calendar object is attached as invite.ics, or is all there is."""
    made = EmailMessage()
    made.set_content("You are invited.\n")
    made.add_attachment(
        invitation(), maintype="application", subtype="ics", filename="invite.ics"
    )
    assert names(received(made.as_bytes(policy=SMTP))) == ["invite.ics"]
    alone = received(mail(invitation().decode(), "text/calendar; charset=utf-8"))
    assert (names(alone), alone.text) == (["text/calendar"], "")


@pytest.mark.parametrize(
    ("protocol", "signature"),
    [
        ("application/pgp-signature", "signature.asc"),
        ("application/pkcs7-signature", "smime.p7s"),
    ],
)
def test_signed_messages(protocol: str, signature: str) -> None:
    """RFC 1847: what is signed reads as ever, the signature is an attachment."""
    inner = (
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n"
        "--c\nContent-Type: text/plain\n\nsigned text\n"
        "--c\nContent-Type: text/csv; name=a.csv\n\n1;2\n--c--\n"
    )
    body = inner + part(f"{protocol}; name={signature}", "MIIB") + "--b--\n"
    kind = f'multipart/signed; protocol="{protocol}"; micalg=pgp-sha512; boundary=b'
    message = received(mail(body, kind))
    assert message.text == "signed text"
    assert names(message) == ["a.csv", signature]
    assert message.attachments[0].content == b"1;2"


def test_encrypted_and_opaque_messages() -> None:
    """RFC 3156 and RFC 8551: what cannot be read is an attachment."""
    body = part("application/pgp-encrypted", "Version: 1") + part(
        "application/octet-stream; name=encrypted.asc", "-----BEGIN PGP MESSAGE-----"
    )
    encrypted = received(mail(f"{body}--b--\n", "multipart/encrypted; boundary=b"))
    assert names(encrypted) == ["application/pgp-encrypted", "encrypted.asc"]
    kind = "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"
    opaque = received(mail("MIIB", kind))
    assert (names(opaque), opaque.text) == (["smime.p7m"], "")


def test_a_delivery_status_notification() -> None:
    """RFC 6522: text, machine-readable status, what was returned."""
    status = "Reporting-MTA: dns; a.example.org\n\nAction: failed\nStatus: 5.1.1\n"
    body = part("text/plain", "It failed.") + part("message/delivery-status", status)
    body += part("text/rfc822-headers", "Subject: x") + "--b--\n"
    message = received(mail(body, "multipart/report; boundary=b"))
    assert message.text == "It failed."
    assert names(message) == ["message/delivery-status", "text/rfc822-headers"]
    assert b"Status: 5.1.1" in message.attachments[0].content


def test_text_around_an_attachment_is_all_text() -> None:
    """A list adds its footer behind the file: both texts are the body."""
    body = (
        part("text/plain", "above")
        + part("application/pdf; name=a.pdf", "x")
        + part("text/plain", "_____\nlist footer")
        + "--b--\n"
    )
    message = received(mail(body))
    assert message.text == "above\n_____\nlist footer"
    assert names(message) == ["a.pdf"]


def test_text_files_are_attachments() -> None:
    """A disposition or a name makes text a file; the name may be in either field."""
    body = (
        part("text/plain", "body")
        + part("text/plain", "1", "Content-Disposition: attachment")
        + part("text/plain; name=log.txt", "2")
        + part("text/html", "3", "Content-Disposition: inline; filename=page.html")
        + part("text/csv", "4")
        + "--b--\n"
    )
    message = received(mail(body))
    assert (message.text, message.html) == ("body", "")
    assert names(message) == ["text/plain", "log.txt", "page.html", "text/csv"]


def test_apple_mail_puts_text_files_and_pictures_between_html() -> None:
    """alternative(plain, mixed(html, picture, html)): one text, the HTML in pieces."""
    mixed = (
        "--b\nContent-Type: multipart/mixed; boundary=c\n\n"
        "--c\nContent-Type: text/html\n\n<p>1</p>\n"
        "--c\nContent-Type: image/png; name=p.png\nContent-Disposition: inline\n"
        "Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n"
        "--c\nContent-Type: text/html\n\n<p>2</p>\n--c--\n"
    )
    body = part("text/plain", "1 2") + mixed + "--b--\n"
    message = received(mail(body, "multipart/alternative; boundary=b"))
    assert message.text == "1 2"
    assert message.html == "<p>1</p>\n<p>2</p>"
    assert [image.filename for image in message.inline_images] == ["p.png"]
    assert message.attachments == []


def test_of_alternatives_the_last_counts() -> None:
    """RFC 2046 §5.1.4; renderings that are neither text nor HTML are nobody's file."""
    body = (
        part("text/plain", "poor")
        + part("text/plain", "better")
        + part("text/x-amp-html", "<html amp4email>")
        + part("text/html", "<p>best</p>")
        + "--b--\n"
    )
    message = received(mail(body, "multipart/alternative; boundary=b"))
    assert (message.text, message.html) == ("better", "<p>best</p>")
    assert message.attachments == []


def test_related_parts_and_their_root() -> None:
    """RFC 2387 §3.2: start names the root; what the HTML shows is inline."""
    body = (
        part("image/png", "x", "Content-ID: <logo>", "Content-Disposition: attachment")
        + part("text/html; name=body.html", "<p>", "Content-ID: <root>")
        + part("text/css; name=a.css", "p {}")
        + "--b--\n"
    )
    message = received(mail(body, 'multipart/related; boundary=b; start="<root>"'))
    assert message.html == "<p>"
    assert [image.content_id for image in message.inline_images] == ["logo"]
    assert names(message) == ["a.css"]


def test_gmail_gives_its_attachments_ids() -> None:
    """A Content-ID does not make an attached picture inline."""
    fields = ("Content-Disposition: attachment; filename=a.png", "Content-ID: <f_1>")
    body = part("text/plain", "x") + part("image/png", "y", *fields) + "--b--\n"
    message = received(mail(body))
    assert names(message) == ["a.png"]
    assert message.inline_images == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('attachment; filename="a b.pdf"', "a b.pdf"),
        ("attachment; filename=a b.pdf", "a b.pdf"),
        ("attachment; filename*=utf-8''%C3%9Cbersicht.pdf", "Übersicht.pdf"),
        ("attachment; filename*=iso-8859-1'de'%DCbersicht.pdf", "Übersicht.pdf"),
        ("attachment; filename*0*=utf-8''%C3%9C; filename*1=b.pdf", "Üb.pdf"),
        ("attachment; filename*0=long; filename*1=er.pdf", "longer.pdf"),
        ('attachment; filename="=?utf-8?q?=C3=9Cber.pdf?="', "Über.pdf"),
        ('attachment; filename="Über.pdf"', "Über.pdf"),
        ('attachment; filename="../../etc/passwd"', "../../etc/passwd"),
        ("ATTACHMENT;\n\tFILENAME=A.PDF", "A.PDF"),
        ("attachment", ""),
    ],
)
def test_file_names(field: str, expected: str) -> None:
    """RFC 2183, RFC 2231, RFC 6532, and what mailers do instead (RFC 2047)."""
    fields = f"application/pdf\nContent-Disposition: {field}"
    assert received(mail("x", fields)).attachments[0].filename == expected


def encoded(charset: str, octets: bytes, kind: str = "plain") -> ReceivedMessage:
    declared = f"; charset={charset}" if charset else ""
    head = f"Content-Type: text/{kind}{declared}\r\n\r\n"
    return received(head.encode() + octets)


@pytest.mark.parametrize(
    ("charset", "octets", "expected"),
    [
        ("utf-8", "Größe €".encode(), "Größe €"),
        ("utf-8", b"\xef\xbb\xbfBOM", "BOM"),
        ('"UTF8"', "ü".encode(), "ü"),
        ("utf-16", "Größe".encode("utf-16"), "Größe"),
        ("iso-8859-1", "Größe".encode("latin-1"), "Größe"),
        ("iso-8859-15", "5 €".encode("iso-8859-15"), "5 €"),
        ("windows-1252", "“5 €”".encode("cp1252"), "“5 €”"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("windows-1251", "Её".encode("cp1251"), "Её"),
        ("iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("shift_jis", "①".encode("cp932"), "①"),
        ("gb2312", "镕".encode("gb18030"), "镕"),
        ("ks_c_5601-1987", "똠".encode("cp949"), "똠"),
        ("big5", "繁體".encode("big5"), "繁體"),
        ("", b"ASCII", "ASCII"),
        ("us-ascii", b"a\r\nb\rc\nd", "a\nb\nc\nd"),
    ],
)
def test_charsets(charset: str, octets: bytes, expected: str) -> None:
    """Text is decoded by its charset, or by the larger one that mailers mean."""
    message = encoded(charset, octets)
    assert message.text == expected
    assert message.defects == []


@pytest.mark.parametrize(
    ("charset", "octets", "expected", "defect"),
    [
        ("us-ascii", "ü".encode(), "ü", "declares charset us-ascii, but is utf-8"),
        ("iso-8859-1", "ü €".encode(), "ü €", "but is utf-8; read as that"),
        ("iso-8859-1", b"\x93a\x94", "“a”", "read as windows-1252"),
        ("us-ascii", b"\xfc", "ü", "read as windows-1252"),
        ("utf-8", b"\xfc", "ü", "declares charset utf-8, but is not"),
        ("euc-jp", "ü€".encode(), "ü€", "read as utf-8"),
        ("koi9", "ü".encode(), "ü", "the charset 'koi9', which nobody knows"),
        ("rot13", b"abc", "abc", "nobody knows"),
        ("unicode_escape", b"\\x41", "\\x41", "nobody knows"),
        ("x" * 99, b"abc", "abc", "nobody knows"),
        ("", "ü".encode(), "ü", "no charset; read as utf-8"),
        ("", b"\xfc", "ü", "no charset; read as windows-1252"),
        ("windows-1252", b"\x81", "\x81", "declares charset windows-1252"),
        ("gb2312", b"a\xff", "a�", "gb2312 with gaps"),
    ],
)
def test_charsets_that_lie(
    charset: str, octets: bytes, expected: str, defect: str
) -> None:
    """What is declared and cannot be is read as what it is, and is a defect."""
    message = encoded(charset, octets)
    assert message.text == expected
    assert len(message.defects) == 1
    assert defect in message.defects[0]


def test_html_may_declare_its_charset_itself() -> None:
    """Where the part declares nothing, the meta element counts."""
    octets = '<meta charset="koi8-r"><p>Привет'.encode("koi8-r")
    assert encoded("", octets, "html").html.endswith("Привет")
    assert decode_text(octets, "koi8-r", html=True)[1] == ""


@pytest.mark.parametrize(
    ("encoding", "body", "expected"),
    [
        ("base64", "SGVsbG8=", b"Hello"),
        ("BASE64", " SGVs\r\n\tbG8= \r\n", b"Hello"),
        ("quoted-printable", "a=\r\nb=3D=C3=BC =\r\n", b"ab=\xc3\xbc "),
        ("8bit", "ü", "ü".encode()),
        ("binary", "\0", b"\0"),
        ("x-uuencode", "begin 644 f\r\n%2&5L;&\\\r\n`\r\nend", b"Hello"),
    ],
)
def test_transfer_encodings(encoding: str, body: str, expected: bytes) -> None:
    """RFC 2045 §6; octets come out as they went in."""
    fields = f"application/x\nContent-Transfer-Encoding: {encoding}"
    content = mail("", fields) + body
    message = received(content)
    assert message.attachments[0].content == expected
    assert message.defects == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"SGVsbG8", b"Hello"),
        (b"SGVsbG8===", b"Hello"),
        (b"SGVs!bG8=", b"Hello"),
        (b"SGVsbG8=SGVsbG8=", b"HelloHello"),
        (b"SGVsb", b"Hel"),
        (b"=", b""),
    ],
)
def test_broken_base64(body: bytes, expected: bytes) -> None:
    """Whatever can be decoded is, and the rest is a defect."""
    octets, complaint = decode_base64(body)
    assert octets == expected
    assert complaint.startswith("has broken base64")


def test_transfer_encodings_that_nobody_knows() -> None:
    """Then the octets stay as they are, and are a defect."""
    fields = "text/plain\nContent-Transfer-Encoding: rot13"
    message = received(mail("Uryyb", fields))
    assert message.text == "Uryyb"
    assert message.defects == [
        "the text has the transfer encoding 'rot13', which nobody knows"
    ]


@pytest.mark.parametrize(
    ("content", "text", "defect"),
    [
        ("no header here\n", "no header here\n", "is neither a header field nor"),
        (
            mail("x\n", "multipart/mixed"),
            "x\n",
            "multipart/mixed without a boundary (RFC 2046 section 5.1)",
        ),
        (mail("x\n"), "x\n", "the boundary 'b' of multipart/mixed never comes"),
        (
            mail(part("text/plain", "cut")),
            "cut\n",
            "the last boundary of multipart/mixed is missing; cut off?",
        ),
        (
            "From x@y Mon Mar  2 10:00:00 2026\nSubject: a\n\nb\n",
            "b\n",
            "an mbox line stands before the header",
        ),
    ],
)
def test_broken_structure(content: str, text: str, defect: str) -> None:
    """What cannot be taken apart is shown as text, and named."""
    message = received(content)
    assert message.text == text
    assert len(message.defects) == 1
    assert defect in message.defects[0]


def test_a_line_that_begins_like_a_boundary_is_none() -> None:
    """RFC 2046 §5.1.1: nothing but blanks follows it; in the preamble and in a part."""
    message = received(mail("preamble\n--bX\n--b\n\nHello\n--bX\nAda\n--b--\n--b\n\nx"))
    assert (message.text, message.attachments) == ("Hello\n--bX\nAda", [])
    assert message.defects == []


def test_identifiers_are_compared_without_their_brackets_alone() -> None:
    """RFC 2045 §7, RFC 2387 §3.2: what is inside of ``<`` and ``>`` stays."""
    body = (
        part("text/plain", "other", "Content-ID: <a@b>")
        + part("text/html", "<p>root</p>", "Content-ID: <X@X>")
        + part("image/png", "1", "Content-ID: < X1@X > ")
        + "--b--\n"
    )
    message = received(mail(body, 'multipart/related; start="<X@X>"; boundary=b'))
    assert (message.text, message.html) == ("", "<p>root</p>")
    assert [image.content_id for image in message.inline_images] == ["X1@X"]


def test_a_boundary_inside_of_a_line_is_text() -> None:
    """RFC 2046 §5.1.1: a delimiter is a line of its own, maybe with blanks behind it."""
    body = (
        "pre --b\n--b \t\nContent-Type: text/plain\n\nx --b\n--b2\n--bb\n\n--b--\npost"
    )
    message = received(mail(body))
    assert message.text == "x --b\n--b2\n--bb\n"
    assert message.defects == []


def test_fields_of_parts_are_complained_about_by_part() -> None:
    """A defect says which part it is in."""
    fields = "Content-Transfer-Encoding: base64"
    message = received(mail(part("image/png", "x", fields) + "--b--\n"))
    [defect] = message.defects
    assert defect.startswith("part image/png: the body has broken base64")


def test_a_boundary_that_is_used_twice() -> None:
    """Outlook Express sent it: the inner multipart has what comes up to its end."""
    inner = part("multipart/alternative; boundary=b", "")
    texts = part("text/plain", "text") + part("text/html", "<p>")
    file = part("image/gif; name=x.gif", "x", "Content-Disposition: attachment")
    message = received(mail(f"{inner}{texts}--b--\n\n{file}--b--\n"))
    assert (message.text, message.html, names(message)) == ("text", "<p>", ["x.gif"])
    [defect] = message.defects
    assert defect == (
        "part multipart/alternative: its boundary is that of the multipart around it "
        "(RFC 2046 section 5.1.2)"
    )


def test_ten_thousand_parts() -> None:
    """They are counted in the whole message; those beyond take no memory."""
    parts = part("a/b; name=c", "x") * 6000
    outer = part("multipart/mixed; boundary=c", parts.replace("--b", "--c") + "--c--\n")
    message = received(mail(outer + outer + "--b--\n"))
    # Two of the parts are the multiparts themselves.
    assert len(message.attachments) == 10_000 - 2
    assert message.defects == [
        "part multipart/mixed: over 10,000 parts; the others are left out"
    ]
