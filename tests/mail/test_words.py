"""The neighbours' words: each leads to ours, and none astray."""

from __future__ import annotations

import copy
import pickle
import re
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_smtpserver import (
    Attachment,
    Messages,
    ReceivedMessage,
    Rule,
    SessionRecord,
    SMTPServer,
)
from pytest_smtpserver.mail import words
from pytest_smtpserver.mail.outcomes import AuthAttempt
from pytest_smtpserver.mail.search.criteria import NAMES
from pytest_smtpserver.protocol import naming
from pytest_smtpserver.protocol.state.events import MOMENTS
from pytest_smtpserver.protocol.state.states import VERBS
from pytest_smtpserver.protocol.syntax import addresses, envelope
from pytest_smtpserver.script import event, script
from pytest_smtpserver.script.conditions import RULE_NAMES
from pytest_smtpserver.script.event import Event
from pytest_smtpserver.server.options.options import FIELDS

from .make import RECEIVED_AT, received

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
        ("tls_required", "require_tls=True"),
        ("max_clients", "max_connections="),
        ("greeting", "banner="),
        ("login_required", "auth_required=True"),
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
        ("email", "to= (header) or rcpt_to= (envelope)"),
        ("in_reply_to", "headers={"),
        ("subject_contains", "subject=containing("),
        ("exactly", "times="),
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
    with pytest.raises(AttributeError, match=f"^a message has no '{word}'") as refused:
        getattr(message, word)
    assert ours in str(refused.value)
    assert not hasattr(message, word)


def _parts() -> dict[str, object]:
    """What a test holds in its hands, each under the name that errors give it."""
    message = received(
        "Subject: x\r\nContent-Type: text/csv\r\n"
        "Content-Disposition: attachment; filename=a.csv\r\n\r\na,b\r\n"
    )
    return {
        "message": message,
        "envelope": message.envelope,
        "session": SessionRecord("1", ("192.0.2.1", 2), ("192.0.2.2", 25), RECEIVED_AT),
        "attachment": message.attachments[0],
        "messages": SMTPServer().messages,
        "headers": message.headers,
        "server": SMTPServer(),
        "address": message.envelope.mail_from,
        "event": Event("RCPT", message.session),
        "login attempt": AuthAttempt("PLAIN"),
    }


@pytest.mark.parametrize(
    ("part", "word", "ours"),
    [
        # aiosmtpd's Envelope and Session.
        ("envelope", "rcpt_tos", "envelope.rcpt_to"),
        ("envelope", "mail_options", "envelope.mail_from.parameters"),
        ("envelope", "rcpt_options", "envelope.rcpt_to[0].parameters"),
        ("envelope", "original_content", "message.content"),
        ("envelope", "content", "message.content"),
        ("envelope", "orcpt", "envelope.rcpt_to[0].orcpt"),
        ("envelope", "smtp_utf8", "envelope.smtputf8"),
        ("message", "mail_options", "message.envelope.mail_from.parameters"),
        ("message", "smtp_utf8", "message.envelope.smtputf8"),
        ("session", "peer", "session.remote_address"),
        ("session", "host_name", "session.helo"),
        ("session", "ssl", "session.tls"),
        ("session", "extended_smtp", "session.opening_command == 'EHLO'"),
        ("session", "authenticated", "session.user is not None"),
        ("session", "auth_data", "session.auth_attempts"),
        ("session", "rcpt_tos", "session.envelope.rcpt_to"),
        ("session", "mail_from", "session.envelope.mail_from"),
        # Ours, on another object.
        ("session", "rcpt_to", "session.envelope.rcpt_to"),
        ("session", "chunks", "session.messages[0].chunks"),
        ("session", "content", "session.messages[0].content"),
        # pytest-localserver's details.
        ("envelope", "mailfrom", "envelope.mail_from"),
        ("envelope", "rcpttos", "envelope.rcpt_to"),
        ("envelope", "peer", "message.session.remote_address"),
        # Django.
        ("envelope", "from_email", "envelope.mail_from"),
        ("envelope", "bcc", "envelope.rcpt_to"),
        ("envelope", "subject", "message.subject"),
        ("message", "attach", "nothing: a message that was received does not change"),
        # email.message.
        ("message", "get_charset", "message.email.get_charset"),
        ("message", "iter_attachments", "message.attachments"),
        ("attachment", "get_filename", "attachment.filename"),
        ("attachment", "get_payload", "attachment.content, decoded"),
        ("attachment", "get_content_type", "attachment.content_type"),
        ("attachment", "walk", "next(message.email.iter_attachments()).walk"),
        ("attachment", "fielname", "did you mean 'filename'?"),
        ("headers", "add_header", "message.email.add_header"),
        ("headers", "subject", "message.subject"),
        # Mailpit.
        ("message", "MessageID", "did you mean 'message_id'?"),
        ("message", "ReturnPath", "message.envelope.mail_from"),
        ("message", "Username", "message.session.user"),
        ("attachment", "Size", "len(attachment.content)"),
        ("messages", "search", "messages.find("),
        ("messages", "total", "len(messages)"),
        # A list, and what is on another object of ours.
        ("messages", "append", "nothing: messages come over the wire"),
        ("messages", "subject", "messages[0].subject"),
        ("message", "helo", "message.session.helo"),
        ("message", "ret", "message.envelope.ret"),
        ("server", "subject", "messages[0].subject"),
        ("server", "helo", "sessions[0].helo"),
        ("server", "tls", "the option tls="),
        ("server", "handle_RCPT", "on('RCPT').call(handler)"),
        ("server", "smtpd", "nothing: the server is this object"),
        ("server", "cafile", "ca_file, or the fixture smtp_ca"),
        ("login attempt", "user", "attempt.username"),
        ("login attempt", "pasword", "did you mean 'password'?"),
        # What handlers get elsewhere, and addresses.
        ("event", "rcpt_tos", "event.envelope.rcpt_to"),
        ("event", "rcpt_options", "event.address.parameters"),
        ("event", "respond", "what the handler returns: return Reply(550, "),
        ("event", "mail_from", "event.envelope.mail_from"),
        ("event", "helo", "event.session.helo"),
        ("event", "content", "event.message.content"),
        ("address", "addr_spec", "the str itself"),
        ("address", "username", "address.local_part"),
        ("address", "options", "address.parameters"),
        ("address", "domian", "did you mean 'domain'?"),
    ],
)
def test_attributes_of_what_a_test_holds(part: str, word: str, ours: str) -> None:
    """An AttributeError that names ours, also where that is on another object."""
    with pytest.raises(AttributeError, match=re.escape(f"has no {word!r}")) as refused:
        getattr(_parts()[part], word)
    leads = "; " if ours.startswith("did you mean") else "; here it is "
    assert leads + ours in str(refused.value)


