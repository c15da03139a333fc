"""The dialogues that RFCs print run as they stand."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_smtpserver.protocol.settings import Settings
from pytest_smtpserver.protocol.states import State

from .driver import Driver, codes
from .transcripts import FOLDER, keywords, read, scripted

if TYPE_CHECKING:
    from pytest_smtpserver.protocol.events import Event
    from pytest_smtpserver.protocol.replies import Reply

NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))

#: The printed servers name VRFY and HELP in EHLO, which no RFC asks for.
_SETTINGS = {
    "rfc3207-5": Settings(tls="starttls"),
    "rfc4616-4": Settings(auth=True, users={"tim": "tanstaaftanstaaf"}),
    "rfc4616-4-authzid": Settings(auth=True, users={"Kurt": "xipj3plmq"}),
}
_DEFAULT = Settings(advertise=("VRFY", "HELP"))


class _Rules:
    """Gives the replies that the printed server made up its own mind about."""

    def __init__(self, name: str) -> None:
        self._replies = iter(scripted(read(name)))

    def __call__(self, event: Event) -> Reply | None:
        if event.name == "CREDENTIALS" and event.command is not None:
            return None  # it was AUTH's turn, for the same reply
        return next(self._replies)


def _driver(name: str) -> Driver:
    return Driver(_SETTINGS.get(name, _DEFAULT), _Rules(name))


def test_all_dialogues_are_there() -> None:
    """The dialogues that the foundation promises are among the transcripts."""
    assert {
        "rfc5321-d1",
        "rfc5321-d2",
        "rfc5321-d3-step1",
        "rfc5321-d3-step2",
        "rfc5321-d4",
        "rfc2920-no-pipelining",
        "rfc2920-pipelined",
        "rfc2920-all-refused",
        "rfc2920-all-refused-late",
        "rfc3207-5",
        "rfc4616-4",
        "rfc4616-4-authzid",
    } <= set(NAMES)


@pytest.mark.parametrize("step", [None, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("name", NAMES)
def test_a_printed_dialogue_runs_as_it_stands(name: str, step: int | None) -> None:
    """The codes come in the printed order, and EHLO names the printed keywords."""
    turns = read(name)
    driver = _driver(name)
    assert codes(driver.greeting) == turns[0].codes
    for turn in turns[1:]:
        if driver.engine.state is State.TLS:
            driver.start_tls()
        answer = driver.send(turn.data, step=step)
        assert codes(answer) == turn.codes, turn.sent
        printed = turn.replies[0][0]
        if turn.sent[0].startswith("EHLO"):
            ours = keywords(answer.decode().splitlines())
            assert keywords(printed) <= ours | {"DSN"}


def test_what_is_delivered_in_appendix_d1() -> None:
    """RFC 5321 D.1: Jones and Brown get the mail, Green is refused."""
    driver = _driver("rfc5321-d1")
    for turn in read("rfc5321-d1")[1:]:
        driver.send(turn.data)
    assert driver.heard.messages == [
        (
            "Smith@bar.com",
            ["Jones@foo.com", "Brown@foo.com"],
            ["Green@foo.com"],
            b"Blah blah blah...\r\n...etc. etc. etc.\r\n".replace(
                b"\r\n...", b"\r\n.."
            ),
        )
    ]
    assert driver.engine.state is State.CLOSED


def test_nothing_is_delivered_in_appendix_d2() -> None:
    """RFC 5321 D.2: RSET ends the transaction without mail."""
    driver = _driver("rfc5321-d2")
    for turn in read("rfc5321-d2")[1:]:
        driver.send(turn.data)
    assert driver.heard.messages == []


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
