"""When a rule, a handler or a server of its own fails a test, and how that is told."""

from __future__ import annotations

import pytest

from .inner import explanation, run, run_apart

BROKEN = """
import contextlib
import socket

def broken(event):
    raise LookupError("no such thing")

def client(server):
    return smtplib.SMTP(*server.address, local_hostname="client.example.org")
"""


def test_a_rule_that_was_never_used_fails_the_test_itself(
    project: pytest.Pytester,
) -> None:
    """As a failure, not as an error beside a passed test; `.optional()` opts out."""
    project.makepyfile(
        test_it="""
        from sending import send

        def test_unused(smtp_server):
            smtp_server.on("RCPT", "carl@example.org").reply(550)
            send(smtp_server)

        def test_optional(smtp_server):
            smtp_server.on("RCPT", "carl@example.org").reply(550).optional()

        def test_failed_already(smtp_server):
            smtp_server.on("VRFY").reply(550)
            assert 1 == 2

        def test_of_the_factory(smtp_server_factory):
            smtp_server_factory().on("VRFY").reply(550)
        """
    )
    result = run_apart(project)
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*RuleNotUsed: A rule was never used:",
            "*on('RCPT', 'carl@example.org').reply(550), made at test_it.py:4",
            "*came close: RCPT 'bob@example.org'",
            "*If that is all right, add .optional() to the rule.",
        ]
    )
    # test_unused and test_of_the_factory, in full; test_failed_already has its own.
    assert str(result.stdout).count("RuleNotUsed: A rule was never used") == 2


