"""SMTP test servers for pytest: recorded mail, scripted replies, real certificates.

Each public name is loaded when it is first used, so that pytest can load the plugin
without loading the server.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_smtpserver.mail.attachment import Attachment
    from pytest_smtpserver.mail.content.fields.headers import Headers
    from pytest_smtpserver.mail.delivery.signatures import DKIMKey, DKIMResult
    from pytest_smtpserver.mail.lint.findings import Advice, Violation
    from pytest_smtpserver.mail.lint.violations import ProtocolViolated
    from pytest_smtpserver.mail.mailbox import Messages
    from pytest_smtpserver.mail.message import ReceivedMessage, SessionRecord
    from pytest_smtpserver.mail.outcomes import AuthAttempt, TLSInfo, Undelivered
    from pytest_smtpserver.mail.report import Report
    from pytest_smtpserver.mail.search.matching import containing
    from pytest_smtpserver.mail.search.waiting import MessageNotReceived
    from pytest_smtpserver.mail.transcript import Transcript
    from pytest_smtpserver.plugin.fixtures import SMTPServerFactory
    from pytest_smtpserver.protocol.syntax.addresses import Address
    from pytest_smtpserver.protocol.syntax.commands import Command
    from pytest_smtpserver.protocol.syntax.envelope import Envelope
    from pytest_smtpserver.protocol.syntax.replies import Reply
    from pytest_smtpserver.script.event import Event
    from pytest_smtpserver.script.rules import Rule, RuleCall, RuleNotUsed
    from pytest_smtpserver.server.options.typed import ServerOptions
    from pytest_smtpserver.server.server import SMTPServer

__all__ = (
    "Address",
    "Advice",
    "Attachment",
    "AuthAttempt",
    "Command",
    "DKIMKey",
    "DKIMResult",
    "Envelope",
    "Event",
    "Headers",
    "MessageNotReceived",
    "Messages",
    "ProtocolViolated",
    "ReceivedMessage",
    "Reply",
    "Report",
    "Rule",
    "RuleCall",
    "RuleNotUsed",
    "SMTPServer",
    "SMTPServerFactory",
    "ServerOptions",
    "SessionRecord",
    "TLSInfo",
    "Transcript",
    "Undelivered",
    "Violation",
    "containing",
)

_WHERE = {
    "mail.delivery.signatures": ("DKIMKey", "DKIMResult"),
    "mail.content.fields.headers": ("Headers",),
    "mail.lint.findings": ("Advice", "Violation"),
    "mail.mailbox": ("Messages",),
    "mail.report": ("Report",),
    "mail.search.matching": ("containing",),
    "mail.attachment": ("Attachment",),
    "mail.message": ("ReceivedMessage", "SessionRecord"),
    "mail.outcomes": ("AuthAttempt", "TLSInfo", "Undelivered"),
    "mail.transcript": ("Transcript",),
    "mail.lint.violations": ("ProtocolViolated",),
    "mail.search.waiting": ("MessageNotReceived",),
    "protocol.syntax.addresses": ("Address",),
    "protocol.syntax.commands": ("Command",),
    "protocol.syntax.envelope": ("Envelope",),
    "protocol.syntax.replies": ("Reply",),
    "script.event": ("Event",),
    "script.rules": ("Rule", "RuleCall", "RuleNotUsed"),
    "server.options.typed": ("ServerOptions",),
    "plugin.fixtures": ("SMTPServerFactory",),
    "server.server": ("SMTPServer",),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin's hooks and fixtures, which are in a module of their own.

    pytest calls this as soon as it has this package, by whatever way (entry point, -p, a
    conftest). ``pytest_plugins`` would do the same, and make pytest look through all
    that is installed once more.
    """
    name = f"{__name__}.plugin"
    if not pluginmanager.has_plugin(name):
        from .later import plain_modules  # noqa: PLC0415 - programs need no pytest

        with plain_modules():
            plugin = importlib.import_module(name)
        pluginmanager.register(plugin, name)


def __getattr__(name: str) -> object:
    if name == "personas":
        return importlib.import_module(f"{__name__}.personas")
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not kept in the module's globals: pytest looks at every name it finds in there.
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    # pytest looks for fixtures behind each name that it finds in a plugin, which would
    # load all of them.
    asks = sys._getframe(1).f_globals.get("__name__", "")
    lazy = () if asks.startswith("_pytest.") else (*__all__, "personas")
    # What is imported here is nobody's but ours; hooks are there for pluggy to find.
    own = (name for name in globals() if name.startswith(("_", "pytest_")))
    return sorted({*own, *lazy})
