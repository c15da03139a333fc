"""Every option is checked, and a bad value says what is allowed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from pytest_smtpserver import ServerOptions, SMTPServer

#: Option, a value that it cannot have, the exception, what its text says is allowed.
BAD: list[tuple[str, Any, type[Exception], str]] = [
    ("host", "localhost", ValueError, "an IP address"),
    ("host", "mail.example.org", ValueError, "nothing here resolves names"),
    ("host", None, TypeError, "an IP address"),
    ("port", -1, ValueError, "from 0 to 65535"),
    ("port", 65536, ValueError, "from 0 to 65535"),
    ("port", "25", TypeError, "from 0 to 65535"),
    ("port", True, TypeError, "from 0 to 65535"),
    ("path", 3, TypeError, "a path of a Unix socket"),
    ("backlog", -1, ValueError, "at least 0"),
    ("backlog", 1.5, TypeError, "at least 0"),
    ("hostname", "", ValueError, "a host name"),
    ("hostname", "two words", ValueError, "a host name"),
    ("hostname", "a\r\n220 b", ValueError, "without control characters"),
    ("hostname", b"mail", TypeError, "a str"),
    ("banner", "one\ntwo", ValueError, "without control characters"),
    ("banner", None, TypeError, "a str"),
    ("tls", "start", ValueError, "None, 'starttls', 'implicit'"),
    ("tls", True, ValueError, "None, 'starttls', 'implicit'"),
    ("hide_starttls", 1, TypeError, "True or False"),
    ("require_tls", "yes", TypeError, "True or False"),
    ("ca", "ca.pem", TypeError, "a trustme.CA"),
    ("certificate", 3, TypeError, "a trustme.LeafCert"),
    ("certificate", None, TypeError, "'valid', 'expired'"),
    ("certificate", ("a", "b", "c"), TypeError, "a pair of PEM files"),
    ("certificate", "no-such-file.pem", ValueError, "there is no file"),
    ("sni_certificates", ["a.example"], TypeError, "a mapping of server names"),
    ("sni_certificates", {"a.example": 3}, TypeError, "a trustme.LeafCert"),
    ("sni_certificates", {"": "valid"}, ValueError, "a host name"),
    ("client_certificate", "maybe", ValueError, "'ignore', 'optional', 'required'"),
    ("client_ca", 3, TypeError, "a PEM file"),
    ("tls_versions", ssl.TLSVersion.TLSv1_2, TypeError, "a pair"),
    ("tls_versions", ("1.2", "1.3"), TypeError, "ssl.TLSVersion"),
    (
        "tls_versions",
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2),
        ValueError,
        "the lowest first",
    ),
    ("users", ["ada"], TypeError, "a mapping of user names to passwords"),
    ("users", {"ada": b"x"}, TypeError, "both str"),
    ("users", "ada", ValueError, "or 'any' for everybody"),
    ("users", {1: "x"}, TypeError, "both str"),
    ("auth_mechanisms", "PLAIN", TypeError, r"such as \['PLAIN'\]"),
    ("auth_mechanisms", ["PLIAN"], ValueError, "did you mean 'PLAIN'"),
    ("auth_mechanisms", [1], TypeError, "SCRAM-SHA-256"),
    ("auth_required", None, TypeError, "True or False"),
    ("allow_insecure_auth", 0, TypeError, "True or False"),
    ("max_message_size", -1, ValueError, "octets of at least 0"),
    ("max_message_size", "10M", TypeError, "octets of at least 0"),
    ("enforce_message_size", None, TypeError, "True or False"),
    ("extensions", "SIZE", TypeError, r"such as \['SIZE'\]"),
    ("extensions", ["CHUNKED"], ValueError, "did you mean 'CHUNKING'"),
    ("hide", "SIZE", TypeError, r"such as \['SIZE'\]"),
    ("hide", [""], ValueError, "a list of words"),
    ("hide", ["STARTLS"], ValueError, "no EHLO keyword 'STARTLS'; did you mean"),
    ("hide", ["AUTH"], ValueError, "'AUTH' has no effect without users="),
    ("advertise", "X", TypeError, r"such as \['X'\]"),
    ("advertise", ["X\r\n250 Y"], ValueError, "a list of words"),
    ("disabled_commands", "VRFY", TypeError, r"such as \['VRFY'\]"),
    ("disabled_commands", ["STARTLS"], ValueError, "did you mean 'STARTTLS'"),
    ("lenient_addresses", "no", TypeError, "True or False"),
    ("lenient_parameters", "no", TypeError, "True or False"),
    ("max_connections", 0, ValueError, "at least 1"),
    ("max_recipients", -1, ValueError, "at least 1"),
    ("max_messages", "1", TypeError, "at least 1"),
    ("idle_timeout", -0.1, ValueError, "seconds"),
    ("idle_timeout", float("nan"), ValueError, "seconds"),
    ("close_timeout", None, TypeError, "seconds"),
    ("greeting_delay", "1", TypeError, "seconds"),
    ("max_command_length", 10, ValueError, "at least 64"),
    ("max_command_length", None, TypeError, "octets"),
    ("max_unrecognized_commands", 0, ValueError, "at least 1"),
    ("max_unauthenticated_commands", 0, ValueError, "at least 1"),
    ("lmtp", None, TypeError, "True or False"),
    ("proxy_protocol", "v2", TypeError, "True or False"),
    ("xclient", 1, TypeError, "True or False"),
    ("xforward", 1, TypeError, "True or False"),
    ("resolve_client_hostname", "dns", TypeError, "True, False or a function"),
    ("handlers", [print], TypeError, "a mapping of events to handlers"),
    ("handlers", {"RCPT": "reject"}, TypeError, "not callable"),
    ("handlers", {"RCPT": lambda: None}, TypeError, "called with the event alone"),
    ("handlers", {"handle_RCPT": print}, ValueError, "here it is 'RCPT'"),
    ("handlers", {"RCPT TO": print}, ValueError, "one verb, such as 'MAIL'"),
    ("handlers", {7: print}, TypeError, "an event is a verb or a moment"),
    ("handlers", {"NOPE": print}, ValueError, "did you mean 'NOOP'"),
    ("handlers", {"CREDENTIALS": print}, ValueError, "without the option users="),
    (
        "handlers",
        {"secure": print},
        ValueError,
        "'secure' never happens without .*tls=",
    ),
    ("handlers", {"HANDSHAKE": print}, ValueError, "without the option tls="),
    ("strict", 1, TypeError, "True or False"),
    ("fail_on", "violations", TypeError, r"such as \['violations'\]"),
    ("fail_on", "no-date", TypeError, r"it is a list, such as \['no-date'\]$"),
    ("hide", "starttls", TypeError, r"it is a list[^,]*, such as \['starttls'\]$"),
    ("fail_on", "no-dat", TypeError, r"a list of violations, advice, .*'no-dat'\]$"),
    ("fail_on", ["violation"], ValueError, "did you mean 'violations'"),
    ("fail_on", ["no-dat"], ValueError, "did you mean 'no-date'"),
    ("logger", "smtp", TypeError, "None or a logging.Logger"),
]


@pytest.mark.parametrize(
    ("name", "value", "error", "allowed"), BAD, ids=lambda value: repr(value)[:30]
)
def test_a_bad_value(
    name: str, value: Any, error: type[Exception], allowed: str
) -> None:
    """The option, what was given, and what is allowed."""
    options: Any = {name: value}
    with pytest.raises(error, match=allowed) as caught:
        SMTPServer(**options)
    text = str(caught.value)
    assert text.startswith(f"option {name}")
    if not isinstance(value, (list, dict)):
        assert repr(value) in text


def test_handlers_for_commands_of_ones_own() -> None:
    """Those for private use (RFC 5321 §4.1.5), those on offer, and all that there are."""
    handlers = {
        "XECHO": print,
        "verb": print,
        "*": print,
        "expn": print,
        "CLOSE": print,
    }
    assert SMTPServer(handlers=handlers, advertise=["VERB now"]).rules == []
    # Any client may send a command that is not on offer; and SECURE comes where
    # STARTTLS works without being told of.
    SMTPServer(handlers={"AUTH": print, "STARTTLS": print, "BDAT": print})
    SMTPServer(handlers={"SECURE": print}, hide_starttls=True)
    SMTPServer(handlers={"CREDENTIALS": print}, users={})


def test_every_option_has_a_bad_value_here() -> None:
    """An option that is added without a check fails this test."""
    assert {name for name, *_ in BAD} == set(ServerOptions.__annotations__)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"hide_starttls": True, "require_tls": True}, "cannot require TLS"),
        ({"hide": ["STARTTLS"], "require_tls": True}, "cannot require TLS"),
        ({"hide_starttls": True, "tls": "implicit"}, "no STARTTLS to hide"),
        ({"require_tls": True}, "TLS is off"),
        ({"users": "any", "auth_mechanisms": ["SCRAM-SHA-256"]}, "leave that mech"),
        ({"path": "smtp.sock", "port": 25}, "a Unix socket has no port"),
    ],
)
def test_options_that_contradict_each_other(options: Any, text: str) -> None:
    """It names one of them and a way out."""
    with pytest.raises(ValueError, match=text):
        SMTPServer(**options)


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({"certificate": "expired"}, "tls='starttls' or tls='implicit'"),
        ({"client_certificate": "required"}, "tls='starttls' or tls='implicit'"),
        ({"sni_certificates": {"a.example": "valid"}}, "tls='starttls'"),
        ({"auth_mechanisms": ["CRAM-MD5"]}, "users={'name': 'password'}"),
        ({"allow_insecure_auth": True, "tls": "starttls"}, "users="),
        ({"enforce_message_size": False}, "max_message_size="),
    ],
)
def test_an_option_without_effect(options: Any, needed: str) -> None:
    """It is refused with the one that it needs."""
    (name,) = set(options) - {"tls"}
    with pytest.raises(ValueError, match=f"option {name}: .* has no effect") as refused:
        SMTPServer(**options)
    assert needed in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        {"certificate": "valid"},
        {"certificate": "expired", "hide_starttls": True},
        {"auth_mechanisms": ["PLAIN", "LOGIN"]},
        {"auth_mechanisms": ["CRAM-MD5"], "users": {}},
        {"auth_mechanisms": ["CRAM-MD5"], "auth_required": True},
    ],
)
def test_an_option_with_effect_or_as_it_is_by_default(options: Any) -> None:
    """A default may be said, and what another option implies counts."""
    assert not SMTPServer(**options).is_running


@pytest.mark.parametrize("value", [True, "tls", "ssl", False])
def test_tls_is_one_of_two_kinds(value: Any) -> None:
    """It is either by STARTTLS or from the first octet: True does not say which."""
    with pytest.raises(ValueError, match=r"'starttls', 'implicit': .* 587 .* 465"):
        SMTPServer(tls=value)


def test_an_unknown_option_names_the_nearest() -> None:
    """As Python does for a mistyped attribute."""
    with pytest.raises(TypeError, match=r"'requre_tls'.*did you mean 'require_tls'"):
        SMTPServer(requre_tls=True)  # type: ignore[call-arg]


def test_the_factory_and_the_constructor_check_alike(smtp_server_factory: Any) -> None:
    """The call that asked for it raises."""
    with pytest.raises(ValueError, match="option max_message_size: -1 is not allowed"):
        smtp_server_factory(max_message_size=-1)


def test_a_certificate_file_that_is_no_certificate(tmp_path: Path) -> None:
    """OpenSSL's reason, and what the file should have in it."""
    file = tmp_path / "letter.pem"
    file.write_text("Dear Sir or Madam\n")
    with pytest.raises(ValueError, match=r"option certificate: .*cannot be used"):
        SMTPServer(tls="implicit", certificate=file).start()


