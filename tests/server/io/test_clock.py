"""What the test does to time neither stops nor hurries the server."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
import smtplib
import ssl
import sys
import textwrap
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from freezegun import freeze_time

from pytest_smtpserver import MessageNotReceived, SMTPServer
from tests.server.tools import Raw, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The system's clock, which no tool of the tests changes.
real_time = partial(time.clock_gettime, time.CLOCK_MONOTONIC)

_WHEN = dt.datetime(2030, 5, 1, tzinfo=dt.UTC)


def _patch(name: str, stack: ExitStack) -> None:
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setattr(time, name, lambda: 1.0)


def _gevent_like(stack: ExitStack) -> None:
    """Both clocks run backwards."""
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    for name in ("time", "monotonic"):
        real = getattr(time, name)
        patch.setattr(time, name, lambda real=real: -real())


TOOLS: dict[str, Callable[[ExitStack], object]] = {
    "freezegun": lambda stack: stack.enter_context(freeze_time(_WHEN)),
    "freezegun that ticks": lambda stack: stack.enter_context(
        freeze_time(_WHEN, tick=True)
    ),
    "freezegun, auto_tick_seconds": lambda stack: stack.enter_context(
        freeze_time(_WHEN, auto_tick_seconds=900)
    ),
    "freezegun, real_asyncio": lambda stack: stack.enter_context(
        freeze_time(_WHEN, real_asyncio=True)
    ),
    "time-machine": lambda stack: stack.enter_context(
        time_machine.travel(_WHEN, tick=False)
    ),
    "time-machine that ticks": lambda stack: stack.enter_context(
        time_machine.travel(_WHEN)
    ),
    "time.time": partial(_patch, "time"),
    "time.monotonic": partial(_patch, "monotonic"),
    "both backwards": _gevent_like,
}


@pytest.fixture(params=list(TOOLS))
def changed_clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Time is not what it was."""
    with ExitStack() as stack:
        TOOLS[request.param](stack)
        yield


class Stopwatch:
    """Real seconds."""

    def __init__(self) -> None:
        self._started = real_time()

    def shows(self, least: float, most: float = 20.0) -> bool:
        """Whether so many seconds have passed; timers may be early by their grain."""
        return least - 0.01 <= real_time() - self._started <= most


@pytest.mark.usefixtures("changed_clock")
class TestWhateverTheTestDoesToTime:
    """Each of these takes as long as it should."""

    def test_a_delay(self) -> None:
        with SMTPServer() as server:
            server.on("NOOP").delay(0.1).reply(250)
            with Raw(server) as client:
                watch = Stopwatch()
                assert client.say("NOOP").startswith("250")
                assert watch.shows(0.1)

    def test_a_throttle(self) -> None:
        with SMTPServer() as server:
            server.on("NOOP").throttle(200).reply(250, "x" * 40)
            with Raw(server) as client:
                watch = Stopwatch()
                assert client.say("NOOP").startswith("250")
                assert watch.shows(0.1)

    def test_a_greeting_delay_and_the_end_of_silence(self) -> None:
        with SMTPServer(greeting_delay=0.1, idle_timeout=0.2) as server:
            watch = Stopwatch()
            with Raw(server) as client:
                assert watch.shows(0.1)
                assert client.reply().startswith("421")  # RFC 5321 §4.5.3.2.7
                assert watch.shows(0.3)

    def test_waits(self) -> None:
        with SMTPServer() as server:
            server.on("NOOP").hang()
            watch = Stopwatch()
            with pytest.raises(MessageNotReceived):
                server.wait_for_message(timeout=0.1)
            assert watch.shows(0.1)
            with Raw(server) as client:
                client.say("EHLO client.example.org")
                client.say("MAIL FROM:<a@example.org>")
                watch = Stopwatch()
                with pytest.raises(TimeoutError):
                    server.wait_until_idle(timeout=0.1)
                assert watch.shows(0.1)
                client.send(b"NOOP\r\n")
                assert server.settle(timeout=3)

    def test_a_stop(self) -> None:
        with SMTPServer(close_timeout=0.1) as server:
            server.on("NOOP").call(_never)
            with Raw(server) as client:
                client.send(b"NOOP\r\n")
                server.settle(timeout=0.05)
                watch = Stopwatch()
                server.stop()
                assert watch.shows(0.1)

    def test_offsets_of_a_transcript(self) -> None:
        with SMTPServer() as server:
            send(server)
            offsets = [entry.offset for entry in server.sessions[0].transcript]
        assert offsets == sorted(offsets)
        assert offsets[0] >= 0
        assert offsets[-1] < 20

    @pytest.mark.parametrize("trio", [False, True])
    def test_a_wait_in_an_event_loop_for_a_server_of_its_own_thread(
        self, trio: bool
    ) -> None:
        async def wait(server: SMTPServer) -> None:
            watch = Stopwatch()
            with pytest.raises(MessageNotReceived):
                await server.wait_for_message_async(timeout=0.1)
            assert watch.shows(0.1)

        with SMTPServer() as server:
            if trio:
                pytest.importorskip("trio").run(wait, server)
            else:
                asyncio.run(wait(server))


