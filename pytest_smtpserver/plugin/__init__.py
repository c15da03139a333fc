"""The plugin: settings, fixtures, and what a test is told of its servers.

Every run with the plugin installed loads this room, so it is light. The first fixture
loads the server, and anyio, trustme, ssl and asyncio with it.
"""

from .configuration import (
    pytest_addoption,
    pytest_configure,
    pytest_load_initial_conftests,
)
from .fixtures import (
    smtp_ca,
    smtp_server,
    smtp_server_factory,
    smtp_server_options,
    smtp_session_server,
    trust_smtp_ca,
)
from .hooks import (
    pytest_assertrepr_compare,
    pytest_enter_pdb,
    pytest_leave_pdb,
    pytest_runtest_call,
    pytest_runtest_makereport,
    pytest_runtest_protocol,
    pytest_terminal_summary,
    pytest_timeout_set_timer,
)

__all__ = (
    "pytest_addoption",
    "pytest_assertrepr_compare",
    "pytest_configure",
    "pytest_enter_pdb",
    "pytest_leave_pdb",
    "pytest_load_initial_conftests",
    "pytest_runtest_call",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_terminal_summary",
    "pytest_timeout_set_timer",
    "smtp_ca",
    "smtp_server",
    "smtp_server_factory",
    "smtp_server_options",
    "smtp_session_server",
    "trust_smtp_ca",
)
