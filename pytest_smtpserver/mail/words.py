"""The words of the neighbours: what other libraries call what we call otherwise.

Whoever comes from smtpdfix, pytest-localserver, aiosmtpd, Mailpit, smtplib, Django or
Node writes their words first. Similar letters lead astray (``use_starttls`` is not
``hide_starttls``), so a table is asked before them.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

_STARTTLS = "tls='starttls'"
_IMPLICIT = "tls='implicit'"
_USERS = "users={'name': 'password'}"

#: Options of servers and clients elsewhere.
OPTIONS: Mapping[str, str] = {
    "use_starttls": _STARTTLS,
    "starttls": _STARTTLS,
    "start_tls": _STARTTLS,
    "use_tls": f"{_STARTTLS} or {_IMPLICIT}",
    "enable_tls": f"{_STARTTLS} or {_IMPLICIT}",
    "require_starttls": f"{_STARTTLS}, require_tls=True",
    "use_ssl": _IMPLICIT,
    "ssl": _IMPLICIT,
    "secure": _IMPLICIT,
    "ssl_context": f"{_STARTTLS} or {_IMPLICIT} with certificate=context",
    "tls_context": f"{_STARTTLS} or {_IMPLICIT} with certificate=context",
    "context": f"{_STARTTLS} or {_IMPLICIT} with certificate=context",
    "certfile": "certificate=(certificate, key)",
    "keyfile": "certificate=(certificate, key)",
    "ssl_certs_path": "certificate=(certificate, key)",
    "ssl_cert_files": "certificate=(certificate, key)",
    "cert": "certificate=",
    "key": "certificate=(certificate, key)",
    "auth": _USERS,
    "authenticate": _USERS,
    "authenticator": "handlers={'CREDENTIALS': handler}",
    "auth_callback": "handlers={'CREDENTIALS': handler}",
    "onAuth": "handlers={'CREDENTIALS': handler}",
    "handler": "handlers={'MESSAGE': handler}, or on('MESSAGE').call(handler)",
    "username": _USERS,
    "user": _USERS,
    "login": _USERS,
    "login_name": _USERS,
    "login_username": _USERS,
    "password": _USERS,
    "login_password": _USERS,
    "credentials": _USERS,
    "auth_require_tls": "allow_insecure_auth=True for AUTH before TLS",
    "auth_exclude_mechanism": "auth_mechanisms=[…]",
    "enforce_auth": "auth_required=True",
    "require_auth": "auth_required=True",
    "timeout": "idle_timeout= for clients; smtp_server_timeout= in the ini for waits",
    "delay": "on(event).delay(seconds)",
    "name": "hostname=",
    "server_hostname": "hostname=",
    "fqdn": "hostname=",
    "ident": "banner=",
    "size": "max_message_size=",
    "data_size_limit": "max_message_size=",
    "max_size": "max_message_size=",
    "enable_SMTPUTF8": "extensions=[…, 'SMTPUTF8']",
    "decode_data": "nothing: message.text is decoded, message.content is as sent",
    "disabledCommands": "disabled_commands=",
    "socket": "start(listener=socket)",
    "unix_socket": "path=",
    "address": "host= and port=",
    "addr": "host= and port=",
    "config": "the options by name, as in smtp_server_factory(users={…})",
    "sender": "on('MAIL', address)",
    "recipient": "on('RCPT', address)",
    "reject": "on('RCPT', address).reply(550)",
}

#: Criteria of waits, `find` and assertions elsewhere.
CRITERIA: Mapping[str, str] = {
    "sender": "mail_from= (envelope) or from_= (header)",
    "from": "from_= (header) or mail_from= (envelope)",
    "from_email": "from_= (header) or mail_from= (envelope)",
    "from_addr": "mail_from=",
    "recipient": "rcpt_to= (envelope) or to= (header)",
    "recipients": "rcpt_to= (envelope; any of them) or to= (header)",
    "to_addrs": "rcpt_to=",
    "bcc": "rcpt_to=, since a Bcc is in the envelope alone",
    "body": "text= or html=",
    "content": "text= or html=",
    "message": "text= or html=",
    "payload": "text= or html=",
    "title": "subject=",
    "header": "headers={'X-Tag': 'welcome'}",
    "attachments": "attachment= (a file name)",
    "filename": "attachment= (a file name)",
    "predicate": "where=",
    "match": "where=",
    "count": "wait_for_messages(count, …) or assert_received(times=count, …)",
    "times": "assert_received(times=…) or wait_for_messages(count, …)",
    "within": "timeout= of a wait",
}

#: Criteria of rules; those of messages come with them at ``"MESSAGE"``.
RULE_CRITERIA: Mapping[str, str] = {
    "sender": "mail_from=",
    "from_": "mail_from=, or the event 'MESSAGE' for header fields",
    "from_addr": "mail_from=",
    "recipient": "rcpt_to=",
    "to": "rcpt_to=, or the event 'MESSAGE' for header fields",
    "username": "user=",
    "hostname": "helo=",
    "subject": "the event 'MESSAGE', where there is a subject",
    "body": "the event 'MESSAGE' with text= or html=",
    "times": ".times(n)",
    "code": ".reply(code, text)",
}

#: Attributes and methods of `email.message.Message` and of other libraries' messages.
MESSAGE: Mapping[str, str] = {
    "body": "message.text, message.html",
    "get_payload": "message.text, message.html, message.attachments; "
    "message.email.get_payload() is the standard library's",
    "get_content": "message.text, message.html",
    "get_body": "message.text, message.html",
    "walk": "message.email.walk()",
    "is_multipart": "message.email.is_multipart()",
    "get_content_type": "message.email.get_content_type()",
    "as_string": "message.content (the octets), message.email.as_string()",
    "as_bytes": "message.content",
    "raw": "message.content",
    "original_content": "message.content",
    "data": "message.content",
    "source": "message.content",
    "payload": "message.text, message.html",
    "plain": "message.text",
    "HTML": "message.html",
    "extra_headers": "message.headers",
    "get": "message.headers.get(name)",
    "get_all": "message.headers.get_all(name)",
    "items": "message.headers.items()",
    "keys": "message.headers",
    "sender": "message.from_ (header), message.envelope.mail_from",
    "mail_from": "message.envelope.mail_from",
    "mailfrom": "message.envelope.mail_from",
    "from_email": "message.from_",
    "from_addr": "message.envelope.mail_from",
    "recipients": "message.to (header), message.envelope.rcpt_to",
    "recipient": "message.to (header), message.envelope.rcpt_to",
    "rcpt_to": "message.envelope.rcpt_to",
    "rcpt_tos": "message.envelope.rcpt_to",
    "rcpttos": "message.envelope.rcpt_to",
    "to_addrs": "message.envelope.rcpt_to",
    "bcc": "message.envelope.rcpt_to, where a Bcc is too",
    "alternatives": "message.html",
    "files": "message.attachments",
    "details": "message.envelope, message.session",
    "peer": "message.session.remote_address",
    "client": "message.session",
    "id": "message.message_id",
    "timestamp": "message.received_at",
    "size": "len(message.content)",
}

#: What other servers of tests call their parts.
SERVER: Mapping[str, str] = {
    "outbox": "messages",
    "inbox": "messages",
    "mailbox": "messages",
    "mails": "messages",
    "emails": "messages",
    "received": "messages",
    "received_messages": "messages",
    "envelopes": "messages",
    "addr": "address",
    "server_address": "address",
    "hostname": "host (where it listens); hostname= is an option",
    "ip": "host",
    "config": "the options by name, as in @pytest.mark.smtp_server(users={…})",
    "handler": "on(event).call(handler)",
    "reject": "on('RCPT', address).reply(550)",
    "respond": "on(event).reply(code, text)",
    "connections": "sessions",
    "clients": "sessions",
    "log": "sessions[0].transcript",
    "clear": "messages.clear() or reset()",
    "flush": "messages.clear() or reset()",
    "delete_all": "messages.clear() or reset()",
    "close": "stop()",
    "shutdown": "stop()",
    "is_alive": "is_running",
    "wait": "wait_for_message(…)",
    "wait_for": "wait_for_message(…)",
    "wait_for_email": "wait_for_message(…)",
    "get_messages": "messages, messages.find(…)",
    "find": "messages.find(…)",
    "search": "messages.find(…)",
    "ssl_context": "client_context()",
    "context": "client_context()",
    "ca": "ca_file, or the fixture smtp_ca",
}

#: What other libraries call the answer of a mock or a stub.
RULE: Mapping[str, str] = {
    "respond": ".reply(code, text)",
    "response": ".reply(code, text)",
    "answer": ".reply(code, text)",
    "returns": ".reply(code, text)",
    "return_value": ".reply(code, text)",
    "reject": ".reply(550)",
    "refuse": ".reply(550)",
    "fail": ".reply(451) or .disconnect()",
    "error": ".reply(451) or .disconnect()",
    "accept": ".reply(250)",
    "side_effect": ".call(handler)",
    "do": ".call(handler)",
    "handle": ".call(handler)",
    "callback": ".call(handler)",
    "sleep": ".delay(seconds)",
    "wait": ".delay(seconds)",
    "timeout": ".hang()",
    "close": ".disconnect()",
    "drop": ".disconnect(), or .discard() for a message",
    "abort": ".reset()",
    "called_once": "len(rule.calls) == 1",
    "call_count": "len(rule.calls)",
    "assert_called": "nothing: a rule that is never used fails the test",
}


def suggestion(name: str, words: Mapping[str, str], allowed: Iterable[str] = ()) -> str:
    """What was meant by a name that there is not, as ``"; did you mean …?"``.

    Args:
        name: the name.
        words: a table of this module; asked first, in any case.
        allowed: the names that there are; the most similar one is second best.
    """
    folded = name.replace("-", "_").lower()
    for word, ours in words.items():
        if word.lower() == folded:
            return f"; here it is {ours}"
    near = difflib.get_close_matches(name, tuple(allowed), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown_name(
    noun: str,
    name: str,
    allowed: tuple[str, ...],
    words: Mapping[str, str] | None = None,
) -> str:
    """A message for a name that there is not, with what was probably meant."""
    hint = suggestion(name, words or {}, allowed)
    end = "" if hint.endswith("?") else "."
    return f"there is no {noun} {name!r}{hint}{end} There are: {', '.join(allowed)}"


def no_such_attribute(
    what: str, words: Mapping[str, str]
) -> Callable[[Any, str], object]:
    """A ``__getattr__`` that says what was probably meant.

    Args:
        what: has no such attribute, in words: ``"a rule"``.
        words: a table of this module.
    """

    def __getattr__(self: Any, name: str) -> object:  # noqa: N807 - it becomes one
        __tracebackhide__ = True
        public = (one for one in dir(type(self)) if not one.startswith("_"))
        hint = "" if name.startswith("_") else suggestion(name, words, public)
        raise AttributeError(f"{what} has no {name!r}{hint}", name=name, obj=self)

    return __getattr__


def no_items(message: Any, name: object) -> object:  # noqa: ARG001
    """A ``__getitem__`` for messages, which have fields and no items."""
    __tracebackhide__ = True
    raise TypeError(
        f"a message has no items such as {name!r}: message.headers['Subject'] has any "
        "header field, message.subject this one decoded, and message.email is the "
        "standard library's"
    )
