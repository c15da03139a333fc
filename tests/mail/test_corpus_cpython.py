"""CPython's own e-mail test data, where the interpreter ships it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from .make import ATTRIBUTES, on_the_wire, received

#: Read by eye in the files: from, to, subject, attachments, the first line of text.
EXPECTED = {
    "msg_01.txt": ("bbb@ddd.com", ["bbb@zzz.org"], "This is a test message", [], "Hi,"),
    "msg_06.txt": (
        "barry@python.org",
        ["barry@python.org"],
        "forwarded message from Barry A. Warsaw",
        ["message/rfc822"],
        "",
    ),
    "msg_07.txt": (
        "barry@digicool.com",
        ["cravindogs@cravindogs.com"],
        "Here is your dingus fish",
        ["dingusfish.gif"],
        "Hi there,",
    ),
    "msg_10.txt": (
        "barry@python.org",
        ["cravindogs@cravindogs.com"],
        "Lyrics",
        [],
        "This is a 7bit encoded message.",
    ),
    "msg_21.txt": ("aperson@dom.ain", ["bperson@dom.ain"], "Test", [], "One"),
    "msg_28.txt": ("aperson@dom.ain", [], "", ["message/rfc822"] * 2, ""),
    "msg_32.txt": (
        "aperson@example.com",
        ["bdude@example.com"],
        "Re: Limiting Perl CPU Utilization...",
        [],
        "Some message.",
    ),
    "msg_36.txt": (
        "Internet-Drafts@ietf.org",
        [],
        "I-D ACTION:draft-ietf-mboned-mix-00.txt",
        ["message/external-body", "draft-ietf-mboned-mix-00.txt"],
        "Blah blah blah",
    ),
    "msg_45.txt": (
        "foo@bar.baz",
        ["baz@bar.foo"],
        "test",
        ["signature.asc"],
        "This is the signed contents.",
    ),
}


def data() -> dict[str, bytes]:
    """The messages by file name; none where the test package is not installed."""
    spec = importlib.util.find_spec("test")
    places = spec.submodule_search_locations if spec else None
    found = {}
    for place in places or ():
        for path in sorted(Path(place, "test_email", "data").glob("msg_*.txt")):
            found[path.name] = on_the_wire(path.read_bytes())
    return found


def test_every_message_answers() -> None:
    """Whatever the email package was once tested with, the attributes answer."""
    for name, content in data().items():
        message = received(content)
        for attribute in ATTRIBUTES:
            assert getattr(message, attribute) is not None or attribute == "date", name
        assert message.normalized(), name


def test_messages_say_what_is_in_the_files() -> None:
    """Addresses, subject, attachments and text are those that a reader finds."""
    messages = data()
    for name in EXPECTED.keys() & messages.keys():
        from_, to, subject, attachments, line = EXPECTED[name]
        message = received(messages[name])
        assert (message.from_, message.to, message.subject) == (from_, to, subject)
        names = [file.filename or file.content_type for file in message.attachments]
        assert names == attachments, name
        assert message.text.lstrip("\n").startswith(line), name
