"""What is body and what is a file: RFC 8621 section 4.1.4, RFC 2183, RFC 3676."""

from __future__ import annotations

import pytest

from ..make import received


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    """A multipart; each part is its header lines, an empty line and its body."""
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\r\n\r\n{body}--{boundary}--"


def leaf(content_type: str, body: str, *fields: str) -> str:
    return "\r\n".join([f"Content-Type: {content_type}", *fields, "", body])


NAMED = [
    ("text/plain; name=a.txt", ()),
    ("text/plain", ("Content-Disposition: inline; filename=a.txt",)),
    ("text/plain", ("Content-Disposition: inline",)),
    ("text/plain", ("Content-Disposition: x-other; filename=a.txt",)),
]
PDF = leaf("application/pdf; name=x.pdf", "PDF")


@pytest.mark.parametrize(("content_type", "fields"), NAMED)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_first_part_is_body_whatever_its_name(
    kind: str, content_type: str, fields: tuple[str, ...]
) -> None:
    """Position goes before the name; what follows with a name is a file."""
    first = leaf(content_type.replace("plain", kind), "Hello", *fields)
    second = leaf(f"text/{kind}; name=b.txt", "file")
    message = received(multipart("mixed", first, PDF, second))
    assert (message.text, message.html) == (
        ("Hello", "") if kind == "plain" else ("", "Hello")
    )
    assert [file.filename for file in message.attachments] == ["x.pdf", "b.txt"]


@pytest.mark.parametrize(
    "before", [PDF, leaf("image/png", "PNG"), leaf("text/csv", "")]
)
@pytest.mark.parametrize(("content_type", "fields"), NAMED)
def test_the_first_text_is_body_also_behind_files(
    before: str, content_type: str, fields: tuple[str, ...]
) -> None:
    """RFC 2183 section 2.1 shows it; so does the standard library's `get_body`."""
    structure = multipart("mixed", before, leaf(content_type, "Hello", *fields), PDF)
    message = received(f"MIME-Version: 1.0\r\n{structure}")
    body = message.email.get_body(("plain",))
    assert body is not None
    assert message.text == body.get_content() == "Hello"
    assert message.attachments[-1].filename == "x.pdf"


def test_an_attachment_is_no_body_wherever_it_stands() -> None:
    """RFC 2183 section 2.2, also for the only part and at the root."""
    fields = "Content-Disposition: attachment"
    first = leaf("text/plain", "file", fields)
    message = received(multipart("mixed", first, leaf("text/plain", "Hello")))
    assert message.text == "Hello"
    assert [file.content for file in message.attachments] == [b"file"]
    assert received(multipart("mixed", first)).text == ""
    assert received(first).text == ""


def test_body_parts_with_names_in_structures() -> None:
    """The example of RFC 8621 section 4.1.4, with names where senders put them."""
    message = received(
        multipart(
            "mixed",
            leaf("text/plain; name=A", "A", "Content-Disposition: inline"),
            multipart(
                "mixed",
                multipart(
                    "alternative",
                    multipart(
                        "mixed",
                        leaf("text/plain; name=B", "B", "Content-Disposition: inline"),
                        leaf("image/jpeg", "C", "Content-Disposition: inline"),
                        leaf("text/plain", "D", "Content-Disposition: inline"),
                        boundary="e",
                    ),
                    multipart(
                        "related",
                        leaf("text/html; name=E", "E"),
                        leaf("image/jpeg", "F", "Content-ID: <f>"),
                        boundary="f",
                    ),
                    boundary="d",
                ),
                leaf("image/jpeg", "G", "Content-Disposition: attachment"),
                leaf("application/x-excel", "H"),
                leaf("message/rfc822", "Subject: J\r\n\r\n"),
                boundary="c",
            ),
            leaf("text/plain", "K", "Content-Disposition: inline"),
        )
    )
    assert (message.text, message.html) == ("A\nB\nD\nK", "E")
    assert [image.content for image in message.inline_images] == [b"C", b"F"]
    assert [file.content[:10] for file in message.attachments] == [
        b"G",
        b"H",
        b"Subject: J",
    ]


def test_related_text_beside_the_root_is_a_file() -> None:
    """RFC 2387: only the root is shown."""
    parts = leaf("text/html", "<p>"), leaf("text/plain", "note")
    message = received(multipart("related", *parts))
    assert (message.html, message.text) == ("<p>", "")
    assert [file.content for file in message.attachments] == [b"note"]


@pytest.mark.parametrize(
    "structure",
    [
        multipart("mixed", leaf("text/plain; name=a.txt", "Hello"), PDF),
        multipart("mixed", leaf("text/plain", "Hello", "Content-Disposition: inline")),
        multipart("alternative", leaf("text/plain", "Hello"), leaf("text/html", "<p>")),
        multipart("related", leaf("text/plain", "Hello"), PDF),
        multipart("signed", leaf("text/plain", "Hello"), leaf("application/x", "sig")),
        multipart("report", leaf("text/plain", "Hello"), leaf("message/x", "status")),
        leaf("text/plain; name=a.txt", "Hello"),
    ],
)
def test_get_body_does_not_contradict(structure: str) -> None:
    """The standard library's `get_body` finds what `text` has."""
    message = received(f"MIME-Version: 1.0\r\n{structure}")
    body = message.email.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == message.text.strip() == "Hello"


@pytest.mark.parametrize(
    ("parameters", "sent", "expected"),
    [
        ("format=flowed", "a \r\nb\r\nc", "a b\nc"),
        ("format=Flowed; delsp=no", "a \r\nb", "a b"),
        ("format=flowed; delsp=yes", "日 \r\n本", "日本"),
        # section 4.4: space-stuffing
        ("format=flowed", " From x\r\n >y\r\n  z", "From x\n>y\n z"),
        ("format=flowed; delsp=yes", "a \r\n >b", "a>b"),
        ("format=flowed; delsp=yes", "a \r\n From b", "aFrom b"),
        # section 4.3: signatures
        ("format=flowed", "a \r\n-- \r\nAda", "a \n-- \nAda"),
        ("format=flowed", "-- \r\nAda", "-- \nAda"),
        # section 4.5: quoting
        ("format=flowed", ">> a \r\n>>b\r\n> c \r\nd", ">> a b\n> c \nd"),
        ("format=flowed", "> -- \r\n> x", "> -- \n> x"),
        ("format=flowed", "\r\na\r\n\r\nb\r\n", "\na\n\nb\n"),
        ("format=fixed", "a \r\nb", "a \nb"),
        ("", "a \r\nb", "a \nb"),
    ],
)
def test_flowed_text(parameters: str, sent: str, expected: str) -> None:
    """RFC 3676 section 4; the lines as sent stay in the email object."""
    declared = f"text/plain; charset=utf-8; {parameters}"
    message = received(
        f"Content-Type: {declared}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{sent}"
    )
    assert message.text == expected
    assert message.email.get_content() == sent


def test_a_code_and_a_link_over_a_soft_line_break() -> None:
    """What a test looks for is found as the reader sees it."""
    message = received(
        "Content-Type: text/plain; format=flowed\r\n\r\nYour code: \r\n482913 in \r\n2026\r\n"
    )
    assert message.text == "Your code: 482913 in 2026\n"
    assert message.code() == "482913"