def test_a_server_is_no_list_of_messages() -> None:
    """As Django's mailoutbox is one."""
    server = cast("Any", SMTPServer())
    for mistake in (lambda: server[0], lambda: list(server)):
        with pytest.raises(TypeError, match=r"smtp_server\.messages"):
            mistake()


def test_what_is_copied_stays_what_it_is() -> None:
    """Python asks classes for names that begin with an underscore."""
    for name in ("envelope", "attachment", "session"):
        part = _parts()[name]
        assert type(copy.copy(part)) is type(part)
    assert pickle.loads(pickle.dumps(_parts()["attachment"])) == _parts()["attachment"]


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
        (words.SESSION, set(dir(SessionRecord))),
        (words.ATTACHMENT, set(dir(Attachment))),
        (words.MESSAGES, set(dir(Messages))),
        (envelope.WORDS, set(dir(envelope.Envelope))),
        (addresses.WORDS, set(dir(addresses.Address))),
        (event.WORDS, set(dir(Event))),
    ],
    ids=[
        "options",
        "criteria",
        "rule criteria",
        "message",
        "server",
        "rule",
        "session",
        "attachment",
        "messages",
        "envelope",
        "address",
        "event",
    ],
)
def test_no_word_of_a_table_is_ours(table: Mapping[str, str], there: set[str]) -> None:
    """What there is needs no translation, and nobody would see it."""
    assert not {word for word in table if word in there} - {"hostname", "close"}


