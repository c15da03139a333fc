"""One dialogue, as six programs write it down.

The programs were run: our server, curl 7.88 (``-v --trace-time``), swaks 20201014,
nodemailer 10 (``debug``), smtplib of Python 3.11 (``set_debuglevel(2)``), and Postfix
3.7 (smtp(8) with ``-v``). Lines that say the same again are left out.
"""

from __future__ import annotations

TRANSCRIPT = """\
connection 1 from 127.0.0.1:41000, closed by the client
  +0.000 S: 220 mx.example.net ESMTP
  +0.100 C: EHLO client.example.org
  +0.150 S: 250-mx.example.net
         S: 250 PIPELINING
  +0.200 C: MAIL FROM:<a@example.org>
  +0.250 S: 250 2.1.0 Ok
  +0.300 C: RCPT TO:<ada@example.org>
  +0.350 S: 250 2.1.5 Ok
  +0.400 C: RCPT TO:<bob@example.org>
  +1.900 S: 550 5.1.1 No such user    <- the rule made at test_x.py:5
  +2.000 C: DATA
  +2.050 S: 354 End data
  +2.100 C: Subject: x
         C:
         C: MAIL FROM:<quoted@example.org>
         C: [7 more lines, 300 octets]
  +2.100 C: .
  +2.200 S: 452 4.3.1 Out of memory
  +2.300 C: QUIT
  +2.350 S: 221 2.0.0 Bye
  +2.350 -- the client quit
"""

CURL = """\
04:27:45.291024 *   Trying 127.0.0.1:41729...
04:27:45.379130 * Connected to 127.0.0.1 (127.0.0.1) port 41729 (#0)
04:27:45.382197 < 220 mx.example.net ESMTP
04:27:45.482256 > EHLO client.example.org
04:27:45.484069 < 250-mx.example.net
04:27:45.484098 < 250 PIPELINING
04:27:45.484208 > MAIL FROM:<a@example.org>
04:27:45.492104 < 250 2.1.0 Ok
04:27:45.492206 > RCPT TO:<ada@example.org>
04:27:45.504122 < 250 2.1.5 Ok
04:27:45.504180 > RCPT TO:<bob@example.org>
04:27:47.004180 < 550 5.1.1 No such user
04:27:47.004266 > DATA
04:27:47.009014 < 354 End data
04:27:47.009014 } [28 bytes data]
04:27:47.019014 < 452 4.3.1 Out of memory
04:27:47.019066 > QUIT
04:27:47.029014 < 221 2.0.0 Bye
04:27:47.029066 * Closing connection 0
"""

SWAKS = """\
=== Trying 127.0.0.1:41729...
=== Connected to 127.0.0.1.
<-  220 mx.example.net ESMTP
 -> EHLO client.example.org
<-  250-mx.example.net
<-  250 PIPELINING
 -> MAIL FROM:<a@example.org>
<-  250 2.1.0 Ok
 -> RCPT TO:<ada@example.org>
<-  250 2.1.5 Ok
 -> RCPT TO:<bob@example.org>
<** 550 5.1.1 No such user
 -> DATA
<-  354 End data
 -> Date: Sat, 28 Nov 2026 04:27:46 +0000
 ->
 -> MAIL FROM:<quoted@example.org>
 ->
 -> .
<** 452 4.3.1 Out of memory
 -> QUIT
<-  221 2.0.0 Bye
=== Connection closed with remote host.
"""

NODEMAILER = """\
[2026-11-28 04:27:50] DEBUG Sending mail using SMTP/10.6.1[client:10.6.1]
[2026-11-28 04:27:51] INFO  [A3NAyK5OMw] Connection established to 127.0.0.1:41729
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] S: 220 mx.example.net ESMTP
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] C: EHLO client.example.org
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] S: 250-mx.example.net
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] S: 250 PIPELINING
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] SMTP handshake finished
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] C: MAIL FROM:<a@example.org>
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] C: RCPT TO:<ada@example.org>
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] C: RCPT TO:<bob@example.org>
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] C: DATA
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] S: 250 2.1.0 Ok
[2026-11-28 04:27:51] DEBUG [A3NAyK5OMw] S: 250 2.1.5 Ok
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] S: 550 5.1.1 No such user
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] S: 354 End data
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] From: a@example.org
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] .
[2026-11-28 04:27:53] INFO  [A3NAyK5OMw] <262 bytes encoded mime message (source size 259 bytes)>
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] S: 452 4.3.1 Out of memory
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] C: QUIT
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] S: 221 2.0.0 Bye
[2026-11-28 04:27:53] DEBUG [A3NAyK5OMw] Closing connection to the server using "end"
"""

