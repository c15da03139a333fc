"""The engine against the model of RFC 5321: any dialogue, cut anywhere."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pytest_smtpserver.protocol.state.states import State
from tests.protocol.driver import Driver, codes

from .model import Model

_NAMES = st.sampled_from(["a@example.org", "b.c@d.example", '"x y"@example.org'])
_LINES = st.sampled_from(
    [b"", b".", b"..", b"hello", b".hello", b"QUIT", b"\n", b"\r", b"a\rb", b"\x00\xff"]
)
_OCTETS = st.binary(max_size=12) | st.sampled_from([b"\r\n.\r\n", b"QUIT\r\n"])


class Dialogue(RuleBasedStateMachine):
    """Commands as a client may send them; each reply is the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.driver = Driver()

    def say(self, wire: bytes, expected: list[int], data: st.DataObject) -> None:
        """Send octets, cut somewhere; the replies are these."""
        cut = data.draw(st.integers(0, len(wire)))
        replies = self.driver.send_pieces([wire[:cut], wire[cut:]])
        assert codes(replies) == expected

    def reads_commands(self) -> bool:
        return self.model.content is None and not self.model.closed

    @precondition(reads_commands)
    @rule(data=st.data(), verb=st.sampled_from([b"EHLO", b"HELO", b"ehlo"]))
    def hello(self, data: st.DataObject, verb: bytes) -> None:
        self.say(verb + b" client.example\r\n", [self.model.hello()], data)

    @precondition(reads_commands)
    @rule(data=st.data(), sender=st.just("") | _NAMES)
    def mail(self, data: st.DataObject, sender: str) -> None:
        wire = f"MAIL FROM:<{sender}>\r\n".encode()
        self.say(wire, [self.model.mail(sender)], data)

    @precondition(reads_commands)
    @rule(data=st.data(), recipient=_NAMES)
    def rcpt(self, data: st.DataObject, recipient: str) -> None:
        wire = f"RCPT TO:<{recipient}>\r\n".encode()
        self.say(wire, [self.model.rcpt(recipient)], data)

    @precondition(reads_commands)
    @rule(data=st.data())
    def data_command(self, data: st.DataObject) -> None:
        self.say(b"DATA\r\n", [self.model.data()], data)

    @precondition(lambda self: self.model.content is not None)
    @rule(data=st.data(), line=_LINES)
    def content(self, data: st.DataObject, line: bytes) -> None:
        stuffed = b"." + line if line.startswith(b".") else line
        self.model.line_of_content(line + b"\r\n")
        self.say(stuffed + b"\r\n", [], data)

    @precondition(lambda self: self.model.content is not None)
    @rule(data=st.data())
    def end_of_data(self, data: st.DataObject) -> None:
        self.say(b".\r\n", [self.model.end_of_data()], data)

    @precondition(reads_commands)
    @rule(data=st.data(), octets=_OCTETS, last=st.booleans())
    def bdat(self, data: st.DataObject, octets: bytes, last: bool) -> None:
        wire = b"BDAT %d%b\r\n%b" % (len(octets), b" LAST" if last else b"", octets)
        self.say(wire, [self.model.bdat(octets, last=last)], data)

    @precondition(reads_commands)
    @rule(data=st.data())
    def rset(self, data: st.DataObject) -> None:
        self.say(b"RSET\r\n", [self.model.rset()], data)

    @precondition(reads_commands)
    @rule(data=st.data())
    def noop(self, data: st.DataObject) -> None:
        self.say(b"NOOP x y\r\n", [self.model.noop()], data)

    @precondition(reads_commands)
    @rule(data=st.data(), verb=st.sampled_from([b"XYZZY", b"", b"MAILFROM:<a@b>"]))
    def unknown(self, data: st.DataObject, verb: bytes) -> None:
        self.say(verb + b"\r\n", [self.model.unknown()], data)

    @precondition(reads_commands)
    @rule(
        data=st.data(), rest=st.sampled_from([b"", b" FROM:", b" <a@b>", b" FROM:a@b"])
    )
    def malformed(self, data: st.DataObject, rest: bytes) -> None:
        self.say(b"MAIL" + rest + b"\r\n", [self.model.malformed()], data)

    @precondition(reads_commands)
    @rule(data=st.data())
    def quit(self, data: st.DataObject) -> None:
        self.say(b"QUIT\r\n", [self.model.quit()], data)

    @precondition(lambda self: self.model.closed)
    @rule(data=st.data(), rest=st.binary(max_size=20))
    def after_quit(self, data: st.DataObject, rest: bytes) -> None:
        self.say(rest + b"\r\nNOOP\r\n", [], data)

    @invariant()
    def delivered_is_the_same(self) -> None:
        delivered = [(one[0], one[1], one[3]) for one in self.driver.heard.messages]
        assert delivered == self.model.delivered

    @invariant()
    def stands_where_the_model_stands(self) -> None:
        engine, model = self.driver.engine, self.model
        assert (engine.session.state is State.CLOSED) is model.closed
        assert (engine.session.state is State.CONTENT) is (model.content is not None)
        assert (
            engine.session.in_transaction is (model.sender is not None) or model.closed
        )


TestDialogue = Dialogue.TestCase
TestDialogue.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, derandomize=True
)
