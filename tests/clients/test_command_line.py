"""The server of the command line, and clients that nobody here wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.process import MAIL, running

from .tools import Login, Mail, Target

if TYPE_CHECKING:
    from .curl import Curl
    from .nodemailer import Nodemailer
    from .swaks import Swaks

LETTER = Mail("noreply@example.org", ("ada@example.org",), MAIL)


def test_curl_sends_and_a_program_reads(curl: Curl) -> None:
    """One line of JSON for its mail."""
    with running("--json", stream="stderr") as command:
        curl.send(Target(port=command.port), LETTER).check()
        assert command.process.stdout is not None
        mail = json.loads(command.process.stdout.readline())
        assert command.interrupt()[0] == 0
    assert mail["envelope"]["rcpt_to"] == ["ada@example.org"]
    assert mail["links"] == ["https://example.org/confirm"]


def test_swaks_logs_in_over_tls_and_is_refused_a_recipient(swaks: Swaks) -> None:
    """It verifies the certificate by the file that is printed."""
    rule = ("--on", "RCPT bob@example.org", "--reply", "550 5.1.1 No such user")
    with running("--tls", "starttls", "--user", "ada:lovelace", "-v", *rule) as command:
        ca_file = command.until(r"CA in \S+").split(" ")[2]
        target = Target(port=command.port, tls="starttls", ca_file=Path(ca_file))
        both = Mail("a@example.org", ("ada@example.org", "bob@example.org"), MAIL)
        sent = swaks.send(target, both, login=Login("ada", "lovelace", "PLAIN"))
        assert "550 5.1.1 No such user" in sent.stdout
        command.until("^connection 1")
        code, output, _ = command.interrupt()
    assert code == 0
    assert "Refused   bob@example.org: 550 5.1.1 No such user" in output
    assert "logged in as 'ada'" in output
    assert "C: AUTH PLAIN ********" in output


def test_nodemailer_is_turned_away_at_first(nodemailer: Nodemailer) -> None:
    """A persona, as Node.js meets it."""
    with running("--persona", "greylisting(tries=1)") as command:
        target = Target(port=command.port)
        message = {
            "from": "shop@example.org",
            "to": "ada@example.org",
            "subject": "Grüße",
            "html": "<p>Hello <b>Ada</b></p>",
        }
        first, second = (nodemailer.send(target, message)[0] for _ in range(2))
        assert first.error["responseCode"] == 451
        second.check()
        command.until("^Subject")
        code, output, _ = command.interrupt()
    assert code == 0
    assert re.search(r"connection 1 from .*451 4\.7\.1", output)
    assert "Subject   Grüße\n" in output
    assert "Hello Ada\n" in output