SMTPLIB = r"""
04:27:47.262266 connect: to ('127.0.0.1', 41729) None
04:27:47.262742 reply: b'220 mx.example.net ESMTP\r\n'
04:27:47.262754 reply: retcode (220); Msg: b'mx.example.net ESMTP'
04:27:47.262758 connect: b'mx.example.net ESMTP'
04:27:47.262770 send: 'ehlo client.example.org\r\n'
04:27:47.291229 reply: b'250-mx.example.net\r\n'
04:27:47.291286 reply: b'250 PIPELINING\r\n'
04:27:47.291350 reply: retcode (250); Msg: b'mx.example.net\nPIPELINING'
04:27:47.307587 send: 'mail FROM:<a@example.org> size=27\r\n'
04:27:47.311404 reply: b'250 2.1.0 Ok\r\n'
04:27:47.311515 send: 'rcpt TO:<ada@example.org>\r\n'
04:27:47.328802 reply: b'250 2.1.5 Ok\r\n'
04:27:47.328843 send: 'rcpt TO:<bob@example.org>\r\n'
04:27:48.828843 reply: b'550 5.1.1 No such user\r\n'
04:27:48.828943 send: 'data\r\n'
04:27:48.829043 reply: b'354 End data\r\n'
04:27:48.829043 reply: retcode (354); Msg: b'End data'
04:27:48.829043 data: (354, b'End data')
04:27:48.829143 send: b'Subject: x\r\n\r\nMAIL FROM:<quoted@example.org>\r\n..dot\r\n.\r\n'
04:27:48.829802 reply: b'452 4.3.1 Out of memory\r\n'
04:27:48.829820 reply: retcode (452); Msg: b'4.3.1 Out of memory'
04:27:48.829844 send: 'quit\r\n'
04:27:48.830180 reply: b'221 2.0.0 Bye\r\n'
"""

_PREFIX = "Nov 28 04:27:{} mail postfix/smtp[812]: "
_PEER = "mx.example.net[192.0.2.1]:25: "
POSTFIX = "".join(
    f"{_PREFIX.format(second)}{line.replace('@', _PEER, 1) if line[0] in '<>' else line}\n"
    for second, line in (
        ("47", "smtp_connect_addr: trying: mx.example.net[192.0.2.1] port 25..."),
        ("47", "< @220 mx.example.net ESMTP"),
        ("47", "> @EHLO client.example.org"),
        ("47", "< @250-mx.example.net"),
        ("47", "< @250 PIPELINING"),
        ("47", "match_string: smtp_tls: never ~? may"),
        ("47", "> @MAIL FROM:<a@example.org>"),
        ("47", "> @RCPT TO:<ada@example.org>"),
        ("47", "> @RCPT TO:<bob@example.org>"),
        ("47", "> @DATA"),
        ("47", "< @250 2.1.0 Ok"),
        ("47", "< @250 2.1.5 Ok"),
        ("49", "< @550 5.1.1 No such user"),
        ("49", "< @354 End data"),
        ("49", "> @."),
        ("49", "> @QUIT"),
        ("49", "< @452 4.3.1 Out of memory"),
        ("49", "< @221 2.0.0 Bye"),
    )
)

LOGS = {
    "transcript": TRANSCRIPT,
    "curl": CURL,
    "swaks": SWAKS,
    "nodemailer": NODEMAILER,
    "smtplib": SMTPLIB,
    "postfix": POSTFIX,
}
