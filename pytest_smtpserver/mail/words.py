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


def by_name(ours: Mapping[str, str]) -> dict[str, str]:
    """The table of answers by name, from one that has the names for each answer."""
    return {name: answer for answer, names in ours.items() for name in names.split()}


#: Options of servers and clients elsewhere.
OPTIONS: Mapping[str, str] = by_name(
    {
        "tls='starttls'": (
            "use_starttls starttls enable_starttls with_starttls offer_starttls auto_tls"
        ),
        "tls='starttls' or tls='implicit'": "use_tls enable_tls",
        "tls='starttls', require_tls=True": (
            "require_starttls force_starttls starttls_required"
        ),
        "tls='implicit'": "use_ssl ssl secure",
        "tls='starttls' or tls='implicit' with certificate=context": (
            "ssl_context tls_context context"
        ),
        "certificate=(certificate, key)": (
            "certfile keyfile ssl_certs_path ssl_cert_files key ssl_certfile tls_cert "
            "ssl_keyfile tls_key"
        ),
        "certificate=": "cert",
        "users={'name': 'password'}": (
            "auth authenticate username user login login_name credentials password "
            "login_username login_password"
        ),
        "handlers={'CREDENTIALS': handler}": "authenticator auth_callback onAuth",
        "handlers={'MESSAGE': handler}, or on('MESSAGE').call(handler)": "handler",
        "allow_insecure_auth=True for AUTH before TLS": "auth_require_tls",
        "auth_mechanisms=[…]": "auth_exclude_mechanism auth_methods auth_types",
        "auth_required=True": "enforce_auth require_auth login_required require_login",
        "idle_timeout= for clients; smtp_server_timeout= in the ini for waits": "timeout",
        "on(event).delay(seconds)": "delay",
        "hostname=": "name server_hostname server_name fqdn domain",
        "banner=": "ident greeting welcome",
        "host=": "bind listen interface ip",
        "require_tls=True with tls=": "tls_required force_tls",
        "max_connections=": "max_clients connection_limit",
        "ca=, or client_ca=": "cafile ca_file ca_cert",
        "handlers={'MESSAGE': handler}": "callback on_message hooks",
        "logger=": "log logging log_level",
        "extensions=[…]": "smtputf8 pipelining chunking dsn",
        "lmtp=True for LMTP; SMTP is the usual": "protocol",
        "max_message_size=": "size data_size_limit max_size",
        "extensions=[…, 'SMTPUTF8']": "enable_SMTPUTF8",
        "nothing: message.text is decoded, message.content is as sent": "decode_data",
        "disabled_commands=": "disabledCommands",
        "start(listener=socket)": "socket",
        "path=": "unix_socket",
        "host= and port=": "address addr",
        "the options by name, as in smtp_server_factory(users={…})": "config",
        "on('MAIL', address)": "sender",
        "on('RCPT', address)": "recipient",
        "on('RCPT', address).reply(550)": "reject",
        "nothing: smtp_server.play(personas.gmail()) does that": "persona personas",
    }
)

#: Criteria of waits, `find` and assertions elsewhere.
CRITERIA: Mapping[str, str] = by_name(
    {
        "mail_from= (envelope) or from_= (header)": "sender",
        "from_= (header) or mail_from= (envelope)": (
            "from from_email sender_address email_from mail_sender"
        ),
        "to= (header) or rcpt_to= (envelope)": (
            "email address mail_to to_email sent_to to_address"
        ),
        "rcpt_to=": "envelope_to rcpt rcpts rcpt_tos to_addrs",
        "mail_from=": "envelope_from from_addr",
        "headers={'Message-ID': …}, with the name of the field": (
            "message_id date in_reply_to content_type tag"
        ),
        "the value of a criterion: subject=containing('…')": (
            "contains subject_contains body_contains startswith"
        ),
        "the value of a criterion: subject=re.compile('…')": "regex pattern matching",
        "since= of a wait, with mark()": "after newer_than",
        "where=lambda message: …, which has it": "link code user session helo",
        "where=": "filter condition func callback predicate match",
        "text=": "plain",
        "rcpt_to= (envelope) or to= (header)": "recipient",
        "rcpt_to= (envelope; any of them) or to= (header)": "recipients",
        "rcpt_to=, since a Bcc is in the envelope alone": "bcc",
        "text= or html=": "body content message payload",
        "subject=": "title",
        "headers={'X-Tag': 'welcome'}": "header",
        "attachment= (a file name)": "attachments filename",
        "wait_for_messages(count, …) or assert_received(times=count, …)": "count",
        "assert_received(times=…) or wait_for_messages(count, …)": (
            "times exactly at_least number n limit"
        ),
        "timeout= of a wait": "within",
    }
)

