"""The text that a reply code usually has, as the RFCs that define the codes have it."""

from __future__ import annotations

import pytest

from pytest_smtpserver.protocol.syntax.standard import usual_reply


@pytest.mark.parametrize(
    ("code", "name", "enhanced", "words"),
    [
        # RFC 5321 §4.2.2 and §4.2.3; the enhanced codes are those of RFC 3463 §3 that
        # mean the same, as far as RFC 5248 does not give one for the code.
        (214, "HELP", "2.0.0", "help message"),
        (221, "QUIT", "2.0.0", "bye"),
        (250, "NOOP", "2.0.0", "ok"),
        (251, "RCPT", "2.1.5", "user not local; will forward"),
        (252, "VRFY", "2.5.0", "cannot verify the user, but will take mail for it"),
        (421, "RCPT", "4.3.2", "service not available, closing transmission channel"),
        (450, "RCPT", "4.2.0", "mailbox unavailable"),
        (451, "RCPT", "4.3.0", "local error in processing"),
        (452, "MESSAGE", "4.3.1", "insufficient system storage"),
        (455, "MAIL", "4.5.4", "unable to accommodate parameters"),
        (500, "XYZ", "5.5.1", "command not recognized"),
        (501, "MAIL", "5.5.4", "syntax error in parameters or arguments"),
        (502, "EXPN", "5.5.1", "command not implemented"),
        (503, "DATA", "5.5.1", "bad sequence of commands"),
        (504, "MAIL", "5.5.4", "command parameter not implemented"),
        (550, "DATA", "5.7.1", "requested action not taken"),
        (551, "RCPT", "5.1.6", "user not local"),
        (553, "RCPT", "5.1.3", "mailbox name not allowed"),
        (554, "MESSAGE", "5.0.0", "transaction failed"),
        (554, "CONNECT", "5.7.1", "no smtp service here"),
        (555, "MAIL", "5.5.4", "parameters not recognized or not implemented"),
        # RFC 3463 §3.2: the address of the sender, of the recipient.
        (250, "MAIL", "2.1.0", "sender ok"),
        (250, "RCPT", "2.1.5", "recipient ok"),
        (553, "MAIL", "5.1.7", "mailbox name not allowed"),
        (550, "RCPT", "5.1.1", "no such user"),
        (550, "MAIL", "5.7.1", "sender refused"),
        # RFC 5321 §4.5.3.1.10, and the code of RFC 3463 §3.6.
        (452, "RCPT", "4.5.3", "too many recipients"),
        # RFC 1870 §6.1 and §6.3, RFC 3463 §3.3 and §3.4.
        (552, "MAIL", "5.3.4", "message size exceeds fixed maximum message size"),
        (552, "MESSAGE", "5.3.4", "message size exceeds fixed maximum message size"),
        (552, "RCPT", "5.2.2", "mailbox full"),
        # RFC 3207 §4.
        (220, "STARTTLS", "2.0.0", "ready"),
        (454, "STARTTLS", "4.7.0", "tls is not available"),
        (530, "STARTTLS", "5.7.0", "must issue a starttls command first"),
        # RFC 4954 §6.
        (235, "CREDENTIALS", "2.7.0", "authentication succeeded"),
        (432, "CREDENTIALS", "4.7.12", "a password transition is needed"),
        (454, "AUTH", "4.7.0", "temporary authentication failure"),
        (454, "CREDENTIALS", "4.7.0", "temporary authentication failure"),
        (530, "MAIL", "5.7.0", "authentication required"),
        (534, "AUTH", "5.7.9", "authentication mechanism is too weak"),
        (535, "CREDENTIALS", "5.7.8", "authentication credentials invalid"),
        (538, "AUTH", "5.7.11", "encryption required: use starttls first"),
        # RFC 7504 §3 and §4, RFC 7505 §4.1.
        (521, "CONNECT", "5.3.2", "this host does not accept mail"),
        (556, "RCPT", "5.1.10", "domain does not accept mail"),
        # RFC 3463 §2: the class alone, for codes that no RFC has.
        (299, "NOOP", "2.0.0", "ok"),
        (450, "MESSAGE", "4.3.0", "message not accepted, try again later"),
        (499, "NOOP", "4.0.0", "try again later"),
        (599, "NOOP", "5.0.0", "refused"),
    ],
)
def test_usual_replies(code: int, name: str, enhanced: str, words: str) -> None:
    reply = usual_reply(code, name)
    assert reply.code == code
    assert (str(reply.enhanced), reply.text.lower()) == (enhanced, words)


def test_intermediate_replies_have_no_enhanced_code() -> None:
    """RFC 2034 §3: for 2yz, 4yz and 5yz alone."""
    # As Postfix says it.
    assert usual_reply(354, "DATA").wire == b"354 End data with <CR><LF>.<CR><LF>\r\n"
    assert usual_reply(399, "DATA").wire == b"399 Go on\r\n"


def test_the_host_name_comes_first() -> None:
    """RFC 5321 §4.2 for the greeting, §4.1.1.1 for EHLO and HELO, RFC 2033 §4.1."""
    assert usual_reply(220, "CONNECT", "mx").wire == b"220 mx ESMTP\r\n"
    for verb in ("EHLO", "HELO", "LHLO"):
        assert usual_reply(250, verb, "mx").wire == b"250 mx\r\n"