def test_a_path_that_is_too_far(tmp_path: Path) -> None:
    """A Unix socket in a folder that is not there: an OSError that names the option."""
    with pytest.raises(OSError, match="option path: cannot listen on"):
        SMTPServer(path=tmp_path / "nowhere" / "smtp").start()


def test_a_path_that_is_taken(tmp_path: Path) -> None:
    """The file of the other is left alone."""
    path = tmp_path / "smtp"
    with SMTPServer(path=path):
        with pytest.raises(OSError, match="option path: cannot listen on"):
            SMTPServer(path=path).start()
        assert path.is_socket()


def test_env_has_what_a_child_process_needs() -> None:
    """SSL_CERT_FILE only where TLS is on."""
    with SMTPServer() as server:
        assert server.env == {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(server.port),
            "SMTP_URL": f"smtp://127.0.0.1:{server.port}",
        }
    with SMTPServer(tls="implicit") as server:
        assert server.env["SMTP_URL"] == f"smtps://127.0.0.1:{server.port}"
        assert server.env["SSL_CERT_FILE"] == server.ca_file
        assert "BEGIN CERTIFICATE" in Path(server.ca_file).read_text()
    with SMTPServer(lmtp=True) as server:
        assert server.url == f"lmtp://127.0.0.1:{server.port}"
        assert f"127.0.0.1:{server.port}" in repr(server)


