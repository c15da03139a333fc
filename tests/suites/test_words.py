"""Whoever comes from aiosmtpd: each word of its objects is ours, or leads to ours."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import Envelope, Session

if TYPE_CHECKING:
    from pytest_smtpserver import SMTPServer


@pytest.mark.parametrize("kind", ["envelope", "session", "server"])
def test_every_word_of_aiosmtpd_leads_somewhere(
    smtp_server: SMTPServer, kind: str
) -> None:
    """What an object of its 1.4.6 has, an object of ours has, or its error names ours."""
    with smtplib.SMTP(*smtp_server.address, local_hostname="app.example.org") as client:
        client.sendmail("a@example.org", ["ada@example.org"], "Subject: News")
    message = smtp_server.wait_for_message()
    ours, theirs = {
        "envelope": (message.envelope, Envelope()),
        "session": (message.session, Session(None)),
        "server": (smtp_server, Controller(Sink())),
    }[kind]
    words = {name for name in dir(theirs) if not name.startswith("_")}
    assert len(words) > 5
    astray = []
    for word in sorted(words):
        try:
            getattr(ours, word)
        except AttributeError as error:
            if "; here it is " not in str(error):
                astray.append(str(error))
    assert astray == []