def test_what_a_table_names_is_there() -> None:
    """A word that leads to nothing would lead astray."""
    waits = {"timeout", "times", "since"}
    events = {"handlers", "on", "start", "nothing", "smtp_server_factory"}
    for table, there, pattern in (
        (words.MESSAGE, dir(ReceivedMessage), r"message\.(\w+)"),
        (words.RULE, dir(Rule), r"(?<!\w)\.(\w+)\("),
        (words.OPTIONS, {*FIELDS, "smtp_server_timeout"}, r"(?<![\w({])(\w+)="),
        (words.CRITERIA, {*NAMES, *waits}, r"(\w+)="),
        (words.RULE_CRITERIA, {*NAMES, *RULE_NAMES}, r"(\w+)="),
        # What each begins with.
        (words.SERVER, {*dir(SMTPServer), "the", "len", "nothing"}, r"^(\w+)"),
        (words.OPTIONS, {*FIELDS, *events, "the"}, r"^(\w+)"),
        (words.RULE, {*dir(Rule), "len", "nothing"}, r"^\.?(\w+)"),
        (words.MESSAGE, {"message", "len", "nothing"}, r"^(\w+)"),
        (words.SESSION, {"session", "not", "nothing"}, r"^(\w+)"),
        (
            words.ATTACHMENT,
            {"attachment", "len", "nothing", "pathlib", "those"},
            r"^(\w+)",
        ),
        (words.MESSAGES, {"messages", "len", "smtp_server", "nothing"}, r"^(\w+)"),
        (
            words.CRITERIA,
            {*NAMES, *waits, "the", "assert_received", "wait_for_messages"},
            r"^(\w+)",
        ),
        (words.RULE_CRITERIA, {*NAMES, *RULE_NAMES, *dir(Rule), "the"}, r"^\.?(\w+)"),
        (envelope.WORDS, {"envelope", "message"}, r"^(\w+)"),
        (addresses.WORDS, {"address", "the", "message"}, r"^(\w+)"),
        (event.WORDS, {"event", "str", "nothing", "what"}, r"^(\w+)"),
        (script.EVENTS, {"'", "nothing", "the"}, r"^('|\w+)"),
        (words.SESSION, dir(SessionRecord), r"session\.(\w+)"),
        (words.ATTACHMENT, dir(Attachment), r"attachment\.(\w+)"),
        (words.MESSAGES, dir(Messages), r"(?<!\w)messages\.(\w+)"),
        (script.EVENTS, {*MOMENTS, *VERBS, "*", "PLAIN", "LOGIN"}, r"'([^']+)'"),
        (addresses.WORDS, dir(addresses.Address), r"(?<!\.)address\.(\w+)"),
        (event.WORDS, dir(Event), r"event\.(\w+)"),
        (envelope.WORDS, dir(ReceivedMessage), r"message\.(\w+)"),
        (envelope.WORDS, dir(envelope.Envelope), r"envelope\.(\w+)"),
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
            addr config sender recipient reject persona""",
    "CRITERIA": """
        smtplib: from_addr to_addrs
        Django: from_email recipients bcc body message attachments
        email.message: sender from recipient content payload header filename
        Received-SPF (RFC 7208 section 9.1): envelope_from
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
            ca cafile certificate_file assert_sent assert_message_sent assert_count
            wait_for_mail last_message expect fail_next on_rcpt""",
    "RULE": """
        unittest.mock: return_value side_effect call_count assert_called
        responses and respx: respond response answer callback
        others: returns reject refuse fail error accept do handle sleep wait timeout
            close drop abort called_once twice replies""",
    "SESSION": """
        aiosmtpd: peer ssl host_name extended_smtp loop authenticated auth_data
            login_data proxy_data rcpt_tos mail_options rcpt_options smtp_utf8
            original_content
        pytest-localserver: rcpttos mailfrom
        asyncio and http.server: peername client_address
        others: ip hostname ehlo secure login username log dialogue lines closed data
            sender_options tls_version is_tls""",
    "ATTACHMENT": """
        email.message: get_filename get_content_type get_content_maintype
            get_content_subtype get_payload get_content as_bytes get_content_charset
            get_content_disposition is_attachment get
        Django: mimetype
        Mailpit: size part_id
        files and responses: name read text bytes headers save
        others: file_name mime_type type payload data body decode html cid id""",
    "MESSAGES": """
        list: append extend insert pop remove reverse sort copy
        Mailpit: search total
        querysets: filter get first last latest delete
        others: size wait wait_for empty flush delete_all find_all""",
    "ENVELOPE": """
        aiosmtpd: mail_options rcpt_tos rcpt_options smtp_utf8 original_content
        smtplib: from_addr to_addrs
        pytest-localserver: mailfrom peer
        Django: from_email recipients bcc to cc from_ subject
        RFC 5321: reverse_path forward_paths return_path
        others: sender recipient sender_options parameters size refused notify orcpt
            data client_address host_name helo authenticated user username auth_data
            login_data ssl tls text html headers content attachments session reply_to
            link links code email date message_id""",
    "ADDRESS": """
        email.headerregistry: addr_spec username display_name
        npm smtp-server: address args
        others: addr email user local mailbox host hostname options params name""",
    "EVENT": """
        aiosmtpd: rcpt_tos mail_options rcpt_options peer host_name server push login
        pytest-localserver: rcpttos mailfrom data
        npm smtp-server: stream callback username password
        others: args line verb event auth_data reply respond response send reject""",
    "EVENTS": """
        aiosmtpd: handle_DATA handle_STARTTLS handle_AUTH handle_exception handle_hook
            auth_PLAIN auth_LOGIN
        smtpd: process_message
        asyncio: connection_made connection_lost eof
        npm smtp-server: onSecure onAuth onConnect onMailFrom onRcptTo onData onClose
        milters: envfrom envrcpt eom header body
        others: connected connection disconnect disconnected end closed TLS SSL start_tls
            login authenticate accept open mailfrom from sender rcptto to recipient
            received message_received mail_received email headers greeting banner hello
            password any all command""",
}
_TABLES = {
    "ENVELOPE": envelope.WORDS,
    "ADDRESS": addresses.WORDS,
    "EVENT": event.WORDS,
    "EVENTS": script.EVENTS,
}


@pytest.mark.parametrize("table", _ELSEWHERE)
def test_each_word_of_the_neighbours_leads_to_ours(table: str) -> None:
    """In the case that they have it, and in any other."""
    elsewhere = re.sub(r"[^:\n]+:", "", _ELSEWHERE[table])
    for word in set(elsewhere.split()) - {"messages"}:
        others = (word.replace("_", mark) for mark in ("-", " ", ""))
        for name in (word, word.upper(), *others):
            leads = _TABLES.get(table) or getattr(words, table)
            hint = naming.suggestion(name, leads, dir(SMTPServer))
            assert hint.startswith("; here it is "), name
