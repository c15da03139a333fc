"""The email object: the standard library's reading, with an answer for any octets."""

from __future__ import annotations

import pytest

from ..make import received


def test_long_fields_are_whole() -> None:
    """Its parser would take the square of their length; ours has read them already."""
    message = received(
        f"To: {'Ada <a@b.org>, ' * 9000}c@d.org\r\n"
        f"Subject: {'=?utf-8?q?=C3=BC?= ' * 9000}\r\nX-Tag: {'x ' * 30_000}y\r\n"
        f"Content-Type: text/html{'; a=b' * 9000}; charset=utf-8\r\n\r\n<p>"
    )
    addresses = message.email["To"].addresses
    assert len(addresses) == 9001
    assert (addresses[0].display_name, addresses[-1].addr_spec) == ("Ada", "c@d.org")
    assert message.email["Subject"] == "ü" * 9000 == message.subject
    assert message.email["X-Tag"].endswith("x y")
    assert message.email.get_content_type() == "text/html"
    assert message.email.get_content_charset() == "utf-8"


def test_a_long_type_is_written_anew() -> None:
    """Of more than 2,000 characters the object has as many: the first parameters."""
    names = "".join(f"; p{number}=v" for number in range(1000))
    email = received(f"Content-Type: text/html; charset=utf-8{names}\r\n\r\n").email
    assert email.get_content_type() == "text/html"
    assert email.get_content_charset() == "utf-8"
    assert email.get_param("p100") == "v"
    assert email.get_param("p999") is None


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Subject: =?utf-8?q?a?= =?gb2312?B?1uzpRrv5?=", "a朱镕基"),
        ("X-Tag: =?utf-8?q?=C3=BC?= x", "ü x"),
        ("Date: Mon, 2 Mar 2026 10:00:00 +0000", "Mon, 02 Mar 2026 10:00:00 +0000"),
        ("Date: tomorrow", "tomorrow"),
        ("Message-ID: <a@b.org>", "<a@b.org>"),
        ("To: =?utf-8?q?Love=2C_Ada?= <a@b.org>", '"Love, Ada" <a@b.org>'),
        ("Content-Type: text/plain; charset=utf-8", 'text/plain; charset="utf-8"'),
    ],
)
def test_fields(field: str, expected: str) -> None:
    """Encoded words as we read them, and the standard library's objects."""
    assert str(received(f"{field}\r\n\r\n").email[field.partition(":")[0]]) == expected


def test_typed_fields_are_those_of_the_standard_library() -> None:
    """Dates, parameters and addresses have the attributes of `email.headerregistry`."""
    email = received(
        "Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nFrom: a@b.org, Ada <c@d.org>\r\n\r\n"
    ).email
    quoted = received('To: "ada l"@b.org\r\n\r\n').email["To"].addresses[0]
    assert (quoted.username, quoted.domain) == ("ada l", "b.org")  # RFC 5322 §3.4.1
    assert email["Date"].datetime.isoformat() == "2026-03-02T10:00:00+00:00"
    assert email["Content-Type"].params["charset"] == "utf-8"
    assert [str(one) for one in email["From"].addresses] == ["a@b.org", "Ada <c@d.org>"]
    assert [group.display_name for group in email["From"].groups] == [None, None]