HANDLERS = {
    "a str": (
        """
def handler(event):
    return "250 ok"
""",
        [
            "TypeError(*handler returned '250 ok' at test_it.py:14; a reply is made by *",
        ],
    ),
    "skip": (
        """
def handler(event):
    pytest.skip("not today")
""",
        [", at test_it.py:15: RuntimeError('the handler * raised Skipped: not today')"],
    ),
    "a wait": (
        """
def handler(event):
    event.session  # so that the line is another one
    SERVERS[0].wait_for_message(timeout=0)
""",
        [
            ", at test_it.py:16: MessageNotReceived: No message arrived within 0 s.",
            "E *",
            "E  * No message arrived at all.",
        ],
    ),
    "an async wait": (
        """
async def handler(event):
    SERVERS[0].wait_for_message(timeout=0)
""",
        [", at test_it.py:15: RuntimeError(*await wait_for_message_async(...)*"],
    ),
    "of the standard library": (
        """
def handler(event):
    import json
    json.loads("{")
""",
        [", at test_it.py:16: JSONDecodeError(*"],
    ),
    "an assertion": (
        """
def handler(event):
    assert event.session.helo == "one\\ntwo", "hello\\n\\x1b[2Jworld"
""",
        [
            ", at test_it.py:15: AssertionError: hello",
            r"E  *  \x1b[[]2Jworld",
            r"E  *assert 'client.example.org' == 'one\ntwo'",
        ],
    ),
    "many lines": (
        """
def handler(event):
    raise LookupError("\\n".join(map(str, range(1000))))
""",
        [", at test_it.py:15: LookupError: 0", "E *  … 970 more lines"],
    ),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_where_a_handler_failed(name: str, pytester: pytest.Pytester) -> None:
    """Its own line, and as many lines as its error has; once, below the client's error."""
    handler, told = HANDLERS[name]
    test = f"""{handler}
SERVERS = []

def test_it(smtp_server):
    SERVERS.append(smtp_server)
    smtp_server.on("MAIL").call(handler)
    mail(smtp_server)
"""
    result = run(pytester, test, "--show-capture=no", "-p", "no:asyncio")
    result.stdout.fnmatch_lines(
        [f"E  *What went wrong on the server before*{told[0]}", *told[1:]]
    )
    assert result.stdout.str().count("What went wrong") == 1


def test_where_a_handler_failed_that_a_testcase_used(pytester: pytest.Pytester) -> None:
    """unittest keeps the client's error, and ours is in the section: with its own line."""
    test = """
import unittest

def handler(event):
    raise LookupError("no such thing")

class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def server(self, smtp_server):
        self.server = smtp_server

    def test_it(self):
        self.server.on("MAIL").call(handler)
        mail(self.server)
"""
    result = run(pytester, test)
    result.stdout.fnmatch_lines(
        [
            "E  *SMTPSenderRefused: *",
            "What went wrong on the server before, at test_it.py:17: LookupError(*",
        ]
    )


def test_a_handler_that_returned_something_else_has_none_of_our_lines(
    pytester: pytest.Pytester,
) -> None:
    """Where that is all that the test fails by."""
    test = """
def test_it(smtp_server):
    smtp_server.on("MAIL").call(lambda event: "250 ok")
    with pytest.raises(smtplib.SMTPException):
        mail(smtp_server)
"""
    result = run(pytester, test, "--show-capture=no")
    result.stdout.fnmatch_lines(["E  *returned '250 ok' at test_it.py:15; *"])
    result.stdout.no_fnmatch_line("*content_handler.py*")
    result.stdout.no_fnmatch_line("*handlers.py*")


def test_what_a_handler_raises_fails_the_test(project: pytest.Pytester) -> None:
    """With its own traceback."""
    project.makepyfile(
        test_it="""
        import smtplib
        import pytest
        from sending import send

        def handler(event):
            raise LookupError("no such thing")

        def test_it(smtp_server):
            smtp_server.on("RCPT").call(handler)
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                send(smtp_server)
        """
    )
    result = run_apart(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*def handler(event):", ">*raise LookupError*", "E*LookupError: no such thing"]
    )


def test_little_stands_around_the_message(pytester: pytest.Pytester) -> None:
    """What a reader has to skip is the line that raises, and nothing of ours."""
    result = run(
        pytester,
        """
def test_it(smtp_server):
    smtp_server.on("MAIL", helo="other.example.org").reply(451)
    mail(smtp_server)
""",
    )
    assert explanation(result).split("\n") == [
        "pytest_smtpserver.RuleNotUsed: A rule was never used:",
        "  on('MAIL', helo='other.example.org').reply(451), made at test_it.py:15",
        "      came close: MAIL with helo 'client.example.org'",
        "If that is all right, add .optional() to the rule.",
    ]
    result.stdout.no_fnmatch_line("*problems*")


@pytest.mark.skipif(
    pytest.version_tuple < (9,), reason="pytest before 9 has no subtests of its own"
)
def test_nothing_comes_on_top_of_a_subtest_that_has_failed(
    pytester: pytest.Pytester,
) -> None:
    """Its test has failed with it."""
    result = run(
        pytester,
        """
def test_it(smtp_server, subtests):
    smtp_server.on("MAIL").reply(451)
    with subtests.test():
        assert 1 == 2
""",
    )
    result.stdout.fnmatch_lines(["*assert 1 == 2"])
    result.stdout.no_fnmatch_line("*RuleNotUsed*")


@pytest.mark.parametrize(
    ("body", "outcome", "unused"),
    [
        ("pass", "failed", True),
        ("assert 1 == 2", "failed", False),
        ("self.skipTest('not today')", "skipped", False),
    ],
)
def test_in_a_testcase(
    body: str, outcome: str, unused: bool, pytester: pytest.Pytester
) -> None:
    """unittest keeps to itself what is raised in a test; the rest is the same."""
    result = run(
        pytester,
        f"""
import unittest

class TestIt(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def server(self, smtp_server):
        self.server = smtp_server

    def test_it(self):
        self.server.on("MAIL").reply(451)
        {body}
""",
    )
    result.assert_outcomes(**{outcome: 1})
    assert ("RuleNotUsed: A rule was never used" in result.stdout.str()) is unused


def test_a_failure_names_what_a_handler_has_raised(pytester: pytest.Pytester) -> None:
    """It is no failure of its own, and may be the reason; also without a logger."""
    result = run(
        pytester,
        BROKEN
        + """
@pytest.mark.smtp_server(logger=None)
def test_it(smtp_server):
    smtp_server.on("RCPT").call(broken)
    mail(smtp_server)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*SMTPRecipientsRefused*",
            "*on the server before, at *test_it.py:*: LookupError('no such thing')",
        ]
    )


@pytest.mark.parametrize("scope", ["function", "session"])
@pytest.mark.parametrize(
    ("body", "errors"), [("pass", 1), ("assert 1 == 2", 0)], ids=["passed", "failed"]
)
def test_what_happens_while_a_test_is_torn_down(
    scope: str, body: str, errors: int, pytester: pytest.Pytester
) -> None:
    """No test is left to fail, so it is an error; not on top of a failure."""
    result = run(
        pytester,
        BROKEN
        + f"""
@pytest.fixture
def connected(smtp_server):
    with contextlib.closing(client(smtp_server)) as connected:
        yield
        connected.quit()

def test_it(smtp_server, connected):
    smtp_server.on("QUIT").call(broken).optional()
    {body}
""",
        "-o",
        f"smtp_server_scope={scope}",
    )
    assert result.parseoutcomes().get("errors", 0) == errors
    assert result.stdout.str().count("test_it - LookupError: no such thing") == errors


def test_of_the_factorys_servers_too(pytester: pytest.Pytester) -> None:
    """A handler at CLOSE, with a client that is there until the server stops."""
    result = run(
        pytester,
        BROKEN
        + """
@pytest.fixture
def connected():
    with socket.socket() as connected:
        yield connected

def test_it(connected, smtp_server_factory):
    server = smtp_server_factory(handlers={"CLOSE": broken}, close_timeout=30)
    connected.connect(server.address)
    assert connected.recv(3) == b"220"
""",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*LookupError: no such thing"])


def test_a_test_that_is_run_again_begins_anew(pytester: pytest.Pytester) -> None:
    """As plugins do it that repeat what has failed."""
    pytester.makeconftest(
        """
        from _pytest.runner import runtestprotocol

        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                item._initrequest()
                for report in runtestprotocol(item, log=False, nextitem=nextitem):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
        """
    )
    result = run(
        pytester,
        BROKEN
        + """
tries = []

def test_it(smtp_server):
    smtp_server.on("NOOP").reply(250)
    tries.append(1)
    if len(tries) == 2:
        with client(smtp_server) as connected:
            connected.noop()
""",
    )
    result.assert_outcomes(passed=1, failed=1)


def test_a_server_that_a_test_has_stopped_serves_the_next(
    pytester: pytest.Pytester,
) -> None:
    """With one server for all tests, on the same port."""
    result = run(
        pytester,
        """
def test_stops(smtp_server):
    pytest.port = smtp_server.port
    smtp_server.stop()

def test_sends(smtp_server):
    assert smtp_server.port == pytest.port
    mail(smtp_server)
""",
        "-o",
        "smtp_server_scope=session",
    )
    result.assert_outcomes(passed=2)


def test_a_test_that_fails_otherwise_hears_of_unused_rules(
    pytester: pytest.Pytester,
) -> None:
    """They may be why: the rule for the misspelt address above all."""
    result = run(
        pytester,
        """
def test_it(smtp_server):
    smtp_server.on("RCPT", "bbo@example.org").reply(550)
    mail(smtp_server)
    assert smtp_server.messages == []
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- SMTP server smtp://*",
            "A rule was never used:",
            "*on('RCPT', 'bbo@example.org').reply(550), made at *test_it.py:15",
            "*came close: RCPT 'ada@example.org'",
        ]
    )