#: Criteria of rules; those of messages come with them at ``"MESSAGE"``.
RULE_CRITERIA: Mapping[str, str] = by_name(
    {
        "mail_from=": "sender from_addr",
        "mail_from=, or the event 'MESSAGE' for header fields": "from_",
        "rcpt_to=": "recipient",
        "rcpt_to=, or the event 'MESSAGE' for header fields": "to",
        "user=": "username",
        "helo=": "hostname",
        "the event 'MESSAGE', where there is a subject": "subject",
        "the event 'MESSAGE' with text= or html=": "body",
        ".times(n)": "times count",
        ".reply(code, text)": "code reply response answer",
        ".call(handler)": "handler",
        ".delay(seconds)": "delay",
        "the argument behind the event: on('RCPT', 'bob@example.org')": "address",
        "the argument behind the event: on('AUTH', 'PLAIN')": "mechanism",
    }
)

#: Attributes and methods of `email.message.Message` and of other libraries' messages.
MESSAGE: Mapping[str, str] = by_name(
    {
        "message.text, message.html": "body get_content get_body payload",
        "nothing: smtp_server.advice has that on all messages": "advice",
        "nothing: smtp_server.violations has those of all messages": "violations",
        (
            "message.text, message.html, message.attachments; message.email.get_payload()"
            " is the standard library's"
        ): ("get_payload"),
        "message.email.walk()": "walk",
        "message.email.is_multipart()": "is_multipart",
        "message.email.get_content_type()": "get_content_type",
        "message.content (the octets), message.email.as_string()": "as_string",
        "message.content": "as_bytes raw original_content data source",
        "message.text": "plain",
        "message.html": "HTML alternatives",
        "message.headers": "extra_headers keys",
        "message.headers.get(name)": "get",
        "message.headers.get_all(name)": "get_all",
        "message.headers.items()": "items",
        "message.from_ (header), message.envelope.mail_from": "sender",
        "message.envelope.mail_from": "mail_from mailfrom from_addr return_path",
        "message.from_": "from_email",
        "message.to (header), message.envelope.rcpt_to": "recipients recipient",
        "message.envelope.rcpt_to": "rcpt_to rcpt_tos rcpttos to_addrs",
        "message.envelope.rcpt_to, where a Bcc is too": "bcc",
        "message.attachments": "files iter_attachments",
        "message.envelope, message.session": "details",
        "message.session.remote_address": "peer",
        "message.session": "client",
        "message.message_id": "id",
        "message.received_at": "timestamp created",
        "len(message.content)": "size",
        "message.envelope.mail_from.parameters": "mail_options sender_options",
        "message.envelope.rcpt_to[0].parameters": "rcpt_options",
        "message.envelope.smtputf8": "smtp_utf8",
        "message.session.helo": "host_name",
        "message.session.tls": "ssl",
        "message.session.user": "authenticated username",
        "message.session.auth_attempts": "auth_data login_data",
        "message.session.opening_command == 'EHLO'": "extended_smtp",
        "message.session.remote_address, with proxy_protocol=True": "proxy_data",
        "nothing: the server has its own": "loop",
        "message.inline_images": "inline",
        "message.headers['X-Tags']": "tags",
        "message.text[:250]": "snippet",
        "nothing: who waits for a message gets the next one each time": "read",
        "message.headers['List-Unsubscribe']": "list_unsubscribe",
        "message.headers['Content-Type'], message.email.get_content_charset()": "encoding",
        "message.email.get_content_subtype()": "content_subtype",
        "message.text, as in: 'words' in message.text": "body_contains",
        "message.email": "message",
        "message.email.iter_parts()": "iter_parts",
        "message.attachments[0].filename": "get_filename",
        "message.headers.values()": "values",
        "nothing: a message that was received does not change": (
            "attach attach_file attach_alternative send"
        ),
        "nothing: smtp_server.messages.clear() forgets all": "delete",
    }
)

#: What others call the parts of a session.
SESSION: Mapping[str, str] = by_name(
    {
        "session.remote_address": "peer client_address peername",
        "session.remote_address[0]": "ip",
        "session.helo": "host_name ehlo",
        "session.helo, session.client_hostname": "hostname",
        "session.tls": "ssl",
        "session.tls is not None": "secure is_tls is_secure",
        "session.tls.version": "tls_version",
        "session.opening_command == 'EHLO'": "extended_smtp",
        "session.user is not None": "authenticated",
        "session.user": "login username",
        "session.auth_attempts": "auth_data login_data",
        "session.remote_address, with proxy_protocol=True": "proxy_data",
        "nothing: the server has its own": "loop",
        "session.transcript": "log dialogue",
        "session.transcript, session.commands": "lines",
        "not session.is_open": "closed",
        "session.envelope.rcpt_to": "rcpt_tos rcpttos",
        "session.envelope.mail_from": "mailfrom",
        "session.envelope.mail_from.parameters": "mail_options sender_options",
        "session.envelope.rcpt_to[0].parameters": "rcpt_options",
        "session.envelope.smtputf8": "smtp_utf8",
        "session.messages[0].content": "original_content data",
    }
)

