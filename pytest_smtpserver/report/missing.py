"""Jinja2, which only those install who want the page."""

from __future__ import annotations

import importlib
from typing import Any

HOW = "pip install 'pytest-smtpserver[report]'"


class NotInstalledError(ImportError):
    """Jinja2 is not installed; the text says how to install it."""


def jinja2() -> Any:
    """The module.

    Raises:
        NotInstalledError: it is not there.
    """
    try:
        return importlib.import_module("jinja2")
    except ImportError as error:
        raise NotInstalledError(f"the report needs Jinja2: {HOW}") from error
