"""The states of a session, and the one table of what moves between them.

Two rules hold here. Every transition is a row of `TABLE`. And a transition is made by
the reply that was really sent, never by the command: after a 550 to RCPT there is no
recipient, whoever wanted the 550.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(Enum):
    """Where a session stands."""

    #: Connected; the greeting is not sent.
    CONNECT = "connected"
    #: The greeting was a refusal: only QUIT is of use (RFC 5321 §3.1).
    REFUSED = "refused"
    #: Greeted; no EHLO, HELO or LHLO yet, or TLS has begun anew.
    START = "greeted"
    #: The client has said who it is; no mail transaction is open.
    READY = "ready"
    #: MAIL was accepted, no recipient yet.
    MAIL = "in a transaction without recipients"
    #: At least one recipient was accepted.
    RCPT = "in a transaction with recipients"
    #: 354 was sent; content comes until the dot.
    CONTENT = "receiving data"
    #: A chunk was accepted that was not the last (RFC 3030).
    CHUNKING = "receiving chunks"
    #: A challenge was sent (RFC 4954 §4).
    AUTH = "authenticating"
    #: 220 was sent to STARTTLS; the handshake is next (RFC 3207 §4).
    TLS = "starting TLS"
    #: Nothing more will be read or sent.
    CLOSED = "closed"

    # Members are compared by identity anyway. The hash of `Enum` is a function in Python:
    # 3 % of what the engine takes for a message.
    if not TYPE_CHECKING:  # checkers take it for another method
        __hash__ = object.__hash__


_GREETED = frozenset({State.START, State.READY, State.MAIL, State.RCPT, State.CHUNKING})


class Row(NamedTuple):
    """Where a command or moment is in order, and where a reply to it leads.

    `positive`, `intermediate` and `negative` are the states after a 2yz, 3yz, and 4yz
    or 5yz reply; None leaves the state as it is. A negative reply moves a session only
    where the command was in order.
    """

    allowed: frozenset[State]
    positive: State | None = None
    intermediate: State | None = None
    negative: State | None = None


#: RFC 4954 §4: the exchange that AUTH has begun, line by line and at its end.
_EXCHANGE = Row(
    frozenset({State.READY, State.AUTH}), State.READY, State.AUTH, State.READY
)
_NEED_TRANSACTION = frozenset({State.MAIL, State.RCPT})

TABLE: Mapping[str, Row] = {
    # RFC 5321 §3.1: 220 opens the session, anything else refuses it.
    "CONNECT": Row(
        frozenset({State.CONNECT}), State.START, State.REFUSED, State.REFUSED
    ),
    # §4.1.4: EHLO may come at any time, and resets as RSET does.
    "EHLO": Row(_GREETED, State.READY),
    "HELO": Row(_GREETED, State.READY),
    "LHLO": Row(_GREETED, State.READY),
    # §4.1.1.2: one transaction at a time, and only after EHLO.
    "MAIL": Row(frozenset({State.READY}), State.MAIL),
    "RCPT": Row(_NEED_TRANSACTION, State.RCPT),
    # §4.1.1.4
    "DATA": Row(frozenset({State.RCPT}), None, State.CONTENT),
    # RFC 3030 §2: after a refused chunk the transaction has failed.
    "BDAT": Row(
        frozenset({State.RCPT, State.CHUNKING}), State.CHUNKING, None, State.READY
    ),
    # The reply to the content ends the transaction, whatever it is (§4.1.1.4). With a
    # lone BDAT LAST it is the first reply after the one to RCPT (RFC 3030 §2).
    "MESSAGE": Row(
        frozenset({State.CONTENT, State.CHUNKING, State.RCPT}),
        State.READY,
        State.READY,
        State.READY,
    ),
    "RSET": Row(_GREETED, State.START),
    # RFC 4954 §4: after EHLO, not inside a transaction.
    "AUTH": Row(frozenset({State.READY}), None, State.AUTH),
    "CREDENTIALS": _EXCHANGE,
    "RESPONSE": _EXCHANGE,
    # RFC 3207 §4: 220 hands the connection to TLS. A transaction ends with what was
    # known in clear text (§4.2), as Postfix has it; only AUTH has to stay out of one.
    "STARTTLS": Row(_GREETED, State.TLS),
    # §4.1.4: at any time.
    "NOOP": Row(_GREETED),
    "VRFY": Row(_GREETED),
    "EXPN": Row(_GREETED),
    "HELP": Row(_GREETED),
    # RFC 1985, and Postfix's two commands.
    "ETRN": Row(frozenset({State.READY})),
    "XCLIENT": Row(frozenset({State.START, State.READY}), State.START),
    "XFORWARD": Row(frozenset({State.START, State.READY})),
    "QUIT": Row(_GREETED | {State.REFUSED}, State.CLOSED),
}

#: The commands in it; the other rows are moments.
VERBS = frozenset(TABLE) - {"CONNECT", "MESSAGE", "CREDENTIALS", "RESPONSE"}

#: What a 503 says, by what is missing.
_MISSING: Mapping[tuple[str, State], str] = {
    ("MAIL", State.START): "send EHLO first",
    ("MAIL", State.MAIL): "nested MAIL command",
    ("MAIL", State.RCPT): "nested MAIL command",
    ("RCPT", State.START): "send EHLO first",
    ("RCPT", State.READY): "need MAIL command",
    ("DATA", State.START): "send EHLO first",
    ("DATA", State.READY): "need MAIL command",
    ("DATA", State.MAIL): "need RCPT command",
    ("DATA", State.CHUNKING): "DATA and BDAT cannot be mixed",
    ("BDAT", State.START): "send EHLO first",
    ("BDAT", State.READY): "need MAIL command",
    ("BDAT", State.MAIL): "need RCPT command",
    ("AUTH", State.START): "send EHLO first",
    ("AUTH", State.MAIL): "AUTH is not permitted during a mail transaction",
    ("AUTH", State.RCPT): "AUTH is not permitted during a mail transaction",
}


def what_is_missing(verb: str, state: State) -> str:
    """Why the command is out of order in the state."""
    if state is State.REFUSED:
        return "the connection was refused; only QUIT is left"
    return _MISSING.get((verb, state), "bad sequence of commands")


def next_state(name: str, state: State, code: int) -> State | None:
    """Where the reply to the command or moment leads; None for nowhere new.

    START after RSET and its like means READY for a client that has said EHLO.
    """
    # RFC 5321 §3.8 and §4.2.3: 421 announces that the channel is closed.
    if code == 421:
        return State.CLOSED
    row = TABLE.get(name)
    if row is None:
        return None
    if code < 300:
        return row.positive
    if code < 400:
        return row.intermediate
    return row.negative if state in row.allowed else None
