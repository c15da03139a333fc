"""The envelope of a mail transaction (RFC 5321 §2.3.1)."""

from __future__ import annotations

import copy
import pickle

from pytest_smtpserver.protocol.syntax.addresses import Address, parse_mail_argument
from pytest_smtpserver.protocol.syntax.envelope import Envelope
from pytest_smtpserver.protocol.syntax.values import DeliverBy, MailValues


def test_an_envelope_begins_with_a_sender() -> None:
    """Without parameters nothing is declared, and lists belong to one envelope."""
    envelope = Envelope(Address("a@example.org"))
    assert envelope.mail_from == "a@example.org"
    assert (envelope.rcpt_to, envelope.rejected) == ([], [])
    assert (envelope.body, envelope.declared_size) == (None, None)
    assert (envelope.ret, envelope.envid, envelope.auth) == (None, None, None)
    assert (envelope.deliver_by, envelope.hold_for) == (None, None)
    assert (envelope.hold_until, envelope.priority) == (None, None)
    assert not envelope.smtputf8
    assert not envelope.require_tls
    envelope.rcpt_to.append(Address("b@example.org"))
    assert Envelope(Address("")).rcpt_to == []


def test_an_envelope_shows_the_values_of_its_parameters() -> None:
    """Every value of MAIL is an attribute of the envelope, by the same name."""
    values = MailValues(
        body="8BITMIME",
        smtputf8=True,
        declared_size=120,
        ret="HDRS",
        envid="QQ314159",
        auth="<>",
        require_tls=True,
        deliver_by=DeliverBy(120, "R"),
        hold_for=60,
        hold_until="2030-01-01T00:00:00Z",
        priority=-3,
    )
    envelope = Envelope(Address("a@example.org"), values)
    for name in MailValues._fields:
        assert getattr(envelope, name) == getattr(values, name)


def test_the_repr_tells_sender_recipients_and_parameters() -> None:
    """What a failing assertion prints is the envelope, not an object's address."""
    envelope = Envelope(parse_mail_argument(b"FROM:<a@example.org> SIZE=120 SMTPUTF8"))
    envelope.rcpt_to.append(Address("b@example.org"))
    assert repr(envelope) == (
        "<Envelope from 'a@example.org' to ['b@example.org'], SIZE=120, SMTPUTF8>"
    )
    envelope.reject(Address("c@example.org"))
    assert "rejected ['c@example.org']" in repr(envelope)


def test_envelopes_can_be_copied_and_pickled() -> None:
    """A copy has recipients of its own and the same values."""
    envelope = Envelope(Address("a@b"), MailValues(declared_size=5))
    envelope.rcpt_to.append(Address("c@d"))
    for twin in (copy.deepcopy(envelope), pickle.loads(pickle.dumps(envelope))):
        assert twin.mail_from == "a@b"
        assert twin.rcpt_to == ["c@d"]
        assert twin.rcpt_to is not envelope.rcpt_to
        assert twin.declared_size == 5


def test_reading_who_was_refused_changes_nothing() -> None:
    """A test reads while the server, in its own thread, refuses the next one."""
    envelope = Envelope(Address("a@example.org"))
    envelope.rejected.append(Address("nobody@example.org"))
    assert envelope.rejected == []
    envelope.reject(Address("b@example.org"))
    envelope.reject(Address("c@example.org"))
    assert envelope.rejected == ["b@example.org", "c@example.org"]