async def _never(event: object) -> None:
    await asyncio.get_running_loop().create_future()


def test_time_that_jumps_ends_no_session_and_no_delay() -> None:
    """An hour that did not pass is no hour of silence."""
    with freeze_time(_WHEN) as frozen, SMTPServer(idle_timeout=60) as server:
        server.on("RSET").delay(0.1).reply(250)
        with Raw(server) as client:
            frozen.tick(3600)
            watch = Stopwatch()
            assert client.say("RSET").startswith("250")
            assert watch.shows(0.1)
        assert server.settle(timeout=3)
        assert server.sessions[0].closed_by == "client"
        assert server.sessions[0].transcript.entries[-1].offset < 20


@freeze_time(_WHEN)
def test_dates_for_people_are_the_tests(smtp_server: SMTPServer) -> None:
    """The server was started by a fixture; the test has its date all the same."""
    send(smtp_server)
    message = smtp_server.wait_for_message()
    assert message.received_at == message.session.connected_at == _WHEN


@pytest.mark.usefixtures("smtp_ca")  # cryptography is first used with the real date
@pytest.mark.parametrize("year", [1990, 2030, 2999])
@pytest.mark.parametrize(
    ("certificate", "problem"),
    [("valid", ""), ("expired", "expired"), ("not_yet_valid", "not yet valid")],
)
def test_certificates_go_by_the_real_date(
    year: int, certificate: Any, problem: str
) -> None:
    """OpenSSL asks the system, and not the test."""
    with (
        freeze_time(dt.datetime(year, 6, 1, tzinfo=dt.UTC)),
        SMTPServer(tls="implicit", certificate=certificate) as server,
    ):
        context = server.client_context()
        with ExitStack() as stack:
            if problem:
                stack.enter_context(
                    pytest.raises(ssl.SSLCertVerificationError, match=problem)
                )
            smtplib.SMTP_SSL(*server.address, context=context, timeout=10).close()


def test_a_server_of_a_frozen_loop_that_lets_asyncio_go_on() -> None:
    """freezegun's `real_asyncio` is what a loop of the test's own needs."""

    async def main() -> None:
        async with SMTPServer() as server:
            server.on("NOOP").delay(0.1).reply(250)
            with freeze_time(_WHEN, real_asyncio=True):
                reader, writer = await asyncio.open_connection(*server.address)
                await reader.readline()
                watch = Stopwatch()
                writer.write(b"NOOP\r\n")
                assert (await reader.readline()).startswith(b"250")
                assert watch.shows(0.1)
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())


def test_a_plugin_that_is_loaded_while_time_stands(pytester: pytest.Pytester) -> None:
    """And without uvloop, which cannot be imported: asyncio's own loop serves."""
    shadow = pytester.mkpydir("uvloop")
    (shadow / "__init__.py").write_text("raise ImportError('for another Python')")
    pytester.makepyfile(
        textwrap.dedent(
            """
            import time
            from freezegun import freeze_time

            def test_delays_and_waits():
                with freeze_time("2030-01-01"):
                    import smtplib
                    from pytest_smtpserver import MessageNotReceived, SMTPServer
                    with SMTPServer(idle_timeout=0.8) as server:
                        server.on("NOOP").delay(0.1)
                        client = smtplib.SMTP(*server.address, "me", timeout=10)
                        started = time.clock_gettime(time.CLOCK_MONOTONIC)
                        assert client.noop()[0] == 250
                        took = time.clock_gettime(time.CLOCK_MONOTONIC) - started
                        assert 0.09 <= took < 20, took
                        assert client.getreply()[0] == 421
                        client.close()
                        try:
                            server.wait_for_message(timeout=0.1)
                        except MessageNotReceived:
                            pass
                        else:
                            raise AssertionError
            """
        )
    )
    result = pytester.run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", timeout=40
    )
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("ready", [False, True])
def test_a_first_certificate_of_a_frozen_clock(
    pytester: pytest.Pytester, ready: bool
) -> None:
    """cryptography holds on to the datetime that it sees first; what to do is said."""
    outcome = (
        "SMTPServer(tls='implicit').start().stop()"
        if ready
        else "pytest.raises(RuntimeError, SMTPServer(tls='implicit').start)"
        ".match('request the fixture smtp_ca')"
    )
    pytester.makepyfile(
        f"""
        import pytest
        from freezegun import freeze_time
        from pytest_smtpserver import SMTPServer

        def test_it({"smtp_ca" if ready else ""}):
            with freeze_time("2030-01-01"):
                {outcome}
        """
    )
    result = pytester.runpytest_subprocess("-q", timeout=40)
    result.assert_outcomes(passed=1)


def test_no_clock_is_the_tests() -> None:
    """The module's own clock is the system's, to a fraction of a second."""
    from pytest_smtpserver.server.io import clock

    with freeze_time(_WHEN):
        assert math.isclose(clock.monotonic(), real_time(), abs_tol=0.5)
