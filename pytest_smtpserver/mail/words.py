"""Names that other libraries use, and the name of the same thing in this package.

People who come from smtpdfix, pytest-localserver, aiosmtpd, Mailpit, smtplib, Django or
Node try the names that they know. `protocol.naming` looks these up in the tables here
and suggests ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_STARTTLS = "tls='starttls'"
_IMPLICIT = "tls='implicit'"
_USERS = "users={'name': 'password'}"

#: Options of servers and clients elsewhere.
OPTIONS: Mapping[str, str] = {
    "use_starttls": _STARTTLS,
    **dict.fromkeys(
        ("starttls", "enable_starttls", "with_starttls", "offer_starttls", "auto_tls"),
        _STARTTLS,
    ),
    "use_tls": f"{_STARTTLS} or {_IMPLICIT}",
    "enable_tls": f"{_STARTTLS} or {_IMPLICIT}",
    "require_starttls": f"{_STARTTLS}, require_tls=True",
    "force_starttls": f"{_STARTTLS}, require_tls=True",
    "starttls_required": f"{_STARTTLS}, require_tls=True",
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
    **dict.fromkeys(
        (
            "auth",
            "authenticate",
            "username",
            "user",
            "login",
            "login_name",
            "credentials",
        ),
        _USERS,
    ),
    **dict.fromkeys(("password", "login_username", "login_password"), _USERS),
    "authenticator": "handlers={'CREDENTIALS': handler}",
    "auth_callback": "handlers={'CREDENTIALS': handler}",
    "onAuth": "handlers={'CREDENTIALS': handler}",
    "handler": "handlers={'MESSAGE': handler}, or on('MESSAGE').call(handler)",
    "auth_require_tls": "allow_insecure_auth=True for AUTH before TLS",
    "auth_exclude_mechanism": "auth_mechanisms=[…]",
    "enforce_auth": "auth_required=True",
    "require_auth": "auth_required=True",
    "timeout": "idle_timeout= for clients; smtp_server_timeout= in the ini for waits",
    "delay": "on(event).delay(seconds)",
    **dict.fromkeys(
        ("name", "server_hostname", "server_name", "fqdn", "domain"), "hostname="
    ),
    **dict.fromkeys(("ident", "greeting", "welcome"), "banner="),
    **dict.fromkeys(("bind", "listen", "interface", "ip"), "host="),
    **dict.fromkeys(("tls_required", "force_tls"), "require_tls=True with tls="),
    **dict.fromkeys(("login_required", "require_login"), "auth_required=True"),
    **dict.fromkeys(("auth_methods", "auth_types"), "auth_mechanisms=[…]"),
    **dict.fromkeys(("max_clients", "connection_limit"), "max_connections="),
    **dict.fromkeys(("ca_file", "cafile", "ca_cert"), "ca=, or client_ca="),
    **dict.fromkeys(("ssl_certfile", "tls_cert"), "certificate=(certificate, key)"),
    **dict.fromkeys(("ssl_keyfile", "tls_key"), "certificate=(certificate, key)"),
    **dict.fromkeys(
        ("callback", "on_message", "hooks"), "handlers={'MESSAGE': handler}"
    ),
    **dict.fromkeys(("log", "logging", "log_level"), "logger="),
    **dict.fromkeys(("smtputf8", "pipelining", "chunking", "dsn"), "extensions=[…]"),
    "protocol": "lmtp=True for LMTP; SMTP is the usual",
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
    **dict.fromkeys(
        ("from_email", "sender_address", "email_from", "mail_sender"),
        "from_= (header) or mail_from= (envelope)",
    ),
    **dict.fromkeys(
        ("email", "address", "mail_to", "to_email", "sent_to", "to_address"),
        "to= (header) or rcpt_to= (envelope)",
    ),
    **dict.fromkeys(("envelope_to", "rcpt", "rcpts", "rcpt_tos"), "rcpt_to="),
    "envelope_from": "mail_from=",
    **dict.fromkeys(
        ("message_id", "date", "in_reply_to", "content_type", "tag"),
        "headers={'Message-ID': …}, with the name of the field",
    ),
    **dict.fromkeys(
        ("contains", "subject_contains", "body_contains", "startswith"),
        "the value of a criterion: subject=containing('…')",
    ),
    **dict.fromkeys(
        ("regex", "pattern", "matching"),
        "the value of a criterion: subject=re.compile('…')",
    ),
    **dict.fromkeys(("after", "newer_than"), "since= of a wait, with mark()"),
    **dict.fromkeys(
        ("link", "code", "user", "session", "helo"),
        "where=lambda message: …, which has it",
    ),
    **dict.fromkeys(("filter", "condition", "func", "callback"), "where="),
    "plain": "text=",
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
    **dict.fromkeys(
        ("times", "exactly", "at_least", "number", "n", "limit"),
        "assert_received(times=…) or wait_for_messages(count, …)",
    ),
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
    "count": ".times(n)",
    **dict.fromkeys(("code", "reply", "response", "answer"), ".reply(code, text)"),
    "handler": ".call(handler)",
    "delay": ".delay(seconds)",
    "address": "the argument behind the event: on('RCPT', 'bob@example.org')",
    "mechanism": "the argument behind the event: on('AUTH', 'PLAIN')",
}

#: Attributes and methods of `email.message.Message` and of other libraries' messages.
MESSAGE: Mapping[str, str] = {
    **dict.fromkeys(("body", "get_content", "get_body"), "message.text, message.html"),
    "advice": "nothing: smtp_server.advice has that on all messages",
    "violations": "nothing: smtp_server.violations has those of all messages",
    "get_payload": "message.text, message.html, message.attachments; "
    "message.email.get_payload() is the standard library's",
    "walk": "message.email.walk()",
    "is_multipart": "message.email.is_multipart()",
    "get_content_type": "message.email.get_content_type()",
    "as_string": "message.content (the octets), message.email.as_string()",
    **dict.fromkeys(
        ("as_bytes", "raw", "original_content", "data", "source"), "message.content"
    ),
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
    "created": "message.received_at",
    "size": "len(message.content)",
    "mail_options": "message.envelope.mail_from.parameters",
    "sender_options": "message.envelope.mail_from.parameters",
    "rcpt_options": "message.envelope.rcpt_to[0].parameters",
    "smtp_utf8": "message.envelope.smtputf8",
    "host_name": "message.session.helo",
    "ssl": "message.session.tls",
    "authenticated": "message.session.user",
    "auth_data": "message.session.auth_attempts",
    "login_data": "message.session.auth_attempts",
    "username": "message.session.user",
    "extended_smtp": "message.session.opening_command == 'EHLO'",
    "proxy_data": "message.session.remote_address, with proxy_protocol=True",
    "loop": "nothing: the server has its own",
    "inline": "message.inline_images",
    "tags": "message.headers['X-Tags']",
    "snippet": "message.text[:250]",
    "read": "nothing: who waits for a message gets the next one each time",
    "return_path": "message.envelope.mail_from",
    "list_unsubscribe": "message.headers['List-Unsubscribe']",
    "encoding": "message.headers['Content-Type'], message.email.get_content_charset()",
    "content_subtype": "message.email.get_content_subtype()",
    "body_contains": "message.text, as in: 'words' in message.text",
    "message": "message.email",
    "iter_attachments": "message.attachments",
    "iter_parts": "message.email.iter_parts()",
    "get_filename": "message.attachments[0].filename",
    "values": "message.headers.values()",
    **dict.fromkeys(
        ("attach", "attach_file", "attach_alternative", "send"),
        "nothing: a message that was received does not change",
    ),
    "delete": "nothing: smtp_server.messages.clear() forgets all",
}

#: What others call the parts of a session.
SESSION: Mapping[str, str] = {
    "peer": "session.remote_address",
    "client_address": "session.remote_address",
    "peername": "session.remote_address",
    "ip": "session.remote_address[0]",
    "host_name": "session.helo",
    "hostname": "session.helo, session.client_hostname",
    "ehlo": "session.helo",
    "ssl": "session.tls",
    "secure": "session.tls is not None",
    "extended_smtp": "session.opening_command == 'EHLO'",
    "authenticated": "session.user is not None",
    "login": "session.user",
    "username": "session.user",
    "auth_data": "session.auth_attempts",
    "login_data": "session.auth_attempts",
    "proxy_data": "session.remote_address, with proxy_protocol=True",
    "loop": "nothing: the server has its own",
    "log": "session.transcript",
    "dialogue": "session.transcript",
    "lines": "session.transcript, session.commands",
    "closed": "not session.is_open",
    "rcpt_tos": "session.envelope.rcpt_to",
    "rcpttos": "session.envelope.rcpt_to",
    "mailfrom": "session.envelope.mail_from",
    "mail_options": "session.envelope.mail_from.parameters",
    "sender_options": "session.envelope.mail_from.parameters",
    "rcpt_options": "session.envelope.rcpt_to[0].parameters",
    "smtp_utf8": "session.envelope.smtputf8",
    "original_content": "session.messages[0].content",
    "data": "session.messages[0].content",
}

#: What others call the parts of an attached file.
ATTACHMENT: Mapping[str, str] = {
    "name": "attachment.filename",
    "file_name": "attachment.filename",
    "get_filename": "attachment.filename",
    "mimetype": "attachment.content_type",
    "mime_type": "attachment.content_type",
    "type": "attachment.content_type",
    "get_content_type": "attachment.content_type",
    "get_content_maintype": "attachment.content_type",
    "get_content_subtype": "attachment.content_type",
    "get_payload": "attachment.content, decoded already",
    "get_content": "attachment.content, decoded already",
    "payload": "attachment.content, decoded already",
    "data": "attachment.content",
    "body": "attachment.content",
    "bytes": "attachment.content",
    "read": "attachment.content",
    "as_bytes": "attachment.content",
    "decode": "attachment.content.decode()",
    "text": "attachment.content.decode()",
    "html": "attachment.content.decode()",
    "size": "len(attachment.content)",
    "cid": "attachment.content_id",
    "part_id": "attachment.content_id",
    "id": "attachment.content_id",
    "get_content_charset": "nothing: attachment.content is octets; "
    "message.email.iter_attachments() has the parts as the standard library reads them",
    **dict.fromkeys(("get", "headers"), "those of message.email.iter_attachments()"),
    **dict.fromkeys(
        ("get_content_disposition", "is_attachment"),
        "nothing: message.inline_images belong to the HTML, message.attachments do not",
    ),
    "save": "pathlib.Path(file).write_bytes(attachment.content)",
}

#: What others ask of their list of messages.
MESSAGES: Mapping[str, str] = {
    "filter": "messages.find(…)",
    "search": "messages.find(…)",
    "get": "messages.find(…), messages[0]",
    "first": "messages[0]",
    "last": "messages[-1]",
    "latest": "messages[-1]",
    "total": "len(messages)",
    "size": "len(messages)",
    "wait": "smtp_server.wait_for_message(…)",
    "wait_for": "smtp_server.wait_for_message(…)",
    "empty": "messages.clear(), or not messages",
    "flush": "messages.clear()",
    "delete": "messages.clear()",
    "delete_all": "messages.clear()",
    **dict.fromkeys(
        ("append", "extend", "insert", "pop", "remove", "reverse", "sort", "copy"),
        "nothing: messages come over the wire; list(messages) is a list to change",
    ),
}

#: What other servers of tests call their parts.
SERVER: Mapping[str, str] = {
    **dict.fromkeys(("outbox", "inbox", "mailbox", "mails", "emails"), "messages"),
    **dict.fromkeys(("received", "received_messages", "envelopes"), "messages"),
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
    "session": "sessions[0]",
    "envelope": "messages[0].envelope",
    "transcript": "sessions[0].transcript",
    "count": "len(messages)",
    "total": "len(messages)",
    "delete": "messages.clear() or reset()",
    "event_handler": "on(event).call(handler)",
    "accepting": "is_running",
    **dict.fromkeys(("server", "smtpd"), "nothing: the server is this object"),
    **dict.fromkeys(
        (
            "loop",
            "factory",
            "server_coro",
            "cancel_tasks",
            "ready_timeout",
            "transport",
        ),
        "nothing: start() returns once the server is ready, and has its own event loop",
    ),
    **{
        f"{prefix}_{verb}": f"on({verb!r}).call(handler)"
        for prefix in ("handle", "smtp")
        for verb in ("EHLO", "HELO", "MAIL", "RCPT", "RSET", "NOOP", "VRFY", "QUIT")
    },
    "handle_DATA": "on('MESSAGE').call(handler)",
    "process_message": "on('MESSAGE').call(handler)",
    "handle_exception": "errors",
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


def no_items(message: Any, name: object) -> object:  # noqa: ARG001
    """A ``__getitem__`` for messages, which have fields and no items."""
    __tracebackhide__ = True
    raise TypeError(
        f"a message has no items such as {name!r}: message.headers['Subject'] has any "
        "header field, message.subject this one decoded, and message.email is the "
        "standard library's"
    )


def no_mails_here(server: Any, number: object) -> object:  # noqa: ARG001
    """A ``__getitem__`` for servers, which are not the list of their messages."""
    __tracebackhide__ = True
    raise TypeError(
        f"a server has no items such as {number!r}: its mail is in smtp_server.messages, "
        "a sequence"
    )
