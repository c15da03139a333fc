"""Transfer encodings, by RFC 2045 section 6."""

from __future__ import annotations

import pytest

from pytest_smtpserver.mail.content.decoding.transfer import undo

from ...make import received


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # section 6.7, rules 1 to 5
        (b"a=3Db=C3=BC=0D=0A", b"a=b\xc3\xbc\r\n"),
        (b"a=20\r\nb=09\r\n", b"a \r\nb\t\r\n"),
        (b"a  \t \r\nb\t\nc ", b"a\r\nb\nc"),
        (b"soft=\r\nbreak=\nx", b"softbreakx"),
        (b"soft= \r\nbreak=\t\nx", b"softbreakx"),
        (b"b =\r\n", b"b "),
        (b"soft=\r\r\nbreak\r\r\n", b"softbreak\r\n"),
        (b"X X \r\nX\r\nX X", b"X X\r\nX\r\nX X"),
        (b"c3=c3=bc", b"c3\xc3\xbc"),
        (b"end=", b"end"),
        (b"", b""),
    ],
)
def test_quoted_printable(raw: bytes, expected: bytes) -> None:
    """Blanks at the end of a line are of the way; hexadecimal digits in any case."""
    assert undo(raw, "quoted-printable") == (expected, "")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"1 = 2", b"1 = 2"),
        (b"a==b", b"a==b"),
        (b"a=3", b"a=3"),
        (b"a=zz=C3", b"a=zz\xc3"),
        (b"a=\rb", b"a=\rb"),
        (b"https://a.org/?x=yes&t=ab", b"https://a.org/?x=yes&t\xab"),
    ],
)
def test_damaged_quoted_printable(raw: bytes, expected: bytes) -> None:
    """An equals sign that encodes nothing is one (section 6.7, note 3), and a defect."""
    octets, complaint = undo(raw, "quoted-printable")
    assert octets == expected
    assert "where '=' encodes nothing (RFC 2045 section 6.7)" in complaint


def test_quoted_printable_text() -> None:
    """An encoded CR before a line end is one line end; a link over a soft one is whole."""
    message = received(
        "Content-Transfer-Encoding: Quoted-Printable (x)\r\n\r\n"
        "one=0D\r\nhttps://a.org/?token=3D4f= \r\nkQ\r\n"
    )
    assert message.text == "one\nhttps://a.org/?token=4fkQ\n"
    assert message.link() == "https://a.org/?token=4fkQ"
    assert message.defects == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"SGVs\r\nbG8=\r\n", b"Hello"),
        (b" SGVs bG8 = ", b"Hello"),
        (b"", b""),
    ],
)
def test_base64(raw: bytes, expected: bytes) -> None:
    """Section 6.8: line ends and blanks are ignored."""
    assert undo(raw, "base64") == (expected, "")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"SGV*s-bG8=", b"Hello"),
        (b"SGVsbG8", b"Hello"),
        (b"SGVsbG8=SGVsbG8=", b"HelloHello"),
        (b"SGVsbG8====", b"Hello"),
        (b"SGVsb", b"Hel"),
        (b"====", b""),
    ],
)
def test_damaged_base64(raw: bytes, expected: bytes) -> None:
    """Noise, a cut, paddings in the middle: as far as it goes, and a defect."""
    octets, complaint = undo(raw, "base64")
    assert octets == expected
    assert "broken base64 (RFC 2045 section 6.8)" in complaint