@pytest.mark.parametrize(
    ("options", "event", "match", "criteria", "text"),
    [
        ({}, "HANDSHAKE", None, {}, "needs the option tls="),
        ({}, "SECURE", None, {}, "needs the option tls="),
        ({}, "STARTTLS", None, {}, "needs the option tls='starttls'"),
        ({"tls": "implicit"}, "STARTTLS", None, {}, "needs the option tls='starttls'"),
        ({}, "CREDENTIALS", None, {}, "needs the option users="),
        ({}, "AUTH", None, {}, "needs the option users="),
        ({"extensions": ()}, "BDAT", None, {}, "needs the option CHUNKING"),
        ({}, "ETRN", None, {}, "needs the option ETRN"),
        ({}, "LHLO", None, {}, "needs the option lmtp=True"),
        ({"lmtp": True}, "EHLO", None, {}, "LMTP has LHLO"),
        ({}, "XCLIENT", None, {}, "needs the option xclient=True"),
        ({}, "CONTENT", "x", {}, "nothing to match"),
        ({"users": {}}, "RESPONSE", None, {}, "neither a command nor a moment"),
        ({}, "chunk", None, {}, "neither a command nor a moment"),
        ({}, "MESSAGE", "x", {}, "with lmtp=True only"),
        ({}, "RCPT", None, {"tls": True}, "needs the option tls="),
        ({"tls": "implicit"}, "RCPT", None, {"tls": False}, "after the handshake"),
        ({"tls": "starttls"}, "SECURE", None, {"tls": False}, "after the handshake"),
        ({"tls": "implicit"}, "HANDSHAKE", None, {"tls": True}, "before the handshake"),
        ({"tls": "starttls"}, "CONNECT", None, {"tls": True}, "before the handshake"),
        ({}, "MAIL", None, {"user": "ada"}, "needs the option users="),
        ({}, "CONNECT", None, {"helo": "a"}, "there is no helo"),
        ({}, "CLOSE", None, {"rcpt_to": "a@example.org"}, "there is no rcpt_to"),
        ({"tls": "starttls"}, "SECURE", None, {"mail_from": ""}, "no mail_from"),
    ],
)
def test_a_rule_for_what_never_happens(
    options: Any, event: str, match: Any, criteria: Any, text: str
) -> None:
    """It is refused where it is written, with the option that it needs."""
    with pytest.raises(ValueError, match=text):
        SMTPServer(**options).on(event, match, **criteria)


@pytest.mark.parametrize(
    ("options", "event", "criteria"),
    [
        ({"tls": "starttls"}, "MAIL", {"tls": False}),
        ({"tls": "starttls"}, "SECURE", {"tls": True}),
        ({"tls": "implicit"}, "CONNECT", {"tls": True}),
        ({"tls": "implicit"}, "HANDSHAKE", {"tls": False}),
        ({"tls": "implicit"}, "CLOSE", {"tls": False}),
        ({"xclient": True}, "CONNECT", {"helo": "a"}),
        ({"xclient": True}, "MAIL", {"user": "ada"}),
        ({"users": {}}, "MAIL", {"user": "ada"}),
        ({"advertise": ["AUTH PLAIN"]}, "AUTH", {}),
        ({}, "MAIL", {"user": None}),
    ],
)
def test_a_rule_for_what_may_happen(options: Any, event: str, criteria: Any) -> None:
    """Nobody is refused a rule that can be used."""
    server = SMTPServer(**options)
    assert server.on(event, **criteria).event == event
