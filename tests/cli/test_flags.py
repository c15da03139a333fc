"""The arguments of the command."""

from __future__ import annotations

import re
import ssl

import pytest

from pytest_smtpserver.cli.flags import (
    FLAGS,
    UsageError,
    help_text,
    options_text,
    parse,
)
from pytest_smtpserver.cli.howto import Place, settings
from pytest_smtpserver.server.options.options import Options


def test_every_option_that_is_no_object_is_a_flag() -> None:
    """A new option is a flag without a line here."""
    options = set(Options.defaults)
    objects = {"ca", "handlers", "logger"}
    assert {flag.option for flag in FLAGS} | {"users"} == options - objects


def test_nothing_given() -> None:
    """A port that stays the same, and nothing else."""
    given = parse([])
    assert given.options == {"port": 1025}
    assert (given.replies, given.personas, given.show) == ([], [], frozenset())
    assert (given.save, given.report, given.color) == (None, None, "auto")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ("--port 0 --host ::1", {"port": 0, "host": "::1"}),
        ("--tls implicit", {"tls": "implicit"}),
        ("--path /run/s", {"path": "/run/s", "port": 0}),
        ("--require-tls", {"require_tls": True}),
        ("--no-enforce-message-size", {"enforce_message_size": False}),
        ("--max-message-size 1000", {"max_message_size": 1000}),
        ("--greeting-delay 0.5", {"greeting_delay": 0.5}),
        ("--hide SIZE,DSN --hide PIPELINING", {"hide": ["SIZE", "DSN", "PIPELINING"]}),
        ("--advertise=X-ONE,TWO", {"advertise": ["X-ONE,TWO"]}),
        ("--certificate expired", {"certificate": "expired"}),
        ("--certificate a.pem,b.pem", {"certificate": ("a.pem", "b.pem")}),
        ("--sni-certificates a=expired", {"sni_certificates": {"a": "expired"}}),
        (
            "--tls-versions 1.2-1.3",
            {"tls_versions": (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)},
        ),
        (
            "--user ada:love:lace --user bob:",
            {"users": {"ada": "love:lace", "bob": ""}},
        ),
        ("--user any", {"users": "any"}),
    ],
)
def test_flags_become_options(arguments: str, options: dict[str, object]) -> None:
    """Names, forms and types."""
    assert parse(arguments.split()).options == {"port": 1025, **options}


def test_replies_and_personas_in_their_order() -> None:
    """Pairs of --on and --reply; arguments of a persona."""
    given = parse(
        [
            *("--on", "rcpt bob@example.org", "--reply", "550 5.1.1 No such user"),
            *("--on", "RCPT /@example\\.com$/", "--reply", "450"),
            *("--on", "MESSAGE", "--reply", "451 4.3.0 Later"),
            *("--persona", "gmail", "--persona", "greylisting(tries=2)"),
        ]
    )
    assert [one[1:] for one in given.replies] == [
        ("RCPT", "bob@example.org", 550, "5.1.1 No such user"),
        ("RCPT", re.compile(r"@example\.com$"), 450, None),
        ("MESSAGE", None, 451, "4.3.0 Later"),
    ]
    assert given.personas == [("gmail", {}), ("greylisting", {"tries": 2})]


@pytest.mark.parametrize(
    ("on", "event", "match"),
    [
        ("rcpt to", "RCPT", None),
        ("MAIL FROM", "MAIL", None),
        ("RCPT TO:bob@example.org", "RCPT", "bob@example.org"),
        ("MAIL FROM: a@example.org", "MAIL", "a@example.org"),
        ("RCPT to@example.org", "RCPT", "to@example.org"),
    ],
)
def test_an_event_as_it_is_sent(on: str, event: str, match: str | None) -> None:
    """The word between verb and address is no part of the address (RFC 5321 §4.1.1)."""
    (reply,) = parse(["--on", on, "--reply", "550"]).replies
    assert (reply.event, reply.match) == (event, match)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--prot", "1"], "there is no option --prot; did you mean --port?"),
        (["--use-starttls"], "--use-starttls; here it is --tls starttls; see"),
        (["--use_ssl"], "here it is --tls implicit;"),
        (["--auth"], "here it is --user NAME:PASSWORD;"),
        (["--size", "1"], "here it is --max-message-size;"),
        (["--require-starttls"], "--tls starttls, --require-tls;"),
        (["-x"], "there is no option -x; see pytest-smtpserver --help"),
        (["mail"], "'mail' is no option"),
        (["--port", "one"], "--port takes a whole number, not 'one'"),
        (["--idle-timeout", "x"], "--idle-timeout takes a number, not 'x'"),
        (["--port"], "argument --port: expected one argument"),
        (["--user", "ada"], "--user takes NAME:PASSWORD, not 'ada'"),
        (["--tls-versions", "1.1"], "--tls-versions takes 1.2, 1.3 or 1.2-1.3"),
        (["--sni-certificates", "a"], "takes SERVER=CERTIFICATE, not 'a'"),
        (["--reply", "550"], "--reply '550' has no --on before it"),
        (["--on", "RCPT"], "--on 'RCPT' has no --reply behind it"),
        (["--on", "RCPT", "--on", "MAIL", "--reply", "550"], "--on 'RCPT' has no"),
        (["--on", "RCPT", "--reply", "no"], "--reply begins with a code"),
        (["--on", "RCPT /(/", "--reply", "550"], "no regular expression"),
        (["--persona", "gmail("], "--persona takes a name, or a name and arguments"),
        (["--persona", "gmail(1)"], "--persona takes a name, or a name and arguments"),
        (["--color", "blue"], "invalid choice: 'blue'"),
    ],
)
def test_a_mistake_is_named(arguments: list[str], message: str) -> None:
    """What was given, and what is taken."""
    with pytest.raises(UsageError) as error:
        parse(arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_help_fits_on_a_screen() -> None:
    """24 lines of 80 columns; the options have a list of their own."""
    lines = help_text(["gmail", "greylisting"]).splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    listed = options_text(["gmail"], 80)
    assert all(f"{flag.name} " in f"{listed} ".replace("\n", " ") for flag in FLAGS)
    assert "Personas: gmail" in listed


def place(**changes: object) -> Place:
    """A place on this machine."""
    whole = Place("127.0.0.1", 1025, None, None, "", {"SMTP_PORT": "1025"})
    return whole._replace(**changes)  # type: ignore[arg-type]


def test_settings_for_frameworks() -> None:
    """The names are those of the frameworks' documentation."""
    plain = dict(settings(place()))
    assert plain["Django"] == ['EMAIL_HOST = "127.0.0.1"', "EMAIL_PORT = 1025"]
    assert plain["Environment"] == ["SMTP_PORT=1025"]
    assert "USE_CREDENTIALS = False" in plain["FastAPI-Mail"]
    starttls = dict(settings(place(tls="starttls", user="ada")))
    assert "EMAIL_USE_TLS = True" in starttls["Django"]
    assert "MAIL_STARTTLS = True" in starttls["FastAPI-Mail"]
    assert 'MAIL_USERNAME = "ada"' in starttls["Flask-Mail"]
    implicit = dict(settings(place(tls="implicit")))
    assert "EMAIL_USE_SSL = True" in implicit["Django"]
    assert "MAIL_USE_SSL = True" in implicit["Flask-Mail"]
    assert "MAIL_SSL_TLS = True" in implicit["FastAPI-Mail"]
    assert [name for name, _ in settings(place(path="/run/s"))] == ["Environment"]
