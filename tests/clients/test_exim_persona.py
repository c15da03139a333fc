"""The persona of Exim beside Exim itself: refusals are the same, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_smtpserver import SMTPServer, personas
from tests.server.wire import Wire

from .exim import receiving

if TYPE_CHECKING:
    from .exim import Exim

# The rules of the configuration that comes with it, for one domain and one user.
CONFIGURATION = """\
message_size_limit = 1000
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = accept
domainlist local_domains = example.org
begin acl
acl_check_rcpt:
  require message = relay not permitted
          domains = +local_domains
  require verify = recipient
  accept
begin routers
users:
  driver = accept
  local_parts = ada
  transport = none
begin transports
none:
  driver = appendfile
  file = /dev/null
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{lovelace}}}}
"""
BIG = "Subject: hello\r\n\r\n" + "word word\r\n" * 200 + "."
SAID = (
    *("EHLO client.example.org", "XYZ", "MAIL FROM:<a@b.example>"),
    *("RCPT TO:<nobody@example.org>", "RCPT TO:<ada@elsewhere.example>"),
    *("RCPT TO:<ada@example.org>", "DATA", BIG, "AUTH PLAIN AGFkYQBieXJvbg=="),
    *("AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==", "AUTH PLAIN AGFkYQBsb3ZlbGFjZQ==", "QUIT"),
)


def told(wire: Wire) -> list[str]:
    """Greeting without its date, keywords, and the replies that are no."""
    greeting = wire.reply().split(" ")[:5]
    hello, *rest = (wire.say(line) for line in SAID)
    # Who is greeted is somebody else over a pipe; one keyword does not exist here.
    keywords = [
        line[4:] for line in hello.split("\r\n")[1:] if "PIPECONNECT" not in line
    ]
    return [*greeting, *keywords, *(one for one in rest if one[0] in "45")]


def test_refusals_are_those_of_the_real_one(exim: Exim) -> None:
    """The limit of its size is an option here as it is there."""
    persona = personas.exim(
        {"nobody@example.org": "no such user", "ada@elsewhere.example": "relay denied"}
    )
    with receiving(exim, CONFIGURATION) as connect, connect() as connected:
        real = told(Wire.over(connected))
    with SMTPServer(
        hostname="mx.example.net",
        max_message_size=1000,
        users={"ada": "lovelace"},
        auth_mechanisms=["PLAIN"],
    ) as server:
        server.play(persona)
        with Wire(server) as wire:
            assert told(wire) == real
    assert len([line for line in real if line[:3].isdecimal()]) == 6 + 1  # and 220
