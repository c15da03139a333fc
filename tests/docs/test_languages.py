"""The clients of docs/other-languages.md send, each in its language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.tools import (
    Outcome,
    clients_dir,
    missing_client,
    require_client,
    run_client,
)

from .pages import PAGES

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer

# Programs that are compiled or interpreted by others, whatever runs the server.
pytestmark = pytest.mark.once

PAGE = PAGES["docs/other-languages.md"]
#: Where Debian keeps what Java and PHP need.
JARS = Path("/usr/share/java")
PHPMAILER = Path("/usr/share/php/libphp-phpmailer/autoload.php")
#: The fence, the program, and the file in which its text is put.
CLIENTS = {
    "sh": ("curl", "send.sh"),
    "js": ("node", "send.js"),
    "go": ("go", "send.go"),
    "java": ("java", "Send.java"),
    "ruby": ("ruby", "send.rb"),
    "php": ("php", "send.php"),
}


def program(fence: str) -> str:
    """The only block in that language."""
    (block,) = re.findall(rf"^```{fence}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


def command(fence: str, file: Path) -> list[str]:
    """How it is run; skips the test where that cannot be."""
    name = require_client(CLIENTS[fence][0])
    if fence == "sh":
        return ["/bin/sh", str(file)]
    if fence == "go":
        return [name, "run", str(file)]
    if fence == "java":
        require_client("javac")  # a program in one file is compiled when it is run
        jars = [JARS / "jakarta-mail.jar", JARS / "jakarta-activation.jar"]
        if not all(jar.exists() for jar in jars):
            missing_client("Jakarta Mail")
        return [name, "-cp", ":".join(map(str, jars)), str(file)]
    if fence == "php" and not PHPMAILER.exists():
        missing_client("PHPMailer")
    if fence == "js" and not (clients_dir() / "node_modules" / "nodemailer").exists():
        missing_client("nodemailer")
    return [name, str(file)]


def run(fence: str, server: SMTPServer, home: Path) -> Outcome:
    """The client of that language, with the server in its environment."""
    file = home / CLIENTS[fence][1]
    file.write_text(program(fence), encoding="utf-8")
    modules = str(clients_dir() / "node_modules")
    return run_client(
        command(fence, file),
        home=home,
        timeout=240,
        extra_env={**server.env, "NODE_PATH": modules, "GOTOOLCHAIN": "local"},
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fence", CLIENTS)
@pytest.mark.smtp_server(tls="starttls", users={"ada": "lovelace"}, auth_required=True)
def test_it_sends(smtp_server: SMTPServer, tmp_path: Path, fence: str) -> None:
    """Over TLS that it verifies, and logged in."""
    run(fence, smtp_server, tmp_path).check()
    (message,) = smtp_server.messages
    assert message.subject == f"Hello from {CLIENTS[fence][0]}"
    assert message.text.strip() == "Hi."
    assert message.envelope.rcpt_to == ["ada@example.org"]
    assert message.session.transmission_type == "ESMTPSA"
    assert message.session.user == "ada"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fence", CLIENTS)
@pytest.mark.smtp_server(tls="starttls", certificate="untrusted", users={"ada": "x"})
def test_it_verifies(smtp_server: SMTPServer, tmp_path: Path, fence: str) -> None:
    """A certificate of another CA is refused, before any password is sent."""
    assert not run(fence, smtp_server, tmp_path).ok
    smtp_server.assert_no_messages()
    assert smtp_server.sessions[0].auth_attempts == []


def test_each_language_has_a_client() -> None:
    """And each client of the page is run."""
    fences = set(re.findall(r"^```(\w+)", PAGE, re.MULTILINE))
    assert fences == {*CLIENTS, "python"}
