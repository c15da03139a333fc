"""Plugins that run async tests."""

import pytest

ASYNC = """
import asyncio

from sending import send


async def test_sending(smtp_server):
    await asyncio.to_thread(send, smtp_server)
    message = await smtp_server.wait_for_message_async(rcpt_to="b@example.org")
    assert message.subject == "hi"


async def test_a_blocking_wait_is_refused(smtp_server):
    with pytest.raises(RuntimeError, match="wait_for_message_async"):
        smtp_server.wait_for_message()
"""
LOOP = ["-o", "asyncio_default_fixture_loop_scope=function"]


def test_pytest_asyncio_in_auto_mode(run):
    result = run(
        f"import pytest\n{ASYNC}",
        *LOOP,
        "-oasyncio_mode=auto",
        plugins=["pytest_asyncio.plugin"],
    )
    result.assert_outcomes(passed=2)


def test_pytest_asyncio_in_strict_mode(run):
    result = run(
        f"import pytest\npytestmark = pytest.mark.asyncio\n{ASYNC}",
        *LOOP,
        "-oasyncio_mode=strict",
        plugins=["pytest_asyncio.plugin"],
    )
    result.assert_outcomes(passed=2)


def test_pytest_asyncio_with_one_loop_for_the_session(run):
    """And a server in that loop, for all tests."""
    result = run(
        """
        import asyncio

        import pytest
        import pytest_asyncio
        from pytest_smtpserver import SMTPServer
        from sending import send

        pytestmark = pytest.mark.asyncio(loop_scope="session")


        @pytest_asyncio.fixture(loop_scope="session", scope="session")
        async def server():
            async with SMTPServer() as server:
                yield server


        @pytest.mark.parametrize("subject", ["one", "two"])
        async def test_sending(server, subject):
            await asyncio.to_thread(send, server, subject)
            message = await server.wait_for_message_async()
            assert message.subject == subject
        """,
        *LOOP,
        plugins=["pytest_asyncio.plugin"],
    )
    result.assert_outcomes(passed=2)


ANYIO = """
import anyio
import pytest
from pytest_smtpserver import SMTPServer
from sending import send


async def test_the_fixture(smtp_server):
    await anyio.to_thread.run_sync(send, smtp_server)
    assert (await smtp_server.wait_for_message_async()).subject == "hi"


async def test_in_the_running_loop():
    async with SMTPServer() as server:
        await anyio.to_thread.run_sync(send, server)
        assert (await server.wait_for_message_async()).subject == "hi"
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyios_plugin(run, backend):
    fixture = f"""
@pytest.fixture
def anyio_backend():
    return {backend!r}
"""
    result = run(
        f"{ANYIO}\npytestmark = pytest.mark.anyio\n{fixture}",
        plugins=["anyio.pytest_plugin"],
    )
    result.assert_outcomes(passed=2)


def test_pytest_trio(run):
    result = run(
        """
        import pytest
        import trio
        from pytest_smtpserver import SMTPServer
        from sending import send


        @pytest.mark.trio
        async def test_the_fixture(smtp_server):
            await trio.to_thread.run_sync(send, smtp_server)
            assert (await smtp_server.wait_for_message_async()).subject == "hi"


        @pytest.mark.trio
        async def test_in_the_running_loop():
            async with SMTPServer() as server:
                await trio.to_thread.run_sync(send, server)
                assert (await server.wait_for_message_async()).subject == "hi"


        @pytest.mark.trio
        async def test_a_blocking_wait_is_refused(smtp_server):
            with pytest.raises(RuntimeError, match="wait_for_message_async"):
                smtp_server.wait_for_message()
        """,
        plugins=["pytest_trio.plugin"],
    )
    result.assert_outcomes(passed=3)
