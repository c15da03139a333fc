"""The same octets, read by mailparser, by postal-mime and by us.

Where they differ, one of `KNOWN` says why ours is right; all else is a mistake.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings

from tests.mail.letters import LETTERS
from tests.mail.make import on_the_wire
from tests.mail.test_corpus_cpython import data
from tests.mail.test_corpus_libraries import LIBRARIES
from tests.mail.test_corpus_nodemailer import written

from . import shapes
from .peers import Peers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .peers import Difference

__all__ = ["written"]


class Known(NamedTuple):
    """Why a peer differs: where, in which attribute, in which messages."""

    peer: str
    attribute: str
    messages: str
    reason: str


BOTH = ".*"
KNOWN = [
    Known(
        "postal-mime",
        "text|html|subject",
        r"(iso-8859-1|windows-1252|euc-kr|ks_c_5601-1987|cp-850|iso-8859-8-i)\b",
        "it decodes by Node's TextDecoder, which reads windows-1252 as ISO 8859-1, has "
        "no rows of windows-949 and no code page 850; Encoding section 9.1 and 13.1",
    ),
    Known(
        BOTH,
        "to",
        r"^To: (\(Empty|Pete|Mary Smith <@|John Doe <jdoe@machine\(|u@\[)",
        "comments, groups, routes, blanks at dots and address literals: the examples "
        "of RFC 5322 appendix A.1.3, A.5, A.6.1 and A.6.3 and of RFC 5321 section 4.1.3",
    ),
    Known(
        BOTH,
        "to",
        r'^To: ("john doe"@|Ada <"ada"@)',
        "quotes of a local-part stay where they are needed, RFC 5321 section 4.1.2",
    ),
    Known(
        BOTH,
        "from|to|cc",
        r"^(To: (Love|a@b.org, Love|<root>|MAILER)|msg_(05|15|43))",
        "a word is no address, RFC 5322 section 3.4",
    ),
    Known(
        "postal-mime",
        "to|from",
        "^flask_mail many recipients",
        "a comma in a name without quotes: mailparser agrees with us",
    ),
    Known(
        "mailparser",
        "to",
        "^flask_mail many recipients",
        "it gives the words before an unquoted comma to the mailbox before them",
    ),
    Known(
        BOTH,
        "to",
        r'^To: (<<|"Ada|=\?|Ada \(x|Ada <a@b.org,|a@b.org c|A <a|<a@b.org,'
        r"|a@b.org>|Ada <a@b.org> x|Ada <a b|<mailto|<=\?)",
        "broken lists, in which RFC 5322 section 3.4.1 has no address with blanks, "
        "brackets or commas in it: the peers hide an address, or make one of two",
    ),
    Known(
        "postal-mime",
        "to",
        '^To: Ada <"a>b"',
        "a bracket between quotes, RFC 5322 section 3.2.4: mailparser agrees with us",
    ),
    Known(
        "postal-mime",
        "subject",
        r"^Subject: =\?utf-8\?b\?4oI",
        "a character cut by the border of two words: mailparser agrees with us",
    ),
    Known(
        BOTH,
        "subject",
        r"^Subject: .*What\?\?",
        "a question mark that is not encoded; Thunderbird and Gmail read it",
    ),
    Known(
        "mailparser",
        "file names",
        r"filename\*=%E6%97%A5",
        "RFC 2231 section 4: the asterisk says that it is percent-encoded; postal-mime "
        "agrees with us",
    ),
    Known(
        BOTH,
        "file names",
        r"filename=my file \(1\)",
        "blanks show that the quotes are missing, so that the parentheses are no "
        "comment (RFC 2045 section 5.1)",
    ),
    Known(
        "mailparser",
        "file types",
        "^(stdlib_legacy|redmail) ",
        "it guesses the type from the name; RFC 2046 section 4.5.1 forbids it",
    ),
    Known(
        "mailparser",
        "text|html|file.*",
        "^msg_(02|30|34|42|46|06|07|10|11|28|37)",
        "forwarded messages and digests are attachments, RFC 8621 section 4.1.4",
    ),
    Known(
        BOTH,
        "text|file.*",
        "^msg_(04|44)",
        "a later part with a name is an attachment, RFC 8621 section 4.1.4",
    ),
    Known(
        "postal-mime",
        "text|html",
        "^msg_(08|09|10|12)",
        "text beside HTML is not made HTML, nor the other way round, RFC 8621 "
        "section 4.1.4 leaves that to who shows it",
    ),
    Known(
        BOTH,
        "text|file.*",
        "^msg_(14|17|25|31|41)",
        "a type that is none is text/plain (RFC 2045 section 5.2), and a multipart that "
        "cannot be taken apart is shown: the peers show nothing at all",
    ),
    Known(
        BOTH,
        "text|html",
        "^msg_(19|35|47)",
        "a line that is no field ends the header, RFC 5322 section 2.1: it is text, "
        "which the peers lose",
    ),
    Known(
        "mailparser",
        "subject",
        "^msg_27",
        "unfolding keeps the tab, RFC 5322 section 2.2.3",
    ),
    Known(
        BOTH,
        "text|file.*",
        "^msg_38",
        "a boundary of a multipart further out ends it, RFC 2046 section 5.1.2",
    ),
    Known(
        "mailparser",
        "html",
        "^msg_40",
        "text/html has no parts, whatever its boundary, RFC 2046 section 5.1",
    ),
]


@pytest.fixture(scope="module")
def peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    """One process for all messages."""
    reader = Peers(tmp_path_factory.mktemp("peers"))
    yield reader
    reader.close()


def reason_for(name: str, difference: Difference) -> Known | None:
    for known in KNOWN:
        if (
            re.fullmatch(known.peer, difference.peer)
            and re.fullmatch(known.attribute, difference.attribute)
            and re.search(known.messages, name)
        ):
            return known
    return None


def unexplained(
    peers: Peers, messages: Mapping[str, bytes]
) -> tuple[list[str], set[Known]]:
    """Differences without a reason, and the reasons that were needed."""
    left, used = [], set()
    for name, difference in peers.differences(messages):
        known = reason_for(name, difference)
        if known is None:
            left.append(f"{name!r}: {difference}")
        else:
            used.add(known)
    return left, used


@pytest.mark.timeout(300)
def test_shapes(peers: Peers) -> None:
    """At least three hundred, each with its source, and no reason that nobody needs."""
    made = [*shapes.bodies(), *shapes.fields()]
    messages = {shape.name: shape.content for shape in made}
    assert len(messages) >= 400
    assert all("RFC" in shape.source or "Encoding" in shape.source for shape in made)
    left, used = unexplained(peers, messages)
    assert left == []
    of_corpora = re.compile(r"msg_|flask|stdlib")
    assert [
        known
        for known in KNOWN
        if known not in used and not of_corpora.search(known.messages)
    ] == []


@pytest.mark.timeout(300)
def test_corpora(peers: Peers, written: dict[str, bytes]) -> None:
    """What libraries and nodemailer make of the letters, and what CPython tests with."""
    messages = {f"nodemailer {name}": content for name, content in written.items()}
    for library in LIBRARIES:
        for letter in LETTERS:
            name = f"{library.__name__} {letter.name}"
            messages[name] = on_the_wire(library(letter))
    messages.update(data())
    left, _ = unexplained(peers, messages)
    assert left == []


@pytest.mark.timeout(300)
@settings(max_examples=150, deadline=None)
@given(message=shapes.generated())
def test_generated_messages(peers: Peers, message: shapes.Shape) -> None:
    """Texts, names, subjects and addresses that nobody has thought of."""
    left, _ = unexplained(peers, {message.name: message.content})
    assert left == []