#: What others call the parts of an attached file.
ATTACHMENT: Mapping[str, str] = by_name(
    {
        "attachment.filename": "name file_name get_filename",
        "attachment.content_type": (
            "mimetype mime_type type get_content_type get_content_maintype "
            "get_content_subtype"
        ),
        "attachment.content, decoded already": "get_payload get_content payload",
        "attachment.content": "data body bytes read as_bytes",
        "attachment.content.decode()": "decode text html",
        "len(attachment.content)": "size",
        "attachment.content_id": "cid part_id id",
        (
            "nothing: attachment.content is octets; message.email.iter_attachments() has "
            "the parts as the standard library reads them"
        ): ("get_content_charset"),
        "those of message.email.iter_attachments()": "get headers",
        "nothing: message.inline_images belong to the HTML, message.attachments do not": (
            "get_content_disposition is_attachment"
        ),
        "pathlib.Path(file).write_bytes(attachment.content)": "save",
    }
)

#: What others ask of their list of messages.
MESSAGES: Mapping[str, str] = by_name(
    {
        "messages.find(…)": "filter search find_all",
        "messages.find(…), messages[0]": "get",
        "messages[0]": "first",
        "messages[-1]": "last latest",
        "len(messages)": "total size",
        "smtp_server.wait_for_message(…)": "wait wait_for",
        "messages.clear(), or not messages": "empty",
        "messages.clear()": "flush delete delete_all",
        "nothing: messages come over the wire; list(messages) is a list to change": (
            "append extend insert pop remove reverse sort copy"
        ),
    }
)

#: What other servers of tests call their parts.
SERVER: Mapping[str, str] = by_name(
    {
        "messages": (
            "outbox inbox mailbox mails emails received received_messages envelopes"
        ),
        "address": "addr server_address",
        "host (where it listens); hostname= is an option": "hostname",
        "host": "ip",
        "the options by name, as in @pytest.mark.smtp_server(users={…})": (
            "config SMTP_kwargs"
        ),
        "on(event).call(handler)": "handler event_handler",
        "on('RCPT', address).reply(550)": "reject",
        "on(event).reply(code, text)": "respond",
        "sessions": "connections clients",
        "sessions[0].transcript": "log transcript",
        "messages.clear() or reset()": "clear flush delete_all delete",
        "stop()": "close shutdown",
        "is_running": "is_alive accepting",
        "wait_for_message(…)": "wait wait_for wait_for_email wait_for_mail",
        "assert_received(…)": (
            "assert_sent assert_message_sent assert_mail_sent assert_email_sent "
            "assert_message_received assert_count"
        ),
        "messages[-1]": "last_message latest_message last_mail last_email",
        "on(event)": "expect when stub",
        "on('RCPT', address)": "on_rcpt on_recipient",
        "on('MAIL', address)": "on_mail on_sender",
        "on(event).reply(451).once()": "fail_next fail_once fail",
        "messages, messages.find(…)": "get_messages",
        "messages.find(…)": "find search",
        "client_context()": "ssl_context context",
        "ca_file, or the fixture smtp_ca": (
            "ca cafile ca_path ca_cert certificate_file cert_file"
        ),
        "sessions[0]": "session",
        "messages[0].envelope": "envelope",
        "len(messages)": "count total",
        "nothing: the server is this object": "server smtpd",
        "nothing: start() returns once the server is ready, and has its own event loop": (
            "loop factory server_coro cancel_tasks ready_timeout transport"
        ),
        "on('EHLO').call(handler)": "handle_EHLO smtp_EHLO",
        "on('HELO').call(handler)": "handle_HELO smtp_HELO",
        "on('MAIL').call(handler)": "handle_MAIL smtp_MAIL",
        "on('RCPT').call(handler)": "handle_RCPT smtp_RCPT",
        "on('RSET').call(handler)": "handle_RSET smtp_RSET",
        "on('NOOP').call(handler)": "handle_NOOP smtp_NOOP",
        "on('VRFY').call(handler)": "handle_VRFY smtp_VRFY",
        "on('QUIT').call(handler)": "handle_QUIT smtp_QUIT",
        "on('MESSAGE').call(handler)": "handle_DATA process_message",
        "errors": "handle_exception",
    }
)

#: What other libraries call the answer of a mock or a stub.
RULE: Mapping[str, str] = by_name(
    {
        ".reply(code, text)": "respond response answer returns return_value replies",
        ".times(2)": "twice",
        ".reply(550)": "reject refuse",
        ".reply(451) or .disconnect()": "fail error",
        ".reply(250)": "accept",
        ".call(handler)": "side_effect do handle callback",
        ".delay(seconds)": "sleep wait",
        ".hang()": "timeout",
        ".disconnect()": "close",
        ".disconnect(), or .discard() for a message": "drop",
        ".reset()": "abort",
        "len(rule.calls) == 1": "called_once",
        "len(rule.calls)": "call_count",
        "nothing: a rule that is never used fails the test": "assert_called",
    }
)


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