def test_verbs_that_nobody_knows(pytester: pytest.Pytester) -> None:
    """A rule for an extension of one's own may be made; one that was misspelt, too."""
    result = run(
        pytester,
        """
def test_it(smtp_server):
    smtp_server.on("RCTP").reply(550)
    mail(smtp_server)
""",
    )
    assert "no RCTP command came; did you mean 'RCPT'?" in explanation(result)


@pytest.mark.parametrize(
    "mistake",
    [
        'smtp_server.on("MAIL").reply(700)',
        'smtp_server.on("MAIL").delay(-1)',
        'smtp_server.on("MAIL").times(0)',
        'smtp_server.on("MAIL").disconnect().reply(250)',
        'smtp_server.on("MAIL", sender="a@example.org")',
        'smtp_server.on("RCPT TO")',
        'smtp_server.on("MESSAGE", subjct="x")',
        "smtp_server.interrupt(99)",
        "smtp_server.wait_for_message(timeout='5')",
        "smtp_server_factory(tsl='starttls')",
        "smtp_server_factory(certificate='expierd')",
    ],
)
def test_a_mistake_is_shown_where_it_was_made(
    pytester: pytest.Pytester, mistake: str
) -> None:
    """The last line that a reader sees is the test's own, and so is the place."""
    result = run(
        pytester,
        f"""
def test_it(smtp_server, smtp_server_factory):
    {mistake}
""",
    )
    result.stdout.re_match_lines([r"test_it\.py:15: (Type|Value)Error$"])


