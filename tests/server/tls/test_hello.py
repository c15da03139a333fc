"""The server name that stands in a ClientHello, whoever has written it."""

from __future__ import annotations

import random
import ssl
import struct
import time

import pytest

from pytest_smtpserver.server.tls.hello import ClientHello
from pytest_smtpserver.server.tls.layer import TLSLayer

from .certificates_of_clients import server_context

#: What the client of the standard library asks for, to be replaced by as many octets.
NAME = b"mail.example.org"


def hello(name: bytes = NAME) -> bytes:
    """The first octets of a real client, with that name in them."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    outgoing = ssl.MemoryBIO()
    connection = client.wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname=NAME.decode()
    )
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    sent = outgoing.read()
    assert sent.count(NAME) == 1
    assert len(name) == len(NAME)
    return sent.replace(NAME, name)


def records(message: bytes, size: int) -> bytes:
    """The message of a handshake in records of that size (RFC 8446 §5.1)."""
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(struct.pack(">BHH", 22, 0x0301, len(one)) + one for one in pieces)


def read(*pieces: bytes) -> tuple[list[bool], str | None]:
    """What each piece leads to, and the name."""
    reader = ClientHello()
    return [reader.feed(piece) for piece in pieces], reader.server_name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (NAME, "mail.example.org"),
        (b"MAIL.Example.Org", "MAIL.Example.Org"),
        (b"m\xc3\xa4il.example.or", "mäil.example.or"),
        (b"\xff\xfe\xfd\xfc.example.org"[:16], "\udcff\udcfe\udcfd\udcfc.example.org"),
        (b"a\x1b[31m\r\n.example", "a\x1b[31m\r\n.example"),
        (b"\x00" * 16, "\x00" * 16),
        (b"127.000.000.0001", "127.000.000.0001"),
    ],
    ids=repr,
)
def test_any_name_is_read(name: bytes, told: str) -> None:
    """RFC 6066 §3 has ASCII alone; a client says what it likes."""
    assert read(hello(name)) == ([True], told)


@pytest.mark.parametrize("size", [1, 7, 100, 16384])
def test_it_may_come_in_any_pieces(size: int) -> None:
    """Of records, and of the stream."""
    wire = records(hello()[5:], size)
    assert read(wire) == ([True], NAME.decode())
    outcomes, name = read(*(wire[at : at + 1] for at in range(len(wire))))
    assert outcomes == [False] * (len(wire) - 1) + [True]
    assert name == NAME.decode()


@pytest.mark.parametrize(
    "data",
    [
        b"EHLO client.example.org\r\n",
        b"GET / HTTP/1.1\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\xff\xff",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        records(b"\x01\x00\x00\x00", 4),
        records(b"\x01\x00\x00\x26" + b"\xff" * 38, 4),
    ],
    ids=repr,
)
def test_what_is_no_hello_has_no_name(data: bytes) -> None:
    """It is OpenSSL's turn at once, to say what is wrong."""
    assert read(data) == ([True], None)


def test_a_client_without_a_name_has_none() -> None:
    """RFC 6066 §3: the extension is left out, as for an address literal."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
    assert read(outgoing.read()) == ([True], None)


def test_no_octets_are_an_error() -> None:
    """However they lie about lengths."""
    dice = random.Random(15)
    real = bytearray(hello())
    for _ in range(2000):
        wire = bytearray(real)
        for _ in range(dice.randint(1, 8)):
            wire[dice.randrange(len(wire))] = dice.randrange(256)
        read(bytes(wire))


def test_many_small_records_take_no_longer() -> None:
    """The longest hello of all, an octet a record, an extension of no octets each."""
    body = bytes(34) + b"\x00\x00\x00\x00" + b"\xff\xff" + b"\x01\x01\x00\x00" * 16383
    wire = records(b"\x01" + len(body).to_bytes(3) + body, 1)
    begin = time.process_time()
    read(*(wire[at : at + 600] for at in range(0, len(wire), 600)))
    assert time.process_time() - begin < 2


@pytest.mark.parametrize("name", [b"\xff\xfe\xfd\xfc.example.org"[:16], b"\x1b" * 16])
def test_the_handshake_goes_on_with_any_name(name: bytes) -> None:
    """The server's hello follows (RFC 8446 §4.1.3), and no alert."""
    asked: list[str] = []

    def ask(name: str) -> None:
        asked.append(name)

    layer = TLSLayer(server_context(), ask)
    done, answer = layer.handshake(hello(name))
    assert not done
    assert (answer[0], answer[5]) == (22, 2)
    assert asked == [name.decode("utf-8", "surrogateescape")]


def test_a_callback_of_ones_own_stays(recwarn: pytest.WarningsRecorder) -> None:
    """A context that a test gives is used as it is, and left as it was."""
    context = server_context()
    seen: list[str | None] = []
    context.sni_callback = lambda _, name, __: seen.append(name)
    callback = context.sni_callback
    layer = TLSLayer(context, lambda _: None)
    layer.handshake(hello())
    assert seen == [NAME.decode()]
    assert layer.server_name == NAME.decode()
    assert context.sni_callback is callback
    plain = server_context()
    TLSLayer(plain, lambda _: None).handshake(hello())
    assert plain.sni_callback is None
    assert not recwarn.list
