"""What the reports of other plugins show of a test's mail: pytest-html, Allure, JUnit."""

import json
from xml.etree import ElementTree as ET

import pytest

TEST = r"""
import smtplib

CONTENT = (
    "From: Shop <noreply@example.org>\r\nTo: ada@example.org\r\n"
    "Subject: Welcome\r\n\r\nPlease confirm.\x1b[31m\r\n"
)

def test_it_fails(smtp_server):
    with smtplib.SMTP(*smtp_server.address, "client.example.org") as client:
        client.sendmail("noreply@example.org", ["ada@example.org"], CONTENT)
    assert smtp_server.messages == []
"""


def run(pytester: pytest.Pytester, *options: str) -> None:
    """Run a test that fails with one mail on its server."""
    pytester.makepyfile(TEST)
    pytester.runpytest_subprocess("-p", "no:cacheprovider", *options).assert_outcomes(
        failed=1
    )


def test_pytest_html(pytester: pytest.Pytester) -> None:
    """The section is in the log of the test, and a link of its own."""
    run(pytester, "--html=report.html", "--self-contained-html")
    page = (pytester.path / "report.html").read_text(encoding="utf-8")
    assert "SMTP server smtp://127.0.0.1:" in page
    assert "C: mail FROM:" in page
    assert "\x1b" not in page


def test_junit_xml(pytester: pytest.Pytester) -> None:
    """A property of the test, readable by any XML parser."""
    run(pytester, "--junitxml=report.xml")
    tree = ET.parse(pytester.path / "report.xml")
    (value,) = [
        one.attrib["value"]
        for one in tree.iter("property")
        if one.attrib["name"] == "smtp_server"
    ]
    assert "Welcome" in value
    assert "C: Please confirm.\\x1b[31m" in value


def test_allure(pytester: pytest.Pytester) -> None:
    """The dialogue, and the message: octet for octet, and as plain text."""
    run(pytester, "--alluredir=allure")
    folder = pytester.path / "allure"
    (result,) = folder.glob("*-result.json")
    attachments = {
        one["name"].partition(" smtp:")[0]: (
            one["type"],
            (folder / one["source"]).read_bytes(),
        )
        for one in json.loads(result.read_text(encoding="utf-8"))["attachments"]
    }
    kind, dialogue = attachments["SMTP server"]
    assert kind == "text/plain"
    assert b"C: Please confirm.\\x1b[31m" in dialogue
    assert attachments["message 1: Welcome (.eml)"] == (
        "message/rfc822",
        (
            b"From: Shop <noreply@example.org>\r\nTo: ada@example.org\r\n"
            b"Subject: Welcome\r\n\r\nPlease confirm.\x1b[31m\r\n"
        ),
    )
    assert attachments["message 1: Welcome"] == (
        "text/plain",
        (
            b"From: Shop <noreply@example.org>\nTo: ada@example.org\n"
            b"Subject: Welcome\n\nPlease confirm.\\x1b[31m\n"
        ),
    )