def test_a_bad_marker_names_itself(pytester: pytest.Pytester) -> None:
    """With the test it belongs to, and the other place where options come from."""
    result = run(
        pytester,
        """
@pytest.mark.smtp_server(max_recipients=-1)
def test_it(smtp_server):
    pass
""",
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*option max_recipients: -1 is not allowed*",
            "*from @pytest.mark.smtp_server(max_recipients=-1)",
            "*of *test_it.py::test_it; see also smtp_server_options",
        ]
    )


_BOTH = """
@pytest.fixture(scope="session")
def smtp_server_options():
    return {"max_recipients": -1, "hostname": "mx.example.org"}
"""
_USES = """
def test_it(smtp_server):
    pass
"""
_CALLS = """
def test_it(smtp_server_factory):
    smtp_server_factory(max_messages=3)
"""


@pytest.mark.parametrize(
    ("test", "ini", "source"),
    [
        (
            f"{_BOTH}@pytest.mark.smtp_server(hostname='m.example.org'){_USES}",
            "",
            "from the fixture smtp_server_options, which has max_recipients=-1",
        ),
        (
            f"{_BOTH}@pytest.mark.smtp_server(max_recipients=0){_USES}",
            "",
            "from @pytest.mark.smtp_server(max_recipients=0)",
        ),
        (
            f"{_BOTH}{_CALLS}",
            "",
            "from the fixture smtp_server_options, which has max_recipients=-1",
        ),
        (
            f"{_BOTH}@pytest.mark.smtp_server(hostname='m.example.org'){_USES}",
            "smtp_server_scope=session",
            "from the fixture smtp_server_options, which has max_recipients=-1",
        ),
        (
            f"@pytest.mark.smtp_server(hostname='m.example.org', max_recipients=-1){_USES}",
            "smtp_server_scope=session",
            "from @pytest.mark.smtp_server(hostname='m.example.org', max_recipients=-1)",
        ),
    ],
    ids=["fixture", "marker", "call", "session, fixture", "session, marker"],
)
def test_a_bad_option_names_where_it_comes_from(
    pytester: pytest.Pytester, test: str, ini: str, source: str
) -> None:
    """The closest place that has it, and no other that has only other options."""
    arguments = ["-o", ini] if ini else []
    text = run(pytester, test, *arguments).stdout.str()
    assert "option max_recipients: " in text
    named = [line.split()[1:] for line in text.split("\n") if line.startswith("E  ")]
    assert [" ".join(one) for one in named if one[0] == "from"] == [source]


def test_a_marker_without_effect(pytester: pytest.Pytester) -> None:
    """At the test itself it is a mistake; at a module it is for those with a server."""
    result = run(
        pytester,
        """
pytestmark = pytest.mark.smtp_server(hostname="mx.example.org")

@pytest.mark.smtp_server(tls="starttls")
def test_it(smtp_session_server):
    pass

def test_another(smtp_session_server):
    pass

@pytest.mark.smtp_server(tls="starttls")
def test_asked_for_later(request):
    request.getfixturevalue("smtp_server")

@pytest.mark.smtp_server(tls="starttls")
def test_with_a_factory(smtp_server_factory):
    pass
""",
        *("-W", "default"),
    )
    result.assert_outcomes(passed=4, warnings=1)
    result.stdout.fnmatch_lines(
        ["*smtp_server(tls='starttls') has no effect on test_it.py::test_it: *use"]
    )


def test_options_that_are_no_mapping(pytester: pytest.Pytester) -> None:
    """The error names the fixture, and shows what it may return."""
    result = run(
        pytester,
        f"""
@pytest.fixture(scope="session")
def smtp_server_options():
    yield
{_USES}""",
    )
    result.stdout.fnmatch_lines(
        ["E *TypeError: the fixture smtp_server_options returns a mapping*; got None"]
    )
