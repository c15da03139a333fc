"""Libraries that replace parts of the standard library, and other event loops."""

import sys

import pytest

PATCHES = {
    "gevent": "from gevent import monkey\n\nmonkey.patch_all()\n",
    "eventlet": "import eventlet\n\neventlet.monkey_patch()\n",
    "gevent without threads": (
        "from gevent import monkey\n\nmonkey.patch_all(thread=False)\n"
    ),
}
GREEN = """
import smtplib
import threading

import pytest
import uvloop  # it is there, and must not run where threads take turns
from sending import send


def test_sending(smtp_server):
    send(smtp_server)
    smtp_server.assert_received(times=1)
    assert smtp_server.wait_for_message().subject == "hi"
    with pytest.raises(AssertionError, match="No message arrived within"):
        smtp_server.wait_for_message(timeout=0.1)


def test_waiting_for_another_green_thread(smtp_server):
    smtp_server.on("MESSAGE").delay(0.1)
    thread = threading.Thread(target=send, args=(smtp_server,))
    thread.start()
    assert smtp_server.wait_for_message().subject == "hi"
    thread.join()


@pytest.mark.smtp_server(tls="starttls", sni_certificates={"mail.example.org": "valid"})
def test_tls(smtp_server):
    with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
        client._host = "mail.example.org"  # the name that the client asks for
        client.starttls(context=smtp_server.client_context())
        client.sendmail("a@example.org", "b@example.org", "Subject: hi")
    (message,) = smtp_server.assert_received(times=1)
    assert message.session.tls.server_name == "mail.example.org"


def test_handlers(smtp_server):
    seen = []

    async def of_the_loop(event):
        seen.append(event.name)

    def in_a_thread(event):
        seen.append(event.name)

    smtp_server.on("MAIL").call(of_the_loop)
    smtp_server.on("RCPT").call(in_a_thread)
    send(smtp_server)
    assert seen == ["MAIL", "RCPT"]
"""


@pytest.mark.parametrize("name", PATCHES)
def test_green_threads(run, pytester, name):
    """The event loop takes its turn like any other thread."""
    pytester.makeconftest(PATCHES[name])
    result = run(GREEN, "-Wdefault", timeout=60)
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("name", ["gevent", "eventlet"])
def test_an_application_that_patches_when_it_starts(run, pytester, name):
    """Servers of tests before have a thread already; the next gets a green one."""
    run("def test_nothing(): pass")  # writes the files
    code = PATCHES[name].replace("\n\n", "\n").strip().replace("\n", "; ")
    pytester.makepyfile(application=f"def start():\n    {code}\n")
    result = run(
        """
        import application
        from sending import send


        def test_before(smtp_server):
            send(smtp_server)


        def test_it(request):
            application.start()
            smtp_server = request.getfixturevalue("smtp_server")
            smtp_server.on("MAIL").call(lambda event: None)
            smtp_server.on("RCPT").delay(0.1)
            send(smtp_server)
            assert smtp_server.wait_for_message().subject == "hi"


        def test_after(smtp_server):
            smtp_server.on("MAIL").call(lambda event: None)
            send(smtp_server)
        """,
        "-Wdefault",
        timeout=30,
    )
    result.assert_outcomes(passed=3)


def test_nest_asyncio(run, pytester):
    pytester.makeconftest("import nest_asyncio\n\nnest_asyncio.apply()\n")
    result = run(
        """
        import asyncio

        from pytest_smtpserver import SMTPServer
        from sending import send


        def test_the_fixture(smtp_server):
            send(smtp_server)
            assert smtp_server.wait_for_message().subject == "hi"


        def test_a_loop_inside_of_a_loop(smtp_server):
            async def inner():
                async with SMTPServer() as server:
                    await asyncio.to_thread(send, server)
                    return await server.wait_for_message_async()

            async def outer():
                return asyncio.run(inner())

            assert asyncio.run(outer()).subject == "hi"
        """,
    )
    result.assert_outcomes(passed=2)


LOOPS = """
import asyncio

import pytest
from pytest_smtpserver import SMTPServer
from sending import send


async def serve():
    async with SMTPServer(tls="starttls") as server:
        await asyncio.to_thread(send, server)
        return type(asyncio.get_running_loop()), await server.wait_for_message_async()


def test_the_fixture(smtp_server):
    send(smtp_server)
    assert smtp_server.wait_for_message().subject == "hi"


def test_in_the_running_loop():
    loop, message = asyncio.run(serve())
    assert loop.__module__ == "uvloop"
    assert message.subject == "hi"


def test_an_async_wait_for_the_fixture(smtp_server):
    async def main():
        await asyncio.to_thread(send, smtp_server)
        return await smtp_server.wait_for_message_async()

    assert asyncio.run(main()).subject == "hi"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_uvloop_as_the_policy(run, pytester):
    pytester.makeconftest(
        "import asyncio\n\nimport uvloop\n\n"
        "asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())\n"
    )
    run(LOOPS).assert_outcomes(passed=3)


def test_debug_mode(run, monkeypatch):
    """Of Python and of asyncio: no warning, and no word on the log."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    result = run(
        """
        import asyncio
        import smtplib
        import sys
        import threading

        import pytest
        from pytest_smtpserver import SMTPServer
        from sending import send


        @pytest.mark.smtp_server(tls="starttls")
        @pytest.mark.parametrize("number", range(2))
        def test_mail(smtp_server, number, caplog):
            assert sys.flags.dev_mode

            async def slow(event):
                # As on a machine that has other things to do.
                threading.Event().wait(0.2)

            smtp_server.on("MAIL").call(slow)
            smtp_server.on("RCPT").call(lambda event: None)
            with smtplib.SMTP(*smtp_server.address, local_hostname="me") as client:
                client.starttls(context=smtp_server.client_context())
                client.sendmail("a@example.org", "b@example.org", "Subject: hi")
            smtp_server.assert_received(times=1)
            names = {record.name for record in caplog.records}
            assert names <= {"pytest_smtpserver", "asyncio"}
            assert [r for r in caplog.records if r.levelname == "WARNING"] == []


        def test_in_the_running_loop():
            async def main():
                async with SMTPServer() as server:
                    await asyncio.to_thread(send, server)
                    return await server.wait_for_message_async()

            assert asyncio.run(main()).subject == "hi"
        """
    )
    result.assert_outcomes(passed=3)
    assert result.errlines == []
