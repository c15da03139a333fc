"""The neighbours' words: each leads to ours, and none astray."""

from __future__ import annotations

import copy
import pickle
import re
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_smtpserver import ReceivedMessage, Rule, SMTPServer
from pytest_smtpserver.mail import words
from pytest_smtpserver.mail.search.criteria import NAMES
from pytest_smtpserver.script.conditions import RULE_NAMES
from pytest_smtpserver.server.options.options import FIELDS

from .make import received

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("use_starttls", "tls='starttls'"),
        ("USE_STARTTLS", "tls='starttls'"),
        ("use-ssl", "tls='implicit'"),
        ("use_ssl", "tls='implicit'"),
        ("ssl", "tls='implicit'"),
        ("auth", "users={'name': 'password'}"),
        ("username", "users={'name': 'password'}"),
        ("login_username", "users={'name': 'password'}"),
        ("timeout", "idle_timeout="),
        ("config", "options by name"),
        ("sender", "on('MAIL', address)"),
        ("tsl", "did you mean 'tls'?"),
        ("certifcate", "did you mean 'certificate'?"),
    ],
)
def test_options(word: str, ours: str) -> None:
    """A table first, then similar letters."""
    with pytest.raises(TypeError, match=f"no option {word!r}") as refused:
        SMTPServer(**{word: True})  # type: ignore[arg-type]  # that is the mistake
    assert ours in str(refused.value)
    assert "mean 'hide_starttls'" not in str(refused.value)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("sender", "mail_from= (envelope)"),
        ("recipient", "rcpt_to="),
        ("body", "text= or html="),
        ("attachments", "attachment="),
        ("subjct", "did you mean 'subject'?"),
    ],
)
def test_criteria(word: str, ours: str) -> None:
    """Of waits and assertions, and of rules at 'MESSAGE'."""
    criteria: dict[str, Any] = {word: "x"}
    with SMTPServer() as server:
        for ask in (
            server.wait_for_message,
            server.assert_received,
            server.messages.find,
            lambda **given: server.on("MESSAGE", **given),
        ):
            with pytest.raises(TypeError, match="no criterion") as refused:
                ask(**criteria)
            assert ours in str(refused.value)


def test_criteria_of_rules() -> None:
    """Before there is a message they are fewer, and it is said when there is one."""
    criteria: dict[str, Any] = {"subject": "x"}
    with (
        SMTPServer() as server,
        pytest.raises(TypeError, match="here it is the event 'MESSAGE'"),
    ):
        server.on("RCPT", **criteria)


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("get_payload", "message.text, message.html, message.attachments"),
        ("body", "message.text, message.html"),
        ("sender", "message.from_"),
        ("as_string", "message.content"),
        ("original_content", "message.content"),
        ("HTML", "message.html"),
        ("details", "message.envelope, message.session"),
        ("mailfrom", "message.envelope.mail_from"),
        ("rcpttos", "message.envelope.rcpt_to"),
        ("subjct", "did you mean 'subject'?"),
        ("nothing_like_it", "a message has no 'nothing_like_it'"),
    ],
)
def test_attributes_of_a_message(word: str, ours: str) -> None:
    """An AttributeError with what there is in its place."""
    message = received("Subject: x\r\n\r\n")
    with pytest.raises(AttributeError, match=re.escape(ours)):
        getattr(message, word)
    assert not hasattr(message, word)


def test_a_message_has_no_items() -> None:
    """It is no email.message.Message, and says where its fields are."""
    message = cast("Any", received("Subject: x\r\n\r\n"))
    for mistake in (lambda: message["Subject"], lambda: "Subject" in message):
        with pytest.raises(TypeError, match=r"message\.headers\['Subject'\]"):
            mistake()


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("outbox", "messages"),
        ("addr", "address"),
        ("envelopes", "here it is messages"),
        ("search", "messages.find("),
        ("delete_all", "messages.clear()"),
        ("config", "options by name"),
        ("wait_for_mesage", "did you mean 'wait_for_message'?"),
    ],
)
def test_attributes_of_a_server(word: str, ours: str) -> None:
    """Read or set."""
    server = SMTPServer()
    with pytest.raises(AttributeError, match=re.escape(ours)):
        getattr(server, word)
    with pytest.raises(AttributeError, match=re.escape(ours)):
        setattr(server, word, 1)


@pytest.mark.parametrize("option", ["strict", "tls", "max_message_size", "users"])
def test_an_option_is_no_attribute(option: str) -> None:
    """Setting one is a mistake that says where options are given."""
    server = SMTPServer()
    with pytest.raises(AttributeError, match=rf"smtp_server\({option}=1\)"):
        setattr(server, option, 1)


def test_what_may_be_set_is_set() -> None:
    """And methods may be replaced, as test doubles do it."""
    server = SMTPServer()
    server.default_timeout = 3
    server.explain_in_full = True
    replaceable: Any = server
    replaceable.settle = lambda *, timeout=1.0: True
    assert server.settle()


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("respond", ".reply(code, text)"),
        ("return_value", ".reply(code, text)"),
        ("side_effect", ".call(handler)"),
        ("hangs", "did you mean 'hang'?"),
    ],
)
def test_methods_of_a_rule(word: str, ours: str) -> None:
    """As mocks and stubs call them."""
    rule = SMTPServer().on("MAIL").reply(451)
    with pytest.raises(AttributeError, match=re.escape(ours)):
        getattr(rule, word)


