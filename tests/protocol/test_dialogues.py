"""The dialogues that RFCs print run as they stand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_smtpserver.protocol.state.settings import Settings
from pytest_smtpserver.protocol.state.states import State
from tests.transcript import Transcript, load, names, play, split_replies

from .driver import Driver, codes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_smtpserver.protocol.state.events import Event
    from pytest_smtpserver.protocol.syntax.replies import Reply

#: Options that the engine wants as a set.
_SETS = ("extensions", "hide", "disabled_commands")
#: Whom the client's certificate names, where a dialogue has one.
_IDENTITY = "ada@example.org"


class EnginePeer:
    """The engine alone, as a server that a transcript is played against."""

    def __init__(self, transcript: Transcript) -> None:
        options: dict[str, Any] = {
            name: frozenset(value) if name in _SETS else value
            for name, value in transcript.options.items()
        }
        for name in ("advertise", "auth_mechanisms"):
            options[name] = tuple(options.get(name, ()))
        self._rules = transcript.rules
        self.driver = Driver(
            Settings(**options, auth="users" in options),
            self._script,
            (transcript.nonce, transcript.salt),
        )
        self.replies = split_replies(self.driver.greeting)

    def send(self, data: bytes, /) -> None:
        self.replies += split_replies(self.driver.send(data))

    def read_reply(self) -> Reply:
        return self.replies.pop(0)

    def start_tls(self) -> None:
        assert self.driver.engine.session.state is State.TLS
        self.driver.start_tls(_IDENTITY)

    def _script(self, event: Event) -> Reply | None:
        subject = _subject(event)
        for rule in self._rules:
            if rule.event == event.name and rule.match in (None, subject):
                return rule.reply
        return None


def _subject(event: Event) -> str | None:
    if event.name == "CREDENTIALS" and event.credentials is not None:
        return event.credentials.username
    if event.name == "MESSAGE":
        return event.recipient
    if event.command is None:
        return None
    return event.command.address or event.command.argument


def run(name: str, cut: Callable[[bytes], Iterable[bytes]]) -> Driver:
    """Send all that the client sends as fast as TLS allows, cut like that."""
    transcript = load(name)
    peer = EnginePeer(transcript)
    for number, segment in enumerate(transcript.segments):
        if number:
            peer.start_tls()
        peer.replies += split_replies(peer.driver.send_pieces(cut(segment)))
    transcript.check(peer.replies)
    return peer.driver


def _whole(segment: bytes) -> list[bytes]:
    return [segment]


def _bytes(segment: bytes) -> list[bytes]:
    return [segment[place : place + 1] for place in range(len(segment))]


def test_all_dialogues_are_there() -> None:
    """Every dialogue that is promised has a transcript, and its source is named."""
    assert names() == sorted(
        [
            "rfc2033-4.2",
            "rfc2195-2",
            "rfc2920-all-refused",
            "rfc2920-all-refused-late",
            "rfc2920-no-pipelining",
            "rfc2920-pipelined",
            "rfc3030-4.1",
            "rfc3030-4.2",
            "rfc3207-5",
            *(f"rfc3461-10.{number}" for number in range(1, 6)),
            "rfc4616-4",
            "rfc4616-4-authzid",
            "rfc4954-4.1-cram-md5",
            "rfc4954-4.1-external",
            "rfc4954-4.1-initial-response",
            "rfc4954-4.1-plain",
            "rfc5321-d1",
            "rfc5321-d2",
            "rfc5321-d3-step1",
            "rfc5321-d3-step2",
            "rfc5321-d4",
            "rfc7628-4.1",
            "rfc7677-3",
        ]
    )


@pytest.mark.parametrize("name", names())
def test_a_printed_dialogue_runs_as_it_stands(name: str) -> None:
    """Turn by turn, each reply is the printed one."""
    transcript = load(name)
    peer = EnginePeer(transcript)
    replies = play(transcript, peer)
    assert replies
    assert peer.replies == [], "and nothing more is said"


@pytest.mark.parametrize("name", names())
def test_a_printed_dialogue_may_be_cut_anywhere(name: str) -> None:
    """All at once and byte by byte: the printed replies, and the same record."""
    assert run(name, _bytes).heard == run(name, _whole).heard


@given(data=st.data())
def test_any_cuts_of_a_printed_dialogue_change_nothing(data: st.DataObject) -> None:
    """Wherever and however often it is cut."""
    name = data.draw(st.sampled_from(names()))

    def cut(segment: bytes) -> list[bytes]:
        places = st.lists(st.integers(0, len(segment)), max_size=9).map(sorted)
        bounds = itertools.pairwise([0, *data.draw(places), len(segment)])
        return [segment[start:end] for start, end in bounds]

    assert run(name, cut).heard == run(name, _whole).heard


def test_what_is_delivered_in_appendix_d1() -> None:
    """RFC 5321 D.1: Jones and Brown get the mail, Green is refused."""
    driver = run("rfc5321-d1", _whole)
    assert driver.heard.messages == [
        (
            "Smith@bar.com",
            ["Jones@foo.com", "Brown@foo.com"],
            ["Green@foo.com"],
            b"Blah blah blah...\r\n..etc. etc. etc.\r\n",
        )
    ]
    assert driver.engine.session.state is State.CLOSED


def test_nothing_is_delivered_in_appendix_d2() -> None:
    """RFC 5321 D.2: RSET ends the transaction without mail."""
    assert run("rfc5321-d2", _whole).heard.messages == []


def test_what_the_chunks_of_rfc_3030_make() -> None:
    """RFC 3030 §4.1: 86 octets; §4.2: 100,324 in three chunks, the last one empty."""
    content = run("rfc3030-4.1", _whole).heard.messages[0][3]
    assert content.startswith(b"To: Susan@random.com\r\n")
    assert len(content) == 86
    driver = run("rfc3030-4.2", _whole)
    assert len(driver.heard.messages[0][3]) == 100_324
    assert driver.engine.session.sink.chunks == [100_000, 324, 0]


@pytest.mark.parametrize(
    ("name", "credentials"),
    [
        ("rfc4616-4", ("PLAIN", "tim", "tanstaaftanstaaf")),
        ("rfc4616-4-authzid", ("PLAIN", "Kurt", "xipj3plmq")),
        ("rfc4954-4.1-external", ("EXTERNAL", _IDENTITY, None)),
        ("rfc7628-4.1", ("OAUTHBEARER", "user@example.com", None)),
        ("rfc7677-3", ("SCRAM-SHA-256", "user", None)),
        ("rfc2195-2", ("CRAM-MD5", "tim", None)),
    ],
)
def test_whom_a_dialogue_shows(
    name: str, credentials: tuple[str, str, str | None]
) -> None:
    """The names and passwords that the RFCs print beside their base64."""
    assert run(name, _whole).heard.credentials == [credentials]


#: Dialogues in one piece each, with everything in them that a cut could disturb.
_RECORDED = {
    "pipelined": (
        Settings(),
        (
            b"EHLO client\r\nMAIL FROM:<a@b.example> SIZE=30 BODY=8BITMIME\r\n"
            b"RCPT TO:<c@d.example> NOTIFY=NEVER\r\nRCPT TO:<bad\r\nDATA\r\n"
            b"Subject: x\r\n\r\n..\r\n.\n\r.\r\r\n..a\r\n\xff\x00\r\n.\r\n"
            b"RSET\r\nNOOP x\r\nnonsense\r\n\r\nVRFY a\r\nEXPN a\r\nHELP\r\nQUIT\r\n"
        ),
    ),
    "empty content": (
        Settings(),
        (
            b"HELO client\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\nDATA\r\n.\r\n"
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n"
            b".\r.\r\n.\n.\r\n\r\n.\r\nQUIT\r\n"
        ),
    ),
    "chunks": (
        Settings(),
        (
            b"EHLO client\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\n"
            b"BDAT 4\r\n.\r\n.BDAT 0\r\nBDAT 6 LAST\r\nQUIT\r\nBDAT 3 LAST\r\nabcQUIT\r\n"
        ),
    ),
    "auth": (
        Settings(auth=True, users={"tim": "tanstaaftanstaaf"}),
        (
            b"EHLO client\r\nAUTH LOGIN\r\ndGlt\r\n*\r\nauth plain "
            b"AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\nAUTH PLAIN\r\nMAIL FROM:<a@b.example>\r\n"
            b"RSET\r\nQUIT\r\n"
        ),
    ),
    "lmtp": (
        Settings(lmtp=True),
        (
            b"EHLO client\r\nLHLO client\r\nMAIL FROM:<a@b.example>\r\n"
            b"RCPT TO:<c@d.example>\r\nRCPT TO:<e@d.example>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"
        ),
    ),
}


@pytest.mark.parametrize("name", _RECORDED)
def test_every_single_cut_changes_nothing(name: str) -> None:
    """Cut in two at every place, and byte by byte, a dialogue gives the same."""
    options, data = _RECORDED[name]
    whole = Driver(options)
    replies = whole.send(data)
    assert codes(replies), "a dialogue without replies shows nothing"
    for cut in range(1, len(data)):
        driver = Driver(options)
        assert driver.send_pieces([data[:cut], data[cut:]]) == replies, cut
        assert driver.heard == whole.heard
    dripped = Driver(options)
    assert dripped.send(data, step=1) == replies
    assert dripped.heard == whole.heard


@given(data=st.data())
def test_any_cuts_change_nothing(data: st.DataObject) -> None:
    """However many cuts there are, replies and record stay the same."""
    options, wire = _RECORDED[data.draw(st.sampled_from(sorted(_RECORDED)))]
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=12).map(sorted))
    whole, cut_up = Driver(options), Driver(options)
    replies = whole.send(wire)
    bounds = itertools.pairwise([0, *cuts, len(wire)])
    assert cut_up.send_pieces([wire[a:b] for a, b in bounds]) == replies
    assert cut_up.heard == whole.heard


_WORDS = st.sampled_from(
    [
        b"EHLO c\r\n",
        b"HELO c\r\n",
        b"LHLO c\r\n",
        b"MAIL FROM:<a@b.example>\r\n",
        b"MAIL FROM:<> SIZE=99999999 BODY=BINARYMIME\r\n",
        b"RCPT TO:<c@d.example>\r\n",
        b"RCPT TO:<c@d.example> ORCPT=rfc822;x+2B\r\n",
        b"DATA\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"BDAT 3\r\n",
        b"BDAT 2 LAST\r\n",
        b"RSET\r\n",
        b"AUTH PLAIN\r\n",
        b"AUTH LOGIN dGlt\r\n",
        b"AUTH SCRAM-SHA-256 biwsbj11LHI9bg==\r\n",
        b"AUTH OAUTHBEARER =\r\n",
        b"*\r\n",
        b"STARTTLS\r\n",
        b"QUIT\r\n",
        b"\n",
    ]
)
_SERVERS = st.sampled_from(
    [
        Settings(),
        Settings(
            auth=True,
            users={"tim": "x"},
            auth_mechanisms=(
                "PLAIN",
                "LOGIN",
                "CRAM-MD5",
                "SCRAM-SHA-256",
                "OAUTHBEARER",
                "XOAUTH2",
                "EXTERNAL",
                "ANONYMOUS",
            ),
        ),
        Settings(lmtp=True, max_recipients=1, max_messages=2),
        Settings(tls="starttls", require_tls=True),
        Settings(extensions=frozenset(), max_message_size=3, max_command_length=80),
        Settings(lenient_addresses=True, lenient_parameters=True, auth_required=True),
    ]
)


@given(
    options=_SERVERS,
    pieces=st.lists(st.one_of(_WORDS, st.binary(max_size=60)), max_size=30),
)
@settings(max_examples=300)
def test_any_bytes_give_replies_or_a_closed_session(
    options: Settings, pieces: list[bytes]
) -> None:
    """Nothing that a client sends makes the engine raise; what it says is replies."""
    driver = Driver(options)
    replies = driver.greeting + driver.send_pieces(pieces)
    assert replies.endswith(b"\r\n")
    for line in replies.split(b"\r\n")[:-1]:
        assert line[:3].isdigit(), line
        assert b"\r" not in line
        assert b"\n" not in line