def test_a_message_can_be_copied() -> None:
    """What Python itself looks for is not there, and nothing more."""
    message = received("Subject: x\r\n\r\n")
    assert copy.copy(message).content == message.content
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(SMTPServer())


@pytest.mark.parametrize(
    ("table", "there"),
    [
        (words.OPTIONS, set(FIELDS)),
        (words.CRITERIA, set(NAMES)),
        (words.RULE_CRITERIA, set(RULE_NAMES)),
        (words.MESSAGE, set(dir(ReceivedMessage))),
        (words.SERVER, set(dir(SMTPServer))),
        (words.RULE, set(dir(Rule))),
    ],
    ids=["options", "criteria", "rule criteria", "message", "server", "rule"],
)
def test_no_word_of_a_table_is_ours(table: Mapping[str, str], there: set[str]) -> None:
    """What there is needs no translation, and nobody would see it."""
    assert not {word for word in table if word in there} - {"hostname", "close"}


def test_what_a_table_names_is_there() -> None:
    """A word that leads to nothing would lead astray."""
    waits = {"timeout", "times"}
    events = {"handlers", "on", "start", "nothing", "smtp_server_factory"}
    for table, there, pattern in (
        (words.MESSAGE, dir(ReceivedMessage), r"message\.(\w+)"),
        (words.RULE, dir(Rule), r"(?<!\w)\.(\w+)\("),
        (words.OPTIONS, {*FIELDS, "smtp_server_timeout"}, r"(?<![\w({])(\w+)="),
        (words.CRITERIA, {*NAMES, *waits}, r"(\w+)="),
        (words.RULE_CRITERIA, {*NAMES, *RULE_NAMES}, r"(\w+)="),
        # What each begins with.
        (words.SERVER, {*dir(SMTPServer), "the"}, r"^(\w+)"),
        (words.OPTIONS, {*FIELDS, *events, "the"}, r"^(\w+)"),
        (words.RULE, {*dir(Rule), "len", "nothing"}, r"^\.?(\w+)"),
        (words.MESSAGE, {"message", "len"}, r"^(\w+)"),
    ):
        for word, ours in table.items():
            for name in re.findall(pattern, ours):
                assert name in there, (word, name)


#: What each is called by others: by table, and the library whose word it is.
_ELSEWHERE = {
    "OPTIONS": """
        smtpdfix: use_starttls use_ssl enforce_auth auth_require_tls ssl_certs_path
            ssl_cert_files login_name login_password
        aiosmtpd: handler authenticator auth_callback require_starttls ssl_context
            tls_context auth_exclude_mechanism ident data_size_limit enable_SMTPUTF8
            decode_data server_hostname unix_socket
        npm smtp-server: secure key cert name size onAuth disabledCommands
        smtplib and http.server: context certfile keyfile timeout address
        aiosmtplib: start_tls use_tls username password
        Mailpit, Mailhog and other people's fixtures: starttls enable_tls ssl auth
            authenticate user login credentials require_auth delay fqdn max_size socket
            addr config sender recipient reject""",
    "CRITERIA": """
        smtplib: from_addr to_addrs
        Django: from_email recipients bcc body message attachments
        email.message: sender from recipient content payload header filename
        others: title predicate match count times within""",
    "RULE_CRITERIA": """
        others: sender from_ from_addr recipient to username hostname subject body times
            code""",
    "MESSAGE": """
        email.message: get_payload get_content get_body walk is_multipart
            get_content_type as_string as_bytes get get_all items keys
        Django: body from_email recipients alternatives
        aiosmtpd: peer mail_from rcpt_tos
        smtplib: from_addr to_addrs
        others: raw data source payload plain sender recipient rcpt_to bcc files client
            id timestamp size""",
    "SERVER": """
        Django: outbox
        pytest-localserver: addr
        smtpdfix: config hostname messages
        others: inbox mailbox mails emails received received_messages server_address ip
            handler reject respond connections clients log clear flush close shutdown
            is_alive wait wait_for wait_for_email get_messages find ssl_context context
            ca""",
    "RULE": """
        unittest.mock: return_value side_effect call_count assert_called
        responses and respx: respond response answer callback
        others: returns reject refuse fail error accept do handle sleep wait timeout
            close drop abort called_once""",
}


@pytest.mark.parametrize("table", _ELSEWHERE)
def test_each_word_of_the_neighbours_leads_to_ours(table: str) -> None:
    """In the case that they have it, and in any other."""
    elsewhere = re.sub(r"[^:\n]+:", "", _ELSEWHERE[table])
    for word in set(elsewhere.split()) - {"messages"}:
        for name in (word, word.upper(), word.replace("_", "-")):
            hint = words.suggestion(name, getattr(words, table), dir(SMTPServer))
            assert hint.startswith("; here it is "), name
